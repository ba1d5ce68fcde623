"""What a report says in sentences beside its verdicts: limits, many comparisons, a second law."""

from math import isnan

import numpy as np

from lessonplan.analysis.bootstrap import MIN_STARTS
from lessonplan.analysis.chapters import Chapter
from lessonplan.analysis.findings import Finding
from lessonplan.analysis.multiple import family_words
from lessonplan.analysis.studies import Study
from lessonplan.analysis.table_study import UNKNOWN
from lessonplan.analysis.tables import TOLERANCE
from lessonplan.analysis.words import factor, percent


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
                "stands for itself, those widened for their number are below."
            )
    told = (note for run in study.runs if run.info.learner == UNKNOWN for note in run.notes)
    lines += [f"{note}." for note in dict.fromkeys(told)]
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
        return "the logs do not say how many rollouts were generated."
    own = found.table
    used = [float(own.tokens[own.rows(name)].mean()) for name in own.samplers]
    spread = f"; tokens differ by a factor {max(used) / min(used):.2f}" if min(used) > 0 else ""
    return f"equal generated rollouts for all samplers{spread}."


def _extrapolated(found: Finding) -> str:
    beyond = [note for c in found.comparisons for note in c.notes if "extrapolated" in note]
    if beyond:
        return "a ratio rests on extrapolation, see below."
    return "no number is extrapolated; dashed parts of curves are."


def together(found: Finding) -> list[str]:
    """What becomes of the verdicts when all pairs count together, and under a second law."""
    lines = [f"{words}." for words in [family_words(found.holm)] if words]
    flips = sum(not one.resolved for one in found.sensitivities)
    if found.sensitivities:
        one = found.sensitivities[0]
        total = len(found.sensitivities)
        lines.append(
            f"Under a second law ({one.second} instead of {one.law}) "
            + (
                f"{flips} of {total} conclusions flip and are unresolved."
                if flips and total > 1
                else "the conclusion flips and is unresolved."
                if flips
                else f"{'the conclusion holds' if total == 1 else f'all {total} conclusions hold'}."
            )
        )
    return lines
