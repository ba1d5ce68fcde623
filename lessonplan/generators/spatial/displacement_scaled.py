"""Add up scaled steps on a grid: where is one box, seen from another?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json
from lessonplan.generators.spatial.sizes import Size, fitting, hops_and_noise, ramp
from lessonplan.generators.spatial.wordings import compose, counted, labels, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, NAME, listed

Leg: TypeAlias = tuple[str, str, int, str]  # (side, box, steps, other): box is so far from other

FARTHEST = 9  # steps of one fact

_STEP = {"right": (1, 0), "left": (-1, 0), "above": (0, 1), "below": (0, -1)}
_SIDES = tuple(_STEP)
_BACK = {"right": "left", "left": "right", "above": "below", "below": "above"}


def inverted(leg: Leg) -> Leg:
    """The same fact, told from its other end."""
    side, box, steps, other = leg
    return _BACK[side], other, steps, box


def scattered(stream: Stream, names: Sequence[str], onto: Sequence[str], n: int) -> list[Leg]:
    """n facts that lead astray: a new box beside one of `onto`, or two new boxes apart."""
    legs, fresh = [], iter(names)
    for _ in range(n):
        box = next(fresh)
        other = stream.choice(onto) if stream.below(2) else next(fresh)
        legs.append((stream.choice(_SIDES), box, stream.between(1, FARTHEST), other))
    return legs


@dataclass(frozen=True, slots=True)
class Journey(Draft):
    """Where is the last box of a chain, seen from the first?"""

    chain: tuple[Leg, ...]  # from the first box to the last, each told from the one before
    facts: tuple[Leg, ...]  # these and the distractors in prompt order, some told backwards
    ordered: bool

    @property
    def start(self) -> str:
        return self.chain[0][3]

    @property
    def end(self) -> str:
        return self.chain[-1][1]

    @property
    def key(self) -> str:
        facts = [inverted(leg) if leg[0] in ("left", "below") else leg for leg in self.facts]
        told = sorted(f"{other}>{side}{steps}>{box}" for side, box, steps, other in facts)
        return f"{self.start} {self.end} : {' '.join(told)}"

    @property
    def answer(self) -> str:
        _, x, y = self.places()[-1]
        return f"{x} {y}"

    @property
    def data(self) -> Mapping[str, Json]:
        return {"facts": [list(leg) for leg in self.facts], "end": self.end, "start": self.start}

    @property
    def work(self) -> int:
        return _work(len(self.chain), len(self.facts), self.ordered)

    @property
    def skeleton(self) -> str:
        return f"{' '.join(leg[0] for leg in self.chain)} of {len(self.facts)}"

    def places(self) -> list[tuple[str, int, int]]:
        """For each hop: the box reached, and its offset (right, up) from the first box."""
        x, y, places = 0, 0, []
        for side, box, steps, _ in self.chain:
            dx, dy = _STEP[side]
            x, y = x + dx * steps, y + dy * steps
            places.append((box, x, y))
        return places

    def steps(self, style: int = 0) -> list[str]:
        if style == 0:
            return [f"{box}: {x} right, {y} up" for box, x, y in self.places()]
        signed = [(_STEP[side], steps) for side, _, steps, _ in self.chain]
        across = [dx * steps for (dx, _), steps in signed if dx] or [0]
        up = [dy * steps for (_, dy), steps in signed if dy] or [0]
        return [
            "Way: " + " ".join([self.start, *(leg[1] for leg in self.chain)]),
            f"right: {_sum(across)} = {sum(across)}",
            f"up: {_sum(up)} = {sum(up)}",
        ]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        x = sum(_STEP[side][0] * steps for side, _, steps, _ in self.facts)
        y = sum(_STEP[side][1] * steps for side, _, steps, _ in self.facts)
        side, _, steps, _ = self.facts[0]
        return {
            "sum of all facts as told": [f"{x} {y}"],
            "first fact": [f"{_STEP[side][0] * steps} {_STEP[side][1] * steps}"],
        }


def _sum(numbers: Sequence[int]) -> str:
    return " + ".join(map(str, numbers)).replace("+ -", "- ")


def _work(hops: int, facts: int, ordered: bool) -> int:
    return hops + (facts if ordered else facts * facts // 2)  # vectors added, facts looked up


_PLACES = {"end": NAME, "start": NAME}


def _forms(pattern: str, *sides: str) -> dict[str, str]:
    return {side: pattern.replace("SIDE", text) for side, text in zip(_SIDES, sides, strict=True)}


_BOXES = listed(
    sentence(
        _forms(
            "Box {box} is {n} SIDE box {other}.",
            *("to the right of", "to the left of", "above", "below"),
        ),
        {"box": NAME, "n": counted("step"), "other": NAME},
    ),
    "\n",
)
_HOUSES = listed(
    sentence(
        _forms("House {box} is {n} km SIDE of house {other}.", "east", "west", "north", "south"),
        {"box": NAME, "n": INT, "other": NAME},
    ),
    "\n",
)
_TERSE = listed(
    sentence(
        _forms("{other} to {box}: {n} SIDE", "right", "left", "up", "down"),
        {"box": NAME, "n": INT, "other": NAME},
    ),
    "; ",
)


class DisplacementScaled(Generator):
    """Follow a chain of steps of 1 to 9 cells and give the sum; a level brings more hops.

    Facts are shuffled from level 2, each is told from either end, and up to five others lead
    astray: so neither adding up what is written nor the first fact is a good guess. Work is the
    vectors added and the facts looked up, half their square when unordered.
    """

    family, task, version = "spatial", "spatial.displacement_scaled", 1
    kind, what, styles = "offset", "the two numbers", 2
    log_work, tolerance = ramp(2, 215), 0.33
    templates = mixed(
        compose(
            {"facts": _BOXES, **_PLACES},
            ("Boxes lie on a grid.", "This is how the boxes of a store stand to each other."),
            ("{facts}",),
            (
                (
                    "Where is box {end}, seen from box {start}? Count the steps to the right (to the "
                    "left is negative), then the steps up (down is negative)."
                ),
                (
                    "You walk from box {start} to box {end}. How many steps to the right is that, and "
                    "then how many up? To the left and down count as negative."
                ),
            ),
        ),
        compose(
            {"facts": _HOUSES, **_PLACES},
            ("Some houses stand on a plain.", "A letter carrier notes where houses stand."),
            ("{facts}",),
            (
                (
                    "How many km east (west is negative) and then how many km north (south is "
                    "negative) of house {start} is house {end}?"
                ),
                (
                    "Give the way to house {end} from house {start}: km to the east, then km to the "
                    "north. West and south count as negative."
                ),
            ),
        ),
        compose(
            {"facts": _TERSE, **_PLACES},
            ("Ways on a grid:", "Each entry is a way from one point to another:"),
            ("{facts}.",),
            (
                (
                    "Where is {end} as seen from {start}? First right, then up; left and down are "
                    "negative."
                ),
                (
                    "Add up a way that leads to {end} from {start}: right first, then up, with left "
                    "and down negative."
                ),
            ),
        ),
    )

    def draw(self, stream: Stream, level: int) -> Journey:
        hops, noise = stream.choice(_sizes()[level - 1])
        names = labels(stream, self.diversity)
        on_way = names[: hops + 1]
        chain = tuple(
            (stream.choice(_SIDES), box, stream.between(1, FARTHEST), other)
            for other, box in pairwise(on_way)
        )
        told = [*chain, *scattered(stream, names[hops + 1 :], on_way, noise)]
        told = [inverted(leg) if stream.below(2) else leg for leg in told]
        return Journey(chain, tuple(stream.shuffled(told) if level > 1 else told), level == 1)

    def instances(self, level: int) -> int:
        hops, _ = max(_sizes()[level - 1])
        return int(perm(26, hops + 1) * (len(_SIDES) * FARTHEST) ** hops)


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Hops and distractors of each level."""
    return fitting(
        hops_and_noise,
        lambda level, size: _work(size[0], sum(size), level == 1),
        DisplacementScaled.log_work,
        DisplacementScaled.tolerance,
    )
