"""Practice the arms whose rollouts have the largest advantages."""

from typing import Literal

from lessonplan.curricula.arm_estimators import (
    ArmQ,
    FastSlow,
    arm_means,
    boltzmann,
    checked_tau,
    progress,
)
from lessonplan.curricula.arms import ArmSampler, ArmStep, By
from lessonplan.generators.pool import Pool
from lessonplan.selection.draws import Weights
from lessonplan.selection.scores import abs_advantage
from lessonplan.selection.success import SOLVED, Success


class SEC(ArmSampler):
    """Q_c <- (1 - a) Q_c + a r_c after each step, arms in proportion to exp(Q / tau).

    Self-Evolving Curriculum (arXiv 2505.14970). r_c is the mean absolute advantage of the arm's
    rollouts in the step: with value="normalized" the advantages are divided by the group's
    standard deviation as in GRPO, with "raw" they are not, and "progress" takes the progress score
    of the arm's success rate instead (ours). Groups of one rollout have no advantage and are left
    out.

    a = .5 is the paper's experiments', its configuration file has .1. tau is 1 for Countdown, .4
    for MATH, .2 for arms of type x difficulty; with values below .94, tau = 1 is never far from
    uniform. Q starts at `init`: the paper's 0 is low, and favors the arms heard first; .94 is
    optimistic. In compat="released" an arm without groups in a step decays as if its r were 0.

    Use it with few arms, each asked in most steps.
    """

    by_arm = ("q", "rates")

    def __init__(
        self,
        pool: Pool,
        *,
        by: By = "level",
        value: Literal["normalized", "raw", "progress"] = "normalized",
        a: float = 0.5,
        tau: float = 0.4,
        init: float = 0.0,
        compat: Literal["paper", "released"] = "paper",
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        super().__init__(pool, by=by, floor=floor, success=success, seed=seed)
        if value not in ("normalized", "raw", "progress"):
            raise ValueError(f'value must be "normalized", "raw" or "progress", got {value!r}')
        if compat not in ("paper", "released"):
            raise ValueError(f'compat must be "paper" or "released", got {compat!r}')
        self.value, self.compat, self.tau = value, compat, checked_tau(tau)
        self.q = ArmQ(len(self.names), a=a, init=init)
        self.rates = FastSlow(len(self.names))  # for "progress"

    def weights(self) -> Weights:  # (C,)
        return boltzmann(self.q.q, self.tau)

    def learn(self, told: ArmStep) -> None:
        if self.value == "progress":
            seen, rates = told.success_rates()
            self.rates.update(seen, rates)
            r = progress(self.rates.fast, self.rates.slow)[seen]
        else:
            arms, k, g = told.of_two_or_more()
            advantage = abs_advantage(k, g, normalized=self.value == "normalized")
            seen, r = arm_means(arms, advantage, g)
        self.q.update(seen, r, others_decay=self.compat == "released")
