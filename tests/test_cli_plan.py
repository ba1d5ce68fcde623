"""The verb `plan`, and `compare` on tables and on many samplers: what is printed and refused."""

import json
import re
from pathlib import Path

import pytest

from lessonplan import cli
from tests.scripts import load_script

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "tests" / "assets" / "learning_from_less.csv"


@pytest.fixture
def run(capsys):
    """Call the command line in this process; returns exit code, stdout and stderr."""

    def call(*args):
        code = cli.main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def tools():
    """The journal writers of the analysis tests."""
    return load_script("tests/analysis/conftest.py")


@pytest.fixture(scope="module")
def pilot(tools, tmp_path_factory):
    return tools.write_study(tmp_path_factory.mktemp("pilot"), sizes=(8, 32, 128, 512))


@pytest.fixture(scope="module")
def three(tools, tmp_path_factory):
    """A study of three samplers."""
    folder = tools.write_study(tmp_path_factory.mktemp("three"))
    for start in range(3):
        for n in (8, 64, 512):
            events = tools.run_events("mixed", n, start, 7, name="uniform")
            tools.write(folder / "journals" / f"uniform-{n}-{start}.jsonl", list(events))
    return folder


# Before any run


def test_plan_prints_what_the_page_shows(run):
    code, out, _ = run(
        *("plan", "--sizes", 50, 200, 800, "--seeds", 3, "--items", 500),
        *("--ratio", 2, "--sd", 0.02),
    )
    assert code == 0
    shown = re.search(r"```\n(2 samplers.*?)```", (ROOT / "docs/plan.md").read_text(), re.DOTALL)
    assert out.startswith(shown[1])
    assert "hi/lo 2.25 to plan with, 2.03 if" in out and "80 % power: 1.79" in out
    assert "230,400 rollouts" in out and "formula: exp(2 x 1.96 x 1.15 x se)" in out


def test_the_table_of_the_page_is_computed():
    from lessonplan.analysis.planning import Layout, pair_of, predict

    text = (ROOT / "docs/plan.md").read_text()
    listed = dict(re.findall(r"^\| ([^|]+) \| ([\d.]+) \|$", text, re.MULTILINE))
    six = (50, 100, 200, 400, 800, 1600)
    for words, (sizes, seeds, items, sd) in {
        "six sizes from 50 to 1600, 3 seeds": (six, 3, 500, 0.02),
        "the same, 5 seeds": (six, 5, 500, 0.02),
        "the same, 10 seeds": (six, 10, 500, 0.02),
        "the same, 3 seeds, 2000 test problems": (six, 3, 2000, 0.02),
        "the same, 3 seeds that differ by .01, not .02": (six, 3, 500, 0.01),
        "50, 200 and 800": ((50, 200, 800), 3, 500, 0.02),
        "50 to 400, short of the target": ((50, 100, 200, 400), 3, 500, 0.02),
    }.items():
        found = predict(Layout.grid(sizes, seeds=seeds, items=items), pair_of(2.0, sd=sd))
        assert f"{found.ideal:.2f}" == listed[words], words


def test_plan_as_json(run):
    found = json.loads(run("plan", "--starts", 3, "--seeds", 1, "--json")[1])["plan"]
    assert found["layout"]["units"] == 3 and "Student's t 4.30" in found["formula"]
    assert found["hi_lo"] > found["hi_lo_formula"] > 1
    assert found["cost"]["runs"] == 36 and found["cost"]["rollouts"] == 36 * (12_800 + 500)


def test_plan_searches_the_cheapest_grid(run):
    found = json.loads(run("plan", "--width", 1.8, "--json")[1])
    assert found["plan"]["hi_lo"] <= 1.8
    found = json.loads(run("plan", "--power", 2, "--starts", 3, "--json")[1])
    assert found["plan"]["seen"] <= 2 and found["plan"]["layout"]["units"] >= 3
    code, out, _ = run("plan", "--width", 1.8)
    assert code == 0 and out.startswith("the cheapest study found for an interval with hi/lo 1.8")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--seeds", 1], "--seeds 1: one run for each size has no interval"),
        (["--starts", 1], "--starts 1: 2 warm starts are the least"),
        (["--width", 1.8, "--power", 2], "ask one"),
        (["--width", 1.01], "no study of up to 8 sizes from 50 to 1600 and 40 seeds gives"),
        (["--width", 0.5], "ratios above 1, got 0.5"),
        (["--target", 0.9], "between 0.25 and 0.75, got 0.9"),
        (["--sizes", 50], "two or more distinct numbers above 0, got [50"),
        (["--items", 0], "items must be at least 2, got 0"),
        (["--sizes", 50, "inf"], "two or more distinct numbers above 0"),
        (["--base", 0.8], "0 < base < ceiling < 1, got 0.8 and 0.75"),
        (["--pace", 0], "pace must be above 0"),
        (["--family", "counting"], "--family is about a pilot"),
    ],
)
def test_what_cannot_be_planned(run, typed, message):
    code, _, err = run("plan", *typed)
    assert code == cli.BAD_INPUT and message in err


# From a pilot


