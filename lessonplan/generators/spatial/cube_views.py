"""A cube with six marks is turned and looked at: which three marks does it show at the end?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json
from lessonplan.generators.spatial.sizes import Size, fitting, ramp
from lessonplan.generators.spatial.wordings import LABELS, compose, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import NAME, Slot, listed

Marks: TypeAlias = tuple[str, ...]  # (6,) on the sides of _SIDES; "" where none is known
Event: TypeAlias = tuple[str, ...]  # ("forward",), a turn, or ("look", side, mark)

_SIDES = ("top", "front", "right", "below", "behind", "left")  # the first three are seen
_SEEN = _SIDES[:3]
# Where the mark of each side comes from: after "forward" the top shows what was behind (side 4).
_TURNS: Mapping[str, tuple[int, ...]] = {
    "forward": (4, 0, 2, 1, 3, 5),
    "backward": (1, 3, 2, 4, 0, 5),
    "left": (0, 2, 4, 3, 5, 1),
    "right": (0, 5, 1, 3, 2, 4),
    "clockwise": (5, 1, 0, 2, 4, 3),
    "counterclockwise": (2, 1, 3, 5, 4, 0),
}
_BACK = {"forward": "backward", "left": "right", "clockwise": "counterclockwise"}
_BACK |= {after: before for before, after in _BACK.items()}
# The one side of those seen that shows what was hidden before the turn.
_NEW = {turn: next(i for i in range(3) if order[i] > 2) for turn, order in _TURNS.items()}


def turned(marks: Marks, turn: str) -> Marks:
    """A cube after a turn, seen from the same place."""
    return tuple(marks[side] for side in _TURNS[turn])


def after(marks: Marks, event: Event) -> Marks:
    """What is known of a cube after a turn or a look."""
    if event[0] != "look":
        return turned(marks, event[0])
    side = _SIDES.index(event[1])
    return (*marks[:side], event[2], *marks[side + 1 :])


@dataclass(frozen=True, slots=True)
class Views(Draft):
    """The three sides that are seen after all turns."""

    first: tuple[str, str, str]  # top, front and right before the first turn
    events: tuple[Event, ...]

    @property
    def key(self) -> str:
        return f"{' '.join(self.first)} : {' , '.join(map(' '.join, self.events))}"

    @property
    def answer(self) -> str:
        return " ".join(self.states()[-1][:3])

    @property
    def data(self) -> Mapping[str, Json]:
        top, front, right = self.first
        events: list[Json] = [list(event) for event in self.events]
        return {"top": top, "front": front, "right": right, "events": events}

    @property
    def work(self) -> int:
        looks = sum(event[0] == "look" for event in self.events)
        return _work(len(self.events) - looks, looks)

    @property
    def skeleton(self) -> str:
        return " ".join(
            event[0] if len(event) == 1 else f"look {event[1]}" for event in self.events
        )

    def states(self) -> list[Marks]:
        """What is known after each event."""
        marks: Marks = (*self.first, "", "", "")
        states = []
        for event in self.events:
            marks = after(marks, event)
            states.append(marks)
        return states

    def steps(self, style: int = 0) -> list[str]:
        lines = []
        for event, marks in zip(self.events, self.states(), strict=True):
            known = (f"{side} {mark}" for side, mark in zip(_SIDES, marks, strict=True) if mark)
            name = event[0] if len(event) == 1 else f"look at {event[1]}"
            lines.append(f"{name}: {', '.join(known)}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        states = self.states()
        told = dict(zip(_SEEN, self.first, strict=True))
        told |= {event[1]: event[2] for event in self.events if event[0] == "look"}
        lying = {states[-1]}
        while more := {turned(marks, turn) for marks in lying for turn in _TURNS} - lying:
            lying |= more
        return {
            "as it was seen first": [" ".join(self.first)],
            "skip the last turn": [" ".join(states[-2][:3])],
            "the last mark told of each side": [" ".join(told[side] for side in _SEEN)],
            "any way that shows known marks": sorted(
                " ".join(marks[:3]) for marks in lying if all(marks[:3])
            ),
        }


def _work(turns: int, looks: int) -> int:
    return 3 + 4 * turns + looks  # marks that are read at first, marks that change places, looks


_FACES = {"side": NAME, "mark": NAME}
_LONG = {
    "forward": "Turn it so that its top comes to the front.",
    "backward": "Turn it so that its front comes to the top.",
    "left": "Turn it so that its front comes to the left.",
    "right": "Turn it so that its front comes to the right.",
    "clockwise": "Turn it so that its top comes to the right.",
    "counterclockwise": "Turn it so that its top comes to the left.",
    "look": "Now its {side} shows {mark}.",
}
_SHORT = {
    "forward": "top to front",
    "backward": "front to top",
    "left": "front to left",
    "right": "front to right",
    "clockwise": "top to right",
    "counterclockwise": "top to left",
    "look": "{side} is {mark}",
}


def _slots(forms: Mapping[str, str], joiner: str) -> Mapping[str, Slot]:
    marks = {"top": NAME, "front": NAME, "right": NAME}
    return {**marks, "events": listed(sentence(forms, _FACES), joiner)}


_CUBE = "A cube has a different mark on each of its six sides."


class CubeViews(Generator):
    """Which marks does a turned cube show? A level brings more turns and more looks at it.

    At first three sides are seen, and a side that comes into view for the first time is told. The
    last turn shows only marks that were seen before, so the answer has to be worked out, and the
    cube never ends as it was seen first. No turn takes the one before back. Three marks fix which
    of its 24 ways a cube lies; with one look 6 of them show known marks. Work is the three marks at
    first, four that change places in each turn, and the looks, some of which say what is known.
    """

    family, task, version = "spatial", "spatial.cube_views", 1
    kind, what = "names", "the three marks"
    log_work, tolerance = ramp(12, 70), 0.14
    templates = mixed(
        compose(
            _slots(_LONG, "\n"),
            (_CUBE, f"You look at a cube. {_CUBE}"),
            (
                "Its top shows {top}, its front {front}, its right side {right}.",
                "You see {top} on top, {front} in front and {right} on the right.",
            ),
            ("{events}",),
            (
                "Which marks are on top, in front and on the right at the end?",
                "Give the marks of its top, its front and its right side after all that.",
            ),
        ),
        compose(
            _slots(_SHORT, "; "),
            (
                f"{_CUBE} A turn says where one side goes.",
                f"{_CUBE} It is turned as a whole; each turn says which side goes where.",
            ),
            ("Seen at first: top {top}, front {front}, right {right}.",),
            ("Turns and looks: {events}.", "Then: {events}."),
            ("Top, front and right at the end?", "How does it look then: top, front, right?"),
        ),
    )

    def draw(self, stream: Stream, level: int) -> Views | None:
        turns, looks = stream.choice(_sizes()[level - 1])
        letters = LABELS[0] if self.diversity == 0 else stream.choice(LABELS[:2])
        marks: Marks = tuple(stream.shuffled(letters)[:6])
        first = (marks[0], marks[1], marks[2])
        known = set(first)
        chosen: list[str] = []
        told: dict[int, Event] = {}  # by turn
        for at in range(turns):
            # Nothing new may be seen in the last turn, nor once all looks are used up.
            full = at == turns - 1 or len(told) == looks
            choices = [
                turn
                for turn, order in _TURNS.items()
                if (not chosen or turn != _BACK[chosen[-1]])
                and not (full and marks[order[_NEW[turn]]] not in known)
            ]
            if not choices:
                return None
            chosen.append(stream.choice(choices))
            marks = turned(marks, chosen[-1])
            if at == turns - 1 and marks[:3] == first:
                return None
            new = _NEW[chosen[-1]]
            if marks[new] not in known:
                known.add(marks[new])
                told[at] = ("look", _SEEN[new], marks[new])
        free = [at for at in range(turns - 1) if at not in told]
        again = set(stream.shuffled(free)[: looks - len(told)])
        marks, events = (*first, "", "", ""), list[Event]()
        for at, turn in enumerate(chosen):
            events.append((turn,))
            marks = after(marks, (turn,))
            if at in again:
                side = stream.below(3)
                told[at] = ("look", _SEEN[side], marks[side])
            if at in told:
                events.append(told[at])
                marks = after(marks, told[at])
        return Views(first, tuple(events))

    def instances(self, level: int) -> int:
        # Marks seen at first and one that is told; half of the turns, each with 2 choices or more.
        turns, _ = max(_sizes()[level - 1])
        return int(perm(26, 4) * 2 ** (turns // 2))


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Turns and looks: at least one look, and none after the last turn."""
    return fitting(
        lambda level: (
            (turns, looks) for turns in range(2, 16) for looks in range(1, min(turns - 1, 6) + 1)
        ),
        lambda level, size: _work(*size),
        CubeViews.log_work,
        CubeViews.tolerance,
    )
