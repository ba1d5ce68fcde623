"""prime-rl: the order of its calls, and its real TrainSource where its sources can be imported.

It is on no package index: put `src` and `packages/prime-rl-configs/src` of a checkout on
PYTHONPATH, beside verifiers 0.4.
"""

import asyncio
import math
from types import SimpleNamespace

import pytest

from lessonplan import Curriculum, Pool, Problem, Uniform, ZeroVariance
from lessonplan.curricula import load_state, save_state
from lessonplan.errors import EngineError, StateError
from lessonplan.selection import SPEED
from lessonplan.training.prime_rl import CurriculumSampler, install, plug

N = 12


def pool():
    return Pool([Problem(f"p{i}", f"{i}?", str(i), level=1 + i % 3) for i in range(N)])


def curriculum(**settings):
    problems = pool()
    return Curriculum(problems, Uniform(problems, seed=3), **settings)


def trace(reward, *, error=False, trainable=True):
    return SimpleNamespace(
        reward=0.0 if reward is None else reward,
        rewards={"right": None if reward is None else reward},
        has_error=error,
        agent=SimpleNamespace(trainable=trainable),
    )


def group(task, rewards, *, step=1, policy=0):
    """A finished group, dispatched while `step` (from 1) was collected."""
    span = SimpleNamespace(start=policy, end=policy)
    run = SimpleNamespace(work=SimpleNamespace(step=step, policy=span))
    return [
        SimpleNamespace(task=task, run=run, num_output_tokens=10, traces=[trace(reward)])
        for reward in rewards
    ]


TASKS = tuple(SimpleNamespace(key=f"p{i}") for i in range(N))


def sampler(**settings):
    return CurriculumSampler(curriculum(**settings), TASKS)


def test_a_task_is_asked_for_when_it_is_dispatched_and_told_when_its_group_is_finished():
    ours = sampler()
    for step in range(4):
        ours.step = step
        tasks = [next(ours) for _ in range(3)]
        assert ours.curriculum.lag == 1
        for task in tasks:
            ours.observe(group(task, [1.0, 0.0], step=step + 1, policy=step))
        assert ours.curriculum.ledger["open"] == 0
    assert ours.curriculum.ledger["trained"] == 12
    assert ours.metrics()["success"] == 0.5
    assert ours.unmatched == 0


def test_every_trace_that_trains_is_a_rollout_and_errors_are_not_zeros(tmp_path):
    ours = CurriculumSampler(curriculum(journal=tmp_path / "run.jsonl"), TASKS)
    task = next(ours)
    finished = group(task, [1.0, 0.0, None])
    finished[0].traces.append(trace(0.5, trainable=False))  # a judge
    finished[1].traces.append(trace(1.0, error=True))
    finished[1].traces.append(trace(1.0))  # a second solver
    finished[2].traces = []  # the environment failed
    ours.observe(finished)
    told = (tmp_path / "run.jsonl").read_text().splitlines()[-1]
    assert '"rewards":[[1,0,null,1,null]]' in told.replace(" ", "")
    assert '"tokens":[30]' in told.replace(" ", "")
    assert ours.metrics()["success"] == pytest.approx(2 / 3)


def test_a_group_that_nobody_could_score_is_failed():
    ours = sampler()
    ours.observe(group(next(ours), [None, None]))
    assert ours.curriculum.ledger["failed"] == 1 and not ours.admitted


def test_a_problem_in_flight_twice_is_matched_by_step_and_else_first_in_first_out():
    problems = Pool([Problem("p0", "?", "1")])
    for steps, order in (((1, 2), [0, 1]), ((2, 1), [1, 0]), ((9, 9), [0, 1])):
        ours = CurriculumSampler(Curriculum(problems, Uniform(problems, seed=0)), TASKS)
        tickets = []
        for step in (0, 1):
            ours.step = step
            next(ours)
        original = ours.curriculum.tell
        ours.curriculum.tell = lambda told, original=original, tickets=tickets: (
            tickets.extend(one.ticket for one in told) or original(told)
        )
        for step in steps:
            ours.observe(group(TASKS[0], [1.0], step=step))
        assert tickets == order


