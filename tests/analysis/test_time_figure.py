"""V11: seconds by phase, and what resumes cost."""

import pytest

from lessonplan.analysis import read_study
from lessonplan.analysis.time_figure import time_bars, time_rows


def test_seconds_by_phase(study_folder):
    rows = time_rows(read_study(study_folder), "counting")
    assert [(r["sampler"], r["phase"]) for r in rows] == [
        ("easy", "generate"), ("easy", "train"), ("mixed", "generate"), ("mixed", "train"),
    ]  # fmt: skip
    assert rows[0]["seconds"] == pytest.approx(1.0) and rows[1]["share"] == pytest.approx(2 / 3)
    assert all(r["runs"] == 9 and r["rollouts"] == 9 * 80 for r in rows)
    assert all(r["rollouts_lost"] == 0 for r in rows)


def test_the_curriculum_and_lost_rollouts_stand_in_the_title(tmp_path, tools):
    journals = tmp_path / "journals"
    journals.mkdir()
    events = list(tools.run_events("easy", 8, 0, 0))
    for event in events:
        if event["event"] == "step":
            event["seconds"] = {"generate": 0.97, "curriculum": 0.03}
    step = next(i for i, e in enumerate(events) if e["event"] == "step")
    again = [events[step], {"event": "rewind", "to": step - 1}, *events[step:]]
    tools.write(journals / "a.jsonl", [*events[:step], *again])
    drawn = time_bars(read_study(tmp_path), "counting")
    assert (
        drawn.title
        == "The curriculum takes 3 % of the time at most; 8 rollouts were lost to resumes"
    )
    assert {r["resumes"] for r in drawn.rows} == {1}


def test_no_seconds_no_picture(tmp_path, tools):
    study = tools.visit_study(tmp_path, {("uniform", "s0"): [("a", 1, [1])]})
    assert time_bars(study, "counting") is not None
    (tmp_path / "x").mkdir()
    events = list(tools.run_events("easy", 8, 0, 0))
    for event in events:
        event.pop("seconds", None)
    (tmp_path / "x" / "journals").mkdir()
    tools.write(tmp_path / "x" / "journals" / "a.jsonl", events)
    assert time_bars(read_study(tmp_path / "x"), "counting") is None
