"""Canonical keys: known numbers of graphs up to isomorphism, and renamed nodes."""

from itertools import combinations, permutations
from random import Random

import networkx as nx
import pytest

from lessonplan.generators.graph.graphs import Graph, draw_connected, draw_pairs, unweighted
from lessonplan.generators.graph.keys import canonical_key, shape_key
from lessonplan.generators.streams import Stream


@pytest.mark.parametrize("n, classes", [(3, 4), (4, 11), (5, 34)])
def test_numbers_of_undirected_graphs(n, classes):
    pairs = list(combinations(range(n), 2))
    keys = set()
    for chosen in range(1 << len(pairs)):
        edges = unweighted([pair for i, pair in enumerate(pairs) if chosen >> i & 1])
        keys.add(canonical_key(Graph(n, edges)))
    assert len(keys) == classes  # OEIS A000088


@pytest.mark.parametrize("n, classes", [(2, 3), (3, 16)])
def test_numbers_of_directed_graphs(n, classes):
    pairs = list(permutations(range(n), 2))
    keys = set()
    for chosen in range(1 << len(pairs)):
        edges = unweighted([pair for i, pair in enumerate(pairs) if chosen >> i & 1])
        keys.add(canonical_key(Graph(n, edges, directed=True)))
    assert len(keys) == classes  # OEIS A000273


def renamed(graph, random):
    new = random.sample(range(graph.n), graph.n)
    edges = [
        (new[u], new[v], w) if graph.directed or random.random() < 0.5 else (new[v], new[u], w)
        for u, v, w in random.sample(graph.edges, len(graph.edges))
    ]
    weights = [0] * len(graph.weights)
    for node, weight in enumerate(graph.weights):
        weights[new[node]] = weight
    return Graph(graph.n, tuple(edges), tuple(weights), graph.directed), new


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("n", [6, 9, 10, 25])
def test_names_do_not_matter_and_everything_else_does(n, directed):
    random = Random(n)
    for _ in range(30):
        pairs = random.sample(list(combinations(range(n), 2)), 2 * n)
        edges = tuple((u, v, random.randint(0, 2)) for u, v in pairs)
        weights = tuple(random.randint(1, 3) for _ in range(n))
        graph = Graph(n, edges, weights, directed)
        key = canonical_key(graph, (0, 1))
        other, new = renamed(graph, random)
        assert canonical_key(other, (new[0], new[1])) == key
        assert shape_key(other) == shape_key(graph)
        heavier = Graph(n, ((*edges[0][:2], 9), *edges[1:]), weights, directed)
        assert canonical_key(heavier, (0, 1)) != key
        assert canonical_key(Graph(n, edges, (7, *weights[1:]), directed), (0, 1)) != key
        assert canonical_key(graph, (1, 0)) != key or weights[0] == weights[1]


@pytest.mark.parametrize(
    "one, other",
    [
        (nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))),
        (nx.cubical_graph(), nx.disjoint_union(nx.complete_graph(4), nx.complete_graph(4))),
        (nx.cycle_graph(9), nx.disjoint_union(nx.cycle_graph(4), nx.cycle_graph(5))),
    ],
)
def test_what_refinement_cannot_tell_apart_is_searched(one, other):
    keys = [canonical_key(Graph(len(g), unweighted(g.edges))) for g in (one, other)]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("n, m", [(8, 14), (10, 15)])
def test_keys_agree_with_an_isomorphism_test(n, m):
    stream = Stream("keys")
    graphs = [Graph(n, unweighted(draw_pairs(stream, n, m, 3))) for _ in range(120)]
    found = {}
    for graph in graphs:
        found.setdefault(canonical_key(graph), []).append(
            nx.Graph(list(graph.edges and [e[:2] for e in graph.edges]))
        )
    for group in found.values():
        assert all(nx.faster_could_be_isomorphic(group[0], other) for other in group)
    firsts = [group[0] for group in found.values()]
    same = sum(nx.is_isomorphic(a, b) for a, b in combinations(firsts, 2))
    assert same == 0 if n < 10 else same <= 1


@pytest.mark.parametrize("diversity", [0, 1, 2, 3])
def test_shapes_have_the_nodes_and_edges_asked_for(diversity):
    stream = Stream(f"shapes {diversity}")
    for _ in range(100):
        for draw in (draw_pairs, draw_connected):
            pairs = draw(stream, 12, 20, diversity)
            assert len({frozenset(pair) for pair in pairs}) == len(pairs) == 20
            assert all(0 <= u < v < 12 for u, v in pairs)
        assert nx.is_connected(nx.Graph(pairs)) and len(nx.Graph(pairs)) == 12
