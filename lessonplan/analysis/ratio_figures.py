"""V3 forest of ratios with paired differences, and V12 pairs of one sampler against another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lessonplan.analysis.efficiency import Comparison, Difference
from lessonplan.analysis.figures import (
    LABEL,
    Picture,
    Style,
    bottom_labels,
    new_figure,
    plain,
    stem,
    tidy,
)
from lessonplan.analysis.studies import Row
from lessonplan.analysis.theme import CARD, RULE, SOFT
from lessonplan.analysis.words import factor, interval, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALE = RULE  # of an interval that includes no difference; uniform is darker and solid
UNITS = {"starts": "warm starts", "seeds": "seeds", "runs": "runs"}
WIDEST = 64.0  # ratios beyond this, either way, are drawn as arrows


def forest_rows(
    found: Sequence[Comparison], differences: Sequence[Sequence[Difference]]
) -> list[Row]:
    """One row a comparison: ratio and limits, and the difference at the largest shared size."""
    rows: list[Row] = []
    for c, each in zip(found, differences, strict=True):
        row: Row = {
            "a": c.a,
            "b": c.b,
            "target": c.target,
            "kind": c.kind,
            "ratio": c.ratio,
            "low": c.low,
            "high": c.high,
            "seen": c.seen,
            "headline": int(c.headline),
        }
        if each:
            d = each[-1]
            row |= {
                "n": d.n,
                "difference": d.difference,
                "difference_low": d.low,
                "difference_high": d.high,
                "units": d.units,
            }
        rows.append(row)
    return rows


def forest(
    family: str,
    title: str,
    found: Sequence[Comparison],
    differences: Sequence[Sequence[Difference]],
    looks: dict[str, Style],
) -> Picture | None:
    """V3: how many times fewer problems, and how much more accuracy; None without comparisons."""
    rows = forest_rows(found, differences)
    if not rows:
        return None
    figure = new_figure(1.6 + 0.5 * len(rows), title)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for y, (row, c) in enumerate(zip(rows, found, strict=True)):
        color = looks[c.winner].color if c.winner else PALE
        _draw_ratio(left, y, c, color)
        if "difference" in row:
            _draw_difference(right, y, row, looks)
    left.set_yticks(range(len(rows)), [plain(f"{r['a']} / {r['b']}") for r in rows], fontsize=9)
    left.set_ylim(len(rows) - 0.4, -0.6)
    left.set_xscale("log", base=2)
    limit = min(WIDEST, max([4.0, *[_reach(c) for c in found]]) * 1.5)
    left.set_xlim(1 / limit, limit)
    step = 4.0 if limit > 16 else 2.0  # labels of a wide axis would touch
    ticks = [t for t in step ** np.arange(-6.0, 7.0) if 1 / limit <= t <= limit]
    left.set_xticks(ticks, [_tick(t) for t in ticks])
    left.minorticks_off()
    left.set_xlabel("times fewer problems needed by the first", fontsize=9)
    right.set_xlabel("points, first minus second", fontsize=9)
    n = rows[0].get("n")
    left.set_title(f"ratio at {percent(found[0].target)}", fontsize=9.5)
    right.set_title(f"at {n} problems" if n else "", fontsize=9.5)
    for axes, null in ((left, 1.0), (right, 0.0)):
        tidy(axes)
        axes.grid(False, axis="y")
        axes.axvline(null, color="black", linewidth=1)
    caption = (
        f"Lines: 95 % intervals. Left: {found[0].reason}. Right: Student's t over "
        f"{found[0].units} paired {UNITS[found[0].method]}. "
        "Hollow and pale: the interval includes no difference. An open arrow: the limit lies outside, or one sampler does not reach the target and the "
        "value is a bound. The upright line is no difference."
    )
    words = "; ".join(f"{c.a} against {c.b}: {_words(c)}" for c in found)
    return Picture(
        f"{stem(family)}-v3-forest", title, caption, f"Forest plot. {words}.", rows, figure
    )


def _reach(c: Comparison) -> float:
    values = [v for v in (c.low, c.high, c.ratio) if np.isfinite(v) and v > 0]
    return max((max(v, 1 / v) for v in values), default=1.0)


def _tick(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else f"1/{1 / value:.0f}"


def _words(c: Comparison) -> str:
    if c.kind in ("ratio", "at least", "at most"):
        return (
            f"{factor(c.ratio)} ({interval(c.low, c.high)})"
            if c.kind == "ratio"
            else interval(c.low, c.high)
        )
    return c.kind


def _draw_ratio(axes: Axes, y: int, c: Comparison, color: str) -> None:
    if c.kind in ("neither", "both early", "below base") or np.isnan(c.low):
        words = {
            "neither": "neither reaches it",
            "both early": "both at the smallest size",
            "below base": "below the warm start",
        }.get(c.kind, "no interval")
        axes.text(1.06, y - 0.16, words, fontsize=8, color=SOFT, va="center")
        if np.isfinite(c.ratio):
            axes.plot([c.ratio], [y], marker="o", color=color)
        return
    low, high = max(c.low, 1 / WIDEST / 4), min(c.high, WIDEST * 4)
    axes.plot([low, high], [y, y], color=color, linewidth=2, solid_capstyle="butt")
    if np.isfinite(c.ratio):
        face = color if c.winner else CARD
        axes.plot([c.ratio], [y], marker="o", markersize=7, color=color, markerfacecolor=face)
    for edge, beyond, marker, at in (
        (c.high, c.high > WIDEST, ">", 1.0),
        (c.low, c.low < 1 / WIDEST, "<", 0.0),
    ):
        if beyond or not 0 < edge < np.inf:
            axes.plot(
                [at],
                [y],
                marker=marker,
                markersize=9,
                markerfacecolor=CARD,
                markeredgecolor=color,
                transform=axes.get_yaxis_transform(),
                clip_on=False,
            )
    label = factor(c.ratio) + " " if np.isfinite(c.ratio) else ""
    label += f"({interval(c.low, c.high)})"
    axes.annotate(
        label,
        (0.5, y),
        xycoords=("axes fraction", "data"),
        xytext=(0, 7),
        textcoords="offset points",
        fontsize=8,
        ha="center",
        color=SOFT,
        bbox=LABEL,
    )


def _draw_difference(axes: Axes, y: int, row: Row, looks: dict[str, Style]) -> None:
    value, low, high = (
        100 * float(row[k]) for k in ("difference", "difference_low", "difference_high")
    )
    sure = low > 0 or high < 0
    color = looks[str(row["a"] if value > 0 else row["b"])].color if sure else PALE
    if np.isfinite(low):
        axes.plot([low, high], [y, y], color=color, linewidth=2)
    face = color if sure else CARD
    axes.plot([value], [y], marker="o", markersize=6, color=color, markerfacecolor=face)


def pair_rows(differences: Sequence[Sequence[Difference]]) -> list[Row]:
    """One row a pair, size and unit: the difference of that unit, and both means."""
    return [
        {
            "a": d.a,
            "b": d.b,
            "n": d.n,
            "unit": u,
            "mean_a": d.mean_a,
            "mean_b": d.mean_b,
            "difference": value,
            "low": d.low,
            "high": d.high,
            "seen": d.seen,
        }
        for each in differences
        for d in each
        for u, value in enumerate(d.each)
    ]


def pair_plot(
    family: str, differences: Sequence[Sequence[Difference]], looks: dict[str, Style]
) -> Picture | None:
    """V12: paired differences by size, one thin line a warm start; None without shared sizes."""
    rows = pair_rows(differences)
    shown = [each for each in differences if each]
    if not shown:
        return None
    columns = min(2, len(shown))
    lines = -(-len(shown) // columns)
    sure = sum(d.low > 0 or d.high < 0 for each in shown for d in each)
    total = sum(len(each) for each in shown)
    title = f"The paired difference is clear of zero in {sure} of {total} comparisons"
    figure = new_figure(0.8 + 2.1 * lines, title)
    figure.set_layout_engine("constrained", hspace=0.08)  # titles clear of the numbers above them
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
    for axes, each in zip(grid.flat, shown, strict=False):
        first = each[0]
        x = np.array([d.n for d in each], dtype=float)
        for u in range(len(each[0].each)):
            axes.plot(
                x,
                [100 * d.each[u] for d in each],
                color=RULE,
                linewidth=0.8,
                marker=".",
                markersize=3,
            )
        y, low, high = (
            100 * np.array([getattr(d, k) for d in each]) for k in ("difference", "low", "high")
        )
        color = looks[first.a].color
        if np.isfinite(low).all():
            axes.vlines(x, low, high, color=color, linewidth=2, alpha=0.6)
        axes.plot(x, y, color=color, marker=looks[first.a].marker, linewidth=1.8)
        axes.axhline(0, color="black", linewidth=1)
        axes.set_xscale("log")
        axes.set_xticks(x, [f"{v:.0f}" for v in x])
        axes.minorticks_off()
        axes.set_title(plain(f"{first.a} minus {first.b}"), fontsize=9.5)
        tidy(axes)
        axes.tick_params(labelsize=8)
    for axes in grid[:, 0]:
        axes.set_ylabel("points, first minus second", fontsize=9)
    bottom_labels(grid.flat, columns, len(shown), "unique problems")
    caption = (
        f"Thin: one line for each of {shown[0][0].units} paired "
        f"{UNITS[shown[0][0].method]}; thick: mean, with 95 % "
        "Student's t limits over them. Above 0 the first is better."
    )
    return Picture(
        f"{stem(family)}-v12-pairs", title, caption, f"Paired differences. {title}.", rows, figure
    )
