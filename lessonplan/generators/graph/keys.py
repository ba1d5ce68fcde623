"""One text for all drawings of a graph: equal for graphs that differ only in the nodes' names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from operator import itemgetter
from struct import Struct

from lessonplan.generators.graph.graphs import Edge, Graph

EXACT = 9  # nodes up to which different graphs are sure to have different keys

_WEIGHT = itemgetter(2)  # of an edge
_BITS = (1 << 61) - 1
_ODD = (0x1B03738712FAD5C9, 0x0A0761D6478BD643)  # two random odd numbers


def canonical_key(graph: Graph, marks: Sequence[int] = ()) -> str:
    """The key of a graph whose nodes `marks` are named by the question, in that order.

    Colors of nodes are refined by those of their neighbors until no round tells more nodes apart.
    Up to `EXACT` nodes every node of the first ambiguous color is then set apart in turn (one of
    each group that can be swapped freely is enough), and the smallest text wins: an exact normal
    form. Above, what refinement cannot tell apart shares one hash; splits stay disjoint, and a pool
    without repeats leaves a few problems too many out.
    """
    colors = [weight << 4 for weight in graph.weights] or [0] * graph.n
    for number, node in enumerate(marks, 1):
        colors[node] |= number
    row = _row(graph.n)
    alike = not any(colors)
    first = row.ones * _ALIKE if alike else row.joined([_mixed(color + 1) for color in colors])
    stable, further = _refined(graph, row, first)
    if graph.n <= EXACT:
        text = min(_texts(graph, row, colors, stable))
        return f"{graph.n} nodes {text}"
    last = further or _again(graph, row, stable)  # colors that tell of all edges at their nodes
    text = str(sorted(row.cut(last)))
    return f"{graph.n} nodes {blake2b(text.encode(), digest_size=16).hexdigest()}"


def shape_key(graph: Graph) -> str:
    """The key of the graph without any weights: its skeleton."""
    edges = tuple((u, v, 0) for u, v, _ in graph.edges)
    return canonical_key(Graph(graph.n, edges, directed=graph.directed))


def _mixed(x: int) -> int:
    return ((x ^ x >> 29) * _ODD[0] ^ x >> 7) & _BITS


_ALIKE = _mixed(1)  # the first color of nodes without weights and marks


@dataclass(frozen=True, slots=True)
class _Row:
    """The colors of all nodes side by side in one long integer, 24 bytes each.

    One operation on it does for all nodes what they would else do in turn: half the time, measured.
    """

    n: int
    ones: int  # a 1 for each node
    low: int  # a mask of 61 bits for each node
    mixing: int  # of 32 bits, what `_mixed` shifts down
    unpack: Callable[[bytes], tuple[int, ...]]

    def joined(self, colors: Sequence[int]) -> int:
        return int.from_bytes(b"".join([x.to_bytes(24, "little") for x in colors]), "little")

    def cut(self, row: int) -> tuple[int, ...]:
        return self.unpack(row.to_bytes(24 * self.n, "little"))


@cache
def _row(n: int) -> _Row:
    ones = sum(1 << 192 * node for node in range(n))
    return _Row(n, ones, ones * _BITS, ones * 0xFFFFFFFF, Struct("<" + "Q16x" * n).unpack)


def _refined(graph: Graph, row: _Row, colors: int) -> tuple[int, int]:
    """Colors told apart by their neighbors' colors, and the next round, or 0 if it was not made.

    A collision only makes them coarser.
    """
    count = len(set(row.cut(colors)))
    while count < graph.n:
        further = _again(graph, row, colors)
        now = len(set(row.cut(further)))
        if now <= count:
            return colors, further
        colors, count = further, now
    return colors, 0


def _again(graph: Graph, row: _Row, colors: int) -> int:
    """One round: every color with those of the neighbors and the labels of the edges to them."""
    # `_mixed` of all; what comes down from the next node is masked before it is multiplied.
    mixed = row.cut(((colors ^ colors >> 29 & row.mixing) * _ODD[0] ^ colors >> 7) & row.low)
    sums = [0] * graph.n
    if graph.directed:  # an edge looks different from its head
        back = _ODD[1]
        for u, v, weight in graph.edges:
            label = weight + weight + 1
            sums[u] += mixed[v] * label
            sums[v] += mixed[u] * label * back
    elif any(map(_WEIGHT, graph.edges)):
        for u, v, weight in graph.edges:
            label = weight + weight + 1
            sums[u] += mixed[v] * label
            sums[v] += mixed[u] * label
    else:
        for u, v, _ in graph.edges:
            sums[u] += mixed[v]
            sums[v] += mixed[u]
    total = colors * _ODD[1] + row.joined(sums)  # at most 135 bits for each node
    return (total ^ total >> 31) & row.low


def _texts(graph: Graph, row: _Row, colors: Sequence[int], stable: int) -> Iterator[str]:
    """The texts of all orders of the nodes that refinement leaves open."""
    hashes = row.cut(stable)
    cells: dict[int, list[int]] = {}
    for node, color in enumerate(hashes):
        cells.setdefault(color, []).append(node)
    if len(cells) == graph.n:
        yield _text(graph, colors, hashes)
        return
    _, color = min((len(cell), color) for color, cell in cells.items() if len(cell) > 1)
    for node in _unlike(graph, cells[color]):
        apart = list(hashes)
        apart[node] = _mixed(color)
        yield from _texts(graph, row, colors, _refined(graph, row, row.joined(apart))[0])


def _unlike(graph: Graph, cell: Sequence[int]) -> list[int]:
    """One node of each group of twins: nodes with the same edges, but for one between them."""
    rows: dict[int, set[Edge]] = {node: set() for node in cell}
    for u, v, weight in graph.edges:
        if u in rows:
            rows[u].add((v, 0, weight))
        if v in rows:
            rows[v].add((u, int(graph.directed), weight))
    result: list[int] = []
    for node in cell:
        if not any(_twins(rows, node, other, graph.directed) for other in result):
            result.append(node)
    return result


def _twins(rows: dict[int, set[Edge]], one: int, other: int, directed: bool) -> bool:
    if directed and any(edge[0] == other for edge in rows[one]):
        return False
    mine, yours = ({edge for edge in rows[x] if edge[0] not in (one, other)} for x in (one, other))
    return mine == yours


def _text(graph: Graph, colors: Sequence[int], hashes: Sequence[int]) -> str:
    """The graph with its nodes renamed in the order of their colors, all different."""
    order = sorted(range(graph.n), key=hashes.__getitem__)
    place = [0] * graph.n
    for i, node in enumerate(order):
        place[node] = i
    words = []
    for u, v, weight in graph.edges:
        a, b = place[u], place[v]
        if a > b and not graph.directed:
            a, b = b, a
        words.append((a * graph.n + b) * 64 + weight)
    words.sort()
    return f"{words} {[colors[node] for node in order]}"
