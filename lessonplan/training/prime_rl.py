"""Plug a Curriculum into prime-rl: its tasks are asked for when they are dispatched, its groups told.

prime-rl's configuration is a closed list of samplers, so ours is put in place by code: `install`
in the orchestrator's process before it starts, or `plug` on a live `TrainSource`.
"""

import inspect
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol, Self

from lessonplan.curricula import Curriculum, Outcome, Pick
from lessonplan.errors import EngineError, StateError
from lessonplan.selection.state import State

NAME = "lessonplan"  # of the gate in prime-rl's metrics and checkpoints


class Task(Protocol):
    """A task of verifiers; ours have the durable id of their problem as key."""

    @property
    def key(self) -> str | None: ...


class Agent(Protocol):
    """Who produced a trace; tokens of a judge or a frozen opponent do not train."""

    trainable: bool


class Trace(Protocol):
    """One scored rollout; a declared reward that was never recorded is None."""

    agent: Agent
    rewards: Mapping[str, object]

    @property
    def reward(self) -> float: ...
    @property
    def has_error(self) -> bool: ...


class Span(Protocol):
    """The versions of the policy that a rollout was generated with."""

    start: int


class Work(Protocol):
    """At which step a rollout was dispatched, and to which policy, None for a frozen one."""

    step: int
    policy: Span | None


class Run(Protocol):
    """The training run that a rollout was made for."""

    work: Work


class Episode(Protocol):
    """What the environment returns for one rollout of a group."""

    task: Task
    run: Run | None
    traces: Sequence[Trace]

    @property
    def num_output_tokens(self) -> int: ...


class PlugIn(Protocol):
    """What prime-rl's own curriculum is made of: one sampler, any number of named gates."""

    sampler: object
    gates: dict[str, object]


class Source(Protocol):
    """prime-rl's TrainSource: one curriculum an environment."""

    curricula: Mapping[str, PlugIn]

    def next_task(self, *, step: int) -> object: ...


class CurriculumSampler(Iterator[Task]):
    """A Curriculum as prime-rl's TaskSampler: `__next__` asks for one problem, `observe` tells.

    Groups name their task alone, so a group belongs to the oldest open ticket of its problem, one
    asked for at the group's step if there is any. prime-rl drops groups that became stale without a
    word: a ticket more than `patience` steps old is closed as "stale", and a group that comes for
    it later teaches nothing. A trace with an error or without a reward is unscorable.
    """

    def __init__(self, curriculum: Curriculum, tasks: Sequence[Task], *, patience: int = 9) -> None:
        self.curriculum, self.patience = curriculum, patience
        self.tasks = {task.key: task for task in tasks}
        self.step = 0  # optimizer steps done when the next task is chosen
        self.admitted = True  # whether the gates of the curriculum accept the group observed last
        self.unmatched = 0  # groups without an open ticket
        self._open: dict[str, deque[Pick]] = {}  # by problem id, oldest first
        self._swept = 0  # the step at which stale tickets were last looked for
        if curriculum.sampler.shapes_groups:
            raise EngineError(
                f"{type(curriculum.sampler).__name__} sets group sizes or purposes; prime-rl has "
                "one group_size an environment and trains on all; use another sampler"
            )
        absent = [name for name in curriculum.pool.ids if name not in self.tasks]
        if absent:
            raise EngineError(
                f"{len(absent)} of {len(curriculum.pool)} problems have no task with their id as "
                f"key, such as {absent[0]!r}; load the task set that `write_verifiers` wrote of "
                "this pool, or give each task the key of its problem"
            )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Task:
        self._close_stale()
        (pick,) = self.curriculum.ask(1, step=self.step)
        self._open.setdefault(pick.problem.id, deque()).append(pick)
        return self.tasks[pick.problem.id]

    def _close_stale(self) -> None:
        if self.step == self._swept:
            return
        self._swept = self.step
        old = [
            pick
            for picks in self._open.values()
            for pick in picks
            if pick.step < self.step - self.patience
        ]
        if old:
            self.curriculum.tell(Outcome(pick.ticket, (), "stale") for pick in old)
            for pick in old:
                self._forget(pick)

    def _forget(self, pick: Pick) -> None:
        picks = self._open[pick.problem.id]
        picks.remove(pick)
        if not picks:
            del self._open[pick.problem.id]

    def observe(self, group: Sequence[Episode]) -> None:
        """Hear a finished group, also one that will not train."""
        first = group[0]
        work = None if first.run is None else first.run.work
        picks = self._open.get(first.task.key or "", deque())
        if not picks:
            self.unmatched += 1
            self.admitted = True  # whether a late group still trains is prime-rl's to say
            return
        step = None if work is None else work.step - 1
        pick = next((one for one in picks if one.step == step), picks[0])
        policy = None if work is None else work.policy
        (status,) = self.curriculum.tell(
            [
                Outcome(
                    pick.ticket,
                    [reward for episode in group for reward in _rewards(episode)],
                    policy_step=None if policy is None else policy.start,
                    tokens=sum(episode.num_output_tokens for episode in group),
                )
            ]
        )
        self._forget(pick)
        self.admitted = status == "trained"

    def state_dict(self) -> State:
        """The whole curriculum, for prime-rl's own checkpoint."""
        return {"curriculum": self.curriculum.state_dict(), "step": self.step}

    def load_state_dict(self, state_dict: State) -> None:
        """Go on from a checkpoint; groups that were under way are given up, as prime-rl does."""
        state, step = state_dict.get("curriculum"), state_dict.get("step")
        if not isinstance(state, dict) or not isinstance(step, int):
            raise StateError("the checkpoint was made without a curriculum; nothing was loaded")
        self.curriculum.load_state_dict(state)
        self.curriculum.abandon()
        self._open, self.step = {}, step

    def metrics(self) -> dict[str, float]:
        """The curriculum's numbers for prime-rl's monitors."""
        return {**self.curriculum.metrics(), "unmatched": float(self.unmatched)}


