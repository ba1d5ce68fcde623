"""V7: never solved, forgotten and learned problems, by hand."""

import numpy as np
import pytest

from lessonplan.analysis.problem_figures import course, problem_rows, problem_strips, short

HARD = [0] * 8
EASY = [1] * 8
HALF = [1] * 4 + [0] * 4


def tries(first, last):
    """Ten steps: `lost` is solved early, `gained` late, `never` in between, `same` half and half."""
    return [
        ("lost", 2, EASY), ("gained", 3, HARD), ("same", 1, HALF),
        ("never", 5, HARD), ("never", 5, HARD), ("never", 5, HARD), ("never", 5, HARD),
        ("lost", 2, first), ("gained", 3, last), ("same", 1, HALF),
    ]  # fmt: skip


def test_problems_by_hand(tmp_path, tools):
    runs = {("uniform", s): tries(HARD, EASY) for s in ("s0", "s1")}
    rows = problem_rows(tools.visit_study(tmp_path, runs), "counting")
    assert [(r["kind"], r["problem"]) for r in rows] == [
        ("never solved", "never"),
        ("forgotten", "lost"),
        ("learned", "gained"),
    ]
    never, lost, gained = rows
    assert (never["rollouts"], never["right"], never["runs"], never["tried"]) == (64, 0, 2, 4)
    assert (lost["early"], lost["late"], lost["rollouts"]) == (1, 0, 32)
    assert (gained["early"], gained["late"]) == (0, 1)
    np.testing.assert_allclose(course(lost)[:1] + course(lost)[7:8], [1, 0])
    assert np.isnan(course(lost)[4])


def test_a_small_or_doubtful_change_is_none(tmp_path, tools):
    runs = {("uniform", "s0"): tries([1] * 7 + [0], [1] + [0] * 7)}  # 1/8 each: below .2
    kinds = [r["kind"] for r in problem_rows(tools.visit_study(tmp_path, runs), "counting")]
    assert kinds == ["never solved"]


def test_the_picture_counts_what_it_shows(tmp_path, tools):
    study = tools.visit_study(tmp_path, {("uniform", "s0"): tries(HARD, EASY)})
    drawn = problem_strips(study, "counting")
    assert drawn.title == (
        "Of 4 problems that were tried, 1 were never solved, 1 were forgotten, 1 were learned"
    )
    assert len(drawn.rows) == 3 and "0/32" in _texts(drawn)


def test_nothing_to_show_is_no_picture(tmp_path, tools):
    study = tools.visit_study(tmp_path, {("uniform", "s0"): [("a", 1, HALF)] * 4})
    assert problem_rows(study, "counting") == [] and problem_strips(study, "counting") is None


@pytest.mark.parametrize(("name", "shown"), [("abc", "abc"), ("x" * 30, "…" + "x" * 23)])
def test_ids_are_cut_in_front(name, shown):
    assert short(name) == shown


def _texts(drawn):
    return [t.get_text() for t in drawn.figure.axes[0].texts]
