"""The shortest way between two nodes of a graph whose edges have lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from math import comb, factorial

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import EDGE_WEIGHTS, graph_templates
from lessonplan.generators.graph.graphs import (
    EDGES,
    NODES,
    Edge,
    Graph,
    bits,
    draw_connected,
    heaviest_weight,
    masks,
    weighted,
)
from lessonplan.generators.graph.instance import (
    REFUSED,
    GraphDraft,
    draw_names,
    geometric,
)
from lessonplan.generators.graph.witness import edges_of, nodes_of, problem_data
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class PathDraft(GraphDraft):
    """How long is the shortest way from one node to another, and which way is it?"""

    settled: tuple[int, ...]  # nodes in the order of their distance, from the start to the end
    parent: Sequence[int]  # the node before each settled one
    far: Sequence[int]  # distance from the start
    witness: bool

    @property
    def marks(self) -> Sequence[int]:
        return (self.settled[0], self.settled[-1])

    def way(self) -> list[int]:
        start, node = self.marks
        way = [node]
        while node != start:
            node = self.parent[node]
            way.append(node)
        return way[::-1]

    @property
    def answer(self) -> str:
        if self.witness:
            return " ".join(self.names[node] for node in self.way())
        return str(self.far[self.settled[-1]])

    def asked(self) -> Mapping[str, Json]:
        start, end = (self.names[node] for node in self.marks)
        best = {"best": self.far[self.settled[-1]]} if self.witness else {}
        return {"start": start, "end": end, **best}

    def steps(self, style: int = 0) -> list[str]:
        names, far, parent = self.names, self.far, self.parent
        lines = [f"{names[self.settled[0]]}: 0"]
        for node in self.settled[1:]:
            before = parent[node]
            added = far[node] - far[before]
            lines.append(
                f"{names[node]}: {far[before]} + {added} = {far[node]} from {names[before]}"
            )
        lines.append(f"Way: {'-'.join(names[node] for node in self.way())}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        tries = {
            "fewest edges": _fewest_edges(self.graph, *self.marks),
            "nearest node next": _nearest_next(self.graph, *self.marks),
        }
        return {
            name: [
                " ".join(self.names[node] for node in way)
                if self.witness
                else str(_length(self.graph, way))
            ]
            for name, way in tries.items()
        }


def draw_path(task: Generator, stream: Stream, level: int, *, witness: bool) -> PathDraft | None:
    """A connected graph with a start, and an end whose search has the level's work."""
    n = NODES[level - 1]
    pairs = draw_connected(stream, n, EDGES[level - 1], task.diversity)
    graph = Graph(n, weighted(stream, pairs, heaviest_weight(level)))
    start = stream.below(n)
    near = neighbors(n, graph.edges)
    settled, parent, far = dijkstra(near, start)
    ends, looked_at, window = [], 0, task.window(level)
    for i, node in enumerate(settled):
        if looked_at in window and i and parent[node] != start:
            ends.append((i, looked_at))
        looked_at += len(near[node])
    if not ends:
        return None
    i, work = stream.choice(ends)
    if stream.uniform() < REFUSED[level - 1]:
        way = _fewest_edges(graph, start, settled[i])
        if _length(graph, way) == far[settled[i]]:
            return None
    names = draw_names(stream, n, task.diversity)
    return PathDraft(graph, names, work, tuple(settled[: i + 1]), parent, far, witness)


def neighbors(n: int, edges: Sequence[Edge]) -> list[list[tuple[int, int]]]:
    """For every node its neighbors, each with the length of the edge."""
    near: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for u, v, weight in edges:
        near[u].append((v, weight))
        near[v].append((u, weight))
    return near


def dijkstra(
    near: Sequence[Sequence[tuple[int, int]]], start: int
) -> tuple[list[int], list[int], list[int]]:
    """The nodes by their distance, the node before each, and the distances; -1 if unreachable.

    For up to 32 nodes.
    """
    n = len(near)
    settled: list[int] = []
    parent, far, done = [-1] * n, [-1] * n, [False] * n
    far[start] = 0
    heap = [start]  # 32 * distance + node
    while heap:
        d, node = divmod(heappop(heap), 32)
        if done[node]:
            continue
        done[node] = True
        settled.append(node)
        for other, weight in near[node]:
            new, known = d + weight, far[other]
            if known < 0 or new < known:
                far[other] = new
                parent[other] = node
                heappush(heap, new * 32 + other)
    return settled, parent, far


