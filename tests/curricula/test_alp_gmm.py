import json

import numpy as np
import pytest

from lessonplan.curricula.alp_gmm import ALPGMM, Mixture, Places, level_knobs, scaled
from lessonplan.errors import PoolError, StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, Ledger, state_from_json, state_to_json
from lessonplan.selection.testing import CHECKS, everything


def two_knobs(pool):
    """Two numbers for each problem, which stay with its id."""
    if len(pool) > 100:
        return np.random.default_rng(0).random((len(pool), 2))
    number = np.array([int(name.lstrip("q")) for name in pool.ids])
    return np.column_stack([number * 37 % 101, number % 3])


SAMPLERS = {
    "levels": lambda pool, seed: ALPGMM(pool, seed=seed),
    "knobs": lambda pool, seed: ALPGMM(pool, knobs=two_knobs(pool), refit=400, seed=seed),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name], everything)


def pool_of(n):
    return Pool([Problem(id=f"p{i}", prompt="", answer="", level=1 + i % 5) for i in range(n)])


def tell(sampler, picks, step, rates, group_size=8):
    wins = np.arange(group_size) < np.round(group_size * np.asarray(rates))[:, None]
    sampler.tell(Feedback(picks, wins.astype(float), np.full(len(picks), step)))


def test_progress_is_the_difference_to_the_nearest_earlier_group():
    knobs = np.array([0, 0.1, 0.2, 0.5, 0.8, 0.9, 1, 0.12, 0.6, 0.2])
    sampler = ALPGMM(pool_of(10), knobs=knobs)

    def hear(step, positions, rates):
        tell(sampler, sampler.ledger.take(np.array(positions)), step, rates)
        told = sampler.buffer.complete(sampler.ledger.in_flight)
        for each in told:
            sampler._learn(each)
        return sampler.told[-len(positions) :, -2]

    first = hear(0, [0, 1, 2, 3, 4], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(first, 0)
    np.testing.assert_array_equal(hear(1, [5], [0.5]), 0)  # 5 are remembered, 6 are needed
    # .12 is nearest to .1, .6 to .5, and 1 to .9
    np.testing.assert_allclose(hear(2, [6, 7, 8], [1, 1, 0.5]), [0.5, 0.75, 0.25])
    # .1 was told before, .2 is now nearest to position 2 at the same place
    np.testing.assert_allclose(hear(3, [1, 9], [0, 0]), [0.25, 0.5])
    # of equally near groups the latest counts: .2 was .5 in step 0, and 0 in step 3
    np.testing.assert_allclose(hear(4, [2, 9], [0.25, 1]), [0.25, 1])
    assert sampler.heard == 13


def test_groups_of_one_step_are_not_compared_with_each_other():
    sampler = ALPGMM(pool_of(20))
    picks = sampler.ask(20)
    tell(sampler, picks, 0, np.arange(20) % 2)
    sampler.ask(1)
    assert sampler.metrics()["learning_progress"] == 0


def test_250_groups_are_uniform_then_every_250_a_mixture_is_fitted():
    sampler = ALPGMM(pool_of(500), seed=1)
    fits, gaussians = [], []
    for step in range(16):
        picks = sampler.ask(50)
        fits.append(sampler.fits)
        gaussians.append(sampler.mixture.size)
        tell(sampler, picks, step, sampler.rng.random(50))
    assert fits == [0] * 5 + [1] * 5 + [2] * 5 + [3]
    assert gaussians[:5] == [0] * 5 and min(gaussians[5:]) >= 2
    levels = [ALPGMM(pool_of(500), seed=s).ask(1)[0] % 5 for s in range(500)]
    assert np.bincount(levels, minlength=5).min() > 70  # of 100 each


def test_a_fit_finds_the_groups_that_move():
    rng = np.random.default_rng(0)
    x = rng.random(250)
    moving = (x > 0.4) & (x < 0.6)
    mixture = Mixture(1)
    mixture.fit(np.column_stack([x, np.where(moving, 0.5, 0.0)]), rng)
    points = mixture.draw(1000, rng)[:, 0]
    assert np.mean((points > 0.38) & (points < 0.62)) > 0.95
    chances = mixture.progress[: mixture.size]
    assert chances @ mixture.centers[: mixture.size, 0] / chances.sum() == pytest.approx(
        0.5, abs=0.05
    )


def test_gaussians_are_drawn_by_progress_and_points_are_clipped():
    mixture = Mixture(2)
    mixture.size = 3
    mixture.progress[:3] = (0.3, 0.0, 0.1)
    mixture.centers[:3] = ((0.2, 0.2), (0.5, 0.5), (0.9, 0.8))
    mixture.factors[:3] = 0.01 * np.array([[1, 0], [2, 1]])
    points = mixture.draw(4000, np.random.default_rng(1))
    low = points[:, 0] < 0.4
    assert np.mean(low) == pytest.approx(0.75, abs=0.03)
    assert not np.any(np.abs(points[:, 0] - 0.5) < 0.2)
    np.testing.assert_allclose(np.cov(points[low].T), [[1e-4, 2e-4], [2e-4, 5e-4]], rtol=0.1)
    mixture.progress[:] = 0
    points = mixture.draw(4000, np.random.default_rng(1))  # without progress all the same
    assert np.mean(points[:, 0] < 0.4) == pytest.approx(1 / 3, abs=0.03)
    mixture.factors[:] = 10 * np.eye(2)
    points = mixture.draw(100, np.random.default_rng(1))
    assert points.min() == 0 and points.max() == 1


def test_points_with_nothing_to_tell_apart_are_no_mixture():
    mixture = Mixture(1)
    mixture.fit(np.ones((250, 2)), np.random.default_rng(0))
    assert mixture.size == 0
    mixture.fit(np.repeat([[0.0, 0.0], [1.0, 0.0]], 125, axis=0), np.random.default_rng(0))
    assert mixture.size == 2


@pytest.mark.parametrize("grid", [False, True])
def test_nearest_free_is_that_of_a_search_over_all(grid):
    rng = np.random.default_rng(3)
    knobs = rng.integers(0, 5, size=(300, 2)) / 4 if grid else rng.random((300, 2))
    ledger = Ledger(300)
    ledger.take(rng.permutation(300)[:150])
    points = rng.random((20, 2)) * 0.1 + 0.4  # a crowd, which exhausts the nearest places
    picks = Places(knobs).nearest_free(points, ledger, rng)
    assert len(set(picks.tolist())) == 20 and not ledger.busy[picks].any()
    free = np.flatnonzero(ledger.busy == 0)
    first = np.linalg.norm(knobs[free] - points[0], axis=1).min()
    assert np.linalg.norm(knobs[picks[0]] - points[0]) == pytest.approx(first)
    for s, pick in enumerate(picks):  # nobody left over is nearer
        left = np.setdiff1d(free, picks)
        nearest = np.linalg.norm(knobs[left] - points[s], axis=1).min()
        assert np.linalg.norm(knobs[pick] - points[s]) <= nearest + 1e-12
    everyone = Places(knobs).nearest_free(rng.random((150, 2)), ledger, rng)
    np.testing.assert_array_equal(np.sort(everyone), free)


def test_problems_with_the_same_knobs_are_taken_at_random():
    places, rng = Places(np.repeat([[0.0], [1.0]], 50, axis=0)), np.random.default_rng(0)
    picks = [int(places.nearest_free(np.zeros((1, 1)), Ledger(100), rng)[0]) for _ in range(500)]
    counts = np.bincount(picks, minlength=100)
    assert counts[:50].min() > 0 and counts[50:].sum() == 0


def share_asked(rates, low, high, seed, steps=24):
    """The share of the latest half of the asks with a knob in [low, high]."""
    rng = np.random.default_rng(seed)
    knobs = rng.random(4000)
    sampler = ALPGMM(pool_of(4000), knobs=knobs, seed=seed)
    asked = []
    for step in range(steps):
        picks = sampler.ask(64)
        asked.append(sampler.knobs[picks, 0])
        tell(sampler, picks, step, rates(sampler.knobs[picks, 0], step))
    late = np.concatenate(asked[steps // 2 :])
    return float(np.mean((late >= low) & (late <= high)))


def test_it_goes_where_the_rates_move_and_nowhere_else_if_none_do():
    def moving(x, step):  # learned and forgotten in turn between .6 and .8
        return np.where((x > 0.6) & (x < 0.8), step // 2 % 2, 0.0)

    def still(x, step):
        return np.zeros(len(x))

    assert share_asked(moving, 0.55, 0.85, seed=2) > 0.6  # uniform: .3
    shares = [share_asked(still, 0.55, 0.85, seed=seed) for seed in range(4)]
    assert np.mean(shares) == pytest.approx(0.3, abs=0.1)


def test_a_fifth_stays_uniform():
    sampler = ALPGMM(pool_of(5000), knobs=np.linspace(0, 1, 5000), seed=1)
    sampler.mixture.size = 1
    sampler.mixture.progress[0] = 1.0
    sampler.mixture.centers[0] = 0.1
    sampler.mixture.factors[0] = 0.01
    far = []
    for step in range(20):
        picks = sampler.ask(100)
        far.append(np.mean(sampler.knobs[picks, 0] > 0.3))
        sampler.tell(Feedback(picks, np.full((100, 1), np.nan), np.full(100, step)))
    assert np.mean(far) == pytest.approx(0.2 * 0.7, abs=0.025)


def test_a_restart_between_two_fits_changes_no_pick():
    whole, resumed = ALPGMM(pool_of(300), seed=4), ALPGMM(pool_of(300), seed=5)
    rng = np.random.default_rng(0)
    for step in range(16):
        if step == 9:
            text = json.dumps(state_to_json(whole.state_dict()), allow_nan=False)
            resumed.load_state_dict(state_from_json(json.loads(text)))
        picks, rates = whole.ask(40), rng.random(40)
        tell(whole, picks, step, rates)
        if step >= 9:
            np.testing.assert_array_equal(resumed.ask(40), picks)
            tell(resumed, picks, step, rates)
    assert resumed.fits == whole.fits == 2


def test_knobs_by_default_are_level_and_family():
    problems = [
        Problem(id=f"{family}{level}", prompt="", answer="", level=level, family=family)
        for family in ("a", "b")
        for level in (1, 3, 5)
    ]
    expected = [[0, 1, 0], [0.5, 1, 0], [1, 1, 0], [0, 0, 1], [0.5, 0, 1], [1, 0, 1]]
    np.testing.assert_array_equal(ALPGMM(Pool(problems)).knobs, expected)
    np.testing.assert_array_equal(level_knobs(Pool(problems[:3])), [[1], [3], [5]])
    with pytest.raises(StateError):  # other families, other knobs
        ALPGMM(Pool(problems[:3])).load_state_dict(ALPGMM(Pool(problems)).state_dict())


def test_knobs_are_scaled_and_one_that_never_varies_is_0():
    given = np.array([[5, 2, -1], [15, 2, 1], [10, 2, 0]])
    np.testing.assert_array_equal(scaled(given, 3), [[0, 0, 0], [1, 0, 1], [0.5, 0, 0.5]])
    np.testing.assert_array_equal(scaled([3, 1], 2), [[1], [0]])


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"knobs": np.zeros((4, 2))}, ValueError, r"shape \(5, K\), got \(4, 2\)"),
        ({"knobs": [1, 2, 3, np.nan, 5]}, ValueError, "knobs must be finite"),
        ({"knobs": np.ones((5, 2))}, PoolError, "a knob that varies"),
        ({"refit": 9}, ValueError, "refit must be at least 10, got 9"),
        ({"floor": -0.1}, ValueError, r"floor must lie in \[0, 1\], got -0.1"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, text):
    with pytest.raises(error, match=text):
        ALPGMM(pool_of(5), **arguments)
