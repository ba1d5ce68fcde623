"""Many comparisons at once: Holm's correction of p-values and of the intervals that go with them.

The chance that *any* of m comparisons without a difference is called one stays below 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.efficiency import Comparison, Difference
from lessonplan.analysis.laws import Floats
from lessonplan.analysis.words import interval

LEVEL = 0.05  # of all comparisons of a family together
NORMAL = 10**6  # degrees of freedom where limits are plain percentiles


@dataclass(frozen=True, slots=True)
class Adjusted:
    """One comparison among m. Limits are on the scale of the comparison, ratio or difference."""

    a: str
    b: str
    p: float  # two-sided, of no difference; NaN without an interval
    p_adjusted: float  # Holm's, over all comparisons
    low: float  # of the interval that goes with it
    high: float
    shown: bool  # after the correction
    words: str  # empty if nothing was corrected


def holm(p: Sequence[float]) -> Floats:
    """Holm's adjusted p-values, (m,): running maxima of (m - i) p over p in rising order.

    Valid whatever the comparisons have in common. NaN is no test and does not count in m.
    """
    raw = np.asarray(p, dtype=float)
    tested = np.flatnonzero(~np.isnan(raw))
    order = tested[np.argsort(raw[tested], kind="stable")]
    steps = np.arange(len(order), 0, -1) * raw[order]
    adjusted = np.full(len(raw), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def p_of_ratio(c: Comparison) -> float:
    """Two-sided p of a ratio of 1; below .05 exactly where the interval excludes 1.

    The distance of the estimate (or of the bound) from 1 over its half width towards 1, on a log
    scale, in quantiles of Student's t with the degrees of freedom of the interval. NaN without an
    interval or a statement.
    """
    estimate, toward = _log_estimate(c)
    wrong = (c.kind == "at least" and estimate < 0) or (c.kind == "at most" and estimate > 0)
    return 1.0 if wrong else _p(estimate, toward, _freedom(c))


def p_of_difference(d: Difference) -> float:
    """Two-sided p of no difference of accuracy, by Student's t over units; NaN with one unit."""
    return _p(d.difference, d.high - d.difference, d.units - 1)


def adjust_ratios(found: Sequence[Comparison]) -> tuple[Adjusted, ...]:
    """Holm's correction over all ratios of a family of comparisons, in their order."""
    p = [p_of_ratio(c) for c in found]
    rows = []
    for c, own, adjusted, stretch in zip(
        found, p, holm(p), stretches(p, [_freedom(c) for c in found]), strict=True
    ):
        low, high = c.low, c.high
        if not np.isnan(own):
            estimate, _ = _log_estimate(c)
            with np.errstate(divide="ignore"):
                low = float(np.exp(estimate - stretch * (estimate - np.log(c.low))))
                high = float(np.exp(estimate + stretch * (np.log(c.high) - estimate)))
        text = _words(p, own, adjusted)
        if text:
            text = f"{c.a} against {c.b}: {text}, {interval(low, high)}"
        rows.append(
            Adjusted(c.a, c.b, own, float(adjusted), low, high, bool(adjusted < LEVEL), text)
        )
    return tuple(rows)


def adjust_differences(found: Sequence[Difference]) -> tuple[Adjusted, ...]:
    """Holm's correction over differences of accuracy, in their order."""
    p = [p_of_difference(d) for d in found]
    rows = []
    for d, own, adjusted, stretch in zip(
        found, p, holm(p), stretches(p, [d.units - 1 for d in found]), strict=True
    ):
        half = stretch * (d.high - d.difference)
        low, high = d.difference - half, d.difference + half
        text = _words(p, own, adjusted)
        if text:
            text = (
                f"{d.a} minus {d.b} at {d.n} problems: {text}, {100 * low:.1f} to "
                f"{100 * high:.1f} points"
            )
        rows.append(
            Adjusted(d.a, d.b, own, float(adjusted), low, high, bool(adjusted < LEVEL), text)
        )
    return tuple(rows)


def stretches(p: Sequence[float], freedom: Sequence[int]) -> Floats:
    """How many times wider each 95 % interval becomes, (m,).

    The i-th smallest p is held against .05/(m - i), so its interval is one of that level; from
    the first that is not refused on, all have its level. So an interval leaves out no difference
    exactly where the adjusted p is below .05.
    """
    raw = np.asarray(p, dtype=float)
    m = int((~np.isnan(raw)).sum())
    order = np.argsort(raw, kind="stable")  # NaN last
    passed = raw[order[:m]] * np.arange(m, 0, -1) < LEVEL
    first = int(np.argmin(passed)) if not passed.all() else m - 1
    left = np.ones(len(raw))
    left[order[:m]] = m - np.minimum(np.arange(m), max(first, 0))
    return np.array(
        [
            student(1 - LEVEL / 2 / k, f) / student(0.975, f) if f > 0 else np.nan
            for k, f in zip(left, freedom, strict=True)
        ]
    )


def family_words(adjusted: Sequence[Adjusted]) -> str:
    """One sentence about all comparisons together; empty for fewer than two tests."""
    tested = [one for one in adjusted if not np.isnan(one.p)]
    if len(tested) < 2:
        return ""
    return (
        f"{len(tested)} comparisons, of which one in twenty would look like a difference by chance: "
        f"{sum(one.p < LEVEL for one in tested)} shown each by itself, "
        f"{sum(one.shown for one in tested)} after Holm's correction"
    )


def _words(p: Sequence[float], own: float, adjusted: float) -> str:
    """What the correction does to a claim; empty for fewer than two tests or without one."""
    tested = int((~np.isnan(p)).sum())
    if tested < 2 or np.isnan(own):
        return ""
    value = "below .001" if adjusted < 0.001 else f"{adjusted:.2g}"
    if adjusted < LEVEL:
        claim = "still shown"
    else:
        claim = "no longer shown" if own < LEVEL else "not shown"
    return f"{claim} after Holm's correction for {tested} comparisons, p {value}"


def _log_estimate(c: Comparison) -> tuple[float, float]:
    """ln of the ratio or of the bound that the data allow, and its half width towards 1.

    A bound takes the known side of the curve that leaves the data, as `at_target` does.
    """
    with np.errstate(divide="ignore"):
        low, high = float(np.log(c.low)), float(np.log(c.high))
    if c.kind == "ratio" and c.ratio > 0:
        estimate = float(np.log(c.ratio))
        return estimate, estimate - low if estimate > 0 else high - estimate
    if c.kind == "at least":
        estimate = _bound(c.n_a, c.sizes_a, c.n_b, c.sizes_b)
        return estimate, estimate - low
    if c.kind == "at most":
        estimate = -_bound(c.n_b, c.sizes_b, c.n_a, c.sizes_a)
        return estimate, high - estimate
    return float("nan"), float("nan")


def _bound(
    fast: float, sizes_fast: tuple[int, ...], slow: float, sizes_slow: tuple[int, ...]
) -> float:
    """ln of the least ratio: the slow one needs its largest size or more."""
    return float(np.log(min(slow, sizes_slow[-1]) / max(fast, sizes_fast[0])))


def _freedom(c: Comparison) -> int:
    return NORMAL if c.method == "runs" else c.units - 1


def _p(estimate: float, half: float, freedom: int) -> float:
    """Two-sided p of an estimate whose 95 % interval reaches `half` towards no difference."""
    if not half > 0 or freedom < 1:
        return float("nan")
    return float(2 * stdtr(freedom, -abs(estimate) / half * student(0.975, freedom)))
