"""Exports: written, read by the real packages, and judged as before."""

import json
import math

import numpy as np
import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import Pool, Problem, exports, family, generate
from lessonplan.generators.exports import (
    fields,
    judge,
    messages,
    read_table,
    rows,
    trl_reward,
    trl_rows,
    verl_score,
    write_hub,
    write_nemo_gym,
    write_parquet,
    write_verl,
)
from lessonplan.generators.rewards import Limr
from lessonplan.generators.splits import key_hash

NAMES = ("counting", "spatial", "graph")


@pytest.fixture(scope="module")
def pool():
    tasks = [family(name, "text") for name in NAMES]
    return generate(tasks, [1, 3, 5], 45, split="train")


@pytest.fixture(scope="module")
def own():
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1 + 1?"}]
    return Pool(
        [
            Problem("a", "2 + 2?", "4", data={"source": "me", "n": [1, None, 0.5]}),
            Problem("b", chat, "2", level=3),
            Problem("\u00fc/1", "\u4e00 + 1?\n", "2"),
        ],
        name="own",
    )


def wrong(problem):
    return {"int": "77", "offset": "77 77", "name": "z"}[family(problem.family).kind]


def test_the_table_comes_back_equal_and_byte_identical(pool, own, tmp_path):
    for one in (pool, own):
        write_parquet(one, tmp_path / "one.parquet")
        write_parquet(read_table(tmp_path / "one.parquet"), tmp_path / "two.parquet")
        assert list(read_table(tmp_path / "one.parquet")) == list(one)
        assert read_table(tmp_path / "one.parquet").fingerprint == one.fingerprint
        assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_columns(pool):
    table = list(rows(pool, z={pool.ids[1]: 0.5}, pass_rate={pool.ids[1]: 0.25}))
    first, second = table[0], table[1]
    assert (first["task"], first["version"], first["level"]) == ("counting.count_if", 1, 1)
    assert (first["split"], first["seed"], first["index"], first["diversity"]) == ("train", 0, 0, 0)
    assert (first["z"], first["pass_rate"], second["z"], second["pass_rate"]) == (
        None,
        None,
        0.5,
        0.25,
    )
    assert first["prompt_tokens"] == math.ceil(len(first["prompt"]) / 3.6)
    assert first["tokens_estimated"]
    generator = family("counting", "text")
    draft, hashed = generator.draft(1, "train", 0)
    assert first["key"] == f"{hashed:016x}" == f"{key_hash(f'counting.count_if {draft.key}'):016x}"
    counted = next(rows(pool, tokens=lambda text: len(text.split())))
    assert counted["prompt_tokens"] == len(pool[0].prompt.split())
    assert not counted["tokens_estimated"]


def test_a_problem_of_another_make_has_no_parts(own):
    for row in rows(own):
        assert row["version"] is row["split"] is row["seed"] is row["index"] is None
        assert row["solution_tokens"] == 0


def test_hub_folder_is_read_by_datasets(pool, own, tmp_path):
    datasets = pytest.importorskip("datasets")
    write_hub({"train": pool, "mine": own}, tmp_path / "hub")
    loaded = datasets.load_dataset(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in loaded.items()} == {"train": 45, "mine": 3}
    assert loaded["train"]["id"] == list(pool.ids)
    for row, problem in zip(loaded["train"], pool, strict=True):
        assert judge(row, problem.solution).correct
        assert not judge(row, f"<answer>{wrong(problem)}</answer>").correct
    with pytest.raises(ConfigError, match="split's name"):
        write_hub({"../x": pool}, tmp_path)


def test_pandas_reads_the_table(pool, tmp_path):
    pandas = pytest.importorskip("pandas")
    write_parquet(pool, tmp_path / "pool.parquet")
    frame = pandas.read_parquet(tmp_path / "pool.parquet")
    assert frame.level.value_counts().to_dict() == {1: 15, 3: 15, 5: 15}
    assert frame["z"].isna().all()


def test_trl_dataset_and_reward(pool):
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_list(trl_rows(pool, system="Think."))
    assert dataset[0]["prompt"][0] == {"role": "system", "content": "Think."}
    assert dataset[0]["prompt"][1] == {"role": "user", "content": pool[0].prompt}
    columns = {name: list(dataset[name]) for name in dataset.column_names if name != "prompt"}
    right = [problem.solution for problem in pool]
    bad = [f"<answer>{wrong(problem)}</answer>" for problem in pool]
    reward = trl_reward()
    for completions, score in ((right, 1.0), (bad, 0.0), (["hm"] * 45, 0.0)):
        chats = [[{"role": "assistant", "content": one}] for one in completions]
        for given in (completions, chats):
            got = reward(completions=given, prompts=[""] * 45, trainer_state=None, **columns)
            assert got == [score] * 45
    assert trl_reward(Limr())(completions=bad, **columns) == [-0.5] * 45


def test_unscorable_is_none_and_nan_never_zero(own):
    columns = {"answer": ["4", "two"], "task": ["", ""]}
    completions = ["<answer>4</answer>", "<answer>2</answer>"]
    assert trl_reward()(completions, **columns) == [None, None]  # no kind is known
    assert trl_reward(kind="int")(completions, **columns) == [1.0, None]
    assert math.isnan(verl_score("own", "<answer>4</answer>", "4"))


