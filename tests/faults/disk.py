"""enospc: the disk is full while the journal or the checkpoint is written."""

import os
import random
import resource
import signal
import sys
from pathlib import Path

from studies import effective
from tells import fresh

from lessonplan.curricula import Outcome
from lessonplan.curricula.state import load_state, save_state
from lessonplan.errors import StateError

STEPS, GROUPS = 40, 8
FULL = 9  # exit code of a run that met the full disk and said so


def enospc(n: int, seed: int, root: Path) -> dict[str, object]:
    """A limit on the size of files stands in for the disk, n sizes; resume with room again."""
    rng = random.Random(seed)
    (root / "whole").mkdir()
    if _forked(root / "whole", None):
        return {"ok": False, "error": "the uninterrupted run failed"}
    wanted = effective(root / "whole" / "journal.jsonl")
    largest = max(path.stat().st_size for path in (root / "whole").iterdir())
    ends: dict[str, int] = {}
    torn: list[int] = []
    unlike: list[int] = []
    leftovers: list[str] = []
    for number in range(n):
        folder = root / f"full{number}"
        folder.mkdir()
        size = rng.randrange(1, largest)
        code = _forked(folder, size)
        end = {0: "fitted", FULL: "said so"}.get(code, f"exit {code}")
        ends[end] = ends.get(end, 0) + 1
        leftovers += [path.name for path in folder.glob(".*.[0-9]*")]
        try:
            if (folder / "state.json").exists():
                load_state(folder / "state.json")  # the old one or the new one, never half of one
        except StateError:
            torn.append(size)
        if _forked(folder, None) or effective(folder / "journal.jsonl") != wanted:
            unlike.append(size)
    return {
        "sizes": [1, largest],
        "ends": ends,
        "torn_states": torn,
        "differing": unlike,
        "leftovers": leftovers,
        "ok": set(ends) <= {"fitted", "said so"} and not torn and not unlike and not leftovers,
    }


def _forked(folder: Path, limit: int | None) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        _train(folder)
        code = 0
    except OSError:
        code = FULL
    except BaseException as error:  # noqa: BLE001  # the process ends here, whatever it is
        print(f"{folder.name}: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)


def _train(folder: Path) -> None:
    """Ask and tell STEPS times with rewards that follow from the problem; save every second step."""
    curriculum = fresh(folder / "journal.jsonl")
    first = 0
    if (folder / "state.json").exists():
        state = load_state(folder / "state.json")
        curriculum.load_state_dict(state)
        first = int(state["next_ticket"]) // GROUPS
    else:
        curriculum.restart()
    for step in range(first, STEPS):
        picks = curriculum.ask(GROUPS, step=step)
        curriculum.tell(
            Outcome(one.ticket, [float((one.position + step + i) % 3 > 0) for i in range(4)])
            for one in picks
        )
        curriculum.record("step", step=step + 1)
        if step % 2:
            save_state(folder / "state.json", curriculum.state_dict())
    curriculum.finish()
    curriculum.close()
