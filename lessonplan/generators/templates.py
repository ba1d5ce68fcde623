"""Prompts as data: texts with slots, each with the inverse that reads the instance back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lessonplan.generators.problem import Json

_SLOT = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Slot:
    """One kind of value in a prompt: how it is written, what it looks like, how it is read."""

    write: Callable[[Json], str]
    pattern: str  # a regular expression without groups that matches every written value
    read: Callable[[str], Json]


def listed(one: Slot, joiner: str = ", ") -> Slot:
    """A list of at least one value, written with `joiner` between them, which none contains."""

    def write(values: Json) -> str:
        assert isinstance(values, list | tuple)
        return joiner.join(map(one.write, values))

    def read(text: str) -> Json:
        return [one.read(part) for part in text.split(joiner)]

    return Slot(write, f"(?:{one.pattern})(?:{re.escape(joiner)}(?:{one.pattern}))*", read)


def worded(words: Mapping[str, str]) -> Slot:
    """A value out of a few, each with its own words; no wording may be the end of another."""
    back = {text: value for value, text in words.items()}
    if len(back) < len(words):
        raise ValueError(f"two values have the same words: {dict(words)}")
    longest_first = sorted(back, key=len, reverse=True)
    return Slot(
        lambda value: words[str(value)], "|".join(map(re.escape, longest_first)), back.__getitem__
    )


INT = Slot(str, r"-?[0-9]+", int)
NAME = Slot(str, r"[A-Za-z][A-Za-z0-9]*", str)
INTS = listed(INT)
NAMES = listed(NAME)


class Template:
    """A text with `{slots}`, filled from an instance and read back from the prompt.

    Every slot must be found again, so fixed words have to stand between any two of them.
    """

    def __init__(self, text: str, slots: Mapping[str, Slot]) -> None:
        parts = _SLOT.split(text)  # fixed text and slot names in turn
        names = parts[1::2]
        if sorted(names) != sorted(set(names)) or not set(names) <= set(slots):
            raise ValueError(f"slots must come once and be known ({', '.join(slots)}): {text!r}")
        self.text = text
        self._slots = {name: slots[name] for name in names}
        self._parts = parts

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Made when something is read back: compiling a hundred of them takes .2 s (measured)."""
        patterns = [
            f"(?P<{part}>{self._slots[part].pattern})" if i % 2 else re.escape(part)
            for i, part in enumerate(self._parts)
        ]
        return re.compile("".join(patterns), re.ASCII)

    def write(self, data: Mapping[str, Json]) -> str:
        """The prompt of an instance; `data` may hold more than the slots need."""
        slots = self._slots
        return "".join(
            [slots[part].write(data[part]) if i % 2 else part for i, part in enumerate(self._parts)]
        )

    def read(self, prompt: str) -> dict[str, Json] | None:
        """The slots of a prompt that starts with this template, or None if it does not."""
        found = self._pattern.match(prompt)
        if found is None:
            return None
        return {name: slot.read(found[name]) for name, slot in self._slots.items()}
