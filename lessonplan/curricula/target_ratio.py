"""A fixed mixture of what is trained on, rather than of what is asked."""

from collections.abc import Mapping

import numpy as np

from lessonplan.curricula.arm_estimators import Kept
from lessonplan.curricula.arms import ArmSampler, ArmStep, By
from lessonplan.curricula.gates import Gate, ZeroVariance
from lessonplan.curricula.static import Tiers
from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Rewards
from lessonplan.selection.draws import Weights
from lessonplan.selection.success import SOLVED, Success

_ZERO_VARIANCE = ZeroVariance()


class TargetRatioAfterGate(ArmSampler):
    """Ask arm c in proportion to weight_c / keep_c, so that accepted groups have the weights.

    A gate refuses more groups of hard and easy arms than of others, and shifts the mixture that
    was asked for. keep_c is the running share of the arm's groups that `gate` accepts (it fades
    by `a` a step), judged here on the raw rewards: give the gate of the Curriculum. keep_c counts
    as at least `least_keep`, so that an arm whose groups are all refused is asked at most
    1 / least_keep times as often as its weight says, and then falls short. The idea is MT-GRPO's
    (arXiv 2602.05547); the defaults a = .1 and least_keep = .05 are ours.

    `weights` names arms, by default the tiers easy, medium and hard, in equal parts. An arm of
    weight 0 or not named is never asked; the others need no floor, since their weights are one.
    """

    by_arm = ("kept",)

    def __init__(
        self,
        pool: Pool,
        *,
        weights: Mapping[str, float] | None = None,
        by: By = "tier",
        tiers: Tiers | None = None,
        gate: Gate = _ZERO_VARIANCE,
        a: float = 0.1,
        least_keep: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if weights is not None and not (
            all(0 <= weight < np.inf for weight in weights.values()) and any(weights.values())
        ):
            raise ValueError(f"weights must be finite, at least 0, not all 0; got {dict(weights)}")
        if not 0 < least_keep <= 1:
            raise ValueError(f"least_keep must lie in (0, 1], got {least_keep!r}")
        only = None if weights is None else [name for name, weight in weights.items() if weight > 0]
        super().__init__(pool, by=by, tiers=tiers, only=only, floor=0.0, success=success, seed=seed)
        self.wanted = np.array([1.0 if weights is None else weights[name] for name in self.names])
        self.gate, self.least_keep = gate, least_keep
        self.kept = Kept(len(self.names), a=a)

    def weights(self) -> Weights:  # (C,)
        return self.wanted / np.maximum(self.kept.share(), self.least_keep)

    def outcomes(self, rewards: Rewards) -> Rewards:  # (m, 1) 1 accepted, 0 refused
        accepted = self.gate.accepts(rewards, self.success)[:, None]
        unscorable = np.isnan(rewards).all(axis=1, keepdims=True)
        return np.where(unscorable, np.nan, accepted)

    def learn(self, told: ArmStep) -> None:
        self.kept.update(*told.success_rates(), np.bincount(told.arms)[np.unique(told.arms)])

    def metrics(self) -> dict[str, float]:
        kept = dict(zip(self.names, self.kept.share().tolist(), strict=True))
        return {**super().metrics(), **{f"kept_{name}": share for name, share in kept.items()}}
