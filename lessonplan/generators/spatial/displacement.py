"""Add up steps on a grid: where is one box, seen from another?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import perm
from typing import NamedTuple

from lessonplan.generators.base import Draft, Generator, Rendering
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import NAME, Slot, Template, listed

BOXES = tuple("abcdefghijkl")

_STEP = {"right": (1, 0), "left": (-1, 0), "above": (0, 1), "below": (0, -1)}
_SIDES = tuple(_STEP)
_ENGLISH = {
    "right": "one step to the right of",
    "left": "one step to the left of",
    "above": "one step above",
    "below": "one step below",
}


def _write_fact(fact: Json) -> str:
    assert isinstance(fact, list)
    box, side, other = fact
    return f"Box {box} is {_ENGLISH[side]} box {other}."


def _read_fact(text: str) -> Json:
    sides = {english: side for side, english in _ENGLISH.items()}
    return [text[4], sides[text[9:-7]], text[-2]]


_FACT = Slot(_write_fact, r"Box [a-z] is one step [a-z ]+ box [a-z]\.", _read_fact)


class Fact(NamedTuple):
    """`box` is one step to that side of `other`."""

    box: str
    side: str
    other: str


@dataclass(frozen=True, slots=True)
class Offset(Draft):
    """Where is the last box of a chain, seen from the first?"""

    chain: tuple[Fact, ...]  # from the first box to the last
    facts: tuple[Fact, ...]  # the same, in prompt order

    @property
    def start(self) -> str:
        return self.chain[0].other

    @property
    def end(self) -> str:
        return self.chain[-1].box

    @property
    def key(self) -> str:
        return f"{self.start} " + " ".join(f"{fact.side} {fact.box}" for fact in self.chain)

    @property
    def answer(self) -> str:
        _, x, y = self.places()[-1]
        return f"{x} {y}"

    @property
    def data(self) -> Mapping[str, Json]:
        return {"start": self.start, "end": self.end, "facts": [list(fact) for fact in self.facts]}

    @property
    def work(self) -> int:
        return len(self.facts)  # vectors added

    @property
    def skeleton(self) -> str:
        return " ".join(fact.side for fact in self.facts)

    def places(self) -> list[tuple[str, int, int]]:
        """For each hop: the box reached, and its offset (right, up) from the first box."""
        x, y, places = 0, 0, []
        for fact in self.chain:
            dx, dy = _STEP[fact.side]
            x, y = x + dx, y + dy
            places.append((fact.box, x, y))
        return places

    def steps(self, style: int = 0) -> list[str]:
        return [f"Box {box}: {x} right, {y} up" for box, x, y in self.places()]

    def tiny(self) -> Rendering:
        facts = " , ".join(f"{box} {side} {other}" for box, side, other in self.facts)
        steps = " ".join(f"{box} {x} {y}" for box, x, y in self.places())
        return Rendering(
            f"where {self.end} from {self.start} : {facts} =", f"{steps} A {self.answer}"
        )

    def guesses(self) -> Mapping[str, Sequence[str]]:
        x, y = _STEP[self.facts[0].side] if len(self.facts) % 2 else (0, 0)
        return {"nowhere, or the first step if odd": [f"{x} {y}"]}


class Displacement(Generator):
    """Follow a chain of unit steps and give the sum; a level brings more hops, shuffled from 2.

    The order of the hops does not change the sum, so a right answer may have skipped the look-ups:
    report exact traces beside it.
    """

    family, task, version = "spatial", "spatial.displacement", 1
    levels, kind, what = (1, 2, 3, 4, 5), "offset", "both numbers, right first,"
    encodings, diversities = ("tiny", "text"), (0,)
    templates = (
        Template(
            "Boxes lie on a grid.\n{facts}\nWhere is box {end}, seen from box {start}? Count the "
            "steps to the right (to the left is negative) and the steps up (down is negative).",
            {"facts": listed(_FACT, "\n"), "end": NAME, "start": NAME},
        ),
    )
    words = (
        *("0", "1", "2", "3", "4", "5", "6", "-1", "-2", "-3", "-4", "-5", "-6"),
        *("where", "from", ",", ":", "=", "A"),
        *_SIDES,
        *BOXES,
    )

    hops = (2, 3, 4, 5, 6)

    def draw(self, stream: Stream, level: int) -> Offset:
        hops = self.hops[level - 1]
        boxes = stream.shuffled(BOXES)[: hops + 1]
        chain = tuple(Fact(box, stream.choice(_SIDES), other) for other, box in pairwise(boxes))
        return Offset(chain, tuple(stream.shuffled(chain)) if level > 1 else chain)

    def instances(self, level: int) -> int:
        hops = self.hops[level - 1]
        return int(perm(len(BOXES), hops + 1) * len(_SIDES) ** hops)
