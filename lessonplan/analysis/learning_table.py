"""One tidy table of what runs reached and what it cost, whatever log it came from.

A row is one measurement: a run, a step, a split, a level. What a log does not say is NaN, or "" in
a column of texts, and `lacking` names it: nothing is filled in.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.runs import Floats, Ints, Run

Texts: TypeAlias = NDArray[np.str_]
Row: TypeAlias = dict[str, str | float]

TEXTS = ("run", "sampler", "start", "split", "decode")
NUMBERS = ("n", "seed", "step", "level", "accuracy", "items", "rollouts", "tokens", "seconds")


@dataclass(frozen=True, slots=True)
class RunLabels:
    """What a foreign log does not say about its run."""

    run: str = ""
    sampler: str = ""
    n: float = np.nan
    start: str = ""
    seed: float = np.nan

    def named(self, run: str) -> "RunLabels":
        """The same with a name for the run, unless it has one."""
        return self if self.run else replace(self, run=run)


UNLABELED = RunLabels()


@dataclass(frozen=True, slots=True)
class LearningTable:
    """R measurements of one or more runs.

    `step` counts optimizer steps done. A row of split "train" is of the completions that were
    generated for that step, so by the policy before it; all other rows are of the policy after it.
    `rollouts`, `tokens` and `seconds` are what training had cost up to and with that step.
    """

    run: Texts  # (R,)
    sampler: Texts  # (R,)
    n: Floats  # (R,) unique problems of the training set
    start: Texts  # (R,) name of the warm start
    seed: Floats  # (R,)
    split: Texts  # (R,) "train", "validation", "test", or as the log calls it
    decode: Texts  # (R,) "greedy" or "sample"
    step: Floats  # (R,)
    level: Floats  # (R,) NaN: all levels, or a log without levels
    accuracy: Floats  # (R,) share of right answers, 0 to 1
    items: Floats  # (R,) problems of an evaluation, scored completions of a training step
    rollouts: Floats  # (R,) completions generated
    tokens: Floats  # (R,) tokens generated
    seconds: Floats  # (R,)
    notes: tuple[str, ...] = ()  # what was decided or left out, in words

    def __len__(self) -> int:
        return len(self.step)

    @property
    def lacking(self) -> dict[str, int]:
        """Columns that miss something, and in how many rows."""
        missing = {
            name: int(np.sum(self.column(name) == ""))
            if name in TEXTS
            else int(np.isnan(self.column(name)).sum())
            for name in (one.name for one in fields(self) if one.name != "notes")
        }
        return {name: count for name, count in missing.items() if count}

    def column(self, name: str) -> NDArray[np.generic]:  # (R,)
        """One column by its name."""
        found: NDArray[np.generic] = getattr(self, name)
        return found

    def take(self, rows: NDArray[np.generic]) -> "LearningTable":
        """Some rows, by number or by a mask (R,)."""
        return replace(self, **{name: self.column(name)[rows] for name in (*TEXTS, *NUMBERS)})

    def pooled(self) -> "LearningTable":
        """One row for all levels of a measurement, each counted by its items."""
        keys = ("run", "split", "decode", "step", "sampler", "n", "start", "seed")
        coded = [np.unique(self.column(name), return_inverse=True)[1] for name in keys]
        _, first, group = np.unique(
            np.stack(coded, axis=1), axis=0, return_index=True, return_inverse=True
        )
        group = group.ravel()  # (R,)
        items: Floats = np.bincount(group, weights=self.items).astype(np.float64)
        right = np.bincount(group, weights=self.items * self.accuracy)
        alone = np.bincount(group) == 1  # such a row need not say how many items it has
        with np.errstate(invalid="ignore", divide="ignore"):
            accuracy = np.where(alone, self.accuracy[first], right / items)
        found = replace(
            self.take(first), accuracy=accuracy, items=items, level=np.full(len(first), np.nan)
        )
        return found.take(np.argsort(first))

    def last(self) -> "LearningTable":
        """The rows of the last step of every run and split."""
        who = [f"{a}\0{b}\0{c}" for a, b, c in zip(self.run, self.split, self.decode, strict=True)]
        _, code = np.unique(np.array(who, dtype=np.str_), return_inverse=True)
        latest = np.full(code.max(initial=-1) + 1, -np.inf)
        np.fmax.at(latest, code, self.step)
        return self.take(np.isnan(self.step) | (self.step == latest[code]))

    def rows(self) -> list[Row]:
        """Rows as dictionaries, for tables and files."""
        columns = {
            one.name: self.column(one.name).tolist() for one in fields(self) if one.name != "notes"
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def write_csv(self, path: str | Path) -> None:
        """Write all rows; an empty cell is a value that is missing."""
        rows = self.rows()
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            names = [one.name for one in fields(self) if one.name != "notes"]
            writer.writerow(names)
            for row in rows:
                writer.writerow(["" if row[name] != row[name] else row[name] for name in names])


def make_table(
    labels: RunLabels,
    columns: Mapping[str, Sequence[float] | Sequence[str] | NDArray[np.generic]],
    notes: Sequence[str] = (),
) -> LearningTable:
    """A table from some columns of one length; labels and NaN stand for the others."""
    size = len(next(iter(columns.values())))
    given: dict[str, NDArray[np.generic]] = {}
    for name in TEXTS:
        value = columns.get(name, [getattr(labels, name, "")] * size)
        given[name] = np.array(value, dtype=np.str_)
    for name in NUMBERS:
        value = columns.get(name, [getattr(labels, name, np.nan)] * size)
        given[name] = np.array(value, dtype=np.float64)
    return LearningTable(**given, notes=tuple(notes))  # type: ignore[arg-type]


def join_tables(tables: Sequence[LearningTable]) -> LearningTable:
    """All rows of several tables."""
    if not tables:
        return make_table(RunLabels(), {"step": []})
    columns = {
        name: np.concatenate([one.column(name) for one in tables]) for name in (*TEXTS, *NUMBERS)
    }
    notes = dict.fromkeys(note for one in tables for note in one.notes)
    return LearningTable(**columns, notes=tuple(notes))


def rollout_table(
    labels: RunLabels,
    steps: Ints,  # (R,) of each completion
    wins: Floats,  # (R,) 1, 0, or NaN where a completion could not be scored
    *,
    split: str,
    levels: Floats | None = None,  # (R,)
    notes: Sequence[str] = (),
) -> LearningTable:
    """A row for every step (and level) of a log that holds single completions.

    In training, rollouts are added up over the steps, if none between the first and the last is
    missing and the first is step 1; else they are not known.
    """
    levels = np.full(len(steps), np.nan) if levels is None else levels
    names, code = np.unique(levels, return_inverse=True)  # NaN is one of the levels
    keys, group = np.unique(np.stack([steps, code]), axis=1, return_inverse=True)  # (2, K)
    group = group.ravel()
    scored = np.isfinite(wins)
    items = np.bincount(group, weights=scored)
    with np.errstate(invalid="ignore"):
        accuracy = np.bincount(group, weights=np.where(scored, wins, 0.0)) / items
    notes = list(notes)
    columns: dict[str, NDArray[np.generic]] = {
        "step": keys[0],
        "level": names[keys[1]],
        "accuracy": accuracy,
        "items": items,
        "split": np.full(keys.shape[1], split),
    }
    known, counts = np.unique(steps, return_counts=True)
    if split == "train" and len(known):
        if known[0] == 1 and len(known) == known[-1]:
            spent = np.cumsum(counts)
            columns["rollouts"] = spent[np.searchsorted(known, keys[0])]
        else:
            notes.append(
                f"rollouts are not known: the log holds {len(known)} of the steps 1 to {known[-1]}"
            )
    return make_table(labels, columns, notes)


def run_table(run: Run) -> LearningTable:
    """What a journal says: each training step and each evaluation, by level.

    The supervised control has "sft" for a sampler; the model before training has none and n = 0.
    """
    info = run.info
    sampler = info.kind if info.kind == "sft" else info.sampler
    labels = RunLabels(info.id, sampler, float(info.n), info.start, float(info.seed))
    groups = run.groups
    told = groups.rollouts > 0
    wins = groups.rewards[told]  # (g, G)
    wins = np.where(np.isfinite(wins), wins >= 1.0, np.nan)
    there = np.arange(wins.shape[1]) < groups.rollouts[told][:, None]  # (g, G)
    step = np.broadcast_to(groups.step[told][:, None] + 1, wins.shape)[there]
    level = np.broadcast_to(groups.level[told][:, None], wins.shape)[there]
    tables = [rollout_table(labels, step, wins[there], split="train", levels=level.astype(float))]
    for e in run.evals:
        levels, code = np.unique(run.items[e.split].levels, return_inverse=True)
        items = np.bincount(code)
        columns: dict[str, NDArray[np.generic]] = {
            "step": np.full(len(levels), e.step),
            "level": levels,
            "accuracy": np.bincount(code, weights=e.correct) / (items * e.samples),
            "items": items,
            "split": np.full(len(levels), e.split),
            "decode": np.full(len(levels), e.decode),
        }
        tables.append(make_table(labels, columns))
    table = join_tables([replace(one, notes=()) for one in tables])
    order = np.argsort(run.steps.step, kind="stable")
    done = run.steps.step[order]
    upto = np.searchsorted(done, table.step, side="right")  # (R,) steps done by then
    spent = {
        "rollouts": run.steps.rollouts,
        "tokens": run.steps.tokens,
        "seconds": sum(run.steps.seconds.values(), np.zeros(len(done))),
    }
    sums = {
        name: np.concatenate([[0.0], np.cumsum(value[order])])[upto]
        for name, value in spent.items()
    }
    return replace(table, **sums, notes=run.repairs)
