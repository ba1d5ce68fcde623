"""Form as many pairs of joined nodes as possible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.counts import labelled_classes
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.graphs import Graph, Pair, draw_pairs, masks, unweighted
from lessonplan.generators.graph.instance import (
    REFUSED,
    GraphDraft,
    draw_names,
    geometric,
    in_window,
)
from lessonplan.generators.graph.witness import edges_of, nodes_of, problem_data
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class MatchingDraft(GraphDraft):
    """Which edges make the most pairs, no node in two of them?"""

    pairs: Sequence[Pair]

    @property
    def answer(self) -> str:
        return self.written(self.pairs)

    def written(self, pairs: Sequence[Pair]) -> str:
        """The names, pair after pair."""
        return " ".join(" ".join(self.named(1 << u | 1 << v)) for u, v in pairs)

    def asked(self) -> Mapping[str, Json]:
        return {"best": len(self.pairs)}

    def steps(self, style: int = 0) -> list[str]:
        near = masks(self.graph.n, [(u, v) for u, v, _ in self.graph.edges])
        left, lines = (1 << self.graph.n) - 1, []
        for u, v in self.pairs:
            free = self.named(near[u] & left)
            lines.append(f"{self.names[u]} may go with {', '.join(free)}: take {self.names[v]}")
            left &= ~(1 << u | 1 << v)
        lines.append(f"Left over: {', '.join(self.named(left)) or 'nobody'}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        n, edges = self.graph.n, self.graph.edges
        near = masks(n, [(u, v) for u, v, _ in edges])
        by_name = sorted(range(n), key=lambda v: (len(self.names[v]), self.names[v]))
        degree = [mask.bit_count() for mask in near]
        return {
            name: [self.written(_first_free(near, order))]
            for name, order in (
                ("in the order of names", by_name),
                ("by degree", sorted(by_name, key=degree.__getitem__)),
            )
        }


class Matching(Generator):
    """Which edges make a maximum matching? Any matching of that size is right.

    Work: neighbors looked at by a search that pairs a node of lowest degree next and stops when at
    most one node is left over, or when all has been tried. A witness, since the size is guessed in
    more than half of the graphs; graphs that pairing in one pass solves, rarest nodes first, are
    refused with a chance that rises by level. No levels 1 and 2: too few graphs.
    """

    family, task, version = "graph", "graph.matching", 1
    levels = (3, 4, 5, 6, 7, 8, 9, 10)
    kind, what = "path", "the pairs, such as a-b, c-d,"
    log_work, tolerance = geometric(5.1, 7.9, 8), 0.2
    templates = graph_templates(
        PLAIN,
        (
            (
                "Form as many pairs as possible. The two nodes of a pair must be joined, and no node "
                "may be in two pairs."
            ),
            "Choose as many edges as possible such that no two of them share a node.",
            (
                "Two nodes can dance together if there is an edge between them. Let as many pairs as "
                "possible dance at once."
            ),
            "Find a maximum matching: the largest set of edges without a common node.",
        ),
    )

    nodes = (9, 10, 11, 13, 15, 18, 21, 24)  # at most 12 pairs
    edges = (13, 15, 17, 20, 23, 27, 31, 36)  # few enough that some nodes are left over

    def draw(self, stream: Stream, level: int) -> MatchingDraft | None:
        n, m = self.nodes[level - 3], self.edges[level - 3] + stream.between(-1, 1)
        drawn = draw_pairs(stream, n, m, self.diversity)
        near = masks(n, drawn)
        pairs, work = largest_matching(near, self.window(level).stop - 1)
        if not in_window(self, level, work):
            return None
        if stream.uniform() < REFUSED[level - 1]:
            order = sorted(range(n), key=[mask.bit_count() for mask in near].__getitem__)
            if len(_first_free(near, order)) == len(pairs):
                return None
        names = draw_names(stream, n, self.diversity)
        return MatchingDraft(Graph(n, unweighted(drawn)), names, work, pairs)

    def instances(self, level: int) -> int:
        if level < 5:
            return 6_500  # as many were seen
        return labelled_classes(self.nodes[level - 3], self.edges[level - 3])

    def check(self, problem: Problem, found: str) -> Reason:
        numbers = nodes_of(problem, found.split())
        if numbers is None or len(numbers) % 2:
            return "illegal"
        joined = edges_of(problem)
        if not all(pair in joined for pair in zip(numbers[::2], numbers[1::2], strict=True)):
            return "illegal"
        best = problem_data(problem)["best"]
        return "right" if len(numbers) == 2 * best else "suboptimal"


def largest_matching(near: Sequence[int], limit: int) -> tuple[list[Pair], int]:
    """Pairs of a maximum matching in the order of the search, and neighbors looked at.

    A node with one neighbor left is always paired with it: some maximum matching does so. Above
    `limit` the search gives up, with a work above it.
    """
    best: list[Pair] = []
    taken: list[Pair] = []
    work = 0

    def go(left: int) -> None:
        nonlocal work, best
        size = len(taken)
        while True:  # pairs without a choice
            fewest, node, rest = 99, -1, left
            while rest:
                low = rest & -rest
                rest ^= low
                v = low.bit_length() - 1
                degree = (near[v] & left).bit_count()
                work += degree
                if not degree:
                    left ^= low
                elif degree < fewest:
                    fewest, node = degree, v
                    if degree == 1:
                        break
            if node < 0 or fewest > 1:
                break
            other = (near[node] & left).bit_length() - 1
            taken.append((node, other))
            left ^= 1 << node | 1 << other
        if len(taken) > len(best):
            best = taken.copy()
        if node >= 0 and len(taken) + left.bit_count() // 2 > len(best) and work <= limit:
            rest = near[node] & left
            while rest and len(taken) + left.bit_count() // 2 > len(best):
                low = rest & -rest
                rest ^= low
                taken.append((node, low.bit_length() - 1))
                go(left & ~(low | 1 << node))  # noqa: F821 - deleted below
                taken.pop()
            if len(taken) + (left.bit_count() - 1) // 2 > len(best):
                go(left ^ 1 << node)  # noqa: F821
        del taken[size:]

    go((1 << len(near)) - 1)
    del go  # it holds itself, and with it the lists, until the next collection of garbage
    return best, work


def _first_free(near: Sequence[int], order: Sequence[int]) -> list[Pair]:
    """Pair each node in turn with its first free neighbor."""
    free, pairs = (1 << len(near)) - 1, []
    for node in order:
        others = near[node] & free
        if free >> node & 1 and others:
            low = others & -others
            free ^= 1 << node | low
            pairs.append((node, low.bit_length() - 1))
    return pairs
