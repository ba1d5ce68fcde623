"""Tests that a whole number passes or fails, as words, as tables, and with what they cost."""

from collections.abc import Sequence
from functools import cache

from lessonplan.generators.counting.phrases import Op, phrased
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import listed

# In the order in which a diversity adds them, six at a time: a pair that looks at the size, a pair
# that divides, a pair that looks at digits. A pair keeps small and large numbers alike, so neither
# answers nor work move with the diversity. The last pair is for tasks about digits alone.
WORDS = {
    "gt": "it is greater than {}",
    "lt": "it is less than {}",
    "div": "it is divisible by {}",
    "ndiv": "it is not divisible by {}",
    "dsum_ge": "the sum of its digits is at least {}",
    "dsum_le": "the sum of its digits is at most {}",
    "between": "it lies from {} to {}",
    "outside": "it does not lie from {} to {}",
    "even": "it is even",
    "odd": "it is odd",
    "dsum_even": "the sum of its digits is even",
    "dsum_odd": "the sum of its digits is odd",
    "first_ge": "its first digit is at least {}",
    "first_le": "its first digit is at most {}",
    "mod": "dividing it by {} leaves the remainder {}",
    "nmod": "dividing it by {} does not leave the remainder {}",
    "has": "the digit {} occurs in it",
    "lacks": "the digit {} does not occur in it",
    "nearer": "it is nearer to {} than to {}",
    "farther": "it is farther from {} than from {}",
    "prime": "it is a prime number",
    "nprime": "it is not a prime number",
    "last_ge": "its last digit is at least {}",
    "last_le": "its last digit is at most {}",
    "up": "its last digit is greater than its first digit",
    "nup": "its last digit is not greater than its first digit",
}
NAMES = tuple(WORDS)
FILTER = phrased(WORDS)
FILTERS = listed(FILTER, "; ")

# Elementary steps of one test: a comparison or a look at one digit 1, division 2, digit sum 3,
# prime 5 (ours, of generators.md).
COST = {name: 1 for name in NAMES} | {
    **dict.fromkeys(("div", "ndiv", "mod", "nmod", "between", "outside", "up", "nup"), 2),
    **dict.fromkeys(("nearer", "farther"), 2),
    **dict.fromkeys(("dsum_ge", "dsum_le", "dsum_even", "dsum_odd", "has", "lacks"), 3),
    **dict.fromkeys(("prime", "nprime"), 5),
}


def columns(diversity: int) -> tuple[tuple[str, ...], ...]:
    """The tests of a diversity 0..3, by what they look at: size, divisors, digits.

    They are 2, 4, 6 or 8 a column, so 6, 12, 18 or 24.
    """
    return _COLUMNS[diversity]