def test_groups_dropped_without_a_word_are_closed_as_stale_and_late_ones_teach_nothing():
    ours = sampler()
    lost = [next(ours) for _ in range(3)]
    ours.step = ours.patience
    next(ours)
    assert ours.curriculum.ledger["open"] == 4
    ours.step += 1
    next(ours)
    assert ours.curriculum.ledger == {
        **dict.fromkeys(("trained", "filtered", "failed", "discarded"), 0),
        "issued": 5,
        "stale": 3,
        "open": 2,
    }
    before = ours.curriculum.ledger
    ours.observe(group(lost[0], [1.0, 0.0]))
    assert (ours.curriculum.ledger, ours.unmatched, ours.admitted) == (before, 1, True)


def test_a_restored_sampler_goes_on_as_if_nothing_had_happened(tmp_path):
    ours = sampler()
    for _ in range(5):
        ours.observe(group(next(ours), [1.0, 0.0]))
    ours.step = 7
    save_state(tmp_path / "state", ours.state_dict())
    again = sampler()
    again.load_state_dict(load_state(tmp_path / "state"))
    assert again.step == 7
    assert [next(again).key for _ in range(8)] == [next(ours).key for _ in range(8)]
    under_way = ours.state_dict()
    again = sampler()
    again.load_state_dict(under_way)
    assert again.curriculum.ledger["open"] == 0 and again.curriculum.ledger["discarded"] == 8
    with pytest.raises(StateError, match="without a curriculum"):
        again.load_state_dict({"cursor": 3})


def test_what_does_not_match_is_refused():
    problems = pool()
    with pytest.raises(EngineError, match="1 of 12 problems have no task.*'p11'"):
        CurriculumSampler(curriculum(), TASKS[:-1])
    with pytest.raises(EngineError, match="SPEED sets group sizes"):
        CurriculumSampler(Curriculum(problems, SPEED(problems)), TASKS)


# -- the real classes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vf():
    pytest.importorskip("prime_rl.orchestrator.train_source")
    import verifiers.v1 as vf

    return vf


def source(vf, *names, tasks=None):
    """A real TrainSource over environments that were started."""
    from prime_rl.configs.orchestrator import AdvRangeGateConfig, CurriculumConfig
    from prime_rl.orchestrator.train_source import TrainSource

    class Ours(vf.Task):
        @property
        def key(self):
            return self.data.id

    def environment(name):
        made = tasks or [Ours(vf.TaskData(id=f"p{i}", prompt=f"{i}?")) for i in range(N)]
        gates = {"theirs": AdvRangeGateConfig()}
        config = SimpleNamespace(ratio=1.0, curriculum=CurriculumConfig(gates=gates))
        count = len(made) if isinstance(made, list) else None
        return SimpleNamespace(name=name, tasks=iter(made), num_tasks=count, config=config)

    return TrainSource([environment(name) for name in names])


def episodes(vf, request, rewards, *, advantage=1.0):
    """A finished group as the dispatcher stamps it."""
    task = request.task
    recorded = vf.TraceTask(type="Ours", data=task.data, key=task.key, hash=task.hash)
    made = []
    for reward in rewards:
        node = vf.MessageNode(
            message=vf.AssistantMessage(content="x"),
            sampled=True,
            token_ids=[1],
            mask=[True],
            logprobs=[0.0],
            advantages=[advantage],
        )
        one = vf.Trace(
            task=recorded,
            agent=vf.AgentInfo(config=vf.AgentConfig()),
            nodes=[node],
            rewards={} if math.isnan(reward) else {"right": vf.Reward(score=reward)},
            ok=not math.isnan(reward),
        )
        episode = vf.Episode(
            env=vf.EnvInfo(id=request.env_name, name=request.env_name),
            task=recorded,
            group=vf.GroupInfo(id="g"),
            traces=[one],
            ok=one.ok,
        )
        span = vf.PolicySpan(start=request.step - 1, end=request.step)
        work = vf.TrainWorkInfo(step=request.step, policy=span)
        episode.record_run(vf.TrainRunInfo(id="run", work=work))
        made.append(episode)
    return made


