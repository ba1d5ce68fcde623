"""From easy to hard over a known number of steps: a mixture of levels that moves with time."""

from typing import Literal, get_args

import numpy as np

from lessonplan.curricula.arms import ArmSampler, ArmStep
from lessonplan.errors import StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import UNKNOWN_LEVEL
from lessonplan.selection.draws import Weights
from lessonplan.selection.state import State
from lessonplan.selection.success import SOLVED, Success

Schedule = Literal["balanced", "classic", "cosine", "gaussian"]


class E2H(ArmSampler):
    """Draw levels by a schedule that begins with the easy ones and ends with the hard ones.

    At step t of T = `steps`, with L levels in the pool, i = 0..L-1 from the easiest, and
    S = L (L + 1) / 2:

        balanced  1 / L
        classic   one level, i = min(floor(t L / T), L - 1)
        cosine    a (L - i) / S + (1 - a) (i + 1) / S,  a = (1 + cos(pi t / T)) / 2
        gaussian  around (t / T)^mu_exp (L - 1) with standard deviation `sigma`; with `min_prob`
                  every level keeps 1 / S

    Source: arXiv 2506.06632, with its defaults for mu_exp, sigma and min_prob. Use it when the
    length of the run is fixed. Rewards are ignored. Problems without a level are asked by the
    `floor` alone.

    t is the latest complete policy step plus one: exact when every step is told before the next
    ask, behind by as much as the tells are, and the same for one ask or many. Counting asks
    instead would run ahead for good whenever refused groups are replaced; here such a refill is
    at most one step early. After step T the mixture stays as it is. T is part of the state,
    because a longer run would bend the curve: a state with another T raises StateError unless
    `extend` says that this is wanted.
    """

    unit = "level"
    needs = "levels, the number of steps"
    values = (*ArmSampler.values, "horizon", "step")

    def __init__(
        self,
        pool: Pool,
        *,
        steps: int,
        schedule: Schedule = "cosine",
        mu_exp: float = 0.5,
        sigma: float = 0.5,
        min_prob: bool = True,
        extend: bool = False,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps!r}")
        if schedule not in get_args(Schedule):
            names = ", ".join(get_args(Schedule))
            raise ValueError(f"schedule must be one of {names}, got {schedule!r}")
        if not (mu_exp > 0 and sigma > 0):
            raise ValueError(f"mu_exp and sigma must be positive, got {mu_exp!r} and {sigma!r}")
        super().__init__(pool, by="level", floor=floor, success=success, seed=seed)
        self.schedule, self.mu_exp, self.sigma, self.min_prob = schedule, mu_exp, sigma, min_prob
        self.steps, self.extend = steps, extend
        # arms are the levels of the pool, in order; an unknown level comes first
        self.unknown = int(pool.levels.min() == UNKNOWN_LEVEL)
        self.horizon = steps
        self.step = 0  # optimizer steps that the policy has made, as far as heard

    def weights(self) -> Weights:  # (C,)
        levels = len(self.names) - self.unknown
        progress = min(self.step / self.horizon, 1.0)
        if self.schedule == "balanced":
            mixture = np.full(levels, 1 / levels)
        elif self.schedule == "classic":
            mixture = classic(self.step, self.horizon, levels)
        elif self.schedule == "cosine":
            mixture = cosine(progress, levels)
        else:
            least = 2 / (levels * (levels + 1)) if self.min_prob else 0.0
            mixture = gaussian(progress, levels, self.mu_exp, self.sigma, least)
        return np.pad(mixture, (self.unknown, 0))

    def learn(self, told: ArmStep) -> None:
        self.step = max(self.step, told.step + 1)

    def metrics(self) -> dict[str, float]:
        return {"progress": min(self.step / self.horizon, 1.0), **super().metrics()}

    def _check(self, state: State) -> None:
        super()._check(state)
        if state["horizon"] != self.steps and not self.extend:
            raise StateError(
                f"the state was saved with steps={state['horizon']}, this schedule has"
                f" steps={self.steps}, which bends the curve; pass extend=True if that is wanted;"
                " nothing was loaded"
            )

    def _restored(self) -> None:
        self.horizon = self.steps


def classic(step: int, steps: int, levels: int) -> Weights:  # (L,)
    """One level after the other, each for the same number of steps."""
    # whole numbers, because .3 * 10 is less than 3
    return np.asarray(np.eye(levels)[min(step * levels // steps, levels - 1)])


def cosine(progress: float, levels: int) -> Weights:  # (L,)
    """From weights L..1 to weights 1..L on half a cosine wave."""
    easy = (1 + np.cos(np.pi * progress)) / 2
    rank = np.arange(levels)
    total = levels * (levels + 1) / 2
    return np.asarray((easy * (levels - rank) + (1 - easy) * (rank + 1)) / total)


def gaussian(
    progress: float, levels: int, mu_exp: float, sigma: float, least: float
) -> Weights:  # (L,)
    """A bell that moves from the first level to the last; every level keeps at least `least`."""
    mu = progress**mu_exp * (levels - 1)
    logs = -((np.arange(levels) - mu) ** 2) / (2 * sigma**2)
    bell = np.exp(logs - logs.max())  # a narrow bell between two levels must not vanish
    return np.asarray(least + (1 - levels * least) * bell / bell.sum())
