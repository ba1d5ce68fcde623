"""Blocks draw and rank exactly as a pass over the pool does, only sooner."""

import time

import numpy as np
import pytest

from lessonplan.selection.blocks import Blocks
from lessonplan.selection.draws import proportional, top_k


def chi_square(counts, expected):
    """How many standard deviations the chi-square statistic lies above its mean."""
    inside = expected > 0
    assert not counts[~inside].any()
    statistic = np.sum((counts[inside] - expected[inside]) ** 2 / expected[inside])
    freedom = np.count_nonzero(inside) - 1
    return (statistic - freedom) / np.sqrt(2 * freedom)


def second_pick(weights):
    """(N,) the chance of each problem to be the second of a successive draw."""
    p = weights / weights.sum()
    return np.array(
        [sum(p[j] * p[i] / (1 - p[j]) for j in range(len(p)) if j != i) for i in range(len(p))]
    )


def test_a_draw_is_successive_sampling_across_blocks():
    rng, weights = np.random.default_rng(0), np.arange(1.0, 41.0)  # blocks of 16, 16 and 8
    blocks, busy = Blocks(weights), np.zeros(40, np.int32)
    assert blocks.size == 16
    picks = np.array([blocks.draw(rng, 2, busy) for _ in range(6000)])
    assert (picks[:, 0] != picks[:, 1]).all()
    first, second = (np.bincount(column, minlength=40) for column in picks.T)
    assert chi_square(first, 6000 * weights / weights.sum()) < 4
    assert chi_square(second, 6000 * second_pick(weights)) < 4


def test_the_second_of_two_heavy_problems_follows_the_first():
    # by hand: weights 8, 4, and 38 of 1/19: the second pick after the first one is 4 / (4 + 2)
    weights = np.full(40, 2 / 38)
    weights[[5, 30]] = 8, 4
    rng, blocks, busy = np.random.default_rng(1), Blocks(weights), np.zeros(40, np.int32)
    picks = np.array([blocks.draw(rng, 2, busy) for _ in range(4000)])
    after = picks[picks[:, 0] == 5, 1]
    assert np.mean(after == 30) == pytest.approx(2 / 3, abs=0.04)


def test_busy_problems_are_skipped_and_the_others_keep_their_proportions():
    rng, weights = np.random.default_rng(2), np.linspace(0.0, 1.0, 40)
    busy = (np.arange(40) >= 20).astype(np.int32)  # three quarters of the weight
    blocks = Blocks(weights)
    counts = np.bincount([blocks.draw(rng, 1, busy)[0] for _ in range(4000)], minlength=40)
    free = np.where(busy == 0, weights, 0.0)
    assert chi_square(counts, 4000 * free / free.sum()) < 4


def test_a_heavy_problem_does_not_keep_the_others_from_being_drawn():
    weights = np.full(100_000, 1e-9)
    weights[[7, 70_000]] = 1.0, 1e6
    rng, blocks, busy = np.random.default_rng(3), Blocks(weights), np.zeros(100_000, np.int32)
    picks = blocks.draw(rng, 500, busy)
    assert len(np.unique(picks)) == 500
    assert picks[:2].tolist() == [70_000, 7]
    busy[70_000] = 1
    assert blocks.draw(rng, 1, busy).tolist() == [7]


def test_a_draw_ends_when_no_weight_is_left():
    weights = np.zeros(100)
    weights[[3, 50, 99]] = 1.0
    rng, blocks = np.random.default_rng(4), Blocks(weights)
    assert set(blocks.draw(rng, 10, np.zeros(100, np.int32))) == {3, 50, 99}
    assert len(Blocks(np.zeros(100)).draw(rng, 10, np.zeros(100, np.int32))) == 0
    picks = proportional(rng, Blocks(np.pad(weights, (0, 6000))), 10, busy=np.zeros(6100, np.int32))
    assert set(picks[:3]) == {3, 50, 99} and len(np.unique(picks)) == 10


def test_negative_weights_are_refused():
    blocks = Blocks(np.full(40, 1.0))
    blocks.set(np.array([35]), np.array([-0.5]))  # its block still adds up to more than 0
    with pytest.raises(ValueError, match="at least 0, got"):
        blocks.draw(np.random.default_rng(0), 1, np.zeros(40, np.int32))


