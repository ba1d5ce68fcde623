"""Results that somebody else published: rows of task, sampler, n and accuracy, compared as they are.

One point a cell has no interval, so none is given; what can be said is where one sampler's curve
passes the accuracy of the other's point.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import exp, inf, isfinite, isinf, isnan, log, nan
from pathlib import Path
from typing import Literal

import numpy as np

from lessonplan.analysis.isotonic import isotonic
from lessonplan.analysis.laws import Floats
from lessonplan.errors import ConfigError, FormatError

NEEDED = ("n", "accuracy")
ROLES: Mapping[str, tuple[str, ...]] = {  # what a column may be called; case does not matter
    "n": ("n", "problems", "n_problems", "unique_problems", "samples", "size", "train_size"),
    "accuracy": (
        "accuracy",
        "accuracy_percent",
        "accuracy_share",
        "test_accuracy",
        "mean_accuracy",
    ),
    "sampler": ("sampler", "arm", "method", "curriculum", "strategy"),
    "task": ("task", "family", "benchmark", "dataset"),
}
PERCENT = ("percent", "pct", "%")  # endings of a column of percent
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
    """Read a CSV file. `columns` names the column of a role: n, accuracy, sampler, task.

    A role that is not named is found by the name of a column if exactly one fits. Accuracies are
    percent if `unit` or the ending of the column's name says so, or if one is above 1. Rows with
    n = 0 are the model before training: of their sampler if it has other rows, else of the task.

    Raises ConfigError for columns that lack or fit twice, and with file and line for a cell that
    is not a number; FormatError for what is not a CSV file.
    """
    path = Path(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        try:
            names = list(reader.fieldnames or ())
            taken = _columns(path, names, columns or {})
            rows = [(reader.line_num, row) for row in reader]
        except (csv.Error, UnicodeDecodeError) as error:
            raise FormatError(f"{path}:{reader.line_num + 1}: {error}") from None
    if not rows:
        raise ConfigError(f"{path}: no rows below the header")
    numbers = [_numbers(path, line, row, taken) for line, row in rows]
    percent = _is_percent(path, taken["accuracy"], [(a, b) for a, _, b in numbers], unit)
    top = 100.0 if percent else 1.0
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for (line, row), (_, n, value) in zip(rows, numbers, strict=True):
        if not value <= top:
            raise _bad(path, line, row, taken, top)
        key = (_text(row, taken, "task", path.stem), _text(row, taken, "sampler", ""))
        found.setdefault(key, []).append((n, value / top))
    raw = {key: tuple(some) for key, some in found.items()}
    tasks = tuple(_task(task, raw) for task in dict.fromkeys(task for task, _ in raw))
    return PointTable(path, taken, "percent" if percent else "share", tasks, raw)


def _columns(path: Path, names: list[str], given: Mapping[str, str]) -> dict[str, str]:
    here = ", ".join(names) or "none"
    for role, name in given.items():
        if role not in ROLES:
            raise ConfigError(f"--columns: no role {role!r}; roles: {', '.join(ROLES)}")
        if name not in names:
            raise ConfigError(f"{path}: no column {name!r} for {role}; it has: {here}")
    taken, lacking = dict[str, str](), list[str]()
    for role, aliases in ROLES.items():
        fits = [n for n in names if n.strip().lower() in aliases and n not in given.values()]
        if role in given:
            taken[role] = given[role]
        elif len(fits) > 1:
            either = " or ".join(f'"{name}"' for name in fits)
            raise ConfigError(
                f"{path}: {role} could be {either}; choose with --columns {role}={fits[0]}"
            )
        elif fits:
            taken[role] = fits[0]
        elif role in NEEDED:
            lacking.append(role)
    if lacking:
        raise ConfigError(
            f"{path}: no column {' and '.join(sorted(lacking))}; it has: {here}\n"
            "A table needs n and accuracy, and sampler or task if there are several curves; "
            f"name other columns with --columns {lacking[0]}=COLUMN"
        )
    return taken


def _numbers(
    path: Path, line: int, row: Mapping[str, str | None], taken: Mapping[str, str]
) -> tuple[int, float, float]:
    """Line, n and accuracy of a row, the accuracy as it stands."""
    try:
        n, value = float(row[taken["n"]] or ""), float(row[taken["accuracy"]] or "")
        if not (0 <= n < inf and 0 <= value <= 100):
            raise ValueError
    except ValueError:
        raise _bad(path, line, row, taken, 1.0) from None
    return line, n, value


def _bad(
    path: Path, line: int, row: Mapping[str, str | None], taken: Mapping[str, str], top: float
) -> ConfigError:
    n, value = (row.get(taken[role]) for role in NEEDED)
    return ConfigError(
        f"{path}:{line}: n must be a number from 0 and accuracy one from 0 to {top:.0f}"
        f"{'' if top > 1 else ' (or 0 to 100, in percent)'}, got {n!r} and {value!r}"
    )


def _is_percent(
    path: Path, column: str, values: Sequence[tuple[int, float]], unit: Unit | None
) -> bool:
    """Whether accuracies are percent; a file with both kinds of numbers is refused."""
    if unit is not None:
        return unit == "percent"
    if column.strip().lower().endswith(PERCENT):
        return True
    above = [line for line, value in values if value > 1]
    below = [line for line, value in values if 0 < value < 1]
    if above and below:
        raise ConfigError(
            f"{path}:{above[0]}: n must be a number from 0 and accuracy one from 0 to 1, got an "
            f"accuracy above 1, while line {below[0]} has one below: shares or percent? "
            "Say --unit percent or --unit share"
        )
    return bool(above)


def _text(
    row: Mapping[str, str | None], taken: Mapping[str, str], role: str, otherwise: str
) -> str:
    return (row.get(taken[role]) or otherwise) if role in taken else otherwise


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
        return f"both end at {_percent(best_a)}"
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
