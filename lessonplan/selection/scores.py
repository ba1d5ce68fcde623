"""Scores: how much a problem is wanted, from its success rate or its curve. Higher is wanted.

Rates p are arrays of any shape in [0, 1]; NaN stays NaN. Curves are (P, K), the success rates of
P problems over K epochs, NaN where one is unknown.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating]
Scores: TypeAlias = NDArray[np.float64]


def learnability(p: Array) -> Scores:
    """p (1 - p), the variance of a 0/1 reward (SFL, arXiv 2408.15099)."""
    return np.asarray(p * (1 - p), np.float64)


def group_learnability(k: Array, g: Array) -> Scores:
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
    return np.asarray(1 - p**group_size - (1 - p) ** group_size, np.float64)


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
