"""One curve in a notebook: fit a law to runs, ask for an accuracy at a size or a size at an accuracy.

law = fit_law(n, accuracy, law="hill", items=500)
law.predict(800)    # 0.713 (0.699-0.727)
law.n_at(0.6)       # 243 (201-298)
law = fit_law(n, accuracy, items=500, units=seed)    # where a seed runs through all sizes
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lessonplan.analysis.extrapolate import (
    DASHED,
    FARTHEST,
    TABLE_NOTE,
    check_reach,
    error_factors,
    last_value,
)
from lessonplan.analysis.fit import Fits
from lessonplan.analysis.law_cells import RunCells, run_cells
from lessonplan.analysis.law_shapes import find_law
from lessonplan.analysis.laws import EFFICIENCY, EXTRAPOLATION, HILL, Floats, Law, Quantity
from lessonplan.analysis.tied_cells import tied_cells

Kind = Literal["measured", "extrapolated", "not reached", "at the start"]
RESAMPLES = 300  # for a report; a paper: 1000
POINTS = 400  # of the grid on which a band is inverted


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its limits, and how far it can be trusted. `float(estimate)` is the value.

    "measured": inside the measured sizes; the limits are a 95 % interval from resampled runs and
    items. "extrapolated": beyond them; the limits are measured errors of such predictions, and
    `beyond` says how many times the largest size. "not reached": the value is inf and `low` a
    bound. "at the start": the curve begins at or past the target.
    """

    value: float
    low: float
    high: float
    kind: Kind
    beyond: float = 1.0
    half: float = 1.0  # half of such predictions missed the error by less than this factor
    most: float = 1.0  # 95 % of them by less than this one
    last: float = float("nan")  # the last measured value, repeated: the baseline
    notes: tuple[str, ...] = ()

    @property
    def extrapolated(self) -> bool:
        """Whether this is beyond what was measured."""
        return self.kind in ("extrapolated", "not reached")

    @property
    def dashed(self) -> bool:
        """Whether a line through this value is drawn dashed."""
        return self.beyond > DASHED

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        text = _short(self.value)
        if self.low == self.low:  # not NaN
            text += f" ({_short(self.low)}-{_short(self.high)})"
        if self.kind == "not reached":
            text = f"not reached within {FARTHEST:g} times the largest size"
            text += f" (at least {_short(self.low)})"
        elif self.kind != "measured":
            text += f", {self.kind}"
        if self.kind == "extrapolated":
            text += (
                f" {self.beyond:.2g} times beyond the largest size; half of such predictions were "
                f"within a factor {self.half:.3g} of the error, 95 % within {self.most:.3g}"
            )
            text += f"; last value {self.last:.3g}" if self.last == self.last else ""
        return "; ".join((text, *self.notes))

    __repr__ = __str__


def _short(value: float) -> str:
    """Three digits, and whole numbers from 1000 on."""
    return f"{value:.0f}" if 1000 <= value < 1e7 else f"{value:.3g}"


