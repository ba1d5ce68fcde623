"""Our problems as tasks of verifiers: what the packages of `write_verifiers` are made of.

Both entry points read the folder of such a package, and import verifiers only when called.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec

from lessonplan.errors import ConfigError, FormatError, RewardError
from lessonplan.generators.base import SplitBy
from lessonplan.generators.exports import fields, judge, messages
from lessonplan.generators.families import family
from lessonplan.generators.generated import stream
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Message, Problem, Verdict
from lessonplan.generators.rewards import reward_map
from lessonplan.generators.splits import check_split
from lessonplan.generators.verify import Kind
from lessonplan.generators.wrappers import Wrapper, wrapped

SETTINGS = "environment.json"


class Endless(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A generator that makes fresh problems for as long as they are asked for."""

    task: str
    diversity: int
    wrapper: Wrapper
    style: int
    split_by: SplitBy


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the package is made from; `endless` is empty where the problems are on file."""

    name: str
    splits: tuple[str, ...]  # the first is the default
    reward: str = "binary"
    kind: Kind | None = None
    system: str = ""
    endless: tuple[Endless, ...] = ()
    levels: dict[int, float] = {}
    seed: int = 0


def read_settings(folder: Path) -> Settings:
    """The settings of a package. Raises FormatError when they are not ours."""
    try:
        return msgspec.json.decode((folder / SETTINGS).read_bytes(), type=Settings)
    except msgspec.MsgspecError as error:
        raise FormatError(f"{folder / SETTINGS}: {error}") from None


def problems(folder: Path, settings: Settings, split: str) -> Iterator[Problem]:
    """The problems of a split: those on file, or fresh ones of every task in turn, without end."""
    if split not in settings.splits:
        raise ConfigError(f"split must be one of {', '.join(settings.splits)}, got {split!r}")
    if not settings.endless:
        return iter(Pool.from_jsonl(folder / f"{split}.jsonl"))
    streams = []
    for one in settings.endless:
        generator = type(family(one.task))(
            "text",
            diversity=one.diversity,
            wrapper=one.wrapper,
            style=one.style,
            split_by=one.split_by,
        )
        streams.append(
            stream(generator, settings.levels, split=check_split(split), seed=settings.seed)
        )
    return chain.from_iterable(zip(*streams, strict=True))


def taskset(folder: str | Path) -> type:
    """The Taskset of a package, for verifiers 0.4 (`verifiers.v1`).

    A task's key is the durable id of its problem, so that what is learned of a problem outlives a
    shuffled, extended or cut task set. A completion that cannot be scored is an error of its
    rollout, never a reward of 0.
    """
    vf, home = import_module("verifiers.v1"), Path(folder)
    settings = read_settings(home)

    class LessonplanData(vf.TaskData):  # type: ignore[misc, name-defined]  # no types here
        """What is sent to where the task runs."""

        answer: str
        task: str
        family: str
        level: int
        data: str

    class Scoring(vf.TaskConfig):  # type: ignore[misc, name-defined]
        """How completions are rewarded: a name that `reward_map` knows."""

        reward: str = settings.reward

    class LessonplanTask(vf.Task[LessonplanData, vf.State, Scoring]):  # type: ignore[misc, name-defined]
        """One problem; any right answer earns the reward."""

        @property
        def key(self) -> str:
            return str(self.data.id)

        def judged(self, completion: str) -> Verdict:
            verdict = judge(vars(self.data), completion, kind=settings.kind)
            if verdict is None:
                raise RewardError(f"{self.key}: the completion cannot be scored")
            return verdict

        @vf.reward  # type: ignore[untyped-decorator]
        async def lessonplan_reward(self, trace: Any) -> float:
            text = trace.last_reply
            score = reward_map(self.config.reward)
            return score(self.judged(text), text, truncated=trace.is_truncated)

        @vf.metric  # type: ignore[untyped-decorator]
        async def verdict(self, trace: Any) -> dict[str, float]:
            verdict = self.judged(trace.last_reply)
            return {"correct": float(verdict.correct), "format_ok": float(verdict.format_ok)}

        async def validate(self, runtime: object) -> bool:
            """Whether the answer on file is judged right."""
            return self.judged(wrapped("tag", self.data.answer)).correct

    class Config(vf.TasksetConfig):  # type: ignore[misc, name-defined]
        """Which problems are loaded."""

        split: Literal[settings.splits] = settings.splits[0]  # type: ignore[name-defined]
        task: Scoring = Scoring()

    class LessonplanTaskset(vf.Taskset[LessonplanTask, Config]):  # type: ignore[misc, name-defined]
        """The problems of one split."""

        INFINITE = bool(settings.endless)

        def load(self) -> Iterator[LessonplanTask]:
            for problem in problems(home, settings, self.config.split):
                system, turns = _conversation(problem, settings.system)
                yield LessonplanTask(
                    LessonplanData(
                        id=problem.id,
                        prompt=turns if len(turns) > 1 else turns[0]["content"],
                        system_prompt=system or None,
                        **fields(problem),
                    ),
                    self.config.task,
                )

    return LessonplanTaskset


def _conversation(problem: Problem, system: str) -> tuple[str, Sequence[Message]]:
    """The system prompt, and the other turns."""
    turns = messages(problem.prompt)
    own = [turn["content"] for turn in turns if turn["role"] == "system"]
    return "\n\n".join([system] * bool(system) + own), [
        turn for turn in turns if turn["role"] != "system"
    ]


def environment(
    folder: str | Path, *, split: str | None = None, reward: str | None = None
) -> object:
    """A SingleTurnEnv of a package's problems, for verifiers up to 0.3. Needs datasets."""
    vf, home = import_module("verifiers"), Path(folder)
    settings = read_settings(home)
    score = reward_map(reward or settings.reward)
    rows: list[dict[str, object]] = [
        {
            "prompt": messages(problem.prompt, settings.system),
            "answer": problem.answer,
            "info": {**fields(problem), "problem_id": problem.id},
        }
        for problem in problems(home, settings, split or settings.splits[0])
    ]

    async def lessonplan_reward(completion: object, info: Mapping[str, object]) -> float:
        text = _last(completion)
        verdict = judge(info, text, kind=settings.kind)
        return math.nan if verdict is None else score(verdict, text)

    return vf.SingleTurnEnv(
        dataset=import_module("datasets").Dataset.from_list(rows),
        rubric=vf.Rubric(funcs=[lessonplan_reward]),
    )


def _last(completion: object) -> str:
    """The text of the last message, which is a mapping or an object by version."""
    if isinstance(completion, Sequence) and not isinstance(completion, str):
        last = completion[-1] if completion else ""
        text = last.get("content") if isinstance(last, Mapping) else getattr(last, "content", "")
    else:
        text = completion
    return text if isinstance(text, str) else ""
