"""The ten counting tasks: the contract, a second evaluator on the prompt, a replay of solutions.

LESSONPLAN_PROBLEMS=2000 -k evaluator checks 2,000 problems of every task and level: 20,000 a task.
"""

import math
import operator
import os
import re

import pytest

from lessonplan.generators import SPLITS
from lessonplan.generators.counting.conditional_branch import ConditionalBranch
from lessonplan.generators.counting.count_if_many import CountIfMany
from lessonplan.generators.counting.digits import Digits
from lessonplan.generators.counting.filter_aggregate import FilterAggregate
from lessonplan.generators.counting.nested_expr import NestedExpr
from lessonplan.generators.counting.order_stats import OrderStats
from lessonplan.generators.counting.range_pipeline import RangePipeline
from lessonplan.generators.counting.two_lists import TwoLists
from lessonplan.generators.counting.update_stream import UpdateStream
from lessonplan.generators.counting.windows import Windows
from tests.generators.contract import CHECKS

PROBLEMS = int(os.environ.get("LESSONPLAN_PROBLEMS", "80"))

TASKS = [
    FilterAggregate,
    RangePipeline,
    CountIfMany,
    NestedExpr,
    ConditionalBranch,
    Windows,
    Digits,
    TwoLists,
    OrderStats,
    UpdateStream,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task)
def test_contract(task, check):
    check(task)


# A second evaluator: it sees what `read` found in the prompt, and shares no code with the tasks.


def is_prime(n):
    return n > 1 and math.gcd(n, math.prod(range(2, n))) == 1 if n < 40 else sieve()[n]


def sieve(limit=4096, made=[]):  # noqa: B006 a cache
    if not made:
        made.extend([False, False] + [True] * (limit - 2))
        for n in range(2, limit):
            for multiple in range(2 * n, limit, n):
                made[multiple] = False
    return made


def digits_of(n):
    found = []
    while n:
        n, digit = divmod(n, 10)
        found.insert(0, digit)
    return found or [0]


TESTS = {
    "gt": lambda n, k: n > k,
    "lt": lambda n, k: n < k,
    "div": lambda n, k: n // k * k == n,
    "ndiv": lambda n, k: n // k * k != n,
    "dsum_ge": lambda n, k: sum(digits_of(n)) >= k,
    "dsum_le": lambda n, k: sum(digits_of(n)) <= k,
    "even": lambda n: digits_of(n)[-1] in (0, 2, 4, 6, 8),
    "odd": lambda n: digits_of(n)[-1] in (1, 3, 5, 7, 9),
    "between": lambda n, low, high: n in range(low, high + 1),
    "outside": lambda n, low, high: n not in range(low, high + 1),
    "nearer": lambda n, a, b: (n - a) ** 2 < (n - b) ** 2,
    "farther": lambda n, a, b: (n - a) ** 2 > (n - b) ** 2,
    "dsum_even": lambda n: sum(digits_of(n)) % 2 == 0,
    "dsum_odd": lambda n: sum(digits_of(n)) % 2 == 1,
    "last_ge": lambda n, k: digits_of(n)[-1] >= k,
    "last_le": lambda n, k: digits_of(n)[-1] <= k,
    "mod": lambda n, k, rest: (n - rest) % k == 0,
    "nmod": lambda n, k, rest: (n - rest) % k != 0,
    "has": lambda n, k: k in digits_of(n),
    "lacks": lambda n, k: k not in digits_of(n),
    "first_ge": lambda n, k: digits_of(n)[0] >= k,
    "first_le": lambda n, k: digits_of(n)[0] <= k,
    "up": lambda n: digits_of(n)[-1] > digits_of(n)[0],
    "nup": lambda n: digits_of(n)[-1] <= digits_of(n)[0],
    "prime": is_prime,
    "nprime": lambda n: not is_prime(n),
}

CHANGES = {
    "add": lambda n, k: n + k,
    "add_last": lambda n: n + digits_of(n)[-1],
    "add_odd": lambda n, k: n + k if n & 1 else n,
    "add_split": lambda n, even, odd: n + odd if n & 1 else n + even,
    "times": lambda n, k: n * k,
    "twice_plus": lambda n, k: n + n + k,
    "times_plus": lambda n, k, more: n * k + more,
    "times_split": lambda n, even, odd: n * odd if n & 1 else n * even,
    "rem": lambda n, k: n - n // k * k,
    "dsum": lambda n: sum(digits_of(n)),
    "square_rem": lambda n, k: divmod(n**2, k)[1],
    "times_rem": lambda n, m, k: divmod(n * m, k)[1],
}


def passing(filters, numbers):
    for name, *args in filters:
        numbers = [n for n in numbers if TESTS[name](n, *args)]
    return numbers


