"""Accuracy as a function of the mixture trained on: which share of easy, medium and hard is best?

shares = mixtures(study, "counting")
response = fit_response(curves(table, tuple(shares)), shares)
print(response.best().words)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lessonplan.analysis.bootstrap import Resamples
from lessonplan.analysis.efficiency import Curves
from lessonplan.analysis.figures import (
    COLORS,
    DASHES,
    GREY,
    LABEL,
    Picture,
    accuracy_axis,
    new_figure,
    plain,
    stem,
    tidy,
)
from lessonplan.analysis.laws import Floats
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.theme import CARD, RULE, STAR
from lessonplan.analysis.tiers import TIERS
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLENDING = 0.4  # prior sd of b_ij: half and half differs by b_ij / 4, a tenth of accuracy; ours
STEP = 20  # shares of the search and of the picture are multiples of 1/20
EVEN = ("FixedMixture", "Uniform")  # without weights, they take a third of each tier
SAME = 1e-6  # shares closer than this are one mixture


def mixtures(study: Study, family: str) -> dict[str, tuple[float, ...]]:
    """Shares of easy, medium and hard of every arm whose mixture the configuration states.

    That is `args = { weights = { easy = ..., ... } }`, a training set (`mix`) of one tier, or a
    mixed one used evenly. Arms that adapt have no fixed mixture and are left out.
    """
    arms = study.settings.get("arms")
    found: dict[str, tuple[float, ...]] = {}
    for name in study.samplers(family):
        arm = arms.get(name) if isinstance(arms, Mapping) else None
        if not isinstance(arm, Mapping):
            continue
        args = arm.get("args")
        weights = args.get("weights") if isinstance(args, Mapping) else None
        if isinstance(weights, Mapping):
            found[name] = _shares(name, weights)
        elif arm.get("mix") in TIERS:
            found[name] = tuple(float(arm["mix"] == tier) for tier in TIERS)
        elif arm.get("mix") == "mixed" and arm.get("sampler") in EVEN:
            found[name] = (1 / 3, 1 / 3, 1 / 3)
    return found


def _shares(name: str, weights: Mapping[str, object]) -> tuple[float, ...]:
    unknown = sorted(set(weights) - set(TIERS))
    values = [weights.get(tier, 0.0) for tier in TIERS]
    numbers = [float(v) for v in values if isinstance(v, int | float)]
    if unknown or len(numbers) < len(TIERS) or min(numbers) < 0 or not 0 < sum(numbers) < np.inf:
        raise ConfigError(
            f"arm {name}: weights must be numbers from 0, not all 0, of {', '.join(TIERS)}; got "
            f"{dict(weights)}"
        )
    return tuple(v / sum(numbers) for v in numbers)


def terms(shares: Floats) -> Floats:
    """The quadratic mixture model of Scheffe: x_1 .. x_q and all products x_i x_j, (A, P)."""
    pairs = [shares[:, i] * shares[:, j] for i, j in combinations(range(shares.shape[1]), 2)]
    return np.column_stack([shares, *pairs])


def simplex(components: int, steps: int = STEP) -> Floats:
    """All mixtures in whole multiples of 1/steps, (G, q)."""
    axes = np.meshgrid(*[np.arange(steps + 1)] * (components - 1), indexing="ij")
    rows = np.stack([axis.ravel() for axis in axes], axis=1)
    rows = rows[rows.sum(axis=1) <= steps]
    return np.column_stack([rows, steps - rows.sum(axis=1)]) / steps


@dataclass(frozen=True, slots=True)
class Best:
    """The mixture with the highest fitted accuracy, and how little that may mean."""

    shares: tuple[float, ...]
    shares_low: tuple[float, ...]  # 95 % limits of each share, NaN with one unit
    shares_high: tuple[float, ...]
    accuracy: float
    low: float
    high: float
    alike: float  # share of all mixtures that are not shown to be worse; NaN with one unit
    nearest: str  # the arm that comes closest to it
    distance: float  # largest difference of a share from that arm's
    words: str


@dataclass(frozen=True)
class Response:
    """Accuracy at n problems = sum b_i x_i + sum_{i<j} b_ij x_i x_j over tiers i (Scheffe).

    b_i is the accuracy of training on tier i alone, b_ij / 4 what half and half of i and j gives
    beyond the mean of both. Ridge: b_ij ~ N(0, .4), b_i free. Fitted to every resample of starts
    and items, so that limits come from `Resamples` as they do for ratios. Use it with eight or more
    mixtures; with six it passes through every point.
    """

    family: str
    components: tuple[str, ...]  # (q,)
    n: int
    arms: tuple[str, ...]  # (A,)
    shares: Floats  # (A, q)
    observed: Floats  # (A,)
    coefficients: Floats  # (B, P), row 0 as observed
    draws: Resamples
    method: str

    def accuracy(self, shares: Floats) -> Floats:
        """Fitted accuracy of mixtures (G, q) in every resample, (B, G)."""
        return self.coefficients @ terms(np.atleast_2d(shares)).T

    def limits(self, shares: Floats) -> tuple[Floats, Floats, Floats]:
        """Fitted accuracy of mixtures (G, q) and its 95 % limits, each (G,)."""
        values = self.accuracy(shares)
        return values[0], *self.draws.limits(values)

    @property
    def misfit(self) -> float:
        """Largest distance of an arm from the fit, in accuracy."""
        return float(np.abs(self.observed - self.accuracy(self.shares)[0]).max())

    def best(self) -> Best:
        """The best mixture; each resample has its own, and the limits are of those."""
        grid = simplex(len(self.components))
        values = self.accuracy(grid)  # (B, G)
        winners = grid[values.argmax(axis=1)]  # (B, q)
        top = int(values[0].argmax())
        low, high = self.draws.limits(winners)
        fitted, down, up = self.limits(grid[top])
        worse, _ = self.draws.limits(values[:, top : top + 1] - values)
        alike = float((worse <= 0).mean()) if np.isfinite(worse).all() else float("nan")
        away = np.abs(self.shares - grid[top]).max(axis=1)
        nearest = int(away.argmin())
        best = Best(
            shares=tuple(grid[top].tolist()),
            shares_low=tuple(np.clip(low, 0, 1).tolist()),
            shares_high=tuple(np.clip(high, 0, 1).tolist()),
            accuracy=float(fitted[0]),
            low=float(down[0]),
            high=float(up[0]),
            alike=alike,
            nearest=self.arms[nearest],
            distance=float(away[nearest]),
            words="",
        )
        return _with_words(self, best)


def _with_words(response: Response, best: Best) -> Best:
    mixture = " / ".join(f"{100 * share:.0f}" for share in best.shares)
    names = " / ".join(response.components)
    text = (
        f"{response.family}: at {response.n} problems the fit is highest for {mixture} % {names}, "
        f"{100 * best.accuracy:.3g} %"
    )
    if np.isnan(best.alike):
        text += "; one seed, no interval: no conclusion"
    else:
        text += f" ({100 * best.low:.3g} to {100 * best.high:.3g}); "
        text += (
            "no mixture could be shown to be worse"
            if best.alike >= 1
            else f"{100 * best.alike:.0f} % of all mixtures could not be shown to be worse"
        )
    if best.distance > 1 / STEP:
        text += f". It was not run: the nearest arm is {best.nearest}"
    return replace(best, words=text)


def fit_response(
    both: Curves, shares: Mapping[str, Sequence[float]], *, n: int | None = None
) -> Response:
    """Fit the mixture model to the arms in `shares`, at n problems (the largest that all have).

    Raises ConfigError with fewer distinct mixtures than coefficients (six for three tiers), or
    mixtures that leave some coefficient open.
    """
    cells = {c.sampler: k for k, c in enumerate(both.plan.cells)}
    arms = tuple(name for name in shares if name in cells)
    x = np.array([shares[name] for name in arms], dtype=float).reshape(len(arms), -1)
    q = x.shape[1]
    needed = q * (q + 1) // 2
    distinct = len(np.unique(np.round(x / SAME), axis=0)) if len(arms) else 0
    if distinct < needed or distinct < 3:
        raise ConfigError(
            f"{both.table.family}: a quadratic response needs {max(needed, 6)} different mixtures, "
            f"got {distinct} ({', '.join(arms) or 'no arm states its mixture'}); add arms with "
            "args = { weights = { easy = ..., medium = ..., hard = ... } }"
        )
    if not np.allclose(x.sum(axis=1), 1) or x.min() < 0:
        raise ConfigError(
            f"shares of a mixture must be at least 0 and add up to 1, got {x.tolist()}"
        )
    model = terms(x)  # (A, P)
    if np.linalg.matrix_rank(model, tol=1e-6) < needed:
        raise ConfigError(
            f"{both.table.family}: the mixtures of {', '.join(arms)} do not determine a quadratic "
            "response, as they lie on one line or leave out a tier; vary all shares"
        )
    n, y = _at(both, [cells[name] for name in arms], n)
    noise = both.draws.sd / np.sqrt(max(both.draws.units, 1))
    ridge = np.where(np.arange(needed) < q, 0.0, (noise / BLENDING) ** 2)
    hat = np.linalg.solve(model.T @ model + np.diag(ridge), model.T)  # (P, A)
    return Response(
        family=both.table.family,
        components=TIERS if q == len(TIERS) else tuple(f"part {i + 1}" for i in range(q)),
        n=n,
        arms=arms,
        shares=x,
        observed=y[0],
        coefficients=y @ hat.T,
        draws=both.draws,
        method=both.plan.method,
    )


def _at(both: Curves, rows: list[int], n: int | None) -> tuple[int, Floats]:
    """The size, and accuracies there of the samplers in `rows`, (B, A)."""
    sizes = [both.plan.cells[k].sizes.tolist() for k in rows]
    common = sorted(set.intersection(*map(set, sizes)))
    if not common or n not in (None, *common):
        said = f"n = {n} was" if n is not None else "no size was"
        raise ConfigError(f"{said} not run for all arms; sizes of all: {common or 'none'}")
    n = int(common[-1]) if n is None else n
    columns = [both.draws.cells[k][:, own.index(n)] for k, own in zip(rows, sizes, strict=True)]
    return n, np.stack(columns, axis=1)


def response_rows(response: Response, *, steps: int = 10) -> list[Row]:
    """One row an arm as observed and as fitted, one a mixture of a coarse grid, one for the best."""
    best = response.best()
    grid = simplex(len(response.components), steps)
    rows: list[Row] = []
    kinds = (("arm", response.arms, response.shares), ("grid", [""] * len(grid), grid))
    for kind, names, shares in (*kinds, ("best", [""], np.array([best.shares]))):
        fitted, low, high = response.limits(shares)
        for i, name in enumerate(names):
            row: Row = {"kind": kind, "arm": name}
            row |= {c: float(shares[i, j]) for j, c in enumerate(response.components)}
            row["observed"] = float(response.observed[i]) if kind == "arm" else float("nan")
            row |= {"fitted": float(fitted[i]), "low": float(low[i]), "high": float(high[i])}
            rows.append(row)
    return rows


def traces(response: Response, steps: int = STEP) -> list[Row]:
    """Accuracy as a function of the share of one tier, the others in the proportions of the best.

    `kind` "curve": rows along each of q lines that meet in the best mixture (at a corner the rest
    is split evenly), with limits. `kind` "arm": what was run, at its share of each tier.
    """
    best = np.array(response.best().shares)
    rows: list[Row] = []
    for i, name in enumerate(response.components):
        others = np.delete(best, i)
        others = (
            others / others.sum() if others.sum() > 0 else np.full(len(others), 1 / len(others))
        )
        share = np.unique(np.append(np.linspace(0, 1, steps + 1), best[i]))
        line = np.insert(np.outer(1 - share, others), i, share, axis=1)  # (steps, q)
        for x, y, low, high in zip(share, *response.limits(line), strict=True):
            rows.append(
                {
                    "tier": name,
                    "kind": "curve",
                    "arm": "",
                    "share": float(x),
                    "accuracy": float(y),
                    "low": float(low),
                    "high": float(high),
                }
            )
        for arm, x, y in zip(response.arms, response.shares[:, i], response.observed, strict=True):
            rows.append(
                {"tier": name, "kind": "arm", "arm": arm, "share": float(x), "accuracy": float(y)}
            )
    return rows


def trace_figure(response: Response) -> Picture:
    """One panel a tier: fitted accuracy against its share, with limits and the arms."""
    rows, best = traces(response), response.best()
    title = "Through the best mixture, " + ", ".join(
        f"{100 * share:.0f} % {name} ({100 * low:.0f} to {100 * high:.0f})"
        if np.isfinite(low)
        else f"{100 * share:.0f} % {name}"
        for name, share, low, high in zip(
            response.components, best.shares, best.shares_low, best.shares_high, strict=True
        )
    )
    figure = new_figure(3.2, title)
    grid = figure.subplots(1, len(response.components), sharey=True, squeeze=False)[0]
    for axes, name, share, color, line in zip(
        grid, response.components, best.shares, COLORS, DASHES, strict=False
    ):
        curve = [r for r in rows if (r["tier"], r["kind"]) == (name, "curve")]
        x, y, low, high = (
            np.array([float(r[k]) for r in curve]) for k in ("share", "accuracy", "low", "high")
        )
        axes.plot(x, y, color=color, linestyle=line, linewidth=1.8)
        if np.isfinite(low).all():
            axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
        arms = [r for r in rows if (r["tier"], r["kind"]) == (name, "arm")]
        axes.plot(
            [float(r["share"]) for r in arms],
            [float(r["accuracy"]) for r in arms],
            "o",
            color=GREY,
            markersize=4,
        )
        axes.axvline(share, color=RULE, linewidth=0.8, linestyle=":")
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1], ["0", "50", "100"])
        axes.set_xlabel(plain(f"% {name}"), fontsize=9)
        accuracy_axis(axes)
        tidy(axes)
    grid[0].set_ylabel(f"accuracy at {response.n} problems", fontsize=9)
    caption = (
        f"{len(response.arms)} arms. Line: the fitted response where only this tier's share changes and the others keep the "
        "proportions of the best mixture (dotted). Points: all arms, which lie off these lines. "
        + (
            f"Band: 95 %, {response.draws.units} {response.method} and test items resampled; in the title, that of each share."
            if response.draws.units > 1
            else "No band: one seed."
        )
    )
    return Picture(
        f"{stem(response.family)}-mixture-curves",
        title,
        caption,
        f"Mixture response curves. {title}.",
        rows,
        figure,
    )


def mixture_rows(both: Curves, shares: Mapping[str, Sequence[float]]) -> list[Row]:
    """The arms with a stated mixture: their shares and their accuracy at the largest common size.

    In percent, with 95 % limits; empty if no size is common to them.
    """
    cells = {c.sampler: k for k, c in enumerate(both.plan.cells)}
    arms = [name for name in shares if name in cells]
    if not arms:
        return []
    try:
        n, values = _at(both, [cells[name] for name in arms], None)
    except ConfigError:
        return []
    low, high = both.draws.limits(values)
    rows: list[Row] = []
    for i, name in enumerate(arms):
        row: Row = {"arm": name}
        row |= {f"% {tier}": 100 * x for tier, x in zip(TIERS, shares[name], strict=True)}
        row |= {"n": n, "accuracy %": 100 * float(values[0, i])}
        rows.append(row | {"from": 100 * float(low[i]), "to": 100 * float(high[i])})
    return sorted(rows, key=lambda r: -float(r["accuracy %"]))


def response_figure(response: Response) -> Picture | None:
    """The triangle of mixtures colored by fitted accuracy; None unless there are three parts."""
    if len(response.components) != 3:
        return None
    rows, best = response_rows(response), response.best()
    grid = simplex(3)
    fitted = response.accuracy(grid)
    worse, _ = response.draws.limits(fitted[:, [int(fitted[0].argmax())]] - fitted)
    title = best.words.split(";")[0].removeprefix(f"{response.family}: ")
    title = title[0].upper() + title[1:]
    figure = new_figure(5.0, title)
    axes = figure.subplots()
    x, y = _corner(grid)
    colors = axes.tripcolor(  # as pixels: SVG has no triangles of three colors
        x, y, 100 * fitted[0], shading="gouraud", cmap="cividis", rasterized=True
    )
    alike = worse <= 0
    if alike.any() and not alike.all():
        axes.plot(x[alike], y[alike], ".", color=STAR, markersize=4)
    _draw_arms(axes, response)
    bx, by = _corner(np.array([best.shares]))
    axes.plot(bx, by, marker="*", markersize=15, color=STAR, markeredgecolor=CARD)
    for (cx, cy), name, side in zip(
        ((0.0, 0.0), (1.0, 0.0), (0.5, np.sqrt(3) / 2)),
        response.components,
        (-1, -1, 1),
        strict=True,
    ):
        axes.annotate(
            plain(name),
            (cx, cy),
            xytext=(0, 9 * side),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold",
        )
    axes.set_aspect("equal")
    axes.set_axis_off()
    bar = figure.colorbar(colors, ax=axes, shrink=0.7)
    bar.set_label(f"accuracy at {response.n} problems, %", fontsize=9)
    caption = (
        f"{best.words}. A corner is training on one tier alone, a side on two. Color: quadratic mixture model "
        "(Scheffe) with a weak ridge. Points: arms that were run, colored by what they scored. Star: "
        "the highest fit. Dots of its color: mixtures that could not be shown to be worse than it (95 %, "
        f"{response.method} and test items resampled). The fit misses an arm by up to "
        f"{100 * response.misfit:.1f} points."
    )
    return Picture(
        f"{stem(response.family)}-mixture-response",
        title,
        caption,
        f"Triangle of mixtures. {best.words}.",
        rows,
        figure,
    )


def _corner(shares: Floats) -> tuple[Floats, Floats]:
    """Coordinates in an equilateral triangle: first left, second right, third on top."""
    return shares[:, 1] + shares[:, 2] / 2, shares[:, 2] * np.sqrt(3) / 2


def _draw_arms(axes: Axes, response: Response) -> None:
    fitted = 100 * response.accuracy(simplex(3))[0]
    x, y = _corner(response.shares)
    axes.scatter(
        x,
        y,
        c=100 * response.observed,
        cmap="cividis",
        vmin=fitted.min(),
        vmax=fitted.max(),
        s=46,
        edgecolors="black",
        linewidths=1.4,
        zorder=3,
    )
    for px, py, name, shares in zip(x, y, response.arms, response.shares, strict=True):
        if shares.max() > 1 - SAME and name == response.components[int(shares.argmax())]:
            continue  # the corner says it
        axes.annotate(
            plain(name),
            (px, py),
            xytext=(7, 4),
            textcoords="offset points",
            fontsize=8,
            color=GREY,
            bbox=LABEL,
        )
