import json

import numpy as np
import pytest

from lessonplan.errors import StateError
from lessonplan.selection import Stateful, old_positions, state_from_json, state_to_json
from lessonplan.selection.estimators import BetaDecay


class Inner(Stateful):
    arrays = ("seen",)
    values = ("count",)

    def __init__(self):
        self.seen = np.zeros(3, np.int16)
        self.count = 0


class Outer(Stateful):
    arrays = ("rates",)
    positions = ("queue",)
    values = ("inner", "pair", "rng", "share", "name")

    def __init__(self):
        self.rates = np.full((3, 2), np.nan, np.float32)
        self.queue = np.arange(3)
        self.inner, self.pair = Inner(), (Inner(), Inner())
        self.rng = np.random.default_rng(5)
        self.share, self.name = 0.5, "x"


def used():
    outer = Outer()
    outer.rates[1] = [0.25, 1.0]
    outer.queue = np.array([2, 0])
    outer.inner.seen[:] = [1, 2, 3]
    outer.pair[1].count = 9
    outer.rng.random(7)
    outer.share, outer.name = 0.1, "y"
    return outer


def test_state_survives_json_exactly():
    outer, copy = used(), Outer()
    text = json.dumps(state_to_json(outer.state_dict()), allow_nan=False)
    copy.load_state_dict(state_from_json(json.loads(text)))
    np.testing.assert_array_equal(copy.rates, outer.rates)
    assert copy.rates.dtype == np.float32
    np.testing.assert_array_equal(copy.queue, [2, 0])
    np.testing.assert_array_equal(copy.inner.seen, [1, 2, 3])
    assert (copy.pair[1].count, copy.share, copy.name) == (9, 0.1, "y")
    assert copy.rng.random() == outer.rng.random()


def test_numbers_in_the_state_fit_64_bits():
    def numbers(value):
        if isinstance(value, dict):
            return [n for each in value.values() for n in numbers(each)]
        return [value] if isinstance(value, int) else []

    document = state_to_json({"rng": used().state_dict()["rng"]})
    assert all(abs(n) < 2**63 for n in numbers(document))


def test_a_state_is_a_copy():
    outer = used()
    state = outer.state_dict()
    outer.rates[0] = 7
    assert np.isnan(state["rates"][0]).all()


@pytest.mark.parametrize(
    "change,text",
    [
        ({"kind": "Other"}, "belongs to Other"),
        ({"rates": np.zeros((4, 2), np.float32)}, "remap"),
        ({"rates": np.zeros((3, 2), np.int64)}, "int64"),
        ({"rates": [0, 1]}, "expected an array"),
        ({"share": 1}, "expected float"),
        ({"pair": []}, "2 parts"),
        ({"rng": {"bit_generator": "MT19937"}}, "PCG64"),
        ({"inner": 3}, "not a state"),
        ({"extra": 3}, "extra"),
    ],
)
def test_what_does_not_fit_is_refused_whole(change, text):
    outer = used()
    broken = {**Outer().state_dict(), **change}
    with pytest.raises(StateError, match=text):
        outer.load_state_dict(broken)
    assert outer.share == 0.1
    assert outer.rates[1, 1] == 1.0


def test_a_damaged_part_of_a_part_is_refused():
    state = Outer().state_dict()
    state["pair"][0] = {**state["pair"][0], "seen": np.zeros(2, np.int16)}
    with pytest.raises(StateError, match="Inner.seen"):
        used().load_state_dict(state)


@pytest.mark.parametrize(
    "array",
    [
        {"dtype": "<f8", "shape": [2], "base64": "AAAA"},  # too short
        {"dtype": "|O", "shape": [1], "base64": "AAAAAAAAAAA="},
        {"dtype": "nonsense", "shape": [1], "base64": ""},
        {"dtype": "<f8", "shape": [1], "base64": "*"},
    ],
)
def test_arrays_that_are_none_are_refused(array):
    with pytest.raises(StateError, match="rates"):
        state_from_json({"rates": array})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, np.array(["a"])])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(StateError, match="share"):
        state_to_json({"share": value})


def test_old_positions_by_id():
    np.testing.assert_array_equal(old_positions(["a", "b", "c"], ["c", "x", "a"]), [2, -1, 0])


def test_remap_moves_rows_and_queues_and_gives_new_problems_the_prior():
    moved = Outer().remap(used().state_dict(), np.array([1, -1, 0]))  # problem 2 is gone
    np.testing.assert_array_equal(moved["rates"], [[0.25, 1.0], [np.nan] * 2, [np.nan] * 2])
    np.testing.assert_array_equal(moved["queue"], [2])
    np.testing.assert_array_equal(moved["inner"]["seen"], [2, 0, 1])
    assert moved["pair"][1]["count"] == 9


def test_remap_takes_priors_from_the_constructor():
    old, new = BetaDecay(2, a0=3.0), BetaDecay(3, a0=3.0)
    old.alpha[:] = [8.0, 9.0]
    moved = new.remap(old.state_dict(), np.array([-1, 1, 0]))
    np.testing.assert_array_equal(moved["alpha"], [3.0, 9.0, 8.0])


def test_remap_refuses_ids_of_another_pool():
    with pytest.raises(StateError, match="old problem ids"):
        Outer().remap(used().state_dict(), np.array([0, 1, 5]))