def aggregate(op, numbers):
    rising, exclusive = sorted(numbers), 0
    match op:
        case ["sum"]:
            return math.fsum(numbers)
        case ["sum_mod", k]:
            return math.fsum(numbers) % k
        case ["xor"]:
            for bit in range(20):
                exclusive += (sum(n >> bit & 1 for n in numbers) % 2) << bit
            return exclusive
        case ["range"]:
            return rising[-1] - rising[0]
        case ["max"]:
            return rising[-1]
        case ["min"]:
            return rising[0]
        case ["kth", k]:
            return rising[k - 1]
        case ["distinct"]:
            return len({*numbers})
    raise AssertionError(op)


def solve_filter_aggregate(numbers, filters, aggregate_op):
    return aggregate(aggregate_op, passing(filters, numbers))


def solve_range_pipeline(low, high, filters, changes, aggregate_op):
    numbers = passing(filters, range(low, high + 1))
    for name, *args in changes:
        numbers = [CHANGES[name](n, *args) for n in numbers]
    return aggregate(aggregate_op, numbers)


def solve_count_if_many(numbers, filters):
    return sum(all(TESTS[name](n, *args) for name, *args in filters) for n in numbers)


def solve_digits(numbers, filters, reading):
    give = {
        "dsum": sum,
        "reverse": lambda digits: sum(d * 10**i for i, d in enumerate(digits)),
        "largest": max,
        "ends": lambda digits: digits[0] * digits[-1],
        "last_two": lambda digits: sum(d * 10**i for i, d in enumerate(digits[:-3:-1])),
        "square_last": lambda digits: digits[-1] ** 2,
    }[reading[0]]
    return sum(give(digits_of(n)) for n in passing(filters, numbers))


def calculate(text):
    """Whole numbers, + - * and brackets, by precedence climbing."""
    tokens = re.findall(r"\d+|[-+*()]", text)

    def atom():
        token = tokens.pop(0)
        if token == "-":
            return -atom()
        if token != "(":
            return int(token)
        value = total()
        assert tokens.pop(0) == ")"
        return value

    def product():
        value = atom()
        while tokens and tokens[0] == "*":
            tokens.pop(0)
            value *= atom()
        return value

    def total():
        value = product()
        while tokens and tokens[0] in "+-":
            sign = tokens.pop(0)
            value += product() if sign == "+" else -product()
        return value

    value = total()
    assert not tokens
    return value


def solve_nested_expr(numbers, parts, expression):
    for part in parts:
        kept = passing([part["filter"]], numbers)
        value = str(int(aggregate(part["aggregate"], kept)))
        expression = expression.replace(part["name"], value)
    return calculate(expression)


def solve_conditional_branch(numbers, rules, otherwise):
    for rule in rules:
        if len(passing([rule["filter"]], numbers)) > rule["bound"]:
            break
    else:
        rule = otherwise
    return aggregate(rule["aggregate"], passing([rule["part"]], numbers))


def solve_windows(numbers, question):
    n = len(numbers)
    inner = [i for i in range(1, n - 1)]
    match question:
        case ["risers"]:
            return sum(numbers[i] for i in range(1, n) if numbers[i] > numbers[i - 1])
        case ["rises"]:
            return sum(max(0, numbers[i] - numbers[i - 1]) for i in range(1, n))
        case ["falls"]:
            return sum(max(0, numbers[i - 1] - numbers[i]) for i in range(1, n))
        case ["peaks"]:
            return sum(
                numbers[i] for i in inner if numbers[i] > max(numbers[i - 1], numbers[i + 1])
            )
        case ["valleys"]:
            return sum(
                numbers[i] for i in inner if numbers[i] < min(numbers[i - 1], numbers[i + 1])
            )
        case ["run"]:
            spans = [
                (i - j, i, j)
                for i in range(n)
                for j in range(i, n)
                if all(numbers[m] < numbers[m + 1] for m in range(i, j))
            ]
            _, first, last = min(spans)
            return sum(numbers[first : last + 1])
        case ["window_max" | "window_min" as side, width]:
            sums = [sum(numbers[i] for i in range(j, j + width)) for j in range(n - width + 1)]
            return sorted(sums)[-1 if side == "window_max" else 0]
        case ["window_over", width, bound]:
            return len([j for j in range(width, n + 1) if sum(numbers[j - width : j]) > bound])
    raise AssertionError(question)


def solve_two_lists(a, b, question):
    places = range(min(len(a), len(b)))
    match question[0]:
        case "larger":
            return sum(sorted((a[i], b[i]))[1] for i in places)
        case "gap":
            return sum(((a[i] - b[i]) ** 2) ** 0.5 for i in places)
        case "dot":
            return sum(map(operator.mul, a, b))
        case "wins":
            return sum(a[i] for i in places if a[i] - b[i] > 0)
        case "matches":
            return sum(a[i] for i in places if not a[i] - b[i])
        case "common":
            return sum({*a} & {*b})
        case "only":
            return sum(a) - sum(n * a.count(n) for n in {*a} & {*b})
        case "above":
            return len([1 for x in a for y in b if y < x])
    raise AssertionError(question)


