"""Read tables that people download from W&B and MLflow: CSV, JSON Lines, or parquet.

Four shapes are known by their columns: W&B's history of one run (`_step`, a column a metric), its
chart (`RUN - METRIC`), MLflow's metrics (`key`, `value`, `step`), and MLflow's list of runs
(`metrics.NAME`, `params.NAME`), which has no steps and is read by mapping.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lessonplan.analysis.learning_table import UNLABELED, LearningTable, RunLabels, join_tables
from lessonplan.analysis.metric_logs import MetricLog, metric_table
from lessonplan.analysis.raw_tables import RawTable, as_number, read_raw
from lessonplan.analysis.runs import Floats
from lessonplan.errors import ConfigError, FormatError

STEPS = ("train/global_step", "training/global_step", "_step")  # W&B's own counts calls of log
CHART = re.compile(r"(.+) - (.+?)(__MIN|__MAX)?")
RUNS = ("run_id", "run_uuid", "run", "Run ID", "Run")


def read_export(
    path: str | Path,
    *,
    labels: RunLabels | Mapping[str, RunLabels] = UNLABELED,
    accuracy: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
) -> LearningTable:
    """Read an export of W&B or MLflow.

    `labels` say what the export does not: for all of its runs, or by the name of each. The other
    arguments are those of `metric_table`. Raises ConfigError for a table of another shape, and
    for runs without a label where labels are given by name.
    """
    table = read_raw(path)
    logs = _logs(table)
    tables = []
    for run, log in logs.items():
        if isinstance(labels, RunLabels) and labels.run and len(logs) > 1:
            shown = ", ".join(list(logs)[:6])
            raise ConfigError(f"{path}: {len(logs)} runs; give labels by their names: {shown}")
        if isinstance(labels, Mapping) and run not in labels:
            raise ConfigError(f'{path}: no labels for run "{run}" among {", ".join(labels)}')
        label = labels[run] if isinstance(labels, Mapping) else labels
        tables.append(metric_table(log, label.named(run), accuracy=accuracy, costs=costs))
    return join_tables(tables)


def export_shape(names: list[str]) -> str:
    """Which export has such columns: "history", "chart", "metrics", "runs", or ""."""
    if {"key", "value", "step"} <= set(names):
        return "metrics"
    if any(name.startswith("metrics.") for name in names) and "run_id" in names:
        return "runs"
    if any(name in names for name in STEPS):
        return "history"
    if names and all(CHART.fullmatch(name) for name in names[1:]) and len(names) > 1:
        return "chart"
    return ""


def _logs(table: RawTable) -> dict[str, MetricLog]:
    """A log of metrics for each run."""
    names = list(table.columns)
    shape = export_shape(names)
    if shape == "history":
        return _history(table)
    if shape == "chart":
        return _chart(table)
    if shape == "metrics":
        return _metrics(table)
    if shape == "runs":
        raise ConfigError(
            f"{table.path}: MLflow's list of runs has no steps; read it by mapping, for example "
            '{"run": "run_id", "n": "params.train_size", "accuracy": "metrics.test_acc"}'
        )
    shown = ", ".join(f'"{name}"' for name in names[:12])
    raise ConfigError(
        f"{table.path}: no export of W&B or MLflow has the columns {shown}; read it by mapping"
    )


def _places(table: RawTable) -> list[str]:
    sign = ", row " if table.path.suffix.lower() == ".parquet" else ":"
    return [f"{sign}{place}" for place in table.places]


def _numeric(table: RawTable, leave: set[str]) -> dict[str, Floats]:
    """The columns that hold numbers and nothing else; W&B's also holds texts and media."""
    found = {}
    for name, values in table.columns.items():
        if name in leave:
            continue
        numbers = [as_number(value) for value in values]
        if None not in numbers:
            found[name] = np.array(numbers, dtype=np.float64)
    return found


def _history(table: RawTable) -> dict[str, MetricLog]:
    name = next(one for one in STEPS if one in table.columns)
    steps = table.numbers(name)
    notes = [f'steps are "{name}"']
    if name == "_step":
        notes = ['steps are "_step", which counts calls of wandb.log']
    log = MetricLog(table.path, _places(table), steps, _numeric(table, {name}), tuple(notes))
    return {table.path.stem: log}


def _chart(table: RawTable) -> dict[str, MetricLog]:
    first, *others = table.columns
    steps = table.numbers(first)
    runs: dict[str, dict[str, Floats]] = {}
    for name in others:
        found = CHART.fullmatch(name)
        if found is not None and found[3] is None:  # MIN and MAX are of a group of runs
            runs.setdefault(found[1], {})[found[2]] = table.numbers(name)
    notes = (f'steps are "{first}"',)
    return {
        run: MetricLog(table.path, _places(table), steps, values, notes)
        for run, values in runs.items()
    }


def _metrics(table: RawTable) -> dict[str, MetricLog]:
    """MLflow's long table: a row for each run, metric and step."""
    column = next((name for name in RUNS if name in table.columns), None)
    who = table.texts(column) if column else [table.path.stem] * len(table)
    keys, values = table.texts("key"), table.numbers("value")
    steps = table.whole("step").astype(np.float64)
    runs = {}
    for run in dict.fromkeys(who):
        rows = np.array([row for row, one in enumerate(who) if one == run])
        found = {}
        for key in dict.fromkeys(keys[row] for row in rows.tolist()):
            of = np.array([keys[row] == key for row in rows.tolist()])
            found[key] = np.where(of, values[rows], np.nan)
        places = _places(table)
        if not run:
            raise FormatError(f"{table.path}{places[int(rows[0])]}: no run in this row")
        runs[run] = MetricLog(
            table.path, [places[row] for row in rows.tolist()], steps[rows], found
        )
    return runs
