"""LIM: keep the problems whose success rates rise as the average problem's do (LIMR).

Offline, over the log of a whole run: `epoch_curves`, `lim_scores`, `select`. While training:
the sampler `LIM`. Source: Li et al., "LIMR: Less is More for RL Scaling", arXiv 2502.11886.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Rewards, Sampler
from lessonplan.selection.draws import Weights, lottery
from lessonplan.selection.estimators import Curve
from lessonplan.selection.ledger import Ledger, occurrence
from lessonplan.selection.rounds import Rounds
from lessonplan.selection.scores import Scores, lim
from lessonplan.selection.success import SOLVED, Success

Fill = Literal["next", "nearest", "none"]
Compat = Literal["paper", "released"]


@dataclass(frozen=True, slots=True)
class Curves:
    """The success rate of P problems in each of K epochs, NaN where one was not scored."""

    ids: tuple[str, ...]  # in order of first appearance
    epochs: tuple[int, ...]  # ascending
    rates: NDArray[np.float64]  # (P, K)


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
    distinct, columns = np.unique(np.asarray(epochs), return_inverse=True)
    wins = success(np.asarray(rewards, np.float64))  # (M, G)
    solved, scored = np.zeros((2, len(row_of), len(distinct)))
    np.add.at(solved, (rows, columns), np.nansum(wins, axis=1))
    np.add.at(scored, (rows, columns), np.count_nonzero(~np.isnan(wins), axis=1))
    rates = np.where(scored > 0, solved / np.maximum(scored, 1), np.nan)
    return Curves(tuple(row_of), tuple(distinct.tolist()), rates)


def visit_numbers(ids: Sequence[str]) -> NDArray[np.int64]:
    """(M,) how often each row's problem came before: 0 at its first visit."""
    return occurrence(np.unique(np.asarray(ids, np.str_), return_inverse=True)[1].astype(np.int64))


def fill_gaps(rates: NDArray[np.float64], fill: Fill = "next") -> NDArray[np.float64]:
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
        raise ValueError(f'fill must be "next", "nearest" or "none", got {fill!r}')
    epoch = np.arange(rates.shape[1])
    far = 2 * len(epoch)
    last = np.maximum.accumulate(np.where(known, epoch, -far), axis=1)
    coming = np.where(known, epoch, far)[:, ::-1]
    first = np.minimum.accumulate(coming, axis=1)[:, ::-1]
    source = np.where(epoch - last <= first - epoch, last, first)
    return np.take_along_axis(rates, np.clip(source, 0, len(epoch) - 1), axis=1)


def lim_scores(rates: NDArray[np.float64], *, fill: Fill = "next") -> Scores:  # (P,)
    """LIM scores of curves (P, K): 1 on the mean curve, 0 when always solved.

    A curve that still has a gap after `fill` is dropped: it scores NaN and is not in the mean.
    """
    rates = fill_gaps(rates, fill)
    whole = ~np.isnan(rates).any(axis=1)  # (P,)
    scores = np.full(len(rates), np.nan)
    scores[whole] = lim(rates[whole])
    return scores


def select(
    scores: Scores,
    *,
    threshold: float | None = None,
    top: int | None = None,
    compat: Compat = "paper",
) -> Positions:
    """Positions of the kept scores, ascending; NaN is never kept.

    Keeps scores above `threshold` (the paper: 0.6), or the `top` best, ties to the earlier.
    compat="released" keeps scores >= threshold, by default 0.2, as the released script does; the
    released list of 1,389 problems comes from >= 0.6 on scores rounded to two decimals.
    """
    if top is not None:
        if threshold is not None:
            raise ValueError(f"give threshold or top, not both; got {threshold!r} and {top!r}")
        best = np.argsort(-scores, kind="stable")[: min(top, np.count_nonzero(~np.isnan(scores)))]
        return np.sort(best)
    if compat == "released":
        return np.flatnonzero(scores >= (0.2 if threshold is None else threshold))
    return np.flatnonzero(scores > (0.6 if threshold is None else threshold))


class LIM(Sampler):
    """Practice the problems whose latest rates follow the average problem's (rolling form, ours).

    Every problem is asked once, in random order. After that slots are drawn uniformly from the
    problems whose last `window` visits score above `threshold` against the mean curve, where
    column k holds every problem's k-th latest visit; a share `floor` is uniform over the pool. If
    none scores above, all slots are uniform, and an ask is a pass over the pool (250 ms for a
    million problems, measured). Problems that could not be scored yet count as kept.

    `window` 8 is ours (it costs 32 bytes a problem), `threshold` the paper's.
    """

    values = ("unasked", "curve")

    def __init__(
        self,
        pool: Pool,
        *,
        window: int = 8,
        threshold: float = 0.6,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        self.threshold, self.floor, self.success = threshold, floor, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.unasked = Rounds(np.arange(len(pool)), (seed,))  # its first round alone
        self.curve = Curve(len(pool), window)

    def weight(self, positions: Positions) -> Weights:  # (c,)
        """1 for problems to keep, 0 for the others."""
        curves = self.curve.last[positions]  # (c, K)
        unseen = np.isnan(curves[:, -1])
        kept = lim(curves, self.curve.mean()) > self.threshold
        return (unseen | kept).astype(np.float64)

    def ask(self, n: int) -> Positions:  # (n,)
        first = self.unasked.take(min(n, len(self.unasked.rest)), self.ledger)
        missing = n - len(first)
        drawn = lottery(self.rng, self.weight, missing, busy=self.ledger.busy, floor=self.floor)
        return np.concatenate([first, self.ledger.take(drawn)])

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        self.curve.update(feedback.positions[was_open], wins[was_open])

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "unasked": float(len(self.unasked.rest))}
