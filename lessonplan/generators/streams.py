"""Random numbers that depend on a text key alone."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Stream:
    """The random numbers of one key: the same on every platform, in every process.

    The key is hashed, never added to: with seed arithmetic, item i of seed s becomes item i - 1
    of seed s + 1. Python promises that `random()` of an integer seed stays as it is; it does not
    promise so for `randrange` and `shuffle`, so everything on top of `random()` is ours.
    """

    __slots__ = ("uniform",)

    uniform: Callable[[], float]  # a number of [0, 1); no method of ours, for the tightest loops

    def __init__(self, key: str) -> None:
        digest = blake2b(key.encode(), digest_size=16).digest()
        self.uniform = Random(int.from_bytes(digest, "big")).random

    def below(self, n: int) -> int:
        """An integer of 0..n-1, for n up to 2**53."""
        return int(self.uniform() * n)

    def between(self, low: int, high: int) -> int:
        """An integer of low..high, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def choice(self, items: Sequence[T]) -> T:
        """One of the items, each equally likely."""
        return items[int(self.uniform() * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order, as a new list."""
        result = list(items)
        random = self.uniform
        for last in range(len(result) - 1, 0, -1):
            other = int(random() * (last + 1))
            result[last], result[other] = result[other], result[last]
        return result
