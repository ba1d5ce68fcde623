"""The page of adversarial completions shows what each earns today, and each earns what it should."""

from dataclasses import replace
from functools import cache

import pytest

from lessonplan.generators import TASKS, family
from tests.scripts import load_script

script = load_script("docs/adversarial.py")


@cache
def found():
    return script.verdicts()


WAYS = [way for _, ways in script.SECTIONS for way in ways]


def test_the_page_shows_what_is_judged_today():
    assert script.PAGE.read_text("utf-8") == script.page(found()), (
        "write it anew: python docs/adversarial.py"
    )


def test_there_are_many_kinds_and_each_has_one_name():
    assert len({way.name for way in WAYS}) == len(WAYS)
    assert sum(way.earns == 0 for way in WAYS) >= 100


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_way_earns_what_it_should_in_every_task(way):
    rows = found()[way.name]
    for case, text, verdict in rows:
        assert verdict.reward == way.earns, (case.problem.id, text[:200], verdict)
    assert way.where is not script.Way("", str).where or len(rows) == 3 * len(TASKS)


def test_a_judge_that_looks_for_the_answer_anywhere_is_caught():
    case = next(script.cases("counting.filter_aggregate"))
    fooled = [way.name for way in WAYS if way.where(case) and case.right in way.make(case)]
    fooled = [name for name in fooled if not found()[name][0][2].correct]
    assert len(fooled) > 30


@pytest.mark.parametrize("task", TASKS)
def test_the_wrong_answer_of_a_case_is_wrong_and_the_foreign_one_foreign(task):
    generator = family(task, "text")
    for case in script.cases(task):
        assert case.wrong != case.right != case.foreign
        elsewhere = replace(case.problem, answer=case.foreign)
        if type(generator).check.__qualname__.startswith("Generator."):
            assert generator.verify(elsewhere, f"<answer>{case.foreign}</answer>").correct
