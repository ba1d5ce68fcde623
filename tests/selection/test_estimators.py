import numpy as np
import pytest

from lessonplan.selection import EMA, BetaDecay, Curve
from lessonplan.selection.estimators import Last, Streak, Window

ZERO = np.array([0])


def group(k, g):
    return (np.arange(g) < k).astype(float)[None, :]  # (1, g)


def test_beta_decay_golden():
    """Run against the MoPPS reference: G = 8, lam = .5."""
    estimate = BetaDecay(2)
    estimate.update(ZERO, group(2, 8))
    assert (estimate.alpha[0], estimate.beta[0]) == (3, 7)
    assert (estimate.alpha[1], estimate.beta[1]) == (1, 1)
    for expected in ((10, 4), (13.5, 2.5)):
        estimate.update(ZERO, group(8, 8))
        assert (estimate.alpha[0], estimate.beta[0]) == expected
    other = BetaDecay(1)
    other.update(ZERO, group(8, 8))
    assert (other.alpha[0], other.beta[0]) == (9, 1)


@pytest.mark.parametrize("lam,after_50", [(0.5, 9), (1.0, 201)])
def test_beta_decay_memory(lam, after_50):
    estimate = BetaDecay(1, lam=lam)
    for _ in range(50):
        estimate.update(ZERO, group(4, 8))
    assert estimate.alpha[0] == pytest.approx(after_50)


@pytest.mark.parametrize("lam,tracks", [(0.5, True), (1.0, False)])
def test_only_a_forgetting_posterior_tracks_a_policy_that_learns(lam, tracks):
    rng = np.random.default_rng(0)
    rates = np.linspace(0.1, 0.9, 60)
    estimate, errors = BetaDecay(200, lam=lam), []
    for p in rates:
        wins = (rng.random((200, 8)) < p).astype(float)
        estimate.update(np.arange(200), wins)
        errors.append(np.abs(estimate.mean(np.arange(200)) - p).mean())
    assert (max(errors[20:]) < 0.15) == tracks


@pytest.mark.parametrize("make", [BetaDecay, EMA, Last, Window, Streak, lambda n: Curve(n, 3)])
def test_groups_without_a_number_change_nothing_and_nan_is_left_out(make):
    a, b = make(3), make(3)
    a.update(np.array([0, 1]), np.array([[1, 0, 1, np.nan], [np.nan] * 4]))
    b.update(ZERO, np.array([[1.0, 0.0, 1.0]]))
    for name in a.arrays:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("make", [BetaDecay, EMA, Last, Window, Streak, lambda n: Curve(n, 3)])
