"""Keep the rollouts of a group that differ most: generate many, train on few (PODS)."""

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions


def pods(rewards: NDArray[np.float64], m: int) -> Positions:  # (m,)
    """The m of a group's n rollouts (n,) with the largest reward variance, as ascending indices.

    Such a subset is the i highest and m - i lowest rewards, for the best i in 0..m (PODS, arXiv
    2504.13818), so a sort finds it: O(n log n). Of several best ones the one with the fewest high
    rewards comes back. An unscorable rollout (NaN) is never kept; when fewer than m are scorable,
    these come back. Compute advantages inside the subset. Use it where generating is cheap and
    training is not.
    """
    if not 1 <= m <= len(rewards):
        raise ValueError(f"m must lie in 1..{len(rewards)}, the rollouts of the group, got {m}")
    if np.isinf(rewards).any():
        raise ValueError(f"rewards must be finite, or NaN if unscorable, got {rewards.tolist()}")
    scorable = np.flatnonzero(~np.isnan(rewards))
    order = scorable[np.argsort(rewards[scorable], kind="stable")]  # (g,) lowest first
    g = len(order)
    if g <= m:
        return scorable
    height = rewards[order] / 2 - rewards[order[0]] / 2  # (g,) halves, since a spread may overflow
    height /= height[-1] if height[-1] > 0 else 1.0  # now 0..1
    high = np.arange(m + 1)  # i, how many of the highest
    sums, squares = (_ends(np.cumsum([0.0, *part]), high, m) for part in (height, height**2))
    spread = squares - sums**2 / m  # (m + 1,) variance times m
    best = int(np.argmax(np.round(spread, 12)))  # rounded, so that equal ones stay equal
    return np.sort(np.concatenate([order[: m - best], order[g - best :]]))


def _ends(
    running: NDArray[np.float64], high: NDArray[np.int64], m: int
) -> NDArray[np.float64]:  # (m + 1,)
    """The sum over the m - i first and i last terms for each i, given running sums (g + 1,)."""
    return np.asarray(running[m - high] + running[-1] - running[len(running) - 1 - high])
