"""Put tasks on one scale of difficulty: the z of each problem, fitted to measured pass rates."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessonplan.errors import ConfigError, FormatError
from lessonplan.generators.problem import Problem

Floats = NDArray[np.float64]

# Before any data a step of work doubles the odds of failure by e, give or take e; an offset may be
# anything. It decides only what the data leave open, such as the slope of a task with one level.
SLOPE, SLOPE_SPREAD, OFFSET_SPREAD = 1.0, 1.0, 10.0


class Line(msgspec.Struct, frozen=True):
    """One task: z = offset + slope x log2(work)."""

    offset: float
    slope: float
    rollouts: int


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted scale: P(solved) = 1 / (1 + exp(z - theta)), theta the ability of the solver.

    Abilities add up to 0. `rmse` is between measured and fitted pass rates of (solver, task, level)
    cells, weighted by rollouts, and `noise` what chance alone gives it; `log_loss` is a mean over
    rollouts, `null_log_loss` that of one pass rate for all.
    """

    tasks: dict[str, Line]
    solvers: dict[str, float]
    rmse: float
    noise: float
    log_loss: float
    null_log_loss: float

    def z(self, problem: Problem) -> float:
        """The calibrated difficulty of a problem. Raises ConfigError for a task without a line."""
        line = self.tasks.get(problem.task)
        if line is None:
            raise ConfigError(
                f"{problem.task or problem.id} was not calibrated; calibrated: {', '.join(self.tasks)}"
            )
        return line.offset + line.slope * problem.work

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the scale as JSON."""
        Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Scale":
        """Read what `save` wrote. Raises FormatError for anything else."""
        try:
            return msgspec.json.decode(Path(path).read_bytes(), type=cls)
        except msgspec.DecodeError as error:
            raise FormatError(f"{path}: not a calibration: {error}") from None


def calibrate(
    problems: Sequence[Problem],
    solved: ArrayLike,
    rollouts: ArrayLike,
    *,
    solvers: Sequence[str] | None = None,
) -> Scale:
    """Fit offset and slope of every task, and the ability of every solver, by maximum likelihood.

    Row i says that `solvers[i]` (one and the same without it) solved `problems[i]` in `solved[i]` of
    `rollouts[i]` tries. A one-parameter logistic model (Rasch) in log2 of the work; weak priors
    keep tasks that were always or never solved finite. Only problems of one scale are comparable:
    level, z and pass rate stay three columns.

    Raises ConfigError for rows that do not fit together, and for problems without work.
    """
    from scipy.optimize import minimize

    k, n = np.asarray(solved, np.float64), np.asarray(rollouts, np.float64)  # (m,)
    names = ["solver"] * len(problems) if solvers is None else list(solvers)
    _check(problems, k, n, names)
    tasks, task = np.unique([problem.task for problem in problems], return_inverse=True)
    who, solver = np.unique(names, return_inverse=True)
    work = np.array([problem.work for problem in problems])  # (m,)
    t, s = len(tasks), len(who)
    center = np.array([work[task == code].mean() for code in range(t)])  # (t,)
    x = work - center[task]  # so that offset and slope hardly disturb each other

    def logits(free: Floats) -> Floats:  # (m,)
        return np.asarray(free[2 * t :][solver] - free[:t][task] - free[t : 2 * t][task] * x)

    def loss(free: Floats) -> tuple[float, Floats]:
        logit = logits(free)
        heights, slopes, abilities = free[:t], free[t : 2 * t] - SLOPE, free[2 * t :]
        value = _surprise(logit, k, n).sum() + 0.5 * (
            (heights**2).sum() / OFFSET_SPREAD**2
            + (slopes**2).sum() / SLOPE_SPREAD**2
            + (abilities**2).sum() / OFFSET_SPREAD**2
        )
        miss = n * _sigmoid(logit) - k  # d loss / d logit
        gradient = np.concatenate(
            [
                heights / OFFSET_SPREAD**2 - np.bincount(task, miss, t),
                slopes / SLOPE_SPREAD**2 - np.bincount(task, miss * x, t),
                abilities / OFFSET_SPREAD**2 + np.bincount(solver, miss, s),
            ]
        )
        return float(value), gradient

    start = np.concatenate([np.zeros(t), np.full(t, SLOPE), np.zeros(s)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 10_000}).x
    shift = found[2 * t :].mean()  # abilities add up to 0; heights move along
    heights, slopes, abilities = found[:t] - shift, found[t : 2 * t], found[2 * t :] - shift
    offsets = heights - slopes * center
    counts = np.bincount(task, n, t)
    levels = np.array([problem.level for problem in problems])
    rate = _sigmoid(logits(found))
    rmse, noise = _errors(np.stack([solver, task, levels]), k, n, rate)
    overall = k.sum() / n.sum()
    return Scale(
        tasks={
            str(name): Line(float(offsets[i]), float(slopes[i]), int(counts[i]))
            for i, name in enumerate(tasks)
        },
        solvers={str(name): float(abilities[i]) for i, name in enumerate(who)},
        rmse=rmse,
        noise=noise,
        log_loss=float(_surprise(logits(found), k, n).sum() / n.sum()),
        null_log_loss=float(-sum(p * np.log(p) for p in (overall, 1 - overall) if p > 0)),
    )


def _errors(cells: NDArray[np.int64], k: Floats, n: Floats, rate: Floats) -> tuple[float, float]:
    """Root mean square error of the pass rates of cells (c, m), and what chance alone gives."""
    cell = np.unique(cells, axis=1, return_inverse=True)[1].ravel()
    total = np.bincount(cell, n)
    gap = (np.bincount(cell, k) - np.bincount(cell, n * rate)) / total
    variance = np.bincount(cell, n * rate * (1 - rate)) / total**2
    return (
        float(np.sqrt((total * gap**2).sum() / total.sum())),
        float(np.sqrt((total * variance).sum() / total.sum())),
    )


def _surprise(logit: Floats, k: Floats, n: Floats) -> Floats:  # (m,)
    return np.asarray(n * np.logaddexp(0, logit) - k * logit)


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -logit)))


def _check(problems: Sequence[Problem], k: Floats, n: Floats, names: Sequence[str]) -> None:
    if not len(problems) == len(k) == len(n) == len(names) > 0:
        raise ConfigError(
            "problems, solved, rollouts and solvers must be equally many and at least one, got "
            f"{len(problems)}, {len(k)}, {len(n)}, {len(names)}"
        )
    for i, problem in enumerate(problems):
        if not (n[i] >= 1 and 0 <= k[i] <= n[i]):
            raise ConfigError(
                f"row {i} ({problem.id}): {k[i]:g} of {n[i]:g} rollouts cannot have been solved"
            )
        if not problem.work > 0:
            raise ConfigError(f"row {i} ({problem.id}) has no work: only generated problems do")
