"""The documents say what the code does: their examples run, their tables and links are complete."""

import re
import tomllib
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from lessonplan import Curriculum, Outcome, Uniform, cli, generate
from lessonplan.analysis import read_journal
from lessonplan.curricula import sampler_classes
from lessonplan.errors import FormatError
from lessonplan.generators import TASKS, Pool, family
from lessonplan.training.config import BUILT_IN_ARMS, PRESETS, StudyConfig, parse_study, study_toml

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_first_program_of_the_readme_is_an_example_that_ci_runs():
    assert blocks("README.md", "python")[0] == text("examples/own_trainer.py")


def test_readme_and_page_list_every_sampler():
    for name in sampler_classes():
        assert f"`{name}`" in text("README.md"), name
        assert f"`{name}`" in text("docs/samplers.md"), name


def test_the_page_of_problems_lists_every_task():
    for name in TASKS:
        levels = family(name).levels
        assert f"| `{name}` | {levels[0]}-{levels[-1]} |" in text("docs/generators.md"), name


def test_the_sampler_of_the_page_keeps_every_rule(tmp_path, monkeypatch):
    own, check = blocks("docs/samplers.md", "python")[-2:]
    (tmp_path / "sampler_of_the_page.py").write_text(f"{own}\n{check}")
    monkeypatch.syspath_prepend(tmp_path)
    import_module("sampler_of_the_page")


def test_the_offline_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pool = generate("counting", [1, 2], 12, split="train")
    with Curriculum(pool, Uniform(pool), journal="run.jsonl") as curriculum:
        for step in range(9):
            picks = curriculum.ask(4, step=step)
            curriculum.tell(Outcome(one.ticket, [1.0, float(step > 3)]) for one in picks)
    scope = {"pool": pool}
    exec(blocks("docs/samplers.md", "python")[0], scope)  # noqa: S102  # our own page
    assert 0 < len(scope["smaller"]) <= 12


def test_the_study_page_shows_the_quick_study_with_every_key():
    whole, own = blocks("docs/study.md", "toml")
    shown = parse_study(tomllib.loads(whole), where="docs/study.md")
    assert study_toml(shown) == study_toml(PRESETS["quick"])
    for key in every_key(StudyConfig):
        assert re.search(rf"^\[?{key}\b", whole, re.MULTILINE) or key == "arms", key
    arm = parse_study(tomllib.loads(own), where="docs/study.md").arm("bold")
    assert arm.args == {"target": 0.3, "floor": 0.1}


def every_key(cls):
    for one in fields(cls):
        yield one.name
        if is_dataclass(one.default):
            yield from every_key(type(one.default))


def test_the_study_page_lists_the_arms():
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text("docs/study.md"), re.MULTILINE)
    assert dict(listed) == {name: arm.sampler for name, arm in BUILT_IN_ARMS.items()}


def test_every_column_that_the_data_page_names_is_recognized():
    listed = dict(re.findall(r"^\| (\w+) \| (.*?) \|", text("docs/own-data.md"), re.MULTILINE))
    names = {one: re.findall(r"`([\w.]+)`", row) for one, row in listed.items()}
    assert len(names["prompt"]) > 5 and len(names["answer"]) > 5
    for prompt in names["prompt"]:
        assert Pool.from_rows([{prompt: "1 + 1", "answer": "2"}])[0].prompt == "1 + 1"
    for answer in names["answer"]:
        outer, _, inner = answer.partition(".")
        row = {"prompt": "1 + 1", outer: {inner: "2"} if inner else "2"}
        assert Pool.from_rows([row])[0].answer == "2"
    row = {"prompt": "1 + 1", "answer": "2", "id": "a", "level": 3, "family": "sums"}
    problem = Pool.from_rows([row])[0]
    assert (problem.id, problem.level, problem.family) == ("a", 3, "sums")


def test_the_worked_line_of_the_format_page_is_intact(tmp_path):
    (line,) = re.findall(r'^\{"seq":1.*\}$', text("docs/journal.md"), re.MULTILINE)
    scope = {}
    exec(blocks("docs/journal.md", "python")[0], scope)  # noqa: S102  # our own page
    assert scope["intact"](line.encode())
    assert not scope["intact"](line.replace("0.5", "0.6").encode())
    (tmp_path / "one.jsonl").write_text(line + "\n")
    with pytest.raises(FormatError, match="event 1 where 0 was due"):  # its checksum is accepted
        read_journal(tmp_path / "one.jsonl")


def test_the_format_page_names_every_event_and_status():
    from lessonplan.analysis.events import KINDS, STATUSES

    page = text("docs/journal.md")
    assert all(f"\n`{event}`: " in page for event in KINDS)
    assert all(f"| `{status}` |" in page for status in STATUSES if status != "open")


def test_the_command_page_lists_the_verbs_and_exit_codes(capsys):
    page = text("docs/cli.md")
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    listed = re.search(r"\{([\w,]+)\}", capsys.readouterr().out)
    assert all(f"| `{verb}" in page for verb in listed[1].split(","))
    codes = (cli.DONE, cli.OUR_BUG, cli.BAD_INPUT, cli.LOCKED, cli.DAMAGED, cli.SOME_FAILED)
    assert all(f"\n| {code} |" in page for code in codes)
