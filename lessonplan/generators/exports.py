"""Pools in the layouts of other libraries, and the scores of what comes back from them.

Every layout carries the id, the answer and the instance, so that a completion can be judged from
its row alone (`judge`): in a reward function, in another process, without the pool.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice, repeat
from multiprocessing import get_context
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.base import Encoding, Generator, SplitBy
from lessonplan.generators.families import TASKS, family
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Json, Message, Problem, Prompt, Verdict
from lessonplan.generators.rewards import BINARY, RewardMap
from lessonplan.generators.splits import Split, check_split, key_hash
from lessonplan.generators.verify import Kind, check_text, check_tiny

if TYPE_CHECKING:
    import pyarrow

Row: TypeAlias = dict[str, object]
Completion: TypeAlias = str | Sequence[Mapping[str, object]]  # plain text, or messages

CHARACTERS_A_TOKEN = 3.6  # an estimate for English prose and short numbers
ROWS_A_GROUP = 10_000


def messages(prompt: Prompt, system: str = "") -> list[dict[str, str]]:
    """A prompt as chat messages, after an optional system prompt."""
    turns: Sequence[Message] = (
        [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    )
    first = [{"role": "system", "content": system}] if system else []
    return first + [dict(turn) for turn in turns]


def said(completion: Completion) -> str:
    """The text of a completion: the last message of a conversation, which is the answer."""
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else ""
    return content if isinstance(content, str) else ""


def judge(
    row: Mapping[str, object],
    completion: Completion,
    *,
    kind: Kind | None = None,
    encoding: Encoding = "text",
) -> Verdict | None:
    """The verdict on a completion of an exported row, or None when it cannot be scored.

    A row of one of our tasks is judged by the task itself. Any other is compared with its answer,
    read as `kind`; without a kind, or with an answer that is not of it, there is no verdict.
    """
    answer, task = row.get("answer"), row.get("task")
    if not isinstance(answer, str):
        return None
    text = said(completion)
    if isinstance(task, str) and task in TASKS:
        data = row.get("data")
        problem = Problem(
            id=str(row.get("problem_id") or row.get("id") or ""),
            prompt="",
            answer=answer,
            task=task,
            data=json.loads(data) if isinstance(data, str) else {},
        )
        return _task(task, encoding).verify(problem, text)
    if kind is None:
        return None
    try:
        return (check_tiny if encoding == "tiny" else check_text)(text, answer, kind)
    except ValueError:  # this answer is none of the kind
        return None


def fields(problem: Problem) -> Row:
    """What `judge` needs of a problem, beside its id: columns that survive any transport."""
    return {
        "answer": problem.answer,
        "family": problem.family,
        "task": problem.task,
        "level": problem.level,
        "data": _json(problem.data),
    }


@cache
def _task(task: str, encoding: Encoding) -> Generator:
    return family(task, encoding)


# ---------------------------------------------------------------------------------------------
# Our own table, which pandas, pyarrow and datasets read


def rows(
    pool: Iterable[Problem],
    *,
    tokens: Callable[[str], int] | None = None,
    z: Mapping[str, float] | None = None,
    pass_rate: Mapping[str, float] | None = None,
) -> Iterator[Row]:
    """One row a problem with every column of the table.

    `tokens` counts the tokens of a text; without it they are estimated from its characters, and
    `tokens_estimated` says so. `z` and `pass_rate` are by problem id; a column that nothing is
    known of is None.
    """
    count = tokens or _estimate
    # A generated pool knows its keys; for any other one they are looked for, which takes longer.
    keyed = pool.keyed() if isinstance(pool, Pool) else zip(pool, repeat(None))
    for problem, hashed in keyed:
        name = _name(problem)
        prompt = _text(problem.prompt)
        yield {
            "id": problem.id,
            "family": problem.family,
            "task": problem.task,
            "version": name.version if name else None,
            "level": problem.level,
            "z": (z or {}).get(problem.id),
            "pass_rate": (pass_rate or {}).get(problem.id),
            "diversity": name.diversity if name else None,
            "split": name.split if name else None,
            "seed": name.seed if name else None,
            "index": name.index if name else None,
            "prompt": prompt,
            "chat": not isinstance(problem.prompt, str),
            "answer": problem.answer,
            "data": _json(problem.data),
            "work": problem.work,
            "skeleton": problem.skeleton,
            "key": f"{_key(problem, name) if hashed is None else hashed:016x}",
            "prompt_tokens": count(prompt),
            "solution": problem.solution,
            "solution_tokens": count(problem.solution),
            "tokens_estimated": tokens is None,
        }


def write_parquet(
    pool: Iterable[Problem],
    path: str | PathLike[str],
    *,
    tokens: Callable[[str], int] | None = None,
    z: Mapping[str, float] | None = None,
    pass_rate: Mapping[str, float] | None = None,
    workers: int = 1,
) -> None:
    """Write the table of `rows`; `read_table` gives the same problems back. Needs pyarrow.

    With `workers`, a Pool is made in as many processes; the file is the same, byte for byte.
    `tokens` must then be a function of a module.
    """
    if workers > 1 and isinstance(pool, Pool):
        starts = range(0, len(pool), ROWS_A_GROUP)
        parts = (pool.take(range(at, min(at + ROWS_A_GROUP, len(pool)))) for at in starts)
        make = partial(_group, tokens=tokens, z=z, pass_rate=pass_rate)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as crew:
            _write_groups(_in_turn(crew, make, parts, ahead=2 * workers), path, _schema())
    else:
        _write(rows(pool, tokens=tokens, z=z, pass_rate=pass_rate), path, _schema())


def _group(pool: Pool, **known: Any) -> "pyarrow.Table":
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows(pool, **known)), _schema())


def _in_turn(
    crew: ProcessPoolExecutor,
    make: Callable[[Pool], "pyarrow.Table"],
    parts: Iterator[Pool],
    ahead: int,
) -> Iterator["pyarrow.Table"]:
    """What `make` makes of every part, in order, never more than `ahead` of them waiting."""
    waiting: deque[Future[pyarrow.Table]] = deque()
    for part in parts:
        waiting.append(crew.submit(make, part))
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def write_hub(pools: Mapping[str, Pool], folder: str | PathLike[str]) -> None:
    """Write a folder that `datasets.load_dataset(folder)` reads, one split a pool. Needs pyarrow.

    The folder can be pushed to a hub as it is. Splits are named as you name them ("train").
    """
    if not pools:
        raise ConfigError("pools must name at least one split")
    for name in pools:
        if not name.isidentifier():
            raise ConfigError(f"a split's name must be letters, digits and _, got {name!r}")
    data = Path(folder) / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, pool in pools.items():
        write_parquet(pool, data / f"{name}-00000-of-00001.parquet")
    files = "".join(f"  - split: {name}\n    path: data/{name}-*\n" for name in pools)
    card = f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    (Path(folder) / "README.md").write_text(card, encoding="utf-8", newline="\n")


def read_table(path: str | PathLike[str]) -> Pool:
    """The pool that `write_parquet` wrote, equal to the last field. Needs pyarrow."""
    from pyarrow import parquet

    table = parquet.read_table(path)
    missing = [name for name in _schema().names if name not in table.column_names]
    if missing:
        raise PoolError(f"{Path(path).name}: no table of ours, it lacks {', '.join(missing)}")
    problems = [
        Problem(
            id=row["id"],
            prompt=json.loads(row["prompt"]) if row["chat"] else row["prompt"],
            answer=row["answer"],
            family=row["family"],
            task=row["task"],
            level=row["level"],
            data=json.loads(row["data"]),
            solution=row["solution"],
            work=row["work"],
            skeleton=row["skeleton"],
        )
        for row in table.to_pylist()
    ]
    return Pool(problems, name=Path(path).stem)


# ---------------------------------------------------------------------------------------------
# TRL


def trl_rows(pool: Iterable[Problem], *, system: str = "") -> list[Row]:
    """Rows for `datasets.Dataset.from_list`, for GRPOTrainer and its kin.

    `prompt` is a list of messages; the other columns reach `trl_reward` by name.
    """
    return [
        {
            "prompt": messages(problem.prompt, system),
            "problem_id": problem.id,
            **fields(problem),
        }
        for problem in pool
    ]


def trl_reward(
    reward: RewardMap = BINARY, *, kind: Kind | None = None, encoding: Encoding = "text"
) -> Callable[..., list[float | None]]:
    """A TRL reward function for datasets of `trl_rows`; an unscorable completion gets None.

    Problems of your own need the `kind` of their answers.
    """

    def lessonplan_reward(
        completions: Sequence[Completion], answer: Sequence[str], **columns: object
    ) -> list[float | None]:
        named = {
            name: column
            for name, column in {**columns, "answer": answer}.items()
            if isinstance(column, Sequence) and len(column) == len(completions)
        }
        scores: list[float | None] = []
        for place, completion in enumerate(completions):
            row = {name: column[place] for name, column in named.items()}
            verdict = judge(row, completion, kind=kind, encoding=encoding)
            score = reward(verdict, said(completion))
            scores.append(None if math.isnan(score) else score)
        return scores

    return lessonplan_reward


# ---------------------------------------------------------------------------------------------
# verl


def verl_rows(pool: Iterable[Problem], *, split: str = "train", system: str = "") -> Iterator[Row]:
    """Rows in verl's layout.

    `extra_info.index` is written because verl takes 0 where it is missing: all rows then count as
    one problem.
    """
    for index, problem in enumerate(pool):
        turns = messages(problem.prompt, system)
        if other := {key for turn in turns for key in turn} - {"role", "content"}:
            raise PoolError(
                f'"{problem.id}": verl\'s messages have role and content alone, this prompt also '
                f"has {', '.join(sorted(other))}"
            )
        yield {
            "data_source": f"lessonplan/{problem.task or problem.family}",
            "prompt": turns,
            "ability": problem.family,
            "reward_model": {"style": "rule", "ground_truth": problem.answer},
            "extra_info": {
                "index": index,
                "split": split,
                "problem_id": problem.id,
                "task": problem.task,
                "level": problem.level,
                "data": _json(problem.data),
            },
        }


def write_verl(
    pool: Iterable[Problem], path: str | PathLike[str], *, split: str = "train", system: str = ""
) -> None:
    """Write verl's parquet. Needs pyarrow."""
    import pyarrow as pa

    text = pa.string()
    message = pa.struct([("role", text), ("content", text)])
    info = [("index", pa.int64()), ("split", text), ("problem_id", text), ("task", text)]
    schema = pa.schema(
        [
            ("data_source", text),
            ("prompt", pa.list_(message)),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
            ("extra_info", pa.struct([*info, ("level", pa.int64()), ("data", text)])),
        ]
    )
    _write(verl_rows(pool, split=split, system=system), path, schema)


