"""Graphs as plain tuples, and how they are drawn."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from lessonplan.generators.streams import Stream

Pair: TypeAlias = tuple[int, int]
Edge: TypeAlias = tuple[int, int, int]  # from, to, weight; 0 where edges have no weight

# Levels 1..10 of most tasks. The nodes are those of arXiv 2604.18381; the edges grow by the same
# factor from level to level, so that log2 of the work does by the same step.
NODES = (5, 6, 8, 9, 11, 13, 15, 18, 21, 25)
EDGES = (6, 8, 10, 13, 17, 22, 28, 36, 47, 60)

_BIT = tuple(1 << node for node in range(64))  # looked up: twice as fast as a shift
_BYTES = tuple(
    tuple(tuple(first + i for i in range(8) if byte >> i & 1) for byte in range(256))
    for first in (0, 8, 16, 24)
)  # the nodes of each byte of a mask


class Graph(NamedTuple):
    """Nodes 0..n-1 and edges between them."""

    n: int
    edges: tuple[Edge, ...]  # each pair once; of an undirected graph, in either direction
    weights: tuple[int, ...] = ()  # of the nodes, or none
    directed: bool = False


def heaviest_weight(level: int) -> int:
    """Weights, lengths and capacities are drawn from 1 to this.

    With 9 + 2 * level the commonest distance is guessed in .12 of the graphs at levels 1 and 2, and
    the weight of a set or a flow in .10 to .11 (measured).
    """
    return 19 + 2 * level


def masks(n: int, pairs: Sequence[Pair]) -> list[int]:
    """The neighbors of every node as a bit mask, for an undirected graph."""
    near = [0] * n
    for u, v in pairs:
        near[u] |= _BIT[v]
        near[v] |= _BIT[u]
    return near


def bits(nodes: int) -> tuple[int, ...]:
    """The nodes of a bit mask in order, for up to 32 of them."""
    return (
        _BYTES[0][nodes & 255]
        + _BYTES[1][nodes >> 8 & 255]
        + _BYTES[2][nodes >> 16 & 255]
        + _BYTES[3][nodes >> 24]
    )


def weighted(stream: Stream, pairs: Sequence[Pair], top: int) -> tuple[Edge, ...]:
    """The pairs with weights of 1..top."""
    random = stream.uniform
    return tuple([(u, v, 1 + int(random() * top)) for u, v in pairs])


def unweighted(pairs: Sequence[Pair]) -> tuple[Edge, ...]:
    """The pairs as edges without weights."""
    return tuple([(u, v, 0) for u, v in pairs])


def draw_pairs(stream: Stream, n: int, m: int, diversity: int = 0) -> list[Pair]:
    """m different pairs of n nodes, in a shape that the diversity allows.

    All shapes have the same n and m and lean towards their model rather than being it (a grid with
    some other edges, two groups with edges between them), and most draws are uniform: the work and
    the answers of a level must not move with the diversity.
    """
    return _draw(stream, _SHAPES[diversity], n, m)


def draw_connected(stream: Stream, n: int, m: int, diversity: int = 0) -> list[Pair]:
    """The same, where every node can be reached from every other; m is at least n - 1."""
    return _draw(stream, _CONNECTED[diversity], n, m)


Shape: TypeAlias = Callable[[Stream, int, int], list[Pair]]


def _draw(stream: Stream, shapes: Sequence[Shape], n: int, m: int) -> list[Pair]:
    shape = shapes[0] if len(shapes) == 1 else stream.choice(shapes)
    return shape(stream, n, m)


@cache
def _all_pairs(n: int) -> tuple[Pair, ...]:
    return tuple((u, v) for u in range(n) for v in range(u + 1, n))


def _uniform(stream: Stream, n: int, m: int) -> list[Pair]:
    """Every set of m pairs is equally likely."""
    pairs = list(_all_pairs(n))
    random, left = stream.uniform, len(pairs)
    chosen = []
    for i in range(m):  # a shuffle of which only the first m places are kept
        other = i + int(random() * (left - i))
        chosen.append(pairs[other])
        pairs[other] = pairs[i]
    return chosen


def _tree(stream: Stream, n: int, m: int) -> list[Pair]:
    """A random tree, then any other pairs."""
    random = stream.uniform
    pairs = [(int(random() * v), v) for v in range(1, min(n, m + 1))]
    return _filled(stream, n, m, pairs)


def _regular(stream: Stream, n: int, m: int) -> list[Pair]:
    """No node has far more edges than another, as long as that can be kept."""
    limit, degree = 2 * m // n + 1, [0] * n
    pairs: list[Pair] = []
    for u, v in stream.shuffled(_all_pairs(n)):
        if len(pairs) == m:
            break
        if degree[u] < limit and degree[v] < limit:
            degree[u] += 1
            degree[v] += 1
            pairs.append((u, v))
    return _filled(stream, n, m, pairs)


def _preferential(stream: Stream, n: int, m: int) -> list[Pair]:
    """A node is chosen with a chance that grows with its edges."""
    bag = [*range(n), *range(n)]
    pairs: set[Pair] = set()
    for _ in range(4 * m):
        u, v = stream.choice(bag), stream.choice(bag)
        pair = (u, v) if u < v else (v, u)
        if u != v and pair not in pairs and len(pairs) < m:
            pairs.add(pair)
            bag += pair
    return _filled(stream, n, m, sorted(pairs))


def _grid(stream: Stream, n: int, m: int) -> list[Pair]:
    """Up to three quarters of the edges lie on a grid of squares."""
    width = int(n**0.5)
    lines = [(u, u + 1) for u in range(n - 1) if (u + 1) % width]
    lines += [(u, u + width) for u in range(n - width)]
    return _filled(stream, n, m, stream.shuffled(lines)[: 3 * m // 4])


def _planted(stream: Stream, n: int, m: int) -> list[Pair]:
    """Two halves, with two thirds of the edges within a half where there are so many."""
    within = [pair for pair in _all_pairs(n) if pair[0] % 2 == pair[1] % 2]
    return _filled(stream, n, m, stream.shuffled(within)[: 2 * m // 3])


def _bipartite(stream: Stream, n: int, m: int) -> list[Pair]:
    """Two halves, with two thirds of the edges between them where there are so many."""
    across = [pair for pair in _all_pairs(n) if pair[0] % 2 != pair[1] % 2]
    return _filled(stream, n, m, stream.shuffled(across)[: 2 * m // 3])


def _filled(stream: Stream, n: int, m: int, pairs: list[Pair]) -> list[Pair]:
    """The pairs, and as many others as are still missing."""
    have, random = set(pairs), stream.uniform
    while len(pairs) < m:
        u, v = int(random() * n), int(random() * n)
        pair = (u, v) if u < v else (v, u)
        if u != v and pair not in have:
            have.add(pair)
            pairs.append(pair)
    return pairs


def _linked(shape: Shape) -> Shape:
    """A shape drawn again until it is connected, and after three times given a tree."""

    def draw(stream: Stream, n: int, m: int) -> list[Pair]:
        for _ in range(3):
            pairs = shape(stream, n, m)
            if is_connected(masks(n, pairs)):
                return pairs
        return _tree(stream, n, m)

    return draw


def is_connected(near: Sequence[int]) -> bool:
    """Whether every node can be reached from node 0."""
    return component(near, 0) == (1 << len(near)) - 1


def component(near: Sequence[int], start: int) -> int:
    """The nodes that can be reached from `start`, itself included, as a bit mask."""
    seen = todo = 1 << start
    while todo:
        low = todo & -todo
        new = near[low.bit_length() - 1] & ~seen
        seen |= new
        todo = todo ^ low | new
    return seen


_PLAIN: tuple[Shape, ...] = (_uniform,)
_SHAPES: tuple[tuple[Shape, ...], ...] = (
    _PLAIN,
    (*_PLAIN * 4, _tree, _regular),
    (*_PLAIN * 5, _tree, _regular, _preferential, _grid),
    (*_PLAIN * 6, _tree, _regular, _preferential, _grid, _planted, _bipartite),
)
_LINKED = tuple(_linked(shape) for shape in (_regular, _preferential, _grid, _planted, _bipartite))
_CONNECTED: tuple[tuple[Shape, ...], ...] = (
    (_tree,),
    (*(_tree,) * 4, *_LINKED[:1]),
    (*(_tree,) * 5, *_LINKED[:3]),
    (*(_tree,) * 6, *_LINKED),
)
