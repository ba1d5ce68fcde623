"""Rows of the pictures, and that drawing them leaves files behind."""

import csv
import io

import numpy as np
import pytest

from lessonplan.analysis import curves, item_table, read_study, styles
from lessonplan.analysis.curve_figures import (
    common_size,
    learning_curves,
    learning_rows,
    scaling_curves,
    scaling_rows,
)
from lessonplan.analysis.figures import GREY, csv_text, stem
from lessonplan.analysis.findings import find
from lessonplan.analysis.ledger_figure import ledger_rows, ledger_strip
from lessonplan.analysis.ratio_figures import forest, forest_rows, pair_rows
from lessonplan.analysis.sampling_figures import level_rows, pass_rates, wasted_rows


@pytest.fixture(scope="module")
def study(study_folder):
    return read_study(study_folder)


@pytest.fixture(scope="module")
def finding(study):
    return find(study, "counting", target=0.65, resamples=100)


def test_learning_rows(study):
    rows = learning_rows(study, "counting")
    assert common_size(study, "counting") == 512
    runs = [r for r in rows if r["what"] == "validation" and r["start"]]
    assert len(runs) == 2 * 3 * 3 and {r["rollouts"] for r in runs} == {0, 40, 80}
    means = [r for r in rows if r["start"] == "" and r["what"] == "validation"]
    assert len(means) == 2 * 3 and all(r["low"] <= r["value"] <= r["high"] for r in means)
    own = [r["value"] for r in runs if (r["sampler"], r["rollouts"]) == ("easy", 80)]
    mean = next(r for r in means if (r["sampler"], r["rollouts"]) == ("easy", 80))
    assert mean["value"] == pytest.approx(np.mean(own)) and mean["units"] == 3
    train = [r["value"] for r in rows if r["what"] == "train" and r["start"]]
    assert len(train) == 2 * 3 * 10 and all(0.5 <= v <= 1 for v in train)


def test_scaling_rows(study, finding):
    rows = scaling_rows(finding.everything, study)
    count = {part: sum(r["part"] == part for r in rows) for part in ("run", "mean", "base", "sft")}
    assert count == {"run": 18, "mean": 6, "base": 3, "sft": 3}
    fitted = [r for r in rows if r["part"] == "fit" and r["sampler"] == "easy"]
    assert max(r["beyond"] for r in fitted) == pytest.approx(4)
    assert any(r["beyond"] == 1 for r in fitted)  # solid and dashed meet in the last size
    assert all(r["low"] <= r["value"] <= r["high"] for r in fitted)
    table = item_table(study, "counting")
    easy = [r["value"] for r in rows if (r["part"], r["sampler"], r["n"]) == ("run", "easy", 8)]
    mean = next(
        r["value"] for r in rows if (r["part"], r["sampler"], r["n"]) == ("mean", "easy", 8)
    )
    assert mean == pytest.approx(np.mean(easy))
    assert mean == pytest.approx(table.means("easy")[1][0])


def test_forest_and_pair_rows(finding):
    (row,) = forest_rows(finding.comparisons, finding.differences)
    assert (row["a"], row["b"], row["n"], row["units"]) == ("mixed", "easy", 512, 3)
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    rows = pair_rows(finding.differences)
    assert len(rows) == 3 * 3
    at8 = [r["difference"] for r in rows if r["n"] == 8]
    assert np.mean(at8) == pytest.approx(finding.differences[0][0].difference)


def test_level_rows(study):
    rows = level_rows(study, "counting")
    easy = [r for r in rows if r["sampler"] == "easy"]
    assert {r["level"] for r in rows} == {1, 2, 5}
    assert sum(r["groups"] for r in easy) == 3 * 20  # three starts, twenty groups each
    assert all(r["pass_rate"] == 1 for r in easy if r["level"] == 1)
    assert all(np.isnan(r["pass_rate"]) for r in easy if r["level"] == 5)
    assert {r["share"] for r in easy} == {0, 0.5}


