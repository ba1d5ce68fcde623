"""Draws: exact in distribution, safe with odd weights, never a repeat while one is free."""

from functools import partial

import numpy as np
import pytest

from lessonplan.selection import (
    BetaDecay,
    Exact,
    Ledger,
    Rounds,
    arms,
    lottery,
    probabilities,
    proportional,
    top_k,
)
from lessonplan.selection.blocks import Blocks
from lessonplan.selection.draws import (
    epsilon_greedy,
    nearest,
    rank,
    skip,
    softmax,
    symmetric,
    thompson,
    uniform,
)
from lessonplan.selection.scores import target

NONE = np.zeros(4, np.int32)


def test_probabilities_are_safe():
    np.testing.assert_allclose(probabilities(np.array([1.0, 3.0, np.nan])), [0.25, 0.75, 0])
    np.testing.assert_allclose(probabilities(np.zeros(4)), 0.25)
    np.testing.assert_allclose(probabilities(np.full(4, 5e-324)), 0.25)
    np.testing.assert_allclose(probabilities(np.full(4, 1e308)), 0.25)
    np.testing.assert_allclose(probabilities(np.full(2, np.nan)), 0.5)
    np.testing.assert_allclose(probabilities(np.array([np.inf, 1.0, np.inf])), [0.5, 0, 0.5])
    with pytest.raises(ValueError, match="negative"):
        probabilities(np.array([1.0, -1.0]))


def test_proportional_is_successive_sampling():
    # weights 1, 2, 3: P(first, second) = w_a / 6 * w_b / (6 - w_a), by hand
    rng, weights = np.random.default_rng(0), np.array([1.0, 2.0, 3.0])
    counts = np.zeros((3, 3))
    for _ in range(12000):
        a, b = proportional(rng, weights, 2, busy=np.zeros(3, np.int32))
        counts[a, b] += 1
    expected = np.array([[0, 2 / 30, 3 / 30], [2 / 24, 0, 6 / 24], [3 / 18, 6 / 18, 0]])
    np.testing.assert_allclose(counts / 12000, expected, atol=0.015)


def test_proportional_takes_zero_weights_last_and_at_random():
    rng, weights = np.random.default_rng(0), np.array([0.0, 1.0, 0.0, np.nan])
    thirds = [tuple(proportional(rng, weights, 3, busy=NONE)) for _ in range(300)]
    assert {picks[0] for picks in thirds} == {1}
    assert {picks[1:] for picks in thirds} == {
        (a, b) for a in (0, 2, 3) for b in (0, 2, 3) if a != b
    }


@pytest.mark.parametrize("weights", [np.zeros(4), np.full(4, 3.0), np.full(4, np.nan)])
def test_proportional_is_uniform_when_all_are_equal(weights):
    rng = np.random.default_rng(1)
    firsts = [proportional(rng, weights, 1, busy=NONE)[0] for _ in range(2000)]
    np.testing.assert_allclose(np.bincount(firsts) / 2000, 0.25, atol=0.04)


def draws(rng, n, busy):
    size = len(busy)
    weights = np.linspace(0.0, 1.0, size)
    yield proportional(rng, weights, n, busy=busy)
    yield lottery(rng, lambda i: weights[i], n, busy=busy, floor=0.1)
    yield top_k(rng, weights, n, busy=busy)
    yield proportional(rng, weights, n, busy=busy, gamma=3.0)
    yield proportional(rng, Blocks(weights), n, busy=busy)
    yield top_k(rng, Blocks(weights), n, busy=busy)
    yield softmax(rng, weights, n, busy=busy, tau=0.1)
    yield rank(rng, weights, n, busy=busy, beta=0.2)
    yield rank(rng, Blocks(weights), n, busy=busy, beta=0.2)
    yield epsilon_greedy(rng, Blocks(weights), n, busy=busy, epsilon=0.3)
    yield uniform(rng, n, busy=busy)
    yield thompson(rng, BetaDecay(size), target, n, busy=busy)
    yield symmetric(rng, weights, n, busy=busy, threshold=0.3, turn=n)
    yield nearest(rng, weights, n, busy=busy, target=0.3, asked_at=np.arange(size))


