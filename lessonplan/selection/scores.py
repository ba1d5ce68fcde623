"""Scores: how much a problem is wanted, from its success rate or its curve. Higher is wanted.

Rates p are arrays of any shape in [0, 1]; NaN stays NaN. Curves are (P, K), the success rates of
P problems over K epochs, NaN where one is unknown.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating]
Counts: TypeAlias = NDArray[np.number]  # k solved, of g scorable rollouts
Scores: TypeAlias = NDArray[np.float64]


def learnability(p: Array) -> Scores:
    """p (1 - p), the variance of a 0/1 reward (SFL, arXiv 2408.15099)."""
    return np.asarray(p * (1 - p), np.float64)


def group_learnability(k: Counts, g: Counts) -> Scores:
    """p (1 - p) without bias from k solved of g rollouts: k (g - k) / (g (g - 1)); g >= 2."""
    return np.asarray(k * (g - k) / (g * (g - 1)), np.float64)


def target(p: Array, t: float = 0.5) -> Scores:
    """-|p - t|: nearest to a wanted success rate (MoPPS squares it, which orders the same)."""
    return np.asarray(-np.abs(p - t), np.float64)


def tent(p: Array, t: float = 0.5) -> Scores:
    """1 at p = t, falling on straight lines to 0 at the end of [0, 1] farther from t."""
    return np.asarray(1 - np.abs(p - t) / max(t, 1 - t), np.float64)


def mixed(p: Array, group_size: int) -> Scores:
    """1 - p^G - (1 - p)^G, the chance that a group of G gives a gradient."""
    return np.asarray(np.maximum(1 - p**group_size - (1 - p) ** group_size, 0), np.float64)


def std(p: Array) -> Scores:
    """sqrt(p (1 - p)), the standard deviation of a 0/1 reward: flatter than `learnability`."""
    return np.asarray(np.sqrt(p * (1 - p)), np.float64)


def band(p: Array, lo: float, hi: float) -> Scores:
    """1 inside [lo, hi], minus the distance to it outside: with `top_k`, random inside first."""
    distance = np.maximum(lo - p, p - hi)
    return np.where(distance > 0, -distance, np.where(np.isnan(distance), np.nan, 1.0))


def u(p: Array, group_size: int) -> Scores:
    """1 - (1 - p)^N - p, half the expected advantage mass of a MaxRL group of N.

    For single problems: of the mean rate of a level it promises signal that is not there.
    """
    return np.asarray(np.maximum(1 - (1 - p) ** group_size - p, 0), np.float64)


def hard(p: Array) -> Scores:
    """1 - p (Kimi k1.5, arXiv 2501.12599). Wants the impossible for ever: pair with `Retest`."""
    return np.asarray(1 - p, np.float64)


def abs_advantage(k: Counts, g: Counts, *, normalized: bool = False) -> Scores:
    """mean |r - mean r| of a group with k of g solved, 2 k (g - k) / g^2; 0 where all are alike.

    `normalized` divides by the standard deviation (ddof 1), which flattens the preference for
    p = 1/2: a group with one success in eight then counts .62 and one with four .94.
    """
    k, g = np.asarray(k, np.float64), np.asarray(g, np.float64)
    value = 2 * k * (g - k) / g**2
    if not normalized:
        return np.asarray(value)
    spread = np.sqrt(k * (g - k) / (g * np.maximum(g - 1, 1)))
    return np.asarray(np.where(spread > 0, value / np.where(spread > 0, spread, 1.0), 0.0))


def staleness(asked_at: NDArray[np.integer], now: int) -> Scores:
    """How long ago each problem was last asked, in the unit of `asked_at`."""
    return np.asarray(now - asked_at, np.float64)


def lim(curves: Array, mean: Array | None = None) -> Scores:
    """How well each curve follows the mean curve m (LIMR, arXiv 2502.11886).

    s = 1 - sum_k (r_k - m_k)^2 / sum_k (1 - m_k)^2, over the epochs that are known. A curve of
    ones scores exactly 0, the mean itself 1; NaN where m is 1 throughout, or nothing is known.
    `mean` (K,) is by default taken over these curves.
    """
    if mean is None:
        known = np.maximum(np.count_nonzero(~np.isnan(curves), axis=0), 1)
        mean = np.nansum(curves, axis=0, dtype=np.float64) / known
    return _likeness(curves, np.broadcast_to(mean, curves.shape))


def linear(curves: Array) -> Scores:
    """How well each curve follows the straight line from its first rate to 1 (formula ours).

    The LIM form with that line as reference; LIMR names a LINEAR baseline without a formula. NaN
    when the first rate is 1 or unknown.
    """
    line = np.linspace(curves[:, 0], 1.0, curves.shape[1], axis=1)  # (P, K)
    return _likeness(curves, line)


def variance(curves: Array) -> Scores:
    """The standard deviation of each curve, ddof 0 ("historical variance", arXiv 2504.20571)."""
    return np.asarray(np.std(curves, axis=1, dtype=np.float64))


def _likeness(curves: Array, reference: Array) -> Scores:
    misses = np.nansum((curves - reference) ** 2, axis=1, dtype=np.float64)  # (P,)
    room = np.where(np.isnan(curves), 0.0, (1 - reference) ** 2).sum(axis=1)  # (P,)
    return np.where(room > 0, 1 - misses / np.where(room > 0, room, 1.0), np.nan)
