"""Sets of nodes: what the tasks on independent sets, vertex covers and cliques have in common."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Generator
from lessonplan.generators.graph.graphs import (
    Graph,
    Pair,
    bits,
    draw_pairs,
    heaviest_weight,
    masks,
    unweighted,
)
from lessonplan.generators.graph.independent import Choice, IndependentSets
from lessonplan.generators.graph.instance import REFUSED, GraphDraft, draw_names, in_window
from lessonplan.generators.graph.witness import MOST_NAMES
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream

# Nodes and edges of levels 1..10: as in the other tasks, but for one node more at levels 3 and 4,
# since there are too few graphs of 8 nodes without weights, and fewer from level 8 on, since a
# witness has at most MOST_NAMES names. The search then grows by the same factor every level.
SET_NODES = (5, 6, 9, 10, 11, 13, 15, 17, 19, 21)
SET_EDGES = (6, 8, 14, 16, 21, 27, 32, 35, 38, 42)

_SPREAD = 2  # edges more or fewer, so that there are enough different graphs of 9 nodes


def set_edges(stream: Stream, level: int) -> int:
    """How many edges a graph of the level gets."""
    m = SET_EDGES[level - 1]
    return m if level < 3 else m + stream.between(-_SPREAD, _SPREAD)


@dataclass(slots=True)
class SetDraft(GraphDraft):
    """Which nodes make the heaviest independent set, or the lightest cover, or a clique?

    All three are one search: the nodes outside an independent set are a cover, and a clique is an
    independent set of the graph that has the other edges.
    """

    near: Sequence[int]  # neighbors in the graph that was searched
    search: IndependentSets
    cover: bool = False
    witness: bool = True  # whether the answer is the set and not its weight
    _best: int | None = None
    _choices: Sequence[Choice] = ()

    def choices(self) -> Sequence[Choice]:
        """The way of the search to the best set."""
        if not self._choices:
            self._choices = self.search.choices()
        return self._choices

    def best(self) -> int:
        """The right set of nodes, as a bit mask."""
        if self._best is None:
            taken = [1 << c.node for c in self.choices() if c.within >= c.without]
            self._best = self.turned(sum(taken))
        return self._best

    def turned(self, taken: int) -> int:
        """The answer that belongs to an independent set."""
        return (1 << self.graph.n) - 1 ^ taken if self.cover else taken

    def weight(self, nodes: int) -> int:
        return total(self.graph.weights, nodes)

    @property
    def answer(self) -> str:
        best = self.best()
        return " ".join(self.named(best)) if self.witness else str(self.weight(best))

    def asked(self) -> Mapping[str, Json]:
        return {"best": self.weight(self.best())} if self.witness else {}

    def steps(self, style: int = 0) -> list[str]:
        lines = []
        for node, within, without in self.choices():
            name = self.names[node]
            if without < 0:
                lines.append(f"{name}: {within} with it, no neighbor is left, take it")
            else:
                verdict = "take it" if within >= without else "leave it"
                lines.append(f"{name}: {within} with it, {without} without, {verdict}")
        best = self.best()
        lines.append(f"{'Left' if self.cover else 'Taken'}: {', '.join(self.named(best))}")
        if self.graph.weights:
            weight_of = dict(zip(self.names, self.graph.weights, strict=True))
            parts = [str(weight_of[name]) for name in self.named(best)]
            lines.append(f"{' + '.join(parts)} = {self.weight(best)}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        n, weights = self.graph.n, self.graph.weights or (1,) * self.graph.n
        tries = {
            "greedy by degree": greedy(self.near, weights),
            "greedy by weight": in_turn(self.near, sorted(range(n), key=lambda v: -weights[v])),
            "in the order of names": in_turn(
                self.near, sorted(range(n), key=lambda v: (len(self.names[v]), self.names[v]))
            ),
        }
        sets = {name: self.turned(taken) for name, taken in tries.items()}
        return {
            name: [" ".join(self.named(nodes)) if self.witness else str(self.weight(nodes))]
            for name, nodes in sets.items()
        }


def draw_set(
    task: Generator, stream: Stream, level: int, *, weighted: bool, cover: bool, witness: bool
) -> SetDraft | None:
    """A graph for an independent set or a cover."""
    n, m = SET_NODES[level - 1], set_edges(stream, level)
    pairs = draw_pairs(stream, n, m, task.diversity)
    near = masks(n, pairs)
    weights: tuple[int, ...] = ()
    if weighted:
        top, random = heaviest_weight(level), stream.uniform
        weights = tuple([1 + int(random() * top) for _ in range(n)])
    return finished(task, stream, level, pairs, near, weights=weights, cover=cover, witness=witness)


def draw_clique(task: Generator, stream: Stream, level: int, n: int, m: int) -> SetDraft | None:
    """A graph for a clique: the search sees the pairs that are not joined."""
    pairs = draw_pairs(stream, n, m, task.diversity)
    others = (1 << n) - 1
    near = [others ^ 1 << node ^ joined for node, joined in enumerate(masks(n, pairs))]
    return finished(task, stream, level, pairs, near)


def finished(
    task: Generator,
    stream: Stream,
    level: int,
    pairs: Sequence[Pair],
    near: Sequence[int],
    *,
    weights: tuple[int, ...] = (),
    cover: bool = False,
    witness: bool = True,
) -> SetDraft | None:
    """The draft, unless its work, its answer or the greedy rule speak against it."""
    n, given = len(near), weights
    weights = given or (1,) * n
    search = IndependentSets(near, weights)
    value = search.solve()
    if not in_window(task, level, search.states):
        return None
    if stream.uniform() < REFUSED[level - 1] and total(weights, greedy(near, weights)) == value:
        return None
    draft = SetDraft(
        Graph(n, unweighted(pairs), given),
        draw_names(stream, n, task.diversity),
        search.states,
        near,
        search,
        cover=cover,
        witness=witness,
    )
    return None if witness and draft.best().bit_count() > MOST_NAMES else draft


def total(weights: Sequence[int], nodes: int) -> int:
    """The weight of a bit mask of nodes; their number if they have none."""
    return sum([weights[node] for node in bits(nodes)]) if weights else nodes.bit_count()


def greedy(near: Sequence[int], weights: Sequence[int]) -> int:
    """Take the node with the most weight for itself and its neighbors, again and again."""
    left, taken = (1 << len(near)) - 1, 0
    scores = [weight / (mask.bit_count() + 1) for weight, mask in zip(weights, near, strict=True)]
    while left:
        chosen = scores.index(max(scores))
        taken |= 1 << chosen
        gone = (near[chosen] | 1 << chosen) & left
        left ^= gone
        changed = 0
        for node in bits(gone):
            scores[node] = -1.0
            changed |= near[node]
        for node in bits(changed & left):
            scores[node] = weights[node] / ((near[node] & left).bit_count() + 1)
    return taken


def in_turn(near: Sequence[int], order: Iterable[int]) -> int:
    """Take every node that no node before it rules out."""
    taken = 0
    for node in order:
        if not near[node] & taken:
            taken |= 1 << node
    return taken
