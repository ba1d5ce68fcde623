"""A smallest set of nodes that touches every edge."""

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.independent_set import IndependentSet, plain_instances
from lessonplan.generators.graph.sets import SetDraft, draw_set
from lessonplan.generators.graph.weighted_vertex_cover import touches_every_edge
from lessonplan.generators.graph.witness import judge_set
from lessonplan.generators.problem import Problem, Reason
from lessonplan.generators.streams import Stream


class VertexCover(Generator):
    """Which nodes make a smallest vertex cover? Any cover of that size is right.

    A witness from level 3, for the reasons of `IndependentSet`.
    """

    family, task, version = "graph", "graph.vertex_cover", 1
    levels = IndependentSet.levels
    kind, what = "names", "the names of the nodes, with commas between them,"
    log_work, tolerance = IndependentSet.log_work, IndependentSet.tolerance
    templates = graph_templates(
        PLAIN,
        (
            (
                "Choose as few nodes as possible such that every edge has at least one of its ends "
                "among them. Which nodes do you choose?"
            ),
            "List the nodes of a smallest set that touches every edge.",
            (
                "A guard on a node watches all edges at it. Watch every edge with as few guards as "
                "possible and list their nodes."
            ),
            "List a vertex cover of minimum size: nodes that meet every edge.",
        ),
    )

    def draw(self, stream: Stream, level: int) -> SetDraft | None:
        return draw_set(self, stream, level, weighted=False, cover=True, witness=True)

    def instances(self, level: int) -> int:
        return plain_instances(level)

    def check(self, problem: Problem, found: str) -> Reason:
        return judge_set(problem, found, touches_every_edge)
