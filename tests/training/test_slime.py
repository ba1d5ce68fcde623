"""slime: its calls in their order, and its real rollout function where its sources can be imported.

It is on no package index under its own name: put a checkout on PYTHONPATH, with torch, ray, httpx,
transformers and pylatexenc installed. Elsewhere a record with the fields of its Sample stands in.
"""

import asyncio
import copy
import re
import sys
from argparse import Namespace
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest

from lessonplan import Curriculum, Uniform, ZeroVariance, family, generate
from lessonplan.errors import EngineError, RewardError, StateError
from lessonplan.selection import SPEED
from lessonplan.training import slime as adapter
from lessonplan.training.slime import CurriculumSource, mark, reward, tell

HERE = "lessonplan.training.slime"
POOL = generate(
    [family("counting", "text"), family("graph.shortest_path")], [1, 2], 24, split="train"
)


@dataclass
class Standing:
    """The fields of slime's Sample that are used."""

    class Status(Enum):
        PENDING = "pending"
        COMPLETED = "completed"
        ABORTED = "aborted"
        FAILED = "failed"

    group_index: int | None = None
    index: int | None = None
    prompt: object = ""
    label: str | None = None
    metadata: dict = field(default_factory=dict)
    response: str = ""
    response_length: int = 0
    reward: object = None
    status: Status = Status.PENDING
    remove_sample: bool = False

    def get_reward_value(self, args):
        return self.reward if not args.reward_key else self.reward[args.reward_key]


