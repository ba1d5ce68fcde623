"""The append-only log of a run: one JSON event a line, numbered, checksummed, repaired on open."""

import errno
import json
import math
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Literal, Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.lock import Lock
from lessonplan.errors import FormatError, RewardError

SCHEMA = 1
TAIL = 18  # bytes of `,"crc":"408213e6"}`, the fixed end of every line
REPAIR_WINDOW = 1 << 20  # an unfinished last event is looked for in the last 1 MB
# A sync takes .7 ms from the trainer, wherever it runs: too much for steps of a tenth of a second.
SYNC_SECONDS = 1.0
Event: TypeAlias = dict[str, object]
Durability: TypeAlias = Literal["step", "flush"]


class Journal:
    """Write events to `path`, one line each, so that a kill at any moment loses nothing told.

    Opening takes a lock and repairs the tail: an unfinished last event is cut off, since nobody
    was told that it was written; a finished one that lacks only its newline is kept. `append`
    returns after the write reached the operating system, which outlives a killed process; `sync`
    sends it to the disk, once a step and at most once a second, unless `durability="flush"`. The
    format is documented in docs/journal.md.

    Raises LockedError when another process writes the file, FormatError when its last event is
    damaged rather than unfinished.
    """

    def __init__(self, path: str | os.PathLike[str], *, durability: Durability = "step") -> None:
        self.path = Path(path)
        self.durability = durability
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.path.with_name(f".{self.path.name}.lock"), what=str(self.path))
        self._disk: _Disk | None = None
        self._synced = -math.inf  # when a sync was last asked for
        self.repaired = ""  # what opening had to mend, in words
        try:
            self.next_seq = self._repair()
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  # closed by close
            self._size = os.fstat(self._file.fileno()).st_size
        except BaseException:
            self._lock.release()
            raise

    def _repair(self) -> int:
        """Cut or complete the last line; return the next sequence number."""
        if not self.path.exists():
            return 0
        with open(self.path, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - REPAIR_WINDOW)
            file.seek(start)
            window = file.read()
            body, newline, tail = window.rpartition(b"\n")
            if not newline and start > 0:
                raise FormatError(f"{self.path}: no line ends in its last {REPAIR_WINDOW} bytes")
            if tail and intact(tail):
                file.write(b"\n")
                body, tail = window, b""
            last = body.rpartition(b"\n")[2]
            if not last:
                next_seq = 0
            elif not intact(last):
                raise FormatError(
                    f"{self.path}: the last event, at byte {start + len(body) - len(last)}, fails "
                    "its checksum; this is damage, not an unfinished write. Nothing was appended"
                )
            else:
                next_seq = int(msgspec.json.decode(last, type=_Head).seq) + 1
            if tail:
                file.truncate(size - len(tail))
                self.repaired = (
                    f"{self.path}: dropped {len(tail)} bytes after event {next_seq - 1} "
                    "(unfinished write); nothing acknowledged was lost"
                )
            file.flush()
            os.fsync(file.fileno())
        return next_seq

    @property
    def is_new(self) -> bool:
        """Whether no event stands in the file yet."""
        return self.next_seq == 0

    def open_run(
        self,
        run: Mapping[str, object],
        pool: Mapping[str, object] | None = None,
        curriculum: Mapping[str, object] | None = None,
    ) -> None:
        """Write the first event: schema, writer, and what the run is."""
        self.append(
            "open",
            schema=SCHEMA,
            writer=f"lessonplan {version('lessonplan')}",
            at=time.time(),
            run=run,
            pool=pool,
            curriculum=curriculum,
        )
        self.sync()

    def append(self, event: str, **fields: object) -> int:
        """Write one event and return its sequence number.

        NaN is written as null. Raises RewardError when a number is infinite, and OSError when the
        file cannot be written, which then holds what it held before.
        """
        seq = self.next_seq
        line = msgspec.json.encode({"seq": seq, "event": event, **_plain(fields)})[:-1]
        self._write(b'%s,"crc":"%08x"}\n' % (line, zlib.crc32(line)))
        self.next_seq = seq + 1
        return seq

    def _write(self, line: bytes) -> None:
        """Write all of `line` or nothing: a full disk takes a part of it without an error."""
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        except OSError:
            os.truncate(self._file.fileno(), self._size)
            raise
        self._size += len(line)

    def sync(self, *, wait: bool = False) -> None:
        """Send everything appended to the disk, at most once a second.

        The disk works while the engine does, so a step does not wait for it (4 ms); a power cut
        costs the last step or the last second, whichever is longer. With `wait`, all of it is on
        the disk when this returns. Raises OSError when the disk refused.
        """
        now = time.monotonic()
        if self.durability == "step" and not self._file.closed:
            if not wait and now - self._synced < SYNC_SECONDS:
                return
            if self._disk is None:
                self._disk = _Disk(self._file.fileno())
            self._disk.wait()
            self._disk.sync()
            self._synced = now
            if wait:
                self._disk.wait()

    def rewind(self, to: int) -> None:
        """Declare every event after number `to` superseded; their rollouts stay counted."""
        if to < self.next_seq - 1:
            self.append("rewind", to=to)
            self.sync()

    def close(self) -> None:
        """Wait for the disk, close the file, give the lock back; a second call does nothing."""
        if self._file.closed:
            return
        try:
            self.sync(wait=True)
        finally:
            if self._disk is not None:
                self._disk.stop()
            self._file.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Disk:
    """A thread that syncs one file: a future of a pool would cost a step 50 us more (measured)."""

    def __init__(self, file: int) -> None:
        self.file = file
        self.asked: SimpleQueue[bool] = SimpleQueue()  # False ends the thread
        self.answers: SimpleQueue[OSError | None] = SimpleQueue()
        self.open = 0  # asked and not yet answered
        self.thread = Thread(target=self._work, name="journal", daemon=True)
        self.thread.start()

    def sync(self) -> None:
        """Ask for a sync of what was written so far, without waiting for it."""
        self.open += 1
        self.asked.put(True)

    def wait(self) -> None:
        """Return once every sync asked for is done; raises the OSError that it met."""
        while self.open:
            self.open -= 1
            error = self.answers.get()
            if error is not None:
                raise error

    def stop(self) -> None:
        self.asked.put(False)
        self.thread.join()

    def _work(self) -> None:
        while self.asked.get():
            try:
                os.fsync(self.file)
                self.answers.put(None)
            except OSError as error:
                self.answers.put(error)


