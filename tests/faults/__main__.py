"""Break lessonplan on purpose, through its command line and files alone.

    python tests/faults kill --n 10 --seed 0

Prints one JSON line; the exit code is 0 when every promise held. Run it with the Python that has
lessonplan installed; `--keep DIR` leaves the folders for inspection.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STUDY = """\
name = "faults"
sft_steps = 10

[grid]
arms = ["easy", "uniform", "adaptive", "lim"]
sizes = [8, 16]
starts = [0, 1]

[start]
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


def command(config: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "lessonplan", "study", str(config), "-o", str(folder), "-q"]


def journals(folder: Path) -> dict[str, list[dict]]:
    """The effective events of every run, without what is allowed to differ: clock and seconds."""
    found = {}
    for path in sorted((folder / "journals").glob("*.jsonl")):
        events: list[dict] = []
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "rewind":
                events = [kept for kept in events if kept["seq"] <= event["to"]]
            else:
                events.append(event)
        found[path.stem] = [
            {
                key: value
                for key, value in event.items()
                if key not in {"seq", "crc", "at", "seconds"}
            }
            for event in events
        ]
    return found


def finished(folder: Path) -> dict[str, bytes]:
    """The files of the runs that are done."""
    done = {}
    for path in (folder / "journals").glob("*.jsonl"):
        content = path.read_bytes()
        if content.endswith(b"\n") and b'"event":"end","status":"done"' in content[-600:]:
            done[path.name] = content
    return done


def kill(n: int, seed: int, root: Path) -> dict[str, object]:
    """kill -9 a study at n random moments, resuming after each; compare with an uninterrupted one."""
    config = root / "faults.toml"
    config.write_text(STUDY)
    started = time.monotonic()
    subprocess.run(command(config, root / "whole"), check=True, capture_output=True)
    duration = time.monotonic() - started
    rng = random.Random(seed)
    moments = sorted(rng.uniform(0.05, 1.0) * duration for _ in range(n))
    cut = root / "cut"
    killed = again = 0
    for earlier, moment in zip([0.0, *moments], moments, strict=False):
        before = finished(cut)
        study = subprocess.Popen(
            command(config, cut), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # at least long enough to get to work again: imports alone take seconds
        time.sleep(max(moment - earlier, rng.uniform(2.0, 6.0)))
        if study.poll() is None:
            os.kill(study.pid, signal.SIGKILL)
            killed += 1
        study.wait()
        time.sleep(1.5)  # orphaned workers notice within half a second
        after = finished(cut)
        again += sum(after.get(name) != content for name, content in before.items())
    before = finished(cut)
    last = subprocess.run(command(config, cut), capture_output=True, text=True)
    again += sum(finished(cut).get(name) != content for name, content in before.items())
    whole, resumed = journals(root / "whole"), journals(cut)
    differing = [name for name in whole if whole[name] != resumed.get(name)]
    leftovers = [str(path.name) for path in cut.rglob(".*.[0-9]*")]
    return {
        "fault": "kill",
        "kills": killed,
        "runs": len(whole),
        "exit": last.returncode,
        "differing": differing,
        "finished_run_again": again,
        "leftovers": leftovers,
        "ok": last.returncode == 0 and not differing and not again and not leftovers,
        "error": last.stderr[-500:],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=["kill"])
    parser.add_argument("--n", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    root = args.keep or Path(tempfile.mkdtemp())
    root.mkdir(parents=True, exist_ok=True)
    result = kill(args.n, args.seed, root)
    print(json.dumps(result))
    if not args.keep:
        shutil.rmtree(root)
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
