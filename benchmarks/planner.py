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

INDEPENDENT = coverage.SCENARIOS["runs: 2x"]


def guess_of(world) -> HillGuess:
    """Sampler A's curve of a simulated world."""
    return HillGuess(world.base, world.top, 1.0, world.half)


def independent(rng: np.random.Generator) -> ItemTable:
    """A study whose runs all have a seed of their own: the truth of the planner's tables."""
    return coverage.simulate(INDEPENDENT, rng)


def simulated(make, target: float, studies: int) -> float:
    """Median hi/lo over simulated studies."""
    widths = []
    for i in range(studies):
        table = make(np.random.default_rng([i, 11]))
        plan = design(table, ("a", "b"))
        draws = resample(plan, table, resamples=400, seed=i)
        widths.append(at_target(Curves(table, plan, draws), target).width)
    return float(np.median(widths))


def tied(name: str):
    """Predicted hi/lo, target and simulator of a scenario of `coverage` with warm starts."""
    world = coverage.SCENARIOS[name]
    # Tiers one logit apart add to the spread of difficulty within them.
    difficulty = float(np.hypot(coverage.EASY, np.sqrt(2 / 3)))
    pair = replace(
        pair_of(world.ratio, guess_of(world), sd=world.seed_sd),
        favor=world.favor_sd,
        difficulty=difficulty,
    )
    layout = Layout.grid(world.sizes, seeds=world.seeds, items=world.items, units=world.starts)
    found = predict(layout, pair)
    return found.width, found.target, lambda rng: coverage.simulate(world, rng)


def designs():
    """Name, predicted hi/lo, target, simulator."""
    one = INDEPENDENT
    layout = Layout.grid(one.sizes, seeds=one.seeds, items=one.items)
    found = predict(layout, pair_of(one.ratio, guess_of(one), sd=one.seed_sd))
    yield "independent runs, 6 sizes, 3 seeds", found.width, found.target, independent
    yield "3 warm starts, 3 sizes", *tied("starts: quick, 2x")
    yield "5 warm starts, 7 sizes, 2 seeds", *tied("starts: full, 2x, 5 starts")


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
