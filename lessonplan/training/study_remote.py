"""One run of a study on a machine that does not see its folder: files come and go as bytes."""

import errno
import os
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import IO, TypeAlias

from lessonplan.curricula import Journal, Lock
from lessonplan.errors import EngineError
from lessonplan.training.plan import RunSpec, journal_path, start_folder
from lessonplan.training.study_backend import LOG_FILE

Files: TypeAlias = Mapping[str, bytes]  # by name
# other versions of these can compute other numbers
PACKAGES = ("lessonplan", "numpy", "torch", "transformers", "trl")


@dataclass(frozen=True, slots=True)
class Message:
    """What a run sends home: progress and the journal's new bytes; at its end everything else."""

    journal: bytes = b""  # written since the last message, whole lines
    facts: Mapping[str, object] = field(default_factory=dict)
    last: bool = False
    error: str | None = None
    start: Files = field(default_factory=dict)  # the warm start that a "base" run made
    printed: str = ""


def versions() -> dict[str, str]:
    """What a machine computes with; equal journals need equal versions."""
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def read_start(folder: Path, run: RunSpec) -> dict[str, bytes]:
    """The files of the warm start that a run begins from."""
    return {path.name: path.read_bytes() for path in sorted(start_folder(folder, run).iterdir())}


def remote_run(
    run: RunSpec, journal: bytes, start: Files, wanted: Mapping[str, str]
) -> Generator[Message]:
    """Do a run in a folder of its own and yield what has to reach the folder of the study.

    `journal` is what earlier tries left, which the run rewinds; `start` is its warm start;
    `wanted` are the `versions` of the machine where the study was begun. The run works in a
    thread, since it reports by calls and its messages leave as a generator.
    """
    messages: SimpleQueue[Message] = SimpleQueue()
    with TemporaryDirectory(prefix="lessonplan-") as name:
        folder = Path(name)
        path = journal_path(folder, run)
        path.parent.mkdir(parents=True)
        if journal:
            path.write_bytes(journal)
        if run.kind != "base":
            start_folder(folder, run).mkdir(parents=True)
            for file, content in start.items():
                (start_folder(folder, run) / file).write_bytes(content)
        arguments = (run, folder, len(journal), wanted, messages.put)
        Thread(target=_do, args=arguments, name=run.id, daemon=True).start()
        while True:
            message = messages.get()
            yield message
            if message.last:
                return


def _do(
    run: RunSpec,
    folder: Path,
    sent: int,
    wanted: Mapping[str, str],
    send: Callable[[Message], None],
) -> None:
    """Execute the run; `sent` bytes of its journal are at home already."""
    path, printed = journal_path(folder, run), StringIO()

    def fresh() -> bytes:
        nonlocal sent
        if not path.exists():
            return b""
        with open(path, "rb") as file:
            file.seek(sent)
            written = file.read()
        sent += len(written)
        return written

    error: str | None = None
    start: Files = {}
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            _check_versions(wanted)
            os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # TRL would report every trainer
            from lessonplan.training.run import execute  # torch is loaded in the workers alone

            execute(run, folder, lambda facts: send(Message(fresh(), facts)))
        if run.kind == "base":
            start = read_start(folder, run)
    except BaseException as failure:  # noqa: BLE001  # without a last message home waits for ever
        error = f"{type(failure).__name__}: {failure}"
        printed.write(traceback.format_exc())
    send(Message(fresh(), last=True, error=error, start=start, printed=printed.getvalue()))


def _check_versions(wanted: Mapping[str, str]) -> None:
    here = versions()
    differing = [
        f"{name} {here.get(name)} instead of {version}"
        for name, version in wanted.items()
        if here.get(name) != version
    ]
    if differing:
        raise EngineError(
            f"this worker has {', '.join(differing)}, and runs of one study are compared with each "
            "other; install on every machine what the machine of the command has"
        )


class Landing:
    """The home end of one try of a run: its messages become files in the folder of the study.

    `journal` is what earlier tries left, mended, to be sent with the run. The journal here is
    never behind what the run has acknowledged by more than its last message, and ends with `done`
    only after the warm start is on the disk.
    """

    def __init__(self, folder: Path, run: RunSpec) -> None:
        self.folder, self.run = folder, run
        self.path = journal_path(folder, run)
        self.journal = b""
        if self.path.exists():
            Journal(self.path).close()  # cuts off what a killed study has half written
            self.journal = self.path.read_bytes()
        self._lock: Lock | None = None
        self._file: IO[bytes] | None = None

    def take(self, message: Message) -> None:
        """Write what a message brought; the first one locks the journal, `close` unlocks it."""
        if message.printed:
            with open(self.folder / LOG_FILE, "a", encoding="utf-8") as log:
                log.write(message.printed)
        if message.start:
            here = start_folder(self.folder, self.run)
            here.mkdir(parents=True, exist_ok=True)
            for name, content in message.start.items():
                _write_through(here / name, content)
        self._append(message.journal)

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.path.with_name(f".{self.path.name}.lock"), what=str(self.path))
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  # closed by close
        if self._file.write(lines) != len(lines):  # a full disk takes a part of it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def close(self) -> None:
        """Send the journal to the disk and unlock it."""
        if self._file is not None:
            with self._file:
                os.fsync(self._file.fileno())
            self._file = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _write_through(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
