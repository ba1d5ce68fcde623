"""What counts as solved: the one place where raw rewards become successes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import RewardError
from lessonplan.selection.base import Rewards


class Success(Protocol):
    """Any function from rewards (m, G) to 1 (solved), 0 (failed) or NaN (could not be scored)."""

    def __call__(self, rewards: Rewards) -> Rewards: ...


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Solved when the reward reaches `threshold`; NaN stays NaN; infinity raises RewardError."""

    threshold: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.threshold):
            raise ValueError(f"threshold must be finite, got {self.threshold!r}")

    def __call__(self, rewards: Rewards) -> Rewards:  # (m, G)
        return _judged(rewards, rewards >= self.threshold)


@dataclass(frozen=True, slots=True)
class Exactly:
    """Solved when the reward is `value`; NaN stays NaN; infinity raises RewardError."""

    value: float

    def __call__(self, rewards: Rewards) -> Rewards:  # (m, G)
        return _judged(rewards, rewards == self.value)


def _judged(rewards: Rewards, solved: NDArray[np.bool_]) -> Rewards:  # (m, G)
    if np.isfinite(rewards).all():  # the common case
        return solved.astype(np.float64)
    if np.isinf(rewards).any():
        raise RewardError("rewards must be finite, or NaN for an unscorable rollout; got inf")
    return np.where(np.isnan(rewards), rewards, solved)


SOLVED = AtLeast(1.0)  # right for rewards in {0, 1}, {-1, 1}, and 1 plus a format bonus
