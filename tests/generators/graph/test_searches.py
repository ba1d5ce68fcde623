"""The searches on graphs worked by hand."""

import networkx as nx

from lessonplan.generators.graph.coloring import color, first_fit, has_two_sides
from lessonplan.generators.graph.flow import augment
from lessonplan.generators.graph.graphs import Graph, bits, draw_pairs, masks
from lessonplan.generators.graph.independent import IndependentSets
from lessonplan.generators.graph.matching import largest_matching
from lessonplan.generators.graph.orders import count_orders
from lessonplan.generators.graph.sets import greedy
from lessonplan.generators.graph.shortest_path import dijkstra, neighbors
from lessonplan.generators.graph.spanning_tree import kruskal
from lessonplan.generators.streams import Stream

PATH = masks(4, [(0, 1), (1, 2), (2, 3)])
RING = masks(5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)])


def test_independent_sets():
    assert IndependentSets(PATH, [1, 9, 9, 1]).solve() == 10
    assert IndependentSets(RING, [1] * 5).solve() == 2
    # Fibonacci 8 for a path of four, Lucas 11 for a ring of five; both with the empty set.
    for near, number in ((PATH, 8), (RING, 11)):
        assert 1 + sum(count for _, count in IndependentSets(near, ()).count()) == number
    search = IndependentSets(PATH, [1, 9, 9, 1])
    search.solve()
    taken = [choice.node for choice in search.choices() if choice.within >= choice.without]
    assert sorted(taken) in ([0, 2], [1, 3]) and search.states == 4


def test_the_greedy_rule_on_random_graphs():
    def by_hand(near, weights):
        left, taken = set(range(len(near))), 0
        while left:
            best = max(
                sorted(left), key=lambda v: weights[v] / (1 + sum(near[v] >> u & 1 for u in left))
            )
            taken |= 1 << best
            left -= {best, *(u for u in left if near[best] >> u & 1)}
        return taken

    stream = Stream("greedy")
    for n in (5, 12, 21):
        for top in (1, 4, 30):
            near = masks(n, draw_pairs(stream, n, n + 2, 3))
            weights = [stream.between(1, top) for _ in range(n)]
            assert greedy(near, weights) == by_hand(near, weights)


def test_the_bits_of_a_mask():
    assert bits(0) == () and bits(0b1011) == (0, 1, 3)
    stream = Stream("bits")
    for _ in range(50):
        mask = stream.below(1 << 32)
        assert bits(mask) == tuple(node for node in range(32) if mask >> node & 1)


def test_orders():
    # Two chains of two: 4! / (2! 2!) ways to merge them.
    assert count_orders([0, 1, 0, 4], range(99))[0][0] == 6
    assert count_orders([0, 0, 0], range(99))[0][0] == 6
    assert count_orders([0, 0, 0], range(11)) == ({}, 12)  # 3 + 3 * 2 + 3 additions
    assert count_orders([0, 0, 0], range(13, 99)) == ({}, 12)


def test_flow_has_a_cut_of_its_size():
    edges = [(0, 1, 3), (0, 2, 2), (1, 2, 5), (1, 3, 2), (2, 3, 3)]
    ways, side, _ = augment(4, edges, 0, 3)
    assert sum(added for _, added in ways) == 5
    assert sum(c for u, v, c in edges if side >> u & 1 and not side >> v & 1) == 5


def test_flow_may_take_back():
    # All of the first path's flow over 1-2 has to be taken back.
    edges = [(0, 1, 1), (0, 2, 1), (1, 2, 1), (1, 3, 1), (2, 3, 1)]
    assert sum(added for _, added in augment(4, edges, 0, 3)[0]) == 2


def test_flow_gives_up_at_its_limit():
    edges = [(0, 1, 3), (0, 2, 2), (1, 2, 5), (1, 3, 2), (2, 3, 3)]
    *_, work = augment(4, edges, 0, 3)
    assert augment(4, edges, 0, 3, work + 1)[2] == work
    ways, _, given_up = augment(4, edges, 0, 3, 5)
    assert len(ways) < 3 and 5 <= given_up < work


def test_matching_leaves_a_node_of_a_star_over():
    star = masks(4, [(0, 1), (0, 2), (0, 3)])
    assert len(largest_matching(star, 99)[0]) == 1
    assert len(largest_matching(RING, 99)[0]) == 2
    assert len(largest_matching(PATH, 99)[0]) == 2


def test_coloring():
    colors, order, work = color(RING)
    assert max(colors) == 3 and sorted(order) == [0, 1, 2, 3, 4]
    assert work == 2 * 5 + 1 + 2 + 1 + 2 + 3  # edges from both sides, and colors tried
    crown = masks(6, [(0, 4), (0, 5), (1, 3), (1, 5), (2, 3), (2, 4)])
    assert max(color(crown)[0]) == 2
    assert has_two_sides(crown) and has_two_sides(PATH) and not has_two_sides(RING)
    assert color(RING, 3) == (colors, order, work)
    assert max(first_fit(crown, [0, 3, 1, 4, 2, 5])) == 3  # the greedy rule is misled


def test_two_sides_as_networkx_sees_them():
    stream, found = Stream("sides"), set()
    for _ in range(80):
        pairs = draw_pairs(stream, 9, stream.between(3, 12), 3)
        found.add(has_two_sides(masks(9, pairs)))
        assert has_two_sides(masks(9, pairs)) == nx.is_bipartite(nx.Graph(pairs))
    assert found == {False, True}


def test_distances_and_tree():
    edges = ((0, 1, 4), (0, 2, 1), (2, 1, 2), (1, 3, 5))
    settled, parent, far = dijkstra(neighbors(4, edges), 0)
    assert (settled, parent, far) == ([0, 2, 1, 3], [-1, 2, 0, 1], [0, 3, 1, 8])
    looked_at = kruskal(Graph(4, edges))
    assert [taken for _, taken in looked_at] == [True, True, False, True]
