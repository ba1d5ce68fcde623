"""V9: picks by what had been seen, and what the problem was then, by hand."""

import numpy as np
import pytest

from lessonplan.analysis import styles
from lessonplan.analysis.pick_figures import SEEN, pick_rows, picks_seen, seen

TRIES = [
    ("a", 1, [1, 0, 0, 0]),  # new, 1/4 right
    ("b", 1, [0, 0, 0, 0]),  # new, none
    ("a", 1, [1, 1, 0, 0]),  # seen at 1/4, now 1/2
    ("b", 1, [1, 0, 0, 0]),  # seen at 0, now 1/4
    ("a", 1, [1, 1, 1, 1]),  # seen at 1/2, now 1
]


def test_what_was_seen_by_hand():
    rates = np.array([np.nan, 0, 0.25, 1 / 3, 0.5, 2 / 3, 0.9, 1])
    assert seen(rates).tolist() == [0, 1, 2, 2, 3, 3, 4, 5]


def test_picks_by_hand(tmp_path, tools):
    runs = {("uniform", "s0"): TRIES, ("uniform", "s1"): [*TRIES[:4], ("a", 1, [0, 0, 0, 0])]}
    rows = {r["seen"]: r for r in pick_rows(tools.visit_study(tmp_path, runs), "counting")}
    assert set(rows) == set(SEEN)
    assert [rows[k]["groups"] for k in SEEN] == [4, 2, 2, 2, 0, 0]
    assert rows["≤ 1/3"]["now"] == 0.5 and rows["≤ 1/3"]["before"] == 0.25
    half = rows["≤ 2/3"]  # 1 in one start, 0 in the other: t(1) = 12.7 covers everything
    assert (half["now"], half["low"], half["high"], half["starts"]) == (0.5, 0, 1, 2)
    assert rows["new"]["now"] == pytest.approx(0.125)
    assert sum(r["share"] for r in rows.values()) == pytest.approx(1)
    assert np.isnan(rows["1"]["now"]) and np.isnan(rows["new"]["before"])


def test_the_title_orders_by_mixed_picks(tmp_path, tools):
    runs = {("uniform", "s0"): TRIES, ("x", "s0"): TRIES[:2]}
    study = tools.visit_study(tmp_path, runs)
    drawn = picks_seen(study, "counting", styles(study))
    assert drawn.title == "Picks of problems last seen mixed: 40 % (uniform), 0 % (x)"
    assert "5 groups" in drawn.figure.axes[0].get_title()
