"""The tables of a report: a function that returns rows for each, and their titles and captions."""

from collections.abc import Callable
from itertools import zip_longest
from math import isnan, nan

import numpy as np

from lessonplan.analysis.chapters import Chapter
from lessonplan.analysis.findings import Finding, law_rows
from lessonplan.analysis.law_comparison import law_scores, law_sentence
from lessonplan.analysis.ledger_figure import ledger_rows
from lessonplan.analysis.methods import checklist_rows
from lessonplan.analysis.multiple import p_of_ratio
from lessonplan.analysis.pages import (
    sparkline,
)
from lessonplan.analysis.problem_figures import KINDS, course
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.summaries import (
    cost_rows,
    gate_rows,
    guess_rows,
    result_rows,
)
from lessonplan.analysis.words import factor, interval, percent


def comparison_rows(found: Finding) -> list[Row]:
    """The comparisons at the target and at the grid, as text cells."""
    corrected = {
        (c.a, c.b, c.target): one.p_adjusted
        for c, one in zip(found.comparisons, found.holm, strict=False)
    }
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
            "p": _p(p_of_ratio(c)),
            "p, Holm": _p(corrected.get((c.a, c.b, c.target), nan)),
        }
        for c in sorted((*found.comparisons, *found.grid), key=lambda c: (c.a, c.b, c.target))
    ]


def _p(value: float) -> str:
    return "–" if isnan(value) else "< .001" if value < 0.001 else f"{value:.2g}"


def difference_rows(found: Finding) -> list[Row]:
    """Paired differences in points, with the smallest one that would have been seen."""
    every = [d for each in found.differences for d in each]
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
            "p": _p(one.p if one else nan),
            "p, Holm": _p(one.p_adjusted if one else nan),
        }
        for d, one in zip_longest(every, found.holm_differences)
    ]


def correction_rows(found: Finding) -> list[Row]:
    """A row for each pair: what is left of it when all pairs count, and under a second law."""
    return [
        {
            "first": c.a,
            "second": c.b,
            "p": _p(one.p),
            "p, Holm": _p(one.p_adjusted),
            "95 %": interval(c.low, c.high),
            "95 %, Holm": interval(one.low, one.high),
            second.law: second.first_words,
            second.second: second.second_words,
            "conclusion": "holds" if second.resolved else "flips: unresolved",
        }
        for c, one, second in zip(found.comparisons, found.holm, found.sensitivities, strict=True)
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
        "Above 1 the first needs fewer problems; * the target of the verdicts, over whose pairs "
        + "Holm's correction is made. p is of a ratio of 1.",
    ),
    (
        "Paired differences",
        lambda study, each: difference_rows(each.finding),
        "Points of accuracy, first minus second, Student's t over the pairs, never narrower than luck "
        + "with single answers. Holm's correction is over all rows of this table.",
    ),
    (
        "Many pairs at once, and another law",
        lambda study, each: correction_rows(each.finding),
        "Holm: over all pairs of the family at the target, the intervals widened with it. The same "
        + "resamples are fitted with a second law; what flips between laws is unresolved.",
    ),
    (
        "Laws",
        lambda study, each: law_rows(each.finding),
        "Hill curve and power law. What lies beyond the largest size, a ceiling too, is extrapolated.",
    ),
    (
        "Laws asked for the largest size",
        lambda study, each: (
            law_scores(each.pictures["laws"].rows) if "laws" in each.pictures else []
        ),
        "Points, predicted minus measured, each law fitted without the largest size; last value: the "
        + "size before it, repeated.",
    ),
    ("Mixtures", lambda study, each: each.mixed, "Arms whose mixture the configuration states."),
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
    (
        "What a reader of a scaling study asks",
        lambda study, each: checklist_rows(study, each.finding, _left_out(each)),
        "The checklist of (Mis)Fitting (arXiv 2502.18969).",
    ),
)
OPTIONAL = (
    "Many pairs at once, and another law",
    "Mixtures",
    "Guess rates",
    "Warm starts",
    "Ledger",
    "Laws asked for the largest size",
)


def _left_out(each: Chapter) -> str:
    return law_sentence(each.pictures["laws"].rows) if "laws" in each.pictures else ""


def sections(study: Study, each: Chapter) -> list[tuple[str, list[Row], str]]:
    """Tables with their titles and captions; some are left out when they hold nothing."""
    found = [(title, _known(rows(study, each)), caption) for title, rows, caption in SECTIONS]
    return [one for one in found if one[1] or one[0] not in OPTIONAL]


def _known(rows: list[Row]) -> list[Row]:
    """The rows without columns of which nothing is known."""
    empty = {
        name
        for name in (rows[0] if rows else ())
        if all(isinstance(v := row.get(name), float) and isnan(v) for row in rows)
    }
    return [{k: v for k, v in row.items() if k not in empty} for row in rows]


def problem_tables(each: Chapter) -> list[tuple[str, list[Row]]]:
    """The problems of V7 by kind, with how many there are of it."""
    rows = each.pictures["v7"].rows if "v7" in each.pictures else []
    found = []
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        if own:
            shown = f", the first {len(own)}" if len(own) < int(own[0]["of"]) else ""
            found.append((f"{kind}: {own[0]['of']} of {own[0]['tried']} problems{shown}", own))
    return found


def problem_row(row: Row) -> Row:
    """A problem of V7 as a reader wants it, its course as a small line."""
    keep = ("problem", "level", "runs", "rollouts")
    return {
        **{name: row[name] for name in keep},
        "right %": 100 * int(row["right"]) / int(row["rollouts"]),
        "early %": 100 * float(row["early"]),
        "late %": 100 * float(row["late"]),
        "by tenth of the run": sparkline(course(row)),
    }
