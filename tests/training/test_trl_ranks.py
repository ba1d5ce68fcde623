"""Two and four ranks over gloo: one decides, groups stay pure, a killed run resumes exactly."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lessonplan.curricula import read_events
from lessonplan.training.trl import last_checkpoint

SCRIPT = Path(__file__).with_name("trl_rank.py")
# Two ranks always; TRL_RANKS=all, as CI sets it, adds what takes two cores some minutes.
EVERYTHING = os.environ.get("TRL_RANKS") == "all"
RUNS = [(2, "grpo"), *([(2, "rloo"), (4, "grpo")] if EVERYTHING else [])]
KILLS = []
if EVERYTHING:
    KILLS += [
        (2, "0:save:4"),
        (2, "1:reward:3"),
        (2, "0:reward:0"),
        (2, "0:reward:5"),
        (2, "1:save:4"),
        (2, "0:save:6"),
    ]
    KILLS += [(4, "3:reward:3"), (4, "2:save:4")]


def start(folder, world, method, kill=""):
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(world)),
            *("--standalone", str(SCRIPT), str(folder), method, *([kill] if kill else [])),
        ],
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )


def train(folder, world, method="grpo"):
    done = start(folder, world, method)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(world)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What each rank saw in a run that nobody disturbed; every setting is run once."""
    runs = {}

    def run(world, method):
        if (world, method) not in runs:
            folder = tmp_path_factory.mktemp(f"{method}{world}")
            runs[world, method] = (folder, train(folder, world, method))
        return runs[world, method]

    return run


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("world", "method"), RUNS)
def test_many_ranks_train_as_one(whole, world, method):
    folder, ranks = whole(world, method)
    first, others = ranks[0], ranks[1:]
    assert {one["world"] for one in ranks} == {world}
    assert first["asked"] and not any(one["asked"] for one in others)  # rank 0 alone decides
    for shares in zip(*(one["rows"] for one in ranks), strict=True):
        rows = [row for share in shares for row in share]
        groups = [rows[i : i + 4] for i in range(0, len(rows), 4)]
        assert all(len(set(group)) == 1 for group in groups)  # no group holds two problems
    for problem_id, rewards in zip(first["asked"], first["told"], strict=True):
        assert [reward // 10 for reward in rewards] == [first["number"][problem_id]] * 4
    ledger = first["ledger"]
    assert ledger["trained"] == 36 and ledger["filtered"] > 0 and ledger["open"] == 0
    assert first["lags"] == [0]
    assert len({one["parameters"] for one in ranks}) == 1
    assert first["parameters"] != first["before"]
    steps = [event for event in read_events(folder / "journal.jsonl") if event["event"] == "step"]
    assert sum(event["rollouts"] for event in steps) == 4 * ledger["issued"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("world", "kill"), KILLS)
def test_a_run_with_a_killed_rank_ends_and_resumes_exactly(whole, tmp_path, world, kill):
    folder, (first, *_) = whole(world, "grpo")
    _, phase, step = kill.split(":")
    began = time.monotonic()
    stopped = start(tmp_path / "cut", world, "grpo", kill)
    assert stopped.returncode != 0 and "SIGKILL" in stopped.stderr
    assert time.monotonic() - began < 200
    found = last_checkpoint(tmp_path / "cut" / "out")
    last = (int(step) - (phase == "save")) // 2 * 2
    assert found == (str(tmp_path / "cut" / "out" / f"checkpoint-{last}") if last else None)
    later = train(tmp_path / "cut", world)
    assert {one["parameters"] for one in later} == {first["parameters"]}
    assert later[0]["ledger"] == first["ledger"]
    asked = [
        [event["ids"] for event in read_events(run / "journal.jsonl") if "ids" in event]
        for run in (tmp_path / "cut", folder)
    ]
    assert asked[0] == asked[1]
