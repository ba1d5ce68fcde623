"""Practice the arms whose learning curves are steepest."""

from typing import Literal

import numpy as np

from lessonplan.curricula.arm_estimators import (
    ArmQ,
    ArmWindow,
    Values,
    boltzmann,
    checked_tau,
    slope,
)
from lessonplan.curricula.arms import ArmSampler, ArmStep, By
from lessonplan.generators.pool import Pool
from lessonplan.selection.draws import Weights
from lessonplan.selection.success import SOLVED, Success

Variant = Literal["online", "naive", "window", "sampling"]


class TSCL(ArmSampler):
    """Arms by the change of their success rate: Teacher-Student Curriculum Learning (1707.00183).

    An arm's score in a step is the success rate over its rollouts there; steps are the time.

    * "sampling" (default): one of the arm's last `window` changes from score to score, drawn at
      random once an ask, and 1 for an arm with fewer than two scores;
    * "window": the least-squares slope of its last `window` scores on their times, 1 likewise;
    * "online": Q <- Q + a (change - Q) in every step; the change of an arm not practiced is 0;
    * "naive": the same Q, moved only when the arm has `window` new scores, by their slope. The
      paper keeps to the arm meanwhile, which a greedy policy does by itself: Q rests.

    policy="greedy" takes the steepest arm, ties shared, and any arm with probability `epsilon`;
    "boltzmann" draws in proportion to exp(slope / tau). The paper takes absolute slopes, to
    practice what is being forgotten; absolute=False is the default of its released code.

    The greedy policy gives whole batches to one arm. Use it when the arms are few and each needs
    long practice; `LearningProgress` spreads more.
    """

    by_arm = ("q", "times", "scores")

    def __init__(
        self,
        pool: Pool,
        *,
        by: By = "level",
        variant: Variant = "sampling",
        policy: Literal["greedy", "boltzmann"] = "greedy",
        absolute: bool = True,
        window: int = 10,
        a: float = 0.1,
        epsilon: float = 0.1,
        tau: float = 4e-4,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        super().__init__(pool, by=by, floor=floor, success=success, seed=seed)
        if variant not in ("online", "naive", "window", "sampling"):
            raise ValueError(
                f'variant must be "online", "naive", "window" or "sampling", got {variant!r}'
            )
        if policy not in ("greedy", "boltzmann"):
            raise ValueError(f'policy must be "greedy" or "boltzmann", got {policy!r}')
        if window < 2:
            raise ValueError(f"window must be at least 2, a slope needs two; got {window!r}")
        if not 0 <= epsilon <= 1:
            raise ValueError(f"epsilon must lie in [0, 1], got {epsilon!r}")
        self.variant, self.policy, self.absolute = variant, policy, absolute
        self.window, self.epsilon, self.tau = window, epsilon, checked_tau(tau)
        self.q = ArmQ(len(self.names), a=a)  # for "online" and "naive"
        self.times = ArmWindow(len(self.names), window + 1)  # (C, w + 1): w changes
        self.scores = ArmWindow(len(self.names), window + 1)

    def slopes(self) -> Values:  # (C,)
        """How steep each arm is; draws for "sampling"."""
        if self.variant in ("online", "naive"):
            return self.q.q
        if self.variant == "window":
            steep = self._slopes()
        else:
            changes = np.diff(self.scores.last(), axis=1)  # (C, w), newest last
            known = np.clip(self.scores.n - 1, 0, self.window)  # (C,)
            back = 1 + self.rng.integers(np.maximum(known, 1))
            steep = changes[np.arange(len(changes)), -back]
        return np.where(np.isnan(steep), 1.0, steep)

    def weights(self) -> Weights:  # (C,)
        steep = np.abs(self.slopes()) if self.absolute else self.slopes()
        if self.policy == "boltzmann":
            return boltzmann(steep, self.tau)
        best = steep == steep.max()
        share = best / np.count_nonzero(best)
        return np.asarray(self.epsilon / len(steep) + (1 - self.epsilon) * share)

    def learn(self, told: ArmStep) -> None:
        seen, scores = told.success_rates()
        if self.variant == "online":
            change = scores - self.scores.last()[seen, -1]  # NaN at the first score
            self.q.update(seen, np.nan_to_num(change), others_decay=True)
        self.times.update(seen, np.full(len(seen), float(told.step)))
        self.scores.update(seen, scores)
        if self.variant == "naive":
            full = seen[self.scores.n[seen] % self.window == 0]
            steep = self._slopes()[full]
            self.q.update(full, np.where(np.isnan(steep), 0.0, steep))

    def _slopes(self) -> Values:  # (C,)
        return slope(self.times.last()[:, 1:], self.scores.last()[:, 1:])
