"""Columns of a CSV, JSON Lines, JSON or parquet file, each row with its place, read with bounds.

Whatever is wrong with a file is a FormatError that names the file and the line (the row in
parquet). Rows may lack keys: such a value is missing. Nothing in a file is executed.
"""

import csv
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from lessonplan.analysis.runs import Floats, Ints
from lessonplan.errors import ConfigError, FormatError

MAX_FILE = 2**31  # bytes of a JSON file that is read as a whole (ours)
MAX_ROWS = 20_000_000  # of one file
MAX_LINE = 2**24  # bytes
MAX_DECODED = 2**35  # bytes that a parquet file says it holds
SUFFIXES = (".csv", ".json", ".jsonl", ".ndjson", ".parquet")

# Beside its own errors, what arrow raises for a damaged file; MemoryError for sizes it claims.
DAMAGED = (OSError, ValueError, TypeError, LookupError, OverflowError, MemoryError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RawTable:
    """Columns of values as they stand in the file, None where there is none."""

    path: Path
    columns: dict[str, list[object]]
    places: Sequence[int]  # (R,) line of each row, or its number in parquet
    torn: int = 0  # bytes of an unfinished last line, which was left out

    def __len__(self) -> int:
        return len(self.places)

    def fault(self, row: int, reason: str) -> FormatError:
        """What is wrong with one row, to be raised."""
        sign = ", row " if self.path.suffix.lower() == ".parquet" else ":"
        return FormatError(f"{self.path}{sign}{self.places[row]}: {reason}")

    def column(self, name: str) -> list[object]:
        """One column by its name. Raises ConfigError with the names there are."""
        if name not in self.columns:
            shown = ", ".join(f'"{one}"' for one in list(self.columns)[:20])
            raise ConfigError(f'{self.path}: no column "{name}" among {shown}')
        return self.columns[name]

    def numbers(self, name: str) -> Floats:  # (R,)
        """A column of numbers; nothing, null, and NaN are NaN, true and false 1 and 0."""
        found = np.empty(len(self))
        for row, value in enumerate(self.column(name)):
            number = as_number(value)
            if number is None:
                shown = json.dumps(value, default=str)[:60]
                raise self.fault(row, f'"{name}" is not a finite number: {shown}')
            found[row] = number
        return found

    def whole(self, name: str) -> Ints:  # (R,)
        """A column of whole numbers, none missing."""
        numbers = self.numbers(name)
        bad = ~((np.abs(numbers) < 2.0**53) & (numbers == np.floor(numbers)))  # NaN is bad
        if bad.any():
            row = int(np.argmax(bad))
            raise self.fault(row, f'"{name}" is not a whole number: {self.columns[name][row]!r}')
        return numbers.astype(np.int64)

    def texts(self, name: str) -> list[str]:  # (R,)
        """A column as texts; nothing is ""."""
        return ["" if one is None else str(one) for one in self.column(name)]


def as_number(value: object) -> float | None:
    """A value as a number, NaN where there is none; None if it is something else."""
    if value is None or value == "":
        return math.nan
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "false"):
            return float(word == "true")
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan", word, re.ASCII):
            return None
        value = float(word)
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if math.isinf(number) else number


