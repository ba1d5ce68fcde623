"""Which split an instance belongs to, decided by the instance itself.

The canonical key of an instance is hashed to a point of [0, 1), and every split owns an interval.
So splits are disjoint for all seeds, sizes and levels, with nothing remembered.
"""

from difflib import get_close_matches
from hashlib import blake2b
from typing import Literal, TypeAlias, get_args

from lessonplan.errors import ConfigError

Split: TypeAlias = Literal["train", "warmup", "validation", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)

# In percent, in the order of SPLITS. "warmup" feeds the supervised warm start of the tiny learner,
# which sees tens of thousands of problems and must share none with the other three.
_PERCENT = (50, 30, 10, 10)
_OWNER = tuple(
    split for split, width in zip(SPLITS, _PERCENT, strict=True) for _ in range(width)
)  # of each hundredth


def share(split: Split) -> float:
    """The expected share of all instances that lies in `split`."""
    return _PERCENT[SPLITS.index(check_split(split))] / 100


def key_hash(key: str) -> int:
    """64 bits of the canonical key: its place among the splits, and its identity in a pool."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def split_of(hashed: int) -> Split:
    """The split of the instance whose `key_hash` is given."""
    return _OWNER[hashed * 100 >> 64]


def check_split(split: str) -> Split:
    """Return `split`, or raise ConfigError that names the nearest one."""
    for known in SPLITS:
        if split == known:
            return known
    nearest = get_close_matches(str(split), SPLITS, n=1, cutoff=0.0)[0]
    raise ConfigError(f'no split "{split}"; nearest: {nearest}. All: {", ".join(SPLITS)}')