@pytest.mark.parametrize("size", [30, 6000])
def test_busy_problems_come_only_when_no_other_is_left(size):
    rng = np.random.default_rng(2)
    busy = (np.arange(size) % 3 == 0).astype(np.int32)
    free = int(np.sum(busy == 0))
    for n in (1, free // 2, free):
        for picks in draws(rng, n, busy):
            assert len(np.unique(picks)) == n
            assert not busy[picks].any()
    for picks in draws(rng, free + 5, busy):
        assert (busy[picks[:free]] == 0).all()
        counts = busy + np.bincount(picks, minlength=size)
        assert counts.max() == 2 and np.sum(counts == 2) == 5
    for picks in draws(rng, 3 * size, busy):
        counts = busy + np.bincount(picks, minlength=size)
        assert counts.max() - counts.min() <= 1
    assert busy.sum() == size - free  # the caller's counts are not changed


def test_lottery_draws_by_weight_plus_floor_without_a_pass():
    rng, size = np.random.default_rng(3), 8000
    weights = np.where(np.arange(size) < 100, 1.0, 0.05)
    looked_at = []

    def weight(positions):
        looked_at.append(len(positions))
        return weights[positions]

    busy = np.zeros(size, np.int32)
    heavy = np.mean([lottery(rng, weight, 1, busy=busy, floor=0.2)[0] < 100 for _ in range(4000)])
    wanted = 0.8 * 100 / (100 + 7900 * 0.05) + 0.2 * 100 / size
    assert heavy == pytest.approx(wanted, abs=4 * np.sqrt(wanted / 4000))
    assert np.mean(looked_at) < size / 20


def test_lottery_and_proportional_agree_when_most_are_drawn():
    size, n = 5000, 2000
    weights = np.repeat([1.0, 0.5, 0.1, 0.02, 0.0], 1000)
    busy = np.zeros(size, np.int32)
    shares = np.zeros((2, 5))
    for seed in range(10):
        rng = np.random.default_rng(seed)
        both = (
            lottery(rng, lambda i: weights[i], n, busy=busy),
            proportional(rng, weights, n, busy=busy),
        )
        for row, picks in zip(shares, both, strict=True):
            row += np.bincount(picks // 1000, minlength=5) / n / 10
    np.testing.assert_allclose(shares[0], shares[1], atol=0.01)
    assert shares[0, 4] == 0


def test_lottery_is_uniform_when_no_weight_is_positive():
    rng, size = np.random.default_rng(4), 5000
    picks = lottery(rng, lambda i: np.zeros(len(i)), 1000, busy=np.zeros(size, np.int32))
    assert len(np.unique(picks)) == 1000
    assert picks.mean() == pytest.approx(2500, abs=150)


def test_top_k_is_best_first_with_ties_at_random():
    scores = np.array([0.2, 0.9, 0.5, 0.5, 0.5, np.nan])
    rng = np.random.default_rng(5)
    picks = [tuple(top_k(rng, scores, 2, busy=np.zeros(6, np.int32))) for _ in range(200)]
    assert set(picks) == {(1, 2), (1, 3), (1, 4)}
    assert top_k(rng, scores, 6, busy=np.zeros(6, np.int32))[-1] == 5


def test_arms_follow_the_weights_and_stop_at_what_is_free():
    rng = np.random.default_rng(6)
    turns = arms(rng, np.array([0.7, 0.3, 0.0]), 10000, free=np.full(3, 20000))
    np.testing.assert_allclose(np.bincount(turns, minlength=3) / 10000, [0.7, 0.3, 0], atol=0.02)
    turns = arms(rng, np.array([1.0, 0.001, 0.0]), 10, free=np.array([4, 3, 50]))
    np.testing.assert_array_equal(np.bincount(turns), [4, 3, 3])
    turns = arms(rng, np.array([1.0, 0.0]), 10, free=np.array([4, 0]))  # the rest repeats
    np.testing.assert_array_equal(turns, 0)


def test_arms_at_once_and_one_by_one_agree():
    weights, free = np.array([0.2, 0.5, 0.3]), np.full(3, 99)
    a, b = np.random.default_rng(7), np.random.default_rng(7)
    singles = [arms(b, weights, 1, free=free)[0] for _ in range(50)]
    np.testing.assert_array_equal(arms(a, weights, 50, free=free), singles)


PLENTY = np.full(3, 10**6)


@pytest.mark.parametrize("weights", [(1, 1, 1), (0.5, 0.3, 0.2), (0.9, 0.09, 0.01)])
def test_exact_counts_stay_within_a_slot_under_any_batches(weights):
    rng = np.random.default_rng(8)
    whole, singles = Exact(weights), Exact(weights)
    turns = []
    for n in rng.integers(1, 9, size=80):
        turns.extend(whole.turns(int(n), free=PLENTY))
        counts = np.bincount(turns, minlength=3)
        assert np.abs(counts - len(turns) * whole.weights).max() < 1
    one_by_one = [singles.turns(1, free=PLENTY)[0] for _ in turns]
    np.testing.assert_array_equal(turns, one_by_one)


def test_exact_counts_by_hand():
    np.testing.assert_array_equal(Exact([1, 1, 1]).turns(7, free=PLENTY), [0, 1, 2, 0, 1, 2, 0])
    np.testing.assert_array_equal(Exact([3, 1, 0]).turns(8, free=PLENTY), [0, 0, 1, 0] * 2)


def test_a_list_without_free_problems_catches_up_later():
    exact = Exact([1, 1])
    np.testing.assert_array_equal(exact.turns(4, free=np.array([1, 9])), [0, 1, 1, 1])
    np.testing.assert_array_equal(exact.turns(4, free=np.array([9, 9])), [0, 0, 0, 1])
    np.testing.assert_array_equal(Exact([1, 1, 0]).turns(4, free=np.array([0, 0, 9])), [0, 1, 0, 1])


def firsts(draw, times=4000, size=4):
    rng = np.random.default_rng(9)
    return np.bincount([draw(rng)[0] for _ in range(times)], minlength=size) / times


def test_gamma_is_a_power_of_the_weights():
    weights = np.array([1.0, 2.0, 3.0, 0.0])
    for scored in (weights, Blocks(weights)):
        shares = firsts(lambda rng, w=scored: proportional(rng, w, 1, busy=NONE, gamma=2.0))
        np.testing.assert_allclose(shares, [1 / 14, 4 / 14, 9 / 14, 0], atol=0.03)


def test_softmax_by_hand():
    scores = np.array([1.0, 0.5, 0.0, np.nan])
    shares = firsts(lambda rng: softmax(rng, scores, 1, busy=NONE, tau=0.5))
    np.testing.assert_allclose(shares, [0.6652, 0.2447, 0.0900, 0], atol=0.03)


@pytest.mark.parametrize("scores", [[3e8, 1e8, -1e308, 1e8], [5.0, 4.0, np.nan, 4.9]])
def test_softmax_does_not_overflow(scores):
    with np.errstate(all="raise", under="ignore"):
        shares = firsts(lambda rng: softmax(rng, np.array(scores), 1, busy=NONE, tau=4e-4), 50)
    np.testing.assert_array_equal(shares, [1, 0, 0, 0])


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, -np.inf, np.inf])
def test_softmax_is_uniform_when_all_are_equal(value):
    shares = firsts(lambda rng: softmax(rng, np.full(4, value), 1, busy=NONE, tau=4e-4))
    np.testing.assert_allclose(shares, 0.25, atol=0.04)


