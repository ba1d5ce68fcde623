"""Which column of someone else's rows is the prompt, which the answer: guess, or refuse to."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, TypeAlias

from lessonplan.errors import PoolError
from lessonplan.generators.plain import Row
from lessonplan.generators.problem import Json

Column: TypeAlias = Literal["prompt", "answer", "id", "level", "family"]
Wanted: TypeAlias = Mapping[Column, str | Literal[False] | None]  # False: do without; None: guess
Columns: TypeAlias = Mapping[Column, str | None]

MISSING = object()

_GUESSES: Mapping[Column, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "problem", "messages", "text", "instruction", "query"),
    "answer": (
        *("answer", "solution", "ground_truth", "final_answer", "target"),
        "reward_model.ground_truth",
    ),
    "id": ("id",),
    "level": ("level",),
    "family": ("family",),
}


def choose(rows: Sequence[Row], wanted: Wanted, file: str) -> Columns:
    """The column of each property: as wanted, else the only known name that the rows have."""
    present = list(dict.fromkeys(key for row in rows for key in row))
    chosen: dict[Column, str | None] = {}
    for column, name in wanted.items():
        if name is False:
            chosen[column] = None
        elif name is not None:
            if all(get(row, name) is MISSING for row in rows):
                nearest = get_close_matches(name, present, n=1, cutoff=0.0)
                hint = f'; nearest: "{nearest[0]}"' if nearest else ""
                raise PoolError(f'{file}: no column "{name}"{hint}')
            chosen[column] = name
        else:
            chosen[column] = _guess(column, rows, present, file)
    return chosen


def _guess(column: Column, rows: Sequence[Row], present: list[str], file: str) -> str | None:
    fits = [
        name
        for name in _GUESSES[column]
        if any(get(row, name) not in (MISSING, None) for row in rows)
    ]
    if len(fits) > 1:
        names = ", ".join(f'"{name}"' for name in fits[:-1]) + f' or "{fits[-1]}"'
        raise PoolError(f"{file}: {column} could be {names}; choose with --{column}")
    if not fits and column in ("prompt", "answer"):
        names = ", ".join(f'"{name}"' for name in present)
        hint = ", or read it with answer=False (--no-answer) if your reward needs none"
        raise PoolError(
            f"{file}: no {column} column among {names}; choose with --{column}"
            + hint * (column == "answer")
        )
    if not fits:
        return None
    if column == "level" and not all(is_level(get(row, fits[0])) for row in rows):
        return None  # "Level 3" or 1..100: a column of the same name, kept as data
    if column == "family" and not all(isinstance(get(row, fits[0]), str) for row in rows):
        return None
    return fits[0]


def get(row: Row, name: str) -> Json | object:
    """The value of a column, or of a nested one whose name has dots."""
    if name in row:
        return row[name]
    value: Json | object = row
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def is_level(value: Json | object) -> bool:
    """Whether a value is a level, 1..10, or leaves it unknown: 0, None, or no value."""
    if value is None or value is MISSING:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10
