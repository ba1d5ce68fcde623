"""One law across model sizes: ln error = E(N) - k(N) ln x, with k(N) = kmax / (1 + N0/N).

Tan et al. (arXiv 2509.25300), "tan1": larger models learn faster, up to kmax. x is compute, data
or steps; each model size has a start E of its own. Given N0 the rest is linear.
"""

from dataclasses import dataclass

import numpy as np

from lessonplan.analysis.extrapolate import check_reach
from lessonplan.analysis.laws import Floats
from lessonplan.errors import ConfigError

GRID = 200  # values of ln N0 in the first pass
ZOOMS = 8  # each narrows the grid 20-fold
FAR = 1e4  # N0 is looked for up to this many times outside the measured model sizes


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """Fitted rows; row 0 is the data as observed, the rest resample runs within a model size."""

    models: Floats  # (m,) parameters
    intercepts: Floats  # (B, m) E of each model
    kmax: Floats  # (B,) slope of an infinitely large model
    n0: Floats  # (B,) parameters at which the slope is half of kmax
    rms: float  # of the log residuals, sqrt(SS / (R - m - 2))
    largest: Floats  # (m,) largest x of each model

    def slope(self, n: float) -> Floats:
        """k(N) of a model with n parameters, (B,)."""
        return self.kmax / (1.0 + self.n0 / n)

    def predict(self, n: float, x: float, *, force: bool = False) -> float:
        """Error of a measured model size n at x.

        Raises ConfigError for a model size that was not measured (its E is free), ValueError more
        than 8 times beyond the largest x of this model unless `force`.
        """
        at = np.flatnonzero(self.models == n)
        if not len(at):
            known = ", ".join(f"{m:g}" for m in self.models)
            raise ConfigError(
                f"model size {n:g} was not measured, so its E is unknown; known: {known}"
            )
        check_reach(x, float(self.largest[at[0]]), force=force)
        return float(np.exp(self.intercepts[0, at[0]] - self.slope(n)[0] * np.log(x)))

    def limits(self, rows: Floats) -> tuple[float, float]:
        """95 % percentile interval of kmax, n0 or a slope, (B,). Needs 20 resamples."""
        if len(rows) < 21:
            raise ConfigError(
                f"an interval needs 20 resamples, got {len(rows) - 1}: resamples=1000"
            )
        low, high = np.percentile(rows[1:], [2.5, 97.5])
        return float(low), float(high)


def fit_model_sizes(
    parameters: Floats, x: Floats, error: Floats, *, resamples: int = 0, seed: int = 0
) -> ModelSizes:
    """Fit R runs: model parameters N, x and error (1 - accuracy, or loss), each (R,) and above 0.

    Least squares on ln error. Resamples draw residuals, inflated for the fitted parameters. Raises
    ConfigError with fewer than three model sizes or a model with fewer than two x.
    """
    n, x, error = (np.asarray(a, dtype=float).ravel() for a in (parameters, x, error))
    if not len(n) == len(x) == len(error):
        raise ConfigError(
            f"parameters, x and error must be equally many, got {len(n)}, {len(x)}, {len(error)}"
        )
    for name, values in (("parameters", n), ("x", x), ("error", error)):
        if not (np.isfinite(values) & (values > 0)).all():
            raise ConfigError(f"{name} must be above 0, got {values[~(values > 0)][:3]}")
    models, own = np.unique(n, return_inverse=True)
    member = (own[:, None] == np.arange(len(models))).astype(float)  # (R, m)
    if len(models) < 3 or min(len(set(x[own == m])) for m in range(len(models))) < 2:
        raise ConfigError(
            "a law across model sizes needs three model sizes with two values of x each, got "
            f"{len(models)} model sizes"
        )
    ln_x, y = np.log(x), np.log(error)
    found = _solve(models, member, ln_x, y[None])
    fitted = _values(models, member, ln_x, found)[0]
    free = len(y) - len(models) - 2
    away = (y - fitted) * np.sqrt(len(y) / max(free, 1))
    if resamples:
        rng = np.random.default_rng(seed)
        rows = fitted + rng.choice(away, size=(resamples, len(y)))
        more = _solve(models, member, ln_x, rows)
        found = tuple(np.concatenate(pair) for pair in zip(found, more, strict=True))
    intercepts, kmax, n0 = found
    largest = np.array([x[own == m].max() for m in range(len(models))])
    rms = float(np.sqrt((away**2).mean())) if free > 0 else float("nan")
    return ModelSizes(models, intercepts, kmax, n0, rms, largest)


Solved = tuple[Floats, ...]  # intercepts (B, m), kmax (B,), N0 (B,)


def _solve(models: Floats, member: Floats, ln_x: Floats, y: Floats) -> Solved:
    """Best N0 of each row of y (B, R) by grid and zoom; kmax and the intercepts are exact."""
    count = member.sum(0)
    mean_x, mean_y = ln_x @ member / count, y @ member / count  # (m,), (B, m)
    x, y = ln_x - mean_x @ member.T, y - mean_y @ member.T  # inside models
    sxx, sxy = (x * x) @ member, (x * y) @ member  # (m,), (B, m)
    low = np.full(len(y), np.log(models[0] / FAR))
    high = np.full(len(y), np.log(models[-1] * FAR))
    edges = low[0], high[0]
    for zoom in range(ZOOMS):
        part = np.linspace(0, 1, GRID if zoom == 0 else 41)
        tried = low[:, None] + part * (high - low)[:, None]  # (B, G)
        share = 1.0 / (1.0 + np.exp(tried[..., None]) / models)  # (B, G, m)
        across = (share * sxy[:, None, :]).sum(-1)
        k = np.maximum(0.0, -across / (share**2 * sxx).sum(-1))
        # what SSR falls by; rising errors (k = 0) gain nothing anywhere
        gain = -k * across
        best = tried[np.arange(len(y)), np.argmax(gain, axis=1)]
        half = tried[:, 1] - tried[:, 0]
        low, high = np.maximum(best - half, edges[0]), np.minimum(best + half, edges[1])
    share = 1.0 / (1.0 + np.exp(best[:, None]) / models)
    kmax = np.maximum(0.0, -(share * sxy).sum(-1) / (share**2 * sxx).sum(-1))
    return mean_y + kmax[:, None] * share * mean_x, kmax, np.exp(best)


def _values(models: Floats, member: Floats, ln_x: Floats, solved: Solved) -> Floats:
    """Fitted ln error, (B, R)."""
    intercepts, kmax, n0 = solved
    slope = kmax[:, None] / (1.0 + n0[:, None] / models)
    return np.asarray(intercepts @ member.T - (slope @ member.T) * ln_x)
