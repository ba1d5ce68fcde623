"""The lightest set of nodes that touches every edge: its weight, or the set itself."""

from collections.abc import Mapping

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import NODE_WEIGHTS, graph_templates
from lessonplan.generators.graph.sets import SetDraft, draw_set
from lessonplan.generators.graph.weighted_independent_set import (
    WeightedIndependentSet,
    weighted_instances,
)
from lessonplan.generators.graph.witness import judge_set
from lessonplan.generators.problem import Problem, Reason
from lessonplan.generators.streams import Stream


def touches_every_edge(chosen: set[int], edges: Mapping[tuple[int, int], int]) -> bool:
    """Whether every edge has an end among the chosen nodes."""
    return all(u in chosen or v in chosen for u, v in edges)


class WeightedVertexCover(Generator):
    """How light is the lightest vertex cover? Its nodes are those outside an independent set."""

    family, task, version = "graph", "graph.weighted_vertex_cover", 1
    kind, what = "int", "the number"
    log_work, tolerance = WeightedIndependentSet.log_work, WeightedIndependentSet.tolerance
    templates = graph_templates(
        NODE_WEIGHTS,
        (
            (
                "Choose nodes such that every edge has at least one of its ends among them. What is "
                "the smallest total weight that is enough?"
            ),
            "What is the weight of the lightest set of nodes that touches every edge?",
            (
                "A guard on a node watches all edges at it and costs the weight of the node. What is "
                "the lowest cost of watching every edge?"
            ),
            "Find the minimum weight of a vertex cover, that is, of nodes that meet every edge.",
        ),
    )

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_set(self, stream, level, weighted=True, cover=True, witness=False)

    def instances(self, level: int) -> int:
        return weighted_instances(level)


class WeightedVertexCoverNodes(Generator):
    """Which nodes make the lightest vertex cover? Any cover of that weight is right."""

    family, task, version = "graph", "graph.weighted_vertex_cover_nodes", 1
    kind, what = "names", "the names of the nodes, with commas between them,"
    log_work, tolerance = WeightedIndependentSet.log_work, WeightedIndependentSet.tolerance
    templates = graph_templates(
        NODE_WEIGHTS,
        (
            (
                "Choose nodes such that every edge has at least one of its ends among them and their "
                "total weight is as small as possible. Which nodes do you choose?"
            ),
            "List the nodes of a lightest set that touches every edge.",
            (
                "A guard on a node watches all edges at it and costs the weight of the node. Watch "
                "every edge at the lowest cost and list the guarded nodes."
            ),
            "List a vertex cover of minimum weight: nodes that meet every edge.",
        ),
    )

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_set(self, stream, level, weighted=True, cover=True, witness=True)

    def instances(self, level: int) -> int:
        return weighted_instances(level)

    def check(self, problem: Problem, found: str) -> Reason:
        return judge_set(problem, found, touches_every_edge)
