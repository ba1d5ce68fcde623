"""Group sizes by what one more rollout is worth."""

from itertools import product

import numpy as np
import pytest

from lessonplan.selection.base import Feedback
from lessonplan.selection.knapsack import Knapsack, group_sizes, improvement
from lessonplan.selection.scores import mixed
from lessonplan.selection.testing import CHECKS, everything, small_pool

P = np.array([0.05, 0.25, 0.5, 0.9])


def value(p, sizes, gain=None):
    gain = improvement(p) if gain is None else gain
    return float(
        sum(g * mixed(rate, int(size)) for g, rate, size in zip(gain, p, sizes, strict=True))
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda pool, seed: Knapsack(pool, seed=seed), everything)


def test_golden_sizes():
    assert group_sizes(P, 32).tolist() == [11, 12, 7, 2]
    assert value(P, [11, 12, 7, 2]) == pytest.approx(0.280295, abs=5e-7)
    assert value(P, [8, 8, 8, 8]) == pytest.approx(0.270882, abs=5e-7)
    assert group_sizes(P, 32, gain=np.ones(4)).tolist() == [8, 8, 5, 11]


def test_no_other_sizes_are_worth_more():
    rng = np.random.default_rng(0)
    for _ in range(30):
        p, lo = rng.random(3), int(rng.integers(1, 4))
        hi = lo + int(rng.integers(1, 8))
        budget = int(rng.integers(3 * lo, 3 * hi + 1))
        sizes = group_sizes(p, budget, lo=lo, hi=hi)
        assert sizes.sum() == budget and sizes.min() >= lo and sizes.max() <= hi
        best = max(
            value(p, some) for some in product(range(lo, hi + 1), repeat=3) if sum(some) == budget
        )
        assert value(p, sizes) == pytest.approx(best, abs=1e-12)


def test_bounds_hold_and_equal_rates_share_equally():
    assert group_sizes(np.full(4, 0.5), 10).tolist() == [3, 3, 2, 2]
    assert group_sizes(np.array([0.0, 1.0, 0.3]), 24, lo=2, hi=16).tolist() == [4, 4, 16]
    assert group_sizes(np.array([0.0, 1.0, 0.3]), 14, lo=2, hi=16).tolist() == [2, 2, 10]
    assert group_sizes(np.empty(0), 0).tolist() == []


@pytest.mark.parametrize(
    ("budget", "lo", "hi", "message"),
    [
        (7, 2, 8, "budget must lie in 8..32 for 4 groups of 2..8, got 7"),
        (33, 2, 8, "budget must lie in 8..32 for 4 groups of 2..8, got 33"),
        (16, 0, 8, "1 <= lo <= hi, got lo=0, hi=8"),
        (16, 5, 4, "1 <= lo <= hi, got lo=5, hi=4"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(budget, lo, hi, message):
    with pytest.raises(ValueError, match=message):
        group_sizes(P, budget, lo=lo, hi=hi)


def practise(sampler, rates, steps, n=8):
    """Rollouts drawn with true rates; the orders of the second half."""
    rng, orders = np.random.default_rng(5), []
    for step in range(steps):
        order = sampler.order(n)
        width = np.arange(order.rollouts.max())
        wins = (rng.random((n, len(width))) < rates[order.positions][:, None]).astype(float)
        wins[width >= order.rollouts[:, None]] = np.nan
        sampler.tell(Feedback(order.positions, wins, np.full(n, step)))
        orders.append(order)
    return orders[steps // 2 :]


def test_the_order_spends_the_budget_exactly():
    sampler = Knapsack(small_pool(), mean_size=6, lo=3, hi=12)
    rates = np.linspace(0, 1, 40)
    for order in practise(sampler, rates, 60):
        assert order.rollouts.sum() == 8 * 6 and order.purposes is None
        assert order.rollouts.min() >= 3 and order.rollouts.max() <= 12
    metrics = sampler.metrics()
    assert 3 <= metrics["smallest_group"] <= 6 <= metrics["largest_group"] <= 12


def worth(orders, rates, equal):
    total = 0.0
    for order in orders:
        sizes = np.full(len(order.positions), 8) if equal else order.rollouts
        total += value(rates[order.positions], sizes)
    return total / len(orders)


def test_it_beats_equal_sizes_where_rates_differ_and_nowhere_else():
    rates = np.tile([0.02, 0.1, 0.3, 0.98], 10)
    orders = practise(Knapsack(small_pool()), rates, 300)
    assert worth(orders, rates, equal=False) > 1.05 * worth(orders, rates, equal=True)
    rates = np.full(40, 0.3)
    orders = practise(Knapsack(small_pool()), rates, 300)
    assert worth(orders, rates, equal=False) <= worth(orders, rates, equal=True)


def test_a_problem_that_failed_once_is_not_given_up():
    """p is shrunken: after one group of failures it gets more rollouts than a solved one."""
    sampler = Knapsack(small_pool(2))
    (first, second) = sampler.order(2).positions
    wins = np.array([[0.0] * 8, [1.0] * 8])
    sampler.tell(Feedback(np.array([first, second]), wins, np.zeros(2, np.int64)))
    order = sampler.order(2)
    sizes = dict(zip(order.positions.tolist(), order.rollouts.tolist(), strict=True))
    assert sizes[first] > 8 > sizes[second] >= 2


def test_sizes_must_hold_the_mean():
    with pytest.raises(ValueError, match="lo=2, mean_size=1, hi=64"):
        Knapsack(small_pool(), mean_size=1)
