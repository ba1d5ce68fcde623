"""Published points as a picture: accuracy against problems, joined and without intervals."""

from math import isnan

from lessonplan.analysis.figures import (
    COLORS,
    DASHES,
    GREY,
    MARKERS,
    Picture,
    Style,
    accuracy_axis,
    end_labels,
    new_figure,
    plain,
    stem,
    tidy,
)
from lessonplan.analysis.point_tables import PointTask
from lessonplan.analysis.studies import Row
from lessonplan.analysis.theme import SOFT
from lessonplan.analysis.words import listed, percent


def point_rows(task: PointTask) -> list[Row]:
    """One row a point; the model before training has n = 0 and no sampler."""
    rows: list[Row] = []
    if not isnan(task.base):
        rows.append({"task": task.task, "sampler": "", "n": 0, "accuracy": task.base, "rows": 1})
    for curve in task.curves:
        rows += [
            {"task": task.task, "sampler": curve.sampler, "n": n, "accuracy": y, "rows": curve.rows}
            for n, y in zip(curve.n, curve.accuracy, strict=True)
        ]
    return rows


def point_curves(task: PointTask) -> Picture | None:
    """The curves of one task with their names; None without a point."""
    if not task.curves:
        return None
    best = sorted(task.curves, key=lambda curve: -max(curve.accuracy))
    title = f"{task.task}: best points " + listed(
        [f"{percent(max(one.accuracy))} ({one.sampler})" for one in best]
    )
    figure = new_figure(3.4, title)
    axes = figure.subplots()
    axes.set_xscale("log")
    accuracy_axis(axes)
    ends = []
    for i, curve in enumerate(task.curves):
        k = i % len(COLORS)
        look = Style(COLORS[k], MARKERS[k], DASHES[k])
        if curve.sampler == "uniform":
            look = Style(GREY, "X", "-")
        axes.plot(
            curve.n,
            curve.accuracy,
            color=look.color,
            marker=look.marker,
            linestyle=look.line,
            markersize=5,
            linewidth=1.6,
        )
        ends.append((curve.accuracy[-1], curve.sampler, look.color))
    if not isnan(task.base):
        axes.axhline(task.base, color="black", linewidth=1, linestyle=":")
        ends.append((task.base, f"untrained {percent(task.base)}", SOFT))
    sizes = sorted({n for curve in task.curves for n in curve.n})
    axes.set_xlim(sizes[0] / 1.25, sizes[-1] * 1.25)
    shown = sizes if len(sizes) <= 9 else sizes[:: -(-len(sizes) // 9)]
    axes.set_xticks(shown, [f"{n:g}" for n in shown])
    axes.minorticks_off()
    tidy(axes)
    axes.set_xlabel("problems in the training set (log axis)", fontsize=9)
    axes.set_ylabel("share right", fontsize=9)
    end_labels(axes, ends)
    most = max(curve.rows for curve in task.curves)
    caption = (
        f"{plain(task.task)}: {len(sizes)} sizes, "
        + ("one row a point" if most == 1 else f"means of up to {most} rows a point")
        + ". No intervals: a table of points does not say how far chance reaches."
    )
    return Picture(
        f"{stem(task.task)}-points", title, caption, f"Points. {title}.", point_rows(task), figure
    )
