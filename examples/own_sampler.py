"""A sampler of your own: its contract, a study and a simulation that name it, the command line.

python examples/own_sampler.py
In its folder, a shell takes the name too: PYTHONPATH=. lessonplan samplers own_sampler:LastMixed
"""

import tempfile
from pathlib import Path

import numpy as np

from lessonplan import cli
from lessonplan.generators import Pool
from lessonplan.selection import SOLVED, Feedback, Last, Ledger, Positions, Sampler, lottery
from lessonplan.selection.testing import check_sampler
from lessonplan.training.config import load_study


class LastMixed(Sampler):
    """Draw problems whose last group was mixed, or that are new, ten times as often as others."""

    values = ("estimate",)  # what a saved state holds, beside the generator and the ledger

    def __init__(self, pool: Pool, *, others: float = 0.1, seed: int = 0) -> None:
        self.others = others
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))  # asked and not yet told
        self.estimate = Last(len(pool))  # success rate of every problem's last group

    def weight(self, positions: Positions) -> np.ndarray:  # (c,)
        p = self.estimate.mean(positions)  # NaN where unseen
        return np.where((p == 0) | (p == 1), self.others, 1.0)

    def ask(self, n: int) -> Positions:  # (n,)
        return self.ledger.take(lottery(self.rng, self.weight, n, busy=self.ledger.busy))

    def tell(self, feedback: Feedback) -> None:
        was_open = self.ledger.release(feedback.positions)  # (m,) told twice teaches once
        wins = SOLVED(feedback.rewards)  # (m, G) 1, 0, or NaN: an error is not a failure
        self.estimate.update(feedback.positions[was_open], wins[was_open])


NAMED = """
name = "mine"
{own}
[arms.mixed_ones]
sampler = "own_sampler:LastMixed"   # a module that Python finds, and the class in it
args = {{ others = 0.2 }}
"""

if __name__ == "__main__":
    check_sampler(lambda pool, seed: LastMixed(pool, seed=seed))  # names the first broken rule
    folder = Path(tempfile.mkdtemp())
    study, scenario = folder / "study.toml", folder / "scenario.toml"
    study.write_text(NAMED.format(own='[grid]\narms = ["uniform", "mixed_ones"]'))
    print(load_study(str(study)).arm("mixed_ones"))  # then: lessonplan study study.toml
    scenario.write_text(NAMED.format(own='target = 0.6\nsamplers = ["mixed_ones"]\nworlds = 6'))
    assert cli.main(["samplers", "own_sampler:LastMixed"]) == 0
    assert cli.main(["simulate", str(scenario), "-o", str(folder / "report")]) == 0