def test_a_problem_told_twice_at_once_counts_twice_in_order(make):
    a, b = make(3), make(3)
    a.update(np.array([2, 1, 2]), np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    b.update(np.array([2, 1]), np.array([[1.0, 1.0], [0.0, 1.0]]))
    b.update(np.array([2]), np.array([[0.0, 0.0]]))
    for name in a.arrays:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_ema_by_hand():
    estimate = EMA(2, a=0.25)
    assert np.isnan(estimate.mean(np.arange(2))).all()
    for k, expected in ((4, 0.5), (8, 0.625), (0, 0.46875)):
        estimate.update(ZERO, group(k, 8))
        assert estimate.mean(ZERO)[0] == expected
    assert np.isnan(estimate.mean(np.array([1]))[0])


def test_curve_keeps_the_last_visits_newest_last():
    curve = Curve(2, 3)
    for k in (1, 2, 3, 4):
        curve.update(ZERO, group(k, 4))
    curve.update(np.array([1]), group(0, 4))
    np.testing.assert_array_equal(curve.last, [[0.5, 0.75, 1.0], [np.nan, np.nan, 0.0]])
    np.testing.assert_array_equal(curve.mean(), [0.5, 0.75, 0.5])


def test_curve_means_do_not_depend_on_the_order_of_tells():
    rng = np.random.default_rng(1)
    wins = (rng.random((300, 7)) < 0.3).astype(float)
    whole, parts = Curve(300, 4), Curve(300, 4)
    whole.update(np.arange(300), wins)
    for i in rng.permutation(300):
        parts.update(np.array([i]), wins[i : i + 1])
    assert whole.mean()[-1] == parts.mean()[-1]
    loaded = Curve(300, 4)
    loaded.load_state_dict(parts.state_dict())
    np.testing.assert_array_equal(loaded.mean(), parts.mean())


def test_last_keeps_the_last_group():
    estimate = Last(2)
    assert np.isnan(estimate.mean(np.arange(2))).all()
    for k, g in ((1, 3), (7, 8), (0, 5)):
        estimate.update(ZERO, group(k, g))
        assert estimate.mean(ZERO)[0] == k / g


def test_window_by_hand():
    estimate, one = Window(2, 3), np.array([1])
    for reading in (estimate.mean, estimate.std, estimate.slope):
        assert np.isnan(reading(ZERO)[0])
    estimate.update(ZERO, group(1, 4))
    assert (estimate.mean(ZERO)[0], estimate.std(ZERO)[0]) == (0.25, 0)
    assert np.isnan(estimate.slope(ZERO)[0])
    estimate.update(ZERO, group(3, 4))
    assert (estimate.mean(ZERO)[0], estimate.std(ZERO)[0]) == (0.5, 0.25)
    assert estimate.slope(ZERO)[0] == 0.5
    estimate.update(ZERO, group(3, 4))
    assert estimate.slope(ZERO)[0] == pytest.approx(0.25)
    estimate.update(ZERO, group(0, 4))  # the last three: .75 .75 0
    assert estimate.mean(ZERO)[0] == 0.5
    assert estimate.std(ZERO)[0] == pytest.approx(np.std([0.75, 0.75, 0]))
    assert estimate.slope(ZERO)[0] == pytest.approx(-0.375)
    assert np.isnan(estimate.mean(one)[0])


def test_window_slope_is_least_squares():
    rng, estimate = np.random.default_rng(0), Window(1, 6)
    rates = []
    for _ in range(9):
        wins = (rng.random((1, 8)) < 0.5).astype(float)
        rates.append(wins.mean())
        estimate.update(ZERO, wins)
        last = rates[-6:]
        if len(last) > 1:
            fitted = np.polyfit(np.arange(len(last)), last, 1)[0]
            assert estimate.slope(ZERO)[0] == pytest.approx(fitted, abs=1e-12)


def test_streak_counts_groups_of_one_kind():
    streak, seen = Streak(1), []
    for k in (8, 8, 0, 0, 0, 3, 8, np.nan, 8):
        wins = np.full((1, 8), np.nan) if np.isnan(k) else group(k, 8)
        streak.update(ZERO, wins)
        seen.append((int(streak.length(ZERO)[0]), int(streak.side(ZERO)[0])))
    assert seen == [(1, 1), (2, 1), (1, -1), (2, -1), (3, -1), (0, 0), (1, 1), (1, 1), (2, 1)]


def test_beta_posterior_draws_and_variance():
    estimate, i = BetaDecay(3), np.repeat(ZERO, 20_000)
    estimate.update(ZERO, group(2, 8))  # (3, 7)
    assert estimate.variance(ZERO)[0] == pytest.approx(21 / 1100)
    drawn = estimate.draw(np.random.default_rng(0), i)
    assert drawn.mean() == pytest.approx(0.3, abs=0.005)
    assert drawn.var() == pytest.approx(21 / 1100, abs=0.001)


def test_only_a_posterior_can_be_drawn_from():
    with pytest.raises(TypeError, match="EMA has no posterior"):
        EMA(1).draw(np.random.default_rng(0), ZERO)


@pytest.mark.parametrize(
    "wrong", [lambda: BetaDecay(1, lam=1.5), lambda: BetaDecay(1, a0=0), lambda: EMA(1, a=0)]
)
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="need"):
        wrong()
