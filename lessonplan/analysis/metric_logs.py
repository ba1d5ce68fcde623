"""Logs of metrics by step, whoever wrote them, as rows of the learning table.

TRL's history, verl's metrics, TensorBoard, W&B and MLflow all hold named numbers by step. Which of
them is an accuracy is known for the names below, and is to be said for all others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lessonplan.analysis.learning_table import LearningTable, RunLabels, join_tables, make_table
from lessonplan.analysis.runs import Floats
from lessonplan.errors import ConfigError, FormatError

# Names of mean rewards by split: TRL (as itself, and as TensorBoard and W&B get it), verl.
ACCURACY = {
    "train": re.compile(r"reward|train/reward|critic/score/mean"),
    "eval": re.compile(r"eval_reward|eval/reward"),
    "validation": re.compile(r"val-core/.+/(acc|reward|score)/mean@\d+"),
}
PER_STEP_SECONDS = ("step_time", "train/step_time", "timing_s/step")  # means over a logging window
COSTS = ("rollouts", "tokens", "seconds")


@dataclass(frozen=True, slots=True)
class MetricLog:
    """Named numbers by step; a metric is NaN where a row does not have it."""

    source: Path
    places: Sequence[str]  # (R,) where each row stands, to say what is wrong with it
    steps: Floats  # (R,)
    values: dict[str, Floats]  # each (R,)
    notes: tuple[str, ...] = ()

    def metric(self, name: str) -> Floats:  # (R,)
        """One metric by its name. Raises ConfigError with the names there are."""
        if name not in self.values:
            shown = ", ".join(f'"{one}"' for one in sorted(self.values)[:20])
            raise ConfigError(f'{self.source}: no metric "{name}" among {shown}')
        return self.values[name]


def gathered(
    source: Path, rows: Sequence[tuple[str, float, Mapping[str, float]]], notes: Sequence[str] = ()
) -> MetricLog:
    """A log from rows of place, step and named numbers."""
    values: dict[str, Floats] = {}
    for row, (_, _, found) in enumerate(rows):
        for name, value in found.items():
            if name not in values:
                values[name] = np.full(len(rows), np.nan)
            values[name][row] = value
    steps = np.array([step for _, step, _ in rows], dtype=np.float64)
    return MetricLog(source, [place for place, _, _ in rows], steps, values, tuple(notes))


def metric_table(
    log: MetricLog,
    labels: RunLabels,
    *,
    accuracy: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
) -> LearningTable:
    """Rows of the table: one for each step at which the accuracy of a split was logged.

    `accuracy` names a metric for each split; without it, the mean rewards that TRL and verl log
    are taken, and a note says so. `costs` names metrics for rollouts, tokens and seconds that are
    running totals; without one, seconds are added up from the engine's time of a step. Where a
    step was logged twice, as after a resume, the later row counts. Raises ConfigError when no
    name is known or several fit, FormatError for an accuracy outside 0 to 1.
    """
    notes = list(log.notes)
    chosen = dict(accuracy) if accuracy is not None else _known(log, notes)
    spent = _spent(log, dict(costs or {}), notes)
    tables = []
    for split, name in chosen.items():
        rows, repeated = _latest(log, log.metric(name))
        if repeated:
            notes.append(f'{repeated} steps of "{name}" were logged twice; the later rows count')
        values = log.values[name][rows]
        outside = ~((values >= 0) & (values <= 1))
        if outside.any():
            row = rows[int(np.argmax(outside))]
            raise FormatError(
                f'{log.source}{log.places[row]}: "{name}" is {log.values[name][row]:g}, which is '
                "no accuracy between 0 and 1; choose with accuracy= (--accuracy)"
            )
        columns = {"step": log.steps[rows], "accuracy": values, "split": [split] * len(rows)}
        for cost, (steps, totals) in spent.items():
            at = np.searchsorted(steps, log.steps[rows], side="right")
            columns[cost] = np.concatenate([[np.nan], totals])[at]
        tables.append(make_table(labels, columns))
    table = join_tables(tables)
    return make_table(labels, {name: table.column(name) for name in _FILLED}, notes)


_FILLED = ("step", "accuracy", "split", *COSTS)


def _known(log: MetricLog, notes: list[str]) -> dict[str, str]:
    """The metric of each split: the only one whose name is known."""
    chosen = {}
    for split, names in ACCURACY.items():
        fits = [name for name in log.values if names.fullmatch(name)]
        if len(fits) > 1:
            shown = " or ".join(f'"{name}"' for name in fits)
            raise ConfigError(
                f"{log.source}: accuracy of {split} could be {shown}; choose with accuracy= "
                f"(--accuracy {split}=NAME)"
            )
        if fits:
            chosen[split] = fits[0]
            notes.append(
                f'accuracy of {split} is the mean reward "{fits[0]}": right where rewards are 0 or 1'
            )
    if not chosen:
        shown = ", ".join(f'"{name}"' for name in sorted(log.values)[:20])
        raise ConfigError(
            f"{log.source}: no accuracy among {shown}; choose with accuracy= (--accuracy SPLIT=NAME)"
        )
    return chosen


def _latest(log: MetricLog, values: Floats) -> tuple[np.ndarray, int]:
    """Rows that hold a metric, by step, the last of each; and how many were superseded."""
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(log.steps))
    order = rows[np.argsort(log.steps[rows], kind="stable")]
    steps = log.steps[order]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = steps[1:] != steps[:-1]
    return order[last], int(len(order) - last.sum())


def _spent(
    log: MetricLog, costs: dict[str, str], notes: list[str]
) -> dict[str, tuple[Floats, Floats]]:
    """Steps and running totals of every cost that is known."""
    for cost in costs:
        if cost not in COSTS:
            raise ConfigError(f"a cost is one of {', '.join(COSTS)}, got {cost!r}")
    found = {}
    for cost, name in costs.items():
        rows, _ = _latest(log, log.metric(name))
        found[cost] = log.steps[rows], log.values[name][rows]
    known = [name for name in PER_STEP_SECONDS if name in log.values]
    if "seconds" not in found and len(known) == 1:
        rows, _ = _latest(log, log.values[known[0]])
        steps = log.steps[rows]
        window = np.diff(steps, prepend=0.0)
        found["seconds"] = steps, np.cumsum(log.values[known[0]][rows] * window)
        notes.append(f'seconds add up "{known[0]}", each row for the steps since the row before')
    return found