def verl_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, object] | None = None,
    **settings: object,
) -> float:
    """The `compute_score` of verl's custom reward function, for the tasks of this library.

    Name it in `custom_reward_function.path` and `.name`. An unscorable row gives NaN.
    """
    row = {**(extra_info or {}), "answer": ground_truth}
    return BINARY(judge(row, solution_str), solution_str)


# ---------------------------------------------------------------------------------------------
# NeMo-Gym


def write_nemo_gym(pool: Iterable[Problem], path: str | PathLike[str], *, system: str = "") -> None:
    """Write JSON Lines: `responses_create_params.input` holds the messages, our columns beside it."""
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        for problem in pool:
            row = {
                "responses_create_params": {"input": messages(problem.prompt, system)},
                "problem_id": problem.id,
                "task": problem.task,
                "level": problem.level,
                "answer": problem.answer,
                "data": _json(problem.data),
            }
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


# ---------------------------------------------------------------------------------------------


def _json(value: Json) -> str:
    # Keys keep their order: the instance is stored in prompt order.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _text(prompt: Prompt) -> str:
    return prompt if isinstance(prompt, str) else _json([dict(message) for message in prompt])


def _estimate(text: str) -> int:
    return math.ceil(len(text) / CHARACTERS_A_TOKEN)


@dataclass(frozen=True, slots=True)
class _Name:
    """What a durable id says."""

    version: int
    level: int
    diversity: int
    split_by: SplitBy
    split: Split
    seed: int
    index: int


