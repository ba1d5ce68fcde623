"""Where the problems of a pool are kept."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import PoolError
from lessonplan.generators.problem import Problem


class Source(ABC):
    """Where a pool's problems are: in memory, or made at every access. Their ids are distinct."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def problem(self, position: int) -> Problem:
        """The problem at a position in 0..len-1."""

    def keyed(self, position: int) -> tuple[Problem, int | None]:
        """The problem and the hash of its canonical key; None where that has to be looked for."""
        return self.problem(position), None

    @abstractmethod
    def problem_id(self, position: int) -> str:
        """Its id, without making the problem."""

    @abstractmethod
    def position(self, problem_id: str) -> int | None:
        """Where an id is, or None."""

    @abstractmethod
    def take(self, positions: NDArray[np.int64]) -> "Source":
        """The source of some of the problems, in that order."""

    @abstractmethod
    def columns(self) -> tuple[NDArray[np.int16], Sequence[str], NDArray[np.int16]]:
        """Levels (N,), names of the families, sorted, and the code of each problem's one (N,)."""


class Listed(Source):
    """Problems held in memory. Raises PoolError when two have the same id."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = tuple(problems)
        self._positions = {problem.id: at for at, problem in enumerate(self._problems)}
        if len(self._positions) < len(self._problems):
            commonest, times = Counter(problem.id for problem in self._problems).most_common(1)[0]
            raise PoolError(f'{times} problems have the id "{commonest}"; ids must be distinct')

    def __len__(self) -> int:
        return len(self._problems)

    def problem(self, position: int) -> Problem:
        return self._problems[position]

    def problem_id(self, position: int) -> str:
        return self._problems[position].id

    def position(self, problem_id: str) -> int | None:
        return self._positions.get(problem_id)

    def take(self, positions: NDArray[np.int64]) -> "Listed":
        return Listed(self._problems[position] for position in positions)

    def columns(self) -> tuple[NDArray[np.int16], Sequence[str], NDArray[np.int16]]:
        levels = np.array([problem.level for problem in self._problems], dtype=np.int16)
        names = sorted({problem.family for problem in self._problems})
        code = {name: i for i, name in enumerate(names)}
        codes = np.array([code[problem.family] for problem in self._problems], dtype=np.int16)
        return levels, names, codes
