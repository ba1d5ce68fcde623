"""Compare two lists: place by place, by what they have in common, or by all pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting.aggregates import added
from lessonplan.generators.counting.lists import commas, linear, refused, target
from lessonplan.generators.counting.phrases import composed, phrased
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_QUESTIONS = {
    "larger": "the sum of the larger number of each pair, where a pair stands at the same place "
    "of both lists",
    "gap": "the total of the differences, larger minus smaller, between the numbers at the same "
    "places of both lists",
    "dot": "the sum of the products of the numbers at the same places of both lists",
    "wins": "the sum of those numbers of list A that are larger than the number at the same place "
    "of list B",
    "matches": "the sum of those numbers of list A that are equal to the number at the same place "
    "of list B",
    "common": "the sum of the different numbers that occur in both lists, each taken once",
    "only": "the sum of those numbers of list A that do not occur in list B, repeats included",
    "above": "the number of ways to choose one place in list A and one in list B so that the "
    "number in A is larger",
}
_NAMES = tuple(_QUESTIONS)
# Steps for each place; the last three questions look at every pair of places instead.
_COST = {"larger": 2, "gap": 3, "dot": 4, "wins": 2, "matches": 2}

_SLOTS = {"a": INTS, "b": INTS, "question": phrased(_QUESTIONS)}
_OPENINGS = (
    "List A: {a}.\nList B: {b}.\n",
    "Here are two lists. A: {a}. B: {b}.\n",
    "A is the list {a}.\nB is the list {b}.\n",
)
_BODIES = (
    "Find {question}.",
    "What is {question}?",
    "Keep both lists in their order. Compute {question}.",
    "Compare the two lists and give {question}.",
)


@dataclass(frozen=True, slots=True)
class Pair(Draft):
    """Two lists, and what to find about them together."""

    a: tuple[int, ...]
    b: tuple[int, ...]
    question: str

    @property
    def key(self) -> str:
        return f"{self.question} : {' '.join(map(str, self.a))} ; {' '.join(map(str, self.b))}"

    def _parts(self) -> list[int]:
        """What is added up."""
        a, b = self.a, self.b
        pairs = zip(a, b, strict=False)
        match self.question:
            case "larger":
                return [max(x, y) for x, y in pairs]
            case "gap":
                return [abs(x - y) for x, y in pairs]
            case "dot":
                return [x * y for x, y in pairs]
            case "wins":
                return [x for x, y in pairs if x > y]
            case "matches":
                return [x for x, y in pairs if x == y]
            case "common":
                return [x for x in dict.fromkeys(a) if x in b]
            case "only":
                return [x for x in a if x not in b]
            case "above":
                return [sum(x > y for y in b) for x in a]
        raise ValueError(f"no question {self.question!r}; there are {', '.join(_NAMES)}")

    @property
    def value(self) -> int:
        return sum(self._parts())

    @property
    def answer(self) -> str:
        return str(self.value)

    @property
    def data(self) -> Mapping[str, Json]:
        return {"a": list(self.a), "b": list(self.b), "question": [self.question]}

    @property
    def work(self) -> int:
        if self.question in _COST:
            return _COST[self.question] * len(self.a)
        return len(self.a) * len(self.b)

    @property
    def skeleton(self) -> str:
        return self.question

    def steps(self, style: int = 0) -> list[str]:
        parts = self._parts()
        pairs = list(zip(self.a, self.b, strict=False))
        match self.question:
            case "gap":
                lines = [f"{max(x, y)} - {min(x, y)} = {abs(x - y)}" for x, y in pairs]
            case "dot":
                lines = [f"{x} * {y} = {x * y}" for x, y in pairs]
            case "above":
                lines = [
                    f"{x} is larger than {n} numbers of B"
                    for x, n in zip(self.a, parts, strict=True)
                ]
            case question:
                lines = [f"{question}: {commas(parts)}"]
        return [*lines, added(parts)]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        return {
            "the sum of A": [str(sum(self.a))],
            "the sum of B": [str(sum(self.b))],
            "the larger of both sums": [str(max(sum(self.a), sum(self.b)))],
            "half of all pairs": [str(len(self.a) * len(self.b) // 2)],
        }


class TwoLists(Generator):
    """What do two lists come to together? A level brings longer lists.

    Numbers of B repeat those of A often enough, at the same place or elsewhere, that at least two
    are found where the question is about equal ones.
    """

    family, task, version = "counting", "counting.two_lists", 1
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"a": listed(INT, " "), "b": listed(INT, " ")}
    )
    log_work, tolerance = linear(4.9, 7.69), 0.15

    top = (20, 30, 50, 99, 99, 99, 99, 99, 99, 99)  # largest number

    def draw(self, stream: Stream, level: int) -> Pair | None:
        top, question = self.top[level - 1], stream.choice(_NAMES)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        by_place = question in _COST
        n = round(goal / _COST[question]) if by_place else round(goal**0.5) + stream.below(3) - 1
        a = [stream.between(1, top) for _ in range(n)]
        m = n if by_place else round(goal / n)
        b = [stream.between(1, top) for _ in range(m)]
        for place in range(m):
            if by_place:
                b[place] = a[place] if stream.below(5) == 0 else b[place]
            else:
                b[place] = stream.choice(a) if stream.below(5) < 2 else b[place]
        draft = Pair(tuple(a), tuple(b), question)
        if question in ("matches", "common", "only") and len(draft._parts()) < 2:
            return None
        return None if refused(stream, draft.value) else draft

    def instances(self, level: int) -> int:
        # List A of "larger" alone, of which none is refused.
        return int(self.top[level - 1] ** int(2 ** (self.log_work[level - 1] - self.tolerance) / 2))
