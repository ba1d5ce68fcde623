"""A law of the user's gives what the built-in law of the same form gives."""

import sys

import numpy as np
import pytest

from lessonplan.analysis.law_curve import fit_law
from lessonplan.analysis.user_law import fit_user_law
from lessonplan.errors import ConfigError

SIZES = np.repeat([25.0, 50, 100, 200, 400, 800], 3)
RUNS = 0.25 + 0.5 / (1 + 100 / SIZES)
RUNS = RUNS + np.random.default_rng(0).normal(0, 0.02, len(SIZES))
START = {"start": 0.3, "top": 0.7, "half": 50.0}


def hill_1(n, start, top, half):
    return start + (top - start) * n / (n + half)


@pytest.fixture(scope="module")
def mine():
    pytest.importorskip("lmfit")
    return fit_user_law(SIZES, RUNS, hill_1, start=START, items=500, resamples=40)


def test_finds_the_least_squares_curve(mine):
    """Given the half size the rest is a line: the best over a fine grid of half sizes."""
    cells = mine.cells
    root = np.sqrt(cells.weights(cells.means))
    best = np.inf
    for half in np.geomspace(20, 400, 4000):
        share = cells.sizes / (cells.sizes + half)
        design = np.stack([np.ones_like(share), share], axis=1) * root[:, None]
        line = np.linalg.lstsq(design, root * cells.means, rcond=None)[0]
        best = min(best, ((root * cells.means - design @ line) ** 2).sum())
    assert mine.objective == pytest.approx(best, rel=1e-4)


def test_same_interface_as_built_in_laws(mine):
    built_in = fit_law(SIZES, RUNS, items=500)
    for n in (60, 300):
        one, two = mine.predict(n), built_in.predict(n)
        assert one.value == pytest.approx(two.value, abs=0.01)
        assert one.high - one.low == pytest.approx(two.high - two.low, rel=0.5)
    assert mine.n_at(0.5).value == pytest.approx(100, rel=0.25)
    assert mine.predict(float(mine.n_at(0.5))).value == pytest.approx(0.5, abs=1e-4)
    assert mine.predict(1600).extrapolated and mine.n_at(0.99).kind == "not reached"
    with pytest.raises(ValueError, match="times beyond"):
        mine.predict(1e5)


def test_profile_interval_of_a_parameter(mine):
    low, high = mine.parameter_interval("half")
    assert low < mine.parameters["half"] < high and low < 100 < high
    with pytest.raises(ConfigError, match="no parameter 'c'; known: start, top, half"):
        mine.parameter_interval("c")


def test_a_law_that_is_infinite_at_0_leaves_the_base_out():
    pytest.importorskip("lmfit")

    def power(n, bottom, gain, a):
        return 1 - bottom - gain * n**-a

    start = {"bottom": 0.2, "gain": 2.0, "a": 0.5}
    n, y = np.append(0.0, SIZES), np.append(0.25, RUNS)
    with_base = fit_user_law(n, y, power, start=start, items=500, resamples=20)
    without = fit_user_law(SIZES, RUNS, power, start=start, items=500, resamples=20)
    assert with_base.parameters == pytest.approx(without.parameters, rel=1e-3)


def test_refusals():
    pytest.importorskip("lmfit")
    with pytest.raises(ConfigError, match="start must name the parameters"):
        fit_user_law(SIZES, RUNS, hill_1, start={"a": 1.0})
    with pytest.raises(ConfigError, match="bounds must be for a parameter of start"):
        fit_user_law(SIZES, RUNS, hill_1, start=START, bounds={"top": (0.8, 1.0)})


def test_bounds_hold():
    pytest.importorskip("lmfit")
    low = {"top": (0.0, 0.71)}
    found = fit_user_law(SIZES, RUNS, hill_1, start=START, bounds=low, items=500)
    assert found.parameters["top"] <= 0.71


def test_without_lmfit_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lmfit", None)
    with pytest.raises(ConfigError, match='needs lmfit: pip install "lessonplan'):
        fit_user_law(SIZES, RUNS, hill_1, start=START)
