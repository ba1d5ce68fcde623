"""The noise model by hand, and resamples with the spread they should have."""

import numpy as np
import pytest

from lessonplan.analysis.fit import fit
from lessonplan.analysis.law_cells import WITHIN, run_cells
from lessonplan.analysis.laws import HILL, POWER, PURE_POWER
from lessonplan.errors import ConfigError


def test_spread_is_pooled_and_inflated_by_hand():
    cells = run_cells([10, 10, 20, 20, 0], [0.4, 0.5, 0.6, 0.64, 0.25], items=100_000)
    # residuals .05 .05 .02 .02: SS .0058 on R - K = 2
    assert cells.sd == pytest.approx(np.sqrt(0.0058 / 2))
    assert cells.sizes.tolist() == [0, 10, 20] and cells.counts.tolist() == [1, 2, 2]
    assert cells.means.tolist() == pytest.approx([0.25, 0.45, 0.62])
    assert cells.sd_each[1:] == pytest.approx([np.sqrt(0.005), np.sqrt(0.0008)])
    weights = cells.weights(cells.means)
    assert weights[0] == pytest.approx(100_000 / (0.25 * 0.75))
    assert weights[1:] == pytest.approx(2 / 0.0029)
    assert np.sort(cells.pool) == pytest.approx(np.sqrt(2) * np.array([-0.05, -0.02, 0.02, 0.05]))


def test_floor_flags_and_the_warning():
    exact = run_cells([10, 10, 20, 20], [0.4, 0.4, 0.5, 0.5], items=400)
    assert exact.sd == pytest.approx(0.5 * np.sqrt(0.25 / 400)) and not exact.flags
    uneven = run_cells([10, 10, 20, 20], [0.3, 0.5, 0.5, 0.51], items=400)
    assert "sd 0.0071 to 0.14" in uneven.uneven and not exact.uneven
    assert "items unknown" in run_cells([10, 10, 20, 20], [0.3, 0.5, 0.5, 0.51]).flags[0]


def test_one_run_a_size_reads_the_noise_off_the_curve():
    n = np.array([25.0, 50, 100, 200, 400, 800])
    rng = np.random.default_rng(0)
    sds = [
        run_cells(n, 0.2 + 0.6 / (1 + 100 / n) + rng.normal(0, 0.04, 6), items=5000).sd
        for _ in range(60)
    ]
    assert 0.03 < np.mean(sds) < 0.05
    assert "one run a size" in run_cells(n, 0.2 + n / 5000, items=500).flags[0]


def test_resamples_spread_as_runs_and_items_do():
    n = np.repeat([10.0, 20, 40], 4)
    y = 0.5 + np.tile([-0.03, -0.01, 0.01, 0.03], 3)
    cells = run_cells(n, y, items=250)
    rows = cells.resample(20_001, np.random.default_rng(0))
    assert rows[0].tolist() == cells.means.tolist()
    runs = (np.tile([0.03, 0.01], 2) ** 2).mean() * 4 / 3 / 4
    variance = 0.25 / 250  # of one run's items
    assert rows[1:].var(0) == pytest.approx(
        runs + (1 - WITHIN) * variance + WITHIN * variance / 4, rel=0.05
    )
    together = np.cov(rows[1:].T)[0, 1]  # the items that all runs share
    assert together == pytest.approx((1 - WITHIN) * variance, rel=0.15)


def test_losses_are_weighted_by_their_relative_error():
    cells = run_cells([10, 10, 20, 20], [1.9, 2.1, 0.95, 1.05], of="loss")
    assert cells.sd == pytest.approx(np.sqrt(4 * 0.05**2 / 2))
    assert cells.weights(cells.means) == pytest.approx(2 / (cells.sd * np.array([2, 1])) ** 2)
    rows = cells.resample(5000, np.random.default_rng(0))
    spread = np.log(rows).std(0)
    assert spread[0] == pytest.approx(spread[1], rel=0.05)


def test_residuals_of_losses_pay_for_few_runs():
    """Four runs in two cells leave two degrees of freedom: Student's 4.303 over the normal 1.96."""
    cells = run_cells([10, 10, 20, 20], [1.9, 2.1, 0.95, 1.05], of="loss")
    np.testing.assert_allclose(np.abs(cells.pool), 0.05 * np.sqrt(2))
    assert cells.stretch == pytest.approx(4.30265 / 1.96, rel=1e-5)
    rows = cells.resample(20_000, np.random.default_rng(0))
    spread = 0.05 * 4.30265 / 1.96  # of a mean of two
    np.testing.assert_allclose(np.log(rows[1:]).std(0), spread, rtol=0.02)
    exact = run_cells([10, 10, 20, 20], [0.5, 0.6, 0.6, 0.7], items=100)
    np.testing.assert_allclose(np.abs(exact.pool), 0.05 * np.sqrt(2))
    assert exact.stretch == 1


@pytest.mark.parametrize(
    ("law", "freedom", "quantile"),
    [(HILL, 3, 3.18245), (POWER, 4, 2.77645), (PURE_POWER, 5, 2.57058)],
)
def test_single_losses_count_what_the_law_has_fitted(law, freedom, quantile):
    """Seven losses: the law's parameters are gone, and Student's t is of what is left."""
    n = np.array([25.0, 50, 100, 200, 400, 800, 1600])
    loss = 10 * n**-0.3 * np.exp(0.02 * np.array([1, -1, 1, -1, -1, 1, -1]))
    cells = run_cells(n, loss, of="loss", law=law)
    fitted = fit(n, loss, 1 / loss**2, law=law, prior=None, of="loss").values(n)[0]
    assert cells.sd == pytest.approx(np.sqrt(((loss / fitted - 1) ** 2).sum() / freedom))
    assert cells.stretch == pytest.approx(quantile / 1.96, rel=1e-5) and not len(cells.pool)
    rows = cells.resample(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.log(rows).std(0), cells.sd * cells.stretch, rtol=0.03)


def test_single_losses_with_as_many_parameters_as_sizes():
    """Four losses lie on Hill's curve: nothing is left to read noise from, so it is assumed."""
    cells = run_cells([50, 100, 200, 400], [4.0, 3.0, 2.5, 2.2], of="loss")
    assert (cells.sd, cells.stretch) == (0.02, 1) and "is assumed, sd 0.02" in cells.flags[0]
    read = run_cells([50, 100, 200, 400, 800], [4.0, 3.0, 2.5, 2.2, 2.1], of="loss")
    assert read.stretch == pytest.approx(12.7062 / 1.96, rel=1e-4)
    assert "read off the fitted curve" in read.flags[0]
    started = run_cells([0, 50, 100, 200, 400], [9.0, 4.0, 3.0, 2.5, 2.2], of="loss")
    assert started.stretch == read.stretch  # the base model is a point of Hill's curve
    flat = run_cells(np.array([50, 100, 200, 400, 800]), np.full(5, 2.0), of="loss")
    assert (flat.sd, flat.stretch) == (pytest.approx(0.002), 1)  # the least that is believed


@pytest.mark.parametrize(
    ("n", "y", "words"),
    [
        ([1, 2], [50, 60], "percent: divide by 100"),
        ([1, 2], [0.5], "equally many"),
        ([-1, 2], [0.5, 0.6], "0 (the base model) or above"),
    ],
)
def test_refusals(n, y, words):
    with pytest.raises(ConfigError) as caught:
        run_cells(n, y)
    assert words in str(caught.value)
