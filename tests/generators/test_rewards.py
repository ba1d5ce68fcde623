"""Reward maps: the numbers of the papers, and NaN for a scorer that failed."""

import math
import random
import time

import pytest

from lessonplan.errors import ConfigError
from lessonplan.generators import check_text, family
from lessonplan.generators.rewards import (
    LFL_COUNTING,
    LFL_GRAPH,
    Limr,
    Shaped,
    lines_of_work,
    repetitive,
    reward_map,
)

RIGHT = check_text("<answer>2</answer>", "2", "int")
WRONG = check_text("<answer>3</answer>", "2", "int")
NONE = check_text("hm", "2", "int")
LONG = "\n".join(f"step {i}" for i in range(30)) + "\n<answer>2</answer>"

# (name, right, wrong, unreadable) of a short completion that ended by itself
NAMED = [
    ("binary", 1, 0, 0),
    ("limr", 1, -0.5, -1),
    ("format_bonus(0.1)", 1.1, 0.1, 0),
    ("format_bonus(0.25)", 1.25, 0.25, 0),
    ("verbosity(5)", 1, 0, 0),
    ("lfl-counting", 1.1, 0.1, 0),
    ("lfl-graph", 1.1, 0.1, 0),
    ("lfl-spatial", 1, 0, 0),
]


@pytest.mark.parametrize("name, right, wrong, unreadable", NAMED)
def test_named_maps(name, right, wrong, unreadable):
    reward = reward_map(name)
    for verdict, expected in ((RIGHT, right), (WRONG, wrong), (NONE, unreadable)):
        assert reward(verdict, "a short one") == pytest.approx(expected)


@pytest.mark.parametrize("name", [row[0] for row in NAMED])
def test_a_scorer_that_failed_gives_nan(name):
    assert math.isnan(reward_map(name)(None, "x"))
    assert math.isnan(reward_map(name)(None, "x", truncated=True))


@pytest.mark.parametrize("name", [row[0] for row in NAMED])
def test_a_right_answer_earns_more_than_a_wrong_one(name):
    reward = reward_map(name)
    for completion in ("", LONG):
        for truncated in (False, True):
            if name == "limr" and truncated:
                continue
            better = reward(RIGHT, completion, truncated=truncated)
            assert better > reward(WRONG, completion, truncated=truncated)


def test_verbosity_of_counting_spans_the_published_range():
    assert LFL_COUNTING(RIGHT, "one\ntwo\n<answer>2</answer>") == pytest.approx(1.1)
    work = [f"step {i}" for i in range(7)]
    completion = "\n".join([*work, "<answer>2</answer>"])
    assert lines_of_work(completion) == 7
    assert LFL_COUNTING(RIGHT, completion) == pytest.approx(0.9)  # two lines above the cap of 5
    assert LFL_COUNTING(RIGHT, LONG) == pytest.approx(0.7)  # no more than 0.4 is lost
    assert LFL_COUNTING(NONE, LONG) == pytest.approx(-0.4)


def test_cut_off():
    assert LFL_GRAPH(NONE, "x", truncated=True) == pytest.approx(-0.4)
    assert LFL_GRAPH(RIGHT, "x", truncated=True) == pytest.approx(0.7)
    assert Limr()(RIGHT, "x", truncated=True) == -1


def test_lines_of_work():
    assert lines_of_work("") == 0
    assert lines_of_work("<answer>2</answer>") == 0
    assert lines_of_work("a\n\n  \nb\n<answer>2</answer>\n") == 2


def test_repetition():
    words = [f"w{i}" for i in range(50)]
    assert not repetitive(" ".join(words * 2))  # twice may be a check
    assert repetitive(" ".join(words * 4))
    assert repetitive("I think so. " * 60)
    assert not repetitive("I think so. " * 5)  # too short to say
    draw = random.Random(0)
    assert not repetitive(" ".join(draw.choice(words) for _ in range(2000)))
    assert Limr()(RIGHT, "wait, no. " * 60 + "<answer>2</answer>") == -1


@pytest.mark.parametrize("name", ["counting", "spatial", "graph"])
def test_no_worked_solution_is_repetitive(name):
    generator = family(name, "text")
    for level in generator.levels:
        for index in range(20):
            problem = generator.problem(level, "train", index)
            assert Limr()(generator.verify(problem, problem.solution), problem.solution) == 1


def test_four_megabytes_of_the_same_word():
    assert repetitive("x " * 2_000_000)


@pytest.mark.parametrize(
    "name", ["", "Binary", "format_bonus", "format_bonus(-1)", "verbosity(1.5)"]
)
def test_unknown_names(name):
    with pytest.raises(ConfigError, match=r"binary, limr, .*verbosity\(LINES\)"):
        reward_map(name)


def test_extras_never_outweigh_the_answer():
    with pytest.raises(ConfigError, match="format_bonus must lie in"):
        Shaped(format_bonus=1.0)
    with pytest.raises(ConfigError, match="soft_cap"):
        Shaped(soft_cap=-1)


def test_only_the_last_64_kilobytes_are_looked_at():
    assert lines_of_work("step\n" * 1_000_000 + "x" * 65_536) == 0
    assert lines_of_work("x" * 70_000 + "\nstep\n<answer>2</answer>") == 2
    assert repetitive("round and round it goes " * 100_000)
    assert not repetitive("round and round it goes " * 100_000 + "x" * 65_536)


@pytest.mark.parametrize("piece", ["\n", "a\n", "a ", "\u2028", "1\n\n", "a b c d e f g h "])
def test_four_megabytes_are_rewarded_in_no_time(piece):
    completion = piece * (4_000_000 // len(piece))
    started = time.perf_counter()
    for name, *_ in NAMED:
        reward_map(name)(RIGHT, completion)
    assert time.perf_counter() - started < 0.5  # about 0.03 s; without a bound over 1 s
