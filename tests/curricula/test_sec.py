"""SEC: golden numbers, the contract, and what it finds and does not find."""

import numpy as np
import pytest

from lessonplan.curricula.arms import ArmStep
from lessonplan.curricula.sec import SEC
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.scores import abs_advantage
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


def step(number, *groups):
    """A step of groups (arm, solved, scored)."""
    return ArmStep(number, *np.array(groups).T)


@pytest.mark.parametrize(
    ("compat", "q", "chances"),
    [
        ("released", [0.75, 0.15, 0.05], [0.4889, 0.2683, 0.2428]),
        ("paper", [0.75, 0.3, 0.1], [0.4630, 0.2952, 0.2417]),
    ],
)
def test_golden(compat, q, chances):
    sampler = SEC(THREE, a=0.5, tau=1.0, floor=0.0, compat=compat)
    sampler.q.update(np.arange(3), np.array([1, 0.6, 0.2]))
    np.testing.assert_allclose(sampler.q.q, [0.5, 0.3, 0.1])
    sampler.q.update(np.array([0]), np.array([1.0]), others_decay=compat == "released")
    np.testing.assert_allclose(sampler.q.q, q)
    np.testing.assert_allclose(sampler.chances(), chances, atol=5e-5)


@pytest.mark.parametrize(
    ("value", "r"), [("normalized", [0.8101, 0.6187]), ("raw", [0.375, 0.2188])]
)
@pytest.mark.parametrize("compat", ["paper", "released"])
def test_q_from_the_rollouts_of_one_step(value, r, compat):
    sampler = SEC(THREE, value=value, a=0.5, init=0.4, compat=compat)
    sampler.learn(step(0, (0, 2, 8), (1, 1, 8)))
    rest = 0.4 if compat == "paper" else 0.2  # the arm without groups
    np.testing.assert_allclose(sampler.q.q, [0.2 + r[0] / 2, 0.2 + r[1] / 2, rest], atol=5e-5)


def test_groups_weigh_by_their_rollouts_and_single_ones_nothing():
    sampler = SEC(THREE, a=1.0)
    # .9354 over 8 rollouts, 0 over 4; a group of one has no advantage
    sampler.learn(step(0, (0, 4, 8), (0, 4, 4), (0, 1, 1), (2, 0, 1)))
    np.testing.assert_allclose(sampler.q.q, [0.9354 * 8 / 12, 0, 0], atol=5e-5)


def test_progress_as_the_value():
    sampler = SEC(THREE, value="progress", a=1.0)
    for number, solved in enumerate([1, 3, 5]):  # the rates .1, .3, .5 of the golden table
        sampler.learn(step(number, (0, solved, 10), (1, 10, 10)))
    np.testing.assert_allclose(sampler.q.q, [0.107671, 0, 0], atol=5e-7)


def test_absolute_advantage_golden():
    k, g = np.array([1, 2, 3, 4]), np.full(4, 8)
    np.testing.assert_allclose(
        abs_advantage(k, g, normalized=True), [0.6187, 0.8101, 0.9057, 0.9354], atol=5e-5
    )
    raw = abs_advantage(k, g, normalized=False)
    np.testing.assert_allclose(raw, [0.2188, 0.375, 0.4688, 0.5], atol=5.1e-5)


@pytest.mark.parametrize("normalized", [True, False])
def test_absolute_advantage_is_that_of_the_rewards(normalized):
    for g in (2, 3, 8):
        for k in range(g + 1):
            rewards = np.arange(g) < k
            advantages = np.abs(rewards - rewards.mean())
            if normalized and 0 < k < g:
                advantages = advantages / rewards.std(ddof=1)
            found = abs_advantage(np.array([k]), np.array([g]), normalized=normalized)
            assert found[0] == pytest.approx(advantages.mean(), abs=1e-12)
    assert abs_advantage(np.array([1]), np.array([1]), normalized=normalized) == 0


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


@pytest.mark.parametrize("arguments", [{}, {"tau": 0.1, "value": "raw"}, {"init": 0.94}])
def test_more_groups_give_a_gradient_than_under_uniform(arguments):
    rates = np.array([0, 0.99, 0.9, 0.5, 0.05, 0.0])[LEVELS]  # only level 3 is worth much
    for seed in range(3):
        ours, _ = run(SEC(POOL, seed=seed, **arguments), rates, seed=seed)
        uniform, _ = run(Uniform(POOL, seed=seed), rates, seed=seed)
        assert mixed_share(ours) - mixed_share(uniform) > 0.1


def test_null_world_no_favorite():
    _, picks = run(SEC(POOL, seed=1), np.full(100, 0.5), steps=300)
    levels = np.bincount(LEVELS[picks], minlength=6)[1:] / len(picks)
    np.testing.assert_allclose(levels, 0.2, atol=0.05)


# the other checks look at the base class, which the default shows as well
BRIEF = [
    check
    for check in CHECKS
    if check not in (nobody_starves, told_problems_are_free_again, a_million_problems_are_no_burden)
]
CONTRACT = {
    "default": ({}, CHECKS),
    "released, level x family": (
        {"by": "level x family", "compat": "released", "value": "raw", "tau": 1.0},
        BRIEF,
    ),
    "progress": ({"value": "progress", "tau": 4e-4}, BRIEF),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, checks) in CONTRACT.items() for check in checks],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_contract(name, check):
    check(lambda pool, seed: SEC(pool, seed=seed, **CONTRACT[name][0]), everything)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"value": "std"}, '"normalized", "raw" or "progress"'),
        ({"compat": "old"}, '"paper" or "released"'),
        ({"tau": 0}, "tau must be positive"),
        ({"a": 2}, "a must lie"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        SEC(POOL, **arguments)