def test_the_real_train_source_asks_tells_refuses_and_restores(vf):
    real, ours = source(vf, "lp"), curriculum(gates=[ZeroVariance()])
    plug(real, {"lp": ours}, max_off_policy_steps=2)
    keys = []
    for step in range(1, 6):
        requests = [real.next_task(step=step) for _ in range(4)]
        keys += [request.task.key for request in requests]
        assert ours.lag == 1
        verdicts = [
            real.on_result(episodes(vf, requests[0], [1.0, 0.0])),
            real.on_result(episodes(vf, requests[1], [1.0, 1.0])),  # no variance: our gate
            real.on_result(episodes(vf, requests[2], [1.0, 0.0], advantage=0.0)),  # their gate
            real.on_result(episodes(vf, requests[3], [math.nan, math.nan])),
        ]
        assert verdicts == [True, False, False, False]
    assert ours.ledger == {
        "issued": 20,
        "trained": 10,
        "filtered": 5,
        "failed": 5,
        **dict.fromkeys(("stale", "discarded", "open"), 0),
    }
    metrics = real.metrics()
    assert metrics["curriculum/lp/admission_rate"] == 0.25
    assert metrics["curriculum/lp/sampler/open"] == 0.0

    again, fresh = source(vf, "lp"), curriculum(gates=[ZeroVariance()])
    plug(again, {"lp": fresh}, max_off_policy_steps=2)
    again.load_state_dict(real.state_dict())
    following = [real.next_task(step=6).task.key for _ in range(10)]
    assert [again.next_task(step=6).task.key for _ in range(10)] == following
    assert len(set(keys)) == N  # and it is no fixed order:
    assert keys[:N] != [f"p{i}" for i in range(N)]


def test_the_real_sink_tells_of_cut_groups_and_is_silent_about_stale_ones(vf):
    sinks = pytest.importorskip("prime_rl.orchestrator.train_sink")
    from prime_rl.orchestrator.types import GroupCancellation, Progress

    class Algorithm:
        async def finalize_episode(self, episode): ...
        async def finalize_group(self, group): ...

    real, ours = source(vf, "lp"), curriculum()
    plug(real, {"lp": ours}, max_off_policy_steps=2)
    env = SimpleNamespace(config=SimpleNamespace(group_size=2), algorithm=Algorithm())
    sink = sinks.TrainSink(
        SimpleNamespace(max_off_policy_steps=2),
        tokenizer=None,
        train_envs=SimpleNamespace(get=lambda name: env),
        mm_token_type_ids_mapping=None,
        progress=Progress(),
        batch_size=100,
        token_batch_size=None,
        on_result=real.on_result,
    )

    async def ended(name, reason):
        (arrived,) = episodes(vf, real.next_task(step=1), [math.nan])
        arrived.group.id = name
        await sink.add(arrived)
        await sink.cancel(GroupCancellation("train", "lp", name, count=1, reason=reason))

    asyncio.run(ended("a", "overload"))
    asyncio.run(ended("b", "stale"))
    assert (ours.ledger["failed"], ours.ledger["open"]) == (1, 1)
    real.next_task(step=4)
    assert ours.ledger["stale"] == 0
    real.next_task(step=5)
    assert (ours.ledger["stale"], ours.ledger["open"]) == (1, 2)


def test_the_real_train_source_keeps_its_own_sampler_where_none_is_named(vf):
    from prime_rl.orchestrator.curriculum import StandardSampler

    real = source(vf, "lp", "other")
    plug(real, {"lp": curriculum()})
    assert isinstance(real.curricula["other"].sampler, StandardSampler)
    for step in (1, 2):
        for _ in range(10):
            request = real.next_task(step=step)
            assert real.on_result(episodes(vf, request, [1.0, 0.0]))
    with pytest.raises(EngineError, match="no environment 'lq'.*lp, other"):
        plug(real, {"lq": curriculum()})


def test_an_endless_task_set_is_refused_by_name(vf):
    endless = (vf.Task(vf.TaskData(prompt=str(i))) for i in range(10**9))
    with pytest.raises(EngineError, match="lp: a curriculum chooses from a pool"):
        plug(source(vf, "lp", tasks=endless), {"lp": curriculum()})


def test_installed_once_it_is_in_every_source_that_is_built(vf, monkeypatch):
    from prime_rl.orchestrator.train_source import TrainSource

    monkeypatch.setattr(TrainSource, "__init__", TrainSource.__init__)  # put back afterwards
    ours = curriculum()
    install({"lp": ours})
    real = source(vf, "lp")
    real.next_task(step=1)
    assert ours.ledger["issued"] == 1
    with pytest.raises(EngineError, match="installed already"):
        install({"lp": ours})
