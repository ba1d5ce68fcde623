"""Search the independent sets of a graph: the heaviest one, and how many there are."""

from collections.abc import Sequence
from typing import NamedTuple


class Choice(NamedTuple):
    """One node of the search on its way to the best set."""

    node: int
    within: int  # the best that the rest can bring if the node is taken, itself included
    without: int  # the best if it is not; -1 where no neighbor is left and it is free


class IndependentSets:
    """The independent sets of a graph, by the recursion over its nodes in one order.

    f(S) = max(f(S - v), w(v) + f(S - v - neighbors of v)) for the first node v of S, and the same
    with + in place of max for their number. Breadth-first order from a node of low degree keeps the
    different S few, and each is solved once: the number of them is the work. (Branch and bound at
    the node of highest degree has fewer S and was 2.5 times slower at 25 nodes, measured.)

    The first node in the order is the highest bit of a set, which `bit_length` finds at once.
    """

    __slots__ = ("_after", "_best", "_full", "_order", "_weights")

    def __init__(self, near: Sequence[int], weights: Sequence[int]) -> None:
        self._order, self._after = _breadth_first(near)
        self._full = (1 << len(near)) - 1
        # All three by the bit_length of the sets that a node is the first of; none has length 0.
        self._weights = [weights[node] for node in self._order] if weights else []
        self._best: dict[int, int] = {0: 0}

    def solve(self) -> int:
        """The weight of the heaviest independent set."""
        return _heaviest(self._full, self._best, self._after, self._weights)

    @property
    def states(self) -> int:
        """How many sets of nodes have been solved, the empty one not counted."""
        return len(self._best) - 1

    def choices(self) -> list[Choice]:
        """The way to a heaviest set, after `solve`. Of equals the node is taken."""
        known, left, choices = self._best, self._full, []
        while left:
            first = left.bit_length()
            left ^= _BIT[first]
            kept = left & self._after[first]
            within = self._weights[first] + known[kept]
            without = -1 if kept == left else known[left]
            choices.append(Choice(self._order[first], within, without))
            if within >= without:
                left = kept
        return choices

    def count(self) -> list[tuple[int, int]]:
        """For each node in order: how many sets have it as their first node."""
        after = self._after
        known = self._best
        known.clear()
        known[0] = 1
        _number(self._full, known, after)
        counts, left = [], self._full
        for first in range(len(after) - 1, 0, -1):
            left ^= _BIT[first]
            kept = left & after[first]
            if kept not in known:  # beyond a node that is free, where both parts are the same
                _number(kept, known, after)
            counts.append((self._order[first], known[kept]))
        return counts


_BIT = (0, *(1 << bit for bit in range(64)))  # the highest bit, by bit_length


# Functions of the module: one inside a method would hold itself, and with it all sets of the search,
# until the next collection of garbage.
def _heaviest(
    whole: int, known: dict[int, int], after: Sequence[int], weights: Sequence[int]
) -> int:
    first = whole.bit_length()
    left = whole ^ _BIT[first]
    kept = left & after[first]
    value = known.get(kept)
    if value is None:
        value = _heaviest(kept, known, after, weights)
    value += weights[first]
    if kept != left:
        other = known.get(left)
        if other is None:
            other = _heaviest(left, known, after, weights)
        if other > value:  # noqa: PLR1730 - max() takes twice the time here
            value = other
    known[whole] = value
    return value


def _number(whole: int, known: dict[int, int], after: Sequence[int]) -> int:
    first = whole.bit_length()
    left = whole ^ _BIT[first]
    kept = left & after[first]
    value = known.get(kept)
    if value is None:
        value = _number(kept, known, after)
    if kept == left:
        value += value
    else:
        other = known.get(left)
        if other is None:
            other = _number(left, known, after)
        value += other
    known[whole] = value
    return value


def _breadth_first(near: Sequence[int]) -> tuple[list[int], list[int]]:
    """The nodes of each component by their distance from its node of lowest degree, backwards.

    And for each the bits of nodes that may still be taken after it. Both lists begin with a 0, so
    that place and `bit_length` are the same.
    """
    n, degree = len(near), [mask.bit_count() for mask in near]
    bit, todo = [0] * n, (1 << n) - 1  # the bits of nodes; nodes that have not had their turn
    order: list[int] = []
    after: list[int] = []
    last = 1 << n
    for start in sorted(range(n), key=degree.__getitem__):
        if bit[start]:
            continue
        bit[start] = last = last >> 1
        queue = [start]
        for node in queue:
            todo ^= 1 << node
            banned, rest = 0, near[node] & todo
            while rest:
                low = rest & -rest
                rest ^= low
                other = low.bit_length() - 1
                mine = bit[other]
                if not mine:
                    bit[other] = mine = last = last >> 1
                    queue.append(other)
                banned |= mine
            after.append(~banned)
        order += queue
    return [0, *order[::-1]], [0, *after[::-1]]
