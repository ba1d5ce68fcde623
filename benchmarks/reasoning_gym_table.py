"""Screen every task of reasoning-gym and write the shipped table anew.

At its default settings each task goes through the whole screen; at the levels of its curriculum
only the commonest answer, the repeats and the prompt's length are measured. A task that takes too
long says so in its row. Tasks whose scorer executes text are scored too: run it in a container. It takes
about half an hour, most of it for the few tasks that are slow.

    python benchmarks/reasoning_gym_table.py
    python benchmarks/reasoning_gym_table.py --tasks ab maze   # the other rows stay
    python benchmarks/reasoning_gym_table.py --check 200   # the tasks that pass, item by item

With --check nothing is written: of every task that passes, that many problems of a pool are judged with
their own answer, which must be right, and with the next problem's other answer, which must be wrong.
"""

import argparse
import csv
import time
import warnings
from collections import Counter
from pathlib import Path

from lessonplan.errors import LessonplanError
from lessonplan.generators import reasoning_gym_screen
from lessonplan.generators.problem import Json
from lessonplan.generators.reasoning_gym_in import ReasoningGym
from lessonplan.generators.reasoning_gym_process import Worker, WorkerFault
from lessonplan.generators.reasoning_gym_screen import COLUMNS, DENIED, EXECUTES, screen, shipped

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


def check(n: int) -> None:
    """Judge n problems of every task that passes with right answers and with wrong ones."""
    names = [row["name"] for row in shipped() if not row["level"] and not row["against"]]
    print(
        "| task | problems | right answers right | a neighbor's answer wrong |\n|---|---|---|---|"
    )
    totals, faults = Counter[str](), []
    for name in names:
        if name in DENIED or name in EXECUTES:
            continue
        try:
            row = judged(name, n)
        except LessonplanError as fault:
            faults.append(f"{name}: {fault}")
            continue
        print(f"| {name} | {row['problems']} | {row['right']} | {row['wrong']} |", flush=True)
        totals.update(row)
        totals["tasks"] += 1
        if {*row.values()} != {n}:
            faults.append(
                f"{name}: {row['problems'] - row['right']} right answers refused, "
                f"{row['problems'] - row['wrong']} foreign ones accepted"
            )
    print(f"{dict(totals)}; " + ("; ".join(faults) or "no fault"))


def judged(name: str, n: int) -> dict[str, int]:
    """How many problems there were, and on how many each kind of answer was judged as it should."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is known of the task
        gym = ReasoningGym(name, seconds=20.0)
    with gym:
        problems = list(gym.pool(n, "train"))
        right = wrong = 0
        for at, problem in enumerate(problems):
            others = problems[at + 1 :] + problems[:at]
            other = next(one.answer for one in others if one.answer != problem.answer)
            verdicts = [
                gym.verify(problem, f"<answer>{answer}</answer>")
                for answer in (problem.answer, other)
            ]
            right += verdicts[0] is not None and verdicts[0].correct
            wrong += verdicts[1] is not None and not verdicts[1].correct
    return {"problems": len(problems), "right": right, "wrong": wrong}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="a score; 20 times that a batch")
    parser.add_argument("--levels", type=int, default=5, help="levels measured at most")
    parser.add_argument("--budget", type=float, default=5.0, help="seconds for a task's levels")
    parser.add_argument("--tasks", nargs="*", help="only these; all by default")
    parser.add_argument("--check", type=int, metavar="N", help="judge N problems of a task")
    args = parser.parse_args()
    if args.check:
        check(args.check)
        return
    with Worker() as worker:
        ask: dict[str, Json] = {"do": "about", "name": "", "level": None, "config": {}}
        names = worker.ask({**ask, "seed": 0, "size": 1}, 10)["names"]
    assert isinstance(names, list)
    rows: list[dict[str, object]] = []
    for name in map(str, names):
        if name == "composite":
            continue
        if args.tasks and name not in args.tasks:
            rows += [{**row} for row in shipped() if row["name"] == name]
            continue
        row = default_row(name, args.seconds)
        rows.append(row)
        if row["items"]:
            rows += level_rows(name, args.levels, args.budget)
        print(f"{name}: {row['against'] or 'passes'}", flush=True)
    part = TABLE.with_name(TABLE.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(TABLE)
    whole = [row for row in rows if row["level"] == ""]
    print(f"{sum(not row['against'] for row in whole)} of {len(whole)} tasks pass")


if __name__ == "__main__":
    main()
