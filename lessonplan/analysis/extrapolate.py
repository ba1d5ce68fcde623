"""How far a value beyond the largest measured size can be trusted: measured errors, not intervals.

A bootstrap interval holds the real value beyond the data in .31-.65 of cases instead of .95, as it
does not know that the law may be wrong. So a value out there carries the errors that were measured
on 272 real learning curves, of classical models, not RL, predicted from their smaller sizes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessonplan.analysis.law_cells import RunCells, run_cells
from lessonplan.analysis.law_shapes import LAWS
from lessonplan.analysis.laws import EXTRAPOLATION, Floats, Law, Quantity

FARTHEST = 8.0  # times the largest size: the table ends there
DASHED = 2.0  # times the largest size: beyond, a drawn line is dashed

# Factors on the error (1 - accuracy, or the loss) by Hill with the extrapolation prior (measured).
BEYOND = np.array([1.0, 1.4, 2.0, 4.0, 8.0])  # times the largest size
DOUBLING = np.array([[1.0, 1.01, 1.02, 1.03, 1.05], [1.0, 1.06, 1.15, 1.37, 1.71]])  # 7 sizes
ANY = np.array([[1.0, 1.02, 1.04, 1.08, 1.12], [1.0, 1.11, 1.20, 1.49, 1.99]])  # all curves

TABLE_NOTE = "errors as measured on classical learning curves, not on RL"


@dataclass(frozen=True, slots=True)
class ErrorFactors:
    """Factors on the error: half of the curves, and 95 % of them, were within."""

    half: float
    most: float
    beyond: float  # times the largest size
    design: str  # which column of the table


def error_factors(beyond: float, sizes: Floats) -> ErrorFactors:
    """The table's column for a value `beyond` times the largest of `sizes` (K,).

    Linear in the logarithms between the columns; past 8 times, where the table ends, on with the
    last slope. Designs of 7 or more sizes over a factor of 64 have their own, narrower rows.
    """
    used = np.unique(np.asarray(sizes, dtype=float))
    used = used[used > 0]
    wide = len(used) >= 7 and used[-1] >= 64 * used[0]
    rows = np.log(DOUBLING if wide else ANY)  # (2, 5)
    at, ln = np.log(max(beyond, 1.0)), np.log(BEYOND)
    past = max(at - ln[-1], 0.0)
    half, most = (
        float(np.exp(np.interp(at, ln, row) + past * (row[-1] - row[-2]) / (ln[-1] - ln[-2])))
        for row in rows
    )
    return ErrorFactors(half, most, beyond, "7 doubling sizes" if wide else "any sizes")


def check_reach(n: float, largest: float, *, force: bool) -> None:
    """Raise ValueError for a size more than 8 times the largest measured one, unless forced."""
    if n > FARTHEST * largest and not force:
        raise ValueError(
            f"{n:g} is {n / largest:.3g} times beyond the largest measured size {largest:g}; the "
            f"errors out there were measured up to {FARTHEST:g} times. Ask for at most "
            f"{FARTHEST * largest:g}, or give force=True"
        )


@dataclass(frozen=True)
class LeftOut:
    """One law, fitted without the largest size and asked for it; "last value" is the baseline."""

    law: str
    of: Quantity
    predicted: float  # NaN if the law needs more sizes
    measured: float

    @cached_property
    def difference(self) -> float:
        """Predicted minus measured, as accuracy or loss."""
        return self.predicted - self.measured

    @cached_property
    def log_ratio(self) -> float:
        """|ln| of predicted over measured error; the factor that was missed is its exp."""
        pair = np.array([self.predicted, self.measured])
        errors = pair if self.of == "loss" else np.maximum(1.0 - pair, 1e-9)
        return float(abs(np.log(errors[0] / errors[1])))


def leave_largest_out(
    n: Floats,
    values: Floats,
    *,
    items: int | None = None,
    of: Quantity = "accuracy",
    laws: dict[str, Law] | None = None,
) -> tuple[LeftOut, ...]:
    """How well each law foresees the largest size of these very runs from the smaller ones.

    n and values are (R,), repeats are seeds; all laws unless `laws` says which, the last value
    repeated at the end. One held-out size is one draw: it ranks laws for this curve weakly.
    Raises ValueError with fewer than three sizes above 0.
    """
    n, values = np.asarray(n, dtype=float).ravel(), np.asarray(values, dtype=float).ravel()
    known = n < n.max()
    if len(set(n[n > 0])) < 3:
        raise ValueError(f"leaving the largest out needs three sizes, got {sorted(set(n[n > 0]))}")
    measured = float(values[~known].mean())
    if laws is None:  # tan1 is pow2 under another name
        laws = {name: law for name, law in LAWS.items() if name != "tan1"}
    rows = []
    for name, law in laws.items():
        cells = run_cells(n[known], values[known], of=of, items=items, law=law)
        if (cells.sizes > 0).sum() < law.least_sizes:
            rows.append(LeftOut(name, of, float("nan"), measured))
            continue
        fitted = cells.fit(law, EXTRAPOLATION)
        rows.append(LeftOut(name, of, float(fitted.values(n.max()[None])[0, 0]), measured))
    rows.append(LeftOut("last value", of, last_value(cells), measured))
    return tuple(rows)


def last_value(cells: RunCells) -> float:
    """The mean at the largest size, repeated: what every extrapolation has to beat."""
    return float(cells.means[-1])
