"""writers, clock, signals, env: what happens around a job while it runs."""

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
from studies import SMALL, command, effective, ends, journals

from lessonplan.curricula import Lock, read_events
from lessonplan.errors import FormatError, LockedError

LOCKED = 3  # the exit code of a folder that another process writes
RELEASE = 0.1  # seconds after a kill in which its lock must be gone

ENDS = 5.0  # seconds after a signal in which a study and its workers must have ended

# A run in a process of its own: the folder of this file, the run's folder, the mask of new files.
RUN = """
import os, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
os.umask(int(sys.argv[3], 8))
import small

small.train(Path(sys.argv[2]))
"""
ENVIRONMENT = {
    "PYTHONHASHSEED": ("0", "1", "4242"),
    "LC_ALL": ("C", "C.UTF-8", "tr_TR.UTF-8"),
    "PYTHONUTF8": ("0", "1"),
    "TZ": ("UTC", "Asia/Kathmandu", "America/St_Johns"),
}
FOLDERS = ("with space", "-dash", "quote'\"", "\u00fcml\u00e4ut", "$HOME", "%s{}", "a" * 200)

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


def signals(n: int, seed: int, root: Path) -> dict[str, object]:
    """n signals that end a study, at random moments; interrupts once and twice; resume after each."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in case we run in the background,
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # or under nohup: studies would ignore them too
    rng = random.Random(seed)
    config, whole, cut = root / "faults.toml", root / "whole", root / "cut"
    config.write_text(SMALL)
    started = time.monotonic()
    subprocess.run(command(config, whole), check=True, capture_output=True)
    duration = time.monotonic() - started
    sent: dict[str, int] = {}
    wrong: list[str] = []
    left = 0
    for _ in range(n):
        number = rng.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        study = subprocess.Popen(
            command(config, cut), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        while not (cut / ".study.lock.owner").exists() and study.poll() is None:
            time.sleep(0.02)  # its handlers are set by then
        time.sleep(rng.uniform(0.0, 0.5) * duration)
        family: list[psutil.Process] = []
        with suppress(psutil.Error):
            family = [psutil.Process(study.pid), *psutil.Process(study.pid).children(True)]
        again = rng.random() < 0.5
        finished = study.poll() is not None
        if not finished:
            study.send_signal(number)
            name = number.name + (" twice" if again else "")
            sent[name] = sent.get(name, 0) + 1
            if again:
                time.sleep(0.1)
                with suppress(ProcessLookupError):
                    study.send_signal(number)
        pids = [one.pid for one in family]
        if not ends(lambda study=study: study.poll() is not None, lambda pids=pids: pids, ENDS):
            wrong.append(f"{number.name}: still there after {ENDS:g} s")
            study.kill()
        error = study.communicate()[1]
        if study.returncode != (0 if finished else 128 + number):
            wrong.append(f"{number.name}: exit {study.returncode}: {error[-300:]}")
        gone = lambda family=family: not any(map(_lives, family))
        left += not ends(gone, lambda pids=pids: pids, ENDS)
    last = subprocess.run(command(config, cut), capture_output=True, text=True)
    wanted, resumed = journals(whole), journals(cut)
    differing = [name for name in wanted if wanted[name] != resumed.get(name)]
    return {
        "sent": dict(sorted(sent.items())),
        "wrong": wrong,
        "left_running": left,
        "exit": last.returncode,
        "differing": differing,
        "ok": not wrong and not left and last.returncode == 0 and not differing and bool(sent),
    }


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def env(n: int, seed: int, root: Path) -> dict[str, object]:
    """n processes under other hash seeds, locales, time zones, masks, paths, with and without -O."""
    rng = random.Random(seed)
    wanted: tuple[list[bytes], bytes] | None = None
    unlike: list[dict[str, str]] = []
    failed: list[str] = []
    for number in range(n):
        chosen = {name: rng.choice(values) for name, values in ENVIRONMENT.items()}
        options = rng.choice(([], ["-O"], ["-OO"]))
        folder = root / str(number) / rng.choice(FOLDERS)
        folder.mkdir(parents=True)
        here = str(Path(__file__).parent)
        done = subprocess.run(
            [sys.executable, *options, "-c", RUN, here, str(folder), rng.choice(("000", "077"))],
            env={**os.environ, **chosen},
            cwd=root,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            failed.append(f"{chosen} {options} {folder.name}: {done.stderr[-500:]}")
            continue
        lines = (folder / "journal.jsonl").read_bytes().splitlines()
        left = lines[1:-1], (folder / "state.json").read_bytes()  # the other two have a clock
        wanted = wanted or left
        if left != wanted:
            unlike.append(chosen)
    return {
        "environments": n,
        "failed": failed,
        "differing": unlike,
        "ok": not failed and not unlike,
    }