def test_nan_weighs_nothing_and_ranks_last():
    values = np.full(6000, np.nan)
    values[[3, 700, 5999]] = 1.0, 3.0, 2.0
    rng, blocks, busy = np.random.default_rng(0), Blocks(values), np.zeros(6000, np.int32)
    assert set(blocks.draw(rng, 9, busy)) == {3, 700, 5999}
    assert blocks.top(rng, 9, busy).tolist() == [700, 5999, 3]
    for draw in (proportional, top_k):
        picks = draw(rng, blocks, 9, busy=busy)
        assert set(picks[:3]) == {3, 700, 5999} and len(np.unique(picks)) == 9


def test_the_order_of_changes_leaves_no_trace():
    rng = np.random.default_rng(5)
    start, positions = rng.random(5000), rng.permutation(5000)[:600]
    values = rng.random(600)
    whole, parts = Blocks(start), Blocks(start)
    busy = np.zeros(5000, np.int32)
    whole.set(positions, values)
    for i in rng.permutation(600):
        parts.set(positions[[i]], rng.random(1))
        if i % 50 == 0:
            parts.draw(rng, 3, busy), parts.top(rng, 3, busy)
        parts.set(positions[[i]], values[[i]])
    fresh = np.array(start)
    fresh[positions] = values
    for blocks in (parts, Blocks(fresh)):
        np.testing.assert_array_equal(blocks._current_sums(), whole._current_sums())
        np.testing.assert_array_equal(blocks._current_peaks(), whole._current_peaks())
        a, b = np.random.default_rng(6), np.random.default_rng(6)
        np.testing.assert_array_equal(blocks.draw(a, 50, busy), whole.draw(b, 50, busy))


@pytest.mark.parametrize("size", [5, 16, 40, 1000, 5003])
@pytest.mark.parametrize("kinds", [3, 50, 10**9])
def test_top_is_what_sorting_gives(size, kinds):
    rng = np.random.default_rng([size, kinds])
    for _ in range(10):
        values = rng.integers(kinds, size=size) / kinds
        values[rng.random(size) < 0.1] = -np.inf
        busy = (rng.random(size) < rng.choice([0, 0.3, 0.95])).astype(np.int32)
        able = np.flatnonzero((busy == 0) & (values > -np.inf))
        for n in (0, 1, 3, size // 3, size):
            picks = Blocks(values).top(rng, n, busy)
            assert len(np.unique(picks)) == len(picks) == min(n, len(able))
            assert np.isin(picks, able).all()
            best = np.sort(values[able])[::-1][: len(picks)]
            np.testing.assert_array_equal(values[picks], best)


def test_ties_are_equally_likely_wherever_they_are():
    values = np.zeros(200)
    values[[*range(16), 40, 90, 199]] = 1.0  # a whole block, and three problems in others
    values[100] = 2.0
    rng, blocks, busy = np.random.default_rng(7), Blocks(values), np.zeros(200, np.int32)
    busy[3] = 1
    picks = np.array([blocks.top(rng, 3, busy) for _ in range(3000)])
    assert (picks[:, 0] == 100).all()
    counts = np.bincount(picks[:, 1:].ravel(), minlength=200)
    able = (values == 1) & (busy == 0)
    assert chi_square(counts, np.where(able, 6000 / able.sum(), 0.0)) < 4


def test_ties_among_many_are_uniform():
    blocks, busy = Blocks(np.full(6000, 0.25)), np.zeros(6000, np.int32)
    rng = np.random.default_rng(8)
    tenths = np.bincount(np.concatenate([blocks.top(rng, 60, busy) for _ in range(100)]) // 600)
    assert chi_square(tenths, np.full(10, 600.0)) < 4


def test_a_draw_from_many_is_far_cheaper_than_a_pass():
    size = 1_000_000
    rng, busy = np.random.default_rng(9), np.zeros(size, np.int32)
    weights = rng.random(size)
    blocks = Blocks(weights)

    def best(work):
        times = []
        for _ in range(4):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return min(times)

    def tell():
        blocks.set(rng.integers(size, size=64), rng.random(64))

    def both(draw):
        return lambda: (tell(), draw(rng, blocks, 64, busy=busy))

    assert 5 * best(both(proportional)) < best(lambda: proportional(rng, weights, 64, busy=busy))
    assert 3 * best(both(top_k)) < best(lambda: top_k(rng, weights, 64, busy=busy))
