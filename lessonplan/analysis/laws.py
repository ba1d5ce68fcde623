"""Scaling laws: error against training-set size, linear but for one or two shape parameters.

A law says error(n) = c0 + c1 z(n; theta) with z falling in n, so that c0 and c1 follow from theta
by linear algebra. Accuracy is 1 - error. Sizes reach a law scaled by their geometric mean.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """A weak pull on the exponent: normal on its logarithm, or on itself."""

    mean: float
    sd: float
    log: bool

    def residual(self, u: Floats) -> Floats:
        """Distance from the mean in standard deviations, for u = ln exponent."""
        return (u - np.log(self.mean) if self.log else np.exp(u) - self.mean) / self.sd

    def slope(self, u: Floats) -> Floats:
        """Derivative of `residual` by u."""
        return (np.ones_like(u) if self.log else np.exp(u)) / self.sd


# Both were measured: the first inside the data, the second was the better of two beyond it.
EFFICIENCY = Prior(1.0, 0.7, log=True)
EXTRAPOLATION = Prior(0.5, 0.3, log=False)


class Law(Protocol):
    """What a fit needs to know of a law; theta[..., 0] is the logarithm of an exponent."""

    name: str
    uses_base: bool  # whether n = 0 is a point of the curve

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        """Lower and upper bounds of theta, each (P,), for positive scaled sizes x."""

    def shape(self) -> tuple[int, ...]:
        """Grid points along each parameter."""

    def z(self, x: Floats, theta: Floats) -> Floats:
        """z at sizes x (K,) for theta (..., P): (..., K)."""

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        """Derivatives of z by theta, (..., K, P)."""

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        """ln x at which the curve has the value z; z in (0, 1) for Hill, positive for Power."""


class Hill:
    """error = (1 - A) + (A - a0) / (1 + (n/c)^b): from the base model a0 to a ceiling A.

    theta = (ln b, ln c). The same curve is the compute sigmoid of ScaleRL (arXiv 2510.13786), the
    Morgan-Mercer-Flodin learning curve, and the four-parameter logistic of bioassay.
    """

    name = "Hill"
    uses_base = True

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        return (
            np.array([np.log(0.15), np.log(x.min()) - 4.0]),
            np.array([np.log(4.0), np.log(x.max()) + 5.0]),
        )

    def shape(self) -> tuple[int, ...]:
        return (12, 14)

    def _logit(self, x: Floats, theta: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            ln_x = np.log(x)  # -inf at the base point, where z is 1
        return np.exp(theta[..., :1]) * (ln_x - theta[..., 1:2])

    def z(self, x: Floats, theta: Floats) -> Floats:
        s = self._logit(x, theta)
        return 1.0 / (1.0 + np.exp(np.clip(s, -500.0, 500.0)))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        s = self._logit(x, theta)
        z = 1.0 / (1.0 + np.exp(np.clip(s, -500.0, 500.0)))
        spread = z * (1.0 - z)
        by_b = -spread * np.where(np.isfinite(s), s, 0.0)  # 0 at the base point
        by_c = spread * np.exp(theta[..., :1])
        return np.stack([by_b, by_c], axis=-1)

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        return theta[..., 1] + np.log(1.0 / z - 1.0) / np.exp(theta[..., 0])


class Power:
    """error = (1 - A) + B n^-a, the plain power law; theta = (ln a,).

    Infinite at n = 0, so it cannot use the base model: a sensitivity check.
    """

    name = "power law"
    uses_base = False

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        return np.array([np.log(0.02)]), np.array([np.log(4.0)])

    def shape(self) -> tuple[int, ...]:
        return (168,)

    def z(self, x: Floats, theta: Floats) -> Floats:
        return np.asarray(np.exp(-np.exp(theta[..., :1]) * np.log(x)))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        by_a = -self.z(x, theta) * np.exp(theta[..., :1]) * np.log(x)
        return np.asarray(by_a[..., None])

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        return np.asarray(-np.log(z) / np.exp(theta[..., 0]))


HILL, POWER = Hill(), Power()
