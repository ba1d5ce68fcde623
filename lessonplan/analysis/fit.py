"""Fit a law to many resamples at once; what the fitted curves say at a size and at a target.

The search is `polish.Search`: c0 and c1 exact, the shape by grid and damped steps. Row 0 is the
data as observed.
"""

from dataclasses import dataclass

import numpy as np

from lessonplan.analysis.laws import EFFICIENCY, HILL, Floats, Law, Prior, Quantity
from lessonplan.analysis.polish import Search, linear_step

__all__ = ["Fits", "collapse", "fit", "linear_step"]


def collapse(x: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Merge runs at one size into a cell: sizes (K,), weighted means (B, K), weights (B, K).

    Exact for the linear algebra of a fit. x is (R,), y and w are (B, R).
    """
    sizes, cell = np.unique(x, return_inverse=True)
    member = (cell[:, None] == np.arange(len(sizes))).astype(float)  # (R, K)
    weight = w @ member
    return sizes, (w * y) @ member / weight, weight


@dataclass(frozen=True, slots=True)
class Fits:
    """B fitted curves of one law."""

    law: Law
    scale: float  # geometric mean of the sizes; theta belongs to n / scale
    c0: Floats  # (B,) error at infinite data
    c1: Floats  # (B,)
    theta: Floats  # (B, P)
    objective: Floats  # (B,) sum of squares in noise units, plus prior
    of: Quantity = "accuracy"

    @property
    def ceiling(self) -> Floats:
        """Accuracy at infinite data, (B,); of losses, the lowest loss."""
        return self.c0 if self.of == "loss" else 1.0 - self.c0

    @property
    def exponent(self) -> Floats:
        """b of Hill, a of a power law, (B,); NaN for a law without one."""
        if not self.law.exponents:
            return np.full(len(self.c0), np.nan)
        return np.exp(self.theta[:, self.law.exponents[0]])

    @property
    def half(self) -> Floats:
        """Size at which half of the gain is made, (B,): c of Hill; NaN for laws without a start."""
        if not self.law.uses_base:
            return np.full(len(self.c0), np.nan)
        return np.exp(self.law.inverse(np.full(len(self.c0), 0.5), self.theta)) * self.scale

    def error(self, n: Floats) -> Floats:
        """1 - accuracy, or the loss, at sizes n (k,): (B, k)."""
        z = self.law.z(np.asarray(n, dtype=float) / self.scale, self.theta)
        return self.c0[:, None] + self.c1[:, None] * z

    def values(self, n: Floats) -> Floats:
        """Accuracy or loss, whichever was fitted, at sizes n (k,): (B, k)."""
        return self.error(n) if self.of == "loss" else 1.0 - self.error(n)

    def accuracy(self, n: Floats) -> Floats:
        """Accuracy at sizes n (k,): (B, k)."""
        return 1.0 - self.error(n)

    def log_size(self, target: float) -> Floats:
        """ln n at which each curve reaches the target accuracy (or loss), (B,).

        inf where the ceiling is not better than the target, -inf where the curve starts better.
        """
        error = target if self.of == "loss" else 1.0 - target
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (error - self.c0) / self.c1
            inside = (error > self.c0) & (self.c1 > 0)
            if self.law.uses_base:
                inside &= z < 1.0
            found = self.law.inverse(np.where(inside, z, 0.5), self.theta) + np.log(self.scale)
        return np.where(inside, found, np.where(error <= self.c0, np.inf, -np.inf))


def fit(
    n: Floats,
    values: Floats,
    weights: Floats,
    *,
    law: Law = HILL,
    prior: Prior | None = EFFICIENCY,
    of: Quantity = "accuracy",
) -> Fits:
    """Fit B curves to accuracies or losses (B, K) at sizes n (K,), with weights (K,) or (B, K).

    Sizes of 0 are the base model; a law that is infinite there leaves them out. Raises ValueError
    with fewer sizes above 0 than the law needs (two for most).
    """
    n = np.asarray(n, dtype=float)
    y = np.atleast_2d(np.asarray(values, dtype=float))  # (B, K)
    y = y if of == "loss" else 1.0 - y
    w = np.broadcast_to(np.asarray(weights, dtype=float), y.shape)
    if not law.uses_base:
        y, w, n = y[:, n > 0], w[:, n > 0], n[n > 0]
    if len(set(n[n > 0])) < law.least_sizes:
        words = {2: "two", 3: "three", 6: "six"}
        needed = words.get(law.least_sizes, str(law.least_sizes))
        raise ValueError(
            f"a fit needs {needed} training-set sizes above 0 ({law.name}), got {sorted(set(n))}"
        )
    scale = float(np.exp(np.log(n[n > 0]).mean()))
    x = n / scale
    search = Search(
        law,
        x,
        y,
        w,
        prior if law.exponents else None,
        box=law.box(x[x > 0]),
        high=0.0 if not law.bottom else np.inf if of == "loss" else 1.0,
        cap=bool(law.uses_base and n.min() > 0 and of == "accuracy"),
    )
    theta = search.best()
    c0, c1, objective = search.value(theta, np.arange(len(y)))
    return Fits(law, scale, c0, c1, theta, objective, of)
