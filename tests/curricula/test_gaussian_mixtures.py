"""Mixtures of Gaussians: by hand, against scikit-learn from the same starts, and on bad rows."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from lessonplan.curricula.gaussian_mixtures import best_mixture, mixtures, spread_out

SIZES = range(2, 11)


def levels(rng):
    """What ALPGMM fits by default: 5 levels, and differences of rates of 8 rollouts."""
    rates = rng.integers(0, 9, size=(2, 250)) / 8
    return np.column_stack([rng.integers(0, 5, 250) / 4, np.abs(rates[0] - rates[1])])


def knobs(rng):
    return np.column_stack([rng.random((250, 2)), rng.random(250) ** 2])


def clusters(rng):
    centers = np.array([[0.2, 0.2, 0.1], [0.8, 0.3, 0.5], [0.5, 0.9, 0.3]])
    return centers[rng.integers(3, size=250)] + 0.03 * rng.standard_normal((250, 3))


def distinct(rows):
    return np.unique(rows, axis=0, return_counts=True)


@pytest.mark.parametrize("make", [levels, knobs, clusters])
@pytest.mark.parametrize("seed", range(3))
def test_scikit_learn_reaches_the_same_from_the_same_starts(make, seed):
    rng = np.random.default_rng(seed)
    rows = make(rng)
    points, counts = distinct(rows)
    centers = spread_out(points, counts, 10, rng)
    ours = mixtures(points, counts, [centers[:k] for k in SIZES])
    for k, mine in zip(SIZES, ours, strict=True):
        theirs = GaussianMixture(
            k,
            weights_init=np.full(k, 1 / k),
            means_init=centers[:k],
            precisions_init=np.tile(1e6 * np.eye(rows.shape[1]), (k, 1, 1)),
            init_params="random_from_data",  # not used: all is given
        )
        with warnings.catch_warnings(), threadpool_limits(1):  # threads take seconds (measured)
            warnings.simplefilter("ignore", ConvergenceWarning)
            theirs.fit(rows)
        assert mine.log_likelihood == pytest.approx(theirs.score(rows), abs=1e-6)
        assert mine.aic(250) == pytest.approx(theirs.aic(rows), abs=1e-3)
        np.testing.assert_allclose(mine.shares, theirs.weights_, atol=1e-5)
        np.testing.assert_allclose(mine.means, theirs.means_, atol=1e-5)
        np.testing.assert_allclose(mine.covariances, theirs.covariances_, atol=1e-5)


def test_two_pairs_by_hand():
    points = np.array([[0.0], [0.1], [0.9], [1.0]])
    (fit,) = mixtures(points, np.ones(4, np.int64), [points[[0, 3]]])
    variance = 0.05**2 + 1e-6
    np.testing.assert_allclose(fit.shares, [0.5, 0.5])
    np.testing.assert_allclose(fit.means, [[0.05], [0.95]])
    np.testing.assert_allclose(fit.covariances, [[[variance]]] * 2)
    # each row is .05 from its mean, and the other Gaussian is 17 of its widths away
    expected = np.log(0.5) - np.log(2 * np.pi * variance) / 2 - 0.05**2 / (2 * variance)
    assert fit.log_likelihood == pytest.approx(expected)
    # two shares of which one is free, two means, two variances
    assert fit.aic(4) == pytest.approx(2 * 5 - 2 * 4 * expected)


def test_one_gaussian_has_the_moments_of_the_rows():
    rows = np.random.default_rng(0).random((100, 3))
    (fit,) = mixtures(rows, np.ones(100, np.int64), [rows[:1]])
    np.testing.assert_allclose(fit.means[0], rows.mean(axis=0))
    expected = np.cov(rows.T, ddof=0) + 1e-6 * np.eye(3)
    np.testing.assert_allclose(fit.covariances[0], expected)


def test_a_count_is_as_many_rows():
    rows = levels(np.random.default_rng(1))
    points, counts = distinct(rows)
    starts = [points[::7][:k] for k in (2, 5)]
    once = mixtures(points, counts, starts)
    repeated = mixtures(rows, np.ones(250, np.int64), starts)
    for a, b in zip(once, repeated, strict=True):
        assert a.log_likelihood == pytest.approx(b.log_likelihood, abs=1e-6)
        np.testing.assert_allclose(a.means, b.means, atol=1e-6)


def test_a_mixture_does_not_hear_of_those_fitted_beside_it():
    rows = knobs(np.random.default_rng(2))
    ones = np.ones(250, np.int64)
    together = mixtures(rows, ones, [rows[:k] for k in SIZES])
    for k, fit in zip(SIZES, together, strict=True):
        (alone,) = mixtures(rows, ones, [rows[:k]])
        assert fit.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-9)


def test_three_clusters_are_three_gaussians_and_the_best_is_no_worse():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rows = clusters(rng)
        (three,) = mixtures(*distinct(rows), [spread_out(*distinct(rows), 3, rng)])
        means = three.means[np.argsort(three.means[:, 0])]
        expected = [[0.2, 0.2, 0.1], [0.5, 0.9, 0.3], [0.8, 0.3, 0.5]]
        np.testing.assert_allclose(means, expected, atol=0.02)
        widths = np.sqrt(np.diagonal(three.covariances, axis1=1, axis2=2))
        np.testing.assert_allclose(widths, 0.03, atol=0.01)
        best = best_mixture(rows, SIZES, rng)
        assert best.aic(250) <= three.aic(250) + 1e-9
        assert best_mixture(rows, [2, 3], rng).aic(250) == pytest.approx(three.aic(250))


def test_starts_are_distinct_and_far_from_each_other():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.random((100, 2)) * 0.01 + at for at in (0.0, 0.5, 0.9)])
    for _ in range(20):
        starts = spread_out(points, np.ones(300, np.int64), 10, rng)
        assert len(np.unique(starts, axis=0)) == 10
        np.testing.assert_array_equal(np.sort(starts[:3, 0].round(1)), [0.0, 0.5, 0.9])


def test_the_first_start_is_drawn_by_count():
    points, counts = np.array([[0.0], [1.0]]), np.array([1, 9])
    rng = np.random.default_rng(0)
    first = [spread_out(points, counts, 1, rng)[0, 0] for _ in range(1000)]
    assert np.mean(first) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize(
    "rows",
    [
        np.repeat([[0.0, 0.0], [1.0, 0.0]], 125, axis=0),  # two points
        np.column_stack([np.linspace(0, 1, 250), np.zeros(250)]),  # a line
        np.column_stack([np.linspace(0, 1, 250)] * 6),  # a line in six dimensions
        np.array([[0.0, 0.0], [1e-200, 0.0], [1.0, 0.0]] * 10),  # squares of distances vanish
        np.concatenate([np.zeros((249, 2)), np.ones((1, 2))]),  # one far from all
    ],
    ids=["two points", "line", "line in 6 dimensions", "almost alike", "one far"],
)
def test_bad_rows_are_fitted_without_a_number_that_is_none(rows):
    with np.errstate(all="raise", under="ignore"):
        best = best_mixture(rows, SIZES, np.random.default_rng(0))
    assert np.isfinite(best.log_likelihood)
    np.linalg.cholesky(best.covariances)  # raises unless all are proper
    assert best.shares.sum() == pytest.approx(1)
    assert best.means.min() >= -1e-9 and best.means.max() <= 1 + 1e-9


def test_rows_that_are_all_alike_are_no_mixture():
    assert best_mixture(np.ones((250, 2)), SIZES, np.random.default_rng(0)) is None


def test_equal_seeds_fit_equally():
    rows = knobs(np.random.default_rng(3))
    a, b = (best_mixture(rows, SIZES, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.means, b.means)
    np.testing.assert_array_equal(a.covariances, b.covariances)
