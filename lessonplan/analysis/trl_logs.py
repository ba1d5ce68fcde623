"""Read what a TRL trainer leaves: trainer_state.json, or its tables of completions."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from lessonplan.analysis.learning_table import UNLABELED, LearningTable, RunLabels, rollout_table
from lessonplan.analysis.metric_logs import MetricLog, gathered, metric_table
from lessonplan.analysis.raw_tables import (
    as_number,
    json_items,
    parquet_columns,
    read_raw,
    read_whole,
)
from lessonplan.errors import ConfigError, FormatError

STATE = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-([0-9]{1,12})")
COMPLETIONS = re.compile(r"completions_([0-9]{1,12})\.parquet")
FIXED = ("step", "prompt", "completion", "advantage")  # of a table of completions


def read_trl(
    path: str | Path,
    *,
    what: Literal["auto", "history", "completions"] = "auto",
    labels: RunLabels = UNLABELED,
    accuracy: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
    reward: str | None = None,
    success: float = 1.0,
) -> LearningTable:
    """Read one run of TRL's GRPO or RLOO trainer (1.16), from its output folder or a file of it.

    "history" is `log_history` of trainer_state.json (the latest checkpoint's, in a folder): mean
    rewards as accuracies of "train" and "eval". It knows no rollouts; its `num_tokens` counts
    prompts too, so tokens are missing unless `costs={"tokens": "num_tokens"}` accepts that.
    "completions" are the tables that `log_completions=True` writes: a completion is right if its
    reward is at least `success`. TRL overwrites the table of a step that it evaluates, so steps
    with an evaluation in the history are left out. "auto" takes the history where there is one.
    """
    path = Path(path)
    labels = labels.named(path.stem if path.is_file() else path.name)
    tables = _completions(path)
    state = _state(path)
    if what == "completions" or (what == "auto" and state is None):
        if not tables:
            raise FormatError(f"{path}: neither {STATE} nor completions_STEP.parquet is in it")
        evaluated = set[int]()
        if state is not None:
            log = read_history(state)
            seen = [values for name, values in log.values.items() if name.startswith("eval_")]
            for values in seen:
                evaluated |= set(log.steps[np.isfinite(values)].astype(int).tolist())
        return _completions_table(tables, labels, reward, success, evaluated)
    if state is None:
        raise FormatError(f"{path}: no {STATE} in it or its checkpoints")
    log = read_history(state)
    if tables and what == "auto":
        said = f'read {state}; {len(tables)} tables of completions: what="completions" reads them'
        log = MetricLog(log.source, log.places, log.steps, log.values, (*log.notes, said))
    return metric_table(log, labels, accuracy=accuracy, costs=costs)


def read_history(path: Path) -> MetricLog:
    """`log_history` of a trainer_state.json."""
    rows = []
    for entry, line in json_items(path, read_whole(path), "log_history"):
        place = f":{line}"
        step = as_number(entry.get("step"))
        if step is None or not step >= 0 or step != int(step):
            raise FormatError(f'{path}{place}: "step" is not a whole number: {entry.get("step")!r}')
        numbers = {}
        for name, value in entry.items():
            number = as_number(value) if not isinstance(value, str | list | dict) else None
            if number is not None and name != "step":
                numbers[name] = number
        rows.append((place, step, numbers))
    if not rows:
        raise FormatError(f"{path}:1: log_history is empty")
    return gathered(path, rows)


def _state(path: Path) -> Path | None:
    """The trainer's state: the file itself, the folder's, or its latest checkpoint's."""
    if path.is_file():
        return path if path.suffix == ".json" else None
    if (path / STATE).is_file():
        return path / STATE
    found = {
        int(name[1]): one / STATE
        for one in (path.iterdir() if path.is_dir() else ())
        if (name := CHECKPOINT.fullmatch(one.name)) and (one / STATE).is_file()
    }
    return found[max(found)] if found else None


def _completions(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    inside = path / "completions" if (path / "completions").is_dir() else path
    found = {
        int(name[1]): one
        for one in (inside.iterdir() if inside.is_dir() else ())
        if (name := COMPLETIONS.fullmatch(one.name))
    }
    return [found[number] for number in sorted(found)]


def _completions_table(
    files: list[Path],
    labels: RunLabels,
    reward: str | None,
    success: float,
    evaluated: set[int],
) -> LearningTable:
    reward = reward or _reward(files[0])
    notes = [f'a completion is right if "{reward}" is at least {success:g}']
    steps, rewards = [], []
    for file in files:
        table = read_raw(file, ["step", reward])
        steps.append(table.whole("step"))
        rewards.append(table.numbers(reward))
    step, flat = np.concatenate(steps), np.concatenate(rewards)
    # TRL writes the table of a step anew after an evaluation, with the evaluation's completions.
    mixed = np.isin(step, sorted(evaluated))
    if mixed.any():
        shown = ", ".join(map(str, np.unique(step[mixed])[:6].tolist()))
        notes.append(f"left out steps {shown}: an evaluation overwrote their completions")
    elif not evaluated:
        notes.append("if the run was evaluated, tables of evaluated steps hold no training rows")
    wins = np.where(np.isnan(flat), np.nan, flat >= success)
    return rollout_table(labels, step[~mixed], wins[~mixed], split="train", notes=notes)


def _reward(first: Path) -> str:
    """The only column of numbers that is none of the fixed ones."""
    fits = [
        name for name, numeric in parquet_columns(first).items() if numeric and name not in FIXED
    ]
    if len(fits) == 1:
        return fits[0]
    shown = " or ".join(f'"{name}"' for name in fits) or "nothing"
    raise ConfigError(f"{first}: the reward could be {shown}; choose with reward= (--reward)")
