"""Fit a law to many resamples at once: variable projection in numpy.

Grid over the shape parameters, one zoom, then damped Gauss-Newton steps for all rows together;
c0 and c1 are exact at every point. Row 0 is the data as observed. Weights are 1/variance, so that
the sum of squares is in noise units and the prior adds to it as it stands.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.laws import EFFICIENCY, HILL, Floats, Law, Prior

POLISH_STEPS = 20  # 8 leave 6 % of the rows off by more than 1e-4, 20 none (measured)


def collapse(x: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Merge runs at one size into a cell: sizes (K,), weighted means (B, K), weights (B, K).

    Exact for the linear algebra of a fit. x is (R,), y and w are (B, R).
    """
    sizes, cell = np.unique(x, return_inverse=True)
    member = (cell[:, None] == np.arange(len(sizes))).astype(float)  # (R, K)
    weight = w @ member
    return sizes, (w * y) @ member / weight, weight


def linear_step(
    w: Floats, y: Floats, z: Floats, *, low: float = 0.0, high: float = 1.0, cap: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Best c0 in [low, high] and c1 >= 0 of y = c0 + c1 z, and the weighted sum of squares.

    w, y and z are (..., K); results are (...). With `cap`, c0 + c1 <= 1 as well. Exact: the sum is
    a convex quadratic, so a violated bound is active at the optimum.
    """
    sw, sy, sz = w.sum(-1), (w * y).sum(-1), (w * z).sum(-1)
    szz, szy = (w * z * z).sum(-1), (w * z * y).sum(-1)
    det = sw * szz - sz * sz
    flat = det < 1e-14 * sw * szz
    c1 = np.where(flat, 0.0, np.maximum(0.0, (sw * szy - sz * sy) / np.where(flat, 1.0, det)))
    c0 = (sy - c1 * sz) / sw
    out = (c0 < low) | (c0 > high)
    c0 = np.clip(c0, low, high)
    c1 = np.where(out, np.maximum(0.0, (szy - c0 * sz) / np.maximum(szz, 1e-300)), c1)
    if cap:  # on the edge c0 + c1 = 1 the line is z + c0 (1 - z)
        rest = 1.0 - z
        edge = (w * (y - z) * rest).sum(-1) / np.maximum((w * rest * rest).sum(-1), 1e-300)
        over = c0 + c1 > 1.0
        c0 = np.where(over, np.clip(edge, low, min(high, 1.0)), c0)
        c1 = np.where(over, 1.0 - c0, c1)
    residual = y - c0[..., None] - c1[..., None] * z
    return c0, c1, (w * residual * residual).sum(-1)


@dataclass(frozen=True, slots=True)
class Fits:
    """B fitted curves of one law."""

    law: Law
    scale: float  # geometric mean of the sizes; theta belongs to n / scale
    c0: Floats  # (B,) error at infinite data
    c1: Floats  # (B,)
    theta: Floats  # (B, P)
    objective: Floats  # (B,) sum of squares in noise units, plus prior

    @property
    def ceiling(self) -> Floats:
        """Accuracy at infinite data, (B,)."""
        return 1.0 - self.c0

    @property
    def exponent(self) -> Floats:
        """b of Hill, a of the power law, (B,)."""
        return np.exp(self.theta[:, 0])

    @property
    def half(self) -> Floats:
        """Size at which half of the gain is made, (B,): c of Hill; NaN for the power law."""
        if self.theta.shape[1] < 2:
            return np.full(len(self.c0), np.nan)
        return np.exp(self.theta[:, 1]) * self.scale

    def accuracy(self, n: Floats) -> Floats:
        """Accuracy at sizes n (k,): (B, k)."""
        z = self.law.z(np.asarray(n, dtype=float) / self.scale, self.theta)
        return 1.0 - self.c0[:, None] - self.c1[:, None] * z

    def log_size(self, target: float) -> Floats:
        """ln n at which each curve reaches the target accuracy, (B,).

        inf where the ceiling is not above the target, -inf where the curve starts above it.
        """
        error = 1.0 - target
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (error - self.c0) / self.c1
            inside = (error > self.c0) & (self.c1 > 0)
            if self.law.uses_base:
                inside &= z < 1.0
            found = self.law.inverse(np.where(inside, z, 0.5), self.theta) + np.log(self.scale)
        return np.where(inside, found, np.where(error <= self.c0, np.inf, -np.inf))


def fit(
    n: Floats,
    accuracy: Floats,
    weights: Floats,
    *,
    law: Law = HILL,
    prior: Prior | None = EFFICIENCY,
) -> Fits:
    """Fit B curves to accuracies (B, K) at sizes n (K,), with weights (K,) or (B, K).

    Sizes of 0 are the base model; a law that is infinite there leaves them out. Raises ValueError
    with fewer than two sizes above 0.
    """
    n = np.asarray(n, dtype=float)
    y = 1.0 - np.atleast_2d(np.asarray(accuracy, dtype=float))  # (B, K)
    w = np.broadcast_to(np.asarray(weights, dtype=float), y.shape)
    if not law.uses_base:
        y, w, n = y[:, n > 0], w[:, n > 0], n[n > 0]
    if (n > 0).sum() < 2:
        raise ValueError(f"a fit needs two training-set sizes above 0, got {sorted(set(n))}")
    scale = float(np.exp(np.log(n[n > 0]).mean()))
    problem = _Problem(law, n / scale, y, w, prior, cap=bool(law.uses_base and n.min() > 0))
    theta = problem.polish(problem.zoom(*problem.grid()))
    c0, c1, objective = problem.value(theta, np.arange(len(y)))
    return Fits(law, scale, c0, c1, theta, objective)


class _Problem:
    """The data of one call of `fit`, and the three stages of the search."""

    def __init__(
        self, law: Law, x: Floats, y: Floats, w: Floats, prior: Prior | None, *, cap: bool
    ) -> None:
        self.law, self.x, self.y, self.w, self.prior, self.cap = law, x, y, w, prior, cap
        self.low, self.high = law.box(x[x > 0])

    def value(self, theta: Floats, rows: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        """c0, c1 and objective of `rows` at their own theta (len(rows), P)."""
        z = self.law.z(self.x, theta)
        c0, c1, ssr = linear_step(self.w[rows], self.y[rows], z, cap=self.cap)
        return c0, c1, ssr + self.penalty(theta)

    def penalty(self, theta: Floats) -> Floats:
        if self.prior is None:
            return np.zeros(theta.shape[:-1])
        return self.prior.residual(theta[..., 0]) ** 2

    def grid(self) -> tuple[Floats, Floats]:
        """Best grid point of each row (B, P), and the grid's spacing (P,).

        Sums over cells are three matrix products, so that a grid of G points costs (B, K) x (K, G).
        """
        axes = [
            np.linspace(a, b, k)
            for a, b, k in zip(self.low, self.high, self.law.shape(), strict=True)
        ]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        z = self.law.z(self.x, points)  # (G, K)
        w, y = self.w, self.y
        shift = (w * y).sum(1, keepdims=True) / w.sum(1, keepdims=True)  # against cancellation
        y = y - shift
        sw, sy = w.sum(1, keepdims=True), (w * y).sum(1, keepdims=True)  # (B, 1)
        syy = (w * y * y).sum(1, keepdims=True)
        sz, szz, szy = w @ z.T, w @ (z * z).T, (w * y) @ z.T  # (B, G)
        det = sw * szz - sz * sz
        flat = det < 1e-14 * sw * szz
        c1 = np.where(flat, 0.0, np.maximum(0.0, (sw * szy - sz * sy) / np.where(flat, 1, det)))
        c0 = (sy - c1 * sz) / sw
        bounded = np.clip(c0, -shift, 1.0 - shift)
        c1 = np.where(bounded == c0, c1, np.maximum(0.0, (szy - bounded * sz) / szz))
        c0 = bounded
        ssr = syy + c0 * c0 * sw + c1 * c1 * szz - 2 * (c0 * sy + c1 * szy - c0 * c1 * sz)
        best = np.argmin(ssr + self.penalty(points), axis=1)
        spacing = np.array([axis[1] - axis[0] for axis in axes])
        return points[best], spacing

    def zoom(self, theta: Floats, spacing: Floats) -> Floats:
        """Best of the stencil of half a spacing round each row's grid point, (B, P)."""
        offsets = np.stack(np.meshgrid(*[(-0.5, 0.0, 0.5)] * len(spacing), indexing="ij"), axis=-1)
        tried = theta[:, None, :] + offsets.reshape(-1, len(spacing)) * spacing  # (B, S, P)
        tried = np.clip(tried, self.low, self.high)
        z = self.law.z(self.x, tried)  # (B, S, K)
        value = linear_step(self.w[:, None], self.y[:, None], z, cap=self.cap)[2]
        best = np.argmin(value + self.penalty(tried), axis=1)
        return np.asarray(tried[np.arange(len(theta)), best])

    def polish(self, theta: Floats) -> Floats:
        """Damped Gauss-Newton in theta, c0 and c1 projected out; rows stop when they converge."""
        theta = theta.copy()
        rows = np.arange(len(theta))
        damping = np.full(len(theta), 1e-3)
        current = self.value(theta, rows)[2]
        for _ in range(POLISH_STEPS):
            step = self._step(theta[rows], rows, damping[rows])
            tried = np.clip(theta[rows] + step, self.low, self.high)
            value = self.value(tried, rows)[2]
            better = value < current[rows]
            gain = np.where(better, current[rows] - value, 0.0)
            theta[rows[better]] = tried[better]
            current[rows[better]] = value[better]
            damping[rows] = np.clip(damping[rows] * np.where(better, 0.2, 10.0), 1e-9, 1e9)
            small = np.abs(tried - theta[rows]).max(axis=1) + np.abs(step).max(axis=1) < 1e-7
            done = small | (better & (gain < 1e-11 * (1.0 + current[rows])))
            rows = rows[~(done | (damping[rows] >= 1e9))]
            if not len(rows):
                break
        return theta

    def _step(self, theta: Floats, rows: NDArray[np.int64], damping: Floats) -> Floats:
        w, y = self.w[rows], self.y[rows]
        z = self.law.z(self.x, theta)
        c0, c1, _ = linear_step(w, y, z, cap=self.cap)
        residual = y - c0[:, None] - c1[:, None] * z  # (b, K)
        slopes = c1[:, None, None] * self.law.slopes(self.x, theta)  # (b, K, P)
        slopes = _project(slopes, z, w, fixed=(c0 <= 0.0) | (c0 >= 1.0))
        normal = np.einsum("bkp,bk,bkq->bpq", slopes, w, slopes)
        right = np.einsum("bkp,bk->bp", slopes, w * residual)
        if self.prior is not None:
            pull = self.prior.slope(theta[:, 0])
            normal[:, 0, 0] += pull * pull
            right[:, 0] -= pull * self.prior.residual(theta[:, 0])
        diagonal = np.einsum("bpp->bp", normal)  # a view: damping goes in here
        diagonal += damping[:, None] * np.maximum(diagonal, 1e-6) + 1e-12
        step = np.linalg.solve(normal, right[..., None])[..., 0]
        # A parameter on its bound that wants out stays; the others step as if it were known.
        held = ((theta <= self.low) & (step < 0)) | ((theta >= self.high) & (step > 0))
        if held.any():
            free = ~held
            normal = normal * free[:, :, None] * free[:, None, :]
            np.einsum("bpp->bp", normal)[held] = 1.0
            step = np.linalg.solve(normal, (right * free)[..., None])[..., 0]
        return step


def _project(slopes: Floats, z: Floats, w: Floats, *, fixed: NDArray[np.bool_]) -> Floats:
    """Take out of the columns what c0 and c1 can follow: {1, z}, or {z} where c0 is on a bound."""
    ones = np.ones_like(z)
    first = np.where(fixed[:, None], 0.0, ones)
    second = z - np.where(fixed, 0.0, (w * z).sum(1) / w.sum(1))[:, None]
    for basis in (first, second):
        norm = (w * basis * basis).sum(1)
        share = np.einsum("bk,bkp->bp", w * basis, slopes) / np.maximum(norm, 1e-300)[:, None]
        slopes = (
            slopes
            - basis[:, :, None]
            * np.where(norm > 1e-12, 1.0, 0.0)[:, None, None]
            * (share[:, None, :])
        )
    return slopes