class FittedCurve(ABC):
    """What every fitted curve answers; B resamples, row 0 as observed.

    A kind of curve says what its rows are at a size and where they reach a target; marks, bands
    and refusals beyond the data are the same for all.
    """

    def __init__(self, cells: RunCells, name: str) -> None:
        self.cells, self.name = cells, name

    @abstractmethod
    def rows(self, n: Floats) -> Floats:
        """Accuracy or loss of all resamples at measured sizes n (k,): (B, k)."""

    @abstractmethod
    def beyond(self, n: Floats) -> Floats:
        """The best guess at sizes n (k,) beyond the largest: (k,)."""

    @abstractmethod
    def log_sizes(self, target: float) -> Floats:
        """ln n at which all resamples reach the target: (B,), infinite where they never do."""

    def last_value(self) -> float:
        """The baseline of an extrapolation: the last measured value, repeated."""
        return last_value(self.cells)

    @property
    def table_notes(self) -> tuple[str, ...]:
        """What to know of the measured prediction errors."""
        if self.name == HILL.name:
            return (TABLE_NOTE,)
        return (TABLE_NOTE, f"and with Hill: those of {self.name} may be larger")

    def curve(self, n: Floats) -> Floats:
        """Plain values at sizes n (k,), for a plot: (k,). Beyond the largest size they are
        extrapolated: draw them dashed from twice the largest size on.
        """
        n = np.asarray(n, dtype=float)
        inside = self.rows(n)[0]
        return np.where(n > self.cells.largest, self.beyond(n), inside)

    def interval(self, n: float, *, force: bool = False) -> tuple[float, float]:
        """Limits of `predict(n)`."""
        found = self.predict(n, force=force)
        return found.low, found.high

    def predict(self, n: float, *, force: bool = False) -> Estimate:
        """Accuracy (or loss) at n problems.

        Beyond the largest size the value is marked and its limits are measured prediction errors;
        beyond 8 times it ValueError is raised unless `force`.
        """
        cells, at = self.cells, np.array([float(n)])
        if not n >= 0:
            raise ValueError(f"n must be 0 or above, got {n!r}")
        if n > cells.largest:
            return self._predict_beyond(float(n), force=force)
        rows = self.rows(at)[:, 0]
        if n < cells.smallest and not (cells.has_base and np.isfinite(rows).all()):
            note = "below the smallest size, without the base model: no limits can be given"
            nan = float("nan")
            reach = cells.smallest / n if n > 0 else float("inf")
            return Estimate(
                float(rows[0]), nan, nan, "extrapolated", reach, nan, nan, notes=(note,)
            )
        low, high = self._limits(rows)
        return Estimate(float(rows[0]), *self._clip(low, high), "measured", notes=cells.flags)

    def _predict_beyond(self, n: float, *, force: bool) -> Estimate:
        cells = self.cells
        check_reach(n, cells.largest, force=force)
        value = float(self.beyond(np.array([n]))[0])
        factors = error_factors(n / cells.largest, cells.sizes)
        low, high = self._band(np.array([value]), factors.most)
        # Near the largest size the table says 1, but the curve itself is known from few runs.
        rows = self.rows(np.array([n]))[:, 0]
        least, most = self._limits(rows - rows[0] + value)
        return Estimate(
            value,
            *self._clip(min(float(low[0]), least), max(float(high[0]), most)),
            "extrapolated",
            factors.beyond,
            factors.half,
            factors.most,
            self.last_value(),
            (*self.table_notes, *cells.flags),
        )

    def n_at(self, target: float, *, force: bool = False) -> Estimate:
        """Size at which the curve reaches a target accuracy (or loss).

        Beyond the largest size it is marked; beyond 8 times it is "not reached", unless `force`.
        """
        cells = self.cells
        logs = self.log_sizes(target)
        if logs[0] == -np.inf:
            return Estimate(0.0, 0.0, float(np.exp(self._limits(logs)[1])), "at the start")
        if logs[0] <= np.log(cells.largest):
            with np.errstate(over="ignore"):
                low, high = np.exp(self._limits(logs))
            notes = cells.flags
            if high > FARTHEST * cells.largest:
                high, notes = float("inf"), (*notes, "the upper limit is not reached")
            return Estimate(
                float(np.exp(logs[0])), float(low), float(high), "measured", notes=notes
            )
        return self._n_beyond(target, logs, force=force)

    def _n_beyond(self, target: float, logs: Floats, *, force: bool) -> Estimate:
        """Where the best guess, and the better and the worse edge of its band, get there."""
        cells = self.cells
        n = np.geomspace(cells.largest, FARTHEST * cells.largest * (1e6 if force else 1), POINTS)
        value = self.beyond(n)
        most = np.array([error_factors(k / cells.largest, cells.sizes).most for k in n])
        worse, better = self._band(value, most)
        if cells.of == "loss":
            worse, better = better, worse
        found, early, late = (self.first_size(n, v, target) for v in (value, better, worse))
        low, high = (float(np.exp(limit)) for limit in np.clip(self._limits(logs), None, 700))
        early = min(early, max(low, cells.smallest))
        late = max(late, high) if high <= n[-1] else float("inf")
        if found == np.inf:
            least = min(early, float(n[-1]))
            return Estimate(found, least, float("inf"), "not reached", float("inf"))
        factors = error_factors(found / cells.largest, cells.sizes)
        return Estimate(
            found,
            early,
            late,
            "extrapolated",
            factors.beyond,
            factors.half,
            factors.most,
            notes=(*self.table_notes, *cells.flags),
        )

    def first_size(self, n: Floats, values: Floats, target: float) -> float:
        """First n of a grid at which the values are as good as the target; inf if never."""
        gain = target - values if self.cells.of == "loss" else values - target
        there = np.flatnonzero(gain >= 0)
        if not len(there):
            return float("inf")
        k = int(there[0])
        if k == 0:
            return float(n[0])
        part = gain[k - 1] / (gain[k - 1] - gain[k])
        return float(n[k - 1] * (n[k] / n[k - 1]) ** part)

    def _band(self, values: Floats, factor: float | Floats) -> tuple[Floats, Floats]:
        """Lower and upper edge when the error is off by a factor."""
        if self.cells.of == "loss":
            return values / factor, values * factor
        return 1.0 - (1.0 - values) * factor, 1.0 - (1.0 - values) / factor

    def _limits(self, rows: Floats) -> tuple[float, float]:
        """2.5 % and 97.5 % of rows 1.. as order statistics: infinite ones count, NaN do not."""
        told = np.sort(rows[1:][~np.isnan(rows[1:])])
        if len(told) < 20:
            return float("nan"), float("nan")
        last = len(told) - 1
        return float(told[int(0.025 * last)]), float(told[int(np.ceil(0.975 * last))])

    def _clip(self, low: float, high: float) -> tuple[float, float]:
        if self.cells.of == "loss":
            return max(low, 0.0), high
        return max(low, 0.0), min(high, 1.0)


