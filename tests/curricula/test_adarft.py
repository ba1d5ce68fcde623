import numpy as np
import pytest

from lessonplan.curricula.adarft import AdaRFT, scaled_levels
from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.testing import CHECKS, everything


def by_id(pool):
    """A difficulty of its own for each problem, which stays with its id."""
    return np.array([int(name.lstrip("q")) * 37 % 101 for name in pool.ids], float)


def released(pool, seed):
    difficulty = by_id(pool) if len(pool) < 100 else None
    return AdaRFT(pool, difficulty=difficulty, compat="released", seed=seed)


SAMPLERS = {
    "levels": lambda pool, seed: AdaRFT(pool, seed=seed),
    "released": released,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name], everything)


def pool_of(*levels):
    return Pool([Problem(id=f"p{i}", prompt="", answer="", level=x) for i, x in enumerate(levels)])


def tell(sampler, picks, step, solved, group_size=4):
    """One group a pick, with `solved` successes each."""
    rewards = (np.arange(group_size) < np.broadcast_to(solved, len(picks))[:, None]).astype(float)
    sampler.tell(Feedback(picks, rewards, np.full(len(picks), step)))


def test_target_follows_the_numbers_of_the_formula():
    sampler = AdaRFT(pool_of(*[1] * 8), floor=0)
    targets = []
    picks = sampler.ask(2)
    for step, rate in enumerate((0.75, 0.5, 0.25, 1, 1, 0)):
        tell(sampler, picks, step, round(4 * rate))
        picks = sampler.ask(2)
        targets.append(sampler.target)
    expected = (23.1059, 23.1059, 0, 38.0797, 76.1594, 38.0797)
    np.testing.assert_allclose(targets, expected, atol=5e-5)
    assert sampler.metrics()["target_difficulty"] == targets[-1]


def test_target_stays_between_0_and_100():
    sampler = AdaRFT(pool_of(*range(1, 9)), start=90, floor=0)
    for step, solved in enumerate([4] * 4):
        tell(sampler, sampler.ask(4), step, solved)
    sampler.ask(1)
    assert sampler.target == 100


def test_rate_is_the_share_of_scorable_rollouts_of_the_whole_step():
    sampler = AdaRFT(pool_of(*[1] * 8), floor=0)
    picks = sampler.ask(3)
    rewards = np.array([[1, 1, 1, 0], [1, np.nan, np.nan, np.nan], [np.nan] * 4], float)
    for j in (2, 0, 1):  # told one by one, learned at once
        sampler.tell(Feedback(picks[[j]], rewards[[j]], np.zeros(1, np.int64)))
        assert sampler.target == 0
    sampler.ask(1)
    assert sampler.target == pytest.approx(50 * np.tanh(2 * (4 / 5 - 0.5)))


GOLDEN = np.array([10, 20, 20, 30, 40, 50, 60.0])
SEVEN = pool_of(*[1] * 7)


def test_released_asks_the_same_batch_while_the_target_rests():
    sampler = AdaRFT(SEVEN, difficulty=GOLDEN, compat="released", floor=0)
    for step in range(5):
        picks = sampler.ask(3)
        np.testing.assert_array_equal(picks, [0, 1, 2])
        tell(sampler, picks, step, 0)
    assert sampler.target == 0


@pytest.mark.parametrize("start", [0.0, 15.0, 20.0, 37.5, 100.0])
def test_released_is_a_stable_sort_by_distance(start):
    rng = np.random.default_rng(5)
    difficulty = rng.integers(0, 8, size=200) * 12.5  # every value many times
    pool = pool_of(*[1] * 200)
    for n in (1, 10, 60, 200):
        sampler = AdaRFT(pool, difficulty=difficulty, compat="released", start=start, floor=0)
        expected = np.argsort(np.abs(difficulty - start), kind="stable")
        np.testing.assert_array_equal(sampler.ask(n), expected[:n])
    sampler = AdaRFT(pool, difficulty=difficulty, compat="released", start=start, floor=0)
    singles = [int(sampler.ask(1)[0]) for _ in range(60)]  # passes over what is in flight
    np.testing.assert_array_equal(singles, expected[:60])


