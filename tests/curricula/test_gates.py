import numpy as np
import pytest

from lessonplan.curricula.gates import Band, Variance, ZeroVariance, relative_variance
from lessonplan.selection import SOLVED, AtLeast

NAN = np.nan


@pytest.mark.parametrize(
    "rewards,accepted",
    [
        ([1, 1, 1, 1], False),
        ([0, 0, 0, 0], False),
        ([0.1, 0.1, 0.1, 0.1], False),  # not exact in binary
        ([1e308] * 4, False),
        ([1, 0, 0, 0], True),
        ([0.4, 0.5, 0.5, 0.5], True),  # raw rewards, not successes
        ([1e308, -1e308, 0, 0], True),
        ([1, NAN, NAN, NAN], True),  # a group of one
        ([1, 1, NAN, NAN], False),
        ([1, 0, NAN, NAN], True),
        ([NAN] * 4, False),
    ],
)
def test_zero_variance(rewards, accepted):
    rows = np.array([rewards, [0, 1, 0, 1]], float)
    np.testing.assert_array_equal(ZeroVariance().accepts(rows, SOLVED), [accepted, True])


def test_zero_variance_compares_the_standard_deviation():
    rewards = np.array([[0.0, 2e-6]])  # standard deviation 1e-6
    assert ZeroVariance(eps=0.9e-6).accepts(rewards, SOLVED)[0]
    assert not ZeroVariance(eps=1.1e-6).accepts(rewards, SOLVED)[0]


def successes(*counts, g=10):
    return np.array([[1.0] * k + [0.0] * (g - k) for k in counts])


def test_band_is_inclusive_by_default():
    rewards = successes(0, 1, 2, 5, 8, 9, 10)
    kept = Band().accepts(rewards, SOLVED)
    np.testing.assert_array_equal(kept, [False, False, True, True, True, False, False])
    strict = Band(0.2, 0.8, inclusive=False).accepts(rewards, SOLVED)
    np.testing.assert_array_equal(strict, [False, False, False, True, False, False, False])


def test_band_counts_scorable_rollouts_by_the_success_rule():
    rewards = np.array([[0.6, 0.4, NAN, NAN], [NAN] * 4])
    np.testing.assert_array_equal(Band().accepts(rewards, AtLeast(0.5)), [True, False])
    np.testing.assert_array_equal(Band(0, 1).accepts(rewards, SOLVED), [True, False])


@pytest.mark.parametrize("lo,hi", [(0.8, 0.2), (-0.1, 0.5), (0.5, 1.1)])
def test_band_refuses_bounds_out_of_order(lo, hi):
    with pytest.raises(ValueError, match="0 <= lo <= hi <= 1"):
        Band(lo, hi)


def test_relative_variance_is_that_of_vcrl():
    k = np.arange(9)
    even = [0, 0.4375, 0.75, 0.9375, 1, 0.9375, 0.75, 0.4375, 0]
    np.testing.assert_allclose(relative_variance(k, np.full(9, 8)), even)
    odd = relative_variance(k[:4], np.full(4, 7))
    np.testing.assert_allclose(odd, [0, 0.5, 0.8333, 1], atol=5e-5)
    for g, largest in (
        (8, 8 / 28),
        (7, 8 / 28),
        (2, 1 / 2),
        (3, 1 / 3),
    ):  # unbiased, by its formula
        unbiased = np.var([1] * (g // 2) + [0] * (g - g // 2), ddof=1)
        assert unbiased == pytest.approx(largest)
        assert relative_variance(np.array(1), np.array(g)) == pytest.approx(
            np.var([1] + [0] * (g - 1), ddof=1) / largest
        )


def test_variance_keeps_what_reaches_the_threshold():
    rewards = successes(*range(9), g=8)
    np.testing.assert_array_equal(Variance().accepts(rewards, SOLVED), [0, 0, 1, 1, 1, 1, 1, 0, 0])
    wide = Variance(0.4375).accepts(rewards, SOLVED)
    np.testing.assert_array_equal(wide, [0, 1, 1, 1, 1, 1, 1, 1, 0])
    assert Variance(0).accepts(rewards, SOLVED).all()


def test_variance_counts_scorable_rollouts_by_the_success_rule():
    rewards = np.array(
        [
            [0.6, 0.4, NAN, NAN],  # one of two
            [0.6, 0.7, 0.4, NAN],  # two of three
            [0.6, 0.7, NAN, NAN],
            [0.6, NAN, NAN, NAN],  # a group of one
            [NAN] * 4,
        ]
    )
    kept = Variance(1).accepts(rewards, AtLeast(0.5))
    np.testing.assert_array_equal(kept, [True, True, False, True, False])
    assert not Variance(0).accepts(rewards, AtLeast(0.5))[4]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, NAN])
def test_variance_refuses_a_threshold_out_of_range(threshold):
    with pytest.raises(ValueError, match=r"threshold must lie in \[0, 1\]"):
        Variance(threshold)
