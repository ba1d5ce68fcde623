"""One number out of several: sums, extremes, ranks, different values, exclusive or."""

from collections.abc import Sequence
from functools import reduce
from operator import xor

from lessonplan.generators.counting.lists import commas
from lessonplan.generators.counting.phrases import Op, phrased
from lessonplan.generators.streams import Stream

WORDS = {
    "sum": "the sum of what is left",
    "sum_mod": "the remainder when the sum of what is left is divided by {}",
    "xor": "the bitwise exclusive or of what is left",
    "range": "the largest minus the smallest number that is left",
    "max": "the largest number that is left",
    "min": "the smallest number that is left",
    "kth": "the number in place {} when what is left is sorted from the smallest",
    "distinct": "how many different numbers are left",
}
NAMES = tuple(WORDS)
AGGREGATE = phrased(WORDS)

# Steps for each number that is left: an addition or comparison 1, exclusive or 3, sorting 2.
COST = dict(zip(NAMES, (1, 1, 3, 2, 1, 1, 2, 2), strict=True))


def draw_aggregate(stream: Stream, top: int, names: tuple[str, ...] = NAMES) -> Op:
    """An aggregate of at least three numbers of 0..top."""
    name = stream.choice(names)
    if name == "sum_mod":  # larger than most of the numbers: the sum has to be worked out
        return name, (stream.between(max(11, top // 3), max(29, top)),)
    return name, (stream.between(2, 3),) if name == "kth" else ()


def value(op: Op, numbers: Sequence[int]) -> int:
    """What an aggregate makes of numbers, of which there is at least one."""
    name, args = op
    match name:
        case "sum":
            return sum(numbers)
        case "sum_mod":
            return sum(numbers) % args[0]
        case "xor":
            return reduce(xor, numbers)
        case "range":
            return max(numbers) - min(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case "kth":
            return sorted(numbers)[args[0] - 1]
        case "distinct":
            return len(set(numbers))
    raise ValueError(f"no aggregate {name!r}; there are {', '.join(NAMES)}")


# The same over numbers that are named at once: "the sum of the numbers that pass this test: ...".
OF = {
    "sum": "the sum of",
    "max": "the largest of",
    "min": "the smallest of",
    "range": "the largest minus the smallest of",
}
OF_NAMES = tuple(OF)
AGGREGATE_OF = phrased(OF)


def added(numbers: Sequence[int]) -> str:
    """A sum with its value: "4 + 8 = 12"."""
    return f"{' + '.join(map(str, numbers))} = {sum(numbers)}"


def worked(op: Op, numbers: Sequence[int]) -> list[str]:
    """Lines that end in the value, each an equation."""
    name, args = op
    match name:
        case "sum":
            return [added(numbers)]
        case "sum_mod":
            return [added(numbers), f"{sum(numbers)} mod {args[0]} = {value(op, numbers)}"]
        case "xor":
            lines, sofar = [f"xor of {numbers[0]} = {numbers[0]}"], numbers[0]
            for number in numbers[1:]:
                lines.append(f"{sofar} xor {number} = {sofar ^ number}")
                sofar ^= number
            return lines
        case "range":
            return [f"{max(numbers)} - {min(numbers)} = {value(op, numbers)}"]
        case "max":
            return [f"largest of {commas(numbers)} = {max(numbers)}"]
        case "min":
            return [f"smallest of {commas(numbers)} = {min(numbers)}"]
        case "kth":
            return [f"place {args[0]} of {commas(sorted(numbers))} = {value(op, numbers)}"]
    return [f"count of {commas(sorted(set(numbers)))} = {value(op, numbers)}"]
