"""Read scalars from TensorBoard's event files, with numpy and the standard library alone.

An event file is TFRecords (length, its checksum, data, its checksum; CRC-32C, masked), and each
record a protocol buffer `Event`. Six fields of it are needed, so they are read here: the package
tensorboard would bring protobuf, grpc and a server, and by default it stops silently at damage.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lessonplan.analysis.learning_table import UNLABELED, LearningTable, RunLabels
from lessonplan.analysis.metric_logs import MetricLog, gathered, metric_table
from lessonplan.errors import ConfigError, FormatError

MARK = ".tfevents."  # in the name of every event file
MAX_RECORD = 2**28  # bytes; a picture or a graph may be large
CHECKED = 2**16  # bytes up to which a record's checksum is computed; a scalar takes 50
POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
FLOAT, DOUBLE = 1, 2  # of TensorProto


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_CRC = _table()


def masked_crc(data: bytes) -> int:
    """The checksum of a TFRecord: CRC-32C, turned by 15 bits, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read_tensorboard(
    path: str | Path,
    *,
    labels: RunLabels = UNLABELED,
    accuracy: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
) -> LearningTable:
    """Read the scalars of one run: an event file, or the folder that holds its event files.

    Several files of a folder are one run that was resumed. An unfinished last record is left out
    with a note. Raises FormatError, naming file, record and byte, for a wrong checksum;
    ConfigError for a folder of several runs, and as `metric_table`.
    """
    path = Path(path)
    files = event_files(path)
    log = read_scalars(files)
    where = path.parent if path.is_file() else path
    return metric_table(log, labels.named(where.resolve().name), accuracy=accuracy, costs=costs)


def event_files(path: Path) -> list[Path]:
    """The event files of one run, the oldest first."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(2, "no such file or folder of event files", str(path))
    files = sorted(one for one in path.rglob("*") if MARK in one.name and one.is_file())
    if not files:
        raise FormatError(f"{path}: no event file (*{MARK}*) in it")
    folders = sorted({one.parent for one in files})
    if len(folders) > 1:
        shown = ", ".join(map(str, folders[:6]))
        raise ConfigError(f"{path}: event files of {len(folders)} runs; give one of {shown}")
    return files


def read_scalars(files: list[Path]) -> MetricLog:
    """All scalars of some event files, a row for each event that has any."""
    rows: list[tuple[str, float, Mapping[str, float]]] = []
    notes: list[str] = []
    for file in files:
        for number, at, data in _records(file, notes):
            try:
                step, scalars = _event(data)
            except (ValueError, IndexError, struct.error) as error:
                raise FormatError(
                    f"{file}, record {number}, byte {at}: not an event: {error}"
                ) from None
            if scalars:
                rows.append((f", record {number}", float(step), scalars))
    if not rows:
        raise FormatError(f"{files[0]}: no scalars in it")
    return gathered(files[0], _merged(rows), notes)


def _merged(
    rows: list[tuple[str, float, Mapping[str, float]]],
) -> list[tuple[str, float, Mapping[str, float]]]:
    """Neighboring events of one step as one row: each scalar comes in an event of its own."""
    merged: list[tuple[str, float, dict[str, float]]] = []
    for place, step, scalars in rows:
        if merged and merged[-1][1] == step and not set(scalars) & set(merged[-1][2]):
            merged[-1][2].update(scalars)
        else:
            merged.append((place, step, dict(scalars)))
    return [*merged]


def _records(path: Path, notes: list[str]) -> Iterator[tuple[int, int, bytes]]:
    """Number, byte and data of each whole record."""
    with path.open("rb") as file:
        number = at = 0
        while head := file.read(12):
            number += 1
            if len(head) == 12:
                size, crc = struct.unpack("<QI", head)
                if masked_crc(head[:8]) != crc:
                    raise FormatError(
                        f"{path}, record {number}, byte {at}: checksum of the length differs"
                    )
                if size > MAX_RECORD:
                    raise FormatError(
                        f"{path}, record {number}, byte {at}: longer than {MAX_RECORD} bytes"
                    )
                data = file.read(size + 4)
            if len(head) < 12 or len(data) < size + 4:
                notes.append(
                    f"{path.name}: left out an unfinished record at byte {at} "
                    "(the writer was killed, or is still writing)"
                )
                return
            body = data[:size]
            if size <= CHECKED and masked_crc(body) != struct.unpack("<I", data[size:])[0]:
                raise FormatError(f"{path}, record {number}, byte {at}: checksum differs")
            if size <= CHECKED:  # scalars are never that long
                yield number, at, body
            at += 16 + size


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of each field of a protocol buffer."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value: int | bytes
        if wire == VARINT:
            value, at = _varint(data, at)
        else:
            if wire == BYTES:
                size, at = _varint(data, at)
            else:
                size = {FIXED64: 8, FIXED32: 4}.get(wire, -1)
            if size < 0 or at + size > len(data):
                raise ValueError(f"field {number} of wire type {wire} does not fit")
            value, at = data[at : at + size], at + size
        yield number, wire, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _event(data: bytes) -> tuple[int, dict[str, float]]:
    """Step and scalars of an event."""
    step, scalars = 0, dict[str, float]()
    for number, wire, value in _fields(data):
        if (number, wire) == (2, VARINT) and isinstance(value, int):
            step = value - (1 << 64) if value >> 63 else value
        elif (number, wire) == (5, BYTES) and isinstance(value, bytes):
            for inner, kind, one in _fields(value):
                if (inner, kind) == (1, BYTES) and isinstance(one, bytes):
                    _scalar(one, scalars)
    return step, scalars


def _scalar(data: bytes, scalars: dict[str, float]) -> None:
    """One value of a summary, if it is a number: as `simple_value`, or as a tensor of one."""
    tag, number = "", None
    for field, wire, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        if (field, wire) == (1, BYTES):
            tag = value.decode("utf-8", errors="replace")
        elif (field, wire) == (2, FIXED32):
            number = struct.unpack("<f", value)[0]
        elif (field, wire) == (8, BYTES):
            number = _tensor(value)
    if tag and number is not None:
        scalars[tag] = float(number) if np.isfinite(number) else np.nan


def _tensor(data: bytes) -> float | None:
    """The number in a tensor of one float or double, None for any other tensor."""
    kind, numbers = 0, np.zeros(0)
    for field, wire, value in _fields(data):
        if (field, wire) == (1, VARINT) and isinstance(value, int):
            kind = value
        elif isinstance(value, bytes) and (
            (field == 4 and kind in (FLOAT, DOUBLE))
            or (field, kind) == (5, FLOAT)
            or (field, kind) == (6, DOUBLE)
        ):
            found = np.frombuffer(value, "<f4" if kind == FLOAT else "<f8")
            numbers = np.concatenate([numbers, found])
    return float(numbers[0]) if len(numbers) == 1 else None
