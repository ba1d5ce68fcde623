"""Studies on Ray: refusals everywhere; whole studies, with lost workers, where Ray is installed."""

import os
import shutil
import signal
import socket
import sys
from importlib.util import find_spec

import psutil
import pytest

from lessonplan.curricula import read_events
from lessonplan.errors import ConfigError
from lessonplan.training.config import Evaluate, Grid, Start, StudyConfig, Train
from lessonplan.training.plan import expand, journal_path
from lessonplan.training.study import run_study
from lessonplan.training.study_ray import ONE_CORE, RayTasks, parse_resources

CONFIG = StudyConfig(
    "ray",
    grid=Grid(arms=("easy", "uniform"), sizes=(8,), starts=(0,)),
    start={"counting": Start(min_easy_trace=0.0, min_medium_trace=0.0, max_easy_answer=1.0)},
    train=Train(steps=4),
    evaluate=Evaluate(test_per_level=2, validation_per_level=2, every=2),
    sft_steps=2,
)
needs_ray = pytest.mark.skipif(find_spec("ray.exceptions") is None if find_spec("ray") else True,
                               reason="needs the extra ray")  # fmt: skip


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"address": "ray://head:10001"},
            'cannot use the Ray Client, got .*address "auto" or host',
        ),
        ({"resources": {"CPU": -1.0}}, "resources must be at least 0, got {'CPU': -1.0}"),
        ({"resources": {"CPU": float("nan")}}, "resources must be at least 0"),
        ({"retries": -1}, "retries must be at least 0, got -1"),
    ],
)
def test_impossible_settings_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        RayTasks(**arguments)


def test_resources_as_typed():
    assert parse_resources([]) is ONE_CORE
    assert parse_resources(["CPU=2", "memory=4e9", "big=.5"]) == {
        "CPU": 2, "memory": 4e9, "big": 0.5
    }  # fmt: skip
    for wrong in ("CPU", "CPU=", "CPU=two"):
        with pytest.raises(ConfigError, match=f"CPU=2 for example, got '{wrong}'"):
            parse_resources([wrong])


def test_a_study_without_ray_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.exceptions", None)
    with pytest.raises(ConfigError, match=r'needs Ray .*: pip install "lessonplan\[ray\]"'):
        run_study(CONFIG, tmp_path, backend=RayTasks())


def test_nothing_is_started_for_a_study_that_is_done(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.exceptions", None)
    assert list(RayTasks().work_through(lambda: None, tmp_path, 2)) == []


# -- whole studies --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The same study in processes of this machine."""
    folder = tmp_path_factory.mktemp("local")
    assert not run_study(CONFIG, folder).failed
    return folder


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two cores; the caller's own, which a study leaves running."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="error",
             log_to_driver=False, object_store_memory=128 << 20)  # fmt: skip
    yield ray
    assert ray.is_initialized()
    ray.shutdown()


def effective(folder):
    hidden = {"seq", "crc", "at", "seconds"}
    return {
        path.name: [
            {key: value for key, value in event.items() if key not in hidden}
            for event in read_events(path)
        ]
        for path in (folder / "journals").glob("*.jsonl")
    }


class Watcher:
    """Keeps what it hears; at a step of a run it does one thing, `times` times."""

    def __init__(self, act=None, times=0):
        self.act, self.times, self.heard, self.ended = act, times, [], {}

    def planned(self, runs, earlier):
        self.earlier = [run.id for run in earlier]

    def progress(self, run, facts):
        self.heard.append((run.id, facts["step"]))
        if run.kind == "rl" and facts["step"] == 2 and self.times:
            self.times -= 1
            self.act()

    def finished(self, run, error):
        self.ended[run.id] = error

    def left_out(self, runs):
        raise AssertionError("no start fails here")


def works(process):
    try:
        return "remote_run" in " ".join(process.cmdline())
    except psutil.Error:  # killed a moment ago
        return False


def kill_a_worker():
    busy = [one for one in psutil.Process().children(recursive=True) if works(one)]
    os.kill(busy[0].pid, signal.SIGKILL)


@needs_ray
@pytest.mark.timeout(400)
def test_a_study_that_loses_two_workers_ends_as_a_local_one(cluster, local, tmp_path):
    watcher = Watcher(kill_a_worker, times=2)
    result = run_study(CONFIG, tmp_path, watcher, backend=RayTasks())
    assert not result.failed and len(result.done) == len(expand(CONFIG)) == 4
    assert watcher.times == 0 and set(watcher.ended.values()) == {None}
    assert (tmp_path / "workers.log").read_text().count("lost its worker, starts over") == 2
    assert effective(tmp_path) == effective(local)
    rewinds = sum(one.read_bytes().count(b'"event":"rewind"') for one in tmp_path.glob("*/*.jsonl"))
    assert rewinds <= 2  # nothing of a run that was killed before its first message came home
    weights = "starts/counting-0/model.safetensors"
    assert (tmp_path / weights).read_bytes() == (local / weights).read_bytes()


@needs_ray
@pytest.mark.timeout(400)
def test_a_folder_moves_between_machines_and_backends(cluster, local, tmp_path):
    """Half done by processes, stopped on Ray, carried elsewhere, finished on Ray."""
    shutil.copytree(local, tmp_path / "first")
    *_, third, fourth = (journal_path(tmp_path / "first", run) for run in expand(CONFIG))
    third.write_bytes(third.read_bytes()[:-700])
    fourth.unlink()

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(CONFIG, tmp_path / "first", Watcher(stop, times=1), backend=RayTasks())
    shutil.copytree(tmp_path / "first", tmp_path / "second", ignore=shutil.ignore_patterns(".*"))
    watcher = Watcher()
    result = run_study(CONFIG, tmp_path / "second", watcher, backend=RayTasks())
    assert not result.failed and watcher.earlier == ["counting-0", "counting-0-sft"]
    assert effective(tmp_path / "second") == effective(local)


@needs_ray
def test_a_run_that_always_loses_its_worker_fails_alone_and_says_why(cluster, local, tmp_path):
    shutil.copytree(local, tmp_path / "study")
    last = journal_path(tmp_path / "study", expand(CONFIG)[-1])
    last.unlink()
    watcher = Watcher(kill_a_worker, times=2)
    result = run_study(CONFIG, tmp_path / "study", watcher, backend=RayTasks(retries=0))
    assert not result.done and len(result.earlier) == 3
    assert "lost its worker 1 times: " in result.failed[last.stem]


@needs_ray
def test_what_no_machine_has_is_refused(cluster, tmp_path):
    with pytest.raises(
        ConfigError, match="none of the 1 machines .* has that; the most .*'CPU': 2"
    ):
        run_study(CONFIG, tmp_path, backend=RayTasks(resources={"CPU": 3.0}))


@needs_ray
def test_an_address_without_ray_is_refused_at_once(tmp_path, monkeypatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConfigError, match=f"no Ray at {address}: .* refused"):
        run_study(CONFIG, tmp_path, backend=RayTasks(address))
    with pytest.raises(ConfigError, match="no Ray at host:port: "):
        run_study(CONFIG, tmp_path, backend=RayTasks("host:port"))
