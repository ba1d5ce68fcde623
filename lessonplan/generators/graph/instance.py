"""What the drafts of all graph tasks have in common: names, data, key and skeleton."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.graph.graphs import Graph, bits
from lessonplan.generators.graph.keys import canonical_key, shape_key
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream

MOST = 25  # nodes

# By level, the chance that a graph is refused when the task's cheap rule solves it. Without it most
# graphs of every level reward the rule (minimum degree finds a largest independent set in .99 of
# the graphs with 6 nodes and in .74 with 24, measured).
REFUSED = (0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

# Names of nodes, in the order of (length, name), by the diversity that brings them.
_PEOPLE = (
    "Ada Ben Cal Dee Eve Fay Gus Hal Ida Jon Kim Leo Mia Ned Ora Pia Ray Sue Tom Uma Val Wes Xia "
    "Yan Zoe"
)
SKINS: tuple[tuple[str, ...], ...] = (
    tuple(ascii_lowercase[:MOST]),
    tuple(ascii_uppercase[:MOST]),
    tuple(f"v{number}" for number in range(1, MOST + 1)),
    tuple(_PEOPLE.split(" ")),
)

in_order = {name: i for skin in SKINS for i, name in enumerate(skin)}.__getitem__  # a sort key


@dataclass(slots=True)
class GraphDraft(Draft):
    """A graph with names, and the work that its question takes."""

    graph: Graph
    names: tuple[str, ...]  # of the nodes
    effort: int
    _key: str | None = field(default=None, kw_only=True)
    _skeleton: str | None = field(default=None, kw_only=True)
    _data: Mapping[str, Json] | None = field(default=None, kw_only=True)

    @property
    def marks(self) -> Sequence[int]:
        """The nodes that the question names, in order."""
        return ()

    @property
    def key(self) -> str:
        if self._key is None:
            self._key = canonical_key(self.graph, self.marks)
        return self._key

    @property
    def work(self) -> int:
        return self.effort

    @property
    def skeleton(self) -> str:
        if self._skeleton is None:
            graph = self.graph
            bare = not (self.marks or graph.weights or any(weight for _, _, weight in graph.edges))
            self._skeleton = self.key if bare else shape_key(graph)
        return self._skeleton

    @property
    def data(self) -> Mapping[str, Json]:
        if self._data is None:
            self._data = {**self._graph_data(), **self.asked()}
        return self._data

    @abstractmethod
    def asked(self) -> Mapping[str, Json]:
        """What the question holds beside the graph; of a witness task also the best value."""

    def _graph_data(self) -> dict[str, Json]:
        graph, names = self.graph, self.names
        nodes = sorted(names, key=in_order)
        place = {name: i for i, name in enumerate(nodes)}
        at = [place[name] for name in names]
        edges = [(at[u], at[v], weight) for u, v, weight in graph.edges]
        if not graph.directed:
            edges = [(a, b, weight) if a < b else (b, a, weight) for a, b, weight in edges]
        edges.sort()
        data: dict[str, Json] = {"nodes": nodes}
        if graph.weights:
            weight_of = dict(zip(names, graph.weights, strict=True))
            data["weights"] = [[name, weight_of[name]] for name in nodes]
        if edges[0][2]:
            data["edges"] = [[nodes[a], nodes[b], weight] for a, b, weight in edges]
        else:
            data["edges"] = [[nodes[a], nodes[b]] for a, b, _ in edges]
        return data

    def named(self, nodes: int) -> list[str]:
        """The names of a bit mask of nodes, in the order of the prompt."""
        names = self.names
        return sorted([names[node] for node in bits(nodes)], key=in_order)


def draw_names(stream: Stream, n: int, diversity: int) -> tuple[str, ...]:
    """Names for n nodes in random order, out of the skins that the diversity allows."""
    skin = SKINS[stream.below(diversity + 1)] if diversity else SKINS[0]
    return tuple(stream.shuffled(skin[:n]))


def in_window(task: Generator, level: int, work: int) -> bool:
    """Whether the base would keep a problem of this work: asked before any key is made."""
    return work in task.window(level)


def geometric(first: float, last: float, n: int = 10) -> tuple[float, ...]:
    """n values of log2 of the work, equally far apart."""
    return tuple(round(first + (last - first) * i / (n - 1), 3) for i in range(n))
