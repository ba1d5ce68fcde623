"""TargetRatioAfterGate: the mixture behind the gate, where FixedMixture misses it."""

import numpy as np
import pytest

from lessonplan.curricula.curriculum import Curriculum, Outcome
from lessonplan.curricula.gates import Band, ZeroVariance
from lessonplan.curricula.static import FixedMixture
from lessonplan.curricula.target_ratio import TargetRatioAfterGate
from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import SOLVED, Feedback
from lessonplan.selection.testing import (
    CHECKS,
    a_million_problems_are_no_burden,
    everything,
    nobody_starves,
    told_problems_are_free_again,
)

LEVELS = np.repeat([1, 2, 3], 60)
POOL = Pool([Problem(id=f"p{i}", prompt="", answer="", level=int(x)) for i, x in enumerate(LEVELS)])
RATES = np.array([0.97, 0.5, 0.04])  # of easy, medium, hard: mixed(8) = .22, .99, .28
TARGETS = {"equal": None, "much hard": {"easy": 0.2, "medium": 0.2, "hard": 0.6}}


def trained(sampler, gate, steps=300, seed=0):
    """Shares of the tiers among accepted groups of the last two thirds, and groups asked (3,)."""
    rng, accepted, asked = np.random.default_rng(seed), np.zeros(3), np.zeros(3)
    for step in range(steps):
        picks = sampler.ask(16)
        tiers = LEVELS[picks] - 1
        rewards = (rng.random((16, 8)) < RATES[tiers][:, None]).astype(float)
        if step >= steps // 3:
            accepted += np.bincount(tiers[gate.accepts(rewards, SOLVED)], minlength=3)
            asked += np.bincount(tiers, minlength=3)
        sampler.tell(Feedback(picks, rewards, np.full(16, step)))
    return accepted / accepted.sum(), asked / asked.sum()


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("gate", [ZeroVariance(), Band(0.1, 0.9)], ids=["variance", "band"])
def test_the_trained_mixture_meets_its_target(name, gate):
    target = list((TARGETS[name] or dict.fromkeys(RATES, 1 / 3)).values())
    for seed in range(2):
        ours = TargetRatioAfterGate(POOL, weights=TARGETS[name], gate=gate, seed=seed)
        shares, _ = trained(ours, gate, seed=seed)
        np.testing.assert_allclose(shares, target, atol=0.06)
        fixed = FixedMixture(POOL, weights=TARGETS[name], seed=seed)
        missed, _ = trained(fixed, gate, seed=seed)
        assert np.abs(missed - target).max() > 0.15


def test_null_world_a_gate_that_accepts_all_changes_nothing():
    sampler = TargetRatioAfterGate(POOL, weights={"easy": 1, "hard": 3}, gate=Band(0.0, 1.0))
    shares, asked = trained(sampler, Band(0.0, 1.0))
    np.testing.assert_allclose(shares, [0.25, 0, 0.75], atol=0.03)
    np.testing.assert_array_equal(shares, asked)


def test_the_mixture_behind_the_gate_of_a_curriculum():
    sampler, rng = TargetRatioAfterGate(POOL, seed=1), np.random.default_rng(1)
    lessons = Curriculum(POOL, sampler, gates=[ZeroVariance()])
    trained = np.zeros(3)
    for step in range(250):
        picks = lessons.ask(16, step=step)
        tiers = [pick.problem.level - 1 for pick in picks]
        rewards = (rng.random((16, 8)) < RATES[tiers][:, None]).astype(float)
        told = lessons.tell(
            Outcome(pick.ticket, group.tolist(), policy_step=step)
            for pick, group in zip(picks, rewards, strict=True)
        )
        if step >= 50:
            np.add.at(trained, tiers, np.array(told) == "trained")
    np.testing.assert_allclose(trained / trained.sum(), 1 / 3, atol=0.05)


def test_weights_by_hand():
    sampler = TargetRatioAfterGate(POOL, a=0.5)
    np.testing.assert_allclose(sampler.chances(), 1 / 3)
    picks = np.sort(sampler.ask(180))
    rewards = np.full((180, 4), np.nan)  # unscorable groups say nothing about the gate
    rewards[:9] = 1  # easy: 9 refused
    rewards[60:69, 0], rewards[60:69, 1:] = 1, 0  # medium: 9 accepted
    rewards[120:128], rewards[128] = 0, [0, 1, 0, np.nan]  # hard: 1 of 9
    sampler.tell(Feedback(picks, rewards, np.zeros(180, int)))
    sampler.ask(0)
    np.testing.assert_allclose(sampler.kept.share(), [0.05, 0.95, 0.15])
    weights = np.array([1 / 0.05, 1 / 0.95, 1 / 0.15])
    np.testing.assert_allclose(sampler.shares, weights / weights.sum())
    assert sampler.metrics()["kept_hard"] == pytest.approx(0.15)


def test_a_hopeless_arm_is_asked_at_most_so_often():
    sampler = TargetRatioAfterGate(POOL, least_keep=0.25)
    for step in range(60):
        picks = sampler.ask(16)
        rewards = np.zeros((16, 4))
        rewards[LEVELS[picks] < 3, 0] = 1
        sampler.tell(Feedback(picks, rewards, np.full(16, step)))
    np.testing.assert_allclose(sampler.chances(), [1 / 6, 1 / 6, 4 / 6], atol=0.01)


def test_the_gate_judges_raw_rewards():
    sampler = TargetRatioAfterGate(POOL, a=1.0)
    picks = sampler.ask(180)
    rewards = np.tile([0.2, 0.4], (180, 1))  # partial credit: nothing solved, yet a gradient
    sampler.tell(Feedback(picks, rewards, np.zeros(180, int)))
    sampler.ask(0)
    assert (sampler.kept.share() > 0.99).all()


def easy_or_hard(pool):
    return np.flatnonzero(pool.levels != 3)


# the other checks look at the base class, which the default shows as well
BRIEF = [
    check
    for check in CHECKS
    if check not in (nobody_starves, told_problems_are_free_again, a_million_problems_are_no_burden)
]
CONTRACT = {
    "default": ({}, everything, CHECKS),
    "levels": ({"by": "level", "a": 1.0}, everything, BRIEF),
    "two tiers, band": (
        {"weights": {"easy": 0.2, "medium": 0.0, "hard": 0.8}, "gate": Band()},
        easy_or_hard,
        [*BRIEF, nobody_starves],
    ),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (*_, checks) in CONTRACT.items() for check in checks],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_contract(name, check):
    arguments, support, _ = CONTRACT[name]
    check(lambda pool, seed: TargetRatioAfterGate(pool, seed=seed, **arguments), support)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"weights": {"easy": -1}}, ValueError, "weights must be finite, at least 0"),
        ({"weights": {"easy": 0}}, ValueError, "not all 0"),
        ({"weights": {"medum": 1}}, PoolError, "'medum'; its arms: easy, medium, hard"),
        ({"least_keep": 0}, ValueError, "least_keep must lie"),
        ({"a": 0}, ValueError, "a must lie"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, text):
    with pytest.raises(error, match=text):
        TargetRatioAfterGate(POOL, **arguments)
