"""Groups between generation and return: at once, late, or lost and given up."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection import Positions
from lessonplan.training.scenario import Delays
from lessonplan.training.simulated import Floats, Ints, Taught, World


class Groups(NamedTuple):
    """m groups, under way or come back."""

    row: Ints  # (m,) which run
    position: Positions  # (m,)
    step: Ints  # (m,) that generated it
    rewards: Floats  # (m, G) NaN where lost
    skill: Ints  # (m,)
    gain: Floats  # (m,)

    def at(self, where: NDArray[np.bool_] | Ints) -> "Groups":
        """Some of the groups, in the order of `where`."""
        row, position, step, rewards, skill, gain = self
        return Groups(
            row[where], position[where], step[where], rewards[where], skill[where], gain[where]
        )

    def in_time(self, step: int, stale_after: int) -> NDArray[np.bool_]:
        """(m,) which groups may be trained on."""
        known = ~np.isnan(self.rewards[:, 0])
        return known & (step - self.step <= stale_after) if stale_after else known


class Traffic:
    """The groups that are under way, by the step at which they come back."""

    def __init__(self, rules: Delays, worlds: Sequence[World]) -> None:
        self.rules = rules
        self.due: dict[int, list[Groups]] = {}
        levels = np.stack([one.pool.levels for one in worlds])  # (R, N)
        away = levels - levels.mean(axis=1, keepdims=True)
        self.mean_delay = rules.late * np.exp(rules.slow_hard * away)  # (R, N)

    def send(
        self,
        step: int,
        positions: Positions,  # (R, B)
        rewards: Floats,  # (R, B, G)
        worth: Taught,
        luck: NDArray[np.float32] | None,  # (R, B, 2) decides how late, and whether lost
    ) -> None:
        """Put the groups of a step under way."""
        group_size = rewards.shape[2]
        asked = np.full(positions.size, step)
        groups = Groups(
            worth.row, positions.ravel(), asked, rewards.reshape(-1, group_size), *worth[1:]
        )
        if luck is None:
            self.due.setdefault(step, []).append(groups)
            return
        mean = np.take_along_axis(self.mean_delay, positions, axis=1)  # (R, B)
        delay = np.floor(-mean * np.log1p(-luck[:, :, 0])).astype(np.int64).ravel()
        lost = (luck[:, :, 1] < self.rules.lost).ravel()
        delay[lost] = self.rules.lost_after
        groups.rewards[lost] = np.nan
        groups.gain[lost] = 0.0
        for late in np.unique(delay).tolist():
            self.due.setdefault(step + late, []).append(groups.at(delay == late))

    def arrivals(self, step: int) -> Groups:
        """What comes back at this step, by run, and inside a run in the order it was sent."""
        parts = self.due.pop(step, [])
        if len(parts) == 1:
            return parts[0]
        if not parts:
            empty = np.empty(0, np.int64)
            return Groups(empty, empty, empty, np.empty((0, 1)), empty, np.empty(0))
        together = Groups(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        return together.at(np.argsort(together.row, kind="stable"))
