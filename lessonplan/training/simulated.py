"""A simulated learner: skills, problem difficulties, and what a step of practice changes.

Item response theory: a problem of difficulty b that needs skill s is solved with chance
p = sigmoid(a (theta_s - b)). A step adds to every skill the sum over its mixed groups of
p (1 - p) x transfer, and takes forgetting away. A group whose rewards are all equal teaches nothing,
as in GRPO. The learner exists to check samplers against a truth that is known; no claim about real
models follows from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from lessonplan.generators import Pool, Problem
from lessonplan.training.scenario import Problems, Scenario, Skills

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def success_rate(theta: Floats, difficulty: Floats, discrimination: float) -> Floats:
    """p = sigmoid(a (theta - b)), of any shape; 0 where the difficulty is infinite."""
    return np.asarray(expit(discrimination * (theta - difficulty)))


@dataclass(frozen=True, slots=True)
class World:
    """Problems and a start, drawn from a scenario: what all samplers of a pair have in common."""

    index: int
    pool: Pool
    skill: Ints  # (N,) the skill that each problem needs
    difficulty: Floats  # (N,) infinite where unsolvable
    mislabeled: NDArray[np.bool_]  # (N,) a right answer is marked wrong
    start: float  # theta of every skill before training
    test_skill: Ints  # (M,)
    test_difficulty: Floats  # (M,)


def draw_world(scenario: Scenario, index: int) -> World:
    """World `index` of a scenario; its draw depends on the scenario's seed and the index alone."""
    rules, skills = scenario.problems, scenario.skills
    rng = np.random.default_rng([scenario.seed, index])
    levels, skill, difficulty = _draw_problems(rng, rules, skills, rules.train)
    shuffled = rng.permutation(rules.train)
    n_unsolvable = round(rules.unsolvable * rules.train)
    n_wrong = round(rules.mislabeled * rules.train)
    listed = difficulty.tolist()  # what a difficulty column would say, unsolvable or not
    difficulty[shuffled[:n_unsolvable]] = np.inf
    mislabeled = np.zeros(rules.train, np.bool_)
    mislabeled[shuffled[n_unsolvable : n_unsolvable + n_wrong]] = True
    start = skills.start + skills.start_spread * float(rng.standard_normal())
    _, test_skill, test_difficulty = _draw_problems(rng, rules, skills, rules.test)
    pool = Pool(
        (
            Problem(f"w{index}-{i}", "", "", "simulated", level=level, data={"difficulty": b})
            for i, (level, b) in enumerate(zip(levels.tolist(), listed, strict=True))
        ),
        name=f"{scenario.name}, world {index}",
    )
    return World(index, pool, skill, difficulty, mislabeled, start, test_skill, test_difficulty)


def _draw_problems(
    rng: np.random.Generator, rules: Problems, skills: Skills, n: int
) -> tuple[Ints, Ints, Floats]:
    """Levels 1..L, skills and difficulties of n problems, each (n,)."""
    band = np.arange(n) * rules.levels // n  # 0..L-1
    centers = np.linspace(rules.easiest, rules.hardest, rules.levels)
    difficulty = centers[band] + rules.spread * rng.standard_normal(n)
    skill = band * skills.count // rules.levels if skills.by == "level" else np.arange(n)
    return band + 1, skill % skills.count, difficulty


def transfer_matrix(skills: Skills) -> Floats:
    """(S, S) what skill [practiced] gives to skill [gaining]; 1 on the diagonal by default."""
    if skills.transfer:
        return np.asarray(skills.transfer, np.float64)
    place = np.arange(skills.count, dtype=np.float64)
    away = np.abs(place[:, None] - place)
    if skills.reach == 0:
        return np.eye(skills.count)
    return np.asarray(np.exp(-away / skills.reach))


class Taught(NamedTuple):
    """What m groups are worth to the learner, fixed when they were generated."""

    row: Ints  # (m,) which learner
    skill: Ints  # (m,)
    gain: Floats  # (m,) p (1 - p) of mixed groups, 0 of others, negative with a wrong key


