"""Fit mixtures of Gaussians of several sizes at once, and keep the best by AIC."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.draws import Weights

Rows = NDArray[np.float64]  # (M, D)
Counts = NDArray[np.int64]

_RIDGE = 1e-6  # added to variances, so that a Gaussian on a single point keeps a width
_TOLERANCE = 1e-3  # of the mean log-likelihood: an iteration that changes it less is the last
_ITERATIONS = 100  # at most; these three are the defaults of scikit-learn's GaussianMixture
_NOTHING = 10 * np.finfo(np.float64).eps  # rows that an abandoned Gaussian counts as its own
_LOWEST = -700.0  # exp of less is next to 0, and up to a hundred times slower (measured)
_THREADED = 2**18  # products from which on OpenBLAS uses threads
_TRIALS = 4  # candidates for each center, 2 + ln k for k = 10


@dataclass(frozen=True, slots=True)
class Gaussians:
    """A mixture of k Gaussians in D dimensions, and how well it fits the rows it was fitted to."""

    shares: Weights  # (k,) of the rows, together 1
    means: Rows  # (k, D)
    covariances: NDArray[np.float64]  # (k, D, D)
    log_likelihood: float  # of a row, on average

    def aic(self, n_rows: int) -> float:
        """Akaike's criterion, 2 (numbers fitted) - 2 (log-likelihood of all rows); low is good."""
        k, d = self.means.shape
        numbers = k * (1 + d + d * (d + 1) // 2) - 1
        return float(2 * numbers - 2 * n_rows * self.log_likelihood)


def best_mixture(rows: Rows, sizes: Sequence[int], rng: np.random.Generator) -> Gaussians | None:
    """The best mixture by AIC of rows (M, D) in [0, 1], of one of `sizes` Gaussians.

    Sizes above the number of distinct rows are left out; None if that leaves none.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    points, counts = np.unique(rows, axis=0, return_counts=True)  # (P, D), (P,)
    possible = [size for size in sizes if size <= len(points)]
    if not possible:
        return None
    centers = spread_out(points, counts, max(possible), rng)
    # on busy cores threads of the matrix product cost ten times what they save; a smaller one
    # starts none, and asking for none takes half a millisecond (both measured)
    numbers = len(points) * sum(possible) * (1 + rows.shape[1]) ** 2
    with threadpool_limits(1) if numbers > _THREADED else nullcontext():
        fits = mixtures(points, counts, [centers[:size] for size in possible])
    return min(fits, key=lambda fit: fit.aic(len(rows)))


def spread_out(points: Rows, counts: Counts, n: int, rng: np.random.Generator) -> Rows:  # (n, D)
    """n of the points (P, D), far from each other; the first k of them are a start for k Gaussians.

    Greedy k-means++ (Arthur and Vassilvitskii 2007): of four points drawn in proportion to the
    squared distance from those before, the one that leaves the least of it to all others.
    """
    distance, left = np.ones(len(points)), np.full(len(points), np.inf)  # (P,) squared
    chosen: list[int] = []
    for _ in range(n):
        edges = np.cumsum(counts * distance)
        trials = rng.random(_TRIALS if chosen else 1)  # (T,)
        drawn = np.searchsorted(edges, trials * edges[-1], side="right")
        drawn = np.minimum(drawn, len(points) - 1)  # where rounding, or no distance, led beyond
        from_drawn = ((points[drawn, None] - points) ** 2).sum(axis=2)  # (T, P)
        left = np.minimum(left, from_drawn)
        best = int(np.argmin(left @ counts))
        chosen.append(int(drawn[best]))
        distance = left = left[best]
    return points[chosen]


def mixtures(points: Rows, counts: Counts, starts: Sequence[Rows]) -> list[Gaussians]:  # (S,)
    """Fit a mixture by expectation-maximization from each start, the centers (k, D) of Gaussians.

    `points` (P, D) in [0, 1] come `counts` (P,) times each. A start has equal shares and the
    variance 1e-6. A log-density is linear in the entries of x and x x^T, and a Gaussian is made
    of their means, so a matrix product does either for the Gaussians (C,) of all mixtures (S,).
    """
    d = points.shape[1]
    products = (points[:, :, None] * points[:, None, :]).reshape(len(points), d * d)
    features = np.column_stack([np.ones(len(points)), points, products])  # (P, F)
    sizes = np.array([len(centers) for centers in starts])  # (S,)
    shares = np.repeat(1 / sizes, sizes)  # (C,)
    means = np.concatenate(starts)  # (C, D)
    covariances = np.tile(_RIDGE * np.eye(d), (len(means), 1, 1))  # (C, D, D)
    moving = np.ones(len(sizes), np.bool_)  # (S,) not yet converged
    fits = np.full(len(sizes), -np.inf)  # (S,)
    for _ in range(_ITERATIONS):
        mine = np.repeat(moving, sizes)  # (C,)
        densities = _log_densities(shares[mine], means[mine], covariances[mine], features)
        parts, fit = _parts(densities, counts, sizes[moving])
        sums = parts @ features  # (c, F) over the rows that each Gaussian answers for
        held = sums[:, :1] + _NOTHING
        mean, product = sums[:, 1 : 1 + d] / held, sums[:, 1 + d :] / held
        spread = product.reshape(-1, d, d) - mean[:, :, None] * mean[:, None, :]
        shares[mine], means[mine] = held[:, 0] / counts.sum(), mean
        covariances[mine] = spread + _RIDGE * np.eye(d)
        change = np.abs(fit - fits[moving])
        fits[moving] = fit
        moving[moving] = change >= _TOLERANCE
        if not moving.any():
            break
    fits = _parts(_log_densities(shares, means, covariances, features), counts, sizes)[1]
    ends = np.cumsum(sizes)
    return [
        Gaussians(shares[end - k : end], means[end - k : end], covariances[end - k : end], fit)
        for k, end, fit in zip(sizes, ends, fits.tolist(), strict=True)
    ]


def _log_densities(
    shares: Weights, means: Rows, covariances: NDArray[np.float64], features: Rows
) -> NDArray[np.float64]:  # (C, P)
    """log(share times density) of each Gaussian at each point."""
    precisions = np.linalg.inv(covariances)  # (C, D, D)
    pulls = np.einsum("cij,cj->ci", precisions, means)  # (C, D)
    constants = np.linalg.slogdet(2 * np.pi * covariances)[1] + (pulls * means).sum(axis=1)
    squares = precisions.reshape(len(means), -1)  # (C, D D)
    factors = np.column_stack([np.log(shares) - constants / 2, pulls, squares / -2])  # (C, F)
    return np.asarray(factors @ features.T)


def _parts(
    densities: NDArray[np.float64], counts: Counts, sizes: Counts
) -> tuple[NDArray[np.float64], Weights]:  # (C, P), (S,)
    """The rows of each point that each Gaussian answers for, and the mean log-likelihood."""
    firsts = np.cumsum(sizes) - sizes  # (S,)
    # (S, K) the Gaussians of each mixture, its first one again where it has fewer: a gather, since
    # a reduction over parts of unequal length takes four times as long (measured)
    slots = np.arange(sizes.max())
    slots = firsts[:, None] + np.where(slots < sizes[:, None], slots, 0)
    top = densities[slots].max(axis=1)  # (S, P)
    below = densities - np.repeat(top, sizes, axis=0)
    parts = np.exp(np.maximum(below, _LOWEST))
    total = np.add.reduceat(parts, firsts)  # (S, P)
    parts *= np.repeat(counts / total, sizes, axis=0)
    return parts, (top + np.log(total)) @ counts / counts.sum()
