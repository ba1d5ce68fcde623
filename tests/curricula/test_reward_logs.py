"""Readers of reward logs: each format by hand, a real run twice, and hostile files."""

import csv
import json
import math
import os
import pickle
import re
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lessonplan.curricula import Curriculum, Outcome
from lessonplan.curricula.reward_logs import read_rewards, read_scores
from lessonplan.errors import ConfigError, FormatError, LessonplanError
from lessonplan.generators import Pool, Problem
from lessonplan.selection import Exactly, Uniform
from lessonplan.selection.offline import offline_scores
from lessonplan.selection.subset import choose

RATES = {"a": (2, 5, 8), "b": (10, 10, 10), "c": (0, 0, 0), "d": (None, 4, 6), "e": (None, None, 5)}
GOLDEN = {"a": 0.8987, "b": 0.0, "c": 0.0628, "d": 0.9929}


def rows(key="prompt", reward="reward", step="step", wrong=-0.5, shape="{}"):
    """LIM's hand-worked example as rows, ten rollouts an epoch, all wins last."""
    return [
        {key: shape.format(name), "response": "so", reward: value, step: epoch + 1}
        for epoch in range(3)
        for name, some in RATES.items()
        if some[epoch] is not None
        for value in [wrong] * (10 - some[epoch]) + [1.0] * some[epoch]
    ]


def write_steps(folder, samples=None, steps_per_epoch=1):
    for step in range(1, 3 * steps_per_epoch + 1):
        part = [
            {key: row[key] for key in ("prompt", "response", "reward")}
            for row in samples or rows()
            if row["step"] == (step - 1) // steps_per_epoch + 1
        ]
        share = part[(step - 1) % steps_per_epoch :: steps_per_epoch]
        (folder / f"step_{step}.json").write_text(json.dumps(share))


def write_lines(path, some):
    path.write_text("".join(json.dumps(row) + "\n" for row in some))
    return path


def scores(log, **rule):
    found = offline_scores(log.curves(), **rule)
    return {
        key: round(float(one), 4) for key, one in zip(log.keys, found, strict=True) if one == one
    }


# One format after another


def test_step_files_of_limr(tmp_path):
    write_steps(tmp_path, steps_per_epoch=8)
    log = read_rewards(tmp_path)
    assert log.format == "limr" and len(log.rewards) == 120 and log.timed
    assert log.keys == tuple("abcde") and set(log.epochs) == {0, 1, 2}
    assert set(log.steps) == set(range(1, 25))
    assert scores(log) == GOLDEN


def test_an_epoch_that_is_not_whole_is_left_out_and_said_so(tmp_path):
    write_steps(tmp_path, steps_per_epoch=8)
    (tmp_path / "step_25.json").write_text(json.dumps([{"prompt": "a", "reward": 0}]))
    log = read_rewards(tmp_path)
    assert scores(log) == GOLDEN
    assert log.notes == ("steps 25 to 25 are no whole epoch of 8; left out",)


def test_a_step_file_that_is_missing_is_named(tmp_path):
    write_steps(tmp_path)
    with pytest.raises(ConfigError, match="counts its steps itself"):
        read_rewards(tmp_path, step="when")
    (tmp_path / "step_2.json").unlink()
    with pytest.raises(FormatError, match=r"step_2\.json is missing; there are 2 step files up to"):
        read_rewards(tmp_path)


def test_space_around_prompts_is_stripped_everywhere_or_as_released(tmp_path):
    samples = rows()
    for row in samples[:50:2]:
        row["prompt"] = f" {row['prompt']}\n"
    write_steps(tmp_path, samples)
    log = read_rewards(tmp_path, steps_per_epoch=1)
    assert scores(log) == GOLDEN and "differ from others by space alone" in log.notes[0]
    released = read_rewards(tmp_path, steps_per_epoch=1, compat="released")
    assert scores(released, compat="released") == GOLDEN and len(released.keys) > 5
    for row in samples:
        row["prompt"] = "c\n" if row["prompt"].strip() == "c" else row["prompt"]
    write_steps(tmp_path, samples)
    with pytest.raises(FormatError, match=r"'c\\n' has space around it and never comes without"):
        read_rewards(tmp_path, steps_per_epoch=1, compat="released")
    assert scores(read_rewards(tmp_path, steps_per_epoch=1)) == GOLDEN