def _fewest_edges(graph: Graph, start: int, end: int) -> list[int]:
    near = masks(graph.n, [(u, v) for u, v, _ in graph.edges])
    parent, row, left = [-1] * graph.n, 1 << start, (1 << graph.n) - 1
    while not row >> end & 1:
        left ^= row
        following = 0
        for node in bits(row):
            new = near[node] & left & ~following
            following |= new
            for other in bits(new):
                parent[other] = node
        row = following
    way = [end]
    while way[-1] != start:
        way.append(parent[way[-1]])
    return way[::-1]


def _length(graph: Graph, way: Sequence[int]) -> int:
    """The length of a way."""
    length = {(u, v): weight for u, v, weight in graph.edges}
    return sum([length.get((u, v)) or length[v, u] for u, v in pairwise(way)])


def _nearest_next(graph: Graph, start: int, end: int) -> list[int]:
    """Always go on to the nearest new node, until the end or a dead end."""
    near, way = neighbors(graph.n, graph.edges), [start]
    while way[-1] != end:
        new = [(weight, node) for node, weight in near[way[-1]] if node not in way]
        if not new:
            return way
        way.append(min(new)[1])
    return way


def path_instances(level: int, top: int) -> int:
    """Connected graphs with lengths up to their names: trees and more edges."""
    n, m = NODES[level - 1], EDGES[level - 1]
    more = comb(n * (n - 1) // 2 - (n - 1), m - (n - 1))
    # Every drawing holds a tree, at most one of m over n - 1; few are refused.
    drawings = n ** (n - 2) * more // comb(m, n - 1) * top**m
    return int(drawings // factorial(n) // 20)


class ShortestPathLength(Generator):
    """How long is the shortest path? Work: edges looked at until the end is reached, by distance.

    It has at least two edges. Graphs in which a path of fewest edges is a shortest one are refused
    with a chance that rises by level.
    """

    family, task, version = "graph", "graph.shortest_path_length", 1
    kind, what = "int", "the number"
    log_work, tolerance = geometric(3.1, 6.4), 0.18
    templates = graph_templates(
        EDGE_WEIGHTS,
        (
            "How long is the shortest path from {start} to {end}?",
            "What is the length of the shortest way from {start} to {end}?",
            "You go from {start} to {end} along edges. What is the smallest total length?",
            (
                "Give the distance between {start} and {end}: the total length of the edges on a "
                "shortest path."
            ),
        ),
        weighted=True,
    )

    def draw(self, stream: Stream, level: int) -> PathDraft | None:
        return draw_path(self, stream, level, witness=False)

    def instances(self, level: int) -> int:
        return path_instances(level, heaviest_weight(level))


class ShortestPath(Generator):
    """Which path is the shortest? Any path of that length is right."""

    family, task, version = "graph", "graph.shortest_path", 1
    kind, what = "path", "the nodes of the path in order, such as a-b-c,"
    log_work, tolerance = ShortestPathLength.log_work, ShortestPathLength.tolerance
    templates = graph_templates(
        EDGE_WEIGHTS,
        (
            "Find a shortest path from {start} to {end}.",
            "Which way from {start} to {end} is the shortest?",
            (
                "You go from {start} to {end} along edges and want the smallest total length. Which "
                "nodes do you pass, the first and the last included?"
            ),
            "Give the nodes of a path from {start} to {end} of which no other is shorter.",
        ),
        weighted=True,
    )

    def draw(self, stream: Stream, level: int) -> PathDraft | None:
        return draw_path(self, stream, level, witness=True)

    def instances(self, level: int) -> int:
        return path_instances(level, heaviest_weight(level))

    def check(self, problem: Problem, found: str) -> Reason:
        data, way = problem_data(problem), nodes_of(problem, found.split())
        ends = [data["nodes"].index(data[name]) for name in ("start", "end")]
        if way is None or [way[0], way[-1]] != ends:
            return "illegal"
        lengths = edges_of(problem)
        if not all(pair in lengths for pair in pairwise(way)):
            return "illegal"
        value = sum(lengths[pair] for pair in pairwise(way))
        return "right" if value == data["best"] else "suboptimal"
