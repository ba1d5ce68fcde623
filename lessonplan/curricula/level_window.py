"""A window of levels per family that moves up as the policy masters its upper level."""

import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.arms import ArmSampler, ArmStep
from lessonplan.errors import StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import UNKNOWN_LEVEL
from lessonplan.selection.draws import Weights
from lessonplan.selection.state import State
from lessonplan.selection.success import SOLVED, Success


class LevelWindow(ArmSampler):
    """Practice the `window` highest levels reached so far in every family, and climb by success.

    A family starts at its lowest level h. A slot goes to a family, each as often, then to one of
    the levels h - window + 1 .. h, each as often; families count only levels that they have. After
    each policy step that completes `prompts` scorable groups *at level h*, h rises by one level if
    at least `promote` of their rollouts were solved. The counters then begin anew. Groups of lower
    levels do not count. Source: RLVE (arXiv 2511.07317), whose defaults these are: 8 prompts, 90 %
    accuracy, a window of 4.

    RLVE never goes back. With `demote_below`, h falls by one level if less than that share was
    solved, as in the coach of reasoning-gym; the counters are cleared at every decision, so that
    no decision mixes two levels. Use this sampler when problems of every level can be made and
    the policy starts at the bottom. Levels outside the windows, and problems without a level, are
    asked by the `floor` alone.
    """

    unit = "level"
    needs = "levels"
    values = (*ArmSampler.values, "families", "upper", "counted")

    def __init__(
        self,
        pool: Pool,
        *,
        window: int = 4,
        prompts: int = 8,
        promote: float = 0.9,
        demote_below: float | None = None,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if window < 1 or prompts < 1:
            raise ValueError(f"window and prompts must be at least 1, got {window} and {prompts}")
        if not 0 < promote <= 1:
            raise ValueError(f"promote must lie in (0, 1], got {promote!r}")
        if demote_below is not None and not 0 <= demote_below <= promote:
            raise ValueError(
                f"demote_below must lie in [0, promote={promote!r}], got {demote_below!r}"
            )
        super().__init__(pool, by="level x family", floor=floor, success=success, seed=seed)
        self.window, self.prompts, self.promote = window, prompts, promote
        self.demote_below = demote_below
        first = np.array([part.members[0] for part in self.lists])  # (C,) a problem of each arm
        self.arm_families = pool.family_codes[first].astype(np.int64)  # (C,)
        self.arm_levels = pool.levels[first].astype(np.int64)  # (C,)
        self.families = pool.families  # saved, because their codes change with the pool
        self.ladders = tuple(self._ladder(family) for family in range(len(self.families)))
        bottom = [self.arm_levels[ladder[0]] for ladder in self.ladders]
        self.upper = np.array(bottom, np.int64)  # (F,) level h
        self.counted = np.zeros((len(bottom), 3), np.int64)  # (F, 3) groups, solved, scored

    def weights(self) -> Weights:  # (C,)
        weights = np.zeros(len(self.names))
        for family, ladder in enumerate(self.ladders):
            rung = self._rung(family)
            inside = ladder[max(0, rung - self.window + 1) : rung + 1]
            weights[inside] = 1 / (len(self.ladders) * len(inside))
        return weights

    def learn(self, told: ArmStep) -> None:
        highest = [ladder[self._rung(family)] for family, ladder in enumerate(self.ladders)]
        mine = np.isin(told.arms, highest)  # (m,)
        groups = np.column_stack([np.ones_like(told.solved), told.solved, told.scored])  # (m, 3)
        np.add.at(self.counted, self.arm_families[told.arms[mine]], groups[mine])
        for family in np.flatnonzero(self.counted[:, 0] >= self.prompts).tolist():
            _, solved, scored = self.counted[family].tolist()
            ladder, rung = self.ladders[family], self._rung(family)
            if solved / scored >= self.promote:
                rung = min(rung + 1, len(ladder) - 1)
            elif self.demote_below is not None and solved / scored < self.demote_below:
                rung = max(rung - 1, 0)
            self.upper[family], self.counted[family] = self.arm_levels[ladder[rung]], 0

    def metrics(self) -> dict[str, float]:
        return {"mean_upper_level": float(self.upper.mean()), **super().metrics()}

    def remap(self, state: State, old_positions: NDArray[np.int64]) -> State:
        """See `Stateful.remap`: families keep their level by name, new ones start at the bottom."""
        moved = super().remap(state, old_positions)
        names = state["families"]
        assert isinstance(names, list)
        old = np.array([names.index(one) if one in names else -1 for one in self.families])
        for name, fresh in (("upper", self.upper), ("counted", self.counted)):
            rows = fresh.copy()
            rows[old >= 0] = np.asarray(state[name])[old[old >= 0]]
            moved[name] = rows
        return {**moved, "families": list(self.families)}

    def _check(self, state: State) -> None:
        super()._check(state)
        if state["families"] != list(self.families):
            raise StateError(
                f"the state has the families {state['families']}, this pool {list(self.families)};"
                " remap the state by id first; nothing was loaded"
            )

    def _ladder(self, family: int) -> NDArray[np.int64]:
        """The arms of a family, lowest level first; the unknown one only if it has no other."""
        mine = np.flatnonzero(self.arm_families == family)
        mine = mine[np.argsort(self.arm_levels[mine])]
        known = mine[self.arm_levels[mine] != UNKNOWN_LEVEL]
        return known if len(known) else mine

    def _rung(self, family: int) -> int:
        """Where the upper level of a family stands on its ladder, which a new pool may change."""
        levels = self.arm_levels[self.ladders[family]]
        return max(0, int(np.searchsorted(levels, self.upper[family], side="right")) - 1)
