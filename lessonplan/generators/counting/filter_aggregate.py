"""Filter a list by one to four tests, then make one number of what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting import aggregates, filters
from lessonplan.generators.counting.aggregates import AGGREGATE
from lessonplan.generators.counting.filters import FILTERS
from lessonplan.generators.counting.lists import (
    backwards,
    commas,
    cost,
    fewest_lists,
    linear,
    refused,
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
    "Keep each number that passes all of these tests: {filters}.\nFind {aggregate}.",
    "Remove every number that fails one of these tests: {filters}.\nThen give {aggregate}.",
    "A number stays only when all of this is true: {filters}.\nWhat is this: {aggregate}?",
    (
        "Tests: {filters}. Strike out all numbers but those that pass every test, and compute "
        "{aggregate}. Equal numbers stand for themselves each time."
    ),
)
_SLOTS = {"numbers": INTS, "filters": FILTERS, "aggregate": AGGREGATE}


@dataclass(frozen=True, slots=True)
class Filtered(Draft):
    """A list, the tests that its numbers must pass, and what to make of those that do."""

    numbers: tuple[int, ...]
    tests: tuple[Op, ...]
    aggregate: Op
    left: tuple[int, ...]  # how many numbers stand before each test and after the last
    top: int  # no number is larger

    @property
    def key(self) -> str:
        tests = " and ".join(map(short, self.tests))
        return f"{short(self.aggregate)} if {tests} : {' '.join(map(str, self.numbers))}"

    @property
    def answer(self) -> str:
        return str(aggregates.value(self.aggregate, self._stages()[-1]))

    @property
    def data(self) -> Mapping[str, Json]:
        return {
            "numbers": list(self.numbers),
            "filters": [plain(test) for test in self.tests],
            "aggregate": plain(self.aggregate),
        }

    @property
    def work(self) -> int:
        return cost(self.tests, self.left) + aggregates.COST[self.aggregate[0]] * self.left[-1]

    @property
    def skeleton(self) -> str:
        return " ".join(name for name, _ in (*self.tests, self.aggregate))

    def _stages(self) -> list[list[int]]:
        return survivors(self.tests, list(self.numbers), self.top)

    def steps(self, style: int = 0) -> list[str]:
        stages = self._stages()
        if style == 0:  # what survives each test
            lines = [
                f"{phrase(filters.WORDS, test)}: {commas(stage)}"
                for test, stage in zip(self.tests, stages, strict=True)
            ]
        else:  # number by number, up to the first test it fails
            lines = []
            for number in self.numbers:
                failed = next((t for t in self.tests if not filters.passes(t, number)), None)
                lines.append(
                    f"{number}: not so, {phrase(filters.WORDS, failed)}"
                    if failed
                    else f"{number}: stays"
                )
        return [*lines, *aggregates.worked(self.aggregate, stages[-1])]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        stages = [list(self.numbers), *self._stages()]
        return {
            "skip all tests": [str(aggregates.value(self.aggregate, stages[0]))],
            "skip the last test": [str(aggregates.value(self.aggregate, stages[-2]))],
            "any number of the list": list(map(str, self.numbers)),
        }


class FilterAggregate(Generator):
    """What do the numbers that pass all tests come to? A level brings more numbers and more tests.

    Eight aggregates alike often: sum, its remainder, exclusive or, range, largest, smallest, k-th,
    different values. Lists are built backwards from how many numbers pass each test (see `lists`).
    """

    family, task, version = "counting", "counting.filter_aggregate", 1
    kind, what, styles = "int", "the number", 2
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(5.0, 8.15), 0.175

    tests = (1, 1, 1, 2, 2, 2, 3, 3, 3, 4)
    top = (40, 60, 80, 99, 99, 99, 999, 999, 999, 999)  # largest number
    shortest = 4  # numbers in a list

    def draw(self, stream: Stream, level: int) -> Filtered | None:
        top, columns = self.top[level - 1], filters.columns(self.diversity)
        aggregate = aggregates.draw_aggregate(stream, top)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        tests = filters.draw_chain(stream, self.tests[level - 1], columns, top)
        left = sizes(stream, goal, tests, aggregates.COST[aggregate[0]])
        if left is None or left[0] < self.shortest:
            return None
        numbers = backwards(stream, tests, left, top)
        draft = Filtered(tuple(numbers), tests, aggregate, tuple(left), top) if numbers else None
        return None if draft is None or refused(stream, int(draft.answer)) else draft

    def instances(self, level: int) -> int:
        # With the cheapest tests of diversity 0 (gt, div, dsum_ge, lt), none stopping any number,
        # and a sum, lists would still be this long.
        steps = (2, 5, 9, 11)[self.tests[level - 1] - 1] + 1
        return fewest_lists(int(2 ** (self.log_work[level - 1] - self.tolerance) / steps))
