"""LIM: keep the problems whose success rates rise as the average problem's do (LIMR).

Offline, over the log of a whole run: `epoch_curves`, `lim_scores`, `select`. While training:
the sampler `LIM`. Source: Li et al., "LIMR: Less is More for RL Scaling", arXiv 2502.11886.
"""

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.draws import Weights
from lessonplan.selection.rolling import Rolling
from lessonplan.selection.scores import Array, lim
from lessonplan.selection.success import SOLVED, Success


class LIM(Rolling):
    """Practice the problems whose latest rates follow the average problem's (rolling form, ours).

    Keeps the problems whose last `window` visits score above `threshold` against the mean curve,
    where column k holds every problem's k-th latest visit. Kept ones are drawn equally often. See
    `Rolling` for the rest. The threshold is the paper's.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        window: int = 8,
        threshold: float = 0.6,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        super().__init__(pool, window=window, floor=floor, success=success, seed=seed)
        self.threshold = threshold

    def wanted(self, curves: Array) -> Weights:  # (c,)
        return (lim(curves, self.curve.mean()) > self.threshold).astype(np.float64)
