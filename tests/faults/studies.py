"""kill, ray: kill -9 of a study, of its workers, of its driver, at random moments; then resume."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

STUDY = """\
name = "faults"
sft_steps = 10

[grid]
arms = {arms}
sizes = {sizes}
starts = {starts}

[start.counting]
min_easy_trace = 0.0
min_medium_trace = 0.0
max_easy_answer = 1.0

[train]
steps = 12

[evaluate]
every = 6
test_per_level = 8
validation_per_level = 8
"""
LARGE = STUDY.format(
    arms='["easy", "uniform", "adaptive", "lim"]', sizes="[8, 16]", starts="[0, 1]"
)
SMALL = STUDY.format(arms='["uniform", "adaptive"]', sizes="[8]", starts="[0]")


def command(config: Path, folder: Path, *options: str) -> list[str]:
    study = [sys.executable, "-m", "lessonplan", "study", str(config), "-o", str(folder), "-q"]
    return [*study, *options]


def journals(folder: Path) -> dict[str, list[dict]]:
    """The effective events of every run, without what is allowed to differ: clock and seconds."""
    return {path.stem: effective(path) for path in sorted((folder / "journals").glob("*.jsonl"))}


def effective(path: Path) -> list[dict]:
    """The events of a journal that no rewind took back, without numbers, clocks and durations."""
    events: list[dict] = []
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "rewind":
            events = [kept for kept in events if kept["seq"] <= event["to"]]
        else:
            events.append(event)
    hidden = {"seq", "crc", "at", "seconds"}
    return [{key: value for key, value in one.items() if key not in hidden} for one in events]


def finished(folder: Path) -> dict[str, bytes]:
    """The files of the runs that are done."""
    done = {}
    for path in (folder / "journals").glob("*.jsonl"):
        content = path.read_bytes()
        if content.endswith(b"\n") and b'"event":"end","status":"done"' in content[-600:]:
            done[path.name] = content
    return done


def kill(n: int, seed: int, root: Path) -> dict[str, object]:
    """Kill a study in processes at n random moments, resuming after each; a few need few runs."""
    study_file = LARGE if n >= 5 else "workers = 1\n" + SMALL
    # imports alone take seconds
    return _kill(n, seed, root, study_file, [], settle=1.5, slow=(2.0, 6.0))


def ray(n: int, seed: int, root: Path) -> dict[str, object]:
    """The same on Ray; half of the kills hit a worker, which the study has to replace itself."""
    return _kill(n, seed, root, SMALL, ["--backend", "ray"], settle=3.0, slow=(12.0, 24.0))


def _kill(
    n: int,
    seed: int,
    root: Path,
    study_file: str,
    options: list[str],
    *,
    settle: float,
    slow: tuple[float, float],
) -> dict[str, object]:
    config = root / "faults.toml"
    config.write_text(study_file)
    whole = root / "whole"  # always by processes: what any backend must reproduce
    started = time.monotonic()
    subprocess.run(command(config, whole), check=True, capture_output=True)
    duration = time.monotonic() - started
    rng = random.Random(seed)
    moments = sorted(rng.uniform(0.05, 1.0) * duration for _ in range(n))
    cut = root / "cut"
    kills = {"driver": 0, "worker": 0}
    again = 0
    study: subprocess.Popen | None = None
    for earlier, moment in zip([0.0, *moments], moments, strict=False):
        before = finished(cut)
        if study is None or study.poll() is not None:
            study = subprocess.Popen(
                command(config, cut, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        # at least long enough to get to work again
        time.sleep(max(moment - earlier, rng.uniform(*slow)))
        alive = study.poll() is None
        workers = _workers(study.pid) if alive and options and rng.random() < 0.5 else []
        if workers:
            os.kill(rng.choice(workers), signal.SIGKILL)
            kills["worker"] += 1
        elif alive:
            os.kill(study.pid, signal.SIGKILL)
            study.wait()
            kills["driver"] += 1
            time.sleep(settle)  # orphaned workers notice within half a second
        after = finished(cut)
        again += sum(after.get(name) != content for name, content in before.items())
    if study is not None:
        study.kill()
        study.wait()
        time.sleep(settle)
    before = finished(cut)
    last = subprocess.run(command(config, cut, *options), capture_output=True, text=True)
    again += sum(finished(cut).get(name) != content for name, content in before.items())
    wanted, resumed = journals(whole), journals(cut)
    differing = [name for name in wanted if wanted[name] != resumed.get(name)]
    leftovers = [str(path.name) for path in cut.rglob(".*.[0-9]*")]
    return {
        "kills": sum(kills.values()),
        "killed": kills,
        "runs": len(wanted),
        "exit": last.returncode,
        "differing": differing,
        "finished_run_again": again,
        "leftovers": leftovers,
        "ok": last.returncode == 0 and not differing and not again and not leftovers,
        "error": last.stderr[-500:],
    }


def ends(
    ended: Callable[[], bool],
    pids: Callable[[], Iterable[int]],
    seconds: float,
    most: float = 120.0,
) -> bool:
    """Wait for `ended`; whether it came within `seconds` in which no process of `pids` worked.

    Time in which one works, or waits for a processor, does not count up to `most` seconds: on a
    busy machine that is how long it takes until a process comes to where it notices.
    """
    asleep, before = 0.0, time.monotonic()
    latest = before + max(seconds, most)
    while asleep < seconds and before < latest and not ended():
        time.sleep(0.02)
        now = time.monotonic()
        if not any(map(_working, pids())):
            asleep += now - before
        before = now
    return ended()


def _working(pid: int) -> bool:
    with suppress(psutil.Error):  # it ended a moment ago
        return psutil.Process(pid).status() in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
    return False


def _workers(study: int) -> list[int]:
    """The processes that do a run of a study on Ray."""
    found = []
    for one in psutil.Process(study).children(recursive=True):
        with suppress(psutil.Error):  # ended a moment ago
            if "remote_run" in " ".join(one.cmdline()):
                found.append(one.pid)
    return found
