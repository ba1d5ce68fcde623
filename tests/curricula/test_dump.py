"""DUMP: golden numbers, the contract, and what it finds and does not find."""

import numpy as np
import pytest

from lessonplan.curricula.arms import ArmStep
from lessonplan.curricula.dump import DUMP
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

LEVELS = np.repeat([1, 2, 3, 4, 5], 20)
POOL = Pool([Problem(id=f"p{i}", prompt="", answer="", level=int(x)) for i, x in enumerate(LEVELS)])
THREE = Pool([Problem(id=f"p{i}", prompt="", answer="", level=1 + i % 3) for i in range(12)])


def test_golden_winner_takes_all():
    sampler = DUMP(THREE, floor=0.0)
    for arm, mean in enumerate([1, 0.2, 0]):
        sampler.advantages.update(np.full(3000, arm), np.full(3000, float(mean)))
    np.testing.assert_allclose(sampler.chances(), [0.99962, 0.00034, 0.00005], atol=5.1e-6)


def test_golden_few_rollouts():
    sampler = DUMP(THREE, tau=1.0, floor=0.0)
    sampler.advantages.update(np.full(8, 0), np.full(8, 0.5))
    sampler.advantages.update(np.full(64, 1), np.full(64, 0.4))
    np.testing.assert_allclose(sampler.chances(), [0.17345, 0.08501, 0.74155], atol=1e-5)


def test_the_floor_holds_against_a_winner():
    sampler = DUMP(THREE, floor=0.3)
    sampler.advantages.update(np.repeat([0, 1, 2], 3000), np.repeat([1.0, 0, 0], 3000))
    np.testing.assert_allclose(sampler.chances(), [0.8, 0.1, 0.1], atol=1e-4)


def test_the_window_holds_the_advantages_of_rollouts():
    sampler = DUMP(THREE, window=6)
    arms, solved, scored = np.array([[0, 1, 4], [2, 4, 4], [0, 3, 4], [1, 1, 1]]).T
    sampler.learn(ArmStep(0, arms, solved, scored))
    # 1 of 4: std .5, so 1.5 once and -.5 thrice; 3 of 4: .5 thrice and -1.5 once; six stay
    np.testing.assert_allclose(sampler.advantages.last()[0], [0.5, 0.5, 0.5, 0.5, 0.5, 1.5])
    np.testing.assert_allclose(sampler.advantages.last()[2], [np.nan, np.nan, 0, 0, 0, 0])
    assert sampler.advantages.n.tolist() == [8, 0, 4]  # a group of one has no advantage


@pytest.mark.parametrize("window", [1, 6, 20, 300])
def test_a_step_larger_than_the_window_is_what_its_groups_are_one_by_one(window):
    rng = np.random.default_rng(window)
    whole, single = DUMP(THREE, window=window), DUMP(THREE, window=window)
    for number in range(5):
        scored = rng.integers(1, 9, size=100)
        arms, solved = rng.integers(0, 3, size=100), rng.integers(0, scored + 1)
        whole.learn(ArmStep(number, arms, solved, scored))
        for j in range(100):
            single.learn(ArmStep(number, arms[j : j + 1], solved[j : j + 1], scored[j : j + 1]))
    np.testing.assert_array_equal(whole.advantages.last(), single.advantages.last())
    np.testing.assert_array_equal(whole.advantages.n, single.advantages.n)


def test_the_window_forgets_and_the_count_does_not():
    sampler = DUMP(THREE)
    for number, solved in enumerate([4] * 50 + [8] * 50):
        sampler.learn(ArmStep(number, *np.array([[0], [solved], [8]])))
    assert sampler.advantages.mean()[0] == 0 and sampler.advantages.n[0] == 800


def run(sampler, rates, steps=150, seed=0):
    rng, asked, picked = np.random.default_rng(seed), [], []
    for number in range(steps):
        picks = sampler.ask(8)
        picked.extend(picks)
        asked.extend(rates[picks])
        wins = (rng.random((8, 8)) < rates[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(8, number)))
    return np.array(asked), np.array(picked)


def mixed_share(p):
    return np.mean(1 - p**8 - (1 - p) ** 8)


def test_more_groups_give_a_gradient_than_under_uniform():
    rates = np.array([0, 0.99, 0.9, 0.5, 0.05, 0.0])[LEVELS]  # only level 3 is worth much
    for seed in range(3):
        ours, _ = run(DUMP(POOL, seed=seed), rates, seed=seed)
        uniform, _ = run(Uniform(POOL, seed=seed), rates, seed=seed)
        assert mixed_share(ours) - mixed_share(uniform) > 0.2


def test_null_world_no_favorite():
    # tau = .1 makes much of small differences, hence the wide bound
    _, picks = run(DUMP(POOL, seed=1), np.full(100, 0.5), steps=300)
    levels = np.bincount(LEVELS[picks], minlength=6)[1:] / len(picks)
    np.testing.assert_allclose(levels, 0.2, atol=0.08)


# the other checks look at the base class, which the default shows as well
BRIEF = [
    check
    for check in CHECKS
    if check not in (nobody_starves, told_problems_are_free_again, a_million_problems_are_no_burden)
]
CONTRACT = {
    "default": ({}, CHECKS),
    "family, small window": ({"by": "family", "window": 5, "tau": 1e-3}, BRIEF),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, checks) in CONTRACT.items() for check in checks],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_contract(name, check):
    check(lambda pool, seed: DUMP(pool, seed=seed, **CONTRACT[name][0]), everything)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"tau": 0}, "tau must be positive"), ({"window": 0}, "window must be at least 1")],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        DUMP(POOL, **arguments)
