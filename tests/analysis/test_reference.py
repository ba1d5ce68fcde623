"""The page of the reference study holds what its journals say, by today's analysis."""

import re

import pytest

from tests.scripts import load_script

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?")


script = load_script("docs/reference.py")


def test_the_page_holds_what_the_journals_say():
    """To the last digit but one: other processors round resampled limits otherwise."""
    written = script.PAGE.read_text(encoding="utf-8")
    today = script.page(written)
    assert NUMBER.sub("#", today) == NUMBER.sub("#", written), "python docs/reference.py"
    for line, old in zip(today.splitlines(), written.splitlines(), strict=True):
        numbers, expected = map(float, NUMBER.findall(line)), map(float, NUMBER.findall(old))
        for number, wanted in zip(numbers, expected, strict=True):
            assert number == pytest.approx(wanted, rel=0.1, abs=0.11), line


def test_the_archives_are_whole(tmp_path):
    names = [path.stem for path in (script.unpack(tmp_path) / "journals").glob("*.jsonl")]
    for family in ("counting", "spatial", "graph"):
        runs = [name for name in names if re.match(rf"{family}-.*-n\d+-start\d-seed0$", name)]
        assert len(runs) == 7 * 4 * 3
    assert len(names) == 3 * 84 + 9 + 12  # runs, controls, warm starts and the three refused
