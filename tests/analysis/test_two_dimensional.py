"""Samples seen and unique problems: recovery, slices, refusals, harmful repetition."""

import numpy as np
import pytest

from lessonplan.analysis.laws import HILL
from lessonplan.analysis.two_dimensional import PRACTICAL, fit_surface
from lessonplan.errors import ConfigError

PAIRS = [(e * d, d) for d in (50.0, 100, 200, 400, 800) for e in (1, 2, 4, 8) for _ in range(3)]
SEEN, UNIQUE = np.array(PAIRS).T


def truth(seen, unique):
    h = (200 / seen) ** 0.8 + (100 / unique) ** 0.6
    return 0.75 - 0.5 * h / (1 + h)


def runs(sd=0.02, seed=0, harm=0.0):
    noise = np.random.default_rng(seed).normal(0, sd, len(SEEN))
    y = truth(SEEN, UNIQUE) + noise - harm * (SEEN / UNIQUE == 8)
    return np.append(0, SEEN), np.append(0, UNIQUE), np.append(0.25, y)


@pytest.fixture(scope="module")
def surface():
    return fit_surface(*runs(), items=500, resamples=100)


def test_worked_number_and_hill_as_its_limit():
    # h = 1/4^.5 + 3/2 = 2
    theta = np.log([[0.5, 1, 1, 3]])
    assert PRACTICAL.z(np.array([[4.0, 2.0]]), theta) == pytest.approx(2 / 3)
    x = np.array([[1e30, k] for k in (0.5, 1.0, 3.0)])
    assert PRACTICAL.z(x, theta) == pytest.approx(HILL.z(x[:, 1], np.log([[1.0, 3.0]])))
    assert PRACTICAL.z(np.zeros((1, 2)), theta) == 1


def test_slopes_are_derivatives():
    theta = np.random.default_rng(0).uniform(-1, 1, (20, 4))
    x, h = np.array([[0.0, 0], [1, 0.3], [2, 2], [9, 1]]), 1e-5
    slopes = PRACTICAL.slopes(x, theta)
    for k in range(4):
        step = np.eye(4)[k] * h
        numeric = (PRACTICAL.z(x, theta + step) - PRACTICAL.z(x, theta - step)) / (2 * h)
        np.testing.assert_allclose(slopes[..., k], numeric, rtol=1e-6, atol=1e-9)


def test_recovers_an_exact_surface():
    found = fit_surface(*runs(0.0), items=500).observed
    pairs = np.stack([SEEN, UNIQUE], axis=1)
    np.testing.assert_allclose(found.values(pairs)[0], truth(SEEN, UNIQUE), atol=0.004)


def test_slices_answer_like_curves(surface):
    four = surface.at_epochs(4)
    found = four.predict(400)
    assert found.low < truth(1600, 400) < found.high and found.kind == "measured"
    size = four.n_at(0.5)
    grid = np.arange(50.0, 800)
    exact = grid[np.argmax(truth(4 * grid, grid) >= 0.5)]
    assert size.low < exact < size.high
    assert four.predict(float(size)).value == pytest.approx(0.5, abs=1e-3)
    beyond = four.predict(1600)
    assert beyond.extrapolated and beyond.beyond == 2
    assert abs(beyond.value - truth(6400, 1600)) < 0.06
    assert surface.at_epochs(8).cells.largest == 800
    assert surface.at_epochs(16).cells.largest == 400  # 6400 samples seen at most
    total = surface.at_total(1600).predict(200)
    assert total.low < truth(1600, 200) < total.high


def test_harmful_repetition_shows_in_the_residuals():
    p = [fit_surface(*runs(seed=s), items=500, resamples=0).harm for s in range(20)]
    assert np.mean(np.array(p) < 0.05) <= 0.2
    bad = fit_surface(*runs(harm=0.06), items=500, resamples=20)
    assert bad.harmful and "rises with repetition" in str(bad.at_epochs(2).predict(100))


def test_designs_that_cannot_tell_are_refused():
    y = np.full(len(SEEN), 0.5)
    with pytest.raises(ConfigError, match="proportional .all runs have 4 epochs"):
        fit_surface(4 * UNIQUE, UNIQUE, y)
    with pytest.raises(ConfigError, match="each take 3 values, got 1"):
        fit_surface(np.full(len(SEEN), 800.0), UNIQUE, y)
    with pytest.raises(ConfigError, match="both be above 0, or both 0"):
        fit_surface(SEEN, UNIQUE * 0, y)
    with pytest.raises(ConfigError, match="samples seen must be at most"):
        fit_surface(*runs(), items=500, resamples=0).at_total(1e6)


def test_single_losses_count_what_the_surface_has_fitted():
    """20 pairs less six parameters: Student's t of 14 degrees of freedom, 2.145."""
    seen, unique = SEEN[::3], UNIQUE[::3]
    exact = 2 - truth(seen, unique)
    noise = np.random.default_rng(0).normal(0, 0.02, 20)
    surface = fit_surface(seen, unique, exact * np.exp(noise), of="loss", resamples=50)
    assert surface.cells.stretch == pytest.approx(2.14479 / 1.96, rel=1e-5)
    assert 0.01 < surface.cells.sd < 0.03 and "read off" in surface.cells.flags[0]
    found = surface.at_epochs(2).predict(200)
    assert found.value == pytest.approx(2 - truth(400, 200), rel=0.02)
    assert 0.02 < found.high - found.low < 0.1
    repeated = fit_surface(*runs(), items=500, resamples=1).cells
    assert repeated.stretch == 1 and not repeated.flags
