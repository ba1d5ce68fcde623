"""Golden numbers of published scores, four decimals."""

import numpy as np
import pytest

from lessonplan.selection.scores import (
    abs_advantage,
    band,
    group_learnability,
    hard,
    learnability,
    lim,
    linear,
    mixed,
    staleness,
    std,
    target,
    tent,
    u,
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


def test_u():
    expected = [0.1292, 0.2866, 0.4695, 0.6322, 0.4961, 0.2000, 0.0500]
    np.testing.assert_allclose(u(P, 8), expected, atol=5.1e-5)


def test_no_score_of_a_rate_is_negative():
    p = np.concatenate([[0.0, 1.0], 1 - np.logspace(-17, -1, 200), np.logspace(-300, -1, 200)])
    for score in (u(p, 8), mixed(p, 8), std(p)):
        assert score.min() >= 0 and np.isfinite(score).all()


def test_abs_advantage():
    k, g = np.arange(9), np.full(9, 8)
    raw, normalized = abs_advantage(k, g), abs_advantage(k, g, normalized=True)
    np.testing.assert_allclose(raw[:5], [0, 0.21875, 0.375, 0.46875, 0.5])
    np.testing.assert_allclose(normalized[:5], [0, 0.6187, 0.8101, 0.9057, 0.9354], atol=5e-5)
    np.testing.assert_allclose(raw, raw[::-1])
    np.testing.assert_allclose(normalized, normalized[::-1])
    np.testing.assert_array_equal(abs_advantage(np.array([1]), np.array([1]), normalized=True), 0)


@pytest.mark.parametrize("k", range(9))
def test_abs_advantage_is_that_of_the_rewards(k):
    rewards = (np.arange(8) < k).astype(float)
    raw = np.abs(rewards - rewards.mean()).mean()
    assert abs_advantage(np.array(k), np.array(8)) == pytest.approx(raw)
    if 0 < k < 8:
        scaled = abs_advantage(np.array(k), np.array(8), normalized=True)
        assert scaled == pytest.approx(raw / rewards.std(ddof=1))


def test_std_band_hard_staleness():
    np.testing.assert_allclose(std(np.array([0, 0.2, 0.5, 1])), [0, 0.4, 0.5, 0])
    inside = band(np.array([0.1, 0.3, 0.5, 0.7, 0.9, np.nan]), 0.3, 0.7)
    np.testing.assert_allclose(inside, [-0.2, 1, 1, 1, -0.2, np.nan])
    np.testing.assert_allclose(hard(np.array([0, 0.25, 1])), [1, 0.75, 0])
    np.testing.assert_array_equal(staleness(np.array([3, 10, 0]), 10), [7, 0, 10])


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
