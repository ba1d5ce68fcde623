"""Follow directed edges: where does a walk of k steps end?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb, perm

from lessonplan.generators.base import Draft, Generator, Rendering
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, NAME, Slot, Template, listed

ROOMS = tuple("abcdefghijkl")

_DETOURS = 2  # edges off the walk


def _write_door(edge: Json) -> str:
    assert isinstance(edge, list)
    return f"Room {edge[0]} has a door to room {edge[1]}."


_DOOR = Slot(
    _write_door, r"Room [a-z] has a door to room [a-z]\.", lambda text: [text[5], text[-2]]
)


@dataclass(frozen=True, slots=True)
class Route(Draft):
    """Where are you after walking along the edges, step by step?"""

    walk: tuple[str, ...]  # the rooms in order, from the start to the answer
    edges: tuple[tuple[str, str], ...]  # in prompt order; no room has two ways out

    @property
    def length(self) -> int:
        """Steps of the walk."""
        return len(self.walk) - 1

    @property
    def key(self) -> str:
        edges = " ".join(sorted(f"{tail}{head}" for tail, head in self.edges))
        return f"{self.walk[0]} {self.length} {edges}"

    @property
    def answer(self) -> str:
        return self.walk[-1]

    @property
    def data(self) -> Mapping[str, Json]:
        edges = [list(edge) for edge in self.edges]
        return {"start": self.walk[0], "steps": self.length, "edges": edges}

    def tiny(self) -> Rendering:
        edges = " , ".join(f"{tail} > {head}" for tail, head in self.edges)
        steps = " ".join(f"{room} {step}" for step, room in enumerate(self.walk[1:], 1))
        return Rendering(
            f"walk {self.length} from {self.walk[0]} : {edges} =", f"{steps} A {self.answer}"
        )

    @property
    def work(self) -> int:
        return self.length * len(self.edges)  # edges looked at

    def steps(self, style: int = 0) -> list[str]:
        return [f"After door {step}: room {room}" for step, room in enumerate(self.walk[1:], 1)]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        heads = sorted({head for _, head in self.edges} - set(self.walk[:2]))
        tails = {tail for tail, _ in self.edges}
        return {
            "any head but the first": heads,
            "any dead end": [head for head in heads if head not in tails] or heads,
            "any way through": [head for head in heads if head in tails] or heads,
        }


class Walk(Generator):
    """Look up the next room again and again; a level brings a longer walk, shuffled from 2.

    Two more edges lead astray. With chance (k - 1) / (k + 1) one of them leaves the last room of
    the walk: else the answer would be a dead end, and always, it never would be. With this chance
    a blind pick among two dead ends does as well as one among the k - 1 ways through.
    """

    family, task, version = "graph", "graph.walk", 1
    levels, kind, what = (1, 2, 3, 4, 5), "name", "its letter"
    encodings, diversities = ("tiny", "text"), (0,)
    templates = (
        Template(
            "In a house with one-way doors no room has two doors out.\n{edges}\n"
            "You start in room {start} and go through {steps} doors, one after the other. Which "
            "room are you in at the end?",
            {"edges": listed(_DOOR, "\n"), "start": NAME, "steps": INT},
        ),
    )
    words = (*"123456", "walk", "from", ">", ",", ":", "=", "A", *ROOMS)

    steps = (2, 3, 4, 5, 6)

    def draw(self, stream: Stream, level: int) -> Route:
        length = self.steps[level - 1]
        rooms = stream.shuffled(ROOMS)
        walk, others = rooms[: length + 1], rooms[length + 1 :]
        goes_on = stream.below(length + 1) < length - 1
        tails = [walk[-1], others[0]] if goes_on else others[:_DETOURS]
        detours = [
            (tail, stream.choice([room for room in ROOMS if room != tail])) for tail in tails
        ]
        path = list(pairwise(walk))
        if level > 1:
            edges = stream.shuffled(path + detours)
        else:  # the walk in its order, the detours anywhere between
            places = stream.shuffled([True] * length + [False] * _DETOURS)
            ways, astray = iter(path), iter(detours)
            edges = [next(ways if on_walk else astray) for on_walk in places]
        return Route(tuple(walk), tuple(edges))

    def instances(self, level: int) -> int:
        length, n = self.steps[level - 1], len(ROOMS)
        return int(perm(n, length + 1) * comb(n - length, _DETOURS) * (n - 1) ** _DETOURS)
