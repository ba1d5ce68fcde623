"""Anybody's log of rewards as one table: our journals, LIMR's steps, verl, TRL, or any table.

log = read_rewards("runs/mine/completions")
scores = offline_scores(log.curves())
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.log_tables import (
    SUFFIXES,
    Progress,
    Table,
    column_names,
    parquet_numbers,
    parquet_table,
    read_columns,
)
from lessonplan.curricula.told import told_groups
from lessonplan.errors import ConfigError, FormatError
from lessonplan.selection.epoch_curves import Curves, coded_curves
from lessonplan.selection.offline import Compat
from lessonplan.selection.success import SOLVED, Success

Format: TypeAlias = Literal["auto", "journal", "limr", "verl", "trl", "table", "scores"]
Watch: TypeAlias = Callable[[int, int], None]  # bytes read so far, of how many
Ints: TypeAlias = NDArray[np.int64]

LIMR_STEPS_PER_EPOCH = 8  # arXiv 2502.11886: 21 epochs of 8 steps
STEP_FILE = re.compile(r"step_([0-9]{1,9})\.json")
TRL_FILE = re.compile(r"completions_([0-9]{1,9})\.parquet")
VERL_FILE = re.compile(r"([0-9]{1,9})\.jsonl")
TRL_COLUMNS = frozenset(("step", "prompt", "completion", "advantage"))
VERL_COLUMNS = frozenset(("input", "output", "score", "step"))

# Columns of a table that are looked for, in order of preference; two of one line are a question.
KEYS = (("problem_id", "prompt_id", "question_id"), ("id",), ("prompt", "question", "problem"))
REWARDS = (("rewards", "reward"), ("score", "correct", "is_correct", "acc", "accuracy"))
STEPS = (("step", "global_step"),)
EPOCHS = (("epoch",),)


@dataclass(frozen=True, slots=True)
class RewardLog:
    """R rollouts of P problems, in the order in which they were logged."""

    keys: tuple[str, ...]  # (P,) what the log calls each problem: an id, or its prompt
    problems: Ints  # (R,) 0..P-1
    steps: Ints  # (R,) as the log counts them; its rows where it does not
    epochs: Ints  # (R,) of the log, or which visit of its problem this was
    rewards: NDArray[np.float64]  # (R,) raw, NaN where a rollout could not be scored
    format: Format
    n_epochs: int | None  # how many there were, if the log counts them itself
    timed: bool  # whether the log tells one visit of a problem from the next
    notes: tuple[str, ...] = ()  # what was decided or left out, in words

    def curves(self, *, success: Success = SOLVED) -> Curves:
        """Every problem's success rate over the epochs."""
        return coded_curves(
            self.keys,
            self.problems,
            self.epochs,
            self.rewards[:, None],
            success=success,
            n_epochs=self.n_epochs,
        )


def read_rewards(
    *paths: str | os.PathLike[str],
    format: Format = "auto",
    key: str | None = None,
    reward: str | Sequence[str] | None = None,
    step: str | None = None,
    epoch: str | None = None,
    steps_per_epoch: int | None = None,
    compat: Compat = "paper",
    watch: Watch | None = None,
) -> RewardLog:
    """Read the log of one run: files, or folders of files.

    "journal": ours. "limr": step_1.json to step_N.json, lists of prompt and reward; 8 steps are
    an epoch, and a last one that is not whole is left out. "verl": its rollout dumps (input,
    score, step). "trl": its tables of completions. "table": JSON Lines, JSON, CSV or parquet with
    a row for each rollout, or for each group with a list of rewards.

    `key`, `reward`, `step`, `epoch` name other columns, with dots into nested ones; several
    rewards are added up, null counting nothing. Unless a log has epochs, or `steps_per_epoch`
    says how long one is, a problem's k-th visit counts as its epoch k. Keys are stripped of
    space around them; compat="released" does it as LIMR's script, on look-up alone: a spaced
    prompt without its stripped twin is an error.

    Raises FormatError, naming file and line, for whatever cannot be read, ConfigError for columns
    that are missing or fit twice.
    """
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise ConfigError(f"steps_per_epoch must be at least 1, got {steps_per_epoch!r}")
    files = _files(paths)
    kind = _format(files) if format == "auto" else format
    if kind == "scores":
        raise ConfigError('format "scores" holds no rewards: use read_scores')
    if kind in ("limr", "journal") and step is not None:
        raise ConfigError(f'a log of format "{kind}" counts its steps itself; step is {step!r}')
    building = _Builder(kind, compat)
    if kind == "journal":
        for file in files:
            building.add_journal(file)
        if len(files) > 1:
            building.notes.append(f"{len(files)} journals read one after another, as one run")
        return building.finish(steps_per_epoch)
    if kind == "limr":
        files = _in_order(files, STEP_FILE)
        steps_per_epoch = steps_per_epoch or LIMR_STEPS_PER_EPOCH
    elif kind == "trl":
        files = _in_order(files, TRL_FILE, gapless=False)
    elif kind == "verl":
        files = _in_order(files, VERL_FILE, gapless=False)
    columns = _columns(kind, files[0], key, reward, step, epoch, steps_per_epoch, building.notes)
    sizes = [file.stat().st_size for file in files]
    done = 0
    for file, size in zip(files, sizes, strict=True):
        building.add_table(file, columns, _watching(watch, done, sum(sizes)))
        done += size
        if watch is not None:
            watch(done, sum(sizes))
    return building.finish(steps_per_epoch)


