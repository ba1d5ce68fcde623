"""Find the problems of somebody's log in a pool: by id, by prompt, or by prompt in a template."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool, prompt_text

if TYPE_CHECKING:
    from lessonplan.generators.problem import Prompt

PROBES = 8  # keys of the log from which a template is tried out (ours)


@dataclass(frozen=True, slots=True)
class Match:
    """Where the problems of a pool stand in a log, and how they were recognized."""

    rows: NDArray[np.int64]  # (N,) row of each pool problem in the log, -1 if it is not there
    unknown: tuple[str, ...]  # keys of the log that are no problem of the pool
    how: str  # "id", "prompt", or the template, in words


def match(keys: Sequence[str], pool: Pool, *, exact: bool = False) -> Match:
    """Recognize the `keys` of a log, which are ids or prompts, as problems of `pool`.

    Space around a key or prompt does not count, unless `exact`. Where prompts were logged inside
    a chat template, as verl does, the text before and after the prompt is taken from the first
    keys that hold a prompt of the pool, and must then be the same around every one. Problems with
    equal prompts share the row. Raises PoolError when nothing is recognized.
    """
    rows = {key if exact else key.strip(): row for row, key in enumerate(keys)}
    by_id = np.array([rows.get(one, -1) for one in pool.ids], np.int64)  # (N,)
    texts = [_spellings(problem.prompt, exact) for problem in pool]
    by_prompt = np.array(
        [next((rows[one] for one in some if one in rows), -1) for some in texts], np.int64
    )
    known, how = (by_id, "id")
    if _found(by_prompt) > _found(by_id):
        known, how = by_prompt, "prompt"
    if _found(known) == 0 and not exact:
        before, after = _template(list(rows), [some[-1] for some in texts])
        wrapped = (rows.get(f"{before}{some[-1]}{after}".strip(), -1) for some in texts)
        known = np.fromiter(wrapped, np.int64, len(texts))
        how = f"prompt inside {before!r}...{after!r}"
    if _found(known) == 0:
        raise PoolError(
            f"no problem of {pool.name} is in the log: the log names problems like "
            f"{keys[0][:60]!r}, the pool has ids like {pool.ids[0][:60]!r} and prompts like "
            f"{texts[0][-1][:60]!r}"
        )
    there = set(known.tolist())
    unknown = tuple(key for row, key in enumerate(keys) if row not in there)
    return Match(known, unknown, how)


def _found(rows: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(rows >= 0))


def _spellings(prompt: "Prompt", exact: bool) -> list[str]:
    """How logs may write a prompt: as it is, or the last message of a conversation alone."""
    texts = [prompt_text(prompt)]
    if not isinstance(prompt, str):
        texts.append(prompt[-1]["content"])
    return texts if exact else [text.strip() for text in texts]


def _template(keys: Sequence[str], prompts: Sequence[str]) -> tuple[str, str]:
    """What stands before and after the prompts: the pair that explains most of the keys.

    Linear in the size of log and pool: only `PROBES` keys are searched for prompts.
    """
    wanted = set(keys)
    best, pair = 0, ("", "")
    for key in keys[:: max(1, len(keys) // PROBES)][:PROBES]:
        inside = max((one for one in prompts if one and one in key), key=len, default=None)
        if inside is None:
            continue
        before, _, after = key.partition(inside)
        explained = sum(f"{before}{one}{after}".strip() in wanted for one in prompts)
        if explained > best:
            best, pair = explained, (before, after)
    return pair
