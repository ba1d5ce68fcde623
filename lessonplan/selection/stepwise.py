"""Samplers that learn once a policy step, from all its groups together."""

from abc import abstractmethod

import numpy as np

from lessonplan.selection.base import Feedback, Sampler
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.success import Success


class Stepwise(Sampler):
    """Holds what is told until its policy step is complete; write `learn`, begin `ask` by `catch_up`.

    A constructor also sets `success` and `buffer`, and `values` names "buffer".
    """

    success: Success
    buffer: StepBuffer

    @abstractmethod
    def learn(self, told: ToldStep) -> None:
        """Hear one policy step, which has one row for each problem."""

    def catch_up(self) -> None:
        """Learn from the policy steps of which nothing more is expected."""
        for told in self.buffer.complete(self.ledger.in_flight):
            self.learn(pooled(told))

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        steps = feedback.policy_steps[was_open]
        self.buffer.add(feedback.positions[was_open], wins[was_open], steps)


def pooled(told: ToldStep) -> ToldStep:
    """The step with one row for each problem: its groups count as one."""
    positions, row = np.unique(told.positions, return_inverse=True)
    if len(positions) == len(row):
        return told
    solved = np.bincount(row, told.solved).astype(np.int64)
    scored = np.bincount(row, told.scored).astype(np.int64)
    return ToldStep(told.step, positions, solved, scored)
