"""Practice the arms with large advantages, and those that were seldom tried."""

import numpy as np

from lessonplan.curricula.arm_estimators import ArmWindow, boltzmann, checked_tau, ucb
from lessonplan.curricula.arms import ArmSampler, ArmStep, By
from lessonplan.generators.pool import Pool
from lessonplan.selection.draws import Weights
from lessonplan.selection.success import SOLVED, Success


class DUMP(ArmSampler):
    """Arms in proportion to exp(UCB_c / tau), UCB_c = mu_c + sqrt(2 ln(n + 1) / (n_c + 1)).

    DUMP (arXiv 2504.09710). mu_c is the mean of the arm's last `window` = 300 absolute advantages,
    divided by the group's standard deviation as in GRPO; n_c counts all rollouts of the arm, n of
    all arms. An unheard arm has mu = 0. Groups of one rollout have no advantage and are left out.

    The bonus counts rollouts and is spent soon: .08 after 3000 each. With the paper's tau = .1 the
    best arm then takes nearly everything (.9996 against means of .2 and 0): keep the floor.
    """

    by_arm = ("advantages",)

    def __init__(
        self,
        pool: Pool,
        *,
        by: By = "level",
        window: int = 300,
        tau: float = 0.1,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        super().__init__(pool, by=by, floor=floor, success=success, seed=seed)
        self.tau = checked_tau(tau)
        self.advantages = ArmWindow(len(self.names), window)

    def weights(self) -> Weights:  # (C,)
        return boltzmann(ucb(self.advantages.mean(), self.advantages.n), self.tau)

    def learn(self, told: ArmStep) -> None:
        arms, k, g = told.of_two_or_more()
        # what this step itself pushes out of the window again is counted, not written: a step of
        # 512 groups has 4096 rollouts, and the windows of five arms hold 1500
        order = np.argsort(arms, kind="stable")  # (m,) groups by arm, oldest first
        ends = np.cumsum(np.bincount(arms, g, len(self.names)))  # (C,)
        stays = ends[arms[order]] - np.cumsum(g[order]) < self.advantages.ring.shape[1]  # (m,)
        gone, last = order[~stays], order[stays]
        self.advantages.n += np.bincount(arms[gone], g[gone], len(self.names)).astype(np.int64)
        arms, k, g = arms[last], k[last], g[last]
        spread = np.sqrt(k * (g - k) / (g * (g - 1)))  # (m,) standard deviation, ddof 1
        spread[spread == 0] = 1.0
        # of each group: k rollouts with the advantage of the solved, then g - k with the others'
        sizes = np.column_stack([1 - k / g, k / g]) / spread[:, None]  # (m, 2)
        times = np.column_stack([k, g - k])  # (m, 2)
        self.advantages.update(np.repeat(arms, g), np.repeat(sizes.ravel(), times.ravel()))
