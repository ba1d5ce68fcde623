"""In how many orders can jobs be done, if some have to come before others?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, factorial

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.encodings import ARROWS, graph_templates
from lessonplan.generators.graph.graphs import Graph, bits, draw_pairs, unweighted
from lessonplan.generators.graph.instance import GraphDraft, draw_names, geometric
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream


@dataclass(slots=True)
class OrderDraft(GraphDraft):
    """How many topological orders are there?"""

    orders: Mapping[int, int]  # ways to go on, by the jobs that are done
    before: Sequence[int]  # the jobs that each job waits for

    @property
    def answer(self) -> str:
        return str(self.orders[0])

    def asked(self) -> Mapping[str, Json]:
        return {}

    def steps(self, style: int = 0) -> list[str]:
        n, names = self.graph.n, self.names
        lines, done, begun = [], 0, "At first"
        while done != (1 << n) - 1:
            free = [
                node
                for node, before in enumerate(self.before)
                if not done >> node & 1 and not before & ~done
            ]
            ways = [self.orders[done | 1 << node] for node in free]
            told = ", ".join(f"{names[v]} {number}" for v, number in zip(free, ways, strict=True))
            if len(free) > 1:
                lines.append(f"{begun}: {told}, in all {sum(ways)}")
            node = free[0]
            done |= 1 << node
            begun = f"{begun}, {names[node]}" if begun != "At first" else f"After {names[node]}"
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        n, m = self.graph.n, len(self.graph.edges)
        level = [0] * n
        for node in range(n):  # nodes are numbered in one of the orders
            for u, v, _ in self.graph.edges:
                if v == node:
                    level[node] = max(level[node], level[u] + 1)
        product = 1
        for depth in range(n):
            product *= factorial(level.count(depth))
        return {
            "rank by rank": [str(product)],
            "arrows on their own": [str(round(factorial(n) / 2**m))],
        }


class OrderCount(Generator):
    """How many topological orders are there? Work: additions of the recursion over sets of jobs.

    From 7 to 14 jobs at levels 3..10. Fewer jobs have few orders, one of which is guessed in more
    than a tenth of the graphs: no levels 1 and 2.
    """

    family, task, version = "graph", "graph.order_count", 1
    levels = (3, 4, 5, 6, 7, 8, 9, 10)
    kind, what = "int", "the number"
    log_work, tolerance = geometric(4.5, 8.0, 8), 0.25
    templates = graph_templates(
        ARROWS,
        (
            "In how many orders can all of them be done?",
            "How many different orders keep to every arrow?",
            "Count the ways to line all of them up such that no arrow points backwards.",
            "How many topological orders are there?",
        ),
        directed=True,
    )

    nodes = (7, 8, 9, 10, 11, 12, 13, 14)
    edges = (11, 13, 15, 18, 22, 24, 27, 29)

    def draw(self, stream: Stream, level: int) -> OrderDraft | None:
        n, m = self.nodes[level - 3], self.edges[level - 3] + stream.between(-1, 1)
        pairs = draw_pairs(stream, n, m, self.diversity)  # from a lower to a higher number
        before = [0] * n
        for u, v in pairs:
            before[v] |= 1 << u
        orders, work = count_orders(before, self.window(level))
        if not orders:
            return None
        graph = Graph(n, unweighted(pairs), directed=True)
        return OrderDraft(graph, draw_names(stream, n, self.diversity), work, orders, before)

    def instances(self, level: int) -> int:
        # A graph has at most n! drawings; those with arrows to higher numbers are one in n! or more.
        n, m = self.nodes[level - 3], self.edges[level - 3]
        if level < 6:
            return 7_000  # as many were seen
        return comb(n * (n - 1) // 2, m) // factorial(n) // 20


def count_orders(before: Sequence[int], wanted: range) -> tuple[dict[int, int], int]:
    """Ways to go on by the jobs that are done, and additions; no ways if these are not as wanted."""
    n = len(before)
    waiting: dict[int, list[tuple[int, int]]] = {1 << node: [] for node in range(n)}
    for node, ahead in enumerate(before):
        for other in bits(ahead):
            waiting[1 << other].append((1 << node, ahead))
    work = 0
    row = {0: sum([1 << node for node in range(n) if not before[node]])}
    rows = []  # the sets of jobs that can have been done, by their number, each with the free jobs
    while row:
        rows.append(row)
        following: dict[int, int] = {}
        for done, free in row.items():
            work += free.bit_count()
            rest = free
            while rest:
                job = rest & -rest
                rest ^= job
                after = done | job
                if after not in following:
                    freed = free ^ job
                    for one, ahead in waiting[job]:
                        if ahead & after == ahead:
                            freed |= one
                    following[after] = freed
        if work >= wanted.stop:
            return {}, work
        row = following
    if work not in wanted:
        return {}, work
    orders = {(1 << n) - 1: 1}
    for row in reversed(rows[:-1]):
        for done, free in row.items():
            orders[done] = sum([orders[done | 1 << job] for job in bits(free)])
    return orders, work
