"""How every problem's success rate went over the epochs of a logged run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import ConfigError
from lessonplan.selection.base import Rewards
from lessonplan.selection.ledger import occurrence
from lessonplan.selection.success import SOLVED, Success

Fill: TypeAlias = Literal["next", "nearest", "none"]
MAX_CELLS = 2**26  # of one table of curves, half a gigabyte (ours)
Rates: TypeAlias = NDArray[np.float64]  # (P, K), NaN where an epoch was not scored


@dataclass(frozen=True, slots=True)
class Curves:
    """The success rate of P problems in each of K epochs, NaN where one was not scored."""

    ids: tuple[str, ...]  # (P,) in order of first appearance
    epochs: tuple[int, ...]  # (K,) ascending
    rates: Rates  # (P, K)
    counts: NDArray[np.int64]  # (P, K) scored rollouts behind each rate

    def pass_rates(self) -> NDArray[np.float64]:  # (P,)
        """The share of all scored rollouts that were solved, NaN where none was scored."""
        solved = np.nansum(self.rates * self.counts, axis=1)
        scored = self.counts.sum(axis=1)
        return np.where(scored > 0, solved / np.maximum(scored, 1), np.nan)

    def first(self, n: int) -> "Curves":
        """The same problems over the first n epochs. Raises ConfigError when there are fewer."""
        if not 1 <= n <= len(self.epochs):
            raise ConfigError(
                f"epochs must lie in 1..{len(self.epochs)}, which is what the log has; got {n!r}"
            )
        return Curves(self.ids, self.epochs[:n], self.rates[:, :n], self.counts[:, :n])

    def usual_length(self) -> int:
        """The largest k such that half of the problems were scored in epoch k or later (ours).

        Where epochs are visits, some problems come once more than others: without a cut, the few
        with the most visits would be the only ones that have no gap.
        """
        known = np.flip(np.maximum.accumulate(np.flip(self.counts > 0, axis=1), axis=1), axis=1)
        reached = known.sum(axis=0)  # (K,) never rises
        return max(1, int(np.count_nonzero(2 * reached >= max(1, reached.max(initial=0)))))


def epoch_curves(
    ids: Sequence[str],
    epochs: Sequence[int] | NDArray[np.int64],
    rewards: Rewards,
    *,
    success: Success = SOLVED,
) -> Curves:
    """Curves from a log of M told groups: problem ids, epochs, raw rewards (M, G).

    Groups of the same problem and epoch are pooled. A log without epochs can count visits:
    `epochs=visit_numbers(ids)`, rows in order of time. The released script calls a reward a
    success when it is exactly 1: `success=Exactly(1.0)`.
    """
    row_of = {name: row for row, name in enumerate(dict.fromkeys(ids))}
    rows = np.array([row_of[name] for name in ids], np.int64)  # (M,)
    return coded_curves(tuple(row_of), rows, np.asarray(epochs), rewards, success=success)


def coded_curves(
    ids: tuple[str, ...],
    rows: NDArray[np.int64],
    epochs: NDArray[np.int64],
    rewards: Rewards,
    *,
    success: Success = SOLVED,
    n_epochs: int | None = None,
) -> Curves:
    """The same from P distinct ids and the row 0..P-1 of each of M groups, without a loop.

    With `n_epochs`, the epochs are 0..n_epochs-1, also those in which nothing was logged.
    """
    if n_epochs is None:
        distinct, columns = np.unique(epochs, return_inverse=True)
    else:
        distinct, columns = np.arange(n_epochs), epochs
    if len(ids) * len(distinct) > MAX_CELLS:
        raise ConfigError(
            f"{len(ids)} problems x {len(distinct)} epochs is above {MAX_CELLS}: is the problem "
            "or the epoch read from the right column?"
        )
    wins = success(np.asarray(rewards, np.float64))  # (M, G)
    scored = ~np.isnan(wins)  # (M, G)
    cells = rows * len(distinct) + columns  # (M,)
    shape = len(ids), len(distinct)

    def added(amounts: NDArray[np.float64]) -> NDArray[np.float64]:  # (M,) -> (P, K)
        sums = np.bincount(cells, amounts, len(ids) * len(distinct))
        return np.asarray(sums, np.float64).reshape(shape)

    solved = added(np.where(scored, wins, 0.0).sum(axis=1))
    counts = added(scored.sum(axis=1).astype(np.float64))
    rates = np.where(counts > 0, solved / np.maximum(counts, 1), np.nan)
    return Curves(ids, tuple(distinct.tolist()), rates, counts.astype(np.int64))


def visit_numbers(ids: Sequence[str]) -> NDArray[np.int64]:
    """(M,) how often each row's problem came before: 0 at its first visit."""
    return occurrence(np.unique(np.asarray(ids, np.str_), return_inverse=True)[1].astype(np.int64))


def fill_gaps(rates: Rates, fill: Fill = "next") -> Rates:
    """Curves (P, K) with gaps filled.

    "next" is the released rule: a gap takes the rate of the epoch after it. So only the last of
    adjacent gaps is filled, and one in the last epoch never. "nearest" takes the nearest known
    epoch, the earlier of two; "none" fills nothing.
    """
    if fill == "none":
        return rates
    known = ~np.isnan(rates)  # (P, K)
    if fill == "next":
        following = np.pad(rates[:, 1:], ((0, 0), (0, 1)), constant_values=np.nan)
        return np.where(known, rates, following)
    if fill != "nearest":
        raise ConfigError(f'fill must be "next", "nearest" or "none", got {fill!r}')
    epoch = np.arange(rates.shape[1])
    far = 2 * len(epoch)
    last = np.maximum.accumulate(np.where(known, epoch, -far), axis=1)
    coming = np.where(known, epoch, far)[:, ::-1]
    first = np.minimum.accumulate(coming, axis=1)[:, ::-1]
    source = np.where(epoch - last <= first - epoch, last, first)
    return np.take_along_axis(rates, np.clip(source, 0, len(epoch) - 1), axis=1)
