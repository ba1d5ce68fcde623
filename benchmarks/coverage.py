"""How often the 95 % intervals hold the truth, and how wide they are, by simulated studies.

    python benchmarks/coverage.py                          # every scenario, 200 studies each
    python benchmarks/coverage.py --studies 400 --out found.jsonl   # resumable: one line a study
    python benchmarks/coverage.py "starts: full, 2x" --others       # three other methods beside it

A study has two samplers whose true curves are known, runs with noise of their own (sd of a seed),
and test items drawn for this study alone: the truth is the accuracy over all items there are, so
that an interval must pay for the draw. Three kinds: independent runs, seeds tied to one level over
all sizes, and warm starts with a level, a gain and a favorite of their own. A fourth fits one curve
with `fit_law`. Prints a table; with --out a study that stands in the file is not done again. A study
takes about 50 ms; OPENBLAS_NUM_THREADS=1 keeps processes out of each other's way.
"""

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.progress import Progress
from scipy.stats import t as student

from lessonplan.analysis.bootstrap import design, resample
from lessonplan.analysis.efficiency import Curves, at_target, default_target, paired_differences
from lessonplan.analysis.fit import fit
from lessonplan.analysis.law_curve import fit_law
from lessonplan.analysis.tables import ItemTable
from lessonplan.analysis.tiers import item_weights, tier_codes

SIX = (50, 100, 200, 400, 800, 1600)
QUICK, FULL = (8, 64, 512), (8, 16, 32, 64, 128, 256, 512)
EASY = 1.5  # sd of item difficulty on the logit
PART = 10  # studies that a process is given at a time
LOWEST, HIGHEST = 0.92, 0.995  # where coverage may lie


@dataclass(frozen=True)
class World:
    """What is true, and how a study looks at it. B needs `ratio` times the problems of A."""

    kind: Literal["runs", "seeds", "starts", "curve", "loss"] = "runs"
    ratio: float = 2.0  # at the target
    target: float | None = 0.5  # None: by `default_target`
    sizes: tuple[int, ...] = SIX
    seeds: int = 3
    starts: int = 1
    levels: int = 1  # levels of items: five give three tiers
    items: int = 500
    seed_sd: float = 0.02  # of one run
    tie_sd: float = 0.0  # of a seed's level, common to all runs that it has of a sampler
    level_sd: float = 0.0  # of a start's accuracy, common to all of its runs
    gain_sd: float = 0.0  # of a start's gain, relative
    favor_sd: float = 0.0  # of a start's ln ratio
    base: float = 0.25
    top: float = 0.75
    top_b: float = 0.75
    half: float = 300.0  # problems for half of A's gain
    shape: Literal["hill", "shifted power", "stretched exponential"] = "hill"
    at: tuple[float, ...] = (400, 1600)  # sizes at which a single curve is asked for its value

    def share(self, n):
        """Share of the whole gain that n problems buy A."""
        n = np.asarray(n, dtype=float) / self.half
        if self.shape == "shifted power":
            return 1 - 1 / np.sqrt(1 + 3 * n)  # half at n = 1
        if self.shape == "stretched exponential":
            return 1 - np.exp(-np.log(2) * n**0.6)
        return n / (1 + n)

    def curve(self, n, sampler="a", favor=0.0, gain=1.0):
        """Accuracy of a sampler over all items there are."""
        top, shift = (self.top, 1.0) if sampler == "a" else (self.top_b, self.shift)
        sign = -0.5 if sampler == "a" else 0.5
        share = self.share(np.asarray(n) / (shift * np.exp(sign * favor)))
        return self.base + gain * (top - self.base) * share

    @property
    def shift(self) -> float:
        """B's problems for a share of its gain over A's: `ratio`, if their ceilings are equal."""
        if self.top == self.top_b or self.target is None:
            return self.ratio
        gain = (self.target - self.base) / (self.top_b - self.base)
        return self.ratio * self.needed(self.target) / self.inverse(gain)

    def needed(self, target):
        """A's problems for an accuracy."""
        return self.inverse((target - self.base) / (self.top - self.base))

    def inverse(self, share):
        """Problems for a share of A's gain."""
        n = np.geomspace(1e-3, 1e7, 200_001)
        return float(np.interp(share, self.share(n), n))

    def expected(self, n, sampler):
        """Accuracy over all items and warm starts there are."""
        points, weights = np.polynomial.hermite_e.hermegauss(15)
        values = [self.curve(n, sampler, favor=self.favor_sd * p) for p in points]
        return float(np.dot(weights, values) / weights.sum())

    def loss(self, n, favor=0.0, gain=1.0):
        """A loss that falls from 3.5 to 1.5, half of it at `half` problems."""
        return 1.5 + 2.0 * gain * (1 - self.share(np.asarray(n) * np.exp(0.5 * favor)))

    def expected_loss(self, n):
        """Loss over all warm starts there are."""
        points, weights = np.polynomial.hermite_e.hermegauss(15)
        values = [self.loss(n, favor=self.favor_sd * p) for p in points]
        over = np.tensordot(weights, np.array(values), 1) / weights.sum()
        return over * np.exp((self.level_sd**2 + self.tie_sd**2 + self.seed_sd**2) / 2)

    def needed_loss(self, target):
        """Problems for a loss."""
        n = np.geomspace(1e-3, 1e7, 20_001)
        return float(np.exp(np.interp(-target, -self.expected_loss(n), np.log(n))))


