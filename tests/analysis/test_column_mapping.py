"""Any table, by mapping its columns."""

import json

import numpy as np
import pytest

from lessonplan.analysis.column_mapping import read_mapped
from lessonplan.analysis.learning_table import RunLabels
from lessonplan.analysis.log_formats import read_log
from lessonplan.errors import ConfigError, FormatError

MAPPING = {"n": "train_size", "accuracy": "acc", "sampler": "arm", "items": "tests"}
ROWS = [
    {"train_size": 64, "acc": 0.5, "arm": "easy", "tests": 200},
    {"train_size": 128, "acc": 0.625, "arm": "mixed", "tests": None},
]


@pytest.fixture(params=["csv", "json", "jsonl", "parquet"])
def table(request, tmp_path):
    path = tmp_path / f"results.{request.param}"
    if request.param == "csv":
        path.write_text("train_size,acc,arm,tests,other\n64,0.5,easy,200,x\n128,.625,mixed,,y\n")
    elif request.param == "json":
        path.write_text(json.dumps(ROWS, indent=1))
    elif request.param == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n")
    else:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def test_the_same_table_from_every_kind_of_file(table):
    found = read_mapped(table, MAPPING, labels=RunLabels(start="base-1"))
    assert found.n.tolist() == [64, 128] and found.accuracy.tolist() == [0.5, 0.625]
    assert found.sampler.tolist() == ["easy", "mixed"] and found.start.tolist() == ["base-1"] * 2
    np.testing.assert_array_equal(found.items, [200, np.nan])
    assert found.lacking["items"] == 1 and found.lacking["seed"] == 2
    assert "accuracy" not in found.lacking and "n" not in found.lacking


def test_names_that_are_unknown(table):
    with pytest.raises(ConfigError, match='unknown column "sampller"; nearest: sampler'):
        read_mapped(table, {"sampller": "arm"})
    with pytest.raises(ConfigError, match='no column "size" among "train_size"'):
        read_mapped(table, {"n": "size", "accuracy": "train_size"})
    with pytest.raises(ConfigError, match="accuracy must be mapped, got n"):
        read_mapped(table, {"n": "train_size"})


def test_percentages_are_said_not_guessed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("acc\n50\n62.5\n")
    with pytest.raises(FormatError, match=r'a.csv:2: "acc" is 50, no accuracy; percent=True'):
        read_mapped(path, {"accuracy": "acc"})
    assert read_log(path, columns={"accuracy": "acc"}, percent=True).accuracy.tolist() == [
        0.5,
        0.625,
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "n,acc\n1,0.5\n2,x\n", 'a.csv:3: "acc" is not a finite number: "x"'),
        ("a.csv", "n,acc\n1,0.5\n-2,1\n", 'a.csv:3: "n" is -2, no n'),
        ("a.csv", "n,acc\n1,0.5\n2,1e400\n", 'a.csv:3: "acc" is not a finite number'),
        ("a.csv", "n,acc\n1,0.5\n1_0,0.5\n", 'a.csv:3: "n" is not a finite number: "1_0"'),
        ("a.jsonl", '{"n": 1, "acc": 0.5}\n{"n": {}, "acc": 1}\n', 'a.jsonl:2: "n" is not'),
        ("a.jsonl", '{"n": 1, "acc": 0.5}\n{"n": 1 "acc": 1}\n', "a.jsonl:2: not JSON"),
        ("a.jsonl", '{"n": 1, "acc": 0.5}\n"text"\n', "a.jsonl:2: Expected `object`"),
        ("a.json", '[{"n": 1, "acc": 0.5},\n {"n": 2, "acc": -1}]', 'a.json:2: "acc" is -1, no'),
        ("a.json", '[{"n": 1, "acc": 0.5},\n {"n": 2, "acc": -1]', "a.json:2: not JSON"),
        ("a.json", '{"n": 1, "acc": 0.5}', "a.json:1: Expected `array`"),
        ("a.txt", "n,acc\n", "a.txt: a table ends in .csv"),
        ("a.parquet", "PAR1PAR1", "a.parquet, row 1: not parquet"),
    ],
)
def test_malformed_tables_are_named_by_file_and_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_mapped(path, {"n": "n", "accuracy": "acc"})


def test_nan_of_python_is_missing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"acc": NaN, "n": 1}\n{"acc": 0.5, "n": 2}\n')
    assert read_mapped(path, {"accuracy": "acc"}).lacking["accuracy"] == 1
    path = tmp_path / "a.json"
    path.write_text('[{"acc": NaN}, {"acc": 0.5}]')
    assert read_mapped(path, {"accuracy": "acc"}).lacking["accuracy"] == 1
