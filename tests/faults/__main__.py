"""Break lessonplan on purpose.

    python tests/faults kinds
    python tests/faults kill --n 10 --seed 0

`kinds` prints the table of faults. Every other kind prints one JSON line; the exit code is 0 when
every promise held. Run it with the Python that has lessonplan installed; `--keep DIR` leaves the
folders for inspection.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import disk
import files
import jobs
import studies
import tells
import trainers


@dataclass(frozen=True)
class Kind:
    """A fault: what is done, what must hold after it, and how often it is done by default."""

    inject: str
    holds: str
    n: int
    run: Callable[[int, int, Path], dict[str, object]]


KINDS = {
    "kill": Kind(
        "kill -9 of a study at random moments",
        "resumed, its journals are those of an uninterrupted one; nothing done is done again",
        10,
        studies.kill,
    ),
    "ray": Kind(
        "kill -9 of the driver or of a worker of a study on Ray at random moments",
        "as kill; a lost worker is replaced without a resume; needs the extra ray",
        6,
        studies.ray,
    ),
    "trl": Kind(
        "kill -9 of a GRPO run that saves at every step, at random moments",
        "resumed from its last whole checkpoint: same picks, rewards, ledger and parameters",
        20,
        trainers.trl,
    ),
    "ranks": Kind(
        "kill -9 of either of two ranks over gloo at random moments",
        "as trl, on both ranks; the other rank ends within 10 s",
        20,
        trainers.ranks,
    ),
    "stops": Kind(
        "SIGSTOP of either of two ranks, for a moment and for good",
        "after a moment it goes on as if nothing had been; for good, the other rank ends at its"
        " timeout, and resumed it is as trl",
        4,
        trainers.stops,
    ),
    "tells": Kind(
        "outcomes told twice, late, in parts, contradicting, foreign or never; crashes between",
        "the ledger adds up after every step; picks are those of a twin told everything once",
        10_000,
        tells.tells,
    ),
    "enospc": Kind(
        "the disk is full while the journal or the checkpoint is written, at random sizes",
        "the old state or the new one loads; resumed with room, the journal is the whole one",
        100,
        disk.enospc,
    ),
    "io": Kind(
        "one open, write, fsync or rename fails or is cut short, drawn from all of a run",
        "said so, exit not 0; as enospc",
        100,
        disk.io,
    ),
    "torn": Kind(
        "the journal cut in its last three lines, the state file anywhere",
        "the torn state is refused, the torn event alone is lost; two resumes give the whole run",
        50,
        files.torn,
    ),
    "flip": Kind(
        "one bit of a journal or of a state file flipped",
        "noticed, with the file named; repaired, every other event is as it was",
        500,
        files.flip,
    ),
    "restore": Kind(
        "a state older or newer than the journal, of another pool or sampler, changed, missing",
        "older: the journal is rewound; missing: rebuilt from the journal, the same state; else"
        " refused with nothing loaded and nothing written",
        100,
        files.restore,
    ),
    "writers": Kind(
        "a second study on the folder of one that runs or is stopped; readers meanwhile",
        "refused with exit code 3, naming the pid; no half line read; free .1 s after a kill",
        4,
        jobs.writers,
    ),
    "clock": Kind(
        "the wall clock jumps at every look, by days and to 1970, while a study runs",
        "the same journals, no negative duration",
        1,
        jobs.clock,
    ),
    "signals": Kind(
        "SIGINT, SIGTERM, SIGHUP of a study at random moments, once and twice",
        "exit 128 + number within 5 s, no worker left; resumed as kill",
        6,
        jobs.signals,
    ),
    "env": Kind(
        "other hash seeds, locales, time zones, file masks, paths, python -O",
        "the same picks, the same bytes",
        8,
        jobs.env,
    ),
}


def table() -> dict[str, dict[str, object]]:
    return {
        name: {key: value for key, value in asdict(kind).items() if key != "run"}
        for name, kind in KINDS.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="fault", required=True, metavar="KIND")
    verbs.add_parser("kinds", help="print the table of kinds as JSON")
    for name, kind in KINDS.items():
        verb = verbs.add_parser(name, help=kind.inject, description=f"{kind.inject}: {kind.holds}")
        verb.add_argument("--n", type=int, default=kind.n, help=f"how many, by default {kind.n}")
        verb.add_argument("--seed", type=int, default=0)
        verb.add_argument("--keep", type=Path, help="folder to leave everything in")
    args = parser.parse_args()
    if args.fault == "kinds":
        print(json.dumps(table(), indent=2))
        return 0
    root = args.keep or Path(tempfile.mkdtemp())
    root.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    result = KINDS[args.fault].run(args.n, args.seed, root)
    result = {"fault": args.fault, "n": args.n, "seed": args.seed, **result}
    print(json.dumps({**result, "seconds": round(time.monotonic() - started, 1)}))
    if not args.keep:
        shutil.rmtree(root)
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
