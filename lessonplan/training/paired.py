"""How many times fewer rollouts one sampler needs than another, over paired worlds, with intervals.

In world w sampler X reaches the target after n_X(w) generated rollouts, the baseline after n_B(w);
the difference of logarithms d_w = ln n_B - ln n_X is one observation. Where both reach it in every
world, the interval is Student's t over d_w. Where some do not, d_w is known from one side only, and
the interval is that of the median by order statistics, which needs no more than that: its lower
limit takes every unknown at its lowest, the upper one at its highest, so that it covers at least as
often as it says. Unreached targets are never left out or filled in.
"""

from dataclasses import dataclass
from math import exp, inf, isfinite, isnan, nan

import numpy as np
from scipy.stats import binom

from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.verdicts import percent
from lessonplan.training.simulate import Simulation, check_target
from lessonplan.training.simulated import Floats, Ints

LEVEL = 0.95
POWER = 0.8  # "would have seen": shown in 80 % of such simulations


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sampler `a` against `b`: generated rollouts that b needs / those that a needs."""

    a: str
    b: str
    target: float
    worlds: int
    reached_a: int  # worlds in which a reaches the target
    reached_b: int
    n_a: float  # median rollouts to the target; infinite when half of the worlds never reach it
    n_b: float
    budget: int  # rollouts of each run
    method: str  # "t", "median" (some world is censored), "none" (one world)
    ratio: float  # NaN where it is only bounded
    low: float  # 95 % limits; NaN with one world
    high: float
    seen: float  # smallest ratio that would have been shown; NaN where not known
    difference: float  # success at the end, a minus b
    difference_low: float
    difference_high: float

    @property
    def winner(self) -> str | None:
        """The one that the interval says needs fewer, or None."""
        return self.a if self.low > 1 else self.b if self.high < 1 else None


def ratios(simulation: Simulation) -> list[Ratio]:
    """Every sampler against the baseline, at the target of the scenario."""
    base, *others = simulation.samplers
    target = simulation.scenario.target
    reached = [crossings(simulation.rollouts, each, target) for each in simulation.success]  # (W,)
    ends = simulation.success[:, :, -1]  # (A, W)
    return [
        paired_ratio(
            (name, base), target, (reached[i], reached[0]), (ends[i], ends[0]), simulation.rollouts
        )
        for i, name in enumerate(others, start=1)
    ]


def crossings(rollouts: Ints, success: Floats, target: float) -> Floats:  # (W,)
    """Rollouts at which each curve of `success` (W, E) first reaches the target; inf if it does not.

    Between two measurements the curve is a straight line. Raises ConfigError when a curve starts
    at the target.
    """
    check_target(success[:, 0], target)
    above = success >= target  # (W, E)
    first = np.argmax(above, axis=1)  # 0 where never
    rows, before = np.arange(len(success)), np.maximum(first - 1, 0)
    y0, y1 = success[rows, before], success[rows, first]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (target - y0) / (y1 - y0)
        found = rollouts[before] + part * (rollouts[first] - rollouts[before])
    return np.where(first > 0, found, np.inf)


def paired_ratio(
    names: tuple[str, str],
    target: float,
    needed: tuple[Floats, Floats],  # (W,) each, infinite where not reached
    ends: tuple[Floats, Floats],  # (W,) each, success at the end
    rollouts: Ints,
) -> Ratio:
    """The ratio of one pair, from the rollouts that each needed in every world."""
    n_a, n_b = needed
    budget, worlds = int(rollouts[-1]), len(n_a)
    low_d = np.where(np.isfinite(n_a), np.log(np.minimum(n_b, budget)), -np.inf)
    high_d = np.where(np.isfinite(n_b), np.log(n_b), np.inf)
    with np.errstate(invalid="ignore"):
        low_d = np.where(np.isfinite(n_a), low_d - np.log(n_a), -np.inf)
        high_d = np.where(np.isfinite(n_b), high_d - np.log(np.minimum(n_a, budget)), np.inf)
    exact = bool((low_d == high_d).all())
    if worlds == 1:
        method, (middle, low, high, seen) = "none", (_middle(low_d, high_d), nan, nan, nan)
    elif exact:
        method, (middle, low, high, seen) = "t", _mean_interval(low_d)
    else:
        method, (middle, low, high, seen) = "median", _median_interval(low_d, high_d)
    gap = ends[0] - ends[1]
    mean, gap_low, gap_high, _ = (
        _mean_interval(gap) if worlds > 1 else (float(gap[0]), nan, nan, nan)
    )
    return Ratio(
        a=names[0],
        b=names[1],
        target=target,
        worlds=worlds,
        reached_a=int(np.isfinite(n_a).sum()),
        reached_b=int(np.isfinite(n_b).sum()),
        n_a=_median(n_a),
        n_b=_median(n_b),
        budget=budget,
        method=method,
        ratio=exp(middle) if isfinite(middle) else nan,
        low=_exp(low),
        high=_exp(high),
        seen=_exp(seen),
        difference=mean,
        difference_low=gap_low,
        difference_high=gap_high,
    )


def _mean_interval(values: Floats) -> tuple[float, float, float, float]:
    """Mean, limits of Student's t, and the smallest effect shown with 80 % power."""
    freedom = len(values) - 1
    mean, error = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    half = student(0.5 + LEVEL / 2, freedom) * error
    return mean, mean - half, mean + half, half + student(POWER, freedom) * error


