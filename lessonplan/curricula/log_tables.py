"""Columns of somebody's table, out of JSON, JSON Lines, CSV or parquet, read with bounds.

Whatever is wrong with a file is a FormatError that names the file and the line (the row in
parquet). Nothing in a file is executed: no pickle, no eval.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.raw_tables import (
    MAX_ROWS,
    arrow_errors,
    decode_json,
    first_line,
    open_parquet,
    read_csv,
    read_whole,
)
from lessonplan.errors import ConfigError, FormatError
from lessonplan.generators.columns import MISSING, get
from lessonplan.generators.plain import MAX_LINE, lines

MAX_COLUMNS = 256  # of one file (ours)
SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".parquet")
LINES_A_REPORT = 20_000  # lines of JSON Lines between two calls of `progress`

Kind: TypeAlias = Literal["array", "lines", "csv", "parquet"]
Progress: TypeAlias = Callable[[int], None]  # bytes read so far of this file


@dataclass(frozen=True, slots=True)
class Table:
    """Some columns of a file, and where every row stands in it."""

    path: Path
    columns: Mapping[str, Sequence[object]]
    places: Sequence[int]  # (R,) line of each row, or its number from 1
    kind: Kind
    torn: int = 0  # bytes of an unfinished last line, which was left out

    def fault(self, row: int, reason: str) -> FormatError:
        """What is wrong with one row, to be raised."""
        place = self.places[row]
        if self.kind == "parquet":
            return FormatError(f"{self.path}, row {place}: {reason}")
        if self.kind == "array":
            return FormatError(
                f"{self.path}:{_line_of_item(self.path, place)}: item {place}: {reason}"
            )
        return FormatError(f"{self.path}:{place}: {reason}")

    def numbers(self, name: str) -> NDArray[np.float64]:  # (R,)
        """A column of finite numbers; null is NaN, true and false are 1 and 0."""
        values = self.columns[name]
        if self.kind == "csv":
            values = [_number(str(one)) for one in values]
        self._check(name, values, (float, int, bool, type(None)), "a number")
        try:
            numbers = np.array(values, np.float64)
        except OverflowError:
            sizes = [isinstance(one, int) and abs(one) >= 2**1023 for one in values]
            raise self.fault(sizes.index(True), f'"{name}" is too large a number') from None
        if np.isinf(numbers).any():
            raise self.fault(int(np.argmax(np.isinf(numbers))), f'"{name}" is infinite')
        return numbers

    def groups(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """All numbers of a column that may hold lists, and the row of each."""
        values = self.columns[name]
        if list not in set(map(type, values)):
            return self.numbers(name), np.arange(len(values))
        self._check(name, values, (list,), "a list of numbers, as in other rows")
        flat = [one for some in values for one in some]  # type: ignore[attr-defined]
        rows = np.repeat(np.arange(len(values)), [len(some) for some in values])  # type: ignore[arg-type]
        inner = Table(
            self.path, {name: flat}, [self.places[row] for row in rows.tolist()], self.kind
        )
        return inner.numbers(name), rows

    def integers(self, name: str) -> NDArray[np.int64]:  # (R,)
        """A column of whole numbers, none missing."""
        numbers = self.numbers(name)
        whole = (np.abs(numbers) < 2.0**53) & (numbers == np.floor(numbers))  # NaN is neither
        if not whole.all():
            row = int(np.argmin(whole))
            raise self.fault(row, f'"{name}" is not a whole number: {self.columns[name][row]!r}')
        return numbers.astype(np.int64)

    def names(self, name: str) -> list[str]:  # (R,)
        """A column that names problems: texts, whole numbers, or conversations as JSON."""
        values = self.columns[name]
        kinds = set(map(type, values))
        if kinds == {str}:
            return values  # type: ignore[return-value]  # just seen
        self._check(name, values, (str, int, list), "a text, a whole number or a conversation")
        if kinds <= {str, int}:
            return [str(one) for one in values]
        from lessonplan.generators.pool import prompt_text

        named = []
        for row, one in enumerate(values):
            if isinstance(one, list):
                if not all(isinstance(message, Mapping) for message in one):
                    raise self.fault(row, f'"{name}" is a list of something else than messages')
                some = [{k: v for k, v in message.items() if v is not None} for message in one]
                one = prompt_text(some)
            named.append(str(one))
        return named

    def _check(
        self, name: str, values: Sequence[object], allowed: tuple[type, ...], what: str
    ) -> None:
        strange = set(map(type, values)) - set(allowed)
        if strange:
            row = next(row for row, one in enumerate(values) if type(one) in strange)
            shown = json.dumps(values[row], default=str)[:60]
            raise self.fault(row, f'"{name}" is not {what}: {shown}')


def table_kind(path: Path) -> Kind:
    """How a file is to be read, by its name. Raises FormatError."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(f"{path}: a log of rewards ends in {', '.join(SUFFIXES)}")
    kinds: dict[str, Kind] = {".json": "array", ".csv": "csv", ".parquet": "parquet"}
    return kinds.get(suffix, "lines")


