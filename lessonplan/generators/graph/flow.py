"""How much can flow through a network from one node to another?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.counts import labelled_classes
from lessonplan.generators.graph.encodings import CAPACITIES, graph_templates
from lessonplan.generators.graph.graphs import (
    EDGES,
    NODES,
    Edge,
    Graph,
    draw_pairs,
    heaviest_weight,
)
from lessonplan.generators.graph.instance import (
    REFUSED,
    GraphDraft,
    draw_names,
    geometric,
    in_window,
)
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream

_BACK = 0.25  # share of the arrows that lead towards the start


@dataclass(slots=True)
class FlowDraft(GraphDraft):
    """What is the largest flow from the start to the end?"""

    ends: tuple[int, int]
    ways: Sequence[tuple[tuple[int, ...], int]]  # augmenting paths, and what each adds
    side: int  # the nodes on the start's side of the smallest cut

    @property
    def marks(self) -> Sequence[int]:
        return self.ends

    @property
    def answer(self) -> str:
        return str(sum(added for _, added in self.ways))

    def asked(self) -> Mapping[str, Json]:
        start, end = self.ends
        return {"start": self.names[start], "end": self.names[end]}

    def steps(self, style: int = 0) -> list[str]:
        names, lines, total = self.names, [], 0
        for way, added in self.ways:
            total += added
            lines.append(f"{' '.join(names[node] for node in way)}: {added} more, {total} in all")
        cut = [
            f"{names[u]}->{names[v]} ({capacity})"
            for u, v, capacity in self.graph.edges
            if self.side >> u & 1 and not self.side >> v & 1
        ]
        return [*lines, f"Full, with no way around: {', '.join(cut)}"]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        out, into = _at_the_ends(self.graph.edges, self.ends)
        return {
            "the smaller end": [str(min(out, into))],
            "the first path": [str(self.ways[0][1])],
        }


class MaximumFlow(Generator):
    """How large is the maximum flow? Work: arrows looked at by breadth-first augmentation.

    Flows of nothing are refused, and with a chance that rises by level those that the arrows at one
    end alone decide.
    """

    family, task, version = "graph", "graph.maximum_flow", 1
    kind, what = "int", "the number"
    log_work, tolerance = geometric(3.9, 8.4), 0.25
    templates = graph_templates(
        CAPACITIES,
        (
            "What is the largest flow from {start} to {end}?",
            "How much can flow from {start} to {end} at most?",
            (
                "What enters any other node leaves it again. How much can be sent from {start} and "
                "arrive at {end}, at most?"
            ),
            "Give the value of a maximum flow with source {start} and sink {end}.",
        ),
        weighted=True,
        directed=True,
    )

    def draw(self, stream: Stream, level: int) -> FlowDraft | None:
        n, top, random = NODES[level - 1], heaviest_weight(level), stream.uniform
        pairs = draw_pairs(stream, n, EDGES[level - 1], self.diversity)
        start, end = 0, n - 1  # as names are drawn, any two nodes
        edges = []
        for u, v in pairs:
            if u and v != end and random() < _BACK:  # an arrow to the start carries nothing
                u, v = v, u
            edges.append((u, v, 1 + int(random() * top)))
        ways, side, work = augment(n, edges, start, end, self.window(level).stop)
        if not ways or not in_window(self, level, work):
            return None
        flow = sum(added for _, added in ways)
        if random() < REFUSED[level - 1] and flow == min(_at_the_ends(edges, (start, end))):
            return None
        graph = Graph(n, tuple(edges), directed=True)
        names = draw_names(stream, n, self.diversity)
        return FlowDraft(graph, names, work, (start, end), ways, side)

    def instances(self, level: int) -> int:
        n, m = NODES[level - 1], EDGES[level - 1]
        return labelled_classes(n, m, heaviest_weight(level) ** m)


def augment(
    n: int, edges: Sequence[Edge], start: int, end: int, limit: int = 1 << 60
) -> tuple[list[tuple[tuple[int, ...], int]], int, int]:
    """Shortest augmenting paths, the start's side of the smallest cut, and arrows looked at.

    From `limit` arrows on it gives up.
    """
    left: list[dict[int, int]] = [{} for _ in range(n)]  # what each arrow can still carry
    for u, v, capacity in edges:
        left[u][v] = capacity
        left[v].setdefault(u, 0)
    ways: list[tuple[tuple[int, ...], int]] = []
    looked_at = 0
    free = [0] * n  # where each node can still send something
    for u, v, _ in edges:
        free[u] |= 1 << v
    while True:
        parent = [-1] * n
        parent[start] = start
        queue, new = [start], (1 << n) - 1 ^ 1 << start
        for node in queue:
            heads = left[node]
            looked_at += len(heads)
            if free[node] & new:
                for other, capacity in heads.items():
                    if capacity and parent[other] < 0:
                        parent[other] = node
                        new ^= 1 << other
                        queue.append(other)
                if parent[end] >= 0:
                    break
        if parent[end] < 0 or looked_at >= limit:
            return ways, sum(1 << node for node in queue), looked_at
        way, arrows = [end], []
        while way[-1] != start:
            u, v = parent[way[-1]], way[-1]
            way.append(u)
            arrows.append((left[u][v], u, v))
        added = min(arrows)[0]
        for capacity, u, v in arrows:
            left[u][v] = capacity - added
            left[v][u] += added
            free[v] |= 1 << u
            if capacity == added:
                free[u] ^= 1 << v
        ways.append((tuple(way[::-1]), added))


def _at_the_ends(edges: Sequence[Edge], ends: tuple[int, int]) -> tuple[int, int]:
    """What can leave the start, and what can enter the end."""
    start, end = ends
    return (
        sum([capacity for u, _, capacity in edges if u == start]),
        sum([capacity for _, v, capacity in edges if v == end]),
    )
