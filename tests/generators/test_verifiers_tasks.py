"""Tasks of verifiers, loaded and scored by the real package where it is installed.

`verifiers.v1` is the interface of 0.4; the older entry point is tested with a verifiers below 0.4.
"""

import asyncio
import sys
from importlib.metadata import version
from itertools import islice

import pytest

from lessonplan.errors import ConfigError, FormatError
from lessonplan.generators import Pool, Problem, family, generate, stream
from lessonplan.generators.verifiers_out import write_verifiers, write_verifiers_stream
from lessonplan.generators.verifiers_tasks import problems, read_settings

CHAT = [{"role": "system", "content": "Be exact."}, {"role": "user", "content": "1 + 1?"}]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a package with `write`, importable as lp_NAME."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("lp_")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def pool():
    tasks = [family("counting", "text"), family("graph.shortest_path"), family("spatial.seating")]
    return generate(tasks, [1, 2], 12, split="train")


def test_problems_on_file_come_back_equal(pool, tmp_path):
    write_verifiers({"train": pool}, tmp_path, name="lp-a")
    settings = read_settings(tmp_path / "lp_a")
    assert list(problems(tmp_path / "lp_a", settings, "train")) == list(pool)
    with pytest.raises(ConfigError, match="split must be one of train, got 'test'"):
        problems(tmp_path / "lp_a", settings, "test")


def test_fresh_problems_come_in_turn_and_by_their_own_ids(tmp_path):
    write_verifiers_stream(["counting", "graph.clique"], [3], tmp_path, name="lp-a", seed=5)
    settings = read_settings(tmp_path / "lp_a")
    first = list(islice(problems(tmp_path / "lp_a", settings, "test"), 40))
    assert [one.id for one in first[:3]] == [
        "counting.count_if/v1/L3/d0/test/5/0",
        "graph.clique/v1/L3/d0/test/5/0",
        "counting.count_if/v1/L3/d0/test/5/1",
    ]
    assert len({one.id for one in first}) == 40
    assert first == list(islice(problems(tmp_path / "lp_a", settings, "test"), 40))
    for one in first:
        assert family(one.task, "text").recall(one.id) == one


def test_a_stream_is_that_of_its_generator(tmp_path):
    settings = {"diversity": 1, "wrapper": "boxed", "split_by": "skeleton"}
    generator = type(family("counting.filter_aggregate"))("text", **settings)
    write_verifiers_stream(generator, [2, 3], tmp_path, name="lp-a", seed=5)
    ours = problems(tmp_path / "lp_a", read_settings(tmp_path / "lp_a"), "validation")
    own = stream(generator, [2, 3], split="validation", seed=5)
    assert list(islice(ours, 20)) == list(islice(own, 20))


def test_foreign_settings_are_refused(tmp_path):
    (tmp_path / "environment.json").write_text('{"name": "x"}')
    with pytest.raises(FormatError, match=r"environment.json: .*splits"):
        read_settings(tmp_path)


# -- the real package, 0.4 ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def vf():
    module = pytest.importorskip("verifiers.v1")
    if version("verifiers").split(".") < ["0", "4"]:
        pytest.skip("needs verifiers 0.4")
    return module


def load(name, **settings):
    import verifiers.v1 as vf
    from verifiers.v1.utils.loaders import taskset_config_type

    return vf.load_taskset(taskset_config_type(name)(id=name, **settings))


def scored(task, text, **facts):
    """The trace of one rollout, scored as verifiers scores it."""
    import verifiers.v1 as vf

    trace = vf.Trace(
        task=vf.TraceTask(type=type(task).__name__, data=task.data, key=task.key, hash=task.hash),
        agent=vf.AgentInfo(config=vf.AgentConfig()),
        nodes=[
            vf.MessageNode(
                message=vf.AssistantMessage(content=text),
                sampled=True,
                token_ids=[1],
                mask=[True],
                logprobs=[0.0],
            )
        ],
        ok=True,
        **facts,
    )
    asyncio.run(task.score(trace))
    return trace


def test_right_and_wrong_completions_are_scored(pool, package, vf):
    write_verifiers({"train": pool}, package, name="lp-scored", system="Be brief.")
    tasks = list(load("lp-scored"))
    assert [task.key for task in tasks] == list(pool.ids)
    for task, problem in zip(tasks, pool, strict=True):
        assert task.data.prompt == problem.prompt and task.data.system_prompt == "Be brief."
        right = scored(task, problem.solution)
        assert (right.reward, right.metrics) == (1.0, {"correct": 1.0, "format_ok": 1.0})
        wrong = scored(task, problem.solution.replace("<answer>", "<answer>7 "))
        assert wrong.reward == 0.0 and wrong.metrics["correct"] == 0.0
        assert asyncio.run(task.validate(None)) is True


