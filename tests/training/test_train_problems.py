"""Problems of a run: made, or the user's own; held out, rendered, judged."""

import json

import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import Pool, Problem, generate
from lessonplan.training.train_config import parse_train
from lessonplan.training.train_problems import Judge, load_problems, split_off


def config(data=None, evaluate=None, model=None, **problems):
    table = {"model": {"path": "x", **(model or {})}, "evaluate": evaluate or {"problems": 10}}
    table |= {"data": data} if data else {"problems": {"count": 24, **problems}}
    return parse_train(table, where="run.toml")


@pytest.fixture
def sums(tmp_path):
    path = tmp_path / "sums.jsonl"
    rows = [{"question": f"{a} + {a} = ?", "gold": f"{2 * a}", "hint": "add"} for a in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def columns(path, **more):
    return {"file": str(path), "prompt": "question", "answer": "gold", **more}


def test_made_problems_share_no_instance_between_splits():
    made = load_problems(config(evaluate={"problems": 10, "every": 5}), chat=False)
    assert (len(made.train), len(made.test), len(made.validation)) == (24, 10, 10)
    assert len({one.prompt for one in [*made.train, *made.test, *made.validation]}) == 44
    assert {one.id.split("/")[-3] for one in made.test} == {"test"}


def test_test_problems_are_the_same_for_every_seed():
    one, two = (
        load_problems(parse_train({"model": {"path": "x"}, "problems": {}, "seed": seed,
                                   "evaluate": {"problems": 5}}, where="x"), chat=False)
        for seed in (0, 1)
    )  # fmt: skip
    assert one.test.fingerprint == two.test.fingerprint
    assert one.train.fingerprint != two.train.fingerprint


@pytest.mark.parametrize("encoding", ["text", "tiny"])
def test_worked_solutions_are_judged_right(encoding):
    made = load_problems(config(encoding=encoding, tasks=["counting", "spatial"]), chat=False)
    reward = made.judge.reward(made.train)
    solutions = [one.solution for one in made.train]
    assert reward(solutions, list(made.train.ids)) == [1.0] * 24
    assert reward(["", "A", "<answer>x</answer>"], list(made.train.ids[:3])) == [0.0] * 3


def test_own_data_is_split_read_and_asked(sums):
    own = load_problems(config(columns(sums)), chat=False)
    assert len(own.train) == 36 and len(own.test) == 4
    first = own.train[0]
    assert first.prompt.startswith(f"{first.data['question']}\nWrite the final answer between")
    assert first.data["hint"] == "add" and first.answer == first.data["gold"]
    right = [f"It is <answer>{one.answer}.0</answer>" for one in own.train]
    assert own.judge.reward(own.train)(right, list(own.train.ids)) == [1.0] * 36
    plain = load_problems(config(columns(sums, ending="")), chat=False)
    assert plain.train[0].prompt == first.data["question"]


def test_parquet_is_read_alike(sums, tmp_path):
    import pyarrow
    from pyarrow import parquet

    rows = [json.loads(line) for line in sums.read_text().splitlines()]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "sums.parquet")
    one = load_problems(config(columns(sums)), chat=False)
    two = load_problems(config(columns(tmp_path / "sums.parquet")), chat=False)
    assert one.train.fingerprint == two.train.fingerprint


def test_held_out_problems_are_shared_between_test_and_validation(sums):
    exam = {"problems": 3, "every": 10}
    own = load_problems(config(columns(sums, held_out=0.25), evaluate=exam), chat=False)
    assert len(own.train) == 30 and len(own.test) == len(own.validation) == 3
    assert not {*own.test.ids} & {*own.validation.ids} and not {*own.test.ids} & {*own.train.ids}


def test_a_test_file_is_used_whole_and_must_be_apart(sums, tmp_path):
    rows = [json.dumps({"question": f"{a} + 1 = ?", "gold": a + 1}) for a in range(100, 105)]
    other = tmp_path / "test.jsonl"
    other.write_text("\n".join(rows))
    own = load_problems(config(columns(sums, test_file=str(other))), chat=False)
    assert len(own.train) == 40 and len(own.test) == 5
    other.write_text("\n".join([*rows, '{"question": "3 + 3 = ?", "gold": "6"}']))
    with pytest.raises(PoolError, match=r"1 of 6 prompts of .*test.jsonl also stand in"):
        load_problems(config(columns(sums, test_file=str(other))), chat=False)


