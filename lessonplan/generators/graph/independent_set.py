"""A largest set of nodes of which no two are joined."""

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.counts import labelled_classes
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.sets import SET_EDGES, SET_NODES, SetDraft, draw_set
from lessonplan.generators.graph.weighted_independent_set import (
    WeightedIndependentSet,
    no_edge_inside,
)
from lessonplan.generators.graph.witness import judge_set
from lessonplan.generators.problem import Problem, Reason
from lessonplan.generators.streams import Stream


class IndependentSet(Generator):
    """Which nodes make a largest independent set? Any set of that size is right.

    Its size would be guessed too often (.42 to .48 at every level). No levels 1 and 2: there are
    too few graphs with up to 6 nodes.
    """

    family, task, version = "graph", "graph.independent_set", 1
    levels = (3, 4, 5, 6, 7, 8, 9, 10)
    kind, what = "names", "the names of the nodes, with commas between them,"
    log_work, tolerance = WeightedIndependentSet.log_work[2:], WeightedIndependentSet.tolerance
    templates = graph_templates(
        PLAIN,
        (
            (
                "Choose as many nodes as possible such that no two of them are joined. Which nodes do "
                "you choose?"
            ),
            "List the nodes of a largest set without an edge inside it.",
            (
                "Two nodes that are joined must not both be picked. Pick as many nodes as possible and "
                "list them."
            ),
            (
                "List an independent set of maximum size: nodes of which none is a neighbor of "
                "another."
            ),
        ),
    )

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_set(self, stream, level, weighted=False, cover=False, witness=True)

    def instances(self, level: int) -> int:
        return plain_instances(level)

    def check(self, problem: Problem, found: str) -> Reason:
        return judge_set(problem, found, no_edge_inside)


def plain_instances(level: int) -> int:
    """Graphs without weights, up to their names; at level 3 as many as were seen."""
    if level == 3:
        return 9_000
    return labelled_classes(SET_NODES[level - 1], SET_EDGES[level - 1])
