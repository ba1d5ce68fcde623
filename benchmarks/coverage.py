"""How often the 95 % interval of sample efficiency holds the true ratio, by simulated studies.

    python benchmarks/coverage.py 2x quick --studies 200

Truth: Hill curves from .51 to .75 for both samplers, B shifted by the ratio; each warm start has
a level of its own (sd .04), gains its own multiple (sd .15), and favors one sampler (sd of the
log ratio .1); each run has seed noise (sd .02) and 400 shared items of uneven difficulty.
Prints one JSON line a scenario: coverage and width of the method in use, beside three others.
"""

import argparse
import json
import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from lessonplan.analysis.bootstrap import design, resample
from lessonplan.analysis.efficiency import Curves, at_target, default_target
from lessonplan.analysis.fit import fit
from lessonplan.analysis.tables import ItemTable
from lessonplan.analysis.tiers import item_weights, tier_codes

A0, TOP, SLOPE, HALF = 0.51, 0.75, 1.0, 60.0
LEVELS = np.repeat([1, 2, 3, 4, 5], 80)
SIZES = {"quick": (8, 64, 512), "full": (8, 16, 32, 64, 128, 256, 512)}
SEEDS = {"quick": 1, "full": 2}


@dataclass(frozen=True)
class World:
    """What varies between studies."""

    ratio: float = 1.0
    starts: int = 3
    level_sd: float = 0.04  # of a start's accuracy, shared by all of its runs
    gain_sd: float = 0.15  # of a start's gain, relative
    favor_sd: float = 0.1  # of a start's ln ratio
    seed_sd: float = 0.02
    chosen: bool = False  # target by `default_target`, else half way up


def curve(n, half, start):
    """Mean accuracy at size n for a start (level, gain, favor)."""
    return A0 + start[0] + start[1] * (TOP - A0) / (1 + (half * np.exp(start[2]) / n) ** SLOPE)


def simulate(world: World, design_name: str, rng: np.random.Generator) -> ItemTable:
    """One study as an item table."""
    weights, strata = item_weights(LEVELS), tier_codes(LEVELS)
    easiness = rng.normal(0, 1.5, len(LEVELS)) + np.array([1.0, 0.0, -1.0])[strata]

    def answers(accuracy):  # items right with mean `accuracy`, sharing their difficulty
        low, high = -12.0, 12.0
        for _ in range(30):
            middle = (low + high) / 2
            if (weights / (1 + np.exp(-easiness - middle))).sum() < accuracy:
                low = middle
            else:
                high = middle
        return (rng.random(len(LEVELS)) < 1 / (1 + np.exp(-easiness - middle))).astype(float)

    own = [
        (
            rng.normal(0, world.level_sd),
            1 + rng.normal(0, world.gain_sd),
            rng.normal(0, world.favor_sd / 2),
        )
        for _ in range(world.starts)
    ]
    rows = []
    for s, (level, gain, favor) in enumerate(own):
        for seed in range(SEEDS[design_name]):
            for n in SIZES[design_name]:
                for name, half, sign in (("a", HALF, -1), ("b", HALF * world.ratio, 1)):
                    mean = curve(n, half, (level, gain, sign * favor))
                    value = np.clip(mean + rng.normal(0, world.seed_sd), 0.02, 0.98)
                    rows.append((name, n, f"s{s}", seed, answers(value)))
    names, sizes, starts, seeds, share = zip(*rows, strict=True)
    return ItemTable(
        "simulated",
        "test",
        strata,
        weights,
        names,
        np.array(sizes),
        starts,
        np.array(seeds),
        np.array(share),
        np.ones(len(rows), int),
        np.ones(len(rows), int),
        tuple(f"s{s}" for s in range(world.starts)),
        np.array([answers(np.clip(A0 + level, 0.02, 0.98)) for level, _, _ in own]),
    )


def bootstrap_starts(table, plan, target, seed, *, inflate):
    """Resample whole starts; optionally SE x sqrt(S/(S-1)) with Student's t."""
    rng = np.random.default_rng(seed)
    units = len(plan.units)
    draws = resample(plan, table, resamples=400, seed=seed)
    pick = rng.integers(units, size=(400, units))
    pick[0] = np.arange(units)
    logs = []
    for k, cells in enumerate(plan.cells):
        values = cells.share @ table.weights  # (K, U)
        base = plan.base @ table.weights
        y = np.concatenate([base[pick].mean(1)[:, None], values[:, pick].mean(2).T], axis=1)
        logs.append(fit(np.append(0.0, cells.sizes), y, draws.weights(k)).log_size(target))
    with np.errstate(invalid="ignore"):
        d = logs[1] - logs[0]
    told = d[~np.isnan(d)]
    if len(told) < 20 or not np.isfinite(d[0]):
        return -np.inf, np.inf
    if not inflate:
        return (np.quantile(told, 0.025, method="lower"), np.quantile(told, 0.975, method="higher"))
    if np.mean(~np.isfinite(told)) > 0.02:
        return -np.inf, np.inf
    half = told[np.isfinite(told)].std() * np.sqrt(units / (units - 1))
    half *= student.ppf(0.975, units - 1)
    return d[0] - half, d[0] + half