def test_ours_takes_the_least_recent_of_the_4n_nearest():
    difficulty = np.arange(40) * 2.5
    sampler = AdaRFT(pool_of(*[1] * 40), difficulty=difficulty, start=51, eta=0, floor=0)
    for step in range(8):  # 12 candidates, 37.5 to 65, in fours of 3: all of them, twice
        if step % 4 == 0:
            left = set(range(15, 27))
        picks = sampler.ask(3)
        assert set(picks.tolist()) <= left
        left -= set(picks.tolist())
        tell(sampler, picks, step, 2)
    assert not left


def test_a_batch_of_one_passes_over_what_is_in_flight():
    difficulty = np.arange(40) * 2.5
    sampler = AdaRFT(pool_of(*[1] * 40), difficulty=difficulty, start=50, eta=0, floor=0)
    picks = [int(sampler.ask(1)[0]) for _ in range(20)]
    assert len(set(picks)) == 20
    assert np.abs(np.array(picks) - 20).max() <= 12  # 20 taken and the 4 nearest free


def test_problems_of_one_difficulty_come_in_turn():
    pool = pool_of(*[1] * 3000, *[2] * 3000)
    sampler, asked = AdaRFT(pool, eta=0, floor=0, seed=1), np.zeros(6000, np.int64)
    for step in range(300):
        picks = sampler.ask(10)
        asked[picks] += 1
        tell(sampler, picks, step, 2)
    assert not asked[3000:].any()
    # 3,000 slots for 3,000 problems: at random 63 % were seen, the nearest 40 alone would be 1 %
    assert np.count_nonzero(asked) > 2200


def test_a_share_of_the_slots_is_uniform():
    sampler = AdaRFT(pool_of(*[1 + i % 10 for i in range(1000)]), eta=0, floor=0.2, seed=1)
    hard = 0
    for step in range(100):
        picks = sampler.ask(20)
        hard += np.count_nonzero(sampler.difficulty[picks] > 0)
        tell(sampler, picks, step, 2)
    assert 300 < hard < 420  # .9 of a fifth of 2,000


def test_difficulty_from_levels_fills_the_scale():
    np.testing.assert_allclose(scaled_levels(pool_of(2, 4, 3, 6)), [0, 50, 25, 100])
    np.testing.assert_array_equal(scaled_levels(pool_of(5, 5)), [0, 0])
    with pytest.raises(PoolError, match="2 of 3 have no level; pass difficulty="):
        AdaRFT(pool_of(0, 3, 0))
    AdaRFT(pool_of(0, 3, 0), difficulty=[1, 2, 3])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"difficulty": [1, 2]}, r"\(7,\), got \(2,\)"),
        ({"difficulty": [1, 2, 3, np.nan, 4, 5, 6]}, "got nan at position 3"),
        ({"difficulty": [1, 2, 3, 4, 4, 101, 6]}, "got 101.0 at position 5"),
        ({"start": -1}, r"start must lie in \[0, 100\], got -1"),
        ({"beta": 2}, "beta lie in"),
        ({"eta": np.inf}, "eta and alpha must be at least 0"),
        ({"floor": 2}, r"floor must lie in \[0, 1\], got 2"),
        ({"compat": "old"}, '"paper" or "released", got \'old\''),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        AdaRFT(SEVEN, **arguments)


def skill(sampler, pool, seed, null=False):
    """What a simulated policy has learned after 80 steps; each group teaches by its variance."""
    rng, skill = np.random.default_rng(seed), 1.0
    for step in range(80):
        picks = sampler.ask(32)
        chance = 0.5 if null else 1 / (1 + np.exp(-2 * (skill - pool.levels[picks])))
        wins = rng.random((32, 8)) < np.broadcast_to(chance, 32)[:, None]
        skill += np.mean(wins.mean(axis=1) * (1 - wins.mean(axis=1)))
        sampler.tell(Feedback(picks, wins.astype(float), np.full(32, step)))
    return skill


def test_it_beats_uniform_where_order_matters_and_not_where_it_cannot():
    pool = pool_of(*[1 + i % 10 for i in range(1000)])
    for seed in range(3):
        uniform, ours = Uniform(pool, seed=seed), AdaRFT(pool, seed=seed)
        assert skill(ours, pool, seed) > 1.3 * skill(uniform, pool, seed)
        uniform, ours = Uniform(pool, seed=seed), AdaRFT(pool, seed=seed)
        null = skill(ours, pool, seed, null=True)
        assert null == pytest.approx(skill(uniform, pool, seed, null=True), rel=0.02)
