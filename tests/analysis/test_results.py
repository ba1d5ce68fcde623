"""Tables and logs of other people, read together: tasks, labels, points, and what is left out."""

import csv
import json

import pytest

from lessonplan.analysis import item_table
from lessonplan.analysis.results import read_results
from lessonplan.errors import ConfigError, FormatError

NAMES = "{sampler}-n{n}-{start}-s{seed}"


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def log(folder, name, values):
    """A trainer's output folder with an evaluation every ten steps."""
    where = folder / name
    where.mkdir()
    rows = [{"step": 10 * i, "eval_reward": value} for i, value in enumerate(values)]
    (where / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    return where


def test_tasks_become_families(tmp_path):
    rows = [
        {"task": task, "arm": arm, "size": n, "accuracy_percent": value}
        for task, value in (("code", 30), ("math", 60))
        for arm in ("a", "b")
        for n in (8, 64)
    ]
    results = read_results([write(tmp_path / "mine.csv", rows)])
    assert list(results.tables) == ["code", "math"] and not results.items_known
    (reading,) = results.readings
    assert reading == (
        "mine.csv: n = size, accuracy = accuracy_percent, sampler = arm, task = task; "
        "accuracy read as a percent"
    )
    study = results.study(items=100)
    assert set(study.families) == {"code", "math"} and len(study.runs) == 8
    assert item_table(study, "math").accuracy.tolist() == pytest.approx([0.6] * 4)
    assert study.runs[0].notes[0] == reading  # which the limits of the report repeat


def test_the_same_rows_in_every_format(tmp_path):
    rows = [{"n": n, "accuracy": 0.5, "sampler": "a", "items": 40} for n in (8, 64)]
    paths = [write(tmp_path / "t.csv", rows), tmp_path / "t.jsonl", tmp_path / "t.json"]
    paths[1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    paths[2].write_text(json.dumps(rows))
    arrow, parquet = (pytest.importorskip(f"pyarrow{part}") for part in ("", ".parquet"))
    paths.append(tmp_path / "t.parquet")
    parquet.write_table(arrow.Table.from_pylist(rows), paths[3])
    for path in paths:
        results = read_results([path])
        table = results.tables["t"]
        assert table.n.tolist() == [8, 64] and table.items.tolist() == [40, 40]
        assert results.items_known


def test_a_table_without_samplers_is_one_curve_named_for_its_file(tmp_path):
    one = write(tmp_path / "mine.csv", [{"n": 8, "accuracy": 0.5}])
    two = write(tmp_path / "easy_8.csv", [{"n": 8, "accuracy": 0.4}])
    assert read_results([one]).tables["mine"].sampler.tolist() == ["mine"]
    both = read_results([one, two], name="both").tables["both"]
    assert both.sampler.tolist() == ["mine", "easy_8"]


def test_logs_are_told_by_their_names(tmp_path):
    paths = [
        log(tmp_path, f"{arm}-n{n}-m0-s1", (0.25, 0.3, end))
        for arm, n, end in (("a", 8, 0.5), ("b", 8, 0.4))
    ]
    results = read_results(paths, names=NAMES, name="runs")
    assert results.readings == ("2 logs read as trl",)
    study = results.study(items=100)
    table = item_table(study, "runs")
    assert sorted(zip(table.sampler, table.accuracy.tolist(), strict=True)) == [
        ("a", pytest.approx(0.5)),
        ("b", pytest.approx(0.4)),
    ]
    assert table.base_accuracy == pytest.approx(0.25)  # step 0
    assert not any(str(tmp_path) in note for run in study.runs for note in run.notes)


def test_a_log_without_a_name_says_how_to_give_one(tmp_path):
    path = log(tmp_path, "a-n8-m0-s1", (0.3, 0.5))
    with pytest.raises(ConfigError, match=r"does not say its sampler and n\n.*--names"):
        read_results([path])


def test_of_several_logs_a_damaged_one_is_left_out_and_named(tmp_path):
    good, bad = (log(tmp_path, f"a-n{n}-m0-s1", (0.3, 0.5)) for n in (8, 64))
    (bad / "trainer_state.json").write_text('{"log_history": [')
    results = read_results([good, bad], names=NAMES)
    ((name, reason),) = results.damaged
    assert name == "a-n64-m0-s1" and "trainer_state.json:1: not JSON" in reason
    assert results.study(items=9).damaged == results.damaged
    for paths in ([bad], [bad, bad]):
        with pytest.raises(FormatError, match="not JSON"):
            read_results(paths, names=NAMES)


def test_journals_know_themselves(study_folder):
    paths = sorted((study_folder / "journals").glob("*.jsonl"))
    results = read_results(paths, name="tiny")
    assert results.items_known and results.readings == (f"{len(paths)} logs read as journal",)
    assert results.study().samplers("tiny") == ("easy", "mixed")


def test_points_are_last_accuracies(tmp_path):
    rows = [
        {"sampler": arm, "n": n, "accuracy": got, "split": split, "step": step, "seed": seed}
        for arm, n, value, end in (("a", 8, 0.4, 5), ("a", 64, 0.6, 9), ("", 0, 0.25, 3))
        for split, step in (("train", 9), ("test", end - 3), ("test", end))
        for seed, got in ((0, value - 0.2 * (step < end)), (1, value + 0.02))
    ]
    (task,) = read_results([write(tmp_path / "p.csv", rows)]).points().tasks
    (curve,) = task.curves
    assert curve.n == (8, 64) and curve.rows == 2  # each run at its own last step
    assert curve.accuracy == pytest.approx((0.41, 0.61)) and task.base == pytest.approx(0.26)


@pytest.mark.parametrize(
    ("rows", "given", "message"),
    [
        ([{"n": "x", "accuracy": 0.5}], {}, 'mine.csv:2: "n" is not a finite number'),
        ([{"n": 8, "accuracy": -0.5}], {}, 'mine.csv:2: "accuracy" is -0.5, no accuracy'),
        ([{"size": 8}], {}, "no column accuracy; it has: size"),
        ([{"n": 8, "score": 0.5}], {"columns": {"accuracy": "scor"}}, "nearest: score"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, given, message):
    with pytest.raises((ConfigError, FormatError), match=message):
        read_results([write(tmp_path / "mine.csv", rows)], **given)


def test_splits_are_chosen(tmp_path):
    rows = [
        {"n": n, "accuracy": 0.5, "split": split} for n in (8, 64) for split in ("code", "math")
    ]
    results = read_results([write(tmp_path / "s.csv", rows)])
    with pytest.raises(ConfigError, match='splits "code", "math"; choose with --split'):
        results.points()
    with pytest.raises(ConfigError, match='--split "art": the results have "code", "math"'):
        results.study(items=10, split="art")
    assert len(results.points(split="code").tasks[0].curves[0].n) == 2


def test_options_of_tables_are_not_for_logs(tmp_path):
    path = log(tmp_path, "a-n8-m0-s1", (0.3, 0.5))
    with pytest.raises(ConfigError, match="--unit is about tables, and .* is a log"):
        read_results([path], names=NAMES, unit="percent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no known log.*\n.*lessonplan logs"):
        read_results([tmp_path / "empty"])
    with pytest.raises(FileNotFoundError):
        read_results([tmp_path / "nothing.csv"])
