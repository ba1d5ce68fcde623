"""Dice roll over their edges: which three faces does one show at the end?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json
from lessonplan.generators.spatial.sizes import Size, fitting, ramp
from lessonplan.generators.spatial.wordings import compose, labels, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, NAME, Slot, listed

Faces: TypeAlias = tuple[int, int, int]  # on top, on the north side, on the east side
Roll: TypeAlias = tuple[str, str]  # (direction, die)

_SIDES = ("north", "south", "east", "west")
_BACK = {"north": "south", "south": "north", "east": "west", "west": "east"}


def rolled(faces: Faces, direction: str) -> Faces:
    """A die after a roll over its edge; opposite faces sum to 7."""
    top, north, east = faces
    match direction:
        case "north":
            return 7 - north, top, east
        case "south":
            return north, 7 - top, east
        case "east":
            return 7 - east, north, top
        case _:
            return east, north, 7 - top


@cache
def positions() -> tuple[Faces, ...]:
    """The 24 ways in which one die can lie."""
    found = {(1, 2, 3)}
    while True:
        more = found | {rolled(faces, side) for faces in found for side in _SIDES}
        if more == found:
            return tuple(sorted(found))
        found = more


@dataclass(frozen=True, slots=True)
class Rolls(Draft):
    """Three faces of one die after all rolls."""

    starts: tuple[tuple[str, Faces], ...]
    rolls: tuple[Roll, ...]  # of all dice, in order
    die: str

    @property
    def key(self) -> str:
        starts = " ".join(f"{die}{faces}" for die, faces in sorted(self.starts))
        return f"{self.die} : {starts} : {' '.join(side + die for side, die in self.rolls)}"

    @property
    def answer(self) -> str:
        return " ".join(map(str, self.shown()[-1][1]))

    @property
    def data(self) -> Mapping[str, Json]:
        starts: list[list[Json]] = [[die, *faces] for die, faces in self.starts]
        return {"starts": starts, "rolls": [list(roll) for roll in self.rolls], "die": self.die}

    @property
    def work(self) -> int:
        own = len(self.shown())
        return _work(own, len(self.rolls) - own)

    @property
    def skeleton(self) -> str:
        return " ".join(side for side, die in self.rolls if die == self.die)

    def shown(self) -> list[tuple[str, Faces]]:
        """For each roll of the die: the direction, and the faces after it."""
        faces, shown = dict(self.starts)[self.die], []
        for side, die in self.rolls:
            if die == self.die:
                faces = rolled(faces, side)
                shown.append((side, faces))
        return shown

    def steps(self, style: int = 0) -> list[str]:
        return [
            f"{self.die} {side}: top {top}, north {north}, east {east}"
            for side, (top, north, east) in self.shown()
        ]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        faces = dict(self.starts)[self.die]
        last = self.shown()[-1][0]
        return {
            "as it lay": [" ".join(map(str, faces))],
            "the last roll alone": [" ".join(map(str, rolled(faces, last)))],
        }


def _work(own: int, others: int) -> int:
    return 4 * own + others  # faces that change places, and rolls that are read and skipped


_START = {"die": NAME, "top": INT, "north": INT, "east": INT}


def _slots(start: str, roll: str, joiner: str) -> Mapping[str, Slot]:
    forms = {side: roll.replace("SIDE", side) for side in _SIDES}
    return {
        "starts": listed(sentence({"": start}, _START), joiner),
        "rolls": listed(sentence(forms, {"die": NAME}), joiner),
        "die": NAME,
    }


_SEVEN = "Opposite faces of a die sum to 7. A die rolls over its edge, by one face at a time."


class DieRolling(Generator):
    """Top, north and east face after some rolls; a level brings more rolls and more dice.

    One face alone is guessed in 1/6 of the problems; three faces fix which of its 24 ways a die
    lies, all equally likely. No roll of the die asked about takes the one before back. Work is the
    faces that change places, four a roll, and the rolls of other dice that are read and skipped.
    """

    family, task, version = "spatial", "spatial.die_rolling", 1
    kind, what = "ints", "the three numbers"
    log_work, tolerance = ramp(8, 72), 0.16
    templates = mixed(
        compose(
            _slots(
                "Die {die} has {top} on top, {north} on its north side, {east} on its east side.",
                "Die {die} rolls SIDE.",
                "\n",
            ),
            (_SEVEN, f"Dice lie on a table. {_SEVEN}"),
            ("{starts}",),
            ("{rolls}", "Then:\n{rolls}"),
            (
                "What does die {die} then show on top, on its north side and on its east side?",
                "Give the faces of die {die} at the end: top, north side, east side.",
            ),
        ),
        compose(
            _slots("{die}: top {top}, north {north}, east {east}", "{die} SIDE", "; "),
            (_SEVEN, f"Cubes with faces 1 to 6 tumble about. {_SEVEN}"),
            ("At first: {starts}.", "Start: {starts}."),
            ("Rolls: {rolls}.",),
            ("Top, north and east of {die} at the end?", "How does {die} lie: top, north, east?"),
        ),
    )

    def draw(self, stream: Stream, level: int) -> Rolls:
        own, others = stream.choice(_sizes()[level - 1])
        n_dice = 1 if not others else 2 + (level > 5)
        dice = labels(stream, self.diversity)[:n_dice]
        turns = [dice[0]] * own + [stream.choice(dice[1:]) for _ in range(others)]
        rolls: list[Roll] = []
        before = ""
        for die in stream.shuffled(turns):
            side = stream.choice(_SIDES)
            if die == dice[0]:
                while side == before:
                    side = stream.choice(_SIDES)
                before = _BACK[side]
            rolls.append((side, die))
        starts = [(die, stream.choice(positions())) for die in stream.shuffled(dice)]
        return Rolls(tuple(starts), tuple(rolls), dice[0])

    def instances(self, level: int) -> int:
        own, others = max(_sizes()[level - 1])
        n_dice = 1 if not others else 2
        return int(perm(26, n_dice) * 24**n_dice * 4 * 3 ** (own - 1) * 4**others)


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Rolls of the die asked about, and of the others."""
    return fitting(
        lambda level: (
            (own, others)
            for own in range(2, 16)
            for others in range(level > 1, min(own, level) + 1)
        ),
        lambda level, size: _work(*size),
        DieRolling.log_work,
        DieRolling.tolerance,
    )
