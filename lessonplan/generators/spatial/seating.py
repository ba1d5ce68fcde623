"""Find the one order in which people sit in a row, from clues about their seats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.spatial.sizes import ramp
from lessonplan.generators.spatial.wordings import compose, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, NAME, NAMES, Slot, listed

Clue: TypeAlias = tuple[str, str, str, int]  # (kind, name, other or "", seat or seats between)

# Names of three letters, so that every answer of a level is as long.
PEOPLE = (
    *("Ada", "Ben", "Cid", "Dan", "Eli", "Fay", "Gus", "Ida"),
    *("Ivo", "Jan", "Kim", "Leo", "Mia", "Ned", "Ola", "Pia"),
)
_ANIMALS = (
    *("ant", "ape", "bee", "cat", "dog", "elk", "fox", "gnu"),
    *("hen", "jay", "koi", "owl", "pig", "ram", "rat", "yak"),
)

# Strongest first: the order in which the reference procedure takes clues up.
_KINDS = ("seat", "follows", "next", "gap", "end", "left", "apart", "not")
_RANK = {kind: rank for rank, kind in enumerate(_KINDS)}
# Those that a draw tries, the useful ones more often; a seat is told once at most. Strong clues
# are taken up fewer times, so levels with the same number of people differ in them.
_STRONG = ("seat", "end", "follows", "follows", "follows", "next", "gap", "gap", "left")
_WEAK = ("end", "not", "apart", "next", "gap", "left", "left", "left")
_MIXED = _STRONG + _WEAK


class Seats:
    """The seats that everybody may still have, as bit masks: seat 1 is bit 0."""

    def __init__(self, names: Sequence[str]) -> None:
        full = (1 << len(names)) - 1
        self.ends = 1 | (full + 1) >> 1
        self.of = dict.fromkeys(names, full)

    def apply(self, clue: Clue) -> bool:
        """Strike out what a clue rules out; returns whether anything was."""
        kind, name, other, n = clue
        of = self.of
        old = of[name]
        if other:
            mate = of[other]
            if kind == "left":
                one = old & ((1 << (mate.bit_length() - 1)) - 1)
                two = mate & ~((old & -old) * 2 - 1)
            elif kind == "follows":  # directly to the right of the other
                one, two = old & mate << 1, mate & old >> 1
            elif kind == "apart":
                one = old if mate & (mate - 1) else old & ~(mate << 1 | mate >> 1)
                two = mate if old & (old - 1) else mate & ~(old << 1 | old >> 1)
            else:
                step = n + 1
                one = old & (mate << step | mate >> step)
                two = mate & (old << step | old >> step)
            of[name], of[other] = one, two
            return one != old or two != mate
        if kind == "end":
            of[name] = old & self.ends
        elif kind == "seat":
            of[name] = old & 1 << (n - 1)
        else:
            of[name] = old & ~(1 << (n - 1))
        return of[name] != old

    def settle(self) -> bool:
        """Take fixed seats from all others, and give a seat that one alone may have.

        Returns whether everybody has one seat.
        """
        of = self.of
        while True:
            taken = once = more = 0
            for mask in of.values():
                if not mask & (mask - 1):
                    taken |= mask
                more |= once & mask
                once |= mask
            if taken == once:
                return True
            alone = once & ~more & ~taken
            if not (alone or more & taken):
                return False
            for name, mask in of.items():
                if mask & (mask - 1):
                    of[name] = mask & alone or mask & ~taken


def _numbers(mask: int) -> str:
    return " ".join(str(seat + 1) for seat in range(mask.bit_length()) if mask >> seat & 1)


@dataclass(frozen=True, slots=True)
class Row(Draft):
    """Who sits where, from left to right?"""

    order: tuple[str, ...]  # from left to right
    names: tuple[str, ...]  # in prompt order
    clues: tuple[Clue, ...]  # in prompt order
    looks: int  # clues taken up by the reference procedure, repeats included

    @property
    def key(self) -> str:
        clues = [_mirrored(clue) for clue in self.clues]
        told = " ".join(sorted(f"{kind}:{name}:{other}:{n}" for kind, name, other, n in clues))
        return f"{' '.join(sorted(self.names))} : {told}"

    @property
    def answer(self) -> str:
        return " ".join(self.order)

    @property
    def data(self) -> Mapping[str, Json]:
        clues: list[list[Json]] = [
            [part for part in clue if part != "" and part != 0] for clue in self.clues
        ]
        return {"names": list(self.names), "clues": clues}

    @property
    def work(self) -> int:
        return _work(len(self.names), self.looks)

    @property
    def skeleton(self) -> str:
        return f"{len(self.names)} {' '.join(sorted(clue[0] for clue in self.clues))}"

    def steps(self, style: int = 0) -> list[str]:
        lines, seats = [], Seats(self.names)
        before = dict(seats.of)
        for clue in cycle(_ranked(self.clues)):
            seats.apply(clue)
            told = dict(seats.of)
            if told != before:
                lines.append(f"{_brief(clue)}: {_news(before, told)}")
            solved = seats.settle()
            if seats.of != told:
                lines.append(f"others: {_news(told, seats.of)}")
            if solved:
                break
            before = dict(seats.of)
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        return {
            "as introduced": [" ".join(self.names)],
            "by name": [" ".join(sorted(self.names))],
        }


def _brief(clue: Clue) -> str:
    return " ".join(str(part) for part in clue if part != "" and part != 0)


def _news(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    changed = (name for name, mask in now.items() if mask != before[name])
    return "; ".join(f"{name} {_numbers(now[name])}" for name in changed)


def _mirrored(clue: Clue) -> Clue:
    """A clue that says the same of both, with the two in alphabetical order."""
    kind, name, other, n = clue
    if kind in ("next", "gap", "apart") and other < name:
        return kind, other, name, n
    return clue


def _work(people: int, looks: int) -> int:
    return people * (people - 1) + looks  # seats struck out, and clues taken up


def _ranked(clues: Sequence[Clue]) -> list[Clue]:
    """The clues in the order of the reference procedure, which goes round until all is known.

    What striking out leaves in the end does not depend on the order, so it ends wherever the draw
    has found everybody's seat with these clues.
    """
    return sorted(map(_mirrored, clues), key=lambda clue: (_RANK[clue[0]], clue))


_FIELDS = {"name": NAME, "other": NAME, "n": INT}


def _clues(forms: Sequence[str], joiner: str) -> Slot:
    return listed(sentence(dict(zip(_KINDS, forms, strict=True)), _FIELDS), joiner)


class Seating(Generator):
    """Order 4 to 9 people in a row by clues; a level brings more people and more clues.

    Clues that are true of a random order are added while each rules something out, until striking
    out seats leaves everybody one: so there is exactly one order, and no one needs to try cases.
    Work is the seats struck out and the clues taken up, strongest kind first, until all is known.
    """

    family, task, version = "spatial", "spatial.seating", 1
    kind, what = "names", "the names from left to right"
    log_work, tolerance = ramp(16, 106), 0.14
    templates = mixed(
        compose(
            {
                "names": NAMES,
                "clues": _clues(
                    (
                        "{name} sits in seat {n}.",
                        "{name} sits directly to the right of {other}.",
                        "{name} sits next to {other}.",
                        "Between {name} and {other} there are exactly {n} seats.",
                        "{name} sits at one end.",
                        "{name} sits somewhere to the left of {other}.",
                        "{name} does not sit next to {other}.",
                        "{name} does not sit in seat {n}.",
                    ),
                    "\n",
                ),
            },
            (
                "These sit in a row whose seats are numbered from 1 at the left: {names}.",
                "A row of seats, number 1 at the left, is filled by {names}.",
            ),
            ("{clues}", "This is known:\n{clues}"),
            (
                "In which order do they sit, from left to right?",
                "Who sits where? Go left to right.",
            ),
        ),
        compose(
            {
                "names": NAMES,
                "clues": _clues(
                    (
                        "{name} = place {n}",
                        "{name} right after {other}",
                        "{name} beside {other}",
                        "{name} and {other} with {n} between them",
                        "{name} first or last",
                        "{name} before {other}",
                        "{name} not beside {other}",
                        "{name} not in place {n}",
                    ),
                    "; ",
                ),
            },
            ("In a line, first place at the left, stand {names}.", "Put {names} in a line."),
            ("Rules: {clues}.", "It holds that: {clues}."),
            ("What is the order from first to last?", "Give the line from first to last."),
        ),
    )

    people = (4, 4, 5, 5, 6, 6, 7, 8, 9, 9)
    tried = (_STRONG, _WEAK, _STRONG, _WEAK, _STRONG, _WEAK, _MIXED, _STRONG, _STRONG, _WEAK)

    def draw(self, stream: Stream, level: int) -> Row | None:
        n = self.people[level - 1]
        pool = PEOPLE if self.diversity == 0 or stream.below(2) else _ANIMALS
        order = tuple(stream.shuffled(pool)[:n])
        clues: list[Clue] = []
        seats = Seats(order)
        kinds, has_seat = self.tried[level - 1], False
        for _ in range(12 * n):
            clue = _drawn(stream, kinds, order)
            if clue is None or (has_seat and clue[0] == "seat"):
                continue
            if not seats.apply(clue):
                continue
            has_seat = has_seat or clue[0] == "seat"
            clues.append(clue)
            if seats.settle():
                break
        else:
            return None
        again = Seats(order)
        looks = 0
        for clue in cycle(_ranked(clues)):
            looks += 1
            if again.apply(clue) and again.settle():
                break
        names = stream.shuffled(order)
        return Row(order, tuple(names), tuple(stream.shuffled(clues)), looks)

    def instances(self, level: int) -> int:
        n = self.people[level - 1]
        # Every order of every group, under at least as many sets of clues as people.
        return int(perm(len(PEOPLE), n) * n)

    def check(self, problem: Problem, found: str) -> Reason:
        names, right = found.lower().split(" "), problem.answer.lower().split(" ")
        if sorted(names) != sorted(right):
            return "illegal"
        return "right" if names == right else "wrong"


def _drawn(stream: Stream, kinds: Sequence[str], order: Sequence[str]) -> Clue | None:
    """A clue of random kind, if it can be true of two random people."""
    kind, n = stream.choice(kinds), len(order)
    one = stream.below(n)
    name = order[one]
    if kind == "seat":
        return kind, name, "", one + 1
    if kind == "end":
        return (kind, name, "", 0) if one in (0, n - 1) else None
    two = (one + 1 + stream.below(n - 1)) % n
    if kind == "not":
        return kind, name, "", two + 1
    other = order[two]
    if kind == "left":
        return (kind, name, other, 0) if one < two else (kind, other, name, 0)
    apart = abs(one - two)
    if kind == "apart":
        return (kind, name, other, 0) if apart > 1 else None
    if kind == "gap":
        return (kind, name, other, apart - 1) if apart > 2 else None
    if apart > 1:
        two = one + 1 if one == 0 or (one < n - 1 and stream.below(2)) else one - 1
        other = order[two]
    if kind == "follows":
        return (kind, name, other, 0) if one > two else (kind, other, name, 0)
    return kind, name, other, 0
