import numpy as np
import pytest

from lessonplan.curricula.gates import Band, ZeroVariance
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
