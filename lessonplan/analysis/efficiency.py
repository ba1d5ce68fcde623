"""Sample efficiency: how many times fewer problems one sampler needs for the same accuracy.

rho(t) = n_B(t) / n_A(t) at a target accuracy t, from two Hill curves that share the base point,
with an interval from resampled starts and items. What was not reached is said to be not reached.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from lessonplan.analysis.bootstrap import (
    MIN_STARTS,
    Cells,
    Design,
    Resamples,
    design,
    resample,
    student,
)
from lessonplan.analysis.fit import Fits, fit
from lessonplan.analysis.isotonic import isotonic, log_size
from lessonplan.analysis.laws import HILL, Floats, Law
from lessonplan.analysis.studies import Study
from lessonplan.analysis.tables import (
    Budgets,
    Decode,
    ItemTable,
    check_budgets,
    cut_budgets,
    item_table,
)

TARGET_GAIN = 0.5  # of the pooled gain over the base model: both curves are steep half way up
GRID_GAINS = (0.2, 0.35, 0.5, 0.65, 0.8)
LEAST_GAIN = 0.02  # below, there is no curve to cut: one standard error of 400 items is .025
FARTHEST = 8.0  # times the largest size: no ratio rests on an extrapolation beyond
NORMAL = 1.96  # half of a 95 % interval in standard errors, were they known
POWER = 0.8  # of the smallest effect "this study would have seen"


@dataclass(frozen=True)
class Curves:
    """Fitted resamples of samplers that are compared with each other."""

    table: ItemTable
    plan: Design
    draws: Resamples
    law: Law = HILL

    @cached_property
    def fits(self) -> tuple[Fits, ...]:
        """One batch of fits for each sampler, in the order of `plan.cells`."""
        return tuple(self._fit(k) for k in range(len(self.plan.cells)))

    def _fit(self, k: int) -> Fits:
        sizes, values = self.plan.cells[k].sizes.astype(float), self.draws.cells[k]
        if self.draws.base is not None:
            sizes = np.append(0.0, sizes)
            values = np.concatenate([self.draws.base[:, None], values], axis=1)
        return fit(sizes, values, self.draws.weights(k), law=self.law)

    @property
    def interval(self) -> bool:
        """Whether anything but test items varies between resamples."""
        return self.draws.units > 1

    @property
    def headline(self) -> bool:
        """Whether a claim beyond the warm starts at hand is allowed."""
        return self.plan.starts >= MIN_STARTS


def curves(
    table: ItemTable, samplers: tuple[str, ...], *, resamples: int = 1000, seed: int = 0
) -> Curves:
    """Resample and fit some samplers of a family together."""
    plan = design(table, samplers)
    return Curves(table, plan, resample(plan, table, resamples=resamples, seed=seed))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What can be said about A against B at one target.

    `ratio`, `low`, `high` are n_B / n_A: above 1, A needs fewer problems. `kind` says what they
    are: "ratio" (both reach the target), "at least" or "at most" (one does not, or is there at its
    smallest size: `ratio` is NaN, one limit is a bound), "neither", "both early" (at the smallest
    size already) or "below base".
    `seen` is the smallest ratio (or bound) that a study of this width would show in 80 % of cases.
    """

    family: str
    metric: str
    a: str
    b: str
    target: float
    base: float
    kind: str
    ratio: float
    low: float
    high: float
    n_a: float
    n_b: float
    isotonic: float  # the same ratio without a model, NaN if not inside both curves
    seen: float
    highest: float  # highest accuracy that both reach
    sizes_a: tuple[int, ...]
    sizes_b: tuple[int, ...]
    method: str
    reason: str
    units: int
    starts: int
    resamples: int
    lost: float  # share of resamples that say nothing of the two curves at the target
    headline: bool
    notes: tuple[str, ...]

    @property
    def width(self) -> float:
        """Upper over lower limit; inf if open."""
        return self.high / self.low if self.low > 0 else float("inf")

    @property
    def winner(self) -> str | None:
        """The sampler that needs fewer problems, if the interval excludes 1."""
        if self.low > 1:
            return self.a
        return self.b if self.high < 1 else None