def test_trl_trains_with_it(pool):
    """The real trainer calls the reward function with our columns, and takes a None."""
    pytest.importorskip("trl")
    pytest.importorskip("torch")
    import tempfile

    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.training.learner import tiny_model, tiny_tokenizer

    task = family("counting", "tiny")
    tiny = generate(task, [1], 8, split="train")
    tokenizer = tiny_tokenizer(task.words)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    reward = trl_reward(encoding="tiny")
    seen = []

    def spy(completions, **columns):
        scores = reward(completions, **columns)
        seen.append((columns["problem_id"], completions, scores))
        return [None, *scores[1:]]

    trainer = GRPOTrainer(
        model=tiny_model(tokenizer, seed=0),
        reward_funcs=spy,
        args=GRPOConfig(
            output_dir=tempfile.mkdtemp(),
            max_steps=1,
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=8,
            bf16=False,
            activation_checkpointing=False,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(trl_rows(tiny)),
        processing_class=tokenizer,
    )
    trainer.train()
    ids, completions, scores = seen[0]
    by_id = {problem.id: problem for problem in tiny}
    for one, completion, score in zip(ids, completions, scores, strict=True):
        assert score == task.verify(by_id[one], completion[0]["content"]).reward


def test_verl_layout(pool, own, tmp_path):
    from pyarrow import parquet

    write_verl(pool, tmp_path / "train.parquet")
    table = parquet.read_table(tmp_path / "train.parquet").to_pylist()
    assert set(table[0]) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
    assert [row["extra_info"]["index"] for row in table] == list(range(45))
    for row, problem in zip(table, pool, strict=True):
        assert row["prompt"] == [{"role": "user", "content": problem.prompt}]
        truth = row["reward_model"]["ground_truth"]
        assert (row["reward_model"]["style"], truth) == ("rule", problem.answer)
        arguments = (row["data_source"], problem.solution, truth, row["extra_info"])
        assert verl_score(*arguments) == 1.0
        assert verl_score(row["data_source"], "no", truth, row["extra_info"]) == 0.0
    write_verl(own, tmp_path / "own.parquet", split="test")
    row = parquet.read_table(tmp_path / "own.parquet").to_pylist()[1]
    assert row["prompt"][0]["role"] == "system" and row["extra_info"]["split"] == "test"
    named = [{"role": "user", "content": "1 + 1?", "name": "x"}]
    with pytest.raises(PoolError, match="also has name"):
        write_verl([Problem("a", named, "2")], tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_verl_files_come_back_as_a_pool(pool, tmp_path):
    write_verl(pool, tmp_path / "train.parquet")
    back = Pool.from_parquet(tmp_path / "train.parquet", id="extra_info.problem_id")
    assert [problem.answer for problem in back] == [problem.answer for problem in pool]
    assert list(back.ids) == list(pool.ids)


def test_nemo_gym_layout(pool, own, tmp_path):
    for one in (pool, own):
        write_nemo_gym(one, tmp_path / "gym.jsonl", system="Think.")
        lines = (tmp_path / "gym.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        for line, problem in zip(map(json.loads, lines), one, strict=True):
            turns = line["responses_create_params"]["input"]
            assert turns == messages(problem.prompt, "Think.")
            assert line["problem_id"] == problem.id
            if one is pool:
                assert judge(line, problem.solution).correct
                assert not judge(line, "<answer>77</answer>").correct


def test_a_witness_is_judged_from_the_row(pool):
    """The checker of a task sees the instance of the row, not the stored answer alone."""
    row = next(iter(rows(pool)))
    assert json.loads(row["data"]) == {**pool[0].data}
    assert list(json.loads(row["data"])) == list(pool[0].data)  # in prompt order


def test_a_foreign_table_is_refused(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"id": ["a"], "prompt": ["b"]}), tmp_path / "x.parquet")
    with pytest.raises(PoolError, match="it lacks family"):
        read_table(tmp_path / "x.parquet")


def test_a_large_pool_goes_out_in_groups(tmp_path):
    from pyarrow import parquet

    write_verl(Pool([Problem(str(i), "p", "1") for i in range(10_001)]), tmp_path / "x.parquet")
    assert parquet.ParquetFile(tmp_path / "x.parquet").num_row_groups == 2
    index = parquet.read_table(tmp_path / "x.parquet")["extra_info"].to_pylist()
    assert np.array_equal([info["index"] for info in index], np.arange(10_001))


def test_two_processes_write_the_same_bytes_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(
        exports, "ROWS_A_GROUP", 40
    )  # several groups; those of workers are cut here
    arguments = (["counting.filter_aggregate", "graph.clique"], [3, 5], 130)
    alone = generate(*arguments, split="train")
    pool = generate(*arguments, split="train", workers=2)
    assert list(pool.ids) == list(alone.ids)
    write_parquet(alone, tmp_path / "one.parquet")
    write_parquet(pool, tmp_path / "two.parquet", workers=2, z={pool.ids[3]: 1.5})
    write_parquet(pool, tmp_path / "three.parquet", workers=2)
    one, two, three = (
        (tmp_path / f"{name}.parquet").read_bytes() for name in ("one", "two", "three")
    )
    assert one == three and one != two
    assert list(read_table(tmp_path / "three.parquet")) == list(alone)


def test_the_fields_of_a_problem_are_all_that_its_judge_needs(pool, own):
    for problem in (*pool, *own):
        row = fields(problem)
        assert list(row) == ["answer", "family", "task", "level", "data"]
        assert json.loads(row["data"]) == json.loads(json.dumps(problem.data))
    for problem in pool:
        assert judge(fields(problem), problem.solution).correct