def read_raw(path: str | Path, names: Sequence[str] | None = None) -> RawTable:
    """The columns of a file, by its suffix; of parquet only `names`, where they are given.

    A torn last line of JSON Lines is left out and counted in `torn`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _csv_table(path)
    if suffix == ".parquet":
        return _read_parquet(path, names)
    if suffix == ".json":
        items = json_items(path, read_whole(path))
        return _table(path, [item for item, _ in items], [line for _, line in items])
    if suffix in (".jsonl", ".ndjson"):
        rows, places, torn = read_json_lines(path, dict[str, Any])
        return _table(path, rows, places, torn)
    raise FormatError(f"{path}: a table ends in {', '.join(SUFFIXES)}")


def _table(path: Path, rows: list[Any], places: list[int], torn: int = 0) -> RawTable:
    names = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        raise FormatError(f"{path}:1: no rows in it")
    return RawTable(path, {name: [row.get(name) for row in rows] for name in names}, places, torn)


def read_whole(path: Path) -> bytes:
    """The bytes of a file that is not too large."""
    if path.stat().st_size > MAX_FILE:
        raise FormatError(f"{path}: a JSON file above {MAX_FILE // 2**30} GB; write JSON Lines")
    return path.read_bytes()


def decode_json(path: Path, data: bytes, kind: type[T], line: int | None = None) -> T:
    """JSON as `kind`; NaN, which Python writes and JSON does not have, is read."""
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError:
        reason = "nested too deeply"
    except msgspec.ValidationError as error:
        reason = str(error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if re.search(rb"\bNaN\b|\bInfinity\b", data):
            try:
                return msgspec.convert(json.loads(data), kind)
            except (ValueError, RecursionError, msgspec.ValidationError):
                pass
        reason = f"not JSON: {error}"
        at = re.search(r"byte (\d+)", reason)
        if line is None:
            line = data.count(b"\n", 0, int(at[1]) if at else len(data)) + 1
    raise FormatError(f"{path}:{line or 1}: {reason}")


def json_items(path: Path, data: bytes, key: str | None = None) -> list[tuple[Any, int]]:
    """Objects of a JSON list (under `key`, if given), and the line on which each begins."""
    if re.search(rb"\b(NaN|Infinity)\b", data):  # no raw parts to be had: msgspec reads strict JSON
        whole = decode_json(path, data, dict[str, Any] if key else list[Any])
        items = whole[key] if key else whole  # type: ignore[index]
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise FormatError(f"{path}:1: not a list of objects")
        return [(one, 1) for one in items]
    if key is None:
        raws = decode_json(path, data, list[msgspec.Raw])
    else:
        outer = decode_json(path, data, dict[str, msgspec.Raw])
        if key not in outer:
            raise FormatError(f'{path}:1: no "{key}" in it')
        inner = bytes(outer[key])
        raws = decode_json(path, inner, list[msgspec.Raw], data.count(b"\n", 0, data.index(inner)))
    found, at, line = [], 0, 1
    for raw in map(bytes, raws):
        begin = data.index(raw, at)
        line += data.count(b"\n", at, begin)
        found.append((decode_json(path, raw, dict[str, Any], line), line))
        line += raw.count(b"\n")
        at = begin + len(raw)
    return found


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with their newlines and numbers; raises FormatError for one that is too long."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise FormatError(f"{path}:{number}: longer than {MAX_LINE // 2**20} MB")
            if number > MAX_ROWS:
                raise FormatError(f"{path}: more than {MAX_ROWS} lines")
            yield number, line


def read_json_lines(path: Path, kind: type[T]) -> tuple[list[T], list[int], int]:
    """Rows, their lines, and the bytes of a last line that a kill left unfinished."""
    rows, places = list[T](), list[int]()
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        try:
            rows.append(decode_json(path, line, kind, number))
        except FormatError:
            if line.endswith(b"\n") or not rows:
                raise
            return rows, places, len(line)
        places.append(number)
    return rows, places, 0


def parquet_columns(path: Path) -> dict[str, bool]:
    """The columns of a parquet file, and whether each holds numbers."""
    from pyarrow import types

    schema = open_parquet(path).schema_arrow
    return {one.name: types.is_floating(one.type) or types.is_integer(one.type) for one in schema}


def read_csv(path: Path, *, body: bool = True) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows as texts, and their lines; without `body` the header alone."""
    rows, places = list[list[str]](), list[int]()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader, [])
            if not header or len(set(header)) < len(header):
                raise FormatError(f"{path}:1: a header needs columns of different names")
            for row in reader if body else ():
                if row and len(row) != len(header):
                    raise FormatError(
                        f"{path}:{reader.line_num}: {len(row)} values, the header has {len(header)}"
                    )
                if row:
                    rows.append(row)
                    places.append(reader.line_num)
                if len(rows) > MAX_ROWS:
                    raise FormatError(f"{path}: more than {MAX_ROWS} rows")
        except csv.Error as error:
            raise FormatError(f"{path}:{reader.line_num}: {error}") from None
        except UnicodeDecodeError:
            raise FormatError(f"{path}:{reader.line_num + 1}: not UTF-8") from None
    return header, rows, places


def _csv_table(path: Path) -> RawTable:
    header, rows, places = read_csv(path)
    if not rows:
        raise FormatError(f"{path}:1: no rows in it")
    columns = {name: [row[i] or None for row in rows] for i, name in enumerate(header)}
    return RawTable(path, columns, places)  # type: ignore[arg-type]  # texts are objects


def open_parquet(path: Path) -> Any:
    """A pyarrow ParquetFile of bounded size. Raises FormatError for anything else."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            'reading parquet needs pyarrow: pip install "lessonplan[parquet]"'
        ) from None
    path.open("rb").close()  # a missing file is an OSError, a damaged one is not
    try:
        file = parquet.ParquetFile(path)
        about = file.metadata
        decoded = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    except arrow_errors() as error:
        raise FormatError(f"{path}, row 1: not parquet: {first_line(error)}") from None
    if about.num_rows > MAX_ROWS or decoded > MAX_DECODED:
        raise FormatError(f"{path}: more than {MAX_ROWS} rows or {MAX_DECODED // 2**30} GB")
    return file


def _read_parquet(path: Path, names: Sequence[str] | None) -> RawTable:
    file = open_parquet(path)
    every = file.schema_arrow.names
    wanted = every if names is None else [name for name in names if name in every]
    try:
        columns = {name: file.read([name]).column(name).to_pylist() for name in wanted}
    except arrow_errors() as error:
        raise FormatError(f"{path}, row 1: damaged: {first_line(error)}") from None
    return RawTable(path, columns, range(1, file.metadata.num_rows + 1))


def arrow_errors() -> tuple[type[BaseException], ...]:
    """What arrow raises for a damaged file."""
    from pyarrow import ArrowException

    return ArrowException, *DAMAGED


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
