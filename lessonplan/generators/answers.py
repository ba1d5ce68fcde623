"""Read one answer, already cut out of a completion, into the one way to write it.

Every reader gets at most `MAX_ANSWER` characters, in which all space is single spaces, and returns
None for what it cannot read. The patterns are fixed and nothing is ever executed.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from math import gcd
from typing import Literal, TypeAlias

# How an answer is read, with its canonical form:
#   int      -12                a whole number
#   rational 3/4                a fraction in lowest terms, or a whole number
#   ints     4 -1 4             whole numbers in order
#   offset   2 -1               two whole numbers
#   pose     2 -1 north         a place and a heading
#   name     c                  one letter, also "room C"
#   names    a c f              names in the order given; a set is for the checker to see
#   path     a c f              the same, and arrows may stand between
#   mapping  a=2 b=0            a whole number for every name, sorted by name
#   choice   north              a word or two
#   grid     .#./###            rows of characters without spaces
Kind: TypeAlias = Literal[
    "int",
    "rational",
    "ints",
    "offset",
    "pose",
    "name",
    "names",
    "path",
    "mapping",
    "choice",
    "grid",
]

# Characters of one answer: 25 nodes as {"a": 10, ...} take 275. It also keeps int() far below the
# 4,300 digits at which Python refuses.
MAX_ANSWER = 400

_DIGITS = "[0-9]{1,18}"
_SIGNED = f"[+-]?{_DIGITS}"
_GAP = "(?: (?:[,;] ?)?|[,;] ?)"
_WORD = "[A-Za-z][A-Za-z0-9]{0,15}"

_INT = re.compile(rf"{_SIGNED}|[+-]?[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,5}}")
_RATIONAL = re.compile(rf"({_SIGNED})(?: ?/ ?({_DIGITS})|\.({_DIGITS}))?")
_FRACTION = re.compile(rf"([+-]?)\\[dt]?frac ?\{{({_SIGNED})\}} ?\{{({_DIGITS})\}}")
_INTS = re.compile(rf"{_SIGNED}(?:{_GAP}(?:and )?{_SIGNED})*")
_PAIR = re.compile(rf"({_SIGNED}){_GAP}({_SIGNED})")
_POSE = re.compile(
    rf"\(?({_SIGNED}){_GAP}({_SIGNED})\)?{_GAP}(?:facing |heading )?"
    "(north|east|south|west|up|right|down|left)"
)
_NAME = re.compile(r"(?:the )?(?:room |box |node |vertex )?([a-z])")
_NAMES = re.compile(rf"{_WORD}(?:(?: ?[,;] ?(?:and )?| ){_WORD})*")
_PATH = re.compile(rf"{_WORD}(?:(?: ?(?:-{{0,2}}>|=>|→|[,;-]) ?| ){_WORD})*")
_ARROWS = re.compile("[ ,;=>→-]+")
_EQUALS = " ?(?:[=:]|->) ?"
_ENTRY = re.compile(f"({_WORD}){_EQUALS}({_SIGNED})")
_MAPPING = re.compile(f"{_WORD}{_EQUALS}{_SIGNED}(?:{_GAP}{_WORD}{_EQUALS}{_SIGNED})*")
_CHOICE = re.compile(r"(?:the )?([a-z]{1,20}(?:[ -][a-z]{1,20})?)")
# A cell is no slash: were it one, a failing match would try every way to cut the rows.
_GRID = re.compile(r"[!-.0-~]{1,40}(?:/[!-.0-~]{1,40})*")

_OR = re.compile(r" ?\bor\b ?")
_AND = re.compile(r" ?(?:\b(?:or|and)\b|[;|&,]) ?")
_LONE: frozenset[Kind] = frozenset({"int", "rational", "name", "choice"})  # no lists themselves
_COMMAS = re.compile("[ ,]+")
_CLOSERS = (")", "]", "}")
_NO_ZERO = "123456789"  # a number that begins so is written as it is
_FLAT = str.maketrans("()[]", "    ")


def read(text: str, kind: Kind) -> str | None:
    """The answer in canonical form, or None."""
    return _READERS[kind](text)


@lru_cache(maxsize=1024)  # of answers on file, which all rollouts of a group are compared with
def canonical(answer: str, kind: Kind) -> str:
    """The one way to write an answer that is known to be readable. Raises ValueError otherwise."""
    parsed = _READERS[kind](answer) if len(answer) <= MAX_ANSWER else None
    if parsed is None:
        shown = answer if len(answer) <= 60 else answer[:60] + "..."
        raise ValueError(f"{shown!r} cannot be read as {kind} of at most {MAX_ANSWER} characters")
    return parsed


def several(text: str, kind: Kind) -> bool:
    """Whether a text that is no answer lists two different ones."""
    for between in (_AND, _COMMAS) if kind in _LONE else (_OR,):
        found = {read(part, kind) for part in between.split(text)} - {None}
        if len(found) > 1:
            return True
    return False


def _int(text: str) -> str | None:
    return str(int(text.replace(",", ""))) if _INT.fullmatch(text) else None


def _rational(text: str) -> str | None:
    if "\\" in text and (frac := _FRACTION.fullmatch(text)):
        text = f"{frac[1]}{frac[2]}/{frac[3]}"
    parts = _RATIONAL.fullmatch(text)
    if parts is None:
        return None
    whole, below, decimals = parts.groups()
    if decimals:
        top, bottom = int(whole + decimals), 10 ** len(decimals)
    else:
        top, bottom = int(whole), int(below or 1)
    if bottom == 0:
        return None
    common = gcd(top, bottom)
    return f"{top // common}/{bottom // common}" if bottom > common else str(top // common)


def _bare(text: str) -> str:
    """Without one pair of brackets around it."""
    if text.endswith(_CLOSERS) and text[:1] + text[-1:] in ("()", "[]", "{}"):
        return text[1:-1].strip(" ")
    return text


def _small(text: str) -> str:
    """In lower case; a text that could become ASCII by it (the sign of kelvin) is no answer."""
    return text.lower() if text.isascii() else ""


def _unquoted(text: str) -> str:
    for quote in "'\"`":
        if quote in text:
            text = text.replace(quote, "")
    return text


def _parts(text: str) -> list[str]:
    """The members of a list that a pattern has approved."""
    for mark in ",;":
        if mark in text:
            text = text.replace(mark, " ")
    parts = text.split()
    return [part for part in parts if part != "and"] if "and" in text else parts


def _ints(text: str) -> str | None:
    text = _bare(text)
    if "(" in text or "[" in text:  # a list of places: the numbers in order are the answer
        text = " ".join(text.translate(_FLAT).split())
    if not _INTS.fullmatch(text):
        return None
    return " ".join([n if n[0] in _NO_ZERO else str(int(n)) for n in _parts(text)])


def _offset(text: str) -> str | None:
    pair = _PAIR.fullmatch(_bare(text))
    return f"{int(pair[1])} {int(pair[2])}" if pair else None


def _pose(text: str) -> str | None:
    text = _small(text)
    pose = _POSE.fullmatch(text) or _POSE.fullmatch(_bare(text))
    return f"{int(pose[1])} {int(pose[2])} {pose[3]}" if pose else None


def _name(text: str) -> str | None:
    name = _NAME.fullmatch(_small(_unquoted(text)))
    return name[1] if name else None


def _names(text: str) -> str | None:
    text = _unquoted(_bare(text))
    return " ".join(_parts(text)) or None if _NAMES.fullmatch(text) else None


def _path(text: str) -> str | None:
    text = _unquoted(_bare(text))
    return " ".join(_ARROWS.split(text)) if _PATH.fullmatch(text) else None


def _mapping(text: str) -> str | None:
    text = _unquoted(_bare(text))
    if not _MAPPING.fullmatch(text):
        return None
    pairs = _ENTRY.findall(text)
    if len(dict(pairs)) < len(pairs):
        return None  # a name with two values
    pairs.sort()
    return " ".join([f"{a}={n if n[0] in _NO_ZERO or n == '0' else int(n)}" for a, n in pairs])


def _choice(text: str) -> str | None:
    choice = _CHOICE.fullmatch(_small(_unquoted(text)))
    return choice[1].replace("-", " ") if choice else None


def _grid(text: str) -> str | None:
    # Rows stand on lines of their own, where spaces only set cells apart; or between slashes; or,
    # on a single line, between spaces. The extractor turns line ends into " / ".
    rows = text.split("/") if "/" in text else text.split()
    grid = "/".join(row for row in (row.replace(" ", "") for row in rows) if row)
    return grid if _GRID.fullmatch(grid) else None


_READERS: dict[Kind, Callable[[str], str | None]] = {
    "int": _int,
    "rational": _rational,
    "ints": _ints,
    "offset": _offset,
    "pose": _pose,
    "name": _name,
    "names": _names,
    "path": _path,
    "mapping": _mapping,
    "choice": _choice,
    "grid": _grid,
}
