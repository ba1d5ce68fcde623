"""A scaling law of your own, fitted with lmfit; it answers what the built-in laws answer.

def saturating(n, top, rate):
    return top * (1 - np.exp(-n / rate))

law = fit_user_law(n, accuracy, saturating, start={"top": 0.8, "rate": 100.0}, items=500)
law.predict(800)
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lessonplan.analysis.extrapolate import FARTHEST
from lessonplan.analysis.law_cells import RunCells, run_cells
from lessonplan.analysis.law_curve import FittedCurve
from lessonplan.analysis.laws import Floats, Quantity
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from lmfit import Minimizer
    from lmfit.minimizer import MinimizerResult

RESAMPLES = 100  # a fit takes 3-20 ms (measured)
POINTS = 4000  # sizes at which a curve is read to invert it; off by less than 1e-5 in ln n
REACH = 100.0  # a target is looked for from this many times below the smallest size on

UserFunction = Callable[..., Floats]  # f(n (k,), **parameters) -> accuracies or losses (k,)


class UserCurve(FittedCurve):
    """A law of the user's, fitted by weighted least squares; intervals as for built-in laws."""

    def __init__(
        self,
        cells: RunCells,
        function: UserFunction,
        start: Mapping[str, float],
        bounds: Mapping[str, tuple[float, float]],
        *,
        resamples: int,
        seed: int,
    ) -> None:
        super().__init__(cells, getattr(function, "__name__", "a law of your own"))
        self.function, self.bounds = function, dict(bounds)
        self.resamples, self.seed = resamples, seed
        # A law that is infinite at 0 leaves the base model out.
        self._used = np.isfinite(self._values(cells.sizes, start))  # (K,)
        if not self._used[cells.sizes > 0].all():
            bad = cells.sizes[(cells.sizes > 0) & ~self._used][0]
            raise ConfigError(
                f"{self.name} is not finite at n = {bad:g} with start {dict(start)}; start elsewhere"
            )
        if self._used.sum() < len(start):
            raise ConfigError(
                f"{self.name} has {len(start)} parameters, but there are {self._used.sum()} sizes"
            )
        self._minimizer, self._result = self._fit(cells.means, start)
        self.parameters: dict[str, float] = dict(self._result.params.valuesdict())

    def _fit(
        self, means: Floats, start: Mapping[str, float]
    ) -> "tuple[Minimizer, MinimizerResult]":
        import lmfit

        known = lmfit.Parameters()
        for name, value in start.items():
            low, high = self.bounds.get(name, (-np.inf, np.inf))
            known.add(name, value=float(value), min=low, max=high)
        root = np.sqrt(self.cells.weights(means))[self._used]  # (k,)
        sizes, y = self.cells.sizes[self._used], means[self._used]

        def residual(parameters: "lmfit.Parameters") -> Floats:
            return np.asarray(root * (self._values(sizes, parameters.valuesdict()) - y))

        # Residuals are in noise units already, so the covariance is not rescaled.
        minimizer = lmfit.Minimizer(residual, known, scale_covar=False)
        return minimizer, minimizer.minimize(method="least_squares")

    @property
    def objective(self) -> float:
        """Sum of squares in noise units."""
        return float(self._result.chisqr)

    @cached_property
    def resampled(self) -> list[dict[str, float]]:
        """Parameters of each resample; the first as observed."""
        rng = np.random.default_rng(self.seed)
        rows = self.cells.resample(self.resamples + 1, rng)[1:]
        found = [self._fit(row, self.parameters)[1].params.valuesdict() for row in rows]
        return [self.parameters, *map(dict, found)]

    def parameter_interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Profile interval of a parameter, infinite where the profile finds no end.

        Raises ConfigError for an unknown name, ValueError if there is no profile: a parameter
        that the data do not determine, or as many parameters as sizes.
        """
        if name not in self.parameters:
            raise ConfigError(f"no parameter {name!r}; known: {', '.join(self.parameters)}")
        import lmfit

        try:
            found = lmfit.conf_interval(
                self._minimizer, self._result, p_names=[name], sigmas=[level]
            )[name]
        except (lmfit.MinimizerException, ValueError, ZeroDivisionError) as problem:
            raise ValueError(
                f"{name!r} has no profile interval in {self.name}: {problem}"
            ) from None
        return float(found[0][1]), float(found[-1][1])

    def rows(self, n: Floats) -> Floats:
        return np.stack([self._values(n, parameters) for parameters in self.resampled])

    def beyond(self, n: Floats) -> Floats:
        return self._values(n, self.parameters)

    def log_sizes(self, target: float) -> Floats:
        first, last = self.cells.smallest / REACH, self.cells.largest * FARTHEST
        n = np.geomspace(first, last, POINTS)
        found = np.array([self.first_size(n, row, target) for row in self.rows(n)])
        return np.where(found <= first, -np.inf, np.log(found))

    def _values(self, n: Floats, parameters: Mapping[str, float]) -> Floats:
        with np.errstate(all="ignore"):
            found = self.function(np.asarray(n, dtype=float), **parameters)
        return np.broadcast_to(np.asarray(found, dtype=float), np.shape(n))


def fit_user_law(
    n: Floats,
    values: Floats,
    function: UserFunction,
    *,
    start: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]] | None = None,
    items: int | None = None,
    of: Quantity = "accuracy",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> UserCurve:
    """Fit a function of your own, f(n, **parameters), to runs of one sampler.

    The function takes sizes (k,) and gives accuracies (or losses) (k,), better with n; `start` has
    a first value for each parameter, `bounds` a (low, high) for some. The rest is as in `fit_law`.
    Needs lmfit: raises ConfigError without it, and for a start that does not suit the function.
    """
    try:
        import lmfit  # noqa: F401
    except ImportError:
        raise ConfigError('a law of your own needs lmfit: pip install "lessonplan[laws]"') from None
    bounds = bounds or {}
    for name, (low, high) in bounds.items():
        if name not in start or not low <= start[name] <= high:
            raise ConfigError(
                f"bounds must be for a parameter of start and hold its first value, got {name!r}: "
                f"{(low, high)} with start {dict(start)}"
            )
    try:
        function(np.ones(1), **start)
    except TypeError as problem:
        raise ConfigError(
            f"start must name the parameters of the function, got {', '.join(start)}: {problem}"
        ) from None
    cells = run_cells(n, values, of=of, items=items)
    return UserCurve(cells, function, start, bounds, resamples=resamples, seed=seed)
