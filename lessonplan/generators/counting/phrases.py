"""Operations with numbers in them, as words of a prompt that can be read back."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from lessonplan.generators.problem import Json
from lessonplan.generators.templates import Slot, Template

Op: TypeAlias = tuple[str, tuple[int, ...]]  # a name and its numbers: ("between", (3, 9))

_NUMBER = re.compile(r"-?[0-9]+")


def plain(op: Op) -> list[Json]:
    """An operation as plain data: the name, then its numbers."""
    return [op[0], *op[1]]


def phrase(words: Mapping[str, str], op: Op) -> str:
    """An operation in words."""
    return words[op[0]].format(*op[1])


def short(op: Op) -> str:
    """An operation as part of a key."""
    return " ".join(map(str, (op[0], *op[1])))


def phrased(words: Mapping[str, str]) -> Slot:
    """An operation out of a few; `words` hold {} for its numbers and no digits of their own."""
    names = {text: name for name, text in words.items()}
    if len(names) < len(words) or any(_NUMBER.search(text) for text in words.values()):
        raise ValueError(f"words must differ and hold no digits: {dict(words)}")

    def write(op: Json) -> str:
        assert isinstance(op, list)
        return words[op[0]].format(*op[1:])

    def read(text: str) -> Json:
        numbers = [int(number) for number in _NUMBER.findall(text)]
        return [names[_NUMBER.sub("{}", text)], *numbers]

    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(re.escape(text).replace(r"\{\}", "-?[0-9]+") for text in longest_first)
    return Slot(write, pattern, read)


def framed(text: str, slots: Mapping[str, Slot]) -> Slot:
    """Several values in one sentence: a mapping, written and read as a template is."""
    template = Template(text, slots)
    parts = re.split(r"\{([a-z_]+)\}", text)

    def write(value: Json) -> str:
        assert isinstance(value, dict)
        return template.write(value)

    pattern = "".join(
        f"(?:{slots[part].pattern})" if i % 2 else re.escape(part) for i, part in enumerate(parts)
    )
    return Slot(write, pattern, template.read)


def composed(
    openings: Sequence[str], bodies: Sequence[str], slots: Mapping[str, Slot]
) -> tuple[Template, ...]:
    """Every opening with every body, the plainest first, so that the first few mix both."""
    pairs = [(i + j, i, j) for i in range(len(openings)) for j in range(len(bodies))]
    return tuple(Template(openings[i] + bodies[j], slots) for _, i, j in sorted(pairs))
