"""Measure how often a guess is right, for every task and level, and write the shipped table anew.

    python benchmarks/guess_rates.py
    python benchmarks/guess_rates.py --tasks counting.count_if graph.walk

With --tasks the other rows of the table stay. Prints the tasks whose commonest answer is above the
gate, and those whose guess rate grows with the level.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from lessonplan.generators import guess
from lessonplan.generators.families import TASKS, family

TABLE = Path(guess.__file__).with_name("guess_rates.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--n", type=int, default=2000)
    args = parser.parse_args()
    kept: list[dict[str, str | int | float]] = []
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            old = csv.DictReader(file)
            kept = [{**row} for row in old if row["task"] in {*TASKS} - {*args.tasks}]
    rows = kept + list(guess.table_rows((family(task) for task in args.tasks), args.n))
    rows.sort(key=lambda row: (TASKS.index(str(row["task"])), int(row["level"])))
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, guess.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    modes: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        modes[str(row["task"])].append(float(row["mode"]))
        if float(row["mode"]) > guess.GATE and not int(row["witness"]):
            print(f"above the gate: {row['task']} level {row['level']}, mode {row['mode']}")
    for task, rates in modes.items():
        if rates[-1] > rates[0] + 0.05:
            print(f"grows with the level: {task}, mode {rates[0]} to {rates[-1]}")
    print(f"{len(rows)} rows in {TABLE.name}")


if __name__ == "__main__":
    main()
