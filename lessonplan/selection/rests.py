"""Rests: keep problems from a sampler for a while, after a visit, many visits, or a clear result."""

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.estimators import Streak
from lessonplan.selection.ledger import Ledger, occurrence
from lessonplan.selection.state import Stateful
from lessonplan.selection.success import SOLVED, Success
from lessonplan.selection.wrappers import Wrapper, family


class Rests(Stateful):
    """Problems kept from a sampler for a while, by extra marks in its ledger.

    Any sampler stays away from busy problems, so it need not know of this. A rest ends early when
    too few other problems are left, so that nothing in flight is asked before something rested.
    Whoever uses it passes on only groups that were open: the marks look like open asks.
    """

    arrays = ("until",)

    def __init__(self, child: Sampler) -> None:
        members = family(child)
        self.marked = [each.ledger for each in members]
        self.leaves = [each.ledger for each in members if not isinstance(each, Wrapper)]
        self.until = np.zeros(len(child.ledger.busy), np.int32)  # (N,) policy step, 0: no rest

    def begin(self, positions: Positions, until: NDArray[np.int64]) -> None:
        """Let problems (c,) rest until policy steps (c,), or longer if they do already."""
        new = np.unique(positions[self.until[positions] == 0])
        np.maximum.at(self.until, positions, until)
        for ledger in self.marked:
            ledger.take(new)

    def end(self, positions: Positions) -> Positions:
        """End the rests of problems (c,), which come back."""
        self.until[positions] = 0
        for ledger in self.marked:
            ledger.release(positions)
        return positions

    def due(self, step: int, rng: np.random.Generator) -> Positions:
        """The problems whose rest is over at this policy step, most overdue first."""
        due = np.flatnonzero((self.until > 0) & (self.until <= step))
        return due[np.lexsort((rng.random(len(due)), self.until[due]))]

    def make_room(self, n: int, rng: np.random.Generator) -> Positions:
        """End the rests that would end first, until n problems are free; returns whose."""
        if all(n <= len(self.until) - ledger.in_flight for ledger in self.leaves):
            return np.empty(0, np.int64)
        busy = np.max([ledger.busy for ledger in self.leaves], axis=0)  # (N,)
        resting = np.flatnonzero(self.until)
        missing = max(0, n - int(np.count_nonzero(busy == 0)))
        # first those that nothing else holds back
        first = np.lexsort((rng.random(len(resting)), self.until[resting], busy[resting]))
        return self.end(resting[first[:missing]])


def open_rows(ledger: Ledger, feedback: Feedback) -> Feedback:
    """The groups with an open ask in `ledger`, which stays as it is."""
    positions = feedback.positions
    rows = ledger.busy[positions] > occurrence(positions)  # (m,)
    return Feedback(positions[rows], feedback.rewards[rows], feedback.policy_steps[rows])


class Cooldown(Wrapper):
    """Ask the child, but after a group at policy step s not before step s + `steps` + 1."""

    values = (*Wrapper.values, "rests")

    def __init__(self, child: Sampler, *, steps: int = 10, seed: int = 0) -> None:
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps!r}")
        super().__init__([child], seed)
        self.steps, self.rests = steps, Rests(child)

    def ask(self, n: int) -> Positions:  # (n,)
        self.rests.end(self.rests.due(self.step, self.rng))
        self.rests.make_room(n, self.rng)
        return self.ask_child(self.children[0], n)

    def tell(self, feedback: Feedback) -> None:
        told = open_rows(self.ledger, feedback)
        super().tell(told)
        heard = ~np.isnan(told.rewards).all(axis=1)
        self.rests.begin(told.positions[heard], told.policy_steps[heard] + self.steps + 1)


class MaxReuse(Wrapper):
    """Ask the child, but each problem at most `n` times, until too few others are left.

    A problem used up comes back, with its count at 0, only when there is nothing else to ask.
    """

    arrays = ("uses",)
    values = (*Wrapper.values, "rests")

    def __init__(self, child: Sampler, *, n: int = 15, seed: int = 0) -> None:
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n!r}")
        super().__init__([child], seed)
        self.n, self.rests = n, Rests(child)
        self.uses = np.zeros(len(self.ledger.busy), np.int32)  # (N,)

    def ask(self, n: int) -> Positions:  # (n,)
        self.uses[self.rests.make_room(n, self.rng)] = 0
        picks = self.ask_child(self.children[0], n)
        np.add.at(self.uses, picks, 1)
        spent = picks[self.uses[picks] >= self.n]
        self.rests.begin(spent, np.full(len(spent), np.iinfo(np.int32).max, np.int64))
        return picks

    def tell(self, feedback: Feedback) -> None:
        super().tell(open_rows(self.ledger, feedback))


class Retest(Wrapper):
    """Ask the child, but set solved and unsolvable problems aside, and test them now and then.

    A problem whose last `patience` groups were all right, or all wrong, rests for `every` policy
    steps. Then it is due, and up to a share `share` of the slots goes to the most overdue. One
    whose new group breaks the streak returns to the child. Two groups, because one of eight
    fails altogether with probability .43 at p = .1. The idea is that of Prioritized Replay
    (arXiv 2601.02648), the numbers are ours.
    """

    values = (*Wrapper.values, "rests", "streak")

    def __init__(
        self,
        child: Sampler,
        *,
        every: int = 50,
        share: float = 0.1,
        patience: int = 2,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if every < 1 or patience < 1:
            raise ValueError(f"every and patience must be at least 1, got {every}, {patience}")
        if not 0 < share <= 1:
            raise ValueError(f"share must lie in (0, 1], got {share!r}")
        super().__init__([child], seed)
        self.every, self.share, self.patience = every, share, patience
        self.success, self.rests = success, Rests(child)
        self.streak = Streak(len(self.ledger.busy))

    def ask(self, n: int) -> Positions:  # (n,)
        slots = int(self.rng.binomial(n, self.share))
        due = self.mark(self.rests.end(self.rests.due(self.step, self.rng)[:slots]))
        missing = n - len(due)
        self.rests.make_room(missing, self.rng)
        return np.concatenate([due, self.ask_child(self.children[0], missing)])

    def tell(self, feedback: Feedback) -> None:
        told = open_rows(self.ledger, feedback)
        super().tell(told)
        wins = self.success(told.rewards)  # (m, G)
        self.streak.update(told.positions, wins)
        settled = self.streak.length(told.positions) >= self.patience
        settled &= (wins == wins).any(axis=1)
        until = told.policy_steps[settled] + self.every + 1
        self.rests.begin(told.positions[settled], until)
