"""Resample what could have come out otherwise: warm starts (or seeds), and test items.

Runs that share a warm start move together, so that samplers stay paired; one draw of items serves
every run, every sampler and the base model, as they share the test set.

With three warm starts a plain bootstrap of starts holds the truth in .78 of cases, not .95. Here a
resample moves all cells by one random combination of the starts' deviations, of the size of one
standard error; the distance that 16 % and 84 % of the results keep from the observed value is then
stretched by Student's t with U - 1 degrees of freedom, each side for itself. So a fit, an
inversion, and a value that is not reached go through it as they are. The same distances over drawn
items, stretched by 1.96, are added in quadrature, but only for what items do to all units alike:
luck with single answers is in the starts' deviations already, and paid for twice it makes intervals
that hold the truth in .985 to .995 of cases. The level that a start gives to *all* its runs is
taken out first: it moves both curves alike and says nothing about their distance.

Independent runs: the mean of a cell moves by draws from the residuals of all cells, as observed,
and by drawn items. Luck with single answers counts one and a half times here, which pays for a
spread known from few runs; twice is too wide, once too narrow.
Coverage of all of these: docs/coverage.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import helmert
from scipy.special import ndtri, stdtrit

from lessonplan.analysis.tables import Floats, Ints, ItemTable

MIN_STARTS = 3  # below, no claim beyond the starts at hand
LEAST_DRAWS = 20  # resamples that must say something, or the interval is open
ONE_SIGMA = 0.158655  # share of a normal distribution below minus one standard deviation


@dataclass(frozen=True, slots=True)
class Cells:
    """One sampler: K sizes, U units (warm starts or seeds), M items."""

    sampler: str
    sizes: Ints  # (K,)
    share: Floats  # (K, U, M), mean over the runs of a unit


@dataclass(frozen=True, slots=True)
class Design:
    """What is resampled for a set of samplers, and why."""

    method: str  # "starts", "seeds" or "runs"
    reason: str
    units: tuple[str, ...]
    starts: int  # warm starts among the units
    cells: tuple[Cells, ...]
    base: Floats  # (U, M) the base model of each unit; (0, M) if unknown
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resamples:
    """Accuracies of B resamples. Row 0 is the data as observed.

    Rows 1 to `first_item` - 1 move units, the rest draw items; with independent runs
    (`first_item` = 0) every row does both.
    """

    cells: tuple[Floats, ...]  # each (B, K)
    base: Floats | None  # (B,)
    first_item: int
    units: int
    freedom: int  # degrees of freedom of the spread between units
    sd: float  # of one unit in one cell, about an additive model
    base_items: float  # effective number of answers behind the base point

    def weights(self, k: int) -> Floats:
        """1/variance of the base point, if there is one, and of K cells."""
        cell = np.full(self.cells[k].shape[1], self.units / self.sd**2)
        if self.base is None:
            return cell
        a0 = float(np.clip(self.base[0], 0.02, 0.98))
        return np.append(self.base_items / (a0 * (1 - a0)), cell)

    def limits(self, values: Floats) -> tuple[Floats, Floats]:
        """95 % limits of a statistic computed on every row, (B, ...): two arrays (...).

        NaN rows say nothing and are left out; infinite ones count. Where fewer than 20 rows
        speak, the interval is open. With one unit there is no interval: NaN.
        """
        if self.units < 2:
            nothing = np.full(values.shape[1:], np.nan)
            return nothing, nothing.copy()
        if not self.first_item:
            return _order(values[1:], 0.025, low=True), _order(values[1:], 0.975, low=False)
        low = high = np.zeros(values.shape[1:])
        many = 10**6  # degrees of freedom of item draws: there are hundreds of items
        parts = ((values[1 : self.first_item], self.freedom), (values[self.first_item :], many))
        for rows, freedom in parts:
            stretch = student(0.975, freedom)
            with np.errstate(invalid="ignore"):
                down = values[0] - _order(rows, ONE_SIGMA, low=True)
                up = _order(rows, 1 - ONE_SIGMA, low=False) - values[0]
            low = np.hypot(low, stretch * np.maximum(down, 0.0))
            high = np.hypot(high, stretch * np.maximum(up, 0.0))
        return values[0] - low, values[0] + high


def student(q: float, freedom: int) -> float:
    """Quantile q of Student's t."""
    return float(stdtrit(freedom, q))