_COLUMNS = tuple(
    tuple(
        tuple(name for i, name in enumerate(NAMES[: 6 * (diversity + 1)]) if i % 6 // 2 == column)
        for column in range(3)
    )
    for diversity in range(4)
)


def draw_name(stream: Stream, columns: Sequence[Sequence[str]]) -> str:
    """The name of one test."""
    return stream.choice(stream.choice(columns))


def visit(test: Op) -> int:
    """Steps to look at one number and test it."""
    return 1 + COST[test[0]]


def draw_filter(stream: Stream, name: str, top: int, low: int = 0) -> Op:
    """A test of this name, with numbers that suit numbers of low..low + top."""
    match name:
        case "gt" | "lt":
            return name, (low + stream.between(top // 5, top * 4 // 5),)
        case "between" | "outside":
            low += stream.between(top // 10, top * 2 // 5)
            return name, (low, low + stream.between(top // 4, top // 2))
        case "nearer" | "farther":
            middle = low + stream.between(top // 5, top * 4 // 5)
            away = stream.between(2, max(2, top // 6)) * (1 if stream.below(2) else -1)
            return name, (middle - away, middle + away)
        case "div" | "ndiv":
            return name, (stream.between(3, 9),)
        case "mod" | "nmod":
            divisor = stream.between(3, 9)
            return name, (divisor, stream.between(1, divisor - 1))
        case "dsum_ge" | "dsum_le":
            middle = 5 if low + top < 60 else 5 * len(str(low + top)) - 2
            return name, (stream.between(middle - 1, middle + 2),)
        case "last_ge" | "first_ge":
            return name, (stream.between(3, 6),)
        case "last_le" | "first_le":
            return name, (stream.between(3, 6),)
        case "has" | "lacks":
            return name, (stream.between(1, 9),)
    return name, ()


def draw_chain(
    stream: Stream, k: int, columns: Sequence[Sequence[str]], top: int, low: int = 0
) -> tuple[Op, ...]:
    """k tests of different names, no two of one column unless there are more tests than columns.

    They stand in the order of `WORDS`: another order would change no answer.
    """
    turns = stream.shuffled(columns)
    chain: dict[str, Op] = {}
    while len(chain) < k:
        name = stream.choice(turns[len(chain) % len(turns)])
        if name not in chain:
            chain[name] = draw_filter(stream, name, top, low)
    return tuple(chain[name] for name in sorted(chain, key=_PLACE.__getitem__))


_PLACE = {name: place for place, name in enumerate(NAMES)}


def passes(test: Op, number: int) -> bool:
    """Whether a number that is not negative passes a test."""
    name, args = test
    digits = str(number)
    match name:
        case "even":
            return number % 2 == 0
        case "odd":
            return number % 2 == 1
        case "gt":
            return number > args[0]
        case "lt":
            return number < args[0]
        case "div":
            return number % args[0] == 0
        case "ndiv":
            return number % args[0] != 0
        case "between":
            return args[0] <= number <= args[1]
        case "outside":
            return not args[0] <= number <= args[1]
        case "nearer":
            return abs(number - args[0]) < abs(number - args[1])
        case "farther":
            return abs(number - args[0]) > abs(number - args[1])
        case "dsum_ge":
            return sum(map(int, digits)) >= args[0]
        case "dsum_le":
            return sum(map(int, digits)) <= args[0]
        case "last_ge":
            return number % 10 >= args[0]
        case "last_le":
            return number % 10 <= args[0]
        case "mod":
            return number % args[0] == args[1]
        case "nmod":
            return number % args[0] != args[1]
        case "dsum_even":
            return sum(map(int, digits)) % 2 == 0
        case "dsum_odd":
            return sum(map(int, digits)) % 2 == 1
        case "has":
            return str(args[0]) in digits
        case "lacks":
            return str(args[0]) not in digits
        case "prime":
            return _prime(number)
        case "nprime":
            return not _prime(number)
        case "first_ge":
            return int(digits[0]) >= args[0]
        case "first_le":
            return int(digits[0]) <= args[0]
        case "up":
            return digits[-1] > digits[0]
        case "nup":
            return digits[-1] <= digits[0]
    raise ValueError(f"no test {name!r}; there are {', '.join(NAMES)}")


def _prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def mask(test: Op, top: int) -> int:
    """A byte for every number of 0..top, 1 where it passes; the byte of 0 is the lowest.

    As whole numbers such tables can be met with `&` and counted with `bit_count`.
    """
    name, args = test
    if name == "gt":
        return ones(top) ^ ones(args[0])
    if name == "lt":
        return ones(args[0] - 1)
    if name == "between":
        return ones(min(args[1], top)) ^ ones(args[0] - 1)
    if name == "outside":
        return ones(top) ^ mask(("between", args), top)
    if name in ("nearer", "farther"):
        below = (args[0] < args[1]) == (name == "nearer")  # drawn around a whole middle
        return mask(("lt" if below else "gt", (sum(args) // 2,)), top)
    return _tested(test, top)


@cache  # few tests: those with many numbers to choose from are above
def _tested(test: Op, top: int) -> int:
    return int.from_bytes(bytes(passes(test, number) for number in range(top + 1)), "little")


def ones(top: int) -> int:
    """The byte 1 for every number of 0..top."""
    return _ONES >> 8 * (_LARGEST - top)


_LARGEST = 4095  # number that any table reaches
_ONES = int.from_bytes(b"\1" * (_LARGEST + 1), "little")


def kept(test: Op, numbers: list[int], top: int) -> list[int]:
    """The numbers, all of 0..top, that pass."""
    passing = mask(test, top).to_bytes(top + 1, "little")
    return [number for number in numbers if passing[number]]
