"""Prompts put together from sentences: rows as sentences, templates as choices, labels."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain, product, zip_longest
from string import ascii_lowercase, ascii_uppercase

from lessonplan.generators.problem import Json
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, Slot, Template, listed

_FIELD = re.compile(r"\{([a-z_]+)\}")

# Names of things, by diversity: letters alone, and from 1 on one of three sets for each problem.
LABELS: tuple[tuple[str, ...], ...] = (
    tuple(ascii_lowercase),
    tuple(ascii_uppercase),
    tuple(f"{letter}{i % 9 + 1}" for i, letter in enumerate(ascii_lowercase)),
)


def labels(stream: Stream, diversity: int) -> list[str]:
    """26 names in random order."""
    return stream.shuffled(LABELS[0] if diversity == 0 else stream.choice(LABELS))


def sentence(forms: Mapping[str, str], fields: Mapping[str, Slot]) -> Slot:
    """A row as a sentence: its first value names the form, the others fill it in turn.

    The values stand in the order of `fields`, of which every form uses some, wherever they come in
    the sentence. A single form named "" writes rows without a first value.
    """
    texts, writers, patterns, groups = {}, {}, {}, {}
    for name, form in forms.items():
        parts = _FIELD.split(form)
        used = [field for field in fields if field in parts[1::2]]
        texts[name] = "".join(
            f"{{{used.index(part)}}}" if i % 2 else part for i, part in enumerate(parts)
        )
        writers[name] = [fields[field].write for field in used]
        groups[name] = [(field, fields[field].read) for field in used]
        patterns[name] = "".join(
            f"(?P<{part}>{fields[part].pattern})" if i % 2 else re.escape(part)
            for i, part in enumerate(parts)
        )

    def write(row: Json) -> str:
        assert isinstance(row, list | tuple)
        name, values = ("", row) if "" in texts else (str(row[0]), row[1:])
        return texts[name].format(
            *[put(value) for put, value in zip(writers[name], values, strict=True)]
        )

    def read(text: str) -> Json:
        for name, pattern in patterns.items():
            if found := re.fullmatch(pattern, text, re.ASCII):
                values = [get(found[field]) for field, get in groups[name]]
                return [name, *values] if name else values
        raise ValueError(f"{text!r} has none of the forms {list(forms.values())}")

    either = "|".join(re.sub(r"\(\?P<[a-z_]+>", "(?:", pattern) for pattern in patterns.values())
    return Slot(write, either, read)


def counted(unit: str, plural: str = "") -> Slot:
    """A number with its unit, "1 step" or "3 steps"."""
    many = plural or unit + "s"

    def write(number: Json) -> str:
        return f"{number} {unit if number == 1 else many}"

    pattern = rf"[0-9]+ (?:{re.escape(many)}|{re.escape(unit)})"
    return Slot(write, pattern, lambda text: int(text.partition(" ")[0]))


# A cell of a grid, [column, row], and a list of them.
CELL = sentence({"": "({column}, {row})"}, {"column": INT, "row": INT})
CELLS = listed(CELL, "; ")


def maybe(slot: Slot, nothing: str) -> Slot:
    """A list that may be empty, and is then written as `nothing`."""

    def write(values: Json) -> str:
        return slot.write(values) if values else nothing

    def read(text: str) -> Json:
        return [] if text == nothing else slot.read(text)

    return Slot(write, f"(?:{slot.pattern})|{re.escape(nothing)}", read)


def compose(slots: Mapping[str, Slot], *parts: Sequence[str]) -> tuple[Template, ...]:
    """A template for every choice of one wording from each part, a part a line; plainest first."""
    choices = sorted(product(*(range(len(part)) for part in parts)), key=lambda c: (sum(c), c))
    return tuple(
        Template("\n".join(part[i] for part, i in zip(parts, choice, strict=True)), slots)
        for choice in choices
    )


def mixed(*groups: Sequence[Template]) -> tuple[Template, ...]:
    """Templates of several skins in turn, so that a few of them already show every skin."""
    turns = chain.from_iterable(zip_longest(*groups))
    return tuple(template for template in turns if template is not None)
