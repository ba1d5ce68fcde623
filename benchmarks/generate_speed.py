"""How fast problems are made, next to reasoning-gym's nearest tasks, and a large table of them.

CPU seconds of one process. Peers are measured in turns with our tasks, in the same run, each at the
middle level of its curriculum where it has one; reasoning-gym is an extra (`.[gym]`), without which the
column stays empty.

    python benchmarks/generate_speed.py                    # every task at levels 5 and 10
    python benchmarks/generate_speed.py --table 1000000    # a mixed table in parquet, twice, 2 processes
"""

import argparse
import hashlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lessonplan.generators import TASKS, Generator, Problem, family, generate, write_parquet

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


def rate(make: Callable[[int], object], seconds: float) -> float:
    """Calls a second: the median of five stretches of CPU time."""
    make(0)
    rates, at = [], 1
    for _ in range(5):
        begun, first = time.process_time(), at
        while (used := time.process_time() - begun) < seconds / 5:
            make(at)
            at += 1
        rates.append((at - first) / used)
    return statistics.median(rates)


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


def speeds(seconds: float) -> None:
    print("| task | level 5 /s | level 10 /s | peer | peer /s | ratio |\n|---|---|---|---|---|---|")
    slow = []
    for task in TASKS:
        generator = family(task, "text")
        made = {
            level: rate(partial(problem, generator, level), seconds)
            for level in (5, 10)
            if level in generator.levels
        }
        name = PEERS.get(task, "")
        other = peer(name) if name else None
        theirs = rate(other, seconds) if other else 0.0
        compared = f"{name} | {theirs:,.0f} | {made[5] / theirs:.2f}" if theirs else " | | "
        top = f"{made[10]:,.0f}" if 10 in made else ""
        print(f"| {task} | {made[5]:,.0f} | {top} | {compared} |", flush=True)
        slow += [
            f"{task} at {x}" for x, least in ((5, 5000), (10, 1000)) if made.get(x, least) < least
        ]
    print(f"\nbelow 5,000/s at level 5 or 1,000/s at level 10: {', '.join(slow) or 'none'}")


def table(n: int, workers: int) -> None:
    tasks = [task for task in TASKS if 3 in family(task).levels and 10 in family(task).levels]
    digests = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(2):
            begun = time.perf_counter()
            pool = generate(tasks, range(4, 11), n, split="train", encoding="text", workers=workers)
            chosen = time.perf_counter() - begun
            path = Path(folder) / f"{run}.parquet"
            write_parquet(pool, path, workers=workers)
            digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
            seconds = time.perf_counter() - begun
            most = max(
                resource.getrusage(who).ru_maxrss
                for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            )
            print(
                f"{n:,} problems of {len(tasks)} tasks on {workers} processes: {seconds:.0f} s "
                f"({chosen:.0f} s to leave out repeats), {path.stat().st_size / 2**20:.0f} MB, "
                f"at most {most / 2**10:.0f} MB in a process",
                flush=True,
            )
        print(f"byte-identical: {digests[0] == digests[1]}")
        ids = keys(Path(folder) / "0.parquet")
        for name, other in (
            ("test", {"split": "test"}),
            ("seed 43", {"split": "train", "seed": 43}),
        ):
            held = generate(tasks, range(4, 11), min(n, 50_000), workers=workers, **other)
            write_parquet(held, Path(folder) / "other.parquet", workers=workers)
            print(f"shared with {name}: {len(ids & keys(Path(folder) / 'other.parquet'))}")


def keys(path: Path) -> set[tuple[str, str]]:
    from pyarrow import parquet

    columns = parquet.read_table(path, columns=["task", "key"]).to_pydict()
    return set(zip(columns["task"], columns["key"], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds a figure")
    parser.add_argument("--table", type=int, help="problems of a table in parquet")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if args.table:
        table(args.table, args.workers)
    else:
        speeds(args.seconds)


if __name__ == "__main__":
    main()
