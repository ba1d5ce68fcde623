"""How far apart are the two nodes that are farthest apart?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import EDGE_WEIGHTS, graph_templates
from lessonplan.generators.graph.graphs import (
    EDGES,
    NODES,
    Graph,
    draw_connected,
    heaviest_weight,
    weighted,
)
from lessonplan.generators.graph.instance import GraphDraft, draw_names, geometric, in_window
from lessonplan.generators.graph.shortest_path import (
    dijkstra,
    neighbors,
    path_instances,
)
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class DiameterDraft(GraphDraft):
    """How long is the longest of all shortest paths?"""

    _far: NDArray[np.int64] | None = None  # (n, n) distances; only made for problems that are kept

    @property
    def far(self) -> NDArray[np.int64]:  # (n, n)
        if self._far is None:
            self._far = distances(self.graph)
        return self._far

    @property
    def answer(self) -> str:
        return str(int(self.far.max()))

    def asked(self) -> Mapping[str, Json]:
        return {}

    def steps(self, style: int = 0) -> list[str]:
        names, lines = self.names, []
        ends, lengths = self.far.argmax(axis=1).tolist(), self.far.max(axis=1).tolist()
        for node in sorted(range(self.graph.n), key=lambda v: (len(names[v]), names[v])):
            lines.append(f"{names[node]}: {names[ends[node]]} is {lengths[node]} away")
        return [*lines, f"The largest is {self.answer}"]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        near = neighbors(self.graph.n, self.graph.edges)
        first = min(range(self.graph.n), key=lambda v: (len(self.names[v]), self.names[v]))
        settled, _, far = dijkstra(near, first)
        again, _, farther = dijkstra(near, settled[-1])
        return {
            "from the first node": [str(far[settled[-1]])],
            "twice to the farthest": [str(farther[again[-1]])],
        }


class Diameter(Generator):
    """How far apart are two nodes at most? Work: edges looked at from every node in turn.

    Always with lengths: the diameter in edges is guessed in .38 to .51 of the graphs. Going twice
    to the farthest node is right very often, as in every tree; compare with that rate.
    """

    family, task, version = "graph", "graph.diameter", 1
    kind, what = "int", "the number"
    log_work, tolerance = geometric(5.9, 11.55), 0.25
    templates = graph_templates(
        EDGE_WEIGHTS,
        (
            "Take the shortest path between every two nodes. How long is the longest of these?",
            "What is the diameter, that is, the largest distance between two nodes?",
            (
                "How far apart are the two nodes that are farthest from each other, along shortest "
                "paths?"
            ),
            "Which number is the largest among the shortest-path lengths of all pairs of nodes?",
        ),
        weighted=True,
    )

    def draw(self, stream: Stream, level: int) -> DiameterDraft | None:
        n, m = NODES[level - 1], EDGES[level - 1]
        work = 2 * m * n
        if not in_window(self, level, work):
            return None
        pairs = draw_connected(stream, n, m, self.diversity)
        graph = Graph(n, weighted(stream, pairs, heaviest_weight(level)))
        return DiameterDraft(graph, draw_names(stream, n, self.diversity), work)

    def instances(self, level: int) -> int:
        return path_instances(level, heaviest_weight(level))


def distances(graph: Graph) -> NDArray[np.int64]:  # (n, n)
    """The lengths of all shortest paths, by allowing one more node between at a time."""
    n = graph.n
    known = [1 << 30] * (n * n)
    known[:: n + 1] = [0] * n
    for u, v, weight in graph.edges:
        known[u * n + v] = known[v * n + u] = weight
    far = np.array(known).reshape(n, n)
    by_way_of = np.empty_like(far)
    for row, column in zip(far, far.T[:, :, None], strict=True):  # views, up to date in their turn
        np.add(row, column, out=by_way_of)
        np.minimum(far, by_way_of, out=far)
    return far
