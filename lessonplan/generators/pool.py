"""A finite, ordered set of problems with columns that samplers read as arrays."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from os import PathLike
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import PoolError
from lessonplan.generators.problem import UNKNOWN_LEVEL, Problem, Prompt
from lessonplan.generators.sources import Listed, Source

if TYPE_CHECKING:
    from lessonplan.generators.columns import Wanted


def prompt_text(prompt: Prompt) -> str:
    """A prompt as one text, to be hashed or compared: a conversation becomes its JSON."""
    if isinstance(prompt, str):
        return prompt
    return json.dumps([dict(message) for message in prompt], sort_keys=True)


def level_tiers(levels: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """Which levels are "easy", "medium" and "hard": thirds, with equally many easy and hard ones.

    Levels 1..5 give (1, 2), (3,), (4, 5); levels 1..10 give 1-3, 4-7, 8-10. Unknown levels belong
    to no tier.
    """
    known = sorted({int(level) for level in levels} - {UNKNOWN_LEVEL})
    band = (len(known) + 1) // 3
    return {
        "easy": tuple(known[:band]),
        "medium": tuple(known[band : len(known) - band]),
        "hard": tuple(known[len(known) - band :]),
    }


class _Ids(Sequence[str]):
    """The ids of a source, made when they are looked at."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, position: int) -> str: ...
    @overload
    def __getitem__(self, position: slice) -> list[str]: ...
    def __getitem__(self, position: int | slice) -> str | list[str]:
        if isinstance(position, slice):
            return [self._source.problem_id(i) for i in range(len(self))[position]]
        return self._source.problem_id(range(len(self))[position])


class Pool(Sequence[Problem]):
    """N problems in a fixed order, with a column per property.

    `levels` (N,) holds 0 where the level is unknown; `families` names the distinct families, and
    `family_codes` (N,) says which one each problem belongs to. Raises PoolError when `problems`
    is empty or repeats an id. A `Source` makes its problems when they are looked at.
    """

    def __init__(self, problems: Iterable[Problem] | Source, *, name: str = "pool") -> None:
        source = problems if isinstance(problems, Source) else Listed(problems)
        if len(source) == 0:
            raise PoolError(f"{name}: a pool needs at least one problem")
        self.name = name
        self._source = source
        self.ids: Sequence[str] = _Ids(source)
        self.levels, names, self.family_codes = source.columns()  # (N,), (F,), (N,)
        self.families = tuple(names)
        for column in (self.levels, self.family_codes):
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, position: int) -> Problem: ...
    @overload
    def __getitem__(self, position: slice) -> list[Problem]: ...
    def __getitem__(self, position: int | slice) -> Problem | list[Problem]:
        if isinstance(position, slice):
            return [self._source.problem(i) for i in range(len(self))[position]]
        return self._source.problem(range(len(self))[position])

    def __repr__(self) -> str:
        return f"Pool({self.name!r}, {len(self)} problems, levels {self.level_counts()})"

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits over ids, prompts and answers, in order."""
        digest = blake2b(digest_size=8)
        for problem in self:
            for part in (problem.id, prompt_text(problem.prompt), problem.answer):
                encoded = part.encode()
                digest.update(b"%d:" % len(encoded) + encoded)
        return digest.hexdigest()

    def position(self, problem_id: str) -> int:
        """Where a problem is. Raises KeyError when it is not here."""
        found = self._source.position(problem_id)
        if found is None:
            raise KeyError(
                f'no problem "{problem_id}" among the {len(self)} of {self.name}; '
                f'its ids look like "{self.ids[0]}"'
            )
        return found

    def keyed(self) -> Iterator[tuple[Problem, int | None]]:
        """Every problem with the hash of its canonical key, None where the source keeps none."""
        return map(self._source.keyed, range(len(self)))

    def take(self, positions: Sequence[int] | NDArray[np.integer]) -> "Pool":
        """The pool of some of the problems, in the order given. Raises PoolError on repeats."""
        chosen = np.asarray(positions, dtype=np.int64)
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(self)):
            raise IndexError(f"positions must lie in 0..{len(self) - 1}")
        if len(np.unique(chosen)) < len(chosen):
            raise PoolError("positions must be distinct: a pool holds each problem once")
        return Pool(self._source.take(chosen), name=self.name)

    def level_counts(self) -> dict[int, int]:
        """How many problems each level has, by level; 0 stands for an unknown level."""
        levels, counts = np.unique(self.levels, return_counts=True)
        return {int(level): int(count) for level, count in zip(levels, counts, strict=True)}

    def save(self, path: str | PathLike[str]) -> None:
        """Write JSON Lines that `from_jsonl` reads back to an equal pool."""
        from lessonplan.generators.rows import write_jsonl

        write_jsonl(self, path)

    @classmethod
    def from_jsonl(
        cls,
        path: str | PathLike[str],
        *,
        prompt: str | None = None,
        answer: str | Literal[False] | None = None,
        id: str | None = None,
        level: str | None = None,
        family: str | None = None,
    ) -> "Pool":
        """Your own problems, one JSON object a line; or a pool that `save` wrote.

        The arguments name columns, with dots into nested ones ("reward_model.ground_truth"); a
        column not named is guessed, and two that fit are an error. `answer=False` reads problems
        without answers, for reward functions that need none. Every row stays whole in
        `Problem.data`. Raises PoolError that lists all faulty lines.
        """
        from lessonplan.generators.rows import read_jsonl

        return read_jsonl(path, _wanted(prompt, answer, id, level, family))

    @classmethod
    def from_parquet(
        cls,
        path: str | PathLike[str],
        *,
        prompt: str | None = None,
        answer: str | Literal[False] | None = None,
        id: str | None = None,
        level: str | None = None,
        family: str | None = None,
    ) -> "Pool":
        """Your own problems in a parquet file; arguments as in `from_jsonl`. Needs pyarrow."""
        from lessonplan.generators.rows import read_parquet

        return read_parquet(path, _wanted(prompt, answer, id, level, family))

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Mapping[str, object]],
        *,
        name: str = "rows",
        prompt: str | None = None,
        answer: str | Literal[False] | None = None,
        id: str | None = None,
        level: str | None = None,
        family: str | None = None,
    ) -> "Pool":
        """Your own problems as mappings; arguments as in `from_jsonl`."""
        from lessonplan.generators.rows import read_rows

        return read_rows(rows, _wanted(prompt, answer, id, level, family), name=name)

    @classmethod
    def from_dataset(
        cls,
        dataset: Iterable[Mapping[str, object]],
        *,
        name: str = "dataset",
        prompt: str | None = None,
        answer: str | Literal[False] | None = None,
        id: str | None = None,
        level: str | None = None,
        family: str | None = None,
    ) -> "Pool":
        """Your own problems in one split of a Hugging Face dataset, or anything that yields rows.

        Arguments as in `from_jsonl`. Raises PoolError for a DatasetDict: choose a split first.
        """
        from lessonplan.generators.rows import read_rows

        if isinstance(dataset, Mapping):
            splits = ", ".join(f'"{split}"' for split in dataset)
            raise PoolError(f"{name}: this holds several datasets; pass one of {splits}")
        return read_rows(dataset, _wanted(prompt, answer, id, level, family), name=name)


def _wanted(
    prompt: str | None,
    answer: str | Literal[False] | None,
    id: str | None,
    level: str | None,
    family: str | None,
) -> "Wanted":
    return {"prompt": prompt, "answer": answer, "id": id, "level": level, "family": family}