def at_target(both: Curves, target: float) -> Comparison:
    """Compare the first two samplers of `both` at one target accuracy in (0, 1).

    Whether a sampler reaches the target is decided on isotonic means of the data; a fit that
    contradicts them (never there, or only far beyond the data) turns the ratio into a bound.
    """
    if not 0 < target < 1:
        raise ValueError(f"target must lie between 0 and 1, got {target!r}")
    (cells_a, cells_b), (fit_a, fit_b) = both.plan.cells[:2], both.fits[:2]
    mono = [isotonic(c[0], np.ones(c.shape[1])) for c in both.draws.cells[:2]]
    base = float(both.draws.base[0]) if both.draws.base is not None else float("nan")
    log_a, log_b = fit_a.log_size(target), fit_b.log_size(target)
    kind, distance = _distance(log_a, log_b, cells_a, cells_b, mono, base, target)
    low, high = (float(np.exp(limit)) for limit in both.draws.limits(distance))
    lost = float(np.isnan(distance).mean())
    seen = float("nan")
    if kind == "ratio" and both.interval:
        seen = _smallest_seen(low, high, both.draws.freedom)
    elif kind in ("at least", "at most") and both.interval:
        with np.errstate(divide="ignore", invalid="ignore"):
            half = np.log(low if kind == "at least" else high) - distance[0]
        seen = _smallest_bound(float(abs(half)), both.draws.freedom)
    if kind == "at least":
        high = float("inf")
    elif kind == "at most":
        low = 0.0
    elif kind != "ratio":
        low, high = 0.0, float("inf")
    inside = kind == "ratio" and np.isfinite(distance[0])
    plain = [
        log_size(c.sizes.astype(float), v[0], np.ones(len(c.sizes)), target)
        for c, v in zip(both.plan.cells[:2], both.draws.cells[:2], strict=True)
    ]
    check = float(np.exp(plain[1] - plain[0])) if np.isfinite(plain).all() else float("nan")
    notes = list(both.plan.notes)
    if inside and np.isfinite(check) and both.interval and not low <= check <= high:
        notes.append(f"without a model the ratio is {check:.2g}, outside the interval: unresolved")
    for own, mean, reach in zip((cells_a, cells_b), mono, (log_a[0], log_b[0]), strict=True):
        beyond = float(np.exp(reach)) / float(own.sizes[-1])
        if kind == "ratio" and beyond > 1:
            notes.append(
                f"{own.sampler} reaches {target:.3g} at {beyond:.1f} times its largest size: "
                "extrapolated"
            )
        if mean[-1] >= target and beyond > FARTHEST:
            notes.append(
                f"{own.sampler} touches {target:.3g}, but its fitted curve does not get there "
                f"within {FARTHEST:.0f} times its largest size: counted as not reached"
            )
    for own, values in zip((cells_a, cells_b), both.draws.cells, strict=False):
        harmed = [
            str(n) for n, y in zip(own.sizes, values[0], strict=True) if y < base - LEAST_GAIN
        ]
        if harmed:
            notes.append(
                f"{own.sampler} ends below the warm start at n = {', '.join(harmed)}: a rising "
                "curve only approximates it"
            )
    if lost > 0.2 and kind in ("ratio", "at least", "at most"):
        notes.append(
            f"{lost:.0%} of the resamples say nothing: both curves miss the target, or have it from "
            "the start"
        )
    return Comparison(
        family=both.table.family,
        metric=both.table.metric,
        a=cells_a.sampler,
        b=cells_b.sampler,
        target=target,
        base=base,
        kind=kind,
        ratio=float(np.exp(distance[0])) if inside else float("nan"),
        low=low,
        high=high,
        n_a=float(np.exp(log_a[0])),
        n_b=float(np.exp(log_b[0])),
        isotonic=check,
        seen=seen,
        highest=float(min(m[-1] for m in mono)),
        sizes_a=tuple(int(k) for k in cells_a.sizes),
        sizes_b=tuple(int(k) for k in cells_b.sizes),
        method=both.plan.method,
        reason=both.plan.reason,
        units=both.draws.units,
        starts=both.plan.starts,
        resamples=len(log_a),
        lost=lost,
        headline=both.headline,
        notes=tuple(notes),
    )


