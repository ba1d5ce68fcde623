"""Two ranks over gloo: one decides, groups stay pure, resuming is exact."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("two_ranks.py")


def train(folder, *arguments):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"),
            *("--standalone", str(SCRIPT), str(folder), *arguments),
        ],
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.timeout(300)
def test_two_ranks_train_as_one(tmp_path):
    first, second = train(tmp_path / "whole")
    assert first["world"] == second["world"] == 2
    assert len(first["asked"]) == 36 and second["asked"] == []  # rank 0 alone decides
    for mine, theirs in zip(first["rows"], second["rows"], strict=True):
        rows = mine + theirs
        groups = [rows[i : i + 4] for i in range(0, len(rows), 4)]
        assert all(len(set(group)) == 1 for group in groups)  # no group holds two problems
    for problem_id, rewards in zip(first["asked"], first["told"], strict=True):
        assert [reward // 10 for reward in rewards] == [first["number"][problem_id]] * 4
    assert first["open"] == 0
    assert first["parameters"] == second["parameters"] != first["before"]

    checkpoint = tmp_path / "whole" / "out" / "checkpoint-3"
    later, _ = train(tmp_path / "whole", str(checkpoint))
    assert later["asked"] == first["asked"][18:]
    assert later["parameters"] == first["parameters"]
