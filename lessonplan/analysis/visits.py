"""Every try of every problem as one table: who picked it, when, and how many rollouts were right."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.curve_figures import common_size
from lessonplan.analysis.runs import Floats, Ints, Run
from lessonplan.analysis.studies import Study

PARTS = 10  # a run is shown in ten equal parts


@dataclass(frozen=True, slots=True)
class Visits:
    """V groups with a scored rollout, by run and in the order of their steps.

    A problem is the same in two runs if its id is: runs of one start and seed share theirs.
    """

    samplers: tuple[str, ...]
    starts: tuple[str, ...]  # of each run
    sampler: Ints  # (V,) position in `samplers`
    run: Ints  # (V,)
    problem: Ints  # (V,) position in `ids`
    ids: tuple[str, ...]  # (P,)
    level: Ints  # (P,)
    part: Ints  # (V,) of the run, 0..9
    right: Ints  # (V,)
    scored: Ints  # (V,)

    def __len__(self) -> int:
        return len(self.run)

    @property
    def rate(self) -> Floats:
        """Share of right rollouts of each group, (V,)."""
        return np.asarray(self.right / self.scored)

    def take(self, rows: NDArray[np.generic]) -> "Visits":
        """Some groups, by number or by a mask (V,)."""
        names = ("sampler", "run", "problem", "part", "right", "scored")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def of(self, sampler: str) -> "Visits":
        """The groups of one sampler."""
        return self.take(self.sampler == self.samplers.index(sampler))

    def before(self) -> Ints:
        """Number of the group in which the same run tried the same problem last, (V,); -1: new."""
        order = np.lexsort((np.arange(len(self)), self.problem, self.run))
        same = (np.diff(self.run[order]) == 0) & (np.diff(self.problem[order]) == 0)
        found = np.full(len(self), -1)
        found[order[1:][same]] = order[:-1][same]
        return found


def visits(study: Study, family: str, *, common: bool = False) -> Visits:
    """All groups of the RL runs of a family; `common`: of the largest size that all were run at."""
    n = common_size(study, family) if common else None
    runs = [r for r in study.of(family, "rl") if len(r.groups.step) and n in (None, r.info.n)]
    samplers = tuple(s for s in study.samplers(family) if any(r.info.sampler == s for r in runs))
    codes: dict[str, int] = {}
    levels: dict[int, int] = {}
    columns: list[Ints] = []
    for number, run in enumerate(runs):
        own = np.array([codes.setdefault(name, len(codes)) for name in run.groups.ids], int)
        levels.update(zip(own.tolist(), run.groups.level.tolist(), strict=True))
        columns.append(_columns(run, samplers.index(run.info.sampler), number, own))
    table = np.concatenate(columns, axis=1) if columns else np.zeros((6, 0), dtype=np.int64)
    sampler, run_of, problem, part, right, scored = table
    return Visits(
        samplers,
        tuple(r.info.start for r in runs),
        sampler,
        run_of,
        problem,
        tuple(codes),
        np.array([levels[k] for k in range(len(codes))], dtype=np.int64),
        part,
        right,
        scored,
    )


def _columns(run: Run, sampler: int, number: int, problem: Ints) -> Ints:
    """The columns of one run, (6, V), in the order of steps."""
    groups = run.groups
    end = int(groups.step.max()) + 1
    scored = np.isfinite(groups.rewards).sum(axis=1)
    right = (groups.rewards >= 1.0).sum(axis=1)  # NaN compares false
    order = np.argsort(groups.step, kind="stable")
    order = order[scored[order] > 0]
    size = len(groups.step)
    table = np.stack(
        [
            np.full(size, sampler),
            np.full(size, number),
            problem,
            groups.step * PARTS // end,
            right,
            scored,
        ]
    )
    return np.asarray(table[:, order], dtype=np.int64)
