"""Practice the problems nearest to a target difficulty that follows the success rate."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import UNKNOWN_LEVEL
from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import Weights, lottery, top_k
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.steps import StepBuffer
from lessonplan.selection.success import SOLVED, Success

EASIEST, HARDEST = 0.0, 100.0  # the scale that eta is made for


class AdaRFT(Sampler):
    """Ask the problems with the least |d - T|, and move the target T after every policy step.

    T <- clip(T + eta tanh(alpha (R - beta)), 0, 100), R the share of the step's scorable rollouts
    that were solved; T starts at `start`. Source: arXiv 2504.05520, whose defaults these are. R is
    a success rate, because a bonus for the format alone would push T up without end.

    `difficulty` (N,) is fixed and lies in [0, 100]; the paper takes 100 (1 - pass rate) of an
    outside model. By default it comes from the levels, evenly spaced: the pool's lowest is 0, its
    highest 100, so that eta means the same in pools of few and of many levels.

    The paper takes the n nearest, which are the same ones for as long as T rests, as it does at
    either end. Ours looks at the 4 n nearest free problems, ties at random, and takes those asked
    least recently; a share `floor` of the slots is uniform. `compat="released"` takes the n
    nearest, the first in the pool where they tie. Costs O(log N + n + open asks) an ask.
    """

    needs: ClassVar[str] = "a difficulty column, or levels"
    arrays = ("asked",)
    values = ("target", "asks", "buffer")

    def __init__(
        self,
        pool: Pool,
        *,
        difficulty: ArrayLike | None = None,
        start: float = 0.0,
        eta: float = 50.0,
        alpha: float = 2.0,
        beta: float = 0.5,
        floor: float = 0.05,
        compat: Literal["paper", "released"] = "paper",
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not EASIEST <= start <= HARDEST:
            raise ValueError(f"start must lie in [0, 100], got {start!r}")
        if not (0 <= eta < math.inf and 0 <= alpha < math.inf and 0 <= beta <= 1):
            raise ValueError(
                f"eta and alpha must be at least 0 and beta lie in [0, 1], got {eta!r},"
                f" {alpha!r}, {beta!r}"
            )
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        if compat not in ("paper", "released"):
            raise ValueError(f'compat must be "paper" or "released", got {compat!r}')
        if difficulty is None:
            difficulty = scaled_levels(pool)
        self.difficulty = np.asarray(difficulty, np.float64)  # (N,)
        _check_difficulty(self.difficulty, len(pool))
        self.by_difficulty = np.argsort(
            self.difficulty, kind="stable"
        )  # (N,) positions, easiest first
        self.ordered = self.difficulty[self.by_difficulty]  # (N,)
        self.eta, self.alpha, self.beta, self.floor = eta, alpha, beta, floor
        self.released, self.success = compat == "released", success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.target = float(start)
        self.asks = 0
        self.asked = np.zeros(len(pool), np.int64)  # (N,) number of the latest ask, 0 for never
        self.buffer = StepBuffer()

    def ask(self, n: int) -> Positions:  # (n,)
        for told in self.buffer.complete(self.ledger.in_flight):
            rate = told.solved.sum() / told.scored.sum()
            step = self.eta * math.tanh(self.alpha * (rate - self.beta))
            self.target = min(max(self.target + step, EASIEST), HARDEST)
        n_uniform = int(np.count_nonzero(self.rng.random(n) < self.floor))
        near = self.ledger.take(self._nearest(n - n_uniform))
        uniform = lottery(self.rng, _even, n_uniform, busy=self.ledger.busy)
        picks = np.concatenate([near, self.ledger.take(uniform)])
        self.asks += 1
        self.asked[picks] = self.asks
        return picks

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)  # (m,)
        self.buffer.add(
            feedback.positions[was_open], wins[was_open], feedback.policy_steps[was_open]
        )

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "target_difficulty": self.target}

    def _nearest(self, n: int) -> Positions:  # (n,)
        """n problems near the target; none is in flight unless too few are free."""
        near, tied = self._candidates(n if self.released else 4 * n)
        if len(near) + len(tied) < n:  # too few are free: a pass over the pool, open asks repeat
            distance = np.abs(self.difficulty - self.target)  # (N,)
            return top_k(self.rng, -distance, n, busy=self.ledger.busy)
        positions = np.concatenate([near, tied])  # (c,)
        if self.released:
            first = np.lexsort((positions, np.abs(self.difficulty[positions] - self.target)))
        else:
            first = np.lexsort((self.rng.random(len(positions)), self.asked[positions]))
        return positions[first[:n]]

    def _candidates(self, k: int) -> tuple[Positions, Positions]:
        """The k free problems nearest to the target: those nearer than the last, those tied with it.

        Fewer, if fewer are free.
        """
        none = np.empty(0, np.int64)
        reach = k + self.ledger.in_flight  # on either side enough for k free problems, or the end
        middle = int(np.searchsorted(self.ordered, self.target))
        window = slice(max(0, middle - reach), middle + reach)
        around = self.by_difficulty[window]  # (w,)
        around = around[self.ledger.busy[around] == 0]
        k = min(k, len(around))
        if k == 0:
            return none, none
        distance = np.abs(self.difficulty[around] - self.target)
        last = np.partition(distance, k - 1)[k - 1]
        near = around[distance < last]
        return near, self._tied(self.difficulty[around[distance == last]], k - len(near))

    def _tied(self, difficulties: Weights, k: int) -> Positions:  # (k,)
        """k free problems of these difficulties, at random; released: the first in the pool.

        A difficulty may be shared by most of the pool, so its problems are named, not listed.
        """
        values = np.unique(difficulties)  # one on either side of the target
        starts = np.searchsorted(self.ordered, values, side="left")
        sizes = np.searchsorted(self.ordered, values, side="right") - starts
        enough = k + self.ledger.in_flight
        if self.released:
            parts = [
                self.by_difficulty[start : start + min(size, enough)]
                for start, size in zip(starts, sizes, strict=True)
            ]
            named = np.sort(np.concatenate(parts))
        else:
            total = int(sizes.sum())
            drawn = self.rng.choice(total, min(total, enough), replace=False)
            run = np.searchsorted(np.cumsum(sizes), drawn, side="right")
            before = np.cumsum(sizes) - sizes
            named = self.by_difficulty[starts[run] + drawn - before[run]]
        return np.asarray(named[self.ledger.busy[named] == 0][:k])


def scaled_levels(pool: Pool) -> NDArray[np.float64]:  # (N,)
    """The levels as difficulties: the pool's lowest 0, its highest 100, evenly between.

    One level alone is 0. Raises PoolError if a problem has no level.
    """
    unknown = int(np.count_nonzero(pool.levels == UNKNOWN_LEVEL))
    if unknown:
        raise PoolError(
            f"AdaRFT needs a difficulty of every problem, and {unknown} of {len(pool)} have no"
            " level; pass difficulty= with numbers in [0, 100]"
        )
    lowest, highest = int(pool.levels.min()), int(pool.levels.max())
    return np.asarray(HARDEST * (pool.levels - lowest) / max(1, highest - lowest))


def _check_difficulty(difficulty: NDArray[np.float64], size: int) -> None:
    if difficulty.shape != (size,):
        raise ValueError(
            f"difficulty must hold one number a problem, ({size},), got {difficulty.shape}"
        )
    outside = ~((EASIEST <= difficulty) & (difficulty <= HARDEST))
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(f"difficulty must lie in [0, 100], got {difficulty[at]} at position {at}")


def _even(positions: Positions) -> Weights:  # (c,)
    return np.ones(len(positions))
