"""Golden numbers of published scores, four decimals."""

import numpy as np
import pytest

from lessonplan.selection.scores import (
    group_learnability,
    learnability,
    lim,
    linear,
    mixed,
    target,
    tent,
    variance,
)

P = np.array([0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.95])


@pytest.mark.parametrize(
    "group_size,expected",
    [
        (4, [0.0776, 0.1855, 0.3438, 0.5888, 0.8750, 0.5888, 0.1855]),
        (8, [0.1492, 0.3366, 0.5695, 0.8322, 0.9922, 0.8322, 0.3366]),
        (16, [0.2762, 0.5599, 0.8147, 0.9719, 1.0000, 0.9719, 0.5599]),
    ],
)
def test_mixed(group_size, expected):
    np.testing.assert_allclose(mixed(P, group_size), expected, atol=5.1e-5)


def test_learnability():
    np.testing.assert_allclose(learnability(np.array([0, 0.25, 0.5, 1])), [0, 0.1875, 0.25, 0])
    k = np.arange(9)
    expected = [0, 0.125, 0.2143, 0.2679, 0.2857, 0.2679, 0.2143, 0.125, 0]
    np.testing.assert_allclose(group_learnability(k, np.full(9, 8)), expected, atol=5e-5)


def test_group_learnability_has_no_bias():
    rng = np.random.default_rng(0)
    k = rng.binomial(4, 0.3, size=200_000)
    assert group_learnability(k, np.full_like(k, 4)).mean() == pytest.approx(0.21, abs=0.001)


def test_target_and_tent():
    np.testing.assert_allclose(target(np.array([0, 0.5, 0.9])), [-0.5, 0, -0.4])
    np.testing.assert_allclose(tent(np.array([0, 0.25, 0.5, 1]), 0.5), [0, 0.5, 1, 0])
    np.testing.assert_allclose(tent(np.array([0, 0.4, 0.8, 1]), 0.8), [0, 0.5, 1, 0.75])


A, B, C, D = (0.2, 0.5, 0.8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.4, 0.4, 0.6)


def test_lim_golden_of_the_released_script():
    np.testing.assert_allclose(lim(np.array([A, B, C, D])), [0.8987, 0, 0.0628, 0.9929], atol=5e-5)


def test_lim_golden_of_one_shot_rlvr():
    np.testing.assert_allclose(lim(np.array([A, B, C])), [0.8961, 0, 0], atol=5e-5)


def test_lim_at_its_ends():
    curves = np.array([[0.0, 0.5], [1.0, 1.0]])
    on_mean = np.vstack([curves, curves.mean(axis=0)])
    assert lim(on_mean)[2] == 1
    assert lim(on_mean)[1] == 0
    assert np.isnan(lim(np.ones((3, 4)))).all()
    assert np.isnan(lim(np.array([[np.nan, np.nan]]), np.array([0.5, 0.5]))).all()


def test_lim_uses_the_known_part_of_a_curve():
    mean = np.array([0.5, 0.25, 0.75])
    part = lim(np.array([[np.nan, 0.5, 1.0]]), mean)
    np.testing.assert_allclose(part, lim(np.array([[0.5, 1.0]]), mean[1:]))


def test_linear_golden():
    curves = np.array([A, (0, 0.5, 1), C, D, B])
    np.testing.assert_allclose(linear(curves), [0.9375, 1, 0, 0.4444, np.nan], atol=5e-5)


def test_variance_golden():
    np.testing.assert_allclose(variance(np.array([A, B, C])), [0.2449, 0, 0], atol=5e-5)
