"""The verifier: tolerant to decoration, deaf to tricks, and it never raises."""

import random
import re
import subprocess
import sys
import time
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.generators import Kind, check_text, check_tiny, extract, family
from lessonplan.generators.verify import canonical, raw_answer, read_text
from tests.scripts import load_script

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
    ("int", "2", "<answer>1+1</answer>", "unparsable"),
    ("int", "2", "<answer>2.0</answer>", "unparsable"),
    ("int", "2", "<answer>0x2</answer>", "unparsable"),
    ("int", "2", "<answer>__import__('os')</answer>", "unparsable"),
    ("int", "2", "<answer>2_</answer>", "unparsable"),
    ("int", "2", "<answer>2e0</answer>", "unparsable"),
    ("int", "1000", "<answer>1,00,0</answer>", "two_answers"),
    ("int", "2", "<answer>" + "9" * 100 + "</answer>", "unparsable"),
    ("int", "2", "<answer>" + "9" * 5000 + "</answer>", "too_long"),
    ("int", "2", "<answer>" + "[" * 50_000 + "</answer>", "too_long"),
    ("int", "2", "<answer>" + "0" * 500 + "2</answer>", "too_long"),
    ("offset", "2 -1", "<answer>2</answer>", "unparsable"),
    ("name", "c", "<answer>cellar</answer>", "unparsable"),
]

