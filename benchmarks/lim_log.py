"""How long LIM takes over a log of LIMR's size: from 168 JSON files to a score for each problem.

    python benchmarks/lim_log.py --response 200

Writes a synthetic log to a temporary folder: 8,523 prompts of 190 characters, 21 epochs of 8 steps
of 1,024 prompts, 8 samples each, so that every pass misses 331 prompts. Then times reading and
scoring, beside a plain Python loop of the same rule over the same files, and checks that both give
the same scores. Prints seconds (best of --repeats) and ratios.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from lessonplan.curricula.reward_logs import RewardLog, read_rewards
from lessonplan.selection.offline import offline_scores
from lessonplan.selection.success import Exactly

T = TypeVar("T")
PROMPTS, EPOCHS, STEPS, BATCH, GROUP = 8523, 21, 8, 1024, 8
PROMPT_LENGTH = 190  # characters (ours; about that of a competition problem)


def write_log(folder: Path, response: int, seed: int = 0) -> int:
    """The step files; returns their size in bytes."""
    rng = np.random.default_rng(seed)
    skill = rng.normal(0, 2, PROMPTS)
    filler = "x + 1 = 2; " * PROMPT_LENGTH
    prompts = [f"Problem {i}: {filler}"[:PROMPT_LENGTH] for i in range(PROMPTS)]
    text = "so it follows that " * (response // 19 + 1)
    size = 0
    for epoch in range(EPOCHS):
        order = rng.permutation(PROMPTS)
        rate = 1 / (1 + np.exp(-skill - epoch / EPOCHS * 2))
        for step in range(STEPS):
            rows = []
            for i in order[step * BATCH : (step + 1) * BATCH]:
                draws = rng.random(GROUP)
                for reward in np.where(draws < rate[i], 1.0, np.where(draws < 0.95, -0.5, -1.0)):
                    row = {"prompt": prompts[i], "response": text[:response], "reward": reward}
                    rows.append(row)
            data = msgspec.json.encode(rows, enc_hook=float)
            (folder / f"step_{epoch * STEPS + step + 1}.json").write_bytes(data)
            size += len(data)
    return size


def loop_read(folder: Path) -> list[list[tuple[str, float]]]:
    """Prompt and reward of every sample, by epoch, with the standard library."""
    epochs = []
    for epoch in range(EPOCHS):
        samples = []
        for step in range(STEPS):
            with open(folder / f"step_{epoch * STEPS + step + 1}.json") as file:
                samples += [(row["prompt"].strip(), row["reward"]) for row in json.load(file)]
        epochs.append(samples)
    return epochs


def loop_score(log: list[list[tuple[str, float]]]) -> dict[str, float]:
    """The same rule in plain Python: fill from the next epoch, drop what has gaps, score."""
    epochs = []
    for samples in log:
        solved: dict[str, int] = {}
        tried: dict[str, int] = {}
        for prompt, reward in samples:
            tried[prompt] = tried.get(prompt, 0) + 1
            solved[prompt] = solved.get(prompt, 0) + (reward == 1)
        epochs.append({prompt: solved[prompt] / tried[prompt] for prompt in tried})
    curves = {}
    for prompt in {prompt for epoch in epochs for prompt in epoch}:
        curve = [epoch.get(prompt) for epoch in epochs]
        for k in range(len(curve) - 1):
            if curve[k] is None:
                curve[k] = curve[k + 1]
        known = [rate for rate in curve if rate is not None]
        if len(known) == len(curve):
            curves[prompt] = known
    mean = [sum(column) / len(curves) for column in zip(*curves.values(), strict=True)]
    room = sum((1 - m) ** 2 for m in mean)
    return {
        prompt: 1 - sum((r - m) ** 2 for r, m in zip(curve, mean, strict=True)) / room
        for prompt, curve in curves.items()
    }


def timed(repeats: int, work: Callable[[], T]) -> tuple[float, T]:
    """The least seconds of some repeats, and the result."""
    best, result = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    assert result is not None
    return best, result


def score(log: RewardLog) -> dict[str, float]:
    curves = log.curves(success=Exactly(1.0))
    return dict(zip(curves.ids, offline_scores(curves, compat="released").tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--response", type=int, default=0, help="characters of each response")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_log(folder, args.response)
        reading, log = timed(args.repeats, lambda: read_rewards(folder))
        scoring, ours = timed(args.repeats, lambda: score(log))
        loop_reading, samples = timed(1, lambda: loop_read(folder))
        loop_scoring, theirs = timed(1, lambda: loop_score(samples))
    same = {key: value for key, value in ours.items() if value == value}
    assert same.keys() == theirs.keys()
    worst = max(abs(same[key] - theirs[key]) for key in theirs)
    assert worst < 1e-9, worst
    print(f"log: {len(log.rewards):,} rewards of {len(log.keys):,} problems, {size / 1e6:.0f} MB")
    print(
        f"reading {reading:.2f} s ({size / reading / 1e6:.0f} MB/s), scoring {scoring * 1e3:.0f} ms"
    )
    print(f"scored {len(theirs):,} problems, at most {worst:.1e} from the loop")
    total, loop = reading + scoring, loop_reading + loop_scoring
    print(f"plain loop: reading {loop_reading:.2f} s, scoring {loop_scoring * 1e3:.0f} ms")
    print(
        f"together {total:.2f} s against {loop:.2f} s: {loop / total:.1f} times faster; "
        f"scoring alone {loop_scoring / scoring:.0f} times"
    )


if __name__ == "__main__":
    main()
