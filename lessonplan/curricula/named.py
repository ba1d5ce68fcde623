"""Samplers by name, for configurations and the command line: ours, or a user's own class."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module

from lessonplan.errors import ConfigError
from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Sampler
from lessonplan.selection.parts import Parts


def sampler_classes() -> dict[str, type[Sampler]]:
    """The samplers that `lessonplan.selection` and `lessonplan.curricula` export, by name.

    Those that are made of other objects than a pool, `Parts` and the wrappers, are left out.
    """
    rooms = [import_module(f"lessonplan.{room}") for room in ("selection", "curricula")]
    exported = {name: getattr(room, name) for room in rooms for name in room.__all__}
    return {
        name: value
        for name, value in sorted(exported.items())
        if inspect.isclass(value)
        and issubclass(value, Sampler)
        and not inspect.isabstract(value)
        and value is not Parts
        and next(iter(inspect.signature(value).parameters)) == "pool"
    }


def resolve_sampler(name: str) -> type[Sampler]:
    """The class called `name`, or the one at `my_package.module:Class`.

    Importing a user's module runs its code, so such names belong in the user's own configuration.
    Raises ConfigError naming the nearest sampler, or what the import found instead.
    """
    if ":" not in name:
        known = sampler_classes()
        if name not in known:
            folded = {one.lower(): one for one in known}
            nearest = get_close_matches(name.lower(), folded, n=1, cutoff=0.0)[0]
            raise ConfigError(
                f'no sampler "{name}"; nearest: {folded[nearest]}. All names: lessonplan samplers'
            )
        return known[name]
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f'cannot import sampler "{name}": {error}') from error
    if not (inspect.isclass(found) and issubclass(found, Sampler)):
        raise ConfigError(f'"{name}" is no subclass of lessonplan.selection.Sampler')
    return found


def check_arguments(name: str, args: Mapping[str, object]) -> list[str]:
    """The keyword arguments of the sampler `name`; raises ConfigError if `args` has others."""
    known = list(inspect.signature(resolve_sampler(name)).parameters)[1:]
    for key in args:
        if key not in known:
            nearest = get_close_matches(key, known, n=1, cutoff=0.0)
            raise ConfigError(
                f'{name} has no argument "{key}"; nearest: {nearest[0]}. All: {", ".join(known)}'
            )
    return known


def make_sampler(
    name: str,
    pool: Pool,
    *,
    seed: int,
    tiers: Mapping[str, Sequence[int]] | None = None,
    steps: int | None = None,
    **args: object,
) -> Sampler:
    """An instance of the sampler called `name`, with what it takes of `seed`, `tiers`, `steps`.

    `steps` is the length of the run, which schedules need. Raises ConfigError for an argument
    that it does not have.
    """
    cls = resolve_sampler(name)
    known = check_arguments(name, args)
    offered = {"seed": seed, "tiers": tiers, "steps": steps}
    given = {key: value for key, value in offered.items() if key in known and value is not None}
    arguments: dict[str, object] = given | args
    make: Callable[..., Sampler] = cls  # every sampler has its own constructor
    return make(pool, **arguments)
