"""Which names the plug-in has with which verl, and what its reward function says."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

VERL = find_spec("verl") is not None


def imported(names, path=""):
    code = f"from lessonplan.training.verl import {names}; print('imported')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": path},
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(VERL, reason="this environment has verl")
def test_without_verl_it_says_so():
    assert "EngineError: verl is not installed" in imported("CurriculumDataset")


def test_a_verl_without_either_seam_is_refused(tmp_path):
    package = tmp_path / "verl"
    package.mkdir()
    (package / "__init__.py").write_text("")
    meta = tmp_path / "verl-0.8.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: verl\nVersion: 0.8.0\n")
    message = imported("CurriculumDataset", str(tmp_path))
    assert "EngineError: verl 0.8.0 has no place where rewards could be told" in message


@pytest.mark.skipif("VERL_080" not in os.environ, reason="make verl-test has a verl 0.8.0")
def test_the_real_0_8_0_is_refused():
    message = imported("CurriculumDataset", os.environ["VERL_080"])
    assert "EngineError: verl 0.8.0 has no place where rewards could be told" in message


@pytest.mark.skipif(not VERL, reason="verl has an environment of its own: make verl-test")
def test_the_reward_function_never_gives_nan(problems):
    from lessonplan.generators import verl_rows
    from lessonplan.training.verl import compute_score

    rows = [*verl_rows(problems)]

    def score(row, text):
        truth = row["reward_model"]["ground_truth"]
        return compute_score(row["data_source"], text, truth, row["extra_info"])

    assert score(rows[0], f"Answer: {problems[0].answer}") == {"score": 1.0, "unscorable": 0.0}
    assert score(rows[0], "no idea") == {"score": 0.0, "unscorable": 0.0}
    assert score(rows[-1], "Answer: 1") == {"score": 0.0, "unscorable": 1.0}
