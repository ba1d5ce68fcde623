"""The families of tasks by name."""

from difflib import get_close_matches

from lessonplan.errors import ConfigError
from lessonplan.generators.base import Encoding, Generator
from lessonplan.generators.counting.count_if import CountIf
from lessonplan.generators.graph.walk import Walk
from lessonplan.generators.spatial.displacement import Displacement

_TASKS: tuple[type[Generator], ...] = (CountIf, Displacement, Walk)  # the first of each family

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(task.family for task in _TASKS))
TASKS: tuple[str, ...] = tuple(task.task for task in _TASKS)


def family(name: str, encoding: Encoding | None = None) -> Generator:
    """The generator of a task ("graph.mst_weight"), or of a family's first task ("graph").

    Without `encoding` it is the task's own first one. Raises ConfigError that names the nearest.
    """
    for task in _TASKS:
        if name in (task.family, task.task):
            return task(encoding)
    nearest = get_close_matches(name, (*FAMILIES, *TASKS), n=1, cutoff=0.0)[0]
    raise ConfigError(f'no family "{name}"; nearest: {nearest}. All: {", ".join(FAMILIES)}')


def vocabulary() -> tuple[str, ...]:
    """Every whole word that the tiny encoding of any family uses, each once, in a fixed order."""
    return tuple(dict.fromkeys(word for task in _TASKS for word in task.words))
