"""V4 level mix, V5 pass rate by level, V6 groups that teach nothing: what a sampler did."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.curve_figures import common_size
from lessonplan.analysis.events import STATUSES
from lessonplan.analysis.figures import Picture, Style, bottom_labels, new_figure, plain, stem, tidy
from lessonplan.analysis.runs import Run
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.theme import BROWN, CARD, HATCH, RED, RULE, TEAL
from lessonplan.analysis.words import listed

BINS = 20  # a run is shown in twenty equal parts
TRAINED = STATUSES.index("trained")


def level_rows(study: Study, family: str) -> list[Row]:
    """Picks, scored rollouts and right answers by sampler, part of the run and level.

    All runs at the largest common size, together. `bin` 0..19; `end` is the step it ends at;
    `share` is the level's share of the groups in that part, `pass_rate` is NaN where untried.
    """
    n = common_size(study, family)
    rows: list[Row] = []
    levels = sorted(
        {int(v) for r in study.of(family, "rl") if r.info.n == n for v in set(r.groups.level)}
    )
    for name in study.samplers(family):
        runs = [r for r in study.of(family, "rl", name) if r.info.n == n and len(r.groups.step)]
        if not runs:
            continue
        end = max(int(r.groups.step.max()) + 1 for r in runs)
        part = np.concatenate([r.groups.step for r in runs]) * BINS // end
        level = np.concatenate([r.groups.level for r in runs])
        scored = np.concatenate([np.isfinite(r.groups.rewards).sum(1) for r in runs])
        right = np.concatenate([(r.groups.rewards >= 1.0).sum(1) for r in runs])
        trained = np.concatenate([r.groups.status == TRAINED for r in runs])
        for b in range(BINS):
            inside = part == b
            if not inside.any():
                continue
            for v in levels:
                mine = inside & (level == v)
                tries = int(scored[mine].sum())
                rows.append(
                    {
                        "sampler": name,
                        "n": n,
                        "bin": b,
                        "end": int(end * (b + 1) / BINS),
                        "level": v,
                        "groups": int(mine.sum()),
                        "share": float(mine.sum() / inside.sum()),
                        "rollouts": tries,
                        "pass_rate": float(right[mine].sum() / tries) if tries else float("nan"),
                        "trained": int(trained[mine].sum()),
                    }
                )
    return rows


def _panels(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["sampler"]) for row in rows))


def _table(rows: Sequence[Row], name: str, key: str, levels: list[int]) -> NDArray[np.float64]:
    """(levels, BINS) of one column, NaN where there is no row."""
    table = np.full((len(levels), BINS), np.nan)
    for row in rows:
        if row["sampler"] == name:
            table[levels.index(int(row["level"])), int(row["bin"])] = float(row[key])
    return table


def level_colors(levels: Sequence[int]) -> list[tuple[float, float, float, float]]:
    """Ordered hues, pale for easy and dark for hard."""
    from matplotlib import colormaps

    shades = np.linspace(0.92, 0.08, max(len(levels), 2))[: len(levels)]
    return [tuple(colormaps["viridis"](s)) for s in shades]


def level_mix(study: Study, family: str, looks: dict[str, Style]) -> Picture | None:
    """V4: shares of the levels over the run, reward and kept groups above; None without picks."""
    rows = level_rows(study, family)
    names = _panels(rows)
    if not names:
        return None
    levels = sorted({int(r["level"]) for r in rows})
    moved = {}
    for name in names:
        share = _table(rows, name, "share", levels)
        known = (np.array(levels) @ share)[np.isfinite(share).all(axis=0)]  # shares sum to 1
        moved[name] = (float(known[0]), float(known[-1]))
    drift = max(names, key=lambda k: abs(moved[k][1] - moved[k][0]))
    first, last = moved[drift]
    title = (
        f"{drift} moves from mean level {first:.1f} to {last:.1f}"
        if abs(last - first) >= 0.5
        else "No sampler changes its mix of levels during the run"
    )
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(1.0 + 2.8 * lines, title)
    outer = figure.subplots(
        2 * lines, columns, sharex=True, squeeze=False, height_ratios=[2, 3] * lines
    )
    x = (np.arange(BINS) + 0.5) / BINS
    hues = level_colors(levels)
    for k in range(lines * columns):
        top, bottom = (
            outer[2 * (k // columns), k % columns],
            outer[2 * (k // columns) + 1, k % columns],
        )
        if k >= len(names):
            top.set_visible(False)
            continue
        name = names[k]
        share = np.nan_to_num(_table(rows, name, "share", levels))
        bottom.stackplot(x, share, colors=hues, linewidth=0)
        bottom.set(xlim=(x[0], x[-1]), ylim=(0, 1))
        groups = np.nan_to_num(_table(rows, name, "groups", levels))
        tried = np.nan_to_num(_table(rows, name, "rollouts", levels))
        right = np.nan_to_num(_table(rows, name, "pass_rate", levels)) * tried
        kept = np.nan_to_num(_table(rows, name, "trained", levels))
        with np.errstate(invalid="ignore", divide="ignore"):
            top.plot(x, right.sum(0) / tried.sum(0), color=looks[name].color, linewidth=1.8)
            top.plot(x, kept.sum(0) / groups.sum(0), color="black", linewidth=1, linestyle=":")
        for at in _resumes(study, family, name):
            top.axvline(at, color=RED, linewidth=0.8)
        top.set_ylim(0, 1)
        top.set_title(plain(name), fontsize=9.5)
        for axes in (top, bottom):
            tidy(axes)
            axes.tick_params(labelsize=8)
        if k % columns == 0:
            top.set_ylabel("share right", fontsize=8.5)
            bottom.set_ylabel("share of picks", fontsize=8.5)
    bottom_labels(outer[1::2].flat, columns, len(names), "part of the run")
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(facecolor=c, edgecolor=RULE, label=f"level {v}")
            for v, c in zip(levels, hues, strict=True)
        ],
        loc="outside lower center",
        ncols=min(5, len(levels)),
        fontsize=8.5,
        frameon=False,
    )
    caption = (
        f"All runs with {rows[0]['n']} problems. Below: share of groups by level. Above: share of "
        "rollouts that were right (line) and share of groups kept for training (dotted); red: a "
        "resume."
    )
    return Picture(
        f"{stem(family)}-v4-levels", title, caption, f"Level mix over time. {title}.", rows, figure
    )


def _resumes(study: Study, family: str, name: str) -> list[float]:
    n = common_size(study, family)
    return [
        step / max(run.info.steps, 1)
        for run in study.of(family, "rl", name)
        if run.info.n == n
        for step in run.resumes
    ]


def pass_rates(study: Study, family: str) -> Picture | None:
    """V5: pass rate by level over the run; hatched where a level was not tried."""
    rows = level_rows(study, family)
    names = _panels(rows)
    if not names:
        return None
    levels = sorted({int(r["level"]) for r in rows})
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    top = levels[-1]
    ends = []
    for name in names:
        last = _table(rows, name, "pass_rate", levels)[-1, BINS // 2 :]
        if np.isfinite(last).any():
            ends.append((name, float(np.nanmean(last))))
    title = (
        f"Level {top} is solved at "
        + listed([f"{value:.0%} ({name})" for name, value in ends])
        + " in the second half"
        if ends
        else f"No sampler tries level {top} in the second half"
    ).replace("%", " %")
    figure = new_figure(0.9 + 1.7 * lines, title)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    drawn = None
    for axes, name in zip(grid.flat, names, strict=False):
        table = _table(rows, name, "pass_rate", levels)
        axes.patch.set(hatch="xxx", edgecolor=HATCH)
        drawn = axes.imshow(
            np.ma.masked_invalid(table),
            origin="lower",
            aspect="auto",
            cmap="cividis",
            vmin=0,
            vmax=1,
            extent=(0, 1, -0.5, len(levels) - 0.5),
            interpolation="nearest",
        )
        axes.set_yticks(range(len(levels)), [str(v) for v in levels], fontsize=8)
        axes.set_title(plain(name), fontsize=9.5)
        axes.tick_params(labelsize=8)
    bottom_labels(grid.flat, columns, len(names), "part of the run")
    for axes in grid[:, 0]:
        axes.set_ylabel("level", fontsize=9)
    if drawn is not None:
        figure.colorbar(drawn, ax=grid, label="share right", shrink=0.85)
    caption = (
        f"Share of right rollouts in training, all runs with {rows[0]['n']} problems together. "
        "Hatched: no problem of that level was tried."
    )
    return Picture(
        f"{stem(family)}-v5-pass-rates",
        title,
        caption,
        f"Pass rate by level. {title}.",
        rows,
        figure,
    )


def wasted_rows(study: Study, family: str) -> list[Row]:
    """Groups whose rewards are all equal, by sampler and part of the run, over all sizes.

    `tokens` are those of groups that taught nothing, where the journal has tokens (else NaN).
    """
    rows: list[Row] = []
    for name in study.samplers(family):
        runs = [r for r in study.of(family, "rl", name) if len(r.groups.step)]
        if not runs:
            continue
        end = max(int(r.groups.step.max()) + 1 for r in runs)
        part = np.concatenate([r.groups.step for r in runs]) * BINS // end
        tokens = np.concatenate([r.groups.tokens for r in runs])
        rate = np.concatenate([r.groups.pass_rate() for r in runs])
        flat = np.concatenate([_flat(r) for r in runs])
        told = np.isfinite(rate)
        for b in range(BINS):
            inside = told & (part == b)
            if not inside.any():
                continue
            total = int(inside.sum())
            ones, zeros = flat & (rate == 1), flat & (rate < 1)
            rows.append(
                {
                    "sampler": name,
                    "bin": b,
                    "groups": total,
                    "all_right": float((inside & ones).sum() / total),
                    "all_wrong": float((inside & zeros).sum() / total),
                    "tokens": float(tokens[inside & flat].sum()),
                    "tokens_all": float(tokens[inside].sum()),
                }
            )
    return rows


def _flat(run: Run) -> NDArray[np.bool_]:
    """Groups whose scored rewards are all the same: their advantage is zero."""
    rewards = run.groups.rewards
    if not rewards.size:
        return np.zeros(len(rewards), dtype=bool)
    high = np.where(np.isnan(rewards), -np.inf, rewards).max(1)
    low = np.where(np.isnan(rewards), np.inf, rewards).min(1)
    return np.asarray(high <= low)


def wasted_groups(study: Study, family: str) -> Picture | None:
    """V6: groups that are all right or all wrong, and the tokens they took."""
    rows = wasted_rows(study, family)
    names = _panels(rows)
    if not names:
        return None
    share, words = {}, []
    for name in names:
        own = [r for r in rows if r["sampler"] == name]
        total = sum(int(r["groups"]) for r in own)
        share[name] = (
            sum((float(r["all_right"]) + float(r["all_wrong"])) * int(r["groups"]) for r in own)
            / total
        )
        tokens, everything = (sum(float(r[k]) for r in own) for k in ("tokens", "tokens_all"))
        if np.isfinite(tokens):
            words.append(f"{name} {_count(tokens)} of {_count(everything)} tokens")
    title = "Groups that taught nothing: " + listed(
        [f"{100 * share[k]:.0f} % ({k})" for k in sorted(share, key=lambda k: share[k])]
    )
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(0.9 + 1.8 * lines, title)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        own = [r for r in rows if r["sampler"] == name]
        x = [(int(r["bin"]) + 0.5) / BINS for r in own]
        wrong, right = ([float(r[k]) for r in own] for k in ("all_wrong", "all_right"))
        areas = axes.stackplot(
            x,
            wrong,
            right,
            colors=[BROWN, TEAL],
            labels=["all wrong", "all right"],
            linewidth=0,
        )
        areas[0].set_hatch("///")
        areas[0].set_edgecolor(CARD)
        axes.set(ylim=(0, 1), xlim=(x[0], x[-1]) if len(x) > 1 else (0, 1))
        axes.set_title(plain(f"{name}: {100 * share[name]:.0f} %"), fontsize=9.5)
        tidy(axes)
        axes.tick_params(labelsize=8)
    bottom_labels(grid.flat, columns, len(names), "part of the run")
    for axes in grid[:, 0]:
        axes.set_ylabel("share of groups", fontsize=9)
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=8.5,
        frameon=False,
    )
    spent = f" Tokens spent on them: {'; '.join(words)}." if words else ""
    caption = (
        "A group whose rollouts are all right or all wrong has no advantage to learn from. All "
        f"runs, all sizes.{spent}"
    )
    return Picture(
        f"{stem(family)}-v6-zero-variance", title, caption, f"{title}.{spent}", rows, figure
    )


def _count(value: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:.0f}"
