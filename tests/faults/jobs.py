"""writers, clock: two jobs on one folder; a wall clock that jumps while a study runs."""

import json
import math
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from studies import SMALL, command, effective, journals

from lessonplan.curricula import Lock, read_events
from lessonplan.errors import FormatError, LockedError

LOCKED = 3  # the exit code of a folder that another process writes
RELEASE = 0.1  # seconds after a kill in which its lock must be gone

# Found by Python before anything else is imported. The monotonic clock is the machine's own.
CLOCK = """
import random, time

_true, _random = time.time, random.Random({seed})
_jumps = [0.0, 86_400.0, -86_400.0, 3_600.0, -3_600.0]  # a day, daylight saving

def jumping():
    now = _true()
    return 0.5 if _random.random() < 0.2 else now + _random.choice(_jumps)  # 1970 at times

time.time = jumping
"""


def writers(n: int, seed: int, root: Path) -> dict[str, object]:
    """A second study on the folder of one that runs, n times, of a stopped one too; readers."""
    rng = random.Random(seed)
    config, folder = root / "faults.toml", root / "runs"
    config.write_text(SMALL)
    first = subprocess.Popen(
        command(config, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not list(folder.glob("journals/*.jsonl")):
        time.sleep(0.05)
    refused, messages, half_lines, reads = 0, [], 0, 0
    for number in range(n):
        stopped = bool(number % 2)
        if stopped:
            os.kill(first.pid, signal.SIGSTOP)
        second = subprocess.Popen(
            command(config, folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        while second.poll() is None:
            for path in folder.glob("journals/*.jsonl"):
                reads += 1
                try:
                    list(read_events(path))
                except FormatError:
                    half_lines += 1
            time.sleep(rng.uniform(0.01, 0.05))
        if stopped:
            os.kill(first.pid, signal.SIGCONT)
        messages.append(second.stderr.read().strip())
        refused += second.returncode == LOCKED and f"pid {first.pid} on" in messages[-1]
        if first.poll() is not None:
            break
    first.kill()
    killed = time.monotonic()
    while True:
        try:
            Lock(folder / ".study.lock", what=str(folder)).release()
            break
        except LockedError:
            if time.monotonic() - killed > 10:
                break
    free = time.monotonic() - killed
    first.wait()
    time.sleep(1.5)  # orphaned workers notice within half a second
    last = subprocess.run(command(config, folder), capture_output=True, text=True)
    return {
        "second_writers": len(messages),
        "refused": refused,
        "reads": reads,
        "half_lines_read": half_lines,
        "lock_free_after_seconds": round(free, 4),
        "exit": last.returncode,
        "ok": refused == len(messages) > 0
        and not half_lines
        and free <= RELEASE
        and last.returncode == 0,
        "error": messages[-1] if refused < len(messages) else "",
    }


def clock(n: int, seed: int, root: Path) -> dict[str, object]:
    """n studies whose wall clock jumps at every look, by days and to 1970."""
    config, whole = root / "faults.toml", root / "whole"
    config.write_text(SMALL)
    subprocess.run(command(config, whole), check=True, capture_output=True)
    wanted = journals(whole)
    exits, unlike, backward, faulty = [], [], 0, 0
    for number in range(n):
        hook, folder = root / f"hook{number}", root / f"runs{number}"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(CLOCK.format(seed=seed + number))
        path = os.pathsep.join(filter(None, [str(hook), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            command(config, folder), env={**os.environ, "PYTHONPATH": path}, capture_output=True
        )
        exits.append(done.returncode)
        unlike += [name for name in wanted if journals(folder).get(name) != wanted[name]]
        for journal in (folder / "journals").glob("*.jsonl"):
            events = [json.loads(line) for line in journal.read_text().splitlines()]
            stamps = [event["at"] for event in events if "at" in event]
            backward += stamps != sorted(stamps)
            seconds = [value for event in events for value in event.get("seconds", {}).values()]
            faulty += sum(not (math.isfinite(value) and value >= 0) for value in seconds)
            assert effective(journal), journal
    return {
        "studies": n,
        "exits": exits,
        "differing": unlike,
        "journals_with_backward_clocks": backward,
        "negative_durations": faulty,
        "ok": not any(exits) and not unlike and not faulty and backward > 0,
    }
