"""Shapes by hand-worked numbers; slopes by differences; inverses there and back."""

import numpy as np
import pytest

from lessonplan.analysis.fit import fit
from lessonplan.analysis.law_shapes import BNSL1, EXP, LAWS, M4_LAW, POW4, find_law
from lessonplan.analysis.laws import HILL, POWER, PURE_POWER
from lessonplan.errors import ConfigError

ALL = [HILL, POWER, PURE_POWER, POW4, EXP, M4_LAW, BNSL1]
X = np.array([0.1, 0.4, 1.0, 2.5, 9.0])
ids = pytest.mark.parametrize("law", ALL, ids=lambda law: law.name)


def inside(law, rows=40, seed=0):
    """Points of the box, away from its edge and from curves that are flat at 0 or 1."""
    low, high = law.box(X)
    return low + (high - low) * np.random.default_rng(seed).uniform(0.25, 0.75, (rows, len(low)))


def test_worked_numbers():
    assert HILL.z(np.array([2.0]), np.log([[1.0, 2.0]])) == pytest.approx(0.5)
    assert POWER.z(np.array([4.0]), np.log([[0.5]])) == pytest.approx(0.5)
    assert POW4.z(np.array([3.0]), np.log([[2.0, 1.0]])) == pytest.approx(1 / 16)
    assert EXP.z(np.array([2.0]), np.log([[2.0]])) == pytest.approx(np.exp(-1))
    # z / (1 - z)^2 = 1 / 2 at n = 2 with c = 1, b = 1, alpha = 2: z^2 - 4 z + 1 = 0
    assert M4_LAW.z(np.array([2.0]), np.log([[1, 1, 2.0]])) == pytest.approx(2 - np.sqrt(3))
    # p = 1, q = 1, d = 4, f = 1 at n = 4: 4^-1 (1 + 1)^-1
    assert BNSL1.z(np.array([4.0]), np.log([[1, 4, 2, 1.0]])) == pytest.approx(1 / 8)


def test_m4_with_alpha_1_is_hill():
    theta = inside(HILL)
    with_alpha = np.column_stack([theta, np.zeros(len(theta))])
    np.testing.assert_allclose(M4_LAW.z(X, with_alpha), HILL.z(X, theta), rtol=1e-12)


def test_m4_solves_its_equation():
    theta = inside(M4_LAW)
    z = M4_LAW.z(X, theta)
    b, c, alpha = np.exp(theta[:, :, None]).transpose(1, 0, 2)
    left = np.log(z) - alpha * np.log1p(-z)
    right = -b * np.log(X / c)
    known = (z > 1e-12) & (z < 1 - 1e-6)
    assert known.sum() > 100
    np.testing.assert_allclose(left[known], right[known], atol=1e-8)


@ids
def test_slopes_are_derivatives(law):
    theta, h = inside(law), 1e-5
    slopes = law.slopes(X, theta)
    for k in range(theta.shape[1]):
        step = np.eye(theta.shape[1])[k] * h
        numeric = (law.z(X, theta + step) - law.z(X, theta - step)) / (2 * h)
        np.testing.assert_allclose(slopes[..., k], numeric, rtol=1e-6, atol=1e-8)


@ids
def test_inverse_there_and_back(law):
    theta = inside(law)
    z = law.z(X, theta)
    for k, x in enumerate(X):
        known = (z[:, k] > 1e-9) & (z[:, k] < (1 - 1e-4 if law.uses_base else np.inf))
        back = law.inverse(z[known, k], theta[known])
        np.testing.assert_allclose(back, np.log(x), atol=1e-6)
        assert known.sum() > 10


@ids
def test_z_falls_and_starts_at_one(law):
    theta = inside(law)
    assert (np.diff(law.z(np.geomspace(0.1, 10, 50), theta), axis=1) <= 0).all()
    if law.uses_base:
        assert (law.z(np.zeros(1), theta) == 1).all()
        assert (law.slopes(np.zeros(1), theta) == 0).all()
    assert len(law.shape()) == theta.shape[1] and all(k < theta.shape[1] for k in law.exponents)


@ids
def test_recovers_its_own_curve(law):
    """The objective of an exact curve is nothing, and the curve is found, losses too."""
    sizes = np.array([25.0, 50, 100, 200, 400, 800, 1600, 3200])
    x = sizes / np.exp(np.log(sizes).mean())
    low, high = law.box(x)
    theta = low + (high - low) * 0.45
    error = 0.2 * law.bottom + 0.3 * law.z(x, theta) / law.z(x, theta).max()
    for of in ("accuracy", "loss"):
        values = 1 - error if of == "accuracy" else error
        found = fit(sizes, values, np.full(8, 1e4), law=law, prior=None, of=of)
        assert found.objective[0] < 1e-3
        np.testing.assert_allclose(found.values(sizes)[0], values, atol=2e-4)


def test_the_pure_power_law_has_no_bottom():
    sizes = np.array([10.0, 100, 1000])
    found = fit(sizes, 2 * sizes**-0.5, np.ones(3), law=PURE_POWER, prior=None, of="loss")
    assert found.c0[0] == 0 and found.c1[0] * found.scale**0.5 == pytest.approx(2, rel=1e-6)
    assert found.exponent[0] == pytest.approx(0.5, rel=1e-6)


def test_names():
    assert find_law("hill") is HILL and find_law(POW4) is POW4
    assert LAWS["tan1"] is LAWS["pow2"]
    with pytest.raises(ConfigError, match="no law 'hil'; known: hill, pow2"):
        find_law("hil")
