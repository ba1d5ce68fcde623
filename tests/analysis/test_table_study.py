"""Somebody else's table as a study: runs, seeds, items, refusals, and a report in three lines."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from lessonplan.analysis import item_table, read_mapped
from lessonplan.analysis.table_study import table_study
from lessonplan.errors import ConfigError

COLUMNS = {"n": "size", "accuracy": "acc", "sampler": "arm", "start": "model"}


def accuracy(arm, n, model):
    half = {"plain": 160.0, "clever": 40.0}[arm]
    return 0.40 + 0.02 * model + 0.36 / (1 + half / n)


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def path(tmp_path):
    rows = [{"arm": "", "size": 0, "model": m, "acc": 0.40 + 0.02 * m} for m in range(3)]
    rows += [
        {"arm": arm, "size": n, "model": m, "acc": accuracy(arm, n, m)}
        for arm in ("plain", "clever")
        for n in (16, 64, 256, 1024)
        for m in range(3)
    ]
    return write(tmp_path / "mine.csv", rows)


def test_runs_and_accuracies(path):
    study = table_study(read_mapped(path, COLUMNS), items=500)
    assert study.families == ("results",) and study.samplers("results") == ("clever", "plain")
    assert len(study.of("results", "rl")) == 24 and len(study.of("results", "base")) == 3
    table = item_table(study, "results")
    i = next(i for i in table.rows("clever") if (table.n[i], table.start[i]) == (64, "2"))
    assert table.accuracy[i] == pytest.approx(accuracy("clever", 64, 2), abs=1 / 1000)
    assert table.base_accuracy == pytest.approx(0.42)
    assert len(table.weights) == 500


def test_the_placing_of_right_items_is_repeatable_and_differs_between_runs(path):
    one, two = (
        item_table(table_study(read_mapped(path, COLUMNS), items=500), "results") for _ in range(2)
    )
    np.testing.assert_array_equal(one.share, two.share)
    assert np.abs(np.corrcoef(one.share)[0, 1:]).max() < 0.25


def test_rows_without_seeds_become_seeds(tmp_path):
    rows = [{"arm": "x", "size": n, "acc": 0.5} for n in (8, 64) for _ in range(3)]
    mapped = read_mapped(
        write(tmp_path / "s.csv", rows), {"n": "size", "accuracy": "acc", "sampler": "arm"}
    )
    study = table_study(mapped, items=100)
    assert sorted({run.info.seed for run in study.runs}) == [0, 1, 2]
    assert any("count as seeds" in note for note in study.runs[0].notes)
    assert any("one start" in note for note in study.runs[0].notes)


def test_levels_become_tiers(tmp_path):
    rows = [
        {"arm": "x", "size": n, "acc": acc, "level": level, "items": 50}
        for n in (8, 64)
        for level, acc in ((1, 0.9), (2, 0.6), (3, 0.3))
    ]
    names = {"n": "size", "accuracy": "acc", "sampler": "arm", "level": "level", "items": "items"}
    study = table_study(read_mapped(write(tmp_path / "l.csv", rows), names))
    assert len(study.runs) == 2
    table = item_table(study, "results", tier="hard")
    assert table.accuracy.tolist() == pytest.approx([0.3, 0.3]) and len(table.weights) == 150


def test_costs_and_steps(tmp_path):
    rows = [
        {"arm": "x", "size": 8, "acc": acc, "step": step, "spent": spent}
        for acc, step, spent in ((0.3, 10, 640), (0.4, 20, 1280), (0.5, 40, 2560))
    ]
    names = {"n": "size", "accuracy": "acc", "sampler": "arm", "step": "step", "rollouts": "spent"}
    (run,) = table_study(read_mapped(write(tmp_path / "c.csv", rows), names), items=100).runs
    assert run.steps.rollouts.tolist() == [640, 640, 1280] and run.rollouts == 2560
    assert [e.step for e in run.evals] == [10, 20, 40]


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        (("n", "accuracy", "sampler"), {}, "give items=500"),
        (("n", "accuracy", "sampler"), {"items": 1}, "at least 2"),
        (("n", "accuracy"), {"items": 9}, "map a column to sampler"),
        (("accuracy", "sampler"), {"items": 9}, "map a column to n"),
    ],
)
def test_refusals(path, columns, given, message):
    with pytest.raises(ConfigError, match=message):
        table_study(read_mapped(path, {k: COLUMNS[k] for k in columns}), **given)


def test_different_numbers_of_items_are_refused(tmp_path):
    rows = [{"arm": "x", "size": n, "acc": 0.5, "items": 10 + n} for n in (8, 64)]
    names = {"n": "size", "accuracy": "acc", "sampler": "arm", "items": "items"}
    with pytest.raises(ConfigError, match="18 items, 74 items"):
        table_study(read_mapped(write(tmp_path / "i.csv", rows), names))


def test_the_three_lines_of_the_page_write_a_report(path, tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    text = path.read_text().replace("size", "train_size")
    (tmp_path / "results.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    exec(lines, {})  # noqa: S102  # our own page
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "clever reaches" in text and "times fewer problems than plain" in text
    assert "which items were right is not known" in text and "unknown learner" in text
    figures = {p.name for p in (tmp_path / "out" / "figures").iterdir() if p.suffix == ".svg"}
    assert figures == {
        "results-law-comparison.svg", "results-v2-scaling.svg", "results-v3-forest.svg",
        "results-v12-pairs.svg",
    }  # fmt: skip


def test_one_test_set_at_a_time(tmp_path):
    rows = [
        {"arm": "x", "size": n, "acc": acc, "set": name}
        for n in (8, 64)
        for name, acc in (("math", 0.3), ("code", 0.6), ("validation", 0.5), ("train", 0.9))
    ]
    names = {"n": "size", "accuracy": "acc", "sampler": "arm", "split": "set"}
    table = read_mapped(write(tmp_path / "t.csv", rows), names)
    with pytest.raises(ConfigError, match="test sets 'code', 'math'; choose with split="):
        table_study(table, items=100)
    study = table_study(table, items=100, split="code")
    assert item_table(study, "results").accuracy.tolist() == pytest.approx([0.6, 0.6])
    assert {e.split for run in study.runs for e in run.evals} == {"test", "validation"}
