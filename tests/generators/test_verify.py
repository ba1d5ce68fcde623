"""The verifier: tolerant to decoration, deaf to tricks, and it never raises."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.generators import check_text, check_tiny, extract, family

# (kind, answer, completion, reason)
TEXT = [
    # right, in many dresses
    ("int", "556", "<answer>556</answer>", "right"),
    ("int", "556", "I think\n<ANSWER> 556 </ANSWER> done", "right"),
    ("int", "556", "<answer>\n556\n</answer>", "right"),
    ("int", "556", "<answer>**556**</answer>", "right"),
    ("int", "556", "<answer>$556$</answer>", "right"),
    ("int", "556", "<answer>`556`</answer>", "right"),
    ("int", "556", "<answer>556.</answer>", "right"),
    ("int", "556", r"<answer>\boxed{556}</answer>", "right"),
    ("int", "556", r"<answer>$\boxed{556}$.</answer>", "right"),
    ("int", "1234567", "<answer>1,234,567</answer>", "right"),
    ("int", "556", "<answer>+0556</answer>", "right"),
    ("int", "-5", "<answer>\u22125</answer>", "right"),
    ("int", "556", r"so it is \boxed{556}.", "right"),
    ("int", "556", "**Answer:** 556", "right"),
    ("int", "556", "Answer: 3\nno wait\nanswer: 556.\nbye", "right"),
    ("int", "2", "<answer>1</answer> no, <answer>2</answer>", "right"),
    ("int", "2", "<answer>1</answer> <answer>2</answer> or <answer>3", "right"),
    ("int", "2", "<answer><answer>2</answer></answer>", "right"),
    ("int", "2", "<think><answer>9</answer></think><answer>2</answer>", "right"),
    ("int", "2", "the prompt opened the thought</think>\\boxed{2}", "right"),
    ("offset", "2 -1", "<answer>2 -1</answer>", "right"),
    ("offset", "2 -1", "<answer>(2, -1)</answer>", "right"),
    ("offset", "2 -1", "<answer>[2,-1]</answer>", "right"),
    ("offset", "2 -1", "<answer>+2 ; \u22121</answer>", "right"),
    ("name", "c", "<answer>C</answer>", "right"),
    ("name", "c", "<answer>the room c.</answer>", "right"),
    # wrong
    ("int", "2", "<answer>3</answer>", "wrong"),
    ("int", "556", "<answer>5565</answer>", "wrong"),
    ("int", "2", "<answer>2</answer><answer>3</answer>", "wrong"),
    ("int", "2", "<answer>3</answer> Answer: 2", "wrong"),
    ("offset", "2 -1", "<answer>-1, 2</answer>", "wrong"),
    ("name", "c", "<answer>z</answer>", "wrong"),
    # nothing to read
    ("int", "2", "", "no_answer"),
    ("int", "2", "2", "no_answer"),
    ("int", "2", "<answer>2", "no_answer"),
    ("int", "2", "2</answer>", "no_answer"),
    ("int", "2", "</answer>2<answer>", "no_answer"),
    ("int", "2", "<answer></answer>", "no_answer"),
    ("int", "2", "<answer> ** </answer>", "no_answer"),
    ("int", "2", "<think><answer>2</answer>", "no_answer"),
    ("int", "2", "<answer>2</answer><think>hm", "no_answer"),
    ("int", "2", "<answer>2</answer></think>", "no_answer"),
    ("int", "2", "</think>\\boxed{3} <think>\\boxed{2}", "no_answer"),
    ("int", "2", "\\boxed{2", "no_answer"),
    ("int", "2", "<answer>2</answer>" + " " * 70_000, "no_answer"),
    # two answers
    ("int", "2", "<answer>2 or 3</answer>", "two_answers"),
    ("int", "2", "<answer>2, 3</answer>", "two_answers"),
    ("int", "2", "<answer>0 1 2 3 4 5 6 7 8 9</answer>", "two_answers"),
    ("offset", "2 -1", "<answer>2 -1 or -1 2</answer>", "two_answers"),
    ("name", "c", "<answer>b, c</answer>", "two_answers"),
    # no such thing
    ("int", "2", "<answer>two</answer>", "unparsable"),
    ("int", "2", "<answer>\uff12</answer>", "unparsable"),  # full-width digit
    ("int", "2", "<answer>\u0662</answer>", "unparsable"),  # Arabic-Indic digit
    ("int", "2", "<answer>\u00b2</answer>", "unparsable"),  # superscript: isdigit() says yes
    ("int", "2", "<answer>1+1</answer>", "two_answers"),
    ("int", "2", "<answer>2.0</answer>", "two_answers"),
    ("int", "2", "<answer>0x2</answer>", "two_answers"),
    ("int", "2", "<answer>__import__('os')</answer>", "unparsable"),
    ("int", "2", "<answer>2_</answer>", "unparsable"),
    ("int", "2", "<answer>2e0</answer>", "two_answers"),
    ("int", "1000", "<answer>1,00,0</answer>", "two_answers"),
    ("int", "2", "<answer>" + "9" * 100 + "</answer>", "unparsable"),
    ("int", "2", "<answer>" + "9" * 5000 + "</answer>", "too_long"),
    ("int", "2", "<answer>" + "[" * 50_000 + "</answer>", "too_long"),
    ("int", "2", "<answer>" + "0" * 300 + "2</answer>", "too_long"),
    ("offset", "2 -1", "<answer>2</answer>", "unparsable"),
    ("name", "c", "<answer>cellar</answer>", "unparsable"),
]


@pytest.mark.parametrize("kind, answer, completion, reason", TEXT)
def test_text(kind, answer, completion, reason):
    verdict = check_text(completion, answer, kind)
    assert verdict.reason == reason
    assert verdict.correct == (reason == "right")
    assert verdict.format_ok == (reason in ("right", "wrong"))
    assert verdict.reward == (1.0 if reason == "right" else 0.0)


TINY = [
    ("int", "2", "5 1 3 1 A 2", "right"),
    ("int", "2", " A   2 \n", "right"),
    ("int", "2", "A 1 A 2", "right"),
    ("offset", "1 -1", "k 1 0 A 1 -1", "right"),
    ("name", "a", "c 1 A a", "right"),
    ("int", "2", "A 3", "wrong"),
    ("int", "2", "A 2 A 3", "wrong"),
    ("int", "2", "A 02", "wrong"),  # the tiny encoding is exact
    ("int", "2", "", "no_answer"),
    ("int", "2", "2", "no_answer"),
    ("int", "2", "5 1 3 1", "no_answer"),
    ("int", "2", "a 2", "no_answer"),
    ("int", "2", "A", "no_answer"),
    ("int", "2", "A 2 A", "no_answer"),
    ("int", "2", "xA 2", "no_answer"),
    ("int", "2", "A 2 2", "unparsable"),
    ("int", "2", "A count", "unparsable"),
    ("int", "2", "A \uff12", "unparsable"),
    ("offset", "1 -1", "A 1", "unparsable"),
    ("int", "2", "A " + "2 " * 500, "too_long"),
]


@pytest.mark.parametrize("kind, answer, completion, reason", TINY)
def test_tiny(kind, answer, completion, reason):
    verdict = check_tiny(completion, answer, kind)
    assert verdict.reason == reason
    assert verdict.correct == (reason == "right")
    assert verdict.format_ok == (reason in ("right", "wrong"))


PIECES = st.sampled_from(
    ["<answer>", "</answer>", "<think>", "</think>", "\\boxed{", "}", "{", "Answer:", "A ", "2"]
    + ["**", "$", ".", ",", "-", "(", "\n", "\0", "\u0130", "\ud800", "9" * 300]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=30).map("".join))
def test_any_text_gives_one_verdict(completion):
    for kind, answer in (("int", "2"), ("offset", "2 -1"), ("name", "c")):
        for check in (check_text, check_tiny):
            verdict = check(completion, answer, kind)
            assert verdict.correct == (verdict.reason == "right")
            assert verdict.correct <= verdict.format_ok


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-(10**17), 10**17),
    st.sampled_from(["{}", "**{}**", "${}$", " {} ", "{}.", "\\boxed{{{}}}", "\n{}\n"]),
    st.sampled_from(["<answer>{}</answer>", "x <answer>7</answer> <answer>{}</answer> y"]),
)
def test_decoration_never_changes_a_number(number, dress, tags):
    for shown in (str(number), f"{number:,}"):
        assert check_text(tags.format(dress.format(shown)), str(number), "int").correct
        assert not check_text(tags.format(dress.format(shown)), str(number + 1), "int").correct


HOSTILE = [
    *("<answer>", "</answer>", "<answer>2</answer>", "</answer><answer>", "<think>", "</think>"),
    *("\\boxed{", "\\boxed{2}", "{", "}", "Answer:", "answer: 2\n", "A ", "A 2 ", "A\n", "*"),
    *("$", ".", " ", "\n", "1,", "9", "-", "( ", "<", "<answer", "\\", "\u0130", "\U0001f600"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_four_megabytes_take_no_time(piece):
    completion = piece * (4_000_000 // len(piece))
    started = time.perf_counter()
    for kind, answer in (("int", "2"), ("offset", "2 -1"), ("name", "c")):
        check_text(completion, answer, kind)
        check_tiny(completion, answer, kind)
    # About 0.1 s at most; a quadratic search would take hours.
    assert time.perf_counter() - started < 3


def test_long_completions_are_read_at_their_end():
    assert check_text("x" * 4_000_000 + "<answer>2</answer>", "2", "int").correct
    assert check_tiny("5 1 " * 1_000_000 + "A 2", "2", "int").correct


def test_extract_gives_the_bare_answer():
    assert extract("<answer> **\\boxed{1/2}** </answer>") == "1/2"
    assert extract("\\boxed{\\frac{1}{2}}") == "\\frac{1}{2}"
    assert extract("no answer here") == ""


@pytest.mark.parametrize("encoding", ["tiny", "text"])
def test_a_foreign_answer_is_wrong(encoding):
    for name in ("counting", "spatial", "graph"):
        generator = family(name, encoding)
        problems = [generator.problem(4, "test", index) for index in range(40)]
        for one in problems:
            for other in problems:
                verdict = generator.verify(one, other.solution)
                assert verdict.correct == (one.answer == other.answer)


@pytest.mark.parametrize("everything", ["0 1 2 3 4 5 6 7 8 9", "a b c d e f g h i j k l", "*", ""])
def test_no_free_reward(everything):
    for name in ("counting", "spatial", "graph"):
        for encoding, frame in (("tiny", "A {}"), ("text", "<answer>{}</answer>")):
            generator = family(name, encoding)
            for index in range(30):
                problem = generator.problem(1, "test", index)
                assert not generator.verify(problem, frame.format(everything)).correct


def test_the_verdict_depends_on_the_stored_answer_alone():
    generator = family("counting", "text")
    problem = generator.problem(2, "test", 0)
    elsewhere = replace(problem, answer="8")
    assert generator.verify(elsewhere, "<answer>8</answer>").correct
    assert not generator.verify(elsewhere, problem.solution).correct
