"""A grid of runs on one machine or many, resumable run by run, from one folder."""

import os
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from lessonplan.curricula import Lock, read_events, write_atomically
from lessonplan.errors import ConfigError
from lessonplan.training.config import StudyConfig, load_study, study_toml
from lessonplan.training.plan import RunSpec, expand, journal_path
from lessonplan.training.study_backend import LOG_FILE, Backend, News
from lessonplan.training.workers import Progress, work_through

CONFIG_FILE = "study.toml"


class Watcher(Protocol):
    """Hears what a study does, to show it; nothing of the study depends on it."""

    def planned(self, runs: Sequence[RunSpec], earlier: Sequence[RunSpec]) -> None:
        """All runs of the study, and those that an earlier call has done."""

    def progress(self, run: RunSpec, facts: Mapping[str, object]) -> None:
        """A run under way: its `step`, and `reward`, `zero_variance`, `level` where known."""

    def finished(self, run: RunSpec, error: str | None) -> None:
        """A run ended."""

    def left_out(self, runs: Sequence[RunSpec]) -> None:
        """Runs that cannot begin, because the warm start that just ended failed."""


@dataclass(slots=True)
class StudyResult:
    """Which runs were done earlier, which now, and which failed, with their errors."""

    earlier: list[RunSpec] = field(default_factory=list)
    done: list[RunSpec] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # run id -> error


def run_study(
    config: StudyConfig,
    folder: str | os.PathLike[str],
    watcher: Watcher | None = None,
    *,
    backend: Backend | None = None,
) -> StudyResult:
    """Do every run of the study that its folder does not hold yet.

    `backend` is where: `Processes()` of this machine, or `RayTasks(...)` on a cluster. The
    journals do not depend on it, so one folder may be worked on with one and then the other.

    Finished runs are never done again; an interrupted one starts over from its warm start, and
    what it had generated stays counted as wasted. A run that fails leaves the others alone.

    Raises LockedError when another study writes the folder, ConfigError when the folder belongs
    to a study with other settings.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with Lock(folder / ".study.lock", what=str(folder)):
        _claim(config, folder)
        runs = expand(config)
        result = StudyResult(earlier=[run for run in runs if is_done(run, folder)])
        if watcher:
            watcher.planned(runs, result.earlier)
        todo = _Todo(runs, result)
        working = (backend or Processes()).work_through(todo.next, folder, config.workers)
        with closing(working):  # whatever happens here, no worker is left behind
            for news in working:
                if isinstance(news, Progress):
                    if watcher:
                        watcher.progress(news.job, news.facts)
                    continue
                lost = todo.close(news.job, news.error)
                if watcher:
                    watcher.finished(news.job, news.error)
                    if lost:
                        watcher.left_out(lost)
    return result


class Processes:
    """Runs in processes of this machine; one that dies fails the run that it was doing."""

    def work_through(
        self, next_run: Callable[[], RunSpec | None], folder: Path, workers: int
    ) -> Generator[News]:
        return work_through(next_run, partial(_execute, folder), workers, folder / LOG_FILE)


def _execute(folder: Path, run: RunSpec, report: Callable[[Mapping[str, object]], None]) -> None:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # TRL would report every trainer
    from lessonplan.training.run import execute  # torch is loaded in the workers alone

    execute(run, folder, report)


def is_done(run: RunSpec, folder: Path) -> bool:
    """Whether the run's journal ends with `done`; damage in it is an error, not a no."""
    path = journal_path(folder, run)
    if not path.exists():
        return False
    last = deque(read_events(path), maxlen=1)
    return bool(last) and last[0]["event"] == "end" and last[0]["status"] == "done"


def _claim(config: StudyConfig, folder: Path) -> None:
    """Write the resolved configuration, or check that the folder's is the same."""
    path = folder / CONFIG_FILE
    if not path.exists():
        write_atomically(path, study_toml(config).encode())
        return
    mine = study_toml(config).splitlines()
    theirs = study_toml(load_study(str(path))).splitlines()
    changed = [line for line in mine if line not in theirs and not line.startswith("workers")]
    if changed:
        raise ConfigError(
            f"{path} is of a study with other settings; different here: {'; '.join(changed)}. "
            "Choose another folder"
        )


class _Todo:
    """The runs not done yet; those that build on a warm start wait for it."""

    def __init__(self, runs: Sequence[RunSpec], result: StudyResult) -> None:
        self.result = result
        self.waiting = [run for run in runs if run not in result.earlier]
        self.ready = {run.start_name for run in result.earlier if run.kind == "base"}

    def next(self) -> RunSpec | None:
        for run in self.waiting:
            if run.kind == "base" or run.start_name in self.ready:
                self.waiting.remove(run)
                return run
        return None

    def close(self, run: RunSpec, error: str | None) -> list[RunSpec]:
        """Count a run as ended; after a failed start all that needed it, which are returned."""
        if error is None:
            self.result.done.append(run)
            if run.kind == "base":
                self.ready.add(run.start_name)
            return []
        self.result.failed[run.id] = error
        if run.kind != "base":
            return []
        lost = [one for one in self.waiting if one.start_name == run.start_name]
        self.waiting = [one for one in self.waiting if one not in lost]
        self.result.failed.update((one.id, f"its warm start failed: {error}") for one in lost)
        return lost
