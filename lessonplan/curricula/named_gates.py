"""Gates by name, for configurations: ours, or a user's own class."""

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

from lessonplan.curricula.gates import Gate
from lessonplan.errors import ConfigError


def gate_classes() -> dict[str, type[Gate]]:
    """The gates that `lessonplan.curricula` exports, by name."""
    room = import_module("lessonplan.curricula")
    exported = {name: getattr(room, name) for name in room.__all__}
    return {
        name: one for name, one in sorted(exported.items()) if one is not Gate and _is_gate(one)
    }


def resolve_gate(name: str) -> type[Gate]:
    """The class called `name`, or the one at `my_package.module:Class`.

    Importing a user's module runs its code, so such names belong in the user's own configuration.
    Raises ConfigError naming the nearest gate, or what the import found instead.
    """
    if ":" not in name:
        known = gate_classes()
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f'no gate "{name}"; nearest: {nearest}. All: {", ".join(known)}')
        return known[name]
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f'cannot import gate "{name}": {error}') from error
    if not _is_gate(found):
        raise ConfigError(f'"{name}" is no gate: a class with a method accepts(rewards, success)')
    return found  # type: ignore[no-any-return]


def check_gate(name: str, args: Mapping[str, object]) -> None:
    """Raise ConfigError if there is no such gate, or it has no such arguments."""
    known = list(inspect.signature(resolve_gate(name)).parameters)
    for key in args:
        if key not in known:
            nearest = get_close_matches(key, known, n=1, cutoff=0.0)
            hint = f"; nearest: {nearest[0]}. All: {', '.join(known)}" if known else ""
            raise ConfigError(f'{name} has no argument "{key}"{hint}')


def make_gate(name: str, args: Mapping[str, object]) -> Gate:
    """A gate of that name; raises ConfigError for arguments that it does not take."""
    check_gate(name, args)
    try:
        return resolve_gate(name)(**args)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"gate {name}: {error}") from None


def _is_gate(found: object) -> bool:
    return inspect.isclass(found) and callable(getattr(found, "accepts", None))
