"""The problems of a configured run: training and held-out ones, as the model reads them, judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lessonplan.errors import PoolError
from lessonplan.generators import (
    Encoding,
    Generator,
    Pool,
    Problem,
    Prompt,
    Split,
    Verdict,
    check_text,
    extract,
    family,
    generate,
)
from lessonplan.generators.exports import Completion, messages, said
from lessonplan.generators.families import TASKS
from lessonplan.generators.pool import prompt_text
from lessonplan.generators.problem import Reason
from lessonplan.generators.splits import key_hash
from lessonplan.training.train_config import Answers, Made, Own, TrainConfig

# Columns that a row of the trainer has anyway; a user's own ones of these names would replace them.
RESERVED = ("problem_id",)


@dataclass(frozen=True)
class Problems:
    """What a run trains on and what it is measured by; `validation` only if it is asked for."""

    train: Pool
    test: Pool | None
    validation: Pool | None
    judge: "Judge"

    @cached_property
    def longest(self) -> Problem:
        """The training problem whose prompt has the most characters."""
        return max(self.train, key=lambda problem: len(prompt_text(problem.prompt)))


@dataclass(frozen=True)
class Judge:
    """Says whether a completion is right: by the problem's own task, else by reading its answer.

    Answers of problems that are not ours are read as `answers`: a kind of
    `lessonplan.generators.verify`, "number" (whole, fraction or decimal), or "exact", the same
    text.
    """

    answers: Answers = "number"
    encoding: Encoding = "text"

    def verdict(self, problem: Problem, completion: Completion) -> Verdict:
        """The verdict on what was said last. Nothing of it is executed."""
        text = said(completion)
        if problem.task in TASKS:
            return self._tasks[problem.task].verify(problem, text)
        if self.answers == "exact":
            found = extract(text)
            right = found == extract(f"<answer>{problem.answer}</answer>")
            reason: Reason = "right" if right else "wrong" if found else "no_answer"
            return Verdict(right, bool(found), reason, found)
        kind = "rational" if self.answers == "number" else self.answers
        return check_text(text, problem.answer, kind)

    def accepts_gold(self, problem: Problem) -> bool:
        """Whether the problem's own answer, or its worked solution, is judged right."""
        if problem.task in TASKS and not problem.solution:
            return True  # a witness task: its answer need not be what a completion says
        gold = problem.solution if problem.task in TASKS else f"<answer>{problem.answer}</answer>"
        try:
            return self.verdict(problem, gold).correct
        except ValueError:  # no answer of this kind at all
            return False

    @cached_property
    def _tasks(self) -> Mapping[str, Generator]:
        return {name: family(name, self.encoding) for name in TASKS if self._has(name)}

    def _has(self, name: str) -> bool:
        return self.encoding in family(name).encodings

    def reward(self, pool: Pool) -> Callable[..., list[float]]:
        """A TRL reward function: 1.0 for a right completion of a problem of `pool`, else 0.0."""

        def right(
            completions: Sequence[Completion], problem_id: Sequence[str], **columns: object
        ) -> list[float]:
            return [
                self.verdict(pool[pool.position(one)], completion).reward
                for completion, one in zip(completions, problem_id, strict=True)
            ]

        return right


def load_problems(config: TrainConfig, *, chat: bool) -> Problems:
    """The problems of a run; with `chat`, as conversations for a chat template.

    Raises PoolError when a file cannot be used, when its own answers would not be judged right,
    or when a held-out prompt is also trained on.
    """
    if config.problems is not None:
        made = _made(config, config.problems)
        return _asked(made, chat=chat, system=config.model.system, ending="")
    assert config.data is not None
    own = _own(config, config.data)
    return _asked(own, chat=chat, system=config.model.system, ending=config.data.ending)


def _made(config: TrainConfig, wanted: Made) -> Problems:
    def draw(split: Split, n: int) -> Pool:
        # held-out problems are the same for all seeds: runs are compared on them
        seed = config.seed if split == "train" else 0
        tasks, levels = list(wanted.tasks), list(wanted.levels)
        return generate(tasks, levels, n, split=split, seed=seed, encoding=wanted.encoding)

    exam = config.evaluate
    return Problems(
        train=draw("train", wanted.count),
        test=draw("test", exam.problems) if exam.problems else None,
        validation=draw("validation", exam.problems) if exam.problems and exam.every else None,
        judge=Judge(encoding=wanted.encoding),
    )


