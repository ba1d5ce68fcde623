"""Spend a batch's rollouts where they are most likely to give a gradient (Knapsack RL)."""

import numpy as np
from numpy.typing import NDArray

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Order, Positions, Sampler
from lessonplan.selection.estimators import BetaDecay
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.scores import Array, Scores
from lessonplan.selection.success import SOLVED, Success


def improvement(p: Array) -> Scores:
    """p (1 - p)^2, what a mixed group gains: most at p = 1/3 (Knapsack RL, arXiv 2509.25849)."""
    return np.asarray(p * (1 - p) ** 2, np.float64)


def group_sizes(
    p: Array, budget: int, *, gain: Array | None = None, lo: int = 2, hi: int = 64
) -> NDArray[np.int64]:  # (n,)
    """Rollouts for each of n problems: the most sum of mixed(size; p) gain that `budget` buys.

    The sizes lie in lo..hi and add up to `budget` exactly. From the first rollout on each one
    more is worth less, p^s (1 - p) + (1 - p)^s p times the gain, so taking the best next rollout
    again and again is optimal; between equal ones the smaller group, then the earlier, gets it.
    `gain` (n,) is by default `improvement(p)`. Use shrunken rates: 0 and 1 gain nothing and keep
    the lowest size.
    """
    n = len(p)
    if not 1 <= lo <= hi:
        raise ValueError(f"group sizes need 1 <= lo <= hi, got lo={lo!r}, hi={hi!r}")
    if not n * lo <= budget <= n * hi:
        raise ValueError(
            f"budget must lie in {n * lo}..{n * hi} for {n} groups of {lo}..{hi}, got {budget!r}"
        )
    rates = np.asarray(p, np.float64)
    gains = improvement(rates) if gain is None else np.asarray(gain, np.float64)
    next_size = np.arange(lo, hi)[:, None]  # (hi - lo, 1)
    worth = gains * (rates**next_size * (1 - rates) + (1 - rates) ** next_size * rates)
    best = np.argsort(-worth, axis=None, kind="stable")[: budget - n * lo]
    return lo + np.bincount(best % max(n, 1), minlength=n)


class Knapsack(Sampler):
    """Ask every problem equally often, with group sizes that follow its success rate.

    The problems come as from `Uniform`. A slot is worth `mean_size` rollouts, and n slots share
    n x mean_size among their problems by `group_sizes`: few for a problem that the policy solves
    nearly always, many for one that it solves seldom, since a mixed group is rarer there. p is
    the mean of a `BetaDecay` estimate with prior (1, 1), so that one bad group does not retire a
    problem. Source: Knapsack RL, arXiv 2509.25849; the memory and `hi` are ours.

    Use it with an engine that takes ragged groups, and ask for whole batches: an `ask(1)` leaves
    nothing to share.
    """

    needs = "an engine with ragged groups"
    shapes_groups = True
    values = ("rounds", "estimate", "sizes")

    def __init__(
        self,
        pool: Pool,
        *,
        mean_size: int = 8,
        lo: int = 2,
        hi: int = 64,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 1 <= lo <= mean_size <= hi:
            raise ValueError(
                f"need 1 <= lo <= mean_size <= hi, got lo={lo!r}, mean_size={mean_size!r}, hi={hi!r}"
            )
        self.mean_size, self.lo, self.hi, self.success = mean_size, lo, hi, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), np.zeros(len(pool), np.int8))
        self.rounds = Rounds(np.arange(len(pool)), (seed,))
        self.estimate = BetaDecay(len(pool))
        self.sizes = np.array([mean_size, mean_size])  # smallest and largest of the last order

    def ask(self, n: int) -> Positions:  # (n,)
        return self.order(n).positions

    def order(self, n: int) -> Order:
        picks = fill_slots(np.zeros(n, np.int64), [self.rounds], self.ledger)
        rates = self.estimate.mean(picks)  # (n,)
        rollouts = group_sizes(rates, n * self.mean_size, lo=self.lo, hi=self.hi)
        self.sizes = np.array([rollouts.min(initial=self.hi), rollouts.max(initial=self.lo)])
        return Order(picks, rollouts)

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        self.estimate.update(feedback.positions[was_open], wins[was_open])

    def metrics(self) -> dict[str, float]:
        smallest, largest = self.sizes.tolist()
        return {**super().metrics(), "smallest_group": smallest, "largest_group": largest}
