"""How wide the interval of a study will be, before any of its runs: sizes, seeds, items, cost.

    forecast = predict(Layout.grid((50, 200, 800), seeds=3, items=500), pair_of(ratio=2.0))

A guess at both curves and at the noise is propagated through the fit to ln n_B - ln n_A.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from scipy.special import chdtri, expit

from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.efficiency import POWER
from lessonplan.analysis.laws import EFFICIENCY, HILL, Floats
from lessonplan.errors import ConfigError

MARGIN = 1.15  # the bootstrap of independent runs is 1.05 to 1.26 times wider in ln, measured
LEAST_SIZES, LEAST_SPAN, LEAST_SEEDS, LEAST_ITEMS = 4, 16.0, 3, 500  # of a study worth running
FARTHEST_HALF = float(np.log(4.0))  # beyond, a linearized curve says only: very wide; ours


@dataclass(frozen=True, slots=True)
class HillGuess:
    """A believed curve: accuracy = base + (ceiling - base) / (1 + (half / n)^exponent)."""

    base: float = 0.25
    ceiling: float = 0.75
    exponent: float = 1.0
    half: float = 300.0  # size at which half of the gain is made

    def __post_init__(self) -> None:
        if not 0 < self.base < self.ceiling < 1:
            raise ConfigError(
                f"base and ceiling are accuracies with 0 < base < ceiling < 1, got {self.base} and "
                f"{self.ceiling}"
            )
        if not (self.exponent > 0 and self.half > 0):
            raise ConfigError(
                f"exponent and half must be above 0, got {self.exponent} and {self.half}"
            )

    @property
    def theta(self) -> Floats:  # (2,)
        return np.log([self.exponent, self.half])

    def accuracy(self, n: Floats) -> Floats:
        """Accuracy at sizes n (K,), 0 included."""
        return self.ceiling - (self.ceiling - self.base) * HILL.z(n, self.theta)

    def jacobian(self, n: Floats) -> Floats:
        """Derivatives of the accuracy by (base, ceiling, ln exponent, ln half), (K, 4)."""
        z = HILL.z(n, self.theta)[:, None]
        return np.hstack([z, 1 - z, (self.base - self.ceiling) * HILL.slopes(n, self.theta)])

    def log_size(self, target: float) -> float:
        """ln n at which the target is reached."""
        z = (self.ceiling - target) / (self.ceiling - self.base)
        return float(HILL.inverse(np.array(z), self.theta))

    def gradient(self, target: float) -> Floats:
        """Derivatives of `log_size` by (base, ceiling, ln exponent, ln half), (4,)."""
        up, down = target - self.base, self.ceiling - target
        b = self.exponent
        return np.array([-1 / (b * up), -1 / (b * down), np.log(down / up) / b, 1.0])


@dataclass(frozen=True, slots=True)
class Pair:
    """What is believed about two samplers and the noise of a run. All of it can be measured.

    `sd`: of a run's true accuracy from seed to seed. `difficulty`: sd of the items' difficulty in
    logits. `samples`: completions an item in an evaluation. `favor`: sd of ln n_B / n_A from one
    warm start to the next; it counts only where warm starts are the units.
    """

    a: HillGuess
    b: HillGuess
    sd: float = 0.02
    difficulty: float = 1.5
    samples: int = 1
    favor: float = 0.1

    def __post_init__(self) -> None:
        if not (self.sd >= 0 and self.difficulty >= 0 and self.favor >= 0 and self.samples >= 1):
            raise ConfigError(
                "sd, difficulty and favor must be at least 0 and samples at least 1, got "
                f"{self.sd}, {self.difficulty}, {self.favor} and {self.samples}"
            )

    @property
    def target(self) -> float:
        """Half way up: from the mean of the starts to the lower ceiling."""
        base = (self.a.base + self.b.base) / 2
        return (base + min(self.a.ceiling, self.b.ceiling)) / 2


def pair_of(ratio: float, guess: HillGuess | None = None, **noise: float) -> Pair:
    """Two samplers with one curve, B `ratio` times slower; `noise` are fields of `Pair`."""
    if not (ratio > 0 and np.isfinite(ratio)):
        raise ConfigError(f"ratio must be above 0, got {ratio}")
    a = guess or HillGuess()
    return Pair(a, replace(a, half=a.half * ratio), **noise)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Layout:
    """The runs of a study of two samplers.

    With `units` = 0 every run has a seed of its own. With `units` = U, U warm starts (or seeds)
    run through all sizes, and `runs_a`, `runs_b` count the runs of *one* of them in each cell.
    """

    sizes_a: tuple[float, ...]  # (K,)
    sizes_b: tuple[float, ...]
    runs_a: tuple[int, ...]  # (K,)
    runs_b: tuple[int, ...]
    items: int
    units: int = 0

    def __post_init__(self) -> None:
        for sizes, runs in ((self.sizes_a, self.runs_a), (self.sizes_b, self.runs_b)):
            distinct = len(set(sizes))
            if distinct < 2 or distinct < len(sizes) or not 0 < min(sizes) <= max(sizes) < np.inf:
                raise ConfigError(
                    f"sizes must be two or more distinct numbers above 0, got {list(sizes)}"
                )
            if len(runs) != len(sizes) or min(runs) < 1:
                raise ConfigError(f"every size needs a run, got {list(runs)} for {list(sizes)}")
        if self.items < 2:
            raise ConfigError(f"items must be at least 2, got {self.items}")
        if self.units == 1 or self.units < 0:
            raise ConfigError(f"units must be 0 (independent runs) or 2 and more, got {self.units}")

    @classmethod
    def grid(cls, sizes: tuple[float, ...], *, seeds: int, items: int, units: int = 0) -> "Layout":
        """The same sizes and number of runs for both samplers."""
        sizes = tuple(sorted(sizes))
        each = (seeds,) * len(sizes)
        return cls(sizes, sizes, each, each, items, units)

    @property
    def runs(self) -> int:
        """Training runs of both samplers together."""
        return (sum(self.runs_a) + sum(self.runs_b)) * max(self.units, 1)

    @cached_property
    def n(self) -> Floats:
        """Sizes of the base point, the cells of A, and the cells of B, (1 + K + L,)."""
        return np.array([0.0, *self.sizes_a, *self.sizes_b])

    @cached_property
    def count(self) -> Floats:
        """Runs in each of those cells, of one unit where there are units; 1 for the base."""
        return np.array([1.0, *self.runs_a, *self.runs_b])


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a study of a layout will be able to say."""

    layout: Layout
    target: float
    n_a: float  # problems at the target, by the guess
    n_b: float
    error: float  # of the estimated ln n_B / n_A, by the formula
    half: float  # half of the interval of ln n_B / n_A that will be printed
    seen: float  # smallest ratio shown with 80 % power
    formula: str
    notes: tuple[str, ...]

    @property
    def ideal(self) -> float:
        """Upper over lower limit if the error were known and not estimated: exp(3.92 error)."""
        return float(np.exp(3.92 * self.error))

    @property
    def width(self) -> float:
        """Upper over lower limit of the interval to plan with."""
        return float(np.exp(2 * self.half))


