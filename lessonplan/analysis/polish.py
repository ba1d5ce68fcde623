"""Variable projection for many resamples at once: grid, zoom, damped Gauss-Newton.

c0 and c1 are exact at every point, so the search is over the shape parameters alone. All rows (B
resamples) advance together in numpy; a row stops when it has converged. Weights are 1/variance, so
that the sum of squares is in noise units and the prior adds to it as it stands.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.laws import Floats, Prior

Rows = NDArray[np.int64]


class Curve(Protocol):
    """The part of a law that the search needs; x may be anything that `z` understands."""

    exponents: tuple[int, ...]
    starts: int
    steps: int

    def shape(self) -> tuple[int, ...]:
        """Grid points along each parameter."""

    def z(self, x: Floats, theta: Floats) -> Floats:
        """z (..., K) for theta (..., P)."""

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        """Derivatives of z by theta, (..., K, P)."""


def linear_step(
    w: Floats, y: Floats, z: Floats, *, low: float = 0.0, high: float = 1.0, cap: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Best c0 in [low, high] and c1 >= 0 of y = c0 + c1 z, and the weighted sum of squares.

    w, y and z are (..., K); results are (...). With `cap`, c0 + c1 <= 1 as well. Exact: the sum is
    a convex quadratic, so a violated bound is active at the optimum.
    """
    wz = w * z
    sw, sy, sz = w.sum(-1), (w * y).sum(-1), wz.sum(-1)
    szz, szy = (wz * z).sum(-1), (wz * y).sum(-1)
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


