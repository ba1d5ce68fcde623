"""Groups that were told, held until their policy step is complete: for methods that learn by step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions, Rewards
from lessonplan.selection.state import State, Stateful


class ToldStep(NamedTuple):
    """The scorable groups of one policy step, ordered by position."""

    step: int
    positions: Positions  # (m,)
    solved: NDArray[np.int64]  # (m,) k successes
    scored: NDArray[np.int64]  # (m,) of g >= 1 scorable rollouts


class StepBuffer(Stateful):
    """Gathers told groups; `complete` hands out the steps of which nothing more is expected.

    Call `complete` at the beginning of every ask. A step is complete when no ask is open, or when
    a later step was told; a group that comes after that makes a step of its own. So partial tells
    in any order give one state, a synchronous engine learns without delay, and a lost group holds
    its step back by one step only.
    """

    positions = ("groups",)

    def __init__(self) -> None:
        self.groups = np.empty((0, 4), np.int64)  # (M, 4) step, position, solved, scored

    def add(self, positions: Positions, wins: Rewards, policy_steps: NDArray[np.int64]) -> None:
        """Hold groups with wins (m, G) of 1, 0 or NaN; those without any number are left out."""
        solved, scored = (wins == 1).sum(axis=1), (wins == wins).sum(axis=1)  # (m,)
        heard = np.column_stack([policy_steps, positions, solved, scored])[scored > 0]
        groups = np.concatenate([self.groups, heard.astype(np.int64)])
        self.groups = groups[np.lexsort(groups.T[::-1])]

    def complete(self, in_flight: int) -> list[ToldStep]:
        """The complete steps, oldest first, which are held no longer; `in_flight` is open asks."""
        steps = self.groups[:, 0]
        due = len(steps) if in_flight == 0 else int(np.searchsorted(steps, steps.max(initial=0)))
        told, self.groups = self.groups[:due], self.groups[due:]
        parts = np.split(told, np.flatnonzero(np.diff(told[:, 0])) + 1) if due else []
        return [ToldStep(int(part[0, 0]), part[:, 1], part[:, 2], part[:, 3]) for part in parts]

    def remap(self, state: State, old_positions: NDArray[np.int64]) -> State:
        """See `Stateful.remap`: groups of problems that are gone are dropped."""
        moved = super().remap({**state, "groups": np.empty(0, np.int64)}, old_positions)
        groups = np.array(state["groups"])  # (M, 4)
        new_position = np.full(max(groups[:, 1].max(initial=-1), old_positions.max()) + 1, -1)
        known = old_positions >= 0
        new_position[old_positions[known]] = np.flatnonzero(known)
        groups[:, 1] = new_position[groups[:, 1]]
        groups = groups[groups[:, 1] >= 0]
        moved["groups"] = groups[np.lexsort(groups.T[::-1])]
        return moved
