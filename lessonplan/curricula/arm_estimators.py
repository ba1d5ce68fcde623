"""What is remembered of each arm, and the scores that are made of it.

An arm estimator is a part with one row per arm in `arrays`, so that `Stateful.remap` moves it to
the arms of another pool just as it moves rows of problems. `update` takes each arm once, unless
it says otherwise.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.state import Stateful

Arms: TypeAlias = NDArray[np.int64]  # numbers of arms
Values: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

_LOWEST_EXPONENT = -745.0  # exp of anything lower is 0


class ArmQ(Stateful):
    """A running value of each arm: Q <- (1 - a) Q + a r, for the arms that got an r (SEC)."""

    arrays = ("q",)

    def __init__(self, n_arms: int, *, a: float = 0.5, init: float = 0.0) -> None:
        if not 0 < a <= 1:
            raise ValueError(f"a must lie in (0, 1], got {a!r}")
        if not np.isfinite(init):
            raise ValueError(f"init must be finite, got {init!r}")
        self.a = a
        self.q = np.full(n_arms, float(init))  # (C,) Q

    def update(self, arms: Arms, r: Values, *, others_decay: bool = False) -> None:
        """`others_decay` treats the arms that got no r as if it were 0."""
        new = (1 - self.a) * self.q[arms] + self.a * r
        if others_decay:
            self.q *= 1 - self.a
        self.q[arms] = new


class ArmWindow(Stateful):
    """The last w values of each arm, and how many there were in all (DUMP)."""

    arrays = ("ring", "n")

    def __init__(self, n_arms: int, window: int) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window!r}")
        self.ring = np.zeros((n_arms, window))  # (C, w) value number j in column j % w
        self.n = np.zeros(n_arms, np.int64)  # (C,)

    def update(self, arms: Arms, values: Values) -> None:
        """Append values (v,), oldest first, each to its arm; here an arm may come repeatedly."""
        window = self.ring.shape[1]
        more = np.bincount(arms, minlength=len(self.n))  # (C,)
        order = np.argsort(arms, kind="stable")  # (v,) by arm; costs little if they are already
        arms, values = arms[order], values[order]
        place = np.arange(len(arms)) - (np.cumsum(more) - more)[arms]  # (v,) from 0 in each arm
        stays = place >= more[arms] - window
        column = (self.n[arms] + place) % window
        self.ring[arms[stays], column[stays]] = values[stays]
        self.n += more

    def last(self) -> Values:  # (C, w)
        """The values of each arm, newest last, NaN before the first."""
        window = self.ring.shape[1]
        age = np.arange(window, 0, -1)  # (w,) of the newest 1
        values = np.take_along_axis(self.ring, (self.n[:, None] - age) % window, axis=1)
        return np.where(age <= self.n[:, None], values, np.nan)

    def mean(self) -> Values:  # (C,)
        """The mean of the values held, 0 for an arm without any."""
        held = np.clip(self.n, 1, self.ring.shape[1])
        return np.asarray(self.ring.sum(axis=1) / held)


class FastSlow(Stateful):
    """A fast and a slow average of each arm's success rate p (arXiv 2106.14876).

    f <- a p + (1 - a) f, then s <- a f + (1 - a) s. The first rate sets both; an unheard arm
    reads NaN.
    """

    arrays = ("fast", "slow")

    def __init__(self, n_arms: int, *, a: float = 0.1) -> None:
        if not 0 < a <= 1:
            raise ValueError(f"a must lie in (0, 1], got {a!r}")
        self.a = a
        self.fast = np.full(n_arms, np.nan)  # (C,)
        self.slow = np.full(n_arms, np.nan)  # (C,)

    def update(self, arms: Arms, rates: Values) -> None:
        new = np.isnan(self.fast[arms])
        fast = np.where(new, rates, self.a * rates + (1 - self.a) * self.fast[arms])
        slow = np.where(new, rates, self.a * fast + (1 - self.a) * self.slow[arms])
        self.fast[arms], self.slow[arms] = fast, slow


class Kept(Stateful):
    """The share of each arm's groups that was kept, over counts that fade by (1 - a) a visit.

    Counts rather than shares are averaged, so that a step with one group of an arm weighs less
    than a step with many. Half a kept and half a lost group are the prior: 1/2 before any.
    """

    arrays = ("kept", "seen")

    def __init__(self, n_arms: int, *, a: float = 0.1) -> None:
        if not 0 < a <= 1:
            raise ValueError(f"a must lie in (0, 1], got {a!r}")
        self.a = a
        self.kept = np.zeros(n_arms)  # (C,)
        self.seen = np.zeros(n_arms)  # (C,)

    def update(self, arms: Arms, shares: Values, groups: Counts) -> None:
        self.kept[arms] = (1 - self.a) * self.kept[arms] + shares * groups
        self.seen[arms] = (1 - self.a) * self.seen[arms] + groups

    def share(self) -> Values:  # (C,)
        return np.asarray((self.kept + 0.5) / (self.seen + 1))


def progress(fast: Values, slow: Values, *, theta: float = 0.1) -> Values:
    """|R(f) - R(s)| with R(x) = x (1 - theta) / (x + theta (1 - 2x)) (arXiv 2106.14876).

    R stretches low rates: .1, .5, .9 become .5, .9, .988, so that the first successes count most.
    """

    def stretched(x: Values) -> Values:
        return x * (1 - theta) / (x + theta * (1 - 2 * x))

    return np.abs(stretched(fast) - stretched(slow))


def ucb(mean: Values, n: Counts) -> Values:
    """mean_c + sqrt(2 ln(n + 1) / (n_c + 1)) with n the sum of all n_c (DUMP, arXiv 2504.09710)."""
    return np.asarray(mean + np.sqrt(2 * np.log(n.sum() + 1) / (n + 1)))


def slope(times: Values, scores: Values) -> Values:  # (C,)
    """The least-squares slope of each row of scores (C, w) on its times (C, w).

    NaN entries are left out; NaN where fewer than two scores, or two equal times, are known.
    """
    known = ~(np.isnan(times) | np.isnan(scores))  # (C, w)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    t, s = np.where(known, times, 0.0), np.where(known, scores, 0.0)
    t = np.where(known, t - t.sum(axis=1, keepdims=True) / count, 0.0)  # centered
    spread = (t * t).sum(axis=1)
    return np.where(spread > 0, (t * s).sum(axis=1) / np.where(spread > 0, spread, 1.0), np.nan)


def boltzmann(values: Values, tau: float) -> Values:
    """exp(value / tau) as probabilities (C,), without overflow for any tau > 0.

    NaN values get nothing; equal values, all NaN included, give a uniform answer.
    """
    values = np.where(np.isnan(values), -np.inf, values)
    top = values.max()
    if np.isinf(top):
        weights = (values == top).astype(np.float64)
    else:
        with np.errstate(over="ignore", under="ignore"):
            weights = np.exp(np.maximum(values - top, _LOWEST_EXPONENT * tau) / tau)
    return np.asarray(weights / weights.sum())


def checked_tau(tau: float) -> float:
    """tau, which has to be positive and finite."""
    if not 0 < tau < np.inf:
        raise ValueError(f"tau must be positive and finite, got {tau!r}")
    return tau


def arm_means(arms: Arms, values: Values, weights: Values | Counts) -> tuple[Arms, Values]:
    """The arms (A,) among `arms` (m,), and the weighted mean (A,) of the values of each."""
    seen, row = np.unique(arms, return_inverse=True)
    return seen, np.bincount(row, values * weights) / np.bincount(row, weights)