def test_wasted_rows(study):
    rows = [r for r in wasted_rows(study, "counting") if r["sampler"] == "mixed"]
    groups = sum(r["groups"] for r in rows)
    assert groups == 9 * 20
    right = sum(r["all_right"] * r["groups"] for r in rows)
    wrong = sum(r["all_wrong"] * r["groups"] for r in rows)
    filtered = sum(run.groups.counts()["filtered"] for run in study.of("counting", "rl", "mixed"))
    assert right + wrong == pytest.approx(filtered) and right >= 90
    assert sum(r["tokens_all"] for r in rows) == 90 * 10 + 90 * 30
    assert sum(r["tokens"] for r in rows) == 90 * 10 + 30 * (filtered - 90)


def test_ledger_rows(study):
    rows = ledger_rows(study, "counting")
    assert [r["issued"] for r in rows] == [180, 180]
    assert all(r["trained"] + r["filtered"] == 180 and r["trouble"] == "" for r in rows)


def test_ledger_trouble(tmp_path, tools):
    folder = tools.write_study(tmp_path, starts=1, sizes=(8, 64))
    events = list(tools.run_events("easy", 8, 0, 0))
    told = [e for e in events if e["event"] == "tell"]
    told[0]["status"] = ["failed", "failed"]
    events.remove(told[-1])
    path = folder / "journals" / "counting-easy-n8-start0-seed0.jsonl"
    tools.write(path, events)
    path.write_bytes(path.read_bytes()[:-1])
    row = ledger_rows(read_study(folder), "counting")[0]
    assert row["trouble"] == "5.0 % failed, 2 open at the end, repaired"
    strip = ledger_strip(read_study(folder), "counting")
    assert "but easy: 5.0 % failed" in strip.title


def test_pictures_save_four_files(tmp_path, study, finding):
    drawn = scaling_curves(finding.everything, study, styles(study), 0.65)
    drawn.save(tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {f"counting-v2-scaling.{kind}" for kind in ("svg", "png", "pdf", "csv")}
    assert drawn.svg.startswith(b"<?xml")
    with (tmp_path / "counting-v2-scaling.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(drawn.rows)
    again = scaling_curves(finding.everything, study, styles(study), 0.65)
    assert again.svg == drawn.svg
    assert "65 % takes about" in drawn.title


def test_what_the_smallest_training_set_reaches_has_no_number_of_problems(study, finding):
    both, looks = finding.everything, styles(study)
    low = float(min(fits.accuracy(np.array([8.0]))[0, 0] for fits in both.fits))
    high = float(max(fits.accuracy(np.array([8.0]))[0, 0] for fits in both.fits))
    early = scaling_curves(both, study, looks, low - 0.001).title
    assert early.endswith(" % is reached by every sampler with 8 problems")
    mixed = scaling_curves(both, study, looks, (low + high) / 2).title
    assert " % takes at most 8 problems (" in mixed and "), about " in mixed


def test_axes_of_accuracy_run_from_zero_to_one(study, finding):
    looks = styles(study)
    for drawn in (
        learning_curves(study, "counting", looks),
        scaling_curves(finding.everything, study, looks, None),
    ):
        assert all(axes.get_ylim() == (0, 1) for axes in drawn.figure.axes)
    drawn = forest("counting", "t", finding.comparisons, finding.differences, looks)
    assert drawn.figure.axes[0].get_xscale() == "log"
    assert "level 5" in pass_rates(study, "counting").title.lower()


def test_one_color_a_sampler_and_grey_for_uniform(study):
    looks = styles(study)
    assert looks["uniform"].color == GREY
    assert looks["easy"] != looks["mixed"] and GREY not in (looks["easy"].color,)


def test_csv_cells_cannot_be_formulas():
    text = csv_text([{"name": "=1+1", "value": -1.5}, {"name": "ok", "other": 2}])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["name"] == "'=1+1" and rows[0]["value"] == "-1.5" and rows[1]["other"] == "2"
    assert csv_text([]) == ""


@pytest.mark.parametrize("name", ["../../etc", "a/b", "CON\n", "", "x" * 300, "ü"])
def test_file_names_are_safe(name):
    assert "/" not in stem(name) and ".." not in stem(name) and len(stem(name)) < 60
    assert stem(name) != stem(name + "-")


def test_no_curves_with_a_single_size(tmp_path, tools):
    study = read_study(tools.write_study(tmp_path, sizes=(8,)))
    found = find(study, "counting", target=0.6, resamples=50)
    assert found.everything is None and found.comparisons == ()
    assert any("two training-set sizes" in text for text in found.refused)
    assert curves is not None