def column_names(path: Path) -> list[str]:
    """The columns of a file, or of the first row of a JSON file, nested ones with a dot."""
    match table_kind(path):
        case "parquet":
            names = list(_open_parquet(path).schema_arrow.names)
        case "csv":
            names = _read_csv(path, None)[0]
        case "lines":
            with path.open("rb") as file:
                first = next(lines(file), None)
            names = _keys(decode_json(path, first[1], dict[str, Any], first[0]) if first else {})
        case "array":
            items = decode_json(path, read_whole(path), list[msgspec.Raw], None)
            names = _keys(decode_json(path, bytes(items[0]), dict[str, Any], None) if items else {})
    if not names:
        raise FormatError(f"{path}: no rows in it")
    return names[:MAX_COLUMNS]


def _keys(row: dict[str, object]) -> list[str]:
    inner = [
        f"{name}.{part}" for name, value in row.items() if isinstance(value, dict) for part in value
    ]
    return [*row, *inner]


def read_columns(path: Path, names: Sequence[str], progress: Progress | None = None) -> Table:
    """The columns `names` of a file, each of which every row must have.

    A dot in a name reaches inside an object. The last line of JSON Lines may be unfinished, as a
    kill leaves it: it is left out, and counted in `torn`.
    """
    kind = table_kind(path)
    if kind == "parquet":
        return _read_parquet(path, names)
    if kind == "csv":
        header, texts, cells = _read_csv(path, names)
        at = {name: header.index(name) for name in names}
        return Table(
            path, {name: [row[i] for row in texts] for name, i in at.items()}, cells, "csv"
        )
    # a dotted name may be a column's own name, too
    wanted = list(dict.fromkeys([*(name.split(".")[0] for name in names), *names]))
    if any('"' in name or "\\" in name or not name.isprintable() for name in wanted):
        raise ConfigError(f"{path}: a column's name holds quotes, backslashes or worse: {names}")
    row_type = msgspec.defstruct(
        "Row",
        [(f"f{i}", Any, msgspec.UNSET) for i in range(len(wanted))],
        rename={f"f{i}": name for i, name in enumerate(wanted)},
        gc=False,
    )
    rows: Sequence[object]
    places: Sequence[int]
    if kind == "array":
        rows, torn = decode_json(path, read_whole(path), list[row_type], None), 0  # type: ignore[valid-type]
        places = range(1, len(rows) + 1)
    else:
        rows, places, torn = _read_lines(path, row_type, progress)
    fields = {name: list(map(attrgetter(f"f{i}"), rows)) for i, name in enumerate(wanted)}
    columns = {name: _reached(fields, name) for name in names}
    table = Table(path, columns, places, kind, torn)
    for name, values in columns.items():
        if msgspec.UnsetType in set(map(type, values)):
            raise table.fault(values.index(msgspec.UNSET), f'no column "{name}"')
    return table


def _reached(fields: Mapping[str, list[object]], name: str) -> list[object]:
    """The values of a column; a dotted name that is no column itself goes inside objects."""
    own = fields[name]
    if "." not in name:
        return own
    top = name.split(".")[0]
    inner = [get({top: outer}, name) for outer in fields[top]]  # type: ignore[dict-item]
    return [
        one if one is not msgspec.UNSET else msgspec.UNSET if other is MISSING else other
        for one, other in zip(own, inner, strict=True)
    ]


