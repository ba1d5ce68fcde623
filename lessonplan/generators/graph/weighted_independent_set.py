"""The heaviest set of nodes of which no two are joined: its weight, or the set itself."""

from collections.abc import Mapping

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.counts import labelled_classes
from lessonplan.generators.graph.encodings import NODE_WEIGHTS, graph_templates
from lessonplan.generators.graph.graphs import heaviest_weight
from lessonplan.generators.graph.instance import geometric
from lessonplan.generators.graph.sets import SET_EDGES, SET_NODES, SetDraft, draw_set
from lessonplan.generators.graph.witness import judge_set
from lessonplan.generators.problem import Problem, Reason
from lessonplan.generators.streams import Stream


def no_edge_inside(chosen: set[int], edges: Mapping[tuple[int, int], int]) -> bool:
    """Whether no two of the chosen nodes are joined."""
    return not any(u in chosen and v in chosen for u, v in edges)


class WeightedIndependentSet(Generator):
    """How heavy is the heaviest independent set? Work: sets of nodes that the search solves."""

    family, task, version = "graph", "graph.weighted_independent_set", 1
    kind, what = "int", "the number"
    log_work, tolerance = geometric(2.5, 7.1), 0.255
    templates = graph_templates(
        NODE_WEIGHTS,
        (
            (
                "Choose nodes such that no two of them are joined. What is the largest total weight "
                "you can reach?"
            ),
            "What is the weight of the heaviest set of nodes without an edge inside it?",
            "Two nodes that are joined must not both be picked. How much weight can be picked?",
            (
                "Find the maximum weight of an independent set, that is, of nodes of which none is a "
                "neighbor of another."
            ),
        ),
    )

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_set(self, stream, level, weighted=True, cover=False, witness=False)

    def instances(self, level: int) -> int:
        return weighted_instances(level)


class WeightedIndependentSetNodes(Generator):
    """Which nodes make the heaviest independent set? Any set of that weight is right."""

    family, task, version = "graph", "graph.weighted_independent_set_nodes", 1
    kind, what = "names", "the names of the nodes, with commas between them,"
    log_work, tolerance = WeightedIndependentSet.log_work, WeightedIndependentSet.tolerance
    templates = graph_templates(
        NODE_WEIGHTS,
        (
            (
                "Choose nodes such that no two of them are joined and their total weight is as large "
                "as possible. Which nodes do you choose?"
            ),
            "List the nodes of a heaviest set without an edge inside it.",
            (
                "Two nodes that are joined must not both be picked. Pick nodes with as much weight as "
                "possible and list them."
            ),
            (
                "List an independent set of maximum weight: nodes of which none is a neighbor of "
                "another."
            ),
        ),
    )

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_set(self, stream, level, weighted=True, cover=False, witness=True)

    def instances(self, level: int) -> int:
        return weighted_instances(level)

    def check(self, problem: Problem, found: str) -> Reason:
        return judge_set(problem, found, no_edge_inside)


def weighted_instances(level: int) -> int:
    """Graphs with weights of the nodes, up to their names."""
    n, m = SET_NODES[level - 1], SET_EDGES[level - 1]
    return labelled_classes(n, m, heaviest_weight(level) ** n)
