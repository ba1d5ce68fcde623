"""How many sets of nodes have no edge inside them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.graphs import Graph, draw_pairs, masks, unweighted
from lessonplan.generators.graph.independent import IndependentSets
from lessonplan.generators.graph.independent_set import IndependentSet, plain_instances
from lessonplan.generators.graph.instance import GraphDraft, draw_names, in_window
from lessonplan.generators.graph.sets import SET_NODES, set_edges
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class CountDraft(GraphDraft):
    """How many independent sets are there?"""

    counts: Sequence[tuple[int, int]]  # for every node the sets of which it is the first

    @property
    def answer(self) -> str:
        return str(1 + sum(count for _, count in self.counts))

    def asked(self) -> Mapping[str, Json]:
        return {}

    def steps(self, style: int = 0) -> list[str]:
        lines = ["The empty set: 1"]
        for i, (node, count) in enumerate(self.counts):
            others = ", without those above" if i else ""
            lines.append(f"With {self.names[node]}{others}: {count}")
        total = " + ".join(["1", *(str(count) for _, count in self.counts)])
        return [*lines, f"{total} = {self.answer}"]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        n, m = self.graph.n, len(self.graph.edges)
        return {
            "all sets of at most two nodes": [str(1 + n + n * (n - 1) // 2 - m)],
            "edges on their own": [str(round(2**n * 0.75**m))],
        }


class IndependentSetCount(Generator):
    """How many independent sets are there, the empty one included? Work as for `IndependentSet`.

    No levels 1 and 2: there are too few graphs with up to 6 nodes.
    """

    family, task, version = "graph", "graph.independent_set_count", 1
    levels = IndependentSet.levels
    kind, what = "int", "the number"
    log_work, tolerance = IndependentSet.log_work, IndependentSet.tolerance
    templates = graph_templates(
        PLAIN,
        (
            (
                "How many sets of nodes are there of which no two are joined? The empty set and sets "
                "of one node count."
            ),
            "Count the sets of nodes without an edge inside them, the empty set included.",
            (
                "Any nodes may be picked, also none, but never two that are joined. In how many ways "
                "can this be done?"
            ),
            "Give the number of independent sets of this graph. The empty set is one of them.",
        ),
    )

    def draw(self, stream: Stream, level: int) -> CountDraft | None:
        n, m = SET_NODES[level - 1], set_edges(stream, level)
        pairs = draw_pairs(stream, n, m, self.diversity)
        search = IndependentSets(masks(n, pairs), ())
        counts = search.count()
        if not in_window(self, level, search.states):
            return None
        graph = Graph(n, unweighted(pairs))
        return CountDraft(graph, draw_names(stream, n, self.diversity), search.states, counts)

    def instances(self, level: int) -> int:
        return plain_instances(level)
