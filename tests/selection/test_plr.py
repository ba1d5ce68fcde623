import numpy as np
import pytest

from lessonplan.selection import Feedback
from lessonplan.selection.plr import PLR, plr_weights
from lessonplan.selection.scores import abs_advantage
from lessonplan.selection.testing import CHECKS, everything, small_pool

SAMPLERS = {
    "proportionate": lambda pool, seed: PLR(pool, seed=seed),
    "fixed": lambda pool, seed: PLR(
        pool, schedule="fixed", rho=0.3, score="learnability", beta=1.0, seed=seed
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name], everything)


def test_weights_golden():
    """Run against level-replay: beta .1, staleness share .1."""
    scores, stale = np.array([0.5, 0.1, 0.9, 0.3, 0.7]), np.array([5.0, 1, 0, 2, 3])
    expected = [0.04547, 0.00909, 0.89911, 0.01818, 0.02815]
    np.testing.assert_allclose(plr_weights(scores, stale), expected, atol=5e-6)
    padded = plr_weights(np.append(scores, np.nan), np.append(stale, 9))
    np.testing.assert_allclose(padded, [*expected, 0], atol=5e-6)


def told(sampler, picks, solved, step, of=8):
    wins = np.arange(of) < np.asarray(solved)[:, None]
    sampler.tell(Feedback(picks, wins.astype(float), np.full(len(picks), step)))


def seen(scores=(1, 4, 2, 0, 3), **options):
    """A sampler that has asked and heard everything; problem i was solved scores[i] times."""
    sampler = PLR(small_pool(len(scores)), floor=0.0, **options)
    picks = sampler.ask(len(scores))
    told(sampler, picks, np.asarray(scores)[picks], 0)
    return sampler


def test_replays_follow_the_weights():
    sampler, counts = seen(beta=0.5, stale_share=0.4, seed=3), np.zeros(5)
    sampler.asked_at = np.array([0, 4, 5, 3, 2])
    state, trials = sampler.state_dict(), 2000
    rng = sampler.rng
    for _ in range(trials):
        sampler.load_state_dict({**state, "rng": sampler.state_dict()["rng"]})
        counts[sampler.ask(1)] += 1
    assert sampler.rng is rng
    np.testing.assert_allclose(
        sampler.score, abs_advantage(np.array([1, 4, 2, 0, 3]), np.full(5, 8))
    )
    stale = np.array([5.0, 1, 0, 2, 3])
    expected = plr_weights(sampler.score, stale, beta=0.5, stale_share=0.4)
    np.testing.assert_allclose(counts / trials, expected, atol=0.04)


def test_staleness_counts_slots_since_the_last_ask():
    sampler = seen()
    assert sorted(sampler.asked - sampler.asked_at) == [0, 1, 2, 3, 4]
    picks = sampler.ask(1)
    told(sampler, picks, [3], 1)
    assert sampler.asked - sampler.asked_at[picks[0]] == 0
    assert sorted(sampler.asked - sampler.asked_at)[1:] >= [1, 2, 3, 4]


def test_proportionate_asks_each_once_first():
    sampler, picks = PLR(small_pool(40), floor=0.0), []
    for step in range(8):
        picks.append(sampler.ask(5))
        told(sampler, picks[-1], np.full(5, 4), step)
    assert len(np.unique(picks)) == 40
    assert sampler.metrics()["seen"] == 1


def test_going_back_to_an_earlier_state_forgets_what_was_asked_since():
    sampler = PLR(small_pool(40), floor=0.0)
    told(sampler, sampler.ask(10), np.full(10, 4), 0)
    state = sampler.state_dict()
    expected = sampler.ask(30)
    assert len(np.unique(expected)) == 30
    sampler.load_state_dict(state)
    np.testing.assert_array_equal(sampler.ask(30), expected)


def test_proportionate_replays_with_the_share_seen():
    sampler, new = PLR(small_pool(2000), rho=0.25, floor=0.0, seed=1), []
    for step in range(250):
        fresh = sampler.asked_at < 0
        picks = sampler.ask(8)
        new.append(fresh[picks].mean())
        told(sampler, picks, np.full(8, 4), step)
        if step == 62:
            assert np.mean(new) == 1  # up to 500 of 2000
    assert np.mean(new[63:]) == pytest.approx(0.53, abs=0.04)  # mean of .75 exp(-.004 t)


def test_fixed_replays_with_one_chance():
    sampler, new = PLR(small_pool(4000), schedule="fixed", rho=0.01, nu=0.3, floor=0.0), []
    for step in range(200):
        fresh = sampler.asked_at < 0
        picks = sampler.ask(8)
        new.append(fresh[picks].mean())
        told(sampler, picks, np.full(8, 4), step)
    assert np.mean(new[10:]) == pytest.approx(0.3, abs=0.04)


def test_the_score_is_that_of_the_last_group():
    sampler = seen((0, 8), score="learnability")
    assert sampler.score.tolist() == [0, 0]
    picks = sampler.ask(2)
    told(sampler, picks, [4, 2], 1)
    assert sampler.score[picks].tolist() == [0.25, 0.1875]
    picks = sampler.ask(2)
    sampler.tell(Feedback(picks, np.full((2, 4), np.nan), np.ones(2, np.int64)))
    assert sorted(sampler.score) == [0.1875, 0.25]


@pytest.mark.parametrize(
    "wrong",
    [{"rho": 2}, {"nu": -1}, {"beta": 0.0}, {"score": "gae"}, {"schedule": "often"}, {"floor": 2}],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        PLR(small_pool(3), **wrong)
