"""Results that somebody else published: rows of task, sampler, n and accuracy, compared as they are.

One point a cell has no interval, so none is given; what can be said is where one sampler's curve
passes the accuracy of the other's point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import exp, inf, isfinite, isinf, isnan, log, nan
from pathlib import Path
from typing import Literal

import numpy as np

from lessonplan.analysis.isotonic import isotonic
from lessonplan.analysis.laws import Floats
from lessonplan.analysis.raw_tables import read_raw
from lessonplan.analysis.table_roles import POINT_NAMES, find_columns, is_percent
from lessonplan.errors import ConfigError

Unit = Literal["percent", "share"]


@dataclass(frozen=True, slots=True)
class PointCurve:
    """One sampler on one task: its points in the order of n, without n = 0."""

    sampler: str
    n: tuple[float, ...]  # (K,)
    accuracy: tuple[float, ...]  # (K,) shares; the mean where a size has several rows
    rows: int  # most rows at one size: seeds, if each row is a run


@dataclass(frozen=True, slots=True)
class PointTask:
    """The curves of one task, and the model before training (NaN if it is not in the table)."""

    task: str
    base: float
    curves: tuple[PointCurve, ...]

    def curve(self, sampler: str) -> PointCurve:
        """The curve of a sampler. Raises ConfigError naming the others."""
        for one in self.curves:
            if one.sampler == sampler:
                return one
        known = ", ".join(one.sampler for one in self.curves)
        raise ConfigError(f"no sampler {sampler!r} for {self.task}; known: {known}")


@dataclass(frozen=True, slots=True)
class PointTable:
    """A table as it was read, and in words how."""

    path: Path
    columns: Mapping[str, str]  # role to column
    unit: Unit
    tasks: tuple[PointTask, ...]
    raw: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]  # (task, sampler): every row

    @property
    def reading(self) -> str:
        """What was taken for what."""
        taken = ", ".join(f"{role} = {name}" for role, name in self.columns.items())
        return f"{self.path.name}: {taken}; accuracy read as a {self.unit}"

    @property
    def seeds(self) -> str:
        """How many runs stand behind a point, as far as the table says."""
        most = max(curve.rows for task in self.tasks for curve in task.curves)
        if most == 1:
            return "one seed, no interval: one row for each size, so a difference may be chance"
        return (
            f"no interval: up to {most} rows for each size were averaged, and a table does not say "
            "which of them share a start or test problems"
        )


def read_points(
    path: str | Path, columns: Mapping[str, str] | None = None, *, unit: Unit | None = None
) -> PointTable:
    """Read a table (CSV, JSON Lines, JSON, parquet), the columns of n, accuracy, sampler, task.

    A role that `columns` does not map is found by the name of a column if exactly one fits.
    Accuracies are percent if `unit` or the ending of the column's name says so, or if one is above
    1. Rows with n = 0 are the model before training: of their sampler if it has other rows, else
    of the task.

    Raises ConfigError for columns that lack or fit twice; FormatError, with
    file and line, for a cell that is not a number, a table without rows, and any other file.
    """
    path = Path(path)
    raw = read_raw(path)
    taken = find_columns(path, list(raw.columns), columns or {}, POINT_NAMES)
    percent = is_percent(raw, taken["accuracy"], unit)
    top = 100.0 if percent else 1.0
    tasks = raw.texts(taken["task"]) if "task" in taken else [""] * len(raw)
    samplers = raw.texts(taken["sampler"]) if "sampler" in taken else [""] * len(raw)
    numbers = zip(raw.numbers(taken["n"]), raw.numbers(taken["accuracy"]), strict=True)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row, (n, value) in enumerate(numbers):
        if not (n >= 0 and 0 <= value <= top):  # NaN is neither
            raise raw.fault(
                row,
                f"n must be at least 0 and accuracy from 0 to {top:.0f}, got {n:g} and {value:g}",
            )
        key = (tasks[row] or path.stem, samplers[row])
        found.setdefault(key, []).append((float(n), float(value) / top))
    rows = {key: tuple(some) for key, some in found.items()}
    each = tuple(_task(task, rows) for task in dict.fromkeys(task for task, _ in rows))
    return PointTable(path, taken, "percent" if percent else "share", each, rows)


def _task(task: str, raw: Mapping[tuple[str, str], Sequence[tuple[float, float]]]) -> PointTask:
    own = {sampler: rows for (name, sampler), rows in raw.items() if name == task}
    zero = [y for rows in own.values() for n, y in rows if n == 0]
    curves = list[PointCurve]()
    for sampler, rows in own.items():
        sizes = sorted({n for n, _ in rows if n > 0})
        if not sizes:
            continue
        each = [[y for m, y in rows if m == n] for n in sizes]
        means = tuple(some[0] if len(some) == 1 else float(np.mean(some)) for some in each)
        curves.append(PointCurve(sampler or task, tuple(sizes), means, max(map(len, each))))
    return PointTask(task, float(np.mean(zero)) if zero else nan, tuple(curves))


def fit_points(table: PointTable) -> dict[str, tuple[Floats, Floats]]:
    """Sizes and accuracies of every row by curve, the model before training included: for fits.

    Raises ConfigError for a curve with fewer than two sizes above 0.
    """
    found: dict[str, tuple[Floats, Floats]] = {}
    for task in table.tasks:
        names = {sampler for name, sampler in table.raw if name == task.task}
        curves = {curve.sampler for curve in task.curves}
        shared = [
            row
            for name in names
            if (name or task.task) not in curves
            for row in table.raw[task.task, name]
        ]
        for name in sorted(names, key=lambda one: list(table.raw).index((task.task, one))):
            label = name or task.task
            if label not in curves:
                continue
            rows = np.array([*shared, *table.raw[task.task, name]])
            if len({n for n in rows[:, 0] if n > 0}) < 2:
                raise ConfigError(f"{table.path}: {label} needs at least two different n above 0")
            whole = f"{task.task} {label}" if len(table.tasks) > 1 and name else label
            found[whole] = rows[:, 0], rows[:, 1]
    if not found:
        raise ConfigError(f"{table.path}: no row with n above 0")
    return found


def reaches(curve: PointCurve, target: float) -> float:
    """n at which the points first reach the target, linear in ln n between two of them.

    0 if the first point is already there, inf if none is.
    """
    if curve.accuracy[0] >= target:
        return curve.n[0] if curve.accuracy[0] == target else 0.0
    for (n0, y0), (n1, y1) in pairwise(zip(curve.n, curve.accuracy, strict=True)):
        if y1 == target:
            return n1
        if y1 > target:
            return exp(log(n0) + (target - y0) / (y1 - y0) * log(n1 / n0))
    return inf


PointKind = Literal["ratio", "at least", "at most", "not reached", "both early"]


@dataclass(frozen=True, slots=True)
class PointComparison:
    """Sampler A at one of its points against the curve of B; no interval.

    `kind`: "ratio"; "at least", B never gets there: `ratio` is a bound; "at most", B is there at
    its smallest size or before; "not reached", there is nothing to match: the accuracy is not
    above the model before training, or neither curve has it; "both early", both have it at their
    smallest size.
    """

    task: str
    a: str
    b: str
    target: float
    n_a: float
    n_b: float  # inf if never, 0 if before the smallest size
    kind: PointKind
    ratio: float  # n_B / n_A, or the bound; NaN if not reached
    words: str
    notes: tuple[str, ...]


def effective_data(task: PointTask, a: str, b: str) -> tuple[PointComparison, ...]:
    """Along the sizes of A: how many problems B needs for the accuracy of that point."""
    mine, found = task.curve(a), list[PointComparison]()
    for n, target in zip(mine.n, mine.accuracy, strict=True):
        one = _compare(task, a, b, target, n, f"at {n:.0f} problems {a} scores {_percent(target)}")
        y, m = max((y, -m) for m, y in zip(mine.n, mine.accuracy, strict=True) if m <= n)
        if y > target:
            note = (
                f"{a} scores less at {n:.0f} problems ({_percent(target)}) than at {-m:.0f} "
                f"({_percent(y)}): more problems did not help, or chance did"
            )
            one = replace(one, notes=(*one.notes, note))
        found.append(one)
    return tuple(found)


def at_accuracy(task: PointTask, a: str, b: str, target: float) -> PointComparison:
    """Both curves cut at one accuracy."""
    n = reaches(task.curve(a), target)
    if n == 0:
        return _early(task, a, b, target)
    if isinf(n):
        return _not_there(task, a, b, target)
    return _compare(task, a, b, target, n, f"{a} reaches {_percent(target)} with {n:.0f} problems")


def _compare(
    task: PointTask, a: str, b: str, target: float, n: float, text: str
) -> PointComparison:
    other = task.curve(b)
    n_b = reaches(other, target)
    kind: PointKind = "ratio"
    ratio = n_b / n
    if not isnan(task.base) and target <= task.base:
        kind, ratio = "not reached", nan
        text += (
            f", not above the model before training ({_percent(task.base)}): not reached, there is "
            "no gain to match"
        )
    elif isinf(n_b):
        kind, ratio = "at least", other.n[-1] / n
        text += (
            f"; {b}: not reached, {_percent(max(other.accuracy))} at most up to {other.n[-1]:.0f} "
            f"problems: more than {times(ratio)} times as many"
        )
    elif n_b == 0:
        kind, ratio = "at most", other.n[0] / n
        text += (
            f"; {b} has that at its smallest size, {other.n[0]:.0f} problems: at most "
            f"{times(ratio)} times as many"
        )
    else:
        text += f"; {b} needs {n_b:.0f} for that: {times(ratio)} times as many"
    return PointComparison(
        task.task, a, b, target, n, n_b, kind, ratio, text, _notes(task, a, b, target, kind)
    )


def _early(task: PointTask, a: str, b: str, target: float) -> PointComparison:
    """A has the target at its smallest size already: its number of problems is only bounded."""
    first = task.curve(a).n[0]
    text = f"{a} has {_percent(target)} at its smallest size, {first:.0f} problems"
    found = _compare(task, a, b, target, first, text)
    if found.kind == "at most":
        return replace(found, kind="both early", ratio=nan, words=f"{text}; so has {b}: no ratio")
    if found.kind == "ratio":
        words = found.words.replace(": ", ": at least ")
        return replace(found, kind="at least", words=words)
    return found


def _not_there(task: PointTask, a: str, b: str, target: float) -> PointComparison:
    """A never has the target: the bound from the other side, or nothing."""
    mine, other = task.curve(a), task.curve(b)
    n_b = reaches(other, target)
    text = (
        f"{a}: {_percent(target)} not reached ({_percent(max(mine.accuracy))} at most up to "
        f"{mine.n[-1]:.0f} problems)"
    )
    kind: PointKind = "not reached"
    ratio = nan
    if isinf(n_b):
        text += f"; nor by {b} ({_percent(max(other.accuracy))} at most)"
    else:
        n_b = n_b or other.n[0]
        kind, ratio = "at most", n_b / mine.n[-1]
        text += f"; {b} needs at most {n_b:.0f}: {b} needs less than {times(ratio)} times as many"
    return PointComparison(task.task, a, b, target, inf, n_b, kind, ratio, text, ())


def _notes(task: PointTask, a: str, b: str, target: float, kind: PointKind) -> tuple[str, ...]:
    """What in the points makes the number doubtful."""
    notes, other = list[str](), task.curve(b)
    if kind == "not reached":
        return ()
    harmed = [f"{n:.0f}" for n, y in zip(other.n, other.accuracy, strict=True) if y < task.base]
    if harmed:
        notes.append(
            f"{b} is below the model before training at n = {', '.join(harmed)}: training harmed "
            "it there, which enlarges the ratio"
        )
    means = isotonic(np.array(other.accuracy), np.ones(len(other.n)))
    if kind == "ratio" and target > means[-1]:
        notes.append(
            f"{b} falls again after it: monotone means of its points end at "
            f"{_percent(float(means[-1]))}, and by them it is not reached: unresolved"
        )
    return tuple(notes)


def best_points(task: PointTask, a: str, b: str) -> str:
    """The best points of both, and who reaches whose: the summary of a pair in one sentence."""
    mine, other = task.curve(a), task.curve(b)
    best_a, best_b = max(mine.accuracy), max(other.accuracy)
    high, low, top, under = (a, b, best_a, best_b) if best_a >= best_b else (b, a, best_b, best_a)
    if best_a == best_b:
        return f"both are at {_percent(best_a)} at best"
    return f"the best of {high}, {_percent(top)}, is not reached by {low} ({_percent(under)})"


def point_pairs(task: PointTask) -> tuple[tuple[str, str], ...]:
    """Pairs to compare: all of up to four samplers, else each against the baseline.

    The baseline, named second, is uniform if it is there, else easy, else the first.
    """
    names = [curve.sampler for curve in task.curves]
    names.sort(key=lambda name: (name != "uniform", name != "easy"))
    if len(names) <= 4:
        return tuple((a, b) for b, a in combinations(names, 2))
    return tuple((a, names[0]) for a in names[1:])


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def times(value: float) -> str:
    """A ratio with two digits, 5.0 and not 5."""
    if not isfinite(value):
        return "unknown"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
