"""Our tasks as data sets of reasoning-gym, for trainers that already speak it.

After `register()`, `reasoning_gym.create_dataset("lessonplan_counting_count_if", level=3, seed=1,
size=500)` works, in composites and curriculum experiments too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from importlib import import_module

from lessonplan.errors import ConfigError
from lessonplan.generators.base import Generator
from lessonplan.generators.families import TASKS, family
from lessonplan.generators.splits import check_split


@dataclass
class Settings:
    """What a data set is made from; every field is a keyword of `create_dataset`."""

    task: str = TASKS[0]
    level: int = 1
    diversity: int = 0
    split: str = "train"
    seed: int = 0
    size: int = 500

    def validate(self) -> None:
        """Raise ConfigError when a field is out of range."""
        if self.size < 1:
            raise ConfigError(f"size must be at least 1, got {self.size}")
        check_split(self.split)
        _generator(self).check_level(self.level)


def register() -> tuple[str, ...]:
    """Make every task known to reasoning-gym; the names, such as "lessonplan_graph_walk".

    Calling it again changes nothing. Raises ImportError without reasoning-gym.
    """
    factory = import_module("reasoning_gym.factory")
    names = tuple(dataset_name(task) for task in TASKS)
    for task, name in zip(TASKS, names, strict=True):
        if name not in factory.DATASETS:
            settings = make_dataclass(
                f"{name}_settings", [("task", str, field(default=task))], bases=(Settings,)
            )
            factory.register_dataset(
                name, _dataset_class(name), settings, _curriculum_class(name, task, settings)
            )
    return names


def dataset_name(task: str) -> str:
    """The name of a task there."""
    return f"lessonplan_{task.replace('.', '_')}"


def _dataset_class(name: str) -> type:
    base = import_module("reasoning_gym.dataset").ProceduralDataset

    class Dataset(base):  # type: ignore[misc, valid-type]  # the package has no types
        """Problems of one task, level and split."""

        def __init__(self, config: Settings) -> None:
            super().__init__(config=config, seed=config.seed, size=config.size)
            self.generator = _generator(config)

        def __getitem__(self, index: int) -> dict[str, object]:
            config = self.config
            problem = self.generator.problem(
                config.level, check_split(config.split), index, config.seed
            )
            metadata = {
                "source_dataset": name,
                "source_index": index,
                "problem_id": problem.id,
                "level": problem.level,
                "difficulty": {"level": problem.level},
            }
            return {"question": problem.prompt, "answer": problem.answer, "metadata": metadata}

        def score_answer(
            self, answer: str | None, entry: Mapping[str, Mapping[str, object]]
        ) -> float:
            """1.0 for a right answer, else 0.0; takes an answer alone, or a whole completion."""
            if not isinstance(answer, str):
                return 0.0
            problem = self.generator.recall(str(entry["metadata"]["problem_id"]))
            whole = "</answer>" in answer
            completion = answer if whole else f"<answer>{answer}</answer>"
            return self.generator.verify(problem, completion).reward

    Dataset.__name__ = Dataset.__qualname__ = name
    return Dataset


def _curriculum_class(name: str, task: str, settings: type) -> type:
    attributes = import_module("reasoning_gym.coaching")
    levels = list(family(task).levels)

    class Curriculum(attributes.BaseCurriculum):  # type: ignore[misc, name-defined]  # no types
        """The levels of one task, one attribute."""

        def __init__(self) -> None:
            super().__init__(name, settings)
            self._define_attributes(
                attributes.ScalarAttributeDefinition(
                    name="level",
                    field_name="level",
                    levels=levels,
                    description="intrinsic complexity, 1 to 10",
                )
            )

    Curriculum.__name__ = Curriculum.__qualname__ = f"{name}_curriculum"
    return Curriculum


def _generator(settings: Settings) -> Generator:
    return type(family(settings.task))("text", diversity=settings.diversity)
