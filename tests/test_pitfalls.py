"""The page of pitfalls names checks and tests that exist, and every sampler runs the checks."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from lessonplan import curricula, selection
from lessonplan.selection.testing import CHECKS
from lessonplan.selection.wrappers import Wrapper

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
ROWS = {
    int(number): (checks, tests)
    for number, _, checks, tests in re.findall(
        r"^\| (\d+) \| (.+?) \|(.*?)\| (.+?) \|$", PAGE, re.MULTILINE
    )
}


@cache
def parsed(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def functions_in(path):
    return {one.name for one in parsed(path).body if isinstance(one, ast.FunctionDef)}


def names_of_contract_tests():
    """All names that files use which run the contract as `test_contract`, their imports aside."""
    files = [*ROOT.glob("tests/selection/*.py"), *ROOT.glob("tests/curricula/*.py")]
    found = set()
    for path in files:
        if "test_contract" in functions_in(path):
            found |= {one.id for one in ast.walk(parsed(path)) if isinstance(one, ast.Name)}
    return found


def test_all_pitfalls_are_there_each_with_a_test_or_a_check():
    assert sorted(ROWS) == list(range(1, 22))
    assert all("`" in checks + tests for checks, tests in ROWS.values())


@pytest.mark.parametrize("number", sorted(ROWS))
def test_what_a_pitfall_names_exists(number):
    checks, tests = ROWS[number]
    known = {check.__name__ for check in CHECKS}
    assert set(re.findall(r"`(\w+)`", checks)) <= known
    for path, function in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests):
        assert function in functions_in(path), f"{path}::{function}"
    assert "::" in tests


def test_every_check_of_the_contract_belongs_to_a_pitfall():
    named = {name for checks, _ in ROWS.values() for name in re.findall(r"`(\w+)`", checks)}
    assert named == {check.__name__ for check in CHECKS}


def test_every_sampler_and_wrapper_runs_the_contract():
    wrappers = {
        name
        for name in selection.__all__
        if isinstance(vars(selection)[name], type)
        and issubclass(vars(selection)[name], Wrapper)
        and vars(selection)[name] is not Wrapper
    }
    assert {"Warmup", "Review", "Cooldown"} <= wrappers
    missing = {*curricula.sampler_classes(), *wrappers} - names_of_contract_tests()
    assert not missing
