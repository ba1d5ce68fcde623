"""A worker process of reasoning-gym from this side: limits, a JSON pipe, and an end when it hangs."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from lessonplan.errors import EngineError
from lessonplan.generators.problem import Json

_WORKER = Path(__file__).with_name("reasoning_gym_worker.py")
_MAX_REPLY = 32 * 2**20  # bytes
_STARTING = 60  # seconds that a new process has for its imports; ours, measured 1 to 3


class WorkerFault(EngineError):
    """The worker raised, took too long, died, or said something else than was asked."""


class Worker:
    """One process of `reasoning_gym_worker.py`, started when it is needed and killed when it hangs.

    `python` is any Python >= 3.11 that has reasoning-gym, by default this one.
    """

    def __init__(
        self, *, python: str = sys.executable, megabytes: int = 2048, hash_seed: int = 0
    ) -> None:
        self._command = [python, "-P", "-s", "-B", str(_WORKER), str(megabytes)]
        self._hash_seed = hash_seed
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._asked = 0
        self._rest = b""

    def ask(self, request: Mapping[str, Json], seconds: float) -> dict[str, Json]:
        """The reply to one request. Raises WorkerFault; the next call then has a new process."""
        fresh = self._process is None
        process = self._process or self._start()
        self._asked += 1
        line = json.dumps({**request, "number": self._asked}) + "\n"
        # A new process first imports the package, which may take longer than any score.
        deadline = time.monotonic() + seconds + (_STARTING if fresh else 0)
        try:
            assert process.stdin is not None
            process.stdin.write(line.encode())
            process.stdin.flush()
            reply = json.loads(self._line(process, deadline))
            if not isinstance(reply, dict) or reply.get("number") != self._asked:
                raise WorkerFault("the worker answered something that was not asked")
        except (OSError, ValueError) as fault:
            self.close()
            raise WorkerFault(f"the worker broke: {fault}") from None
        except WorkerFault:
            self.close()
            raise
        if "error" in reply:
            raise WorkerFault(str(reply["error"]))
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        self._folder = tempfile.TemporaryDirectory()
        environment = {
            "PYTHONHASHSEED": str(self._hash_seed),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
            "HOME": self._folder.name,
            "PATH": os.defpath,
        }
        self._rest = b""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=self._folder.name,
            start_new_session=True,
        )
        return self._process

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        assert process.stdout is not None
        pipe, parts, size = process.stdout.fileno(), [self._rest], len(self._rest)
        while b"\n" not in parts[-1]:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise WorkerFault("the worker took too long")
            part = os.read(pipe, 2**16)
            size += len(part)
            if not part:
                raise WorkerFault("the worker died; is reasoning-gym installed for its Python?")
            if size > _MAX_REPLY:
                raise WorkerFault("the worker said too much")
            parts.append(part)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def close(self) -> None:
        """End the process and all that it started."""
        process, self._process = self._process, None
        if process is not None:
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:  # what was left to write found nobody
                        continue
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