@pytest.fixture(autouse=True)
def sample_class(monkeypatch):
    """slime's own, if it is there."""
    try:
        from slime.utils.types import Sample
    except ImportError:
        Sample = Standing
        for name in ("slime", "slime.utils", "slime.utils.types"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        sys.modules["slime.utils.types"].Sample = Sample
    return Sample


class Source(CurriculumSource):
    gates = ()

    def build(self, args):
        return Curriculum(POOL, Uniform(POOL, seed=3), gates=self.gates)


class Gated(Source):
    gates = (ZeroVariance(),)


def arguments(tmp_path, **changed):
    return Namespace(
        **{
            "rollout_all_samples_process_path": f"{HERE}.tell",
            "rollout_sample_filter_path": None,
            "n_samples_per_prompt": 2,
            "apply_chat_template": False,
            "apply_chat_template_kwargs": None,
            "hf_checkpoint": None,
            "reward_key": None,
            "save": str(tmp_path),
            "load": str(tmp_path),
            **changed,
        }
    )


def finish(groups, *rewards):
    """What generation and scoring write into the samples of the groups."""
    for group, scores in zip(groups, rewards, strict=True):
        for sample, score in zip(group, scores, strict=True):
            sample.reward, sample.response_length = score, 5
            sample.status = type(sample).Status.COMPLETED


def test_a_sample_carries_what_scoring_and_telling_need(tmp_path):
    source = Source(arguments(tmp_path))
    groups = source.get_samples(3)
    assert len(source) == 24 and [len(group) for group in groups] == [2, 2, 2]
    assert [[s.index for s in group] for group in groups] == [[0, 1], [2, 3], [4, 5]]
    for group, pick in zip(groups, source.curriculum.open_picks(), strict=True):
        for sample in group:
            assert (sample.group_index, sample.label) == (pick.ticket, pick.problem.answer)
            assert sample.prompt == pick.problem.prompt
            for text, expected in ((pick.problem.solution, 1.0), ("<answer>7 7 7</answer>", 0.0)):
                sample.response = text
                assert asyncio.run(reward(None, sample)) == expected
    groups[0][0].metadata["task"] = "mine"
    with pytest.raises(RewardError, match="a reward function of your own"):
        asyncio.run(reward(None, groups[0][0]))


def test_rollouts_are_told_once_and_the_next_ask_knows_them(tmp_path):
    args = arguments(tmp_path)
    source = Source(args)
    for step in range(4):
        groups = source.get_samples(3)
        assert source.curriculum.lag == 1  # this one
        finish(groups, (1.0, 0.0), (0.0, 0.0), (1.0, 1.0))
        tell(args, groups[::-1], source.get_samples)
        assert source.step == step + 1 and source.curriculum.ledger["open"] == 0
    assert source.curriculum.ledger["trained"] == 12
    assert source.curriculum.metrics()["all_right"] == pytest.approx(1 / 3)


def test_what_is_no_statement_about_the_policy_is_unscorable(tmp_path, sample_class):
    args = arguments(tmp_path, reward_key="score")
    source = Source(args)
    told = []
    original = source.curriculum.tell
    source.curriculum.tell = lambda given: original(told.extend(given := list(given)) or given)
    groups = source.get_samples(2)
    finish(groups, ({"score": 1.0}, None), ({"score": 0.0}, {"score": 1.0}))
    groups[1][0].status = sample_class.Status.ABORTED
    groups[1][1].status = sample_class.Status.FAILED
    tell(args, groups, source)
    assert [[reward if reward == reward else None for reward in one.rewards] for one in told] == [
        [1.0, None],
        [None, None],
    ]
    assert [one.tokens for one in told] == [10, 10]
    assert source.curriculum.ledger["failed"] == 1
    assert [group[0].remove_sample for group in groups] == [False, True]


def test_a_group_that_a_gate_refuses_has_its_loss_masked(tmp_path):
    args = arguments(tmp_path)
    source = Gated(args)
    groups = source.get_samples(2)
    finish(groups, (1.0, 0.0), (1.0, 1.0))
    tell(args, groups, source.get_samples)
    assert [[s.remove_sample for s in group] for group in groups] == [[False] * 2, [True] * 2]


def test_groups_that_slime_filtered_are_told_as_filtered_when_it_marks(tmp_path):
    args = arguments(tmp_path, rollout_sample_filter_path=f"{HERE}.mark")
    source = Source(args)
    groups = source.get_samples(3)
    finish(groups, (1.0, 0.0), (0.0, 0.0), (1.0, 1.0))
    mark(args, groups[:1])
    tell(args, groups, source.get_samples)
    assert source.curriculum.ledger["trained"] == 1
    assert source.curriculum.ledger["filtered"] == 2


def test_aborted_groups_are_given_up_unless_they_come_back(tmp_path):
    args = arguments(tmp_path)
    source = Source(args)
    groups = source.get_samples(5)
    finish(groups[:3], *[(1.0, 0.0)] * 3)
    tell(args, groups[:3], source.get_samples)
    source.add_samples(groups[4:])  # a partial rollout; group 3 is lost
    following = source.get_samples(1) + source.get_samples(2)
    assert following[0] is groups[4]
    assert source.curriculum.ledger == {
        **dict.fromkeys(("filtered", "stale", "failed"), 0),
        "issued": 7,
        "trained": 3,
        "discarded": 1,
        "open": 3,
    }
    finish(following, *[(1.0, 1.0)] * 3)
    tell(args, following, source.get_samples)
    assert source.curriculum.ledger["trained"] == 6


def test_a_restored_source_goes_on_as_if_nothing_had_happened(tmp_path):
    args = arguments(tmp_path)
    source = Source(args)
    for _ in range(3):
        groups = source.get_samples(3)
        finish(groups, *[(1.0, 0.0)] * 3)
        tell(args, groups, source.get_samples)
    source.save(2)
    again = Source(args)
    again.load(2)
    assert again.step == 3
    for _ in range(4):
        expected, groups = source.get_samples(3), again.get_samples(3)
        assert [g[0].prompt for g in groups] == [g[0].prompt for g in expected]
        assert [g[0].index for g in groups] == [g[0].index for g in expected]
        for one, made in ((source, expected), (again, groups)):
            finish(made, *[(1.0, 0.0)] * 3)
            tell(args, made, one.get_samples)
    source.get_samples(2)
    source.save(6)
    again = Source(args)
    again.load(6)
    assert again.curriculum.ledger["open"] == 0 and again.curriculum.ledger["discarded"] == 2
    again.load(-1)  # a run that begins
    with pytest.raises(StateError, match="rollout 9 was trained without this curriculum"):
        again.load(9)


def test_wrong_settings_are_refused(tmp_path):
    with pytest.raises(EngineError, match="no reward would ever be told; got None"):
        Source(arguments(tmp_path, rollout_all_samples_process_path=None))
    with pytest.raises(EngineError, match="must name a subclass of CurriculumSource"):
        tell(arguments(tmp_path), [], [].append)
    with pytest.raises(EngineError, match="SPEED sets group sizes"):
        type("Speedy", (Source,), {"build": lambda *_: Curriculum(POOL, SPEED(POOL))})(
            arguments(tmp_path)
        )
    source = Source(arguments(tmp_path))
    groups = source.get_samples(1)
    groups[0][0].metadata = {}
    with pytest.raises(EngineError, match="without its ticket"):
        tell(source.args, groups, source.get_samples)


def test_the_source_of_the_page_asks(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
    monkeypatch.chdir(tmp_path)
    POOL.save("problems.jsonl")
    scope = {}
    exec(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[1], scope)  # noqa: S102
    assert len(scope["Source"](arguments(tmp_path)).get_samples(3)) == 3


def test_prompts_go_through_the_chat_template_of_the_checkpoint(tmp_path):
    pytest.importorskip("slime.utils.processing_utils")
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"?": 0}, "?")))
    words.chat_template = (
        "{% for one in messages %}<{{ one.role }}>{{ one.content }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{{ think | default('') }}{% endif %}"
    )
    words.save_pretrained(tmp_path / "checkpoint")
    chosen = {"apply_chat_template": True, "apply_chat_template_kwargs": {"think": "Hm."}}
    source = Source(arguments(tmp_path, hf_checkpoint=str(tmp_path / "checkpoint"), **chosen))
    ((sample, _),) = source.get_samples(1)
    (pick,) = source.curriculum.open_picks()
    assert sample.prompt == f"<user>{pick.problem.prompt}<assistant>Hm."


