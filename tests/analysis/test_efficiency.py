"""Resampling, ratios, censoring, targets, budgets, and the sentences about them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.isotonic import IsotonicRegression

from lessonplan.analysis import (
    at_target,
    curves,
    default_target,
    design,
    isotonic,
    paired_differences,
    pairs,
    read_study,
    resample,
    sample_efficiency,
    target_grid,
    verdict,
)
from lessonplan.analysis.bootstrap import _order, unit_moves
from lessonplan.analysis.bootstrap import student as quantile
from lessonplan.analysis.isotonic import log_size
from lessonplan.analysis.verdicts import factor, gap, interval
from lessonplan.errors import ConfigError
from tests.scripts import load_script

SIZES = (8, 32, 128, 512)


def hill(n, half, top=0.8):
    return 0.5 + (top - 0.5) / (1 + half / n)


def two(tools, half_a=30.0, half_b=120.0, *, noise=0.004, top_b=0.8, sizes=SIZES, **more):
    values = {("a", n): hill(n, half_a) for n in sizes}
    values |= {("b", n): hill(n, half_b, top_b) for n in sizes}
    return tools.make_table(values, noise=noise, **more)


# isotonic means and the published table


def test_isotonic_is_that_of_sklearn():
    rng = np.random.default_rng(0)
    for _ in range(50):
        y, w = rng.normal(size=7), rng.uniform(0.2, 3, 7)
        theirs = IsotonicRegression().fit_transform(np.arange(7), y, sample_weight=w)
        np.testing.assert_allclose(isotonic(y, w), theirs, atol=1e-12)


def test_published_table_of_learning_from_less():
    """arXiv 2604.18381: easy-only needs 5.0 times the problems at the accuracy of Mixed-100."""
    n, one = np.array([100.0, 200, 500]), np.ones(3)
    counting = log_size(n, np.array([21.9, 40.0, 44.2]), one, 44.2)
    assert np.exp(counting) / 100 == pytest.approx(5.0)
    graph = log_size(n, np.array([33.3, 32.9, 36.5]), one, 29.1)
    assert graph == -np.inf  # below every easy point: nothing to gain
    spatial = log_size(n, np.array([49.9, 56.7, 53.1]), one, 54.0)
    assert 1.5 < np.exp(spatial) / 100 < 3
    assert (
        log_size(n, np.array([49.9, 56.7, 53.1]), one, 56.6) == np.inf
    )  # monotone means end at 54.9


# resampling


def test_unit_moves_have_the_variance_of_a_mean():
    rng = np.random.default_rng(1)
    for units in (3, 5):
        away = rng.normal(size=units)
        away -= away.mean()
        moved = unit_moves(rng, 20_000, units) @ away
        assert moved[0] == 0
        assert moved.std() == pytest.approx(away.std(ddof=1) / np.sqrt(units), rel=0.03)
    assert not unit_moves(rng, 5, 1).any()


def test_limits_of_a_linear_statistic_are_those_of_student(tools):
    """Without item noise the interval of a difference is the paired t interval."""
    values = {("a", 8): [0.5, 0.52, 0.57], ("a", 32): [0.6, 0.63, 0.61]}
    values |= {("b", 8): [0.51, 0.5, 0.52], ("b", 32): [0.58, 0.55, 0.6]}
    table = tools.make_table(values)
    table = replace(table, share=np.repeat(table.accuracy[:, None], table.share.shape[1], 1))
    draws = resample(design(table, ("a", "b")), table, resamples=2000)
    low, high = draws.limits(draws.cells[0][:, 1] - draws.cells[1][:, 1])
    away = np.array(values["a", 32]) - np.array(values["b", 32])
    half = student.ppf(0.975, 2) * away.std(ddof=1) / np.sqrt(3)
    assert low == pytest.approx(away.mean() - half, abs=0.03 * half)
    assert high == pytest.approx(away.mean() + half, abs=0.03 * half)
    assert quantile(0.975, 2) == pytest.approx(student.ppf(0.975, 2))


def test_items_are_drawn_once_for_all(tools):
    """Two samplers with the same answers stay equal in every resample that draws items."""
    values = {(s, n): 0.6 for s in ("a", "b") for n in (8, 32)}
    table = tools.make_table(values)
    draws = resample(design(table, ("a", "b")), table, resamples=100)
    assert draws.cells[0].std() > 0.001
    np.testing.assert_allclose(draws.cells[0], draws.cells[1], atol=1e-12)
    np.testing.assert_allclose(draws.cells[0][:, 0] - 0.1, draws.base, atol=1e-12)


def test_the_level_of_a_start_is_taken_out(tools):
    table = two(tools, noise=0.01)
    level = {"s0": 0.0, "s1": 0.1, "s2": -0.1}
    shift = np.array([level[s] for s in table.start])[:, None]
    moved = replace(
        table,
        share=table.share + shift,
        base=table.base + np.array([level[s] for s in table.starts])[:, None],
    )
    before = at_target(curves(table, ("a", "b")), 0.65)
    after = at_target(curves(moved, ("a", "b")), 0.65)
    assert after.ratio == pytest.approx(before.ratio)
    assert (after.low, after.high) == pytest.approx((before.low, before.high))


def test_design_follows_from_what_runs_share(tools):
    three = two(tools)
    assert design(three, ("a", "b")).method == "starts"
    assert design(three, ("a", "b")).units == ("s0", "s1", "s2")
    one = replace(
        three,
        start=("s0",) * len(three.start),
        seed=np.tile([0, 1, 2], 8),
        starts=("s0",),
        base=three.base[:1],
    )
    plan = design(one, ("a", "b"))
    assert plan.method == "seeds" and plan.starts == 1 and len(plan.units) == 3
    assert plan.base.shape == (3, 60)
    own = replace(one, seed=np.arange(len(one.seed)))
    plan = design(own, ("a", "b"))
    assert plan.method == "runs" and plan.cells[0].share.shape == (4, 3, 60)
    assert 1 < at_target(curves(own, ("a", "b")), 0.65).low
    with pytest.raises(ValueError, match="no sampler 'c'; known: a, b"):
        design(three, ("a", "c"))


def test_a_missing_run_costs_its_size_and_is_said(tools):
    table = two(tools)
    keep = [i for i in range(len(table.n)) if i != 4]  # a at 32, start 1
    cut = replace(
        table,
        sampler=tuple(table.sampler[i] for i in keep),
        n=table.n[keep],
        start=tuple(table.start[i] for i in keep),
        seed=table.seed[keep],
        share=table.share[keep],
        rollouts=table.rollouts[keep],
        tokens=table.tokens[keep],
    )
    found = at_target(curves(cut, ("a", "b")), 0.65)
    assert found.sizes_a == (8, 128, 512) and found.sizes_b == SIZES
    assert any("a at n = 32" in note for note in found.notes)


def test_quantiles_keep_infinities_and_drop_nothing_said():
    values = np.r_[np.full(50, np.nan), np.arange(90.0), np.full(10, np.inf)]
    assert _order(values, 0.5, low=True) == 49
    assert _order(values, 0.975, low=False) == np.inf
    assert _order(np.r_[np.full(99, np.nan), 1.0], 0.5, low=True) == -np.inf


# ratios and censoring


def test_ratio_and_its_reverse(tools):
    table = two(tools)
    ab, ba = (at_target(curves(table, pair), 0.65) for pair in (("a", "b"), ("b", "a")))
    assert ab.kind == "ratio" and ab.ratio == pytest.approx(4, rel=0.25)
    assert ab.low < 4 < ab.high and ab.winner == "a"
    assert ba.ratio == pytest.approx(1 / ab.ratio)
    assert (ba.low, ba.high) == pytest.approx((1 / ab.high, 1 / ab.low), rel=0.05)
    assert ba.winner == "a"
    assert "a reaches 65 % with" in verdict(ab) and "times fewer problems than b" in verdict(ab)
    assert verdict(ab).split("(")[0] == verdict(ba).split("(")[0]
    assert ab.isotonic == pytest.approx(4, rel=0.4)


def test_no_difference_says_what_would_have_been_seen(tools):
    found = at_target(curves(two(tools, 60, 60, noise=0.02), ("a", "b")), 0.65)
    assert found.winner is None and found.low < 1 < found.high
    assert found.seen == pytest.approx(found.width ** (0.5 * (1 + 1.0607 / 4.3027)), rel=1e-3)
    assert verdict(found).startswith("no difference could be shown")
    assert f"would have seen {factor(found.seen)} times" in verdict(found)


def test_not_reached_gives_a_bound(tools):
    table = two(tools, top_b=0.6)
    found = at_target(curves(table, ("a", "b")), 0.7)
    assert found.kind == "at least" and np.isnan(found.ratio) and found.high == np.inf
    assert 5 < found.low < 512 / 50  # a needs about 60
    assert found.winner == "a" and "b never reaches it (up to 512 problems)" in verdict(found)
    reverse = at_target(curves(table, ("b", "a")), 0.7)
    assert reverse.kind == "at most" and reverse.low == 0 and reverse.winner == "a"
    assert reverse.high == pytest.approx(1 / found.low, rel=0.05)
    assert verdict(reverse) == verdict(found)
    neither = at_target(curves(table, ("a", "b")), 0.9)
    assert neither.kind == "neither" and "both reach" in verdict(neither)
    assert neither.highest == pytest.approx(0.6, abs=0.02)


def test_reached_at_the_smallest_size(tools):
    table = two(tools, 1.0, 120.0)
    found = at_target(curves(table, ("a", "b")), 0.6)
    assert found.kind == "at least" and found.winner == "a"
    assert found.low < 60 / 8 + 1  # b needs about 60, a at most 8
    assert "with its smallest size, 8 problems" in verdict(found)
    both = at_target(curves(two(tools, 1.0, 1.0), ("a", "b")), 0.6)
    assert both.kind == "both early" and "no ratio" in verdict(both)
    assert both.lost == 1 and not any(
        "resamples" in note for note in both.notes
    )  # that is the reason
    below = at_target(curves(table, ("a", "b")), 0.45)
    assert below.kind == "below base" and "not above the warm start" in verdict(below)


def test_headline_needs_three_starts(tools):
    values = {(s, n): [hill(n, h)] * 2 for s, h in (("a", 30), ("b", 120)) for n in SIZES}
    found = at_target(curves(tools.make_table(values, noise=0.004), ("a", "b")), 0.65)
    assert not found.headline and found.method == "seeds"
    assert verdict(found).startswith("No headline (2 warm starts; 3 are needed). In these runs:")


def test_one_run_a_size_has_no_interval(tools):
    values = {(s, n): [hill(n, h)] for s, h in (("a", 30), ("b", 120)) for n in SIZES}
    both = curves(tools.make_table(values), ("a", "b"))
    found = at_target(both, 0.65)
    assert np.isnan(found.low) and found.winner is None and found.ratio == pytest.approx(4, rel=0.2)
    assert "no interval" in verdict(found)
    assert np.isnan(paired_differences(both)[0].low)
    assert "without an interval" in gap(paired_differences(both)[-1])


def test_extrapolated_ratio_is_marked(tools):
    """The mean of the last size touches the target, the fitted curve gets there later."""
    values = {("a", n): hill(n, 30) for n in SIZES}
    values |= {("b", 8): 0.505, ("b", 32): 0.55, ("b", 128): 0.57, ("b", 512): 0.62}
    both = curves(tools.make_table(values, noise=0.001), ("a", "b"))
    found = at_target(both, 0.6195)
    assert found.kind == "ratio" and 512 < found.n_b < 8 * 512
    assert any("b reaches 0.62 at" in n and "extrapolated" in n for n in found.notes)
    values |= {("b", 8): 0.5, ("b", 32): 0.58, ("b", 128): 0.58, ("b", 512): 0.6}
    found = at_target(curves(tools.make_table(values, noise=0.001), ("a", "b")), 0.5995)
    assert found.kind == "at least" and any("counted as not reached" in n for n in found.notes)


def test_harm_at_small_sizes_is_said(tools):
    values = {(s, n): hill(n, 60) - (0.1 if n == 8 else 0) for s in "ab" for n in SIZES}
    found = at_target(curves(tools.make_table(values, noise=0.001), ("a", "b")), 0.65)
    assert any(note.startswith("b ends below the warm start at n = 8") for note in found.notes)


def test_target_outside_zero_one(tools):
    with pytest.raises(ValueError, match="between 0 and 1"):
        at_target(curves(two(tools), ("a", "b")), 60)


# targets, differences, pairs


def test_default_target_does_not_know_names(tools):
    table = two(tools, noise=0.01)
    swapped = replace(table, sampler=tuple("ab"["ba".index(s)] for s in table.sampler))
    assert default_target(table) == default_target(swapped)
    top = np.mean([hill(512, 30), hill(512, 120)])
    assert default_target(table) == pytest.approx(0.5 + (top - 0.5) / 2, abs=0.015)
    grid = target_grid(table)
    assert len(grid) == 5 and 0.5 < grid[0] < default_target(table) < grid[-1] < top
    flat = tools.make_table({(s, n): 0.5 for s in "ab" for n in SIZES})
    assert default_target(flat) is None and target_grid(flat) == ()


def test_paired_differences(tools):
    values = {("a", 8): [0.5, 0.6, 0.7], ("b", 8): [0.4, 0.52, 0.63]}
    values |= {("a", 32): [0.8] * 3, ("b", 64): [0.8] * 3, ("a", 512): 0.8, ("b", 512): 0.8}
    both = curves(tools.make_table(values), ("a", "b"))
    first = paired_differences(both)[0]
    assert [d.n for d in paired_differences(both)] == [8, 512]
    assert first.each == pytest.approx((0.1, 0.08, 0.07))
    error = np.std([0.1, 0.08, 0.07], ddof=1) / np.sqrt(3)
    assert first.low == pytest.approx(first.difference - 4.3027 * error, abs=1e-5)
    assert first.seen == pytest.approx((4.3027 + 1.0607) * error, rel=1e-3)
    assert "a scores 8.3 points more than b" in gap(first)


def test_equal_differences_of_a_few_answers_are_no_certainty(tools):
    """Three runs of A have ten answers of 60 more than B, each; which ones is luck."""
    table = tools.make_table({(s, n): 0.5 for s in "ab" for n in (8, 64)})
    rng = np.random.default_rng(0)
    share = np.zeros_like(table.share)
    inside = [np.flatnonzero(table.strata == code) for code in np.unique(table.strata)]
    for row, sampler in enumerate(table.sampler):
        for items in inside:
            right = len(items) // 2 + (len(items) // 6 if sampler == "a" else 0)
            share[row, rng.permutation(items)[:right]] = 1.0
    found = paired_differences(curves(replace(table, share=share), ("a", "b"), resamples=40))[0]
    assert found.each == pytest.approx([1 / 6] * 3)
    variance = 0.0
    for items in inside:  # a difference of two coins, drawn for each of three runs
        coins = share[:3, items] - share[6:9, items]
        variance += np.mean(coins.var(axis=1, ddof=1)) / len(items) / 9 / 3
    half = 1.96 * np.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((1 / 6 - half, 1 / 6 + half))
    assert found.high - found.low > 0.15


def test_pairs_put_the_baseline_second(tools):
    def names(*samplers):
        return pairs(tools.make_table({(s, n): 0.5 for s in samplers for n in (8, 16)}))

    assert names("mixed", "easy") == (("mixed", "easy"),)
    assert names("z", "uniform", "easy") == (("easy", "uniform"), ("z", "uniform"), ("z", "easy"))
    assert len(names(*"abcde")) == 4


def test_interval_words():
    assert interval(1.44, 3.02) == "1.4-3" and interval(1.04, np.inf) == "at least 1.04"
    assert interval(0, 0.5) == "at most 0.5" and interval(0, np.inf) == "open on both sides"


# whole studies


def test_sample_efficiency_of_a_folder(study_folder):
    study = read_study(study_folder)
    found = sample_efficiency(study, "mixed", "easy", 0.65, resamples=200)
    assert (found.a, found.b, found.family, found.starts) == ("mixed", "easy", "counting", 3)
    assert found.metric == "test accuracy, mean of the tiers, greedy"
    again = sample_efficiency(study, "mixed", "easy", 0.65, resamples=200)
    assert (found.ratio, found.low, found.high) == (again.ratio, again.low, again.high)
    sampled = sample_efficiency(study, "mixed", "easy", 0.65, decode="sample", resamples=50)
    assert sampled.metric.endswith("sampled at T = 1")
    with pytest.raises(ValueError, match="no sampler 'mxed'; known: easy, mixed"):
        sample_efficiency(study, "mxed", "easy")
    with pytest.raises(ValueError, match="family must be one of counting"):
        sample_efficiency(study, "mixed", "easy", family="graph")


def test_unequal_rollouts_are_refused(tmp_path, tools):
    study = read_study(tools.write_study(tmp_path, per_step={"mixed": 8}))
    expected = (
        r"mixed generated 2\.0 times easy's rollouts: not compared\. "
        "--at-equal rollouts cuts mixed, or --unequal says so"
    )
    with pytest.raises(ConfigError, match=expected):
        sample_efficiency(study, "mixed", "easy", 0.65)
    with pytest.raises(ConfigError, match=r"mixed generated 2\.0 times"):
        sample_efficiency(study, "easy", "mixed", 0.65)
    assert (
        sample_efficiency(study, "mixed", "easy", 0.65, budgets="allow", resamples=50).starts == 3
    )
    # The test set was asked at the end alone, the validation set half way as well.
    with pytest.raises(ConfigError, match="mixed has no final evaluation on the test split"):
        sample_efficiency(study, "mixed", "easy", 0.65, budgets="cut")
    cut = sample_efficiency(
        study, "mixed", "easy", 0.65, budgets="cut", split="validation", resamples=50
    )
    assert cut.starts == 3


def test_coverage_of_the_shipped_benchmark():
    module = load_script("benchmarks/coverage.py")
    for name in ("runs: 2x, 4 sizes", "seeds: 2x, tied .01, 3 seeds", "starts: quick, 2x"):
        studies = [module.measured(name, i, 200, False) for i in range(25)]
        rows = [row for row in module.table(studies) if f"| {name} | ratio |" in row]
        assert len(rows) == 1 and float(rows[0].split("|")[4].split()[0]) >= 0.85
        assert module.kept(None) == []
