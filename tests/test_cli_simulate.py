"""lessonplan simulate: what it prints, what it writes, and what it says about mistakes."""

import json
import re

import pytest

from lessonplan import cli
from lessonplan.analysis.figures import csv_text
from lessonplan.training.paired import ratios, verdict
from lessonplan.training.scenario import load_scenario
from lessonplan.training.simulate import simulate
from lessonplan.training.simulate_figures import forest_rows

TINY = """\
name = "tiny"
about = "A test."
target = 0.45
samplers = ["Uniform", "AdaptiveDifficulty"]
worlds = 3
[problems]
train = 60
test = 20
[skills]
rate = 0.3
[practice]
steps = 40
problems_per_step = 6
group_size = 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the scenario in it."""
    found = tmp_path_factory.mktemp("simulate")
    (found / "tiny.toml").write_text(TINY)
    return found


@pytest.fixture
def tiny(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_a_scenario_of_ones_own(tiny, capsys):
    assert cli.main(["simulate", "tiny.toml", "-o", "out"]) == cli.DONE
    said = capsys.readouterr()
    assert "simulated: tiny. A test." in said.out
    assert re.search(r"Simulated: .* 45 %", said.out)
    assert "No claim about real models follows" in said.out
    assert "960 generated rollouts for each sampler in each" in said.out
    page = (tiny / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 6 and len(page) < 3_000_000
    assert "<title>simulated: tiny</title>" in page and "prefers-color-scheme:dark" in page
    assert "Limits of these numbers" in page and "Equal generated rollouts: 960" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)  # it loads nothing
    figures = sorted(path.name for path in (tiny / "out" / "figures").iterdir())
    assert len(figures) == 6 * 4 and "tiny-v9-truth.csv" in figures
    table = (tiny / "out" / "ratios.csv").read_text()
    assert table.startswith("learner,a,b,target") and "\nsimulated,AdaptiveDifficulty," in table
    # the resolved scenario beside it gives the same numbers again
    again = ratios(simulate(load_scenario("out/scenario.toml")))
    assert csv_text(forest_rows(again)) == table


def test_json_with_other_samplers_and_seeds(tiny, capsys):
    line = ["simulate", "tiny.toml", "--samplers", "LIM", "EasyOnly", "--seeds", "2", "--json"]
    assert cli.main(line) == cli.DONE
    facts = json.loads(capsys.readouterr().out)
    assert facts["learner"] == "simulated" and facts["worlds"] == 2
    assert [one["a"] for one in facts["ratios"]] == ["LIM", "EasyOnly"]
    assert {one["b"] for one in facts["ratios"]} == {"Uniform"}
    assert all(one["verdict"].startswith("Simulated: ") for one in facts["ratios"])
    assert facts["report"] == "runs/simulated-tiny/report.html"
    assert (tiny / facts["report"]).is_file()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["demmo"], "demmo is neither a file nor a scenario; scenarios: demo, null"),
        (["demo", "--samplers", "Lim2"], 'no sampler "Lim2"; nearest: LIM'),
        (["demo", "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["low.toml"], "target 0.05 is not above the untrained success of world 0"),
        (["key.toml"], 'key.toml:7: unknown key "trian" in [problems]; nearest: "train"'),
    ],
)
def test_mistakes(tiny, capsys, line, said):
    (tiny / "low.toml").write_text(TINY.replace("0.45", "0.05"))
    (tiny / "key.toml").write_text(TINY.replace("about", "#").replace("train =", "trian ="))
    assert cli.main(["simulate", *line]) == cli.BAD_INPUT
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) <= 3
    assert not (tiny / "runs" / "simulated-demo").exists()


def test_the_null_scenario_shows_no_winner():
    found = ratios(simulate(load_scenario("null", worlds=16)))
    assert [one.winner for one in found] == [None] * 4
    assert all("no difference could be shown" in verdict(one) for one in found)
