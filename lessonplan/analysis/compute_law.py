"""Loss against model size and data, L = E + A N^-alpha + B D^-beta, with thousands of resamples.

The compute-optimal law of Hoffmann et al. (arXiv 2203.15556), fitted as Besiroglu et al. (arXiv
2404.10102) do: Huber loss on log residuals, summed and not averaged, since an average stops an
optimizer with an absolute tolerance early. A and B are hardly identified alone: report exponents
and predictions.
"""

from dataclasses import dataclass

import numpy as np

from lessonplan.analysis.extrapolate import check_reach
from lessonplan.analysis.laws import Floats
from lessonplan.errors import ConfigError

DELTA = 1e-3  # of the Huber loss: nearly absolute, as log residuals are about 0.01
UNITS = 1e9, 1e10  # parameters and tokens are scaled by these, so that ln A and ln B stay small
CHUNK = 250  # resamples that advance together: their arrays stay in the cache
STEPS = 100  # at most; a typical row takes 10
NAMES = ("A", "B", "E", "alpha", "beta")


@dataclass(frozen=True, slots=True)
class ComputeLaw:
    """Fitted rows of the law; row 0 is the data as observed, the rest are resamples."""

    A: Floats  # (B,)
    B: Floats  # (B,)
    E: Floats  # (B,) loss of an infinite model with infinite data
    alpha: Floats  # (B,)
    beta: Floats  # (B,)
    objective: Floats  # (B,) summed Huber loss, of each row's own data
    largest: tuple[float, float]  # of the parameters N and the tokens D

    def interval(self, name: str) -> tuple[float, float]:
        """95 % percentile interval of A, B, E, alpha or beta. Raises ConfigError for others."""
        if name not in NAMES:
            raise ConfigError(f"no parameter {name!r}; known: {', '.join(NAMES)}")
        return self._limits(getattr(self, name))

    def rows(self, n: float, d: float) -> Floats:
        """Loss of n parameters trained on d tokens, all resamples: (B,)."""
        return np.asarray(self.E + self.A * n**-self.alpha + self.B * d**-self.beta)

    def predict(self, n: float, d: float, *, force: bool = False) -> tuple[float, float, float]:
        """Loss of n parameters trained on d tokens, and the limits of its bootstrap interval.

        The limits are NaN beyond the largest n or d, where a bootstrap says too little; more than
        8 times beyond, ValueError is raised unless `force`.
        """
        rows = self.rows(n, d)
        for value, largest in zip((n, d), self.largest, strict=True):
            check_reach(value, largest, force=force)
            if value > largest:
                return float(rows[0]), float("nan"), float("nan")
        return float(rows[0]), *self._limits(rows)

    def share(self) -> Floats:
        """Exponent a of N_opt ~ FLOP^a, beta / (alpha + beta): (B,)."""
        return self.beta / (self.alpha + self.beta)

    def optimal(self, flop: float) -> tuple[Floats, Floats]:
        """Parameters and tokens with the lowest loss for a budget of 6 N D FLOP: (B,) each."""
        ratio = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        n = ratio * (flop / 6) ** self.share()
        return n, flop / (6 * n)

    def _limits(self, rows: Floats) -> tuple[float, float]:
        if len(rows) < 21:
            raise ConfigError(
                f"an interval needs 20 resamples, got {len(rows) - 1}: resamples=1000"
            )
        low, high = np.percentile(rows[1:], [2.5, 97.5])
        return float(low), float(high)


