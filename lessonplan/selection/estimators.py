"""Estimators: what is remembered of each problem, updated by the groups that were told.

`update` takes positions (m,) and wins (m, G), which are 1, 0, or NaN; a row without any number
changes nothing. Only the problems told are touched, so a tell costs O(m).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions, Rewards
from lessonplan.selection.ledger import occurrence
from lessonplan.selection.state import Stateful

Rates: TypeAlias = NDArray[np.float64]  # success rates in [0, 1]


class Estimate(Stateful, ABC):
    """A success rate per problem: what `Parts` needs. Curves and streaks are not of this kind."""

    @abstractmethod
    def update(self, positions: Positions, wins: Rewards) -> None:
        """Hear groups with wins (m, G)."""

    @abstractmethod
    def mean(self, positions: Positions) -> Rates:  # (c,)
        """The estimated rates, NaN where unseen and without a prior."""

    def draw(self, rng: np.random.Generator, positions: Positions) -> Rates:  # (c,)
        """Rates drawn from what is believed about each, for Thompson sampling."""
        raise TypeError(f"{type(self).__name__} has no posterior to draw from; use BetaDecay")


class BetaDecay(Estimate):
    """A Beta posterior of the success rate that forgets: the estimator of MoPPS (2507.04632).

    k of g solved: alpha <- lam alpha + (1 - lam) a0 + k, beta <- lam beta + (1 - lam) b0 + g - k.
    The memory is about g / (1 - lam) rollouts; lam = 1 never forgets, and lags a policy that
    learns. (a0, b0) is the prior of an unseen problem.
    """

    arrays = ("alpha", "beta")

    def __init__(self, size: int, *, lam: float = 0.5, a0: float = 1.0, b0: float = 1.0) -> None:
        if not (0 <= lam <= 1 and a0 > 0 and b0 > 0):
            raise ValueError(f"need 0 <= lam <= 1, a0 > 0, b0 > 0, got {lam}, {a0}, {b0}")
        self.lam, self.a0, self.b0 = lam, a0, b0
        self.alpha = np.full(size, a0)  # (N,)
        self.beta = np.full(size, b0)  # (N,)

    def update(self, positions: Positions, wins: Rewards) -> None:
        for i, k, g in visits(positions, wins):
            self.alpha[i] = self.lam * self.alpha[i] + (1 - self.lam) * self.a0 + k
            self.beta[i] = self.lam * self.beta[i] + (1 - self.lam) * self.b0 + g - k

    def mean(self, positions: Positions) -> Rates:  # (c,)
        """The posterior mean of the success rate."""
        alpha = self.alpha[positions]
        return np.asarray(alpha / (alpha + self.beta[positions]))

    def variance(self, positions: Positions) -> Rates:  # (c,)
        """The posterior variance of the success rate."""
        alpha, beta = self.alpha[positions], self.beta[positions]
        total = alpha + beta
        return np.asarray(alpha * beta / (total**2 * (total + 1)))

    def draw(self, rng: np.random.Generator, positions: Positions) -> Rates:  # (c,)
        return rng.beta(self.alpha[positions], self.beta[positions])


class EMA(Estimate):
    """An exponential moving average of the groups' success rates: p <- (1 - a) p + a k / g.

    The first visit sets p; an unseen problem reads NaN.
    """

    arrays = ("rates",)

    def __init__(self, size: int, *, a: float = 0.3) -> None:
        if not 0 < a <= 1:
            raise ValueError(f"need 0 < a <= 1, got {a!r}")
        self.a = a
        self.rates = np.full(size, np.nan)  # (N,)

    def update(self, positions: Positions, wins: Rewards) -> None:
        for i, k, g in visits(positions, wins):
            old = np.where(np.isnan(self.rates[i]), k / g, self.rates[i])
            self.rates[i] = (1 - self.a) * old + self.a * k / g

    def mean(self, positions: Positions) -> Rates:  # (c,)
        """The average, NaN where unseen."""
        return self.rates[positions]


class Last(EMA):
    """The success rate of the last group alone; an unseen problem reads NaN."""

    def __init__(self, size: int) -> None:
        super().__init__(size, a=1.0)


class Window(Estimate):
    """The success rates of each problem's last `window` groups, all NaN where unseen."""

    arrays = ("last",)

    def __init__(self, size: int, window: int = 8) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window!r}")
        self.last = np.full((size, window), np.nan, np.float32)  # (N, w), newest last

    def update(self, positions: Positions, wins: Rewards) -> None:
        for i, k, g in visits(positions, wins):
            self.last[i, :-1] = self.last[i, 1:]
            self.last[i, -1] = k / g

    def mean(self, positions: Positions) -> Rates:  # (c,)
        known, rows = self._known(positions)
        return _quotient(rows.sum(axis=1), known.sum(axis=1))

    def std(self, positions: Positions) -> Rates:  # (c,)
        """The standard deviation (ddof 0), NaN where unseen."""
        known, rows = self._known(positions)
        count = known.sum(axis=1)
        mean = _quotient(rows.sum(axis=1), count)
        squares = np.where(known, (rows - mean[:, None]) ** 2, 0.0).sum(axis=1)
        return np.sqrt(_quotient(squares, count))

    def slope(self, positions: Positions) -> Rates:  # (c,)
        """The least-squares slope per visit, NaN before the second visit."""
        known, rows = self._known(positions)
        count = known.sum(axis=1)
        mean = _quotient(rows.sum(axis=1), count)
        # the known visits are the last ones, so their times are centered at (count - 1) / 2
        times = np.arange(rows.shape[1]) - (rows.shape[1] - 1 - (count[:, None] - 1) / 2)
        product = np.where(known, times * (rows - mean[:, None]), 0.0).sum(axis=1)
        squares = np.where(known, times**2, 0.0).sum(axis=1)
        return _quotient(product, squares)

    def _known(self, positions: Positions) -> tuple[NDArray[np.bool_], Rates]:  # (c, w) each
        rows = self.last[positions].astype(np.float64)
        known = ~np.isnan(rows)
        return known, np.where(known, rows, 0.0)


