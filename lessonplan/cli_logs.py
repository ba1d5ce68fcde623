"""The verb logs: what a training run reached and cost, out of anybody's log, as one table."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType

from lessonplan import cli
from lessonplan.analysis.learning_table import (
    TEXTS,
    UNLABELED,
    LearningTable,
    RunLabels,
    join_tables,
)
from lessonplan.analysis.log_formats import read_log
from lessonplan.cli_verbs import Answer, as_table, named_pairs
from lessonplan.errors import ConfigError

SHOWN = 20  # rows of the table on the screen


def logs(typed: cli.Logs) -> Answer:
    given = {
        "run": typed.run,
        "sampler": typed.sampler,
        "n": typed.n,
        "start": typed.start,
        "seed": typed.seed,
    }
    labels = UNLABELED
    if said := {name: value for name, value in given.items() if value is not None}:
        labels = RunLabels(**said)  # type: ignore[arg-type]
    if not typed.paths:
        raise ConfigError("no log given: name files or folders")
    if typed.run is not None and len(typed.paths) > 1:
        raise ConfigError(f"--run names one run, got {len(typed.paths)} logs; read them one by one")
    tables = []
    for path in typed.paths:
        tables.append(
            read_log(
                path,
                format=typed.format,
                labels=labels,
                accuracy=named_pairs("--accuracy", "OURS=THEIRS", typed.accuracy) or None,
                costs=named_pairs("--costs", "OURS=THEIRS", typed.costs) or None,
                columns=named_pairs("--columns", "OURS=THEIRS", typed.columns) or None,
                percent=typed.percent,
                reward=typed.reward,
                success=typed.success,
                validation=typed.validation,
            )
        )
    _refuse_repeats(typed.paths, tables)
    table = join_tables(tables)
    if typed.last:
        table = table.last()
    if typed.split is not None:
        table = _of_split(table, typed.split)
    if typed.out is not None:
        table.write_csv(typed.out)
    return _answer(table, typed.out)


def _refuse_repeats(paths: Sequence[Path], tables: Sequence[LearningTable]) -> None:
    """Two logs whose runs have one name, as metrics.csv in two folders, would be mixed up."""
    first: dict[str, Path] = {}
    for path, table in zip(paths, tables, strict=True):
        for run in sorted(set(table.run.tolist())):
            if run in first:
                raise ConfigError(
                    f'{first[run]} and {path} both have a run "{run}": read them one by one with '
                    "--run, or map a column of names with --columns run=NAME"
                )
            first[run] = path


def _of_split(table: LearningTable, split: str) -> LearningTable:
    found = table.take(table.split == split)
    if not len(found):
        there = ", ".join(sorted(set(table.split.tolist()))) or "no rows at all"
        raise ConfigError(f"--split {split}: the logs have {there}")
    return found


def _answer(table: LearningTable, out: Path | None) -> Answer:
    rows = table.rows()
    lacking = table.lacking
    facts: dict[str, object] = {
        "rows": len(table),
        "runs": len(set(table.run.tolist())),
        "lacking": lacking,
        "notes": list(table.notes),
        "file": out,
        "table": rows if out is None else None,
    }
    absent = {name for name, count in lacking.items() if count == len(table)}
    names = [name for name in (rows[0] if rows else ()) if name not in absent]
    shown: list[RenderableType] = [
        f"{len(table)} measurements of {facts['runs']} run{'s' * (facts['runs'] != 1)}"
    ]
    cells = [[_cell(row[name], name) for name in names] for row in rows[:SHOWN]]
    shown.append(as_table(*names, rows=cells))
    if len(rows) > SHOWN:
        shown.append(f"... {len(rows) - SHOWN} more rows: -o FILE.csv writes them all")
    if lacking:
        said = ", ".join(
            name if name in absent else f"{name} (in {count} rows)"
            for name, count in lacking.items()
        )
        shown.append(f"\nnot in the logs: {said}")
    shown += list(table.notes)
    if out is not None:
        shown.append(f"\nwritten to {out}")
    return Answer(facts, shown)


def _cell(value: str | float, name: str) -> str:
    if name in TEXTS:
        return str(value)
    if value != value:
        return ""
    return f"{value:.4g}" if name in ("accuracy", "seconds") else f"{value:g}"
