"""Holm's correction: p-values from intervals, adjusted limits, and the words about them."""

import numpy as np
import pytest
from scipy import stats

from lessonplan.analysis import at_target, curves, paired_differences
from lessonplan.analysis.multiple import (
    adjust_differences,
    adjust_ratios,
    family_words,
    holm,
    p_of_difference,
    p_of_ratio,
    stretches,
)

SIZES = (8, 32, 128, 512)


def hill(n, half, top=0.8):
    return 0.5 + (top - 0.5) / (1 + half / n)


def study(tools, halves, *, noise=0.004, top=None, seed=0):
    values = {
        (name, n): hill(n, half, (top or {}).get(name, 0.8))
        for name, half in halves.items()
        for n in SIZES
    }
    return tools.make_table(values, noise=noise, seed=seed)


def test_holm_by_hand():
    # rising: .01 x 4 = .04, .02 x 3 = .06, .03 x 2 = .06, .04 x 1 -> .06 (running maximum)
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1.0, 1.0])
    found = holm([0.02, np.nan, 0.5])  # what is no test does not count
    np.testing.assert_allclose(found[[0, 2]], [0.04, 0.5])
    assert np.isnan(found[1])


def test_holm_keeps_the_chance_of_any_false_claim_at_five_percent():
    rng = np.random.default_rng(0)
    p = rng.random((4000, 6))
    wrong = np.mean([holm(row).min() < 0.05 for row in p])
    assert wrong == pytest.approx(0.05, abs=0.012)
    assert np.mean(p.min(axis=1) < 0.05) > 0.2  # without a correction


def test_p_of_a_difference_is_that_of_the_paired_t_test(tools):
    table = study(tools, {"a": 30.0, "b": 60.0}, noise=0.01)
    for d in paired_differences(curves(table, ("a", "b"), resamples=40)):
        expected = stats.ttest_1samp(d.each, 0.0).pvalue
        assert p_of_difference(d) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("half_b", [30.0, 36.0, 60.0, 200.0])
@pytest.mark.parametrize("seed", range(3))
def test_p_of_a_ratio_is_below_one_in_twenty_where_the_interval_excludes_one(tools, half_b, seed):
    table = study(tools, {"a": 30.0, "b": half_b}, noise=0.006, seed=seed)
    c = at_target(curves(table, ("a", "b"), resamples=200), 0.65)
    assert c.kind == "ratio"
    assert (p_of_ratio(c) < 0.05) == (c.winner is not None)


def test_p_of_a_bound_follows_its_limit(tools):
    table = study(tools, {"a": 10.0, "b": 30.0}, top={"b": 0.6})
    both = curves(table, ("a", "b"), resamples=200)
    c = at_target(both, 0.7)
    assert c.kind == "at least" and c.winner == "a"
    assert p_of_ratio(c) < 0.05
    swapped = at_target(curves(table, ("b", "a"), resamples=200), 0.7)
    assert swapped.kind == "at most"
    assert p_of_ratio(swapped) == pytest.approx(p_of_ratio(c), rel=0.2)
    assert np.isnan(p_of_ratio(at_target(both, 0.95)))  # neither: no test


def test_stretch_of_the_first_of_three_is_that_of_a_sixtieth():
    found = stretches([0.001, 0.5, 0.6], [2, 2, 2])
    t = stats.t(2)
    first, rest = t.ppf(1 - 0.05 / 6) / t.ppf(0.975), t.ppf(1 - 0.05 / 4) / t.ppf(0.975)
    np.testing.assert_allclose(found, [first, rest, rest])


def test_adjusted_limits_agree_with_adjusted_p(tools):
    rng = np.random.default_rng(3)
    for seed in range(6):
        halves = {f"s{k}": float(30 * np.exp(rng.normal(0, 0.4))) for k in range(3)}
        table = study(tools, halves, noise=0.008, seed=seed)
        pairs = [("s0", "s1"), ("s0", "s2"), ("s1", "s2")]
        found = [curves(table, pair, resamples=100) for pair in pairs]
        ratios = [at_target(both, 0.65) for both in found]
        for one in adjust_ratios(ratios):
            assert one.shown == (one.low > 1 or one.high < 1)
            assert one.p_adjusted >= one.p
        last = [paired_differences(both)[-1] for both in found]
        for one in adjust_differences(last):
            assert one.shown == (one.low > 0 or one.high < 0)


def test_words_say_what_is_no_longer_shown(tools):
    table = study(tools, {"a": 30.0, "b": 60.0})
    (d,) = [d for d in paired_differences(curves(table, ("a", "b"), resamples=40)) if d.n == 32]
    from dataclasses import replace

    t = stats.t(2).ppf(0.975)

    def with_p(p):  # the same difference, with an interval of that p
        half = abs(d.difference) * t / stats.t(2).ppf(1 - p / 2)
        return replace(d, low=d.difference - half, high=d.difference + half)

    strong, weak, none = adjust_differences([with_p(0.001), with_p(0.04), with_p(0.7)])
    assert strong.p == pytest.approx(0.001) and strong.p_adjusted == pytest.approx(0.003)
    assert "still shown after Holm's correction for 3 comparisons, p 0.003" in strong.words
    assert "no longer shown" in weak.words and "p 0.08" in weak.words
    assert ": not shown" in none.words
    assert family_words([strong, weak, none]).endswith(
        "2 shown each by itself, 1 after Holm's correction"
    )
    (alone,) = adjust_differences([with_p(0.04)])  # nothing to correct
    assert alone.shown and alone.words == "" and family_words([alone]) == ""
