"""How fast problems are made, next to reasoning-gym's nearest tasks.

CPU seconds of one process. Peers are measured in turns with our tasks, stretch by stretch, each at the
middle level of its curriculum where it has one; reasoning-gym is an extra (`.[gym]`), without which the
column stays empty. Under load all figures fall, and only the ratios mean something.

    python benchmarks/generate_speed.py                    # every task at levels 5 and 10
    python benchmarks/generate_speed.py --parts            # what the time of each goes to

`benchmarks/large_table.py` writes a large table of them.
"""

import argparse
import statistics
import time
from array import array
from collections.abc import Callable, Sequence
from functools import partial

from lessonplan.generators import TASKS, Generator, Problem, family
from lessonplan.generators.base import Draft
from lessonplan.generators.streams import Stream

PEERS = {  # the task of reasoning-gym that asks most nearly the same
    "counting.filter_aggregate": "number_filtering",
    "counting.count_if_many": "number_filtering",
    "counting.order_stats": "number_sorting",
    "counting.nested_expr": "chain_sum",
    "counting.digits": "base_conversion",
    "counting.windows": "count_primes",
    "graph.coloring": "graph_color",
    "graph.shortest_path": "shortest_path",
    "graph.component": "largest_island",
    "spatial.grid_path": "shortest_path",
    "spatial.shape_transforms": "rotate_matrix",
    "spatial.navigate_turns": "rotten_oranges",
    "spatial.seating": "zebra_puzzles",
    "spatial.relation_chain": "family_relationships",
}


def rates(makers: Sequence[Callable[[int], object]], seconds: float) -> list[float]:
    """Calls a second of each: the median of five stretches of CPU time, taken in turns."""
    found: list[list[float]] = [[] for _ in makers]
    at = [1] * len(makers)
    for make in makers:
        make(0)
    for _ in range(5):
        for i, make in enumerate(makers):
            begun, first = time.process_time(), at[i]
            while (used := time.process_time() - begun) < seconds / 5:
                make(at[i])
                at[i] += 1
            found[i].append((at[i] - first) / used)
    return [statistics.median(some) for some in found]


def peer(name: str) -> Callable[[int], object] | None:
    """What makes item number i of a task of reasoning-gym, at the middle of its curriculum."""
    try:
        import reasoning_gym
        from reasoning_gym.factory import create_curriculum, has_curriculum
    except ImportError:
        return None
    config = {}
    if has_curriculum(name):
        curriculum = create_curriculum(name)
        for attribute in curriculum.attributes.values():
            level = len(attribute.levels) // 2
            curriculum.set_attr_level(attribute.name, level)
        config = vars(curriculum.generate_configuration())
        config = {key: value for key, value in config.items() if key not in ("seed", "size")}
    dataset = reasoning_gym.create_dataset(name, size=10**9, seed=1, **config)
    return dataset.__getitem__


def problem(generator: Generator, level: int, index: int) -> Problem:
    return generator.problem(level, "train", index)


def speeds(seconds: float, tasks: Sequence[str]) -> None:
    print("| task | level 5 /s | level 10 /s | peer | peer /s | ratio |\n|---|---|---|---|---|---|")
    slow, pairs = [], []
    for task in tasks:
        generator = family(task, "text")
        levels = [level for level in (5, 10) if level in generator.levels]
        makers: list[Callable[[int], object]] = [
            partial(problem, generator, level) for level in levels
        ]
        name = PEERS.get(task, "")
        other = peer(name) if name else None
        found = rates([*makers, other] if other else makers, seconds)
        made = dict(zip(levels, found[: len(levels)], strict=True))
        compared = " | | "
        if other:
            compared = f"{name} | {found[-1]:,.0f} | {made[5] / found[-1]:.2f}"
            pairs.append((generator.family, made[5], found[-1]))
        top = f"{made[10]:,.0f}" if 10 in made else ""
        print(f"| {task} | {made[5]:,.0f} | {top} | {compared} |", flush=True)
        slow += [
            f"{task} at {x}" for x, least in ((5, 5000), (10, 1000)) if made.get(x, least) < least
        ]
    print(f"\nbelow 5,000/s at level 5 or 1,000/s at level 10: {', '.join(slow) or 'none'}")
    for name in dict.fromkeys(name for name, _, _ in pairs):
        some = [(ours, theirs) for other, ours, theirs in pairs if other == name]
        ours, theirs = (1e6 * statistics.mean(1 / pair[i] for pair in some) for i in (0, 1))
        median = statistics.median(pair[0] / pair[1] for pair in some)
        print(
            f"{name}: {ours:,.0f} us an item, peers {theirs:,.0f}, ratio {theirs / ours:.2f}; "
            f"median of the ratios {median:.2f}"
        )


def parts(n: int, tasks: Sequence[str]) -> None:
    """Draws a problem, and microseconds of drawing, of keys and streams, and of all that is told."""
    print("| task | level | draws | drawing us | keys us | text us |\n|---|---|---|---|---|---|")
    for task in tasks:
        generator = family(task, "text")
        draw, times = generator.draw, array("d")

        def timed(stream: Stream, level: int, draw=draw, times=times) -> Draft | None:
            begun = time.process_time()
            draft = draw(stream, level)
            times.append(time.process_time() - begun)
            return draft

        generator.draw = timed
        for level in (5, 10):
            if level not in generator.levels:
                continue
            del times[:]
            begun = time.process_time()
            for index in range(n):
                generator.draft(level, "train", index)
            drafted = time.process_time() - begun
            draws, drawing = len(times), sum(times)
            begun = time.process_time()
            for index in range(n):
                generator.problem(level, "train", index)
            told = time.process_time() - begun - drafted
            cells = [1e6 * part / n for part in (drawing, drafted - drawing, told)]
            print(
                f"| {task} | {level} | {draws / n:.1f} | "
                f"{' | '.join(f'{cell:.0f}' for cell in cells)} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds a figure")
    parser.add_argument("--tasks", default="", help="those whose name begins so")
    parser.add_argument("--parts", action="store_true", help="what the time goes to")
    args = parser.parse_args()
    tasks = [task for task in TASKS if task.startswith(args.tasks)]
    if args.parts:
        parts(300, tasks)
    else:
        speeds(args.seconds, tasks)


if __name__ == "__main__":
    main()
