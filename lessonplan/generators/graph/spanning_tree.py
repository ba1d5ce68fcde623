"""The total length of the shortest edges that connect all nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import EDGE_WEIGHTS, graph_templates
from lessonplan.generators.graph.graphs import (
    EDGES,
    NODES,
    Edge,
    Graph,
    draw_connected,
    heaviest_weight,
    weighted,
)
from lessonplan.generators.graph.instance import (
    REFUSED,
    GraphDraft,
    draw_names,
    geometric,
    in_window,
)
from lessonplan.generators.graph.shortest_path import path_instances
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class TreeDraft(GraphDraft):
    """How long are the edges of a minimum spanning tree?"""

    looked_at: tuple[tuple[Edge, bool], ...]  # edges by length, and whether the tree has them

    @property
    def answer(self) -> str:
        return str(sum(edge[2] for edge, taken in self.looked_at if taken))

    def asked(self) -> Mapping[str, Json]:
        return {}

    def steps(self, style: int = 0) -> list[str]:
        names, lines, total = self.names, [], 0
        for (u, v, weight), taken in self.looked_at:
            if taken:
                total += weight
                lines.append(f"{names[u]}-{names[v]} ({weight}): take it, {total} so far")
            else:
                lines.append(f"{names[u]}-{names[v]} ({weight}): closes a ring, leave it")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        edges, n = self.graph.edges, self.graph.n
        lightest = [min(edge[2] for edge in edges if v in edge[:2]) for v in range(n)]
        return {
            "the lightest edges": [str(_lightest(self.graph))],
            "the lightest edge of every node": [str(sum(lightest) - min(lightest))],
        }


class SpanningTreeLength(Generator):
    """How long is a minimum spanning tree? Work: edges sorted and edges tried, by length.

    Graphs whose n - 1 lightest edges are a tree are refused with a chance that rises by level.
    """

    family, task, version = "graph", "graph.spanning_tree_length", 1
    kind, what = "int", "the number"
    log_work, tolerance = geometric(3.4, 6.75), 0.18
    templates = graph_templates(
        EDGE_WEIGHTS,
        (
            (
                "Keep some of the edges such that every node can still be reached from every other. "
                "What is the smallest total length that is enough?"
            ),
            "What is the total length of a minimum spanning tree?",
            (
                "Cables may be laid along the edges. How much cable does it take, at least, to connect "
                "all nodes?"
            ),
            "Find the smallest total length of edges that connect all nodes.",
        ),
        weighted=True,
    )

    def draw(self, stream: Stream, level: int) -> TreeDraft | None:
        n, m = NODES[level - 1], EDGES[level - 1]
        pairs = draw_connected(stream, n, m, self.diversity)
        graph = Graph(n, weighted(stream, pairs, heaviest_weight(level)))
        looked_at = kruskal(graph)
        work = m + len(looked_at)
        if not in_window(self, level, work):
            return None
        if stream.uniform() < REFUSED[level - 1] and all(taken for _, taken in looked_at):
            return None
        return TreeDraft(graph, draw_names(stream, n, self.diversity), work, looked_at)

    def instances(self, level: int) -> int:
        return path_instances(level, heaviest_weight(level))


def kruskal(graph: Graph) -> tuple[tuple[Edge, bool], ...]:
    """The edges by length until all nodes are connected, each with whether it is kept."""
    group, looked_at = [[node] for node in range(graph.n)], []
    for edge in sorted(graph.edges, key=itemgetter(2)):
        one, other = group[edge[0]], group[edge[1]]
        looked_at.append((edge, one is not other))
        if one is not other:
            if len(one) < len(other):
                one, other = other, one
            one += other
            for node in other:
                group[node] = one
            if len(one) == graph.n:
                break
    return tuple(looked_at)


def _lightest(graph: Graph) -> int:
    return sum(sorted(weight for _, _, weight in graph.edges)[: graph.n - 1])
