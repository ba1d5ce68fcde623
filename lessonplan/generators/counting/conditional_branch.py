"""Which of several questions to answer is decided by how many numbers pass a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.counting import aggregates, filters
from lessonplan.generators.counting.aggregates import AGGREGATE_OF
from lessonplan.generators.counting.filters import FILTER
from lessonplan.generators.counting.lists import (
    FEWEST,
    commas,
    fewest_lists,
    fitting,
    linear,
    refused,
    target,
)
from lessonplan.generators.counting.phrases import Op, composed, framed, phrase, plain, short
from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, INTS, listed

_RULE = framed(
    "If more than {bound} numbers pass this test: {filter}; then the answer is {aggregate} the "
    "numbers that pass this test: {part}.",
    {"bound": INT, "filter": FILTER, "aggregate": AGGREGATE_OF, "part": FILTER},
)
_ELSE = framed(
    "{aggregate} the numbers that pass this test: {part}.",
    {"aggregate": AGGREGATE_OF, "part": FILTER},
)
_SLOTS = {"numbers": INTS, "rules": listed(_RULE, "\n"), "otherwise": _ELSE}
_OPENINGS = (
    "Numbers: {numbers}.\n",
    "Here is a list: {numbers}.\n",
    "You are given these numbers: {numbers}.\n",
)
_BODIES = (
    (
        "The first of these rules that applies gives the answer.\n{rules}\n"
        "If none applies, the answer is {otherwise}"
    ),
    (
        "Go through the rules in order and stop at the first one whose condition is true.\n{rules}\n"
        "If you reach the end, the answer is {otherwise}"
    ),
    (
        "Equal numbers count each time. Use only the first rule that holds.\n{rules}\n"
        "When no rule holds, the answer is {otherwise}"
    ),
    (
        "What is the answer? It follows from the first true condition.\n{rules}\n"
        "In every other case the answer is {otherwise}"
    ),
)


@dataclass(frozen=True, slots=True)
class Branches(Draft):
    """A list, conditions on it in order, and what to find in each case."""

    numbers: tuple[int, ...]
    conditions: tuple[tuple[Op, int], ...]  # a test, and the count that must be exceeded
    cases: tuple[tuple[Op, Op], ...]  # aggregate and test; one more than conditions
    taken: int  # the case that holds
    top: int  # no number is larger

    @property
    def key(self) -> str:
        conditions = " , ".join(f"{short(test)} over {bound}" for test, bound in self.conditions)
        cases = " , ".join(f"{short(one)} if {short(test)}" for one, test in self.cases)
        return f"{conditions} ; {cases} : {' '.join(map(str, self.numbers))}"

    def _kept(self, case: int) -> list[int]:
        return filters.kept(self.cases[case][1], list(self.numbers), self.top)

    def _value(self, case: int) -> str:
        return str(aggregates.value(self.cases[case][0], self._kept(case)))

    @property
    def answer(self) -> str:
        return self._value(self.taken)

    @property
    def data(self) -> Mapping[str, Json]:
        rules: list[Json] = [
            {
                "bound": bound,
                "filter": plain(test),
                "aggregate": plain(one),
                "part": plain(part),
            }
            for (test, bound), (one, part) in zip(self.conditions, self.cases, strict=False)
        ]
        one, part = self.cases[-1]
        otherwise = {"aggregate": plain(one), "part": plain(part)}
        return {"numbers": list(self.numbers), "rules": rules, "otherwise": otherwise}

    @property
    def work(self) -> int:
        # All conditions are looked at, also those after the one that holds: else a long list
        # would say that an early one does.
        one, part = self.cases[self.taken]
        visits = sum(filters.visit(test) for test, _ in self.conditions) + filters.visit(part)
        steps = visits * len(self.numbers) + aggregates.COST[one[0]] * len(self._kept(self.taken))
        return steps + len(self.conditions)

    @property
    def skeleton(self) -> str:
        conditions = " ".join(test for (test, _), _ in self.conditions)
        return " ; ".join((conditions, *(f"{one} {part}" for (one, _), (part, _) in self.cases)))

    def steps(self, style: int = 0) -> list[str]:
        lines = []
        for i, (test, bound) in enumerate(self.conditions):
            some = filters.kept(test, list(self.numbers), self.top)
            lines.append(f"{phrase(filters.WORDS, test)}: {commas(some)}")
            verdict = "more" if len(some) > bound else "not more"
            lines.append(f"count of {commas(some)} = {len(some)}")
            lines.append(f"rule {i + 1}: {len(some)} is {verdict} than {bound}")
        one, part = self.cases[self.taken]
        some = self._kept(self.taken)
        case = f"rule {self.taken + 1}" if self.taken < len(self.conditions) else "no rule"
        lines.append(f"{case}, {phrase(filters.WORDS, part)}: {commas(some)}")
        return lines + aggregates.worked(one, some)

    def guesses(self) -> Mapping[str, Sequence[str]]:
        cases = range(len(self.cases))
        return {
            "the first rule": [self._value(0)],
            "the last case": [self._value(len(self.conditions))],
            "any case": [self._value(case) for case in cases],
        }


class ConditionalBranch(Generator):
    """One of two to four questions, by conditions that are checked in order.

    Every case is taken equally often, and a condition is true or false by at most three numbers.
    A level brings more conditions and a longer list.
    """

    family, task, version = "counting", "counting.conditional_branch", 1
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(5.7, 8.76), 0.165

    conditions = (1, 1, 1, 1, 2, 2, 2, 3, 3, 3)
    top = (60, 80, 99, 99, 99, 99, 999, 999, 999, 999)  # largest number
    shortest = 6  # numbers in a list

    def draw(self, stream: Stream, level: int) -> Branches | None:
        top, k = self.top[level - 1], self.conditions[level - 1]
        columns = filters.columns(self.diversity)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        taken = stream.below(k + 1)
        deciding = [filters.draw_name(stream, columns) for _ in range(k)]
        wanted = [
            (
                aggregates.draw_aggregate(stream, top, aggregates.OF_NAMES),
                filters.draw_name(stream, columns),
            )
            for _ in range(k + 1)
        ]
        one, name = wanted[taken]
        each = sum(1 + filters.COST[name] for name in (*deciding, name))
        n = round((goal - k) / (each + _KEPT * aggregates.COST[one[0]]))
        if n < self.shortest:
            return None
        numbers = [stream.between(1, top) for _ in range(n)]
        conditions: list[tuple[Op, int]] = []
        for i, name in enumerate(deciding):
            found = fitting(stream, numbers, name, top)
            if found is None:
                return None
            true = i == taken or (i > taken and stream.below(2) == 1)
            margin = stream.below(FEWEST)
            count = len(found[1])
            conditions.append((found[0], count - 1 - margin if true else count + margin))
        cases: list[tuple[Op, Op]] = []
        for one, name in wanted:
            found = fitting(stream, numbers, name, top)
            if found is None:
                return None
            cases.append((one, found[0]))
        draft = Branches(tuple(numbers), tuple(conditions), tuple(cases), taken, top)
        return None if refused(stream, int(draft.answer)) else draft

    def instances(self, level: int) -> int:
        return fewest_lists(self.shortest + FEWEST)


_KEPT = 0.5  # share of the numbers that pass a test, about
