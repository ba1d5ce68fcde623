"""One HTML file about a study, readable without a network; report.md and figures beside it.

First screen: the verdicts, ratios (V3), learning curves (V1), level mix (V4), and a box of limits
that cannot be switched off. Then everything behind it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np

from lessonplan.analysis.bootstrap import MIN_STARTS
from lessonplan.analysis.curve_figures import learning_curves, scaling_curves
from lessonplan.analysis.figures import Picture, styles
from lessonplan.analysis.findings import Finding, find, law_rows
from lessonplan.analysis.ledger_figure import ledger_rows, ledger_strip
from lessonplan.analysis.pages import (
    Html,
    items,
    markdown,
    markdown_table,
    page,
    picture,
    table,
    tag,
)
from lessonplan.analysis.ratio_figures import forest, pair_plot
from lessonplan.analysis.sampling_figures import level_mix, pass_rates, wasted_groups
from lessonplan.analysis.studies import Row, Study, read_study
from lessonplan.analysis.summaries import (
    cost_rows,
    gate_rows,
    guess_rows,
    result_rows,
    tier_words,
)
from lessonplan.analysis.tables import TOLERANCE, Budgets, decodings
from lessonplan.analysis.verdicts import factor, interval, percent, sentences, verdict

FIRST = ("v3", "v1", "v4")  # on the first screen, in this order; v12 where there is no target
REST = ("v2", "v12", "v5", "v6", "v10")


@dataclass(frozen=True, slots=True)
class Chapter:
    """One family: what was found, and its pictures by number."""

    finding: Finding
    other: Finding | None  # the same with the other way of decoding, if both were evaluated
    pictures: dict[str, Picture]
    split: str

    @property
    def verdicts(self) -> list[str]:
        """Sentences about this family."""
        return sentences(self.finding)

    @property
    def second_opinion(self) -> list[str]:
        """The same sentences for the other way of decoding."""
        if self.other is None:
            return []
        return [f"{self.other.table.metric}: {line}" for line in sentences(self.other)]


def write_report(
    study_folder: str | Path,
    out: str | Path | None = None,
    *,
    target: float | None = None,
    budgets: Budgets = "refuse",
    resamples: int = 1000,
) -> Path:
    """Write report.html (or `out`), report.md and figures/ beside it; return the HTML's path.

    Without `target`, each family gets its own by `default_target`. `budgets` is as in
    `sample_efficiency`; pairs with unequal budgets are listed and not compared. Raises
    FileNotFoundError without journals, ConfigError if no run was finished and evaluated.
    """
    study = read_study(study_folder)
    path = Path(study_folder) / "report.html" if out is None else Path(out)
    chapters = [
        chapter(study, family, target=target, budgets=budgets, resamples=resamples)
        for family in study.families
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in chapters:
        for drawn in each.pictures.values():
            drawn.save(path.parent / "figures")
    _replace(path, report_html(study, chapters))
    _replace(path.with_suffix(".md"), report_markdown(study, chapters))
    return path


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all: a reader may have the old file open."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def chapter(
    study: Study,
    family: str,
    *,
    target: float | None = None,
    budgets: Budgets = "refuse",
    resamples: int = 1000,
) -> Chapter:
    """Analyze and draw one family."""
    found = find(study, family, target=target, budgets=budgets, resamples=resamples)
    _, ways = decodings(study, family)
    other = None
    if len(ways) > 1:
        other = find(study, family, decode=ways[1], budgets=budgets, resamples=resamples)
    looks = styles(study)
    split = found.table.metric.split()[0]
    curve_split = "validation" if _has(study, family, "validation") else split
    lead = verdict(found.comparisons[0]) if found.comparisons else ""
    title = lead if len(found.comparisons) == 1 else f"Who needs fewer problems: {family}"
    drawn: dict[str, Picture | None] = {
        "v1": learning_curves(study, family, looks, split=curve_split),
        "v3": forest(family, title, found.comparisons, found.differences, looks)
        if found.comparisons
        else None,
        "v4": level_mix(study, family, looks),
        "v5": pass_rates(study, family),
        "v6": wasted_groups(study, family),
        "v10": ledger_strip(study, family),
        "v12": pair_plot(family, found.differences, looks),
    }
    if found.everything is not None:
        drawn["v2"] = scaling_curves(found.everything, study, looks, found.target)
    return Chapter(found, other, {k: p for k, p in drawn.items() if p is not None}, split)


def _has(study: Study, family: str, split: str) -> bool:
    return any(e.split == split for run in study.of(family, "rl") for e in run.evals)


# The words of the report, shared by HTML and Markdown


def limits(study: Study, chapters: list[Chapter]) -> list[str]:
    """What the reader must know before quoting a number."""
    lines = []
    learners = sorted({run.info.learner for run in study.runs})
    engines = sorted({run.info.engine for run in study.runs if run.info.engine})
    lines.append(
        f"Learner: {', '.join(learners)}"
        + (f" ({', '.join(engines)})" if engines else "")
        + (
            "; a simulation shows what the code does, not what a model learns"
            if "simulated" in learners
            else ""
        )
        + "."
    )
    for each in chapters:
        found, own = each.finding, each.finding.table
        seeds = sorted({int(s) for s in own.seed})
        starts = sorted(set(own.start))
        lines.append(
            f"{found.family}: {len(starts)} warm start{'s' if len(starts) != 1 else ''}, "
            f"{len(seeds)} seed{'s' if len(seeds) != 1 else ''} each; sizes "
            f"{', '.join(str(n) for n in np.unique(own.n))}; {len(own.weights)} {each.split} items; "
            f"target {percent(found.target) if found.target is not None else 'none'} ({found.rule})."
            + ("" if len(starts) >= MIN_STARTS else f" Below {MIN_STARTS} starts: no headline.")
        )
        lines.append(f"{found.family}: {_budget_words(found)}")
        lines.append(f"{found.family}: {_extrapolated(found)}")
        notes = sorted({note for c in found.comparisons for note in c.notes})
        lines += [f"{found.family}: {note}." for note in notes]
        if len(found.comparisons) > 1:
            lines.append(
                f"{found.family}: {len(found.comparisons)} pairs are compared; each interval "
                "stands for itself, none is widened for their number."
            )
    lines.append(
        f"Files left out as damaged: {len(study.damaged)}. Runs that did not finish, left out: "
        f"{len(study.unfinished)}. Files repaired while reading: {len(study.repaired)}."
    )
    lines += [f"Left out: {reason}" for _, reason in study.damaged]
    lines += [
        f"Not finished: {run.info.id} ({run.status}{', ' + run.error if run.error else ''})"
        for run in study.unfinished
    ]
    lines += [f"Repaired: {text}" for text in study.repaired]
    return lines


def _budget_words(found: Finding) -> str:
    unequal = [
        f"{pair} {factor(ratio)}"
        for pair, ratio in found.budgets.items()
        if not isnan(ratio) and max(ratio, 1 / ratio) > TOLERANCE
    ]
    if unequal:
        return "rollouts are NOT equal between samplers: " + ", ".join(unequal) + "."
    if any(isnan(ratio) for ratio in found.budgets.values()):
        return "the journals do not say how many rollouts were generated."
    own = found.table
    used = [float(own.tokens[own.rows(name)].mean()) for name in own.samplers]
    spread = f"; tokens differ by a factor {max(used) / min(used):.2f}" if min(used) > 0 else ""
    return f"equal generated rollouts for all samplers{spread}."


def _extrapolated(found: Finding) -> str:
    beyond = [note for c in found.comparisons for note in c.notes if "extrapolated" in note]
    if beyond:
        return "a ratio rests on extrapolation, see below."
    return "no number is extrapolated; dashed parts of curves are."


def methods(chapters: list[Chapter]) -> str:
    """How the intervals were made, in one paragraph."""
    reasons = sorted({c.reason for each in chapters for c in each.finding.comparisons})
    draws = max((c.resamples for each in chapters for c in each.finding.comparisons), default=0)
    return (
        f"Accuracy is {'; '.join(sorted({each.finding.table.metric for each in chapters}))}, at the "
        "end of a run; the mean of the tiers counts easy, medium and hard alike. A Hill curve through the warm starts is fitted to each sampler; the "
        "ratio compares the sizes at which two curves reach the target. Whether a target is reached "
        "is decided on monotone means of the data, not on the curve. "
        + (f"Intervals ({draws} resamples): {'; '.join(reasons)}. " if reasons else "")
        + "The deviations of the units, less the level that a unit gives to all of its runs, move "
        "all cells together by one standard error; the distances at 16 % and 84 % are stretched by "
        "Student's t. Test items are drawn again, one draw for all runs, and added in quadrature. "
        "Simulated studies with three starts: these intervals hold the true ratio in 97 to 100 % of "
        "cases, so they are wide. “Would have seen” is the smallest ratio shown in 80 % of such "
        "studies. Left-out error: the largest size predicted from the others, in points."
    )


def comparison_rows(found: Finding) -> list[Row]:
    """The comparisons at the target and at the grid, as text cells."""
    return [
        {
            "target": percent(c.target) + (" *" if c in found.comparisons else ""),
            "first": c.a,
            "second": c.b,
            "ratio": factor(c.ratio) if not isnan(c.ratio) else c.kind,
            "95 %": interval(c.low, c.high),
            "without a model": factor(c.isotonic) if not isnan(c.isotonic) else "–",
            "would have seen": factor(c.seen) if not isnan(c.seen) else "–",
            "n first": f"{c.n_a:.0f}" if np.isfinite(c.n_a) else "–",
            "n second": f"{c.n_b:.0f}" if np.isfinite(c.n_b) else "–",
        }
        for c in sorted((*found.comparisons, *found.grid), key=lambda c: (c.a, c.b, c.target))
    ]


def difference_rows(found: Finding) -> list[Row]:
    """Paired differences in points, with the smallest one that would have been seen."""
    return [
        {
            "first": d.a,
            "second": d.b,
            "n": d.n,
            "first %": 100 * d.mean_a,
            "second %": 100 * d.mean_b,
            "difference": 100 * d.difference,
            "from": 100 * d.low,
            "to": 100 * d.high,
            "would have seen": 100 * d.seen,
            "pairs": d.units,
        }
        for each in found.differences
        for d in each
    ]


Section = tuple[str, Callable[[Study, Chapter], list[Row]], str]

SECTIONS: tuple[Section, ...] = (
    (
        "Results",
        lambda study, each: result_rows(study, each.finding.family, each.split),
        "Percent, mean over runs; greedy but for T=1, the mean of the tiers at temperature 1.",
    ),
    (
        "Ratios at several targets",
        lambda study, each: comparison_rows(each.finding),
        "Above 1 the first needs fewer problems; * the target of the verdicts.",
    ),
    (
        "Paired differences",
        lambda study, each: difference_rows(each.finding),
        "Points of accuracy, first minus second, Student's t over the pairs.",
    ),
    (
        "Laws",
        lambda study, each: law_rows(each.finding),
        "Hill curve and power law; left-out errors in points, beside repeating the last value.",
    ),
    (
        "Warm starts",
        lambda study, each: gate_rows(study, each.finding.family),
        "Percent at the last probe before RL.",
    ),
    (
        "Guess rates",
        lambda study, each: guess_rows(study, each.finding.family),
        "Percent right by guessing.",
    ),
    (
        "Ledger",
        lambda study, each: ledger_rows(study, each.finding.family),
        "Groups by status.",
    ),
    ("Cost", lambda study, each: cost_rows(study, each.finding.family), "Means over runs."),
)


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
    if chapters:
        lead = chapters[0]
        first = FIRST if "v3" in lead.pictures else ("v12", *FIRST)
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
        if each.second_opinion:
            body += [tag("h3", "The other way of decoding"), items(each.second_opinion)]
        for title, rows, caption in SECTIONS:
            body += [tag("h3", title), table(rows(study, each), caption)]
    body += [tag("h2", "How the intervals were made"), tag("p", methods(chapters))]
    body.append(
        tag(
            "p",
            "Every figure lies in figures/ as SVG, PNG, PDF and as the CSV of its numbers.",
            class_="quiet",
        )
    )
    return page(study.name, body)


def _figures(each: Chapter, names: tuple[str, ...]) -> Html:
    drawn = [
        tag(
            "figure",
            tag("div", picture(p.data_uri(), p.alt), class_="scroll", tabindex="0"),
            tag("figcaption", p.caption),
        )
        for p in (each.pictures[name] for name in names if name in each.pictures)
    ]
    return tag("div", Html("".join(drawn)), class_="grid")


def report_markdown(study: Study, chapters: list[Chapter]) -> str:
    """The same in Markdown, without pictures."""
    lines = [f"# {markdown(study.name)}", ""]
    for each in chapters:
        lines += [f"- {markdown(f'{each.finding.family}: {line}')}" for line in each.verdicts]
    lines += ["", "## Limits of these numbers", ""]
    lines += [f"- {markdown(line)}" for line in limits(study, chapters)]
    for each in chapters:
        lines += ["", f"## {markdown(each.finding.family)}"]
        if each.second_opinion:
            lines += ["", "### The other way of decoding", ""]
            lines += [f"- {markdown(line)}" for line in each.second_opinion]
        for title, rows, caption in SECTIONS:
            lines += ["", f"### {title}", "", caption, "", markdown_table(rows(study, each))]
    lines += ["", "## How the intervals were made", "", markdown(methods(chapters)), ""]
    return "\n".join(lines)
