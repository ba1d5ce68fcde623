"""PLR: replay seen problems by the rank of their last score, and by the time since their ask."""

from typing import Literal

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.blocks import Blocks
from lessonplan.selection.draws import Weights, by_rank, lottery, probabilities, rank_edges, uniform
from lessonplan.selection.estimators import visits
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.scores import Scores, abs_advantage, learnability, staleness
from lessonplan.selection.success import SOLVED, Success


def plr_weights(
    scores: Scores, stale: Weights, *, beta: float = 0.1, stale_share: float = 0.1
) -> Weights:
    """The probability (N,) of each problem: (1 - c) h / sum h + c C / sum C, h = rank^(-1/beta).

    `scores` (N,) are NaN where unseen, which get 0; `stale` (N,) is C. Ties rank in order.
    """
    seen = ~np.isnan(scores)
    order = np.argsort(-scores, kind="stable")[: np.count_nonzero(seen)]
    h, c = np.zeros((2, len(scores)))
    h[order] = np.arange(1.0, len(order) + 1) ** (-1 / beta)
    c[seen] = probabilities(stale[seen])
    return np.asarray((1 - stale_share) * h / max(h.sum(), 1e-300) + stale_share * c)


class PLR(Sampler):
    """Prioritized Level Replay of problems (arXiv 2010.03934), written from the paper's formulas.

    A replay slot is, with chance `stale_share`, a seen problem in proportion to the number of asks
    since its last one, else a seen problem in proportion to rank^(-1/beta) of its score; ranks are
    those among free problems. A score is that of the last group alone: mean |r - mean r|, or
    p (1 - p). Other slots are problems not asked before. schedule="proportionate": once a share
    `rho` of the pool was seen, a slot is a replay with chance that share; "fixed": with chance
    1 - `nu`. `beta`, `stale_share`, `rho` are the paper's; `nu` and the `floor` of uniform slots
    ours. For fresh problems that never repeat use levels instead. Batches of 512 from a million
    take 1 ms; from a `beta` of 1/2, with which low ranks count, they take 28 (measured).
    """

    arrays = ("score", "asked_at")
    values = ("asked",)

    def __init__(
        self,
        pool: Pool,
        *,
        score: Literal["abs_advantage", "learnability"] = "abs_advantage",
        beta: float = 0.1,
        stale_share: float = 0.1,
        schedule: Literal["proportionate", "fixed"] = "proportionate",
        rho: float = 1.0,
        nu: float = 0.5,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        for name, share in {
            "stale_share": stale_share,
            "rho": rho,
            "nu": nu,
            "floor": floor,
        }.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {share!r}")
        if score not in ("abs_advantage", "learnability"):
            raise ValueError(f'score must be "abs_advantage" or "learnability", got {score!r}')
        if schedule not in ("proportionate", "fixed"):
            raise ValueError(f'schedule must be "proportionate" or "fixed", got {schedule!r}')
        self.kind, self.beta, self.stale_share, self.success = score, beta, stale_share, success
        self.schedule, self.rho, self.nu, self.floor = schedule, rho, nu, floor
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.first_asks = np.random.default_rng([seed, 1]).permutation(len(pool))  # of first asks
        self.depth = len(rank_edges(len(pool), beta))  # ranks worth looking at
        self.score = np.full(len(pool), np.nan)  # (N,) of the last group, NaN where unseen
        self.asked_at = np.full(len(pool), -1)  # (N,) number of the last ask, -1 where never asked
        self.asked = 0  # slots asked so far
        self._restored()

    def ask(self, n: int) -> Positions:  # (n,)
        blind = int(self.rng.binomial(n, self.floor))
        seen = self.seen / len(self.score)
        replay = seen if self.schedule == "proportionate" else 1 - self.nu
        replay = replay if seen >= self.rho else 0.0
        picks = [self._unasked(n - blind - int(self.rng.binomial(n - blind, replay)))]
        replays = n - blind - len(picks[0])
        by_age = int(self.rng.binomial(replays, self.stale_share)) if self.seen else 0
        best = self.table.top(self.rng, replays - by_age + self.depth, self.ledger.busy)
        slots = min(replays - by_age, len(best))
        ranked = by_rank(self.rng, best, len(best), slots, self.beta)
        picks.append(self.ledger.take(ranked))
        stale = lottery(self.rng, self._age, by_age, busy=self.ledger.busy)
        picks.append(self.ledger.take(stale))
        missing = n - sum(map(len, picks))  # uniform, and what could not be replayed
        picks.append(self.ledger.take(uniform(self.rng, missing, busy=self.ledger.busy)))
        asks = np.concatenate(picks)
        self.asked_at[asks] = self.asked + np.arange(1, n + 1)
        self.asked += n
        return asks

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        for i, k, g in visits(feedback.positions[was_open], wins[was_open]):
            self.seen += int(np.count_nonzero(np.isnan(self.score[i])))
            self.score[i] = (
                abs_advantage(k, g) if self.kind == "abs_advantage" else learnability(k / g)
            )
            self.table.set(i, self.score[i])

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "seen": self.seen / len(self.score)}

    def _unasked(self, n: int) -> Positions:
        """Up to n problems never asked, marked in the ledger."""
        picks = np.empty(0, np.int64)
        while len(picks) < n and self._cursor < len(self.first_asks):
            ahead = self.first_asks[self._cursor : self._cursor + n - len(picks)]
            self._cursor += len(ahead)
            picks = np.concatenate([picks, ahead[self.asked_at[ahead] < 0]])
        return self.ledger.take(picks)

    def _age(self, positions: Positions) -> Weights:  # (c,) in [0, 1]
        age = staleness(self.asked_at[positions], self.asked) / max(1, self.asked)
        return np.where(np.isnan(self.score[positions]), 0.0, age)

    def _restored(self) -> None:
        unseen = np.isnan(self.score)
        self.table = Blocks(np.where(unseen, -np.inf, self.score))
        self.seen = int(np.count_nonzero(~unseen))
        self._cursor = 0  # in `first_asks`; what was asked is passed over
