"""BOTS: keep a posterior of every problem's success rate, also of those not tried lately."""

import numpy as np
from numpy.typing import ArrayLike

from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Positions
from lessonplan.selection.cdas import uniform_share
from lessonplan.selection.draws import top_k
from lessonplan.selection.estimators import Rates
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.stepwise import Stepwise
from lessonplan.selection.success import SOLVED, Success

_MANY = 20_000  # problems above which the draw looks at some: a beta draw costs 0.2 us (measured)
_CANDIDATES = 4096  # at least so many then, and 16 a slot
_BLOCK = 1 << 16  # problems updated at once, so that they stay in the cache
_LEAST_GAP = 1e-3  # ours: anchors nearer than this say nothing about the policy


class BOTS(Stepwise):
    """Draw success rates from the posteriors; take the problems whose draw is nearest to 1/2.

    Needs the pass rates f0 of a weak and f1 of a strong model on every problem. A policy step
    with groups of the problems V places the policy between the two,

        c_hat = (mean_V p - mean_V f0) / (mean_V f1 - mean_V f0),   c <- .9 c + .1 c_hat,

    which implies rates q = clip(f0 + c (f1 - f0), 0, 1) for the others. With k of g solved on V,
    with m the mean of g, and with q = p on V, **every** posterior Beta(alpha, beta) becomes

        alpha <- (1 - lam) alpha + lam + (1 - rho) k + rho q m,
        beta  <- (1 - lam) beta  + lam + (1 - rho) (g - k) + rho (1 - q) m.

    So no estimate freezes. With `tau` > 0 the draw is a softmax of -|1/2 - draw| / tau without
    replacement. `halve_rho` halves rho in the steps where q misses V by .25 or more on average.
    A step whose anchors agree on V (to .001) leaves c (ours). Above 20,000 problems the draw is
    among 16 n random candidates, at least 4096 (ours). A share `floor` of the slots is uniform.

    The update is a pass over the pool each policy step: 3 ms for a million problems (measured).
    Source: Shen et al., arXiv 2510.26374, whose examples have lam = rho = .1. Use it when pass
    rates of two models are at hand.
    """

    needs = "pass rates of a weak and a strong model"
    arrays = ("alpha", "beta")
    values = ("competence", "learned", "buffer")

    def __init__(
        self,
        pool: Pool,
        *,
        weak: ArrayLike,
        strong: ArrayLike,
        lam: float = 0.1,
        rho: float = 0.1,
        tau: float = 0.0,
        halve_rho: bool = False,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        for name, share in {"lam": lam, "rho": rho, "floor": floor}.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {share!r}")
        if not 0 <= tau < np.inf:
            raise ValueError(f"tau must be at least 0, got {tau!r}")
        self.lam, self.rho, self.tau, self.halve_rho = lam, rho, tau, halve_rho
        self.floor, self.success = floor, success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.weak = _anchor("weak", weak, len(pool))  # (N,)
        self.rise = _anchor("strong", strong, len(pool)) - self.weak  # (N,)
        self.alpha = np.ones(len(pool))  # (N,)
        self.beta = np.ones(len(pool))  # (N,)
        self.competence = 0.0  # c: 0 is the weak model, 1 the strong one
        self.learned = 0  # policy steps that moved c
        self.buffer = StepBuffer()

    def ask(self, n: int) -> Positions:  # (n,)
        self.catch_up()
        by_floor = uniform_share(self.rng, self.floor, n, self.ledger)
        missing = n - len(by_floor)
        among = self._candidates(missing)  # (c,)
        scores = -np.abs(0.5 - self.rng.beta(self.alpha[among], self.beta[among]))
        if self.tau:  # the largest of score / tau plus Gumbel noise are a softmax draw
            scores = scores / self.tau + self.rng.gumbel(size=len(among))
        best = among[top_k(self.rng, scores, missing, busy=self.ledger.busy[among])]
        return np.concatenate([by_floor, self.ledger.take(best)])

    def learn(self, told: ToldStep) -> None:
        """Update every posterior by the groups of one policy step."""
        i, rate = told.positions, told.solved / told.scored  # (m,)
        gap = float(self.rise[i].mean())
        if abs(gap) > _LEAST_GAP:
            found = float(rate.mean() - self.weak[i].mean()) / (gap + 1e-6)
            self.competence = 0.9 * self.competence + 0.1 * found if self.learned else found
            self.learned += 1
        rho = self.rho if self.learned else 0.0
        if self.halve_rho and np.abs(self.implied(i) - rate).mean() >= 0.25:
            rho /= 2
        seen = [
            (1 - self.lam) * posterior[i] + self.lam + explicit  # as q m is k where q = k / g
            for posterior, explicit in (
                (self.alpha, told.solved),
                (self.beta, told.scored - told.solved),
            )
        ]
        self._expect(rho * float(told.scored.mean()))
        self.alpha[i], self.beta[i] = seen

    def implied(self, positions: Positions | slice) -> Rates:  # (c,)
        """The success rates that the anchors imply for a policy of this competence."""
        return np.clip(self.weak[positions] + self.competence * self.rise[positions], 0.0, 1.0)

    def _expect(self, weight: float) -> None:
        """Forget a little of everything and add `weight` rollouts at the implied rates."""
        for start in range(0, len(self.alpha), _BLOCK):
            block = slice(start, start + _BLOCK)
            solved = weight * self.implied(block)
            for posterior, implied in ((self.alpha, solved), (self.beta, weight - solved)):
                posterior[block] *= 1 - self.lam
                posterior[block] += implied + self.lam

    def _candidates(self, n: int) -> Positions:  # (c,)
        size, wanted = len(self.alpha), max(_CANDIDATES, 16 * n)
        if size > _MANY and 2 * wanted < size:
            some: Positions = self.rng.choice(size, wanted, replace=False)
            free = some[self.ledger.busy[some] == 0]
            if len(free) >= wanted // 2:
                return np.asarray(free)
        return np.arange(size)

    def metrics(self) -> dict[str, float]:
        return {**super().metrics(), "competence": self.competence}


def _anchor(name: str, rates: ArrayLike, size: int) -> Rates:
    column = np.asarray(rates, np.float64)
    if column.shape != (size,):
        raise PoolError(f"{name} must hold {size} pass rates, one a problem, got {column.shape}")
    if not np.all((column >= 0) & (column <= 1)):
        worst = int(np.argmin((column >= 0) & (column <= 1)))
        raise PoolError(
            f"{name} must hold pass rates in [0, 1], got {column[worst]} at position {worst}"
        )
    return column
