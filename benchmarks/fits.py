"""Batched fits against scipy and lmfit, in one run: time, ratio, and distance from the optimum.

    python benchmarks/fits.py                       # the second part on generated points
    python benchmarks/fits.py --points points.csv   # on Epoch AI's points: size, FLOP, loss

First part: 1000 resamples of a curve of 7 sizes x 3 seeds, all laws. The optimum of each row is the
best of a dense grid polished from six starts, and of scipy on the rows that it was given. Second
part: L = E + A N^-alpha + B D^-beta on the points without the five highest losses, 4000 resamples.
Peers are timed on a few rows, and the printed total says how many; times are of one thread.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares, minimize

from lessonplan.analysis.compute_law import DELTA, NAMES, fit_compute_law
from lessonplan.analysis.fit import fit
from lessonplan.analysis.law_shapes import LAWS
from lessonplan.analysis.laws import EFFICIENCY, HILL
from lessonplan.analysis.polish import Search

SIZES = np.array([25.0, 50, 100, 200, 400, 800, 1600])
SEEDS, SD = 3, 0.02
ALLOWED = 1.0001  # objective over the optimum
DENSE = {1: (300,), 2: (60, 80), 3: (24, 30, 12), 4: (12, 12, 12, 6)}  # grid by parameters

# What the points give: value and the ends of the 95 % interval (arXiv 2404.10102, re-computed).
PUBLISHED = {
    "A": (477.83, 286, 744),
    "B": (2143.4, 1042, 5810),
    "E": (1.81722, 1.769, 1.871),
    "alpha": (0.34731, 0.317, 0.373),
    "beta": (0.36717, 0.331, 0.415),
}
OBJECTIVE = 0.0010182740


def clock(work, repeats=3):
    """Shortest time of a call, and its result."""
    best, result = float("inf"), None
    for _ in range(repeats):
        begun = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begun)
    return best, result


def resamples(rows, rng):
    """Means (rows, 7) and weights (7,) of resampled runs of a Hill curve."""
    runs = 0.25 + 0.5 / (1 + 300 / SIZES) + rng.normal(0, SD, (SEEDS, len(SIZES)))
    pool = (runs - runs.mean(0)).ravel() * np.sqrt(SEEDS / (SEEDS - 1))
    moved = rng.choice(pool, (rows, SEEDS, len(SIZES))).mean(1)
    return runs.mean(0) + moved, np.full(len(SIZES), SEEDS / SD**2)


class Dense:
    """A law with a finer grid, more starts and more steps: the reference."""

    starts, steps = 6, 200

    def __init__(self, law):
        self.law, self.exponents = law, law.exponents
        self.z, self.slopes = law.z, law.slopes

    def shape(self):
        """Grid points along each parameter."""
        return DENSE[len(self.law.shape())]


def dense_objective(law, y, w):
    """Objective of each row from the reference search."""
    x = SIZES / np.exp(np.log(SIZES).mean())
    search = Search(
        Dense(law),
        x,
        1 - y,
        np.broadcast_to(w, y.shape),
        EFFICIENCY if law.exponents else None,
        box=law.box(x),
        high=1.0 if law.bottom else 0.0,
        cap=law.uses_base,
    )
    return search.value(search.best(), np.arange(len(y)))[2]


def residual_function(y, w):
    """Residuals of (a0, gain, ln b, ln c) for Hill with the prior, as peers need them."""
    x = SIZES / np.exp(np.log(SIZES).mean())

    def residuals(p):
        curve = p[0] + p[1] * (1 - HILL.z(x, np.asarray(p[2:])))
        return np.append(np.sqrt(w) * (curve - y), EFFICIENCY.residual(np.asarray(p[2])))

    return residuals, HILL.box(x)


STARTS = ((0.2, 0.5, 0.0, 0.0), (0.3, 0.3, 0.5, 1.0), (0.1, 0.8, -0.5, 2.0))


def scipy_fit(y, w):
    """Best of three starts, bounded like ours: 0 <= a0 and a gain of at most 1 - a0 nearly."""
    residuals, (low, high) = residual_function(y, w)
    bounds = (np.r_[0, 0, low], np.r_[1, 1, high])
    return min(2 * least_squares(residuals, s, bounds=bounds).cost for s in STARTS)


def lmfit_fit(y, w):
    """One start with lmfit's defaults."""
    import lmfit

    residuals, (low, high) = residual_function(y, w)
    known = lmfit.Parameters()
    for name, value, least, most in zip(
        ("a0", "gain", "b", "c"), STARTS[0], np.r_[0, 0, low], np.r_[1, 1, high], strict=True
    ):
        known.add(name, value, min=least, max=most)
    return lmfit.minimize(lambda p: residuals(list(p.valuesdict().values())), known).chisqr


def one_curve(rows, peers):
    """First part: one JSON-able row a law, Hill's with the peers beside it."""
    y, w = resamples(rows, np.random.default_rng(0))
    found = []
    for name, law in LAWS.items():
        if name == "tan1":
            continue
        seconds, fits = clock(lambda law=law: fit(SIZES, y, w, law=law))
        best = np.minimum(dense_objective(law, y[:300], w), fits.objective[:300])
        excess = fits.objective[:300] / np.maximum(best, 1e-12)
        row = {"law": name, "rows": rows, "ms": round(1000 * seconds, 1)}
        if name == "hill":
            scipy_fit(y[0], w), lmfit_fit(y[0], w)  # imports are not timed
            scipy_seconds, scipy = clock(lambda: [scipy_fit(r, w) for r in y[:peers]], 1)
            lmfit_seconds, _ = clock(lambda: [lmfit_fit(r, w) for r in y[:peers]], 1)
            excess[:peers] = np.maximum(excess[:peers], fits.objective[:peers] / np.array(scipy))
            row |= {
                "scipy, 3 starts, over ours": round(scipy_seconds / peers * rows / seconds),
                "lmfit, 1 start, over ours": round(lmfit_seconds / peers * rows / seconds),
                "peer rows timed": peers,
            }
        row |= {
            "objective over the optimum: worst": round(float(excess.max()), 9),
            "share above 1.0001": round(float((excess > ALLOWED).mean()), 4),
        }
        found.append(row)
    return found


