"""Pools of generated problems, and endless streams of them."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import count
from math import gcd, lcm
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.base import Encoding, Generator
from lessonplan.generators.families import family
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.generators.sources import Source
from lessonplan.generators.splits import Split, check_split
from lessonplan.generators.streams import Stream


@dataclass(frozen=True, slots=True)
class _Cell:
    """One level of one task: the unit that problems are counted in."""

    generator: Generator
    level: int


def generate(
    generators: Sequence[Generator | str] | Generator | str,
    levels: Mapping[int, float] | Sequence[int],
    n: int,
    *,
    split: Split,
    seed: int = 0,
    encoding: Encoding | None = None,
    unique: bool = True,
    workers: int = 1,
) -> Pool:
    """A pool of n problems, with exact counts per task and level.

    `generators` are generators (which bring their own encoding) or names of families; `levels`
    are weights by level, or the levels that share alike; tasks always share alike. With `unique`
    no instance comes twice; looking for repeats is what takes time, and `workers` processes share
    it.

    Pools are nested: a pool is the beginning of every larger one with the same other arguments,
    and each of its beginnings has the right shares (see `deal`).

    Raises PoolError when a task and level would need more than half of its distinct problems.
    """
    check_split(split)
    if n < 1:
        raise ConfigError(f"n must be at least 1, got {n}")
    members = _generators(generators, encoding)
    weights = _weights(levels, members)
    cells = [_Cell(member, level) for member in members for level in weights]
    dealt = deal([weights[cell.level] for cell in cells], n)  # (n,)
    indices = np.empty(n, dtype=np.int32)  # (n,) into the endless stream of the cell
    attempts = np.empty(n, dtype=np.int16)  # (n,)
    sizes = np.bincount(dealt, minlength=len(cells)).tolist()
    for cell, size in zip(cells, sizes, strict=True):
        _check_capacity(cell, split, size)
    find = partial(_found, split=split, seed=seed, unique=unique)
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as crew:
            found = list(crew.map(find, cells, sizes))
    else:
        found = list(map(find, cells, sizes))
    for code, those in enumerate(found):
        here = dealt == code
        indices[here], attempts[here] = those
    source = Generated(tuple(cells), dealt, indices, attempts, split, seed)
    name = "+".join(member.family for member in members)
    return Pool(source, name=f"{name}-{split}")


def stream(
    generator: Generator | str,
    levels: Mapping[int, float] | Sequence[int],
    *,
    split: Split = "warmup",
    seed: int = 0,
    encoding: Encoding | None = None,
) -> Iterator[Problem]:
    """Problems without end, each of a level drawn by weight; repeats are possible."""
    (member,) = _generators(generator, encoding)
    weights = _weights(levels, [member])
    check_split(split)
    shares = {level: float(weight) for level, weight in weights.items()}
    draw = Stream(f"{member.task}/v{member.version}/levels/{split}/{seed}")
    return (member.problem(_pick(draw, shares), split, index, seed) for index in count())


def _pick(draw: Stream, shares: Mapping[int, float]) -> int:
    """A level, drawn by weight."""
    point = draw.uniform() * sum(shares.values())
    for level, share in shares.items():
        if point < share:
            return level
        point -= share
    return max(shares)  # rounding left a sliver


def deal(weights: Sequence[Fraction], n: int) -> NDArray[np.int16]:
    """Deal n seats to parties by weight, each to the one farthest below its share: (n,) parties.

    No party is ever a whole seat above its share, since only one below it is served. So counts are
    exact wherever all shares are whole, and else the largest remainders are served first (measured:
    at most 1.15 seats below, over 400 random sets of up to 15 weights). Plain largest remainder is
    not monotone: a party can lose a seat when n grows.
    """
    scale = lcm(*(weight.denominator for weight in weights))
    shares = [int(weight * scale) for weight in weights]  # whole numbers: no rounding
    common = gcd(*shares)
    shares = [share // common for share in shares]
    total = sum(shares)
    behind = [0] * len(shares)  # by how much each party is below its share, in seats x total
    # After `total` seats every share is met exactly, and the dealing begins anew.
    seats = np.empty(min(n, total), dtype=np.int16)
    for seat in range(len(seats)):
        behind = [gap + share for gap, share in zip(behind, shares, strict=True)]
        party = behind.index(max(behind))  # the first of equals
        behind[party] -= total
        seats[seat] = party
    return np.resize(seats, n)


class Generated(Source):
    """Problems that are made again at every access: eight bytes a problem."""

    def __init__(
        self,
        cells: tuple[_Cell, ...],
        codes: NDArray[np.int16],
        indices: NDArray[np.int32],
        attempts: NDArray[np.int16],
        split: Split,
        seed: int,
    ) -> None:
        self._cells, self._split, self._seed = cells, split, seed
        self._codes = codes  # (N,) cell of each problem
        self._indices = indices  # (N,) its index in the stream of the cell
        self._attempts = attempts  # (N,) which draw it is; -1 where nobody has looked

    def __len__(self) -> int:
        return len(self._codes)

    def problem(self, position: int) -> Problem:
        cell, index = self._cell(position)
        attempt = int(self._attempts[position])
        if attempt < 0:
            return cell.generator.problem(cell.level, self._split, index, self._seed)
        return cell.generator.again(cell.level, self._split, index, attempt, self._seed)[0]

    def keyed(self, position: int) -> tuple[Problem, int | None]:
        cell, index = self._cell(position)
        attempt = int(self._attempts[position])
        if attempt < 0:
            attempt = cell.generator.find(cell.level, self._split, index, self._seed).attempt
        return cell.generator.again(cell.level, self._split, index, attempt, self._seed)

    def problem_id(self, position: int) -> str:
        cell, index = self._cell(position)
        return cell.generator.problem_id(cell.level, self._split, index, self._seed)

    def _cell(self, position: int) -> tuple[_Cell, int]:
        return self._cells[int(self._codes[position])], int(self._indices[position])

    def position(self, problem_id: str) -> int | None:
        index = problem_id.rpartition("/")[2]
        if not (index.isascii() and index.isdigit() and len(index) < 10):
            return None
        here = self._indices == int(index)
        for position in np.flatnonzero(here):  # at most one for each cell
            if self.problem_id(int(position)) == problem_id:
                return int(position)
        return None

    def take(self, positions: NDArray[np.int64]) -> "Generated":
        return Generated(
            self._cells,
            self._codes[positions],
            self._indices[positions],
            self._attempts[positions],
            self._split,
            self._seed,
        )

    def columns(self) -> tuple[NDArray[np.int16], Sequence[str], NDArray[np.int16]]:
        present = [self._cells[code] for code in np.unique(self._codes)]
        names = sorted({cell.generator.family for cell in present})
        levels = np.array([cell.level for cell in self._cells], dtype=np.int16)
        codes = np.array(
            [
                names.index(cell.generator.family) if cell.generator.family in names else -1
                for cell in self._cells
            ],
            dtype=np.int16,
        )
        return levels[self._codes], names, codes[self._codes]


def _found(
    cell: _Cell, n: int, *, split: Split, seed: int, unique: bool
) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """The first n indices of a cell's stream without those that repeat an earlier instance: (n,).

    Beside them the draw that each of them is: (n,). Levels of a task share no instance, so looking
    within the cell is enough.
    """
    if not unique:
        return np.arange(n, dtype=np.int32), np.full(n, -1, dtype=np.int16)
    seen: set[int] = set()
    indices, attempts = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int16)
    index = 0
    while len(seen) < n:
        _, hashed, attempt = cell.generator.find(cell.level, split, index, seed)
        if hashed not in seen:
            indices[len(seen)], attempts[len(seen)] = index, attempt
            seen.add(hashed)
        index += 1
    return indices, attempts


def _check_capacity(cell: _Cell, split: Split, n: int) -> None:
    capacity = cell.generator.capacity(cell.level, split)
    if n > capacity // 2:
        raise PoolError(
            f"{cell.generator.task} level {cell.level} has about {capacity} distinct {split} "
            f"problems; {n} is more than half of them. Ask for at most {capacity // 2} at this "
            "level, or for higher levels"
        )


def _generators(
    generators: Sequence[Generator | str] | Generator | str, encoding: Encoding | None
) -> list[Generator]:
    if isinstance(generators, (Generator, str)):
        generators = [generators]
    members = [family(g, encoding) if isinstance(g, str) else g for g in generators]
    tasks = [member.task for member in members]
    if not tasks or len(set(tasks)) < len(tasks):
        raise ConfigError(f"generators must be one or more different tasks, got {tasks}")
    return members


def _weights(
    levels: Mapping[int, float] | Sequence[int], members: Sequence[Generator]
) -> dict[int, Fraction]:
    """Exact weights of the levels that have any, by rising level."""
    if not isinstance(levels, Mapping):
        levels = dict.fromkeys(levels, 1.0)
    if not all(0 <= weight < float("inf") for weight in levels.values()):
        raise ConfigError(f"weights of levels must be finite and not negative, got {dict(levels)}")
    # Through str, so that 0.1 is a tenth and not its nearest binary fraction.
    weights = {
        int(level): Fraction(str(levels[level])) for level in sorted(levels) if levels[level]
    }
    if not weights:
        raise ConfigError("levels must give at least one level a weight above 0")
    for member in members:
        for level in weights:
            member.check_level(level)
    return weights
