"""Exports of W&B and MLflow by their shapes."""

import numpy as np
import pytest

from lessonplan.analysis.exports import export_shape, read_export
from lessonplan.analysis.learning_table import RunLabels
from lessonplan.analysis.log_formats import read_log
from lessonplan.errors import ConfigError, FormatError


def wrote(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


HISTORY = """_step,_runtime,train/global_step,train/reward,eval/reward,run_name
0,1.5,1,0.25,,a
1,2.5,2,0.5,,a
2,3.0,2,,0.75,a
"""


def test_history_of_one_run(tmp_path):
    path = wrote(tmp_path, "wandb.csv", HISTORY)
    table = read_log(path)
    assert table.split.tolist() == ["train", "train", "eval"]
    assert table.step.tolist() == [1, 2, 2] and table.accuracy.tolist() == [0.25, 0.5, 0.75]
    assert 'steps are "train/global_step"' in table.notes
    assert "seconds" in table.lacking  # run time is chosen, never guessed
    table = read_export(path, costs={"seconds": "_runtime"}, accuracy={"test": "eval/reward"})
    assert table.seconds.tolist() == [3.0] and table.split.tolist() == ["test"]
    own = HISTORY.replace("train/global_step", "other")
    assert any("calls of wandb.log" in note for note in
               read_export(wrote(tmp_path, "w.csv", own)).notes)  # fmt: skip


CHART = """"Step","easy-1 - eval/reward","easy-1 - eval/reward__MIN","easy-1 - eval/reward__MAX",\
"mixed - 2 - eval/reward"
"10","0.25","0.25","0.25",""
"20","0.5","0.5","0.5","0.75"
"""


def test_chart_of_several_runs(tmp_path):
    path = wrote(tmp_path, "chart.csv", CHART)
    table = read_log(path)
    assert table.run.tolist() == ["easy-1", "easy-1", "mixed - 2"]
    assert table.accuracy.tolist() == [0.25, 0.5, 0.75] and table.step.tolist() == [10, 20, 20]
    labels = {
        "easy-1": RunLabels(run="easy-1", sampler="EasyOnly", n=64),
        "mixed - 2": RunLabels(run="mixed - 2", sampler="Mixture", n=128),
    }
    table = read_export(path, labels=labels)
    assert table.sampler.tolist() == ["EasyOnly", "EasyOnly", "Mixture"]
    assert table.n.tolist() == [64, 64, 128]
    with pytest.raises(ConfigError, match="2 runs; give labels by their names: easy-1, mixed - 2"):
        read_export(path, labels=RunLabels(run="x"))
    with pytest.raises(ConfigError, match='no labels for run "mixed - 2"'):
        read_export(path, labels={"easy-1": RunLabels()})


def test_mlflow_metrics(tmp_path):
    text = """run_id,key,value,timestamp,step
a,eval_reward,0.5,1,10
b,eval_reward,0.25,1,10
a,eval_reward,0.75,2,20
a,loss,9,2,20
b,loss,9,2,20
"""
    table = read_log(wrote(tmp_path, "metrics.csv", text))
    assert table.run.tolist() == ["a", "a", "b"]
    assert table.accuracy.tolist() == [0.5, 0.75, 0.25] and table.step.tolist() == [10, 20, 10]


def test_parquet_history(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"_step": [0, 1], "critic/score/mean": [0.5, 1.0], "timing_s/step": [1.0, None]}
    parquet.write_table(pa.table(columns), tmp_path / "history.parquet")
    table = read_log(tmp_path / "history.parquet")
    assert table.accuracy.tolist() == [0.5, 1.0]
    columns["critic/score/mean"] = [0.5, 2.0]
    parquet.write_table(pa.table(columns), tmp_path / "history.parquet")
    with pytest.raises(FormatError, match='history.parquet, row 2: "critic/score/mean" is 2'):
        read_log(tmp_path / "history.parquet")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("_step,train/reward\n0,0.5\n1\n", FormatError, "x.csv:3: 1 values, the header has 2"),
        ("_step,train/reward\n0,0.5\none,1\n", FormatError, 'x.csv:3: "_step" is not a finite'),
        ("_step,train/reward\n0,0.5\n1,1.5\n", FormatError, 'x.csv:3: "train/reward" is 1.5'),
        ("_step,_step\n0,0.5\n", FormatError, "x.csv:1: a header needs"),
        ('_step,train/reward\n0,"0.5\n', FormatError, "x.csv:2: unexpected end"),
        ("_step,train/reward\n", FormatError, "x.csv:1: no rows"),
        ("key,value,step\nr,0.5,1\nr,0.5,1.5\n", FormatError, 'x.csv:3: "step" is not a whole'),
        ("key,value,step\nr,0.5,1\nr,high,2\n", FormatError, 'x.csv:3: "value" is not a finite'),
        ("Step,a - r\n1,0.5\n2,none\n", FormatError, 'x.csv:3: "a - r" is not a finite'),
        ("run_id,key,value,step\n,eval_reward,1,1\n", FormatError, "x.csv:2: no run"),
        ("run_id,metrics.acc\na,0.5\n", ConfigError, "has no steps; read it by mapping"),
        ("a,b\n1,2\n", ConfigError, 'has the columns "a", "b"; read it by mapping'),
        ("_step,loss\n1,2\n", ConfigError, 'no accuracy among "loss"'),
    ],
)
def test_malformed_exports(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_export(wrote(tmp_path, "x.csv", text))
    (tmp_path / "x.csv").write_bytes(b"_step,a\n1,\xff\n")
    with pytest.raises(FormatError, match="not UTF-8"):
        read_export(tmp_path / "x.csv")


def test_shapes():
    assert export_shape(["a", "b"]) == "" and export_shape([]) == ""
    assert export_shape(["Step", "run - loss"]) == "chart"
    assert np.all([export_shape([one]) == "history" for one in ("_step", "train/global_step")])
