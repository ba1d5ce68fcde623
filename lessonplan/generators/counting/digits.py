"""Keep numbers by their digits, make a number of the digits of each, add these up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting import filters
from lessonplan.generators.counting.aggregates import added
from lessonplan.generators.counting.filters import FILTERS
from lessonplan.generators.counting.lists import (
    backwards,
    commas,
    cost,
    fewest_lists,
    linear,
    sizes,
    survivors,
    target,
)
from lessonplan.generators.counting.phrases import Op, composed, phrase, phrased, plain, short
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_READINGS = {
    "dsum": "the sum of its digits",
    "reverse": "the number that its digits make when read from right to left",
    "largest": "its largest digit",
    "ends": "its first digit multiplied by its last digit",
    "last_two": "the number that its last two digits make",
    "square_last": "the square of its last digit",
}
# Steps for each number that is left: a look at a digit 1, a digit sum 3, a product 2; then one
# addition.
_COST = {"dsum": 4, "reverse": 4, "largest": 4, "ends": 4, "last_two": 3, "square_last": 4}

_OPENINGS = (
    "Numbers: {numbers}.\n",
    "Here is a list: {numbers}.\n",
    "You are given these numbers: {numbers}.\n",
)
_BODIES = (
    (
        "Keep each number that passes all of these tests: {filters}.\n"
        "For each number that is left, take {reading}. Find the sum of what you took."
    ),
    (
        "Remove every number that fails one of these tests: {filters}.\n"
        "Replace each of the others by {reading}, and add up the replacements."
    ),
    (
        "A number stays only when all of this is true: {filters}.\n"
        "For every one that stays, write down {reading}. What do the written numbers add up to?"
    ),
    (
        "Tests: {filters}. From each number that passes them all you get {reading}. "
        "What is the total, equal numbers counted each time?"
    ),
)
_SLOTS = {"numbers": INTS, "filters": FILTERS, "reading": phrased(_READINGS)}


def read_digits(reading: str, number: int) -> int:
    """What one number gives."""
    digits = str(number)
    match reading:
        case "dsum":
            return sum(map(int, digits))
        case "reverse":
            return int(digits[::-1])
        case "largest":
            return int(max(digits))
        case "ends":
            return int(digits[0]) * int(digits[-1])
        case "last_two":
            return number % 100
        case "square_last":
            return int((number % 10) ** 2)
    raise ValueError(f"no reading {reading!r}; there are {', '.join(_READINGS)}")


@dataclass(frozen=True, slots=True)
class Looked(Draft):
    """A list, tests of digits, and what to make of the digits of those that pass."""

    numbers: tuple[int, ...]
    tests: tuple[Op, ...]
    reading: str
    left: tuple[int, ...]  # how many numbers stand before each test and after the last
    top: int  # no number is larger

    @property
    def key(self) -> str:
        tests = " and ".join(map(short, self.tests))
        return f"{self.reading} if {tests} : {' '.join(map(str, self.numbers))}"

    def _stages(self) -> list[list[int]]:
        return survivors(self.tests, list(self.numbers), self.top)

    def _total(self, numbers: Sequence[int]) -> str:
        return str(sum(read_digits(self.reading, number) for number in numbers))

    @property
    def answer(self) -> str:
        return self._total(self._stages()[-1])

    @property
    def data(self) -> Mapping[str, Json]:
        return {
            "numbers": list(self.numbers),
            "filters": [plain(test) for test in self.tests],
            "reading": [self.reading],
        }

    @property
    def work(self) -> int:
        return cost(self.tests, self.left) + _COST[self.reading] * self.left[-1]

    @property
    def skeleton(self) -> str:
        return " ".join((*(name for name, _ in self.tests), self.reading))

    def steps(self, style: int = 0) -> list[str]:
        stages = self._stages()
        lines = [
            f"{phrase(filters.WORDS, test)}: {commas(stage)}"
            for test, stage in zip(self.tests, stages, strict=True)
        ]
        taken = [read_digits(self.reading, number) for number in stages[-1]]
        return [*lines, f"{_READINGS[self.reading]}: {commas(taken)}", added(taken)]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        stages = [list(self.numbers), *self._stages()]
        return {
            "skip all tests": [self._total(stages[0])],
            "skip the last test": [self._total(stages[-2])],
            "add the numbers themselves": [str(sum(stages[-1]))],
        }


class Digits(Generator):
    """Add up what the digits of some numbers give. A level brings more numbers and more tests.

    The plain question, how many numbers have a property of digits, has a small range of answers
    and is a case of `count_if_many`; sums of digits have a wide one.
    """

    family, task, version = "counting", "counting.digits", 1
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(5.4, 8.46), 0.165

    tests = (1, 1, 1, 1, 2, 2, 2, 2, 3, 3)
    top = (99, 99, 99, 99, 99, 99, 999, 999, 999, 999)  # largest number
    shortest = 5  # numbers in a list

    def draw(self, stream: Stream, level: int) -> Looked | None:
        columns = _COLUMNS[min(self.diversity, 1)]
        top, reading = self.top[level - 1], stream.choice(_NAMES)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        tests = filters.draw_chain(stream, self.tests[level - 1], columns, top)
        left = sizes(stream, goal, tests, _COST[reading])
        if left is None or left[0] < self.shortest:
            return None
        numbers = backwards(stream, tests, left, top)
        return Looked(tuple(numbers), tests, reading, tuple(left), top) if numbers else None

    def instances(self, level: int) -> int:
        # With the cheapest tests of diversity 0, none stopping any number, and the cheapest
        # reading, lists would still be this long.
        steps = (2, 5, 9)[self.tests[level - 1] - 1] + 3
        return fewest_lists(int(2 ** (self.log_work[level - 1] - self.tolerance) / steps))


_NAMES = tuple(_READINGS)

# Tests of digits: of all, of one, of two together. Diversity 0 has the first two of each.
_ALL = (
    ("dsum_ge", "dsum_le", "dsum_even", "dsum_odd"),
    ("last_ge", "last_le", "first_ge", "first_le"),
    ("up", "nup", "has", "lacks"),
)
_COLUMNS = (tuple(column[:2] for column in _ALL), _ALL)
