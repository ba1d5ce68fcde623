"""Scenarios: shipped ones load, a file says what is wrong with it, by name and line."""

import math
import re
import tomllib
from pathlib import Path

import pytest

from lessonplan.errors import ConfigError
from lessonplan.training.scenario import (
    SHIPPED,
    Scenario,
    Skills,
    load_scenario,
    parse_scenario,
    scenario_toml,
)

HEAD = 'name = "mine"\ntarget = 0.5\n'


def parse(text):
    return parse_scenario(tomllib.loads(text), where="mine.toml", text=text)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_load_and_come_back_from_their_own_toml(name):
    found = load_scenario(name)
    assert found.name == name and found.about.endswith(".")
    assert "Uniform" in found.samplers
    again = parse(scenario_toml(found))
    assert again == found


def test_every_shipped_file_is_listed():
    folder = Path(__file__).parents[2] / "lessonplan" / "training"
    assert {path.stem.removeprefix("scenario-") for path in folder.glob("scenario-*.toml")} == set(
        SHIPPED
    )


def test_infinite_reach_survives_toml():
    assert math.isinf(load_scenario("null").skills.reach)
    assert "reach = inf" in scenario_toml(load_scenario("null"))


def test_a_file_is_read_with_its_arms(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        HEAD
        + 'samplers = ["Uniform", "bold"]\n[arms.bold]\nsampler = "AdaptiveDifficulty"\n'
        + "args = { target = 0.3 }\n[practice]\nsteps = 7\nproblems_per_step = 3\ngroup_size = 2\n"
    )
    found = load_scenario(str(path), worlds=3)
    assert found.entrant("bold").args == {"target": 0.3}
    assert found.rollouts == 7 * 3 * 2
    assert found.worlds == 3


def test_the_baseline_is_always_there():
    assert parse(HEAD + 'samplers = ["LIM"]').samplers == ("Uniform", "LIM")
    assert load_scenario("demo", samplers=["EasyOnly"]).samplers == ("Uniform", "EasyOnly")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[practice]\nstepps = 3", 'mine.toml:4: unknown key "stepps" in [practice]; nearest: "steps"'),
        ("seeeds = 3", 'mine.toml:3: unknown key "seeeds"; nearest: "seed"'),
        ("[arms.bold]\nsamplr = 1", 'unknown key "samplr" in [arms.bold]; nearest: "sampler"'),
        ('samplers = ["Uniformm"]', 'no sampler "Uniformm"; nearest: Uniform'),
        (
            'samplers = ["x"]\n[arms.x]\nsampler = "LIM"\nargs = { windw = 3 }',
            'LIM has no argument "windw"; nearest: window',
        ),
        ('samplers = ["LIM", "LIM"]', "samplers must be distinct"),
        ("[practice]\ngroup_size = 1", "practice.group_size must be at least 2, got 1"),
        ("[problems]\ntrain = 4", "problems.train must be at least 16, got 4"),
        ("[problems]\nunsolvable = 0.75\nmislabeled = 0.5", "must lie in [0, 1], got 1.25"),
        ("[problems]\nlevels = 11", "problems.levels must be at most 10, got 11"),
        ("[skills]\ndiscrimination = 0.0", "skills.discrimination must be positive"),
        ("[skills]\ntransfer = [[1.0, 0.5]]", "skills.transfer must have 5 rows of 5 numbers"),
        ("[skills]\nshock_skills = [5]", "skills.shock_skills must lie in 0..4, got [5]"),
        ("[delays]\nlate = -1.0", "delays.late must be at least 0, got -1.0"),
        ("[skills]\nstart = inf", "start must be finite, got inf"),
        ("[skills]\nrate = nan", "skills.rate must be at least 0, got nan"),
        ('samplers = ["lessonplan.selection.review:Review"]', 'Review wraps other samplers: give it an arm with around = ["LIM"]'),
        (
            'samplers = ["a"]\n[arms.a]\nsampler = "LIM"\naround = ["Uniform"]',
            "arms.a: LIM wraps no sampler, so no around",
        ),
        (
            ('samplers = ["a"]\n[arms.a]\nsampler = "lessonplan.selection.review:Review"\naround = ["b"]\n'
            '[arms.b]\nsampler = "lessonplan.selection.review:Review"\naround = ["a"]'),
            "arms.a is around itself: a > b > a",
        ),
        (
            'samplers = ["a"]\n[arms.a]\nsampler = "lessonplan.selection.review:Review"\naround = ["Limm"]',
            'no sampler "Limm"; nearest: LIM',
        ),
        ("[practice]\nsteps = 1.5", "Expected `int`, got `float` - at `practice.steps`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text, said):
    with pytest.raises(ConfigError) as caught:
        parse(HEAD + text)
    assert str(caught.value).startswith("mine.toml")
    assert said in str(caught.value)


@pytest.mark.parametrize("target", [0.0, 1.0, 60.0])
def test_a_target_is_a_share(target):
    with pytest.raises(ConfigError, match="target is a success rate between 0 and 1"):
        parse(f'name = "x"\ntarget = {target}')


def test_no_file_and_no_toml(tmp_path):
    with pytest.raises(ConfigError, match="neither a file nor a scenario; scenarios: demo, null"):
        load_scenario("demmo")
    path = tmp_path / "x.toml"
    path.write_text("= 3")
    with pytest.raises(ConfigError, match=r"x\.toml: "):
        load_scenario(str(path))


def test_defaults_of_the_learner_are_those_of_the_docstring():
    assert Skills().reach == 1.0 and Skills().forgetting == 0.0


def blocks(language):
    page = (Path(__file__).parents[2] / "docs" / "simulate.md").read_text(encoding="utf-8")
    return page, re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def test_the_page_shows_every_key_with_its_default_and_every_scenario():
    page, (whole, bolder) = blocks("toml")
    assert parse(whole) == Scenario("mine", 0.6)
    for key in re.findall(r"^(\w+) =", scenario_toml(Scenario("mine", 0.6)), re.MULTILINE):
        assert re.search(rf"^{key} = ", whole, re.MULTILINE), key
    assert parse(bolder).entrant("bold").args == {"target": 0.3}
    assert all(f"| `{name}` |" in page for name in SHIPPED)


def test_the_program_of_the_page_runs(capsys):
    _, (program,) = blocks("python")
    exec(program.replace("worlds=8", "worlds=2"), {})  # noqa: S102  # our own page
    assert "Simulated: " in capsys.readouterr().out