def test_a_pilot_says_what_to_run_next(run, pilot):
    code, out, _ = run("plan", pilot)
    assert code == 0 and out.startswith("counting, mixed against easy: 24 runs; seeds differ by")
    assert "next: " in out and "runs to do next" in out
    (found,) = json.loads(run("plan", pilot, "--json")[1])["pilots"]
    gains = [one["gain"] for one in found["next"]]
    assert gains == sorted(gains, reverse=True)
    assert f"next: {found['next'][0]['what']}" in out
    assert {"one more warm start in every cell", "both at a new size, n = 64"} <= {
        one["what"] for one in found["next"]
    }


def test_a_pilot_searches_with_what_it_knows(run, pilot):
    code, out, _ = run("plan", pilot, "--power", 4, "--samplers", "mixed", "easy")
    assert code == 0 and "the cheapest study found for a ratio of 4" in out


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--sd", 0.1], "--sd is read from"),
        (["--family", "grahp"], "families: counting"),
        (["--samplers", "mixed", "hard"], "no sampler 'hard'; known: easy, mixed"),
        (["--target", 0.99], "target 0.99 that both fitted curves reach"),
    ],
)
def test_what_a_pilot_refuses(run, pilot, typed, message):
    code, _, err = run("plan", pilot, *typed)
    assert code == cli.BAD_INPUT and message in err


# Published points


def test_compare_reads_published_points_as_they_are(run):
    code, out, _ = run("compare", PUBLISHED)
    lines = out.splitlines()
    assert code == 0 and "accuracy = accuracy_percent" in lines[0] and "percent" in lines[0]
    assert lines[1].startswith("one seed, no interval")
    assert (
        "counting: at 100 problems mixed scores 44.2 %; easy needs 500 for that: "
        "5.0 times as many" in lines
    )
    assert "graph: at 100 problems" in out and "not reached, there is no gain to match" in out
    assert "spatial: at 100 problems mixed scores 56.6 %; easy needs 198 for that: 2.0 times" in out
    found = json.loads(run("compare", PUBLISHED, "--json")[1])
    assert found["interval"].startswith("one seed, no interval")
    first = {one["task"]: one for one in found["comparisons"] if one["n_a"] == 100}
    assert first["counting"]["ratio"] == 5.0
    assert first["graph"]["kind"] == "not reached" and first["graph"]["ratio"] is None


def test_published_points_as_a_table_to_paste(run):
    lines = run("compare", PUBLISHED, "--table", "md", "--family", "counting")[1].splitlines()
    assert "(one seed, no interval)" in lines[0] and len(lines) == 5
    assert lines[2] == "| counting | mixed | 100 | easy | 44.2 % | 5.0 |"


def test_points_at_a_target(run):
    out = run("compare", PUBLISHED, "--target", 0.5)[1]
    assert "counting: mixed: 50 % not reached" in out and "spatial: mixed has 50 %" in out


def test_columns_of_a_table_are_named_by_options(run, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("score,size,who\n.4,10,a\n.6,100,a\n.4,20,b\n.6,200,b\n")
    code, _, err = run("compare", path)
    assert code == cli.BAD_INPUT and "no column accuracy" in err
    out = run("compare", path, "--columns", "accuracy=score,sampler=who")[1]
    assert out.startswith("own.csv: n = size, accuracy = score, sampler = who; accuracy read as a")
    assert "at 20 problems b scores 40 %; a needs 10 for that: 0.50 times as many" in out
    fitted = run("fit", path, "--columns", "accuracy=score", "sampler=who", "--json")[1]
    assert [one["curve"] for one in json.loads(fitted)["curves"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--columns", "accuracy"], "--columns takes ROLE=COLUMN, got 'accuracy'"),
        (
            ["--columns", "acc=accuracy_percent"],
            'unknown role "acc"; nearest: n, accuracy, sampler, task',
        ),
        (["--unequal"], "--unequal is about journals"),
        (["--family", "grahp"], "no task 'grahp'; tasks: counting, graph, spatial"),
        (["--target", 44], "between 0 and 1, got 44"),
    ],
)
def test_what_a_table_refuses(run, typed, message):
    code, _, err = run("compare", PUBLISHED, *typed)
    assert code == cli.BAD_INPUT and message in err


def test_a_wrong_cell_is_named_with_file_and_line(run, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("n,accuracy,sampler\n10,.4,a\n20,x,a\n")
    code, _, err = run("compare", path)
    assert code == cli.DAMAGED and f'{path}:3: "accuracy" is not a finite number: "x"' in err


# Several samplers


def test_compare_corrects_for_the_number_of_comparisons(run, three):
    code, out, _ = run("compare", three, "--target", 0.6)
    assert code == 0
    assert "3 comparisons, of which one in twenty would look like a difference by chance" in out
    assert out.count("after Holm's correction for 3 comparisons") == 3
    found = json.loads(run("compare", three, "--target", 0.6, "--json")[1])["comparisons"]
    for one in found:
        assert one["holm"]["p_adjusted"] >= one["holm"]["p"]
        assert one["difference"]["n"] == 512
        if one["difference"]["low"] <= 0 <= one["difference"]["high"]:
            assert "would have been seen" in one["difference"]["words"]  # what was missed
    assert all(one["difference"]["words"] in out for one in found)


def test_a_table_to_paste_says_what_would_have_been_seen(run, three):
    table = run("compare", three, "--target", 0.6, "--table", "md")[1]
    assert "would be seen" in table and {line.count("|") for line in table.splitlines()} == {8}


def test_columns_are_about_tables(run, three):
    code, _, err = run("compare", three, "--unit", "percent")
    assert code == cli.BAD_INPUT and "about tables" in err
