"""Presets that prefer what is solved some of the time; worlds where that pays, and where not."""

from functools import partial

import numpy as np
import pytest

from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.learnability import (
    SFL,
    DifficultyPools,
    HardWeighted,
    Learnability,
    PrioritizedReplay,
    pool_weights,
)
from lessonplan.selection.mopps import MoPPS
from lessonplan.selection.plr import PLR
from lessonplan.selection.prompt_replay import PromptReplay
from lessonplan.selection.testing import CHECKS, everything, small_pool

SAMPLERS = {
    "learnability": Learnability,
    "best by mixed": partial(Learnability, score="mixed", estimate="ema", draw="top_k"),
    "pools": DifficultyPools,
    "hard": partial(HardWeighted, every=5),
    "replay": partial(PrioritizedReplay, every=5),
    "sfl": partial(SFL, keep=10, every=2),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(lambda pool, seed: SAMPLERS[name](pool, seed=seed), everything)


WORLDS = {
    "learnability": Learnability,
    "best by mixed": partial(Learnability, score="mixed", estimate="ema", draw="top_k"),
    "u": partial(Learnability, score="u"),
    "pools": DifficultyPools,
    "hard": HardWeighted,
    "replay": PrioritizedReplay,
    "sfl": partial(SFL, keep=60, every=10),
    "mopps": MoPPS,
    "mopps by threshold": partial(MoPPS, select="threshold"),
    "plr": partial(PLR, schedule="fixed", rho=0.3, nu=0.1, stale_share=0.3, beta=2.0),
    "prompt replay": partial(PromptReplay, cooldown=3),
}


def train(sampler, difficulty, seed, steps=120, asked=16):
    """A learner of one skill: mixed groups raise it by p (1 - p). Returns skill and asks (N,)."""
    rng, skill, counts = np.random.default_rng([3, seed]), 0.0, np.zeros(len(difficulty))
    for step in range(steps):
        picks = sampler.ask(asked)
        np.add.at(counts, picks, 1)
        p = 1 / (1 + np.exp(difficulty[picks] - skill))
        wins = (rng.random((asked, 8)) < p[:, None]).astype(float)
        mixed = wins.min(axis=1) < wins.max(axis=1)
        skill += 0.01 * np.sum(mixed * p * (1 - p))
        sampler.tell(Feedback(picks, wins, np.full(asked, step)))
    return skill, counts


def skills(make, difficulty):
    pool = small_pool(len(difficulty))
    return np.array([train(make(pool, seed=seed), difficulty, seed)[0] for seed in range(4)])


# most problems are solved already, a few never will be, the rest lie along the way
LADDER = np.concatenate([np.full(180, -7.0), np.linspace(-1, 3, 90), np.full(30, 12.0)])


@pytest.mark.parametrize("name", WORLDS)
def test_it_beats_uniform_where_most_problems_teach_nothing(name):
    gain = skills(WORLDS[name], LADDER) / skills(Uniform, LADDER)
    assert gain.min() > 1.12, gain


@pytest.mark.parametrize("name", WORLDS)
def test_it_gains_nothing_where_all_problems_are_alike(name):
    level = np.zeros(300)
    gain = skills(WORLDS[name], level) / skills(Uniform, level)
    assert gain.mean() == pytest.approx(1, abs=0.02)


def test_difficulty_pools_golden():
    """prime-rl: hard and easy weigh .2, normal and unseen 1; the bounds are inclusive."""
    means = np.array([0.25, 0.26, 0.75, 0.76, np.nan])
    np.testing.assert_array_equal(pool_weights(means), [0.2, 1, 1, 0.2, 1])
    sampler = DifficultyPools(small_pool(5), floor=0.0)
    solved, picks = np.array([25, 26, 75, 76, 0]), sampler.ask(5)
    wins = np.where(picks[:, None] == 4, np.nan, np.arange(100) < solved[picks][:, None])
    sampler.tell(Feedback(picks, wins, np.zeros(5, np.int64)))
    np.testing.assert_array_equal(sampler.table.values, [0.2, 1, 1, 0.2, 1])


def test_scores_by_name():
    values = {}
    for score in ("learnability", "mixed", "u"):
        sampler = Learnability(small_pool(3), score=score, estimate="ema", group_size=8)
        picks = sampler.ask(3)
        wins = np.arange(20) < np.array([1, 4, 19])[picks][:, None]
        sampler.tell(Feedback(picks, wins.astype(float), np.zeros(3, np.int64)))
        values[score] = sampler.table.values
    np.testing.assert_allclose(values["learnability"], [0.0475, 0.16, 0.0475])
    np.testing.assert_allclose(values["mixed"], [0.3366, 0.8322, 0.3366], atol=5e-5)
    np.testing.assert_allclose(values["u"], [0.2866, 0.6322, 0.05], atol=5e-5)


def test_top_k_takes_the_best_of_what_it_knows():
    sampler = Learnability(small_pool(30), draw="top_k", estimate="ema", floor=0.0)
    picks = sampler.ask(30)
    wins = np.arange(30) < picks[:, None]
    sampler.tell(Feedback(picks, wins.astype(float), np.zeros(30, np.int64)))
    assert set(sampler.ask(5)) == {13, 14, 15, 16, 17}


def test_sfl_keeps_the_most_learnable_and_still_probes():
    pool = small_pool(100)
    sampler = SFL(pool, keep=10, every=20, share=0.5)
    counts = np.zeros(100)
    for step in range(500):
        picks = sampler.ask(8)
        wins = np.where(picks % 10 == 0, 4, 0)[:, None] > np.arange(8)
        sampler.tell(Feedback(picks, wins.astype(float), np.full(8, step)))
        if step >= 100:
            np.add.at(counts, picks, 1)
    assert sampler.best.tolist() == list(range(0, 100, 10))
    assert counts[::10].sum() / counts.sum() == pytest.approx(0.55, abs=0.05)
    assert counts.min() > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": "hardness"},
        {"estimate": "mean"},
        {"draw": "best"},
        {"group_size": 1},
        {"floor": 2.0},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Learnability(small_pool(3), **wrong)
