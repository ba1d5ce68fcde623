"""Count how many numbers of a list pass one to four tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting import filters
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
from lessonplan.generators.counting.phrases import Op, composed, phrase, plain, short
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_OPENINGS = (
    "Numbers: {numbers}.\n",
    "Here is a list: {numbers}.\n",
    "You are given these numbers: {numbers}.\n",
)
_BODIES = (
    (
        "Count the numbers that pass all of these tests: {filters}.\n"
        "Equal numbers count each time they occur."
    ),
    "How many of them pass every one of these tests? {filters}. Count repeated numbers each time.",
    "A number counts only when all of this is true: {filters}.\nHow many count, repeats included?",
    (
        "Strike out every number that fails one of these tests: {filters}.\n"
        "How many numbers stay in the list?"
    ),
)
_SLOTS = {"numbers": INTS, "filters": FILTERS}


@dataclass(frozen=True, slots=True)
class Passing(Draft):
    """A list and the tests that a number must pass to count."""

    numbers: tuple[int, ...]
    tests: tuple[Op, ...]
    left: tuple[int, ...]  # how many numbers stand before each test and after the last
    top: int  # no number is larger

    @property
    def key(self) -> str:
        tests = " and ".join(map(short, self.tests))
        return f"if {tests} : {' '.join(map(str, self.numbers))}"

    @property
    def answer(self) -> str:
        return str(len(survivors(self.tests, list(self.numbers), self.top)[-1]))

    @property
    def data(self) -> Mapping[str, Json]:
        return {"numbers": list(self.numbers), "filters": [plain(test) for test in self.tests]}

    @property
    def work(self) -> int:
        return cost(self.tests, self.left) + self.left[-1]

    @property
    def skeleton(self) -> str:
        return " ".join(name for name, _ in self.tests)

    def steps(self, style: int = 0) -> list[str]:
        if style == 0:  # what survives each test
            stages = survivors(self.tests, list(self.numbers), self.top)
            lines = [
                f"{phrase(filters.WORDS, test)}: {commas(stage)}"
                for test, stage in zip(self.tests, stages, strict=True)
            ]
            return [*lines, f"count of {commas(stages[-1])} = {len(stages[-1])}"]
        count, lines = 0, []  # number by number
        for number in self.numbers:
            passed = all(filters.passes(test, number) for test in self.tests)
            lines.append(f"{number}: {count} + {int(passed)} = {count + passed}")
            count += passed
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        stages = survivors(self.tests, list(self.numbers), self.top)
        before = stages[-2] if len(stages) > 1 else self.numbers
        return {
            "skip the last test": [str(len(before))],
            "0.6 of the list for each test": [
                str(round(len(self.numbers) * 0.6 ** len(self.tests)))
            ],
        }


class CountIfMany(Generator):
    """How many numbers pass all tests? A level brings a longer list and more tests.

    The count is drawn first and evenly, the list is built backwards from it (see `lists`), and
    lists have at least a dozen numbers: with shorter ones the commonest count is a good guess.
    """

    family, task, version = "counting", "counting.count_if_many", 1
    kind, what, styles = "int", "the number", 2
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(6.75, 9.0), 0.125

    tests = (1, 1, 1, 2, 2, 2, 3, 3, 3, 4)
    top = (40, 60, 80, 99, 99, 99, 999, 999, 999, 999)  # largest number
    shortest = 12  # numbers in a list

    def draw(self, stream: Stream, level: int) -> Passing | None:
        top, columns = self.top[level - 1], filters.columns(self.diversity)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        tests = filters.draw_chain(stream, self.tests[level - 1], columns, top)
        left = sizes(stream, goal, tests, last=1)
        if left is None or left[0] < self.shortest:
            return None
        numbers = backwards(stream, tests, left, top)
        return Passing(tuple(numbers), tests, tuple(left), top) if numbers else None

    def instances(self, level: int) -> int:
        return fewest_lists(self.shortest)
