"""One HTML page about published points, which have no intervals, with report.md and figures.

results = read_results([Path("results.csv")])
write_point_report(results, "out/report.html")
"""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from lessonplan.analysis.figures import Picture
from lessonplan.analysis.pages import (
    Html,
    items,
    markdown,
    markdown_table,
    page,
    table,
    tag,
    write_whole,
)
from lessonplan.analysis.point_figure import point_curves, point_rows
from lessonplan.analysis.point_tables import (
    PointComparison,
    PointTable,
    PointTask,
    at_accuracy,
    best_points,
    effective_data,
    point_pairs,
)
from lessonplan.analysis.results import Results
from lessonplan.analysis.studies import Row
from lessonplan.analysis.words import percent

HOW = (
    "Every point is what the table says; nothing is fitted and nothing is smoothed. How many problems "
    "B needs for what A reached is read off the line between two neighboring points of B, linear in "
    "ln n. Where B never gets there, or is there from its smallest size on, the number is a bound."
)


@dataclass(frozen=True, slots=True)
class PointChapter:
    """One task: its comparisons, what they say, and its picture."""

    task: PointTask
    found: tuple[PointComparison, ...]
    sentences: tuple[str, ...]
    picture: Picture | None


def point_chapter(task: PointTask, target: float | None = None) -> PointChapter:
    """Compare all pairs of a task, at a target or along the sizes of the first of each pair."""
    found, sentences = list[PointComparison](), list[str]()
    for a, b in point_pairs(task):
        some = (at_accuracy(task, a, b, target),) if target else effective_data(task, a, b)
        if target is None:
            sentences.append(f"{a} against {b}: {best_points(task, a, b)}")
        sentences += [one.words for one in some]
        sentences += dict.fromkeys(note for one in some for note in one.notes)
        found += some
    if len(task.curves) < 2:
        sentences.append("one sampler, nothing to compare")
    return PointChapter(task, tuple(found), tuple(sentences), point_curves(task))


def write_point_report(
    results: Results, out: str | Path, *, target: float | None = None, split: str | None = None
) -> tuple[Path, list[str]]:
    """Write `out`, the same as .md, and figures/ beside it; return the path and the sentences."""
    path, points = Path(out), results.points(split=split)
    chapters = [point_chapter(task, target) for task in points.tasks]
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in chapters:
        if each.picture is not None:
            each.picture.save(path.parent / "figures")
    bounds = point_limits(results, points)
    write_whole(path, _html(results.name, points, chapters, bounds))
    write_whole(path.with_suffix(".md"), _markdown(results.name, points, chapters, bounds))
    return path, [points.seeds, *(f"{c.task.task}: {s}" for c in chapters for s in c.sentences)]


def point_limits(results: Results, points: PointTable) -> list[str]:
    """What the reader must know before quoting a number."""
    lines = [f"{points.seeds}."]
    lines += [f"{one}." for one in results.readings]
    lines += [f"{note}." for table in results.tables.values() for note in table.notes]
    lines += [f"Left out: {reason}." for _, reason in results.damaged]
    for task in points.tasks:
        if task.base != task.base:
            lines.append(
                f"{task.task}: no row with n = 0, so whether training helped at all is not known."
            )
    lines.append(
        "The table does not say how many test items stand behind an accuracy. With their number "
        "(a column items, or --items) the report has intervals."
    )
    return list(dict.fromkeys(lines))


def comparison_rows(chapters: list[PointChapter]) -> list[Row]:
    """One row a comparison; NaN where there is no number."""
    return [
        {
            "task": one.task,
            "A": one.a,
            "B": one.b,
            "accuracy": percent(one.target),
            "A needs": one.n_a if isfinite(one.n_a) else float("nan"),
            "B needs": one.n_b if isfinite(one.n_b) and one.n_b > 0 else float("nan"),
            "what": one.kind,
            "B / A": one.ratio,
        }
        for each in chapters
        for one in each.found
    ]


def _lead(each: PointChapter) -> list[str]:
    """What the first screen says of a task: the ratios at a target, else the best points."""
    if len({one.target for one in each.found}) == 1:
        return [f"{each.task.task}: {one.words}" for one in each.found]
    return [each.picture.title] if each.picture is not None else []


def _html(name: str, points: PointTable, chapters: list[PointChapter], bounds: list[str]) -> str:
    body = [tag("h1", f"{name}: which problems to practice on, and what it bought")]
    body.append(tag("span", "points of a table", class_="badge"))
    body.append(tag("span", "no intervals", class_="badge warn"))
    lead = [f"{points.seeds[0].upper()}{points.seeds[1:]}."]
    lead += [line for each in chapters for line in _lead(each)]
    body.append(items(lead, class_="verdict"))
    drawn = [each.picture.markup() for each in chapters if each.picture is not None]
    body.append(tag("div", Html("".join(drawn)), class_="grid"))
    heading = tag("h2", "Limits of these numbers")
    body.append(tag("section", heading, items(bounds), class_="limits"))
    for each in chapters:
        body += [tag("h2", each.task.task), items(each.sentences)]
    body += [tag("h2", "Comparisons"), table(comparison_rows(chapters))]
    rows = [row for each in chapters for row in point_rows(each.task)]
    body += [tag("h2", "Points"), table(rows), tag("h2", "How the numbers were made")]
    return page(name, [*body, tag("p", HOW)])


def _markdown(
    name: str, points: PointTable, chapters: list[PointChapter], bounds: list[str]
) -> str:
    lines = [f"# {markdown(name)}", "", f"{markdown(points.seeds)}.", ""]
    for each in chapters:
        lines += [f"## {markdown(each.task.task)}", ""]
        lines += [*(f"- {markdown(one)}" for one in each.sentences), ""]
    lines += ["## Limits of these numbers", "", *(f"- {markdown(one)}" for one in bounds), ""]
    lines += [markdown_table(comparison_rows(chapters)), markdown(HOW), ""]
    return "\n".join(lines)
