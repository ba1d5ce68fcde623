"""Accuracy against two sizes at once: samples seen T and unique problems D, as in many epochs.

error = E + (L0 - E) h / (1 + h), h = a / T^beta + c / D^delta: the practical scaling law "psl2d".
T large gives Hill in D. A slice of the surface, at fixed epochs or a fixed T, answers what every
fitted curve answers.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from lessonplan.analysis.law_cells import NOISE, RunCells, run_cells, spread_about
from lessonplan.analysis.law_curve import RESAMPLES, FittedCurve
from lessonplan.analysis.laws import EFFICIENCY, EXTRAPOLATION, Floats, Prior, Quantity, log_sizes
from lessonplan.analysis.polish import Search
from lessonplan.errors import ConfigError

LEAST = 3  # different values of T, and of D
PARAMETERS = 6
HARM = 0.05  # p value below which repetition is said to do harm
POINTS = 2000  # sizes at which a slice is read to invert it


class PracticalLaw:
    """z = h / (1 + h), theta = (ln beta, ln a, ln delta, ln c), x (K, 2) = T and D, both scaled.

    T = 0 is the base model: h is infinite and z is 1.
    """

    exponents: tuple[int, ...] = (0, 2)
    starts = 4
    steps = 60

    def box(self) -> tuple[Floats, Floats]:
        """Bounds of theta, each (4,); a and c are odds of the error at the middle sizes."""
        return (
            np.array([np.log(0.15), -10.0, np.log(0.15), -10.0]),
            np.array([np.log(4.0), 8.0, np.log(4.0), 8.0]),
        )

    def shape(self) -> tuple[int, ...]:
        return (5, 8, 5, 8)

    def _terms(self, x: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """beta ln T and delta ln D, and the logs of both terms of h, (2, ..., K) and (..., K)."""
        ln = log_sizes(x)  # (K, 2)
        seen = np.exp(theta[..., 0:1]) * ln[:, 0]
        unique = np.exp(theta[..., 2:3]) * ln[:, 1]
        return np.stack([seen, unique]), theta[..., 1:2] - seen, theta[..., 3:4] - unique

    def z(self, x: Floats, theta: Floats) -> Floats:
        _, u, v = self._terms(x, theta)
        return np.asarray(1.0 / (1.0 + np.exp(-np.logaddexp(u, v))))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        moved, u, v = self._terms(x, theta)
        known = np.isfinite(u)
        u, v, moved = np.where(known, u, 0.0), np.where(known, v, 0.0), np.where(known, moved, 0.0)
        ln_h = np.logaddexp(u, v)
        z = 1.0 / (1.0 + np.exp(-ln_h))
        first = np.where(known, z * (1.0 - z), 0.0) * np.exp(u - ln_h)
        second = np.where(known, z * (1.0 - z), 0.0) * np.exp(v - ln_h)
        return np.stack([-first * moved[0], first, -second * moved[1], second], axis=-1)


PRACTICAL = PracticalLaw()


@dataclass(frozen=True, slots=True)
class SurfaceFits:
    """B fitted surfaces."""

    scale: Floats  # (2,) geometric means of T and D
    c0: Floats  # (B,)
    c1: Floats  # (B,)
    theta: Floats  # (B, 4)
    objective: Floats  # (B,)
    of: Quantity

    def values(self, sizes: Floats) -> Floats:
        """Accuracy or loss at pairs (T, D), (k, 2): (B, k)."""
        z = PRACTICAL.z(np.asarray(sizes, dtype=float) / self.scale, self.theta)
        error = self.c0[:, None] + self.c1[:, None] * z
        return error if self.of == "loss" else 1.0 - error


class Surface:
    """A fitted surface of one sampler: cells of runs with the same T and D."""

    def __init__(self, sizes: Floats, cells: RunCells, *, resamples: int, seed: int) -> None:
        self.sizes, self.cells = sizes, cells  # (K, 2)
        self.resamples, self.seed = resamples, seed
        self.observed = self._fit(cells.means[None], EFFICIENCY)

    def _fit(self, values: Floats, prior: Prior) -> SurfaceFits:
        of, positive = self.cells.of, self.sizes[:, 0] > 0
        scale = np.exp(np.log(self.sizes[positive]).mean(0))  # (2,)
        y = values if of == "loss" else 1.0 - values  # (B, K)
        search = Search(
            PRACTICAL,
            self.sizes / scale,
            y,
            np.broadcast_to(self.cells.weights(values), y.shape),
            prior,
            box=PRACTICAL.box(),
            high=np.inf if of == "loss" else 1.0,
            cap=bool(positive.all() and of == "accuracy"),
        )
        theta = search.best()
        c0, c1, objective = search.value(theta, np.arange(len(y)))
        return SurfaceFits(scale, c0, c1, theta, objective, of)

    @cached_property
    def fits(self) -> SurfaceFits:
        """All resampled surfaces; row 0 is the data as observed."""
        rng = np.random.default_rng(self.seed)
        return self._fit(self.cells.resample(self.resamples + 1, rng), EFFICIENCY)

    @cached_property
    def outside(self) -> SurfaceFits:
        """The surface that extrapolates."""
        return self._fit(self.cells.means[None], EXTRAPOLATION)

    def at_epochs(self, epochs: float) -> "Slice":
        """The curve against unique problems when each is seen `epochs` times."""
        if not epochs > 0:
            raise ConfigError(f"epochs must be above 0, got {epochs!r}")
        return Slice(self, epochs=epochs)

    def at_total(self, seen: float) -> "Slice":
        """The curve against unique problems when `seen` samples are trained on in all."""
        if not seen > 0:
            raise ConfigError(f"samples seen must be above 0, got {seen!r}")
        return Slice(self, seen=seen)

    @cached_property
    def harm(self) -> float:
        """p value that repetition harms: does error rise, against the law, at the end of T?

        The law cannot rise with T. For each D with three or more T: the residual at the largest T
        minus the one before, in noise units; the sum is normal if the law holds. NaN without such
        a D. Below .05 the surface is not to be trusted at many epochs.
        """
        residual = self.cells.means - self.observed.values(self.sizes)[0]
        residual = -residual if self.cells.of == "accuracy" else residual  # of the error
        variance = 1.0 / self.cells.weights(self.cells.means[None])[0]
        total, spread = 0.0, 0.0
        for d in np.unique(self.sizes[:, 1]):
            here = np.flatnonzero((self.sizes[:, 1] == d) & (self.sizes[:, 0] > 0))
            if len(here) < LEAST:
                continue
            before, last = here[np.argsort(self.sizes[here, 0])][-2:]
            total += residual[last] - residual[before]
            spread += variance[last] + variance[before]
        return float(ndtr(-total / np.sqrt(spread))) if spread else float("nan")

    @property
    def harmful(self) -> bool:
        """Whether repetition is seen to do harm, which this law cannot describe."""
        return self.harm < HARM


class Slice(FittedCurve):
    """A surface at fixed epochs, or at a fixed number of samples seen, against unique problems."""

    def __init__(
        self, surface: Surface, *, epochs: float | None = None, seen: float | None = None
    ) -> None:
        self.surface, self.epochs, self.seen = surface, epochs, seen
        seen_most, unique_most = surface.sizes.max(0)
        if seen is not None and seen > seen_most:
            raise ConfigError(
                f"samples seen must be at most the largest measured, {seen_most:g}, got {seen:g}"
            )
        largest = unique_most if epochs is None else min(unique_most, seen_most / epochs)
        unique = np.unique(surface.sizes[surface.sizes[:, 0] > 0, 1])
        unique = np.append(unique[unique < largest], largest)
        flags = surface.cells.flags
        if surface.harmful:
            flags = (*flags, "error rises with repetition, which this law cannot describe")
        cells = replace(surface.cells, sizes=unique, flags=flags)
        super().__init__(cells, "psl2d")

    def _pairs(self, n: Floats) -> Floats:
        n = np.asarray(n, dtype=float)
        seen = n * self.epochs if self.epochs is not None else np.full_like(n, self.seen)
        return np.stack([seen, n], axis=-1)  # (k, 2)

    def last_value(self) -> float:
        """The slice's own value at its largest size; it need not have been a run."""
        return float(self.rows(np.array([self.cells.largest]))[0, 0])

    def rows(self, n: Floats) -> Floats:
        return self.surface.fits.values(self._pairs(n))

    def beyond(self, n: Floats) -> Floats:
        return np.asarray(self.surface.outside.values(self._pairs(n))[0])

    def log_sizes(self, target: float) -> Floats:
        first, last = self.cells.smallest / 100, self.cells.largest * 8
        n = np.geomspace(first, last, POINTS)
        found = np.array([self.first_size(n, row, target) for row in self.rows(n)])
        return np.where(found <= first, -np.inf, np.log(found))


