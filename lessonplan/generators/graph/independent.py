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
    """

    __slots__ = ("_after", "_best", "_full", "_order", "_weights")

    def __init__(self, near: Sequence[int], weights: Sequence[int]) -> None:
        n = len(near)
        order = _breadth_first(near)
        place = [0] * n
        for i, node in enumerate(order):
            place[node] = i
        after = []  # what may still be taken after the i-th node, as masks of places
        for node in order:
            banned, rest = 0, near[node]
            while rest:
                low = rest & -rest
                rest ^= low
                banned |= 1 << place[low.bit_length() - 1]
            after.append(~banned)
        self._order, self._after, self._full = order, after, (1 << n) - 1
        self._weights = [weights[node] for node in order] if weights else []
        self._best: dict[int, int] = {0: 0}

    def solve(self) -> int:
        """The weight of the heaviest independent set."""
        known, after, weights = self._best, self._after, self._weights

        def best(left: int) -> int:
            low = left & -left
            first = low.bit_length() - 1
            left ^= low
            kept = left & after[first]
            value = known.get(kept)
            if value is None:
                value = best(kept)
            value += weights[first]
            if kept != left:
                other = known.get(left)
                if other is None:
                    other = best(left)
                if other > value:  # noqa: PLR1730 - max() takes twice the time here
                    value = other
            known[left | low] = value
            return value

        return best(self._full)

    @property
    def states(self) -> int:
        """How many sets of nodes have been solved, the empty one not counted."""
        return len(self._best) - 1

    def choices(self) -> list[Choice]:
        """The way to a heaviest set, after `solve`. Of equals the node is taken."""
        known, left, choices = self._best, self._full, []
        while left:
            low = left & -left
            first = low.bit_length() - 1
            left ^= low
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

        def number(left: int) -> int:
            low = left & -left
            left ^= low
            kept = left & after[low.bit_length() - 1]
            value = known.get(kept)
            if value is None:
                value = number(kept)
            if kept == left:
                value += value
            else:
                other = known.get(left)
                if other is None:
                    other = number(left)
                value += other
            known[left | low] = value
            return value

        number(self._full)
        counts, left = [], self._full
        for first, node in enumerate(self._order):
            left ^= 1 << first
            kept = left & after[first]
            if kept not in known:  # beyond a node that is free, where both parts are the same
                number(kept)
            counts.append((node, known[kept]))
        return counts


def _breadth_first(near: Sequence[int]) -> list[int]:
    """The nodes of each component by their distance from its node of lowest degree."""
    left = (1 << len(near)) - 1
    by_degree = sorted(range(len(near)), key=lambda node: near[node].bit_count())
    order: list[int] = []
    for start in by_degree:
        if not left >> start & 1:
            continue
        left ^= 1 << start
        queue = [start]
        for node in queue:
            new = near[node] & left
            left ^= new
            while new:
                low = new & -new
                new ^= low
                queue.append(low.bit_length() - 1)
        order += queue
    return order