def paired_t(table, plan, target):
    """Fit each start alone, Student's t over starts of ln n_B - ln n_A."""
    logs = []
    draws = resample(plan, table, resamples=2)
    for k, cells in enumerate(plan.cells):
        y = np.concatenate([(plan.base @ table.weights)[None], cells.share @ table.weights]).T
        logs.append(fit(np.append(0.0, cells.sizes), y, draws.weights(k) / len(plan.units)))
    with np.errstate(invalid="ignore"):
        d = logs[1].log_size(target) - logs[0].log_size(target)
    if not np.isfinite(d).all():
        return -np.inf, np.inf
    half = student.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean() - half, d.mean() + half


def measure(world: World, design_name: str, studies: int, draws: int, others: bool) -> dict:
    """Coverage and width over simulated studies."""
    hit: dict[str, list] = {}
    width: dict[str, list] = {}
    kinds: dict[str, int] = {}
    shown = {"right": 0, "wrong": 0}
    error = []
    truth = np.log(world.ratio)

    def note(name, low, high):
        hit.setdefault(name, []).append(low <= truth + 1e-9 and truth - 1e-9 <= high)
        width.setdefault(name, []).append(high - low)

    for i in range(studies):
        table = simulate(world, design_name, np.random.default_rng([i, 7]))
        middle = (A0 + TOP) / 2
        target = default_target(table) if world.chosen else middle
        if target is None:
            kinds["no gain"] = kinds.get("no gain", 0) + 1
            continue
        plan = design(table, ("a", "b"))
        both = Curves(table, plan, resample(plan, table, resamples=draws, seed=i))
        found = at_target(both, target)
        kinds[found.kind] = kinds.get(found.kind, 0) + 1
        with np.errstate(divide="ignore"):
            note("in use", np.log(found.low), np.log(found.high))
        if found.winner:
            shown["right" if found.winner == "a" and world.ratio > 1 else "wrong"] += 1
        if found.kind == "ratio":
            error.append(np.log(found.ratio) - truth)
        if others and found.kind == "ratio":
            note("starts, percentile", *bootstrap_starts(table, plan, target, i, inflate=False))
            note("starts, inflated t", *bootstrap_starts(table, plan, target, i, inflate=True))
            note("fit each start, t", *paired_t(table, plan, target))
    return {
        "coverage": {k: round(float(np.mean(v)), 3) for k, v in hit.items()},
        "hi/lo": {k: round(float(np.exp(min(np.median(v), 99))), 2) for k, v in width.items()},
        "open": {k: round(float(np.mean(~np.isfinite(v))), 2) for k, v in width.items()},
        "kinds": kinds,
        "shown": shown,
        "error": round(float(np.exp(np.std(error))), 2) if error else None,
    }


SCENARIOS = {
    "null": World(),
    "2x": World(2.0),
    "5x": World(5.0),
    "null, target chosen": World(chosen=True),
    "2x, target chosen": World(2.0, chosen=True),
    "2x, starts alike": World(2.0, level_sd=0.0, gain_sd=0.0, favor_sd=0.0),
    "2x, starts differ": World(2.0, level_sd=0.06, gain_sd=0.4, favor_sd=0.4),
    "2x, seed sd .04": World(2.0, seed_sd=0.04),
    "2x, 5 starts": World(2.0, starts=5),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="2x", choices=SCENARIOS)
    parser.add_argument("design", nargs="?", default="quick", choices=SIZES)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--others", action="store_true", help="three other methods beside it")
    args = parser.parse_args()
    begun = time.perf_counter()
    row = measure(SCENARIOS[args.scenario], args.design, args.studies, args.resamples, args.others)
    head = {"scenario": args.scenario, "design": args.design, "studies": args.studies}
    print(json.dumps({**head, **row, "seconds": round(time.perf_counter() - begun, 1)}))


if __name__ == "__main__":
    main()