class Learners:
    """R learners side by side, one a row: a sampler in a world.

    Rows never touch each other, so a row's course does not depend on its company.
    """

    def __init__(self, worlds: Sequence[World], scenario: Scenario) -> None:
        self.rules = scenario.skills
        self.lucky = scenario.problems.lucky
        self.skill = np.stack([one.skill for one in worlds])  # (R, N)
        self.difficulty = np.stack([one.difficulty for one in worlds])  # (R, N)
        self.mislabeled = np.stack([one.mislabeled for one in worlds])  # (R, N)
        self.test_skill = np.stack([one.test_skill for one in worlds])  # (R, M)
        self.test_difficulty = np.stack([one.test_difficulty for one in worlds])  # (R, M)
        self.start = np.array([[one.start] for one in worlds])  # (R, 1)
        self.theta = np.repeat(self.start, self.rules.count, axis=1)  # (R, S)
        self.transfer = self.rules.rate * transfer_matrix(self.rules)  # (S, S)
        self.rows = np.arange(len(worlds))[:, None]  # (R, 1)

    def rates(self, positions: Ints) -> Floats:  # (R, B)
        """The true success rates of the problems at `positions` (R, B)."""
        skill = self.skill[self.rows, positions]
        theta, difficulty = self.theta[self.rows, skill], self.difficulty[self.rows, positions]
        return success_rate(theta, difficulty, self.rules.discrimination)

    def all_rates(self) -> Floats:  # (R, N)
        """The true success rates of all training problems."""
        theta = np.take_along_axis(self.theta, self.skill, axis=1)
        return success_rate(theta, self.difficulty, self.rules.discrimination)

    def test_rates(self) -> Floats:  # (R, M)
        """The true success rates of the held-out problems: exact, so without noise of a test."""
        theta = np.take_along_axis(self.theta, self.test_skill, axis=1)
        return success_rate(theta, self.test_difficulty, self.rules.discrimination)

    def rewarded(self, rates: Floats, mislabeled: NDArray[np.bool_]) -> Floats:
        """The chance of a reward of 1: p, or that of a wrong answer that hits a wrong key."""
        return np.where(mislabeled, self.lucky * (1 - rates), rates)

    def practice(self, positions: Ints, luck: NDArray[np.floating]) -> tuple[Floats, Taught]:
        """Generate a group for each of `positions` (R, B) from `luck` (R, B, G), uniform in [0, 1).

        Returns rewards (R, B, G) in {0, 1}, and what the groups teach, in row order; nothing is
        learned before `learn`.
        """
        mislabeled = self.mislabeled[self.rows, positions]  # (R, B)
        chance = self.rewarded(self.rates(positions), mislabeled)
        rewards = (luck < chance[:, :, None]).astype(np.float64)  # (R, B, G)
        solved = rewards.sum(axis=2)
        mixed = (solved > 0) & (solved < rewards.shape[2])
        gain = np.where(mixed, chance * (1 - chance), 0.0)
        gain[mislabeled] *= -1.0  # what was reinforced was wrong
        row = np.broadcast_to(self.rows, positions.shape)
        skill = self.skill[self.rows, positions]
        return rewards, Taught(row.ravel(), skill.ravel(), gain.ravel())

    def learn(self, groups: Taught) -> None:
        """theta += rate x sum of gains x transfer."""
        n_rows, n_skills = self.theta.shape
        cell = groups.row * n_skills + groups.skill
        practiced = np.bincount(cell, groups.gain, minlength=n_rows * n_skills)
        self.theta += practiced.reshape(n_rows, n_skills) @ self.transfer

    def between_steps(self, step: int, walk: Floats | None) -> None:
        """Forget, drift by `walk` (R, S) standard normals, and lose what a shock takes."""
        rules = self.rules
        if rules.forgetting:
            self.theta -= rules.forgetting * np.maximum(self.theta - self.start, 0.0)
        if walk is not None:
            self.theta += rules.drift * walk
        if step and step == rules.shock_step:
            self.theta[:, list(rules.shock_skills)] -= rules.shock_size
