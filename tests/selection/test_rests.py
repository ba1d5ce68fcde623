"""Wrappers that let problems rest."""

from functools import partial

import numpy as np
import pytest

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.selection import EMA, Feedback, Uniform
from lessonplan.selection.estimators import BetaDecay
from lessonplan.selection.parts import Parts
from lessonplan.selection.rests import Cooldown, MaxReuse, Retest
from lessonplan.selection.scores import hard, learnability
from lessonplan.selection.testing import CHECKS, everything, same_state, small_pool


def parts(pool, seed, **options):
    settings = {"estimate": BetaDecay(len(pool)), "score": learnability, **options}
    return Parts(pool, seed=seed, **settings)


SAMPLERS = {
    "cooldown of uniform": lambda pool, seed: Cooldown(Uniform(pool, seed=seed), steps=3),
    "all three": lambda pool, seed: MaxReuse(
        Retest(Cooldown(AdaptiveDifficulty(pool, seed=seed), steps=2), every=3), n=5
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name], everything)


def tell(sampler, picks, wins, step):
    sampler.tell(Feedback(np.asarray(picks), np.array(wins, float), np.full(len(picks), step)))


def learn(sampler, solved, of=8, step=0):
    """Ask all problems, and tell that problem i was solved solved[i] times."""
    picks = sampler.ask(len(solved))
    tell(sampler, picks, np.arange(of) < np.asarray(solved)[picks][:, None], step)


def test_cooldown_keeps_a_problem_away_for_its_steps():
    sampler = Cooldown(Uniform(small_pool(40), seed=0), steps=3)
    asked = {}
    for step in range(60):
        picks = sampler.ask(8)
        for problem in picks.tolist():
            assert step - asked.get(problem, -9) > 3
            asked[problem] = step
        tell(sampler, picks, np.ones((8, 2)), step)


def test_cooldown_ends_early_when_too_few_are_left():
    sampler = Cooldown(Uniform(small_pool(10), seed=0), steps=100)
    for step in range(4):
        picks = sampler.ask(4)
        assert len(set(picks.tolist())) == 4
        tell(sampler, picks, np.ones((4, 2)), step)
    until = sampler.rests.until.copy()
    assert (until > 100).all()
    picks = sampler.ask(4)
    assert sorted(until[picks]) == sorted(until)[:4], "the rest next to end must end first"


def test_a_resting_problem_hears_no_second_tell():
    for wrapper in (
        partial(Cooldown, steps=5),
        partial(Retest, patience=1),
        partial(MaxReuse, n=1),
    ):
        sampler = wrapper(parts(small_pool(10), 0))
        picks = sampler.ask(4)
        tell(sampler, picks, np.ones((4, 2)), 0)
        before = sampler.state_dict()
        tell(sampler, picks, np.zeros((4, 2)), 0)
        assert same_state(sampler.state_dict(), before)


def test_max_reuse_uses_all_before_it_begins_again():
    sampler = MaxReuse(parts(small_pool(12), 0, score=hard, estimate=EMA(12)), n=2)
    uses = np.zeros(12, int)
    for step in range(12):
        picks = sampler.ask(4)
        np.add.at(uses, picks, 1)
        if step < 6:
            assert uses.max() <= 2
        tell(sampler, picks, picks[:, None] < np.full((4, 3), 6), step)
    assert uses.min() >= 2 and uses.sum() == 48


def test_retest_sets_settled_problems_aside_and_comes_back():
    pool = small_pool(60)
    sampler = Retest(Uniform(pool, seed=0), every=10, share=0.25, seed=1)
    rng = np.random.default_rng(0)
    asked = np.zeros((90, 60))
    for step in range(90):
        picks = sampler.ask(8)
        asked[step, picks] += 1
        rate = np.choose(picks % 3, [1.0, 0.0, 0.5])
        if step > 60:
            rate = np.where(picks % 3 == 1, 0.5, rate)  # what was unsolvable is learned
        tell(sampler, picks, rng.random((8, 8)) < rate[:, None], step)
    kinds = np.arange(60) % 3
    early, late = asked[30:60].sum(axis=0), asked[75:].sum(axis=0)
    mean = [early[kinds == kind].mean() for kind in range(3)]
    assert max(mean[:2]) < 0.5 * mean[2]
    assert min(mean[:2]) * 20 > 0.1 * 8 * 30 / 2 / 2  # a tenth of the slots, at least half of it
    assert late[kinds == 1].mean() > 2 * late[kinds == 0].mean()


def test_one_unlucky_group_settles_nothing():
    sampler = Retest(Uniform(small_pool(10), seed=0), every=10)
    learn(sampler, np.zeros(10))
    assert not sampler.rests.until.any()
    learn(sampler, [0, 8, *[4] * 8], step=1)
    assert sampler.rests.until.tolist() == [12, *[0] * 9]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda child: Cooldown(child, steps=0),
        lambda child: MaxReuse(child, n=0),
        lambda child: Retest(child, every=0),
        lambda child: Retest(child, share=0),
        lambda child: Retest(child, patience=0),
    ],
)
def test_wrappers_refuse_arguments_out_of_range(wrong):
    with pytest.raises(ValueError, match="must"):
        wrong(Uniform(small_pool(5)))
