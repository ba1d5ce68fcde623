"""A study on Ray with a worker killed twice: is it complete, are its journals the local ones?

    python benchmarks/ray_study.py           # 24 runs, twice; about five minutes on two cores
    python benchmarks/ray_study.py --steps 4

Prints one JSON line; the exit code is 0 when every run is done and no journal differs but in clock
and duration. Needs Ray: pip install "lessonplan[ray]".
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import psutil

from lessonplan.curricula import read_events
from lessonplan.training.config import Evaluate, Grid, Start, StudyConfig, Train
from lessonplan.training.plan import expand
from lessonplan.training.study import run_study
from lessonplan.training.study_backend import LOG_FILE
from lessonplan.training.study_ray import RayTasks

ANY = Start(min_easy_trace=0.0, min_medium_trace=0.0, max_easy_answer=1.0)  # no time to learn here
CLOCKS = {"seq", "crc", "at", "seconds"}


def config(steps: int) -> StudyConfig:
    """2 warm starts, 2 controls, 5 arms x 2 sizes x 2 starts: 24 runs."""
    return StudyConfig(
        "ray",
        grid=Grid(
            arms=("easy", "mixed", "uniform", "adaptive", "lim"), sizes=(8, 16), starts=(0, 1)
        ),
        start=ANY,
        train=Train(steps=steps),
        evaluate=Evaluate(test_per_level=4, validation_per_level=4, every=steps),
        sft_steps=steps,
    )


class Killer:
    """A watcher that kills the worker of a run under way, `kills` times."""

    def __init__(self, kills: int) -> None:
        self.kills, self.killed = kills, 0
        self.lock = threading.Lock()

    def planned(self, runs, earlier) -> None:
        pass

    def progress(self, run, facts) -> None:
        if run.kind == "rl" and self.killed < self.kills and facts["step"] == 2 + self.killed:
            mine = [one for one in psutil.Process().children(recursive=True) if works(one)]
            if mine:
                os.kill(mine[0].pid, signal.SIGKILL)
                self.killed += 1

    def finished(self, run, error) -> None:
        if error is not None:
            print(f"{run.id}: {error}", file=sys.stderr)


def works(process: psutil.Process) -> bool:
    """Whether a process does a run; one that was just killed does not."""
    try:
        return "remote_run" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def effective(folder: Path) -> dict[str, list[dict[str, object]]]:
    """The events of every journal, without what may differ: numbers, clocks, durations."""
    return {
        path.name: [
            {key: value for key, value in event.items() if key not in CLOCKS}
            for event in read_events(path)
        ]
        for path in sorted((folder / "journals").glob("*.jsonl"))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    if find_spec("ray") is None:
        print('skipped: needs Ray, pip install "lessonplan[ray]"')
        return 0
    study = config(args.steps)
    with tempfile.TemporaryDirectory() as name:
        folders = {one: Path(name) / one for one in ("local", "ray", "killed")}
        killer = Killer(args.kills)
        seconds = {}
        for where, backend, watcher in (
            ("local", None, None),
            ("ray", RayTasks(), None),
            ("killed", RayTasks(), killer),
        ):
            started = time.monotonic()
            result = run_study(study, folders[where], watcher, backend=backend)
            seconds[where] = time.monotonic() - started
        local, undisturbed, killed = (effective(folder) for folder in folders.values())
        lost = (folders["killed"] / LOG_FILE).read_text().count("lost its worker, starts over")
        rewinds = sum(
            path.read_bytes().count(b'"event":"rewind"')
            for path in (folders["killed"] / "journals").glob("*.jsonl")
        )
    differing = {
        "ray": [one for one in local if local[one] != undisturbed.get(one)],
        "killed": [one for one in local if local[one] != killed.get(one)],
    }
    found = {
        "runs": len(expand(study)),
        "done": len(result.done),
        "failed": len(result.failed),
        "workers_killed": killer.killed,
        "workers_lost": lost,
        "rewound": rewinds,
        "differing": differing,
        "seconds": {where: round(value, 1) for where, value in seconds.items()},
        "ray_over_local": round(seconds["ray"] / seconds["local"], 2),
        "killed_over_local": round(seconds["killed"] / seconds["local"], 2),
    }
    print(json.dumps(found))
    whole = found["done"] == found["runs"] and killer.killed == lost == args.kills
    return 0 if whole and not any(differing.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
