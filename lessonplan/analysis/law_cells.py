"""Runs to cells: the mean, the weight and the noise of every size, and resamples of them.

A run's accuracy has variance sigma^2 + v/M: spread between seeds, and v = mean over items of
p(1 - p) by M items. The same items serve all runs, so they also move all runs together.
"""

from dataclasses import dataclass, field

import numpy as np

from lessonplan.analysis.bootstrap import student, unit_moves
from lessonplan.analysis.fit import Fits, collapse, fit
from lessonplan.analysis.laws import HILL, Floats, Law, Prior, Quantity
from lessonplan.errors import ConfigError

NOISE = 0.02  # ours: sd of one run where nothing tells; relative for losses
WITHIN = 0.73  # v / (p(1 - p)) when item difficulty has spread 1.5 on the logit (computed)
NORMAL = 1.96  # of a normal distribution, half of a 95 % interval in standard deviations
ONE_RUN = "one run a size, flagged: "
ITEMS_UNKNOWN = "number of test items unknown: too narrow an interval"
UNEVEN = 3.0  # ratio of the sds of two sizes that is worth a warning


@dataclass(frozen=True, slots=True)
class RunCells:
    """One curve: K sizes, R runs; a size of 0 is the base model."""

    of: Quantity
    items: int | None
    sizes: Floats  # (K,)
    counts: Floats  # (K,) runs
    means: Floats  # (K,) accuracy or loss
    sd: float  # of one run, pooled; relative for losses
    sd_each: Floats  # (K,) NaN for a size with one run
    pool: Floats  # residuals to draw from, inflated; empty: normal with `sd`
    stretch: float  # of what is drawn: Student's t over the normal, for a spread from few runs
    flags: tuple[str, ...]  # what every interval of these cells must carry
    uneven: str  # warning if the spread differs much between sizes
    # Deviations (U, K) of units that run through all sizes; none: runs are independent.
    together: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def largest(self) -> float:
        """Largest size."""
        return float(self.sizes[-1])

    @property
    def smallest(self) -> float:
        """Smallest size above 0."""
        return float(self.sizes[self.sizes > 0][0])

    @property
    def has_base(self) -> bool:
        """Whether the base model was measured."""
        return bool(self.sizes[0] == 0)

    @property
    def one_run(self) -> bool:
        """Whether no size has two runs: the spread is then that about the fitted curve."""
        return bool(self.counts[self.sizes > 0].max() == 1)

    def weights(self, values: Floats) -> Floats:
        """1/variance of cells with these values, (..., K)."""
        if self.of == "loss":
            return np.asarray(self.counts / (self.sd * np.maximum(values, 1e-12)) ** 2)
        weight = np.broadcast_to(self.counts / self.sd**2, values.shape).copy()
        if self.has_base and self.items is not None:
            a0 = float(np.clip(self.means[0], 0.02, 0.98))
            weight[..., 0] = self.counts[0] * self.items / (a0 * (1 - a0))
        return weight

    def fit(self, law: Law, prior: Prior | None, values: Floats | None = None) -> Fits:
        """Fit the cells, or resampled means (B, K). Losses twice: by their data, then by the fit."""
        y = np.atleast_2d(self.means if values is None else values)  # (B, K)
        first = fit(self.sizes, y, self.weights(y), law=law, prior=prior, of=self.of)
        if self.of == "accuracy":
            return first
        fitted = y.copy()
        fitted[:, self.sizes > 0] = first.error(self.sizes[self.sizes > 0])
        return fit(self.sizes, y, self.weights(fitted), law=law, prior=prior, of=self.of)

    def resample(self, draws: int, rng: np.random.Generator) -> Floats:
        """Means (B, K) that could have come out; row 0 is as observed.

        Each cell moves by the mean of as many residuals as it has runs, or all of them by one
        combination of the deviations of tied units; and all cells together by one draw of items.
        Without the answers to items, their draw is normal: a part common to all runs, and a part of
        each cell's own, which the deviations of units hold already.
        """
        tied = len(self.together) > 0
        moved = self.stretch * (
            unit_moves(rng, draws, len(self.together)) @ self.together
            if tied
            else self._run_moves(draws, rng)
        )
        if self.of == "loss":
            rows = self.means * np.exp(moved)
        else:
            rows = self.means + moved
            if self.items is not None:
                whole = np.clip(self.means * (1 - self.means), 0.0196, None) / self.items  # (K,)
                rows = rows + np.sqrt((1 - WITHIN) * whole) * rng.standard_normal((draws, 1))
                own = np.sqrt(WITHIN * whole / self.counts)
                if tied:
                    own = np.where(self.together.any(axis=0), 0.0, own)
                rows = rows + own * rng.standard_normal(moved.shape)
        rows[0] = self.means
        return rows

    def _run_moves(self, draws: int, rng: np.random.Generator) -> Floats:
        """Means of as many residuals as a cell has runs, (B, K); 0 for the base model."""
        moved = np.zeros((draws, len(self.sizes)))
        for k in np.flatnonzero(self.sizes > 0):
            size = (draws, int(self.counts[k]))
            if len(self.pool):
                moved[:, k] = rng.choice(self.pool, size=size).mean(1)
            else:
                moved[:, k] = rng.normal(0.0, self.sd, size=size).mean(1)
        return moved


