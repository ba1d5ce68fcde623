"""Adaptive difficulty: practice what the policy solves about as often as wanted."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.arms import least_shares
from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Rewards, Sampler
from lessonplan.selection.draws import Weights, arms, lottery, probabilities
from lessonplan.selection.estimators import BetaDecay
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.scores import tent
from lessonplan.selection.state import Stateful
from lessonplan.selection.success import SOLVED, Success


class AdaptiveDifficulty(Sampler):
    """Draw problems, or levels, in proportion to how near their success rate is to a target.

    The weight is 1 - |p - target| / max(target, 1 - target): 1 on the target, 0 at the end of
    [0, 1] farther from it. At 1/2 it is sharper than the learnability p (1 - p), which still
    gives a problem of p = .1 more than a third of the best weight, but no cliff: rates from
    groups of 8 err by .18. A share `floor` of the slots is uniform, so that no problem starves
    and a forgotten one is found again.

    by="problem": p is a `BetaDecay` estimate per problem, with a prior of two rollouts centered
    on the target, so that an unseen problem counts as wanted. Memory: about 2 groups.

    by="level": every told group is scored by its own success rate, and a level's weight is the
    mean of these scores; averaging the rates first would call a level good that is half solved
    and half hopeless. Groups lose half their say every `half_life` policy steps. Within a level
    the problems come from a shuffled list. Use it when problems are fresh and never repeat.

    The idea is that of AdaRFT (2504.05520) and MoPPS (2507.04632); the weight and the level form
    are ours.
    """

    unit = "problem or level"
    values = ("choice",)

    def __init__(
        self,
        pool: Pool,
        *,
        target: float = 0.5,
        by: Literal["problem", "level"] = "problem",
        half_life: float = 5.0,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 < target < 1:
            raise ValueError(f"target must lie between 0 and 1, got {target!r}")
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        self.success = success
        self.rng = np.random.default_rng(seed)
        self.choice: ByProblem | ByLevel
        if by == "problem":
            self.choice = ByProblem(len(pool), target, floor)
            self.ledger = Ledger(len(pool))
        elif by == "level":
            self.choice = by_level = ByLevel(pool, target, floor, half_life, seed)
            self.ledger = Ledger(len(pool), pool.levels, n_lists=len(by_level.lists))
        else:
            raise ValueError(f'by must be "problem" or "level", got {by!r}')

    def ask(self, n: int) -> Positions:  # (n,)
        return self.choice.ask(n, self.rng, self.ledger)

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)  # (m,)
        self.choice.update(
            feedback.positions[was_open], wins[was_open], feedback.policy_steps[was_open]
        )

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), **self.choice.metrics()}


class ByProblem(Stateful):
    """The choice among single problems."""

    values = ("estimate", "asked_rate")

    def __init__(self, size: int, target: float, floor: float) -> None:
        self.target, self.floor = target, floor
        self.estimate = BetaDecay(size, lam=0.5, a0=2 * target, b0=2 * (1 - target))
        self.asked_rate = target  # mean estimate over the last ask

    def weight(self, positions: Positions) -> Weights:  # (c,)
        return tent(self.estimate.mean(positions), self.target)

    def ask(self, n: int, rng: np.random.Generator, ledger: Ledger) -> Positions:  # (n,)
        picks = lottery(rng, self.weight, n, busy=ledger.busy, floor=self.floor)
        self.asked_rate = float(self.estimate.mean(picks).sum() / n) if n else self.target
        return ledger.take(picks)

    def update(self, positions: Positions, wins: Rewards, steps: NDArray[np.int64]) -> None:
        self.estimate.update(positions, wins)

    def metrics(self) -> dict[str, float]:
        return {"estimated_success": self.asked_rate}


class ByLevel(Stateful):
    """The choice among levels, then the next problem of that level's list."""

    values = ("scores", "groups", "step", "lists")

    def __init__(
        self, pool: Pool, target: float, floor: float, half_life: float, seed: int
    ) -> None:
        if half_life <= 0:
            raise ValueError(f"half_life must be positive, got {half_life!r}")
        if not pool.levels.any():
            raise PoolError('by="level" needs levels, and no problem of this pool has one')
        self.target, self.decay = target, 0.5 ** (1 / half_life)
        n_levels = max(11, int(pool.levels.max()) + 1)  # 0 is unknown; fixed, as pools change
        self.levels = pool.levels  # (N,)
        self.present, sizes = np.unique(pool.levels, return_counts=True)  # (P,)
        self.least = least_shares(sizes, floor)  # (P,)
        self.scores = np.zeros(n_levels)  # (C,) decayed sum of the groups' scores
        self.groups = np.zeros(n_levels)  # (C,) decayed number of groups
        self.step = 0  # the latest policy step heard of
        self.lists = tuple(
            Rounds(np.flatnonzero(pool.levels == level), (seed, level)) for level in range(n_levels)
        )

    def weights(self) -> Weights:  # (C,)
        """The chance of each level: 0 for absent ones; unheard ones count as on the target."""
        mean = (self.scores + 1) / (self.groups + 1)  # a prior group with the best score
        chances = np.zeros(len(mean))
        rest = 1 - self.least.sum()
        chances[self.present] = self.least + rest * probabilities(mean[self.present])
        return chances

    def ask(self, n: int, rng: np.random.Generator, ledger: Ledger) -> Positions:  # (n,)
        turns = arms(rng, self.weights(), n, free=ledger.free)
        return fill_slots(turns, self.lists, ledger)

    def update(self, positions: Positions, wins: Rewards, steps: NDArray[np.int64]) -> None:
        scorable = np.count_nonzero(~np.isnan(wins), axis=1)  # (m,)
        heard = scorable > 0
        if not heard.any():
            return
        rate = np.nansum(wins[heard], axis=1) / scorable[heard]
        latest = max(self.step, int(steps[heard].max()))
        self.scores *= self.decay ** (latest - self.step)
        self.groups *= self.decay ** (latest - self.step)
        self.step = latest
        # aged by policy step, not by arrival: late tells in any order give the same state
        age = self.decay ** (latest - steps[heard])
        levels = self.levels[positions[heard]]
        np.add.at(self.scores, levels, age * tent(rate, self.target))
        np.add.at(self.groups, levels, age)

    def metrics(self) -> dict[str, float]:
        weights = self.weights()
        return {"mean_level": float(weights @ np.arange(len(weights)))}
