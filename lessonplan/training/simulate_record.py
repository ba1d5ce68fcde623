"""What is counted and measured while a simulation runs."""

from collections.abc import Sequence
from inspect import signature
from itertools import pairwise
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection import Positions, Sampler
from lessonplan.selection.state import Stateful
from lessonplan.training.scenario import Scenario
from lessonplan.training.simulate_traffic import Groups
from lessonplan.training.simulated import Floats, Ints, Learners, World

PARTS = 20  # a run is shown in twenty equal parts
RATES = 10  # true success rates are counted in tenths
OUTCOMES = ("mixed", "all right", "all wrong", "lost")


class Record:
    """Counts and measurements of R runs under way."""

    def __init__(
        self,
        scenario: Scenario,
        learners: Learners,
        samplers: Sequence[Sampler],
        worlds: Sequence[World],
    ) -> None:
        practice, n_rows = scenario.practice, len(samplers)
        self.learners, self.practice = learners, practice
        self.levels = np.stack([one.pool.levels for one in worlds])  # (R, N)
        self.estimates = [estimate_of(one) for one in samplers]
        shape = (n_rows, PARTS)
        self.by_level = np.zeros((*shape, scenario.problems.levels), np.int64)
        self.trained_by_level = np.zeros_like(self.by_level)
        self.outcomes = np.zeros((*shape, len(OUTCOMES)), np.int64)
        self.picked = np.zeros((*shape, RATES), np.int64)
        self.pool = np.zeros_like(self.picked)
        self.tracking = np.full(shape, np.nan)
        self.generated = np.zeros(n_rows, np.int64)
        self.waited, self.returned = np.zeros(n_rows), np.zeros(n_rows)
        self.rollouts: list[int] = []
        self.success: list[Floats] = []  # (R,) each
        self.by_skill: list[Floats] = []  # (R, S) each
        skills = np.arange(scenario.skills.count)
        self.needs = (learners.test_skill[:, :, None] == skills).astype(np.float64)  # (R, M, S)
        self.needed = self.needs.sum(axis=1)  # (R, S)
        edges = [k * practice.steps // PARTS for k in range(PARTS + 1)]
        self.part_of = np.searchsorted(edges[1:], np.arange(practice.steps), side="right")
        self.middles = {(a + b) // 2 for a, b in pairwise(edges) if b > a}

    def measure(self) -> None:
        """The true success rates on the held-out problems, now."""
        rates = self.learners.test_rates()  # (R, M)
        self.rollouts.append(int(self.generated.max()))
        self.success.append(rates.mean(axis=1))
        with np.errstate(invalid="ignore"):
            self.by_skill.append(np.einsum("rm,rms->rs", rates, self.needs) / self.needed)

    def asked(self, step: int, positions: Positions) -> None:
        """Groups of this step, before their rollouts."""
        part = self._part(step)
        self.generated += positions.shape[1] * self.practice.group_size
        levels = np.take_along_axis(self.levels, positions, axis=1)  # (R, B)
        self.by_level[:, part] += _counts(levels.astype(np.int64) - 1, self.by_level.shape[2])
        self.picked[:, part] += _counts(_tenths(self.learners.rates(positions)), RATES)
        if step in self.middles:
            rates = self.learners.all_rates()  # (R, N)
            self.pool[:, part] = _counts(_tenths(rates), RATES)
            self._track(part, self.learners.rewarded(rates, self.learners.mislabeled))

    def told(self, step: int, back: Groups, trained: NDArray[np.bool_]) -> None:
        """Groups that came back."""
        part, n_rows = self._part(step), len(self.generated)
        solved, group_size = back.rewards.sum(axis=1), back.rewards.shape[1]  # NaN where lost
        kind = np.select([np.isnan(solved), solved == group_size, solved == 0], [3, 1, 2], 0)
        cell = back.row * len(OUTCOMES) + kind
        self.outcomes[:, part] += np.bincount(cell, minlength=n_rows * len(OUTCOMES)).reshape(
            n_rows, -1
        )
        taught = trained & (kind == 0)
        row = back.row[taught]
        level = self.levels[row, back.position[taught]] - 1
        n_levels = self.by_level.shape[2]
        self.trained_by_level[:, part] += np.bincount(
            row * n_levels + level, minlength=n_rows * n_levels
        ).reshape(n_rows, -1)
        known = kind != 3
        self.waited += np.bincount(back.row, (step - back.step) * known, minlength=n_rows)
        self.returned += np.bincount(back.row, known, minlength=n_rows)

    def lag(self) -> Floats:  # (R,)
        """Mean steps from ask to tell."""
        return self.waited / np.maximum(self.returned, 1)

    def _track(self, part: int, truth: Floats) -> None:
        everything = np.arange(truth.shape[1])
        for row, estimate in enumerate(self.estimates):
            if estimate is not None:
                wrong = estimate.mean(everything) - truth[row]  # (N,) NaN where unseen
                if not np.isnan(wrong).all():
                    self.tracking[row, part] = np.sqrt(np.nanmean(wrong**2))

    def _part(self, step: int) -> int:
        return int(self.part_of[step])


def _tenths(rates: Floats) -> Ints:
    return np.minimum((rates * RATES).astype(np.int64), RATES - 1)


def _counts(codes: Ints, n_codes: int) -> Ints:
    """(R, C) how often each code stands in the rows of `codes` (R, k)."""
    n_rows = len(codes)
    cell = np.arange(n_rows)[:, None] * n_codes + codes
    return np.bincount(cell.ravel(), minlength=n_rows * n_codes).reshape(n_rows, n_codes)


class Estimate(Protocol):
    """What an estimator of success rates offers."""

    def mean(self, positions: Positions) -> Floats: ...


def estimate_of(sampler: Stateful) -> Estimate | None:
    """The part of a sampler that estimates the success rate of every problem, if it has one."""
    for name in sampler.values:
        part = getattr(sampler, name)
        for one in part if isinstance(part, tuple) else (part,):
            if not isinstance(one, Stateful):
                continue
            mean = getattr(one, "mean", None)
            if callable(mean) and list(signature(mean).parameters) == ["positions"]:
                return cast(Estimate, one)
            found = estimate_of(one)
            if found is not None:
                return found
    return None
