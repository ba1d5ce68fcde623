"""Of many rollouts the few that differ most."""

from itertools import combinations

import numpy as np
import pytest

from lessonplan.selection.pods import pods


@pytest.mark.parametrize(
    ("rewards", "m", "variance"),
    [
        ((0, 0.1, 0.5, 1, 1, 0, 0.1, 1), 4, 1 / 3),
        ((1, 0, 0, 0, 0, 0, 0, 0.1), 4, 0.25),
        ((0.7, 0.7, 0.7, 0.7), 2, 0.0),
    ],
)
def test_golden(rewards, m, variance):
    rewards = np.array(rewards)
    kept = pods(rewards, m)
    assert len(kept) == m and kept.tolist() == sorted(set(kept.tolist()))
    assert rewards[kept].var(ddof=1) == pytest.approx(variance, abs=1e-12)


def test_no_subset_varies_more():
    rng = np.random.default_rng(0)
    for case in range(200):
        n = int(rng.integers(2, 10))
        m = int(rng.integers(1, n + 1))
        coarse = rng.integers(0, 3, n) / 2  # ties
        rewards = [rng.normal(size=n) * 100, coarse, 1e6 + rng.random(n)][case % 3]
        best = max(rewards[list(some)].var() for some in combinations(range(n), m))
        assert rewards[pods(rewards, m)].var() == pytest.approx(best, rel=1e-9, abs=1e-12)


def test_unscorable_rollouts_are_never_kept():
    nan = np.nan
    assert pods(np.array([nan, 1, 0, nan, 0.5, 1]), 2).tolist() in ([1, 2], [2, 5])
    assert pods(np.array([nan, 1, nan, 0.5]), 3).tolist() == [1, 3]
    assert pods(np.array([nan, nan]), 1).tolist() == []


def test_extreme_rewards():
    huge = np.array([1e308, 0, -1e308, 5])
    assert pods(huge, 2).tolist() == [0, 2]
    tiny = np.array([1e-300, 0, 0, 1e-300])
    assert tiny[pods(tiny, 2)].sum() == 1e-300  # one of each


def test_a_large_group_is_sorted_once():
    rewards = np.random.default_rng(1).random(200_000)
    kept = pods(rewards, 100_000)
    middle = np.sort(rewards)[50_000:150_000]
    assert not np.isin(middle[1000:-1000], rewards[kept]).any()


@pytest.mark.parametrize("m", [0, 4, -1])
def test_m_must_fit_the_group(m):
    with pytest.raises(ValueError, match=rf"m must lie in 1..3, the rollouts .*, got {m}"):
        pods(np.zeros(3), m)


def test_infinite_rewards_are_refused():
    with pytest.raises(ValueError, match="finite, or NaN"):
        pods(np.array([0.0, np.inf]), 1)