def predict(
    layout: Layout, pair: Pair, target: float | None = None, *, parallel: bool = False
) -> Forecast:
    """Predict the interval of n_B / n_A at a target.

    J is the Jacobian of the Hill curves at the guess, P the prior's precision, W the weights of
    the fit, H = (J'WJ + P)^-1 J'W; c = g H says by how much ln n_B - ln n_A moves with each cell.

    Independent runs: se^2 = c Sigma c', Sigma diagonal: (sd^2 + v/M)/S in a cell, v/M at the base
    point, v the mean of p(1-p) over items; half width 1.96 x 1.15 x se. `parallel` is one fit
    with a shared base, ceiling and exponent.

    U warm starts through all sizes: the level that a start gives to all of its cells drops out,
    c_k - sum(c)/K; se_units^2 = (sum c_k^2 (sd^2 + v/M)/S + favor^2)/U; items drawn by themselves
    give se_items^2 = (var over items of sum c_k p_k + sum c_k^2 v/(S U))/M; half width
    sqrt((t(.975, U-1) m se_units)^2 + (1.96 se_items)^2). m sqrt(U-1) is the median of a chi
    variable: half of such studies are narrower.
    """
    target = pair.target if target is None else target
    low, high = max(pair.a.base, pair.b.base), min(pair.a.ceiling, pair.b.ceiling)
    if not low < target < high:
        raise ConfigError(
            f"target must lie inside both curves, between {low:.3g} and {high:.3g}, got {target:.3g}"
        )
    move = moves(layout, pair, target, parallel=parallel)
    error, half, formula, power = (_tied if layout.units else _free)(layout, pair, move)
    return Forecast(
        layout=layout,
        target=target,
        n_a=float(np.exp(pair.a.log_size(target))),
        n_b=float(np.exp(pair.b.log_size(target))),
        error=error,
        half=half,
        seen=float(np.exp(power * half)),
        formula=formula,
        notes=(*_notes(layout, pair, target), *_too_wide(half)),
    )


