"""Rows in JSON types alone, read with bounds on length and depth."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import BinaryIO, TypeAlias

from lessonplan.generators.problem import Json

Row: TypeAlias = Mapping[str, Json]

MAX_LINE = 16 * 2**20  # bytes of one problem; ours, far above any text problem
MAX_DEPTH = 64  # nested lists and objects; ours


class Unusable(Exception):
    """What is wrong with one row, in words that fit several."""


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that hold anything, numbered from 1; a line too long comes cut off."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):  # skip what is left of a line too long
            rest = file.readline(MAX_LINE)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # the mark some editors put first
        if line.strip():
            yield number, line


def parse(line: bytes) -> Row:
    """One line of JSON Lines as a row. Raises Unusable."""
    if len(line) > MAX_LINE:
        raise Unusable(f"longer than {MAX_LINE // 2**20} MB")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Unusable("not UTF-8") from None
    try:
        return record(json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse))
    except RecursionError:
        raise Unusable(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError:
        raise Unusable("not JSON") from None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise Unusable("the same key twice")
    return result


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are not JSON, though Python reads them


def record(value: object) -> Row:
    """A mapping from anywhere as a row. Raises Unusable."""
    plain = _plain(value, 0)
    if not isinstance(plain, dict):
        raise Unusable("not an object with named columns")
    return plain


def _plain(value: object, depth: int) -> Json:
    """A value in JSON types alone; what pyarrow, numpy and datetime give is converted."""
    if depth > MAX_DEPTH:
        raise Unusable(f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unusable("holds half a character (a lone surrogate)") from None
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise Unusable("holds an infinite number")
        return None if math.isnan(value) else value  # tables mark a missing number so
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise Unusable("has a key that is not a text")
        return {str(_plain(key, depth)): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    for convert in ("tolist", "isoformat"):  # numpy; dates and times
        if hasattr(value, convert):
            return _plain(getattr(value, convert)(), depth + 1)
    raise Unusable(f"holds a {type(value).__name__}, which is not JSON")