@cache
def logit_shifts(middle: tuple[float, ...]):
    """Accuracies over all items of tiers with mean easiness `middle`, and the shifts to them."""
    shifts = np.linspace(-9, 9, 1801)
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    logits = shifts[:, None, None] + np.array(middle)[:, None] + EASY * points
    return (1 / (1 + np.exp(-logits)) @ weights / weights.sum()).mean(1), shifts


def simulate(world: World, rng: np.random.Generator) -> ItemTable:
    """One study as an item table."""
    levels = 1 + np.arange(world.items) % world.levels
    weights, strata = item_weights(levels), tier_codes(levels)
    middle = (1.0, 0.0, -1.0) if world.levels > 1 else (0.0,)
    easiness = rng.normal(0, EASY, world.items)
    easiness += np.array(middle)[strata] if world.levels > 1 else 0.0

    def answers(accuracy):  # mean `accuracy` over all items there are, not over these
        shift = np.interp(np.clip(accuracy, 0.02, 0.98), *logit_shifts(middle))
        return (rng.random(world.items) < 1 / (1 + np.exp(-easiness - shift))).astype(float)

    rows, bases = [], []
    for s in range(world.starts):
        level, gain = rng.normal(0, world.level_sd), 1 + rng.normal(0, world.gain_sd)
        favor = rng.normal(0, world.favor_sd)
        bases.append(answers(world.base + level))
        for seed in range(world.seeds):
            ties = rng.normal(0, world.tie_sd, 2)
            for k, n in enumerate(world.sizes):
                for j, name in enumerate("ab"):
                    mean = world.curve(n, name, favor, gain) + level + ties[j]
                    own = seed if world.kind != "runs" else 100 * (1 + 2 * k + j) + seed
                    value = answers(mean + rng.normal(0, world.seed_sd))
                    rows.append((name, n, f"s{s}", own, value))
    names, sizes, starts, seeds, share = zip(*rows, strict=True)
    count = np.ones(len(rows), int)
    return ItemTable(
        "simulated", "test", strata, weights, names, np.array(sizes), starts, np.array(seeds),
        np.array(share), count, count, tuple(f"s{s}" for s in range(world.starts)), np.array(bases),
    )  # fmt: skip


Found = tuple[str, float, float, float]  # what, lower limit, upper limit, truth


