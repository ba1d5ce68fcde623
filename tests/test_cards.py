"""The cards say what the code does: defaults, sources, tests, pictures; none is missing."""

import ast
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lessonplan import curricula, selection
from lessonplan.selection.wrappers import Wrapper
from tests.scripts import load_script

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "samplers"
TITLES = ["Formula", "Defaults", "When", "Source", "Golden numbers", "Cost"]
UNDRAWN = {"pods"}  # it has no pool to choose from


cards = load_script("docs/cards.py")
NAMES = list(cards.carded())


@cache
def card(name):
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@cache
def functions_in(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


def test_every_exported_sampler_wrapper_and_gate_has_a_card_that_the_index_links():
    index = (ROOT / "docs" / "samplers.md").read_text(encoding="utf-8")
    exported = {**vars(selection), **vars(curricula)}
    public = {*selection.__all__, *curricula.__all__}
    wrappers = {
        name
        for name in public
        if isinstance(exported[name], type)
        and issubclass(exported[name], Wrapper)
        and exported[name] is not Wrapper
    }
    gates = {name for name in public if hasattr(exported[name], "accepts")} - {"Gate"}
    wanted = {*curricula.sampler_classes(), *wrappers, *gates}
    assert wanted <= set(NAMES)
    assert {path.stem for path in FOLDER.glob("*.md")} == set(NAMES)
    for name in NAMES:
        assert f"(samplers/{name}.md)" in index, name


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_complete_and_its_defaults_are_those_of_the_signature(name):
    titles = TITLES if name in UNDRAWN else [*TITLES, "Picture"]
    assert re.findall(r"^## (.*)$", card(name), re.MULTILINE) == titles
    assert card(name).startswith(f"# {name}\n\n")
    assert cards.section(card(name), "Defaults") == cards.defaults(name)
    assert "**Helps.**" in card(name) and "**Hurts.**" in card(name)
    assert re.search(
        r"\d (ms|microseconds) .*measured", cards.section(card(name), "Cost"), re.DOTALL
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_card_names_the_papers_of_the_docstring(name):
    papers = re.findall(r"\b\d{4}\.\d{5}\b", cards.carded()[name].__doc__)
    assert all(one in card(name) for one in papers), papers


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_that_a_card_names_exist(name):
    rows = cards.golden_rows(name)
    assert rows
    for _, against, test in rows:
        assert set(against.split(", ")) <= {"paper", "released", "ours"}
        path, function = test.split("::")
        assert function in functions_in(path), test


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNDRAWN))
def test_a_picture_is_small_and_says_whether_it_is_simulated(name):
    text = cards.section(card(name), "Picture")
    drawn = (FOLDER / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(drawn)
    assert len(drawn) < 60_000 and f"(figures/{name}.svg)" in text
    computed = name in cards.GATES or name in ("SPEED", "Knapsack")
    kind = "Computed" if computed else "Simulated"
    assert f">{kind}" in drawn
    assert text.count(kind) == 2  # the title as alternative text, and the caption
    assert f"![{kind}: " in text


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_card_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#]+)", card(name)):
        assert (FOLDER / target).exists(), target


def test_golden_page_is_what_the_cards_say():
    page = (ROOT / "docs" / "golden.md").read_text(encoding="utf-8")
    assert page == cards.golden_page()
    for name in NAMES:
        assert f"| [{name}](samplers/{name}.md) |" in page


def test_a_default_that_moved_is_noticed(monkeypatch):
    def other(pool, *, lam=0.25, seed=0):
        """A sampler with another default."""

    monkeypatch.setattr(cards, "carded", lambda: {"MoPPS": other})
    assert "lam=0.25" in cards.defaults("MoPPS")
    assert cards.section(card("MoPPS"), "Defaults") != cards.defaults("MoPPS")


def test_computed_curves_have_the_known_numbers():
    p = np.array([0.02, 0.05, 0.5])
    mixed = cards.kept(curricula.ZeroVariance(), p, 8)
    np.testing.assert_allclose(mixed, [0.1492, 0.3366, 0.9922], atol=5e-5)
    assert cards.dropped(np.array([0.05]), 4, 24) == pytest.approx(0.4226, abs=5e-5)


def test_sections_are_found_and_replaced():
    text = "# A\n\nWhat it does.\n\n## Cost\n\n3 ms\n\n## Picture\n\nnone\n"
    assert cards.section(text, "Cost") == "3 ms" and cards.section(text, "Other") == ""
    assert cards.with_section(text, "Cost", "4 ms") == text.replace("3", "4")
    assert cards.with_section(text, "Picture", "one") == text.replace("none", "one")
    longer = cards.with_section(text, "Other", "new")
    assert longer == text + "\n## Other\n\nnew\n"
    assert cards.with_section(longer, "Other", "new") == longer


def test_the_tutorial_is_short():
    lines = (ROOT / "examples" / "own_sampler.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 60
