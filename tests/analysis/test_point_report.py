"""A page about published points: the numbers of the table, the doubts, and no interval."""

import re
from pathlib import Path

import pytest

from lessonplan.analysis.point_report import (
    comparison_rows,
    point_chapter,
    point_limits,
    write_point_report,
)
from lessonplan.analysis.results import read_results

TABLE = """task,sampler,n,accuracy_percent
counting,base,0,31.3
counting,easy,100,21.9
counting,easy,200,40.0
counting,easy,500,44.2
counting,mixed,100,44.2
counting,mixed,200,43.4
counting,mixed,500,35.5
<b>,base,0,20
<b>,mixed,100,50
"""  # the numbers of arXiv 2604.18381 for counting


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "less.csv"
    path.write_text(TABLE)
    return read_results([path])


def test_five_times_as_many_without_an_interval(results, tmp_path):
    path, said = write_point_report(results, tmp_path / "out" / "report.html")
    text, words = path.read_text(encoding="utf-8"), path.with_suffix(".md").read_text()
    assert said[0].startswith("one seed, no interval")
    five = "at 100 problems mixed scores 44.2 %; easy needs 500 for that: 5.0 times as many"
    assert f"counting: {five}" in said and five in text and five in words
    assert "easy is below the model before training at n = 100" in text
    order = ["One seed, no interval", "Limits of these numbers", ">Comparisons<", ">Points<"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    names = {p.name for p in (path.parent / "figures").iterdir() if p.suffix == ".svg"}
    assert "counting-points.svg" in names and len(names) == 2
    assert "<b>" not in text and "one sampler, nothing to compare" in text
    assert text.count("<figure") == 2 and not re.search("https?:", text)


def test_a_target_cuts_both_curves(results, tmp_path):
    path, said = write_point_report(results, tmp_path / "r.html", target=0.4)
    text = path.read_text(encoding="utf-8")
    assert any("mixed has 40 % at its smallest size" in line for line in said)
    assert text.index("mixed has 40 %") < text.index("<figure")  # on the first screen


def test_rows_of_the_comparisons(results):
    chapters = [point_chapter(task) for task in results.points().tasks]
    rows = comparison_rows(chapters)
    assert (rows[0]["A needs"], rows[0]["B needs"], rows[0]["what"]) == (100, 500, "ratio")
    assert rows[0]["B / A"] == 5 and {r["task"] for r in rows} == {"counting"}


def test_limits_say_what_is_missing(results, tmp_path):
    lines = point_limits(results, results.points())
    assert lines[0].startswith("one seed, no interval") and any("--items" in x for x in lines)
    assert any(x.startswith("less.csv: n = n, accuracy = accuracy_percent") for x in lines)
    path = tmp_path / "x.csv"
    path.write_text("n,accuracy\n8,0.5\n64,0.6\n")
    other = read_results([path])
    assert any("no row with n = 0" in line for line in point_limits(other, other.points()))


def test_the_published_table_as_it_is(tmp_path):
    path = Path(__file__).parents[1] / "assets" / "learning_from_less.csv"
    _, said = write_point_report(read_results([path]), tmp_path / "r.html")
    assert any("graph" in line and "not reached" in line for line in said)
    assert "spatial: at 100 problems mixed scores 56.6 %; easy needs 198 for that: 2.0 times" in (
        " ".join(said)
    )
