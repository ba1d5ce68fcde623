"""ln error = E(N) - kmax / (1 + N0/N) ln x: recovery, exactness, refusals."""

import numpy as np
import pytest

from lessonplan.analysis.model_sizes import fit_model_sizes
from lessonplan.errors import ConfigError

N = np.repeat([0.5e9, 1.5e9, 3e9, 7e9, 14e9], 6)
X = np.tile(100.0 * 2 ** np.arange(6), 5)
TRUE = -0.5 - 0.05 * np.log(N / 1e9) - 0.3 / (1 + 2e9 / N) * np.log(X)


def test_exact_law_is_given_back():
    law = fit_model_sizes(N, X, np.exp(TRUE))
    assert law.kmax[0] == pytest.approx(0.3, rel=1e-5)
    assert law.n0[0] == pytest.approx(2e9, rel=1e-5)
    assert law.slope(2e9)[0] == pytest.approx(0.15, rel=1e-5)
    assert law.predict(3e9, 400) == pytest.approx(np.exp(TRUE[(N == 3e9) & (X == 400)][0]))
    assert law.rms < 1e-6


def test_resamples_hold_the_truth():
    hits = []
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 0.02, len(N))
        law = fit_model_sizes(N, X, np.exp(TRUE + noise), resamples=200)
        low, high = law.limits(law.kmax)
        hits.append(low < 0.3 < high)
        assert 0.01 < law.rms < 0.035
    assert sum(hits) >= 17


def test_refusals():
    law = fit_model_sizes(N, X, np.exp(TRUE))
    with pytest.raises(ConfigError, match="was not measured"):
        law.predict(4e9, 100)
    with pytest.raises(ValueError, match="times beyond"):
        law.predict(3e9, 1e6)
    with pytest.raises(ConfigError, match="three model sizes"):
        fit_model_sizes(N[:12], X[:12], np.exp(TRUE[:12]))
    with pytest.raises(ConfigError, match="error must be above 0"):
        fit_model_sizes(N, X, TRUE)
