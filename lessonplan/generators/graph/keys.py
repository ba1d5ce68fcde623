"""One text for all drawings of a graph: equal for graphs that differ only in the nodes' names."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from lessonplan.generators.graph.graphs import Edge, Graph

EXACT = 9  # nodes up to which different graphs are sure to have different keys

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
    hashes = _refined(graph, [_mixed(color + 1) for color in colors])
    if graph.n <= EXACT:
        text = min(_texts(graph, colors, hashes))
        return f"{graph.n} nodes {text}"
    text = str(sorted(_again(graph, hashes)))  # once more: a last color tells of all edges at it
    return f"{graph.n} nodes {blake2b(text.encode(), digest_size=16).hexdigest()}"


def shape_key(graph: Graph) -> str:
    """The key of the graph without any weights: its skeleton."""
    edges = tuple((u, v, 0) for u, v, _ in graph.edges)
    return canonical_key(Graph(graph.n, edges, directed=graph.directed))


def _mixed(x: int) -> int:
    return ((x ^ x >> 29) * _ODD[0] ^ x >> 7) & _BITS


def _refined(graph: Graph, hashes: list[int]) -> list[int]:
    """Colors told apart by their neighbors' colors. A collision only makes them coarser."""
    count = len(set(hashes))
    while count < graph.n:
        refined = _again(graph, hashes)
        now = len(set(refined))
        if now <= count:
            break
        hashes, count = refined, now
    return hashes


def _again(graph: Graph, hashes: Sequence[int]) -> list[int]:
    """One round: every color with those of the neighbors and the labels of the edges to them."""
    back = _ODD[1] if graph.directed else 1  # an edge looks different from its head
    mixed = [((x ^ x >> 29) * _ODD[0] ^ x >> 7) & _BITS for x in hashes]
    sums = [x * _ODD[1] for x in hashes]
    for u, v, weight in graph.edges:
        label = weight + weight + 1
        sums[u] += mixed[v] * label
        sums[v] += mixed[u] * label * back
    return [(x ^ x >> 31) & _BITS for x in sums]


def _texts(graph: Graph, colors: Sequence[int], hashes: list[int]) -> Iterator[str]:
    """The texts of all orders of the nodes that refinement leaves open."""
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
        yield from _texts(graph, colors, _refined(graph, apart))


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
