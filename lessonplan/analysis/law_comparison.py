"""Which law foresees the largest size best? Every law, fitted without it and asked for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lessonplan.analysis.extrapolate import TABLE_NOTE, leave_largest_out
from lessonplan.analysis.figures import Picture, Style, new_figure, plain, stem, tidy
from lessonplan.analysis.findings import Finding
from lessonplan.analysis.studies import Row

BASELINE = "last value"  # the largest measured size but one, repeated
USED = "hill"  # the law of the verdicts


def law_errors(finding: Finding) -> list[Row]:
    """Predicted minus measured accuracy at the largest size, by sampler and law.

    Runs as they are, warm starts at n = 0 with them; NaN where a law needs more sizes. Samplers
    with fewer than three sizes are left out.
    """
    table, rows = finding.table, list[Row]()
    base = table.base @ table.weights
    for name in table.samplers:
        own = table.rows(name)
        sizes = np.concatenate([np.zeros(len(base)), table.n[own].astype(float)])
        values = np.concatenate([base, table.accuracy[own]])
        if len(set(sizes[sizes > 0])) < 3:
            continue
        for one in leave_largest_out(sizes, values, items=len(table.weights)):
            rows.append(
                {
                    "sampler": name,
                    "law": one.law,
                    "n": int(sizes.max()),
                    "runs": len(own),
                    "predicted": one.predicted,
                    "measured": one.measured,
                    "error": one.difference,
                    "factor": float(np.exp(one.log_ratio)),
                }
            )
    return rows


def law_scores(rows: Sequence[Row]) -> list[Row]:
    """One row a law: the error in points for each sampler, and the mean size of it; best first."""
    samplers = list(dict.fromkeys(str(row["sampler"]) for row in rows))
    found: list[Row] = []
    for law in dict.fromkeys(str(row["law"]) for row in rows):
        errors = {str(r["sampler"]): 100 * float(r["error"]) for r in rows if str(r["law"]) == law}
        known = [abs(v) for v in errors.values() if np.isfinite(v)]
        row: Row = {"law": law, "mean error": float(np.mean(known)) if known else float("nan")}
        found.append(row | {name: errors.get(name, float("nan")) for name in samplers})
    return sorted(found, key=lambda r: (np.isnan(float(r["mean error"])), float(r["mean error"])))


def law_sentence(rows: Sequence[Row]) -> str:
    """How the law of the verdicts did beside the best one and the baseline; empty without rows."""
    scores = {str(r["law"]): float(r["mean error"]) for r in law_scores(rows)}
    known = {law: value for law, value in scores.items() if np.isfinite(value)}
    if USED not in known or BASELINE not in known:
        return ""
    best = min(known, key=lambda law: known[law])
    text = f"Left out, the largest size is missed by {known[USED]:.1f} points with {USED}"
    if best not in (USED, BASELINE):
        text += f", {known[best]:.1f} with {best}, the best of {len(known) - 1} laws,"
    text += f" and {known[BASELINE]:.1f} by repeating the last value"
    beaten = sum(v < known[BASELINE] for k, v in known.items() if k != BASELINE)
    return f"{text}; {beaten} of {len(known) - 1} laws beat that baseline"


def law_figure(finding: Finding, looks: dict[str, Style]) -> Picture | None:
    """Errors of all laws at the left-out largest size; None with fewer than three sizes."""
    rows = law_errors(finding)
    scores = [r for r in law_scores(rows) if np.isfinite(float(r["mean error"]))]
    if not scores:
        return None
    samplers = list(dict.fromkeys(str(row["sampler"]) for row in rows))
    title = law_sentence(rows) or "Laws asked for the largest size"
    figure = new_figure(1.7 + 0.28 * len(scores), title)
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=1)
    spread = np.linspace(-0.25, 0.25, len(samplers)) if len(samplers) > 1 else [0.0]
    for name, shift in zip(samplers, spread, strict=True):
        look = looks[name]
        axes.plot(
            [float(r[name]) for r in scores],
            np.arange(len(scores)) + shift,
            linestyle="",
            marker=look.marker,
            color=look.color,
            markersize=5,
            label=plain(name),
        )
    labels = [f"{r['law']}, {float(r['mean error']):.1f}" for r in scores]
    axes.set_yticks(range(len(scores)), labels, fontsize=8.5)
    for tick, row in zip(axes.get_yticklabels(), scores, strict=True):
        tick.set_fontweight("bold" if row["law"] in (USED, BASELINE) else "normal")
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_xlabel(
        "points, predicted minus measured (mean size of it beside the name)", fontsize=9
    )
    tidy(axes)
    figure.legend(
        loc="outside lower center", ncols=min(4, len(samplers)), fontsize=8.5, frameon=False
    )
    missing = sorted({str(r["law"]) for r in rows} - {str(r["law"]) for r in scores})
    runs = sorted({int(r["runs"]) for r in rows})
    caption = (
        f"Each law is fitted to all sizes but the largest ({rows[0]['n']} problems) and asked for it; a point a "
        f"sampler, {' to '.join(map(str, sorted({runs[0], runs[-1]})))} runs each. One held-out size is one draw: it ranks laws weakly. "
        + (f"Too few sizes for {', '.join(missing)}. " if missing else "")
        + f"Beyond the data: {TABLE_NOTE}."
    )
    alt = "Law comparison. " + "; ".join(
        f"{r['law']} {float(r['mean error']):.1f} points" for r in scores
    )
    return Picture(
        f"{stem(finding.family)}-law-comparison", title, caption, alt + ".", rows, figure
    )
