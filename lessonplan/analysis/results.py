"""Results of other people, tables and logs together, as a study or as points without intervals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import Literal

import numpy as np

from lessonplan.analysis.column_mapping import read_mapped
from lessonplan.analysis.learning_table import (
    UNLABELED,
    LearningTable,
    RunLabels,
    join_tables,
)
from lessonplan.analysis.log_formats import OURS, log_format, read_log
from lessonplan.analysis.log_names import labels_of
from lessonplan.analysis.point_tables import PointCurve, PointTable, PointTask
from lessonplan.analysis.raw_tables import SUFFIXES, RawTable, read_raw
from lessonplan.analysis.studies import Study
from lessonplan.analysis.table_roles import find_columns, is_percent
from lessonplan.analysis.table_study import table_study
from lessonplan.errors import ConfigError, FormatError

Unit = Literal["share", "percent"]


@dataclass(frozen=True, slots=True)
class Results:
    """What was read: a table for each task, and in words what was taken for what."""

    name: str
    tables: Mapping[str, LearningTable]  # by task
    readings: tuple[str, ...]
    damaged: tuple[tuple[str, str], ...] = ()  # logs left out, with the reason

    @property
    def items_known(self) -> bool:
        """Whether every row says how many test items stand behind its accuracy."""
        return all(bool(np.isfinite(table.items).all()) for table in self.tables.values())

    def study(self, *, items: int | None = None, split: str | None = None) -> Study:
        """All tasks as one study; see `table_study` for what it needs."""
        for table in self.tables.values():
            _check_split(table, split)
        studies = [
            table_study(table, items=items, split=split, name=self.name, family=task)
            for task, table in self.tables.items()
        ]
        runs = tuple(
            replace(run, notes=(*self.readings, *run.notes)) for one in studies for run in one.runs
        )
        return Study(self.name, Path(), runs, (), self.damaged, {})

    def points(self, *, split: str | None = None) -> PointTable:
        """The last accuracies, as they are: several rows of one size are averaged."""
        tasks = tuple(_point_task(task, _judged(t, split)) for task, t in self.tables.items())
        if not any(task.curves for task in tasks):
            raise ConfigError(f"{self.name}: no row with n above 0")
        return PointTable(Path(self.name), {}, "share", tasks, {})


def read_results(
    paths: Sequence[Path],
    *,
    columns: Mapping[str, str] | None = None,
    unit: Unit | None = None,
    names: str | None = None,
    name: str | None = None,
) -> Results:
    """Read tables (CSV, JSON Lines, JSON, parquet) and logs that `read_log` knows, any number.

    A file that is no known log is a table, and so is any file if `columns` are mapped. `names` is the pattern of the names of logs, see `labels_of`. Files of one call are joined;
    a task is known from a column of a table alone. Of several logs a damaged one is left out.
    """
    name = name or paths[0].stem
    parts: dict[str, list[LearningTable]] = {}
    readings, damaged = list[str](), list[tuple[str, str]]()
    kinds = Counter[str]()
    for path in paths:
        labels = labels_of(path, names) if names is not None else UNLABELED
        if _is_table(path, columns or {}):
            for task, table in _read_table(path, columns or {}, unit, labels, name, readings):
                parts.setdefault(task, []).append(table)
            continue
        for option, given in (("--columns", columns), ("--unit", unit)):
            if given:
                raise ConfigError(f"{option} is about tables, and {path} is a log or a folder")
        try:
            kind, table = _read_log(path, labels)
        except FormatError as error:
            if len(paths) == 1:
                raise
            damaged.append((path.name, str(error)))
            continue
        kinds[kind] += 1
        parts.setdefault(name, []).append(table)
    if not parts:
        raise FormatError(f"all {len(paths)} logs are damaged; the first: {damaged[0][1]}")
    readings += [f"{count} log{'s' * (count > 1)} read as {kind}" for kind, count in kinds.items()]
    tables = {task: join_tables(some) for task, some in parts.items()}
    return Results(name, tables, tuple(readings), tuple(damaged))


def _read_log(path: Path, labels: RunLabels) -> tuple[str, LearningTable]:
    """The format of a log and its rows. Where it needs to be told more, another verb asks."""
    try:
        kind = log_format(path)
        table = read_log(path, format=kind, labels=UNLABELED if kind in OURS else labels)
    except ConfigError as error:
        raise ConfigError(
            f"{error}\nReport takes logs that need no options, studies and tables; with options: "
            f"lessonplan logs {path} ... -o FILE.csv, then lessonplan report FILE.csv"
        ) from None
    _check_named(path, table)
    return kind, replace(table, notes=table.notes[1:])  # the first says how it was read


def _is_table(path: Path, columns: Mapping[str, str]) -> bool:
    if not path.exists():
        raise FileNotFoundError(2, "no such file or folder", str(path))
    if path.is_dir() or path.suffix.lower() not in SUFFIXES:
        return False
    if columns:
        return True
    try:
        log_format(path)
    except ConfigError:
        return True  # what it lacks is said when it is read as a table
    return False


def _read_table(
    path: Path,
    columns: Mapping[str, str],
    unit: Unit | None,
    labels: RunLabels,
    name: str,
    readings: list[str],
) -> list[tuple[str, LearningTable]]:
    """The rows of a file by task; what was taken for what is added to `readings`."""
    raw = read_raw(path)
    taken = find_columns(path, list(raw.columns), columns)
    percent = is_percent(raw, taken["accuracy"], unit)
    if "sampler" not in taken and not labels.sampler:
        labels = replace(labels, sampler=path.stem)
    mapped = {role: column for role, column in taken.items() if role != "task"}
    table = read_mapped(path, mapped, labels=labels, percent=percent)
    said = ", ".join(f"{role} = {column}" for role, column in taken.items())
    readings.append(f"{path.name}: {said}; accuracy read as a {'percent' if percent else 'share'}")
    tasks = np.array(_tasks(raw, taken, name))
    return [(str(task), table.take(tasks == task)) for task in dict.fromkeys(tasks.tolist())]


def _tasks(raw: RawTable, taken: Mapping[str, str], name: str) -> list[str]:
    if "task" not in taken:
        return [name] * len(raw)
    return [task or name for task in raw.texts(taken["task"])]


def _check_named(path: Path, table: LearningTable) -> None:
    """A foreign log does not know its training set."""
    lacking = [role for role in ("sampler", "n") if role in table.lacking]
    trained = (table.n > 0) | np.isnan(table.n)
    if lacking and trained.any() and len(table):
        raise ConfigError(
            f"{path}: the log does not say its {' and '.join(lacking)}\n"
            "Say how the names of the logs do: --names '{sampler}-n{n}-s{seed}'; or make one table "
            "of them with lessonplan logs LOG --sampler NAME --n 500 -o FILE.csv"
        )


def _point_task(task: str, table: LearningTable) -> PointTask:
    curves = []
    for sampler in dict.fromkeys(table.sampler[table.n > 0].tolist()):
        own = table.take((table.sampler == sampler) & (table.n > 0))
        sizes = sorted(set(own.n.tolist()))
        first = own.take((own.level == own.level[0]) | np.isnan(own.level))  # a row a run
        rows = max(int((first.n == n).sum()) for n in sizes)
        means = tuple(float(own.accuracy[own.n == n].mean()) for n in sizes)
        curves.append(PointCurve(sampler, tuple(sizes), means, rows))
    base = table.accuracy[table.n == 0]
    return PointTask(task, float(base.mean()) if len(base) else nan, tuple(curves))


def _judged(table: LearningTable, split: str | None) -> LearningTable:
    """The last step of each run on the one split that counts."""
    table = table.take(np.flatnonzero(table.split != "train"))
    found = _check_split(table, split)
    if split is None and len(found) > 1:
        raise ConfigError(f"the results have the splits {_listed(found)}; choose with --split")
    table = table.take(np.isin(table.split, found if split is None else [split]))
    who = zip(table.run, table.sampler, table.n, table.start, table.seed, strict=True)
    table = replace(table, run=np.array(["|".join(map(str, one)) for one in who])).last()
    for role in ("n", "accuracy"):
        missing = int(np.isnan(table.column(role)).sum())
        if missing:
            raise ConfigError(f"{role} is missing in {missing} of {len(table)} rows")
    return table


def _check_split(table: LearningTable, split: str | None) -> list[str]:
    """The splits beside that of training."""
    found = sorted(set(table.split.tolist()) - {"train"})
    if split is not None and split not in found:
        raise ConfigError(f'--split "{split}": the results have {_listed(found)}')
    return found


def _listed(splits: list[str]) -> str:
    named = [f'"{one}"' for one in splits if one]
    return ", ".join(named) or "no column of splits"
