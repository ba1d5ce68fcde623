"""Guess rates: estimators by hand, and gates on the shipped table."""

from collections import defaultdict
from dataclasses import replace

import pytest

from lessonplan.generators.families import TASKS, family
from lessonplan.generators.graph.walk import Walk
from lessonplan.generators.guess import (
    GATE,
    _constants,
    _glances,
    guess_rates,
    is_witness,
    published_rates,
)

# Tasks whose commonest answer may pass the gate, and why.
EXEMPT = {
    "counting.count_if": "a tiny task: at most nine digits are counted",
    "spatial.displacement": "a tiny task: unit steps; up to level 3 the answers are few",
}


def test_best_constants_by_hand():
    seen = ["x", "x", "y", "y"] * 50
    assert _constants(seen, ["1", "1", "2", "2"] * 50) == 1.0
    assert _constants(["x"] * 200, ["1", "1", "1", "2"] * 50) == 0.75
    # Every sight is new: what was learned on one half says nothing about the other.
    assert _constants([str(i) for i in range(200)], ["1"] * 200) == 0.0


def test_what_a_prompt_shows_at_a_glance():
    data = {"edges": [["a", "b"]], "start": "a", "steps": 3, "weights": {"a": 1}}
    assert _glances(data) == {"length of edges": "1", "start": "a", "steps": "3"}


def test_a_leaky_prompt_has_a_high_prior():
    class Leaky(Walk):
        def draw(self, stream, level):
            route = super().draw(stream, level)
            last = {"a": "b", "b": "c"}.get(route.walk[0], "d")
            if last in route.walk:
                return None
            return replace(route, walk=(*route.walk[:-1], last))

    rates = guess_rates(Leaky(), 1, 400)
    assert rates.given == "start"
    assert rates.prior == 1.0 > rates.mode


def test_a_witness_task_is_judged_by_its_checker():
    class AnyRoom(Walk):
        def check(self, problem, found):
            return "right" if found in "abcdef" else "illegal"

    assert is_witness(AnyRoom()) and not is_witness(Walk())
    rates = guess_rates(AnyRoom(), 1, 100)
    assert rates.mode == 1.0 and rates.answer in "abcdef"
    assert 0.3 < rates.heuristic < 0.7


def test_the_table_covers_every_task():
    table = published_rates()
    wanted = [(task, level) for task in TASKS for level in family(task).levels]
    assert list(table) == wanted, "run benchmarks/guess_rates.py"


@pytest.mark.parametrize("task", TASKS)
def test_the_table_is_what_is_measured(task):
    level = family(task).levels[0]
    table, rates = published_rates()[task, level], guess_rates(family(task), level, 300)
    assert rates.mode == pytest.approx(table.mode, abs=0.10)
    assert rates.heuristic == pytest.approx(table.heuristic, abs=0.12)


@pytest.mark.parametrize("task", TASKS)
def test_gates(task):
    rates = defaultdict(list)
    for (name, _), row in published_rates().items():
        rates[name].append(row)
    modes = [row.mode for row in rates[task]]
    if not is_witness(family(task)) and task not in EXEMPT:
        assert max(modes) <= GATE
    assert modes[-1] <= modes[0] + 0.05, "a guess rate that grows with level pays for guessing"
    assert all(row.prior >= row.mode for row in rates[task])