def fit_surface(
    seen: Floats,
    unique: Floats,
    values: Floats,
    *,
    items: int | None = None,
    of: Quantity = "accuracy",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Surface:
    """Fit psl2d to R runs: samples seen T, unique problems D and accuracy (or loss), each (R,).

    T = D = 0 is the base model. Runs with the same T and D are seeds. Raises ConfigError unless T
    and D each take three values and are not proportional, since then their parts cannot be told
    apart, and with fewer than six different pairs.
    """
    seen, unique = np.asarray(seen, dtype=float).ravel(), np.asarray(unique, dtype=float).ravel()
    values = np.asarray(values, dtype=float).ravel()
    if not len(seen) == len(unique) == len(values):
        raise ConfigError(
            "seen, unique and values must be equally many, got "
            f"{len(seen)}, {len(unique)}, {len(values)}"
        )
    if ((seen > 0) != (unique > 0)).any() or (seen < 0).any() or (unique < 0).any():
        raise ConfigError("samples seen and unique problems must both be above 0, or both 0 (base)")
    pairs = np.stack([seen, unique], axis=1)
    _check_design(np.unique(pairs[seen > 0], axis=0))
    sizes, cell = np.unique(pairs, axis=0, return_inverse=True)  # (K, 2), the base first
    base = sizes[0, 0] == 0
    # Cells are numbered, so that what is known of one curve's cells serves pairs as well.
    numbered = run_cells(
        np.asarray(cell.ravel() + (0.0 if base else 1.0), dtype=float),
        values,
        of=of,
        items=items,
        law=None,
    )
    if not numbered.one_run:
        return Surface(sizes, numbered, resamples=resamples, seed=seed)
    rough = Surface(sizes, numbered, resamples=0, seed=seed)
    fitted = rough.observed.values(sizes)[0]
    away = (numbered.means - fitted)[sizes[:, 0] > 0]
    away = away / fitted[sizes[:, 0] > 0] if of == "loss" else away
    sd, pool, stretch, flag = spread_about(away, len(sizes) - PARAMETERS, of)
    if sd > NOISE / 10:
        flags = (flag, *numbered.flags[1:])
        numbered = replace(numbered, sd=sd, pool=pool, stretch=stretch, flags=flags)
    return Surface(sizes, numbered, resamples=resamples, seed=seed)


def _check_design(pairs: Floats) -> None:
    several = [len(np.unique(column)) for column in pairs.T]
    if min(several, default=0) < LEAST:
        raise ConfigError(
            f"samples seen and unique problems must each take {LEAST} values, got {several[0]} and "
            f"{several[1]}; with one of them fixed, use fit_law on the other"
        )
    if len(np.unique(np.round(np.log(pairs[:, 0] / pairs[:, 1]), 6))) == 1:
        raise ConfigError(
            "samples seen and unique problems are proportional (all runs have "
            f"{pairs[0, 0] / pairs[0, 1]:g} epochs), so their parts cannot be told apart; use fit_law"
        )
    if len(pairs) < PARAMETERS:
        raise ConfigError(
            f"a surface has {PARAMETERS} parameters and needs as many different pairs, got "
            f"{len(pairs)}"
        )
