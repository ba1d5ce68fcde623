"""Hints: prefixes of worked solutions."""

from dataclasses import replace

import pytest

from lessonplan.errors import ConfigError
from lessonplan.generators import TASKS, Problem, family
from lessonplan.generators.hints import OPENING, hinted

LONG = Problem("p", "What?", "7", solution="a\nb\nc\nd\n<answer>7</answer>")


@pytest.mark.parametrize(
    ("fraction", "shown"), [(0.01, 1), (0.25, 1), (0.5, 2), (0.6, 3), (0.99, 3)]
)
def test_a_fraction_of_the_steps_is_shown_and_never_the_last(fraction, shown):
    hint = hinted(LONG, fraction)
    assert hint.id == f"p+hint{shown}of4" and hint.answer == "7"
    assert hint.prompt == "\n".join(["What?", OPENING, *"abcd"[:shown]])
    assert hint.solution == "\n".join([*"abcd"[shown:], "<answer>7</answer>"])


def test_a_conversation_is_continued_in_its_last_message():
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What?"}]
    system, user = hinted(replace(LONG, prompt=talk), 0.5).prompt
    assert system == talk[0] and user == {"role": "user", "content": f"What?\n{OPENING}\na\nb"}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_hinted_and_still_judged(task):
    generator = family(task, "text")
    problem = generator.problem(max(generator.levels), "train", 1)
    hint = hinted(problem, 0.5)
    assert f"<answer>{problem.answer}</answer>" not in hint.prompt
    assert generator.verify(hint, hint.solution).correct
    assert not generator.verify(hint, hint.prompt).correct  # repeating the prompt pays nothing


def test_what_cannot_be_hinted_is_refused():
    with pytest.raises(ConfigError, match="between 0 and 1, got 1"):
        hinted(LONG, 1)
    with pytest.raises(ConfigError, match="p has 1 worked steps"):
        hinted(replace(LONG, solution="a\n<answer>7</answer>"), 0.5)
    with pytest.raises(ConfigError, match="p has 0 worked steps"):
        hinted(replace(LONG, solution=""), 0.5)
