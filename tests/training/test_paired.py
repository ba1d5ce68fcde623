"""Ratios over paired worlds: worked by hand, honest about unreached targets, and they cover."""

from math import exp, inf, isnan, log, nan

import numpy as np
import pytest

from lessonplan.errors import ConfigError
from lessonplan.training.paired import crossings, limits, paired_ratio, times, verdict

BUDGET = np.array([0, 1000])


def pair(n_a, n_b, *, ends=(0.5, 0.5), rollouts=BUDGET):
    n_a, n_b = np.array(n_a, float), np.array(n_b, float)
    last = tuple(np.full(len(n_a), one) for one in ends)
    return paired_ratio(("A", "Uniform"), 0.6, (n_a, n_b), last, rollouts)


def test_the_target_is_reached_where_the_straight_line_crosses_it_first():
    rollouts = np.array([0, 100, 200, 300])
    success = np.array(
        [
            [0.1, 0.3, 0.7, 0.9],  # half-way between 100 and 200
            [0.1, 0.6, 0.2, 0.5],  # 0.5 at 80; that it falls again does not matter
            [0.1, 0.2, 0.3, 0.4],  # never
            [0.1, 0.5, 0.6, 0.7],  # exactly at a measurement
        ]
    )
    assert crossings(rollouts, success, 0.5).tolist() == pytest.approx([150, 80, inf, 100])


def test_a_target_that_holds_before_training_is_refused():
    with pytest.raises(ConfigError, match=r"target 0.5 is not above .* world 1, 0.600"):
        crossings(np.array([0, 1]), np.array([[0.1, 0.9], [0.6, 0.9]]), 0.5)


def test_where_all_reach_it_the_interval_is_students_t_of_log_ratios():
    d = np.array([0.1, 0.2, 0.3])
    one = pair(100 * np.exp(-d), [100, 100, 100])
    half = 4.302653 * 0.1 / 3**0.5  # t(.975, 2) x sd / sqrt(W)
    assert (one.method, one.winner) == ("t", None)
    assert one.ratio == pytest.approx(exp(0.2))
    assert [log(one.low), log(one.high)] == pytest.approx([0.2 - half, 0.2 + half])
    assert log(one.seen) == pytest.approx(half + 1.060660 * 0.1 / 3**0.5)  # t(.8, 2)


def test_swapping_the_samplers_turns_the_ratio_over():
    rng = np.random.default_rng(0)
    n_a, n_b = rng.uniform(100, 900, 9), rng.uniform(100, 900, 9)
    n_a[:2] = inf
    one, other = pair(n_a, n_b), pair(n_b, n_a)
    assert one.low == pytest.approx(1 / other.high) and one.high == pytest.approx(1 / other.low)


def test_an_unreached_target_bounds_and_is_never_filled_in():
    one = pair([100] * 6, [inf] * 6)
    # six of six: order statistics with k = 1, since P(Bin(6, .5) = 0) = .0156 <= .025
    assert (one.method, one.reached_a, one.reached_b) == ("median", 6, 0)
    assert isnan(one.ratio) and one.low == pytest.approx(10.0) and one.high == inf
    assert one.winner == "A"
    assert pair([100] * 5, [inf] * 5).low == 0  # five worlds are too few for 95 %
    turned = pair([inf] * 6, [100] * 6)
    assert turned.low == 0 and turned.high == pytest.approx(0.1) and turned.winner == "Uniform"


def test_order_statistics_of_a_partly_censored_ratio():
    n_b = [200, 300, 400, 500, 600, 700, 800, inf, inf]
    one = pair([100] * 9, n_b)
    # k = 2 of 9: P(Bin(9, .5) <= 1) = .0195 <= .025
    assert one.ratio == pytest.approx(6.0)  # the median is known from both sides
    assert one.low == pytest.approx(3.0)
    assert one.high == inf  # the second largest is unknown
    low = pair([100] * 7 + [inf, inf], [200, 300, 400, 500, 600, 700, 800, 800, 800])
    assert (low.low, isnan(low.ratio)) == (0, False)


def test_where_neither_reaches_it_nothing_is_known():
    one = pair([inf] * 8, [inf] * 8)
    assert (one.low, one.high) == (0, inf) and isnan(one.ratio) and one.winner is None
    assert verdict(one).startswith("Simulated: neither A nor Uniform reaches 60 % within 1000")


def test_one_world_has_no_interval():
    one = pair([100], [150])
    assert one.method == "none" and one.ratio == pytest.approx(1.5)
    assert isnan(one.low) and isnan(one.difference_low) and one.winner is None
    assert "one world, so no interval and no conclusion" in verdict(one)


def test_equal_runs_are_no_win():
    one = pair([100] * 4, [100] * 4)
    assert (one.low, one.ratio, one.high) == (1.0, 1.0, 1.0) and one.winner is None


def test_sentences():
    noise = np.array([0.05, -0.05] * 6)  # t(.975, 11) sd / sqrt(12) = .0332
    base = np.full(12, 600.0)
    assert verdict(pair(base * np.exp(noise) / 1.5, base, ends=(0.8, 0.7))) == (
        "Simulated: A reaches 60 % with 1.50 times fewer rollouts than Uniform (1.45-1.55); "
        "at the end A solves 10.0 points more than Uniform (10.0 to 10.0)."
    )
    assert "Uniform reaches 60 % with 1.50 times fewer rollouts than A (1.45-1.55)" in verdict(
        pair(base * np.exp(noise) * 1.5, base)
    )
    nothing = verdict(pair(base * np.exp(noise), base))
    assert (
        "no difference could be shown between A and Uniform at 60 % (ratio 1.000, 0.97-1.03)"
        in nothing
    )
    assert "it would have seen 1.05 times" in nothing
    missed = verdict(pair(base, np.full(12, inf)))
    assert "A reaches 60 % with at least 1.67 times fewer rollouts than Uniform" in missed
    assert "Uniform does not reach it in 12 of 12 worlds" in missed


def test_numbers_in_words():
    assert [times(v) for v in (1.0, 1.004, 0.4, 12.34, inf, nan)] == [
        *("1.000", "1.004", "0.40", "12", "unbounded", "unknown"),
    ]  # fmt: skip
    assert limits(0.0, inf) == "open on both sides"
    assert (limits(2.0, inf), limits(0.0, 0.5)) == ("at least 2.00", "at most 0.50")
    assert limits(1.2, 1.5) == "1.20-1.50" and limits(nan, nan) == "no interval"


@pytest.mark.parametrize("budget", [1e9, 700.0, 500.0])
def test_the_intervals_hold_the_true_ratio_censored_or_not(budget):
    rng = np.random.default_rng(5)
    truth, held, many = 1.3, 0, 600
    for _ in range(many):
        level = np.log(400) + rng.normal(0, 0.3, 10)  # of a world, common to both
        n_a = np.exp(level + rng.normal(0, 0.1, 10))
        n_b = np.exp(level + log(truth) + rng.normal(0, 0.1, 10))
        n_a[n_a > budget], n_b[n_b > budget] = inf, inf
        one = pair(n_a, n_b, rollouts=np.array([0, budget]))
        held += one.low <= truth <= one.high
    assert held / many > 0.95 - 2 * (0.95 * 0.05 / many) ** 0.5
