"""Tables of a report: p values, corrections, problems; empty columns and tables stay away."""

import pytest

from lessonplan.analysis import find, read_study
from lessonplan.analysis.chapters import Chapter
from lessonplan.analysis.pages import table
from lessonplan.analysis.problem_figures import problem_strips
from lessonplan.analysis.report_tables import (
    comparison_rows,
    correction_rows,
    difference_rows,
    problem_row,
    problem_tables,
    sections,
)


@pytest.fixture(scope="module")
def study(study_folder):
    return read_study(study_folder)


@pytest.fixture(scope="module")
def finding(study):
    return find(study, "counting", target=0.65, resamples=100)


def test_holm_stands_at_the_target_alone(finding):
    rows = comparison_rows(finding)
    starred = [r for r in rows if str(r["target"]).endswith("*")]
    assert len(starred) == 1 and starred[0]["p, Holm"] == starred[0]["p"] != "–"
    assert all(r["p, Holm"] == "–" for r in rows if r not in starred)


def test_differences_are_corrected_over_the_whole_table(finding):
    rows = difference_rows(finding)
    assert [r["n"] for r in rows] == [8, 64, 512]
    p = [one.p for one in finding.holm_differences]
    assert min(one.p_adjusted for one in finding.holm_differences) == pytest.approx(
        min(1, 3 * min(p))
    )
    assert all(r["would have seen"] > 0 and r["p"] != "–" for r in rows)


def test_corrections_name_both_laws(finding):
    (row,) = correction_rows(finding)
    assert {"Hill", "shifted power law", "95 %, Holm"} <= set(row)
    assert row["conclusion"] == "holds" and row["95 %"] == row["95 %, Holm"]


def test_sections_hold_no_empty_column(study, finding):
    found = {title: rows for title, rows, _ in sections(study, Chapter(finding, None, {}, "test"))}
    assert "Mixtures" not in found and "Laws asked for the largest size" not in found
    assert "trace" in found["Results"][0]
    assert all(len(row) == len(found["Results"][0]) for row in found["Results"])
    assert "T=1 mean" in found["Results"][0]  # the warm starts lack it, the runs do not
    assert "cut off" in found["Results"][0] and "Guess rates" in found


def test_problems_open_to_their_course(tmp_path, tools, finding):
    runs = {("uniform", "s0"): [("a", 4, [0, 0, 0, 0])] * 5}
    drawn = problem_strips(tools.visit_study(tmp_path, runs), "counting")
    each = Chapter(finding, None, {"v7": drawn}, "test")
    ((title, rows),) = problem_tables(each)
    assert title == "never solved: 1 of 1 problems"
    row = problem_row(rows[0])
    assert (row["problem"], row["rollouts"], row["right %"]) == ("a", 20, 0)
    assert "<svg" in table([row]) and 'class="spark"' in table([row])
