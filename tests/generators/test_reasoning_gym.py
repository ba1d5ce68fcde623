"""reasoning-gym both ways: a worker that outlives hostile scorers, real pools, our tasks there."""

import os
import runpy
import sys
import time
import venv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import SPLITS
from lessonplan.generators.families import TASKS, family
from lessonplan.generators.reasoning_gym_in import ReasoningGym, spaced_seed
from lessonplan.generators.reasoning_gym_out import dataset_name, register
from lessonplan.generators.reasoning_gym_process import Worker, WorkerFault
from lessonplan.generators.reasoning_gym_screen import DENIED, EXECUTES, WARNED, screen, shipped

# A package of the same name whose one task does to the worker what an answer tells it.
HOSTILE = """
import dataclasses, os, random, socket, subprocess, sys, time

@dataclasses.dataclass
class Config:
    seed: int = 0
    size: int = 500
    def validate(self): pass

class Dataset:
    def __init__(self, config): self.config = config
    def __getitem__(self, index):
        n = random.Random(self.config.seed + index).randrange(10**9)
        return {"question": f"Echo {n}", "answer": str(n), "metadata": {"secret": n}}
    def score_answer(self, answer, entry):
        match answer:
            case "raise": raise RuntimeError("no")
            case "sleep": time.sleep(60)
            case "spin":
                while True: pass
            case "exit": os._exit(0)
            case "leave": sys.exit(3)
            case "memory": return float(len(bytearray(10**10)))
            case "print": print("x" * 10**7); sys.stderr.write("y" * 10**7); return 0.5
            case "write": open("file", "w")
            case "write low": os.open("file", os.O_CREAT | os.O_WRONLY)
            case "run": subprocess.run(["true"])
            case "system": os.system("true")
            case "fork": os.fork()
            case "net": socket.create_connection(("127.0.0.1", 9))
            case "kill": os.kill(os.getppid(), 9)
            case "deep": return self.score_answer(answer, entry)
            case "nan": return float("nan")
            case "text": return "1.0"
            case "near": return 0.9991
            case "none": return None
            case "environment": return float(len(os.environ))
        return float(answer == entry["answer"])

class Half(Dataset):
    def __getitem__(self, index):
        item = super().__getitem__(index)
        return {**item, "answer": item["answer"] if index % 3 else ""}

class Silent(Dataset):
    def __getitem__(self, index): return {**super().__getitem__(index), "answer": None}

DATASETS = {"half": (Half, Config), "silent": (Silent, Config)}
DATASETS |= {"echo": (Dataset, Config), "coin_flip": (Dataset, Config), "countdown": (Dataset, Config)}
def has_curriculum(name): return False
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that has the hostile package."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    files = {
        "reasoning_gym/__init__.py": "",
        "reasoning_gym/factory.py": HOSTILE,
        "reasoning_gym/coaching/__init__.py": "",
        "reasoning_gym/coaching/base_curriculum.py": "",
        "reasoning_gym-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: x\nVersion: 9.9\n",
    }
    for name, text in files.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)
    return str(folder / "bin" / "python")


@pytest.fixture
def echo(python):
    with ReasoningGym("echo", python=python, seconds=1, megabytes=512) as gym:
        yield gym


FAILS = ("raise", "exit", "leave", "memory", "write", "write low", "run", "system", "fork", "net")
FAILS += ("kill", "deep", "nan", "none")


@pytest.mark.parametrize("answer", [*FAILS, "sleep", "spin"])
def test_a_scorer_that_fails_gives_no_verdict_and_the_next_one_is_right(echo, answer):
    problem = echo.pool(1, "train")[0]
    started = time.monotonic()
    assert echo.verify(problem, f"<answer>{answer}</answer>") is None
    assert echo.verify(problem, f"<answer>{problem.answer}</answer>").correct
    assert time.monotonic() - started < 4
    assert not os.path.exists("file")


def test_what_a_scorer_prints_does_not_reach_the_pipe(echo):
    problem = echo.pool(1, "train")[0]
    assert echo.score(problem, "print") == 0.5


def test_the_worker_sees_nothing_of_our_environment(echo, monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    echo.close()
    assert echo.score(echo.pool(1, "train")[0], "environment") <= 8


def test_nothing_is_left_behind(python):
    gym = ReasoningGym("echo", python=python)
    process, folder = gym.worker._process, gym.worker._folder.name
    assert process.poll() is None and os.path.isdir(folder)
    gym.close()
    assert process.poll() is not None and not os.path.isdir(folder)
    gym.close()  # again


def test_metadata_stay_in_the_worker(echo):
    problem = echo.pool(1, "train")[0]
    assert set(problem.data) == {"seed", "index", "size"}
    assert problem.id.startswith("rg.echo/9.9/") and problem.level == 0
    assert problem.prompt.endswith("Write your final answer between <answer> and </answer>.")


def test_splits_and_seeds_share_no_question(echo, python):
    pools = {split: echo.pool(100, split) for split in SPLITS}
    questions = Counter(problem.prompt for pool in pools.values() for problem in pool)
    assert len(questions) == 400
    with ReasoningGym("echo", python=python, seed=1) as other:
        again = {problem.prompt for problem in other.pool(100, "train")}
        assert not again & {problem.prompt for problem in pools["train"]}
    assert echo.pool(100, "test").fingerprint == pools["test"].fingerprint
    assert echo.pool(10, "test")[0].data["size"] != pools["test"][0].data["size"]


def test_items_that_no_completion_can_answer_are_left_out(python):
    with ReasoningGym("half", python=python) as gym:
        pool = gym.pool(100, "train")
        assert all(problem.answer for problem in pool)
        assert {problem.data["index"] % 3 for problem in pool} == {1, 2}
    with ReasoningGym("silent", python=python) as gym:  # stores none: its scorer alone knows
        assert {problem.answer for problem in gym.pool(20, "train")} == {""}


def test_seeds_are_spaced():
    seeds = [spaced_seed("echo", split, 0, 10_000) for split in SPLITS]
    assert min(abs(a - b) for a in seeds for b in seeds if a != b) >= 10_000
    assert seeds == [spaced_seed("echo", split, 0, 1) for split in SPLITS]
    with pytest.raises(ConfigError, match="take another seed"):
        spaced_seed("echo", "train", 0, 2**31)


def test_denied_executing_and_unknown_tasks(python):
    with pytest.raises(ConfigError, match="87 % of its items repeat"):
        ReasoningGym("coin_flip", python=python)
    with pytest.raises(ConfigError, match="executes what the model wrote"):
        ReasoningGym("countdown", python=python)
    with (
        pytest.warns(UserWarning, match="its scorer executes the model's text"),
        ReasoningGym("countdown", python=python, allow_execution=True) as gym,
    ):
        assert gym.name == "countdown"
    with pytest.raises(ConfigError, match='no task "nothing"; it has .*echo'):
        ReasoningGym("nothing", python=python)
    with pytest.raises(ConfigError, match="level of echo"):
        ReasoningGym("echo", level=0, python=python)  # it has no levels
    assert not set(DENIED) & set(WARNED)


def test_a_problem_of_other_settings_is_refused(echo):
    from dataclasses import replace

    problem = replace(echo.pool(1, "train")[0], id="rg.echo/9.9/000000000000/1/1")
    with pytest.raises(KeyError, match="its ids begin with rg.echo/9.9/"):
        echo.verify(problem, "<answer>1</answer>")


def test_a_python_without_the_package(tmp_path):
    venv.create(tmp_path, symlinks=True)
    with (
        Worker(python=str(tmp_path / "bin" / "python")) as worker,
        pytest.raises(WorkerFault, match="is reasoning-gym installed"),
    ):
        worker.ask({"do": "about"}, 5)


def test_extraction_before_scoring(echo):
    problem = echo.pool(1, "train")[0]
    for dress in ("<answer>\n{}\n</answer>", "<answer>**{}**</answer>", "\\boxed{{{}}}"):
        assert echo.verify(problem, "so " + dress.format(problem.answer)).correct
    assert echo.verify(problem, "hm").reason == "no_answer"
    assert echo.verify(problem, f"<answer>{'9' * 30_000}</answer>").reason == "too_long"
    assert echo.verify(problem, "<answer>7</answer>").reason == "wrong"
    assert echo.verify(problem, "<answer>near</answer>").reason == "wrong"  # pays for nearness
    assert echo.verify(problem, f"<think><answer>{problem.answer}</answer>").reason == "no_answer"


# --- the real package -------------------------------------------------------------------------


def test_real_pools():
    pytest.importorskip("reasoning_gym")
    with ReasoningGym("chain_sum", level=2) as gym:
        pool = gym.pool(30, "test")
        assert set(pool.levels.tolist()) == {3}
        for problem in pool:
            assert problem.prompt.count(" + ") + problem.prompt.count(" - ") == 3  # four terms
            assert gym.verify(problem, f"<answer>{problem.answer}</answer>").correct
            substring = f"{problem.answer}5"
            assert 0 < gym.score(problem, substring) < 1  # the package's own credit
            assert gym.verify(problem, f"<answer>{substring}</answer>").reward == 0


def test_a_task_that_repeats_itself_is_refused():
    pytest.importorskip("reasoning_gym")
    with (
        pytest.warns(UserWarning, match="95 % of its items repeat"),
        ReasoningGym("tower_of_hanoi", level=0) as gym,
        pytest.raises(PoolError, match="different questions of the test split"),
    ):
        gym.pool(20, "test")


def test_screen():
    pytest.importorskip("reasoning_gym")
    bad = screen("coin_flip", n=100)
    assert any("repeat" in reason for reason in bad.against)
    assert any("junk" in reason or "other items" in reason for reason in bad.against)


def test_the_shipped_table():
    table = [row for row in shipped() if not row["level"]]
    names = [row["name"] for row in table]
    assert len(names) == len(set(names)) >= 100
    by_name = {row["name"]: row for row in table}
    assert EXECUTES <= set(names) and set(WARNED) <= set(names)
    assert set(DENIED) - {"composite"} <= set(names)
    assert not by_name["chain_sum"]["against"]
    for name in EXECUTES & set(by_name):
        assert "executes" in by_name[name]["against"]
    passing = [row for row in table if not row["against"]]
    assert 40 <= len(passing) <= 80
    assert all(float(row["mode"]) < 0.3 for row in passing if float(row["gold_reward"] or 0) > 0)


def test_the_page_is_the_shipped_table():
    docs = Path(__file__).parents[2] / "docs"
    page = runpy.run_path(str(docs / "reasoning_gym.py"))["page"]
    assert (docs / "reasoning_gym.md").read_text("utf-8") == page(), (
        "write it anew: python docs/reasoning_gym.py"
    )


# --- out --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gym():
    package = pytest.importorskip("reasoning_gym")
    assert register() == register() == tuple(map(dataset_name, TASKS))
    return package


def test_datasets_and_scores(gym):
    for task in TASKS:
        level = family(task).levels[-1]
        dataset = gym.create_dataset(dataset_name(task), level=level, seed=3, size=20)
        items = list(dataset)
        assert len(items) == 20
        for item, other in pairwise(items):
            assert dataset.score_answer(item["answer"], item) == 1.0
            assert dataset.score_answer(f"so <answer>{item['answer']}</answer>", item) == 1.0
            assert dataset.score_answer(other["answer"], item) == float(
                other["answer"] == item["answer"]
            )
            for junk in ("", None, "<answer>", item["answer"] + "1x"):
                assert dataset.score_answer(junk, item) == 0.0


def test_neighboring_seeds_share_nothing(gym):
    name = dataset_name("counting.count_if")
    one, two = (gym.create_dataset(name, level=5, seed=seed, size=500) for seed in (42, 43))
    assert not {item["question"] for item in one} & {item["question"] for item in two}


def test_settings_are_checked(gym):
    for wrong in ({"level": 99}, {"size": 0}, {"split": "tset"}):
        with pytest.raises(ConfigError):
            gym.create_dataset(dataset_name("graph.walk"), **wrong)


def test_curriculum(gym):
    from reasoning_gym.factory import create_curriculum

    curriculum = create_curriculum(dataset_name("graph.walk"))
    assert curriculum.generate_configuration({"seed": 1}).level == 1
    curriculum.set_global_level(3)
    config = curriculum.generate_configuration({"seed": 1, "size": 7})
    assert (config.task, config.level, config.seed, config.size) == ("graph.walk", 4, 1, 7)
    assert curriculum.increment_global_level() and not curriculum.increment_global_level()


def test_composite_and_scoring_by_id(gym):
    from reasoning_gym.composite import DatasetSpec

    specs = [
        DatasetSpec(dataset_name("counting.count_if"), 1, {"level": 3}),
        DatasetSpec(dataset_name("graph.walk"), 1, {"level": 2}),
    ]
    mixed = gym.create_dataset("composite", seed=1, size=40, datasets=specs)
    names = Counter(item["metadata"]["source_dataset"] for item in mixed)
    assert set(names) == {spec.name for spec in specs}
    for item in mixed:
        assert mixed.score_answer(item["answer"], item) == 1.0


def test_curriculum_experiment(gym):
    from reasoning_gym.coaching import CurriculumExperiment
    from reasoning_gym.coaching.curriculum_config import (
        CurriculumAttributeConfig,
        CurriculumExperimentConfig,
    )

    name = dataset_name("counting.count_if")
    config = CurriculumExperimentConfig(
        curricula={name: CurriculumAttributeConfig(weight=1.0, attribute_levels={"level": 1})}
    )
    experiment = CurriculumExperiment("ours", config=config, size=10)
    item = experiment.composite[0]
    assert item["metadata"]["level"] == 2
    assert experiment.composite.score_answer(item["answer"], item) == 1.0


def test_our_worker_file_needs_nothing_of_ours():
    source = Path(sys.modules[Worker.__module__].__file__).with_name("reasoning_gym_worker.py")
    assert "lessonplan" not in source.read_text(encoding="utf-8")
