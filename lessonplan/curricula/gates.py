"""Gates: which finished groups are worth training on. The sampler hears of refused ones too."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Rewards
from lessonplan.selection.success import Success


class Gate(Protocol):
    """Accepts or refuses finished groups; keeps no state."""

    def accepts(self, rewards: Rewards, success: Success) -> NDArray[np.bool_]:
        """(m,) which groups of `rewards` (m, G) to train on. NaN is an unscorable rollout."""
        ...


@dataclass(frozen=True, slots=True)
class ZeroVariance:
    """Refuse groups whose rewards are all the same: their advantages, hence gradients, are zero.

    The rule of dynamic sampling (DAPO, arXiv 2503.14476), on raw rewards: refused when the
    standard deviation of the scorable ones is at most `eps`. A group of one is kept, since
    nothing can be said of it; a group without a scorable rollout is refused.
    """

    eps: float = 1e-6

    def accepts(self, rewards: Rewards, success: Success) -> NDArray[np.bool_]:  # (m,)
        scorable = ~np.isnan(rewards)  # (m, G)
        g = np.count_nonzero(scorable, axis=1)  # (m,)
        lowest = np.min(rewards, axis=1, where=scorable, initial=np.inf, keepdims=True)  # (m, 1)
        with np.errstate(over="ignore", invalid="ignore"):  # huge spreads: inf and NaN are kept
            above = np.where(scorable, rewards - lowest, 0.0)  # exactly 0 where all are equal
            mean = above.sum(axis=1, keepdims=True) / np.maximum(g, 1)[:, None]
            squares = np.where(scorable, (above - mean) ** 2, 0.0).sum(axis=1)
            std = np.sqrt(squares / np.maximum(g, 1))
        return np.asarray((g == 1) | ((g > 1) & ~(std <= self.eps)))


@dataclass(frozen=True, slots=True)
class Band:
    """Keep groups whose share of solved rollouts lies in [lo, hi] (arXiv 2504.03380).

    `inclusive=False` asks for lo < share < hi. The default bounds are one of several bands that
    the paper tried.
    """

    lo: float = 0.2
    hi: float = 0.8
    inclusive: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.lo <= self.hi <= 1:
            raise ValueError(f"a band needs 0 <= lo <= hi <= 1, got lo={self.lo}, hi={self.hi}")

    def accepts(self, rewards: Rewards, success: Success) -> NDArray[np.bool_]:  # (m,)
        wins = success(rewards)  # (m, G)
        g = np.count_nonzero(~np.isnan(wins), axis=1)
        share = np.nansum(wins, axis=1) / np.maximum(g, 1)
        if self.inclusive:
            inside = (self.lo <= share) & (share <= self.hi)
        else:
            inside = (self.lo < share) & (share < self.hi)
        return np.asarray((g > 0) & inside)


@dataclass(frozen=True, slots=True)
class Variance:
    """Keep groups whose variance of successes is at least `threshold` of the largest possible.

    k solved of g rollouts have `relative_variance(k, g)`, 0 when all are alike and 1 when half of
    them are solved. A group of one is kept, since it has no variance; a group without a scorable
    rollout is refused. The measure is that of VCRL (arXiv 2509.19803). The threshold is ours,
    because the paper's own could not be verified: .5 keeps 2 to 6 solved of 8.
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {self.threshold!r}")

    def accepts(self, rewards: Rewards, success: Success) -> NDArray[np.bool_]:  # (m,)
        wins = success(rewards)  # (m, G)
        k, g = (wins == 1).sum(axis=1), (wins == wins).sum(axis=1)  # (m,)
        enough = relative_variance(k, np.maximum(g, 2)) >= self.threshold
        return np.asarray((g == 1) | ((g > 1) & enough))


def relative_variance(
    k: NDArray[np.signedinteger], g: NDArray[np.signedinteger]
) -> NDArray[np.float64]:
    """The variance of k successes among g >= 2 rollouts over the largest that g rollouts allow.

    sigma^2 = k (g - k) / (g (g - 1)), at most g / (4 (g - 1)) for even g and (g + 1) / (4 g) for
    odd g, so the ratio is k (g - k) over the product of the two halves of g.
    """
    return np.asarray(k * (g - k) / ((g // 2) * (g - g // 2)), np.float64)
