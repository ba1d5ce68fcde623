"""Worker processes that do one job at a time, say how it goes, and may die without harm."""

import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

Job = TypeVar("Job")
Facts: TypeAlias = Mapping[str, object]
Work: TypeAlias = Callable[[Job, Callable[[Facts], None]], None]

ORPHAN_CHECK = 0.5  # seconds between a worker's looks at whether its parent still lives


@dataclass(frozen=True, slots=True)
class Progress(Generic[Job]):
    """A job under way said something."""

    job: Job
    facts: Facts


@dataclass(frozen=True, slots=True)
class Finished(Generic[Job]):
    """A job ended; `error` is None when it went well."""

    job: Job
    error: str | None


@dataclass(slots=True)
class _Worker(Generic[Job]):
    process: multiprocessing.process.BaseProcess
    pipe: Connection
    job: Job | None = field(default=None)


def work_through(
    next_job: Callable[[], Job | None], work: Work[Job], workers: int, log: Path
) -> Generator[Progress[Job] | Finished[Job]]:
    """Let processes do jobs until `next_job` has none and none is under way.

    `next_job` is asked whenever a worker is free; None means nothing can start now. `work` and
    the jobs are sent to fresh ("spawn") processes; what these print goes to the file `log`. A
    process that dies fails the job it was doing and is replaced. When the caller stops iterating,
    all processes are ended; when the caller itself is killed, they end on their own.
    """
    context = multiprocessing.get_context("spawn")
    crew: list[_Worker[Job]] = []
    try:
        while True:
            for worker in crew:
                if worker.job is None:
                    _assign(worker, next_job())
            while len(crew) < workers and (job := next_job()) is not None:
                pipe, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, work, log), daemon=True)
                process.start()
                theirs.close()
                crew.append(_Worker(process, pipe))
                _assign(crew[-1], job)
            busy = {worker.pipe: worker for worker in crew if worker.job is not None}
            if not busy:
                return
            for ready in wait(list(busy)):
                worker = busy[ready]  # type: ignore[index]  # wait returns what it was given
                assert worker.job is not None
                try:
                    message: Facts | str | None = worker.pipe.recv()
                except (EOFError, ConnectionResetError):
                    crew.remove(worker)
                    worker.process.join()
                    code = worker.process.exitcode
                    yield Finished(worker.job, f"its process died (exit code {code})")
                    continue
                if isinstance(message, Mapping):
                    yield Progress(worker.job, message)
                else:
                    job, worker.job = worker.job, None
                    yield Finished(job, message)
    finally:
        for worker in crew:
            worker.pipe.close()  # an idle worker ends by itself
            if worker.job is not None:
                worker.process.terminate()
        for worker in crew:
            worker.process.join()


def _assign(worker: _Worker[Job], job: Job | None) -> None:
    if job is not None:
        worker.job = job
        worker.pipe.send(job)


def _serve(pipe: Connection, work: Work[Job], log: Path) -> None:
    """The life of a worker: receive a job, do it, send None or the error, until the pipe closes."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    with open(log, "a", buffering=1, encoding="utf-8") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    while True:
        try:
            job: Job = pipe.recv()
        except EOFError:
            return
        try:
            work(job, pipe.send)
        except Exception as error:  # noqa: BLE001  # a job's failure is a result, whatever it is
            traceback.print_exc()
            pipe.send(f"{type(error).__name__}: {error}")
        else:
            pipe.send(None)


def _end_with_parent(parent: int) -> None:
    """A killed parent cannot end its workers; an orphan must not go on writing journals."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_CHECK)
    os._exit(1)
