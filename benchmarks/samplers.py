"""What a step costs every sampler at 10^4 to 10^7 problems, beside what else one could do.

A step is ask(512) and a tell of 512 groups of 8 rollouts. Prints Markdown: the median step in
milliseconds of CPU time, the better of two rounds through all samplers, because other work on the
machine still disturbs it; the largest factor from one size to the next; the bytes that a saved
state holds per problem; and, in the same run, the cost of drawing 512 with numpy's weighted choice
without replacement, with torch.multinomial, and with the rule of prime-rl's pool sampler, one pass
over all problems for every single draw. Then it names what is over its limit and what grows faster
than the pool.

    python benchmarks/samplers.py --sizes 10000 100000 1000000
"""

import argparse
import inspect
import math
import random
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import pairwise

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


def made(name: str, size: int) -> Sampler:
    """The sampler by its defaults, over problems that are only counted."""
    cls = resolve_sampler(name)
    make: Callable[..., Sampler] = cls  # every sampler has its own constructor
    arguments = inspect.signature(cls).parameters
    given = {key: one for key, one in beforehand(size).items() if key in arguments}
    return make(Pool(Numbered(size)), **given)


def step_ms(sampler: Sampler, steps: int) -> float:
    """Median milliseconds of an ask and its tell, after two steps to warm up."""
    rng = np.random.default_rng(0)
    times = []
    for step in range(steps + 2):
        rewards = (rng.random((ASKED, GROUP)) < rng.random((ASKED, 1))).astype(np.float64)
        policy_steps = np.full(ASKED, step)
        started = time.process_time()
        sampler.tell(Feedback(sampler.ask(ASKED), rewards, policy_steps))
        times.append(time.process_time() - started)
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
        started = time.process_time()
        draw()
        seconds.append(time.process_time() - started)
    return 1e3 * statistics.median(seconds)


def others(size: int) -> dict[str, float]:
    """Milliseconds for 512 weighted draws by what else one could use."""
    import torch

    torch.set_num_threads(1)
    weights = np.random.default_rng(0).random(size)
    shares, tensor = weights / weights.sum(), torch.from_numpy(weights)
    rng = np.random.default_rng(0)
    measured = {"numpy": median_ms(lambda: rng.choice(size, ASKED, replace=False, p=shares), 3)}
    if size <= 1 << 24:  # torch's limit on the number of categories
        measured["torch"] = median_ms(lambda: torch.multinomial(tensor, ASKED), 3)
    means: list[float | None] = [None if w < 0.3 else w for w in weights.tolist()]

    def one_draw() -> int:
        # the hard and the easy pool weigh .2
        chances = [1.0 if mean is None or 0.25 < mean <= 0.75 else 0.2 for mean in means]
        return random.Random(0).choices(range(size), chances)[0]

    measured["prime-rl"] = ASKED * median_ms(one_draw, 1)
    return measured


def limit_ms(cls: type[Sampler]) -> float:
    """What a step may cost at a million problems: a choice among arms has less to do."""
    return 0.5 if cls.unit in ("level", "arm") else 10.0


def line(cells: Iterable[object]) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def growth(costs: list[float], sizes: list[int]) -> float:
    """The largest factor of the cost where the pool grows by 10."""
    pairs = zip(pairwise(costs), pairwise(sizes), strict=True)
    return max(((b / a) ** (1 / math.log10(n / m)) for (a, b), (m, n) in pairs), default=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many counts")
    parser.add_argument("--only", nargs="+", default=sorted(sampler_classes()))
    args = parser.parse_args()
    beside = {size: others(size) for size in args.sizes}
    best: dict[tuple[str, int], float] = {}
    bytes_held = {}
    for _ in range(args.rounds):  # through all of them, because disturbances last
        for name in args.only:
            for size in args.sizes:
                sampler = made(name, size)
                spent = step_ms(sampler, args.steps)
                best[name, size] = min(spent, best.get((name, size), math.inf))
                bytes_held[name] = state_bytes(sampler.state_dict()) / size
    reference = 10**6 if 10**6 in args.sizes else max(args.sizes)
    ways = list(beside[reference])
    over, steep = [], []
    sizes = [f"{size:,}" for size in args.sizes]
    line(["sampler", "chooses by", *sizes, "per tenfold", "B/problem", *ways])
    line(["---", "---", *["--:"] * (len(sizes) + 2 + len(ways))])
    for name in args.only:
        cls, held = resolve_sampler(name), bytes_held[name]
        costs = [best[name, size] for size in args.sizes]
        steepest = growth(costs, args.sizes)
        at = costs[args.sizes.index(reference)]
        times = [f"{beside[reference][way] / at:,.3g}x" for way in ways]
        cells = [f"{cost:.2f}" for cost in costs]
        line([f"`{name}`", cls.unit, *cells, f"{steepest:.1f}x", f"{held:.0f}", *times])
        if at > limit_ms(cls) or held > 32.5:
            over.append(f"{name} ({at:.2f} ms, {held:.0f} bytes)")
        if steepest > 10:
            steep.append(f"{name} ({steepest:.1f}x)")
    print()
    line(["512 draws, ms", *sizes])
    line(["---", *["--:"] * len(sizes)])
    for way in ways:
        line([way, *[f"{beside[size].get(way, math.nan):,.1f}" for size in args.sizes]])
    print(f"\nover the limit at {reference:,} problems: {', '.join(over) or 'none'}")
    print(f"cost grows faster than the pool: {', '.join(steep) or 'none'}")


if __name__ == "__main__":
    main()
