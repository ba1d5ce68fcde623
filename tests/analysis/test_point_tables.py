"""Published points: reading them, saying what was read, and comparing them as they are."""

from math import inf, isnan
from pathlib import Path

import numpy as np
import pytest

from lessonplan.analysis.point_tables import (
    PointCurve,
    PointTask,
    at_accuracy,
    best_points,
    effective_data,
    fit_points,
    point_pairs,
    reaches,
    read_points,
    times,
)
from lessonplan.errors import ConfigError, FormatError

PUBLISHED = Path(__file__).parents[1] / "assets" / "learning_from_less.csv"  # arXiv 2604.18381


@pytest.fixture
def write(tmp_path):
    def put(text):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


def of(task):
    return next(one for one in read_points(PUBLISHED).tasks if one.task == task)


# The published table


def test_the_published_table_is_read_and_says_how():
    table = read_points(PUBLISHED)
    assert [task.task for task in table.tasks] == ["counting", "graph", "spatial"]
    assert [task.base for task in table.tasks] == pytest.approx([0.313, 0.294, 0.261])
    assert [curve.sampler for curve in table.tasks[0].curves] == ["easy", "mixed"]
    assert "accuracy = accuracy_percent" in table.reading and "percent" in table.reading
    assert table.seeds.startswith("one seed, no interval")


def test_counting_needs_exactly_five_times_the_problems():
    first, second, third = effective_data(of("counting"), "mixed", "easy")
    assert (first.n_a, first.n_b, first.ratio, first.kind) == (100, 500, 5.0, "ratio")
    assert "easy needs 500 for that: 5.0 times" in first.words
    assert any("below the model before training at n = 100" in note for note in first.notes)
    # 43.4 lies 3.4/4.2 of the way from 200 to 500, in ln n
    assert second.ratio == pytest.approx(2.5 ** (3.4 / 4.2))
    assert third.ratio == pytest.approx(100 * 2 ** (13.6 / 18.1) / 500)
    assert any("scores less at 500 problems (35.5 %) than at 100" in note for note in third.notes)


def test_graph_has_no_gain_to_match():
    first, second, third = effective_data(of("graph"), "mixed", "easy")
    assert first.kind == "not reached" and isnan(first.ratio)
    assert "not above the model before training (29.4 %): not reached" in first.words
    assert second.kind == "at most" and second.ratio == 0.5  # easy has it at 100
    assert third.kind == "ratio" and third.ratio < 1
    assert best_points(of("graph"), "mixed", "easy") == (
        "the best of easy, 36.5 %, is not reached by mixed (34 %)"
    )


def test_spatial_is_about_twice_and_never_five_times():
    found = effective_data(of("spatial"), "mixed", "easy")
    assert found[0].ratio == pytest.approx(2 ** (6.7 / 6.8)) == pytest.approx(1.98, abs=0.005)
    assert max(one.ratio for one in found) < 2
    assert any("monotone means" in note and "54.9 %" in note for note in found[0].notes)


def test_both_curves_cut_at_one_accuracy():
    early = at_accuracy(of("counting"), "mixed", "easy", 0.44)
    assert early.kind == "at least" and early.ratio == pytest.approx(5**0.0 * 4.788, abs=0.01)
    assert "mixed has 44 % at its smallest size" in early.words and "at least 4.8" in early.words
    neither = at_accuracy(of("graph"), "mixed", "easy", 0.5)
    assert neither.kind == "not reached" and "nor by easy" in neither.words
    bound = at_accuracy(of("graph"), "mixed", "easy", 0.36)
    assert bound.kind == "at most" and bound.ratio < 1  # mixed never gets there
    both = at_accuracy(of("spatial"), "mixed", "easy", 0.4)
    assert both.kind == "both early" and isnan(both.ratio)


# Crossing


@pytest.mark.parametrize(
    "target, n",
    [(0.2, 10.0), (0.1, 0.0), (0.4, 100.0), (0.3, 10**1.5), (0.45, 550.0), (0.6, inf)],
)
def test_where_points_reach_an_accuracy(target, n):
    curve = PointCurve("a", (10, 100, 400, 1000), (0.2, 0.4, 0.3, 0.5), 1)
    expected = 400 * 2.5**0.75 if target == 0.45 else n  # falls in between, and rises again
    assert reaches(curve, target) == pytest.approx(expected)


def test_five_samplers_are_held_against_the_baseline():
    def task(*names):
        return PointTask("t", 0.1, tuple(PointCurve(n, (1, 2), (0.2, 0.3), 1) for n in names))

    assert point_pairs(task("b", "easy", "a")) == (("b", "easy"), ("a", "easy"), ("a", "b"))
    assert point_pairs(task("a", "b", "c", "d", "uniform")) == tuple(
        (name, "uniform") for name in "abcd"
    )


def test_ratios_keep_two_digits():
    assert [times(v) for v in (5.0, 0.333, 12.6)] == ["5.0", "0.33", "13"]


# Reading


