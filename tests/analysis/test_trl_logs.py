"""One real TRL run, read through every reader; and files that are not what they should be."""

import json
import os
import struct

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest

from lessonplan.analysis.column_mapping import read_mapped
from lessonplan.analysis.exports import read_export
from lessonplan.analysis.journals import read_journal
from lessonplan.analysis.learning_table import RunLabels, run_table
from lessonplan.analysis.log_formats import read_log
from lessonplan.analysis.tensorboard_logs import masked_crc, read_tensorboard
from lessonplan.analysis.trl_logs import read_trl
from lessonplan.analysis.verl_logs import read_verl_dumps, read_verl_metrics
from lessonplan.errors import ConfigError, FormatError

STEPS, PROBLEMS, GROUP = 5, 2, 4  # the last step is evaluated
LABELS = RunLabels(run="tiny", sampler="Uniform", n=24, start="fresh", seed=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Output folder of a GRPO run with a curriculum: journal, completions, trainer_state.json."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.curricula import Curriculum
    from lessonplan.generators import family, generate
    from lessonplan.selection import Uniform
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.trl import attach

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trl")
    task = family("counting")
    pool = generate([task], [1, 2, 3], 24, split="train")
    tokenizer = tiny_tokenizer(task.words)

    def reward(completions, **columns):  # about half right, without a real grader
        return [float(sum(map(ord, completion)) % 2) for completion in completions]

    settings = GRPOConfig(
        output_dir=str(folder),
        max_steps=STEPS,
        per_device_train_batch_size=PROBLEMS * GROUP,
        num_generations=GROUP,
        max_completion_length=4,
        bf16=False,
        activation_checkpointing=False,
        use_cpu=True,
        save_strategy="steps",
        save_steps=STEPS,
        save_only_model=True,
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        log_completions=True,
        eval_strategy="steps",
        eval_steps=STEPS,
        per_device_eval_batch_size=GROUP,
    )
    rows = Dataset.from_dict({"prompt": ["count odd : 1 ="] * 8})
    trainer = GRPOTrainer(
        model=tiny_model(tokenizer, seed=0),
        reward_funcs=reward,
        args=settings,
        train_dataset=rows,
        eval_dataset=rows.select(range(2)),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    info = {
        "id": "tiny", "kind": "rl", "family": "counting", "sampler": "Uniform", "n": 24,
        "start": "fresh", "seed": 3, "group_size": GROUP,
    }  # fmt: skip
    curriculum = Curriculum(
        pool, Uniform(pool, seed=3), journal=folder / "journals" / "tiny.jsonl", run=info
    )
    attach(trainer, curriculum)
    trainer.train()
    curriculum.close()
    return folder


def train_rows(table):
    return table.take(table.split == "train")


def record(data):
    """One TFRecord."""
    head = struct.pack("<Q", len(data))
    crcs = [struct.pack("<I", masked_crc(part)) for part in (head, data)]
    return head + crcs[0] + data + crcs[1]


def scalar_event(tag, step, value):
    """The protocol buffer of an event with one scalar."""
    name = tag.encode()
    inner = b"\x0a" + bytes([len(name)]) + name + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(inner)]) + inner
    return b"\x09" + struct.pack("<d", 1.0) + b"\x10" + bytes([step]) + b"\x2a" + bytes(
        [len(summary)]
    ) + summary  # fmt: skip


