"""One HTML file about a study, readable without a network; report.md and figures beside it.

First screen: the verdicts, ratios (V3), learning curves (V1), level mix (V4), and a box of limits
that cannot be switched off. Then everything behind it. A table of other people's results will do:

table = read_mapped("results.csv", {"n": "train_size", "accuracy": "acc", "sampler": "arm"})
write_report(table_study(table, items=500), "report.html")
"""

from pathlib import Path

from lessonplan.analysis.chapters import Chapter, chapter
from lessonplan.analysis.methods import methods
from lessonplan.analysis.pages import (
    Html,
    fold,
    items,
    markdown,
    markdown_table,
    page,
    table,
    tag,
    write_whole,
)
from lessonplan.analysis.report_tables import problem_row, problem_tables, sections
from lessonplan.analysis.report_words import limits, together
from lessonplan.analysis.studies import Study, read_study
from lessonplan.analysis.summaries import (
    tier_words,
)
from lessonplan.analysis.tables import Budgets

FIRST = ("v3", "v1", "v4")  # on the first screen, in this order; v12 where there is no target
REST = ("v2", "laws", "mixtures", "curves", "v12", "v5", "v8", "v9", "v6", "v7", "v10", "v11")


def write_report(
    study: str | Path | Study,
    out: str | Path | None = None,
    *,
    target: float | None = None,
    budgets: Budgets = "refuse",
    resamples: int = 1000,
) -> tuple[Path, list[str]]:
    """Write report.html (or `out`), report.md and figures/ beside it.

    Returns the HTML's path, and the verdicts of all families, a sentence each.

    `study` is a folder of journals, or a study read already (`table_study` makes one of a table).
    Without `target`, each family gets its own by `default_target`. `budgets` is as in
    `sample_efficiency`; pairs with unequal budgets are listed and not compared. Raises
    FileNotFoundError without journals, ConfigError if no run was finished and evaluated.
    """
    study = study if isinstance(study, Study) else read_study(study)
    path = study.folder / "report.html" if out is None else Path(out)
    chapters = [
        chapter(study, family, target=target, budgets=budgets, resamples=resamples)
        for family in study.families
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in chapters:
        for drawn in each.pictures.values():
            drawn.save(path.parent / "figures")
    write_whole(path, report_html(study, chapters))
    write_whole(path.with_suffix(".md"), report_markdown(study, chapters))
    return path, [f"{c.finding.family}: {line}" for c in chapters for line in c.verdicts]


def _badges(study: Study) -> list[tuple[str, bool]]:
    learners = sorted({run.info.learner for run in study.runs})
    rl = sum(run.info.kind == "rl" for run in study.runs)
    found = [(f"{name} learner", name != "real") for name in learners]
    found.append((f"{rl} runs", False))
    if study.damaged:
        found.append((f"damaged files left out: {len(study.damaged)}", True))
    if study.unfinished:
        found.append((f"unfinished runs left out: {len(study.unfinished)}", True))
    if study.repaired:
        found.append((f"files repaired: {len(study.repaired)}", True))
    return found


def report_html(study: Study, chapters: list[Chapter]) -> str:
    """The whole page."""
    body = [tag("h1", f"{study.name}: which problems to practice on, and what it bought")]
    body += [
        tag("span", text, class_="badge warn" if warn else "badge") for text, warn in _badges(study)
    ]
    if not chapters:
        body.append(tag("p", "No finished run was found: nothing can be compared."))
    for i, each in enumerate(chapters):
        lines = each.verdicts
        if len(chapters) > 1:
            lines = [f"{each.finding.family}: {line}" for line in lines]
        body.append(items(lines, class_="verdict lead" if i == 0 else "verdict"))
        if together(each.finding):
            body.append(items(together(each.finding), class_="together"))
    if chapters:
        lead = chapters[0]
        first = tuple(v for v in FIRST if v in lead.pictures)
        if len(first) < len(FIRST):  # a log without them: what there is instead
            first += ("v2",) if "v3" in lead.pictures else ("v12", "v2")
        body.append(_figures(lead, first))
    body.append(
        tag(
            "section",
            tag("h2", "Limits of these numbers"),
            items(limits(study, chapters)),
            class_="limits",
        )
    )
    for i, each in enumerate(chapters):
        body.append(tag("h2", each.finding.family))
        body.append(tag("p", tier_words(study, each.finding.family, each.split), class_="quiet"))
        shown = first if i == 0 else ()
        body.append(_figures(each, tuple(v for v in (*FIRST, *REST) if v not in shown)))
        if each.best_mixture:
            body += [tag("h3", "The best mixture"), tag("p", each.best_mixture)]
        if each.second_opinion:
            body += [tag("h3", "The other way of decoding"), items(each.second_opinion)]
        if problem_tables(each):
            body.append(tag("h3", "Problems worth a look"))
        for title, rows in problem_tables(each):
            body.append(fold(title, table([problem_row(row) for row in rows])))
        for title, rows, caption in sections(study, each):
            body += [tag("h3", title), table(rows, caption)]
    body += [tag("h2", "How the intervals were made"), tag("p", _methods(chapters))]
    body.append(
        tag(
            "p",
            "Every figure lies in figures/ as SVG, PNG, PDF and as the CSV of its numbers.",
            class_="quiet",
        )
    )
    return page(study.name, body)


def _methods(chapters: list[Chapter]) -> str:
    lead = chapters[0].verdicts[0] if chapters and chapters[0].verdicts else ""
    return methods([each.finding for each in chapters], lead)


def _figures(each: Chapter, names: tuple[str, ...]) -> Html:
    drawn = [each.pictures[name].markup() for name in names if name in each.pictures]
    return tag("div", Html("".join(drawn)), class_="grid")


def report_markdown(study: Study, chapters: list[Chapter]) -> str:
    """The same in Markdown, without pictures."""
    lines = [f"# {markdown(study.name)}", ""]
    for each in chapters:
        said = [*each.verdicts, *together(each.finding)]
        lines += [f"- {markdown(f'{each.finding.family}: {line}')}" for line in said]
    lines += ["", "## Limits of these numbers", ""]
    lines += [f"- {markdown(line)}" for line in limits(study, chapters)]
    for each in chapters:
        lines += ["", f"## {markdown(each.finding.family)}"]
        if each.best_mixture:
            lines += ["", "### The best mixture", "", markdown(each.best_mixture)]
        if each.second_opinion:
            lines += ["", "### The other way of decoding", ""]
            lines += [f"- {markdown(line)}" for line in each.second_opinion]
        for title, rows, caption in sections(study, each):
            lines += ["", f"### {title}", "", caption, "", markdown_table(rows)]
    lines += ["", "## How the intervals were made", "", markdown(_methods(chapters)), ""]
    return "\n".join(lines)
