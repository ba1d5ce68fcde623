"""The rows behind the pictures of a simulation, and that every picture says it is simulated."""

from dataclasses import replace

import numpy as np
import pytest

from lessonplan.training.paired import ratios
from lessonplan.training.scenario import Practice, load_scenario
from lessonplan.training.simulate import simulate
from lessonplan.training.simulate_figures import (
    forest_rows,
    learning_rows,
    level_rows,
    looks,
    outcome_rows,
    pictures,
    tracking_rows,
    truth_rows,
)
from lessonplan.training.simulate_record import PARTS, RATES


@pytest.fixture(scope="module")
def done():
    scenario = load_scenario("demo", worlds=2)
    return simulate(replace(scenario, practice=Practice(steps=60, every=10), target=0.4))


def test_learning_rows_hold_every_world_and_the_mean(done):
    rows = [row for row in learning_rows(done) if row["sampler"] == "LIM"]
    ends = [row for row in rows if row["rollouts"] == 60 * 16 * 8]
    worlds = [row["success"] for row in ends if row["world"] != ""]
    (mean,) = [row for row in ends if row["world"] == ""]
    assert len(worlds) == 2 and mean["success"] == pytest.approx(np.mean(worlds))
    assert mean["low"] < mean["success"] < mean["high"]


def test_levels_add_up(done):
    rows = level_rows(done)
    for name in done.samplers:
        for part in range(PARTS):
            own = [row for row in rows if (row["sampler"], row["part"]) == (name, part)]
            assert sum(row["asked"] for row in own) == 2 * 3 * 16  # worlds x steps x groups
            assert sum(row["share"] for row in own) == pytest.approx(1)
            assert all(row["trained"] <= row["asked"] for row in own)
    assert {row["level"] for row in rows if row["sampler"] == "EasyOnly" and row["asked"]} == {1, 2, 3}  # fmt: skip


def test_picks_of_uniform_are_like_the_pool_and_those_of_adaptive_are_not(done):
    rows = truth_rows(done)

    def preference(name, low, high):
        own = [r for r in rows if r["sampler"] == name and low <= r["rate"] < high]
        everyone = [r for r in rows if r["sampler"] == name]
        picks = sum(r["picks"] for r in own) / sum(r["picks"] for r in everyone)
        return picks * sum(r["problems"] for r in everyone) / sum(r["problems"] for r in own)

    assert len(rows) == len(done.samplers) * PARTS * RATES
    assert preference("Uniform", 0.2, 0.8) == pytest.approx(1, abs=0.1)
    assert preference("AdaptiveDifficulty", 0.2, 0.8) > 1.2
    assert preference("EasyOnly", 0.0, 0.1) < 0.2


def test_outcomes_and_tracking(done):
    assert sum(r["mixed"] + r["all right"] + r["all wrong"] for r in outcome_rows(done)) == (
        len(done.samplers) * 2 * 60 * 16
    )
    assert {r["sampler"] for r in tracking_rows(done)} == {"AdaptiveDifficulty"}
    error = [r["error"] for r in tracking_rows(done)]
    assert error[-1] < error[0]


def test_every_row_and_picture_says_that_it_is_simulated(done):
    found = ratios(done)
    drawn = pictures(done, found)
    assert [one.name for one in drawn] == [
        f"demo-{what}"
        for what in ("v1-learning", "v3-forest", "v4-levels", "v9-truth", "v6-wasted", "tracking")
    ]
    for one in drawn:
        assert one.title.startswith("Simulated: ") and "imulated learner" in one.caption
        assert all(row["learner"] == "simulated" for row in one.rows)
    assert len(forest_rows(found)) == 4
    assert b"<svg" in drawn[1].svg


def test_looks_stay_apart_with_many_samplers(done):
    many = replace(done, samplers=tuple(f"s{i}" for i in range(20)))
    found = list(looks(many).values())
    assert len({(one.color, one.marker) for one in found}) == 20
