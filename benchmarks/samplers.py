"""What a step costs every sampler at 10^4 to 10^7 problems, beside what else one could do.

A step is ask(512) and a tell of 512 groups of 8 rollouts. Prints the median step in milliseconds,
the bytes that a saved state holds per problem, and, in the same run, the cost of drawing 512 with
numpy's weighted choice without replacement, with torch.multinomial, and with the rule of
prime-rl's pool sampler: one pass over all problems for every single draw.

    python benchmarks/samplers.py --sizes 10000 100000 1000000
"""

import argparse
import inspect
import random
import statistics
import time
from collections.abc import Callable

import numpy as np

from lessonplan.curricula import resolve_sampler, sampler_classes
from lessonplan.generators import Pool
from lessonplan.selection import Feedback, Sampler
from lessonplan.selection.testing import Numbered

ASKED, GROUP = 512, 8


def beforehand(size: int) -> dict[str, object]:
    """What some samplers have to be given, under the names of their arguments."""
    weak = np.random.default_rng(1).random(size) * 0.6
    return {"weak": weak, "strong": weak + 0.3, "steps": 1000}


def step_ms(sampler: Sampler, steps: int) -> float:
    """Median milliseconds of an ask and its tell, after two steps to warm up."""
    rng = np.random.default_rng(0)
    times = []
    for step in range(steps + 2):
        rewards = (rng.random((ASKED, GROUP)) < rng.random((ASKED, 1))).astype(np.float64)
        policy_steps = np.full(ASKED, step)
        started = time.perf_counter()
        sampler.tell(Feedback(sampler.ask(ASKED), rewards, policy_steps))
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times[2:])


def state_bytes(value: object) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(state_bytes, value.values()))
    return sum(map(state_bytes, value)) if isinstance(value, list) else 0


def median_ms(draw: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - started)
    return 1e3 * statistics.median(seconds)


def others(size: int) -> dict[str, float]:
    """Milliseconds for 512 weighted draws by what else one could use."""
    import torch

    weights = np.random.default_rng(0).random(size)
    shares, tensor = weights / weights.sum(), torch.from_numpy(weights)
    rng = np.random.default_rng(0)
    measured = {
        "numpy choice, no replacement": median_ms(
            lambda: rng.choice(size, ASKED, replace=False, p=shares), 3
        )
    }
    if size <= 1 << 24:  # torch's limit on the number of categories
        measured["torch.multinomial"] = median_ms(lambda: torch.multinomial(tensor, ASKED), 3)
    means: list[float | None] = [None if w < 0.3 else w for w in weights.tolist()]

    def one_draw() -> int:
        # the hard and the easy pool weigh .2
        chances = [1.0 if mean is None or 0.25 < mean <= 0.75 else 0.2 for mean in means]
        return random.Random(0).choices(range(size), chances)[0]

    measured["prime-rl's rule, 512 draws (one timed)"] = ASKED * median_ms(one_draw, 1)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--only", nargs="+", default=sorted(sampler_classes()))
    args = parser.parse_args()
    sizes = "".join(f"{size:>12,}" for size in args.sizes)
    print(f"{'sampler':22}{'chooses by':>18}{sizes}   B/problem")
    for name in args.only:
        cls = resolve_sampler(name)
        make: Callable[..., Sampler] = cls  # every sampler has its own constructor
        arguments = inspect.signature(cls).parameters
        cells, held = [], 0.0
        for size in args.sizes:
            given = {key: one for key, one in beforehand(size).items() if key in arguments}
            sampler = make(Pool(Numbered(size)), **given)
            cells.append(step_ms(sampler, args.steps))
            held = state_bytes(sampler.state_dict()) / size
        row = "".join(f"{cell:>12.2f}" for cell in cells)
        print(f"{name:22}{cls.unit:>18}{row}{held:>12.1f}", flush=True)
    for size in args.sizes:
        for name, cost in others(size).items():
            print(f"{size:>12,} problems, {name}: {cost:,.1f} ms", flush=True)


if __name__ == "__main__":
    main()
