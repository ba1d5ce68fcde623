"""Count the digits of a list that pass every test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator, Rendering
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INTS, Slot, Template

Filter: TypeAlias = tuple[str, int]  # name and number; 0 for "even" and "odd"
Chain: TypeAlias = tuple[Filter, ...]

_ALL = (1 << 10) - 1  # the ten digits, a bit each
_PARITY = ("even", "odd")
_NAMES = ("gt", "lt", "ne", *_PARITY)
_ENGLISH = {"gt": "greater than", "lt": "less than", "ne": "not equal to"}


def _write_filters(filters: Json) -> str:
    assert isinstance(filters, list)
    words = [f"{_ENGLISH[one[0]]} {one[1]}" if len(one) > 1 else one[0] for one in filters]
    return "; ".join(words)


def _read_filters(text: str) -> Json:
    names = {english: name for name, english in _ENGLISH.items()}
    tests = [test.rpartition(" ") for test in text.split("; ")]
    return [[names[words], int(number)] if words else [number] for words, _, number in tests]


_FILTERS = Slot(_write_filters, "[a-z0-9; ]+", _read_filters)


def _passes(digit: int, test: Filter) -> bool:
    name, number = test
    if name == "gt":
        return digit > number
    if name == "lt":
        return digit < number
    if name == "ne":
        return digit != number
    return digit % 2 == (name == "odd")


# The digits that a filter keeps, as a bit mask: many chains are tried.
_KEEPS: Mapping[Filter, int] = {
    (name, number): sum(1 << digit for digit in range(10) if _passes(digit, (name, number)))
    for name in _NAMES
    for number in range(1 if name in _PARITY else 10)
}


@dataclass(frozen=True, slots=True)
class Count(Draft):
    """How many of these digits pass all of these filters?"""

    filters: Chain
    digits: tuple[int, ...]

    @property
    def key(self) -> str:
        # The order of the filters does not matter; that of the digits is part of the exercise.
        filters = " then ".join(sorted(_word(test) for test in self.filters))
        return f"{filters} : {' '.join(map(str, self.digits))}"

    @property
    def answer(self) -> str:
        kept = _kept(self.filters)
        return str(sum(kept >> digit & 1 for digit in self.digits))

    @property
    def data(self) -> Mapping[str, Json]:
        filters: list[list[Json]] = [
            [name] if name in _PARITY else [name, number] for name, number in self.filters
        ]
        return {"filters": filters, "digits": list(self.digits)}

    @property
    def work(self) -> int:
        return len(self.digits) * len(self.filters)  # comparisons

    @property
    def skeleton(self) -> str:
        return " then ".join(name for name, _ in self.filters)

    def counts(self) -> list[tuple[int, bool, int]]:
        """For each digit: the digit, whether it passes, and how many have passed so far."""
        kept, count, counts = _kept(self.filters), 0, []
        for digit in self.digits:
            passes = kept >> digit & 1
            count += passes
            counts.append((digit, passes == 1, count))
        return counts

    def steps(self, style: int = 0) -> list[str]:
        return [
            f"{digit} {'passes' if passes else 'fails'}, count {count}"
            for digit, passes, count in self.counts()
        ]

    def tiny(self) -> Rendering:
        filters = " then ".join(map(_word, self.filters))
        steps = " ".join(f"{digit} {count}" for digit, _, count in self.counts())
        return Rendering(
            f"count {filters} : {' '.join(map(str, self.digits))} =", f"{steps} A {self.answer}"
        )

    def guesses(self) -> Mapping[str, Sequence[str]]:
        all_but_last = Count(self.filters[:-1], self.digits) if len(self.filters) > 1 else None
        return {
            "expected count": [str(round(len(self.digits) * _kept(self.filters).bit_count() / 10))],
            "skip the last filter": [all_but_last.answer if all_but_last else "0"],
        }


class CountIf(Generator):
    """How many digits pass one to three filters? A level brings more digits and more filters.

    Filters are drawn from the sets that work together: at least `_FEWEST` of the ten digits pass
    all of them, and none is idle. Drawn one by one they often keep nothing, and 0 is a good guess.
    """

    family, task, version = "counting", "counting.count_if", 1
    levels, kind, what = (1, 2, 3, 4, 5), "int", "the number"
    encodings, diversities = ("tiny", "text"), (0,)
    templates = (
        Template(
            "Count the digits in the list that pass every test. Repeated digits count each time.\n"
            "Tests: {filters}.\nList: {digits}.",
            {"filters": _FILTERS, "digits": INTS},
        ),
    )
    words = (*"0123456789", "count", "then", *_NAMES, ":", "=", "A")

    length = (3, 4, 6, 7, 9)  # digits in the list
    filters = (1, 1, 2, 2, 3)

    def draw(self, stream: Stream, level: int) -> Count:
        filters = stream.shuffled(stream.choice(stream.choice(_chains(self.filters[level - 1]))))
        digits = tuple(stream.below(10) for _ in range(self.length[level - 1]))
        return Count(tuple(filters), digits)

    def instances(self, level: int) -> int:
        chains = sum(map(len, _chains(self.filters[level - 1])))
        return int(chains * 10 ** self.length[level - 1])


_FEWEST = 3  # digits of 0..9 that a chain of filters keeps, at least; ours


@cache
def _chains(n: int) -> tuple[tuple[Chain, ...], ...]:
    """All sets of n filters that work together, grouped by the kinds of filters in them."""
    groups = []
    for names in combinations(_NAMES, n):
        numbers = product(*(range(1 if name in _PARITY else 10) for name in names))
        chains = (tuple(zip(names, chosen, strict=True)) for chosen in numbers)
        if group := tuple(chain for chain in chains if _work_together(chain)):
            groups.append(group)
    return tuple(groups)


def _work_together(chain: Chain) -> bool:
    """Whether enough digits pass all filters, and each filter stops one that the others pass."""
    kept = _kept(chain)
    if kept.bit_count() < _FEWEST:
        return False
    return all(_kept(chain[:i] + chain[i + 1 :]) != kept for i in range(len(chain)))


def _kept(chain: Chain) -> int:
    """The digits that pass every filter, as a bit mask."""
    mask = _ALL
    for test in chain:
        mask &= _KEEPS[test]
    return mask


def _word(test: Filter) -> str:
    name, number = test
    return name if name in _PARITY else f"{name} {number}"
