"""The tidy table: rows of journals, step files, what is missing, and the verb that shows it."""

import csv
import json

import numpy as np
import pytest

from lessonplan import cli
from lessonplan.analysis import read_journal
from lessonplan.analysis.learning_table import (
    RunLabels,
    join_tables,
    make_table,
    rollout_table,
    run_table,
)
from lessonplan.analysis.log_formats import log_format, read_log
from lessonplan.errors import ConfigError, FormatError


def test_a_journal_by_hand(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    table = run_table(read_journal(path))
    rows = [
        (row["split"], row["step"], row["level"], row["accuracy"], row["items"], row["rollouts"])
        for row in table.rows()
    ]
    # rewards: a (level 1) 0 and unscored, b (level 2) 1 1; then a 1 0, c discarded
    assert rows == [
        ("train", 1, 1, 0.0, 1, 4),
        ("train", 1, 2, 1.0, 2, 4),
        ("train", 2, 1, 0.5, 2, 6),
        ("test", 2, 1, 1.0, 1, 6),
        ("test", 2, 3, 1.0, 1, 6),
        ("test", 2, 5, 0.0, 1, 6),
    ]
    assert table.tokens.tolist() == [50, 50, 75, 75, 75, 75]
    assert table.seconds.tolist() == [0.5] * 6
    assert table.lacking == {"decode": 3}  # a training step has none
    pooled = table.pooled()
    assert pooled.split.tolist() == ["train", "train", "test"]
    np.testing.assert_allclose(pooled.accuracy, [2 / 3, 0.5, 2 / 3])
    assert pooled.items.tolist() == [3, 2, 3] and np.isnan(pooled.level).all()
    last = table.last()
    assert last.step.tolist() == [2] * 4 and set(last.split) == {"train", "test"}


def test_accuracies_agree_with_the_study_table(study_folder):
    table = read_log(study_folder)
    run = read_journal(study_folder / "journals" / "counting-easy-n8-start0-seed0.jsonl")
    mine = table.take((table.run == run.info.id) & (table.split == "test")).pooled()
    greedy = mine.take(mine.decode == "greedy")
    assert greedy.accuracy.tolist() == [
        pytest.approx(float(run.last_eval("test", "greedy").share.mean()))
    ]
    assert len(set(table.run)) == 24 and set(table.sampler) == {"", "sft", "easy", "mixed"}
    assert set(table.n[table.sampler == ""]) == {0}


def test_damaged_runs_of_a_study_are_named(tmp_path, tools):
    tools.write_study(tmp_path, starts=1, sizes=(8, 64))
    broken = tmp_path / "journals" / "counting-easy-n8-start0-seed0.jsonl"
    whole = bytearray(broken.read_bytes())
    whole[500] ^= 4
    broken.write_bytes(whole)
    table = read_log(tmp_path)
    assert broken.stem not in set(table.run)
    assert any(note.startswith(f"left out: {broken.name}:") for note in table.notes)


def test_missing_is_named_not_filled():
    table = make_table(RunLabels(run="r"), {"step": [1, 2], "accuracy": [0.5, np.nan]})
    assert table.lacking["accuracy"] == 1 and table.lacking["sampler"] == 2
    assert "run" not in table.lacking and "step" not in table.lacking
    both = join_tables([table, make_table(RunLabels(run="s", n=8), {"step": [3]})])
    assert both.n.tolist()[2] == 8 and both.lacking["n"] == 2
    assert len(join_tables([])) == 0


def test_rollouts_are_added_up_only_without_gaps():
    steps, wins = np.array([1, 1, 2, 3]), np.array([1.0, np.nan, 0.0, 1.0])
    table = rollout_table(RunLabels(), steps, wins, split="train")
    assert table.rollouts.tolist() == [2, 3, 4] and table.items.tolist() == [1, 1, 1]
    table = rollout_table(RunLabels(), steps[[0, 3]], wins[[0, 3]], split="train")
    assert np.isnan(table.rollouts).all() and "2 of the steps 1 to 3" in table.notes[0]
    table = rollout_table(RunLabels(), steps, wins, split="validation")
    assert np.isnan(table.rollouts).all() and not table.notes


def test_step_files(tmp_path):
    for step, rewards in ((1, [1, 0]), (2, [1, 1])):
        rows = [{"prompt": "q", "reward": reward} for reward in rewards]
        (tmp_path / f"step_{step}.json").write_text(json.dumps(rows, indent=1))
    table = read_log(tmp_path)
    assert table.accuracy.tolist() == [0.5, 1] and table.rollouts.tolist() == [2, 4]
    (tmp_path / "step_4.json").write_text("[]")
    with pytest.raises(FormatError, match="step_3.json is missing"):
        read_log(tmp_path)
    (tmp_path / "step_4.json").unlink()
    (tmp_path / "step_2.json").write_text('[{"prompt": "q",\n "reward": "x"}]')
    with pytest.raises(FormatError, match='step_2.json:1: "reward" is not a finite number: "x"'):
        read_log(tmp_path)


def test_formats_are_told_by_name_and_column(tmp_path, events, tools):
    tools.write(tmp_path / "a.jsonl", events)
    (tmp_path / "b.jsonl").write_text('{"step": 1, "data": {"critic/score/mean": 0.5}}\n')
    (tmp_path / "c.csv").write_text("_step,train/reward\n1,0.5\n")
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    (tmp_path / "7.jsonl").write_text('{"score": 1, "step": 7}\n')
    kinds = {"a.jsonl": "journal", "b.jsonl": "verl", "c.csv": "export", "7.jsonl": "verl"}
    for name, kind in kinds.items():
        assert log_format(tmp_path / name) == kind
    with pytest.raises(ConfigError, match=r"d.csv: no known log; say what it is with format="):
        log_format(tmp_path / "d.csv")
    with pytest.raises(ConfigError, match='"journal" has no use for percent, got True'):
        read_log(tmp_path / "a.jsonl", percent=True)
    with pytest.raises(ConfigError, match='"journal" has no use for labels'):
        read_log(tmp_path / "a.jsonl", labels=RunLabels(n=3))
    with pytest.raises(ConfigError, match='"verl" has no use for accuracy'):
        read_log(tmp_path / "7.jsonl", accuracy={"train": "score"})
    with pytest.raises(FileNotFoundError):
        read_log(tmp_path / "nowhere")


def test_the_verb(tmp_path, capsys):
    path = tmp_path / "results.csv"
    path.write_text("size,acc,arm\n64,50,easy\n128,62.5,easy\n")
    out = tmp_path / "tidy.csv"
    words = ["logs", str(path), "--columns", "n=size", "accuracy=acc", "sampler=arm", "--percent"]
    assert cli.main([*words, "-o", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "2 measurements of 1 run" in shown and f"{path}: read as table" in shown
    assert "not in the logs: start, seed, split, decode, step" in shown
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["run"], r["n"], r["accuracy"], r["seed"]) for r in rows] == [
        ("results", "64.0", "0.5", ""),
        ("results", "128.0", "0.625", ""),
    ]
    assert cli.main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["lacking"]["seed"] == 2 and facts["table"][0]["seed"] is None
    assert cli.main(["logs", str(path)]) == 2
    assert "no known log" in capsys.readouterr().err
    assert cli.main(["logs", str(path), "--columns", "accuracy"]) == 2
    assert "--columns takes OURS=THEIRS" in capsys.readouterr().err
    assert cli.main(["logs"]) == 2 and "no log given" in capsys.readouterr().err
    (tmp_path / "b").mkdir()
    twin = tmp_path / "b" / "results.csv"
    twin.write_bytes(path.read_bytes())
    assert cli.main([words[0], str(twin), *words[1:]]) == 2
    assert 'both have a run "results"' in capsys.readouterr().err
    path.write_text("size,acc,arm\n64,many,easy\n")
    assert cli.main(words) == cli.DAMAGED
    assert 'results.csv:2: "acc" is not a finite number' in capsys.readouterr().err
