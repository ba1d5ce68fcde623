"""lessonplan select as people meet it."""

import csv
import json
import re

import numpy as np
import pytest

from lessonplan import cli, cli_select
from lessonplan.generators import Pool

RATES = {"a": (2, 5, 8), "b": (10, 10, 10), "c": (0, 0, 0), "d": (None, 4, 6), "e": (None, None, 5)}


@pytest.fixture
def run(capsys):
    def call(*args):
        code = cli.main(["select", *map(str, args)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def log(tmp_path):
    """LIM's hand-worked example as LIMR's step files, 8 steps an epoch."""
    folder = tmp_path / "log"
    folder.mkdir()
    for epoch in range(3):
        rows = [
            {"prompt": f"What is {name}?", "response": "so", "reward": reward}
            for name, some in RATES.items()
            if some[epoch] is not None
            for reward in [-0.5] * (10 - some[epoch]) + [1.0] * some[epoch]
        ]
        for step in range(8):
            path = folder / f"step_{epoch * 8 + step + 1}.json"
            path.write_text(json.dumps(rows[step::8]))
    return folder


@pytest.fixture
def pool(tmp_path):
    path = tmp_path / "problems.jsonl"
    rows = [{"question": f"What is {name}?", "answer": name, "id": name} for name in "abcdef"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_select_explains_itself_with_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["select", "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0 and "Example: lessonplan select " in text
    assert "--json" in text and "--compat" in text


def test_a_subset_is_written_and_everything_dropped_is_explained(run, log, pool, tmp_path):
    out = tmp_path / "subset.jsonl"
    code, text, err = run(log, "--pool", pool, "--top", 2, "-o", out)
    assert (code, err) == (0, "")
    assert list(Pool.from_jsonl(out).ids) == ["a", "d"]
    assert Pool.from_jsonl(out)[0].data["question"] == "What is a?"  # the user's own row
    for part in (
        "limr: 120 rewards of 5 problems, 3 epochs",
        "lim, over 3 epochs",
        "not in the log",
        "not scored in each of 3 epochs",
        "not among the 2 best",
        "problems recognized by prompt",
        f"2 problems written to {out}",
    ):
        assert part in text
    assert re.search(r"0\.89 to  0\.99  █+ 2, 2 kept", text)


def test_the_same_as_json(run, log, pool):
    facts = json.loads(run(log, "--pool", pool, "--json")[1])
    assert facts["ids"] == ["a", "d"] and facts["kept"] == 2 and facts["scored"] == 4
    assert facts["dropped"] == {
        "score too low": 2, "not in the log": 1, "not scored in each of 3 epochs": 1
    }  # fmt: skip
    assert sum(row["problems"] for row in facts["histogram"]) == 4
    assert sum(row["kept"] for row in facts["histogram"]) == 2
    assert facts["format"] == "limr" and facts["epochs_used"] == 3


def test_quiet_prints_nothing(run, log, pool):
    assert run(log, "--pool", pool, "-q") == (0, "", "")


def test_the_table_of_scores_can_be_selected_from_again(run, log, pool, tmp_path):
    table = tmp_path / "scores.csv"
    run(log, "--pool", pool, "--scores", table, "-q")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list("abcdef")
    assert float(rows[0]["score"]) == pytest.approx(0.8987, abs=5e-5) and rows[0]["kept"] == "1"
    assert rows[4]["score"] == "" and rows[5]["reason"] == "not in the log"
    code, text, _ = run(table, "--format", "scores", "--pool", pool, "--threshold", 0.9)
    assert code == 0 and "scores of 6 problems" in text
    again = run(table, "--format", "scores", "--pool", pool, "--top", 2, "--json")[1]
    assert json.loads(again)["ids"] == ["a", "d"]


def test_cells_are_no_formulas_and_text_is_no_command(run, tmp_path):
    log = tmp_path / "log.jsonl"
    rows = [{"id": "=cmd()", "score": 1}, {"id": "\x1b[31mred", "score": 0}]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = tmp_path / "scores.csv"
    code, text, _ = run(log, "--by", "pass_rate", "--top", 1, "--scores", table)
    assert code == 0 and "\x1b[31m" not in text
    assert "'=cmd()" in table.read_text()


@pytest.mark.parametrize(
    ("more", "ids"),
    [
        (["--by", "pass_rate", "--band", 0.5, 0.9], ["a", "d", "e"]),
        (["--by", "linear"], ["a"]),
        (["--by", "variance", "--top", 1], ["a"]),
        (["--threshold", 0.05], ["a", "c", "d"]),
        (["--compat", "released"], ["a", "d"]),
        (["--compat", "released", "--round", 2, "--threshold", 0.99], ["d"]),
        (["--fill", "none", "--top", 9], ["a", "b", "c"]),
        (["--epochs", 1, "--top", 9], ["a", "b", "c"]),
        (["--steps-per-epoch", 24, "--top", 9], ["a", "b", "c", "d", "e"]),
        (["--success", -0.5, "--by", "pass_rate", "--band", 1, 1], list("abcde")),
    ],
    ids=str,
)
def test_scores_and_rules(run, log, pool, more, ids):
    code, text, err = run(log, "--pool", pool, "--json", *more)
    assert (code, err) == (0, "") and json.loads(text)["ids"] == ids


def test_clusters_from_embeddings_and_from_structure(run, log, pool, tmp_path):
    rows = tmp_path / "rows.npy"
    np.save(rows, np.array([[0.0], [0.0], [0.0], [9.0], [9.0], [9.0]]))
    more = ["--pool", pool, "--top", 2, "--diverse", 2, "--json"]
    assert json.loads(run(log, *more, "--embeddings", rows)[1])["ids"] == ["a", "d"]
    seeded = [json.loads(run(log, *more, "--clustering", "k-center")[1])["ids"] for _ in "12"]
    assert seeded[0] == seeded[1] and len(seeded[0]) == 2


def test_without_a_pool_the_names_of_the_log_stand_in(run, log, tmp_path):
    code, text, _ = run(log, "--json")
    assert code == 0 and json.loads(text)["ids"] == ["What is a?", "What is d?"]
    code, _, err = run(log, "-o", tmp_path / "x.jsonl")
    assert code == cli.BAD_INPUT and err == "-o needs the problems themselves: give --pool\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--by", "variance"], "no published threshold: give top (--top)"),
        (["--top", 0], "top must be at least 1, got 0"),
        (["--top", 2, "--threshold", 0.3], "needs clusters"),
        (["--epochs", 4], "epochs must lie in 1..3"),
        (["--steps-per-epoch", 0], "steps_per_epoch must be at least 1"),
        (["--embeddings", "x.npy"], "give --diverse"),
        (["--diverse", 3], "give top"),
        (["--key", "promt"], 'step_1.json:1: item 1: no column "promt"'),
        (["--format", "verl"], "step_1.json:1: item 1: no column"),
    ],
    ids=str,
)
def test_a_mistake_is_a_sentence(run, log, pool, more, message):
    code, out, err = run(log, "--pool", pool, *more)
    assert code in (cli.BAD_INPUT, cli.DAMAGED) and out == ""
    assert message in err and "bug" not in err and len(err.splitlines()) <= 3


