"""Presets of parts that prefer problems which the policy solves some of the time."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import Draw, proportional, top_k, uniform
from lessonplan.selection.estimators import EMA, BetaDecay, Last
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.parts import Parts, steps_heard
from lessonplan.selection.rests import Retest
from lessonplan.selection.scores import Array, Scores, hard, learnability, mixed, u
from lessonplan.selection.success import SOLVED, Success


class Learnability(Parts):
    """Draw problems in proportion to p (1 - p), the variance of a 0/1 reward.

    The score of SFL (arXiv 2408.15099) and LILO, learned from the groups of training alone.
    score="mixed" is the chance that a group of `group_size` gives a gradient, "u" the advantage
    mass of a MaxRL group, which likes harder problems. estimate="beta" is a posterior of about two
    groups that counts unseen problems as p = 1/2; "ema" an average of the groups' rates.
    draw="top_k" takes the best instead, which trusts noisy estimates more. Defaults are ours.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        score: Literal["learnability", "mixed", "u"] = "learnability",
        group_size: int = 8,
        estimate: Literal["beta", "ema"] = "beta",
        draw: Literal["proportional", "top_k"] = "proportional",
        floor: float = 0.05,
        warmup: int = 0,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if group_size < 2:
            raise ValueError(f"group_size must be at least 2, got {group_size!r}")
        scores: dict[str, Callable[[Array], Scores]] = {
            "learnability": learnability,
            "mixed": partial(mixed, group_size=group_size),
            "u": partial(u, group_size=group_size),
        }
        estimates: dict[str, type[BetaDecay | EMA]] = {"beta": BetaDecay, "ema": EMA}
        draws: dict[str, Draw] = {"proportional": proportional, "top_k": top_k}
        for name, value, known in (
            ("score", score, scores),
            ("estimate", estimate, estimates),
            ("draw", draw, draws),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        super().__init__(
            pool,
            estimate=estimates[estimate](len(pool)),
            score=scores[score],
            draw=draws[draw],
            floor=floor,
            warmup=warmup,
            success=success,
            seed=seed,
        )


class DifficultyPools(Parts):
    """Weigh problems by the pool that their last group puts them in: hard, normal or easy.

    Solved at most .25: `hard`, at most .75: `normal`, above: `easy`. Unseen problems are normal.
    The rule of prime-rl (Apache-2.0), which draws with replacement; here none comes twice while
    another is free. A weight of 0 is for ever there; here `floor` still finds the problem again.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        hard: float = 0.2,
        normal: float = 1.0,
        easy: float = 0.2,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not min(hard, normal, easy) >= 0:
            raise ValueError(f"weights must be at least 0, got {hard}, {normal}, {easy}")
        super().__init__(
            pool,
            estimate=Last(len(pool)),
            score=partial(pool_weights, hard=hard, normal=normal, easy=easy),
            floor=floor,
            success=success,
            seed=seed,
        )


def pool_weights(p: Array, hard: float = 0.2, normal: float = 1.0, easy: float = 0.2) -> Scores:
    """The weight of the pool that each rate (c,) belongs to; NaN, unseen, is normal."""
    return np.where(p <= 0.25, hard, np.where(p > 0.75, easy, normal))


class HardWeighted(Retest):
    """Draw problems in proportion to 1 - p; test solved and unsolvable ones now and then.

    The sampling of Kimi k1.5 (arXiv 2501.12599), as others report it. Alone it would spend more
    and more on problems that are never solved, hence the `Retest`, which is ours, as is the
    `BetaDecay` estimate.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        every: int = 50,
        share: float = 0.1,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        child = Parts(
            pool,
            estimate=BetaDecay(len(pool)),
            score=hard,
            floor=floor,
            success=success,
            seed=seed,
        )
        super().__init__(child, every=every, share=share, success=success, seed=seed)


class PrioritizedReplay(Retest):
    """Take the problems of highest p (1 - p); test solved and unsolvable ones now and then.

    The queue of Prioritized Replay (arXiv 2601.02648), whose solved and unsolved problems are
    tested again at intervals. Its numbers could not be verified: `every` and `share` are ours.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        every: int = 50,
        share: float = 0.1,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        child = Learnability(pool, draw="top_k", floor=floor, success=success, seed=seed)
        super().__init__(child, every=every, share=share, success=success, seed=seed)


class SFL(Sampler):
    """Half of each batch uniform from the most learnable problems, half uniform from all.

    Sampling for Learnability (arXiv 2408.15099). Every `every` policy steps the `keep` problems
    with the highest p (1 - p), p from their last group, make the learnable half. The paper finds
    them by probing 5,000 problems with rollouts that are not trained on; here there are none such:
    the uniform half, refused groups included, is the probe, and estimates are older.
    """

    positions = ("best",)
    values = ("estimate", "step", "chosen_at")

    def __init__(
        self,
        pool: Pool,
        *,
        keep: int = 1000,
        every: int = 50,
        share: float = 0.5,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if keep < 1 or every < 1:
            raise ValueError(f"keep and every must be at least 1, got {keep} and {every}")
        if not 0 <= share < 1:
            raise ValueError(f"share must lie in [0, 1), got {share!r}: the rest are the probes")
        self.keep, self.every, self.share, self.success = keep, every, share, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.estimate = Last(len(pool))
        self.best = np.empty(0, np.int64)
        self.step = 0  # policy steps heard of
        self.chosen_at = 0  # when the best were chosen

    def ask(self, n: int) -> Positions:  # (n,)
        if self.step >= self.chosen_at + (self.every if len(self.best) else 1):
            self._choose()
        free = self.best[self.ledger.busy[self.best] == 0]
        chosen = self.rng.permutation(free)[: self.rng.binomial(n, self.share)]
        picks = self.ledger.take(chosen)
        blind = uniform(self.rng, n - len(picks), busy=self.ledger.busy)
        return np.concatenate([picks, self.ledger.take(blind)])

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)
        self.estimate.update(feedback.positions[was_open], wins[was_open])
        heard = steps_heard(wins[was_open], feedback.policy_steps[was_open])
        self.step = max(self.step, heard)

    def _choose(self) -> None:
        rates = self.estimate.mean(np.arange(len(self.ledger.busy)))
        seen = np.flatnonzero(rates == rates)
        scores = learnability(rates[seen])
        best = top_k(self.rng, scores, min(self.keep, len(seen)), busy=np.zeros(len(seen), np.int8))
        self.best = np.sort(seen[best[scores[best] > 0]])
        self.chosen_at = self.step

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "learnable": float(len(self.best))}
