"""Problems from other people's files: find the columns, check every row, keep the rest.

Layouts that need no column names: TRL (prompt; solution, answer or ground_truth), question and
answer, open-r1 (problem, solution), messages, verl (prompt, reward_model.ground_truth), and the
pools that this library writes.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from hashlib import blake2b
from os import PathLike
from pathlib import Path

from lessonplan.errors import PoolError
from lessonplan.generators.columns import MISSING, Columns, Wanted, choose, get, is_level
from lessonplan.generators.plain import Row, Unusable, lines, parse, record
from lessonplan.generators.pool import Pool, prompt_text
from lessonplan.generators.problem import UNKNOWN_LEVEL, Json, Problem, Prompt

_OWN = frozenset(field.name for field in fields(Problem))  # the keys of a saved pool


class _Faults:
    """All faulty rows of a file, gathered so that one error can name them all."""

    def __init__(self, file: str, unit: str) -> None:
        self.file, self.unit = file, unit
        self.rows: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, fault: object, number: int) -> None:
        self.rows[str(fault)].append(number)

    def check(self, good: int) -> None:
        bad = sum(map(len, self.rows.values()))
        if bad:
            lines = [
                f"  {fault}: {self.unit}{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
                for fault, numbers in self.rows.items()
            ]
            head = f"{self.file}: {bad} of {good + bad} rows cannot be used"
            raise PoolError("\n".join([head, *lines]))
        if not good:
            raise PoolError(f"{self.file}: no rows in it")


def write_jsonl(pool: Iterable[Problem], path: str | PathLike[str]) -> None:
    """Write one problem a line, all fields; the file appears whole or not at all."""
    target = Path(path)
    part = target.with_name(target.name + ".part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        for problem in pool:
            file.write(json.dumps(asdict(problem), ensure_ascii=False, allow_nan=False) + "\n")
    part.replace(target)


def read_jsonl(path: str | PathLike[str], wanted: Wanted) -> Pool:
    """Read JSON Lines. Raises PoolError, with the line numbers, when any row is faulty."""
    path = Path(path)
    faults = _Faults(path.name, "line")
    rows: list[tuple[int, Row]] = []
    with path.open("rb") as file:
        for number, line in lines(file):
            try:
                rows.append((number, parse(line)))
            except Unusable as fault:
                faults.add(fault, number)
    return _pool(rows, wanted, faults, path.stem)


def read_parquet(path: str | PathLike[str], wanted: Wanted) -> Pool:
    """Read a parquet file; needs pyarrow. Raises PoolError, with the row numbers from 1."""
    try:
        from pyarrow import parquet
    except ImportError:
        hint = 'reading parquet needs pyarrow: pip install "lessonplan[parquet]"'
        raise PoolError(hint) from None
    path = Path(path)
    rows: list[Mapping[str, object]] = parquet.read_table(path).to_pylist()
    return read_rows(rows, wanted, name=path.stem, file=path.name)


def read_rows(
    rows: Iterable[Mapping[str, object]], wanted: Wanted, *, name: str, file: str = ""
) -> Pool:
    """Read mappings. Raises PoolError, with the row numbers from 1, when any is faulty."""
    faults = _Faults(file or name, "row")
    good: list[tuple[int, Row]] = []
    for number, row in enumerate(rows, 1):
        try:
            good.append((number, record(row)))
        except Unusable as fault:
            faults.add(fault, number)
    return _pool(good, wanted, faults, name)


def _pool(rows: list[tuple[int, Row]], wanted: Wanted, faults: _Faults, name: str) -> Pool:
    if not rows:
        faults.check(0)
    own = all(name is None for name in wanted.values()) and rows[0][1].keys() == _OWN
    columns: Columns = {} if own else choose([row for _, row in rows], wanted, faults.file)
    problems: list[Problem] = []
    seen: set[str] = set()
    copies: defaultdict[str, int] = defaultdict(int)
    for number, row in rows:
        try:
            problem = _saved(row) if own else _problem(row, columns, copies)
            if problem.id in seen:
                raise Unusable("repeats the id of an earlier row")
        except Unusable as fault:
            faults.add(fault, number)
        else:
            seen.add(problem.id)
            problems.append(problem)
    faults.check(len(problems))
    return Pool(problems, name=name)


def _problem(row: Row, columns: Columns, copies: defaultdict[str, int]) -> Problem:
    """A problem of someone else's row; the row itself becomes its data."""
    prompt = _prompt(_value(row, columns["prompt"]), columns["prompt"])
    answer = _answer(_value(row, columns["answer"]), columns["answer"])
    level = _value(row, columns["level"])
    if not is_level(level):
        raise Unusable(f'"{columns["level"]}" is not a level, a whole number from 1 to 10')
    family = _value(row, columns["family"])
    if columns["family"] is not None and not isinstance(family, str):
        raise Unusable(f'"{columns["family"]}" is not a text')
    if columns["id"] is None:
        problem_id = blake2b(f"{prompt_text(prompt)}\0{answer}".encode(), digest_size=8).hexdigest()
        copies[problem_id] += 1
        if copies[problem_id] > 1:  # the same problem again stays a problem of its own
            problem_id += f"-{copies[problem_id]}"
    else:
        problem_id = _id(_value(row, columns["id"]), columns["id"])
    return Problem(
        id=problem_id,
        prompt=prompt,
        answer=answer,
        family=family if isinstance(family, str) else "custom",
        level=level if isinstance(level, int) else UNKNOWN_LEVEL,
        data=row,
    )


def _saved(row: Row) -> Problem:
    """A problem that `write_jsonl` wrote."""
    if row.keys() != _OWN:
        raise Unusable("has other keys than the first row, which is of a saved pool")

    def text(name: str) -> str:
        value = row[name]
        if not isinstance(value, str):
            raise Unusable(f'"{name}" is not a text')
        return value

    level, data, work = row["level"], row["data"], row["work"]
    if not isinstance(level, int) or not is_level(level):
        raise Unusable('"level" is not a whole number from 0 to 10')
    if not isinstance(data, Mapping):
        raise Unusable('"data" is not an object')
    if not isinstance(work, int | float):
        raise Unusable('"work" is not a number')
    return Problem(
        id=_id(row["id"], "id"),
        prompt=_prompt(row["prompt"], "prompt"),
        answer=text("answer"),
        family=text("family"),
        task=text("task"),
        level=level,
        data=data,
        solution=text("solution"),
        work=float(work),
        skeleton=text("skeleton"),
    )


def _value(row: Row, column: str | None) -> Json | object:
    if column is None:
        return None
    value = get(row, column)
    return None if value is MISSING else value


def _prompt(value: Json | object, column: str | None) -> Prompt:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, list) and value and all(map(_is_message, value)):
        # Tables fill the fields that a message lacks with None.
        return [{key: part for key, part in m.items() if part is not None} for m in value]
    raise Unusable(f'no prompt in "{column}", neither a text nor messages')


def _is_message(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    texts = all(part is None or isinstance(part, str) for part in value.values())
    return texts and None not in (value.get("role"), value.get("content"))


def _answer(value: Json | object, column: str | None) -> str:
    if column is None:
        return ""
    if isinstance(value, str) and value.strip():
        return value
    if value in (None, "") or isinstance(value, str):
        raise Unusable(f'no answer in "{column}"')
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _id(value: Json | object, column: str | None) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value:
        return value
    raise Unusable(f'no id in "{column}", neither a text nor a whole number')
