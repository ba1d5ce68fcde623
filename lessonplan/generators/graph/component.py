"""Which nodes can be reached from one node?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.graphs import (
    Graph,
    bits,
    draw_connected,
    draw_pairs,
    masks,
    unweighted,
)
from lessonplan.generators.graph.instance import GraphDraft, draw_names, geometric, in_window
from lessonplan.generators.graph.witness import nodes_of, problem_data
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class ComponentDraft(GraphDraft):
    """Which nodes hang together with the start?"""

    start: int
    near: Sequence[int]
    reached: int  # bit mask, the start included

    @property
    def marks(self) -> Sequence[int]:
        return (self.start,)

    @property
    def answer(self) -> str:
        return " ".join(self.named(self.reached))

    def asked(self) -> Mapping[str, Json]:
        return {"start": self.names[self.start], "best": self.reached.bit_count()}

    def steps(self, style: int = 0) -> list[str]:
        lines, seen, queue = [], 1 << self.start, [self.start]
        for node in queue:
            new = self.near[node] & ~seen
            seen |= new
            queue += bits(new)
            lines.append(f"{self.names[node]}: {', '.join(self.named(new)) or 'nothing new'}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        near = self.near[self.start] | 1 << self.start
        two = near
        for node in range(self.graph.n):
            if near >> node & 1:
                two |= self.near[node]
        return {
            name: [" ".join(self.named(nodes))]
            for name, nodes in (("its neighbors", near), ("two steps", two))
        }


class Component(Generator):
    """Which nodes can be reached from one node? Work: edges looked at, all of them for each node.

    A witness: whether one node can be reached is guessed in .63 to .77 of the graphs. Both parts
    are drawn on their own, so that the level decides how many nodes are reached, 5 to 12. No
    levels 1 to 3: too few graphs.
    """

    family, task, version = "graph", "graph.component", 1
    levels = (4, 5, 6, 7, 8, 9, 10)
    kind, what = "names", "the names of the nodes, with commas between them,"
    log_work, tolerance = geometric(6.14, 8.17, 7), 0.169
    templates = graph_templates(
        PLAIN,
        (
            "Which nodes can be reached from {start} along edges? List the start as well.",
            "List all nodes that hang together with {start}, itself included.",
            (
                "You stand at {start} and may walk along edges as far as you like. Which nodes can you "
                "be at?"
            ),
            "List the connected component of {start}.",
        ),
    )

    nodes = (15, 16, 17, 19, 21, 23, 25)
    reached = (6, 7, 8, 8, 9, 10, 11)  # or one more or fewer
    edges = (12, 13, 14, 17, 20, 23, 26)  # or one more or fewer

    def draw(self, stream: Stream, level: int) -> ComponentDraft | None:
        n, size = self.nodes[level - 4], self.reached[level - 4] + stream.between(-1, 1)
        m = self.edges[level - 4] + stream.between(-1, 1)
        if not in_window(self, level, size * m):
            return None
        rings = stream.below(3) if size > 3 else 0  # edges beyond a tree
        inside = draw_connected(stream, size, size - 1 + rings, self.diversity)
        outside = draw_pairs(stream, n - size, m - len(inside), self.diversity)
        pairs = [*inside, *((u + size, v + size) for u, v in outside)]
        names = draw_names(stream, n, self.diversity)
        near, graph = masks(n, pairs), Graph(n, unweighted(pairs))
        start = stream.below(size)
        return ComponentDraft(graph, names, size * m, start, near, (1 << size) - 1)

    def instances(self, level: int) -> int:
        return 6_000  # as many were seen at level 4, and more above

    def check(self, problem: Problem, found: str) -> Reason:
        """Judge by the edges alone: an end of a known node is known."""
        numbers = nodes_of(problem, found.split())
        data = problem_data(problem)
        near: dict[str, list[str]] = {name: [] for name in data["nodes"]}
        for u, v in data["edges"]:
            near[u].append(v)
            near[v].append(u)
        reached, left = {data["start"]}, [data["start"]]
        while left:
            fresh = [name for name in near[left.pop()] if name not in reached]
            reached.update(fresh)
            left += fresh
        if numbers is None or not {data["nodes"][i] for i in numbers} <= reached:
            return "illegal"
        return "right" if len(numbers) == data["best"] else "suboptimal"
