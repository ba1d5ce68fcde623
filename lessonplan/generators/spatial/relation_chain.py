"""Compass relations along a chain: in which directions do three pairs of places lie?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.spatial.headings import AHEAD, HEADINGS, toward
from lessonplan.generators.spatial.sizes import Size, fitting, hops_and_noise, ramp
from lessonplan.generators.spatial.wordings import compose, labels, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import NAME, Slot, listed, worded

Relation: TypeAlias = tuple[str, str, str]  # (direction, place, other); or ("colour", place, red)
Pair: TypeAlias = tuple[str, str]  # (place, seen from)

_BACK = {heading: HEADINGS[(i + 4) % 8] for i, heading in enumerate(HEADINGS)}
_STEP = dict(zip(HEADINGS, AHEAD, strict=True))
_PAINT = ("red", "blue", "green", "white")


def _inverted(fact: Relation) -> Relation:
    direction, place, other = fact
    return _BACK[direction], other, place


@dataclass(frozen=True, slots=True)
class Bearings(Draft):
    """In which direction does one place of each pair lie, seen from the other?"""

    chain: tuple[Relation, ...]  # from the first place on, each told from the one before
    facts: tuple[Relation, ...]  # these and the noise, in prompt order
    pairs: tuple[Pair, ...]  # each (place, seen from)
    ordered: bool

    @property
    def key(self) -> str:
        facts = [
            fact if fact[0] not in HEADINGS[4:] else _inverted(fact)  # a colour stays as it is
            for fact in self.facts
        ]
        told = " ".join(sorted(">".join(fact) for fact in facts))
        return f"{' '.join('<'.join(pair) for pair in self.pairs)} : {told}"

    @property
    def answer(self) -> str:
        place = {name: (x, y) for name, x, y in self.places()}
        return " ".join(
            toward(place[one][0] - place[other][0], place[one][1] - place[other][1])
            for one, other in self.pairs
        )

    @property
    def data(self) -> Mapping[str, Json]:
        facts = [list(fact) for fact in self.facts]
        return {"facts": facts, "pairs": [list(pair) for pair in self.pairs]}

    @property
    def work(self) -> int:
        return _work(len(self.chain), len(self.facts), self.ordered)

    @property
    def skeleton(self) -> str:
        return " ".join(sorted(direction for direction, _, _ in self.chain))

    def places(self) -> list[tuple[str, int, int]]:
        """Every place of the chain with its column and row; the first stands at 0, 0."""
        x, y = 0, 0
        places = [(self.chain[0][2], 0, 0)]
        for direction, name, _ in self.chain:
            dx, dy = _STEP[direction]
            x, y = x + dx, y + dy
            places.append((name, x, y))
        return places

    def steps(self, style: int = 0) -> list[str]:
        places = self.places()
        lines = [f"{name} at {x} {y}" for name, x, y in places]
        place = {name: (x, y) for name, x, y in places}
        for one, other in self.pairs:
            x, y = place[one][0] - place[other][0], place[one][1] - place[other][1]
            lines.append(f"{one} from {other}: {x} {y}, {toward(x, y)}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        told = {(fact[1], fact[2]): fact[0] for fact in self.facts if fact[0] != "colour"}
        told |= {(other, place): _BACK[direction] for (place, other), direction in told.items()}
        first = [told.get(pair) for pair in self.pairs]
        by_name = {name: direction for direction, name, _ in self.facts if direction != "colour"}
        return {
            "facts told of the pairs, else north": [" ".join(one or "north" for one in first)],
            "last fact told of each place": [
                " ".join(by_name.get(place, "north") for place, _ in self.pairs)
            ],
        }


def _work(hops: int, facts: int, ordered: bool) -> int:
    # vectors added, three differences, and facts looked up
    return hops + 3 + (facts if ordered else facts * facts // 2)


_FIELDS: Mapping[str, Slot] = {
    "place": NAME,
    "other": NAME,
    "paint": worded({paint: paint for paint in _PAINT}),
}


def _facts(relation: str, colour: str, joiner: str) -> Slot:
    forms = {point: relation.replace("POINT", point) for point in HEADINGS}
    return listed(sentence({**forms, "colour": colour}, _FIELDS), joiner)


def _pairs(form: str) -> Slot:
    return listed(sentence({"": form}, {"place": NAME, "other": NAME}), ", ")


_ORDER = "Give the three directions in this order; where both are one and the same spot, say same."


class RelationChain(Generator):
    """Three of eight directions at once; a level brings more hops and more noise.

    One direction alone is guessed in .12 to .19 of the problems, more on longer chains, so the
    answer is joint: the two parts of a chain cut in its middle third, and the whole, in random
    order and from either end. Every fact is one cell; a direction is judged by signs alone. Noise
    sentences branch off the chain, stand apart from it, or tell a colour.
    """

    family, task, version = "spatial", "spatial.relation_chain", 1
    kind, what = "names", "the three directions"
    log_work, tolerance = ramp(7, 230), 0.26
    templates = mixed(
        compose(
            {
                "facts": _facts(
                    "Tower {place} is directly POINT of tower {other}.",
                    "Tower {place} is {paint}.",
                    "\n",
                ),
                "pairs": _pairs("tower {place} from tower {other}"),
            },
            (
                "Towers stand on the cells of a map, each next to the one it is told from.",
                "On a map every tower is told from a tower in a neighboring cell.",
            ),
            ("{facts}",),
            (f"In which direction is {{pairs}}? {_ORDER}", f"Find these: {{pairs}}. {_ORDER}"),
        ),
        compose(
            {
                "facts": _facts(
                    "One step POINT of camp {other} is camp {place}.",
                    "The flag of camp {place} is {paint}.",
                    "\n",
                ),
                "pairs": _pairs("{place} as seen from {other}"),
            },
            (
                "Scouts put up camps. A step leads to one of the eight neighboring cells.",
                "Camps lie on a square grid, and a step goes to one of eight neighbors.",
            ),
            ("{facts}",),
            (f"Which way lies {{pairs}}? {_ORDER}", f"Name the way to {{pairs}}. {_ORDER}"),
        ),
        compose(
            {
                "facts": _facts("{place} POINT of {other}", "{place} is {paint}", "; "),
                "pairs": _pairs("{place} of {other}"),
            },
            ("Neighbors on a grid:", "Each entry tells the direction of a neighboring cell:"),
            ("{facts}.",),
            (f"Directions of {{pairs}}? {_ORDER}", f"Which directions are {{pairs}}? {_ORDER}"),
        ),
    )

    def draw(self, stream: Stream, level: int) -> Bearings:
        hops, noise = stream.choice(_sizes()[level - 1])
        names = labels(stream, self.diversity)
        places, fresh = names[: hops + 1], iter(names[hops + 1 :])
        chain = tuple((stream.choice(HEADINGS), one, other) for other, one in pairwise(places))
        told: list[Relation] = list(chain)
        for _ in range(noise):
            match stream.below(3):
                case 0:
                    told.append((stream.choice(HEADINGS), next(fresh), stream.choice(places)))
                case 1:
                    told.append((stream.choice(HEADINGS), next(fresh), next(fresh)))
                case _:
                    told.append(("colour", next(fresh), stream.choice(_PAINT)))
        told = [
            _inverted(fact) if fact[0] != "colour" and stream.below(2) else fact for fact in told
        ]
        cut = stream.between(max(1, hops // 3), hops - max(1, hops // 3))
        asked = [(places[cut], places[0]), (places[hops], places[cut]), (places[hops], places[0])]
        pairs = [pair[::-1] if stream.below(2) else pair for pair in stream.shuffled(asked)]
        facts = stream.shuffled(told) if level > 1 else told
        return Bearings(chain, tuple(facts), tuple(pairs), level == 1)

    def instances(self, level: int) -> int:
        hops, _ = max(_sizes()[level - 1])
        return int(perm(26, hops + 1) * len(HEADINGS) ** hops)

    def check(self, problem: Problem, found: str) -> Reason:
        return "right" if found.lower() == problem.answer else "wrong"


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Hops and noise sentences of each level; three pairs need two hops."""
    return fitting(
        lambda level: hops_and_noise(level, 2),
        lambda level, size: _work(size[0], sum(size), level == 1),
        RelationChain.log_work,
        RelationChain.tolerance,
    )
