"""Parts put together, and the wrappers that let problems rest."""

from functools import partial

import numpy as np
import pytest

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.selection import EMA, BetaDecay, Feedback, Uniform, testing, top_k
from lessonplan.selection.draws import softmax
from lessonplan.selection.parts import Cooldown, MaxReuse, Parts, Retest
from lessonplan.selection.scores import hard, learnability, target
from lessonplan.selection.testing import CHECKS, everything, small_pool


def parts(pool, seed, **options):
    settings = {"estimate": BetaDecay(len(pool)), "score": learnability, **options}
    return Parts(pool, seed=seed, **settings)


SAMPLERS = {
    "parts": lambda pool, seed: parts(pool, seed, warmup=3),
    "softmax": lambda pool, seed: parts(pool, seed, draw=partial(softmax, tau=4e-4)),
    "cooldown of uniform": lambda pool, seed: Cooldown(Uniform(pool, seed=seed), steps=3),
    "all three": lambda pool, seed: MaxReuse(
        Retest(Cooldown(AdaptiveDifficulty(pool, seed=seed), steps=2), every=3), n=5
    ),
}


def without_ledgers(state):
    """A wrapper's state holds the ledgers of its children, which a tell may change as well."""
    if isinstance(state, list):
        return [without_ledgers(part) for part in state]
    if not isinstance(state, dict):
        return state
    return {name: without_ledgers(part) for name, part in state.items() if name != "ledger"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check, monkeypatch):
    monkeypatch.setattr(testing, "_without_ledger", without_ledgers)
    check(SAMPLERS[name], everything)


def tell(sampler, picks, wins, step):
    sampler.tell(Feedback(np.asarray(picks), np.array(wins, float), np.full(len(picks), step)))


def learn(sampler, solved, of=8, step=0):
    """Ask all problems, and tell that problem i was solved solved[i] times."""
    picks = sampler.ask(len(solved))
    tell(sampler, picks, np.arange(of) < np.asarray(solved)[picks][:, None], step)


def first_picks(sampler, times=3000):
    """How often each problem comes first, without learning anything."""
    counts = np.zeros(len(sampler.ledger.busy))
    for _ in range(times):
        picks = sampler.ask(1)
        counts[picks] += 1
        tell(sampler, picks, [[np.nan]], 0)
    return counts / times


def test_the_three_parts_make_the_chances():
    pool = small_pool(4)
    sampler = parts(pool, 0, estimate=EMA(4), score=hard, floor=0.0)
    np.testing.assert_allclose(first_picks(sampler), 0.25, atol=0.04)  # unseen: all at the prior
    learn(sampler, [0, 2, 6, 8])
    np.testing.assert_allclose(first_picks(sampler), np.array([8, 6, 2, 0]) / 16, atol=0.04)


def test_the_floor_is_a_share_of_uniform_slots():
    pool = small_pool(4)
    sampler = parts(pool, 0, estimate=EMA(4), score=hard, floor=0.4)
    learn(sampler, [0, 8, 8, 8])
    np.testing.assert_allclose(first_picks(sampler), [0.7, 0.1, 0.1, 0.1], atol=0.04)


def test_warmup_is_uniform_for_so_many_policy_steps():
    sampler = parts(small_pool(4), 0, estimate=EMA(4), score=hard, floor=0.0, warmup=2)
    learn(sampler, [0, 8, 8, 8], step=0)
    np.testing.assert_allclose(first_picks(sampler), 0.25, atol=0.04)
    learn(sampler, [0, 8, 8, 8], step=1)
    np.testing.assert_array_equal(first_picks(sampler, 50), [1, 0, 0, 0])


def test_thompson_scores_a_drawn_rate():
    # problem 0 is known to be solved 55 % of the time, nothing is known of problem 1: a uniform
    # rate lies nearer to 1/2 with probability .1, while its mean is there already
    chances = {}
    for thompson in (True, False):
        options = {"score": target, "draw": top_k, "floor": 0.0, "thompson": thompson}
        sampler = parts(small_pool(2), 0, **options)
        learn(sampler, [550_000, 0], of=1_000_000)
        sampler.estimate.alpha[1] = sampler.estimate.beta[1] = 1.0
        sampler._restored()
        chances[thompson] = first_picks(sampler)
    np.testing.assert_allclose(chances[True], [0.9, 0.1], atol=0.03)
    np.testing.assert_array_equal(chances[False], [0, 1])


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="floor must lie"):
        parts(small_pool(3), 0, floor=1.5)
    with pytest.raises(ValueError, match="prior must lie"):
        parts(small_pool(3), 0, prior=-1)


def test_scores_are_kept_up_to_date():
    pool, rng = small_pool(300), np.random.default_rng(0)
    sampler = parts(pool, 1)
    for step in range(20):
        picks = sampler.ask(17)
        tell(sampler, picks, rng.random((17, 4)) < 0.4, step)
    expected = learnability(sampler.estimate.mean(np.arange(300)))
    np.testing.assert_array_equal(sampler.table.values, expected)
    other = parts(pool, 1)
    other.load_state_dict(sampler.state_dict())
    np.testing.assert_array_equal(other.table.values, expected)


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
        assert testing._same(sampler.state_dict(), before)


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