def _median_interval(low: Floats, high: Floats) -> tuple[float, float, float, float]:
    """Median and its limits, of values that lie between `low` and `high` (W,)."""
    n = len(low)
    # the interval from the k-th smallest to the k-th largest misses with chance 2 P(Bin <= k - 1)
    k = int(np.count_nonzero(binom.cdf(np.arange(n), n, 0.5) <= (1 - LEVEL) / 2))
    down, up = np.sort(low), np.sort(high)
    limits = (float(down[k - 1]), float(up[n - k])) if k else (-inf, inf)
    return (_middle(low, high), *limits, nan)


def _middle(low: Floats, high: Floats) -> float:
    """The median, NaN where it is not known from both sides."""
    n = len(low)
    places = [(n - 1) // 2, n // 2]
    down, up = np.sort(low)[places], np.sort(high)[places]
    return float(down.mean()) if np.array_equal(down, up) and np.isfinite(down).all() else nan


def _median(values: Floats) -> float:
    """The upper of the middle values: infinite when half of them are."""
    return float(np.sort(values)[len(values) // 2])


def _exp(value: float) -> float:
    return inf if value == inf else exp(value)


def times(value: float) -> str:
    """A ratio with two decimals, since paired worlds tell 1.02 from 1; whole numbers from 10."""
    if isnan(value) or value == inf:
        return "unknown" if isnan(value) else "unbounded"
    text = f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return f"{value:.3f}" if text == "1.00" else text  # 1.004 is not 1


def limits(low: float, high: float) -> str:
    """Limits of a ratio, open ends in words."""
    if isnan(low) or isnan(high):
        return "no interval"
    if low <= 0 and high == inf:
        return "open on both sides"
    if high == inf:
        return f"at least {times(low)}"
    return f"at most {times(high)}" if low <= 0 else f"{times(low)}-{times(high)}"


def verdict(r: Ratio) -> str:
    """The comparison in plain words, with its interval; the winner first."""
    return f"Simulated: {_claim(r)}; {_gap(r)}."


def _claim(r: Ratio) -> str:
    at = percent(r.target)
    if not r.reached_a and not r.reached_b:
        return f"neither {r.a} nor {r.b} reaches {at} within {r.budget} rollouts"
    censored = _censored(r)
    if r.method == "none":
        return (
            f"{r.a} against {r.b} at {at}: ratio {times(r.ratio)}{censored}; one world, so no "
            "interval and no conclusion"
        )
    if r.winner is None:
        seen = f"; it would have seen {times(r.seen)} times" if isfinite(r.seen) else ""
        about = "" if isnan(r.ratio) else f"ratio {times(r.ratio)}, "
        return (
            f"no difference could be shown between {r.a} and {r.b} at {at} "
            f"({about}{limits(r.low, r.high)}){seen}{censored}"
        )
    fast, slow = (r.a, r.b) if r.winner == r.a else (r.b, r.a)
    turned = fast == r.b
    ratio, low, high = (
        (1 / r.ratio, _over(r.high), _over(r.low)) if turned else (r.ratio, r.low, r.high)
    )
    if isnan(ratio):
        # the median is not known from both sides, its limits are
        return f"{fast} reaches {at} with {limits(low, high)} times fewer rollouts than {slow}{censored}"
    return (
        f"{fast} reaches {at} with {times(ratio)} times fewer rollouts than {slow} "
        f"({limits(low, high)}){censored}"
    )


def _censored(r: Ratio) -> str:
    """Who did not reach the target, and how often."""
    counts = ((r.a, r.reached_a), (r.b, r.reached_b))
    missed = [
        f"{name} does not reach it in {r.worlds - n} of {r.worlds} worlds"
        for name, n in counts
        if n < r.worlds
    ]
    return f"; {' and '.join(missed)}" if missed else ""


def _gap(r: Ratio) -> str:
    """The difference at the end, in points."""
    points, low, high = (
        100 * value for value in (r.difference, r.difference_low, r.difference_high)
    )
    if isnan(low):
        return f"at the end {r.a} minus {r.b} is {points:.1f} points, without an interval"
    if low > 0 or high < 0:
        more, less = (r.a, r.b) if points > 0 else (r.b, r.a)
        low, high = (low, high) if points > 0 else (-high, -low)
        return (
            f"at the end {more} solves {abs(points):.1f} points more than {less} "
            f"({low:.1f} to {high:.1f})"
        )
    return (
        f"at the end no difference could be shown ({r.a} minus {r.b}: {points:.1f} points, "
        f"{low:.1f} to {high:.1f})"
    )


def _over(value: float) -> float:
    return 1 / value if value > 0 else inf
