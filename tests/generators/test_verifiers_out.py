"""Packages for verifiers: what is written, what is refused, and the wheel that is built of them."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import Pool, Problem, family, generate
from lessonplan.generators.verifiers_out import write_verifiers, write_verifiers_stream


@pytest.fixture(scope="module")
def pools():
    tasks = [family("counting", "text"), family("graph.shortest_path")]
    return {
        "train": generate(tasks, [1, 3], 24, split="train"),
        "test": generate(tasks, [3], 6, split="test"),
    }


def test_the_package_holds_the_problems_whole(pools, tmp_path):
    write_verifiers(pools, tmp_path / "out", name="My-Problems", reward="limr")
    package = tmp_path / "out" / "my_problems"
    assert sorted(path.name for path in package.iterdir()) == [
        "__init__.py",
        "environment.json",
        "test.jsonl",
        "train.jsonl",
    ]
    for split, pool in pools.items():
        assert Pool.from_jsonl(package / f"{split}.jsonl").fingerprint == pool.fingerprint
    project = tomllib.loads((tmp_path / "out" / "pyproject.toml").read_text())
    assert project["project"]["name"] == "My-Problems"
    assert project["project"]["dependencies"] == ["lessonplan", "verifiers>=0.4"]
    compile((package / "__init__.py").read_text(), "__init__.py", "exec")


def test_writing_again_replaces_the_splits_and_nothing_else(pools, tmp_path):
    write_verifiers(pools, tmp_path, name="lp")
    write_verifiers({"all": pools["test"]}, tmp_path, name="lp", legacy=True)
    assert [path.name for path in (tmp_path / "lp").glob("*.jsonl")] == ["all.jsonl"]
    assert "def load_environment" in (tmp_path / "lp" / "__init__.py").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="holds something else"):
        write_verifiers(pools, tmp_path / "mine", name="lp")


@pytest.mark.parametrize(
    "name", ["", "json", "verifiers", "Lessonplan", "a b", "1st", "../up", "a-"]
)
def test_a_name_must_be_a_free_module(pools, tmp_path, name):
    with pytest.raises(ConfigError, match="name must be"):
        write_verifiers(pools, tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []


def test_what_could_never_be_rewarded_is_refused(pools, tmp_path):
    own = Pool([Problem("a", "1 + 1?", "2"), Problem("b", "Half of 5?", "2.5")])
    with pytest.raises(PoolError, match="\"a\": its answer '2' is not judged.*need `kind`"):
        write_verifiers({"train": own}, tmp_path, name="lp")
    with pytest.raises(PoolError, match="\"b\": its answer '2.5'.*not read as 'int'"):
        write_verifiers({"train": own}, tmp_path, name="lp", kind="int")
    tiny = generate("counting", [1], 1, split="train", encoding="tiny")
    with pytest.raises(PoolError, match='solution is judged no_answer; .*encoding="text"'):
        write_verifiers({"train": tiny}, tmp_path, name="lp")
    with pytest.raises(ConfigError, match="at least one split"):
        write_verifiers({}, tmp_path, name="lp")
    with pytest.raises(ConfigError, match="split's name"):
        write_verifiers({"../a": pools["test"]}, tmp_path, name="lp")
    with pytest.raises(PoolError, match='"train" and "test" share 6 problems'):
        write_verifiers({"train": pools["test"], "test": pools["test"]}, tmp_path, name="lp")
    with pytest.raises(ConfigError, match="rewards must be one of"):
        write_verifiers(pools, tmp_path, name="lp", reward="most")
    assert list(tmp_path.iterdir()) == []


def test_a_stream_is_written_by_its_description(tmp_path):
    counting = type(family("counting"))("text", split_by="skeleton")
    generators = [counting, type(family("graph.clique"))(diversity=2)]
    plain = {"wrapper": "tag", "style": 0}
    write_verifiers_stream(generators, {3: 1, 5: 0.5}, tmp_path, name="lp", seed=7)
    assert json.loads((tmp_path / "lp" / "environment.json").read_text()) == {
        "name": "lp",
        "splits": ["train", "warmup", "validation", "test"],
        "reward": "binary",
        "kind": None,
        "system": "",
        "endless": [
            {"task": "counting.count_if", "diversity": 0, **plain, "split_by": "skeleton"},
            {"task": "graph.clique", "diversity": 2, **plain, "split_by": "instance"},
        ],
        "levels": {"3": 1.0, "5": 0.5},
        "seed": 7,
    }
    with pytest.raises(ConfigError, match="graph.clique has levels"):
        write_verifiers_stream("graph.clique", [1], tmp_path, name="lp")
    with pytest.raises(ConfigError, match="different tasks"):
        write_verifiers_stream(["counting", "counting"], [1], tmp_path, name="lp")
    with pytest.raises(ConfigError, match='the encoding "text"'):
        write_verifiers_stream(family("counting", "tiny"), [1], tmp_path, name="lp")


LOAD = """
import asyncio, sys
import verifiers.v1 as vf
import lp_wheel
from verifiers.v1.utils.loaders import taskset_config_type
assert lp_wheel.__file__.startswith(sys.prefix), "not the installed package"
for split in ("train", "test"):
    tasks = list(vf.load_taskset(taskset_config_type("lp-wheel")(id="lp-wheel", split=split)))
    right = sum(asyncio.run(task.validate(None)) for task in tasks)
    print(len(tasks), len({task.key for task in tasks}), right, tasks[0].key)
"""


@pytest.mark.timeout(300)  # imports of the real package in a fresh interpreter
def test_the_wheel_is_built_installed_and_loaded_by_the_real_package(pools, tmp_path):
    pytest.importorskip("hatchling", reason="the package is built with it")
    pytest.importorskip("verifiers", reason="the real package loads the wheel")
    if version("verifiers").split(".") < ["0", "4"]:
        pytest.skip("needs verifiers 0.4")
    folder = tmp_path / "out"
    write_verifiers(pools, folder, name="lp-wheel")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.jsonl\n")  # must not keep the problems out
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*build, "-w", tmp_path / "dist", folder], check=True, timeout=100)
    (wheel,) = (tmp_path / "dist").glob("lp_wheel-0.1.0-py3-none-any.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "-q"]
    subprocess.run([*install, wheel], check=True, timeout=100)
    libraries = os.pathsep.join([sysconfig.get_path("purelib"), *filter(None, sys.path)])
    done = subprocess.run(
        [python, "-c", LOAD],
        env={"PYTHONPATH": libraries, "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{len(pool)} {len(pool)} {len(pool)} {pool.ids[0]}" for pool in pools.values()
    ]


def test_the_example_of_the_page_writes_a_package(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0])  # noqa: S102
    package = tmp_path / "out" / "sums-and-paths" / "sums_and_paths"
    assert len(Pool.from_jsonl(package / "train.jsonl")) == 300
