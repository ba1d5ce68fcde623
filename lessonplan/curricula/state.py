"""Save a state so that a crash leaves the old file or the new one, and load only a whole one."""

import json
import os
import zlib
from pathlib import Path

from lessonplan.errors import StateError
from lessonplan.selection.state import State, state_from_json, state_to_json


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace the file at `path`: write beside it, wait for the disk, rename.

    Raises OSError when the disk is full; the file at `path` is then the old one, and nothing is
    left beside it.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the rename itself must reach the disk too
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def save_state(path: str | os.PathLike[str], state: State) -> None:
    """Write a state of JSON types and numpy arrays, with a checksum over all of it."""
    body = json.dumps(state_to_json(state), allow_nan=False).encode()
    write_atomically(path, b'%s, "state": %s}\n' % (_head(body), body))


def load_state(path: str | os.PathLike[str]) -> State:
    """The state that `save_state` wrote; raises StateError when the file is not whole."""
    head, _, rest = Path(path).read_bytes().partition(b', "state": ')
    body = rest.removesuffix(b"}\n")
    if head != _head(body):
        raise StateError(
            f"{path}: checksum differs, the file is torn or changed; nothing was loaded"
        )
    return state_from_json(json.loads(body))


def _head(body: bytes) -> bytes:
    return b'{"crc": "%08x"' % zlib.crc32(body)
