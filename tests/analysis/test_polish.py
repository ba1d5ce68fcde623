"""The search against scipy from many starts and against itself, for every law."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from lessonplan.analysis.fit import fit
from lessonplan.analysis.law_shapes import LAWS
from lessonplan.analysis.laws import EFFICIENCY
from lessonplan.analysis.polish import _local_minimum, linear_step

SIZES = np.array([25.0, 50, 100, 200, 400, 800, 1600])


def data(rows, seed=0):
    y = 0.25 + 0.5 / (1 + 300 / SIZES)
    return y + np.random.default_rng(seed).normal(0, 0.012, (rows, 7))


def projected(law, y, w, tries, rng):
    """Best objective of scipy in theta, c0 and c1 projected out, from random starts."""
    x = SIZES / np.exp(np.log(SIZES).mean())
    low, high = law.box(x)
    top = 1.0 if law.bottom else 0.0

    def residuals(theta):
        z = law.z(x, theta)
        c0, c1, _ = linear_step(w, 1 - y, z, high=top, cap=law.uses_base)
        pulls = [EFFICIENCY.residual(theta[k]) for k in law.exponents]
        return np.append(np.sqrt(w) * (1 - y - c0 - c1 * z), pulls)

    best = np.inf
    for _ in range(tries):
        found = least_squares(residuals, rng.uniform(low, high), bounds=(low, high), ftol=1e-12)
        best = min(best, 2 * found.cost)
    return best


@pytest.mark.parametrize("name", [name for name in LAWS if name != "tan1"])
def test_no_start_of_scipy_is_better(name):
    rng, y, w = np.random.default_rng(1), data(60), np.full(7, 3 / 0.02**2)
    found = fit(SIZES, y, w, law=LAWS[name])
    for row in range(3):
        best = projected(LAWS[name], y[row], w, 8, rng)
        assert found.objective[row] <= best * 1.0002


def test_grid_minima():
    grid = np.array([[3.0, 1, 2], [2, 4, 0]])[None]
    expected = [[False, True, False], [True, False, True]]
    assert _local_minimum(grid)[0].tolist() == expected


def test_capped_curves_reach_their_optimum():
    """Without a base point start + gain <= 1 binds on slow curves; steps must know it."""
    y = np.array([0.05, 0.1, 0.17, 0.25, 0.35, 0.44, 0.5]) + data(40, 3) * 0.1 - 0.05
    w = np.full(7, 2500.0)
    found = fit(SIZES, y, w)
    assert (found.c0 + found.c1 > 1 - 1e-9).any()
    for row in range(4):
        best = projected(LAWS["hill"], y[row], w, 8, np.random.default_rng(row))
        assert found.objective[row] <= best * 1.0001


def test_rows_on_two_bounds_reach_their_optimum():
    """M4 on a row whose best curve runs from 0 to 1: both bounds are met on the way there."""
    y = np.array([0.284916, 0.315054, 0.376741, 0.463655, 0.51974, 0.580001, 0.676656])
    found = fit(SIZES, y, np.full(7, 7500.0), law=LAWS["m4"])
    assert found.objective[0] <= 5.386066 * 1.00002
    assert found.c0[0] < 1e-4 and found.c0[0] + found.c1[0] > 1 - 1e-4
