"""Estimators that must follow a drifting learner, and samplers that must repair what it forgot.

    python benchmarks/scenarios.py --worlds 16

Simulated. Prints one JSON line an estimator: its root mean square error in the second half of the
drifting scenario, where every sampler picks uniformly; then one a sampler: the steps from the shock
of the forgetting scenario until the lost skill is back within 5 points, with and without Review.
"""

import argparse
import json
from dataclasses import replace

import numpy as np

from lessonplan.analysis.bootstrap import student
from lessonplan.curricula import AdaptiveDifficulty
from lessonplan.generators import Pool
from lessonplan.selection import SOLVED, Feedback, Ledger, Positions, Sampler, Uniform, top_k
from lessonplan.selection.estimators import EMA, BetaDecay, Last, Window
from lessonplan.selection.review import Review
from lessonplan.selection.scores import target
from lessonplan.training.paired import paired_ratio
from lessonplan.training.scenario import load_scenario
from lessonplan.training.simulate import simulate
from lessonplan.training.simulate_record import PARTS
from lessonplan.training.simulated import World

ESTIMATORS = {
    "BetaDecay(lam=.5)": lambda size: BetaDecay(size, lam=0.5),
    "BetaDecay(lam=1)": lambda size: BetaDecay(size, lam=1.0),
    "EMA(.3)": lambda size: EMA(size, a=0.3),
    "Last": Last,
    "Window(8)": lambda size: Window(size, 8),
}
BACK_WITHIN = 0.05  # of the success before the shock


class Watching(Uniform):
    """Uniform picks, and an estimator that listens."""

    values = (*Uniform.values, "estimate")

    def __init__(self, pool: Pool, estimate, seed: int) -> None:
        super().__init__(pool, seed=seed)
        self.estimate = estimate

    def tell(self, feedback: Feedback) -> None:
        was_open = self.ledger.release(feedback.positions)
        wins = SOLVED(feedback.rewards)
        self.estimate.update(feedback.positions[was_open], wins[was_open])


def watching(make):
    return lambda world, seed: Watching(world.pool, make(len(world.pool)), seed)


def tracking(worlds: int) -> None:
    scenario = load_scenario("drifting", samplers=["Uniform"], worlds=worlds)
    done = simulate(scenario, entrants={name: watching(make) for name, make in ESTIMATORS.items()})
    for a, name in enumerate(done.samplers):
        if name in ESTIMATORS:
            each = done.tracking[a, :, PARTS // 2 :].mean(axis=1)  # (W,)
            print(json.dumps({"scenario": "drifting", "estimator": name, "error": spread(each)}))


def spread(values) -> list[float]:
    """Mean and its 95 % limits over worlds."""
    half = student(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return [round(float(values.mean() + side * half), 4) for side in (0, -1, 1)]


class Greedy(Sampler):
    """The problems whose estimate is nearest to 1/2, without a floor: it never looks back."""

    values = ("estimate",)

    def __init__(self, pool: Pool, *, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.estimate = BetaDecay(len(pool), lam=0.5)
        self.everything = np.arange(len(pool))

    def ask(self, n: int) -> Positions:  # (n,)
        scores = target(self.estimate.mean(self.everything))
        return self.ledger.take(top_k(self.rng, scores, n, busy=self.ledger.busy))

    def tell(self, feedback: Feedback) -> None:
        was_open = self.ledger.release(feedback.positions)
        wins = SOLVED(feedback.rewards)
        self.estimate.update(feedback.positions[was_open], wins[was_open])


def adaptive(floor: float):
    return lambda world, seed: AdaptiveDifficulty(world.pool, floor=floor, seed=seed)


def reviewed(make):
    def build(world: World, seed: int):
        return Review(make(world, seed), seed=seed)

    return build


def repair(worlds: int) -> None:
    scenario = load_scenario("forgetting", samplers=["Uniform"], worlds=worlds)
    scenario = replace(scenario, practice=replace(scenario.practice, every=1))
    plain = {
        "AdaptiveDifficulty": adaptive(0.05),
        "AdaptiveDifficulty(floor=0)": adaptive(0.0),
        "Greedy": lambda world, seed: Greedy(world.pool, seed=seed),
    }
    entrants = plain | {f"Review({name})": reviewed(make) for name, make in plain.items()}
    done = simulate(scenario, entrants=entrants)
    needed = {}
    shock, (lost,) = scenario.skills.shock_step, scenario.skills.shock_skills
    for a, name in enumerate(done.samplers):
        curve = done.by_skill[a, :, :, lost]  # (W, E) one measurement a step
        before, after = curve[:, shock - 1, None], curve[:, shock:]
        back = after >= before - BACK_WITHIN
        steps = np.where(back.any(axis=1), back.argmax(axis=1), np.inf)  # (W,)
        needed[name] = steps
        middle = float(np.sort(steps)[len(steps) // 2])
        print(
            json.dumps(
                {
                    "scenario": "forgetting",
                    "sampler": name,
                    "before": round(float(before.mean()), 3),
                    "after_shock": round(float(after[:, 0].mean()), 3),
                    "median_steps_to_repair": middle if np.isfinite(middle) else "never",
                    "repaired": f"{int(np.isfinite(steps).sum())} of {len(steps)}",
                    "success_at_end": spread(done.success[a, :, -1]),
                }
            )
        )
    left = np.array([scenario.practice.steps - shock])
    for name in plain:
        pair = (f"Review({name})", name)
        nothing = np.zeros_like(needed[name])
        one = paired_ratio(pair, 1.0, tuple(needed[k] for k in pair), (nothing, nothing), left)
        found = [None if np.isnan(v) else round(v, 2) for v in (one.ratio, one.low, one.high)]
        print(json.dumps({"scenario": "forgetting", "sampler": pair[0], "times_faster": found}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=16)
    typed = parser.parse_args()
    tracking(typed.worlds)
    repair(typed.worlds)
