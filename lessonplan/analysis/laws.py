"""Scaling laws: error against training-set size, linear but for a few shape parameters.

A law says error(n) = c0 + c1 z(n; theta) with z falling in n, so that c0 and c1 follow from theta
by linear algebra. Accuracy is 1 - error; a loss is an error as it stands. Sizes reach a law scaled
by their geometric mean. Here: what every law is, Hill and the plain power laws; the other shapes
are in `law_shapes`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Quantity = Literal["accuracy", "loss"]


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


class Law(ABC):
    """What a fit needs to know of a law: z, its derivatives, its inverse, and where to look.

    Sizes are x (K,), theta is (..., P); all of theta are logarithms.
    """

    name: str
    uses_base = True  # whether n = 0 is a point of the curve; then z(0) = 1
    bottom = True  # whether the error at infinite data is fitted; if not, it is 0
    exponents: tuple[int, ...] = (0,)  # which of theta are logarithms of exponents: a prior's
    least_sizes = 2  # sizes above 0, with fewer a fit says nothing
    starts = 1  # local minima of the grid that are polished
    steps = 20  # of the polish; of Hill's rows 8 leave 6 % off by more than 1e-4, 20 none

    @property
    def parameters(self) -> int:
        """How many numbers a fit finds: the shape, c1, and c0 unless it is 0."""
        return len(self.shape()) + 1 + self.bottom

    @abstractmethod
    def box(self, x: Floats) -> tuple[Floats, Floats]:
        """Lower and upper bounds of theta, each (P,), for positive scaled sizes x."""

    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Grid points along each parameter."""

    @abstractmethod
    def z(self, x: Floats, theta: Floats) -> Floats:
        """z at sizes x (K,) for theta (..., P): (..., K)."""

    @abstractmethod
    def slopes(self, x: Floats, theta: Floats) -> Floats:
        """Derivatives of z by theta, (..., K, P)."""

    @abstractmethod
    def inverse(self, z: Floats, theta: Floats) -> Floats:
        """ln x at which the curve has the value z (...); in (0, 1) if the law uses the base."""


class Hill(Law):
    """error = (1 - A) + (A - a0) / (1 + (n/c)^b): from the base model a0 to a ceiling A.

    theta = (ln b, ln c). The same curve is the compute sigmoid of ScaleRL (arXiv 2510.13786), the
    Morgan-Mercer-Flodin learning curve, and the four-parameter logistic of bioassay. The default:
    it is bounded at both ends, uses the one free measurement, and separates ceiling from speed.
    """

    name = "Hill"

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        return (
            np.array([np.log(0.15), np.log(x.min()) - 4.0]),
            np.array([np.log(4.0), np.log(x.max()) + 5.0]),
        )

    def shape(self) -> tuple[int, ...]:
        return (12, 14)

    def _logit(self, x: Floats, theta: Floats) -> Floats:
        return np.exp(theta[..., :1]) * (log_sizes(x) - theta[..., 1:2])

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
        return np.asarray(theta[..., 1] + np.log(1.0 / z - 1.0) / np.exp(theta[..., 0]))


class Power(Law):
    """error = (1 - A) + B n^-a, the plain power law ("pow3"); theta = (ln a,).

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


class PurePower(Power):
    """error = B n^-a: the power law without a bottom ("pow2"); theta = (ln a,).

    For one model size it is also ln error = E - k ln x, the law of Tan et al. (arXiv 2509.25300)
    with E = ln B and k = a ("tan1"); several model sizes: `model_sizes`.
    """

    name = "pure power law"
    bottom = False


def log_sizes(x: Floats) -> Floats:
    """ln x; -inf at the base point x = 0, where z is 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(x))


HILL, POWER, PURE_POWER = Hill(), Power(), PurePower()