def compare(world: World, seed: int, draws: int, others: bool) -> tuple[str, list[Found]]:
    """What kind of answer a study gave, and its intervals: ln ratio, and a difference."""
    table = simulate(world, np.random.default_rng([seed, 7]))
    plan = design(table, ("a", "b"))
    assert plan.method == world.kind, plan.method
    both = Curves(table, plan, resample(plan, table, resamples=draws, seed=seed))
    n = world.sizes[len(world.sizes) // 2]
    apart = next(d for d in paired_differences(both) if d.n == n)
    truth = world.expected(n, "a") - world.expected(n, "b")
    found = [("difference", apart.low, apart.high, truth)]
    target = default_target(table) if world.target is None else world.target
    if target is None:
        return "no gain", found
    shown, truth = at_target(both, target), float(np.log(world.ratio))
    with np.errstate(divide="ignore"):
        limits = np.log([shown.low, shown.high])
    if shown.kind == "at least":  # what it bounds: B's largest size over A's need
        truth = min(truth, float(np.log(world.sizes[-1] / world.needed(target))))
    if shown.kind in ("ratio", "at least", "at most"):
        found.append(("ratio", *limits, truth))
    if others and shown.kind == "ratio":
        plain, inflated = resampled_starts(table, plan, target, seed)
        found.append(("ratio, starts drawn, percentiles", *plain, truth))
        found.append(("ratio, starts drawn, inflated, t", *inflated, truth))
        found.append(("ratio, each start alone, t", *each_alone(table, plan, target), truth))
    return shown.kind, found


def losses(world: World, rng: np.random.Generator):
    """Sizes, losses, and the start or seed that ties them over sizes, or None: each (runs,)."""
    units = world.starts * world.seeds
    sizes, unit = np.repeat(world.sizes, units), np.tile(np.arange(units), len(world.sizes))
    noise = rng.normal(0, world.seed_sd, len(sizes))
    start = unit // world.seeds
    gain = 1 + rng.normal(0, world.gain_sd, world.starts)[start]
    favor = rng.normal(0, world.favor_sd, world.starts)[start]
    level = rng.normal(0, world.level_sd, world.starts)[start]
    level += rng.normal(0, world.tie_sd, units)[unit]
    tied = start if world.starts > 1 else unit if world.tie_sd else None
    return sizes, world.loss(sizes, favor, gain) * np.exp(level + noise), tied


def one_curve(world: World, seed: int, draws: int) -> tuple[str, list[Found]]:
    """Intervals of `fit_law`: the value at sizes, and ln of the size at the target."""
    rng = np.random.default_rng([seed, 8])
    if world.kind == "loss":
        sizes, values, units = losses(world, rng)
        law = fit_law(sizes, values, of="loss", units=units, resamples=draws, seed=seed)
        target, answer = 2.5, {n: float(world.expected_loss(n)) for n in world.at}
    else:
        table = simulate(world, rng)
        rows = table.rows("a")
        n = np.append(np.zeros(len(table.base)), table.n[rows])
        values = np.append(table.base @ table.weights, table.accuracy[rows])
        named = np.array(table.start) if world.starts > 1 else table.seed.astype(str)
        units = np.append(table.starts, named[rows]) if world.starts > 1 or world.tie_sd else None
        law = fit_law(n, values, items=world.items, units=units, resamples=draws, seed=seed)
        target, answer = world.target, {n: world.expected(n, "a") for n in world.at}
    found = []
    for n in world.at:
        value = law.predict(n)
        found.append((f"value at {n:g}", value.low, value.high, answer[n]))
    size = law.n_at(target)
    if size.kind == "measured":
        with np.errstate(divide="ignore"):
            limits = np.log([size.low, size.high])
        need = world.needed_loss(target) if world.kind == "loss" else world.needed(target)
        found.append(("size at target", *limits, float(np.log(need))))
    return size.kind, found


def resampled_starts(table, plan, target, seed, draws=400):
    """Whole starts drawn with replacement: percentiles; and sd x sqrt(S/(S-1)) with Student's t."""
    rng, units = np.random.default_rng(seed), len(plan.units)
    pick = rng.integers(units, size=(draws, units))
    pick[0] = np.arange(units)
    weights, logs = resample(plan, table, resamples=2), []
    for k, cells in enumerate(plan.cells):
        values, base = cells.share @ table.weights, plan.base @ table.weights
        y = np.concatenate([base[pick].mean(1)[:, None], values[:, pick].mean(2).T], axis=1)
        logs.append(fit(np.append(0.0, cells.sizes), y, weights.weights(k)).log_size(target))
    with np.errstate(invalid="ignore"):
        d = logs[1] - logs[0]
    told = d[~np.isnan(d)]
    if len(told) < 20 or not np.isfinite(d[0]):
        return ((-np.inf, np.inf),) * 2
    plain = [np.quantile(told, q, method=m) for q, m in ((0.025, "lower"), (0.975, "higher"))]
    if np.mean(~np.isfinite(told)) > 0.02:
        return plain, (-np.inf, np.inf)
    half = told[np.isfinite(told)].std() * np.sqrt(units / (units - 1))
    half *= student.ppf(0.975, units - 1)
    return plain, (d[0] - half, d[0] + half)


def each_alone(table, plan, target):
    """Fit each start alone, Student's t over starts of ln n_B - ln n_A."""
    logs, draws = [], resample(plan, table, resamples=2)
    for k, cells in enumerate(plan.cells):
        y = np.concatenate([(plan.base @ table.weights)[None], cells.share @ table.weights]).T
        logs.append(fit(np.append(0.0, cells.sizes), y, draws.weights(k) / len(plan.units)))
    with np.errstate(invalid="ignore"):
        d = logs[1].log_size(target) - logs[0].log_size(target)
    if not np.isfinite(d).all():
        return -np.inf, np.inf
    half = student.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean() - half, d.mean() + half


def starts(sizes, seeds, count=3, **more) -> World:
    """A world of warm starts that lessonplan's own studies resemble: from .51 to .75, 400 items in three tiers."""
    usual = {"level_sd": 0.04, "gain_sd": 0.15, "favor_sd": 0.1, "target": 0.63}
    return World(
        "starts", sizes=sizes, seeds=seeds, starts=count, levels=5, items=400, base=0.51, half=60.0,
        **(usual | more),
    )  # fmt: skip


SEVEN = (25, *SIX)
SCENARIOS = {
    "runs: 1x": World(ratio=1.0),
    "runs: 2x": World(),
    "runs: 5x, B just reaches the target": World(ratio=5.0),
    "runs: 5x, B never reaches .6": World(ratio=5.0, target=0.6),
    "runs: 2x, 3 sizes": World(sizes=(50, 300, 1600)),
    "runs: 2x, 4 sizes": World(sizes=(50, 160, 500, 1600)),
    "runs: 2x, 8 sizes": World(sizes=(25, *SIX, 3200)),
    "runs: 2x, 2 seeds": World(seeds=2),
    "runs: 2x, 5 seeds": World(seeds=5),
    "runs: 2x, seed sd .04": World(seed_sd=0.04),
    "runs: 2x, seed sd .01": World(seed_sd=0.01),
    "runs: 2x, 200 items": World(items=200),
    "runs: 2x, shifted power": World(shape="shifted power"),
    "runs: 2x, stretched exponential": World(shape="stretched exponential"),
    "runs: 3x, ceilings .75 and .55": World(ratio=3.0, top_b=0.55, target=0.45),
    "seeds: 2x, tied .03, 3 seeds": World("seeds", seed_sd=0.01, tie_sd=0.03),
    "seeds: 2x, tied .03, 5 seeds": World("seeds", seed_sd=0.01, tie_sd=0.03, seeds=5),
    "seeds: 2x, tied .01, 3 seeds": World("seeds", seed_sd=0.01, tie_sd=0.01),
    "starts: quick, 1x": starts(QUICK, 1, ratio=1.0),
    "starts: quick, 2x": starts(QUICK, 1),
    "starts: quick, 5x": starts(QUICK, 1, ratio=5.0),
    "starts: full, 1x": starts(FULL, 2, ratio=1.0),
    "starts: full, 2x": starts(FULL, 2),
    "starts: full, 5x": starts(FULL, 2, ratio=5.0),
    "starts: quick, 2x, 5 starts": starts(QUICK, 1, 5),
    "starts: full, 2x, 5 starts": starts(FULL, 2, 5),
    "starts: full, 2x, target chosen": starts(FULL, 2, target=None),
    "starts: full, 2x, starts alike": starts(FULL, 2, level_sd=0.0, gain_sd=0.0, favor_sd=0.0),
    "starts: full, 2x, starts differ": starts(FULL, 2, level_sd=0.06, gain_sd=0.4, favor_sd=0.4),
    "starts: full, 2x, seed sd .04": starts(FULL, 2, seed_sd=0.04),
    "fit_law: 7 sizes, 3 seeds": World("curve", sizes=SEVEN),
    "fit_law: 4 sizes, 3 seeds": World("curve", sizes=(50, 160, 500, 1600)),
    "fit_law: 7 sizes, 2 seeds": World("curve", sizes=SEVEN, seeds=2),
    "fit_law: 7 sizes, 1 seed": World("curve", sizes=SEVEN, seeds=1),
    "fit_law: 7 sizes, seed sd .04": World("curve", sizes=SEVEN, seed_sd=0.04),
    "fit_law: 7 sizes, 200 items": World("curve", sizes=SEVEN, items=200),
    "fit_law: 7 sizes, shifted power": World("curve", sizes=SEVEN, shape="shifted power"),
    "fit_law: tied .03, 3 seeds": World("curve", sizes=SEVEN, seed_sd=0.01, tie_sd=0.03),
    "fit_law: 3 starts, 2 seeds": World(
        "curve", sizes=SEVEN, seeds=2, starts=3, level_sd=0.04, gain_sd=0.15, favor_sd=0.1
    ),
    "fit_law: losses, 7 sizes, 3 seeds": World("loss", sizes=SEVEN),
    "fit_law: losses, 7 sizes, 2 seeds": World("loss", sizes=SEVEN, seeds=2),
    "fit_law: losses, 7 sizes, 1 seed": World("loss", sizes=SEVEN, seeds=1),
    "fit_law: losses, tied .03, 3 seeds": World("loss", sizes=SEVEN, seed_sd=0.01, tie_sd=0.03),
    "fit_law: losses, tied .03, 5 seeds": World(
        "loss", sizes=SEVEN, seeds=5, seed_sd=0.01, tie_sd=0.03
    ),
    "fit_law: losses, 3 starts, 2 seeds": World(
        "loss", sizes=SEVEN, seeds=2, starts=3, level_sd=0.04, gain_sd=0.15, favor_sd=0.1
    ),
    "fit_law: losses, 5 starts, 1 seed": World(
        "loss", sizes=SEVEN, seeds=1, starts=5, level_sd=0.04, gain_sd=0.15, favor_sd=0.1
    ),
    "fit_law: losses, 5 sizes, 1 seed": World("loss", sizes=(50, 120, 290, 700, 1600), seeds=1),
    "fit_law: losses, 7 sizes, 1 seed, sd .005": World("loss", sizes=SEVEN, seeds=1, seed_sd=0.005),
    "fit_law: losses, 7 sizes, 1 seed, shifted power": World(
        "loss", sizes=SEVEN, seeds=1, shape="shifted power"
    ),
}


def measured(name: str, study: int, draws: int, others: bool) -> dict:
    """One study, as the line that is kept of it."""
    world = SCENARIOS[name]
    if world.kind in ("curve", "loss"):
        kind, found = one_curve(world, study, draws)
    else:
        kind, found = compare(world, study, draws, others)
    return {
        "scenario": name, "study": study, "kind": kind,
        "found": [[what, float(low), float(high), truth] for what, low, high, truth in found],
    }  # fmt: skip


def several(jobs: list[tuple[str, int]], draws: int, others: bool) -> list[dict]:
    """Some studies, one after another."""
    return [measured(*job, draws, others) for job in jobs]


def kept(path: Path | None) -> list[dict]:
    """The studies that stand in a file; a last line that a kill cut short is left out."""
    if path is None or not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def table(studies: list[dict]) -> Iterator[str]:
    """Markdown: coverage, its standard error, and the width of every statement of a scenario."""
    yield "| scenario | statement | studies | coverage | width | open |"
    yield "|---|---|---|---|---|---|"
    for name in SCENARIOS:
        rows: dict[str, list] = {}
        for one in studies:
            if one["scenario"] == name:
                for what, *limits in one["found"]:
                    rows.setdefault(what, []).append(limits)
        for what, found in rows.items():
            low, high, truth = np.array(found).T
            hit = float(np.mean((low <= truth + 1e-9) & (truth - 1e-9 <= high)))
            wide = float(np.median(high - low))
            as_factor = what.startswith(("ratio", "size"))
            width = f"{np.exp(min(wide, 50)):.3g}x" if as_factor else f"{wide:.3f}"
            width = width if np.isfinite(wide) else "open"
            beside = "" if LOWEST <= hit <= HIGHEST else " **outside**"
            share = f"{np.mean(~np.isfinite(high - low)):.0%}"
            yield f"| {name} | {what} | {len(found)} | {hit:.3f}{beside} | {width} | {share} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names or their beginnings; none: all")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="JSON Lines of studies; those in it are kept")
    parser.add_argument("--others", action="store_true", help="three other methods for starts")
    args = parser.parse_args()
    beginnings = tuple(given for given in args.scenarios if given not in SCENARIOS)
    names = [
        name
        for name in SCENARIOS
        if not args.scenarios or name in args.scenarios or name.startswith(beginnings)
    ]
    done = kept(args.out)
    known = {(one["scenario"], one["study"]) for one in done}
    parts = [  # all scenarios advance together, so that a table can be looked at on the way
        [(name, i) for i in range(first, min(first + PART, args.studies)) if (name, i) not in known]
        for first in range(0, args.studies, PART)
        for name in names
    ]
    with (
        Progress(console=Console(stderr=True)) as bar,
        ProcessPoolExecutor(args.processes) as pool,
    ):
        task = bar.add_task("studies", total=sum(map(len, parts)))
        for part in as_completed(
            [pool.submit(several, p, args.resamples, args.others) for p in parts]
        ):
            lines = part.result()
            done += lines
            bar.advance(task, len(lines))
            if args.out:
                with args.out.open("a") as file:
                    file.write("".join(json.dumps(one) + "\n" for one in lines))
    print("\n".join(table([one for one in done if one["scenario"] in names])))


if __name__ == "__main__":
    main()
