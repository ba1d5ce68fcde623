"""Pools, or fresh problems without end, as an installable environment of verifiers.

What is written is a small Python package: `pip install FOLDER` where verifiers runs, or
`pip wheel FOLDER` for a file to take there. It needs lessonplan beside it, which judges the answers.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from os import PathLike
from pathlib import Path

import msgspec

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.base import Generator
from lessonplan.generators.exports import fields, judge
from lessonplan.generators.families import family
from lessonplan.generators.generated import stream
from lessonplan.generators.pool import Pool
from lessonplan.generators.rewards import reward_map
from lessonplan.generators.splits import SPLITS
from lessonplan.generators.verifiers_tasks import SETTINGS, Endless, Settings
from lessonplan.generators.verify import Kind
from lessonplan.generators.wrappers import wrapped

# ignore-vcs: a .gitignore around the folder must not keep the problems out of the wheel
_PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = "{what} as an environment of verifiers"
requires-python = ">=3.11"
dependencies = [{needs}]

[tool.hatch.build]
ignore-vcs = true

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""

_TASKSET = '''\
"""{what} as tasks of verifiers."""

from pathlib import Path

from lessonplan.generators.verifiers_tasks import taskset

LessonplanTaskset = taskset(Path(__file__).parent)

__all__ = ["LessonplanTaskset"]
'''

_ENVIRONMENT = '''\
"""{what} as an environment of verifiers."""

from pathlib import Path

from lessonplan.generators.verifiers_tasks import environment


def load_environment(split: str | None = None, reward: str | None = None) -> object:
    """The environment that verifiers asks for by the name of this package."""
    return environment(Path(__file__).parent, split=split, reward=reward)
'''


def write_verifiers(
    pools: Mapping[str, Pool],
    folder: str | PathLike[str],
    *,
    name: str,
    reward: str = "binary",
    kind: Kind | None = None,
    system: str = "",
    legacy: bool = False,
) -> None:
    """Write a package whose one task set has a split a pool, the first of them by default.

    `name` is the id under which verifiers finds it, `reward` a name for `reward_map`; problems of
    your own need the `kind` of their answers. `legacy` writes the entry point of verifiers up to
    0.3, `load_environment`, instead of the task set of 0.4.

    Raises ConfigError for a bad setting or a folder that holds something else, and PoolError when
    two splits share a problem or a problem's own answer is not judged right.
    """
    if not pools:
        raise ConfigError("pools must name at least one split")
    for split, pool in pools.items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", split):
            raise ConfigError(f"a split's name must be letters, digits and _, got {split!r}")
        _check_answers(pool, kind)
    for one, other in combinations(pools, 2):
        if shared := set(pools[one].ids) & set(pools[other].ids):
            raise PoolError(f'splits "{one}" and "{other}" share {len(shared)} problems')
    settings = Settings(name, tuple(pools), reward, kind, system)
    package = _write(settings, Path(folder), legacy=legacy)
    for split, pool in pools.items():
        pool.save(package / f"{split}.jsonl")


def write_verifiers_stream(
    generators: Sequence[Generator | str] | Generator | str,
    levels: Mapping[int, float] | Sequence[int],
    folder: str | PathLike[str],
    *,
    name: str,
    seed: int = 0,
    reward: str = "binary",
    system: str = "",
) -> None:
    """Write a package whose task set never ends, with fresh problems of all four splits.

    Tasks come in turn, levels by weight; ids never repeat, and no split shares an instance with
    another. Bound it where it is used: `--select.limit 200` of verifiers. For 0.4 alone.
    """
    if isinstance(generators, (Generator, str)):
        generators = [generators]
    members = [family(one, "text") if isinstance(one, str) else one for one in generators]
    tasks = [member.task for member in members]
    if not tasks or len(set(tasks)) < len(tasks):
        raise ConfigError(f"generators must be one or more different tasks, got {tasks}")
    if tiny := [member.task for member in members if member.encoding != "text"]:
        raise ConfigError(f'verifiers needs the encoding "text", not that of {", ".join(tiny)}')
    for member in members:
        next(stream(member, levels, split="train", seed=seed))  # raises for levels it lacks
    weights = levels if isinstance(levels, Mapping) else dict.fromkeys(levels, 1.0)
    endless = tuple(
        Endless(one.task, one.diversity, one.wrapper, one.style, one.split_by) for one in members
    )
    settings = Settings(
        name,
        SPLITS,
        reward,
        system=system,
        endless=endless,
        levels={int(level): float(weight) for level, weight in weights.items()},
        seed=seed,
    )
    _write(settings, Path(folder), legacy=False)


def _check_answers(pool: Pool, kind: Kind | None) -> None:
    """Every problem must reward its own answer, or it could never be solved."""
    for problem in pool:
        row = fields(problem)
        verdict = judge(row, wrapped("tag", problem.answer), kind=kind)
        if verdict is None or not verdict.correct:
            hint = (
                "problems of your own need `kind`, how an answer is read"
                if kind is None
                else f"it does not read as {kind!r}"
            )
            raise PoolError(f'"{problem.id}": its answer {problem.answer!r} is not judged: {hint}')
        worked = judge(row, problem.solution) if problem.solution else verdict
        if worked is not None and not worked.correct:
            raise PoolError(
                f'"{problem.id}": its worked solution is judged {worked.reason}; generate problems '
                'for language models with encoding="text"'
            )


def _write(settings: Settings, folder: Path, *, legacy: bool) -> Path:
    """The package without its problems; returns the folder of its module."""
    reward_map(settings.reward)  # raises for a name it does not know
    name = settings.name
    module = name.replace("-", "_").lower()  # as verifiers derives it from an id
    taken = {*sys.stdlib_module_names, "lessonplan", "verifiers"}
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]", name) or module in taken:
        raise ConfigError(
            f"name must be letters, digits, - and _, and no module of another package, got {name!r}"
        )
    package = folder / module
    if folder.exists() and any(folder.iterdir()) and not (package / SETTINGS).exists():
        raise ConfigError(f"{folder} holds something else; name a new folder")
    package.mkdir(parents=True, exist_ok=True)
    for old in package.glob("*.jsonl"):  # splits of an earlier export
        old.unlink()
    (package / SETTINGS).write_bytes(msgspec.json.encode(settings) + b"\n")
    needs = ["lessonplan", "verifiers>=0.1.14,<0.4" if legacy else "verifiers>=0.4"]
    needs += ["datasets"] if legacy else []
    what = "Fresh problems of lessonplan" if settings.endless else "Problems of lessonplan"
    facts = {"name": name, "module": module, "what": what}
    listed = ", ".join(f'"{need}"' for need in needs)
    _text(folder / "pyproject.toml", _PROJECT.format(**facts, needs=listed))
    _text(package / "__init__.py", (_ENVIRONMENT if legacy else _TASKSET).format(**facts))
    return package


def _text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", newline="\n")
