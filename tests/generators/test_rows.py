"""Own data: columns are guessed when sure, and every faulty row is named."""

import json
import sys
from datetime import date

import numpy as np
import pytest

from lessonplan.errors import PoolError
from lessonplan.generators import Pool, plain

CHAT = [{"role": "user", "content": "2 + 2?"}]


def write(path, *lines):
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "mine.jsonl"


LAYOUTS = {
    "TRL solution": ({"prompt": "2 + 2?", "solution": "4"}, "2 + 2?", "4"),
    "TRL ground_truth": ({"prompt": CHAT, "ground_truth": "4"}, CHAT, "4"),
    "question": ({"question": "2 + 2?", "answer": 4, "info": {}}, "2 + 2?", "4"),
    "open-r1": ({"problem": "2 + 2?", "solution": "4"}, "2 + 2?", "4"),
    "messages": ({"messages": CHAT, "solution": "4"}, CHAT, "4"),
    "verl": (
        {
            "data_source": "mine",
            "prompt": CHAT,
            "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": "4"},
            "extra_info": {"index": 3, "answer": "four"},
        },
        CHAT,
        "4",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_known_layouts_need_no_names(mine, layout):
    row, prompt, answer = LAYOUTS[layout]
    pool = Pool.from_jsonl(write(mine, row))
    assert pool[0].prompt == prompt and pool[0].answer == answer
    assert pool[0].data == row  # the columns of the user, for the user's reward functions
    assert pool[0].level == 0 and pool.families == ("custom",)
    assert pool.name == "mine"


def test_named_columns_win(mine):
    write(
        mine,
        {"q": "a", "question": "b", "a": {"v": [1, 2]}, "k": "x-1", "hard": 3, "topic": "sum"},
    )
    (problem,) = Pool.from_jsonl(
        mine, prompt="q", answer="a.v", id="k", level="hard", family="topic"
    )
    assert (problem.id, problem.prompt, problem.answer) == ("x-1", "a", "[1, 2]")
    assert (problem.level, problem.family) == (3, "sum")


def test_id_level_and_family_are_found_under_their_own_names(mine):
    write(mine, {"id": 7, "prompt": "a", "answer": "b", "level": 2, "family": "f"})
    problem = Pool.from_jsonl(mine)[0]
    assert (problem.id, problem.level, problem.family) == ("7", 2, "f")


def test_a_level_that_is_no_level_stays_data(mine):
    write(mine, {"prompt": "a", "answer": "b", "level": "Level 5"})
    assert Pool.from_jsonl(mine)[0].level == 0
    assert Pool.from_jsonl(mine)[0].data["level"] == "Level 5"
    with pytest.raises(
        PoolError, match='"level" is not a level, a whole number from 1 to 10: line 1'
    ):
        Pool.from_jsonl(mine, level="level")


def test_ids_come_from_the_content(mine):
    row, other = {"prompt": "a", "answer": "b"}, {"prompt": "a", "answer": "c"}
    first = Pool.from_jsonl(write(mine, row, other, row))
    assert first.ids[2] == first.ids[0] + "-2" and first.ids[1][:16] != first.ids[0]
    second = Pool.from_jsonl(write(mine, other, {**row, "note": 1}))
    assert list(second.ids) == [first.ids[1], first.ids[0]]


def message(call):
    with pytest.raises(PoolError) as caught:
        call()
    return str(caught.value)


def test_two_columns_that_fit(mine):
    write(mine, {"question": "a", "text": "b", "answer": "c"})
    expected = 'mine.jsonl: prompt could be "question" or "text"; choose with --prompt'
    assert message(lambda: Pool.from_jsonl(mine)) == expected
    write(mine, {"prompt": "a", "answer": "c", "solution": "d", "target": "e"})
    assert message(lambda: Pool.from_jsonl(mine)) == (
        'mine.jsonl: answer could be "answer", "solution" or "target"; choose with --answer'
    )
    assert Pool.from_jsonl(mine, answer="target")[0].answer == "e"


def test_a_pool_without_answers(mine):
    write(mine, {"prompt": "a", "topic": "x"})
    assert message(lambda: Pool.from_jsonl(mine)) == (
        'mine.jsonl: no answer column among "prompt", "topic"; choose with --answer, '
        "or read it with answer=False (--no-answer) if your reward needs none"
    )
    assert Pool.from_jsonl(mine, answer=False)[0].answer == ""


def test_no_prompt_and_unknown_names(mine):
    write(mine, {"input_text": "a", "answer": "b"})
    assert message(lambda: Pool.from_jsonl(mine)) == (
        'mine.jsonl: no prompt column among "input_text", "answer"; choose with --prompt'
    )
    assert message(lambda: Pool.from_jsonl(mine, prompt="input_txt")) == (
        'mine.jsonl: no column "input_txt"; nearest: "input_text"'
    )


def test_all_faulty_rows_are_named_at_once(mine):
    good = {"prompt": "a", "answer": "b", "id": "1"}
    mine.write_bytes(
        b"\n".join(
            [
                b"\xef\xbb\xbf" + json.dumps(good).encode(),
                json.dumps({**good, "id": "2", "answer": None}).encode(),
                b"",  # an empty line counts as a line and is no fault
                b"{broken",
                json.dumps({**good, "id": "3", "prompt": "  "}).encode(),
                json.dumps(good).encode(),
                b'{"prompt": "a", "prompt": "b", "answer": "c", "id": "4"}',
                b"[1, 2]",
                b'"text"',
                b'{"prompt": "\xff", "answer": "c"}',
                b'{"prompt": "a", "answer": NaN}',
                b'{"prompt": "a", "answer": "\\ud800", "id": "5"}',
                b'{"prompt": "a", "answer": 1e999, "id": "6"}',
                b'{"prompt": "a", "answer": ' + b"[" * 70 + b"]" * 70 + b', "id": "7"}',
                b'{"prompt": "a", "answer": ' + b"[" * 50_000 + b"]" * 50_000 + b', "id": "8"}',
                b'{"prompt": "a", "answer": ' + b"9" * 5000 + b', "id": "9"}',
                b'{"prompt": "a", "answer": "b", "id": null}',
                b'{"prompt": [{"role": "user"}, 3], "answer": "b", "id": "10"}',
                b'{"prompt": "a", "answer": "  ", "id": "11"}',
                b"",
            ]
        )
    )
    lines = message(lambda: Pool.from_jsonl(mine)).splitlines()
    assert lines[0] == "mine.jsonl: 17 of 18 rows cannot be used"
    assert set(lines[1:]) == {
        '  no answer in "answer": lines 2, 19',
        "  not JSON: lines 4, 11, 16",
        '  no prompt in "prompt", neither a text nor messages: lines 5, 18',
        "  repeats the id of an earlier row: line 6",
        "  the same key twice: line 7",
        "  not an object with named columns: lines 8, 9",
        "  not UTF-8: line 10",
        "  holds half a character (a lone surrogate): line 12",
        "  holds an infinite number: line 13",
        "  nested deeper than 64: lines 14, 15",
        '  no id in "id", neither a text nor a whole number: line 17',
    }


def test_a_line_too_long_is_skipped_not_held(mine, monkeypatch):
    monkeypatch.setattr(plain, "MAX_LINE", 2**20)
    good = {"prompt": "a", "answer": "b"}
    write(mine, good, {**good, "x": "x" * (3 * 2**20)}, {**good, "x": "y" * 2**20}, good)
    expected = "mine.jsonl: 2 of 4 rows cannot be used\n  longer than 1 MB: lines 2, 3"
    assert message(lambda: Pool.from_jsonl(mine)) == expected


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file(mine, content):
    mine.write_text(content)
    assert message(lambda: Pool.from_jsonl(mine)) == "mine.jsonl: no rows in it"


def test_only_faulty_rows(mine):
    mine.write_text("nonsense\n")
    expected = "mine.jsonl: 1 of 1 rows cannot be used\n  not JSON: line 1"
    assert message(lambda: Pool.from_jsonl(mine)) == expected


def test_a_saved_pool_with_damaged_rows(mine):
    Pool.from_rows([{"prompt": "a", "answer": "b"}, {"prompt": "c", "answer": "d"}]).save(mine)
    first, second = map(json.loads, mine.read_text().splitlines())
    del second["task"]
    write(
        mine, first, second, {**first, "level": "1"}, {**first, "data": 3}, {**first, "answer": 5}
    )
    text = message(lambda: Pool.from_jsonl(mine))
    assert "mine.jsonl: 4 of 5 rows cannot be used" in text
    assert "has other keys than the first row, which is of a saved pool: line 2" in text
    assert '"level" is not a whole number from 0 to 10: line 3' in text
    assert '"data" is not an object: line 4' in text
    assert '"answer" is not a text: line 5' in text


def test_rows_and_datasets():
    data = [{"prompt": "a", "answer": "b", "n": np.int64(3), "day": date(2026, 1, 2), "x": np.nan}]
    for pool in (Pool.from_rows(data), Pool.from_dataset(iter(data), name="hub")):
        assert pool[0].data == {
            "prompt": "a", "answer": "b", "n": 3, "day": "2026-01-02", "x": None,
        }  # fmt: skip
    assert pool.name == "hub"
    text = message(lambda: Pool.from_rows([*data, {"prompt": b"a"}, 3], name="mine"))
    assert "mine: 2 of 3 rows cannot be used" in text
    assert "  holds a bytes, which is not JSON: row 2" in text
    assert "  not an object with named columns: row 3" in text


def test_a_dataset_of_several_splits_is_refused():
    text = message(lambda: Pool.from_dataset({"train": [], "test": []}))
    assert text == 'dataset: this holds several datasets; pass one of "train", "test"'


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "mine.parquet"
    row = LAYOUTS["verl"][0]
    parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    pool = Pool.from_parquet(path)
    assert pool[0].data == row and pool[0].answer == "4" and pool[0].prompt == CHAT
    table = [{"question": "a", "answer": "b"}, {"question": "a", "answer": None}]
    parquet.write_table(pyarrow.Table.from_pylist(table), path)
    expected = 'mine.parquet: 1 of 2 rows cannot be used\n  no answer in "answer": row 2'
    assert message(lambda: Pool.from_parquet(path)) == expected


def test_fields_that_a_table_filled_up_leave_the_messages():
    chat = [{"role": "user", "content": "2 + 2?", "name": None}]
    (problem,) = Pool.from_rows([{"prompt": chat, "answer": "4"}])
    assert problem.prompt == CHAT and problem.data["prompt"] == chat
    for broken in ([{"role": "user", "content": None}], [{"content": "a"}], [], "", None, 3):
        with pytest.raises(PoolError, match='no prompt in "prompt", neither a text nor messages'):
            Pool.from_rows([{"prompt": broken, "answer": "4"}], prompt="prompt")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    text = message(lambda: Pool.from_parquet(tmp_path / "mine.parquet"))
    assert text == 'reading parquet needs pyarrow: pip install "lessonplan[parquet]"'
