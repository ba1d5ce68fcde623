"""enospc, io: a full disk; the n-th operation on a file fails."""

import builtins
import errno
import itertools
import os
import random
import resource
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from small import SAID_SO, forked
from studies import effective

from lessonplan.curricula.state import load_state
from lessonplan.errors import StateError

ERRORS = {
    "open": ("EACCES", "EIO", "ENOSPC"),
    "write": ("EIO", "ENOSPC", "short"),  # short: half is written, which is no error yet
    "fsync": ("EIO", "ENOSPC"),
    "replace": ("EACCES", "EIO", "ENOSPC"),
}


def enospc(n: int, seed: int, root: Path) -> dict[str, object]:
    """A limit on the size of files stands in for the disk, n sizes; resume with room again."""
    wanted = _whole(root)
    rng = random.Random(seed)
    largest = max(path.stat().st_size for path in (root / "whole").iterdir())
    sizes = [rng.randrange(1, largest) for _ in range(n)]
    return {"sizes": [1, largest], **_try(root, wanted, [partial(_limit, size) for size in sizes])}


def io(n: int, seed: int, root: Path) -> dict[str, object]:
    """One operation fails in n ways, drawn from all operations and errors of an uninterrupted run."""
    wanted = _whole(root)
    (root / "counted").mkdir()
    log = root / "operations"
    forked(root / "counted", partial(Faulty, root, log=log))
    done = log.read_text().split()
    ways = [(number, error) for number, what in enumerate(done) for error in ERRORS[what]]
    random.Random(seed).shuffle(ways)
    faults = [partial(Faulty, root, number, error) for number, error in ways[:n]]
    return {"operations": len(done), "ways": len(ways), **_try(root, wanted, faults)}


def _whole(root: Path) -> list[dict]:
    """The events of a run without faults."""
    (root / "whole").mkdir()
    if forked(root / "whole"):
        raise RuntimeError("the uninterrupted run failed")
    return effective(root / "whole" / "journal.jsonl")


def _try(root: Path, wanted: list[dict], faults: list[Callable[[], None]]) -> dict[str, object]:
    """Run into each fault; the old state or the new one loads; without the fault all is as wanted."""
    ends: dict[str, int] = {}
    torn: list[str] = []
    lost: list[str] = []
    unlike: list[str] = []
    leftovers: list[str] = []
    for number, fault in enumerate(faults):
        folder = root / f"fault{number}"
        folder.mkdir()
        code = forked(folder, fault)
        end = {0: "finished", SAID_SO: "said so"}.get(code, f"exit {code}")
        ends[end] = ends.get(end, 0) + 1
        leftovers += [path.name for path in folder.glob(".*.[0-9]*")]
        try:
            if (folder / "state.json").exists():
                load_state(folder / "state.json")
        except StateError:
            torn.append(folder.name)
        journal = folder / "journal.jsonl"
        events = effective(journal) if journal.exists() else []
        if events != wanted[: len(events)]:
            lost.append(folder.name)
        if forked(folder) or effective(journal) != wanted:
            unlike.append(folder.name)
    return {
        "ends": ends,
        "torn_states": torn,
        "faulty_events": lost,
        "differing": unlike,
        "leftovers": leftovers,
        "ok": set(ends) <= {"finished", "said so"} and not (torn or lost or unlike or leftovers),
    }


def _limit(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Faulty:
    """From now on, operation `number` on files that are written below `root` fails with `error`.

    Operations are counted from 0; with `log`, each is named there in order. A run that ends well
    although its fault was met has swallowed it: then the process exits with 7.
    """

    def __init__(self, root: Path, number: int = -1, error: str = "", *, log: Path | None = None):
        self.root, self.number, self.error = str(root), number, error
        self.counter = itertools.count()
        self.log = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT)
        self.open, self.fsync, self.replace = builtins.open, os.fsync, os.replace
        self.exit = os._exit
        self.met = False
        builtins.open, os.fsync, os.replace = self._open, self._fsync, self._replace
        os._exit = lambda code: self.exit(7 if self.met and code == 0 else code)

    def hit(self, what: str) -> bool:
        """Count one operation; whether it is the one to be cut short."""
        if self.log is not None:
            os.write(self.log, f"{what}\n".encode())
        if next(self.counter) != self.number:
            return False
        self.met = True
        if self.error == "short":
            return True
        code = getattr(errno, self.error)
        raise OSError(code, os.strerror(code))

    def _open(self, path, mode="r", *args, **kwargs):
        if not (set(mode) & set("wa+") and str(path).startswith(self.root)):
            return self.open(path, mode, *args, **kwargs)
        self.hit("open")
        return _File(self.open(path, mode, *args, **kwargs), self)

    def _fsync(self, file: int) -> None:
        self.hit("fsync")
        self.fsync(file)

    def _replace(self, source, target) -> None:
        self.hit("replace")
        self.replace(source, target)


class _File:
    """An open file whose writes are counted."""

    def __init__(self, file, faulty: Faulty) -> None:
        self._file, self._faulty = file, faulty

    def write(self, data: bytes) -> int:
        if not self._faulty.hit("write"):
            return self._file.write(data)
        done = self._file.write(data[: len(data) // 2])
        if hasattr(self._file, "raw"):  # a buffered file never returns early: it raises
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return done

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *error):
        return self._file.__exit__(*error)
