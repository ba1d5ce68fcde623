"""Samplers that score the curve of each problem's last visits: LINEAR and historical variance."""

from abc import abstractmethod

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import Weights, lottery
from lessonplan.selection.estimators import Curve
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds
from lessonplan.selection.scores import Array, linear, variance
from lessonplan.selection.success import SOLVED, Success

_LOOK_AHEAD = 64  # places looked at beyond those needed, to pass busy problems in one stride


class Rolling(Sampler):
    """Draw problems by the curve of their last `window` success rates; write `wanted`.

    Every problem is asked once, in random order. After that problems are drawn in proportion to
    their weight; a share `floor` of the slots is uniform over the pool. If all weights are 0, all
    slots are uniform, and an ask is a pass over the pool (250 ms for a million problems,
    measured). Problems that were never scored weigh 1.

    `window` 8 is ours (it costs 16 bytes a problem).
    """

    values = ("unasked", "curve")

    def __init__(
        self,
        pool: Pool,
        *,
        window: int = 8,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        self.floor, self.success = floor, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.unasked = Rounds(np.arange(len(pool)), (seed,))  # its first round alone
        self.curve = Curve(len(pool), window)

    @abstractmethod
    def wanted(self, curves: Array) -> Weights:
        """Weights (c,) in [0, 1] of curves (c, K), newest last, NaN before a first visit."""

    def weight(self, positions: Positions) -> Weights:  # (c,)
        """The weights that a draw uses."""
        curves = self.curve.last[positions]  # (c, K)
        return np.where(np.isnan(curves[:, -1]), 1.0, self.wanted(curves))

    def ask(self, n: int) -> Positions:  # (n,)
        first = take_unasked(self.unasked, n, self.ledger)
        missing = n - len(first)
        drawn = lottery(self.rng, self.weight, missing, busy=self.ledger.busy, floor=self.floor)
        return np.concatenate([first, self.ledger.take(drawn)])

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        self.curve.update(feedback.positions[was_open], wins[was_open])

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "unasked": float(len(self.unasked.rest))}


class LINEAR(Rolling):
    """Practice the problems whose latest rates climb on a straight line to 1 (rolling form, ours).

    Keeps a problem while s = 1 - sum_k (r_k - l_k)^2 / sum_k (1 - l_k)^2 > `threshold`, where l
    is the line from its first remembered rate to 1. LIMR (2502.11886) compares with a LINEAR
    baseline at threshold .7 and gives no formula; this one is ours. A problem whose first
    remembered rate is 1 is not kept; one with fewer than `window` visits is, since a line through
    two visits would ask for all the progress at once. Use it as LIM's baseline.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        window: int = 8,
        threshold: float = 0.7,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        super().__init__(pool, window=window, floor=floor, success=success, seed=seed)
        self.threshold = threshold

    def wanted(self, curves: Array) -> Weights:  # (c,)
        young = np.isnan(curves[:, 0])
        return (young | (linear(curves) > self.threshold)).astype(np.float64)


class HistoricalVariance(Rolling):
    """Practice the problems whose success rate varied most over their last visits.

    The weight is twice the standard deviation of the remembered rates, so it lies in [0, 1]; a
    problem visited once weighs 1. The score is that of 2504.20571, which ranks a finished run by
    it once; the rolling form is ours. Groups of G at a steady rate p vary by sqrt(p (1 - p) / G),
    so it also favors p near 1/2.
    """

    def wanted(self, curves: Array) -> Weights:  # (c,)
        visits = np.count_nonzero(~np.isnan(curves), axis=1)  # (c,), the last ones of each row
        weights = np.ones(len(curves))
        for count in range(2, curves.shape[1] + 1):
            rows = visits == count
            weights[rows] = 2 * variance(curves[rows, -count:])
        return weights


def take_unasked(unasked: Rounds, n: int, ledger: Ledger) -> Positions:
    """Up to n of the problems whose turn has not come in the first round, marked in the ledger.

    Those in flight, because another sampler shares the pool, wait; no second round begins.
    """
    ahead = unasked.rest[: n + _LOOK_AHEAD]
    free = int(np.count_nonzero(ledger.busy[ahead] == 0))
    return unasked.take(min(n, free), ledger)