def _name(problem: Problem) -> _Name | None:
    """The parts of a durable id, or None for an id of another make."""
    try:
        task, version, level, diversity, split, seed, index = problem.id.split("/")
        name = _Name(
            version=int(version[1:]),
            level=int(level[1:]),
            diversity=int(diversity[1:].removesuffix("s")),
            split_by="skeleton" if diversity.endswith("s") else "instance",
            split=check_split(split),
            seed=int(seed),
            index=int(index),
        )
    except ValueError:
        return None
    return name if task == problem.task and task in TASKS else None


def _key(problem: Problem, name: _Name | None) -> int:
    """The hash of the canonical instance; of a foreign problem, of its prompt and answer."""
    if name is None:
        return key_hash(_json([_text(problem.prompt), problem.answer]))
    generator = _generator(problem.task, name.diversity, name.split_by)
    return generator.draft(name.level, name.split, name.index, name.seed)[1]


@cache
def _generator(task: str, diversity: int, split_by: SplitBy) -> Generator:
    return type(family(task))(diversity=diversity, split_by=split_by)


@cache
def _schema() -> "pyarrow.Schema":
    try:
        import pyarrow as pa
    except ImportError:
        hint = 'writing parquet needs pyarrow: pip install "lessonplan[parquet]"'
        raise PoolError(hint) from None
    text, whole, number, truth = pa.string(), pa.int64(), pa.float64(), pa.bool_()
    return pa.schema(
        [
            *(("id", text), ("family", text), ("task", text), ("version", whole)),
            *(("level", whole), ("z", number), ("pass_rate", number), ("diversity", whole)),
            *(("split", text), ("seed", whole), ("index", whole)),
            *(("prompt", text), ("chat", truth), ("answer", text), ("data", text)),
            *(("work", number), ("skeleton", text), ("key", text), ("prompt_tokens", whole)),
            *(("solution", text), ("solution_tokens", whole), ("tokens_estimated", truth)),
        ]
    )


def _write(table: Iterable[Row], path: str | PathLike[str], schema: "pyarrow.Schema") -> None:
    _write_groups(_groups(table, schema), path, schema)


def _groups(table: Iterable[Row], schema: "pyarrow.Schema") -> Iterator["pyarrow.Table"]:
    import pyarrow as pa

    left = iter(table)
    while group := list(islice(left, ROWS_A_GROUP)):
        yield pa.Table.from_pylist(group, schema)


def _write_groups(
    groups: Iterable["pyarrow.Table"], path: str | PathLike[str], schema: "pyarrow.Schema"
) -> None:
    """Write a parquet file; it appears whole or not at all."""
    from pyarrow import parquet

    target = Path(path)
    part = target.with_name(target.name + ".part")
    with parquet.ParquetWriter(part, schema, compression="zstd") as writer:
        for group in groups:
            writer.write_table(group)
    part.replace(target)
