"""Adaptive difficulty: finds what is worth practicing where there is such a thing."""

import numpy as np
import pytest

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, Uniform

LEVELS = np.repeat([1, 2, 3, 4, 5], 20)
POOL = Pool([Problem(id=f"p{i}", prompt="", answer="", level=int(x)) for i, x in enumerate(LEVELS)])


def run(sampler, rates, steps=150, group_size=8, seed=0):
    """Train on success rates (N,), or a function of the step; returns rates and picks asked."""
    rng, asked, picked = np.random.default_rng(seed), [], []
    for step in range(steps):
        p = rates(step) if callable(rates) else rates
        picks = sampler.ask(8)
        picked.extend(picks)
        asked.extend(p[picks])
        wins = (rng.random((8, group_size)) < p[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(8, step)))
    return np.array(asked), np.array(picked)


def mixed_share(p, group_size=8):
    return np.mean(1 - p**group_size - (1 - p) ** group_size)


BY_LEVEL = np.array([0, 0.99, 0.9, 0.5, 0.05, 0.0])[LEVELS]  # only level 3 is worth much


@pytest.mark.parametrize("by", ["problem", "level"])
def test_more_groups_give_a_gradient_than_under_uniform(by):
    gains = []
    for seed in range(5):
        ours = run(AdaptiveDifficulty(POOL, by=by, seed=seed), BY_LEVEL, seed=seed)[0]
        uniform = run(Uniform(POOL, seed=seed), BY_LEVEL, seed=seed)[0]
        gains.append(mixed_share(ours) - mixed_share(uniform))
    assert min(gains) > 0.15


@pytest.mark.parametrize("by", ["problem", "level"])
def test_null_world_no_gain_and_no_favorite(by):
    rates, gains = np.full(100, 0.5), []
    for seed in range(3):
        ours, picks = run(AdaptiveDifficulty(POOL, by=by, seed=seed), rates, 300, seed=seed)
        gains.append(mixed_share(ours) - mixed_share(run(Uniform(POOL, seed=seed), rates)[0]))
    np.testing.assert_allclose(gains, 0, atol=1e-12)
    levels = np.bincount(LEVELS[picks], minlength=6)[1:] / len(picks)
    np.testing.assert_allclose(levels, 0.2, atol=0.05)


@pytest.mark.parametrize("by", ["problem", "level"])
def test_it_follows_a_policy_that_learns(by):
    def rates(step):  # the frontier moves from level 1 to level 5
        return 1 / (1 + np.exp(3 * (LEVELS - 1 - 4 * step / 600)))

    sampler = AdaptiveDifficulty(POOL, by=by, seed=1)
    _, picks = run(sampler, rates, steps=600)
    early, late = LEVELS[picks[:1600]].mean(), LEVELS[picks[-1600:]].mean()
    assert late - early > 0.7


def test_the_target_is_met_closer_than_by_chance():
    rates = np.linspace(0.02, 0.98, 100)
    for target in (0.25, 0.75):
        asked, _ = run(AdaptiveDifficulty(POOL, target=target, seed=1), rates, steps=300)
        distance = np.abs(asked[800:] - target).mean()
        assert distance < 0.8 * np.abs(rates - target).mean()


def test_estimate_of_a_problem_by_hand():
    sampler = AdaptiveDifficulty(POOL, target=0.75, floor=0.0, seed=1)
    np.testing.assert_array_equal(sampler.choice.weight(np.array([0])), 1)  # unseen: on target
    (pick,) = sampler.ask(1)
    sampler.tell(Feedback(np.array([pick]), np.zeros((1, 8)), np.array([0])))
    # prior (1.5, .5) decayed and renewed stays; 8 failures: (1.5, 8.5), p = .15, 1 - .6 / .75
    assert sampler.choice.weight(np.array([pick]))[0] == pytest.approx(0.2)


def tell_levels(sampler, outcomes, step=0):
    """Tell one group of 4 per (level, solved) as soon as the sampler asks for that level."""
    outcomes = list(outcomes)
    picks = sampler.ask(100)
    rows = []
    for level, solved in outcomes:
        place = next(i for i in picks if LEVELS[i] == level and i not in [r[0] for r in rows])
        rows.append((place, solved))
    wins = np.array([[1.0] * k + [0.0] * (4 - k) for _, k in rows])
    positions = np.array([place for place, _ in rows])
    sampler.tell(Feedback(positions, wins, np.full(len(rows), step)))


def test_groups_are_scored_before_they_are_averaged():
    sampler = AdaptiveDifficulty(POOL, by="level", floor=0.0, seed=1)
    half_hopeless = [(1, 0), (1, 4)] * 4  # success rate .5, and nothing to learn
    half_solved = [(2, 2)] * 8
    tell_levels(sampler, half_hopeless + half_solved)
    weights = sampler.choice.weights()
    # one prior group of score 1 among nine: 1 / 9 against 9 / 9
    assert weights[1] / weights[2] == pytest.approx(1 / 9)
    assert weights[2] == weights[3] == weights[5]  # unheard levels count as on target
    assert weights[0] == weights[6] == 0


def test_old_groups_lose_half_their_say_every_half_life():
    sampler = AdaptiveDifficulty(POOL, by="level", half_life=5.0, seed=1)
    tell_levels(sampler, [(1, 0)] * 4, step=0)
    sampler.tell(Feedback(np.arange(100)[LEVELS == 2][:1], np.full((1, 4), np.nan), np.array([10])))
    assert sampler.choice.groups[1] == 4  # an unscorable group does not age the others
    sampler.tell(Feedback(np.flatnonzero(LEVELS == 2)[1:2], np.ones((1, 4)), np.array([10])))
    assert sampler.choice.groups[1] == pytest.approx(1)
    sampler.tell(Feedback(np.flatnonzero(LEVELS == 2)[2:3], np.ones((1, 4)), np.array([5])))
    assert sampler.choice.groups[2] == pytest.approx(1.5)  # late by one half-life


def test_every_level_keeps_the_floor():
    sampler = AdaptiveDifficulty(POOL, by="level", floor=0.1, seed=1)
    for step in range(200):
        picks = sampler.ask(8)
        wins = np.repeat((LEVELS[picks] == 3).astype(float)[:, None], 4, axis=1)
        wins[:, 2:] = 0  # level 3 half solved, the others never
        sampler.tell(Feedback(picks, wins, np.full(8, step)))
    weights = sampler.choice.weights()
    assert weights[1:6].min() >= 0.1 / 5 - 1e-12
    assert weights.sum() == pytest.approx(1)
    assert weights[3] == weights.max()


def test_every_problem_keeps_the_floor():
    sampler = AdaptiveDifficulty(POOL, floor=0.2, seed=1)
    solved = np.full(100, True)
    solved[0] = False
    _, picks = run(sampler, np.where(solved, 0.5, 0.0), steps=1000)
    share = np.bincount(picks, minlength=100) / len(picks)
    assert 0.2 / 100 * 0.5 < share[0] < 0.5 / 100


@pytest.mark.parametrize(
    "arguments,text",
    [
        ({"target": 1.0}, "target"),
        ({"floor": 1.5}, "floor"),
        ({"by": "task"}, '"problem" or "level"'),
        ({"by": "level", "half_life": 0}, "half_life"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        AdaptiveDifficulty(POOL, **arguments)


def test_by_level_needs_levels():
    unknown = Pool([Problem(id="a", prompt="", answer="")])
    with pytest.raises(PoolError, match="no problem of this pool has one"):
        AdaptiveDifficulty(unknown, by="level")