class Search:
    """The data of one fit, and the three stages of the search.

    x is (K,) or whatever `curve` reads; y and w are (B, K); the box is (P,) twice. c0 stays in
    [`low`, `high`]; with `cap`, c0 + c1 <= 1.
    """

    def __init__(
        self,
        curve: Curve,
        x: Floats,
        y: Floats,
        w: Floats,
        prior: Prior | None,
        *,
        box: tuple[Floats, Floats],
        high: float = 1.0,
        cap: bool = False,
    ) -> None:
        self.curve, self.x, self.y, self.w, self.prior = curve, x, y, w, prior
        (self.low, self.high), self.top, self.cap = box, high, cap

    def best(self) -> Floats:
        """Theta of each row, (B, P): from the grid's best local minima to the polish."""
        starts, spacing = self.grid()  # (B, S, P)
        rows = np.repeat(np.arange(len(self.y)), starts.shape[1])
        return self.polish(self.zoom(starts.reshape(len(rows), -1), rows, spacing), rows)

    def value(self, theta: Floats, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """c0, c1 and objective of `rows` at their own theta (len(rows), P)."""
        z = self.curve.z(self.x, theta)
        c0, c1, ssr = self._line(rows, z)
        return c0, c1, ssr + self.penalty(theta)

    def _line(self, rows: Rows, z: Floats) -> tuple[Floats, Floats, Floats]:
        return linear_step(self.w[rows], self.y[rows], z, high=self.top, cap=self.cap)

    def penalty(self, theta: Floats) -> Floats:
        """What the prior adds, (...)."""
        total = np.zeros(theta.shape[:-1])
        if self.prior is not None:
            for k in self.curve.exponents:
                total = total + self.prior.residual(theta[..., k]) ** 2
        return total

    def grid(self) -> tuple[Floats, Floats]:
        """Best local minima of the grid for each row (B, S, P), and the grid's spacing (P,).

        Sums over cells are three matrix products, so that a grid of G points costs (B, K) x (K, G).
        """
        shape = self.curve.shape()
        axes = [np.linspace(a, b, k) for a, b, k in zip(self.low, self.high, shape, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        z = self.curve.z(self.x, points)  # (G, K)
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
        bounded = np.clip(c0, -shift, self.top - shift)
        c1 = np.where(bounded == c0, c1, np.maximum(0.0, (szy - bounded * sz) / szz))
        c0 = bounded
        ssr = syy + c0 * c0 * sw + c1 * c1 * szz - 2 * (c0 * sy + c1 * szy - c0 * c1 * sz)
        value = ssr + self.penalty(points)  # (B, G)
        spacing = np.array([axis[1] - axis[0] for axis in axes])
        if self.curve.starts == 1:
            return points[np.argmin(value, axis=1)][:, None], spacing
        value = np.where(_local_minimum(value.reshape(-1, *shape)).reshape(value.shape), value, 1e9)
        return points[np.argsort(value, axis=1)[:, : self.curve.starts]], spacing

    def zoom(self, theta: Floats, rows: Rows, spacing: Floats) -> Floats:
        """Best of the stencil of half a spacing round each start, (R, P)."""
        offsets = np.stack(np.meshgrid(*[(-0.5, 0.0, 0.5)] * len(spacing), indexing="ij"), axis=-1)
        tried = theta[:, None, :] + offsets.reshape(-1, len(spacing)) * spacing  # (R, S, P)
        tried = np.clip(tried, self.low, self.high)
        z = self.curve.z(self.x, tried)  # (R, S, K)
        w, y = self.w[rows, None], self.y[rows, None]
        value = linear_step(w, y, z, high=self.top, cap=self.cap)[2]
        best = np.argmin(value + self.penalty(tried), axis=1)
        return np.asarray(tried[np.arange(len(theta)), best])

    def polish(self, theta: Floats, owner: Rows) -> Floats:
        """Damped Gauss-Newton from R starts (R, P) of rows `owner` (R,), each S times in a run.

        c0 and c1 are projected out; a start that has converged stops. Gives the best theta of each
        row, (B, P).
        """
        theta = theta.copy()
        active = np.arange(len(theta))
        damping = np.full(len(theta), 1e-3)
        current = self.value(theta, owner)[2]
        for _ in range(self.curve.steps):
            rows = owner[active]
            step = self._step(theta[active], rows, damping[active])
            tried = np.clip(theta[active] + step, self.low, self.high)
            value = self.value(tried, rows)[2]
            better = value < current[active]
            gain = np.where(better, current[active] - value, 0.0)
            theta[active[better]] = tried[better]
            current[active[better]] = value[better]
            damping[active] = np.clip(damping[active] * np.where(better, 0.2, 10.0), 1e-9, 1e9)
            small = np.abs(tried - theta[active]).max(axis=1) + np.abs(step).max(axis=1) < 1e-7
            done = small | (better & (gain < 1e-11 * (1.0 + current[active])))
            active = active[~(done | (damping[active] >= 1e9))]
            if not len(active):
                break
        starts = len(theta) // len(self.y)
        best = np.argmin(current.reshape(-1, starts), axis=1) + starts * np.arange(len(self.y))
        return np.asarray(theta[best])

    def _step(self, theta: Floats, rows: Rows, damping: Floats) -> Floats:
        w, y = self.w[rows], self.y[rows]
        z = self.curve.z(self.x, theta)
        c0, c1, _ = self._line(rows, z)
        slopes = c1[:, None, None] * self.curve.slopes(self.x, theta)  # (b, K, P)
        fixed, capped = self._bound(c0, c1)
        step, left = np.zeros_like(theta), np.arange(len(theta))
        # A step after which c0 or c1 would cross a bound is taken again with them on it, and again
        # with both: else such a row zigzags across the bound and stops short of its optimum.
        for _ in range(3):
            own = (theta[left], damping[left], w[left], y[left], z[left], slopes[left])
            step[left] = self._solve(*own, c0[left], c1[left], fixed[left], capped[left])
            rest = y[left] - (slopes[left] @ step[left, :, None])[..., 0]
            ahead0, ahead1, _ = linear_step(w[left], rest, z[left], high=self.top, cap=self.cap)
            fix, hit = self._bound(ahead0, ahead1)
            met = (fix & ~fixed[left]) | (hit & ~capped[left])
            left = left[met]
            if not len(left):
                break
            fixed[left] |= fix[met]
            capped[left] |= hit[met]
            c0[left], c1[left] = ahead0[met], ahead1[met]
        return step

    def _bound(self, c0: Floats, c1: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether c0 is on a bound of its own, and c0 + c1 on its cap."""
        return (c0 <= 0.0) | (c0 >= self.top), self.cap & (c0 + c1 >= 1.0 - 1e-12)

    def _solve(
        self,
        theta: Floats,
        damping: Floats,
        w: Floats,
        y: Floats,
        z: Floats,
        slopes: Floats,
        c0: Floats,
        c1: Floats,
        fixed: NDArray[np.bool_],
        capped: NDArray[np.bool_],
    ) -> Floats:
        """The damped step of b rows, c0 and c1 following it as far as their bounds let them."""
        residual = y - c0[:, None] - c1[:, None] * z  # (b, K)
        slopes = _project(slopes, z, w, fixed=fixed, capped=capped)
        weighted = slopes * w[:, :, None]
        normal = weighted.transpose(0, 2, 1) @ slopes  # (b, P, P)
        right = (weighted.transpose(0, 2, 1) @ residual[:, :, None])[..., 0]
        if self.prior is not None:
            for k in self.curve.exponents:
                pull = self.prior.slope(theta[:, k])
                normal[:, k, k] += pull * pull
                right[:, k] -= pull * self.prior.residual(theta[:, k])
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
        return np.asarray(step, dtype=float)


def _local_minimum(value: Floats) -> NDArray[np.bool_]:
    """Which points of grids (B, ...) are at most as large as their neighbors along each axis."""
    least = np.ones(value.shape, dtype=bool)
    for axis in range(1, value.ndim):
        v, kept = np.moveaxis(value, axis, -1), np.moveaxis(least, axis, -1)  # views
        kept[..., 1:] &= v[..., 1:] <= v[..., :-1]
        kept[..., :-1] &= v[..., :-1] <= v[..., 1:]
    return least


def _project(
    slopes: Floats, z: Floats, w: Floats, *, fixed: NDArray[np.bool_], capped: NDArray[np.bool_]
) -> Floats:
    """Take out of the columns (b, K, P) what c0 and c1 can follow.

    That is {1, z}; {z} where c0 is on a bound; {1 - z} where c0 + c1 is on its cap; nothing where
    both are.
    """
    free = ~fixed & ~capped
    first = np.where(free[:, None], 1.0, np.zeros_like(z))
    second = z - np.where(free, (w * z).sum(1) / w.sum(1), 0.0)[:, None]
    second = np.where(capped[:, None], np.where(fixed[:, None], 0.0, 1.0 - z), second)
    for basis in (first, second):
        pull = w * basis
        norm = (pull * basis).sum(1)
        share = (pull[:, None, :] @ slopes)[:, 0] / np.maximum(norm, 1e-300)[:, None]  # (b, P)
        share = np.where(norm[:, None] > 1e-12, share, 0.0)
        slopes = slopes - basis[:, :, None] * share[:, None, :]
    return slopes
