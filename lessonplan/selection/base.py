"""The contract of a sampler: `ask` names problems of a pool, `tell` hears how they went."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import RewardError
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.state import Stateful

Positions: TypeAlias = NDArray[np.int64]  # positions of problems in a pool
Rewards: TypeAlias = NDArray[np.float64]  # (m, G), NaN where a rollout could not be scored
Purpose: TypeAlias = Literal["train", "probe", "screen", "continue"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Order:
    """What a sampler wants generated: n slots, each with a problem, a group size and a purpose.

    Without `rollouts` every group has the engine's own size; without `purposes` all are "train",
    a group to train on if it comes out well. "probe" is generated to learn about the problem and
    never trained on; "screen" is the first part of a group, "continue" the rest of it. Raises
    ValueError for sizes below 1, unknown purposes and lengths that do not belong together.
    """

    positions: Positions  # (n,)
    rollouts: NDArray[np.int64] | None = None  # (n,)
    purposes: tuple[Purpose, ...] | None = None  # (n,)

    def __post_init__(self) -> None:
        n = len(self.positions)
        if self.rollouts is not None and (
            self.rollouts.shape != (n,) or self.rollouts.min(initial=1) < 1
        ):
            raise ValueError(
                f"rollouts must be {n} numbers of at least 1, got {self.rollouts.tolist()}"
            )
        if self.purposes is not None and (
            len(self.purposes) != n or not set(PURPOSES).issuperset(self.purposes)
        ):
            raise ValueError(
                f"purposes must be {n} of {', '.join(PURPOSES)}, got {self.purposes!r}"
            )


@dataclass(frozen=True, slots=True)
class Feedback:
    """Finished groups: m problems, up to G rollouts each.

    Rewards are as the reward function gave them. NaN is an unscorable rollout, never a failure;
    ragged groups are padded with NaN; a row of NaN closes the ask without teaching anything.
    `purposes` are those of the order, None when all were "train". Infinite rewards and shapes
    that do not belong together raise RewardError.
    """

    positions: Positions  # (m,)
    rewards: Rewards  # (m, G)
    policy_steps: NDArray[np.int64]  # (m,) optimizer step that generated the group
    purposes: tuple[Purpose, ...] | None = None  # (m,)

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
        if self.purposes is not None and len(self.purposes) != m:
            raise RewardError(f"{m} positions need {m} purposes, got {len(self.purposes)}")


class Sampler(Stateful, ABC):
    """Decides which problems are practiced next. Write `ask`, and `tell` if the answer matters.

    A constructor takes the pool and keyword arguments, sets `rng` and `ledger`, and is the whole
    configuration. `arrays` names the attributes with one row per problem, `values` all other
    state; generator and ledger are saved without being named. Decisions may depend on nothing
    else. `lessonplan.selection.testing.check_sampler` tests all of this. `unit` and `needs` are
    what `lessonplan samplers` shows.

    A method that also sets group sizes, probes problems, or generates a group in parts writes
    `order`, sets `shapes_groups`, and lets `ask` return the order's positions.
    """

    unit: ClassVar[str] = "problem"  # what is chosen: problem, level, arm
    needs: ClassVar[str] = ""  # beyond prompts and rewards, such as levels
    shapes_groups: bool = False  # whether orders name group sizes or purposes; few engines can

    rng: np.random.Generator
    ledger: Ledger  # asked and not yet told

    @abstractmethod
    def ask(self, n: int) -> Positions:
        """(n,) positions to practice, marked in the ledger.

        None is in flight twice, and none comes twice here, while a problem is free that this
        sampler asks at all. If n exceeds the free ones, they repeat in turn.
        """

    def order(self, n: int) -> Order:
        """The next n slots, with group sizes and purposes; by default those of `ask`."""
        return Order(self.ask(n))

    def trainable(self, feedback: Feedback) -> NDArray[np.bool_]:
        """(m,) which of these groups may be trained on: by default all but the probes.

        It is asked before they are told, only when not all were ordered for training, and changes
        nothing. Gates judge what is whole ("train", "continue") besides.
        """
        purposes = feedback.purposes or ("train",) * len(feedback.positions)
        return np.array([purpose != "probe" for purpose in purposes], np.bool_)

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
