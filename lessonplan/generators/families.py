"""The families of tasks by name."""

from difflib import get_close_matches

from lessonplan.errors import ConfigError
from lessonplan.generators.base import Encoding, Generator
from lessonplan.generators.counting import CountIf
from lessonplan.generators.graph import Walk
from lessonplan.generators.spatial import Displacement

_TASKS: tuple[type[Generator], ...] = (CountIf, Displacement, Walk)

FAMILIES: tuple[str, ...] = tuple(task.family for task in _TASKS)


def family(name: str, encoding: Encoding = "tiny") -> Generator:
    """The generator of a family ("counting") or of a task ("counting.count_if").

    Raises ConfigError that names the nearest family.
    """
    for task in _TASKS:
        if name in (task.family, task.task):
            return task(encoding)
    nearest = get_close_matches(name, FAMILIES, n=1, cutoff=0.0)[0]
    raise ConfigError(f'no family "{name}"; nearest: {nearest}. All: {", ".join(FAMILIES)}')


def vocabulary() -> tuple[str, ...]:
    """Every whole word that the tiny encoding of any family uses, each once, in a fixed order."""
    return tuple(dict.fromkeys(word for task in _TASKS for word in task.words))
