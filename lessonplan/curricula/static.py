"""Fixed choices by difficulty: only the easy problems, or a mixture that never changes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool, level_tiers
from lessonplan.selection.base import Positions, Sampler
from lessonplan.selection.draws import Exact
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots

Tiers = Mapping[str, Sequence[int]]  # name of a tier -> its levels


class EasyOnly(Sampler):
    """Practice only the easy tier, each of its problems equally often.

    The baseline of "Learning from Less" (2604.18381). `tiers` names levels; by default three bands of
    the pool's levels. Raises PoolError when the pool has no easy problem.
    """

    unit = "level"
    needs = "levels"
    values = ("rounds",)

    def __init__(self, pool: Pool, *, tiers: Tiers | None = None, seed: int = 0) -> None:
        codes = tier_codes(pool, tiers, ["easy"])  # (N,)
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), codes)
        self.rounds = Rounds(np.flatnonzero(codes == 0), (seed, 0))

    def ask(self, n: int) -> Positions:  # (n,)
        return fill_slots(np.zeros(n, np.int64), [self.rounds], self.ledger)

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "epoch": float(self.rounds.round)}


class FixedMixture(Sampler):
    """Practice the tiers in fixed proportions, by default a third each.

    Counts follow the weights to less than one slot over any number of asks, single ones included,
    as long as every tier has free problems; one that has none lends its slots to the others and
    gets them back later. Each tier is walked by its own shuffled list, so its problems come
    equally often. A tier of weight 0 is never asked. Raises PoolError when a wanted tier is empty.
    """

    unit = "level"
    needs = "levels"
    values = ("mixture", "lists")

    def __init__(
        self,
        pool: Pool,
        *,
        weights: Mapping[str, float] | None = None,
        tiers: Tiers | None = None,
        seed: int = 0,
    ) -> None:
        if weights is None:
            weights = dict.fromkeys(tiers or level_tiers(np.unique(pool.levels)), 1.0)
        if not all(0 <= weight < np.inf for weight in weights.values()) or not any(
            weights.values()
        ):
            raise ValueError(f"weights must be finite, at least 0, not all 0; got {dict(weights)}")
        self.tiers = [name for name, weight in weights.items() if weight > 0]
        codes = tier_codes(pool, tiers, self.tiers)  # (N,)
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), codes)
        self.mixture = Exact([weights[name] for name in self.tiers])
        self.lists = tuple(
            Rounds(np.flatnonzero(codes == c), (seed, c)) for c in range(len(self.tiers))
        )

    def ask(self, n: int) -> Positions:  # (n,)
        turns = self.mixture.turns(n, free=self.ledger.free)
        return fill_slots(turns, self.lists, self.ledger)

    def metrics(self) -> dict[str, float]:
        given = self.mixture.given
        shares = given / max(1, given.sum())
        return {
            **super().metrics(),
            **{
                f"asked_{name}": float(share)
                for name, share in zip(self.tiers, shares, strict=True)
            },
        }


def tier_codes(pool: Pool, tiers: Tiers | None, wanted: Sequence[str]) -> NDArray[np.int64]:
    """(N,) which of the `wanted` tiers each problem is in, -1 for none; PoolError if one is empty."""
    if tiers is None:
        tiers = level_tiers(np.unique(pool.levels))
    codes = np.full(len(pool), -1)
    for c, name in enumerate(wanted):
        if name not in tiers:
            raise ValueError(f"no tier {name!r}; the tiers are {', '.join(tiers)}")
        inside = np.isin(pool.levels, tiers[name])
        if np.any(codes[inside] >= 0):
            raise ValueError(f"tier {name!r} shares levels with another: {dict(tiers)}")
        codes[inside] = c
    for c, name in enumerate(wanted):
        if not np.any(codes == c):
            present = ", ".join(
                f"{tier} {np.isin(pool.levels, levels).sum()}" for tier, levels in tiers.items()
            )
            raise PoolError(
                f"tier {name!r} (levels {', '.join(map(str, tiers[name])) or 'none'}) is empty;"
                f" this pool has {present}, and {np.sum(pool.levels == 0)} without a level"
            )
    return codes
