"""GRESO: pass over problems that lately gave no gradient, before anything is generated."""

from collections.abc import Callable

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Positions
from lessonplan.selection.draws import Weights, proportional
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.stepwise import Stepwise
from lessonplan.selection.success import SOLVED, Success

_STEP, _LOW, _HIGH = 0.01, 0.05, 0.95  # of the paper: how p_easy and p_hard move, and their bounds
_LONGEST = 1000  # .95^90 is below .01, so longer streaks need no counting


class GRESO(Stepwise):
    """Walk the shuffled pool, and skip a problem by how long its groups have been all the same.

    A problem whose last z groups were all solved (easy), or all failed (hard), is kept with
    probability max(p^z, floor), p being p_easy or p_hard; skipped, it comes up again in the next
    round. After a policy step each p moves by .01 within [.05, .95]: down when its kind had at
    least its share of the groups, up otherwise. The shares are 1/3 and 2/3 of `zero_share`.
    Groups of problems seen for the first time do not count there, since nothing could skip them:
    ours, for the paper's first epoch. A group of one says nothing and is ignored (ours).

    If a whole round does not fill the ask, the rest is drawn in proportion to the probabilities
    of being kept. `floor` .01 is the paper's, relative to a problem that is never skipped.

    Source: Zheng et al., arXiv 2506.02177. Combine it with the gate `ZeroVariance`, which drops
    what gave no gradient all the same, and with `next_batch` for how many to generate then.
    """

    arrays = ("streak", "seen")
    values = ("p_easy", "p_hard", "last_zero_share", "stream", "buffer")

    def __init__(
        self,
        pool: Pool,
        *,
        zero_share: float = 0.25,
        floor: float = 0.01,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= zero_share <= 1:
            raise ValueError(f"zero_share must lie in [0, 1], got {zero_share!r}")
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        self.zero_share, self.floor, self.success = zero_share, floor, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.streak = np.zeros(len(pool), np.int16)  # (N,) z, negative for hard problems
        self.seen = np.zeros(len(pool), np.bool_)  # (N,)
        self.p_easy = self.p_hard = 0.5
        self.last_zero_share = 0.0  # share of the last policy step's groups without a gradient
        self.stream = Stream(np.arange(len(pool)), (seed,))
        self.buffer = StepBuffer()

    def kept(self, positions: Positions) -> Weights:  # (c,)
        """The probability that a problem is not skipped when its turn comes."""
        z = self.streak[positions]
        p = np.where(z > 0, self.p_easy, self.p_hard)
        return np.asarray(np.maximum(p ** np.abs(z), self.floor))

    def ask(self, n: int) -> Positions:  # (n,)
        self.catch_up()
        picks = self.stream.walk(n, self.kept, self.rng, self.ledger)
        missing = n - len(picks)
        if missing:
            chances = self.kept(self.stream.members)  # members are all problems, in order
            rest = proportional(self.rng, chances, missing, busy=self.ledger.busy)
            picks = np.concatenate([picks, self.ledger.take(rest)])
        return picks

    def learn(self, told: ToldStep) -> None:
        """Move the streaks, p_easy and p_hard by the groups of one policy step."""
        group = told.scored > 1
        i = told.positions[group]
        if not len(i):
            return
        easy = (told.solved == told.scored)[group]  # (m,)
        hard = (told.solved == 0)[group]
        self.last_zero_share = float((easy | hard).mean())
        again = self.seen[i]
        if again.any():
            share = float(easy[again].mean())
            self.p_easy = adapted(self.p_easy, share, self.zero_share / 3)
            share = float(hard[again].mean())
            self.p_hard = adapted(self.p_hard, share, self.zero_share * 2 / 3)
        z = self.streak[i]
        longer = np.where(easy, np.maximum(z, 0) + 1, np.where(hard, np.minimum(z, 0) - 1, 0))
        self.streak[i] = np.clip(longer, -_LONGEST, _LONGEST)
        self.seen[i] = True

    def metrics(self) -> dict[str, float]:
        own = {"zero_share": self.last_zero_share, "p_easy": self.p_easy, "p_hard": self.p_hard}
        return {**super().metrics(), **own}


class Stream(Rounds):
    """Rounds whose members may be skipped when their turn comes."""

    def walk(
        self,
        n: int,
        kept: Callable[[Positions], Weights],
        rng: np.random.Generator,
        ledger: Ledger,
    ) -> Positions:
        """Up to n free members in their order, each kept with its chance, marked in the ledger.

        Ends after as many turns as there are members.
        """
        picks, turns = np.empty(0, np.int64), len(self.members)
        while len(picks) < n and turns:
            missing = n - len(picks)
            ahead = self._ahead(min(turns, 8 * missing + 64))
            stays = (rng.random(len(ahead)) < kept(ahead)) & (ledger.busy[ahead] == 0)
            chosen = np.flatnonzero(stays)[:missing]
            walked = int(chosen[-1]) + 1 if len(chosen) == missing else len(ahead)
            self.rest = self.rest[walked:]
            turns -= walked
            picks = np.concatenate([picks, ledger.take(ahead[chosen])])
        return picks


def adapted(p: float, share: float, target: float) -> float:
    """p moved down when the share of its kind reaches the target, up otherwise."""
    return min(max(p - _STEP if share >= target else p + _STEP, _LOW), _HIGH)


def next_batch(
    missing_rollouts: int,
    zero_share: float,
    group_size: int,
    *,
    least: int = 64,
    most: int = 384,
    margin: float = 1.25,
) -> int:
    """How many problems to generate for next, when a batch still lacks `missing_rollouts`.

    missing / (1 - zero_share) / group_size, with a margin, within `least` and `most` (the paper
    samples 384 to train on 256). `zero_share` is the share of groups without a gradient, such as
    `GRESO.last_zero_share`.
    """
    if not 0 <= zero_share <= 1:
        raise ValueError(f"zero_share must lie in [0, 1], got {zero_share!r}")
    if group_size < 1:
        raise ValueError(f"group_size must be at least 1, got {group_size!r}")
    if zero_share == 1:
        return most
    return min(most, max(least, int(missing_rollouts / (1 - zero_share) / group_size * margin)))