def _order(values: Floats, q: float, *, low: bool) -> Floats:
    """Quantile over axis 0 as an order statistic, so that infinite values stay what they are."""
    count = np.isfinite(values).sum(0) + np.isinf(values).sum(0)
    at = q * (count - 1)
    at = np.clip(np.floor(at) if low else np.ceil(at), 0, len(values) - 1).astype(np.int64)
    found = np.take_along_axis(np.sort(values, axis=0), at[None], axis=0)[0]  # NaN sorts last
    return np.where(count < LEAST_DRAWS, -np.inf if low else np.inf, found)


def design(table: ItemTable, samplers: tuple[str, ...]) -> Design:
    """Choose the unit of resampling from what the runs share.

    Three or more warm starts: the start is the unit and seeds are averaged within it. Fewer: the
    pairs (start, seed) are, and nothing is said about other starts. If the sizes have seeds of
    their own, runs are independent and residuals are pooled over cells.

    Raises ValueError if a sampler is unknown or the samplers share no unit.
    """
    missing = [name for name in samplers if name not in table.sampler]
    if missing:
        raise ValueError(f"no sampler {missing[0]!r}; known: {', '.join(table.samplers)}")
    starts = [_units(table, name, by_seed=False) for name in samplers]
    shared = sorted(set.intersection(*map(set, starts)))
    by_seed = len(shared) < MIN_STARTS
    notes = [
        f"warm start {start} lacks runs of some sampler and is left out"
        for start in sorted(set.union(*map(set, starts)) - set(shared))
    ]
    if by_seed:
        units = sorted(set.intersection(*[set(_units(table, s, by_seed=True)) for s in samplers]))
    else:
        units = shared
    if not units:
        return _independent(table, samplers, notes)
    label = _labels(table, by_seed)
    cells = []
    for name in samplers:
        rows = table.rows(name)
        sizes = [
            k
            for k in np.unique(table.n[rows])
            if all(any(table.n[i] == k and label[i] == u for i in rows) for u in units)
        ]
        dropped = sorted(set(table.n[rows].tolist()) - {int(k) for k in sizes})
        if len(sizes) < 2:
            return _independent(table, samplers, notes)
        notes += [f"{name} at n = {k}: not run for every unit, left out" for k in dropped]
        share = [
            [
                table.share[[i for i in rows if table.n[i] == k and label[i] == u]].mean(0)
                for u in units
            ]
            for k in sizes
        ]
        cells.append(Cells(name, np.array(sizes, dtype=np.int64), np.array(share)))
    if by_seed:
        method = "seeds"
        reason = (
            f"{len(shared)} warm start{'s' if len(shared) != 1 else ''}: seeds are resampled, "
            "and nothing is said about other starts"
        )
    else:
        method = "starts"
        reason = (
            f"{len(units)} warm starts: the start is the unit, as it matters more than the seed; "
            f"Student's t with {len(units) - 1} degrees of freedom"
        )
    return Design(
        method, reason, tuple(units), len(shared), tuple(cells), _base(table, units), tuple(notes)
    )


def _labels(table: ItemTable, by_seed: bool) -> list[str]:
    if not by_seed:
        return list(table.start)
    return [f"{start}/seed{seed}" for start, seed in zip(table.start, table.seed, strict=True)]


def _units(table: ItemTable, sampler: str, *, by_seed: bool) -> list[str]:
    """Units with runs of the sampler at two sizes or more: one run alone has no curve."""
    label, rows = _labels(table, by_seed), table.rows(sampler)
    return sorted(
        {label[i] for i in rows if len({table.n[j] for j in rows if label[j] == label[i]}) > 1}
    )


