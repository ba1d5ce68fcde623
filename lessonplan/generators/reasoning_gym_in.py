"""Problems of reasoning-gym as a Pool, made and scored in a process that cannot hurt this one.

Checked against reasoning-gym 0.1.25. It gives item i of seed s as item i - 1 of seed s + 1, so
seeds here are hashed and spaced, questions are kept apart by their own hash, and repeats are left
out. Scores come from a worker with limits on time and memory; one that fails gives no verdict.
"""

import json
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from types import TracebackType
from typing import Self

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Json, Problem, Verdict
from lessonplan.generators.reasoning_gym_process import Worker, WorkerFault
from lessonplan.generators.reasoning_gym_screen import DENIED, EXECUTES, SUCCESS, known_against
from lessonplan.generators.splits import SPLITS, Split, check_split, key_hash, split_of
from lessonplan.generators.verify import extract, raw_answer
from lessonplan.generators.wrappers import ask as asked

_BATCH = 32  # items asked for at once
_MAX_ANSWER = 20_000  # characters handed to a scorer; ours


class ReasoningGym:
    """One task of reasoning-gym: pools of its problems, and verdicts by its own scorer.

    `level` counts from 0 in the package's own curriculum, with its ranges at their upper bound;
    without it the task's default settings hold, changed by `config`. An answer counts as right
    from a score of 1. `seconds` bounds one score, and ten times that a batch of problems. Tasks
    of the deny-list raise ConfigError with the reason; those whose scorer executes the model's
    text need `allow_execution=True`, which you should not give outside a container. Use it in a
    `with` block, or `close()` it: a process is behind it.
    """

    def __init__(
        self,
        name: str,
        *,
        level: int | None = None,
        config: Mapping[str, Json] | None = None,
        seed: int = 0,
        seconds: float = 5.0,
        megabytes: int = 2048,
        python: str = sys.executable,
        allow_execution: bool = False,
    ) -> None:
        _admit(name, allow_execution)
        self.name, self.level, self.seed, self.seconds = name, level, seed, seconds
        self.config = dict(config or {})
        self.worker = Worker(python=python, megabytes=megabytes)
        try:
            about = self.worker.ask(self._request("about", 0, 1), seconds)
        except WorkerFault:
            self.close()
            raise
        if "names" in about:
            self.close()
            raise ConfigError(f'reasoning-gym has no task "{name}"; it has {about["names"]}')
        self.version, self.levels = str(about["version"]), int(str(about["levels"]))
        if level is not None and not 0 <= level < min(self.levels, 10):
            self.close()
            raise ConfigError(f"level of {name} must lie in 0..{self.levels - 1}, got {level!r}")
        digest = blake2b(json.dumps(about["config"], sort_keys=True).encode(), digest_size=6)
        self.config_hash = digest.hexdigest()

    def pool(self, n: int, split: Split) -> Pool:
        """n different problems of a split; questions of different splits never meet.

        Items whose stored answer is empty are left out where others have one: no completion can
        give it. Raises PoolError when the task repeats itself too much.
        """
        limit = 50 * n + 200  # a tenth of all questions is in the test split
        seed = spaced_seed(self.name, check_split(split), self.seed, limit)
        problems: list[Problem] = []
        seen: set[int] = set()
        stores = False  # whether the task has stored answers at all; a few have none
        for start in range(0, limit, _BATCH):
            items = self._items(seed, start, limit)
            stores = stores or any(answer.strip() for _, answer in items)
            for index, (question, answer) in enumerate(items, start):
                hashed = key_hash(f"rg.{self.name} {question}")
                given = bool(answer.strip()) or not stores
                if given and split_of(hashed) == split and hashed not in seen:
                    seen.add(hashed)
                    problems.append(self._problem(question, answer, seed, index, limit))
                if len(problems) == n:
                    return Pool(problems, name=f"rg.{self.name}-{split}")
        raise PoolError(
            f"rg.{self.name}: {limit} items hold only {len(problems)} different questions of the "
            f"{split} split, which has a share of all; {n} were asked for. Ask for fewer, or for "
            "another level"
        )

    def verify(self, problem: Problem, completion: str) -> Verdict | None:
        """Judge one completion by the package's scorer; None when that failed: no verdict.

        The answer is tried as it stands, and without decoration (bold, dollar signs, a box).
        """
        raw = raw_answer(completion).strip()
        if not raw:
            return Verdict(correct=False, format_ok=False, reason="no_answer")
        if len(raw) > _MAX_ANSWER:
            return Verdict(correct=False, format_ok=False, reason="too_long")
        best = -math.inf
        for answer in dict.fromkeys((raw, extract(completion))):
            try:
                score = self.score(problem, answer)
            except WorkerFault:
                continue
            best = max(best, score)
            if best >= SUCCESS:
                break
        if math.isinf(best):
            return None
        right = best >= SUCCESS
        return Verdict(right, format_ok=True, reason="right" if right else "wrong", parsed=raw)

    def score(self, problem: Problem, answer: str) -> float:
        """The package's score of an answer, a finite number.

        Raises WorkerFault, and KeyError for a problem of other settings.
        """
        if not problem.id.startswith(f"rg.{self.name}/{self.version}/{self.config_hash}/"):
            raise KeyError(
                f'"{problem.id}" is no problem of rg.{self.name} with these settings; its ids '
                f"begin with rg.{self.name}/{self.version}/{self.config_hash}/"
            )
        data = problem.data
        request = self._request("score", int(str(data["seed"])), int(str(data["size"])))
        index = int(str(data["index"]))
        reply = self.worker.ask({**request, "index": index, "answer": answer}, self.seconds)
        score = reply.get("score")
        if not isinstance(score, float) or not math.isfinite(score):
            raise WorkerFault(f"the scorer of {self.name} gave {score!r}, which is no number")
        return score

    def _items(self, seed: int, start: int, limit: int) -> Sequence[tuple[str, str]]:
        request = self._request("make", seed, limit)
        stop = min(start + _BATCH, limit)
        reply = self.worker.ask({**request, "start": start, "stop": stop}, 10 * self.seconds)
        items = reply.get("items")
        if not isinstance(items, list) or len(items) != stop - start:
            raise WorkerFault(f"{self.name} gave another number of items than was asked for")
        return [(str(question), str(answer)) for question, answer in items]

    def _request(self, do: str, seed: int, size: int) -> dict[str, Json]:
        return {
            "do": do,
            "name": self.name,
            "level": self.level,
            "config": self.config,
            "seed": seed,
            "size": size,
        }

    def _problem(self, question: str, answer: str, seed: int, index: int, size: int) -> Problem:
        return Problem(
            id=f"rg.{self.name}/{self.version}/{self.config_hash}/{seed}/{index}",
            prompt=f"{question.rstrip()}\n{asked('tag', 'your final answer')}",
            answer=answer,
            family="reasoning_gym",
            task=f"rg.{self.name}",
            level=0 if self.level is None else self.level + 1,  # ours begin at 1
            # How to make it again; the package's metadata may hold the answer and stay out.
            data={"seed": seed, "index": index, "size": size},
        )

    def close(self) -> None:
        """End the worker."""
        self.worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def spaced_seed(name: str, split: Split, seed: int, size: int) -> int:
    """The package's seed for a task and split; those of the splits lie at least `size` apart.

    Raises ConfigError for the rare seed that puts two splits too near.
    """
    seeds = {
        one: int.from_bytes(blake2b(f"{name}/{one}/{seed}".encode(), digest_size=4).digest(), "big")
        for one in SPLITS
    }
    ordered = sorted(seeds.values())
    gaps = [after - before for before, after in pairwise(ordered)]
    if min(gaps) < size:
        raise ConfigError(
            f"seed {seed} puts two splits of {name} only {min(gaps)} items apart, less than the "
            f"{size} that may be drawn; take another seed"
        )
    return seeds[split]


def _admit(name: str, allow_execution: bool) -> None:
    if name in DENIED:
        raise ConfigError(f"reasoning-gym's {name} is not used here: {DENIED[name]}")
    if name in EXECUTES and not allow_execution:
        raise ConfigError(
            f"the scorer of reasoning-gym's {name} executes what the model wrote; pass "
            "allow_execution=True inside a container, or take another task"
        )
    if against := known_against(name):
        warnings.warn(f"reasoning-gym's {name}: {against}", stacklevel=3)