@dataclass(frozen=True, slots=True)
class Moves:
    """How ln n_B - ln n_A follows the accuracies of the base point and the cells of A and B."""

    all: Floats  # (C,) c = g H, C = 1 + K + L cells
    unit: Floats  # (C,) of one unit, after the level that it gives to all of its cells is out
    noise: Floats  # (C,) variance of a cell of one unit: (sd^2 + v/M)/S, v/M at the base point
    p: Floats  # (D, C) chance of an item of each difficulty
    v: Floats  # (C,) mean of p(1-p), over the completions of an item


def moves(layout: Layout, pair: Pair, target: float, *, parallel: bool = False) -> Moves:
    """Linearize ln n_B - ln n_A about the guess; `parallel` is one fit with c_B = rho c_A."""
    p, v = _items(layout, pair)
    noise = (pair.sd**2 + v / layout.items) / layout.count
    weight = 1 / np.maximum(noise, 1e-12)
    weight[0] = layout.items * pair.samples / (pair.a.base * (1 - pair.a.base))
    noise[0] = v[0] / layout.items
    k = 1 + len(layout.sizes_a)
    a, b = np.arange(k), np.append(0, np.arange(k, len(layout.n)))
    move = np.zeros(len(layout.n))
    if parallel:
        jacobian = np.zeros((len(layout.n), 5))  # base, ceiling, ln exponent, ln half, ln ratio
        jacobian[a, :4] = pair.a.jacobian(layout.n[a])
        jacobian[b[1:], :4] = pair.b.jacobian(layout.n[b[1:]])
        jacobian[b[1:], 4] = jacobian[b[1:], 3]
        move = np.asarray(_hat(jacobian, weight)[4])
    else:
        move[b] += pair.b.gradient(target) @ _hat(pair.b.jacobian(layout.n[b]), weight[b])
        move[a] -= pair.a.gradient(target) @ _hat(pair.a.jacobian(layout.n[a]), weight[a])
    unit = move.copy()
    unit[1:] -= move.sum() / (len(move) - 1)
    return Moves(move, unit, noise, p, v)


def _hat(jacobian: Floats, weight: Floats) -> Floats:
    """H = (J'WJ + P)^-1 J'W: parameters from accuracies, (P, K)."""
    prior = np.zeros(jacobian.shape[1])
    prior[2] = EFFICIENCY.sd**-2  # on ln exponent
    steep = jacobian.T * weight
    return np.asarray(np.linalg.solve(steep @ jacobian + np.diag(prior), steep))


def _free(layout: Layout, pair: Pair, move: Moves) -> tuple[float, float, str, float]:
    """Independent runs: error, half width, formula in words, half widths of the smallest effect."""
    error = float(np.sqrt(move.all**2 @ move.noise))
    formula = f"exp(2 x 1.96 x {MARGIN} x se), se {error:.3f} of ln n_B / n_A; independent runs"
    return error, 1.96 * MARGIN * error, formula, 2.8 / 1.96