# -- the real rollout function --------------------------------------------------------------------


@pytest.fixture
def rollouts(monkeypatch):
    """slime's own rollout module; generation, servers and the tokenizer are replaced."""
    module = pytest.importorskip("slime.rollout.sglang_rollout")

    def state(self, args):
        self.args, self.sampling_params = args, {}
        self.reset()

    async def generated(args, group, sampling_params, evaluation):
        ticket = group[0].metadata["ticket"]
        slow = ticket % 5 == 0 and not group[0].response_length
        await asyncio.sleep(0.05 if slow else 0)
        for j, sample in enumerate(group):
            sample.status = type(sample).Status.COMPLETED
            sample.response_length = 1
            sample.reward = float(j == 0 or ticket % 3 == 0)
        return group

    async def no_servers(url):
        return {"workers": []}

    async def idle(urls):
        return None

    monkeypatch.setattr(module.GenerateState, "__init__", state)
    monkeypatch.setattr(module, "generate_and_rm_group", generated)
    monkeypatch.setattr(module, "get", no_servers)
    monkeypatch.setattr(module, "abort_servers_until_idle", idle)
    yield module
    module.GenerateState._instances.clear()
    module.SingletonMeta._instances.clear()


@pytest.mark.parametrize("partial", [False, True])
def test_the_real_rollout_function_leaves_no_ticket_untold(rollouts, tmp_path, partial):
    from slime.rollout.data_source import DataSource
    from slime.utils.misc import load_function

    args = arguments(
        tmp_path,
        rollout_sample_filter_path=f"{HERE}.mark",
        dynamic_sampling_filter_path=(
            "slime.rollout.filter_hub.dynamic_sampling_filters.check_reward_nonzero_std"
        ),
        rollout_global_dataset=True,
        rollout_batch_size=4,
        over_sampling_batch_size=12,
        partial_rollout=partial,
        sglang_router_ip="127.0.0.1",
        sglang_router_port=1,
    )
    assert load_function(args.rollout_all_samples_process_path) is adapter.tell
    source = Source(args)
    assert all(hasattr(source, name) for name in DataSource.__abstractmethods__)
    for rollout_id in range(6):
        output = rollouts.generate_rollout(copy.copy(args), rollout_id, source)
        assert len(output.samples) == 4
        assert source.step == rollout_id + 1
        for group in output.samples:
            assert {s.metadata["problem_id"] for s in group} == {group[0].metadata["problem_id"]}
            assert [s.reward for s in group] == [1.0, 0.0]  # group and reward belong together
            assert not any(s.remove_sample for s in group)
    returned = len(source._returned)
    source.get_samples(returned + 1)
    ledger = source.curriculum.ledger
    assert ledger["trained"] == 24 and ledger["filtered"] >= 6
    assert ledger["failed"] == ledger["stale"] == 0
    assert (ledger["discarded"] == 0) == partial == (returned > 0)
    assert ledger["open"] == returned + 1