def _distance(
    log_a: Floats,
    log_b: Floats,
    cells_a: Cells,
    cells_b: Cells,
    mono: list[Floats],
    base: float,
    target: float,
) -> tuple[str, Floats]:
    """What kind of statement the data allow, and ln n_B - ln n_A of each resample, (B,)."""
    first = [np.log(float(c.sizes[0])) for c in (cells_a, cells_b)]
    last = [np.log(float(c.sizes[-1])) for c in (cells_a, cells_b)]
    logs = (log_a, log_b)
    reached = [
        bool(m[-1] >= target and k[0] <= end + np.log(FARTHEST))
        for m, k, end in zip(mono, logs, last, strict=True)
    ]
    early = [bool(m[0] >= target or k[0] == -np.inf) for m, k in zip(mono, logs, strict=True)]
    nothing = np.full(len(log_a), np.nan)
    if target <= base:
        return "below base", nothing
    if not any(reached):
        return "neither", nothing
    if all(early):
        return "both early", nothing
    # Fewer than one problem cannot be needed; where both need none, or both never get there, the
    # resample says nothing (NaN) and is dropped.
    mute = np.isneginf(log_a) & np.isneginf(log_b)
    log_a, log_b = np.where(mute, np.nan, np.maximum(log_a, 0)), np.maximum(log_b, 0)
    with np.errstate(invalid="ignore"):
        # A bound takes the known side of the curve that leaves the data.
        if not reached[1] or (early[0] and reached[0]):
            slow = np.minimum(log_b, last[1]) if not reached[1] else log_b
            fast = np.maximum(log_a, first[0]) if early[0] else log_a
            return "at least", slow - fast
        if not reached[0] or early[1]:
            slow = np.minimum(log_a, last[0]) if not reached[0] else log_a
            fast = np.maximum(log_b, first[1]) if early[1] else log_b
            return "at most", fast - slow
        return "ratio", log_b - log_a


def _smallest_seen(low: float, high: float, freedom: int) -> float:
    """Smallest ratio shown with 80 % power by a study whose interval is that wide."""
    if not (low > 0 and np.isfinite(high)):
        return float("inf")
    more = 1.0 + student(POWER, freedom) / student(0.975, freedom)
    return float(np.exp(more * np.log(high / low) / 2))


def _smallest_bound(half: float, freedom: int) -> float:
    """Smallest bound above 1 shown with 80 % power, where the known side is `half` wide in ln."""
    if not np.isfinite(half):
        return float("inf")
    more = 1.0 + student(POWER, freedom) / student(0.975, freedom)
    return float(np.exp(more * max(half, 0.0)))


def pooled_gain(table: ItemTable) -> tuple[float, float]:
    """Start and top of the pooled curve: base accuracy, and the mean of all samplers at its best.

    The pooled curve is the isotonic mean, over the sizes that all samplers have. It treats all
    samplers alike, so that a target made from it cannot favor one.
    """
    found = [table.means(name) for name in table.samplers]
    common = sorted(set.intersection(*[set(sizes.tolist()) for sizes, _ in found]))
    if not common:
        return table.base_accuracy, float("nan")
    pooled = np.mean([[y[list(x).index(k)] for k in common] for x, y in found], axis=0)
    top = isotonic(pooled, np.ones(len(common)))[-1]
    base = table.base_accuracy
    return (base if np.isfinite(base) else float(pooled[0])), float(top)


def default_target(table: ItemTable) -> float | None:
    """Half of the pooled gain over the base model, in whole percent; None if nothing was gained.

    Better: fix the target before the runs. This rule reads the data, but not who wins.
    """
    base, top = pooled_gain(table)
    if not top - base >= LEAST_GAIN:
        return None
    return round(base + TARGET_GAIN * (top - base), 2)


