"""Look at neighbors in a row of numbers: rises, peaks, runs, sums of windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting.aggregates import added
from lessonplan.generators.counting.lists import commas, linear, refused, target
from lessonplan.generators.counting.phrases import Op, composed, phrased, plain, short
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_QUESTIONS = {
    "risers": "the sum of all numbers that are greater than the number just before them",
    "rises": "the total of all rises, where a rise is by how much a number exceeds the number "
    "just before it",
    "falls": "the total of all falls, where a fall is by how much a number is below the number "
    "just before it",
    "peaks": "the sum of all numbers that are greater than both of their neighbors",
    "valleys": "the sum of all numbers that are less than both of their neighbors",
    "run": "the sum of the longest run of neighbors in which every number is greater than the one "
    "before it, the first such run if several are longest",
    "window_max": "the largest sum of {} neighbors in a row",
    "window_min": "the smallest sum of {} neighbors in a row",
    "window_over": "how many groups of {} neighbors in a row have a sum above {}",
}
_NAMES = tuple(_QUESTIONS)
# Steps for each number of the row; a window of w costs w for each of its places, and one more.
_COST = {"risers": 2, "rises": 3, "falls": 3, "peaks": 3, "valleys": 3, "run": 2}

_SLOTS = {"numbers": INTS, "question": phrased(_QUESTIONS)}
_OPENINGS = (
    "Numbers in a row: {numbers}.\n",
    "Here is a row of numbers: {numbers}.\n",
    "These numbers were measured one after the other: {numbers}.\n",
)
_BODIES = (
    (
        "Find {question}.\nThe numbers at the two ends have one neighbor only and count as no peak "
        "or valley."
    ),
    (
        "Read them from left to right and give {question}.\nA number at an end of the row has only "
        "one neighbor, so it never has two."
    ),
    "What is this: {question}?\nEnds do not wrap around.",
    "The order matters and stays as it is, without wrapping around. Compute {question}.",
)


def _peaks(numbers: Sequence[int], sign: int) -> list[int]:
    """Numbers beyond both neighbors, above with sign 1, below with -1."""
    places = range(1, len(numbers) - 1)
    return [
        numbers[i]
        for i in places
        if sign * numbers[i] > sign * numbers[i - 1] and sign * numbers[i] > sign * numbers[i + 1]
    ]


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """The rising runs, as long as they go, in order."""
    runs = [[numbers[0]]]
    for before, number in pairwise(numbers):
        if number > before:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _sums(numbers: Sequence[int], width: int) -> list[int]:
    return [sum(numbers[i : i + width]) for i in range(len(numbers) - width + 1)]


def parts_of(question: Op, numbers: Sequence[int]) -> list[int]:
    """What the question adds up, or for windows the sums it chooses from."""
    name, args = question
    match name:
        case "risers":
            return [after for before, after in pairwise(numbers) if after > before]
        case "rises":
            return [after - before for before, after in pairwise(numbers) if after > before]
        case "falls":
            return [before - after for before, after in pairwise(numbers) if after < before]
        case "peaks":
            return _peaks(numbers, 1)
        case "valleys":
            return _peaks(numbers, -1)
        case "run":
            return max(_runs(numbers), key=len)  # the first of equals
    return _sums(numbers, args[0])


@dataclass(frozen=True, slots=True)
class Row(Draft):
    """A row of numbers, and what to find about neighbors in it."""

    numbers: tuple[int, ...]
    question: Op

    @property
    def key(self) -> str:
        return f"{short(self.question)} : {' '.join(map(str, self.numbers))}"

    @property
    def value(self) -> int:
        name, args = self.question
        parts = parts_of(self.question, self.numbers)
        match name:
            case "window_max":
                return max(parts)
            case "window_min":
                return min(parts)
            case "window_over":
                return sum(part > args[1] for part in parts)
        return sum(parts)

    @property
    def answer(self) -> str:
        return str(self.value)

    @property
    def data(self) -> Mapping[str, Json]:
        return {"numbers": list(self.numbers), "question": plain(self.question)}

    @property
    def work(self) -> int:
        name, args = self.question
        if args:
            return (args[0] + 1) * (len(self.numbers) - args[0] + 1)
        return _COST[name] * len(self.numbers)

    @property
    def skeleton(self) -> str:
        return self.question[0]

    def steps(self, style: int = 0) -> list[str]:
        name, args = self.question
        parts = parts_of(self.question, self.numbers)
        if name in ("rises", "falls"):
            sign = 1 if name == "rises" else -1
            pairs = [(a, b) if sign > 0 else (b, a) for a, b in pairwise(self.numbers)]
            return [*(f"{b} - {a} = {b - a}" for a, b in pairs if b > a), added(parts)]
        if not args:
            return [f"{name}: {commas(parts)}", added(parts)]
        width = args[0]
        lines = [added(self.numbers[i : i + width]) for i in range(len(parts))]
        if name == "window_over":
            over = [part for part in parts if part > args[1]]
            return [
                *lines,
                f"above {args[1]}: {commas(over)}",
                f"count of {commas(over)} = {self.value}",
            ]
        side = "largest" if name == "window_max" else "smallest"
        return [*lines, f"{side} of {commas(parts)} = {self.value}"]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        numbers, args = self.numbers, self.question[1]
        width = args[0] if args else 2
        return {
            "the sum of all": [str(sum(numbers))],
            "half the sum of all": [str(sum(numbers) // 2)],
            "the largest numbers": [str(sum(sorted(numbers)[-width:]))],
            "the first window": [str(sum(numbers[:width]))],
        }


class Windows(Generator):
    """What do neighbors in a row of numbers come to? A level brings a longer row.

    Numbers of rises or peaks have a small range, so their sums are asked for; only the number of
    windows above a bound is a count, and it is drawn evenly.
    """

    family, task, version = "counting", "counting.windows", 1
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(5.0, 7.52), 0.135

    top = (20, 30, 50, 99, 99, 99, 99, 999, 999, 999)  # largest number
    widest = (2, 2, 3, 3, 3, 4, 4, 4, 5, 5)  # neighbors in a window, at most

    def draw(self, stream: Stream, level: int) -> Row | None:
        top, name = self.top[level - 1], stream.choice(_NAMES)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        if not name.startswith("window"):
            n = round(goal / _COST[name])
            draft = Row(tuple(stream.between(1, top) for _ in range(n)), (name, ()))
            return None if refused(stream, draft.value) else draft
        width = stream.between(2, self.widest[level - 1])
        n = round(goal / (width + 1)) + width - 1
        numbers = tuple(stream.between(1, top) for _ in range(n))
        if name != "window_over":
            return Row(numbers, (name, (width,)))
        # The bound is one of the sums, by its place among them: the count is even over 1..all - 1.
        sums = sorted(_sums(numbers, width))
        return Row(numbers, (name, (width, sums[stream.below(len(sums) - 1)])))

    def instances(self, level: int) -> int:
        # Rows for "run", of which none is refused.
        return int(self.top[level - 1] ** int(2 ** (self.log_work[level - 1] - self.tolerance) / 2))
