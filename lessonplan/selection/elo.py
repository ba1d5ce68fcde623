"""Elo: rate problems and policy on one scale, and practice the problems that are a fair match."""

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Positions
from lessonplan.selection.cdas import BothSides, sigmoid
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rolling import take_unasked
from lessonplan.selection.rounds import Rounds
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.stepwise import Stepwise
from lessonplan.selection.success import SOLVED, Success


class Elo(Stepwise):
    """Draw half of the batch just below and half just above the policy's rating.

    Problem i has a rating b_i, the policy theta, all 0 at first; E = sigmoid(theta - b_i) is the
    expected success rate. After a policy step, with p the rate found,

        b_i += K (E - p) for the problems told,  theta += K' sum (p - E) over them.

    So every group moves theta, hence the expected rate of every problem: estimates of problems
    not seen for long keep up with a policy that learns. Unlike in CDAS (2505.17652), whose
    difficulties stay in [-1, 1], the scale is free, and E reaches 0 and 1.

    The draw is that of `CDAS`, after every problem was asked once (`warmup`); a share `floor` of
    the slots is uniform. `gain` K = 1 and `policy_gain` K' = 0.01 are ours: a group that misses
    by .5 moves its problem by .5, and 64 groups that all miss by .1 move the policy by .06.
    """

    arrays = ("rating",)
    values = ("competence", "unasked", "sides", "buffer")

    def __init__(
        self,
        pool: Pool,
        *,
        gain: float = 1.0,
        policy_gain: float = 0.01,
        warmup: bool = True,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not (0 < gain < np.inf and 0 <= policy_gain < np.inf):
            raise ValueError(f"need gain > 0 and policy_gain >= 0, got {gain!r}, {policy_gain!r}")
        self.gain, self.policy_gain, self.success = gain, policy_gain, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.rating = np.zeros(len(pool))  # (N,) b
        self.competence = 0.0  # theta
        self.unasked = Rounds(np.arange(len(pool) if warmup else 0), (seed,))  # its first round
        self.sides = BothSides(floor)
        self.buffer = StepBuffer()

    def ask(self, n: int) -> Positions:  # (n,)
        self.catch_up()
        first = take_unasked(self.unasked, n, self.ledger)
        missing = n - len(first)
        near = self.sides.take(self.rng, self.rating, self.competence, missing, self.ledger)
        return np.concatenate([first, near])

    def learn(self, told: ToldStep) -> None:
        """Move the ratings by the groups of one policy step."""
        expected = sigmoid(self.competence - self.rating[told.positions])  # (m,)
        missed = expected - told.solved / told.scored
        self.rating[told.positions] += self.gain * missed
        self.competence -= self.policy_gain * float(missed.sum())

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "competence": self.competence}
