"""Studies: configuration, the plan, worker processes, resuming."""

import multiprocessing
import os
import resource
import subprocess
import sys
import time
import tomllib
from dataclasses import replace

import pytest

from lessonplan.curricula import Lock, read_events, sampler_classes
from lessonplan.errors import ConfigError, LockedError
from lessonplan.training.config import (
    BUILT_IN_ARMS,
    MEASURED_STARTS,
    PRESETS,
    Arm,
    Start,
    load_study,
    parse_study,
    study_toml,
)
from lessonplan.training.plan import expand
from lessonplan.training.run import training_set
from lessonplan.training.study import is_done, run_study
from lessonplan.training.workers import Finished, Progress, work_through

TINY = """\
name = "tiny"
sft_steps = 4

[grid]
arms = ["easy", "uniform"]
sizes = [8]
starts = [0]

[start.counting]
min_easy_trace = 0.0
min_medium_trace = 0.0
max_easy_answer = 1.0

[train]
steps = 4

[evaluate]
every = 2
test_per_level = 4
validation_per_level = 4
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return load_study(str(path))


# -- configuration --------------------------------------------------------------------------------


def test_presets_have_what_they_promise():
    quick, full = PRESETS["quick"], PRESETS["full"]
    assert len([run for run in expand(quick) if run.kind == "rl"]) == 18
    assert len([run for run in expand(full) if run.kind == "rl"]) == 168
    for preset in PRESETS.values():
        assert "uniform" in preset.grid.arms and preset.sft_steps > 0
        assert len(preset.grid.starts) >= 3


def test_the_resolved_file_reads_back(tmp_path, config):
    for one in (config, *PRESETS.values()):
        path = tmp_path / "resolved.toml"
        path.write_text(study_toml(one))
        back = load_study(str(path))
        assert expand(back) == expand(one) and study_toml(back) == study_toml(one)


@pytest.mark.parametrize(
    "change, message",
    [
        (("sizes = [8]", "seeed = [1]"), r'tiny.toml:6: unknown key "seeed" in \[grid\]; nearest: "seeds"'),
        (("steps = 4\n\n[ev", "stps = 4\n\n[ev"), r'tiny.toml:15: unknown key "stps" in \[train\]; nearest: "steps"'),
        (("sft_steps", "sft_step"), r'tiny.toml:2: unknown key "sft_step"; nearest: "sft_steps"'),
        (("[train]", "[trian]"), r'tiny.toml:14: unknown key "trian"; nearest: "train"'),
        (('"uniform"]', '"unifrom"]'), r'no arm "unifrom"; nearest: uniform. All: easy, mixed'),
        (("sizes = [8]", "sizes = [4]"), "size 4 is below the 8 problems of a step"),
        (("sizes = [8]", "sizes = [8, 8]"), r"grid.sizes must name distinct values, got \[8, 8\]"),
        (("sizes = [8]", "sizes = []"), r"grid.sizes must name distinct values, got \[\]"),
        (("sizes = [8]", 'sizes = ["8"]'), r"Expected `int`, got `str` - at `grid.sizes\[0\]`"),
        (("starts = [0]", "starts = { counting = [2, 2] }"), r"grid.starts.counting must name distinct values, got \[2, 2\]"),
        (("starts = [0]", "starts = { graph = [2] }"), "grid.starts must name every family of the grid and no other, got graph for counting"),
        (("starts = [0]", "starts = 3"), r"Expected `object \| array`, got `int` - at `grid.starts`"),
        (("starts = [0]", 'families = ["countin"]'), 'no family "countin"; nearest: counting'),
        (("[train]", "[arms.easy]\nsampler = 'LIM'\nargs = { windw = 3 }\n[train]"), 'LIM has no argument "windw"; nearest: window'),
        (("steps = 4\n\n[ev", "group_size = 1\n\n[ev"), "group_size must be at least 2, got 1"),
        (('name = "tiny"', "name = tiny"), "tiny.toml: Invalid value"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_mistakes_are_named_with_file_line_and_the_nearest_name(tmp_path, change, message):
    path = tmp_path / "tiny.toml"
    assert change[0] in TINY
    path.write_text(TINY.replace(*change))
    with pytest.raises(ConfigError, match=message):
        load_study(str(path))


def test_an_arm_with_an_unknown_sampler_names_the_nearest(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY + '\n[arms.uniform]\nsampler = "AdaptivDifficulty"\n')
    message = 'no sampler "AdaptivDifficulty"; nearest: AdaptiveDifficulty. All names: lessonplan'
    with pytest.raises(ConfigError, match=message):
        load_study(str(path))


def test_a_name_that_is_neither_file_nor_preset():
    with pytest.raises(
        ConfigError, match="quik is neither a file nor a preset; presets: quick, full"
    ):
        load_study("quik")


def test_built_in_arms_name_samplers_that_exist():
    assert {arm.sampler for arm in BUILT_IN_ARMS.values()} <= set(sampler_classes())


def test_a_rule_for_starts_changes_what_it_names_and_keeps_the_rest_as_measured():
    rule = parse_study({"name": "mine", "start": {"graph": {"max_steps": 9}}}, where="").accept(
        "graph"
    )
    assert rule == replace(MEASURED_STARTS["graph"], max_steps=9)


# -- the plan -------------------------------------------------------------------------------------


def test_pairs_share_start_data_and_seeds():
    runs = [run for run in expand(PRESETS["full"]) if run.kind == "rl"]
    by_pair = {}
    for run in runs:
        by_pair.setdefault((run.start, run.seed), set()).add(run.data_seed)
    assert all(len(seeds) == 1 for seeds in by_pair.values())
    assert len(set.union(*by_pair.values())) == len(by_pair)
    assert len({run.id for run in runs}) == len(runs)


def test_families_may_have_other_starts():
    starts = {"counting": [0], "graph": [1, 3]}
    table = {"name": "mine", "grid": {"families": ["counting", "graph"], "starts": starts}}
    config = parse_study(table, where="")
    runs = expand(config)
    for kind in ("base", "sft", "rl"):
        found = {run.start_name for run in runs if run.kind == kind}
        assert found == {"counting-0", "graph-1", "graph-3"}
    assert expand(parse_study(tomllib.loads(study_toml(config)), where="")) == runs


def test_training_sets_are_nested_unique_and_of_the_wanted_tiers(task):
    small = training_set(task, Arm("Uniform", "mixed"), 8, 5)
    large = training_set(task, Arm("Uniform", "mixed"), 64, 5)
    assert list(small.ids) == list(large.ids)[:8]
    counts = large.level_counts()
    tiers = (counts[1] + counts[2], counts[3], counts[4] + counts[5])
    assert max(tiers) - min(tiers) <= 1
    easy = training_set(task, Arm("EasyOnly", "easy"), 64, 5)
    assert easy.level_counts() == {1: 32, 2: 32}
    assert list(training_set(task, Arm("Uniform", "mixed"), 8, 6).ids) != list(small.ids)


# -- worker processes -----------------------------------------------------------------------------


JOBS = """\
import os, signal, time

