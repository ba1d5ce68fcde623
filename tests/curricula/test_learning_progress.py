"""LearningProgress: golden numbers, the contract, and a world where an arm can be learned."""

import numpy as np
import pytest

from lessonplan.curricula.arms import ArmStep
from lessonplan.curricula.learning_progress import LearningProgress
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


def hear(sampler, *steps):
    """Steps of solved rollouts of 10 for each arm; None where it was not asked."""
    for number, solved in enumerate(steps):
        groups = [(arm, k, 10) for arm, k in enumerate(solved) if k is not None]
        sampler.learn(ArmStep(number, *np.array(groups).T))


def test_golden():
    sampler = LearningProgress(POOL, floor=0.0)
    hear(sampler, (1, 5, 9, 0), (3, 5, 9, 0), (5, 4, 10, 0))
    np.testing.assert_allclose(sampler.rates.fast, [0.158, 0.49, 0.91, 0])
    np.testing.assert_allclose(sampler.rates.slow, [0.1076, 0.499, 0.901, 0])
    np.testing.assert_allclose(sampler.chances(), [0.549093, 0.228652, 0.222255, 0], atol=5.1e-7)


def test_the_floor_lifts_an_arm_without_success():
    sampler = LearningProgress(POOL, floor=0.2)
    hear(sampler, (1, 5, 9, 0), (3, 5, 9, 0), (5, 4, 10, 0))
    np.testing.assert_allclose(sampler.chances()[3], 0.05)


def test_an_unheard_arm_counts_as_the_best():
    sampler = LearningProgress(POOL, floor=0.0)
    np.testing.assert_allclose(sampler.chances(), 0.25)
    hear(sampler, (0, 5, None, None), (0, 9, None, None))
    chances = sampler.chances()
    assert chances[0] == 0 and chances[1] == chances[2] == chances[3]


def test_a_collapse_to_exactly_0_is_seen():
    sampler = LearningProgress(POOL, floor=0.0)
    hear(sampler, (9, 9, 9, 9), (9, 9, 0, 9), (9, 9, 0, 9))
    assert np.argmax(sampler.chances()) == 2


def test_rates_are_counted_from_the_baseline():
    sampler = LearningProgress(POOL, baseline={"level_1": 0.5, "level_2": 0.9, "level_4": 0.2})
    hear(sampler, (6, 10, 3, 1))
    # .1 / .5; 1 stays 1 (and .9 counts as .75); no baseline; below the baseline
    np.testing.assert_allclose(sampler.rates.fast, [0.2, 1, 0.3, 0])
    hear(sampler, (10, 9, 3, 1))
    np.testing.assert_allclose(sampler.rates.fast, [0.28, 0.9 + 0.1 * 0.6, 0.3, 0])


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


def learned(groups):  # from .26 to 1 in 400 groups
    return 0.25 + 0.75 / (1 + np.exp((200 - groups) / 40))


def one_to_learn(groups):  # solved, can be learned, hopeless twice
    return np.array([1, learned(groups[1]), 0, 0])


def test_what_can_be_learned_is_practiced_more_than_under_uniform():
    for seed in range(3):
        ours = practiced(LearningProgress(POOL, seed=seed), one_to_learn, 100, seed)
        uniform = practiced(Uniform(POOL, seed=seed), one_to_learn, 100, seed)
        assert ours[1] > 1.4 * uniform[1]


def test_null_world_no_favorite():
    groups = practiced(LearningProgress(POOL, seed=1), learned, 200, 1)
    np.testing.assert_allclose(groups / groups.sum(), 0.25, atol=0.06)


# the other checks look at the base class, which the default shows as well
BRIEF = [
    check
    for check in CHECKS
    if check not in (nobody_starves, told_problems_are_free_again, a_million_problems_are_no_burden)
]
CONTRACT = {
    "default": ({}, CHECKS),
    "baseline, level x family": (
        {"by": "level x family", "baseline": 0.1, "a": 0.5},
        BRIEF,
    ),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, checks) in CONTRACT.items() for check in checks],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_contract(name, check):
    check(lambda pool, seed: LearningProgress(pool, seed=seed, **CONTRACT[name][0]), everything)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"a": 0}, "a must lie"),
        ({"baseline": 1.5}, "baseline must be a rate in"),
        ({"baseline": {"level_9": 0.1}}, "by name for some of the arms level_1, .*level_9"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        LearningProgress(POOL, **arguments)