def test_the_released_success_is_a_reward_of_exactly_one(tmp_path):
    (tmp_path / "step_1.json").write_text(
        json.dumps([{"prompt": "a", "reward": r} for r in (1, 1.0, 1.1, -0.5, None)])
    )
    log = read_rewards(tmp_path, steps_per_epoch=1)
    assert log.curves(success=Exactly(1.0)).rates[0, 0] == 0.5
    assert log.curves().rates[0, 0] == 0.75
    assert np.isnan(log.rewards).sum() == 1 and "1 rollouts could not be scored" in log.notes


def test_rollout_dumps_of_verl(tmp_path):
    shape = "system\nBe careful.\nuser\nWhat is {}?\nassistant\n"
    samples = rows("input", "score", shape=shape)
    rng = np.random.default_rng(0)
    for step in (1, 2, 3):
        part = [row | {"output": "7", "gts": "1"} for row in samples if row["step"] == step]
        rng.shuffle(part)  # verl balances the batch over its workers
        write_lines(tmp_path / f"{step}.jsonl", part)
    log = read_rewards(tmp_path)
    assert log.format == "verl" and "epoch k of a problem is its k-th visit" in log.notes
    pool = Pool([Problem(name, f"What is {name}?", "1") for name in RATES])
    # visits close the gaps: d was seen twice, so the usual length is 3 and it has none of the first
    found = choose(pool, log.curves(), "pass_rate", band=(0.5, 0.9))
    assert [pool.ids[i] for i in found.positions] == ["a", "d", "e"]


def test_files_of_verl_come_in_the_order_of_their_numbers(tmp_path):
    for step in (9, 10, 2):
        write_lines(
            tmp_path / f"{step}.jsonl",
            [{"input": "q", "output": "", "score": step / 10, "step": step}] * 2,
        )
    log = read_rewards(tmp_path)
    assert log.rewards.tolist() == [0.2, 0.2, 0.9, 0.9, 1.0, 1.0]
    assert log.epochs.tolist() == [0, 0, 1, 1, 2, 2]


def trl_table(path, step, prompts, **rewards):
    n = len(prompts)
    columns = {"step": [step] * n, "prompt": prompts, "completion": [f"c{step}"] * n}
    table = pa.table(columns | rewards | {"advantage": [0.0] * n})
    parquet.write_table(table, path / f"completions_{step:05d}.parquet")


def test_tables_of_trl(tmp_path):
    folder = tmp_path / "completions"
    folder.mkdir()
    trl_table(folder, 1, ["a", "a", "b", "b"], accuracy=[1.0, 0.0, None, 1.0])
    trl_table(folder, 2, ["a", "a", "c", "c"], accuracy=[1.0, 1.0, 0.0, 0.0])
    log = read_rewards(tmp_path)  # the output folder of the trainer will do
    assert log.format == "trl" and log.keys == ("a", "b", "c")
    np.testing.assert_array_equal(log.curves().rates, [[0.5, 1.0], [1.0, np.nan], [0.0, np.nan]])


def test_a_generation_that_trl_wrote_twice_counts_once(tmp_path):
    trl_table(tmp_path, 1, ["a", "b"], accuracy=[1.0, 0.0])
    table = parquet.read_table(tmp_path / "completions_00001.parquet")
    again = table.set_column(0, "step", pa.array([2, 2]))
    parquet.write_table(again, tmp_path / "completions_00002.parquet")
    log = read_rewards(tmp_path)
    assert len(log.rewards) == 2
    assert (
        "completions_00002.parquet: the same completions as the file before; left out" in log.notes
    )


