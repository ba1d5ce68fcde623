"""The three lines of a notebook: values, marks, limits and refusals."""

import numpy as np
import pytest

from lessonplan.analysis.law_curve import fit_law

SIZES = np.array([25.0, 50, 100, 200, 400, 800, 1600])


def truth(n):
    return 0.25 + 0.5 / (1 + 300 / np.asarray(n, dtype=float))


def runs(sd=0.02, seeds=3, seed=0):
    n = np.repeat(SIZES, seeds)
    y = truth(n) + np.random.default_rng(seed).normal(0, sd, len(n))
    return np.append(0.0, n), np.append(0.25, y)


@pytest.fixture(scope="module")
def law():
    return fit_law(*runs(), law="hill", items=500)


def test_inside_the_data(law):
    found = law.predict(800)
    assert found.kind == "measured" and not found.extrapolated and found.beyond == 1
    assert found.low < truth(800) < found.high and 0.02 < found.high - found.low < 0.1
    assert law.interval(800) == (found.low, found.high) and float(found) == found.value
    assert law.curve([800])[0] == pytest.approx(found.value)
    size = law.n_at(0.5)  # true: 300
    assert size.kind == "measured" and size.low < 300 < size.high < 2 * size.low
    assert law.predict(float(size)).value == pytest.approx(0.5, abs=1e-9)


def test_coverage_of_the_interval():
    """The 95 % interval of an accuracy holds the truth in nearly all of 60 small studies."""
    hits = []
    for seed in range(60):
        n, y = runs(seed=seed)
        shift = np.random.default_rng(seed + 999).normal(0, np.sqrt(0.27 * 0.25 / 500))
        found = fit_law(n[1:], y[1:] + shift, items=500, resamples=100).predict(400)
        hits.append(found.low <= truth(400) <= found.high)
    assert np.mean(hits) >= 0.9


def test_beyond_the_data_is_marked(law):
    found = law.predict(3200)
    assert found.kind == "extrapolated" and found.beyond == 2 and not found.dashed
    assert (found.half, found.most) == (pytest.approx(1.02), pytest.approx(1.15))
    error = 1 - found.value
    assert found.low <= 1 - error * 1.15 + 1e-9 and found.high >= 1 - error / 1.15 - 1e-9
    assert found.last == pytest.approx(law.cells.means[-1])
    for words in ("extrapolated 2 times beyond", "last value 0.", "not on RL"):
        assert words in str(found)
    assert law.predict(4000).dashed


def test_beyond_eight_times_is_refused_unless_forced(law):
    with pytest.raises(ValueError, match="12.5 times beyond the largest measured size 1600"):
        law.predict(20_000)
    assert law.predict(20_000, force=True).most > 1.71


def test_sizes_beyond_the_data(law):
    close = law.n_at(0.69)  # true 2200
    assert close.kind == "extrapolated" and 1600 < close.value < 8 * 1600
    assert close.low < close.value < close.high
    never = law.n_at(0.95)
    assert never.kind == "not reached" and never.value == np.inf
    assert 1600 < never.low <= 8 * 1600 and "not reached within 8 times" in str(never)
    assert law.n_at(0.2).kind == "at the start" and law.n_at(0.2).value == 0


def test_ceiling_and_speed(law):
    assert law.ceiling.extrapolated and np.isnan(law.ceiling.low)
    assert law.exponent.low < 1 < law.exponent.high
    assert law.half.low < 300 < law.half.high
    assert "ceiling of" in str(law) and "sd of a run" in str(law)


def test_a_second_law_of_the_same_runs(law):
    other = law.with_law("pow4")
    assert other.name == "shifted power law" and other.cells is law.cells
    assert other.predict(400).value == pytest.approx(law.predict(400).value, abs=0.01)
    assert "may be larger" in str(other.predict(2000))


def test_without_the_base_model_nothing_is_said_below_the_data():
    n, y = runs()
    found = fit_law(n[1:], y[1:], items=500, law="pow3").predict(5)
    assert found.extrapolated and found.beyond == 5 and np.isnan(found.low)


def test_one_run_a_size_is_flagged():
    found = fit_law(*runs(seeds=1), items=500).predict(400)
    assert "one run a size, flagged" in str(found) and found.low < truth(400) < found.high


def test_losses():
    n = np.repeat(SIZES, 3)
    loss = 1.5 + 20 * n**-0.5
    loss = loss * np.exp(np.random.default_rng(0).normal(0, 0.01, len(n)))
    law = fit_law(n, loss, law="pow3", of="loss")
    assert law.predict(400).value == pytest.approx(2.5, rel=0.01)
    assert law.n_at(2.5).value == pytest.approx(400, rel=0.1)
    beyond = law.predict(3200)
    assert beyond.low < 1.5 + 20 * 3200**-0.5 < beyond.high and law.ceiling.value < 1.8
    assert law.n_at(0.5).kind == "not reached"


def test_coverage_of_single_losses():
    """Five losses leave Hill's curve one degree of freedom; the truth is held all the same."""
    n, hits = np.array([50.0, 120, 290, 700, 1600]), []
    exact = 1.5 + 2 / (1 + n / 300)
    for seed in range(30):
        loss = exact * np.exp(np.random.default_rng([seed, 3]).normal(0, 0.01, 5))
        found = fit_law(n, loss, of="loss", resamples=100).predict(1600)
        hits.append(found.low <= exact[-1] <= found.high)
    assert np.mean(hits) >= 0.85  # .70 if Hill's curve is said to take three numbers


def test_units_that_tie_sizes_are_what_varies():
    """Two seeds apart by .04 at all sizes: the interval is that of two, by Student's t."""
    n, unit = np.repeat(SIZES, 2), np.tile(["first", "second"], 7)
    y = truth(n) + np.tile([-0.02, 0.02], 7)
    found = fit_law(n, y, items=100_000, units=unit).predict(400)
    alone = fit_law(n, y, items=100_000).predict(400)
    assert found.value == pytest.approx(alone.value, abs=0.005)
    half = 12.7 * 0.02  # t of one degree of freedom times the error of a mean of two
    assert half < found.high - found.low < 2.2 * half and alone.high - alone.low < 0.1
    assert not any("one run" in note for note in found.notes)


def test_the_same_seed_gives_the_same_interval(law):
    again = fit_law(*runs(), items=500)
    assert again.interval(100) == law.interval(100)
