"""The planner: its published figures, its derivatives, its foresight, what a pilot teaches it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lessonplan.analysis import HILL, curves, fit, read_study
from lessonplan.analysis.next_run import next_runs, pilot_of, read_pilot
from lessonplan.analysis.plan_search import cheapest, cost
from lessonplan.analysis.planning import (
    HillGuess,
    Layout,
    item_noise,
    moves,
    pair_of,
    predict,
)
from lessonplan.errors import ConfigError
from tests.scripts import load_script

planner = load_script("benchmarks/planner.py")

LADDER = (50, 100, 200, 400, 800, 1600)
COLUMNS = ((200, 0.02), (500, 0.02), (1000, 0.02), (2000, 0.02), (500, 0.01), (500, 0.03))
TABLE = {  # hi/lo, independent / parallel, by seeds: computed from the same formula, two decimals
    3: "1.87/1.64 1.62/1.46 1.53/1.39 1.48/1.36 1.46/1.34 1.85/1.63",
    5: "1.63/1.47 1.46/1.34 1.40/1.29 1.36/1.27 1.35/1.26 1.63/1.46",
    10: "1.42/1.31 1.31/1.23 1.27/1.20 1.25/1.18 1.24/1.17 1.42/1.31",
}


def grid(sizes=LADDER, seeds=3, items=500, units=0):
    return Layout.grid(tuple(sizes), seeds=seeds, items=items, units=units)


# The formula


@pytest.mark.parametrize("accuracy, v", [(0.25, 0.14), (0.5, 0.18)])
def test_noise_of_items_whose_difficulty_spreads(accuracy, v):
    assert item_noise(accuracy, 1.5) == pytest.approx(v, abs=0.005)
    assert item_noise(accuracy, 0.0) == pytest.approx(accuracy * (1 - accuracy))


@pytest.mark.parametrize("seeds", TABLE)
def test_widths_by_seeds_items_and_run_noise(seeds):
    for (items, sd), cell in zip(COLUMNS, TABLE[seeds].split(), strict=True):
        free, joint = map(float, cell.split("/"))
        pair, layout = pair_of(2.0, sd=sd), grid(seeds=seeds, items=items)
        assert predict(layout, pair).ideal == pytest.approx(free, abs=0.0085)
        assert predict(layout, pair, parallel=True).ideal == pytest.approx(joint, abs=0.0065)


@pytest.mark.parametrize(
    "sizes, width",
    [
        ((50, 200, 800), 2.03),
        (100 * 2.5 ** np.arange(4), 1.75),
        (25 * 2.0 ** np.arange(8), 1.55),
        ((50, 100, 200, 400), 3.68),  # short of the target
    ],
)
def test_widths_of_ladders(sizes, width):
    assert predict(grid(sizes), pair_of(2.0)).ideal == pytest.approx(width, abs=0.006)


def test_a_plan_for_three_seeds_and_five_hundred_items():
    found = predict(grid(), pair_of(2.0))
    assert np.exp(found.error) == pytest.approx(1.132, abs=0.001)  # error of the estimate
    assert found.seen == pytest.approx(1.5, abs=0.02)  # exp(2.8 x 1.15 x se)
    assert found.width == pytest.approx(found.ideal**1.15)
    assert (found.n_a, found.n_b) == pytest.approx((300, 600))
    assert found.notes == ()
    one = predict(grid(seeds=1), pair_of(2.0))
    assert np.exp(one.error) == pytest.approx(1.229, abs=0.001)


def test_derivatives_are_those_of_the_curve():
    guess, n = HillGuess(0.2, 0.7, 1.3, 150.0), np.array([0.0, 20, 150, 900])

    def shifted(j, h):
        values = [guess.base, guess.ceiling, np.log(guess.exponent), np.log(guess.half)]
        values[j] += h
        return HillGuess(values[0], values[1], np.exp(values[2]), np.exp(values[3]))

    h = 1e-5
    for j in range(4):
        up, down = shifted(j, h), shifted(j, -h)
        numeric = (up.accuracy(n) - down.accuracy(n)) / (2 * h)
        np.testing.assert_allclose(guess.jacobian(n)[:, j], numeric, atol=1e-8)
        slope = (up.log_size(0.5) - down.log_size(0.5)) / (2 * h)
        assert guess.gradient(0.5)[j] == pytest.approx(slope, abs=1e-6)


def test_moves_say_how_the_shipped_fit_moves():
    """c is the derivative of ln n_B - ln n_A by each accuracy, through the fit in use."""
    layout, pair, target = grid(), pair_of(2.0), 0.5
    move = moves(layout, pair, target)
    n = np.append(0.0, LADDER)
    exact = (pair.a.accuracy(n), pair.b.accuracy(n))
    weight = 1 / move.noise
    weight[0] = 500 / (0.25 * 0.75)
    sides = (weight[:7], np.append(weight[0], weight[7:]))

    def distance(a, b):
        logs = [
            fit(n, y[None], w[None], law=HILL).log_size(target)[0]
            for y, w in zip((a, b), sides, strict=True)
        ]
        return logs[1] - logs[0]

    h = 2e-3
    for k in (1, 3, 6):
        bump = np.zeros(7)
        bump[k] = h
        by_a = (distance(exact[0] + bump, exact[1]) - distance(exact[0] - bump, exact[1])) / (2 * h)
        by_b = (distance(exact[0], exact[1] + bump) - distance(exact[0], exact[1] - bump)) / (2 * h)
        assert move.all[k] == pytest.approx(by_a, rel=0.05, abs=0.05)
        assert move.all[6 + k] == pytest.approx(by_b, rel=0.05, abs=0.05)


# Units that run through all sizes


def test_width_over_units_by_hand():
    layout, pair = grid(seeds=2, units=5), pair_of(2.0, favor=0.1)
    found, move = predict(layout, pair), moves(grid(seeds=2, units=5), pair, 0.5)
    units = np.sqrt((move.unit**2 @ move.noise + 0.01) / 5)
    t, median = stats.t(4).ppf(0.975), np.sqrt(stats.chi2(4).ppf(0.5) / 4)
    rest = found.half**2 - (t * median * units) ** 2  # what test items add
    assert 0 < rest < (1.96 * found.error) ** 2
    assert "Student's t 2.78 with 4 degrees of freedom" in found.formula
    assert found.seen == pytest.approx(np.exp(found.half * (1 + stats.t(4).ppf(0.8) / t)))


def test_a_level_that_a_unit_gives_to_all_cells_moves_nothing():
    pair = replace(pair_of(2.0), b=HillGuess(0.25, 0.7, 0.8, 500.0))
    move = moves(grid(units=3, seeds=1), pair, 0.5)
    level = np.ones(len(move.unit))
    assert abs(move.unit @ level) < 1e-9 < abs(move.all @ level)


def test_more_of_anything_narrows():
    pair = pair_of(2.0)
    base = predict(grid(units=3, seeds=1), pair).width
    for better in (
        grid(units=4, seeds=1),
        grid(units=3, seeds=2),
        grid(units=3, seeds=1, items=1000),
        grid((*LADDER, 3200), units=3, seeds=1),
    ):
        assert predict(better, pair).width < base


# Foresight


@pytest.mark.parametrize("which", [0, 1, 2])
def test_predicted_widths_are_those_of_simulated_studies(which):
    name, predicted, target, make = list(planner.designs())[which]
    found = planner.simulated(make, target, 10)
    assert np.log(predicted) / np.log(found) == pytest.approx(1.0, abs=0.25), name


# Cost and search


def test_cost_by_hand():
    found = cost(grid(), pair_of(2.0, samples=4), rollouts_per_run=12_800, pace=1000.0)
    assert (found.runs, found.trained, found.evaluated) == (36, 460_800, 72_000)
    assert found.hours == pytest.approx(532_800 / 3.6e6)
    assert cost(grid(units=3), pair_of(2.0), rollouts_per_run=1, pace=1).runs == 108


@pytest.mark.parametrize("tied", [False, True])
def test_the_cheapest_study_is_the_cheapest(tied):
    pair = pair_of(2.0)
    found = cheapest(50, 1600, pair, rollouts_per_run=12_800, width=1.8, tied=tied)
    assert found.width <= 1.8
    spent = cost(found.layout, pair, rollouts_per_run=12_800, pace=1).rollouts
    for k in (4, 6):  # nothing cheaper will do
        sizes = tuple(np.unique(np.round(np.geomspace(50, 1600, k))))
        for seeds in range(3, 12):
            for items in (500, 2000):
                units = seeds if tied else 0
                layout = grid(sizes, seeds=1 if tied else seeds, items=items, units=units)
                if cost(layout, pair, rollouts_per_run=12_800, pace=1).rollouts < spent:
                    assert predict(layout, pair).width > 1.8
    assert cheapest(50, 1600, pair, rollouts_per_run=1, width=1.001) is None
    powered = cheapest(50, 1600, pair, rollouts_per_run=12_800, power=1.5, items=500, tied=tied)
    assert powered.seen <= 1.5 and powered.layout.items == 500


# Refusals and notes


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: HillGuess(0.8, 0.5), "0 < base < ceiling < 1, got 0.8 and 0.5"),
        (lambda: pair_of(0.0), "ratio must be above 0"),
        (lambda: pair_of(2.0, sd=-1.0), "must be at least 0"),
        (lambda: grid((50,)), "two or more distinct numbers"),
        (lambda: grid(units=1), "0 .independent runs. or 2"),
        (lambda: predict(grid(), pair_of(2.0), 0.8), "between 0.25 and 0.75, got 0.8"),
        (lambda: cheapest(1, 9, pair_of(2.0), rollouts_per_run=1), "give one of width and power"),
    ],
)
def test_what_cannot_be_planned(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_notes_name_what_a_study_lacks():
    notes = "; ".join(predict(grid((50, 100, 200, 400), seeds=2, items=200), pair_of(2.0)).notes)
    assert "B reaches 0.5 at 600 problems, above the largest size: extrapolated" in notes
    assert "4 sizes over 8x" in notes and "2 seeds; 3" in notes and "200 test items; 500" in notes


# A pilot


def test_a_pilot_finds_the_noise_that_made_it():
    found = []
    for seed in range(4):
        both = curves(planner.independent(np.random.default_rng(seed)), ("a", "b"), resamples=60)
        pilot = pilot_of(both, target=0.5, rollouts_per_run=12_800)
        assert pilot.method == "runs" and pilot.layout.units == 0
        assert set(pilot.layout.runs_a) == {3} and pilot.layout.items == 500
        found.append(
            (pilot.pair.sd, pilot.item_noise, pilot.pair.difficulty, pilot.pair.b.log_size(0.5))
        )
    sd, v, difficulty, needed = np.mean(found, axis=0)
    assert sd == pytest.approx(0.02, rel=0.25)
    assert v == pytest.approx(item_noise(0.5), abs=0.012)
    assert difficulty == pytest.approx(1.5, abs=0.2)
    assert np.exp(needed) == pytest.approx(600, rel=0.15)


def test_next_runs_narrow_most_for_their_rollouts():
    both = curves(planner.independent(np.random.default_rng(1)), ("a", "b"), resamples=60)
    pilot = pilot_of(both, target=0.5, rollouts_per_run=12_800, pace=1000.0)
    now, options = predict(pilot.layout, pilot.pair, 0.5), next_runs(pilot)
    gains = [one.gain for one in options]
    assert gains == sorted(gains, reverse=True) and gains[0] > 0
    for one in options:
        assert one.gain == pytest.approx((now.half / 1.96 - one.error) / one.cost.rollouts * 1e6)
        assert one.cost.runs >= 3  # as often as the analysis needs
    # Where the slower curve crosses the target, a point tells more than far above it.
    drop = {one.what: now.half - one.forecast.half for one in options}
    assert drop["b at a new size, n = 566"] > drop["b at a new size, n = 71"]
    assert drop["one more seed in every cell"] > 0


def test_where_starts_differ_another_start_is_the_best_use_of_runs():
    world = replace(planner.coverage.SCENARIOS["starts: full, 2x"], favor_sd=1.0)
    table = planner.coverage.simulate(world, np.random.default_rng(3))
    pilot = pilot_of(curves(table, ("a", "b"), resamples=60), target=0.63, rollouts_per_run=100)
    assert pilot.method == "starts" and set(pilot.layout.runs_a) == {2}
    pilot = replace(pilot, pair=replace(pilot.pair, favor=1.0))
    drops = {one.what: one.forecast.half for one in next_runs(pilot)}
    assert min(drops, key=drops.get) == "one more warm start in every cell"


def test_a_pilot_is_read_from_journals(tools, tmp_path):
    folder = tools.write_study(tmp_path / "study", sizes=(8, 32, 128, 512))
    pilot = read_pilot(read_study(folder), "mixed", "easy", target=0.6)
    assert pilot.layout.units == 3 and pilot.layout.sizes_a == (8, 32, 128, 512)
    assert pilot.pair.samples == 1  # greedy, as the warm starts were not sampled
    assert pilot.rollouts_per_run == 80 and pilot.pace == pytest.approx(80 / 3.0, rel=0.01)
    assert pilot.pair.a.half < pilot.pair.b.half  # as they were made
    with pytest.raises(ConfigError, match="target 0.99 that both fitted curves reach"):
        read_pilot(read_study(folder), "mixed", "easy", target=0.99)


def test_one_seed_is_no_pilot(tools, tmp_path):
    folder = tools.write_study(tmp_path / "study", starts=1)
    with pytest.raises(ConfigError, match="a pilot needs two"):
        read_pilot(read_study(folder), "mixed", "easy", target=0.6)