def test_several_rewards_of_trl_are_a_question_and_are_added_up(tmp_path):
    trl_table(tmp_path, 1, ["a", "a", "a"], right=[1.0, None, None], form=[0.5, 0.5, None])
    with pytest.raises(ConfigError, match='could be "right", "form"; choose with reward='):
        read_rewards(tmp_path)
    log = read_rewards(tmp_path, reward=("right", "form"))
    np.testing.assert_array_equal(log.rewards, [1.5, 0.5, np.nan])
    assert read_rewards(tmp_path, reward="right").rewards[0] == 1.0


def test_conversations_of_a_trl_table_are_keys(tmp_path):
    chat = [{"role": "user", "content": "What is a?"}]
    trl_table(tmp_path, 1, [chat, chat], accuracy=[1.0, 0.0])
    log = read_rewards(tmp_path)
    pool = Pool([Problem("a", chat, "1")])
    assert choose(pool, log.curves(), "pass_rate", top=1).scores.tolist() == [0.5]


def write_table(path, some):
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, some[0])
            table.writeheader()
            table.writerows(some)
    elif path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(some), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(some))
    else:
        write_lines(path, some)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_any_table_by_its_columns(tmp_path, suffix):
    some = [
        {"problem_id": row["prompt"], "correct": int(row["reward"] == 1), "epoch": row["step"]}
        for row in rows()
    ]
    log = read_rewards(write_table(tmp_path / f"mine{suffix}", some))
    assert log.format == "table" and scores(log) == GOLDEN
    assert log.notes[0] == "columns: key problem_id, reward correct, step none, epoch epoch"


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_a_table_with_nested_columns_and_a_row_a_group(tmp_path, suffix):
    some = [
        {"info": {"index": name}, "result": {"rewards": [1.0] * wins[k] + [0.0] * (10 - wins[k])}}
        for k in range(3)
        for name, wins in RATES.items()
        if wins[k] is not None
    ]
    path = write_table(tmp_path / f"mine{suffix}", some)
    log = read_rewards(path, key="info.index", reward="result.rewards")
    assert log.timed and log.epochs.max() == 2
    assert scores(log, by="pass_rate") == {"a": 0.5, "b": 1, "c": 0, "d": 0.5, "e": 0.5}


def test_a_table_that_does_not_say_when(tmp_path):
    path = write_lines(tmp_path / "t.jsonl", [{"id": "a", "score": 1}, {"id": "a", "score": 0}])
    assert not read_rewards(path).timed
    assert not read_rewards(path, steps_per_epoch=1).timed  # rows are no steps
    some = [{"id": "a", "score": k % 2, "step": k, "epoch": 0} for k in range(4)]
    log = read_rewards(write_lines(path, some), steps_per_epoch=2)  # said, before the column
    assert log.timed and log.epochs.tolist() == [0, 0, 1, 1]
    with pytest.raises(ConfigError, match="holds quotes"):
        read_rewards(path, key='a"b', reward="score")


def test_columns_that_fit_twice_or_never_are_named(tmp_path):
    path = write_lines(tmp_path / "t.jsonl", [{"id": "a", "score": 1, "correct": 1}])
    with pytest.raises(ConfigError, match='reward could be "score" or "correct"; choose with'):
        read_rewards(path)
    assert len(read_rewards(path, reward="score").rewards) == 1
    path = write_lines(tmp_path / "u.jsonl", [{"name": "a", "points": 1}])
    with pytest.raises(ConfigError, match='no key column among "name", "points"'):
        read_rewards(path)
    with pytest.raises(FormatError, match=r'u\.jsonl:1: no column "nam"'):
        read_rewards(path, key="nam", reward="points")


