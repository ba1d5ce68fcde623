import numpy as np

from lessonplan.selection import SOLVED, Feedback, Ledger
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.stepwise import Stepwise, pooled


def test_groups_of_one_problem_in_one_step_are_pooled():
    told = ToldStep(3, np.array([5, 2, 5]), np.array([1, 4, 3]), np.array([2, 4, 6]))
    step, positions, solved, scored = pooled(told)
    assert (step, positions.tolist(), solved.tolist(), scored.tolist()) == (
        3,
        [2, 5],
        [4, 4],
        [4, 8],
    )


class Notes(Stepwise):
    """Writes down what it learns."""

    values = ("buffer",)

    def __init__(self, size):
        self.rng, self.ledger = np.random.default_rng(0), Ledger(size)
        self.success, self.buffer, self.heard = SOLVED, StepBuffer(), []

    def ask(self, n):
        self.catch_up()
        return self.ledger.take(np.flatnonzero(self.ledger.busy == 0)[:n])

    def learn(self, told):
        self.heard.append((told.step, told.positions.tolist(), told.solved.tolist()))


def test_a_step_is_learned_at_the_ask_after_it_is_complete():
    sampler = Notes(9)
    picks = sampler.ask(4)  # 0 1 2 3
    steps = np.array([5, 5, 6, 6])
    rewards = np.array([[1.0, 0], [1, 1], [0, 0], [np.nan, np.nan]])
    first = Feedback(picks[:2], rewards[:2], steps[:2])
    sampler.tell(first)
    sampler.tell(first)  # told before: teaches nothing
    sampler.ask(1)
    assert sampler.heard == []
    sampler.tell(Feedback(picks[2:], rewards[2:], steps[2:]))
    assert sampler.heard == []
    sampler.ask(1)
    assert sampler.heard == [(5, [0, 1], [1, 2])]  # one ask is still open in step 6
