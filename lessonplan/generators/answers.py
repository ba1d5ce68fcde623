"""Read one answer, already cut out of a completion, into the one way to write it.

Every reader gets at most `MAX_ANSWER` characters, in which all space is single spaces, and returns
None for what it cannot read. The patterns are fixed and nothing is ever executed.
"""

import re
from collections.abc import Callable
from fractions import Fraction
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
_GAP = "(?: ?[,;] ?| )"
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
_ENTRY = re.compile(rf"({_WORD}) ?(?:[=:]|->) ?({_SIGNED})")
_MAPPING = re.compile(rf"{_ENTRY.pattern}(?:{_GAP}{_ENTRY.pattern})*")
_CHOICE = re.compile(r"(?:the )?([a-z]{1,20}(?:[ -][a-z]{1,20})?)")
# A cell is no slash: were it one, a failing match would try every way to cut the rows.
_GRID = re.compile(r"[!-.0-~]{1,40}(?:/[!-.0-~]{1,40})*")

_OR = re.compile(r" ?\bor\b ?")
_AND = re.compile(r" ?(?:\b(?:or|and)\b|[;|&,]) ?")
_LONE: frozenset[Kind] = frozenset({"int", "rational", "name", "choice"})  # no lists themselves
_COMMAS = re.compile("[ ,]+")
_QUOTES = str.maketrans("", "", "'\"`")
_FLAT = str.maketrans("()[]", "    ")


def read(text: str, kind: Kind) -> str | None:
    """The answer in canonical form, or None."""
    return _READERS[kind](text)


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
    if frac := _FRACTION.fullmatch(text):
        text = f"{frac[1]}{frac[2]}/{frac[3]}"
    parts = _RATIONAL.fullmatch(text)
    if parts is None:
        return None
    whole, below, decimals = parts.groups()
    if decimals:
        return str(Fraction(int(whole + decimals), 10 ** len(decimals)))
    return str(Fraction(int(whole), int(below or 1))) if int(below or 1) else None


def _bare(text: str) -> str:
    """Without one pair of brackets around it."""
    return text[1:-1].strip(" ") if text[:1] + text[-1:] in ("()", "[]", "{}") else text


def _small(text: str) -> str:
    """In lower case; a text that could become ASCII by it (the sign of kelvin) is no answer."""
    return text.lower() if text.isascii() else ""


def _ints(text: str) -> str | None:
    text = _bare(text)
    if "(" in text or "[" in text:  # a list of places: the numbers in order are the answer
        text = " ".join(text.translate(_FLAT).split())
    if not _INTS.fullmatch(text):
        return None
    return " ".join(str(int(one)) for one in _COMMAS.split(text.replace(";", " ")) if one != "and")


def _offset(text: str) -> str | None:
    pair = _PAIR.fullmatch(_bare(text))
    return f"{int(pair[1])} {int(pair[2])}" if pair else None


def _pose(text: str) -> str | None:
    text = _small(text)
    pose = _POSE.fullmatch(text) or _POSE.fullmatch(_bare(text))
    return f"{int(pose[1])} {int(pose[2])} {pose[3]}" if pose else None


def _name(text: str) -> str | None:
    name = _NAME.fullmatch(_small(text.translate(_QUOTES)))
    return name[1] if name else None


def _names(text: str) -> str | None:
    text = _bare(text).translate(_QUOTES)
    if not _NAMES.fullmatch(text):
        return None
    names = _COMMAS.split(text.replace(";", " "))
    return " ".join(name for name in names if name != "and") or None


def _path(text: str) -> str | None:
    text = _bare(text).translate(_QUOTES)
    return " ".join(_ARROWS.split(text)) if _PATH.fullmatch(text) else None


def _mapping(text: str) -> str | None:
    text = _bare(text).translate(_QUOTES)
    if not _MAPPING.fullmatch(text):
        return None
    pairs = _ENTRY.findall(text)
    if len(dict(pairs)) < len(pairs):
        return None  # a name with two values
    return " ".join(f"{name}={int(value)}" for name, value in sorted(pairs))


def _choice(text: str) -> str | None:
    choice = _CHOICE.fullmatch(_small(text.translate(_QUOTES)))
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