def test_numbers_that_python_writes_and_json_lacks(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": "a", "score": NaN, "p": NaN}\n{"id": "a", "score": 1}\n')
    np.testing.assert_array_equal(read_rewards(path).rewards, [math.nan, 1])
    path.write_text('{"id": "a", "score": 1}\n{"id": "a", "score": Infinity}\n')
    with pytest.raises(FormatError, match=r't\.jsonl:2: "score" is infinite'):
        read_rewards(path)


# Our journals, and the same run through TRL's own log


def test_a_journal_of_ours(tmp_path):
    rates = {"a": (0.2, 0.5, 0.8), "b": (1, 1, 1), "c": (0, 0, 0), "d": (0.4, 0.4, 0.6)}
    pool = Pool([Problem(name, "?", "1") for name in rates])
    path = tmp_path / "run.jsonl"
    with Curriculum(pool, Uniform(pool, seed=1), journal=path) as curriculum:
        for epoch in range(3):
            for pick in curriculum.ask(4, step=epoch):
                wins = round(10 * rates[pick.problem.id][epoch])
                curriculum.tell([Outcome(pick.ticket, [1.0] * wins + [None] + [0.0] * (10 - wins))])
    log = read_rewards(path)
    assert log.format == "journal" and len(log.rewards) == 132
    assert scores(log) == GOLDEN
    assert set(log.steps[log.epochs == 2]) == {2}


def test_a_real_run_through_trls_table_and_our_journal_agrees(tmp_path):
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.generators import family, generate
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.trl import attach

    torch.set_num_threads(1)
    task = family("counting")
    pool = Pool(generate([task], [1, 2, 3], 6, split="train")[:])
    tokenizer = tiny_tokenizer(task.words)
    curriculum = Curriculum(pool, Uniform(pool, seed=2), journal=tmp_path / "run.jsonl")
    settings = {
        "max_steps": 12, "per_device_train_batch_size": 12, "num_generations": 4,
        "max_completion_length": 4, "learning_rate": 1e-3, "beta": 0.0, "bf16": False,
        "activation_checkpointing": False, "use_cpu": True, "save_strategy": "no",
        "report_to": "none", "disable_tqdm": True, "logging_steps": 1, "log_completions": True,
    }  # fmt: skip
    trainer = GRPOTrainer(
        model=tiny_model(tokenizer, seed=0),
        reward_funcs=lambda completions, **columns: [
            None if len(one) % 7 == 6 else float(len(one) % 3 == 0) for one in completions
        ],
        args=GRPOConfig(output_dir=str(tmp_path / "out"), **settings),
        train_dataset=Dataset.from_dict({"prompt": ["count odd : 1 ="] * 12}),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    attach(trainer, curriculum)
    trainer.train()
    curriculum.close()
    theirs, ours = read_rewards(tmp_path / "out"), read_rewards(tmp_path / "run.jsonl")
    assert (theirs.format, ours.format) == ("trl", "journal")
    assert len(theirs.rewards) == len(ours.rewards) == 12 * 12
    assert (
        set(theirs.steps) == set(ours.steps + 1) == set(range(1, 13))
    )  # TRL counts after the step
    np.testing.assert_allclose(theirs.rewards, ours.rewards)  # row by row, NaN included
    assert np.isnan(ours.rewards).any() and 0 < np.nanmean(ours.rewards) < 1
    assert theirs.epochs.tolist() == ours.epochs.tolist() and ours.epochs.max() == 5
    for by in ("lim", "linear", "variance", "pass_rate"):
        one, other = (choose(pool, log.curves(), by, top=3) for log in (theirs, ours))
        np.testing.assert_allclose(one.scores, other.scores)
        assert one.positions.tolist() == other.positions.tolist()
    assert np.isfinite(one.scores).all()


# Scores that somebody computed


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet", ".jsonl"])
def test_a_table_of_scores(tmp_path, suffix):
    some = [{"prompt": "p", "score": -1.84}, {"prompt": "q", "score": 0.57}]
    keys, found = read_scores(write_table(tmp_path / f"scores{suffix}", some))
    assert keys == ("p", "q") and found.tolist() == [-1.84, 0.57]


def test_two_scores_of_one_problem_are_refused(tmp_path):
    some = [{"id": "p", "score": 1}, {"id": "q", "score": 2}, {"id": "p", "score": 3}]
    with pytest.raises(FormatError, match=r"s\.jsonl:3: has another score"):
        read_scores(write_table(tmp_path / "s.jsonl", some))


# Torn, wrong and hostile files

DEEP = "[" * 100_000
WRONG = {
    "t.jsonl": [
        ('{"id": "a", "score": 1}\n{"id": "a", "sco\n', "t.jsonl:2: not JSON"),
        ('{"id": "a", "score": 1}\n{"id": "a", "score": "1"}\n', 't.jsonl:2: "score" is not a number: "1"'),
        ('{"id": "a", "score": 1}\n\n{"id": null, "score": 1}\n', 't.jsonl:3: "id" is not a text'),
        ('{"id": "a", "score": 1}\n[1]\n', "t.jsonl:2: Expected `object`"),
        ('{"id": "a", "score": 1}\n{"id": "a"}\n', 't.jsonl:2: no column "score"'),
        ('{"id": "a", "score": 1' + "0" * 400 + "}\n", "t.jsonl:1"),
        ('{"id": "a", "score": 1}\n{"id": "a", "score": 1, "x": ' + DEEP + "\n", "t.jsonl:2: "),
        ('{"id": "a", "score": [1, "2"]}\n', 't.jsonl:1: "score" is not a number: "2"'),
        ('{"id": "a", "score": 1, "step": 1.5}\n', 't.jsonl:1: "step" is not a whole number: 1.5'),
        ('{"id": "a", "score": 1, "step": null}\n', 't.jsonl:1: "step" is not a whole number'),
        ('{"id": ["x"], "score": 1}\n', 't.jsonl:1: "id" is a list of something else'),
        ("", "t.jsonl: no rows in it"),
    ],
    "t.csv": [
        ("id,score\na,1\na,one\n", 't.csv:3: "score" is not a number: "one"'),
        ("id,score\na,1,2\n", "t.csv:2: 3 values, the header has 2"),
        ("id,id\na,1\n", "t.csv:1: a header needs"),
        ('id,score\n"a,1\n', "t.csv:2: "),
        ("id,score\na,inf\n", 't.csv:2: "score" is infinite'),
        ("id,score\na\x00,inf\n", "t.csv:2: "),
        ("id,score\n", "no rewards in this log"),
    ],
    "t.json": [
        ('[{"id": "a", "score": 1},\n {"id": "a", "score": "x"}]', 't.json:2: item 2: "score" is not'),
        ('[{"id": "a", "score": 1}', "t.json:1: not JSON"),
        ('[{"id": "a", "score": 1},\n\n{"id"]', "t.json:3: not JSON"),
        ('{"id": "a"}', "t.json:1: Expected `array`"),
        (DEEP, "t.json:1: "),
        ("[]", "t.json: no rows in it"),
    ],
    "t.parquet": [("PAR1 this is none", "t.parquet, row 1: not parquet"), ("", "t.parquet, row 1: not parquet")],
    "t.pkl": [("cos\nsystem\n(S'true'\ntR.", "a log of rewards ends in .json, .jsonl")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [(name, text, message) for name, some in WRONG.items() for text, message in some],
    ids=[f"{name}-{i}" for name, some in WRONG.items() for i in range(len(some))],
)
def test_a_wrong_file_is_named_with_the_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError) as caught:
        read_rewards(tmp_path / name)
    assert message in str(caught.value) and len(str(caught.value)) < 500


def test_an_unfinished_last_line_is_left_out_and_said_so(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": "a", "score": 1}\n{"id": "a", "sco')
    log = read_rewards(path)
    assert len(log.rewards) == 1
    assert "t.jsonl: left out the last 16 bytes (unfinished write)" in log.notes


def test_journals_that_lie_are_refused(tmp_path):
    def journal(*events):
        path = tmp_path / "j.jsonl"
        with path.open("wb") as file:
            for seq, event in enumerate(events):
                line = json.dumps({"seq": seq, **event}).encode()[:-1]
                file.write(b'%s,"crc":"%08x"}\n' % (line, zlib.crc32(line)))
        return path

    ask = {"event": "ask", "step": 0, "ticket": 0, "ids": ["a"], "levels": [1]}
    tell = {"event": "tell", "tickets": [0], "rewards": [[1]], "status": ["trained"]}
    assert len(read_rewards(journal(ask, tell)).rewards) == 1
    for events, message in [
        ((ask, tell | {"rewards": [["1"]]}), "j.jsonl:2: tell: Expected `float | null`"),
        ((ask, tell | {"tickets": [7]}), "j.jsonl:2: tell: ticket 7 was never asked"),
        ((ask, tell | {"tickets": []}), "j.jsonl:2: tell: tickets and rewards differ"),
        ((ask | {"ids": "a"}, tell), "j.jsonl:1: ask: Expected `array`"),
        ((ask | {"step": 2**70}, tell), "j.jsonl"),
        (({"event": 7}, {}), "j.jsonl: holds a line that is no event"),
    ]:
        with pytest.raises(FormatError) as caught:
            read_rewards(journal(*events), format="journal")
        assert message in str(caught.value)


def test_folders_say_what_they_lack(tmp_path):
    with pytest.raises(FormatError, match=r"no file in it ends in \.json"):
        read_rewards(tmp_path)
    (tmp_path / "journals").mkdir()
    for name in "ab":
        write_lines(tmp_path / "journals" / f"{name}.jsonl", [{"seq": 0}])
    with pytest.raises(ConfigError, match=r"2 journals, each of another run.*a\.jsonl"):
        read_rewards(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_rewards(tmp_path / "nothing.jsonl")
    with pytest.raises(ConfigError, match="no log given"):
        read_rewards()


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_random_damage_raises_nothing_but_our_errors(tmp_path, suffix):
    rng = np.random.default_rng(len(suffix))
    path = write_table(tmp_path / f"t{suffix}", rows("id", "score")[:40])
    whole = path.read_bytes()
    read = 0
    for _ in range(250):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            data[at] = rng.integers(0, 256)
        if rng.random() < 0.3:
            data = data[: rng.integers(0, len(data))]
        path.write_bytes(data)
        try:
            read_rewards(path, key="id", reward="score").curves()
            read += 1
        except LessonplanError:
            pass
    assert read < 250


def test_nothing_is_unpickled_or_run(tmp_path):
    """A pickle under the name of each kind of file is refused as text that is none."""

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    for suffix in (".json", ".jsonl", ".csv", ".parquet"):
        (tmp_path / f"x{suffix}").write_bytes(pickle.dumps([Evil()]))
        with pytest.raises(LessonplanError):
            read_rewards(tmp_path / f"x{suffix}")
    assert not (tmp_path / "ran").exists()


def test_reading_tells_how_far_it_is(tmp_path):
    write_steps(tmp_path)
    seen = []
    read_rewards(tmp_path, steps_per_epoch=1, watch=lambda done, total: seen.append((done, total)))
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (total, total)


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "select.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "out" / "completions").mkdir(parents=True)
    write_steps(tmp_path / "out" / "completions", steps_per_epoch=8)
    monkeypatch.chdir(tmp_path)
    pool = Pool([Problem(f"id-{name}", name, "1") for name in RATES])
    exec(example.replace("top=100", "top=2"), {"pool": pool})  # noqa: S102  # our own page
    assert list(Pool.from_jsonl("subset.jsonl").ids) == ["id-a", "id-d"]