def fit_compute_law(
    parameters: Floats,
    tokens: Floats,
    loss: Floats,
    *,
    resamples: int = 0,
    seed: int = 0,
    counts: Floats | None = None,
    delta: float = DELTA,
) -> ComputeLaw:
    """Fit L = E + A N^-alpha + B D^-beta to R training runs.

    parameters N, tokens D and loss are (R,), all above 0. `resamples` draws runs with replacement;
    `counts` (B, R) gives the draws instead, how often each run is in each. Raises ConfigError with
    fewer than six runs or values that are not above 0.
    """
    n, d, y = (np.asarray(a, dtype=float).ravel() for a in (parameters, tokens, loss))
    if not len(n) == len(d) == len(y) or len(n) < 6:
        raise ConfigError(
            "parameters, tokens and loss must be equally many and at least six, got "
            f"{len(n)}, {len(d)} and {len(y)}"
        )
    for name, values in (("parameters", n), ("tokens", d), ("loss", y)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise ConfigError(f"{name} must be above 0, got {values[~(values > 0)][:3]}")
    runs = len(y)
    if counts is None:
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(runs, np.full(runs, 1 / runs), resamples).astype(float)
    data = _Data(np.log(n / UNITS[0]), np.log(d / UNITS[1]), np.log(y), delta)
    first, best = data.solve(np.ones((1, runs)), data.start())
    theta, objective = [first], [best]
    for at in range(0, len(counts), CHUNK):
        part = counts[at : at + CHUNK]
        found, value = data.solve(part, np.repeat(first, len(part), axis=0))
        theta.append(found)
        objective.append(value)
    rows = np.concatenate(theta)  # (1 + B, 5)
    alpha, beta = rows[:, 3], rows[:, 4]
    return ComputeLaw(
        A=np.exp(rows[:, 0]) * UNITS[0] ** alpha,
        B=np.exp(rows[:, 1]) * UNITS[1] ** beta,
        E=np.exp(rows[:, 2]),
        alpha=alpha,
        beta=beta,
        objective=np.concatenate(objective),
        largest=(float(n.max()), float(d.max())),
    )


class _Data:
    """Logarithms of the runs; theta is (ln A, ln B, ln E, alpha, beta) in scaled units."""

    def __init__(self, ln_n: Floats, ln_d: Floats, ln_y: Floats, delta: float) -> None:
        self.ln_n, self.ln_d, self.ln_y, self.delta = ln_n, ln_d, ln_y, delta

    def start(self) -> Floats:
        """The best of a grid of exponents, each with its relative linear fit: (1, 5)."""
        y = np.exp(self.ln_y)
        best, found = np.inf, np.array([0.0, 0.0, np.log(y.min() * 0.8), 0.35, 0.35])
        for alpha in np.linspace(0.1, 1.0, 10):
            for beta in np.linspace(0.1, 1.0, 10):
                terms = np.exp(-alpha * self.ln_n), np.exp(-beta * self.ln_d), np.ones_like(y)
                design = np.stack(terms, axis=1) / y[:, None]  # (R, 3)
                line = np.linalg.lstsq(design, np.ones_like(y), rcond=None)[0]
                if (line <= 0).any():
                    continue
                theta = np.append(np.log(line), [alpha, beta])
                value = self.value(theta[None], np.ones((1, len(y))))[0][0]
                if value < best:
                    best, found = value, theta
        return found[None]

    def value(self, theta: Floats, counts: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Objective (b,), log residuals and the shares of the A and B terms in the loss (b, R)."""
        a = np.exp(theta[:, :1] - theta[:, 3:4] * self.ln_n)
        b = np.exp(theta[:, 1:2] - theta[:, 4:5] * self.ln_d)
        whole = a + b
        whole += np.exp(theta[:, 2:3])
        r = self.ln_y - np.log(whole)
        size = np.abs(r)
        near = np.minimum(size, self.delta)  # Huber: near (size - near / 2)
        value = np.einsum("br,br,br->b", counts, near, size - 0.5 * near)
        return value, r, a / whole, b / whole

    def solve(self, counts: Floats, theta: Floats) -> tuple[Floats, Floats]:
        """All rows (b, 5) together, to the optimum and its objective (b,).

        Gauss-Newton. A run within delta has curvature 1; one outside has none, but gets `soft`
        times that of a reweighted step. At soft 1 a step is exactly one of reweighted least
        squares, which never fails but creeps on a nearly absolute loss; at 0 it is Newton's, which
        is fast at the end. So soft is the damping: down after a step that helps, up after another.
        """
        theta = theta.copy()
        best = np.zeros(len(theta))
        active = np.arange(len(theta))
        soft = np.ones(len(theta))
        idle = np.zeros(len(theta), dtype=np.int64)  # steps in a row that gained next to nothing
        value, r, a, b = self.value(theta, counts)
        best[:] = value
        for _ in range(STEPS):
            step = self._step(counts, r, a, b, soft[active])
            tried = theta[active] + step
            new = self.value(tried, counts)
            with np.errstate(invalid="ignore"):
                better = new[0] < value
            gain = np.where(better, value - new[0], 0.0)
            idle[active] = np.where(gain > 1e-9 * value, 0, idle[active] + 1)
            moved = active[better]
            theta[moved], best[moved] = tried[better], new[0][better]
            keep = better[:, None]
            value = np.where(better, new[0], value)
            r, a, b = (np.where(keep, x, old) for x, old in zip(new[1:], (r, a, b), strict=True))
            soft[active] = np.clip(soft[active] * np.where(better, 0.25, 5.0), 1e-4, 1e6)
            going = idle[active] < 4
            if not going.all():
                active, counts, value = active[going], counts[going], value[going]
                r, a, b = r[going], a[going], b[going]
            if not len(active):
                break
        return theta, best

    def _step(self, counts: Floats, r: Floats, a: Floats, b: Floats, soft: Floats) -> Floats:
        size = np.abs(r)
        inside = size <= self.delta
        pull = counts * np.clip(r, -self.delta, self.delta)  # (b, R) minus the slope by r
        outside = soft[:, None] * self.delta / np.maximum(size, 1e-300)
        curve = counts * np.where(inside, np.maximum(1.0, soft[:, None]), outside)
        slopes = np.stack([a, b, 1.0 - a - b, -a * self.ln_n, -b * self.ln_d], axis=1)  # (b, 5, R)
        normal = (slopes * curve[:, None, :]) @ slopes.transpose(0, 2, 1)  # (b, 5, 5)
        right = (slopes @ pull[:, :, None])[..., 0]
        diagonal = np.einsum("bpp->bp", normal)  # a view
        diagonal += 1e-9 * diagonal + 1e-12 * diagonal.max(axis=1, keepdims=True)
        step = np.linalg.solve(normal, right[..., None])[..., 0]
        return np.asarray(np.clip(step, -1.0, 1.0), dtype=float)
