"""Arithmetic over sums and extremes of parts of one list, one bracket inside the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

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
from lessonplan.generators.templates import INT, INTS, NAME, Slot, listed

Tree: TypeAlias = str | int | tuple["Tree", str, "Tree"]  # a letter, a number, or a node

_LETTERS = "ABCD"

_PART = framed(
    "{name} is {aggregate} the numbers that pass this test: {filter}.",
    {"name": NAME, "aggregate": AGGREGATE_OF, "filter": FILTER},
)
_SLOTS = {
    "numbers": INTS,
    "parts": listed(_PART, "\n"),
    "expression": Slot(str, "[-A-D0-9+*() ]+", str),
}
_OPENINGS = (
    "Numbers: {numbers}.\n",
    "Here is a list: {numbers}.\n",
    "You are given these numbers: {numbers}.\n",
)
_BODIES = (
    "{parts}\nFind {expression}.",
    "Make these values from it. {parts}\nWhat is {expression}?",
    "Each letter stands for a number. {parts}\nWork out the value of {expression}.",
    "With the list as it is, define: {parts}\nThen compute {expression}.",
)


def written(tree: Tree) -> str:
    """A tree with brackets around every node but the outermost."""
    if not isinstance(tree, tuple):
        return str(tree)
    left, sign, right = (
        f"({written(side)})" if isinstance(side, tuple) else str(side) for side in tree
    )
    return f"{left} {sign} {right}"


def evaluated(tree: Tree, values: Mapping[str, int], lines: list[str]) -> int:
    """The value of a tree; appends a line for every node, the innermost first."""
    if isinstance(tree, int):
        return tree
    if isinstance(tree, str):
        return values[tree]
    left, right = evaluated(tree[0], values, lines), evaluated(tree[2], values, lines)
    result = {"+": left + right, "-": left - right, "*": left * right}[tree[1]]
    lines.append(f"{left} {tree[1]} {right} = {result}")
    return result


@dataclass(frozen=True, slots=True)
class Nested(Draft):
    """A list, the parts that letters stand for, and an expression of them."""

    numbers: tuple[int, ...]
    parts: tuple[tuple[Op, Op], ...]  # aggregate and test of each letter, in order
    tree: Tree
    kept: tuple[list[int], ...]  # the numbers that pass the test of each letter
    nodes: int  # of the tree

    @property
    def key(self) -> str:
        parts = " , ".join(f"{short(one)} if {short(test)}" for one, test in self.parts)
        return f"{written(self.tree)} ; {parts} : {' '.join(map(str, self.numbers))}"

    def _values(self) -> dict[str, int]:
        return {
            letter: aggregates.value(one, kept)
            for letter, (one, _), kept in zip(_LETTERS, self.parts, self.kept, strict=False)
        }

    @property
    def answer(self) -> str:
        return str(evaluated(self.tree, self._values(), []))

    @property
    def data(self) -> Mapping[str, Json]:
        return {
            "numbers": list(self.numbers),
            "parts": [
                {"name": letter, "aggregate": plain(one), "filter": plain(test)}
                for letter, (one, test) in zip(_LETTERS, self.parts, strict=False)
            ],
            "expression": written(self.tree),
        }

    @property
    def work(self) -> int:
        steps = self.nodes
        for (one, test), kept in zip(self.parts, self.kept, strict=True):
            steps += filters.visit(test) * len(self.numbers)
            steps += aggregates.COST[one[0]] * len(kept)
        return steps

    @property
    def skeleton(self) -> str:
        shape = "".join("n" if sign.isdigit() else sign for sign in written(self.tree))
        return " ; ".join((shape, *(f"{one} {test}" for (one, _), (test, _) in self.parts)))

    def steps(self, style: int = 0) -> list[str]:
        lines = []
        for letter, (one, test), kept in zip(_LETTERS, self.parts, self.kept, strict=False):
            lines.append(f"{letter}, {phrase(filters.WORDS, test)}: {commas(kept)}")
            lines += aggregates.worked(one, kept)
        evaluated(self.tree, self._values(), lines)
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        values = self._values()
        everything = {
            letter: aggregates.value(one, self.numbers)
            for letter, (one, _) in zip(_LETTERS, self.parts, strict=False)
        }
        return {
            "skip the tests": [str(evaluated(self.tree, everything, []))],
            "add all parts": [str(sum(values.values()))],
            "any part": [str(value) for value in values.values()],
        }


class NestedExpr(Generator):
    """What is (A - 3 * B) + C, where letters are aggregates of parts of one list?

    Depth is the number of brackets inside each other, so of letters less one. A level brings more
    letters and a longer list.
    """

    family, task, version = "counting", "counting.nested_expr", 1
    kind, what = "int", "the number"
    templates = composed(_OPENINGS, _BODIES, _SLOTS) + composed(
        _OPENINGS, _BODIES, _SLOTS | {"numbers": listed(INT, " ")}
    )
    log_work, tolerance = linear(5.6, 8.66), 0.165

    depth = (1, 1, 1, 1, 2, 2, 2, 3, 3, 3)
    top = (60, 80, 99, 99, 99, 99, 999, 999, 999, 999)  # largest number
    shortest = 6  # numbers in a list

    def draw(self, stream: Stream, level: int) -> Nested | None:
        top, depth = self.top[level - 1], self.depth[level - 1]
        columns = filters.columns(self.diversity)
        goal = target(stream, self.log_work[level - 1], self.tolerance)
        tree, nodes = _draw_tree(stream, depth)
        wanted = [
            (
                aggregates.draw_aggregate(stream, top, aggregates.OF_NAMES),
                filters.draw_name(stream, columns),
            )
            for _ in range(depth + 1)
        ]
        each = sum(1 + filters.COST[name] + _KEPT * aggregates.COST[one[0]] for one, name in wanted)
        n = round((goal - nodes) / each)
        if n < self.shortest:
            return None
        numbers = [stream.between(1, top) for _ in range(n)]
        parts, lists = [], []
        for one, name in wanted:
            found = fitting(stream, numbers, name, top)
            if found is None:
                return None
            parts.append((one, found[0]))
            lists.append(found[1])
        draft = Nested(tuple(numbers), tuple(parts), tree, tuple(lists), nodes)
        return None if refused(stream, int(draft.answer)) else draft

    def instances(self, level: int) -> int:
        return fewest_lists(self.shortest + FEWEST)


_KEPT = 0.5  # share of the numbers that pass a test, about


def _draw_tree(stream: Stream, depth: int) -> tuple[Tree, int]:
    """A tree whose brackets nest `depth` deep, and how many nodes it has."""
    letters = stream.shuffled(_LETTERS[: depth + 1])
    tree: Tree = letters[0]
    nodes = depth
    for letter in letters[1:]:
        leaf: Tree = letter
        if stream.below(2):
            leaf, nodes = (stream.between(2, 9), "*", letter), nodes + 1
        sign = stream.choice("+-")
        tree = (tree, sign, leaf) if stream.below(2) else (leaf, sign, tree)
    return tree, nodes
