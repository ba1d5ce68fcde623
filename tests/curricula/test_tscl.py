"""TSCL: golden slope, each variant by hand, the contract, and a world with an arm to learn."""

import numpy as np
import pytest

from lessonplan.curricula.arms import ArmStep
from lessonplan.curricula.tscl import TSCL
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.testing import (
    CHECKS,
    a_million_problems_are_no_burden,
    everything,
    nobody_starves,
    told_problems_are_free_again,
)

LEVELS = np.repeat([1, 2, 3, 4], 20)
POOL = Pool([Problem(id=f"p{i}", prompt="", answer="", level=int(x)) for i, x in enumerate(LEVELS)])
THREE = Pool([Problem(id=f"p{i}", prompt="", answer="", level=1 + i % 3) for i in range(12)])


def hear(sampler, steps):
    """Steps as (time, {arm: solved of 20})."""
    for time, scores in steps:
        groups = np.array([(arm, solved, 20) for arm, solved in scores.items()])
        sampler.learn(ArmStep(time, *groups.T))


def test_window_golden():
    sampler = TSCL(THREE, variant="window", floor=0.0)
    hear(sampler, [(0, {0: 2, 1: 5}), (2, {0: 4}), (3, {0: 5}), (7, {0: 12})])
    np.testing.assert_allclose(sampler.slopes(), [0.073077, 1, 1], atol=5e-7)  # below two: 1
    np.testing.assert_allclose(sampler.chances(), [0.1 / 3, 0.1 / 3 + 0.45, 0.1 / 3 + 0.45])


def test_window_takes_the_last_scores_alone():
    sampler = TSCL(THREE, variant="window", window=3)
    hear(sampler, [(t, {0: k}) for t, k in enumerate([20, 0, 20, 2, 3, 4])])
    np.testing.assert_allclose(sampler.slopes()[0], 0.05)


def test_sampling_draws_one_of_the_last_changes():
    sampler = TSCL(THREE, variant="sampling", window=3)
    hear(sampler, [(t, {0: k}) for t, k in enumerate([20, 0, 20, 2, 3, 5])])
    hear(sampler, [(6, {1: 20})])
    draws = np.array([sampler.slopes() for _ in range(300)])
    values, counts = np.unique(draws[:, 0].round(9), return_counts=True)
    np.testing.assert_allclose(values, [-0.9, 0.05, 0.1])
    assert counts.min() > 70
    assert (draws[:, 1:] == 1).all()  # one score, none


def test_online_golden_by_hand():
    sampler = TSCL(THREE, variant="online", a=0.1)
    hear(sampler, [(0, {0: 4, 1: 10})])
    np.testing.assert_array_equal(sampler.slopes(), 0)  # a first score is no change
    hear(sampler, [(1, {0: 12, 1: 8})])
    np.testing.assert_allclose(sampler.slopes(), [0.04, -0.01, 0])
    hear(sampler, [(2, {1: 8})])  # arm 0 was not practiced: its change is 0
    np.testing.assert_allclose(sampler.slopes(), [0.036, -0.009, 0])


def test_naive_moves_after_every_window():
    sampler = TSCL(THREE, variant="naive", window=4, a=0.5)
    hear(sampler, [(t, {0: 2 * t, 1: 20 - t}) for t in range(3)])
    np.testing.assert_array_equal(sampler.slopes(), 0)
    hear(sampler, [(3, {0: 6, 1: 17})])
    np.testing.assert_allclose(sampler.slopes(), [0.05, -0.025, 0])
    hear(sampler, [(t, {0: 6}) for t in (4, 5, 6)])
    np.testing.assert_allclose(sampler.slopes(), [0.05, -0.025, 0])
    hear(sampler, [(7, {0: 6})])
    np.testing.assert_allclose(sampler.slopes(), [0.025, -0.025, 0])


@pytest.mark.parametrize(
    ("arguments", "chances"),
    [
        ({}, [0.1 / 3, 0.1 / 3 + 0.9, 0.1 / 3]),  # the arm that is being forgotten
        ({"absolute": False}, [0.1 / 3 + 0.9, 0.1 / 3, 0.1 / 3]),
        ({"epsilon": 0.0}, [0, 1, 0]),
        ({"policy": "boltzmann"}, [0, 1, 0]),
        ({"policy": "boltzmann", "absolute": False}, [1, 0, 0]),
        ({"policy": "boltzmann", "tau": 0.04}, [0.28695, 0.60748, 0.10557]),
    ],
)
def test_policies(arguments, chances):
    sampler = TSCL(THREE, variant="online", floor=0.0, **arguments)
    sampler.q.q[:] = [0.04, -0.07, 0]
    np.testing.assert_allclose(sampler.chances(), chances, atol=1e-5)


def test_equal_slopes_share():
    sampler = TSCL(THREE, variant="naive", floor=0.0)
    np.testing.assert_allclose(sampler.chances(), 1 / 3)
    np.testing.assert_allclose(TSCL(THREE, policy="boltzmann", floor=0.0).chances(), 1 / 3)


def practiced(sampler, rates, steps, seed):
    """Groups asked of each arm, when the rate of an arm depends on how many it had (4,)."""
    rng, groups = np.random.default_rng(seed), np.zeros(4)
    for number in range(steps):
        picks = sampler.ask(8)
        p = rates(groups)[LEVELS[picks] - 1]
        sampler.tell(
            Feedback(picks, (rng.random((8, 8)) < p[:, None]).astype(float), np.full(8, number))
        )
        groups += np.bincount(LEVELS[picks] - 1, minlength=4)
    return groups


def one_to_learn(groups):  # solved, learned within 400 groups, hopeless twice
    return np.array([1, 1 / (1 + np.exp((200 - groups[1]) / 40)), 0, 0])


@pytest.mark.parametrize("variant", ["sampling", "window", "online", "naive"])
def test_what_can_be_learned_is_practiced_more_than_under_uniform(variant):
    for seed in range(2):
        ours = practiced(TSCL(POOL, variant=variant, seed=seed), one_to_learn, 100, seed)
        uniform = practiced(Uniform(POOL, seed=seed), one_to_learn, 100, seed)
        assert ours[1] > 1.5 * uniform[1]


@pytest.mark.parametrize("variant", ["sampling", "window"])
def test_null_world_no_favorite(variant):
    def alike(groups):
        return np.full(4, 0.5)

    groups = practiced(TSCL(POOL, variant=variant, seed=1), alike, 300, 1)
    np.testing.assert_allclose(groups / groups.sum(), 0.25, atol=0.1)


# the other checks look at the base class, which the default shows as well
BRIEF = [
    check
    for check in CHECKS
    if check not in (nobody_starves, told_problems_are_free_again, a_million_problems_are_no_burden)
]
CONTRACT = {
    "default": ({}, CHECKS),
    "window, boltzmann": ({"variant": "window", "policy": "boltzmann"}, BRIEF),
    "online": ({"variant": "online", "absolute": False}, BRIEF),
    "naive, family": ({"variant": "naive", "by": "family", "window": 2}, BRIEF),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, checks) in CONTRACT.items() for check in checks],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_contract(name, check):
    check(lambda pool, seed: TSCL(pool, seed=seed, **CONTRACT[name][0]), everything)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"variant": "slope"}, 'variant must be "online"'),
        ({"policy": "ucb"}, '"greedy" or "boltzmann"'),
        ({"window": 1}, "window must be at least 2"),
        ({"epsilon": 2}, "epsilon must lie"),
        ({"tau": 0}, "tau must be positive"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        TSCL(POOL, **arguments)
