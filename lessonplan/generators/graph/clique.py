"""A largest set of nodes of which every two are joined."""

from collections.abc import Mapping
from itertools import combinations

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.counts import labelled_classes
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.instance import geometric
from lessonplan.generators.graph.sets import SetDraft, draw_clique
from lessonplan.generators.graph.witness import judge_set
from lessonplan.generators.problem import Problem, Reason
from lessonplan.generators.streams import Stream


def every_two_joined(chosen: set[int], edges: Mapping[tuple[int, int], int]) -> bool:
    """Whether every two of the chosen nodes are joined."""
    return all(pair in edges for pair in combinations(chosen, 2))


class Clique(Generator):
    """Which nodes make a largest clique? Any clique of that size is right.

    The search looks for an independent set among the pairs that are not joined. Cliques of sparse
    graphs are triangles, so at least half of all pairs are joined and 16 nodes are the most for
    60 edges. A witness from level 3, for the reasons of `IndependentSet`.
    """

    family, task, version = "graph", "graph.clique", 1
    levels = (3, 4, 5, 6, 7, 8, 9, 10)
    kind, what = "names", "the names of the nodes, with commas between them,"
    log_work, tolerance = geometric(3.8, 5.66, 8), 0.132
    templates = graph_templates(
        PLAIN,
        (
            (
                "Choose as many nodes as possible such that every two of them are joined. Which nodes "
                "do you choose?"
            ),
            "List the nodes of a largest set in which each node is joined to all others.",
            (
                "A group may hold two nodes only if there is an edge between them. Form the largest "
                "group you can and list it."
            ),
            "List a clique of maximum size: nodes that are all neighbors of each other.",
        ),
    )

    nodes = (9, 10, 11, 12, 13, 14, 15, 16)
    edges = (21, 25, 30, 35, 41, 47, 54, 60)

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_clique(self, stream, level, self.nodes[level - 3], self.edges[level - 3])

    def instances(self, level: int) -> int:
        if level == 3:
            return 9_000  # as many were seen
        return labelled_classes(self.nodes[level - 3], self.edges[level - 3])

    def check(self, problem: Problem, found: str) -> Reason:
        return judge_set(problem, found, every_two_joined)
