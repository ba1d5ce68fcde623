"""Samplers from parts: an estimate of the success rates, a score of them, a draw."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Rewards, Sampler
from lessonplan.selection.blocks import Blocks
from lessonplan.selection.draws import Draw, proportional, thompson, uniform
from lessonplan.selection.estimators import Estimate
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.scores import Array, Scores
from lessonplan.selection.success import SOLVED, Success


class Parts(Sampler):
    """Estimate how often each problem is solved, score the estimates, draw by the scores.

    Most published methods are one choice of these three (`Learnability`, `MoPPS`, ...):

        Parts(pool, estimate=BetaDecay(len(pool)), score=learnability, draw=proportional)

    `score` maps rates (c,) to scores (c,), higher is wanted; an unseen problem of an estimate
    without a prior counts as solved at the rate `prior`. `draw` is `proportional`, `top_k`, or
    another draw with its arguments bound: `functools.partial(softmax, tau=0.1)`. `thompson` scores
    a rate drawn from each posterior instead of its mean.

    Each slot is uniform over the pool with chance `floor`, so that no problem starves and a
    forgotten one is found again (.05 is ours); all are, until `warmup` policy steps were heard.

    Only the scores of told problems change, and they are kept in `Blocks`: at a million problems
    `proportional` and `top_k` take about 1 ms for 512, other draws a pass over the pool.
    """

    values = ("estimate", "step", "asked_rate")

    def __init__(
        self,
        pool: Pool,
        *,
        estimate: Estimate,
        score: Callable[[Array], Scores],
        draw: Draw = proportional,
        thompson: bool = False,
        prior: float = 0.5,
        floor: float = 0.05,
        warmup: int = 0,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        if not 0 <= prior <= 1:
            raise ValueError(f"prior must lie in [0, 1], got {prior!r}")
        self.estimate, self.score, self.draw = estimate, score, draw
        self.thompson, self.prior, self.floor = thompson, prior, floor
        self.warmup, self.success = warmup, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.step = 0  # policy steps heard of
        self.asked_rate = prior  # mean estimate over the last ask
        self._restored()

    def rates(self, positions: Positions) -> Array:  # (c,)
        """The estimated success rates, `prior` where there is none."""
        rates = self.estimate.mean(positions)
        return np.where(np.isnan(rates), self.prior, rates)

    def ask(self, n: int) -> Positions:  # (n,)
        blind = n if self.step < self.warmup else int(self.rng.binomial(n, self.floor))
        busy = self.ledger.busy
        if self.thompson:
            chosen = thompson(
                self.rng, self.estimate, self.score, n - blind, busy=busy, draw=self.draw
            )
        else:
            chosen = self.draw(self.rng, self.table, n - blind, busy=busy)
        picks = self.ledger.take(chosen)
        if blind:
            picks = np.concatenate([picks, self.ledger.take(uniform(self.rng, blind, busy=busy))])
        if n:
            self.asked_rate = float(self.rates(picks).mean())
        return picks

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)  # (m,)
        told, wins = feedback.positions[was_open], wins[was_open]
        self.estimate.update(told, wins)
        self.step = max(self.step, steps_heard(wins, feedback.policy_steps[was_open]))
        if not self.thompson:
            self.table.set(told, self.score(self.rates(told)))

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "estimated_success": self.asked_rate}

    def _restored(self) -> None:
        if not self.thompson:
            self.table = Blocks(self.score(self.rates(np.arange(len(self.ledger.busy)))))


def steps_heard(wins: Rewards, policy_steps: NDArray[np.int64]) -> int:
    """One more than the latest policy step with a scorable group; 0 without any."""
    return int(policy_steps[(wins == wins).any(axis=1)].max(initial=-1)) + 1
