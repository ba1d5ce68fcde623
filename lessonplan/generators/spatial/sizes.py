"""Sizes of a level: every setting of the knobs whose work falls into the level's window."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import log2
from typing import TypeAlias

Size: TypeAlias = tuple[int, int]  # two knobs, such as hops and distractors


def ramp(first: int, last: int) -> tuple[float, ...]:
    """log2 of the work of ten levels, in equal steps from `first` to `last`."""
    low, high = log2(first), log2(last)
    return tuple(low + (high - low) * step / 9 for step in range(10))


def hops_and_noise(level: int, fewest: int = 1) -> Iterator[Size]:
    """Hops up to 15 with up to 5 distractors, at most one to two hops, and none at level 1."""
    for hops in range(fewest, 16):
        for noise in range(min(5, hops // 2, level // 2) + 1):
            yield hops, noise


def fitting(
    sizes: Callable[[int], Iterable[Size]],
    work: Callable[[int, Size], int],
    log_work: Sequence[float],
    tolerance: float,
) -> tuple[tuple[Size, ...], ...]:
    """For each level those of its sizes that are within `tolerance` of its log2 work.

    A task whose work follows from its size alone draws one of these and never has to redraw, and
    since the windows do not overlap no two levels share a size.
    """
    levels = tuple(
        tuple(size for size in sizes(level) if abs(log2(work(level, size)) - aim) <= tolerance)
        for level, aim in enumerate(log_work, 1)
    )
    empty = [level for level, fits in enumerate(levels, 1) if not fits]
    if empty:
        raise ValueError(f"no size has the work of levels {empty}; widen the knobs or the windows")
    return levels
