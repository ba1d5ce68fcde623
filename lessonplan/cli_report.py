"""The verb report: one page from a study, a table of results, or logs of other trainers."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lessonplan.cli_points import column_roles
from lessonplan.cli_verbs import Answer
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from lessonplan.analysis.studies import Study


def report(
    logs: Sequence[Path],
    out: Path | None = None,
    *,
    target: float | None = None,
    items: int | None = None,
    split: str | None = None,
    columns: Sequence[str] = (),
    unit: Literal["share", "percent"] | None = None,
    names: str | None = None,
) -> Answer:
    """Write the report of a study folder, or of tables and logs, which are joined."""
    if target is not None and not 0 < target < 1:
        raise ConfigError(f"--target is an accuracy between 0 and 1, got {target}")
    paths = _found(logs)
    page = out
    if out is not None and (out.is_dir() or not out.suffix):
        page = out / "report.html"
    options = {"--items": items, "--split": split, "--unit": unit, "--names": names}
    given = [name for name, value in {**options, "--columns": columns or None}.items() if value]
    if len(paths) == 1 and (paths[0] / "journals").is_dir() and not given:
        return report_study(paths[0], page, target=target)
    if len(paths) == 1 and (paths[0] / "journals").is_dir():
        raise ConfigError(f"{given[0]} is about tables and logs, and {paths[0]} is a study")
    from lessonplan.analysis.point_report import write_point_report
    from lessonplan.analysis.results import read_results

    name = _name(paths)
    results = read_results(paths, columns=column_roles(columns), unit=unit, names=names, name=name)
    read = [*results.readings, *(f"left out: {reason}" for _, reason in results.damaged)]
    page = page or Path("runs") / f"report-{name}" / "report.html"
    if items is None and not results.items_known:
        written, sentences = write_point_report(results, page, target=target, split=split)
        hint = "no intervals without the number of test items: --items N, or a column items"
        shown = [*read, *sentences, hint, f"report: {written}"]
        facts = {"report": written, "read": read, "verdicts": sentences}
        return Answer({**facts, "intervals": False}, shown)
    answer = report_study(results.study(items=items, split=split), page, target=target)
    facts = {"read": read, "intervals": True}
    return Answer({**answer.facts, **facts}, [*read, *answer.shown])


def report_study(
    study: "Path | Study", out: Path | None = None, *, target: float | None = None
) -> Answer:
    """Write the report of a study; the answer is its verdicts."""
    from lessonplan.analysis import write_report

    written, verdicts = write_report(study, out, target=target)
    return Answer({"report": written, "verdicts": verdicts}, [*verdicts, f"report: {written}"])


def _found(logs: Sequence[Path]) -> list[Path]:
    """Files and folders; a pattern that the shell left alone is filled in here."""
    if not logs:
        raise ConfigError("nothing to report on: name the folder of a study, a table, or logs")
    paths = list[Path]()
    for one in logs:
        if one.exists() or not glob.has_magic(str(one)):
            paths.append(one)
            continue
        some = sorted(Path(name) for name in glob.glob(str(one), recursive=True))
        if not some:
            raise ConfigError(f"{one}: no file or folder has such a name")
        paths += some
    return paths


def _name(paths: Sequence[Path]) -> str:
    """A name for the report: that of its one file or folder, or of the folder around several."""
    if len(paths) == 1:
        return paths[0].stem or paths[0].absolute().name
    return Path(os.path.commonpath([path.absolute().parent for path in paths])).name or "results"