# What else models and cheats write: (kind, answer, what stands in the tag, reason)
TAGGED = [
    ("int", "556", "the final answer is 556", "right"),
    ("int", "556", "Answer: **556**", "right"),
    ("int", "556", r"\(556\)", "right"),
    ("int", "556", r"\[ \boxed{556} \]", "right"),
    ("int", "1556", r"1{,}556", "right"),
    ("int", "-5", "\u20135", "right"),  # a dash for a minus sign
    ("int", "556", "556 and nothing else", "unparsable"),
    ("int", "556", "not 556", "unparsable"),
    ("int", "556", "< 557", "unparsable"),
    ("int", "556", "556 557", "two_answers"),
    ("int", "556", "556; 557", "two_answers"),
    ("int", "556", "556 or 556", "unparsable"),
    ("int", "556", "5\u200b56", "unparsable"),  # a space without width
    ("int", "556", "556\0", "unparsable"),
    ("int", "556", "5\u202e56", "unparsable"),  # a mark that turns the reading direction
    ("int", "556", "55 6", "two_answers"),
    ("int", "556", "[556", "unparsable"),
    ("int", "556", "'; print(1) #", "unparsable"),
    ("int", "2", "1e400", "unparsable"),
    ("int", "2", "nan", "unparsable"),
    ("int", "2", "2" + "." * 300, "unparsable"),
    ("int", "2", "9" * 19, "unparsable"),  # more digits than any answer has
    ("rational", "3/4", "3/4", "right"),
    ("rational", "3/4", "6 / 8", "right"),
    ("rational", "3/4", "0.75", "right"),
    ("rational", "-3/4", r"-\frac{3}{4}", "right"),
    ("rational", "-3/4", r"$\boxed{\dfrac{-3}{4}}$", "right"),
    ("rational", "2", "4/2", "right"),
    ("rational", "-1/4", "-0.25", "right"),
    ("rational", "3/4", "0.749999", "wrong"),
    ("rational", "3/4", "4/3", "wrong"),
    ("rational", "3/4", "3/0", "unparsable"),
    ("rational", "3/4", "3/4/1", "unparsable"),
    ("rational", "3/4", "75%", "unparsable"),
    ("rational", "3/4", "3/4 or 4/3", "two_answers"),
    ("ints", "4 -1 4", "4, -1, 4", "right"),
    ("ints", "4 -1 4", "[4, -1, 4]", "right"),
    ("ints", "4 -1 4", "4, -1 and 4", "right"),
    ("ints", "1 2 3 4", "[(1, 2), (3, 4)]", "right"),
    ("ints", "1 2 3 4", "(1,2)(3,4)", "right"),
    ("ints", "4 -1 4", "-1, 4, 4", "wrong"),
    ("ints", "4 -1 4", "4 -1", "wrong"),
    ("ints", "4 -1 4", "4 -1 4 4", "wrong"),
    ("ints", "4 -1 4", "4, -1, ...", "unparsable"),
    ("offset", "2 -1", "(2, -1), (2, 1)", "unparsable"),
    ("pose", "2 -1 north", "(2, -1) facing North", "right"),
    ("pose", "2 -1 north", "(2, -1, north)", "right"),
    ("pose", "2 -1 north", "2 -1 heading north", "right"),
    ("pose", "2 -1 north", "2 -1 south", "wrong"),
    ("pose", "2 -1 north", "2 -1", "unparsable"),
    ("pose", "2 -1 north", "2 -1 north south", "unparsable"),
    ("name", "k", "\u212a", "unparsable"),  # the sign of kelvin, which lower() makes a k
    ("name", "c", "'c'", "right"),
    ("name", "c", "c or d", "two_answers"),
    ("names", "a c f", "{a, c, f}", "right"),
    ("names", "a c f", "['a', 'c', 'f']", "right"),
    ("names", "a c f", "a, c, and f", "right"),
    ("names", "a c f", "a and c and f", "right"),
    ("names", "a c f", r"$\boxed{\{a, c, f\}}$", "right"),
    ("names", "a c f", "a, c, f and so on", "wrong"),
    ("names", "a c f", "a c", "wrong"),
    ("names", "a c f", "f c a", "wrong"),  # a set is for the checker of a task to see
    ("names", "a c f", "a, c, f, a", "wrong"),
    ("names", "a c f", "a; c; 5", "unparsable"),
    ("names", "a c f", "and", "unparsable"),
    ("path", "a c f", "a -> c -> f", "right"),
    ("path", "a c f", "a\u2192c\u2192f", "right"),
    ("path", "a c f", "a --> c => f", "right"),
    ("path", "a c f", "a-c-f", "right"),
    ("path", "a c f", "a -> f", "wrong"),
    ("path", "a c f", "a -> -> c", "unparsable"),
    ("mapping", "a=2 b=0", "b: 0, a: 2", "right"),
    ("mapping", "a=2 b=0", '{"a": 2, "b": 0}', "right"),
    ("mapping", "a=2 b=0", "a -> 2; b -> 0", "right"),
    ("mapping", "a=2 b=0", "a = 2\nb = 0", "right"),
    ("mapping", "a=2 b=0", "a=2", "wrong"),
    ("mapping", "a=2 b=0", "a=2 b=0 a=2", "unparsable"),  # one name, twice
    ("mapping", "a=2 b=0", "a=2 b=0 a=1", "unparsable"),
    ("choice", "north", "North.", "right"),
    ("choice", "north", r"\text{north}", "right"),
    ("choice", "north east", "north-east", "right"),
    ("choice", "north", "the north", "right"),
    ("choice", "north", "south", "wrong"),
    ("choice", "north", "north or south", "two_answers"),
    ("choice", "north", "north, south, east, west", "two_answers"),
    ("choice", "north", "n", "wrong"),
    ("grid", ".#./###", "\n.#.\n###\n", "right"),
    ("grid", ".#./###", "```\n.#.\n###\n```", "right"),
    ("grid", ".#./###", ". # .\n# # #", "right"),
    ("grid", ".#./###", ".#. ###", "right"),
    ("grid", ".#./##.", ".#./##.", "right"),  # the final dot is a cell
    ("grid", "*../.**", "*../.**", "right"),  # and stars are no bold type
    ("grid", ".#./###", "###/.#.", "wrong"),
    ("grid", ".#./###", ".#.###", "wrong"),
    ("grid", ".#./###", "a/" * 180 + "\u00e9", "unparsable"),
]

