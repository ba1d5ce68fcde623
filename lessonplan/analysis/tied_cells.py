"""Runs to cells where a seed or a warm start runs through all sizes, so that its runs move together.

A resample moves all cells by one random combination of the units' deviations, of the size of one
standard error, stretched by Student's t with U - 1 degrees of freedom.
"""

import numpy as np
from numpy.typing import ArrayLike

from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.law_cells import (
    ITEMS_UNKNOWN,
    NORMAL,
    RunCells,
    check_runs,
    least_variance,
    uneven_spread,
)
from lessonplan.analysis.laws import Floats, Quantity
from lessonplan.errors import ConfigError


def tied_cells(
    n: Floats,
    values: Floats,
    units: ArrayLike,
    *,
    of: Quantity = "accuracy",
    items: int | None = None,
) -> RunCells:
    """Cells of runs with sizes n (R,), accuracies or losses (R,), and units (R,): seeds or starts.

    Runs of a unit at one size are averaged. `sd` is that of a unit in a cell about unit + size. A
    base model that was not measured for each unit stands still when the units move.
    Raises ConfigError with fewer than two units, or if one of them lacks a size.
    """
    n, values = np.asarray(n, dtype=float).ravel(), np.asarray(values, dtype=float).ravel()
    check_runs(n, values, of, items)
    sizes, table, counts = _by_unit(n, values, np.asarray(units).ravel())
    means = table.mean(0)  # (K,)
    away = table - means  # (U, K)
    if of == "loss":
        away = away / means
    used = sizes > 0
    each = np.where(used, away.std(0, ddof=1), np.nan)
    own = away[:, used] - away[:, used].mean(1, keepdims=True)
    freedom = (len(table) - 1) * max(int(used.sum()) - 1, 1)
    sd = float(np.sqrt(max((own**2).sum() / freedom, least_variance(of, items) / 4)))
    return RunCells(
        of=of,
        items=items,
        sizes=sizes,
        counts=counts,
        means=means,
        sd=sd,
        sd_each=each,
        pool=np.zeros(0),
        stretch=student(0.975, len(table) - 1) / NORMAL,
        flags=(ITEMS_UNKNOWN,) if of == "accuracy" and items is None else (),
        uneven=uneven_spread(each),
        together=away,
    )


def _by_unit(n: Floats, values: Floats, units: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Sizes (K,), the mean of each unit at each size (U, K), and runs behind a cell (K,)."""
    units = np.asarray(units)
    if len(units) != len(n):
        raise ConfigError(f"units must be as many as runs, got {len(units)} for {len(n)} runs")
    names = np.unique(units[n > 0])
    if len(names) < 2:
        raise ConfigError(
            f"units must be two or more seeds or warm starts, got {names.tolist()}; one alone does "
            "not say how much others would differ: leave units out"
        )
    sizes = np.unique(n)
    member = (units == names[:, None]).astype(float)  # (U, R)
    cell = (n[:, None] == sizes).astype(float)  # (R, K)
    runs = member @ cell  # (U, K)
    counts = np.full(len(sizes), float(len(names)))
    missing = (runs == 0) & (sizes > 0)
    if missing.any():
        u, k = np.argwhere(missing)[0]
        raise ConfigError(
            f"every unit needs a run at every size, but {names[u]} has none at n = {sizes[k]:g}; "
            "leave the unit or the size out"
        )
    table = (member * values) @ cell / np.maximum(runs, 1.0)
    if sizes[0] == 0 and not runs[:, 0].all():
        table[:, 0] = values[n == 0].mean()
        counts[0] = (n == 0).sum()
    return sizes, table, counts
