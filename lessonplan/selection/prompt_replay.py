"""Prompt Replay: ask problems of medium difficulty again, after a pause and not too often."""

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import top_k
from lessonplan.selection.estimators import visits
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.parts import steps_heard
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.scores import target
from lessonplan.selection.success import SOLVED, Success


class PromptReplay(Sampler):
    """Mix fresh problems with ones whose last group was solved about half of the time.

    A told group with a success rate in [`lo`, `hi`] puts its problem into a buffer. Each slot is,
    with chance `share`, the buffered problem nearest to 1/2 (ties at random), else the next of a
    shuffled walk through the pool. A problem rests for `cooldown` policy steps after a group, and
    is replayed at most `max_reuse` times in all; the walk still comes to it. Only prompts are kept:
    the rollouts are fresh, so training stays on-policy. Source: arXiv 2603.21177; band, cooldown
    and cap are as others report them, the share is ours. An ask scans the pool: 1 ms for a
    million problems (measured).
    """

    arrays = ("rate", "until", "reuses")
    values = ("stream", "step", "replayed")

    def __init__(
        self,
        pool: Pool,
        *,
        share: float = 0.5,
        lo: float = 0.25,
        hi: float = 0.75,
        cooldown: int = 10,
        max_reuse: int = 15,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= share < 1:
            raise ValueError(f"share must lie in [0, 1), got {share!r}: the rest is fresh")
        if not 0 <= lo <= hi <= 1:
            raise ValueError(f"need 0 <= lo <= hi <= 1, got {lo!r} and {hi!r}")
        if cooldown < 0 or max_reuse < 0:
            raise ValueError(
                f"cooldown and max_reuse must be at least 0, got {cooldown}, {max_reuse}"
            )
        self.share, self.lo, self.hi = share, lo, hi
        self.cooldown, self.max_reuse, self.success = cooldown, max_reuse, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), np.zeros(len(pool), np.int8))
        self.stream = Rounds(np.arange(len(pool)), (seed,))
        self.rate = np.full(len(pool), np.nan, np.float32)  # (N,) NaN outside the buffer
        self.until = np.zeros(len(pool), np.int32)  # (N,) policy step at which the pause ends
        self.reuses = np.zeros(len(pool), np.int32)  # (N,)
        self.step = 0  # policy steps heard of
        self.replayed = 0  # slots of the last ask

    def ask(self, n: int) -> Positions:  # (n,)
        ready = (self.until <= self.step) & (self.rate == self.rate) & (self.ledger.busy == 0)
        buffer = np.flatnonzero(ready)
        slots = min(int(self.rng.binomial(n, self.share)), len(buffer))
        scores = target(self.rate[buffer])
        best = buffer[top_k(self.rng, scores, slots, busy=np.zeros(len(buffer), np.int8))]
        self.reuses[best] += 1
        self.rate[best] = np.nan  # back in the buffer when its new group says so
        self.replayed = slots
        replays = self.ledger.take(best)
        fresh = fill_slots(np.zeros(n - slots, np.int64), [self.stream], self.ledger)
        return np.concatenate([replays, fresh])

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        told, wins = feedback.positions[was_open], wins[was_open]
        steps = feedback.policy_steps[was_open]
        heard = (wins == wins).any(axis=1)
        np.maximum.at(self.until, told[heard], steps[heard] + self.cooldown + 1)
        self.step = max(self.step, steps_heard(wins, steps))
        for i, k, g in visits(told, wins):
            p = k / g
            wanted = (p >= self.lo) & (p <= self.hi) & (self.reuses[i] < self.max_reuse)
            self.rate[i] = np.where(wanted, p, np.nan)

    def metrics(self) -> dict[str, float]:
        return {
            **super().metrics(),
            "epoch": float(self.stream.round),
            "replayed": float(self.replayed),
        }
