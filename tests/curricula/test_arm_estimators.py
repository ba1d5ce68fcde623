"""Arm estimators and their scores: golden numbers, and nothing that overflows."""

import numpy as np
import pytest

from lessonplan.curricula.arm_estimators import (
    ArmQ,
    ArmWindow,
    FastSlow,
    Kept,
    arm_means,
    boltzmann,
    checked_tau,
    progress,
    slope,
    ucb,
)

NAN = np.nan


def test_q_golden_of_the_paper_and_of_the_release():
    r = np.array([1.0, 0.6, 0.2])
    paper, released = ArmQ(3, a=0.5), ArmQ(3, a=0.5)
    for q in (paper, released):
        q.update(np.arange(3), r, others_decay=q is released)
        np.testing.assert_allclose(q.q, [0.5, 0.3, 0.1])
        q.update(np.array([0]), np.array([1.0]), others_decay=q is released)
    np.testing.assert_allclose(paper.q, [0.75, 0.3, 0.1])
    np.testing.assert_allclose(released.q, [0.75, 0.15, 0.05])


def test_a_window_holds_the_last_values_in_their_order():
    window = ArmWindow(3, 4)
    rng, heard = np.random.default_rng(0), [[], [], []]
    for _ in range(30):
        arms = rng.integers(2, size=rng.integers(9))  # arm 2 is never heard
        values = rng.random(len(arms))
        window.update(arms, values)
        for arm, value in zip(arms, values, strict=True):
            heard[arm].append(value)
        for arm in range(3):
            last = heard[arm][-4:]
            np.testing.assert_array_equal(window.last()[arm], [NAN] * (4 - len(last)) + last)
            assert window.mean()[arm] == pytest.approx(np.mean(last) if last else 0)
    assert window.n.tolist() == [len(one) for one in heard]


def test_more_values_at_once_than_the_window_holds():
    window = ArmWindow(2, 3)
    window.update(np.array([0] * 5 + [1]), np.arange(6.0))
    np.testing.assert_array_equal(window.last(), [[2, 3, 4], [NAN, NAN, 5]])
    assert window.n.tolist() == [5, 1]


def test_fast_slow_and_progress_golden():
    averages = FastSlow(4, a=0.1)
    for rates in ([0.1, 0.5, 0.9, 0], [0.3, 0.5, 0.9, 0], [0.5, 0.4, 1, 0]):
        averages.update(np.arange(4), np.array(rates))
    np.testing.assert_allclose(averages.fast, [0.158, 0.49, 0.91, 0])
    np.testing.assert_allclose(averages.slow, [0.1076, 0.499, 0.901, 0])
    moved = progress(averages.fast, averages.slow)
    np.testing.assert_allclose(moved, [0.107671, 0.003298, 0.001192, 0], atol=5e-7)


def test_progress_stretches_low_rates():
    stretched = progress(np.array([0.1, 0.5, 0.9]), np.zeros(3))
    np.testing.assert_allclose(stretched, [0.5, 0.9, 0.987805], atol=5e-7)


def test_unheard_arms_have_no_progress():
    averages = FastSlow(2)
    averages.update(np.array([1]), np.array([0.4]))
    np.testing.assert_array_equal(progress(averages.fast, averages.slow), [NAN, 0])


def test_ucb_golden():
    n = np.array([8, 64, 0])
    np.testing.assert_allclose(
        ucb(np.array([0.5, 0.4, 0]), n), [1.47644, 0.76334, 2.92932], atol=5.1e-6
    )
    assert ucb(np.zeros(3), np.full(3, 3000))[0] == pytest.approx(0.078, abs=5e-4)
    assert (ucb(np.zeros(2), np.zeros(2, int)) == 0).all()


def test_slope_golden():
    times, scores = np.array([[0.0, 2, 3, 7]]), np.array([[0.1, 0.2, 0.25, 0.6]])
    assert slope(times, scores)[0] == pytest.approx(0.073077, abs=5e-7)
    later = slope(times + 1e6, scores)  # centered: late steps cost no digits
    assert later[0] == pytest.approx(0.073077, abs=5e-7)


def test_slope_of_gaps_and_of_too_little():
    times = np.array([[NAN, 0, 1, 2], [NAN, NAN, NAN, 3], [NAN, NAN, 4, 4], [NAN] * 4])
    scores = np.array([[NAN, 0, 2, 4], [NAN, NAN, NAN, 1], [NAN, NAN, 0, 1], [NAN] * 4])
    np.testing.assert_allclose(slope(times, scores), [2, NAN, NAN, NAN])


def test_kept_counts_weigh_steps_by_their_groups():
    kept = Kept(2, a=0.5)
    np.testing.assert_array_equal(kept.share(), 0.5)
    kept.update(np.array([0]), np.array([0.25]), np.array([8]))  # 2 of 8
    kept.update(np.array([0]), np.array([1.0]), np.array([1]))  # 1 of 1
    # (.5 * 2 + 1 + .5) / (.5 * 8 + 1 + 1)
    np.testing.assert_allclose(kept.share(), [2.5 / 6, 0.5])


def test_arm_means_are_weighted_by_rollouts():
    seen, means = arm_means(np.array([3, 1, 3]), np.array([1.0, 0.5, 0.0]), np.array([2, 8, 6]))
    assert seen.tolist() == [1, 3] and means.tolist() == [0.5, 0.25]
    seen, means = arm_means(np.empty(0, int), np.empty(0), np.empty(0, int))
    assert len(seen) == len(means) == 0


HUGE = np.finfo(float).max


@pytest.mark.parametrize("tau", [4e-4, 1e-300, 5e-324, 1.0, 1e300, HUGE])
@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.5, 1.0],
        [1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0],
        [NAN, NAN, NAN],
        [NAN, 0.3, 0.2],
        [-np.inf, -np.inf, -np.inf],
        [np.inf, 0.0, np.inf],
        [1e308, -1e308, 0.0],
    ],
)
def test_boltzmann_never_overflows(values, tau):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        weights = boltzmann(np.array(values), tau)
    assert np.isfinite(weights).all() and weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    if len(set(map(str, values))) == 1:
        np.testing.assert_allclose(weights, 1 / 3)
    elif tau < 1e-3:
        best = np.nanmax(values)
        assert weights[np.array(values) == best].sum() == pytest.approx(1)


def test_boltzmann_golden():
    np.testing.assert_allclose(
        boltzmann(np.array([0.75, 0.15, 0.05]), 1.0), [0.4889, 0.2683, 0.2428], atol=5e-5
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ArmQ(2, a=0), "a must lie"),
        (lambda: ArmQ(2, init=np.inf), "init must be finite"),
        (lambda: ArmWindow(2, 0), "window must be at least 1"),
        (lambda: FastSlow(2, a=1.5), "a must lie"),
        (lambda: Kept(2, a=0), "a must lie"),
        (lambda: checked_tau(0), "tau must be positive"),
        (lambda: checked_tau(np.inf), "tau must be positive and finite"),
    ],
)
def test_wrong_arguments_are_named(make, text):
    with pytest.raises(ValueError, match=text):
        make()
