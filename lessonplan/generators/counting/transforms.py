"""Changes of a whole number that is not negative, as words and with what they cost."""

from collections.abc import Sequence

from lessonplan.generators.counting.lists import commas
from lessonplan.generators.counting.phrases import Op, phrase, phrased
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import listed

# Three kinds, by what they do to the size of a number; each diversity adds one of every kind, of
# about the same size, so that answers do not move with it.
_KINDS = (
    ("add", "add_last", "add_odd", "add_split"),
    ("times", "twice_plus", "times_plus", "times_split"),
    ("rem", "dsum", "square_rem", "times_rem"),
)
WORDS = {
    "add": "add {}",
    "add_last": "add its own last digit",
    "add_odd": "add {} if it is odd",
    "add_split": "add {} if it is even and {} if it is odd",
    "times": "multiply by {}",
    "twice_plus": "double it and add {}",
    "times_plus": "multiply by {} and add {}",
    "times_split": "multiply by {} if it is even and by {} if it is odd",
    "rem": "take the remainder when divided by {}",
    "dsum": "take the sum of its digits",
    "square_rem": "square it and take the remainder when divided by {}",
    "times_rem": "multiply by {} and take the remainder when divided by {}",
}
TRANSFORM = phrased(WORDS)
TRANSFORMS = listed(TRANSFORM, "; then ")

# Steps for one number: addition or a look at its parity 1, multiplication or division 2, digit sum 3.
COST = {"add": 1, "add_last": 2, "add_odd": 2, "add_split": 2, "times": 2, "twice_plus": 3}
COST |= {"times_plus": 3, "times_split": 3, "rem": 2, "dsum": 3, "square_rem": 4, "times_rem": 4}


def draw_transforms(stream: Stream, k: int, diversity: int) -> tuple[Op, ...]:
    """k changes, one after the other, of k different kinds; k is at most 3."""
    kinds = stream.shuffled(_KINDS)[:k]
    return tuple(_draw(stream, stream.choice(kind[: diversity + 1])) for kind in kinds)


def _draw(stream: Stream, name: str) -> Op:
    match name:
        case "add" | "twice_plus":
            return name, (stream.between(1, 9),)
        case "add_odd":
            return name, (stream.between(2, 18),)
        case "add_split":
            return name, (stream.between(1, 9), stream.between(10, 12))
        case "times":
            return name, (stream.between(2, 4),)
        case "times_plus":
            return name, (stream.between(2, 3), stream.between(1, 9))
        case "times_split":
            return name, (stream.between(2, 4), stream.between(5, 6))
        case "rem" | "square_rem":
            return name, (stream.between(11, 23),)
        case "times_rem":
            return name, (stream.between(3, 9), stream.between(11, 23))
    return name, ()


def changed(op: Op, numbers: Sequence[int]) -> list[int]:
    """The numbers after a change of each."""
    name, args = op
    match name:
        case "add":
            return [n + args[0] for n in numbers]
        case "add_last":
            return [n + n % 10 for n in numbers]
        case "add_odd":
            return [n + args[0] * (n % 2) for n in numbers]
        case "add_split":
            return [n + args[n % 2] for n in numbers]
        case "times":
            return [n * args[0] for n in numbers]
        case "twice_plus":
            return [2 * n + args[0] for n in numbers]
        case "times_plus":
            return [n * args[0] + args[1] for n in numbers]
        case "times_split":
            return [n * args[n % 2] for n in numbers]
        case "rem":
            return [n % args[0] for n in numbers]
        case "dsum":
            return [sum(map(int, str(n))) for n in numbers]
        case "square_rem":
            return [n * n % args[0] for n in numbers]
        case "times_rem":
            return [n * args[0] % args[1] for n in numbers]
    raise ValueError(f"no change {name!r}; there are {', '.join(WORDS)}")


def worked(ops: Sequence[Op], numbers: Sequence[int]) -> list[str]:
    """A line for each change, with the numbers after it."""
    lines = []
    for op in ops:
        numbers = changed(op, numbers)
        lines.append(f"{phrase(WORDS, op)}: {commas(numbers)}")
    return lines


def after(ops: Sequence[Op], numbers: Sequence[int]) -> Sequence[int]:
    """The numbers after all changes."""
    for op in ops:
        numbers = changed(op, numbers)
    return numbers
