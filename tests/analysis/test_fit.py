"""Fits against scipy from many starts, and the exact linear step against brute force."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from lessonplan.analysis import EFFICIENCY, EXTRAPOLATION, HILL, POWER, collapse, fit, linear_step
from lessonplan.analysis.fit import Fits

SIZES = np.array([0.0, 8, 16, 32, 64, 128, 256, 512])


def hill(n, start=0.5, top=0.8, half=60.0, slope=1.0):
    with np.errstate(divide="ignore"):
        return start + (top - start) / (1 + (half / n) ** slope)


def reference(law, prior, n, accuracy, weights, rng, tries=12) -> float:
    """Best objective that scipy finds from random starts."""
    if not law.uses_base:
        accuracy, weights, n = accuracy[n > 0], weights[n > 0], n[n > 0]
    x = n / np.exp(np.log(n[n > 0]).mean())
    low, high = law.box(x[x > 0])

    def residuals(p):
        z = law.z(x, p[2:])
        return np.append(
            np.sqrt(weights) * (1 - accuracy - p[0] - p[1] * z),
            prior.residual(p[2:3]) if prior else 0.0,
        )

    best = np.inf
    for _ in range(tries):
        first = np.r_[rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.4), rng.uniform(low, high)]
        bounds = (np.r_[0, 0, low], np.r_[1, np.inf, high])
        found = least_squares(residuals, first, bounds=bounds, xtol=1e-12, ftol=1e-12, gtol=1e-12)
        best = min(best, 2 * found.cost)
    return best


@pytest.mark.parametrize("law", [HILL, POWER])
@pytest.mark.parametrize("prior", [EFFICIENCY, EXTRAPOLATION])
def test_objective_is_that_of_scipy_from_many_starts(law, prior):
    rng = np.random.default_rng(1)
    data = hill(SIZES) + rng.normal(0, 0.02, (25, len(SIZES)))
    weights = np.full(len(SIZES), 1 / 0.02**2)
    ours = fit(SIZES, data, weights, law=law, prior=prior).objective
    for row in range(8):
        best = reference(law, prior, SIZES, data[row], weights, rng, tries=8)
        assert ours[row] <= best * (1 + 1e-4)


def test_hard_cases_against_scipy():
    """Flat, falling, saturated at once, and with few sizes."""
    rng = np.random.default_rng(2)
    for n, y in (
        (SIZES, np.full(8, 0.5)),
        (SIZES, np.linspace(0.6, 0.4, 8)),
        (SIZES, np.r_[0.2, np.full(7, 0.9)]),
        (SIZES[[0, 1, 4, 7]], np.array([0.5, 0.48, 0.62, 0.7])),
        (SIZES[1:], hill(SIZES)[1:]),
    ):
        weights = np.full(len(n), 2500.0)
        ours = float(fit(n, y, weights).objective[0])
        assert ours <= reference(HILL, EFFICIENCY, n, y, weights, rng) * (1 + 1e-4) + 1e-9


def test_recovers_hill_and_inverts():
    exact = fit(SIZES, hill(SIZES, slope=1.3), np.full(8, 1e8), prior=None)
    assert exact.ceiling[0] == pytest.approx(0.8, abs=1e-4)
    assert exact.half[0] == pytest.approx(60, rel=1e-3)
    assert exact.exponent[0] == pytest.approx(1.3, rel=1e-3)
    assert np.exp(exact.log_size(0.65)[0]) == pytest.approx(60, rel=1e-3)
    assert exact.log_size(0.81)[0] == np.inf and exact.log_size(0.49)[0] == -np.inf
    n = np.array([5.0, 100.0, 3000.0])
    np.testing.assert_allclose(exact.accuracy(n)[0], hill(n, slope=1.3), atol=1e-4)


def test_recovers_power_law_and_leaves_the_base_out():
    y = 0.9 - 0.8 * np.maximum(SIZES, 1) ** -0.4
    y[0] = 0.123  # would spoil a law that used it
    found = fit(SIZES, y, np.full(8, 1e8), law=POWER, prior=None)
    assert found.ceiling[0] == pytest.approx(0.9, abs=1e-3)
    assert found.exponent[0] == pytest.approx(0.4, rel=1e-2)
    assert np.exp(found.log_size(0.9 - 0.8 * 50**-0.4)[0]) == pytest.approx(50, rel=1e-2)
    assert np.isnan(found.half[0])


def test_inverse_agrees_with_the_curve_for_all_rows():
    rng = np.random.default_rng(3)
    data = hill(SIZES) + rng.normal(0, 0.03, (200, len(SIZES)))
    for law in (HILL, POWER):
        found: Fits = fit(SIZES, data, np.full(8, 1 / 0.03**2), law=law)
        log_n = found.log_size(0.62)
        rows = np.flatnonzero(np.isfinite(log_n) & (np.abs(log_n) < 30))
        assert len(rows) > 100
        for row in rows:
            at = found.accuracy(np.exp(log_n[row : row + 1]))[row, 0]
            assert at == pytest.approx(0.62, abs=1e-9)


@pytest.mark.parametrize("cap", [False, True])
def test_linear_step_is_exact(cap):
    """No point of a fine grid of the allowed region is better."""
    rng = np.random.default_rng(4)
    c0, c1 = (g.ravel() for g in np.meshgrid(np.linspace(0, 1, 201), np.linspace(0, 3, 601)))
    allowed = c0 + c1 <= 1 if cap else np.ones(len(c0), bool)
    c0, c1 = c0[allowed], c1[allowed]
    for _ in range(60):
        w, z = rng.uniform(0.1, 2, 5), np.sort(rng.uniform(0, 1, 5))[::-1]
        y = rng.uniform(-0.7, 1.7, 5)  # often outside what a box allows
        a, b, ssr = linear_step(w, y, z, cap=cap)
        assert 0 <= a <= 1 and b >= 0 and (not cap or a + b <= 1 + 1e-12)
        assert ssr == pytest.approx((w * (y - a - b * z) ** 2).sum())
        grid = (w * (y - c0[:, None] - c1[:, None] * z) ** 2).sum(1)
        assert ssr <= grid.min() + 1e-9
        assert ssr >= grid.min() - 0.05  # and it is the minimum, not below the region


def test_linear_step_with_constant_z():
    a, b, ssr = linear_step(np.ones(3), np.array([0.2, 0.3, 0.4]), np.ones(3))
    assert (a, b) == (pytest.approx(0.3), 0.0) and ssr == pytest.approx(0.02)


def test_collapse_keeps_fits():
    rng = np.random.default_rng(5)
    n = np.repeat(SIZES, 3)
    y = hill(n) + rng.normal(0, 0.02, (4, len(n)))
    w = rng.uniform(500, 2000, (4, len(n)))
    sizes, mean, weight = collapse(n, y, w)
    assert sizes.tolist() == SIZES.tolist() and weight.shape == (4, 8)
    whole, cells = fit(n, y, w), fit(sizes, mean, weight)
    np.testing.assert_allclose(whole.half, cells.half, rtol=1e-3)
    np.testing.assert_allclose(whole.ceiling, cells.ceiling, atol=1e-4)


def test_rows_do_not_disturb_each_other():
    rng = np.random.default_rng(6)
    data = hill(SIZES) + rng.normal(0, 0.03, (50, 8))
    weights = np.full(8, 1000.0)
    alone = fit(SIZES, data[17], weights)
    together = fit(SIZES, data, weights)
    assert together.objective[17] == pytest.approx(alone.objective[0], rel=1e-9)


def test_refuses_a_single_size():
    with pytest.raises(ValueError, match="two training-set sizes"):
        fit(np.array([0.0, 8.0]), np.array([0.5, 0.6]), np.ones(2))
