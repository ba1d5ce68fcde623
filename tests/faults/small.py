"""A small run of a curriculum alone: what the faults of files are done to."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from tells import fresh

from lessonplan.curricula import Curriculum, Outcome, read_events
from lessonplan.curricula.state import load_state, save_state
from lessonplan.errors import StateError

STEPS, GROUPS = 40, 8
SAID_SO = 9  # exit code of a run that met an error of the disk and said so


def train(folder: Path, *, keep: bool = False) -> None:
    """Ask and tell STEPS times with rewards that follow from the problem; save every second step.

    It goes on from what the folder holds. With `keep`, the state of every step is left there.
    """
    curriculum = fresh(folder / "journal.jsonl")
    for step in range(resume(curriculum, folder / "state.json"), STEPS):
        picks = curriculum.ask(GROUPS, step=step)
        curriculum.tell(
            Outcome(one.ticket, [float((one.position + step + i) % 3 > 0) for i in range(4)])
            for one in picks
        )
        curriculum.record("step", step=step + 1)
        if step % 2:
            save_state(folder / "state.json", curriculum.state_dict())
        if keep:
            save_state(folder / f"state-{step + 1}.json", curriculum.state_dict())
    curriculum.finish()
    curriculum.close()


def resume(curriculum: Curriculum, state: Path) -> int:
    """The step to go on from: by the state, or by the journal alone where the state is no good."""
    if state.exists():
        try:
            saved = load_state(state)
            curriculum.load_state_dict(saved)
            return int(saved["next_ticket"]) // GROUPS
        except StateError:
            pass
    steps = [one["step"] for one in read_events(curriculum.journal.path) if one["event"] == "step"]
    if not steps:
        curriculum.restart()
        return 0
    curriculum.replay(until_step=steps[-1])
    return steps[-1]


def forked(folder: Path, prepare: Callable[[], None] = lambda: None) -> int:
    """The exit code of `train` in a process of its own, after `prepare` there."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        prepare()
        train(folder)
        code = 0
    except OSError:
        code = SAID_SO
    except BaseException as error:  # noqa: BLE001  # the process ends here, whatever it is
        print(f"{folder.name}: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)
