"""Columns are told by their names or by a mapping, and never guessed between two."""

import re
from pathlib import Path

import pytest

from lessonplan.analysis.raw_tables import read_raw
from lessonplan.analysis.table_roles import NAMES, find_columns, is_percent
from lessonplan.errors import ConfigError

FILE = Path("mine.csv")


def test_names_are_told_whatever_their_case():
    names = ["Arm", "train_size", "Accuracy", "Seed", "model", "comment"]
    assert find_columns(FILE, names, {}) == {
        "n": "train_size",
        "accuracy": "Accuracy",
        "sampler": "Arm",
        "start": "model",
        "seed": "Seed",
    }


def test_a_mapping_decides():
    names = ["n", "size", "score", "accuracy"]
    found = find_columns(FILE, names, {"n": "size", "accuracy": "score", "items": "n"})
    assert found == {"n": "size", "accuracy": "score", "items": "n"}


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (["n", "score"], {}, r"no column accuracy; it has: n, score\n.*--columns accuracy=COLUMN"),
        ([], {}, "no column n and accuracy; it has: none"),
        (["n", "size", "accuracy"], {}, 'n could be "n" or "size"; choose with --columns n=n'),
        (["n", "score"], {"accuracy": "scor"}, 'no column "scor" for accuracy; nearest: score'),
        (["n", "score"], {"acuracy": "score"}, 'unknown role "acuracy"; nearest: accuracy'),
    ],
)
def test_what_cannot_be_found_is_named(names, given, message):
    with pytest.raises(ConfigError, match=message):
        find_columns(FILE, names, given)


@pytest.mark.parametrize(
    ("column", "values", "unit", "percent"),
    [
        ("accuracy", "0.5 1 0", None, False),
        ("accuracy", "50 31.5 0", None, True),
        ("accuracy_percent", "0.5 0.7 0.9", None, True),
        ("accuracy", "0.5 0.7 0.9", "percent", True),
        ("accuracy_percent", "0.5 0.7 0.9", "share", False),
    ],
)
def test_percent_is_told_by_name_or_value(tmp_path, column, values, unit, percent):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([column, *values.split()]))
    assert is_percent(read_raw(path), column, unit) is percent


def test_shares_beside_percent_are_refused_with_their_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("accuracy\n0.5\n62\n")
    with pytest.raises(ConfigError, match="0.5 on line 2 and 62 on line 3: shares or percent"):
        is_percent(read_raw(path), "accuracy", None)


def test_the_page_lists_every_role_and_every_name():
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    listed = {}
    for roles, names in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.*?) \|", page, re.MULTILINE):
        parts = [re.findall(r"`(\w+)`", part) for part in names.split(";")]
        listed.update(zip(re.findall(r"`(\w+)`", roles), parts, strict=False))
    assert {role: listed[role] for role in NAMES} == {k: list(v) for k, v in NAMES.items()}
