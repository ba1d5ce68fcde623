"""The verb report on tables and logs: what it takes, where it writes, what it says."""

import csv
import json
from pathlib import Path

import pytest

from lessonplan import cli
from lessonplan.cli_report import report
from lessonplan.errors import ConfigError


def accuracy(arm, n, start):
    half = {"plain": 160.0, "clever": 40.0}[arm]
    return 0.40 + 0.02 * start + 0.36 / (1 + half / n)


@pytest.fixture
def table(tmp_path):
    rows = [{"arm": "", "size": 0, "model": m, "score": 0.40 + 0.02 * m} for m in range(3)]
    rows += [
        {"arm": arm, "size": n, "model": m, "score": round(accuracy(arm, n, m), 4)}
        for arm in ("plain", "clever")
        for n in (16, 256)
        for m in range(3)
    ]
    path = tmp_path / "mine.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_with_the_number_of_items_there_are_intervals(table, tmp_path):
    answer = report([table], tmp_path / "out", columns=["accuracy=score"], items=400, target=0.6)
    assert answer.shown[0].startswith("mine.csv: n = size, accuracy = score, sampler = arm")
    assert "mine: clever reaches 60 % with" in answer.shown[1]
    assert answer.facts["intervals"] and answer.facts["report"] == tmp_path / "out" / "report.html"
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "accuracy = score" in text and "target 60 % (given)" in text


def test_without_it_there_are_points(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = report([table], columns=["accuracy=score"])
    assert answer.facts["report"] == Path("runs/report-mine/report.html")
    assert answer.facts["report"].exists() and not answer.facts["intervals"]
    assert "clever" in " ".join(answer.shown) and any("--items" in str(x) for x in answer.shown)


def test_logs_by_a_pattern_of_files_and_one_of_names(tmp_path):
    for name, end in (("a-n8", 0.4), ("a-n64", 0.6), ("b-n8", 0.3), ("b-n64", 0.5)):
        (tmp_path / name).mkdir()
        rows = [{"step": s, "eval_reward": v} for s, v in ((0, 0.25), (10, end))]
        (tmp_path / name / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    (tmp_path / "b-n64" / "trainer_state.json").write_text("{")
    answer = report([tmp_path / "*-n*"], tmp_path / "r.html", names="{sampler}-n{n}")
    assert answer.shown[0] == "3 logs read as trl"
    assert answer.shown[1].startswith("left out: ") and "trainer_state.json:1" in answer.shown[1]
    assert "at 8 problems b scores 30 %" in " ".join(answer.shown) and (tmp_path / "r.md").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no column accuracy; it has: arm, size, model, score"),
        ({"columns": ["accuracy"]}, "--columns takes ROLE=COLUMN, got 'accuracy'"),
        ({"columns": ["n=size", "n=model"]}, "--columns names n twice"),
        ({"columns": ["accuracy=score"], "target": 60}, "--target is an accuracy between 0 and 1"),
    ],
)
def test_refusals(table, given, message):
    with pytest.raises(ConfigError, match=message):
        report([table], **given)


def test_nothing_and_no_such_file(tmp_path):
    with pytest.raises(ConfigError, match="nothing to report on"):
        report([])
    with pytest.raises(ConfigError, match="no file or folder has such a name"):
        report([tmp_path / "nothing-*"])


def test_a_study_has_no_use_for_options_of_tables(tmp_path):
    (tmp_path / "journals").mkdir()
    with pytest.raises(ConfigError, match="--items is about tables and logs"):
        report([tmp_path], items=5)


def test_the_verb_takes_all_of_it(table, tmp_path, capsys):
    page = tmp_path / "r.html"
    typed = ["report", table, "-o", page, "--columns", "accuracy=score", "sampler=arm"]
    assert cli.main([*map(str, typed), "--items", "400", "--target", "0.6", "--json"]) == cli.DONE
    said = json.loads(capsys.readouterr().out)
    assert said["report"] == str(page) and said["intervals"] and "clever" in said["verdicts"][0]
    assert cli.main(["report", str(tmp_path / "*.jsonl")]) == cli.BAD_INPUT
    assert "no file or folder has such a name" in capsys.readouterr().err
