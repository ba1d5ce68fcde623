"""How the numbers were made: one paragraph, and the checklist of a scaling study, filled in.

The questions are those of (Mis)Fitting (arXiv 2502.18969): the form of the law, how the runs were
trained, how data was drawn from them, how the curves were fitted.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lessonplan.analysis.findings import Finding
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.words import percent


def methods(findings: Sequence[Finding], lead: str) -> str:
    """The paragraph for a paper: the verdict's sentence first, then how it came about."""
    reasons = sorted({c.reason for found in findings for c in found.comparisons})
    draws = max((c.resamples for found in findings for c in found.comparisons), default=0)
    metrics = "; ".join(sorted({found.table.metric for found in findings}))
    return (
        (f"{lead[:1].upper()}{lead[1:]}. " if lead else "") + f"Accuracy is {metrics}, at the "
        "end of a run; the mean of the tiers counts easy, medium and hard alike. A Hill curve through the warm starts is fitted to each sampler; the "
        "ratio compares the sizes at which two curves reach the target. Whether a target is reached "
        "is decided on monotone means of the data, not on the curve. "
        + (f"Intervals ({draws} resamples): {'; '.join(reasons)}. " if reasons else "")
        + "The deviations of the units, less the level that a unit gives to all of its runs, move "
        "all cells together by one standard error; the distances at 16 % and 84 % are stretched by "
        "Student's t. Test items are drawn again, one draw for all runs, and added in quadrature. "
        "Simulated studies with three starts: these intervals hold the true ratio in 94 to 99 % of "
        "cases, so they are wide. “Would have seen” is the smallest ratio, bound or difference shown in 80 % of such "
        "studies. p values are those of the intervals; Holm's correction keeps the chance of any "
        "false claim among all pairs of a family below 5 %. Every comparison is repeated with a "
        "shifted power law; where the conclusion flips it is called unresolved."
    )


def checklist_rows(study: Study, finding: Finding, left_out: str = "") -> list[Row]:
    """What a reader of a scaling study has to ask, and the answer of this one.

    `left_out` is the sentence about the left-out largest size (`law_comparison.law_sentence`).
    """
    return [
        {"part": part, "question": question, "answer": answer}
        for part, pairs in (
            ("law", _law(finding)),
            ("training", _training(study, finding)),
            ("data", _data(study, finding)),
            ("fit", _fit(finding, left_out)),
        )
        for question, answer in pairs
    ]


Pairs = list[tuple[str, str]]


def _law(finding: Finding) -> Pairs:
    table = finding.table
    return [
        ("form", "Hill: accuracy = a0 + (A - a0) / (1 + (c/n)^b), one curve for each sampler"),
        (
            "x",
            "n, unique problems of the training set (a choice: steps are the same for all sizes)",
        ),
        ("y", table.metric),
        (
            "parameters",
            "a0 (start), A (ceiling), b (steepness), c (size of half the gain), none shared",
        ),
        (
            "other laws",
            "shifted power law for every comparison; all laws on the left-out largest size",
        ),
        (
            "target",
            f"{percent(finding.target) if finding.target is not None else 'none'}: {finding.rule}",
        ),
    ]


def _training(study: Study, finding: Finding) -> Pairs:
    table, runs = finding.table, study.of(finding.family, "rl")
    info = runs[0].info
    sizes, starts = np.unique(table.n), sorted(set(table.start))
    train = study.settings.get("train")
    settings = train if isinstance(train, Mapping) else {}
    changed = ", ".join(f"{key} {value}" for key, value in settings.items())
    shapes = sorted({(r.info.steps, r.info.problems_per_step, r.info.group_size) for r in runs})
    steps = "; ".join(
        f"{steps} steps of {each} problems, {group} rollouts each"
        for steps, each, group in shapes
        if steps
    )
    spent = table.rollouts[table.rollouts > 0]
    epochs = [
        r.info.steps * r.info.problems_per_step / r.info.n
        for r in runs
        if r.info.n and r.info.steps
    ]
    return [
        ("runs", f"{len(table.sampler)}, of {len(table.samplers)} samplers"),
        ("sizes", ", ".join(map(str, sizes))),
        (
            "models",
            f"one model size, {len(starts)} warm start{'s' if len(starts) != 1 else ''}; learner {info.learner}"
            + (f" ({info.engine})" if info.engine else ""),
        ),
        ("steps", steps or "not said by the logs"),
        (
            "repetition",
            f"a problem is drawn {min(epochs):.2g} to {max(epochs):.2g} times on average"
            if epochs
            else "not said by the logs",
        ),
        (
            "hyperparameters",
            f"the same for all sizes and samplers: {changed}" if changed else "not said",
        ),
        (
            "cost",
            f"{int(spent.min())} to {int(spent.max())} generated rollouts a run, refused ones included"
            if len(spent)
            else "not said by the logs",
        ),
    ]


def _data(study: Study, finding: Finding) -> Pairs:
    table = finding.table
    left = len(study.damaged) + len(study.unfinished)
    writers = sorted({r.writer for r in study.of(finding.family, "rl") if r.writer})
    return [
        ("points", f"{len(table.sampler)} runs; the last evaluation of each, no earlier checkpoint"),
        ("start", f"{len(table.starts)} models before training, as the point n = 0" if len(table.starts) else "not measured"),
        ("test", f"{len(table.weights)} items, the same for all runs; not used to choose anything"),
        ("left out", f"{left} files damaged or unfinished; no point was dropped as an outlier"),
        ("counting", "rollouts and tokens as generated, by " + (", ".join(writers) or "an unnamed writer")),
    ]  # fmt: skip


def _fit(finding: Finding, left_out: str) -> Pairs:
    both = finding.everything
    if both is None:
        return [("curves", "none: too few sizes")]
    points = sum(len(c.sizes) for c in both.plan.cells) + (both.draws.base is not None)
    away = [
        np.abs(fits.accuracy(cells.sizes.astype(float))[0] - values[0])
        for cells, fits, values in zip(both.plan.cells, both.fits, both.draws.cells, strict=True)
    ]
    worst = max(float(a.max()) for a in away)
    root = float(np.sqrt(np.mean(np.concatenate(away) ** 2)))
    shared = " (the warm starts' is shared)" if both.draws.base is not None else ""
    return [
        ("loss", "squares, weighted by 1/variance; a weak prior on the slope, ln b ~ N(0, .7)"),
        (
            "algorithm",
            "a0 and A exact for each (b, c); a grid of (ln b, ln c), then damped Gauss-Newton steps",
        ),
        ("bounds", "b from .15 to 4; c from e^-4 times the smallest to e^5 times the largest size"),
        ("points and parameters", f"{points} cell means{shared}, {4 * len(both.plan.cells)} parameters"),
        ("goodness", f"root mean square {100 * root:.1f} points, largest {100 * worst:.1f}"),
        ("validation", left_out or "too few sizes to leave one out"),
        ("uncertainty", f"{both.plan.reason}; {len(both.draws.cells[0])} resamples"),
        ("seed spread", f"sd {100 * both.draws.sd:.1f} points of one unit in one cell, pooled over sizes"),
    ]  # fmt: skip
