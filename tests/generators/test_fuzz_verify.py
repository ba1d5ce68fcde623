"""The fuzzer of the verifier: it finds nothing, and it would find what it is there for."""

from importlib import import_module
from pathlib import Path

import pytest

from lessonplan.generators import check_text, family
from lessonplan.generators.problem import Verdict

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def fuzzer(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("fuzz_verify")


@pytest.fixture
def opinion(fuzzer):
    return import_module("second_opinion")


def run(fuzzer, inputs, seed=3):
    fuzz = fuzzer.Fuzz(seed, levels=2)
    for _ in range(inputs):
        fuzz.one()
    return fuzz


def test_some_thousand_inputs_find_nothing_and_are_of_every_sort(fuzzer):
    fuzz = run(fuzzer, 5_000)
    assert sum(fuzz.sorts.values()) == fuzz.count == 5_000
    for sort in ("junk", "built", "task"):
        rights = (
            fuzz.sorts[f"{sort}, right"],
            sum(number for name, number in fuzz.sorts.items() if name.startswith(sort)),
        )
        assert 0 < rights[0] < rights[1]


def test_the_same_seed_gives_the_same_inputs(fuzzer):
    assert run(fuzzer, 500).sorts == run(fuzzer, 500).sorts


def lenient(completion, answer, kind):
    """Credit for the answer anywhere, which is what the fuzzer is there to find."""
    if answer in completion:
        return Verdict(True, True, "right", answer)
    return check_text(completion, answer, kind)


def deaf(completion, answer, kind):
    """No credit for an answer with a dollar sign around it."""
    found = check_text(completion, answer, kind)
    return Verdict(False, False, "unparsable") if "$" in completion else found


@pytest.mark.parametrize("judge", [lenient, deaf])
def test_a_judge_that_is_too_kind_or_too_strict_is_found(fuzzer, monkeypatch, judge):
    monkeypatch.setattr(fuzzer, "check_text", judge)
    with pytest.raises((AssertionError, SystemExit)):
        run(fuzzer, 3_000)


def test_a_judge_that_raises_is_found(fuzzer, monkeypatch):
    def broken(completion, answer, kind):
        return completion.encode("ascii") and check_text(completion, answer, kind)

    monkeypatch.setattr(fuzzer, "check_text", broken)
    with pytest.raises(UnicodeEncodeError):
        run(fuzzer, 3_000)


def test_a_slow_judge_is_found(fuzzer, monkeypatch):
    monkeypatch.setattr(fuzzer, "BOUND_SECONDS", 1e-9)
    with pytest.raises(SystemExit, match="s for "):
        run(fuzzer, 10)


@pytest.mark.parametrize(
    "text, kind, right",
    [
        ("-12", "int", True),
        ("\u221212.", "int", True),
        ("-012", "int", True),
        ("12", "int", False),
        ("-120", "int", False),
        ("-1 2", "int", False),
        ("-12!?", "int", False),
        ("6/8", "rational", True),
        ("\\frac{3}{4}", "rational", True),
        ("0.75", "rational", True),
        ("x 3/4", "rational", False),
        ("b: 0, a: 2", "mapping", True),
        ("b: 0, a: -2", "mapping", False),
        ("b: -0, a: 2", "mapping", True),
        ("a \u2192 c \u2192 f", "path", True),
        ("a \u2192 f", "path", False),
        ("```\n.#.\n###\n```", "grid", True),
        (".#.###", "grid", False),
    ],
)
def test_the_second_opinion_on_texts(opinion, text, kind, right):
    assert opinion.stands(text, kind) == right


def test_the_second_opinion_on_places(opinion):
    assert opinion.last_answer("<answer>1</answer> <Answer>2</ANSWER> <answer>3") == "2"
    assert opinion.last_answer("\\boxed{1} \\boxed{a{b}c}") == "a{b}c"
    assert opinion.last_answer("Answer: 1\nmy answer**: **2**\nbye") == "2**"
    assert opinion.last_answer("xAnswer: 1") is None
    assert opinion.last_answer("<answer>1</answer><think>") is None


# A path a - b - c with weights 2 and 3, and d alone
LINE = {"nodes": ["a", "b", "c", "d"], "edges": [["a", "b", 2], ["b", "c", 3]]}


@pytest.mark.parametrize(
    "task, more, shown, worth",
    [
        ("graph.independent_set", {}, ["a", "c", "d"], 3),
        ("graph.independent_set", {}, ["a", "b"], None),
        ("graph.independent_set", {}, ["a", "a"], None),
        ("graph.independent_set", {}, ["a", "z"], None),
        ("graph.vertex_cover", {}, ["b"], 1),
        ("graph.vertex_cover", {}, ["a"], None),
        ("graph.clique", {}, ["b", "c"], 2),
        ("graph.clique", {}, ["a", "c"], None),
        ("graph.matching", {}, ["b", "a"], 2),
        ("graph.matching", {}, ["a", "c"], None),
        ("graph.matching", {}, ["a", "b", "c"], None),
        ("graph.component", {"start": "a"}, ["c", "b", "a"], 3),
        ("graph.component", {"start": "a"}, ["a", "d"], None),
        ("graph.shortest_path", {"start": "a", "end": "c"}, ["a", "b", "c"], 5),
        ("graph.shortest_path", {"start": "a", "end": "c"}, ["a", "c"], None),
        ("graph.coloring", {"k": 2}, {"a": 1, "b": 2, "c": 1, "d": 1}, True),
        ("graph.coloring", {"k": 2}, {"a": 1, "b": 2, "c": 3, "d": 1}, False),
        ("graph.coloring", {"k": 2}, {"a": 1, "b": 1, "c": 2, "d": 1}, None),
        ("graph.coloring", {"k": 2}, {"a": 1, "b": 2}, None),
    ],
)
def test_the_second_opinion_on_witnesses(opinion, task, more, shown, worth):
    assert opinion.worth(task, {**LINE, **more}, shown) == worth


def test_weights_count_in_the_second_opinion(opinion):
    weights = {"weights": [["a", 2], ["b", 9], ["c", 3], ["d", 1]]}
    data = {**LINE, **weights}
    assert opinion.worth("graph.weighted_independent_set_nodes", data, ["b", "d"]) == 10
    assert opinion.worth("graph.weighted_vertex_cover_nodes", data, ["a", "c"]) == 5


def test_the_second_opinion_drives_the_robot(opinion):
    problem = family("spatial.grid_path", "text").problem(3, "train", 0)
    commands = problem.answer.split()
    assert opinion.worth("spatial.grid_path", problem.data, commands) == len(commands)
    assert opinion.worth("spatial.grid_path", problem.data, [*commands, "F"]) is None
