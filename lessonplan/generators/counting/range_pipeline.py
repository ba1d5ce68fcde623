"""Filter all whole numbers of a range, change what is left, make one number of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting import aggregates, filters, transforms
from lessonplan.generators.counting.aggregates import AGGREGATE
from lessonplan.generators.counting.filters import FILTERS
from lessonplan.generators.counting.lists import FEWEST, commas, cost, linear, refused, target
from lessonplan.generators.counting.phrases import Op, composed, phrase, plain, short
from lessonplan.generators.counting.transforms import TRANSFORMS
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, Slot

FURTHEST = 2599  # no range ends later

_NO_CHANGE = "leave each as it is"


def _write_changes(ops: Json) -> str:
    return TRANSFORMS.write(ops) if ops else _NO_CHANGE


def _read_changes(text: str) -> Json:
    return [] if text == _NO_CHANGE else TRANSFORMS.read(text)


_CHANGES = Slot(_write_changes, f"(?:{TRANSFORMS.pattern})|{_NO_CHANGE}", _read_changes)
_SLOTS = {
    "low": INT,
    "high": INT,
    "filters": FILTERS,
    "changes": _CHANGES,
    "aggregate": AGGREGATE,
}
_OPENINGS = (
    "Take the whole numbers from {low} to {high}, both included.\n",
    "Start with all integers between {low} and {high}, ends included.\n",
    "Write down {low}, the next whole number, and so on up to {high}.\n",
    "Look at every integer n with {low} <= n <= {high}.\n",
)
_BODIES = (
    (
        "Keep each number that passes all of these tests: {filters}.\n"
        "To each number that is left, do this: {changes}.\nFind {aggregate}."
    ),
    (
        "Remove every number that fails one of these tests: {filters}.\n"
        "Change each of the others like this: {changes}.\nThen give {aggregate}."
    ),
    (
        "A number stays only when all of this is true: {filters}.\n"
        "For each one that stays: {changes}.\nWhat is this: {aggregate}?"
    ),
    (
        "Step one, keep those for which all of this holds: {filters}.\n"
        "Step two, with every one of them: {changes}.\nStep three, compute {aggregate}."
    ),
)


@dataclass(frozen=True, slots=True)
class Pipeline(Draft):
    """A range, the tests its numbers must pass, changes of each, and what to make of them."""

    low: int
    high: int
    tests: tuple[Op, ...]
    changes: tuple[Op, ...]
    aggregate: Op
    stages: tuple[list[int], ...]  # what is left after each test

    @property
    def key(self) -> str:
        tests = " and ".join(map(short, self.tests))
        changes = " then ".join(map(short, self.changes))
        return f"{short(self.aggregate)} of {changes} if {tests} : {self.low} to {self.high}"

    def _made(self) -> Sequence[int]:
        return transforms.after(self.changes, self.stages[-1])

    @property
    def answer(self) -> str:
        return str(aggregates.value(self.aggregate, self._made()))

    @property
    def data(self) -> Mapping[str, Json]:
        return {
            "low": self.low,
            "high": self.high,
            "filters": [plain(test) for test in self.tests],
            "changes": [plain(change) for change in self.changes],
            "aggregate": plain(self.aggregate),
        }

    @property
    def work(self) -> int:
        left = [self.high - self.low + 1, *map(len, self.stages)]
        each = sum(transforms.COST[name] for name, _ in self.changes)
        return cost(self.tests, left) + (each + aggregates.COST[self.aggregate[0]]) * left[-1]

    @property
    def skeleton(self) -> str:
        return " ".join(name for name, _ in (*self.tests, *self.changes, self.aggregate))

    def steps(self, style: int = 0) -> list[str]:
        lines = [
            f"{phrase(filters.WORDS, test)}: {commas(stage)}"
            for test, stage in zip(self.tests, self.stages, strict=True)
        ]
        # Sparse tests first leave long lists: the second style names only what passes all.
        lines = lines if style == 0 else [f"passing all tests: {commas(self.stages[-1])}"]
        lines += transforms.worked(self.changes, self.stages[-1])
        return [*lines, *aggregates.worked(self.aggregate, self._made())]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        everything = range(self.low, self.high + 1)
        return {
            "skip all tests": [
                str(aggregates.value(self.aggregate, transforms.after(self.changes, everything)))
            ],
            "skip the last change": [
                str(
                    aggregates.value(
                        self.aggregate, transforms.after(self.changes[:-1], self.stages[-1])
                    )
                    if self.changes
                    else self.high
                )
            ],
            "an end of the range": [str(self.low), str(self.high)],
        }


class RangePipeline(Generator):
    """Integers lo..hi, one to four tests, up to three changes, one aggregate.

    The form of the counting problems of Learning from Less, after its description
    (arXiv:2604.18381). Tests and changes are what they call depth. A level brings a wider range,
    of about 20 to 1,000 numbers, and more of both. The first test may keep few of the range, so
    that at most `most` numbers are left to work with; at least 3 are.
    """

    family, task, version = "counting", "counting.range_pipeline", 1
    kind, what, styles = "int", "the number", 2
    templates = composed(_OPENINGS, _BODIES, _SLOTS)
    log_work, tolerance = linear(6.2, 11.6), 0.29

    tests = (1, 1, 1, 2, 2, 2, 3, 3, 3, 4)
    changes = (0, 0, 1, 1, 1, 2, 2, 2, 3, 3)
    span = (20, 31, 48, 74, 113, 175, 270, 417, 645, 1000)  # numbers of the range, about
    most = 60  # numbers that pass all tests

    def draw(self, stream: Stream, level: int) -> Pipeline | None:
        changes = transforms.draw_transforms(stream, self.changes[level - 1], self.diversity)
        span = self.span[level - 1]
        aggregate = aggregates.draw_aggregate(stream, 2 * span)
        each = sum(transforms.COST[name] for name, _ in changes)
        each += aggregates.COST[aggregate[0]]
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        low = stream.between(1, max(100, span))
        k, columns = self.tests[level - 1], filters.columns(self.diversity)
        for _ in range(_CHAINS):
            tests = filters.draw_chain(stream, k, columns, span, low)
            left = _left(tests, low, span)
            # As much as the goal asks for is a wider or narrower range.
            width = round(span * goal / (cost(tests, left) + each * left[-1]))
            if width > span * 3 // 2:
                continue
            left = _left(tests, low, width)
            if FEWEST <= left[-1] <= self.most and all(
                after <= _MOST * before for before, after in pairwise(left)
            ):
                stages = _stages(tests, low, low + width - 1)
                made = aggregates.value(aggregate, transforms.after(changes, stages[-1]))
                if refused(stream, made):
                    return None
                return Pipeline(low, low + width - 1, tests, changes, aggregate, stages)
        return None

    def instances(self, level: int) -> int:
        # Starts of the range, remainders of the sum, thresholds of one test; widths and other
        # tests come on top.
        span = self.span[level - 1]
        return max(100, span) * (2 * span - max(11, 2 * span // 3)) * (span // 2)


_CHAINS = 8  # chains of tests tried for a range
_MOST = 0.85  # share of the numbers before it that a test keeps


def _left(tests: Sequence[Op], low: int, span: int) -> list[int]:
    """How many of `span` numbers from `low` on are left before each test and after the last."""
    top = low + span - 1
    some = filters.ones(top) ^ filters.ones(low - 1)
    left = [span]
    for test in tests:
        some &= filters.mask(test, FURTHEST)
        left.append(some.bit_count())
    return left


def _stages(tests: Sequence[Op], low: int, high: int) -> tuple[list[int], ...]:
    """What is left after each test."""
    some, stages = filters.ones(high) ^ filters.ones(low - 1), []
    for test in tests:
        some &= filters.mask(test, FURTHEST)
        stages.append(list(compress(range(high + 1), some.to_bytes(high + 1, "little"))))
    return tuple(stages)