def solve_order_stats(numbers, question):
    # Without sorting: by how many numbers are smaller.
    def at(place):  # from 1, from the smallest
        return next(
            n
            for n in numbers
            if sum(m < n for m in numbers) < place <= sum(m <= n for m in numbers)
        )

    size = len(numbers)
    match question:
        case ["median"]:
            return at((size + 1) // 2)
        case ["mode"]:
            often = max(map(numbers.count, numbers))
            return min(n for n in numbers if numbers.count(n) == often)
        case ["kth", k]:
            return at(size + 1 - k)
        case ["low", k]:
            return sum(at(i) for i in range(1, k + 1))
        case ["high", k]:
            return sum(at(size + 1 - i) for i in range(1, k + 1))
        case ["spread", k, also]:
            return at(size + 1 - k) - at(also)
        case ["trimmed", k, also]:
            return sum(at(i) for i in range(k + 1, size - also + 1))
        case ["place", k]:
            return 1 + sum(n < k for n in numbers)
    raise AssertionError(question)


def solve_update_stream(numbers, updates, question):
    row = list(numbers)
    for name, *args in updates:
        match name:
            case "append":
                row += args
            case "prepend":
                row.insert(0, *args)
            case "after_first":
                row.insert(1, *args)
            case "before_last":
                row.insert(len(row) - 1, *args)
            case "drop_first":
                del row[0]
            case "drop_last":
                row.pop()
            case "drop_max":
                del row[row.index(max(row))]
            case "drop_min":
                del row[row.index(min(row))]
            case "add_last":
                row[-1] += args[0]
            case "reverse":
                row.reverse()
            case "swap":
                row[0], row[-1] = row[-1], row[0]
            case "rotate":
                row.append(row.pop(0))
            case "rotate_back":
                row.insert(0, row.pop())
            case "add_all" | "add_even" | "add_odd":
                for i, n in enumerate(row):
                    if name == "add_all" or (n & 1) == (name == "add_odd"):
                        row[i] += args[0]
            case other:
                raise AssertionError(other)
    return row[question[1] - 1] if question[0] == "item" else aggregate(question, row)


SOLVERS = {
    FilterAggregate: solve_filter_aggregate,
    RangePipeline: solve_range_pipeline,
    CountIfMany: solve_count_if_many,
    NestedExpr: solve_nested_expr,
    ConditionalBranch: solve_conditional_branch,
    Windows: solve_windows,
    Digits: solve_digits,
    TwoLists: solve_two_lists,
    OrderStats: solve_order_stats,
    UpdateStream: solve_update_stream,
}


# A reader of worked solutions: it believes no line and works out every equation again.

WORDED = {
    "largest of": max,
    "smallest of": min,
    "count of": len,
    "xor of": lambda numbers: numbers[0],
    "most frequent of": lambda numbers: max(numbers, key=lambda n: (numbers.count(n), -n)),
}


def left_side(text):
    if found := re.fullmatch(r"place (\d+) of ([-\d, ]+)", text):
        numbers = [int(n) for n in found[2].split(", ")]
        return numbers[int(found[1]) - 1]
    if found := re.fullmatch(r"([a-z ]+ of) ([-\d, ]+)", text):
        return WORDED[found[1]]([int(n) for n in found[2].split(", ")])
    if found := re.fullmatch(r"(\d+) (xor|mod) (\d+)", text):
        sign = operator.xor if found[2] == "xor" else operator.mod
        return sign(int(found[1]), int(found[3]))
    return calculate(text)


def replay(solution):
    """The answer that the lines of a solution come to."""
    *lines, last = solution.split("\n")
    result = None
    for line in lines:
        left, equals, right = line.rpartition(": ")[2].partition(" = ")
        if equals:
            result = left_side(left)
            assert result == int(right), line
    assert last == f"<answer>{result}</answer>"
    return str(result)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task)
def test_answers_agree_with_a_second_evaluator_on_the_prompt(task):
    for diversity in (0, 3):
        generator = task(diversity=diversity)
        for level in generator.levels:
            for index in range(PROBLEMS // 2):
                problem = generator.problem(level, SPLITS[index % 4], index, seed=3)
                data = generator.read(problem.prompt)
                # `aggregate` is a function above
                arguments = {
                    "aggregate_op" if name == "aggregate" else name: value
                    for name, value in data.items()
                }
                assert SOLVERS[task](**arguments) == int(problem.answer), problem.prompt


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task)
def test_solutions_replay_to_the_answer(task):
    for style in range(task.styles):
        generator = task(diversity=3, style=style)
        for level in generator.levels:
            for index in range(30):
                problem = generator.problem(level, "train", index)
                assert replay(problem.solution) == problem.answer


@pytest.mark.parametrize("level", (1, 5, 10))
def test_the_last_change_of_a_list_alters_the_answer(level):
    for diversity in (0, 3):
        generator = UpdateStream(diversity=diversity)
        for index in range(60):
            data = generator.draft(level, "train", index)[0].data
            shorter = {**data, "updates": data["updates"][:-1]}
            assert solve_update_stream(**shorter) != solve_update_stream(**data)
