"""Monotone means without a model: the check beside every fitted curve."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def isotonic(y: Floats, w: Floats) -> Floats:
    """Best non-decreasing fit to y (..., K) with weights (K,), by the max-min formula.

    value_k = max over i <= k of min over j >= k of the weighted mean of i..j. Quadratic in K, and
    K is the number of training-set sizes.
    """
    size = y.shape[-1]
    w = np.broadcast_to(w, y.shape)
    best = np.full(y.shape, -np.inf)
    for i in range(size):
        mean = np.cumsum((w * y)[..., i:], axis=-1) / np.cumsum(w[..., i:], axis=-1)
        least = np.minimum.accumulate(mean[..., ::-1], axis=-1)[..., ::-1]  # min over j >= k
        best[..., i:] = np.maximum(best[..., i:], least)
    return best


def log_size(sizes: Floats, y: Floats, w: Floats, target: float) -> float:
    """ln n at which the isotonic mean reaches the target, linear in ln n between sizes.

    inf if it never does; -inf if the smallest size is already there.
    """
    mean = isotonic(y, w)
    if mean[-1] < target:
        return float("inf")
    if mean[0] >= target:
        return float("-inf")
    k = int(np.argmax(mean >= target))  # first size at or above the target
    part = (target - mean[k - 1]) / (mean[k] - mean[k - 1])
    return float((1 - part) * np.log(sizes[k - 1]) + part * np.log(sizes[k]))