def read_scores(
    path: str | os.PathLike[str], *, key: str | None = None, score: str = "score"
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Keys (P,) and scores (P,) of a table of scores, such as LIMR's released scores.json."""
    file = Path(path)
    names = column_names(file)
    key = key or _guess("key", KEYS, names, file)
    table = read_columns(file, [key, score])
    keys = table.names(key)
    scores = table.numbers(score)
    first = dict[str, int]()
    earlier = np.array([first.setdefault(one, row) for row, one in enumerate(keys)], np.int64)
    differs = ~np.isclose(scores, scores[earlier], rtol=0, atol=0, equal_nan=True)
    if differs.any():
        row = int(np.argmax(differs))
        raise table.fault(row, "has another score than an earlier row of the same problem")
    return tuple(keys), scores


# -- which files, which format ------------------------------------------------------------------


def _files(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    files: list[Path] = []
    for given in map(Path, paths):
        if not given.is_dir():
            files.append(given)
            continue
        inside = _readable(given)
        for name in ("completions", "journals"):  # of a TRL output folder, of a study of ours
            inside = inside or (_readable(given / name) if (given / name).is_dir() else [])
        if not inside:
            raise FormatError(f"{given}: no file in it ends in {', '.join(SUFFIXES)}")
        if inside[0].parent.name == "journals" and len(inside) > 1:
            raise ConfigError(
                f"{given}: {len(inside)} journals, each of another run; give one of them, such "
                f"as {inside[0]}"
            )
        files += inside
    if not files:
        raise ConfigError("no log given: name files, or a folder of them")
    return files


def _readable(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES)


def _format(files: list[Path]) -> Format:
    """What the first file is, by its name and columns."""
    first = files[0]
    if STEP_FILE.fullmatch(first.name):
        return "limr"
    names = set(column_names(first))
    if first.suffix == ".parquet" and names >= TRL_COLUMNS:
        return "trl"
    if first.suffix == ".jsonl" and names >= {"seq", "event", "crc"}:
        return "journal"
    if first.suffix == ".jsonl" and names >= VERL_COLUMNS:
        return "verl"
    return "table"


def _in_order(files: list[Path], pattern: re.Pattern[str], *, gapless: bool = True) -> list[Path]:
    """Files by the number in their names. Raises FormatError when one of 1 to the last lacks."""
    numbered: dict[int, Path] = {}
    for file in files:
        found = pattern.fullmatch(file.name)
        if found is None:
            if not gapless:
                return files  # renamed or joined by hand: as given
            raise FormatError(f"{file}: step files are called step_1.json, step_2.json, ...")
        if int(found[1]) in numbered:
            raise ConfigError(f"{file} and {numbered[int(found[1])]} are the same step")
        numbered[int(found[1])] = file
    if gapless:
        lacking = set(range(1, len(numbered) + 1)) - set(numbered)
        if lacking:
            folder = files[0].parent
            raise FormatError(
                f"{folder}: step_{min(lacking)}.json is missing; there are {len(numbered)} step "
                f"files up to step_{max(numbered)}.json"
            )
    return [numbered[number] for number in sorted(numbered)]


# -- which columns ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    key: str
    rewards: tuple[str, ...]
    step: str | None
    epoch: str | None

    def names(self) -> list[str]:
        every = (self.key, *self.rewards, self.step, self.epoch)
        return list(dict.fromkeys(name for name in every if name is not None))


def _columns(
    kind: Format,
    first: Path,
    key: str | None,
    reward: str | Sequence[str] | None,
    step: str | None,
    epoch: str | None,
    steps_per_epoch: int | None,
    notes: list[str],
) -> _Columns:
    rewards = (reward,) if isinstance(reward, str) else tuple(reward or ())
    if kind == "limr":
        return _Columns(key or "prompt", rewards or ("reward",), step, epoch)
    if kind == "verl":
        return _Columns(key or "input", rewards or ("score",), step or "step", epoch)
    if kind == "trl":
        rewards = rewards or (_trl_reward(first),)
        return _Columns(key or "prompt", rewards, step or "step", epoch)
    names = column_names(first)
    if epoch is None and steps_per_epoch is None:  # what was said goes before what is guessed
        epoch = _guess("epoch", EPOCHS, names, first, needed=False) or None
    columns = _Columns(
        key or _guess("key", KEYS, names, first),
        rewards or (_guess("reward", REWARDS, names, first),),
        step or _guess("step", STEPS, names, first, needed=False) or None,
        epoch,
    )
    said = {"key": columns.key, "reward": " + ".join(columns.rewards)}
    said |= {"step": columns.step or "none", "epoch": columns.epoch or "none"}
    notes.append("columns: " + ", ".join(f"{role} {name}" for role, name in said.items()))
    return columns


def _guess(
    role: str,
    known: Sequence[Sequence[str]],
    names: Sequence[str],
    file: Path,
    *,
    needed: bool = True,
) -> str:
    """The column of a role: the only one of the first line of known names that has any."""
    for line in known:
        fits = [name for name in line if name in names]
        if len(fits) > 1:
            shown = " or ".join(f'"{name}"' for name in fits)
            raise ConfigError(f"{file}: {role} could be {shown}; choose with {role}= (--{role})")
        if fits:
            return fits[0]
    if needed:
        shown = ", ".join(f'"{name}"' for name in names[:12])
        raise ConfigError(f"{file}: no {role} column among {shown}; choose with {role}= (--{role})")
    return ""


def _trl_reward(first: Path) -> str:
    """The reward of a TRL table: the one column of numbers that is neither of the fixed ones."""
    fits = [
        name
        for name in parquet_numbers(first)
        if name not in TRL_COLUMNS and not name.startswith("__index_level")
    ]
    if len(fits) == 1:
        return fits[0]
    shown = ", ".join(f'"{name}"' for name in fits) or "nothing"
    raise ConfigError(
        f"{first}: the reward could be {shown}; choose with reward= (--reward), several are added"
    )


# -- from files to one table --------------------------------------------------------------------


class _Builder:
    """Gathers the rollouts of file after file; problems get numbers as they appear."""

    def __init__(self, kind: Format, compat: Compat) -> None:
        self.kind, self.compat = kind, compat
        self.numbers: dict[str, int] = {}  # key -> number
        self.problems: list[Ints] = []
        self.steps: list[Ints] = []
        self.epochs: list[Ints] = []  # empty unless the log has them
        self.times: list[Ints] = []  # what tells visits apart
        self.rewards: list[NDArray[np.float64]] = []
        self.notes: list[str] = []
        self.files = self.rows = 0
        self.timed = True
        self.last: object = None  # the latest TRL table, without its steps

    def add(
        self, keys: Sequence[str], rows: Ints, rewards: NDArray[np.float64], steps: Ints
    ) -> None:
        """Rollouts (r,): the row of each, and for every row its key and step."""
        for one in dict.fromkeys(keys):
            self.numbers.setdefault(one, len(self.numbers))
        codes = np.fromiter(map(self.numbers.__getitem__, keys), np.int64, len(keys))
        self.problems.append(codes[rows])
        self.steps.append(steps[rows])
        self.rewards.append(rewards)

    def add_journal(self, file: Path) -> None:
        told = told_groups(file)
        groups, width = told.rewards.shape
        rows = np.repeat(np.arange(groups), width)
        self.add(told.ids, rows, told.rewards.ravel(), told.steps)
        self.times.append(rows + self.rows)  # every group is a visit
        self.rows += groups

    def add_table(self, file: Path, columns: _Columns, progress: Progress | None) -> None:
        if self.kind == "trl" and self._repeats(file):
            return
        self.files += 1
        table = read_columns(file, columns.names(), progress)
        if table.torn:
            self.notes.append(
                f"{file.name}: left out the last {table.torn} bytes (unfinished write)"
            )
        keys = table.names(columns.key)
        rewards, rows = _summed(table, columns.rewards)
        listed = len(rows) != len(keys) or list in set(map(type, table.columns[columns.rewards[0]]))
        place = np.arange(len(keys)) + self.rows  # (rows of the file,)
        self.rows += len(keys)
        steps = place
        if columns.step:
            steps = table.integers(columns.step)
        elif self.kind == "limr":
            steps = np.full(len(keys), int(STEP_FILE.fullmatch(file.name)[1]))  # type: ignore[index]
        elif not columns.epoch and not listed:
            self.timed = False
        self.add(keys, rows, rewards, steps)
        self.times.append((steps if not listed or columns.step else place)[rows])
        if columns.epoch:
            self.epochs.append(table.integers(columns.epoch)[rows])

    def _repeats(self, file: Path) -> bool:
        """Whether TRL wrote the same generation again, as it does at every step that reuses it."""
        table = parquet_table(file)
        table = table.drop_columns(["step"]) if "step" in table.column_names else table
        before, self.last = self.last, table
        if before is not None and table.equals(before):
            self.notes.append(f"{file.name}: the same completions as the file before; left out")
            return True
        return False

    def finish(self, steps_per_epoch: int | None) -> RewardLog:
        if not self.problems or not sum(map(len, self.problems)):
            raise FormatError(f"no rewards in this log (read as {self.kind})")
        keys, number = self._stripped()
        problems = number[np.concatenate(self.problems)]  # (R,)
        steps = np.concatenate(self.steps)
        rewards = np.concatenate(self.rewards)
        whole = np.ones(len(steps), np.bool_)
        n_epochs = None
        if self.epochs:
            epochs = np.concatenate(self.epochs)
        elif steps_per_epoch is not None:
            start = 1 if self.kind == "limr" else int(steps.min())
            epochs = (steps - start) // steps_per_epoch
            if self.kind == "limr":  # its files number the steps, a file without rows too
                n_epochs = self._whole_epochs(steps_per_epoch)
                whole = epochs < n_epochs
        else:
            epochs = _visits(problems, np.concatenate(self.times))
            self.notes.append("epoch k of a problem is its k-th visit")
        unscored = int(np.count_nonzero(np.isnan(rewards))) if self.kind != "journal" else 0
        if unscored:
            self.notes.append(f"{unscored} rollouts could not be scored")
        return RewardLog(
            keys,
            problems[whole],
            steps[whole],
            epochs[whole],
            rewards[whole],
            self.kind,
            n_epochs,
            self.timed,
            tuple(self.notes),
        )

    def _whole_epochs(self, steps_per_epoch: int) -> int:
        """How many epochs the step files hold; the begun last one counts if it is the only one."""
        n_epochs, rest = divmod(self.files, steps_per_epoch)
        if rest and n_epochs:
            self.notes.append(
                f"steps {self.files - rest + 1} to {self.files} are no whole epoch of "
                f"{steps_per_epoch}; left out"
            )
        elif rest and self.compat == "released":
            raise FormatError(
                f"{self.files} step files are no whole epoch of {steps_per_epoch}; the released "
                "script needs one"
            )
        return max(1, n_epochs)

    def _stripped(self) -> tuple[tuple[str, ...], Ints]:
        """The final keys (P,), and which of them every key so far is."""
        if self.compat == "released":
            for key in self.numbers:
                if key.strip() not in self.numbers:
                    raise FormatError(
                        f"the prompt {key[:60]!r} has space around it and never comes without: "
                        'the released script ends here with a KeyError; compat="paper" strips'
                    )
            final = dict(self.numbers)
        else:
            final = {}
            for key in self.numbers:
                final.setdefault(key.strip(), len(final))
            if len(final) < len(self.numbers):
                more = len(self.numbers) - len(final)
                self.notes.append(f"{more} keys differ from others by space alone; joined")
        number = np.array([final[key.strip()] for key in self.numbers], np.int64)
        return tuple(final), number


def _visits(problems: Ints, times: Ints) -> Ints:
    """(R,) how many earlier times the same problem has: 0 at its first."""
    distinct, when = np.unique(times, return_inverse=True)
    pairs, place = np.unique(problems * len(distinct) + when, return_inverse=True)
    owner = pairs // len(distinct)  # ascending
    firsts = np.flatnonzero(np.diff(owner, prepend=-1))
    runs = np.diff(firsts, append=len(owner))
    visit = np.arange(len(owner)) - np.repeat(firsts, runs)
    return np.asarray(visit[place], np.int64)


def _summed(table: Table, names: Sequence[str]) -> tuple[NDArray[np.float64], Ints]:
    """Rewards (r,) added over columns, and the row of each; NaN where all of them are null."""
    total, rows = table.groups(names[0])
    for name in names[1:]:
        more, other = table.groups(name)
        if not np.array_equal(rows, other):
            raise FormatError(f"{table.path}: {names[0]} and {name} differ in length")
        both = np.where(np.isnan(total), 0, total) + np.where(np.isnan(more), 0, more)
        total = np.where(np.isnan(total) & np.isnan(more), np.nan, both)
    return total, rows


def _watching(watch: Watch | None, done: int, total: int) -> Progress | None:
    return None if watch is None else lambda here: watch(done + here, total)