def act(job, report):
    report({"job": job})
    if job == "raise":
        raise ValueError("as asked")
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "sleep":
        time.sleep(60)
"""


@pytest.fixture
def act(tmp_path, monkeypatch):
    """A job in a module of its own: a spawned process cannot find functions of a test file."""
    (tmp_path / "jobs_of_test.py").write_text(JOBS)
    monkeypatch.syspath_prepend(str(tmp_path))
    import jobs_of_test

    return jobs_of_test.act


def from_list(jobs):
    jobs = list(jobs)
    return lambda: jobs.pop(0) if jobs else None


def test_errors_and_deaths_are_results_and_cost_their_job_alone(tmp_path, act):
    jobs = ["one", "raise", "die", "two", "three"]
    news = list(work_through(from_list(jobs), act, 2, tmp_path / "log"))
    ended = {one.job: one.error for one in news if isinstance(one, Finished)}
    assert ended == {
        "one": None,
        "two": None,
        "three": None,
        "raise": "ValueError: as asked",
        "die": "its process died (exit code -9)",
    }
    heard = [one.facts["job"] for one in news if isinstance(one, Progress)]
    assert sorted(heard) == sorted(jobs)
    assert "ValueError: as asked" in (tmp_path / "log").read_text()


def test_workers_end_when_the_caller_stops_listening(tmp_path, act):
    started = time.monotonic()
    news = work_through(from_list(["sleep", "sleep"]), act, 2, tmp_path / "log")
    next(news)
    news.close()
    assert time.monotonic() - started < 20
    assert not multiprocessing.active_children()


# -- a whole study --------------------------------------------------------------------------------


class Log:
    def __init__(self):
        self.events = []

    def planned(self, runs, earlier):
        self.events.append(("planned", len(runs), len(earlier)))

    def progress(self, run, facts):
        self.events.append(("progress", run.id, facts["step"]))

    def finished(self, run, error):
        self.events.append(("finished", run.id, error))

    def left_out(self, runs):
        self.events.append(("left out", [run.id for run in runs]))


def test_a_study_runs_resumes_and_is_never_mixed_with_another(config, tmp_path):
    folder, log = tmp_path / "study", Log()
    config = replace(config, workers=1)  # a second one would load torch for longer than it works
    result = run_study(config, folder, log)
    ids = [run.id for run in expand(config)]
    assert not result.failed and {run.id for run in result.done} == set(ids)
    assert log.events[0] == ("planned", 4, 0)
    assert {event[1] for event in log.events if event[0] == "finished"} == set(ids)
    assert ("progress", "counting-easy-n8-start0-seed0", 4) in log.events

    # what a journal of a run holds
    events = list(read_events(folder / "journals" / "counting-uniform-n8-start0-seed0.jsonl"))
    assert events[0]["run"]["sampler"] == "uniform" and events[0]["pool"]["size"] == 8
    steps = [event for event in events if event["event"] == "step"]
    assert [event["step"] for event in steps] == [1, 2, 3, 4]
    assert all(event["rollouts"] == 64 for event in steps)
    kinds = [e["event"] for e in events if e["event"] in ("ask", "tell", "step")]
    assert kinds == ["ask", "tell", "step"] * 4  # no decision is a step stale
    assert [e["step"] for e in events if e["event"] in ("ask", "tell")] == [0, 0, 1, 1, 2, 2, 3, 3]
    evaluations = [event for event in events if event["event"] == "eval"]
    assert [(e["split"], e["step"], e["samples"]) for e in evaluations] == [
        ("validation", 2, 4),
        ("validation", 4, 4),
        ("test", 4, 1),
        ("test", 4, 4),
    ]
    assert all(len(event["correct"]) == 20 for event in evaluations)
    assert events[-1]["status"] == "done" and events[-1]["ledger"]["trained"] == 32
    base = list(read_events(folder / "journals" / "counting-0.jsonl"))
    assert [event["event"] for event in base] == ["open", "gate", "items", "eval", "eval", "end"]
    assert set(base[1]["guess"]) == {"1", "2", "3", "4", "5"}

    # a second call finds everything done
    before = {path: path.read_bytes() for path in (folder / "journals").iterdir()}
    again = run_study(config, folder)
    assert len(again.earlier) == 4 and not again.done
    assert before == {path: path.read_bytes() for path in (folder / "journals").iterdir()}

    # a run cut in the middle of a line starts over and ends as it was
    cut = folder / "journals" / "counting-easy-n8-start0-seed0.jsonl"
    whole = cut.read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    third = run_study(config, folder)
    assert [run.id for run in third.done] == ["counting-easy-n8-start0-seed0"]
    assert effective(cut) == effective_of(whole, tmp_path)
    assert b'"event":"rewind","to":0' in cut.read_bytes()

    # the folder belongs to one configuration, and to one process at a time
    other = replace(config, train=replace(config.train, steps=5))
    with pytest.raises(ConfigError, match="other settings; different here: steps = 5"):
        run_study(other, folder)
    with (
        Lock(folder / ".study.lock", what=str(folder)),
        pytest.raises(LockedError, match="is being written by pid"),
    ):
        run_study(config, folder)


def effective(path):
    """The events of a journal without clocks, numbers and checksums."""
    hidden = {"seq", "crc", "at", "seconds"}
    return [
        {key: value for key, value in event.items() if key not in hidden}
        for event in read_events(path)
    ]


def effective_of(content, tmp_path):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(content)
    return effective(copy)


def test_a_refused_start_fails_what_builds_on_it_and_nothing_else(config, tmp_path):
    strict = replace(config, start={"counting": Start(max_steps=25)}, sft_steps=0)
    log = Log()
    result = run_study(strict, tmp_path / "study", log)
    base, *others = [run.id for run in expand(strict)]
    assert log.events[-2:] == [("finished", base, result.failed[base]), ("left out", others)]
    assert not result.done and set(result.failed) == {run.id for run in expand(strict)}
    why = result.failed["counting-0"]
    assert "start counting-0 was refused after 25 supervised steps" in why
    assert "needed: exact traces >= 0.60 easy" in why
    assert result.failed["counting-easy-n8-start0-seed0"].startswith("its warm start failed: ")
    (journal,) = (tmp_path / "study" / "journals").glob("*.jsonl")
    *_, end = read_events(journal)
    assert end["status"] == "failed" and "was refused" in end["error"]
    assert not is_done(expand(strict)[0], tmp_path / "study")


@pytest.mark.skipif(os.environ.get("FAULTS") != "all", reason="two studies: FAULTS=all, as CI")
def test_a_full_disk_fails_the_run_and_a_rerun_goes_on(tmp_path):
    """A limit on the size of files stands in for the disk: the journal fits, the weights do not."""
    config, folder = tmp_path / "tiny.toml", tmp_path / "study"
    config.write_text(TINY)
    study = [sys.executable, "-m", "lessonplan", "study", str(config), "-o", str(folder)]
    study += ["--workers", "1"]  # each loads torch and TRL, which takes longer than the runs

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    first = subprocess.run(study, preexec_fn=full, capture_output=True, text=True)
    assert first.returncode == 5, first.stderr
    assert "counting-0 failed: " in first.stderr and "File too large" in first.stderr
    again = subprocess.run(study, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert (folder / "report.html").stat().st_size > 10_000