def target_grid(table: ItemTable) -> tuple[float, ...]:
    """Targets at fixed shares of the pooled gain, for a table; empty if nothing was gained."""
    base, top = pooled_gain(table)
    if not top - base >= LEAST_GAIN:
        return ()
    return tuple(round(base + gain * (top - base), 3) for gain in GRID_GAINS)


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy of A minus accuracy of B at one size, paired by warm start."""

    a: str
    b: str
    n: int
    mean_a: float
    mean_b: float
    difference: float
    low: float  # NaN with one unit
    high: float
    seen: float  # smallest difference shown with 80 % power
    method: str  # what the units are: "starts", "seeds" or "runs"
    units: int
    each: tuple[float, ...]  # one difference a unit


def paired_differences(both: Curves) -> tuple[Difference, ...]:
    """Differences at the sizes that the first two samplers share, with Student's t over units.

    No interval is narrower than test items leave room for: three runs that happen to differ by
    the same number of answers would otherwise have one of no width.
    """
    a, b = both.plan.cells[:2]
    weights = both.table.weights
    rows = []
    for k in sorted(set(a.sizes.tolist()) & set(b.sizes.tolist())):
        of_a, of_b = a.share[list(a.sizes).index(k)], b.share[list(b.sizes).index(k)]  # (U, M)
        own_a, own_b = of_a @ weights, of_b @ weights  # (U,)
        away = own_a - own_b
        units = len(away)
        low = high = seen = float("nan")
        if units > 1:
            t = student(0.975, units - 1)
            least = NORMAL / t * _luck_of_items(of_a - of_b, both.table)
            error = max(float(away.std(ddof=1)) / np.sqrt(units), least)
            low, high = float(away.mean() - t * error), float(away.mean() + t * error)
            seen = float((t + student(POWER, units - 1)) * error)
        rows.append(
            Difference(
                a=a.sampler,
                b=b.sampler,
                n=int(k),
                mean_a=float(own_a.mean()),
                mean_b=float(own_b.mean()),
                difference=float(away.mean()),
                low=low,
                high=high,
                seen=seen,
                method=both.plan.method,
                units=units,
                each=tuple(away.tolist()),
            )
        )
    return tuple(rows)


def _luck_of_items(differences: Floats, table: ItemTable) -> float:
    """Standard error of a mean over units, of differences (U, M), from the draw of items alone.

    Items are drawn within tiers, for every unit anew: what all units share of an item is left to
    the spread between units.
    """
    variance = np.zeros(len(differences))
    for code in np.unique(table.strata[table.weights > 0]):
        inside = (table.strata == code) & (table.weights > 0)
        within = differences[:, inside]
        if within.shape[1] > 1:
            scale = (table.weights[inside] ** 2).sum()
            variance += scale * within.var(axis=1, ddof=1)
    return float(np.sqrt(variance.mean() / len(differences)))


def sample_efficiency(
    study: Study,
    a: str,
    b: str,
    target: float | None = None,
    *,
    family: str | None = None,
    tier: str = "mean",
    split: str = "test",
    decode: Decode | None = None,
    budgets: Budgets = "refuse",
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """How many times fewer problems sampler `a` needs than `b` to reach `target`.

    Without a target, `default_target` chooses one. `budgets` says what to do when one sampler
    generated more rollouts a run: "refuse", "cut" its runs to the evaluation within the other's
    budget, or "allow". "mean" accuracy is the plain mean of the easy, medium and hard tier, of
    completions sampled at temperature 1 (the quantity that RL raises) where there are any, or,
    with `decode="greedy"`, of the likeliest one.
    Raises ConfigError for unequal budgets or a family without evaluations, ValueError for an
    unknown sampler, or if no target was given and no sampler rose above the base model.
    """
    family = pick_family(study, family)
    table = item_table(study, family, tier=tier, split=split, decode=decode)
    for name in (a, b):
        if name not in table.sampler:
            raise ValueError(f"no sampler {name!r}; known: {', '.join(table.samplers)}")
    if budgets == "cut":
        table = cut_budgets(study, table, (a, b), tier=tier, split=split, decode=decode)
    if budgets != "allow":
        check_budgets(table, a, b)
    if target is None:
        target = default_target(table)
    if target is None:
        raise ValueError(
            "no sampler rose above the base model, so there is no default target; give one, or "
            "look at paired_differences"
        )
    return at_target(curves(table, (a, b), resamples=resamples, seed=seed), target)


def pick_family(study: Study, family: str | None) -> str:
    """The family asked for, or the only one. Raises ValueError naming the choices."""
    if family is None and len(study.families) == 1:
        return study.families[0]
    if family not in study.families:
        raise ValueError(f"family must be one of {', '.join(study.families)}; got {family!r}")
    return family


def pairs(table: ItemTable) -> tuple[tuple[str, str], ...]:
    """Which samplers to compare: all pairs of up to four, else each against the baseline.

    The baseline, named second, is uniform if it was run, else easy, else the first by name.
    """
    names = sorted(table.samplers, key=lambda name: (name != "uniform", name != "easy", name))
    if len(names) <= 4:
        return tuple((a, b) for b, a in combinations(names, 2))
    return tuple((a, names[0]) for a in names[1:])