def _tied(layout: Layout, pair: Pair, move: Moves) -> tuple[float, float, str, float]:
    """Units that run through all sizes, in the same four numbers as `_free`."""
    units, freedom = layout.units, layout.units - 1
    by_units = float(np.sqrt((move.unit**2 @ move.noise + pair.favor**2) / units))
    together = move.p @ move.all  # of an item of each difficulty, (D,)
    _, weight = _difficulties(pair.difficulty)
    spread = weight @ together**2 - (weight @ together) ** 2
    coins = move.all**2 @ (move.v / (layout.count * units))
    by_items = float(np.sqrt((spread + coins) / layout.items))
    t, median = student(0.975, freedom), np.sqrt(chdtri(freedom, 0.5) / freedom)
    half = float(np.hypot(t * median * by_units, 1.96 * by_items))
    formula = (
        f"exp(2 sqrt((t x {median:.2f} x {by_units:.3f})^2 + (1.96 x {by_items:.3f})^2)), Student's "
        f"t {t:.2f} with {freedom} degrees of freedom over {units} units that run through all "
        "sizes; the second part is from test items"
    )
    return float(np.hypot(by_units, by_items)), half, formula, 1 + student(POWER, freedom) / t


def _notes(layout: Layout, pair: Pair, target: float) -> tuple[str, ...]:
    """What a study of this layout lacks."""
    notes = list[str]()
    ladders = (("A", pair.a, sorted(layout.sizes_a)), ("B", pair.b, sorted(layout.sizes_b)))
    for name, guess, sizes in ladders:
        n = float(np.exp(guess.log_size(target)))
        if not sizes[0] <= n <= sizes[-1]:
            side = "above the largest" if n > sizes[-1] else "below the smallest"
            notes.append(
                f"{name} reaches {target:.3g} at {n:.0f} problems, {side} size: extrapolated"
            )
        elif n > sizes[-2]:
            notes.append(f"{name} reaches {target:.3g} only between its two largest sizes")
    for ladder in sorted({tuple(sizes) for _, _, sizes in ladders}):
        span = ladder[-1] / ladder[0]
        if len(ladder) < LEAST_SIZES or span < LEAST_SPAN:
            notes.append(
                f"{len(ladder)} sizes over {span:.0f}x; {LEAST_SIZES} over {LEAST_SPAN:.0f}x are "
                "the least"
            )
    seeds = min(*layout.runs_a, *layout.runs_b) if not layout.units else layout.units
    if seeds < LEAST_SEEDS:
        words = "warm starts" if layout.units else "seeds"
        notes.append(f"{seeds} {words}; {LEAST_SEEDS} are the least")
    if layout.items * pair.samples < LEAST_ITEMS:
        notes.append(f"{layout.items} test items; {LEAST_ITEMS} are the least")
    return tuple(notes)


def _too_wide(half: float) -> tuple[str, ...]:
    if half <= FARTHEST_HALF:
        return ()
    return ("the curves are not straight over so wide an interval: read it as very wide",)


@cache
def _difficulties(sd: float) -> tuple[Floats, Floats]:
    """Nodes and weights of a normal distribution of item difficulty, each (41,)."""
    nodes, weight = np.polynomial.hermite_e.hermegauss(41)
    return nodes * sd, weight / weight.sum()


def _items(layout: Layout, pair: Pair) -> tuple[Floats, Floats]:
    """Chance of items of each difficulty in every cell (D, C), and the noise v of one item (C,)."""
    k = 1 + len(layout.sizes_a)
    accuracy = np.append(pair.a.accuracy(layout.n[:k]), pair.b.accuracy(layout.n[k:]))
    p = _chances(accuracy, pair.difficulty)
    _, weight = _difficulties(pair.difficulty)
    return p, weight @ (p * (1 - p)) / pair.samples


def _chances(accuracy: Floats, difficulty: float) -> Floats:
    """Success rates at each difficulty with mean `accuracy` (C,): (D, C), by bisection."""
    nodes, weight = _difficulties(difficulty)
    low, high = np.full(accuracy.shape, -40.0), np.full(accuracy.shape, 40.0)
    for _ in range(50):
        middle = (low + high) / 2
        below = weight @ expit(middle - nodes[:, None]) < accuracy
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(expit((low + high) / 2 - nodes[:, None]))


def item_noise(accuracy: float, difficulty: float = 1.5) -> float:
    """v: mean of p(1-p) over items whose difficulty has that sd in logits, at a mean accuracy."""
    p = _chances(np.array([accuracy]), difficulty)
    return float((_difficulties(difficulty)[1] @ (p * (1 - p)))[0])