def run_cells(
    n: Floats,
    values: Floats,
    *,
    of: Quantity = "accuracy",
    items: int | None = None,
    law: Law | None = HILL,
) -> RunCells:
    """Cells of runs with sizes n (R,) and accuracies or losses (R,); repeats of n are seeds.

    The spread of one run is pooled over sizes: residuals about the means, sqrt(SS / (R - K)), at
    least half of the binomial sd of `items`. Where no size has two runs it is that about `law`, or,
    without a law or with as many parameters as sizes, .02.
    Raises ConfigError for values that cannot be what they are said to be.
    """
    n, values = np.asarray(n, dtype=float).ravel(), np.asarray(values, dtype=float).ravel()
    check_runs(n, values, of, items)
    sizes, means, counts = (a[0] if a.ndim > 1 else a for a in collapse(n, values[None], _ones(n)))
    cell = np.searchsorted(sizes, n)
    away = values - means[cell]
    if of == "loss":
        away = away / means[cell]
    repeats = (counts[cell] > 1) & (n > 0)
    each = np.full(len(sizes), np.nan)
    for k in np.flatnonzero((counts > 1) & (sizes > 0)):
        each[k] = np.sqrt((away[cell == k] ** 2).sum() / (counts[k] - 1))
    flags, stretch, least = list[str](), 1.0, least_variance(of, items)
    if repeats.any():
        used = (counts > 1) & (sizes > 0)
        sd = float(np.sqrt((away[repeats] ** 2).sum() / (repeats.sum() - used.sum())))
        pool = away[repeats] * np.sqrt(counts[cell] / np.maximum(counts[cell] - 1, 1))[repeats]
        least = least / 4 if items and of == "accuracy" else least
        if of == "loss":  # here no items that count twice pay for a spread known from few runs
            stretch = student(0.975, int(repeats.sum() - used.sum())) / NORMAL
    else:
        away, freedom = _about_curve(sizes, means, counts, of, law)
        sd, pool, stretch, flag = spread_about(away, freedom, of)
        flags.append(flag)
    if sd * sd < least * (1 - 1e-9):
        floor = float(np.sqrt(least))
        sd, pool, stretch = floor, np.zeros(0), max(1.0, stretch * sd / floor)
    if of == "accuracy" and items is None:
        flags.append(ITEMS_UNKNOWN)
    uneven = uneven_spread(each)
    return RunCells(of, items, sizes, counts, means, sd, each, pool, stretch, tuple(flags), uneven)


def least_variance(of: Quantity, items: int | None) -> float:
    """Least variance that is believed of one run."""
    return 0.25 / items if items and of == "accuracy" else (NOISE / 10) ** 2


def uneven_spread(each: Floats) -> str:
    """A warning if the sds of sizes (K,) differ much, NaN where a size has none."""
    spread = each[np.isfinite(each)]
    if len(spread) < 2 or spread.max() <= UNEVEN * spread.min():
        return ""
    return (
        f"runs spread unevenly, sd {spread.min():.2g} to {spread.max():.2g} over sizes, "
        "and are pooled all the same"
    )


def spread_about(away: Floats, freedom: int, of: Quantity) -> tuple[float, Floats, float, str]:
    """sd of a run, pool, stretch and flag from residuals (K,) about a curve of single runs.

    Residuals are smaller than noise, as the curve follows the runs: sqrt(K / freedom) undoes it.
    Accuracies draw from them. Losses draw normally and by Student's t: the curve comes closest to
    its ends, and what is left of so few runs cannot stand for a distribution.
    """
    if freedom < 1:
        return NOISE, np.zeros(0), 1.0, f"{ONE_RUN}its noise is assumed, sd {NOISE:g}"
    flag = f"{ONE_RUN}the noise is read off the fitted curve"
    away = away * np.sqrt(len(away) / freedom)
    sd = float(np.sqrt((away**2).mean()))
    if of == "accuracy":
        return sd, away, 1.0, flag
    return sd, np.zeros(0), student(0.975, freedom) / NORMAL, flag


def _about_curve(
    sizes: Floats, means: Floats, counts: Floats, of: Quantity, law: Law | None
) -> tuple[Floats, int]:
    """Residuals (k,) about the fitted law at sizes above 0, and the degrees of freedom left."""
    used = sizes > 0
    points = len(sizes) if law is not None and law.uses_base else int(used.sum())
    if law is None or points <= law.parameters or used.sum() < law.least_sizes:
        return np.zeros(0), 0
    weights = counts / means**2 if of == "loss" else counts
    fitted = fit(sizes, means, weights, law=law, prior=None, of=of).values(sizes[used])[0]
    away = means[used] - fitted
    return away / fitted if of == "loss" else away, points - law.parameters


def check_runs(n: Floats, values: Floats, of: Quantity, items: int | None) -> None:
    """Raise ConfigError for sizes, values or items that cannot be what they are said to be."""
    if len(n) != len(values) or not len(n):
        raise ConfigError(
            f"sizes and values must be equally many and at least one, got {len(n)} and "
            f"{len(values)}"
        )
    if not (np.isfinite(n).all() and (n >= 0).all()):
        raise ConfigError(f"sizes must be 0 (the base model) or above, got {n[~(n >= 0)][:3]}")
    if of == "accuracy" and not ((values >= 0) & (values <= 1)).all():
        bad = values[~((values >= 0) & (values <= 1))][0]
        raise ConfigError(
            f'accuracies must lie in [0, 1], got {bad:.4g}; percent: divide by 100, losses: of="loss"'
        )
    if of == "loss" and not (np.isfinite(values) & (values > 0)).all():
        raise ConfigError(f"losses must be above 0, got {values[~(values > 0)][:3]}")
    if items is not None and items < 1:
        raise ConfigError(f"items must be at least 1, got {items!r}")


def _ones(n: Floats) -> Floats:
    return np.ones((1, len(n)))