HOSTILE = {
    "nothing": "",
    "spaces": " \n\t ",
    "open tags": "<answer>" * 5_000,
    "closed tags": "</answer>" * 5_000,
    "code": "<answer>__import__('os').getpid()</answer>",
    "arithmetic": "<answer>{answer} + 0</answer>",
    "all answers": "<answer>0 1 2 3 4 5 6 7 8 9</answer>",
    "two answers": "<answer>{answer}</answer> or <answer>99</answer>",
    "not in the answer": "It is {answer}.",
    "template": "<answer>{{answer}}</answer>",
    "nul": "<answer>\x00{answer}</answer>",
    "huge number": "<answer>" + "9" * 100_000 + "</answer>",
    "4 MB": "x<" * 2_000_000,
    "infinity": "<answer>inf</answer>",
    "nan": "<answer>nan</answer>",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_completions_earn_nothing(kind, package, vf):
    pool = generate(family("counting", "text"), [1], 1, split="train")
    write_verifiers({"train": pool}, package, name="lp-bad")
    (task,) = load("lp-bad")
    trace = scored(task, HOSTILE[kind].replace("{answer}", task.data.answer))
    assert trace.reward == 0.0 and trace.ok


def test_keys_are_durable_and_the_default_ones_are_not(pool, package, vf):
    write_verifiers({"train": pool}, package, name="lp-one")
    write_verifiers({"train": pool.take(range(len(pool))[::-1])}, package / "two", name="lp-two")
    sys.path.insert(0, str(package / "two"))
    try:
        one, two = list(load("lp-one")), list(load("lp-two"))
    finally:
        sys.path.remove(str(package / "two"))
    assert {task.key for task in one} == {task.key for task in two} == set(pool.ids)
    there = {task.key: task for task in two}
    assert all(vf.Task.key.fget(task) != vf.Task.key.fget(there[task.key]) for task in one)


def test_shaped_rewards_truncation_and_settings_at_run_time(package, vf):
    pool = generate(family("counting", "text"), [1], 2, split="train")
    write_verifiers({"train": pool, "test": pool_of("x", "2")}, package, name="lp-set", kind="int")
    (task, _) = load("lp-set", task={"reward": "limr"})
    assert scored(task, pool[0].solution).reward == 1.0
    assert scored(task, "<answer>99</answer>").reward == -0.5
    assert scored(task, pool[0].solution, stop_condition="max_output_tokens").reward == -1.0
    with pytest.raises(ValueError, match="'train' or 'test'"):
        load("lp-set", split="validation")
    (own,) = load("lp-set", split="test")
    assert (own.data.system_prompt, own.data.prompt) == ("Be exact.", "1 + 1?")
    assert scored(own, "<answer>2</answer>").reward == 1.0
    with pytest.raises(vf.TaskError, match="rewards must be one of"):
        scored(next(iter(load("lp-set", task={"reward": "most"}))), "")


def pool_of(name, answer):
    return Pool([Problem(name, CHAT, answer)])


def test_an_unscorable_completion_is_an_error_and_not_a_zero(package, vf):
    write_verifiers({"train": pool_of("x", "2")}, package, name="lp-own", kind="int")
    (task,) = load("lp-own")
    broken = task.with_data(answer="no number")
    with pytest.raises(vf.TaskError, match="x: the completion cannot be scored"):
        scored(broken, "<answer>2</answer>")


def test_an_endless_task_set(package, vf):
    write_verifiers_stream(["counting", "graph.clique"], [3, 4], package, name="lp-endless")
    endless = load("lp-endless", split="test")
    assert type(endless).INFINITE and not endless.bounded
    some = list(endless.take(50))
    assert len({task.key for task in some}) == 50
    assert {task.key.split("/")[4] for task in some} == {"test"}
    for task in some[:10]:
        problem = family(task.data.task, "text").recall(task.key)
        assert scored(task, problem.solution).reward == 1.0


# -- the real package, below 0.4 ----------------------------------------------------------------


def test_the_older_entry_point(pool, package):
    vf = pytest.importorskip("verifiers")
    if not hasattr(vf, "load_environment"):
        pytest.skip("needs verifiers below 0.4")
    write_verifiers({"train": pool}, package, name="lp-old", system="Be brief.", legacy=True)
    old = vf.load_environment("lp-old", split="train")
    rows = old.get_dataset()
    assert [row["problem_id"] for row in rows["info"]] == list(pool.ids)

    def score(row, completion):
        state = vf.State(prompt=row["prompt"], completion=completion, answer=row["answer"])
        state |= {"info": row["info"], "task": "default", "trajectory": [], "timing": {}}
        asyncio.run(old.rubric.score_rollout(state))
        return state["reward"]

    for row, problem in zip(rows, pool, strict=True):
        assert row["prompt"][0] == {"role": "system", "content": "Be brief."}
        assert score(row, [{"role": "assistant", "content": problem.solution}]) == 1.0
        for text in ("", "<answer>7 7 7</answer>", "<answer>" * 5_000):
            assert score(row, [{"role": "assistant", "content": text}]) == 0.0
        assert score(row, problem.solution) == 1.0 and score(row, []) == 0.0
