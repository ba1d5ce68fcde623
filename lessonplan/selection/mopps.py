"""MoPPS: draw a success rate from what is believed of each problem, ask those near one half."""

from functools import partial
from typing import Literal

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Positions, Rewards
from lessonplan.selection.draws import top_k
from lessonplan.selection.estimators import BetaDecay, visits
from lessonplan.selection.parts import Parts
from lessonplan.selection.scores import band
from lessonplan.selection.scores import target as nearness
from lessonplan.selection.success import SOLVED, Success


class MoPPS(Parts):
    """Thompson sampling of the problems whose success rate is nearest to a target.

    Every problem has a Beta posterior that forgets (`BetaDecay`, `lam` .5: about two groups; the
    released configuration's 1.0 never forgets, and lags a policy that learns). An ask draws a rate
    from each posterior and takes those nearest to `target`; select="threshold" takes random ones
    with a drawn rate in [`lo`, `hi`], then those nearest to it. Above 100,000 problems the rates of
    16 n random ones are drawn. Source: arXiv 2507.04632 (code: thu-rllab/MoPPS, Apache-2.0).

    compat="released": a group of one sets alpha = beta = 8, whatever came out.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        target: float = 0.5,
        select: Literal["topk", "threshold"] = "topk",
        lo: float = 0.3,
        hi: float = 0.7,
        lam: float = 0.5,
        compat: Literal["paper", "released"] = "paper",
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if select not in ("topk", "threshold"):
            raise ValueError(f'select must be "topk" or "threshold", got {select!r}')
        if compat not in ("paper", "released"):
            raise ValueError(f'compat must be "paper" or "released", got {compat!r}')
        if not 0 <= lo <= hi <= 1:
            raise ValueError(f"need 0 <= lo <= hi <= 1, got {lo!r} and {hi!r}")
        near = partial(nearness, t=target) if select == "topk" else partial(band, lo=lo, hi=hi)
        beta = BetaDecay if compat == "paper" else ReleasedBeta
        super().__init__(
            pool,
            estimate=beta(len(pool), lam=lam),
            score=near,
            draw=top_k,
            thompson=True,
            floor=floor,
            success=success,
            seed=seed,
        )


class ReleasedBeta(BetaDecay):
    """`BetaDecay` as released: a group of one rollout sets alpha = beta = 8."""

    def update(self, positions: Positions, wins: Rewards) -> None:
        super().update(positions, wins)
        for i, _, g in visits(positions, wins):
            self.alpha[i] = np.where(g == 1, 8.0, self.alpha[i])
            self.beta[i] = np.where(g == 1, 8.0, self.beta[i])
