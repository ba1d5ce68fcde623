"""Sentences, wordings, sizes and headings that the spatial tasks share."""

import pytest

from lessonplan.generators.spatial.headings import AHEAD, HEADINGS, toward
from lessonplan.generators.spatial.sizes import fitting, hops_and_noise, ramp
from lessonplan.generators.spatial.wordings import (
    CELLS,
    LABELS,
    compose,
    counted,
    maybe,
    mixed,
    sentence,
)
from lessonplan.generators.templates import INT, NAME, NAMES, Template, listed


def test_a_row_is_written_and_read_back_by_its_form():
    moves = listed(
        sentence(
            {"up": "{box} is {n} above {other}", "paint": "{box} is red"},
            {"box": NAME, "n": counted("step"), "other": NAME},
        ),
        "; ",
    )
    rows = [["up", "a", 1, "b"], ["paint", "c"], ["up", "b", 12, "c"]]
    text = "a is 1 step above b; c is red; b is 12 steps above c"
    assert moves.write(rows) == text and moves.read(text) == rows
    template = Template("Look: {rows}!", {"rows": moves})
    assert template.read("Look: a is 1 step above b!") == {"rows": rows[:1]}
    assert template.read("Look: a is 1 step below b!") is None
    with pytest.raises(ValueError, match="none of the forms"):
        moves.read("a is 1 step below b")


def test_values_follow_the_fields_and_not_the_sentence():
    slot = sentence({"": "{other} sees {box}"}, {"box": NAME, "other": NAME})
    assert slot.write(["a", "b"]) == "b sees a" and slot.read("b sees a") == ["a", "b"]


def test_lists_that_may_be_empty_and_cells():
    slot = maybe(NAMES, "no blocks")
    assert slot.write([]) == "no blocks" and slot.read("no blocks") == []
    assert slot.write(["a", "b"]) == "a, b" and slot.read("a, b") == ["a", "b"]
    assert CELLS.write([[1, 2], [-3, 4]]) == "(1, 2); (-3, 4)"
    assert CELLS.read("(1, 2); (-3, 4)") == [[1, 2], [-3, 4]]


def test_templates_are_all_choices_plainest_first_and_skins_take_turns():
    slots = {"n": INT}
    texts = [one.text for one in compose(slots, ("a", "b"), ("{n}",), ("x", "y"))]
    assert texts == ["a\n{n}\nx", "a\n{n}\ny", "b\n{n}\nx", "b\n{n}\ny"]
    one, two = compose(slots, ("a {n}", "b {n}")), compose(slots, ("c {n}",))
    assert [template.text for template in mixed(one, two)] == ["a {n}", "c {n}", "b {n}"]


def test_labels_are_names_that_are_read_back():
    assert all(len(set(some)) == 26 for some in LABELS)
    assert len({name for some in LABELS for name in some}) == 78
    assert NAMES.read(NAMES.write(LABELS[2])) == list(LABELS[2])


def test_a_level_takes_every_size_of_its_work():
    assert ramp(1, 512) == pytest.approx(range(10))
    sizes = fitting(
        lambda level: [(1, 0), (2, 0), (3, 0)], lambda level, size: size[0], [0, 1], 0.6
    )
    assert sizes == (((1, 0),), ((2, 0), (3, 0)))  # log2 of 3 is 1.58
    with pytest.raises(ValueError, match=r"levels \[2\]"):
        fitting(lambda level: [(1, 0)], lambda level, size: size[0], [0, 1], 0.5)
    assert list(hops_and_noise(1, 14)) == [(14, 0), (15, 0)]
    assert max(hops_and_noise(10)) == (15, 5) and (3, 2) not in list(hops_and_noise(10))


def test_headings():
    assert [toward(*step) for step in AHEAD] == list(HEADINGS)
    assert toward(0, 0) == "same" and toward(-7, 2) == "northwest"
