"""The picture of published points: its rows, its title, and no interval anywhere."""

from math import nan

import pytest

from lessonplan.analysis.point_figure import point_curves, point_rows
from lessonplan.analysis.point_tables import PointCurve, PointTask
from lessonplan.analysis.theme import COLORS, GREY

EASY = PointCurve("easy", (100, 200, 500), (0.219, 0.4, 0.442), 1)
UNIFORM = PointCurve("uniform", (100, 500), (0.5, 0.3), 3)
TASK = PointTask("counting", 0.313, (EASY, UNIFORM))


def test_a_row_a_point_and_one_for_the_untrained_model():
    rows = point_rows(TASK)
    assert [(r["sampler"], r["n"], r["accuracy"], r["rows"]) for r in rows] == [
        ("", 0, 0.313, 1),
        ("easy", 100, 0.219, 1),
        ("easy", 200, 0.4, 1),
        ("easy", 500, 0.442, 1),
        ("uniform", 100, 0.5, 3),
        ("uniform", 500, 0.3, 3),
    ]
    assert len(point_rows(PointTask("t", nan, (EASY,)))) == 3


def test_the_title_names_the_best_points_and_the_caption_the_rows():
    drawn = point_curves(TASK)
    assert drawn.title == "counting: best points 50 % (uniform), 44.2 % (easy)"
    assert "3 sizes, means of up to 3 rows a point" in drawn.caption
    assert "No intervals" in drawn.caption and drawn.name == "counting-points"


def test_axes_and_colors():
    (axes,) = point_curves(TASK).figure.axes
    assert axes.get_ylim() == (0, 1) and axes.get_xscale() == "log"
    assert [line.get_color() for line in axes.lines] == [COLORS[0], GREY, "black"]
    assert [text.get_text() for text in axes.texts] == ["uniform", "untrained 31.3 %", "easy"]
    assert axes.texts[1].xy[1] - axes.texts[0].xy[1] == pytest.approx(0.055)  # names do not touch


def test_nothing_to_draw():
    assert point_curves(PointTask("t", 0.3, ())) is None
