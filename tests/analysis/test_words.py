"""Numbers as words."""

from math import inf, nan

from lessonplan.analysis.words import factor, interval, listed, percent


def test_words_by_hand():
    assert [percent(v) for v in (0.625, 0.5, nan)] == ["62.5 %", "50 %", "unknown"]
    assert [factor(v) for v in (2.14, 1.04, 25.4, 12345, inf)] == [
        "2.1", "1.04", "25", "1e+04", "unbounded",
    ]  # fmt: skip
    assert interval(1.4, 3) == "1.4-3" and interval(2, inf) == "at least 2"
    assert interval(9e-4, 17) == "9e-04 to 17"
    assert interval(0, 3) == "at most 3" and interval(0, inf) == "open on both sides"
    assert interval(nan, 1) == "no interval"


def test_a_long_list_is_cut_in_the_middle():
    assert listed(list("abcde")) == "a, b, c, d, e"
    assert listed(list("abcdefg")) == "a, b, c, …, g"