def test_ranks_by_hand():
    # beta 1/2: weights 1, 1/4, 1/9, 1/16; problem 2 is the best, then 0, 3, 1
    scores = np.array([0.5, 0.1, 0.9, 0.3])
    total = 1 + 1 / 4 + 1 / 9 + 1 / 16
    for scored in (scores, Blocks(scores)):
        shares = firsts(lambda rng, s=scored: rank(rng, s, 1, busy=NONE, beta=0.5))
        np.testing.assert_allclose(shares, np.array([1 / 4, 1 / 16, 1, 1 / 9]) / total, atol=0.03)
    # the second slot ranks those that are left
    rng = np.random.default_rng(0)
    pairs = np.array([rank(rng, scores, 2, busy=NONE, beta=0.5) for _ in range(3000)])
    seconds = pairs[pairs[:, 0] == 2, 1]
    assert np.mean(seconds == 0) == pytest.approx(1 / (1 + 1 / 4 + 1 / 9), abs=0.04)


def test_epsilon_greedy_explores_its_share():
    size = 10_000
    scores = np.arange(size, dtype=float)
    rng, busy = np.random.default_rng(1), np.zeros(size, np.int32)
    picks = np.concatenate(
        [epsilon_greedy(rng, Blocks(scores), 10, busy=busy, epsilon=0.2) for _ in range(300)]
    )
    assert np.mean(picks < size - 10) == pytest.approx(0.2, abs=0.03)