def test_the_split_follows_prompts_and_keeps_equal_ones_together():
    problems = [Problem(f"p{i}", f"question {i // 2}", "1") for i in range(200)]
    kept, held_out = split_off(Pool(problems), 0.1)
    assert len(held_out) == 20 and len(kept) == 180
    assert not {one.prompt for one in kept} & {one.prompt for one in held_out}
    again = split_off(Pool(problems[::-1]), 0.1)[1]
    assert {*again.ids} == {*held_out.ids}


def test_an_answer_that_would_not_be_judged_right_itself(sums):
    with sums.open("a") as file:
        file.write('\n{"question": "why?", "gold": "because"}')
    with pytest.raises(PoolError, match=r"'number', 1 of 41 answers would not .*\n.*'because'"):
        load_problems(config(columns(sums)), chat=False)
    assert len(load_problems(config(columns(sums, answers="exact")), chat=False).train) == 37


def test_a_file_without_answers(tmp_path):
    path = tmp_path / "bare.jsonl"
    path.write_text('{"question": "1 + 1 = ?"}\n')
    with pytest.raises(PoolError, match='bare.jsonl: no answer column among "question"'):
        load_problems(config({"file": str(path)}), chat=False)


def test_a_pool_of_ours_is_judged_by_its_own_tasks(tmp_path):
    generate("graph", [1, 2], 30, split="train", encoding="text").save(tmp_path / "pool.jsonl")
    own = load_problems(config({"file": str(tmp_path / "pool.jsonl"), "ending": ""}), chat=False)
    one = own.train[0]
    assert own.judge.verdict(one, one.solution).correct
    generate("graph", [1], 9, split="train", encoding="tiny").save(tmp_path / "tiny.jsonl")
    with pytest.raises(PoolError, match="9 of 9 answers would not be judged right"):
        load_problems(config({"file": str(tmp_path / "tiny.jsonl")}), chat=False)


def test_prompts_for_a_chat_template(sums, tmp_path):
    model = {"system": "Be brief."}
    own = load_problems(config(columns(sums), model=model), chat=True)
    system, user = own.train[0].prompt
    assert system == {"role": "system", "content": "Be brief."}
    assert user["role"] == "user" and user["content"].endswith("</answer>.")
    plain = load_problems(config(columns(sums), model=model), chat=False)
    assert plain.train[0].prompt.startswith("Be brief.\n")

    turns = [{"role": "system", "content": "Mine."}, {"role": "user", "content": "1 + 1 = ?"}]
    path = tmp_path / "chat.jsonl"
    path.write_text("\n".join(json.dumps({"messages": turns, "answer": a, "id": a}) for a in "234"))
    exam = {"problems": 0}
    chat = load_problems(config({"file": str(path)}, exam, model), chat=True)
    assert chat.train[0].prompt[0]["content"] == "Mine."
    with pytest.raises(PoolError, match='the prompt of "2" is a conversation, and the tokenizer'):
        load_problems(config({"file": str(path)}, exam), chat=False)


def test_a_users_column_cannot_hide_which_problem_a_row_is(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(
        "\n".join(f'{{"prompt": "{i}?", "answer": "{i}", "problem_id": 7}}' for i in range(9))
    )
    own = load_problems(config({"file": str(path)}, {"problems": 0}), chat=False)
    assert "problem_id" not in own.train[0].data


@pytest.mark.parametrize(
    ("answers", "gold", "text", "right"),
    [
        ("number", "1/2", "Answer: 0.5", True),
        ("number", "1,000", "\\boxed{1000}", False),
        ("int", "1,000", "\\boxed{1000}", True),
        ("exact", "Paris", "<answer> **Paris**. </answer>", True),
        ("exact", "Paris", "<answer>paris</answer>", False),
        ("exact", "Paris", "Paris", False),
        ("choice", "north", "<answer>The North</answer>", True),
    ],
)
def test_answers_are_read_as_they_are_said_to_be(answers, gold, text, right):
    judge, problem = Judge(answers), Problem("p", "?", gold)
    if answers == "number" and "," in gold:
        assert not judge.accepts_gold(problem)  # so it is refused before any training
        return
    assert judge.verdict(problem, text).correct == right
    assert judge.accepts_gold(problem)


def test_an_unknown_kind_of_answer_is_named(sums):
    with pytest.raises(ConfigError, match="Invalid enum value 'nmber' - at `data.answers`"):
        config(columns(sums, answers="nmber"))
