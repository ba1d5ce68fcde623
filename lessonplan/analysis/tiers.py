"""Easy, medium and hard: symmetric bands of the levels present, and weights of items by tier."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

TIERS = ("easy", "medium", "hard")
TARGETS = (*TIERS, "mean")  # what an accuracy can be of; "mean" is the plain mean of the tiers


def level_tiers(levels: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """Levels of each tier: the outer bands are equally wide, the middle takes what is left.

    1..5 gives (1, 2), (3,), (4, 5); 1..10 gives 1-3, 4-7, 8-10. One level is all medium, two are
    easy and hard. Level 0 (unknown) belongs to no tier.
    """
    known = sorted({int(level) for level in levels} - {0})
    outer = round(len(known) / 3)  # of 5: 2; of 10: 3; of 4: 1; of 2: 1
    return {
        "easy": tuple(known[:outer]),
        "medium": tuple(known[outer : len(known) - outer]),
        "hard": tuple(known[len(known) - outer :]) if outer else (),
    }


def tier_codes(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position in `TIERS` for each of M items, (M,); -1 where the level is unknown."""
    codes = np.full(len(levels), -1, dtype=np.int64)
    for code, name in enumerate(TIERS):
        codes[np.isin(levels, level_tiers(levels.tolist())[name])] = code
    return codes


def item_weights(levels: NDArray[np.int64], tier: str = "mean") -> NDArray[np.float64]:
    """Weights of M items that sum to 1: items count equally within a tier, (M,).

    For "mean" each tier that has items counts equally. Items of unknown level form one tier of
    their own, so that a test set without levels has the plain mean.
    """
    if tier not in TARGETS:
        raise ValueError(f"tier must be one of {', '.join(TARGETS)}, got {tier!r}")
    codes = tier_codes(levels)
    if tier != "mean":
        codes = np.where(codes == TIERS.index(tier), 0, -2)
        if not (codes == 0).any():
            raise ValueError(f"no item of tier {tier!r}: the levels are {sorted(set(levels))}")
        return np.asarray((codes == 0) / (codes == 0).sum())
    present = np.unique(codes)
    weights = np.zeros(len(levels))
    for code in present:
        weights[codes == code] = 1.0 / (len(present) * (codes == code).sum())
    return weights
