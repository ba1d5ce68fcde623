"""Every problem equally often: the baseline that every other sampler has to beat."""

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Positions, Sampler
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots


class Uniform(Sampler):
    """Shuffle the pool, walk through it, shuffle again.

    After e full epochs each problem was asked exactly e times, whatever the batch sizes, also
    across a restart. The order of epoch e depends on the seed and e alone. Rewards are ignored.
    """

    values = ("rounds",)

    def __init__(self, pool: Pool, *, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), np.zeros(len(pool), np.int8))
        self.rounds = Rounds(np.arange(len(pool)), (seed,))

    def ask(self, n: int) -> Positions:  # (n,)
        return fill_slots(np.zeros(n, np.int64), [self.rounds], self.ledger)

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "epoch": float(self.rounds.round)}
