"""Follow the learning progress through a space of knobs, with a mixture of Gaussians."""

from itertools import chain
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessonplan.curricula.gaussian_mixtures import best_mixture
from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import Weights, lottery, probabilities
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.state import Stateful
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.success import SOLVED, Success

Vectors = NDArray[np.float64]  # (..., K) knobs in [0, 1]

FEWEST, MOST = 2, 10  # Gaussians of a mixture
NEIGHBORS = 6  # groups to be remembered before a difference counts as progress


class ALPGMM(Sampler):
    """Ask problems whose knobs lie where success rates change most, up or down.

    A group's absolute learning progress is ALP = |r - r'|: r its success rate, r' that of the
    group nearest to it in knobs among those of earlier policy steps, the latest of equally near
    ones; 0 while fewer than 6 are remembered. After every `refit` groups, mixtures of 2..10
    Gaussians are fitted to (knobs, ALP) of the last `refit`, and the best by AIC stays. A slot
    goes to a Gaussian in proportion to its mean ALP, to a point drawn from it, and to the free
    problem nearest to that point. Until the first fit, and for a share `floor` of the slots ever
    after, problems are drawn uniformly. Source: arXiv 1910.07224, whose defaults these are.

    `knobs` (N, K) are numbers such as lengths and sizes that problems were generated with, each
    scaled here to [0, 1]. By default they are the level, and one column a family if there are
    several, which suits a few families; a pool with other families then needs a fresh sampler.
    Ours: rates of groups instead of one episode's return, 10 `refit` groups remembered instead of
    all, problems of the pool instead of fresh ones. Use it when knobs are many and what they do
    is unknown. A fit takes a few milliseconds for one or two knobs.
    """

    unit: ClassVar[str] = "knobs"
    needs: ClassVar[str] = "levels, or knob columns"
    values = ("told", "heard", "fits", "mixture", "buffer")

    def __init__(
        self,
        pool: Pool,
        *,
        knobs: ArrayLike | None = None,
        refit: int = 250,
        floor: float = 0.2,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if refit < MOST:
            raise ValueError(f"refit must be at least {MOST}, got {refit!r}")
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        self.knobs = scaled(level_knobs(pool) if knobs is None else knobs, len(pool))  # (N, K)
        self.refit, self.floor, self.success = refit, floor, success
        self.places = Places(self.knobs)
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        n_knobs = self.knobs.shape[1]
        # (10 refit, K + 2) knobs, ALP and rate of the last groups, newest last, NaN before the first
        self.told = np.full((10 * refit, n_knobs + 2), np.nan)
        self.heard = 0  # groups so far
        self.fits = 0  # `heard` at the latest fit, in units of `refit`
        self.mixture = Mixture(n_knobs)
        self.buffer = StepBuffer()

    def ask(self, n: int) -> Positions:  # (n,)
        for told in self.buffer.complete(self.ledger.in_flight):
            self._learn(told)
        if self.heard // self.refit > self.fits:
            self.fits = self.heard // self.refit
            self.mixture.fit(self.told[-self.refit :, :-1], self.rng)
        guided = 0
        if self.mixture.size and self.ledger.in_flight + n <= len(self.knobs):
            guided = int(np.count_nonzero(self.rng.random(n) >= self.floor))
        points = self.mixture.draw(guided, self.rng)
        near = self.ledger.take(self.places.nearest_free(points, self.ledger, self.rng))
        uniform = lottery(self.rng, _even, n - guided, busy=self.ledger.busy)
        return np.concatenate([near, self.ledger.take(uniform)])

    def tell(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)  # (m,)
        self.buffer.add(
            feedback.positions[was_open], wins[was_open], feedback.policy_steps[was_open]
        )

    def metrics(self) -> dict[str, float]:
        latest = self.told[-min(self.refit, self.heard) :, -2] if self.heard else np.zeros(1)
        return {
            "learning_progress": float(latest.mean()),
            "gaussians": float(self.mixture.size),
            **super().metrics(),
        }

    def _learn(self, told: ToldStep) -> None:
        knobs = self.knobs[told.positions]  # (m, K)
        rates = told.solved / told.scored  # (m,)
        earlier = self.told[max(0, len(self.told) - self.heard) :]
        progress = np.zeros(len(rates))
        if len(earlier) >= NEIGHBORS:
            progress = np.abs(rates - _nearest(earlier[:, :-2], earlier[:, -1], knobs))
        rows = np.column_stack([knobs, progress, rates])  # (m, K + 2)
        self.told = np.concatenate([self.told, rows])[-len(self.told) :]
        self.heard += len(rows)


class Mixture(Stateful):
    """Gaussians over the knobs, each with its mean learning progress; none before the first fit."""

    values = ("size", "progress", "centers", "factors")

    def __init__(self, n_knobs: int) -> None:
        self.size = 0
        self.progress = np.zeros(MOST)  # (10,) mean ALP
        self.centers = np.zeros((MOST, n_knobs))  # (10, K)
        self.factors = np.zeros((MOST, n_knobs, n_knobs))  # (10, K, K) of the covariances

    def fit(self, rows: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Fit (knobs, ALP) rows (M, K + 1), and keep the best number of Gaussians by AIC."""
        best = best_mixture(rows, range(FEWEST, MOST + 1), rng)
        if best is None:  # all rows are alike
            self.size = 0
            return
        self.size = len(best.means)
        now = slice(self.size)
        self.progress[now] = np.maximum(best.means[:, -1], 0.0)
        self.centers[now] = best.means[:, :-1]
        # dropping a coordinate of a Gaussian drops its row and column of the covariance
        self.factors[now] = np.linalg.cholesky(best.covariances[:, :-1, :-1])

    def draw(self, n: int, rng: np.random.Generator) -> Vectors:  # (n, K)
        """Points from the Gaussians, each chosen in proportion to its progress."""
        noise = rng.standard_normal((n, self.centers.shape[1]))  # (n, K)
        if n == 0:
            return noise
        mine = rng.choice(self.size, n, p=probabilities(self.progress[: self.size]))  # (n,)
        points = self.centers[mine] + np.einsum("nij,nj->ni", self.factors[mine], noise)
        return np.asarray(np.clip(points, 0.0, 1.0))


class Places:
    """The problems by their knobs: a tree over the distinct vectors, and who is at each."""

    def __init__(self, knobs: Vectors) -> None:
        from scipy.spatial import KDTree

        self.by_place = np.lexsort(knobs.T)  # (N,) positions, those of one vector side by side
        ordered = knobs[self.by_place]
        changes = np.any(ordered[1:] != ordered[:-1], axis=1)
        self.edges = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(knobs)]])  # (V + 1,)
        self.tree = KDTree(ordered[self.edges[:-1]])

    def nearest_free(
        self, points: Vectors, ledger: Ledger, rng: np.random.Generator
    ) -> Positions:  # (n,)
        """The free problem nearest to each of n points, none twice; at least n must be free.

        Among problems with the same knobs it is one at random. Costs O(n log N), and more where
        many points crowd around few problems.
        """
        picks = np.full(len(points), -1)  # (n,)
        starts = rng.random(len(points))
        taken: set[int] = set()
        full: set[int] = set()

        def free_at(place: int, start: float) -> int:
            """A free problem at a place, looked for from a random one on; -1 if there is none."""
            if place in full:
                return -1
            first, end = int(self.edges[place]), int(self.edges[place + 1])
            skip = int(start * (end - first))
            for index in chain(range(first + skip, end), range(first, first + skip)):
                position = int(self.by_place[index])
                if position not in taken and not ledger.busy[position]:
                    return position
            full.add(place)
            return -1

        waiting, reach = np.arange(len(points)), 8
        while len(waiting):
            ranks = np.arange(1, min(reach, self.tree.n) + 1)
            places = self.tree.query(points[waiting], k=ranks)[1]  # (w, reach) nearest first
            tries = self._at(places[:, 0], starts[waiting])  # (w,) what most slots end up with
            is_busy = (ledger.busy[tries] > 0).tolist()
            for row, slot, position in zip(
                range(len(waiting)), waiting.tolist(), tries.tolist(), strict=True
            ):
                if is_busy[row] or position in taken:
                    found = (free_at(place, starts[slot]) for place in places[row].tolist())
                    position = next((each for each in found if each >= 0), -1)
                picks[slot] = position
                taken.add(position)
            waiting, reach = np.flatnonzero(picks < 0), 8 * reach
        return picks

    def _at(self, places: NDArray[np.int64], starts: Weights) -> Positions:  # (n,)
        """Of each place the problem that is `starts` of the way through its list."""
        first, end = self.edges[places], self.edges[places + 1]
        return np.asarray(self.by_place[first + (starts * (end - first)).astype(np.int64)])


def level_knobs(pool: Pool) -> NDArray[np.float64]:  # (N, K)
    """The level, 0 if unknown, and if there are several families a column of 0 and 1 for each."""
    families = np.arange(len(pool.families)) if len(pool.families) > 1 else np.empty(0)
    return np.column_stack([pool.levels, pool.family_codes[:, None] == families]).astype(np.float64)


def scaled(knobs: ArrayLike, size: int) -> Vectors:  # (N, K)
    """Each knob from its least value 0 to its largest 1; one that never varies is 0."""
    given = np.asarray(knobs, np.float64)
    columns = given[:, None] if given.ndim == 1 else given
    if columns.ndim != 2 or len(columns) != size:
        raise ValueError(f"knobs must have the shape ({size}, K), got {given.shape}")
    if not np.isfinite(columns).all():
        raise ValueError("knobs must be finite")
    spread = np.ptp(columns, axis=0)  # (K,)
    if not spread.any():
        raise PoolError("ALPGMM needs a knob that varies: levels, several families, or knobs=")
    return np.asarray((columns - columns.min(axis=0)) / np.where(spread > 0, spread, 1.0))


def _nearest(earlier: Vectors, rates: Weights, knobs: Vectors) -> Weights:  # (m,)
    """Of the `earlier` groups (e, K), the rate of the one nearest to each of `knobs` (m, K)."""
    from scipy.spatial import KDTree

    order = np.lexsort(earlier.T)  # stable: of equal vectors the latest is the last
    ordered = earlier[order]
    last = np.append(np.any(ordered[1:] != ordered[:-1], axis=1), True)
    return np.asarray(rates[order[last]][KDTree(ordered[last]).query(knobs)[1]])


def _even(positions: Positions) -> Weights:  # (c,)
    return np.ones(len(positions))