# Where answers stand: (completion, reason), the answer is 2
PLACES = [
    ("Answer: 2", "right"),
    ("**Answer**: 2", "right"),
    ("Answer:\n\n2", "right"),
    ("My answer: 3.\nAnswer: $2$.", "right"),
    ("nonanswer: 2", "no_answer"),
    ("the answer 2", "no_answer"),
    ("<answer>3</answer> <ANSWER>2</ANSWER>", "right"),
    ("<ANSWER>2</ANSWER> <answer>3</answer>", "wrong"),
    ("<answer>2</answer></answer>", "right"),
    ("<answer>3<answer>2</answer>", "right"),
    ("<answer>2</answer> " + "x" * 5000, "right"),
    ("<answer>2" + " " * 5000 + "</answer>", "right"),
    ("<answer>2</answer><answer></answer>", "no_answer"),
    ("\\boxed{2}<answer></answer>", "no_answer"),
    ("\\boxed{3} \\boxed{2}", "right"),
    ("\\boxed{1+\\boxed{2}}", "right"),
    ("\\boxed{2", "no_answer"),
    ("\\boxed{" + "{" * 400 + "2" + "}" * 401, "no_answer"),
    ("\u0130" * 600 + "<answer>2</answer>", "right"),  # lower() would make it longer
    ("<answer>2</answer>" + "\u0130" * 600, "right"),
    ("<\u212answer>2</answer>", "no_answer"),
    ("< answer>2</ answer>", "no_answer"),
    ("<answer >2</answer>", "no_answer"),
    ("&lt;answer&gt;2&lt;/answer&gt;", "no_answer"),
    ("<think>hm</think>2", "no_answer"),
    ("<think>" + "x" * 70_000 + "<answer>2</answer>", "no_answer"),  # never closed
    ("<think>" + "x" * 70_000 + "</think><answer>2</answer>", "right"),
    ("<think>a</think>" + "x" * 70_000 + "<answer>2</answer>", "right"),
    ("<think>" + "x" * (65_536 - 22) + "</think><answer>2</answer>", "right"),
    ("x" + "<think>" * 3 + "</think>" + "<answer>2</answer>", "right"),
    ("<answer>2</answer>\0\ud800", "right"),
    # the last tag is not the last sign of its kind
    ("<answer>2</answer> as 1 < 3", "right"),
    ("<answer>2</answer> <b>sure</b>", "right"),
    ("<answer>2<br></answer>", "unparsable"),
    ("1 < 3 <answer>2</answer>", "right"),
    ("<answer>3</Answer> <answer>2</answer>", "right"),
    ("<answer>2</answer> <answer>3</Answer>", "wrong"),
    ("<Answer>2</answer>", "right"),
    ("<answer>2 </ answer></answer>", "unparsable"),
    ("\\boxed{2} if 1 < 3", "right"),
    ("Answer: 2 if 1 < 3", "two_answers"),
    ("\\boxed{}\nAnswer: 2", "right"),
    ("\\boxed{{2}}", "unparsable"),
    # words and colons
    ("Answer: 2\n" + ":" * 15, "right"),
    ("Answer: 2\n" + ":" * 16, "right"),
    ("Answer: 3\nAnswer**: 2\n" + ": " * 40, "right"),
    ("Answer: 2\n" + "xanswer: 3 " * 40, "right"),
    ("Answer: 2\n" + "_answer: 3 " * 40, "right"),
    ("answer: 3 " * 40 + "\nAnswer: 2\n" + "answer 3 " * 40, "right"),
    ("ANSWER: 2\n" + "\u0130:" * 40, "right"),
    ("answer:", "no_answer"),
    ("answer: ", "no_answer"),
    ("nswer: 2", "no_answer"),
    ("**: 2", "no_answer"),
    ("r**: 2", "no_answer"),
    (": 2", "no_answer"),
    ("an\u017fwer: 2", "no_answer"),  # a long s
    ("\u212aAnswer: 2", "no_answer"),  # a letter stands before it
    ("\u0130Answer: 2", "no_answer"),
    ("\u212aAnswer: 2" + ":" * 40, "no_answer"),
    ("\u2192Answer: 2" + "\n" + ":" * 40, "right"),
]


@pytest.mark.parametrize("kind, answer, inside, reason", TAGGED)
def test_tagged(kind, answer, inside, reason):
    verdict = check_text(f"so <answer>{inside}</answer>", answer, kind)
    assert verdict.reason == reason
    assert verdict.reward == (reason == "right")
    assert verdict.format_ok == (reason in ("right", "wrong"))


@pytest.mark.parametrize("completion, reason", PLACES)
def test_places(completion, reason):
    assert check_text(completion, "2", "int").reason == reason


@pytest.mark.parametrize("cut", range(65_500, 65_560))
def test_a_thought_that_opens_at_the_edge_of_the_tail_is_seen(cut):
    ending = "<answer>2</answer>"
    for tag, reason in (("<think>", "no_answer"), ("<think></think>", "right")):
        completion = "y" * 100 + tag + "x" * (cut - len(ending)) + ending
        assert check_text(completion, "2", "int").reason == reason


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


