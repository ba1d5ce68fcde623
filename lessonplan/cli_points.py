"""What `fit` and `compare` do with a table of points, and tables to paste."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lessonplan import cli
from lessonplan.cli_verbs import Answer, named_pairs
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from lessonplan.analysis.point_tables import PointComparison, PointTable


def read_table(path: Path, typed: "cli.Compare | cli.Fit") -> "PointTable":
    from lessonplan.analysis.point_tables import read_points

    return read_points(path, column_roles(typed.columns), unit=typed.unit)


def column_roles(given: Sequence[str]) -> dict[str, str]:
    """ROLE=COLUMN,... as a mapping."""
    return named_pairs("--columns", "ROLE=COLUMN", ",".join(given).split(","))


def compare_points(typed: cli.Compare) -> Answer:
    """Published points, as they are: along the sizes of A, how many problems B needs."""
    from lessonplan.analysis.point_tables import (
        at_accuracy,
        best_points,
        effective_data,
        point_pairs,
    )

    of_runs = {"--tier": typed.tier != "mean", "--decode": typed.decode is not None}
    of_runs |= {"--at-equal": typed.at_equal is not None, "--unequal": typed.unequal}
    for name, given in of_runs.items():
        if given:
            raise ConfigError(f"{name} is about journals, and {typed.runs} is a table of points")
    table = read_table(typed.runs, typed)
    known = [task.task for task in table.tasks]
    if typed.family is not None and typed.family not in known:
        raise ConfigError(f"{typed.runs}: no task {typed.family!r}; tasks: {', '.join(known)}")
    tasks = [task for task in table.tasks if typed.family in (None, task.task)]
    found: list[PointComparison] = []
    sentences, refused = list[str](), list[str]()
    for task in tasks:
        if len(task.curves) < 2:
            refused.append(f"{task.task}: one sampler, nothing to compare")
        for a, b in point_pairs(task):
            if typed.target is not None:
                some: Sequence[PointComparison] = (at_accuracy(task, a, b, typed.target),)
            else:
                some = effective_data(task, a, b)
                sentences.append(
                    f"{task.task}: effective data of {a} against {b}; {best_points(task, a, b)}"
                )
            found += some
            sentences += [f"{task.task}: {one.words}" for one in some]
            doubts = dict.fromkeys(note for one in some for note in one.notes)
            sentences += [f"  {note}" for note in doubts]
    if not found:
        raise ConfigError("\n".join(refused))
    shown = [table.reading, table.seeds, *sentences, *refused]
    if typed.table:
        shown = [_pasted_points(found, table, typed.table)]
    facts = {
        "table": table.reading,
        "interval": table.seeds,
        "comparisons": [dataclasses.asdict(one) for one in found],
        "refused": refused,
    }
    return Answer(facts, shown)


def _pasted_points(
    found: "Sequence[PointComparison]", table: "PointTable", form: Literal["md", "tex"]
) -> str:
    from lessonplan.analysis.point_tables import times

    doubt = table.seeds.partition(":")[0]  # one seed, no interval
    head = ["task", "A", "n", "B", "accuracy", f"B needs / A needs ({doubt})"]
    rows = []
    for one in found:
        ratio = times(one.ratio) if math.isfinite(one.ratio) else ""
        said = ratio if one.kind == "ratio" else f"{one.kind} {ratio}".strip()
        n = f"{one.n_a:.0f}" if math.isfinite(one.n_a) else "never"
        rows.append([one.task, one.a, n, one.b, f"{100 * one.target:.3g} %", said])
    return paste(head, rows, form)


def paste(head: list[str], rows: list[list[str]], form: Literal["md", "tex"]) -> str:
    """A Markdown or LaTeX table."""
    if form == "md":
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    lines = [
        [cell.replace("%", r"\%").replace("_", r"\_") for cell in row] for row in [head, *rows]
    ]
    body = "\n".join(f"{' & '.join(line)} \\\\" for line in lines)
    return f"\\begin{{tabular}}{{{'l' * len(head)}}}\n{body}\n\\end{{tabular}}"