class Streak(Stateful):
    """How many of each problem's latest groups in a row were all right, or all wrong."""

    arrays = ("signed",)

    def __init__(self, size: int) -> None:
        self.signed = np.zeros(size, np.int32)  # (N,) +z all right, -z all wrong, 0 mixed or unseen

    def update(self, positions: Positions, wins: Rewards) -> None:
        for i, k, g in visits(positions, wins):
            old = self.signed[i]
            right, wrong = np.maximum(old, 0) + 1, np.minimum(old, 0) - 1
            self.signed[i] = np.where(k == g, right, np.where(k == 0, wrong, 0))

    def length(self, positions: Positions) -> NDArray[np.int64]:  # (c,)
        """z, the number of groups in the streak; 0 without one."""
        return np.abs(self.signed[positions]).astype(np.int64)

    def side(self, positions: Positions) -> NDArray[np.int64]:  # (c,)
        """1 for a streak of all right, -1 of all wrong, 0 without one."""
        return np.sign(self.signed[positions]).astype(np.int64)


class Curve(Stateful):
    """The success rates of each problem's last K visits, newest last, NaN before the first.

    Rates are kept to three digits, in 2 bytes each; those of groups of 2, 4, 8, ... are exact.
    Also keeps the mean over all problems of each column, at O(m K) a tell.
    """

    arrays = ("last",)

    def __init__(self, size: int, window: int) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window!r}")
        self.last = np.full((size, window), np.nan, np.float16)  # (N, K)
        self._restored()

    def update(self, positions: Positions, wins: Rewards) -> None:
        for i, k, g in visits(positions, wins):
            self._count(i, -1)
            self.last[i, :-1] = self.last[i, 1:]
            self.last[i, -1] = k / g
            self._count(i, +1)

    def mean(self) -> Rates:  # (K,)
        """The mean of each column over the problems that have it, NaN where none has."""
        known = np.maximum(self._known, 1)
        return np.where(self._known > 0, self._sum / known, np.nan)

    def _count(self, i: Positions, sign: int) -> None:
        rows = self.last[i]
        # 11-bit rates add up in 53 bits without rounding, so the order of tells does not matter
        self._sum += sign * np.nansum(rows, axis=0, dtype=np.float64)
        self._known += sign * np.count_nonzero(~np.isnan(rows), axis=0)

    def _restored(self) -> None:
        self._sum = np.zeros(self.last.shape[1])  # (K,)
        self._known = np.zeros(self.last.shape[1], np.int64)  # (K,)
        for start in range(0, len(self.last), 1 << 16):
            self._count(np.arange(start, min(start + (1 << 16), len(self.last))), +1)


def visits(
    positions: Positions, wins: Rewards
) -> Iterator[tuple[Positions, NDArray[np.float64], NDArray[np.int64]]]:
    """Positions, successes k and scorable rollouts g >= 1 of the groups, each position once.

    A problem told twice at once comes in a second portion, after the first was applied.
    """
    k = wins.sum(axis=1)  # (m,)
    g = np.full(len(wins), wins.shape[1])
    if np.isnan(k).any():
        k, g = np.nansum(wins, axis=1), np.count_nonzero(~np.isnan(wins), axis=1)
    rank = occurrence(positions)
    if not rank.any() and g.all():  # the common case
        yield positions, k, g
        return
    for visit in range(int(rank.max(initial=-1)) + 1):
        now = (rank == visit) & (g > 0)
        if now.any():
            yield positions[now], k[now], g[now]


def _quotient(above: Rates, below: NDArray[np.number]) -> Rates:
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)