EXAMPLES = load_script("benchmarks/second_opinion.py").ANSWERS


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(get_args(Kind))


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(EXAMPLES)),
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="0123456789-+/., ;:=>()[]{}acfnorthand\\u2192#", max_size=40),
    ),
)
def test_what_can_be_read_is_canonical_and_right_as_its_own_answer(kind, text):
    found = read_text(f"<answer>{text}</answer>", kind)
    if isinstance(found, str):
        assert found.isascii()
        assert canonical(found, kind) == found
        assert check_text(f"<answer>{found}</answer>", found, kind).correct


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.lists(PIECES, max_size=4).map("".join))
def test_what_stands_before_a_closed_thought_changes_nothing(before, after):
    if "think>" not in after:
        ending = f"</think>{after}"
        assert extract(before + ending) == extract(ending)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_mutations_of_an_answer_are_not_right_unless_they_read_the_same(kind):
    answer, draw = EXAMPLES[kind], random.Random(0)
    for _ in range(300):
        at = draw.randrange(len(answer) + 1)
        mutant = (
            answer[:at] + draw.choice("0123456789abcxyz#.-/ ") + answer[at + draw.randrange(2) :]
        )
        verdict = check_text(f"<answer>{mutant}</answer>", answer, kind)
        # An independent look: what is right has the letters and digits of the answer.
        same = re.findall(r"\w", mutant.replace("the", "")) == re.findall(r"\w", answer)
        if kind in ("int", "ints", "offset", "pose", "mapping", "rational"):
            same = (
                re.findall(r"-?\w+", answer)
                == [re.sub(r"(?<!\d)0+(?=\d)", "", one) for one in re.findall(r"-?\w+", mutant)]
                or same
            )
        assert not verdict.correct or same or kind == "rational", mutant


def test_a_canonical_answer_must_be_readable():
    with pytest.raises(ValueError, match="cannot be read as int"):
        canonical("two", "int")
    with pytest.raises(ValueError, match="400 characters"):
        canonical(" ".join(["12"] * 200), "ints")


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
    *(":", "_answer:", "xanswer**:", " answer", "</", "<a", "\u0130answer:", "<think", "hink>"),
]


WAYS_TO_WRITE = [
    *(
        "<answer>",
        "</answer>",
        "<Answer>",
        "</ANSWER>",
        "<think>",
        "</think>",
        "2",
        "3",
        " < ",
        "/",
    ),
    *("\\boxed{4}", "answer:", "Answer**:", ":", ":" * 17, "\n", "x", "_", "\u0130", "\u212a", " "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_four_megabytes_take_no_time(piece):
    completion = piece * (4_000_000 // len(piece))
    started = time.perf_counter()
    for kind, answer in EXAMPLES.items():
        check_text(completion, answer, kind)
        check_tiny(completion, answer, kind)
    # About 0.1 s at most; a quadratic search would take hours.
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize(
    "piece", ["a/", "a ", "a=1 ", "a->", "9,", "9 ", "-", "(", "a,", "{{", "''"]
)
def test_no_reader_backtracks(kind, piece):
    started = time.perf_counter()
    for size in range(300, 400, 10):
        for end in ("", "\u00e9", "!", "\0"):
            text = (piece * 200)[:size] + end
            check_text(f"<answer>{text}</answer>", EXAMPLES[kind], kind)
    assert time.perf_counter() - started < 0.5  # 40 calls: under a millisecond each


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(WAYS_TO_WRITE), max_size=14).map("".join))
def test_the_quick_look_finds_what_a_plain_one_finds(text):
    def plain(spoken):
        tags = re.findall(r"(?is)<answer>((?:(?!<answer>).)*?)</answer>", spoken)
        boxes = re.findall(r"\\boxed\{([^{}]*)\}", spoken)
        lines = re.split(r"(?i)(?<!\w)answer(?:\*\*)?:", spoken)[1:]
        line = lines[-1].lstrip(" \t\r\n*$`").split("\n")[0] if lines else ""
        return tags[-1] if tags else boxes[-1] if boxes else line

    spoken = text.split("</think>")[-1]
    assert raw_answer(text) == ("" if "<think>" in spoken else plain(spoken))


WATCHED = """
import ast, random, sys
from lessonplan.generators.verify import check_text, check_tiny
rows = ast.literal_eval(sys.stdin.read())
for kind, answer, text in rows[:5]:
    check_text(text, answer, kind)  # what is loaded at the first call is loaded now
events = []
sys.addaudithook(lambda event, args: events.append(event))
draw = random.Random(0)
for _ in range(20_000):
    kind, answer, text = draw.choice(rows)
    at = draw.randrange(len(text) + 1)
    check_text(text[:at] + draw.choice(rows)[2][:50] + text[at:], answer, kind)
    check_tiny(text, answer, kind)
print(sorted(set(events) - {"object.__getattr__"}))
"""


def test_nothing_is_executed_opened_or_imported():
    rows = [(kind, answer, f"<answer>{inside}</answer>") for kind, answer, inside, _ in TAGGED]
    rows += [(kind, answer, text[:3000]) for kind, answer, text, _ in TEXT]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], input=ascii(rows), capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


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
