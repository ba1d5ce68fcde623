"""Solve for a place: columns and rows are told apart, from anchors with known coordinates."""

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

# (form, box, other, n): a difference or a sum of two columns or rows; or (at, box, column, row)
Equation: TypeAlias = tuple[str, str, str, int] | tuple[str, str, int, int]

_BACK = {"right": "left", "left": "right", "above": "below", "below": "above"}
_AXES = (("right", "left", "columns"), ("above", "below", "rows"))
_NOUNS = ("column", "row")
_ANCHORS = 2
_FARTHEST = 9  # cells between the two boxes of a fact
_GRID = 20  # anchors stand in columns and rows 1..20


@dataclass(frozen=True, slots=True)
class System(Draft):
    """In which column and row does a box stand?"""

    box: str
    # of the column, then of the row: (box, its value), from an anchor to the box asked for
    chains: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]
    facts: tuple[Equation, ...]  # in prompt order
    ordered: bool

    @property
    def key(self) -> str:
        return f"{self.box} : {' '.join(sorted(map(_normal, self.facts)))}"

    @property
    def answer(self) -> str:
        columns, rows = self.chains
        return f"{columns[-1][1]} {rows[-1][1]}"

    @property
    def data(self) -> Mapping[str, Json]:
        return {"facts": [list(fact) for fact in self.facts], "box": self.box}

    @property
    def work(self) -> int:
        hops = sum(map(len, self.chains)) - 2
        return _work(hops, len(self.facts), self.ordered)

    @property
    def skeleton(self) -> str:
        columns, rows = self.chains
        forms = " ".join(sorted(fact[0] for fact in self.facts))
        return f"{len(columns) - 1} {len(rows) - 1} {forms}"

    def steps(self, style: int = 0) -> list[str]:
        return [
            f"{noun} of {box}: {value}"
            for noun, chain in zip(_NOUNS, self.chains, strict=True)
            for box, value in chain
        ]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        anchors = [f"{fact[2]} {fact[3]}" for fact in self.facts if fact[0] == "at"]
        right = sum(_sign(fact) for fact in self.facts if fact[0] in ("right", "left"))
        up = sum(_sign(fact) for fact in self.facts if fact[0] in ("above", "below"))
        moved = [anchor.split() for anchor in anchors]
        return {
            "an anchor": anchors,
            "an anchor and all differences as told": [
                f"{int(x) + right} {int(y) + up}" for x, y in moved
            ],
        }


def _sign(fact: Equation) -> int:
    return fact[3] if fact[0] in ("right", "above") else -fact[3]


def _normal(fact: Equation) -> str:
    form, box, other, n = fact
    if form in ("left", "below"):
        form, box, other = _BACK[form], str(other), box
    elif form in ("columns", "rows"):
        box, other = sorted((box, str(other)))
    return f"{form}>{box}>{other}>{n}"


