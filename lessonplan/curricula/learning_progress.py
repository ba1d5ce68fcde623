"""Practice the arms whose success rate changes most, up or down."""

from collections.abc import Mapping

import numpy as np

from lessonplan.curricula.arm_estimators import FastSlow, Values, progress
from lessonplan.curricula.arms import ArmSampler, ArmStep, By
from lessonplan.generators.pool import Pool
from lessonplan.selection.draws import Weights
from lessonplan.selection.success import SOLVED, Success

_MOST_BASELINE = 0.75  # of Syllabus: above it the rest of the scale is too short to measure on


class LearningProgress(ArmSampler):
    """Arms in proportion to sigmoid(z), z the standard score of |R(fast) - R(slow)|.

    Kanitscheider et al. (arXiv 2106.14876). fast and slow are averages of the arm's success rate
    with factor `a`, R stretches low rates (see `progress`). It sees forgetting, which p (1 - p)
    does not. Arms without progress and without success do not count in the standard score and get
    nothing but the floor: without it, an arm that begins at 0 is never asked again.

    `baseline` is the success rate of guessing, one number, or one by an arm's name, of which at
    most .75 counts: rates are counted from there up, (p - baseline) / (1 - baseline), and a rate
    below it as 0. An arm not heard of yet counts as the best one (ours).

    A sigmoid favors no arm much: one that moves far more than the others gets at most about twice
    their weight. Use it where several arms improve at once and none should be dropped.
    """

    by_arm = ("rates",)

    def __init__(
        self,
        pool: Pool,
        *,
        by: By = "level",
        a: float = 0.1,
        baseline: float | Mapping[str, float] = 0.0,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        super().__init__(pool, by=by, floor=floor, success=success, seed=seed)
        by_name = baseline if isinstance(baseline, Mapping) else dict.fromkeys(self.names, baseline)
        base = np.array([by_name.get(name, 0.0) for name in self.names])  # (C,)
        if not set(by_name) <= set(self.names) or not np.all((base >= 0) & (base <= 1)):
            raise ValueError(
                "baseline must be a rate in [0, 1], or one by name for some of the arms"
                f" {', '.join(self.names)}; got {baseline!r}"
            )
        self.baseline = np.minimum(base, _MOST_BASELINE)  # (C,)
        self.rates = FastSlow(len(self.names), a=a)

    def weights(self) -> Weights:  # (C,)
        moved = progress(self.rates.fast, self.rates.slow)  # (C,)
        unheard = np.isnan(moved)
        moved[unheard] = np.max(moved, where=~unheard, initial=0.0)
        alive = unheard | (moved > 0) | (self.rates.fast > 0)  # (C,)
        weights = np.zeros(len(moved))
        weights[alive] = 1 / (1 + np.exp(-_standard_scores(moved[alive])))
        return weights

    def learn(self, told: ArmStep) -> None:
        seen, rates = told.success_rates()
        base = self.baseline[seen]
        self.rates.update(seen, np.maximum(rates - base, 0.0) / (1 - base))


def _standard_scores(values: Values) -> Values:
    """(v - mean) / standard deviation (ddof 0), 0 when all are equal."""
    if not len(values) or np.ptp(values) == 0:
        return np.zeros(len(values))
    return np.asarray((values - values.mean()) / values.std())