class _Head(msgspec.Struct):
    seq: int


def intact(line: bytes) -> bool:
    """Whether a line without its newline carries the checksum of its own content."""
    body, tail = line[:-TAIL], line[-TAIL:]
    return len(line) > TAIL and tail == b',"crc":"%08x"}' % zlib.crc32(body)


def _plain(value: object) -> dict[str, object]:
    plain = _finite(value)
    assert isinstance(plain, dict)
    return plain


def _finite(value: object) -> object:
    """`value` as plain JSON types: NaN becomes null, whole floats lose their point."""
    if isinstance(value, float):
        if value.is_integer():
            return int(value) if -_WHOLE < value < _WHOLE else value
        if value != value:
            return None
        if math.isinf(value):
            raise RewardError(_INFINITE)
        return value
    if isinstance(value, _SEQUENCES):
        if _AS_THEY_ARE.issuperset(map(type, value)):
            return value
        return [one if type(one) in _AS_THEY_ARE else _finite(one) for one in value]
    if isinstance(value, Mapping):
        return {
            str(key): one if type(one) in _AS_THEY_ARE else _finite(one)
            for key, one in value.items()
        }
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim:
        return _finite_array(value.astype(np.float64, copy=False))
    if isinstance(value, _ARRAYS):
        return value.tolist() if value.dtype.kind in "biu" else _finite(value.tolist())
    return value


def _finite_array(values: NDArray[np.float64]) -> object:
    """What `_finite` makes of the same numbers in lists, at a tenth of the time for rewards."""
    if np.isinf(values).any():
        raise RewardError(_INFINITE)
    whole = (values == np.rint(values)) & (np.abs(values) < _WHOLE)
    if whole.all():
        return values.astype(np.int64).tolist()
    plain = values.astype(object)
    plain[whole] = values[whole].astype(np.int64)
    plain[np.isnan(values)] = None
    return plain.tolist()


# named, since a union written in place is built at every call
_AS_THEY_ARE = frozenset((int, str, bool, type(None)))
_SEQUENCES = (list, tuple)
_ARRAYS = (np.ndarray, np.generic)
_WHOLE = 1e15  # floats below it that are whole are written without a point
_INFINITE = "a journal holds no infinite numbers, got inf"


def read_events(path: str | os.PathLike[str]) -> Iterator[Event]:
    """Every event of a journal in order, rewinds applied, an unfinished tail left out.

    Raises FormatError, with line and byte, at the first line that is damaged or out of order.
    """
    events: list[Event] = []
    offset = 0
    with open(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.rstrip(b"\n")
            if not intact(line):
                if not raw.endswith(b"\n"):
                    break  # the normal state after a kill
                raise FormatError(f"{path}:{number}, byte {offset}: checksum differs")
            event: Event = json.loads(line)
            if event.get("seq") != number - 1:
                raise FormatError(
                    f"{path}:{number}, byte {offset}: event {number - 1} was expected, "
                    f"got {event.get('seq')!r}"
                )
            if event["event"] == "rewind":
                to = event["to"]
                if not isinstance(to, int) or to >= number - 1:
                    raise FormatError(f"{path}:{number}, byte {offset}: cannot rewind to {to!r}")
                events = [kept for kept in events if int(str(kept["seq"])) <= to]
            else:
                events.append(event)
            offset += len(raw)
    yield from events