def test_shares_and_percent_are_told_apart(write):
    share = read_points(write("n,accuracy\n1,.5\n2,1\n"))
    assert share.unit == "share" and share.tasks[0].curves[0].accuracy == (0.5, 1.0)
    percent = read_points(write("n,accuracy\n1,50\n2,60\n"))
    assert percent.unit == "percent" and percent.tasks[0].curves[0].accuracy == (0.5, 0.6)
    named = read_points(write("n,accuracy_percent\n1,.5\n2,.6\n"))
    assert named.tasks[0].curves[0].accuracy == pytest.approx((0.005, 0.006))
    told = read_points(write("n,accuracy\n1,.5\n2,60\n"), unit="percent")
    assert told.tasks[0].curves[0].accuracy == pytest.approx((0.005, 0.6))


def test_columns_are_mapped_and_guessed(write):
    path = write("Problems,score,Arm,set\n5,.1,x,one\n9,.2,x,one\n")
    table = read_points(path, {"accuracy": "score", "task": "set"})
    assert table.columns == {"n": "Problems", "accuracy": "score", "sampler": "Arm", "task": "set"}
    assert table.tasks[0].task == "one" and table.tasks[0].curves[0].n == (5, 9)


def test_rows_of_one_size_are_averaged_and_counted(write):
    table = read_points(write("n,accuracy,sampler\n1,.4,a\n1,.6,a\n4,.7,a\n"))
    (curve,) = table.tasks[0].curves
    assert curve.accuracy == (0.5, 0.7) and curve.rows == 2
    assert table.seeds.startswith("no interval: up to 2 rows")


def test_a_byte_order_mark_is_no_part_of_a_name(write):
    assert read_points(write(b"\xef\xbb\xbfn,accuracy\n1,.5\n2,.6\n")).columns["n"] == "n"


@pytest.mark.parametrize(
    "text, columns, message",
    [
        ("n,acc\n1,.5\n", {}, "no column accuracy; it has: n, acc\n.*--columns accuracy=COLUMN"),
        ("n,size,accuracy\n1,1,.5\n", {}, 'n could be "n" or "size"; choose with --columns n=n'),
        ("n,accuracy\n1,.5\n", {"n": "m"}, 'no column "m" for n; nearest: n'),
        ("n,accuracy\n1,.5\n", {"tsk": "n"}, 'unknown role "tsk"; nearest: task'),
        ("n,accuracy\n1,.5\n2,50\n", {}, "0.5 on line 2 and 50 on line 3: shares or percent"),
    ],
)
def test_a_column_that_lacks_or_fits_twice_is_named(write, text, columns, message):
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        read_points(write(text), columns)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "table.csv:1: a header needs columns"),
        ("n,accuracy\n", "table.csv:1: no rows in it"),
        ("n,accuracy\n1,.5\nx,.6\n", 'table.csv:3: "n" is not a finite number: "x"'),
        ("n,accuracy\n1,.5\n2\n", "table.csv:3: 1 values, the header has 2"),
        ("n,accuracy\n1,.5\n2,nan\n", "table.csv:3: n must be .* got 2 and nan"),
        ("n,accuracy\n1,.5\n,.5\n", "table.csv:3: n must be .* got nan and 0.5"),
        ("n,accuracy\n1,50\n2,150\n", "table.csv:3: n must be .* from 0 to 100, got 2 and 150"),
        ("n,accuracy\n-1,.5\n", "table.csv:2: n must be .* got -1 and 0.5"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(write, text, message):
    with pytest.raises(FormatError, match=message):
        read_points(write(text))


def test_json_lines_are_a_table_too(tmp_path):
    path = tmp_path / "points.jsonl"
    path.write_text('{"n": 1, "accuracy": 0.5}\n{"n": 4, "accuracy": 0.75}\n')
    (task,) = read_points(path).tasks
    assert task.task == "points" and task.curves[0].accuracy == (0.5, 0.75)


def test_what_is_no_text_is_damaged(write):
    with pytest.raises(FormatError, match="table.csv:"):
        read_points(write(b"n,accuracy\n1,\xff\xfe\n"))


def test_an_unknown_sampler_is_named():
    with pytest.raises(ConfigError, match="no sampler 'hard' for counting; known: easy, mixed"):
        effective_data(of("counting"), "hard", "easy")


# Fits of the same table


def test_points_for_fits_carry_the_model_before_training():
    found = fit_points(read_points(PUBLISHED))
    assert len(found) == 6
    n, accuracy = found["counting mixed"]
    np.testing.assert_allclose(n, [0, 100, 200, 500])
    np.testing.assert_allclose(accuracy, [0.313, 0.442, 0.434, 0.355])


def test_every_row_goes_into_a_fit(write):
    n, accuracy = fit_points(read_points(write("n,accuracy\n0,.2\n1,.4\n1,.6\n4,.7\n")))["table"]
    np.testing.assert_allclose(n, [0, 1, 1, 4])
    np.testing.assert_allclose(accuracy, [0.2, 0.4, 0.6, 0.7])
    with pytest.raises(ConfigError, match="needs at least two different n"):
        fit_points(read_points(write("n,accuracy\n1,.5\n1,.6\n")))
