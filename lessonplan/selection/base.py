"""The contract of a sampler: `ask` names problems of a pool, `tell` hears how they went."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import RewardError
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.state import Stateful

Positions: TypeAlias = NDArray[np.int64]  # positions of problems in a pool
Rewards: TypeAlias = NDArray[np.float64]  # (m, G), NaN where a rollout could not be scored


@dataclass(frozen=True, slots=True)
class Feedback:
    """Finished groups: m problems, up to G rollouts each.

    Rewards are as the reward function gave them. NaN is an unscorable rollout, never a failure;
    ragged groups are padded with NaN; a row of NaN closes the ask without teaching anything.
    Infinite rewards and shapes that do not belong together raise RewardError.
    """

    positions: Positions  # (m,)
    rewards: Rewards  # (m, G)
    policy_steps: NDArray[np.int64]  # (m,) optimizer step that generated the group

    def __post_init__(self) -> None:
        m = len(self.positions)
        if self.rewards.ndim != 2 or len(self.rewards) != m or self.policy_steps.shape != (m,):
            raise RewardError(
                f"{m} positions need rewards of shape ({m}, G) and {m} policy steps,"
                f" got {self.rewards.shape} and {self.policy_steps.shape}"
            )
        if np.isinf(self.rewards).any():
            row = int(np.argmax(np.isinf(self.rewards).any(axis=1)))
            raise RewardError(
                f"rewards must be finite, or NaN for an unscorable rollout; the group of position"
                f" {self.positions[row]} has {self.rewards[row].tolist()}"
            )


class Sampler(Stateful, ABC):
    """Decides which problems are practiced next. Write `ask`, and `tell` if the answer matters.

    A constructor takes the pool and keyword arguments, sets `rng` and `ledger`, and is the whole
    configuration. `unit` and `needs` are what `lessonplan samplers` shows. `arrays` names the attributes with one row per problem, `values` all other
    state; generator and ledger are saved without being named. Decisions may depend on nothing
    else. `lessonplan.selection.testing.check_sampler` tests all of this.
    """

    unit: ClassVar[str] = "problem"  # what is chosen: problem, level, arm
    needs: ClassVar[str] = ""  # beyond prompts and rewards, such as levels

    rng: np.random.Generator
    ledger: Ledger  # asked and not yet told

    @abstractmethod
    def ask(self, n: int) -> Positions:
        """(n,) positions to practice, marked in the ledger.

        None is in flight twice, and none comes twice here, while a problem is free that this
        sampler asks at all. If n exceeds the free ones, they repeat in turn.
        """

    def tell(self, feedback: Feedback) -> None:
        """Hear finished groups: partly, late, in any order, and refused ones too.

        `ledger.release` says which groups were really open; the others teach nothing, since they
        were told before or never asked.
        """
        self.ledger.release(feedback.positions)

    def metrics(self) -> dict[str, float]:
        """Numbers worth a curve; cheap, because they may be read at every step."""
        return {"in_flight": float(self.ledger.in_flight)}

    def _names(self) -> tuple[str, ...]:
        return (*super()._names(), "rng", "ledger")