def test_thompson_draws_every_posterior_of_few_and_a_part_of_many():
    few, many = BetaDecay(50), BetaDecay(150_000)
    drawn = []

    def score(p):
        drawn.append(len(p))
        return target(p)

    rng = np.random.default_rng(2)
    thompson(rng, few, score, 5, busy=np.zeros(50, np.int32))
    thompson(rng, many, score, 512, busy=np.zeros(150_000, np.int32))
    thompson(rng, many, score, 5, busy=np.zeros(150_000, np.int32))
    assert drawn == [50, 8192, 4096]
    few.alpha[:], few.beta[:] = 1000, 10
    few.alpha[[3, 4]], few.beta[[3, 4]] = 1000, 1000
    assert set(thompson(rng, few, target, 2, busy=np.zeros(50, np.int32))) == {3, 4}


def test_symmetric_takes_half_from_each_side_nearest_first():
    values = np.array([0.1, 0.2, 0.3, 0.55, 0.6, 0.9])
    rng, busy = np.random.default_rng(3), np.zeros(6, np.int32)
    draw = partial(symmetric, rng, values, busy=busy, threshold=0.5)
    assert set(draw(4)) == {1, 2, 3, 4}
    assert set(draw(3)) == {1, 2, 3}  # slots 0 and 2 are below
    assert set(draw(3, turn=1)) == {2, 3, 4}
    assert [int(draw(1, turn=turn)[0]) for turn in range(4)] == [2, 3, 2, 3]
    assert set(symmetric(rng, values, 4, busy=busy, threshold=0.15)) == {0, 1, 2, 3}  # topped up


def test_nearest_takes_the_longest_unasked_of_the_near():
    values = np.arange(20.0)
    rng, busy = np.random.default_rng(4), np.zeros(20, np.int32)
    asked_at = np.where(values < 4, -5, np.arange(20))  # 0..3 were never asked, but are far
    assert set(nearest(rng, values, 2, busy=busy, target=11.9, asked_at=asked_at)) == {8, 9}
    busy[8] = 1
    assert 8 not in nearest(rng, values, 2, busy=busy, target=11.9, asked_at=asked_at)


def test_skip_passes_over_by_chance_and_comes_to_an_end():
    size = 400
    ledger = Ledger(size, np.zeros(size, np.int8))
    stream, rng = Rounds(np.arange(size), (1,)), np.random.default_rng(5)
    easy = np.arange(size) < 200
    counts = np.zeros(size)
    for _ in range(50):
        picks = skip(rng, stream, lambda i: np.where(easy[i], 0.75, 0.0), 40, ledger=ledger)
        assert len(np.unique(picks)) == 40 and ledger.in_flight == 40
        np.add.at(counts, picks, 1)
        ledger.release(picks)
    assert counts[easy].sum() / counts.sum() == pytest.approx(0.2, abs=0.03)
    picks = skip(rng, stream, lambda i: np.ones(len(i)), 40, ledger=ledger)
    assert len(np.unique(picks)) == 40


def test_blocks_and_arrays_draw_alike():
    size, n = 5000, 1000
    weights = np.repeat([1.0, 0.5, 0.1, 0.02, 0.0], 1000)
    busy = (np.arange(size) % 4 == 0).astype(np.int32)
    shares = np.zeros((2, 5))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for row, scored in zip(shares, (weights, Blocks(weights)), strict=True):
            picks = proportional(rng, scored, n, busy=busy)
            row += np.bincount(picks // 1000, minlength=5) / n / 20
    np.testing.assert_allclose(shares[0], shares[1], atol=0.01)
    assert shares[1, 4] == 0
