"""The runs of a study as tasks of a Ray cluster, which shares no disk with this machine."""

import math
import os
import signal
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lessonplan.errors import ConfigError, LessonplanError
from lessonplan.training.plan import RunSpec
from lessonplan.training.study_backend import LOG_FILE, News
from lessonplan.training.study_remote import Landing, Message, read_start, remote_run, versions
from lessonplan.training.workers import Finished, Progress

ONE_CORE: Mapping[str, float] = MappingProxyType({"CPU": 1.0})  # a run has one torch thread
STORE_BYTES = 128 << 20  # of a Ray started here; what goes through it is warm starts of .5 MB

PATIENCE = 5.0  # seconds for a machine of the cluster to answer


class RayTasks:
    """One task of a Ray cluster a run; its files come back as messages while it works.

    `address` is that of a running cluster, "auto" or host:port, as seen from one of its machines;
    without it Ray is started here, with room for the study's `workers`, and ended afterwards.
    `resources` is what one run reserves: "CPU", "GPU", "memory" in bytes, or names of the
    cluster's own. A run whose worker is lost starts over elsewhere, up to `retries` times, as an
    interrupted run of any study does: its journal is rewound and what was generated stays counted.
    Every machine needs the same lessonplan and training libraries, which each run checks.

    Raises ConfigError when Ray is not installed, an address cannot serve, or no machine of the
    cluster has the resources.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        resources: Mapping[str, float] = ONE_CORE,
        retries: int = 3,
    ) -> None:
        if address is not None and address.startswith("ray://"):
            raise ConfigError(
                f"a study cannot use the Ray Client, got {address!r}: it streams no results. Start "
                'the study on a machine of the cluster, with address "auto" or host:port'
            )
        if any(not amount >= 0 for amount in resources.values()):
            raise ConfigError(f"resources must be at least 0, got {dict(resources)}")
        if retries < 0:
            raise ConfigError(f"retries must be at least 0, got {retries}")
        self.address, self.resources, self.retries = address, dict(resources), retries

    def work_through(
        self, next_run: Callable[[], RunSpec | None], folder: Path, workers: int
    ) -> Generator[News]:
        first = next_run()
        if first is None:
            return
        with self._cluster(workers) as ray:
            self._check_room(ray)
            tasks = _Tasks(ray, self._remote(ray), folder, self.retries)
            try:
                yield from tasks.work(first, next_run)
            finally:
                tasks.end()

    @contextmanager
    def _cluster(self, workers: int) -> Iterator[Any]:
        """Ray, connected; what was connected or started here ends with the block."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is phoned unless asked
        try:
            import_module("ray.exceptions")  # an empty folder named ray would pass for Ray itself
            ray = import_module("ray")
        except ImportError as error:
            raise ConfigError(
                f'the backend ray needs Ray ({error}): pip install "lessonplan[ray]"'
            ) from None
        if ray.is_initialized():  # the caller's own connection
            yield ray
            return
        here: dict[str, object] = {}
        if self.address is not None and ":" in self.address:
            _knock(self.address)
        if self.address is None:
            cores = max(1, math.ceil(workers * self.resources.get("CPU", 1.0)))
            here = {
                "num_cpus": cores, "include_dashboard": False, "object_store_memory": STORE_BYTES
            }  # fmt: skip
        on_term = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=self.address or "local", log_to_driver=False, logging_level="error", **here
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"no Ray at {self.address or 'this machine'}: {error}") from None
        with suppress(ValueError):  # not in the main thread, where Ray sets none either
            signal.signal(signal.SIGTERM, on_term or signal.SIG_DFL)  # Ray's loses the exit code
        try:
            yield ray
        finally:
            ray.shutdown()

    def _check_room(self, ray: Any) -> None:
        """A task that fits nowhere would wait for ever."""
        rooms = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(
            all(room.get(name, 0.0) >= amount for name, amount in self.resources.items())
            for room in rooms
        ):
            largest = {
                name: max((room.get(name, 0.0) for room in rooms), default=0.0)
                for name in self.resources
            }
            raise ConfigError(
                f"a run reserves {self.resources}, and none of the {len(rooms)} machines of the "
                f"cluster has that; the most that one has: {largest}"
            )

    def _remote(self, ray: Any) -> Any:
        """`remote_run` as a function of the cluster."""
        own = {k: v for k, v in self.resources.items() if k not in ("CPU", "GPU", "memory")}
        return ray.remote(remote_run).options(
            num_returns="streaming",
            max_retries=0,  # a second try needs the journal of the first: `_Tasks` sees to it
            num_cpus=self.resources.get("CPU", 0),
            num_gpus=self.resources.get("GPU", 0),
            memory=self.resources.get("memory"),
            resources=own or None,
        )