def test_the_same_run_gives_the_same_table_through_each_reader(trained, tmp_path):
    from pyarrow import parquet

    journal = run_table(read_journal(trained / "journals" / "tiny.jsonl")).pooled()
    assert journal.step.tolist() == [1, 2, 3, 4, 5]
    journal = journal.take(journal.step < STEPS)
    assert journal.items.tolist() == [PROBLEMS * GROUP] * (STEPS - 1)
    assert journal.rollouts.tolist() == [8, 16, 24, 32]
    assert 0 < journal.accuracy.mean() < 1

    # what TRL wrote itself
    completions = train_rows(read_trl(trained, what="completions", labels=LABELS))
    assert "left out steps 5: an evaluation overwrote their completions" in completions.notes
    history = train_rows(read_trl(trained, what="history", labels=LABELS))
    assert history.step.tolist() == [1, 2, 3, 4, 5]
    history = history.take(history.step < STEPS)

    # what verl would have written of the same completions, in its own format
    dumps, metrics, console, chart, mapped, events, mlflow = (
        tmp_path / "rollouts", tmp_path / "metrics.jsonl", tmp_path / "console.log",
        tmp_path / "chart.csv", tmp_path / "mine.csv", tmp_path / "events.out.tfevents.1.x",
        tmp_path / "mlflow.csv",
    )  # fmt: skip
    dumps.mkdir()
    metric_lines, console_lines, chart_lines = [], [], ['"Step","tiny - train/reward"']
    mapped_lines, records, mlflow_lines = ["t,acc,arm"], [], ["run_id,key,value,step,timestamp"]
    for file in sorted((trained / "completions").glob("*.parquet")):
        rows = parquet.read_table(file).to_pylist()
        step = rows[0]["step"]
        if step == STEPS:
            continue
        mean = float(np.mean([row["reward"] for row in rows]))
        dumped = [
            {"input": r["prompt"], "output": r["completion"], "gts": "", "score": r["reward"],
             "step": step}
            for r in rows
        ]  # fmt: skip
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in dumped)
        (dumps / f"{step}.jsonl").write_text(text)
        metric_lines.append(json.dumps({"step": step, "data": {"critic/score/mean": mean}}))
        console_lines.append(
            f"(TaskRunner pid=7) step:{step} - actor/lr:1e-06 - "
            f"critic/score/mean:np.float64({mean!r}) - timing_s/step:2.0"
        )
        chart_lines.append(f'"{step}","{mean}"')
        mapped_lines.append(f"{step},{mean},Uniform")
        records.append(record(scalar_event("train/reward", step, mean)))
        mlflow_lines.append(f"tiny,train/reward,{mean},{step},0")
    metrics.write_text("\n".join(metric_lines) + "\n")
    console.write_text("Training begins\n" + "\n".join(console_lines) + "\n")
    chart.write_text("\n".join(chart_lines) + "\n")
    mapped.write_text("\n".join(mapped_lines) + "\n")
    events.write_bytes(b"".join(records))
    mlflow.write_text("\n".join(mlflow_lines) + "\n")

    by_rollout = [completions, read_verl_dumps(dumps, labels=LABELS)]
    by_metric = [
        history,
        read_verl_metrics(metrics, labels=LABELS),
        read_verl_metrics(console, labels=LABELS),
        read_tensorboard(events, labels=LABELS),
        read_export(chart, labels=LABELS),
        read_export(mlflow, labels=LABELS),
        read_mapped(mapped, {"step": "t", "accuracy": "acc", "sampler": "arm"}, labels=LABELS),
    ]
    for table in (*by_rollout, *by_metric):
        for name in ("run", "sampler", "n", "start", "seed", "step"):
            assert table.column(name).tolist() == journal.column(name).tolist()
        np.testing.assert_allclose(table.accuracy, journal.accuracy, atol=1e-6)
    for table in by_rollout:
        assert table.items.tolist() == journal.items.tolist()
        assert table.rollouts.tolist() == journal.rollouts.tolist()
        assert table.lacking == {"decode": 4, "level": 4, "tokens": 4, "seconds": 4}
    for table in by_metric:
        assert {"items", "rollouts", "tokens", "level"} <= set(table.lacking)
    assert by_metric[2].seconds.tolist() == [2, 4, 6, 8]


