"""Parts put together."""

from functools import partial

import numpy as np
import pytest

from lessonplan.selection import EMA, BetaDecay, Feedback, top_k
from lessonplan.selection.draws import softmax
from lessonplan.selection.parts import Parts
from lessonplan.selection.scores import hard, learnability, target
from lessonplan.selection.testing import CHECKS, everything, small_pool


def parts(pool, seed, **options):
    settings = {"estimate": BetaDecay(len(pool)), "score": learnability, **options}
    return Parts(pool, seed=seed, **settings)


SAMPLERS = {
    "parts": lambda pool, seed: parts(pool, seed, warmup=3),
    "softmax": lambda pool, seed: parts(pool, seed, draw=partial(softmax, tau=4e-4)),
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