def _read_lines(
    path: Path, row_type: type[object], progress: Progress | None
) -> tuple[list[object], list[int], int]:
    rows, places, torn = [], [], 0
    decode = msgspec.json.Decoder(row_type).decode
    with path.open("rb") as file:
        for number, line in lines(file):
            if len(line) > MAX_LINE:
                raise FormatError(f"{path}:{number}: longer than {MAX_LINE // 2**20} MB")
            try:
                rows.append(decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                try:
                    rows.append(decode_json(path, line, row_type, number))
                except FormatError:
                    if line.endswith(b"\n") or not rows:
                        raise
                    torn = len(line)  # the normal state after a kill
                    break
            places.append(number)
            if progress is not None and number % LINES_A_REPORT == 0:
                progress(file.tell())
            if len(rows) > MAX_ROWS:
                raise FormatError(f"{path}: more than {MAX_ROWS} rows")
    return rows, places, torn


def _line_of_item(path: Path, number: int) -> int:
    """The line on which an item of a JSON array begins."""
    data = path.read_bytes()
    try:
        items = msgspec.json.decode(data, type=list[msgspec.Raw])
    except msgspec.MsgspecError:
        return 1
    at = 0
    for item in items[: number - 1]:
        at = data.index(bytes(item), at) + len(bytes(item))
    at = data.index(bytes(items[number - 1]), at)
    return data.count(b"\n", 0, at) + 1


def _read_csv(
    path: Path, names: Sequence[str] | None
) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows as texts, and their lines; without `names` the header alone."""
    header, rows, places = read_csv(path, body=names is not None)
    if len(header) > MAX_COLUMNS:
        raise FormatError(f"{path}:1: more than {MAX_COLUMNS} columns")
    for name in names or ():
        if name not in header:
            raise FormatError(f'{path}:1: no column "{name}" among {", ".join(header)}')
    return header, rows, places


def _number(text: str) -> object:
    """A cell of a CSV file: a number, None where it is empty, else the text."""
    text = text.strip()
    truth = {"": None, "true": True, "false": False}
    if text.lower() in truth:
        return truth[text.lower()]
    try:
        return float(text)
    except ValueError:
        return text


def _open_parquet(path: Path) -> Any:
    file = open_parquet(path)
    if file.metadata.num_columns > MAX_COLUMNS:
        raise FormatError(f"{path}: more than {MAX_COLUMNS} columns")
    return file


def parquet_numbers(path: Path) -> list[str]:
    """The columns of a parquet file that hold numbers."""
    schema = _open_parquet(path).schema_arrow
    from pyarrow import types

    return [one.name for one in schema if types.is_floating(one.type) or types.is_integer(one.type)]


def parquet_table(path: Path, tops: Sequence[str] | None = None) -> Any:
    """An arrow table of some columns of a parquet file, or of all. Raises FormatError."""
    file = _open_parquet(path)
    try:
        return file.read(columns=tops)
    except arrow_errors() as error:
        raise FormatError(f"{path}, row 1: damaged: {first_line(error)}") from None


def _read_parquet(path: Path, names: Sequence[str]) -> Table:
    present = column_names(path)
    for name in names:
        if name not in present and name.split(".")[0] not in present:
            raise FormatError(f'{path}: no column "{name}" among {", ".join(present)}')
    tops = [name if name in present else name.split(".")[0] for name in names]
    table = parquet_table(path, list(dict.fromkeys(tops)))
    try:
        fields = {top: table.column(top).to_pylist() for top in tops}
    except arrow_errors() as error:  # such as text that is not UTF-8
        raise FormatError(f"{path}, row 1: damaged: {first_line(error)}") from None
    columns = {}
    for name, top in zip(names, tops, strict=True):
        values = fields[top]
        if name != top:
            values = [get({top: outer}, name) for outer in values]
            if any(one is MISSING for one in values):
                raise FormatError(f'{path}: no column "{name}"')
        columns[name] = values
    return Table(path, columns, range(1, table.num_rows + 1), "parquet")