def test_history_of_the_real_run(trained):
    table = read_log(trained, format="trl")
    assert set(table.split) == {"train", "eval"}
    evaluated = table.take(table.split == "eval")
    assert evaluated.step.tolist() == [STEPS]
    train = train_rows(table)
    assert (np.diff(train.seconds) > 0).all()
    assert any('what="completions" reads them' in note for note in table.notes)
    counted = train_rows(read_trl(trained, costs={"tokens": "num_tokens"}))
    assert (np.diff(counted.tokens) > 0).all() and "tokens" not in counted.lacking
    with pytest.raises(ConfigError, match="trl or study|study or trl"):
        read_log(trained)


def state(folder, text):
    path = folder / "trainer_state.json"
    path.write_text(text)
    return path


HISTORY = """{
 "log_history": [
  {"step": 1, "reward": 0.5},
  %s
 ]
}"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"log_history": [', r"trainer_state.json:1: not JSON"),
        ("{}", r'trainer_state.json:1: no "log_history"'),
        ('{"log_history": []}', "log_history is empty"),
        (HISTORY % '{"step": 2.5, "reward": 0.5}', r':4: "step" is not a whole number: 2.5'),
        (HISTORY % '{"reward": 0.5}', r':4: "step" is not a whole number: None'),
        (HISTORY % '{"step": "two"}', r':4: "step" is not a whole number: \'two\''),
        (HISTORY % "[1]", r":4: Expected `object`"),
        (HISTORY % '{"step": 2, "reward": 1.5}', r':4: "reward" is 1.5, which is no accuracy'),
        (HISTORY % '{"step": 2, "reward": -1}', r':4: "reward" is -1, which is no accuracy'),
        (HISTORY % '{"step": 2,, "reward": 1}', r":4: not JSON"),
    ],
)
def test_malformed_histories_are_named_by_file_and_line(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_trl(state(tmp_path, text))


def test_nothing_is_guessed(tmp_path):
    text = json.dumps({"log_history": [{"step": 1, "loss": 0.5, "reward": 0.5, "acc": 0.25}]})
    path = state(tmp_path, text)
    table = read_trl(path)
    assert table.accuracy.tolist() == [0.5]
    assert table.notes[0] == (
        'accuracy of train is the mean reward "reward": right where rewards are 0 or 1'
    )
    assert read_trl(path, accuracy={"train": "acc"}).accuracy.tolist() == [0.25]
    with pytest.raises(ConfigError, match='no metric "accc" among "acc", "loss", "reward"'):
        read_trl(path, accuracy={"train": "accc"})
    state(tmp_path, json.dumps({"log_history": [{"step": 1, "loss": 0.5}]}))
    with pytest.raises(ConfigError, match='no accuracy among "loss"; choose with accuracy='):
        read_trl(path)


def test_a_step_logged_twice_counts_once_and_is_said(tmp_path):
    rows = [{"step": s, "reward": r, "step_time": 2.0} for s, r in [(1, 0), (2, 0.5), (2, 1)]]
    table = read_trl(state(tmp_path, json.dumps({"log_history": rows})))
    assert table.accuracy.tolist() == [0, 1] and table.seconds.tolist() == [2, 4]
    assert any("1 steps" in note and "logged twice" in note for note in table.notes)


def test_completions_name_their_reward(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"step": [3, 3], "prompt": ["a", "b"], "completion": ["", ""], "right": [1.0, None]}
    columns |= {"advantage": [0.0, 0.0]}
    parquet.write_table(pa.table(columns), tmp_path / "completions_00003.parquet")
    table = read_trl(tmp_path)
    assert table.items.tolist() == [1] and table.accuracy.tolist() == [1]
    assert "rollouts are not known: the log holds 1 of the steps 1 to 3" in table.notes
    columns |= {"format": [1.0, 1.0]}
    parquet.write_table(pa.table(columns), tmp_path / "completions_00003.parquet")
    with pytest.raises(ConfigError, match='the reward could be "right" or "format"'):
        read_trl(tmp_path)
    assert read_trl(tmp_path, reward="right").items.tolist() == [1]
    (tmp_path / "completions_00003.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FormatError, match="completions_00003.parquet, row 1: not parquet"):
        read_trl(tmp_path, reward="right")
