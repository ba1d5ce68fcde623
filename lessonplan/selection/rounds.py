"""A list of problems, each asked once a round, in an order that is shuffled anew every round."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.state import State, Stateful

_LOOK_AHEAD = 64  # places looked at beyond those needed, to pass busy problems in one stride


class Rounds(Stateful):
    """Walks `members` (c,) round after round; after e rounds each was asked exactly e times.

    A member that is still in flight when its turn comes is passed over, owed, and served first
    once it is free. The order of round e comes from `(*key, e)` alone. A call costs O(n), and
    O(c) when a round begins.
    """

    positions = ("rest", "owed")
    values = ("round",)

    def __init__(self, members: Positions, key: tuple[int, ...]) -> None:
        self.members, self.key = members.astype(np.int64), key
        self.round = 0
        self.rest = self._shuffled()  # members still to come in this round
        self.owed = np.empty(0, np.int64)  # members passed over while busy

    def take(self, n: int, ledger: Ledger) -> Positions:  # (n,)
        """The next n free members, marked in the ledger; at least n must be free."""
        first = np.flatnonzero(ledger.busy[self.owed] == 0)[:n]
        picks = [ledger.take(self.owed[first])]
        self.owed = np.delete(self.owed, first)
        missing = n - len(first)
        while missing:
            ahead = self._ahead(missing + _LOOK_AHEAD)
            busy = ledger.busy[ahead] > 0
            chosen = np.flatnonzero(~busy)[:missing]
            walked = chosen[-1] + 1 if len(chosen) == missing else len(ahead)
            passed = ahead[:walked][busy[:walked]]
            self.owed = np.concatenate([self.owed, passed[~np.isin(passed, self.owed)]])
            self.rest = self.rest[walked:]
            picks.append(ledger.take(ahead[chosen]))
            missing -= len(chosen)
        return np.concatenate(picks)

    def again(self, n: int, ledger: Ledger) -> Positions:  # (n,)
        """The next n members whether busy or not, for when no free one is left."""
        picks = [self.owed[:n]]
        self.owed = self.owed[n:]
        missing = n - len(picks[0])
        while missing:
            ahead = self._ahead(missing)
            self.rest = self.rest[len(ahead) :]
            picks.append(ahead)
            missing -= len(ahead)
        return ledger.take(np.concatenate(picks))

    def stride(self, n: int, busy: NDArray[np.int32]) -> Positions | None:
        """The next n members if they are free and nothing else is to be done; not marked."""
        ahead = self.rest[:n]
        if len(self.owed) or len(ahead) < n or busy[ahead].any():
            return None
        self.rest = self.rest[n:]
        return ahead

    def remap(self, state: State, old_positions: NDArray[np.int64]) -> State:
        """See `Stateful.remap`: new members join the round at random places."""
        moved = super().remap(state, old_positions)
        rest, owed = np.asarray(moved["rest"]), np.asarray(moved["owed"])
        rest, owed = rest[np.isin(rest, self.members)], owed[np.isin(owed, self.members)]
        new = self.members[old_positions[self.members] < 0]
        rng = np.random.default_rng([*self.key, len(self.members), len(rest)])
        moved["rest"] = np.insert(rest, rng.integers(len(rest) + 1, size=len(new)), new)
        moved["owed"] = owed
        return moved

    def _ahead(self, n: int) -> Positions:
        if not len(self.rest):
            self.round += 1
            self.rest = self._shuffled()
        return self.rest[:n]

    def _shuffled(self) -> Positions:
        return np.random.default_rng([*self.key, self.round]).permutation(self.members)


def fill_slots(turns: NDArray[np.int64], lists: Sequence[Rounds], ledger: Ledger) -> Positions:
    """Fill n slots from several lists: slot s gets the next problem of list `turns[s]`.

    Rounds c must be list c of the ledger. A list without free problems repeats its own.
    """
    picks = np.empty(len(turns), np.int64)  # (n,)
    order = np.argsort(turns, kind="stable")  # (n,) slots by list
    ends = np.cumsum(np.bincount(turns, minlength=len(lists)))  # (C,)
    ahead = [np.empty(0, np.int64)]  # slots of lists whose next problems are simply free
    for c in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
        slots = order[ends[c - 1] if c else 0 : ends[c]]
        stride = lists[c].stride(len(slots), ledger.busy)
        if stride is not None:
            picks[slots] = stride
            ahead.append(slots)
            continue
        fresh = min(len(slots), int(ledger.free[c]))
        picks[slots[:fresh]] = lists[c].take(fresh, ledger)
        picks[slots[fresh:]] = lists[c].again(len(slots) - fresh, ledger)
    ledger.take(picks[np.concatenate(ahead)])  # all at once: lists share no problem
    return picks