def _knock(address: str) -> None:
    """Refuse an address where nobody listens: Ray itself tries it for many minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Ray at {address}: {error}; the cluster's first machine prints its address at "
            "`ray start --head`"
        ) from None


def parse_resources(typed: Sequence[str]) -> Mapping[str, float]:
    """`CPU=2 memory=4e9` as typed, one text each; nothing typed is one core."""
    resources = {}
    for part in typed:
        name, _, amount = part.partition("=")
        try:
            resources[name.strip()] = float(amount)
        except ValueError:
            raise ConfigError(
                f"resources are NAME=AMOUNT, CPU=2 for example, got {part!r}"
            ) from None
    return resources or ONE_CORE


@dataclass(slots=True)
class _Try:
    run: RunSpec
    number: int  # 0 is the first
    landing: Landing
    last: Message | None = None


class _Tasks:
    """The tasks under way, and what becomes of each."""

    def __init__(self, ray: Any, remote: Any, folder: Path, retries: int) -> None:
        self.ray, self.remote, self.folder, self.retries = ray, remote, folder, retries
        self.wanted = versions()
        self.under_way: dict[Any, _Try] = {}  # by the generator of its messages
        self.starts: dict[str, Any] = {}  # warm starts that the cluster holds, by name

    def work(self, run: RunSpec | None, next_run: Callable[[], RunSpec | None]) -> Generator[News]:
        """Submit `run` and whatever else can start, and listen until nothing is under way."""
        while True:
            while run is not None:
                yield from self._submit(run, 0)
                run = next_run()
            if not self.under_way:
                return
            for task in self.ray.wait(list(self.under_way), fetch_local=False)[0]:
                yield from self._hear(task)
            run = next_run()

    def _submit(self, run: RunSpec, number: int) -> Generator[News]:
        try:
            landing = Landing(self.folder, run)
            start = {} if run.kind == "base" else self._start(run)
        except (LessonplanError, OSError) as error:
            yield Finished(run, f"{type(error).__name__}: {error}")
            return
        task = self.remote.remote(run, landing.journal, start, self.wanted)
        landing.journal = b""  # it may wait long for a worker
        self.under_way[task] = _Try(run, number, landing)

    def _start(self, run: RunSpec) -> Any:
        if run.start_name not in self.starts:
            self.starts[run.start_name] = self.ray.put(read_start(self.folder, run))
        return self.starts[run.start_name]

    def _hear(self, task: Any) -> Generator[News]:
        """Write down the next message of a task, or see why there is none."""
        one = self.under_way[task]
        try:
            message: Message = self.ray.get(next(task))
            one.landing.take(message)
        except StopIteration:
            error = one.last.error if one.last else "its task ended without a last message"
            yield from self._close(task, error)
        except self.ray.exceptions.RayTaskError as error:
            yield from self._close(task, str(error).strip().splitlines()[-1])
        except self.ray.exceptions.RayError as error:
            if one.last is not None:
                yield from self._close(task, one.last.error)
            else:
                yield from self._lost(task, error)
        except (LessonplanError, OSError) as error:  # this machine failed, not the worker
            self.ray.cancel(task, force=True)
            yield from self._close(task, f"{type(error).__name__}: {error}")
        else:
            if message.last:
                one.last = message
            else:
                yield Progress(one.run, message.facts)

    def _lost(self, task: Any, error: Exception) -> Generator[News]:
        """A worker or its machine died: once more, from what has come home."""
        one = self.under_way[task]
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if one.number == self.retries:
            yield from self._close(task, f"lost its worker {one.number + 1} times: {why}")
            return
        del self.under_way[task]
        one.landing.close()
        with open(self.folder / LOG_FILE, "a", encoding="utf-8") as log:
            log.write(f"{one.run.id}: lost its worker, starts over: {why}\n")
        yield from self._submit(one.run, one.number + 1)

    def _close(self, task: Any, error: str | None) -> Generator[News]:
        one = self.under_way.pop(task)
        try:
            one.landing.close()
        except OSError as failure:
            error = error or f"{type(failure).__name__}: {failure}"
        yield Finished(one.run, error)

    def end(self) -> None:
        """Stop what is under way; what has come home of it stays."""
        for task, one in self.under_way.items():
            with suppress(self.ray.exceptions.RayError):
                self.ray.cancel(task, force=True)
            with suppress(OSError):
                one.landing.close()
