"""V8: how often problems are solved on the first and on the last try, by hand."""

import numpy as np

from lessonplan.analysis import styles
from lessonplan.analysis.pool_figures import BINS, bins, pass_rate_histogram, pass_rate_rows

RUNS = {
    ("uniform", "s0"): [
        ("a", 1, [0, 0, 0, 0]),
        ("b", 1, [1, 0, 0, 0]),
        ("c", 2, [1, 1, 1, 1]),  # tried once: no last
        ("a", 1, [1, 1, 1, 0]),
        ("b", 1, [1, 1, 1, 1]),
        ("a", 1, [1, 1, 0, 0]),
    ]
}


def test_bins_by_hand():
    rates = np.array([0, 0.1, 0.25, 0.26, 0.5, 0.75, 0.9, 1])
    assert [BINS[k] for k in bins(rates)] == [
        "never", "≤ 1/4", "≤ 1/4", "≤ 1/2", "≤ 1/2", "≤ 3/4", "< 1", "always",
    ]  # fmt: skip


def test_first_and_last_tries(tmp_path, tools):
    rows = pass_rate_rows(tools.visit_study(tmp_path, RUNS), "counting")
    count = {(r["when"], r["rate"]): r["problems"] for r in rows if r["problems"]}
    assert count == {
        ("first", "never"): 1,
        ("first", "≤ 1/4"): 1,
        ("first", "always"): 1,
        ("last", "≤ 1/2"): 1,  # a
        ("last", "always"): 1,  # b
    }
    assert {(r["when"], r["all"], round(r["mixed"], 3)) for r in rows} == {
        ("first", 3, 0.333),
        ("last", 2, 0.5),
    }


def test_the_title_says_what_can_teach(tmp_path, tools):
    study = tools.visit_study(tmp_path, RUNS)
    drawn = pass_rate_histogram(study, "counting", styles(study))
    assert drawn.title == (
        "Groups that can teach: 33 % of problems when first tried, 50 % when last tried"
    )
    assert [t.get_text() for t in drawn.figure.axes[0].texts] == ["n = 3, 2"]
