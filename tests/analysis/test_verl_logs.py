"""verl's dumps and metrics, as files and as console text."""

import json

import numpy as np
import pytest

from lessonplan.analysis.learning_table import RunLabels
from lessonplan.analysis.log_formats import read_log
from lessonplan.analysis.verl_logs import read_verl_dumps, read_verl_metrics
from lessonplan.errors import ConfigError, FormatError


def dump(folder, step, scores, **extra):
    folder.mkdir(exist_ok=True)
    rows = [
        {"input": "q", "output": "a", "gts": "", "score": score, "step": step, **extra}
        for score in scores
    ]
    (folder / f"{step}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_dumps_of_rollouts_and_validation(tmp_path):
    for step, scores in ((1, [1, 0, 0, 0]), (2, [1, 1, None, -1]), (10, [1, 1, 1, 1])):
        dump(tmp_path / "rollouts", step, scores)
    dump(tmp_path / "validation", 0, [1, 0])
    dump(tmp_path / "validation", 10, [1, 1])
    labels = RunLabels(run="r", n=64)
    table = read_verl_dumps(tmp_path / "rollouts", tmp_path / "validation", labels=labels)
    assert table.split.tolist() == ["train"] * 3 + ["validation"] * 2
    assert table.step.tolist() == [1, 2, 10, 0, 10]
    np.testing.assert_allclose(table.accuracy, [0.25, 2 / 3, 1, 0.5, 1])
    assert table.items.tolist() == [4, 3, 4, 2, 2]  # the unscorable completion is no failure
    assert np.isnan(table.rollouts).all()
    assert "rollouts are not known: the log holds 3 of the steps 1 to 10" in table.notes
    assert set(table.n) == {64}


def test_another_reward_and_another_success(tmp_path):
    dump(tmp_path / "d", 1, [-1.0, -1.0], acc=True)
    assert read_verl_dumps(tmp_path / "d").accuracy.tolist() == [0]
    assert read_log(tmp_path / "d", reward="acc").accuracy.tolist() == [1]
    assert read_log(tmp_path / "d", success=-1.0).accuracy.tolist() == [1]
    with pytest.raises(ConfigError, match='1.jsonl: no column "reward" among "input"'):
        read_verl_dumps(tmp_path / "d", reward="reward")


def test_metrics_of_the_file_logger(tmp_path):
    path = tmp_path / "run.jsonl"
    lines = [
        {"step": 0, "data": {"val-core/gsm8k/acc/mean@4": 0.25, "val-aux/gsm8k/acc/std@4": 0.1}},
        {"step": 1, "data": {"critic/score/mean": 0.5, "timing_s/step": 3, "note": "text"}},
        {"step": 2, "data": {"critic/score/mean": 0.75, "timing_s/step": 5,
                             "val-core/gsm8k/acc/mean@4": 0.5}},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = read_log(path)
    assert table.split.tolist() == ["train", "train", "validation", "validation"]
    assert table.step.tolist() == [1, 2, 0, 2]
    assert table.accuracy.tolist() == [0.5, 0.75, 0.25, 0.5]
    np.testing.assert_array_equal(table.seconds, [3, 8, np.nan, 8])
    assert table.notes[0] == f"{path}: read as verl"
    # a kill leaves the last line unfinished; that is said, and is no error
    path.write_bytes(path.read_bytes() + b'{"step": 3, "da')
    assert any("left out the last 15 bytes" in note for note in read_log(path).notes)


def test_two_sources_are_a_question(tmp_path):
    path = tmp_path / "run.jsonl"
    data = {"val-core/gsm8k/acc/mean@1": 0.25, "val-core/math/acc/mean@1": 0.5}
    path.write_text(json.dumps({"step": 0, "data": data}) + "\n")
    with pytest.raises(ConfigError, match="accuracy of validation could be .*gsm8k.* or .*math"):
        read_verl_metrics(path)
    chosen = {"gsm8k": "val-core/gsm8k/acc/mean@1", "math": "val-core/math/acc/mean@1"}
    table = read_verl_metrics(path, accuracy=chosen)
    assert table.split.tolist() == ["gsm8k", "math"] and table.accuracy.tolist() == [0.25, 0.5]


CONSOLE = (
    "Training from scratch\n"
    "\x1b[36m(TaskRunner pid=12)\x1b[0m step:1 - global_seqlen/min:10 - critic/score/mean:0.5 - "
    "actor/grad_norm:inf - timing_s/step:np.float64(2.5)\n"
    "Training Progress: 50%\n"
    "step:2 - critic/score/mean:np.float32(1.0) - timing_s/step:1.5 - x:nan\n"
)


def test_console_text(tmp_path):
    path = tmp_path / "train.log"
    path.write_text(CONSOLE)
    table = read_log(path)
    assert table.accuracy.tolist() == [0.5, 1] and table.seconds.tolist() == [2.5, 4]
    path.write_text(CONSOLE + "step:3 - critic/score/mean:0.25 - timing_s/st")
    table = read_log(path)
    assert len(table) == 2 and "train.log: left out an unfinished last line" in table.notes


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "1.jsonl",
            '{"score": 1, "step": 1}\n{"score": "high", "step": 1}\n',
            r"1.jsonl:2: \"scor",
        ),
        ("1.jsonl", '{"score": 1, "step": 1}\n{"score": 1}\n', '1.jsonl:2: "step" is not a whole'),
        ("1.jsonl", '{"score": 1, "step": 1}\n{"score":\n', "1.jsonl:2: not JSON"),
        ("1.jsonl", '{"score": 1, "step": 1}\n[]\n', "1.jsonl:2: Expected `object`"),
        ("1.jsonl", "", "1.jsonl:1: no rows"),
        ("m.jsonl", '{"step": 1, "data": {}}\n{"step": 1.5, "data": {}}\n', "m.jsonl:2: Expected"),
        ("m.jsonl", '{"step": 1, "data": {}}\n{"step": 1}\n', "m.jsonl:2: Object missing"),
        ("m.jsonl", '{"step": 1, "data": {"critic/score/mean": 7}}\n', "m.jsonl:1: .* no accuracy"),
        ("t.log", CONSOLE + "step:3 - a:b:c - d:1\n", 't.log:5: not "name:value": .a:b:c'),
        ("t.log", "nothing\n", "t.log:1: no line of the form"),
        ("1.jsonl", '{"score": 1e999, "step": 1}\n', "1.jsonl:1: "),
        ("1.jsonl", "[" * 100_000 + "\n", "1.jsonl:1: "),
        ("1.jsonl", '{"score": 1, "step": 1, "input": "\x00\ud800"}\n', "1.jsonl:1: not JSON"),
    ],
)
def test_malformed_files_are_named_by_file_and_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    with pytest.raises(FormatError, match=message):
        read_log(path, format="verl")