def generated(rng, runs=240):
    """Points of the published law with log residuals of .01, heavy in the tails."""
    n = 10 ** rng.uniform(7.7, 10.2, runs)
    d = n * 10 ** rng.uniform(0.3, 2.2, runs)
    loss = 1.81722 + 477.83 * n**-0.34731 + 2143.4 * d**-0.36717
    return n, d, loss * np.exp(0.01 * rng.standard_t(3, runs))


def points(path):
    """Parameters, tokens and loss without the five highest losses."""
    size, flop, loss = np.loadtxt(path, delimiter=",", skiprows=1).T
    keep = np.setdiff1d(np.arange(len(loss)), np.argsort(loss)[-5:])  # in the file's order
    return size[keep], (flop / (6 * size))[keep], loss[keep]


def published_draws(runs, draws):
    """How often each run is in each of the published resamples, (draws, runs).

    They are those of numpy's old generator at seed 42: 32-bit words of a Mersenne twister, seeded
    by its authors' recurrence, cut to as many bits as `runs` needs, too large ones skipped.
    """
    key = [42]
    for k in range(1, 624):
        key.append((1812433253 * (key[-1] ^ (key[-1] >> 30)) + k) % 2**32)
    twister = np.random.MT19937()
    twister.state = {
        "bit_generator": "MT19937",
        "state": {"key": np.array(key, dtype=np.uint32), "pos": 624},
    }
    mask = 2 ** int(runs - 1).bit_length() - 1
    words = twister.random_raw(2 * runs * draws).astype(np.int64) & mask
    drawn = words[words < runs][: runs * draws].reshape(draws, runs)
    return np.stack([np.bincount(row, minlength=runs) for row in drawn]).astype(float)


def huber(theta, n, d, loss, counts):
    """The objective as a scalar function, for scipy."""
    a, b, e, alpha, beta = theta
    terms = [a - alpha * np.log(n), b - beta * np.log(d), np.full(len(n), e)]
    size = np.abs(np.log(loss) - np.logaddexp.reduce(terms, axis=0))
    near = np.minimum(size, DELTA)
    return (counts * near * (size - near / 2)).sum()


def scipy_law(data, counts, first, starts, rng):
    """Best objective of quasi-Newton from starts round `first`, the first of them exact."""
    best = np.inf
    for k in range(starts):
        start = first + (k > 0) * rng.normal(0, [2, 2, 0.3, 0.1, 0.1])
        # the objective is about .001: scaled, or the absolute tolerance stops it early
        found = minimize(lambda t: 1e4 * huber(t, *data, counts), start, method="BFGS")
        best = min(best, found.fun / 1e4)
    return best


def compute_optimal(path, draws, peers):
    """Second part: fit, interval ends, and scipy's one-start and multi-start beside them."""
    rng = np.random.default_rng(0)
    data = points(path) if path else generated(rng)
    runs = len(data[0])
    alone, law = clock(lambda: fit_compute_law(*data))
    counts = published_draws(runs, draws)
    seconds, law = clock(lambda: fit_compute_law(*data, counts=counts))
    first = np.array([*np.log([law.A[0], law.B[0], law.E[0]]), law.alpha[0], law.beta[0]])
    begun = time.perf_counter()
    single = [scipy_law(data, c, first, 1, rng) for c in counts[:peers]]
    scipy_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    multi = [scipy_law(data, c, first, 5, rng) for c in counts[:peers]]
    multi_seconds = time.perf_counter() - begun
    ours = law.objective[1 : peers + 1]
    row = {
        "points": runs,
        "source": "file" if path else "generated",
        "fit s": round(alone, 4),
        "resamples": draws,
        "resamples s": round(seconds, 2),
        "scipy BFGS, 1 start, over ours": round(scipy_seconds / peers * draws / seconds),
        "scipy BFGS, 5 starts, over ours": round(multi_seconds / peers * draws / seconds),
        "peer rows timed": peers,
        "objective over scipy's best: worst": float((ours / np.minimum(single, multi)).max()),
        "objective": float(law.objective[0]),
    }
    for name in NAMES:
        row[name] = [float(f"{v:.6g}") for v in (getattr(law, name)[0], *law.interval(name))]
    if path:
        row["objective over published"] = float(law.objective[0] / OBJECTIVE)
        row["ends off by, %"] = {
            name: [
                round(100 * (got / want - 1), 2)
                for got, want in zip(row[name], PUBLISHED[name], strict=True)
            ]
            for name in NAMES
        }
    return row


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=Path, help="CSV: model size, training FLOP, loss")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=4000)
    parser.add_argument("--peers", type=int, default=10, help="rows given to scipy and lmfit")
    args = parser.parse_args()
    for row in one_curve(args.rows, args.peers):
        print(json.dumps(row))
    print(json.dumps(compute_optimal(args.points, args.resamples, args.peers)))


if __name__ == "__main__":
    main()