def _base(table: ItemTable, units: list[str]) -> Floats:
    own = dict(zip(table.starts, table.base, strict=True))
    found = [own.get(unit.split("/seed")[0]) for unit in units]
    known = [row for row in found if row is not None]
    return np.array(known if len(known) == len(found) else []).reshape(-1, len(table.weights))


def _independent(table: ItemTable, samplers: tuple[str, ...], notes: list[str]) -> Design:
    """No unit runs through the sizes: equally many runs in each cell, in the order of seeds."""
    counts = [
        int((table.n[table.rows(name)] == k).sum())
        for name in samplers
        for k in np.unique(table.n[table.rows(name)])
    ]
    fewest = min(counts)
    if max(counts) > fewest:
        notes = [*notes, f"cells hold {fewest} to {max(counts)} runs; the first {fewest} are used"]
    cells = []
    for name in samplers:
        rows = sorted(table.rows(name), key=lambda i: (table.start[i], table.seed[i]))
        sizes = np.unique(table.n[rows])
        share = [table.share[[i for i in rows if table.n[i] == k][:fewest]] for k in sizes]
        cells.append(Cells(name, sizes.astype(np.int64), np.array(share)))
    starts = sorted(set(table.start))
    base = _base(table, starts).mean(0, keepdims=True) if len(table.starts) else _base(table, [""])
    return Design(
        "runs",
        "no start or seed runs through all sizes: runs are independent, residuals pooled over "
        "cells and inflated by sqrt(S/(S-1))",
        tuple(f"run {j}" for j in range(fewest)),
        len(starts),
        tuple(cells),
        base,
        tuple(notes),
    )


def resample(plan: Design, table: ItemTable, *, resamples: int = 1000, seed: int = 0) -> Resamples:
    """Draw `resamples` data sets, half of them by units and half by items; row 0 is observed."""
    rng = np.random.default_rng(seed)
    units, items = len(plan.units), _effective(table.weights)
    observed = [c.share @ table.weights for c in plan.cells]  # each (K, U)
    sd, answers = _noise(observed, items), items * max(plan.starts, 1)
    if plan.method == "runs":
        weights = _item_draws(rng, table, resamples)
        alike = _without_luck([c.share for c in plan.cells], table.strata, part=0.5)
        cells = tuple(
            weights @ items_of.T + _run_moves(rng, own, resamples)
            for items_of, own in zip(alike, observed, strict=True)
        )
        base = _project(weights, plan.base[None])[:, 0].mean(1) if len(plan.base) else None
        freedom = (units - 1) * sum(len(c) for c in observed)
        return Resamples(cells, base, 0, units, freedom, sd, answers)
    half = resamples // 2
    weights = _item_draws(rng, table, resamples - half)  # (B/2, M), the first as observed
    moves = unit_moves(rng, half, units)  # (B/2, U), the first 0
    level = np.concatenate([_deviations(c) for c in observed]).mean(0)  # (U,)

    def by_units(share: Floats) -> Floats:  # (K, U, M) to (B/2, K)
        seen = share @ table.weights
        return np.asarray(seen.mean(1) + moves @ (_deviations(seen) - level).T)

    shares = [c.share for c in plan.cells]
    cells = tuple(
        np.concatenate([by_units(share), weights @ items_of.T])
        for share, items_of in zip(shares, _without_luck(shares, table.strata), strict=True)
    )
    base = None
    if len(plan.base):
        drawn = _project(weights, plan.base[None])[:, 0].mean(1)
        base = np.concatenate([by_units(plan.base[None])[:, 0], drawn])
    return Resamples(cells, base, half, units, units - 1, sd, answers)


