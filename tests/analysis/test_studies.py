"""Folders of journals: what is used, what is left out, and the tidy rows."""

import numpy as np
import pytest

from lessonplan.analysis import accuracy_rows, item_table, item_weights, level_tiers, read_study
from lessonplan.errors import ConfigError, FormatError


def test_reads_a_study(study_folder):
    study = read_study(study_folder)
    assert study.families == ("counting",)
    assert study.samplers("counting") == ("easy", "mixed")
    assert len(study.of("counting", "rl")) == 18 and len(study.of("counting", "base")) == 3
    assert study.damaged == () and study.unfinished == () and study.name == "tiny"


def test_damage_unfinished_and_doubles_are_listed(tmp_path, tools):
    folder = tools.write_study(tmp_path, sizes=(8, 64))
    journals = folder / "journals"
    bad = journals / "counting-easy-n8-start0-seed0.jsonl"
    data = bytearray(bad.read_bytes())
    data[500] ^= 8
    bad.write_bytes(data)
    torn = journals / "counting-easy-n8-start1-seed0.jsonl"
    torn.write_bytes(torn.read_bytes()[:-5])
    double = journals / "counting-easy-n8-start2-copy.jsonl"
    double.write_bytes((journals / "counting-easy-n8-start2-seed0.jsonl").read_bytes())
    study = read_study(folder)
    assert len(study.of("counting", "rl")) == 12 - 2
    assert {name for name, _ in study.damaged} == {
        "counting-easy-n8-start0-seed0.jsonl",
        "counting-easy-n8-start2-seed0.jsonl",
    }
    assert any("the same cell as" in reason for _, reason in study.damaged)
    assert [run.info.id for run in study.unfinished] == ["counting-easy-n8-start1-seed0"]
    assert len(study.repaired) == 1


def test_no_journals_and_broken_settings(tmp_path, tools):
    with pytest.raises(FileNotFoundError, match="is this a study folder"):
        read_study(tmp_path)
    tools.write_study(tmp_path, starts=1, sizes=(8,))
    (tmp_path / "study.toml").write_text("sizes = [8")
    with pytest.raises(FormatError, match="study.toml"):
        read_study(tmp_path)
    (tmp_path / "study.toml").write_text("sizes = [8]")
    assert read_study(tmp_path).settings == {"sizes": [8]}


def test_accuracy_rows(study_folder):
    study = read_study(study_folder)
    rows = accuracy_rows(study)
    final = [
        r
        for r in rows
        if (r["kind"], r["split"], r["decode"], r["n"], r["start"], r["sampler"])
        == ("rl", "test", "greedy", 64, "counting-1", "mixed")
    ]
    by_tier = {r["tier"]: r["accuracy"] for r in final}
    assert set(by_tier) == {"easy", "medium", "hard", "mean"}
    mean = np.mean([by_tier[k] for k in ("easy", "medium", "hard")])
    assert by_tier["mean"] == pytest.approx(mean)
    assert final[0]["rollouts"] == 80 and final[0]["items"] == 30
    assert final[0]["seconds"] == pytest.approx(3.0)


def test_items_must_be_the_same(tmp_path, tools):
    folder = tools.write_study(tmp_path, sizes=(8, 64))
    events = list(tools.run_events("easy", 8, 0, 0))
    events[1]["fingerprint"] = "other"
    tools.write(folder / "journals" / "counting-easy-n8-start0-seed0.jsonl", events)
    with pytest.raises(FormatError, match="2 different test sets"):
        item_table(read_study(folder), "counting")
    with pytest.raises(ConfigError, match="families: counting"):
        item_table(read_study(folder), "spatial")


def test_base_falls_back_to_step_zero(tmp_path, tools):
    folder = tools.write_study(tmp_path, starts=1, sizes=(8, 64))
    (folder / "journals" / "counting-0.jsonl").unlink()
    table = item_table(read_study(folder), "counting")
    assert table.starts == () and np.isnan(table.base_accuracy)
    table = item_table(read_study(folder), "counting", split="validation")
    assert table.starts == ("counting-0",) and table.base.shape == (1, 10)


@pytest.mark.parametrize(
    ("levels", "easy", "medium", "hard"),
    [
        ([1, 2, 3, 4, 5], (1, 2), (3,), (4, 5)),
        (range(1, 11), (1, 2, 3), (4, 5, 6, 7), (8, 9, 10)),
        ([2, 4, 0], (2,), (), (4,)),
        ([3, 3], (), (3,), ()),
        ([1, 2, 3, 4], (1,), (2, 3), (4,)),
    ],
)
def test_tiers_are_symmetric(levels, easy, medium, hard):
    assert level_tiers(levels) == {"easy": easy, "medium": medium, "hard": hard}


def test_item_weights_average_tiers_equally():
    levels = np.array([1, 1, 2, 3, 4, 5, 5, 5])
    weights = item_weights(levels)
    assert weights.sum() == pytest.approx(1)
    assert weights[3] == pytest.approx(1 / 3)  # alone in its tier
    assert weights[:3].sum() == pytest.approx(1 / 3)
    assert item_weights(levels, "hard").tolist() == pytest.approx([0] * 4 + [1 / 4] * 4)
    assert item_weights(np.zeros(4, int)).tolist() == [0.25] * 4
    with pytest.raises(ValueError, match="no item of tier 'easy'"):
        item_weights(np.array([3, 3]), "easy")
    with pytest.raises(ValueError, match="tier must be one of"):
        item_weights(levels, "harder")
