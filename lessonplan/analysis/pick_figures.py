"""V9: what a sampler picks by what it had seen, beside what the problem then turned out to be."""

import numpy as np

from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.curve_figures import common_size
from lessonplan.analysis.figures import (
    GREY,
    Picture,
    Style,
    bottom_labels,
    new_figure,
    plain,
    stem,
    tidy,
)
from lessonplan.analysis.runs import Floats, Ints
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.visits import Visits, visits
from lessonplan.analysis.words import listed

SEEN = ("new", "0", "≤ 1/3", "≤ 2/3", "< 1", "1")  # share right on the try before
EDGES = (1 / 3, 2 / 3)


def seen(rate: Floats) -> Ints:
    """Position in `SEEN` of shares (V,); NaN is a problem never tried."""
    inner = 2 + np.searchsorted(EDGES, rate, side="left")
    found = np.where(rate <= 0, 1, np.where(rate >= 1, len(SEEN) - 1, inner))
    return np.asarray(np.where(np.isnan(rate), 0, found))


def pick_rows(study: Study, family: str) -> list[Row]:
    """Picks by what the same run saw on the problem's try before, at the largest common size.

    `share` is of the sampler's picks. `now` is the mean share right in the groups that were picked:
    they were generated after the pick, so they measure the true pass rate without bias; `low` and
    `high` are 95 % limits, Student's t over warm starts (NaN with one).
    """
    table = visits(study, family, common=True)
    n = common_size(study, family)
    rows: list[Row] = []
    for name in table.samplers:
        own = table.of(name)
        before = own.before()
        known = np.where(before >= 0, own.rate[before], np.nan)
        code = seen(known)
        for k, label in enumerate(SEEN):
            rows.append(_row(name, n, label, own, code == k, known))
    return rows


def _row(
    name: str, n: int, label: str, own: Visits, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    known: Floats,
) -> Row:  # fmt: skip
    start = np.array(own.starts)[own.run]
    means = [float(own.rate[mask & (start == s)].mean()) for s in sorted(set(start[mask].tolist()))]
    now, half = float("nan"), float("nan")
    if means:
        now = float(np.mean(means))
    if len(means) > 1:
        half = student(0.975, len(means) - 1) * float(np.std(means, ddof=1)) / np.sqrt(len(means))
    there = np.isfinite(known) & mask
    return {
        "sampler": name,
        "n": n,
        "seen": label,
        "groups": int(mask.sum()),
        "share": float(mask.mean()),
        "before": float(known[there].mean()) if there.any() else float("nan"),
        "now": now,
        "low": float(np.clip(now - half, 0, 1)),
        "high": float(np.clip(now + half, 0, 1)),
        "starts": len(means),
    }


def picks_seen(study: Study, family: str, looks: dict[str, Style]) -> Picture | None:
    """V9: share of picks by what had been seen, and the pass rate found then; None without picks."""
    rows = pick_rows(study, family)
    names = list(dict.fromkeys(str(row["sampler"]) for row in rows))
    if not names:
        return None
    between = {
        name: sum(
            float(r["share"]) for r in rows if r["sampler"] == name and r["seen"] in SEEN[2:5]
        )
        for name in names
    }
    order = sorted(between, key=lambda name: -between[name])
    title = "Picks of problems last seen mixed: " + listed(
        [f"{100 * between[name]:.0f} % ({name})" for name in order]
    )
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(1.1 + 1.9 * lines, title)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    x = np.arange(len(SEEN))
    for axes, name in zip(grid.flat, names, strict=False):
        own = [r for r in rows if r["sampler"] == name]
        color = looks[name].color
        axes.bar(x, [float(r["share"]) for r in own], width=0.7, color=color, alpha=0.35)
        now, low, high = (np.array([float(r[k]) for r in own]) for k in ("now", "low", "high"))
        axes.vlines(x, low, high, color="black", linewidth=1.2)
        axes.plot(x, now, "D", color="black", markersize=4.5)
        before = np.array([float(r["before"]) for r in own])
        axes.plot(x, before, "_", color="black", markersize=13, markeredgewidth=1.2)
        axes.set_xticks(x, SEEN, fontsize=7.5)
        axes.set_ylim(0, 1.02)
        groups = sum(int(r["groups"]) for r in own)
        axes.set_title(plain(f"{name}, {groups} groups"), fontsize=9.5)
        tidy(axes)
        axes.grid(False, axis="x")
        axes.tick_params(axis="y", labelsize=8)
    bottom_labels(grid.flat, columns, len(names), "share right when last tried")
    for axes in grid[:, 0]:
        axes.set_ylabel("share", fontsize=9)
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(color=GREY, alpha=0.5, label="picks"),
            Line2D([], [], marker="_", color="black", linestyle="", markersize=11, label="then"),
            Line2D([], [], marker="D", color="black", linestyle="", markersize=4.5, label="now"),
        ],
        loc="outside lower center",
        ncols=3,
        fontsize=8.5,
        frameon=False,
    )
    units = max(int(r["starts"]) for r in rows)
    caption = (
        f"All runs with {rows[0]['n']} problems. Bars: share of the sampler's picks, by the share right "
        "when the run last tried the problem. Dash: that share; diamond: the share right in the group that was "
        "picked, which the sampler could not know"
        + (f" (95 %, Student's t over {units} warm starts)" if units > 1 else "")
        + ". A diamond nearer the middle than its dash: some of what was seen was luck. The true pass "
        "rates of real problems are not known; a simulation's report draws them."
    )
    return Picture(f"{stem(family)}-v9-picks", title, caption, f"Picks. {title}.", rows, figure)