def _own(config: TrainConfig, wanted: Own) -> Problems:
    judge = Judge(wanted.answers)
    pool = _read(wanted, wanted.file, judge)
    exam = config.evaluate
    if not exam.problems:
        return Problems(pool, None, None, judge)
    if wanted.test_file:
        held_out = _read(wanted, wanted.test_file, judge)
        _check_apart(pool, held_out, wanted)
    else:
        pool, held_out = split_off(pool, wanted.held_out)
    chosen = held_out.take(range(min(len(held_out), exam.problems * (1 + bool(exam.every)))))
    if not exam.every:
        return Problems(pool, chosen, None, judge)
    if len(chosen) < 2:
        raise PoolError(f"{wanted.file}: {len(chosen)} held-out problems cannot be shared between "
                        "test and validation; raise data.held_out, or set evaluate.every = 0")  # fmt: skip
    places = range(len(chosen))
    return Problems(pool, chosen.take(places[::2]), chosen.take(places[1::2]), judge)


def _read(wanted: Own, file: str, judge: Judge) -> Pool:
    path = Path(file)
    read = Pool.from_parquet if path.suffix == ".parquet" else Pool.from_jsonl
    pool = read(
        path,
        prompt=wanted.prompt,
        answer=wanted.answer,
        id=wanted.id,
        level=wanted.level,
        family=wanted.family,
    )
    _check_gold(pool, judge, file)
    return pool


def _check_gold(pool: Pool, judge: Judge, file: str) -> None:
    """Every answer of the file, given as an answer, must be judged right."""
    failed = [problem.id for problem in pool if not judge.accepts_gold(problem)]
    if failed:
        shown = ", ".join(failed[:3]) + (", ..." if len(failed) > 3 else "")
        raise PoolError(
            f"{file}: read as {judge.answers!r}, {len(failed)} of {len(pool)} answers would not "
            f"be judged right themselves (ids: {shown}).\nThe first is "
            f"{_cut(pool[pool.position(failed[0])].answer)}. Choose data.answers, or another answer "
            "column"
        )


def split_off(pool: Pool, share: float) -> tuple[Pool, Pool]:
    """Two pools, the second with about `share` of the problems, chosen by their prompts alone.

    Equal prompts stay together, and the choice of one does not depend on the others' order.
    """
    hashes = [key_hash(prompt_text(problem.prompt)) for problem in pool]
    cut = sorted(hashes)[max(0, round(len(pool) * share) - 1)]
    held_out = [place for place, hashed in enumerate(hashes) if hashed <= cut]
    kept = [place for place, hashed in enumerate(hashes) if hashed > cut]
    if not kept:
        raise PoolError(
            f"{pool.name}: {len(pool)} problems cannot be split; give a data.test_file, or set "
            "evaluate.problems = 0"
        )
    return pool.take(kept), pool.take(held_out)


def _check_apart(train: Pool, held_out: Pool, wanted: Own) -> None:
    known = {prompt_text(problem.prompt) for problem in train}
    both = [one.id for one in held_out if prompt_text(one.prompt) in known]
    if both:
        raise PoolError(
            f"{len(both)} of {len(held_out)} prompts of {wanted.test_file} also stand in "
            f"{wanted.file} (ids: {', '.join(both[:3])}): what is trained on measures nothing. "
            "Take them out of one file"
        )


def _asked(problems: Problems, *, chat: bool, system: str, ending: str) -> Problems:
    def asked(pool: Pool) -> Pool:
        return Pool([_ask(one, chat, system, ending) for one in pool], name=pool.name)

    return replace(
        problems,
        train=asked(problems.train),
        test=asked(problems.test) if problems.test else None,
        validation=asked(problems.validation) if problems.validation else None,
    )


def _ask(problem: Problem, chat: bool, system: str, ending: str) -> Problem:
    """The problem as the model reads it: a conversation for a chat template, else plain text."""
    prompt: Prompt
    if chat:
        turns = messages(problem.prompt, "" if _has_system(problem.prompt) else system)
        if ending:
            turns[-1]["content"] += f"\n{ending}"
        prompt = turns
    elif isinstance(problem.prompt, str):
        prompt = "\n".join(part for part in (system, problem.prompt, ending) if part)
    else:
        raise PoolError(
            f'the prompt of "{problem.id}" is a conversation, and the tokenizer has no chat '
            "template; give texts, or a model with one"
        )
    data = {key: value for key, value in problem.data.items() if key not in RESERVED}
    return replace(problem, prompt=prompt, data=data)


def _has_system(prompt: Prompt) -> bool:
    return not isinstance(prompt, str) and prompt[0]["role"] == "system"


def _cut(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")
