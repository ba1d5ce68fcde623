"""Units that run through all sizes: the noise by hand, how resamples move, and what is refused."""

import numpy as np
import pytest

from lessonplan.analysis.law_cells import WITHIN
from lessonplan.analysis.law_curve import fit_law
from lessonplan.analysis.tied_cells import tied_cells
from lessonplan.errors import ConfigError

SIZES = np.array([25.0, 50, 100, 200, 400, 800, 1600])


def test_deviations_of_units_by_hand():
    cells = tied_cells(
        [10, 10, 20, 20, 20], [1.8, 2.2, 0.8, 1.2, 1.4], ["a", "b", "a", "b", "b"], of="loss"
    )
    # Means of a and b: 1.8 and 2.2 at 10; .8 and 1.3 at 20, where b has two runs.
    assert cells.means.tolist() == pytest.approx([2.0, 1.05]) and cells.counts.tolist() == [2, 2]
    half = 0.25 / 1.05
    np.testing.assert_allclose(cells.together, [[-0.1, -half], [0.1, half]])
    # About unit + size, each is off by half of the difference; one degree of freedom.
    assert cells.sd == pytest.approx(abs(half - 0.1))
    assert cells.sd_each == pytest.approx(np.sqrt(2) * np.array([0.1, half]))
    assert cells.stretch == pytest.approx(12.7062 / 1.96, rel=1e-4) and not cells.flags


def test_a_resample_moves_all_sizes_together():
    rng = np.random.default_rng(0)
    unit, n = np.tile(np.arange(4), 7), np.repeat(SIZES, 4)
    loss = (1.5 + 20 / np.sqrt(n)) * np.exp(np.array([-0.04, -0.01, 0.01, 0.04])[unit])
    cells = tied_cells(n, loss, unit, of="loss")
    moved = np.log(cells.resample(4001, rng) / cells.means)
    np.testing.assert_array_equal(moved[0], 0)
    np.testing.assert_allclose(np.ptp(moved, axis=1), 0, atol=1e-12)
    deviations = loss[:4] / loss[:4].mean() - 1
    error = np.sqrt((deviations**2).sum() / 12)  # of a mean of four
    assert moved[1:, 0].std() == pytest.approx(error * 3.18245 / 1.96, rel=0.02)


def test_items_move_all_runs_and_units_hold_the_rest():
    """A base model of its own for each unit is luck already told; one for all units is not."""
    n, y = np.repeat([0.0, 10, 20, 40], 2), np.full(8, 0.5) + np.tile([-1e-6, 1e-6], 4)
    own = tied_cells(n, y, np.tile(["a", "b"], 4), items=250)
    rows = own.resample(20_001, np.random.default_rng(0))
    np.testing.assert_allclose(rows[1:].var(0), (1 - WITHIN) * 0.25 / 250, rtol=0.05)
    assert np.ptp(rows, axis=1).max() < 1e-3
    assert own.sd == pytest.approx(0.5 * np.sqrt(0.25 / 250))  # the floor
    assert "items unknown" in tied_cells(n, y, np.tile(["a", "b"], 4)).flags[0]
    shared = tied_cells(n[1:], y[1:], ["base", *("a", "b") * 3], items=250)
    rows = shared.resample(20_001, np.random.default_rng(0))
    expected = np.array([1, 1 - WITHIN, 1 - WITHIN, 1 - WITHIN]) * 0.25 / 250
    np.testing.assert_allclose(rows[1:].var(0), expected, rtol=0.05)


def test_the_base_model_of_each_unit_or_of_all():
    n, y = [0, 0, 10, 10, 20, 20], [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    own = tied_cells(n, y, list("ababab"), items=500)
    np.testing.assert_allclose(own.together[:, 0], [-0.05, 0.05])
    shared = tied_cells(n, y, ["base", "base", "a", "b", "a", "b"], items=500)
    np.testing.assert_allclose(shared.together[:, 0], 0, atol=1e-12)
    assert own.means[0] == shared.means[0] == 0.25 and shared.counts.tolist() == [2, 2, 2]
    one = tied_cells(n[1:], y[1:], ["base", "a", "b", "a", "b"], items=500)
    assert one.means[0] == 0.3 and one.counts.tolist() == [1, 2, 2]


def test_tied_seeds_widen_the_interval():
    """Levels of sd .03 and noise of .005: taken as independent runs, the level is lost."""
    hits = {"alone": 0, "tied": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        unit, n = np.tile(np.arange(3), 7), np.repeat(SIZES, 3)
        level = rng.normal(0, 0.03, 3)[unit] + rng.normal(0, 0.005, 21)
        loss = (1.5 + 20 / np.sqrt(n)) * np.exp(level)
        for name, units in (("alone", None), ("tied", unit)):
            law = fit_law(n, loss, of="loss", law="pow3", units=units, resamples=200, seed=seed)
            found = law.predict(400)
            hits[name] += found.low <= 2.5 <= found.high
    assert hits["tied"] >= 36 and hits["alone"] <= 32


@pytest.mark.parametrize(
    ("n", "units", "words"),
    [
        ([10, 10, 20, 20], ["a", "a", "a", "a"], r"two or more .* got \['a'\]"),
        ([10, 10, 20, 20], ["a", "b", "a", "a"], "b has none at n = 20"),
        ([10, 10, 20, 20], ["a", "b"], "got 2 for 4 runs"),
    ],
)
def test_refusals(n, units, words):
    with pytest.raises(ConfigError, match=words):
        tied_cells(n, [0.4, 0.5, 0.6, 0.7], units)
    with pytest.raises(ConfigError, match="percent"):
        tied_cells(n, [40, 50, 60, 70], units)
