"""Review: bring mastered problems back after a while, before they are forgotten."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import top_k
from lessonplan.selection.ledger import occurrence
from lessonplan.selection.success import SOLVED, Success
from lessonplan.selection.wrappers import Wrapper

_NEVER = 1 << 62  # due when the problem is not mastered
_MASTERED = 2  # visits in a row that were all right


class Review(Wrapper):
    """Give up to a share of the slots to mastered problems whose review is due.

    A problem is mastered when its last two visits were all right. It is due `interval` policy
    steps later, and after r passed reviews interval * 2^r steps after the last visit, at most
    `longest`. The most overdue come first. A visit that is not all right makes the problem an
    ordinary one again, and it starts from the beginning. An all-right visit before it is due
    puts the review off, but passes none.

    The child chooses the other slots among all problems, mastered ones included: most adaptive
    samplers leave those alone by themselves.

    The idea is that of RECALL (2606.03087): repair costs the more the later it comes. Intervals,
    shares and numbers are ours. Use it where the pool is large enough to forget.
    """

    arrays = ("right", "passed", "due")
    values: ClassVar[tuple[str, ...]] = (*Wrapper.values, "credit", "last_reviews")

    def __init__(
        self,
        child: Sampler,
        *,
        share: float = 0.1,
        interval: int = 20,
        longest: int = 320,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"share must lie in [0, 1], got {share!r}")
        if not 1 <= interval <= longest:
            raise ValueError(f"need 1 <= interval <= longest, got {interval!r} and {longest!r}")
        super().__init__([child], seed)
        self.share, self.interval, self.longest = share, interval, longest
        self.success = success
        size = len(self.ledger.busy)
        self.right = np.zeros(size, np.int8)  # (N,) latest visits in a row all right, at most 2
        self.passed = np.zeros(size, np.int8)  # (N,) reviews passed in a row
        self.due = np.full(size, _NEVER)  # (N,) policy step of the next review
        self.credit = 0.0  # the part of a slot that the share has not filled yet
        self.last_reviews = 0  # in the last ask

    def ask(self, n: int) -> Positions:  # (n,)
        self.credit += self.share * n
        at_most = int(self.credit + 1e-9)  # a sum of ten tenths falls short of 1
        self.credit -= at_most
        waiting = np.flatnonzero((self.due <= self.step) & (self.ledger.busy == 0))
        count = min(len(waiting), at_most)
        overdue = (self.step - self.due[waiting]).astype(np.float64)
        first = top_k(self.rng, overdue, count, busy=self.ledger.busy[waiting])
        self.last_reviews = count
        reviews = self.mark(waiting[first])
        return np.concatenate([reviews, self.ask_child(self.children[0], n - count)])

    def tell(self, feedback: Feedback) -> None:
        positions = feedback.positions
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.busy[positions] > occurrence(positions)
        super().tell(feedback)
        heard = was_open & ~np.isnan(wins).all(axis=1)
        all_right = ~(wins == 0).any(axis=1)
        visit = occurrence(positions)
        for number in range(int(visit.max(initial=-1)) + 1):  # each problem once at a time
            now = heard & (visit == number)
            self._visited(positions[now], all_right[now], feedback.policy_steps[now])

    def _visited(
        self, i: Positions, all_right: NDArray[np.bool_], steps: NDArray[np.int64]
    ) -> None:
        passes = self.passed[i] + (self.due[i] <= steps)
        self.passed[i] = np.where(all_right, np.minimum(passes, 62), 0)
        self.right[i] = np.where(all_right, np.minimum(self.right[i] + 1, _MASTERED), 0)
        wait = np.minimum(self.interval * 2.0 ** self.passed[i], self.longest).astype(np.int64)
        self.due[i] = np.where(self.right[i] == _MASTERED, steps + wait, _NEVER)

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "reviews": float(self.last_reviews)}
