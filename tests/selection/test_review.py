import numpy as np
import pytest

from lessonplan.selection import AtLeast, Feedback, Ledger, Sampler, Uniform
from lessonplan.selection.draws import top_k
from lessonplan.selection.review import Review
from lessonplan.selection.testing import CHECKS, everything, small_pool


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(
        lambda pool, seed: Review(Uniform(pool, seed=seed), share=0.3, interval=2, seed=seed),
        everything,
    )


class Nothing(Sampler):
    """Asks from the end of the pool, so that what is reviewed stands out."""

    def __init__(self, pool):
        self.rng = np.random.default_rng(0)
        self.ledger = Ledger(len(pool))

    def ask(self, n):
        free = np.flatnonzero(self.ledger.busy == 0)
        return self.ledger.take(free[len(free) - n :])


def visit(sampler, position, step, solved, scored=4):
    """One told group of one problem."""
    sampler.ledger.take(np.array([position]))
    sampler.children[0].ledger.take(np.array([position]))
    wins = (np.arange(scored) < solved).astype(float)
    sampler.tell(Feedback(np.array([position]), wins[None], np.array([step])))


def reviewed(sampler, n=10):
    """The reviews of an ask of n, all freed again."""
    picks = sampler.ask(n)
    sampler.tell(Feedback(picks, np.full((n, 1), np.nan), np.full(n, 0)))
    return [int(pick) for pick in picks[: sampler.last_reviews]]


def test_intervals_double_with_every_passed_review():
    sampler = Review(Nothing(small_pool()), share=0.5, interval=10, longest=35)
    visit(sampler, 3, 0, 4)
    assert sampler.due[3] > 1e9  # right once is not mastered
    visit(sampler, 3, 5, 4)
    waits, step = [], 5
    for _ in range(5):
        waits.append(int(sampler.due[3]) - step)
        step = int(sampler.due[3])
        visit(sampler, 3, step, 4)
    assert waits == [10, 20, 35, 35, 35]


def test_a_failed_review_starts_from_the_beginning():
    sampler = Review(Nothing(small_pool()), interval=10)
    for step in (0, 1, 11, 31):
        visit(sampler, 3, step, 4)
    assert (sampler.passed[3], sampler.due[3]) == (2, 71)
    visit(sampler, 3, 71, 3)  # one of four wrong
    assert (sampler.right[3], sampler.passed[3]) == (0, 0) and sampler.due[3] > 1e9
    visit(sampler, 3, 72, 4)
    visit(sampler, 3, 73, 4)
    assert (sampler.passed[3], sampler.due[3]) == (0, 83)


def test_a_visit_before_it_is_due_puts_the_review_off_and_passes_none():
    sampler = Review(Nothing(small_pool()), interval=10)
    for step in (0, 1, 4):
        visit(sampler, 3, step, 4)
    assert (sampler.passed[3], sampler.due[3]) == (0, 14)


def test_the_most_overdue_come_first_and_no_more_than_the_share():
    sampler = Review(Nothing(small_pool()), share=0.2, interval=10)
    for position, step in ((3, 4), (5, 2), (7, 0), (9, 6)):
        visit(sampler, position, step, 4)
        visit(sampler, position, step, 4)
    visit(sampler, 20, 10, 0)
    assert sampler.step == 11
    assert reviewed(sampler) == [7]  # due at 10; the others at 12, 14 and 16
    visit(sampler, 20, 15, 0)
    assert reviewed(sampler) == [7, 5]
    sampler.due[7] = sampler.due[5] = 99
    assert reviewed(sampler) == [3, 9]


def test_the_share_is_kept_over_single_asks():
    sampler = Review(Nothing(small_pool()), share=0.25, interval=1)
    sampler.right[:10], sampler.due[:10] = 2, 0
    sampler.step = 1
    counts = [len(reviewed(sampler, n=1)) for _ in range(40)]
    assert sum(counts) == 10 and counts[:4] == [0, 0, 0, 1]
    sampler.due[:] = 1 << 62
    for _ in range(40):
        assert reviewed(sampler, n=1) == []  # nothing is due, and no slots are saved up
    sampler.due[:10] = 0
    assert sum(len(reviewed(sampler, n=1)) for _ in range(4)) == 1


def test_what_is_in_flight_is_not_reviewed():
    sampler = Review(Nothing(small_pool()), share=1.0, interval=1)
    sampler.right[:2], sampler.due[:2], sampler.step = 2, 0, 1
    first, second = sampler.ask(1), sampler.ask(1)
    assert {int(first[0]), int(second[0])} == {0, 1}
    assert sampler.ask(1)[0] > 1


def test_the_success_rule_decides_what_is_right():
    sampler = Review(Nothing(small_pool()), interval=10, success=AtLeast(0.5))
    for step in range(2):
        sampler.ledger.take(np.array([1]))
        sampler.children[0].ledger.take(np.array([1]))
        rewards = np.array([[0.6, 0.9, np.nan]])  # an error is not a failure
        sampler.tell(Feedback(np.array([1]), rewards, np.array([step])))
    assert sampler.due[1] == 11


def test_one_problem_told_twice_at_once_counts_twice():
    sampler = Review(Nothing(small_pool()), interval=10)
    twice = np.array([6, 6])
    sampler.ledger.take(twice)
    sampler.children[0].ledger.take(twice)
    sampler.tell(Feedback(twice, np.ones((2, 4)), np.array([0, 0])))
    assert sampler.right[6] == 2 and sampler.due[6] == 10


class Unsolved(Sampler):
    """Asks random problems among those not all right in their last two visits."""

    def __init__(self, pool):
        self.rng = np.random.default_rng(0)
        self.ledger = Ledger(len(pool))
        self.right = np.zeros(len(pool))

    def ask(self, n):
        scores = -1.0 * (self.right >= 2)
        return self.ledger.take(top_k(self.rng, scores, n, busy=self.ledger.busy))

    def tell(self, feedback):
        self.ledger.release(feedback.positions)
        i, all_right = feedback.positions, (feedback.rewards == 1).all(axis=1)
        self.right[i] = (self.right[i] + 1) * all_right


def strength_after(share, forgetting, steps=300):
    """Mean skill of 20 mastered problems among 60: it fades, and every visit restores it."""
    child = Unsolved(small_pool(60))
    child.right[:20] = 2
    sampler = Review(child, share=share, interval=10, longest=40)
    sampler.right[:20], sampler.due[:20] = 2, 10
    skill, rng = np.r_[np.ones(20), np.full(40, 0.5)], np.random.default_rng(1)
    for step in range(steps):
        picks = sampler.ask(8)
        wins = (rng.random((8, 8)) < skill[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(8, step)))
        skill[:20] *= 1 - forgetting
        skill[picks[picks < 20]] = 1.0
    return skill[:20].mean()


def test_reviews_keep_what_would_be_forgotten():
    assert strength_after(0.0, 0.01) < 0.1
    assert strength_after(0.2, 0.01) > 0.7


def test_nothing_to_win_where_nothing_is_forgotten():
    assert strength_after(0.0, 0.0) == strength_after(0.2, 0.0) == 1.0


@pytest.mark.parametrize(
    ("options", "text"),
    [({"share": 1.5}, "1.5"), ({"interval": 0}, "0 and 320"), ({"longest": 5}, "20 and 5")],
)
def test_bad_options_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        Review(Uniform(small_pool()), **options)