class LawCurve(FittedCurve):
    """A built-in law fitted to the runs of one curve, with resamples of runs and items.

    Inside the data the exponent has the weak prior of efficiency, beyond them that of
    extrapolation: each was measured where it is used, so the curve may step at the largest size.
    """

    def __init__(self, cells: RunCells, law: Law, *, resamples: int, seed: int) -> None:
        super().__init__(cells, law.name)
        self.law, self.resamples, self.seed = law, resamples, seed
        self.observed = cells.fit(law, EFFICIENCY)

    @cached_property
    def fits(self) -> Fits:
        """All resampled fits; row 0 is the data as observed."""
        rng = np.random.default_rng(self.seed)
        values = self.cells.resample(self.resamples + 1, rng)
        return self.cells.fit(self.law, EFFICIENCY, values)

    @cached_property
    def outside(self) -> Fits:
        """The fit that extrapolates."""
        return self.cells.fit(self.law, EXTRAPOLATION)

    @property
    def ceiling(self) -> Estimate:
        """Accuracy at infinite data (or the lowest loss). Always extrapolated."""
        return self._parameter("ceiling")

    @property
    def exponent(self) -> Estimate:
        """How steep the curve is: b of Hill, a of a power law."""
        return self._parameter("exponent")

    @property
    def half(self) -> Estimate:
        """Number of problems for half of the whole gain: the speed."""
        return self._parameter("half")

    def _parameter(self, name: str) -> Estimate:
        values = getattr(self.fits, name)
        low, high = self._limits(values)
        far = name == "ceiling" or (name == "half" and values[0] > self.cells.largest)
        if not far:
            return Estimate(float(values[0]), low, high, "measured", notes=self.cells.flags)
        nan = float("nan")
        note = "no limits can be given for what lies outside the data"
        return Estimate(float(values[0]), nan, nan, "extrapolated", np.inf, nan, nan, notes=(note,))

    def rows(self, n: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return self.fits.values(n)

    def beyond(self, n: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(self.outside.values(n)[0])

    def log_sizes(self, target: float) -> Floats:
        return self.fits.log_size(target)

    def with_law(self, law: str | Law) -> "LawCurve":
        """The same runs under another law: the second opinion."""
        return LawCurve(self.cells, find_law(law), resamples=self.resamples, seed=self.seed)

    def __str__(self) -> str:
        start = "from the base model " if self.law.uses_base else ""
        ceiling = f"{float(self.observed.ceiling[0]):.3g}"
        word = "lowest loss" if self.cells.of == "loss" else "ceiling"
        lines = [f"{self.name}: {start}to a {word} of {ceiling} (extrapolated)"]
        lines.append(f"exponent {float(self.observed.exponent[0]):.3g}")
        if self.law.uses_base:
            lines.append(f"half of the gain at {float(self.observed.half[0]):.3g}")
        spread = [
            f"{n:g}: {sd:.2g}"
            for n, sd in zip(self.cells.sizes, self.cells.sd_each, strict=True)
            if sd == sd
        ]
        lines.append(
            f"sd of a run {self.cells.sd:.2g}" + (f" ({', '.join(spread)})" * bool(spread))
        )
        return "; ".join([*lines, *filter(None, (self.cells.uneven, *self.cells.flags))])

    __repr__ = __str__


def fit_law(
    n: Floats,
    values: Floats,
    *,
    law: str | Law = "hill",
    units: ArrayLike | None = None,
    items: int | None = None,
    of: Quantity = "accuracy",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> LawCurve:
    """Fit a scaling law to runs of one sampler.

    n (R,) is the training-set size of each run (problems; 0 is the base model) and values (R,) its
    accuracy in [0, 1], or its loss with `of="loss"`. Runs with the same n are seeds. `items` is
    the number of test items behind one accuracy. `law`: hill, pow2, pow3, pow4, exp, m4, bnsl1,
    tan1. Runs count as independent, unless `units` (R,) names the seed or the warm start that runs
    through all sizes: from two units on they are what varies, by Student's t.
    Raises ConfigError for an unknown law or impossible values, ValueError with too few sizes.
    """
    chosen = find_law(law)
    cells = (
        run_cells(n, values, of=of, items=items, law=chosen)
        if units is None
        else tied_cells(n, values, units, of=of, items=items)
    )
    return LawCurve(cells, chosen, resamples=resamples, seed=seed)