def _without_luck(shares: list[Floats], strata: Ints, *, part: float = 1.0) -> list[Floats]:
    """Mean of each item over units in each cell (K, M), shrunken to what units have in common.

    An item's mean is a mean over all cells, plus its own in this cell. The latter is scaled by
    sqrt(1 - part v/w): w is its variance over items, and v what answers that differ between
    units explain of it. Means over a tier's items stay as they are.
    """
    together = np.concatenate(shares)  # (C, U, M)
    c, units, _ = together.shape
    means = together.mean(1)  # (C, M)
    own, luck = np.zeros_like(means), 0.0
    for code in np.unique(strata):
        inside = strata == code
        tier = means[:, inside] - means[:, inside].mean(1, keepdims=True)
        own[:, inside] = tier - tier.mean(0)
        if units > 1:
            answers = together[..., inside]
            answers = answers - answers.mean(-1, keepdims=True)
            luck += float(answers.var(axis=1, ddof=1).sum()) / units * (1 - 1 / c)
    spread = float((own**2).sum())
    left = np.sqrt(max(0.0, 1.0 - part * luck / spread)) if spread > 0 else 1.0
    return np.split(means - (1.0 - left) * own, np.cumsum([len(one) for one in shares])[:-1])


def unit_moves(rng: np.random.Generator, draws: int, units: int) -> Floats:
    """Multipliers (draws, units) that move a mean by one standard error, normally distributed.

    For deviations d_u that sum to 0, the variance of sum_u m_u d_u is that of their mean,
    sum d_u^2 / (U (U - 1)). Row 0 is 0. One unit cannot deviate. The draws are spread evenly
    (additive recurrence, random shift): a few hundred plain ones leave the quantiles ragged.
    """
    if units < 2:
        return np.zeros((draws, units))
    golden = 2.0  # root of x^(d+1) = x + 1, the golden ratio for one dimension
    for _ in range(60):
        golden = (1.0 + golden) ** (1.0 / units)
    steps = golden ** -np.arange(1.0, units)  # (U-1,)
    even = (rng.random(units - 1) + np.arange(draws)[:, None] * steps) % 1.0
    normal = ndtri(np.clip(even, 1e-12, 1 - 1e-12))  # (draws, U-1)
    moves = normal @ helmert(units) / np.sqrt(units * (units - 1))
    moves[0] = 0.0
    return np.asarray(moves)


def _item_draws(rng: np.random.Generator, table: ItemTable, draws: int) -> Floats:
    """Item weights of each resample, (B, M): drawn with replacement within each tier."""
    weights = np.tile(table.weights, (draws, 1))
    for code in np.unique(table.strata[table.weights > 0]):
        inside = np.flatnonzero((table.strata == code) & (table.weights > 0))
        count = rng.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), draws - 1)
        weights[1:, inside] *= count
    return weights


def _project(items: Floats, share: Floats) -> Floats:
    """Accuracy (B, K, U) of cells (K, U, M) under item weights (B, M)."""
    k, u, m = share.shape
    return np.asarray(items @ share.reshape(k * u, m).T).reshape(len(items), k, u)


def _deviations(cells: Floats) -> Floats:
    """Distance of each unit from the mean of its cell, (..., U)."""
    return np.asarray(cells - cells.mean(axis=-1, keepdims=True))


def _effective(weights: Floats) -> float:
    return float(1.0 / (weights @ weights))


def _noise(cells: list[Floats], items: float) -> float:
    """Standard deviation of a unit in a cell (K, U), about unit + cell effects, pooled."""
    total, free = 0.0, 0
    for c in cells:
        away = _deviations(c)
        away = away - away.mean(axis=0)
        total += float((away**2).sum())
        free += (away.shape[0] - 1) * (away.shape[1] - 1)
    least = 0.25 / items  # variance of one evaluation at accuracy .5
    return float(np.sqrt(max(total / free, least / 4) if free else least))


def _run_moves(rng: np.random.Generator, cells: Floats, draws: int) -> Floats:
    """Means of S draws from the pooled, inflated residuals of cells (K, S): (B, K), the first 0."""
    k, runs = cells.shape
    if runs < 2:
        return np.zeros((draws, k))
    pool = (_deviations(cells) * np.sqrt(runs / (runs - 1))).ravel()
    moved = rng.choice(pool, size=(draws, k, runs)).mean(axis=2)
    moved[0] = 0.0
    return np.asarray(moved)
