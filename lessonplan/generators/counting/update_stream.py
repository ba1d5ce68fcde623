"""Carry out changes of a list one after the other, then ask about what it became."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting import aggregates
from lessonplan.generators.counting.lists import commas, linear, refused, target
from lessonplan.generators.counting.phrases import Op, composed, phrase, phrased, plain, short
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_UPDATES = {
    "append": "put {} at the end",
    "prepend": "put {} at the front",
    "after_first": "put {} right after the first number",
    "before_last": "put {} right before the last number",
    "drop_first": "remove the first number",
    "drop_last": "remove the last number",
    "drop_max": "remove the largest number, the first of them if there are several",
    "drop_min": "remove the smallest number, the first of them if there are several",
    "add_all": "add {} to every number",
    "add_even": "add {} to every even number",
    "add_odd": "add {} to every odd number",
    "add_last": "add {} to the last number",
    "reverse": "reverse the order",
    "swap": "swap the first and the last number",
    "rotate": "move the first number to the end",
    "rotate_back": "move the last number to the front",
}
# What makes the list longer, shorter, larger, or only turns it; a diversity adds one or two of
# each, so that lengths and sums do not move with it.
_LONGER = ("append", "prepend", "after_first", "before_last")
_SHORTER = ("drop_first", "drop_last", "drop_max", "drop_min")
_LARGER = ("add_all", "add_even", "add_odd", "add_last")
_TURNS = ("reverse", "swap", "rotate", "rotate_back")
_POOL = (2, 2, 4, 4)  # of each kind by diversity
_TRIES = 12  # changes drawn until one alters the answer; measured: 97 % of the draws find one

_QUESTIONS = {
    "sum": "the sum of all numbers",
    "max": "the largest number",
    "min": "the smallest number",
    "range": "the largest minus the smallest number",
    "item": "the number in place {} from the front",
}
_NAMES = tuple(_QUESTIONS)

_SLOTS = {
    "numbers": INTS,
    "updates": listed(phrased(_UPDATES), "; "),
    "question": phrased(_QUESTIONS),
}
_OPENINGS = (
    "A list starts as {numbers}.\n",
    "Start with this list: {numbers}.\n",
    "You keep a list. At first it is {numbers}.\n",
)
_BODIES = (
    "Change it step by step, in this order: {updates}.\nAfter the last step, find {question}.",
    (
        "Then these things happen to it, one after the other: {updates}.\n"
        "In the end, what is {question}?"
    ),
    (
        "Carry out these commands from first to last: {updates}.\n"
        "Give {question} in the list that you end with."
    ),
    (
        "Each command works on the list that the one before it left: {updates}.\n"
        "Compute {question} once all are done."
    ),
)


def updated(update: Op, numbers: Sequence[int]) -> list[int]:
    """The list after one change."""
    name, args = update
    new, k = list(numbers), args[0] if args else 0
    match name:
        case "append":
            return [*new, k]
        case "prepend":
            return [k, *new]
        case "after_first":
            return [new[0], k, *new[1:]]
        case "before_last":
            return [*new[:-1], k, new[-1]]
        case "drop_first":
            return new[1:]
        case "drop_last":
            return new[:-1]
        case "drop_max":
            new.remove(max(new))
            return new
        case "drop_min":
            new.remove(min(new))
            return new
        case "add_all":
            return [number + k for number in new]
        case "add_even":
            return [number + k * (number % 2 == 0) for number in new]
        case "add_odd":
            return [number + k * (number % 2) for number in new]
        case "add_last":
            return [*new[:-1], new[-1] + k]
        case "reverse":
            return new[::-1]
        case "swap":
            return [new[-1], *new[1:-1], new[0]]
        case "rotate":
            return [*new[1:], new[0]]
        case "rotate_back":
            return [new[-1], *new[:-1]]
    raise ValueError(f"no change {name!r}; there are {', '.join(_UPDATES)}")


@dataclass(frozen=True, slots=True)
class Updates(Draft):
    """A list, what happens to it, and what to find at the end."""

    numbers: tuple[int, ...]
    updates: tuple[Op, ...]
    states: tuple[list[int], ...]  # the list after each change
    question: Op

    @property
    def key(self) -> str:
        updates = " , ".join(map(short, self.updates))
        return f"{short(self.question)} after {updates} : {' '.join(map(str, self.numbers))}"

    def value_of(self, numbers: Sequence[int]) -> int:
        """What the question comes to, asked of this list."""
        name, args = self.question
        if name == "item":
            return numbers[min(args[0], len(numbers)) - 1]
        return aggregates.value(self.question, numbers)

    @property
    def value(self) -> int:
        return self.value_of(self.states[-1])

    @property
    def answer(self) -> str:
        return str(self.value)

    @property
    def data(self) -> Mapping[str, Json]:
        return {
            "numbers": list(self.numbers),
            "updates": [plain(update) for update in self.updates],
            "question": plain(self.question),
        }

    @property
    def work(self) -> int:
        # The list is gone through once for every change and for the question.
        return sum(map(len, self.states)) + len(self.states[-1])

    @property
    def skeleton(self) -> str:
        return " ".join(name for name, _ in (*self.updates, self.question))

    def steps(self, style: int = 0) -> list[str]:
        lines = [
            f"{phrase(_UPDATES, update)}: {commas(state)}"
            for update, state in zip(self.updates, self.states, strict=True)
        ]
        if self.question[0] == "item":
            return [
                *lines,
                f"place {self.question[1][0]} of {commas(self.states[-1])} = {self.value}",
            ]
        return lines + aggregates.worked(self.question, self.states[-1])

    def guesses(self) -> Mapping[str, Sequence[str]]:
        before = self.states[-2] if len(self.states) > 1 else self.numbers
        return {
            "skip all changes": [str(self.value_of(self.numbers))],
            "skip the last change": [str(self.value_of(before))],
            "stop halfway": [
                str(self.value_of([self.numbers, *self.states][len(self.states) // 2]))
            ],
            "any number of the last list": list(map(str, self.states[-1])),
        }


class UpdateStream(Generator):
    """What is left of a list after insertions, deletions, additions and turns?

    A level brings more changes of a longer list. A worked solution shows the list after each. The
    last change always alters the answer: drawn freely, it does so in .41 of the problems (measured),
    and a reader who stops before it is right in the others.
    """

    family, task, version = "counting", "counting.update_stream", 2
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(4.6, 7.75), 0.17

    length = (4, 5, 5, 6, 6, 7, 7, 8, 8, 9)  # numbers at the start
    top = (60, 80, 99, 99, 99, 99, 99, 99, 99, 99)  # largest number at the start
    fewest = 3  # numbers at any time

    def draw(self, stream: Stream, level: int) -> Updates | None:
        length, top = self.length[level - 1], self.top[level - 1]
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        numbers = [stream.between(1, top) for _ in range(length)]
        updates: list[Op] = []
        states: list[list[int]] = []
        state, steps = numbers, 0
        while steps + 2.5 * len(state) < goal:  # the last change and the question come after it
            updates.append(self._update(stream, level, state))
            state = updated(updates[-1], state)
            states.append(state)
            steps += len(state)
        name = stream.choice(_NAMES)
        for _ in range(_TRIES):
            last = self._update(stream, level, state)
            end = updated(last, state)
            args = (stream.between(1, min(len(state), len(end))),) if name == "item" else ()
            draft = Updates(tuple(numbers), (*updates, last), (*states, end), (name, args))
            if draft.value != draft.value_of(state):
                return None if refused(stream, draft.value) else draft
        return None

    def _update(self, stream: Stream, level: int, state: Sequence[int]) -> Op:
        length, pool = self.length[level - 1], _POOL[self.diversity]
        kinds = [_LARGER, _TURNS]
        if len(state) < length + 3:
            kinds.append(_LONGER)
        if len(state) > max(self.fewest, length - 3):
            kinds.append(_SHORTER)
        return _draw_update(stream, stream.choice(kinds)[:pool], self.top[level - 1])

    def instances(self, level: int) -> int:
        # Starting lists alone, each with one row of changes and the sum.
        return int(self.top[level - 1] ** self.length[level - 1])


def _draw_update(stream: Stream, names: tuple[str, ...], top: int) -> Op:
    name = stream.choice(names)
    if name in _LONGER:
        return name, (stream.between(1, top),)
    if name == "add_all":
        return name, (stream.between(1, 9),)
    if name in ("add_even", "add_odd"):
        return name, (2 * stream.between(1, 9),)
    if name == "add_last":
        return name, (stream.between(10, 50),)
    return name, ()
