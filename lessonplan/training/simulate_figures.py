"""The pictures of a simulation: rows first, then the drawing; every title says that it is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.figures import (
    COLORS,
    DASHES,
    GREY,
    LABEL,
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
from lessonplan.analysis.ratio_figures import PALE
from lessonplan.analysis.sampling_figures import level_colors
from lessonplan.analysis.studies import Row
from lessonplan.analysis.theme import BROWN, CARD, COAL, HATCH, RULE, SOFT, TEAL
from lessonplan.analysis.verdicts import percent
from lessonplan.training.paired import Ratio, limits, times
from lessonplan.training.simulate import Simulation
from lessonplan.training.simulate_record import OUTCOMES, PARTS, RATES
from lessonplan.training.simulated import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDEST = 32.0  # ratios beyond this, either way, are drawn as arrows
LEARNED_FROM = slice(2, 8)  # tenths of the true success rate, .2 to .8: where groups are mixed


def looks(simulation: Simulation) -> dict[str, Style]:
    """The baseline is grey, the others keep their color, marker and line through the report."""
    base, *others = simulation.samplers
    found = {base: Style(GREY, "X", "-")}
    for i, name in enumerate(others):
        turn = i + i // len(COLORS)  # a color that comes again has another marker and line
        found[name] = Style(
            COLORS[i % len(COLORS)], MARKERS[turn % len(MARKERS)], DASHES[turn % len(DASHES)]
        )
    return found


def pictures(simulation: Simulation, found: Sequence[Ratio]) -> list[Picture]:
    """All pictures of a report, in its order."""
    drawn = (
        learning_curves(simulation),
        forest(simulation, found),
        level_mix(simulation),
        picks_against_truth(simulation),
        wasted_groups(simulation),
        tracking_error(simulation),
    )
    return [one for one in drawn if one is not None]


# Learning curves


def learning_rows(simulation: Simulation) -> list[Row]:
    """Success on held-out problems; `world` is empty in the rows of means, which have limits.

    The level that a world gives to all samplers alike is taken out of the limits, since samplers
    are compared inside worlds.
    """
    away = simulation.success - simulation.success.mean(axis=0)  # (A, W, E)
    worlds = away.shape[1]
    half = np.full((len(simulation.samplers), away.shape[2]), np.nan)  # (A, E)
    if worlds > 1:
        half = student(0.975, worlds - 1) * away.std(axis=1, ddof=1) / worlds**0.5
    rows: list[Row] = []
    for a, name in enumerate(simulation.samplers):
        for e, spent in enumerate(simulation.rollouts.tolist()):
            head: Row = {"learner": "simulated", "sampler": name, "rollouts": spent}
            mean = float(simulation.success[a, :, e].mean())
            low, high = mean - float(half[a, e]), mean + float(half[a, e])
            rows.append({**head, "world": "", "success": mean, "low": low, "high": high})
            rows += [
                {**head, "world": w, "success": float(simulation.success[a, w, e])}
                for w in range(worlds)
            ]
    return rows


def learning_curves(simulation: Simulation) -> Picture:
    """V1: mean true success on held-out problems against generated rollouts."""
    rows = learning_rows(simulation)
    style = looks(simulation)
    ends = {
        name: float(simulation.success[a, :, -1].mean())
        for a, name in enumerate(simulation.samplers)
    }
    best = sorted(ends, key=lambda name: -ends[name])
    title = "Simulated: success ends at " + ", ".join(f"{percent(ends[k])} ({k})" for k in best)
    figure = new_figure(3.9, title)
    axes = figure.subplots()
    x = simulation.rollouts
    for a, name in enumerate(simulation.samplers):
        look = style[name]
        for each in simulation.success[a]:
            axes.plot(x, each, color=look.color, linewidth=0.4, alpha=0.25)
        own = [row for row in rows if row["sampler"] == name and row["world"] == ""]
        mean, low, high = (np.array([float(r[k]) for r in own]) for k in ("success", "low", "high"))
        axes.plot(
            x,
            mean,
            color=look.color,
            linestyle=look.line,
            marker=look.marker,
            markevery=max(1, len(x) // 8),
            markersize=5,
            linewidth=1.8,
        )
        if np.isfinite(low).all():
            axes.fill_between(x, low, high, color=look.color, alpha=0.2, linewidth=0)
    target = simulation.scenario.target
    axes.axhline(target, color="black", linewidth=0.8, linestyle=":")
    axes.annotate(
        f"target {percent(target)}", (0.01, target), xycoords=("axes fraction", "data"),
        xytext=(0, 3), textcoords="offset points", fontsize=8,
    )  # fmt: skip
    accuracy_axis(axes)
    axes.set_xlim(0, x[-1])
    axes.set_xlabel("generated rollouts", fontsize=9)
    axes.set_ylabel("true success, held-out problems", fontsize=9)
    tidy(axes)
    end_labels(axes, [(ends[k], k, style[k].color) for k in simulation.samplers])
    caption = (
        f"Simulated learner. Thin: each of {simulation.success.shape[1]} worlds; thick: mean, with "
        "95 % Student's t limits over worlds, less what a world gives to all samplers alike. The "
        "true success rate is exact: real tests add noise. Dotted: the target of the scenario."
    )
    return _picture(simulation, "v1-learning", title, caption, rows, figure)


# Forest


def forest_rows(found: Sequence[Ratio]) -> list[Row]:
    """One row a comparison."""
    return [
        {
            "learner": "simulated",
            "a": r.a,
            "b": r.b,
            "target": r.target,
            "worlds": r.worlds,
            "reached_a": r.reached_a,
            "reached_b": r.reached_b,
            "method": r.method,
            "ratio": r.ratio,
            "low": r.low,
            "high": r.high,
            "seen": r.seen,
            "difference": r.difference,
            "difference_low": r.difference_low,
            "difference_high": r.difference_high,
        }
        for r in found
    ]


def forest(simulation: Simulation, found: Sequence[Ratio]) -> Picture | None:
    """V3: times fewer rollouts than the baseline, and the difference at the end."""
    if not found:
        return None
    style = looks(simulation)
    winners = [r for r in found if r.winner == r.a]
    title = (
        "Simulated: " + ", ".join(r.a for r in winners) + f" needs fewer rollouts than {found[0].b}"
        if winners
        else f"Simulated: nothing is shown to need fewer rollouts than {found[0].b}"
    ).replace(", needs", " needs")
    if len(winners) > 1:
        title = title.replace(" needs ", " need ")
    figure = new_figure(1.7 + 0.5 * len(found), title)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    reach = [v for r in found for v in (r.low, r.high, r.ratio) if np.isfinite(v) and v > 0]
    limit = min(WIDEST, 1.3 * max([1.5, *(max(v, 1 / v) for v in reach)]))
    for y, r in enumerate(found):
        _draw_ratio(left, y, r, style[r.winner].color if r.winner else PALE, limit)
        sure = r.difference_low > 0 or r.difference_high < 0
        color = style[r.a if r.difference > 0 else r.b].color if sure else PALE
        value, low, high = (100 * v for v in (r.difference, r.difference_low, r.difference_high))
        if np.isfinite(low):
            right.plot([low, high], [y, y], color=color, linewidth=2)
        right.plot([value], [y], "o", color=color, markerfacecolor=color if sure else CARD)
    left.set_yticks(range(len(found)), [plain(r.a) for r in found], fontsize=9)
    left.set_ylim(len(found) - 0.4, -0.6)
    left.set_xscale("log", base=2)
    left.set_xlim(1 / limit, limit)
    fine = (1 / 1.5, 1 / 1.2, 1, 1.2, 1.5)
    steps = (1 / 16, 1 / 4, 1 / 2, 1, 2, 4, 16) if limit >= 2 else fine
    ticks = [t for t in steps if 1 / limit <= t <= limit]
    left.set_xticks(ticks, [f"{t:g}" if t >= 1 else f"1/{1 / t:g}" for t in ticks])
    left.minorticks_off()
    left.set_xlabel(f"times fewer rollouts than {plain(found[0].b)}", fontsize=9)
    left.set_title(f"ratio at {percent(found[0].target)}", fontsize=9.5)
    right.set_xlabel(f"points, minus {plain(found[0].b)}", fontsize=9)
    right.set_title("success at the end", fontsize=9.5)
    for axes, null in ((left, 1.0), (right, 0.0)):
        tidy(axes)
        axes.grid(False, axis="y")
        axes.axvline(null, color="black", linewidth=1)
    caption = (
        f"Simulated learner. Lines: 95 % intervals over {found[0].worlds} paired worlds; Student's "
        "t of log ratios where all worlds reach the target, else order statistics of the median. "
        "Hollow and pale: no difference is shown. An open arrow: no limit on that side. The upright "
        "line is no difference. Each interval stands for itself."
    )
    return _picture(simulation, "v3-forest", title, caption, forest_rows(found), figure)


def _draw_ratio(axes: Axes, y: int, r: Ratio, color: str, limit: float) -> None:
    label = "" if np.isnan(r.ratio) else f"{times(r.ratio)} "
    label += f"({limits(r.low, r.high)})"
    if not np.isnan(r.low):
        low, high = max(r.low, 1 / limit / 4), min(r.high, limit * 4)
        axes.plot([low, high], [y, y], color=color, linewidth=2, solid_capstyle="butt")
        for beyond, marker, at in ((r.high > limit, ">", 1.0), (r.low < 1 / limit, "<", 0.0)):
            if beyond:
                axes.plot(
                    [at], [y], marker=marker, markersize=9, markerfacecolor=CARD,
                    markeredgecolor=color, transform=axes.get_yaxis_transform(), clip_on=False,
                )  # fmt: skip
    if np.isfinite(r.ratio):
        face = color if r.winner else CARD
        axes.plot([r.ratio], [y], "o", markersize=7, color=color, markerfacecolor=face)
    axes.annotate(
        label, (0.5, y), xycoords=("axes fraction", "data"), xytext=(0, 7), fontsize=8,
        textcoords="offset points", ha="center", color=SOFT,
        bbox=LABEL,
    )  # fmt: skip


# Level mix


def level_rows(simulation: Simulation) -> list[Row]:
    """Groups asked and trained on, by sampler, part of the run (0..19) and level; all worlds."""
    asked, trained = simulation.asked.sum(axis=1), simulation.trained.sum(axis=1)  # (A, P, L)
    rows: list[Row] = []
    for a, name in enumerate(simulation.samplers):
        for part in range(PARTS):
            total = int(asked[a, part].sum())
            taught = int(trained[a, part].sum())
            for level in range(asked.shape[2]):
                rows.append(
                    {
                        "learner": "simulated",
                        "sampler": name,
                        "part": part,
                        "level": level + 1,
                        "asked": int(asked[a, part, level]),
                        "share": float(asked[a, part, level] / total) if total else np.nan,
                        "trained": int(trained[a, part, level]),
                        "trained_share": float(trained[a, part, level] / taught)
                        if taught
                        else np.nan,
                    }
                )
    return rows


def level_mix(simulation: Simulation) -> Picture:
    """V4: which levels a sampler asks for, and below which of them are trained on."""
    rows = level_rows(simulation)
    levels = np.arange(1, simulation.asked.shape[3] + 1)
    asked = _shares(simulation.asked.sum(axis=1))  # (A, P, L)
    mean = np.nanmean(asked @ levels, axis=1)  # (A,)
    moved = [_ends(each @ levels) for each in asked]
    drift = max(range(len(moved)), key=lambda a: abs(moved[a][1] - moved[a][0]))
    first, last = moved[drift]
    title = (
        f"Simulated: {simulation.samplers[drift]} moves from mean level {first:.1f} to {last:.1f}"
        if abs(last - first) >= 0.5
        else "Simulated: no sampler changes its mix of levels during the run"
    )
    names = simulation.samplers
    figure = new_figure(1.0 + 1.5 * len(names), title)
    grid = figure.subplots(len(names), 2, sharex=True, sharey=True, squeeze=False)
    hues = level_colors(levels.tolist())
    trained = _shares(simulation.trained.sum(axis=1))
    x = (np.arange(PARTS) + 0.5) / PARTS
    for a, name in enumerate(names):
        for axes, share, what in (
            (grid[a, 0], asked[a], f"mean level {mean[a]:.1f}"),
            (grid[a, 1], trained[a], "trained on"),
        ):
            known = np.isfinite(share).all(axis=1)
            if known.any():
                axes.stackplot(x[known], share[known].T, colors=hues, linewidth=0)
            axes.set(xlim=(x[0], x[-1]), ylim=(0, 1))
            axes.set_title(plain(f"{name}: {what}"), fontsize=9)
            tidy(axes)
            axes.tick_params(labelsize=8)
        grid[a, 0].set_ylabel("share of groups", fontsize=8.5)
    for axes in grid[-1]:
        axes.set_xlabel("part of the run", fontsize=9)
    from matplotlib.patches import Patch

    figure.legend(
        handles=[Patch(color=c, label=f"level {v}") for v, c in zip(levels, hues, strict=True)],
        loc="outside lower center",
        ncols=min(5, len(levels)),
        fontsize=8.5,
        frameon=False,
    )
    caption = (
        "Simulated learner, all worlds together. Left: groups that the sampler asks for, by level. "
        "Right: those that are trained on, because their rewards differ and they came back in "
        "time."
    )
    return _picture(simulation, "v4-levels", title, caption, rows, figure)


def _shares(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """Counts (..., C) as shares of their sum, NaN where that is 0."""
    total = counts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / total)


def _ends(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return float(known[0]), float(known[-1])


# Picks against truth


def truth_rows(simulation: Simulation) -> list[Row]:
    """Picks and problems by true success rate: `rate` is the lower edge of a tenth.

    `preference` is the share of picks over the share of problems: 1 is no choice; NaN where the
    pool has no such problem.
    """
    picked, pool = simulation.picked.sum(axis=1), simulation.pool.sum(axis=1)  # (A, P, 10)
    preference = _preference(simulation)
    rows: list[Row] = []
    for a, name in enumerate(simulation.samplers):
        for part in range(PARTS):
            for tenth in range(RATES):
                rows.append(
                    {
                        "learner": "simulated",
                        "sampler": name,
                        "part": part,
                        "rate": tenth / RATES,
                        "picks": int(picked[a, part, tenth]),
                        "problems": int(pool[a, part, tenth]),
                        "preference": float(preference[a, part, tenth]),
                    }
                )
    return rows


def _preference(simulation: Simulation) -> Floats:
    """(A, P, 10) share of picks over share of problems."""
    picked = _shares(simulation.picked.sum(axis=1))
    pool = _shares(simulation.pool.sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = picked / pool
    return np.where(np.isfinite(found), found, np.nan)


def picks_against_truth(simulation: Simulation) -> Picture:
    """V9: what a sampler picks beside what is there, by the true success rate."""
    rows = truth_rows(simulation)
    names = simulation.samplers
    preference = _preference(simulation)
    picked, pool = simulation.picked.sum(axis=(1, 2)), simulation.pool.sum(axis=(1, 2))  # (A, 10)
    inside = _shares(picked)[:, LEARNED_FROM].sum(axis=1) / np.maximum(
        _shares(pool)[:, LEARNED_FROM].sum(axis=1), 1e-9
    )
    best = int(np.argmax(inside))
    title = (
        f"Simulated: {names[best]} picks problems of success 20-80 % {inside[best]:.1f} times as "
        "often as they occur"
    )
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(1.2 + 1.8 * lines, title)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    x = (np.arange(PARTS) + 0.5) / PARTS
    y = (np.arange(RATES) + 0.5) / RATES
    drawn = None
    for a, axes in enumerate(grid.flat):
        if a >= len(names):
            axes.set_visible(False)
            continue
        axes.patch.set(hatch="xxx", edgecolor=HATCH)
        shade = np.ma.array(
            np.clip(np.log2(np.maximum(preference[a].T, 1e-9)), -2, 2),
            mask=np.isnan(preference[a].T),
        )
        drawn = axes.imshow(
            shade, origin="lower", aspect="auto", cmap="PuOr_r", vmin=-2, vmax=2,
            extent=(0, 1, 0, 1), interpolation="nearest",
        )  # fmt: skip
        there = _shares(simulation.pool.sum(axis=1))[a] @ y  # (P,)
        axes.plot(x, there, color=COAL, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.set_title(plain(f"{names[a]}: {inside[a]:.1f} times"), fontsize=9.5)
        axes.tick_params(labelsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("part of the run", fontsize=9)
    for axes in grid[:, 0]:
        axes.set_ylabel("true success", fontsize=9)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=grid, shrink=0.85, ticks=[-2, -1, 0, 1, 2])
        bar.ax.set_yticklabels(["1/4", "1/2", "1", "2", "4"])
        bar.set_label("picked / present", fontsize=9)
    caption = (
        "Simulated learner, all worlds together: only here is the true success rate known. Color: "
        "how often problems of that rate are picked, over how often they occur in the pool at that "
        "time; hatched: there are none. Dashed: mean of the pool. In the panel titles: the same "
        "for rates of 20-80 %, where most groups are mixed."
    )
    return _picture(simulation, "v9-truth", title, caption, rows, figure)


# Wasted groups


def outcome_rows(simulation: Simulation) -> list[Row]:
    """Groups by outcome and part of the run, all worlds."""
    outcomes = simulation.outcomes.sum(axis=1)  # (A, P, 4)
    return [
        {
            "learner": "simulated",
            "sampler": name,
            "part": part,
            **{what: int(outcomes[a, part, k]) for k, what in enumerate(OUTCOMES)},
        }
        for a, name in enumerate(simulation.samplers)
        for part in range(PARTS)
    ]


def wasted_groups(simulation: Simulation) -> Picture:
    """V6: groups that teach nothing: all right, all wrong, lost."""
    rows = outcome_rows(simulation)
    names = simulation.samplers
    shares = _shares(simulation.outcomes.sum(axis=1))  # (A, P, 4)
    total = _shares(simulation.outcomes.sum(axis=(1, 2)))  # (A, 4)
    wasted = 1 - np.nan_to_num(total[:, 0])  # if none came back, none taught
    order = np.argsort(wasted, kind="stable")
    title = "Simulated: groups that taught nothing: " + ", ".join(
        f"{100 * wasted[a]:.0f} % ({names[a]})" for a in order
    )
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(1.1 + 1.6 * lines, title)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    x = (np.arange(PARTS) + 0.5) / PARTS
    for a, axes in enumerate(grid.flat):
        if a >= len(names):
            axes.set_visible(False)
            continue
        known = np.isfinite(shares[a]).all(axis=1)
        areas = axes.stackplot(
            x[known], shares[a][known][:, [2, 1, 3]].T, linewidth=0,
            colors=[BROWN, TEAL, RULE], labels=["all wrong", "all right", "lost"],
        )  # fmt: skip
        areas[0].set_hatch("///")
        areas[0].set_edgecolor(CARD)
        axes.set(xlim=(x[0], x[-1]), ylim=(0, 1))
        axes.set_title(plain(f"{names[a]}: {100 * wasted[a]:.0f} %"), fontsize=9.5)
        tidy(axes)
        axes.tick_params(labelsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("part of the run", fontsize=9)
    for axes in grid[:, 0]:
        axes.set_ylabel("share of groups", fontsize=9)
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5,
        frameon=False,
    )  # fmt: skip
    caption = (
        "Simulated learner, all worlds together. A group whose rewards are all equal has no "
        "advantage to learn from; a lost group never came back."
    )
    return _picture(simulation, "v6-wasted", title, caption, rows, figure)


# Tracking error


def tracking_rows(simulation: Simulation) -> list[Row]:
    """Root mean square error of the estimated success rates; no rows without estimates."""
    error = simulation.tracking.mean(axis=1)  # (A, P)
    return [
        {
            "learner": "simulated",
            "sampler": name,
            "part": part,
            "error": float(error[a, part]),
        }
        for a, name in enumerate(simulation.samplers)
        if np.isfinite(error[a]).any()
        for part in range(PARTS)
    ]


def tracking_error(simulation: Simulation) -> Picture | None:
    """How far a sampler's estimates are from the truth; None if no sampler estimates rates."""
    rows = tracking_rows(simulation)
    names = list(dict.fromkeys(str(row["sampler"]) for row in rows))
    if not names:
        return None
    style = looks(simulation)
    table = {
        name: np.array([float(r["error"]) for r in rows if r["sampler"] == name]) for name in names
    }
    title = "Simulated: at the end estimates of success err by " + ", ".join(
        f"{table[name][np.isfinite(table[name])][-1]:.2f} ({name})" for name in names
    )
    figure = new_figure(3.0, title)
    axes = figure.subplots()
    x = (np.arange(PARTS) + 0.5) / PARTS
    ends = []
    for name in names:
        known = np.isfinite(table[name])
        look = style[name]
        axes.plot(
            x[known], table[name][known], color=look.color, linestyle=look.line,
            marker=look.marker, markersize=4,
        )  # fmt: skip
        ends.append((float(table[name][known][-1]), name, look.color))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(0.5, float(np.nanmax([np.nanmax(t) for t in table.values()])) * 1.05))
    axes.set_xlabel("part of the run", fontsize=9)
    axes.set_ylabel("error of the estimate", fontsize=9)
    tidy(axes)
    end_labels(axes, ends)
    caption = (
        "Simulated learner. Root mean square difference between a sampler's estimate of each "
        "problem's success rate and its true chance of a reward, over the pool, mean over worlds. "
        "Samplers without such an estimate are not shown. Noise of one group of 8 at 50 % is .18."
    )
    return _picture(simulation, "tracking", title, caption, rows, figure)


def _picture(
    simulation: Simulation, name: str, title: str, caption: str, rows: list[Row], figure: Figure
) -> Picture:
    return Picture(
        f"{stem(simulation.scenario.name)}-{name}", title, caption, f"{title}.", rows, figure
    )