def test_embeddings_are_never_unpickled(run, log, pool, tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    for name in ("evil.npy", "text.npy"):
        more = ["--top", 2, "--diverse", 2, "--embeddings", tmp_path / name]
        code, _, err = run(log, "--pool", pool, *more)
        assert code == cli.BAD_INPUT and "no array of numbers" in err


def test_damage_and_absence_have_their_own_exit_codes(run, log, pool, tmp_path):
    (log / "step_3.json").write_text('[{"prompt": "What is a?", "reward": 1}')
    code, _, err = run(log, "--pool", pool)
    assert code == cli.DAMAGED and "step_3.json:1: not JSON" in err
    code, _, err = run(tmp_path / "nothing.jsonl", "--pool", pool)
    assert code == cli.BAD_INPUT and "nothing.jsonl" in err


def test_a_table_without_time_has_pass_rates_only(run, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": "a", "score": 1}\n{"id": "a", "score": 0}\n')
    code, _, err = run(path, "--top", 1)
    assert code == cli.BAD_INPUT and "choose --step or --epoch; --by pass_rate needs neither" in err
    assert run(path, "--by", "pass_rate", "--top", 1)[0] == 0


def test_nothing_kept_writes_nothing(run, log, pool, tmp_path):
    out = tmp_path / "none.jsonl"
    code, _, err = run(log, "--pool", pool, "--threshold", 5, "-o", out)
    assert code == cli.BAD_INPUT and "no problem was kept" in err and not out.exists()


def test_the_bar_appears_on_a_terminal_after_a_while(run, log, pool, monkeypatch):
    """Without a terminal there is none, and on one not before two seconds."""
    monkeypatch.setattr(cli_select, "PATIENCE_S", -1.0)
    assert run(log, "--pool", pool)[2] == ""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert "reading" in run(log, "--pool", pool)[2]
    monkeypatch.setattr(cli_select, "PATIENCE_S", 2.0)
    assert "reading" not in run(log, "--pool", pool)[2]
