"""One writer for a file or folder: an operating-system lock that dies with its process."""

import json
import os
import platform
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from lessonplan.errors import LockedError


class Lock:
    """Hold `path` for this process, or say who holds it.

    The lock is the operating system's, so a killed holder leaves nothing behind that blocks; the
    owner's process id, host and start are written beside it for the message only. Network disks
    are not covered.

    Raises LockedError at once when another process holds the lock.
    """

    def __init__(self, path: str | os.PathLike[str], *, what: str) -> None:
        self.path = Path(path)
        self.owner_path = self.path.with_name(self.path.name + ".owner")
        self._lock = FileLock(self.path)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise LockedError(
                f"{what} is being written by {self._owner()}; stop it, or choose another folder"
            ) from None
        owner = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%H:%M")}
        self.owner_path.write_text(json.dumps(owner), encoding="utf-8")

    def _owner(self) -> str:
        try:
            owner = json.loads(self.owner_path.read_text(encoding="utf-8"))
            return f"pid {owner['pid']} on {owner['host']} since {owner['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._lock.is_locked:
            self.owner_path.unlink(missing_ok=True)
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
