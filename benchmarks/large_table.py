"""Write a large table of mixed tasks, twice, and look for what it shares with other splits and seeds.

Prints wall and CPU seconds (of all processes), the memory of all processes together (proportional
set size, looked at once a second), whether both files are the same bytes, and how many
canonical keys the table shares with itself, with the test split and with the next seed.

    python benchmarks/large_table.py                  # 20,000 problems on two processes
    python benchmarks/large_table.py --n 1000000      # the size that the memory and time are for
"""

import argparse
import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil

from lessonplan.generators import TASKS, family, generate, write_parquet

LEVELS = range(5, 11)  # a million problems need levels that hold thousands of each task
SEED = 42


class Memory(threading.Thread):
    """The most memory that this process and those below it held at one time, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0.0, threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self.over.wait(1):
            held = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    held += process.memory_full_info().pss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, held / 2**20)


def cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def write(path: Path, tasks: list[str], n: int, workers: int, split: str, seed: int) -> None:
    """Make a table and say what it took."""
    memory, begun, used = Memory(), time.perf_counter(), cpu()
    memory.start()
    pool = generate(tasks, LEVELS, n, split=split, seed=seed, encoding="text", workers=workers)
    chosen = time.perf_counter() - begun
    write_parquet(pool, path, workers=workers)
    memory.over.set()
    memory.join()
    print(
        f"{split}, seed {seed}: {n:,} problems of {len(tasks)} tasks on {workers} processes in "
        f"{time.perf_counter() - begun:.0f} s ({chosen:.0f} s to leave out repeats), "
        f"{cpu() - used:.0f} CPU s, {path.stat().st_size / 2**20:.0f} MB, "
        f"memory of all processes {memory.most:.0f} MB",
        flush=True,
    )


def wide_enough(n: int) -> list[str]:
    """The tasks that have the levels and hold twice their share of n problems in each."""
    tasks = [task for task in TASKS if {*LEVELS} <= {*family(task).levels}]
    while True:
        share = -(-n // (len(tasks) * len(LEVELS)))
        kept = [task for task in tasks if least(task) >= 2 * share]
        if kept == tasks:
            return tasks
        print(f"too few problems for {share} a level: {', '.join(sorted({*tasks} - {*kept}))}")
        tasks = kept


def least(task: str) -> int:
    """How many training problems the narrowest of the levels holds."""
    generator = family(task, "text")
    return min(generator.capacity(level, "train") for level in LEVELS)


def keys(path: Path) -> set[tuple[str, str]]:
    """Task and canonical key of every row."""
    from pyarrow import parquet

    columns = parquet.read_table(path, columns=["task", "key"]).to_pydict()
    return set(zip(columns["task"], columns["key"], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--others", type=int, default=50_000, help="of the other split and seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--once", action="store_true", help="do not write the table again")
    args = parser.parse_args()
    tasks = wide_enough(args.n)
    with tempfile.TemporaryDirectory() as folder:
        table, other = Path(folder) / "table.parquet", Path(folder) / "other.parquet"
        write(table, tasks, args.n, args.workers, "train", SEED)
        if not args.once:
            write(other, tasks, args.n, args.workers, "train", SEED)
            same = [hashlib.sha256(path.read_bytes()).digest() for path in (table, other)]
            print(f"byte-identical: {same[0] == same[1]}", flush=True)
        held = keys(table)
        print(f"repeated within the table: {args.n - len(held)}")
        size = min(args.n, args.others)
        for split, seed in (("test", SEED), ("train", SEED + 1)):
            write(other, tasks, size, args.workers, split, seed)
            shared = held & keys(other)
            where = ", ".join(sorted({task for task, _ in shared}))
            print(f"shared with {split}, seed {seed}: {len(shared)} {where}", flush=True)


if __name__ == "__main__":
    main()
