"""How well `plan` foretells the width of an interval: predicted against simulated studies.

    python benchmarks/planner.py --studies 60

Three designs of two samplers, B needing twice the problems: independent runs, and three and five
warm starts that run through all sizes. The simulated studies go through the shipped analysis.
Prints one JSON line a design: median hi/lo over studies, the predicted one, and the ratio of their
logarithms.
"""

import argparse
import importlib.util
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from lessonplan.analysis.bootstrap import design, resample
from lessonplan.analysis.efficiency import Curves, at_target
from lessonplan.analysis.planning import HillGuess, Layout, pair_of, predict
from lessonplan.analysis.tables import ItemTable

spec = importlib.util.spec_from_file_location("coverage", Path(__file__).parent / "coverage.py")
coverage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)

SIZES = (50, 100, 200, 400, 800, 1600)
ITEMS, SEEDS, SD = 500, 3, 0.02
GUESS = HillGuess(0.25, 0.75, 1.0, 300.0)


def answers(rng, easiness, accuracy):
    """Items right with mean `accuracy`, sharing their difficulty."""
    low, high = -12.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-easiness - middle))).mean() < accuracy:
            low = middle
        else:
            high = middle
    return (rng.random(len(easiness)) < 1 / (1 + np.exp(-easiness - middle))).astype(float)


def independent(rng: np.random.Generator) -> ItemTable:
    """A study whose runs all have a seed of their own: the truth of the planner's tables."""
    pair = pair_of(2.0, GUESS, sd=SD)
    easiness = rng.normal(0, pair.difficulty, ITEMS)
    rows = []
    for name, guess in (("a", pair.a), ("b", pair.b)):
        for n, mean in zip(SIZES, guess.accuracy(np.array(SIZES, float)), strict=True):
            for j in range(SEEDS):
                value = np.clip(mean + rng.normal(0, SD), 0.02, 0.98)
                rows.append((name, n, f"{name}{n}-{j}", answers(rng, easiness, value)))
    names, sizes, starts, share = zip(*rows, strict=True)
    base = answers(rng, easiness, GUESS.base)
    return ItemTable(
        "simulated",
        "test",
        np.zeros(ITEMS, int),
        np.full(ITEMS, 1 / ITEMS),
        names,
        np.array(sizes),
        starts,
        np.zeros(len(rows), int),
        np.array(share),
        np.ones(len(rows), int),
        np.ones(len(rows), int),
        starts,
        np.tile(base, (len(rows), 1)),  # one base model, evaluated once
    )


def simulated(make, target: float, studies: int) -> float:
    """Median hi/lo over simulated studies."""
    widths = []
    for i in range(studies):
        table = make(np.random.default_rng([i, 11]))
        plan = design(table, ("a", "b"))
        draws = resample(plan, table, resamples=400, seed=i)
        widths.append(at_target(Curves(table, plan, draws), target).width)
    return float(np.median(widths))


def tied(starts: int, size: str):
    """Predicted hi/lo, target and simulator for the studies of `coverage`."""
    world = coverage.World(2.0, starts=starts)
    guess = HillGuess(coverage.A0, coverage.TOP, coverage.SLOPE, coverage.HALF)
    # Tiers one logit apart add to the spread of difficulty within them.
    difficulty = float(np.hypot(1.5, np.sqrt(2 / 3)))
    pair = replace(
        pair_of(2.0, guess, sd=world.seed_sd), favor=world.favor_sd, difficulty=difficulty
    )
    layout = Layout.grid(
        coverage.SIZES[size],
        seeds=coverage.SEEDS[size],
        items=len(coverage.LEVELS),
        units=starts,
    )
    found = predict(layout, pair)
    return found.width, found.target, lambda rng: coverage.simulate(world, size, rng)


def designs():
    """Name, predicted hi/lo, target, simulator."""
    layout = Layout.grid(SIZES, seeds=SEEDS, items=ITEMS)
    found = predict(layout, pair_of(2.0, GUESS, sd=SD))
    yield "independent runs, 6 sizes, 3 seeds", found.width, found.target, independent
    yield "3 warm starts, 3 sizes", *tied(3, "quick")
    yield "5 warm starts, 7 sizes, 2 seeds", *tied(5, "full")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=60)
    args = parser.parse_args()
    for name, predicted, target, make in designs():
        begun = time.perf_counter()
        found = simulated(make, target, args.studies)
        row = {
            "design": name,
            "studies": args.studies,
            "predicted hi/lo": round(predicted, 2),
            "simulated hi/lo": round(found, 2),
            "ln predicted / ln simulated": round(float(np.log(predicted) / np.log(found)), 2),
            "seconds": round(time.perf_counter() - begun, 1),
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main()
