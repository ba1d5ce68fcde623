"""Color the nodes with as few colors as possible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.counts import labelled_classes
from lessonplan.generators.graph.encodings import PLAIN, graph_templates
from lessonplan.generators.graph.graphs import (
    Graph,
    bits,
    draw_pairs,
    masks,
    unweighted,
)
from lessonplan.generators.graph.instance import (
    REFUSED,
    GraphDraft,
    draw_names,
    geometric,
    in_window,
)
from lessonplan.generators.graph.witness import edges_of, nodes_of, problem_data
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class ColorDraft(GraphDraft):
    """Which colors can the nodes have, so that joined nodes differ?"""

    near: Sequence[int]
    colors: Sequence[int]  # of the nodes, from 1
    order: Sequence[int]  # the nodes in the order in which they were colored

    @property
    def answer(self) -> str:
        return self.written(self.colors)

    def written(self, colors: Sequence[int]) -> str:
        """Names with their colors, sorted as the verifier does."""
        return " ".join(f"{name}={c}" for name, c in sorted(zip(self.names, colors, strict=True)))

    def asked(self) -> Mapping[str, Json]:
        return {"k": max(self.colors)}

    def steps(self, style: int = 0) -> list[str]:
        lines, done = [], 0
        for node in self.order:
            known = self.near[node] & done
            banned = sorted({self.colors[v] for v in bits(known)})
            told = f"not {', '.join(map(str, banned))}" if banned else "free"
            lines.append(f"{self.names[node]}: {told}, so {self.colors[node]}")
            done |= 1 << node
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        by_name = sorted(range(self.graph.n), key=lambda v: (len(self.names[v]), self.names[v]))
        by_degree = sorted(by_name, key=lambda v: -self.near[v].bit_count())
        return {
            name: [self.written(first_fit(self.near, order))]
            for name, order in (("in the order of names", by_name), ("by degree", by_degree))
        }


class Coloring(Generator):
    """Color the nodes with k colors, where fewer than k are not enough. Any such coloring is right.

    k is 3 or more. Work: colors tried and neighbors looked at by the search that always goes on
    with a node of the fewest colors left (DSATUR). A witness, since k is guessed in more than half
    of the graphs; graphs that coloring by degree solves are refused with a chance that rises by
    level. No levels 1 and 2: too few graphs.
    """

    family, task, version = "graph", "graph.coloring", 1
    levels = (3, 4, 5, 6, 7, 8, 9, 10)
    kind, what = "mapping", "the color of every node, such as a=1, b=2,"
    log_work, tolerance = geometric(5.3, 7.22, 8), 0.135
    templates = graph_templates(
        PLAIN,
        (
            (
                "Give every node one of the colors 1 to {k} such that joined nodes have different "
                "colors."
            ),
            (
                "Color the nodes with the numbers 1 to {k}; the ends of an edge must not have the same "
                "color."
            ),
            "Put the nodes into groups numbered 1 to {k} without an edge inside any group.",
            "Find a proper coloring of the nodes. The colors are the numbers from 1 to {k}.",
        ),
    )

    nodes = (9, 10, 11, 13, 15, 18, 21, 25)
    edges = (14, 16, 20, 24, 29, 35, 42, 50)  # or up to three fewer

    def draw(self, stream: Stream, level: int) -> ColorDraft | None:
        n, m = self.nodes[level - 3], self.edges[level - 3] - stream.below(4)
        pairs = draw_pairs(stream, n, m, self.diversity)
        near = masks(n, pairs)
        if has_two_sides(near):
            return None
        colors, order, work = color(near, 3)
        if not in_window(self, level, work):
            return None
        if stream.uniform() < REFUSED[level - 1]:
            by_degree = sorted(range(n), key=[-mask.bit_count() for mask in near].__getitem__)
            if max(first_fit(near, by_degree)) == max(colors):
                return None
        names = draw_names(stream, n, self.diversity)
        return ColorDraft(Graph(n, unweighted(pairs)), names, work, near, colors, order)

    def instances(self, level: int) -> int:
        if level == 3:
            return 7_500  # as many were seen
        return labelled_classes(self.nodes[level - 3], self.edges[level - 3])

    def check(self, problem: Problem, found: str) -> Reason:
        pairs = [pair.split("=") for pair in found.split()]
        numbers = nodes_of(problem, [name for name, _ in pairs])
        data = problem_data(problem)
        if numbers is None or len(numbers) < len(data["nodes"]):
            return "illegal"
        colors = {node: int(text) for node, (_, text) in zip(numbers, pairs, strict=True)}
        if min(colors.values()) < 1 or any(colors[u] == colors[v] for u, v in edges_of(problem)):
            return "illegal"
        return "right" if max(colors.values()) <= data["k"] else "suboptimal"


def has_two_sides(near: Sequence[int]) -> bool:
    """Whether two colors are enough."""
    left = (1 << len(near)) - 1
    while left:
        sides, new = [0, 0], left & -left  # nodes an even and an odd number of edges away
        while new:
            sides.reverse()
            sides[0] |= new
            left &= ~new
            reached = 0
            for node in bits(new):
                reached |= near[node]
            if reached & sides[0]:
                return False
            new = reached & left
    return True


def color(near: Sequence[int], least: int = 1) -> tuple[list[int], list[int], int]:
    """A coloring with the fewest colors, the order of the nodes, and the work of finding it.

    The work counts the search with the right number of colors alone: the prompt gives it. Fewer
    than `least` are known not to be enough.
    """
    for k in range(least, len(near) + 1):
        found = _with_colors(near, k)
        if found is not None:
            return found
    raise AssertionError("as many colors as nodes are always enough")


def _with_colors(near: Sequence[int], k: int) -> tuple[list[int], list[int], int] | None:
    n = len(near)
    degree = [mask.bit_count() for mask in near]
    colors, order = [0] * n, [0] * n
    work = 0

    # Scores are 32 for each color that neighbors have, plus the degree; below 0 is colored. Lists
    # are copied before they change, which costs less than to undo it.
    def go(left: int, depth: int, used: int, scores: list[int], banned: list[int]) -> bool:
        nonlocal work
        if not left:
            return True
        node = scores.index(max(scores))
        order[depth] = node
        left ^= 1 << node
        others = bits(near[node] & left)
        for c in range(min(used + 1, k)):
            work += 1
            tint = 1 << c
            if not banned[node] & tint:
                work += degree[node]
                colors[node] = c + 1
                new_scores, new_banned = scores.copy(), banned.copy()
                new_scores[node] = -1
                for v in others:
                    if not new_banned[v] & tint:
                        new_banned[v] |= tint
                        new_scores[v] += 32
                more = max(used, c + 1)
                if go(left, depth + 1, more, new_scores, new_banned):  # noqa: F821 - deleted below
                    return True
        return False

    found = go((1 << n) - 1, 0, 0, degree, [0] * n)
    del go  # it holds itself, and with it all lists, until the next collection of garbage
    return (colors, order, work) if found else None


def first_fit(near: Sequence[int], order: Sequence[int]) -> list[int]:
    """Give each node in turn the first color, from 1, that none of its neighbors has."""
    classes: list[int] = []
    colors = [0] * len(near)
    for node in order:
        c = 0
        while c < len(classes) and near[node] & classes[c]:
            c += 1
        if c == len(classes):
            classes.append(0)
        classes[c] |= 1 << node
        colors[node] = c + 1
    return colors
