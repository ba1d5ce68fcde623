"""Build lists backwards from what tests shall keep: drawn forwards, they often keep nothing."""

from collections.abc import Sequence
from itertools import compress

from lessonplan.generators.counting.filters import draw_filter, kept, mask, ones, visit
from lessonplan.generators.counting.phrases import Op
from lessonplan.generators.streams import Stream

FEWEST = 3  # numbers that pass all tests, at least; ours
_VALUES = 4  # different numbers that each place in the list may take, at least; ours
_NUMBERS = tuple(range(1000))
_LEAST, _MOST = 0.30, 0.85  # share of the numbers before it that a test keeps


def linear(first: float, last: float) -> tuple[float, ...]:
    """Ten levels of log2 work, equally far apart."""
    return tuple(round(first + (last - first) * i / 9, 3) for i in range(10))


def target(stream: Stream, aim: float, tolerance: float) -> float:
    """A number of elementary steps within the tolerance around 2**aim, evenly in log2.

    Sizes are rounded after it, so a tenth of the window stays free on either side.
    """
    return float(2.0 ** (aim + 0.8 * tolerance * (2 * stream.uniform() - 1)))


def sizes(stream: Stream, goal: float, chain: Sequence[Op], last: float) -> list[int] | None:
    """How many numbers stand before each test and after the last: (k + 1,) falling sizes.

    The last size is drawn evenly from what the tests can leave when each keeps 30-85 %, and the
    whole costs about `goal` steps, with `last` steps for every number that passes. None if so few
    would be left that no list can do it.
    """
    k = len(chain)
    visits = [visit(test) for test in chain]
    parts = [0.75 + 0.5 * stream.uniform() for _ in chain]  # how the loss is spread over the tests
    power = 1 / sum(parts)
    parts = [part * power for part in parts]

    def length(final: float) -> float:
        """Numbers in the list if this share of them passes all tests."""
        steps, left = last * final, 1.0
        for part, steps_each in zip(parts, visits, strict=True):
            steps += steps_each * left
            left *= final**part
        return goal / steps

    least, most = _LEAST**k, _MOST**k
    low, high = max(float(FEWEST), least * length(least)), most * length(most)
    if low >= high:
        return None
    passing = low - 0.5 + (high - low + 1) * stream.uniform()
    final = 0.5 * (least + most)
    for _ in range(5):  # length falls with the share: half steps settle
        final = 0.5 * (final + min(passing / length(final), 0.95))
    n = round(length(final))
    result = [n]
    for later, part in zip(range(k - 1, -1, -1), parts, strict=True):
        n = min(max(round(n * final**part), FEWEST + later), n - 1)
        result.append(n)
    return result if n >= FEWEST else None


def cost(chain: Sequence[Op], left: Sequence[int]) -> int:
    """Steps of testing numbers one test after the other; `left` as in `sizes`."""
    return sum(visit(test) * n for test, n in zip(chain, left, strict=False))


def backwards(stream: Stream, chain: Sequence[Op], left: Sequence[int], top: int) -> list[int]:
    """Numbers of 1..top in random order of which exactly `left` pass one test after the other.

    Empty if the tests do not go together: then too few numbers pass some and fail the next.
    """
    some, classes = ones(top) - 1, []  # 0 is no number of ours
    for test, before, after in zip(chain, left, left[1:], strict=False):
        keeps = some & mask(test, top)
        classes.append((some ^ keeps, before - after))
        some = keeps
    classes.append((some, left[-1]))
    if any(values.bit_count() < _VALUES for values, _ in classes):
        return []
    numbers: list[int] = []
    for values, times in classes:
        choices = list(compress(_NUMBERS, values.to_bytes(top + 1, "little")))
        numbers += [stream.choice(choices) for _ in range(times)]
    return stream.shuffled(numbers)


def fewest_lists(shortest: int) -> int:
    """A lower bound of how many lists `backwards` can reach, given the shortest length in use."""
    return int(_VALUES**shortest * shortest)  # values in every place; places of one that passes


def fitting(stream: Stream, numbers: list[int], name: str, top: int) -> tuple[Op, list[int]] | None:
    """A test of this name that keeps some of the numbers but not all, and what it keeps.

    For lists that several tests are put to, so that none can be built backwards: at least 3
    numbers and 30-70 % are kept, which is narrow so that answers do not depend on the kind of
    test. None if no such test is found.
    """
    low, high = max(FEWEST, _LEAST * len(numbers)), (1 - _LEAST) * len(numbers)
    for _ in range(12):
        test = draw_filter(stream, name, top)
        some = kept(test, numbers, top)
        if low <= len(some) <= high:
            return test, some
    return None


def refused(stream: Stream, answer: int) -> bool:
    """Whether to draw again because the answer is 0 or 1: only a quarter of those is let through.

    Both come of every kind of question, so they would be the best of blind guesses.
    """
    return answer in (0, 1) and stream.below(4) > 0


def survivors(chain: Sequence[Op], numbers: list[int], top: int) -> list[list[int]]:
    """What is left after each test, in reading order."""
    result = []
    for test in chain:
        numbers = kept(test, numbers, top)
        result.append(numbers)
    return result


def commas(numbers: Sequence[int]) -> str:
    """Numbers as they stand in prompts and solutions."""
    return ", ".join(map(str, numbers))