def _work(hops: int, facts: int, ordered: bool) -> int:
    return hops + (facts if ordered else facts * facts // 2)  # additions, facts looked up


_FIELDS = {"box": NAME, "other": NAME, "column": INT, "row": INT}
_CELLS = {**_FIELDS, "n": counted("column"), "m": counted("row"), "sum": INT}


class CoordinatesFromFacts(Generator):
    """Two chains of one-axis facts lead from anchors to a box; a level brings more of them.

    Every fact gives one unknown from one that is known or will be, so the system of equations has
    exactly one solution for the box asked for, in integers. Facts are differences, told from
    either box; from diversity 1 on a third of them tell the sum instead. Other facts give unknowns
    that nobody asks for. Work is the additions and the facts looked up.
    """

    family, task, version = "spatial", "spatial.coordinates_from_facts", 1
    kind, what = "offset", "the column and the row"
    log_work, tolerance = ramp(6, 250), 0.29
    templates = mixed(
        compose(
            {
                "facts": listed(
                    sentence(
                        {
                            "right": "Box {box} is {n} to the right of box {other}.",
                            "left": "Box {box} is {n} to the left of box {other}.",
                            "above": "Box {box} is {m} above box {other}.",
                            "below": "Box {box} is {m} below box {other}.",
                            "columns": "The columns of boxes {box} and {other} sum to {sum}.",
                            "rows": "The rows of boxes {box} and {other} sum to {sum}.",
                            "at": "Box {box} is in column {column}, row {row}.",
                        },
                        _CELLS,
                    ),
                    "\n",
                ),
                "box": NAME,
            },
            (
                "Boxes stand on a grid. Columns count to the right, rows count up.",
                "Find a box on a grid whose columns are numbered to the right and rows upward.",
            ),
            ("{facts}",),
            (
                "In which column and which row is box {box}?",
                "Work out the column of box {box}, then its row.",
            ),
        ),
        compose(
            {
                "facts": listed(
                    sentence(
                        {
                            "right": "Ship {box} is {n} further east than ship {other}.",
                            "left": "Ship {box} is {n} further west than ship {other}.",
                            "above": "Ship {box} is {m} further north than ship {other}.",
                            "below": "Ship {box} is {m} further south than ship {other}.",
                            "columns": "East of port, ships {box} and {other} sum to {sum} km.",
                            "rows": "North of port, ships {box} and {other} sum to {sum} km.",
                            "at": "Ship {box} is {column} km east and {row} km north of port.",
                        },
                        {**_CELLS, "n": counted("km", "km"), "m": counted("km", "km")},
                    ),
                    "\n",
                ),
                "box": NAME,
            },
            ("Ships are at sea around a port.", "A harbor master notes where ships are."),
            ("{facts}",),
            (
                (
                    "How many km east and how many km north of port is ship {box}? West and south "
                    "count as negative."
                ),
                (
                    "Give the km east of port of ship {box}, then its km north of port (west and "
                    "south are negative)."
                ),
            ),
        ),
        compose(
            {
                "facts": listed(
                    sentence(
                        {
                            "right": "x of {box} = x of {other} + {sum}",
                            "left": "x of {box} = x of {other} - {sum}",
                            "above": "y of {box} = y of {other} + {sum}",
                            "below": "y of {box} = y of {other} - {sum}",
                            "columns": "x of {box} + x of {other} = {sum}",
                            "rows": "y of {box} + y of {other} = {sum}",
                            "at": "{box} is at x = {column}, y = {row}",
                        },
                        _CELLS,
                    ),
                    "; ",
                ),
                "box": NAME,
            },
            ("Points of a plane:", "These equations hold for some points:"),
            ("{facts}.",),
            ("What are x and y of {box}?", "Solve for both coordinates of {box}, x first."),
        ),
    )

    def draw(self, stream: Stream, level: int) -> System:
        hops, noise = stream.choice(_sizes()[level - 1])
        names = labels(stream, self.diversity)
        across = stream.between((hops + 1) // 3, hops - (hops + 1) // 3)
        longest = max(across, hops - across)
        anchors, box, between = names[:2], names[2], names[3 : 2 + longest]
        fresh = iter(names[2 + longest :])
        at = (
            {anchor: stream.between(1, _GRID) for anchor in anchors},
            {anchor: stream.between(1, _GRID) for anchor in anchors},
        )
        facts: list[Equation] = [("at", a, at[0][a], at[1][a]) for a in anchors]
        chains = []
        for axis, length in ((0, across), (1, hops - across)):
            way = [stream.choice(anchors), *stream.shuffled(between)[: length - 1], box]
            value = at[axis]
            for other, one in pairwise(way):
                facts.append(self._fact(stream, axis, one, other, value))
            chains.append(tuple((name, value[name]) for name in way))
            del value[box]  # from here on nothing more hangs on the box asked for
        for _ in range(noise):
            axis = stream.below(2)
            known = [name for name in at[axis]]
            facts.append(self._fact(stream, axis, next(fresh), stream.choice(known), at[axis]))
        return System(
            box,
            (chains[0], chains[1]),
            tuple(stream.shuffled(facts) if level > 1 else facts),
            level == 1,
        )

    def _fact(
        self, stream: Stream, axis: int, box: str, other: str, value: dict[str, int]
    ) -> Equation:
        """Place `box` beside `other` on one axis, and tell it."""
        more, less, both = _AXES[axis]
        step = stream.between(1, _FARTHEST) * (1 if stream.below(2) else -1)
        value[box] = value[other] + step
        told_by_sum = self.diversity > 0 and stream.below(3) == 0
        if stream.below(2):
            box, other, step = other, box, -step
        if told_by_sum:
            return both, box, other, value[box] + value[other]
        return (more if step > 0 else less), box, other, abs(step)

    def instances(self, level: int) -> int:
        hops, _ = max(_sizes()[level - 1])
        return int(perm(26, 3) * _GRID**4 * (2 * _FARTHEST) ** hops)


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Hops over both axes, at least one on each, and distractors."""
    return fitting(
        lambda level: hops_and_noise(level, 2),
        lambda level, size: _work(size[0], sum(size) + _ANCHORS, level == 1),
        CoordinatesFromFacts.log_work,
        CoordinatesFromFacts.tolerance,
    )
