"""Screen every task of reasoning-gym and write the shipped table anew.

At its default settings each task goes through the whole screen; at the levels of its curriculum
only the commonest answer, the repeats and the prompt's length are measured. A task that takes too
long says so in its row. Tasks whose scorer executes text are scored too: run it in a container. It takes
about half an hour, most of it for the few tasks that are slow.

    python benchmarks/reasoning_gym_table.py
"""

import argparse
import csv
import time
from collections import Counter
from pathlib import Path

from lessonplan.generators import reasoning_gym_screen
from lessonplan.generators.problem import Json
from lessonplan.generators.reasoning_gym_process import Worker, WorkerFault
from lessonplan.generators.reasoning_gym_screen import COLUMNS, screen

TABLE = Path(reasoning_gym_screen.__file__).with_name("reasoning_gym.csv")


def default_row(name: str, seconds: float) -> dict[str, object]:
    """The whole screen, with fewer items when the usual number takes too long."""
    for n in (200, 40):
        try:
            found = screen(name, n=n, seconds=seconds)
        except WorkerFault as fault:
            last = str(fault)
        else:
            return {
                "name": name,
                "level": "",
                "items": n,
                "mode": round(found.mode, 3),
                "duplicates": round(found.duplicates, 3),
                "prompt_characters": round(found.prompt_characters),
                "items_per_second": round(found.items_per_second, 1),
                "free_reward": round(found.free_reward, 3),
                "foreign_reward": round(found.foreign_reward, 3),
                "gold_reward": round(found.gold_reward, 3),
                "slowest": round(found.slowest, 3),
                "against": "; ".join(found.against),
            }
    return {"name": name, "level": "", "items": 0, "against": f"not measured: {last}"}


def level_rows(name: str, most: int, budget: float) -> list[dict[str, object]]:
    """Mode rate and prompt length of the levels, until the time is over."""
    rows: list[dict[str, object]] = []
    begun = time.monotonic()
    base: dict[str, Json] = {"name": name, "config": {}, "seed": 1, "size": 100}
    with Worker() as worker:
        about = worker.ask({**base, "do": "about", "level": None}, budget)
        for level in range(min(int(str(about["levels"])), most)):
            left = budget - (time.monotonic() - begun)
            if left <= 0:
                break
            try:
                make = {**base, "do": "make", "level": level, "start": 0, "stop": 100}
                items = worker.ask(make, left)["items"]
            except WorkerFault:
                break
            assert isinstance(items, list)
            answers = Counter(str(answer) for _, answer in items)
            lengths = sorted(len(str(question)) for question, _ in items)
            row = {"name": name, "level": level, "items": 100, "prompt_characters": lengths[50]}
            row["mode"] = round(answers.most_common(1)[0][1] / 100, 3)
            row["duplicates"] = round(1 - len({str(question) for question, _ in items}) / 100, 3)
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="a score; 20 times that a batch")
    parser.add_argument("--levels", type=int, default=5, help="levels measured at most")
    parser.add_argument("--budget", type=float, default=5.0, help="seconds for a task's levels")
    args = parser.parse_args()
    with Worker() as worker:
        ask: dict[str, Json] = {"do": "about", "name": "", "level": None, "config": {}}
        names = worker.ask({**ask, "seed": 0, "size": 1}, 10)["names"]
    assert isinstance(names, list)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        passed = 0
        for name in map(str, names):
            if name == "composite":
                continue
            row = default_row(name, args.seconds)
            passed += not row["against"]
            writer.writerow(row)
            if row["items"]:
                writer.writerows(level_rows(name, args.levels, args.budget))
            file.flush()
            print(f"{name}: {row['against'] or 'passes'}", flush=True)
    print(f"{passed} of {len(names) - 1} tasks pass")


if __name__ == "__main__":
    main()
