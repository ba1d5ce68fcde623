"""L = E + A N^-alpha + B D^-beta on points made here, against scipy from several starts."""

import numpy as np
import pytest
from scipy.optimize import minimize

from lessonplan.analysis.compute_law import DELTA, NAMES, fit_compute_law
from lessonplan.errors import ConfigError

TRUE = {"A": 477.83, "B": 2143.4, "E": 1.81722, "alpha": 0.34731, "beta": 0.36717}


def points(sd, runs=240, seed=0):
    rng = np.random.default_rng(seed)
    n = 10 ** rng.uniform(7.7, 10.2, runs)
    d = n * 10 ** rng.uniform(0.3, 2.2, runs)
    loss = TRUE["E"] + TRUE["A"] * n ** -TRUE["alpha"] + TRUE["B"] * d ** -TRUE["beta"]
    return n, d, loss * np.exp(sd * rng.standard_t(3, runs))


def test_exact_points_give_the_law_back():
    law = fit_compute_law(*points(0.0))
    assert law.objective[0] < 1e-12
    for name, value in TRUE.items():
        assert getattr(law, name)[0] == pytest.approx(value, rel=1e-4)


def test_objective_is_that_of_scipy_on_every_resample():
    """Summed Huber loss of log residuals, by an independent function, from three starts."""
    n, d, loss = points(0.01)
    rng = np.random.default_rng(1)
    counts = rng.multinomial(240, np.full(240, 1 / 240), 200).astype(float)
    law = fit_compute_law(n, d, loss, counts=counts)

    def objective(t, c):
        terms = [t[0] - t[3] * np.log(n), t[1] - t[4] * np.log(d), np.full(240, t[2])]
        r = np.abs(np.log(loss) - np.logaddexp.reduce(terms))
        return 1e4 * (c * np.where(r < DELTA, r * r / 2, DELTA * (r - DELTA / 2))).sum()

    for row in range(4):
        c = counts[row - 1] if row else np.ones(240)
        at = np.array(
            [*np.log([law.A[row], law.B[row], law.E[row]]), law.alpha[row], law.beta[row]]
        )
        assert objective(at, c) == pytest.approx(1e4 * law.objective[row], rel=1e-9)
        for k in range(3):
            start = at + (k > 0) * rng.normal(0, [1, 1, 0.2, 0.05, 0.05])
            best = minimize(objective, start, args=(c,), method="BFGS").fun
            assert 1e4 * law.objective[row] <= best * (1 + 1e-6)


def test_intervals_hold_the_truth_and_need_resamples():
    n, d, loss = points(0.005)
    law = fit_compute_law(n, d, loss, resamples=300)
    for name in ("E", "alpha", "beta"):
        low, high = law.interval(name)
        assert low < TRUE[name] < high
    value, low, high = law.predict(1e9, 2e10)
    assert low < 1.81722 + 477.83 * 1e9**-0.34731 + 2143.4 * 2e10**-0.36717 < high
    assert high - low < 0.02 < value
    with pytest.raises(ConfigError, match="20 resamples, got 0"):
        fit_compute_law(n, d, loss).interval("alpha")
    with pytest.raises(ConfigError, match="known: " + ", ".join(NAMES)):
        law.interval("gamma")


def test_beyond_the_data_there_is_no_interval():
    n, d, loss = points(0.005)
    law = fit_compute_law(n, d, loss, resamples=50)
    assert np.isnan(law.predict(2 * n.max(), d.max())[1:]).all()
    with pytest.raises(ValueError, match="times beyond"):
        law.predict(9 * n.max(), d.max())


def test_compute_optimal_split_is_the_minimum():
    law = fit_compute_law(*points(0.0))
    n, d = law.optimal(1e21)
    assert 6 * n[0] * d[0] == pytest.approx(1e21)
    best = law.rows(n[0], d[0])[0]
    for factor in (0.9, 1.1):
        assert law.rows(n[0] * factor, d[0] / factor)[0] > best
    assert law.share()[0] == pytest.approx(0.36717 / (0.36717 + 0.34731), rel=1e-3)


def test_same_seed_same_rows_and_refusals():
    data = points(0.01, runs=60)
    one, two = (fit_compute_law(*data, resamples=30, seed=3) for _ in range(2))
    assert one.alpha.tolist() == two.alpha.tolist()
    with pytest.raises(ConfigError, match="at least six"):
        fit_compute_law([1.0] * 5, [1.0] * 5, [1.0] * 5)
    with pytest.raises(ConfigError, match="loss must be above 0"):
        fit_compute_law(*data[:2], data[2] * 0)
