"""Which problems are asked and not yet told, so that none is handed out twice at once."""

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.state import Stateful

_FEW = 128  # positions below which a loop is faster than sorting: 3 against 20 us for 8 (measured)


class Ledger(Stateful):
    """Counts the open asks of every problem, and the free problems of every list.

    `lists` (N,) puts each problem into one list, such as a level or a tier; a negative number
    keeps it out of all. Without it there are no lists, and `free` is empty. Costs O(m) a call.
    """

    arrays = ("busy",)

    def __init__(
        self, size: int, lists: NDArray[np.signedinteger] | None = None, *, n_lists: int = 0
    ) -> None:
        self.lists = lists  # (N,)
        self.n_lists = 0 if lists is None else max(n_lists, int(lists.max(initial=0)) + 1)
        self.busy = np.zeros(size, np.int32)  # (N,) open asks
        self.in_flight = 0  # their sum
        self.free = np.zeros(0, np.int64)  # (C,) problems without an open ask
        self._restored()

    def take(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Open an ask for each of `positions` (m,), which come back unchanged."""
        self._check_range(positions)
        if self.lists is None:
            np.add.at(self.busy, positions, 1)
        elif not self.busy[positions].any() and self._distinct(positions):  # the common case
            self.busy[positions] = 1
            self.free -= self._counted(self.lists[positions])
        else:
            fresh = np.unique(positions[self.busy[positions] == 0])
            self.free -= self._counted(self.lists[fresh])
            np.add.at(self.busy, positions, 1)
        self.in_flight += len(positions)
        return positions

    def release(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Close one ask for each of `positions` (m,). Returns (m,) whether one was open.

        False marks a repeated or unasked tell, which must not teach anything.
        """
        self._check_range(positions)
        if self.lists is not None and self._all_open_once(positions):  # the common case
            self.busy[positions] = 0
            self.free += self._counted(self.lists[positions])
            self.in_flight -= len(positions)
            return np.ones(len(positions), np.bool_)
        was_open = self.busy[positions] > occurrence(positions)  # (m,)
        closed = positions[was_open]
        np.subtract.at(self.busy, closed, 1)
        self.in_flight -= len(closed)
        if self.lists is not None:
            closed = np.unique(closed)
            self.free += self._counted(self.lists[closed[self.busy[closed] == 0]])
        return was_open

    def _counted(self, lists: NDArray[np.signedinteger]) -> NDArray[np.int64]:
        return np.bincount(lists[lists >= 0], minlength=self.n_lists)  # (C,)

    def _all_open_once(self, positions: NDArray[np.int64]) -> bool:
        return bool((self.busy[positions] == 1).all()) and self._distinct(positions)

    def _distinct(self, positions: NDArray[np.int64]) -> bool:
        """Whether no position comes twice.

        Of two equal positions only one can keep its number: 5 us for 512, sorting takes 30.
        """
        numbers = np.arange(len(positions), dtype=np.int32)
        before = self.busy[positions]
        self.busy[positions] = numbers
        distinct = np.array_equal(self.busy[positions], numbers)
        self.busy[positions] = before
        return distinct

    def _restored(self) -> None:
        self.in_flight = int(self.busy.sum())
        if self.lists is not None:
            self.free = self._counted(self.lists[self.busy == 0])

    def _check_range(self, positions: NDArray[np.int64]) -> None:
        if len(positions) and not 0 <= positions.min() <= positions.max() < len(self.busy):
            raise IndexError(
                f"positions must lie in 0..{len(self.busy) - 1},"
                f" got {positions.min()}..{positions.max()}"
            )


def occurrence(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m,) how often the same position came before in `positions`: 0 at its first place."""
    if len(positions) <= _FEW:
        seen: dict[int, int] = {}
        ranks = []
        for position in positions.tolist():
            ranks.append(seen.get(position, 0))
            seen[position] = ranks[-1] + 1
        return np.array(ranks, np.int64)
    order = np.argsort(positions, kind="stable")
    ordered = positions[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))  # first place of each run
    runs = np.diff(starts, append=len(ordered))
    rank = np.empty(len(positions), np.int64)
    rank[order] = np.arange(len(ordered)) - np.repeat(starts, runs)
    return rank
