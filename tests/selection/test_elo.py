import numpy as np
import pytest

from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.elo import Elo
from lessonplan.selection.steps import ToldStep
from lessonplan.selection.testing import CHECKS, everything, small_pool


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda pool, seed: Elo(pool, seed=seed), everything)


def test_a_step_by_hand():
    sampler = Elo(small_pool(4), gain=2.0, policy_gain=0.5)
    sampler.learn(ToldStep(0, np.array([0, 1]), np.array([4, 1]), np.array([4, 4])))
    np.testing.assert_allclose(sampler.rating, [-1.0, 0.5, 0, 0])  # 2 (.5 - 1), 2 (.5 - .25)
    assert sampler.competence == pytest.approx(0.125)  # .5 (.5 - .25)
    sampler.learn(ToldStep(1, np.array([0]), np.array([2]), np.array([4])))
    expected = 1 / (1 + np.exp(-1.125))  # of rating -1 at competence .125
    assert sampler.rating[0] == pytest.approx(-1 + 2 * (expected - 0.5))
    assert sampler.competence == pytest.approx(0.125 - 0.5 * (expected - 0.5))


def test_problems_not_seen_follow_the_policy():
    sampler = Elo(small_pool(4), warmup=False, floor=0)
    sampler.rating[:] = [-1, 0, 1, 2]
    for step in range(60):  # the policy gets better on the easy two alone
        sampler.learn(ToldStep(step, np.array([0, 1]), np.array([8, 8]), np.array([8, 8])))
        sampler.rating[:2] = [-1, 0]
    assert sampler.competence > 0.3
    assert set(sampler.ask(2)) == {1, 2}


def test_a_group_that_went_as_expected_moves_nothing():
    sampler = Elo(small_pool(4))
    sampler.learn(ToldStep(0, np.array([2]), np.array([3]), np.array([6])))
    assert not sampler.rating.any() and sampler.competence == 0


@pytest.mark.parametrize("options", [{"gain": 0}, {"policy_gain": -1}, {"floor": 2}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        Elo(small_pool(), **options)


def run(sampler, difficulty, drift, steps=240, n=16, group_size=8):
    """How often each problem was asked, and the share of mixed groups, after a third of the steps."""
    rng, asked, mixed = np.random.default_rng(0), np.zeros(len(difficulty)), []
    for step in range(steps):
        picks = sampler.ask(n)
        rates = 1 / (1 + np.exp(difficulty[picks] - drift * (step / steps - 0.5)))
        wins = (rng.random((n, group_size)) < rates[:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(n, step)))
        if step >= steps // 3:
            np.add.at(asked, picks, 1)
            mixed.append(((wins.mean(axis=1) > 0) & (wins.mean(axis=1) < 1)).mean())
    return asked, np.mean(mixed)


def test_follows_a_policy_that_learns_better_than_uniform():
    pool, difficulty = small_pool(400), np.random.default_rng(1).normal(0, 3, 400)
    assert run(Uniform(pool, seed=1), difficulty, 4.0)[1] < 0.6
    assert run(Elo(pool, seed=1), difficulty, 4.0)[1] > 0.85


def test_nothing_to_win_where_all_are_alike():
    asked, mixed = run(Elo(small_pool(), seed=1), np.zeros(40), 0.0, steps=600, group_size=2)
    assert mixed == pytest.approx(0.5, abs=0.03)  # as for any sampler
    assert asked.min() > 0 and asked.max() < 3 * asked.mean()
