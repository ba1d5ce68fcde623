"""Screen problems with few rollouts, and go on only with those solved sometimes (SPEED)."""

import numpy as np
from numpy.typing import NDArray

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Order, Positions, Purpose, Rewards, Sampler
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.success import SOLVED, Success

_UNSEEN, _DROPPED, _MIXED, _READY = range(4)  # what was last heard of a problem


class SPEED(Sampler):
    """Screen with `n_init` rollouts; a problem solved sometimes continues with `n_cont` more.

    An order first continues the problems that wait for it, oldest screening first, and screens
    with the slots that are left, so that both are generated in one call. One trains on whole
    groups of n_init + n_cont: `lessonplan.curricula.Refill` puts them together, and
    `lessonplan.curricula.Merger` does so in a loop of your own. The screening is one policy step
    older than the rest; both keep their own. The problems to screen come as from `Uniform`, so a
    dropped one is screened again in the next round. Source: SPEED-RL, arXiv 2506.09016; the
    paper screens 64 problems to train on 16 groups of 4 + 20.

    A problem is screening (in flight), then dropped or waiting (mixed, not in flight), then
    continuing (mixed, in flight), then ready; an unscorable part leaves it where it was. Problems
    repeated because the whole pool is in flight are asked as whole groups.

    Use it where most problems are too easy or too hard; a screening of 4 tells p = .05 apart from
    0 in one case of five (1 - .95^4 = .19).
    """

    needs = "an engine with ragged groups"
    shapes_groups = True
    arrays = ("heard", "since")
    positions = ("mixed",)
    values = ("rounds", "screened", "passed")

    def __init__(
        self,
        pool: Pool,
        *,
        n_init: int = 4,
        n_cont: int = 20,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if n_init < 2 or n_cont < 1:
            raise ValueError(
                f"need n_init >= 2, or no screening is mixed, and n_cont >= 1, got {n_init!r} and"
                f" {n_cont!r}"
            )
        self.n_init, self.n_cont, self.success = n_init, n_cont, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), np.zeros(len(pool), np.int8))
        self.rounds = Rounds(np.arange(len(pool)), (seed,))
        self.heard = np.full(len(pool), _UNSEEN, np.int8)  # (N,)
        self.since = np.zeros(len(pool), np.int32)  # (N,) policy step of the last good screening
        self.mixed = np.empty(0, np.int64)  # waiting and continuing, oldest screening first
        self.screened, self.passed = 0, 0  # screenings told, and those of them that were mixed

    def ask(self, n: int) -> Positions:  # (n,)
        return self.order(n).positions

    def order(self, n: int) -> Order:
        waiting = self.mixed[self.ledger.busy[self.mixed] == 0][:n]
        self.ledger.take(waiting)
        left = n - len(waiting)
        fresh = min(left, int(self.ledger.free[0]))
        drawn = fill_slots(np.zeros(left, np.int64), [self.rounds], self.ledger)
        counts = (len(waiting), fresh, left - fresh)
        sizes = (self.n_cont, self.n_init, self.n_init + self.n_cont)
        names: tuple[Purpose, ...] = ("continue", "screen", "train")
        purposes = sum(((name,) * k for name, k in zip(names, counts, strict=True)), ())
        return Order(np.concatenate([waiting, drawn]), np.repeat(sizes, counts), purposes)

    def trainable(self, feedback: Feedback) -> NDArray[np.bool_]:  # (m,)
        """All but the screenings that were not mixed."""
        screens, _ = self._kinds(feedback)
        return ~screens | _is_mixed(self.success(feedback.rewards))

    def tell(self, feedback: Feedback) -> None:
        positions, wins = feedback.positions, self.success(feedback.rewards)  # (m,), (m, G)
        screens, continues = self._kinds(feedback)
        told = self.ledger.release(positions) & ~np.isnan(wins).all(axis=1)
        screens, passes = told & screens, told & screens & _is_mixed(wins)
        self.heard[positions[screens]] = _DROPPED
        self.heard[positions[passes]] = _MIXED
        self.heard[positions[told & continues]] = _READY
        self.since[positions[passes]] = feedback.policy_steps[passes]
        self.screened += int(np.count_nonzero(screens))
        self.passed += int(np.count_nonzero(passes))
        known = np.unique(np.concatenate([self.mixed, positions[passes]]))
        known = known[self.heard[known] == _MIXED]
        self.mixed = known[np.lexsort((known, self.since[known]))]

    def _kinds(self, feedback: Feedback) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(m,) which groups are screenings, and which continue one.

        The tickets say so; feedback without purposes is taken for what was asked for last.
        """
        if feedback.purposes is None:
            continues = self.heard[feedback.positions] == _MIXED
            return ~continues, continues
        names = np.array(feedback.purposes, np.str_)
        return names == "screen", names == "continue"

    def metrics(self) -> dict[str, float]:
        waiting = np.count_nonzero(self.ledger.busy[self.mixed] == 0)
        return {
            **super().metrics(),
            "waiting": float(waiting),
            "continuing": float(len(self.mixed) - waiting),
            "screenings_passed": self.passed / max(1, self.screened),
        }


def _is_mixed(wins: Rewards) -> NDArray[np.bool_]:  # (m,)
    return np.asarray((wins == 1).any(axis=1) & (wins == 0).any(axis=1))
