"""Sort a list and ask for a place in it: median, mode, k-th, sums of the smallest or largest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, sqrt

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting.aggregates import added
from lessonplan.generators.counting.lists import commas, linear, refused, target
from lessonplan.generators.counting.phrases import Op, composed, phrased, plain, short
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_QUESTIONS = {
    "median": "the median (of an even number of numbers, the smaller of the two in the middle)",
    "mode": "the number that occurs most often (the smallest of them, if several do)",
    "kth": "the number in place {} counted from the largest",
    "low": "the sum of the {} smallest numbers",
    "high": "the sum of the {} largest numbers",
    "spread": "the number in place {} counted from the largest, minus the number in place {} "
    "counted from the smallest",
    "trimmed": "the sum of what is left without the {} smallest and the {} largest numbers",
    "place": "the place of {} counted from the smallest, its first place if it occurs again",
}
_NAMES = tuple(_QUESTIONS)

_SLOTS = {"numbers": INTS, "question": phrased(_QUESTIONS)}
_OPENINGS = (
    "Numbers: {numbers}.\n",
    "Here is a list: {numbers}.\n",
    "You are given these numbers: {numbers}.\n",
)
_BODIES = (
    "Sort them and find {question}.\nEqual numbers each have a place of their own.",
    (
        "Think of the list in order of size, where equal numbers have one place each.\n"
        "What is {question}?"
    ),
    "Put the list in order, repeats included. Give {question}.",
    "Repeated numbers count each time. Once they are sorted by size, compute {question}.",
)


@dataclass(frozen=True, slots=True)
class Sorted(Draft):
    """A list, and what to find in it once it is sorted."""

    numbers: tuple[int, ...]
    question: Op

    @property
    def key(self) -> str:
        return f"{short(self.question)} : {' '.join(map(str, self.numbers))}"

    @property
    def value(self) -> int:
        name, args = self.question
        rising = sorted(self.numbers)
        n, k = len(rising), args[0] if args else 0
        match name:
            case "median":
                return rising[(n - 1) // 2]
            case "mode":
                return max(rising, key=rising.count)  # the first, so the smallest, of equals
            case "kth":
                return rising[-k]
            case "low":
                return sum(rising[:k])
            case "high":
                return sum(rising[-k:])
            case "spread":
                return rising[-k] - rising[k - 1]
            case "trimmed":
                return sum(rising[k : n - k])
            case "place":
                return rising.index(k) + 1
        raise ValueError(f"no question {name!r}; there are {', '.join(_NAMES)}")

    @property
    def answer(self) -> str:
        return str(self.value)

    @property
    def data(self) -> Mapping[str, Json]:
        return {"numbers": list(self.numbers), "question": plain(self.question)}

    @property
    def work(self) -> int:
        n, k = len(self.numbers), self.question[1][0] if self.question[1] else 0
        picked = {"low": k, "high": k, "trimmed": n - 2 * k, "mode": n, "place": 0}
        return comb(n, 2) + picked.get(self.question[0], 1)  # comparisons of an insertion sort

    @property
    def skeleton(self) -> str:
        return self.question[0]

    def steps(self, style: int = 0) -> list[str]:
        name, args = self.question
        rising, value = sorted(self.numbers), self.value
        n, k = len(rising), args[0] if args else 0
        lines = [f"sorted: {commas(rising)}"]
        match name:
            case "median":
                lines.append(f"place {(n + 1) // 2} of {commas(rising)} = {value}")
            case "mode":
                again = sorted({number for number in rising if rising.count(number) > 1})
                lines += [f"{number} occurs {rising.count(number)} times" for number in again]
                lines.append(f"most frequent of {commas(rising)} = {value}")
            case "kth":
                lines.append(f"place {k} of {commas(rising[::-1])} = {value}")
            case "low":
                lines.append(added(rising[:k]))
            case "high":
                lines.append(added(rising[-k:]))
            case "spread":
                lines.append(f"{rising[-k]} - {rising[k - 1]} = {value}")
            case "trimmed":
                lines.append(added(rising[k : n - k]))
            case "place":
                smaller = rising[: value - 1]
                lines.append(f"smaller than {k}: {commas(smaller) or 'none'}")
                lines.append(f"{len(smaller)} + 1 = {value}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        k = self.question[1][0] if self.question[1] else 1
        return {
            "any number of the list": list(map(str, self.numbers)),
            "the number in the middle of the prompt": [str(self.numbers[len(self.numbers) // 2])],
            "the sum of the first": [str(sum(self.numbers[:k]))],
        }


class OrderStats(Generator):
    """What stands where in the sorted list? A level brings a longer list of larger numbers.

    Every list has repeats, so that the mode is a question and ties are met. The place of a number
    has as few answers as the list has places, and is one question of eight.
    """

    family, task, version = "counting", "counting.order_stats", 1
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(4.75, 9.25), 0.245

    top = (40, 60, 80, 99, 99, 99, 999, 999, 999, 999)  # largest number

    def draw(self, stream: Stream, level: int) -> Sorted | None:
        top, name = self.top[level - 1], stream.choice(_NAMES)
        n = round(sqrt(2 * target(stream, self.log_work[level - 1], self.tolerance)))
        # About a fifth of the places repeat a number.
        fresh = [stream.between(1, top) for _ in range(n - max(1, n // 5))]
        repeats = [stream.choice(fresh) for _ in range(n - len(fresh))]
        numbers = tuple(stream.shuffled(fresh + repeats))
        k = stream.between(2, max(2, n // 3))
        args: tuple[int, ...] = (k,)
        if name in ("median", "mode"):
            args = ()
        elif name == "place":
            args = (stream.choice(numbers),)
        elif name in ("spread", "trimmed"):
            args = (k, k)
        draft = Sorted(numbers, (name, args))
        return None if refused(stream, draft.value) else draft

    def instances(self, level: int) -> int:
        least = 2 ** (self.log_work[level - 1] - self.tolerance)
        return int(self.top[level - 1] ** (int(sqrt(2 * least)) - 2))  # all but the repeats
