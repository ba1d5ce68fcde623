"""Decide which problems a language model practices next, and measure what that decision buys."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lessonplan.curricula import (
        AdaptiveDifficulty,
        Curriculum,
        EasyOnly,
        FixedMixture,
        Journal,
        Outcome,
        Pick,
        ZeroVariance,
    )
    from lessonplan.errors import LessonplanError
    from lessonplan.generators import Pool, Problem, family, generate
    from lessonplan.selection import LIM, Sampler, Uniform
    from lessonplan.training.trl import attach, last_checkpoint

    __version__: str

__all__ = [
    "LIM",
    "AdaptiveDifficulty",
    "Curriculum",
    "EasyOnly",
    "FixedMixture",
    "Journal",
    "LessonplanError",
    "Outcome",
    "Pick",
    "Pool",
    "Problem",
    "Sampler",
    "Uniform",
    "ZeroVariance",
    "attach",
    "family",
    "generate",
    "last_checkpoint",
]

# Names are fetched when first used: numpy alone takes most of the 0.2 s that an import may take,
# and `attach` needs torch.
_ROOMS = {
    "curricula": (
        *("AdaptiveDifficulty", "Curriculum", "EasyOnly", "FixedMixture"),
        *("Journal", "Outcome", "Pick", "ZeroVariance"),
    ),
    "errors": ("LessonplanError",),
    "generators": ("Pool", "Problem", "family", "generate"),
    "selection": ("LIM", "Sampler", "Uniform"),
    "training.trl": ("attach", "last_checkpoint"),
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lessonplan")
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"lessonplan.{room}"), name)
    raise AttributeError(f"module 'lessonplan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