class CurriculumGate:
    """The verdict of a Curriculum's gates as prime-rl's AdmissionGate; keeps no state."""

    def __init__(self, sampler: CurriculumSampler) -> None:
        self.sampler = sampler

    def admit(self, group: Sequence[Episode]) -> bool:
        """Whether the group trains; the sampler was shown it just before."""
        return self.sampler.admitted

    def state_dict(self) -> dict[str, object]:
        return {}

    def load_state_dict(self, state_dict: dict[str, object]) -> None: ...

    def metrics(self) -> dict[str, float]:
        return {}


def plug(
    source: Source, curricula: Mapping[str, Curriculum], *, max_off_policy_steps: int = 8
) -> None:
    """Let each Curriculum choose the tasks of the environment that it is named for.

    `source` is a freshly built TrainSource; `max_off_policy_steps` is that of its configuration,
    by which tickets are known to be stale (the default is prime-rl's). Environments that are not
    named keep their own sampler. Raises EngineError when this prime-rl lacks what is needed, when
    an environment is unknown or endless, or when problems and tasks do not match.
    """
    parameters = inspect.signature(source.next_task).parameters
    if list(parameters) != ["step"]:
        raise EngineError(
            f"next_task of this prime-rl takes {list(parameters)} instead of (step); tested with "
            "the sources of August 2026"
        )
    samplers = {}
    for name, curriculum in curricula.items():
        if name not in source.curricula:
            known = ", ".join(source.curricula)
            raise EngineError(f"no environment {name!r} to train on; there are: {known}")
        tasks = getattr(source.curricula[name].sampler, "tasks", None)
        if not isinstance(tasks, tuple):
            raise EngineError(
                f"{name}: a curriculum chooses from a pool, and this task set is endless or its "
                "sampler keeps no tasks; use a finite task set with prime-rl's own sampler"
            )
        # one more than the last step at which a group can train: it may be on its way
        samplers[name] = CurriculumSampler(curriculum, tasks, patience=max_off_policy_steps + 1)
    for name, sampler in samplers.items():
        source.curricula[name].sampler = sampler
        source.curricula[name].gates[NAME] = CurriculumGate(sampler)
    original = source.next_task

    def next_task(*, step: int) -> object:
        for sampler in samplers.values():
            sampler.step = step - 1  # prime-rl counts from 1
        return original(step=step)

    source.next_task = next_task  # type: ignore[method-assign]


def install(curricula: Mapping[str, Curriculum], *, max_off_policy_steps: int = 8) -> None:
    """Plug the curricula into the TrainSource that prime-rl's orchestrator will build.

    Call it in the orchestrator's process before `prime_rl.entrypoints.orchestrator.main()`, once.
    """
    train_source = import_module("prime_rl.orchestrator.train_source").TrainSource
    original = train_source.__init__
    if getattr(original, "_lessonplan", False):
        raise EngineError("curricula are installed already; install once, with all of them")

    def init(self: Source, *args: object, **settings: object) -> None:
        original(self, *args, **settings)
        plug(self, curricula, max_off_policy_steps=max_off_policy_steps)

    init._lessonplan = True  # type: ignore[attr-defined]
    train_source.__init__ = init


def _rewards(episode: Episode) -> list[float]:
    """One a trainable trace; an episode without any was lost."""
    rewards = [
        math.nan
        if trace.has_error or all(one is None for one in trace.rewards.values())
        else trace.reward
        for trace in episode.traces
        if trace.agent.trainable
    ]
    return rewards or [math.nan]
