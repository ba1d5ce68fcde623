"""Read what verl leaves: dumps of rollouts and validations, metrics as JSON Lines, console text."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lessonplan.analysis.learning_table import (
    UNLABELED,
    LearningTable,
    RunLabels,
    join_tables,
    rollout_table,
)
from lessonplan.analysis.metric_logs import MetricLog, gathered, metric_table
from lessonplan.analysis.raw_tables import (
    as_number,
    decode_json,
    numbered_lines,
    read_json_lines,
    read_raw,
)
from lessonplan.errors import FormatError

DUMP = re.compile(r"([0-9]{1,12})\.jsonl")
COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # what Ray puts around the name of a process
LINE = re.compile(r"(?:^|\s)step:([0-9]{1,15}) - (.+)$")
NUMPY = re.compile(r"np\.\w+\((.*)\)")  # np.float64(0.5), as numpy 2 shows a number


class _Metrics(msgspec.Struct):
    """A line of verl's file logger."""

    step: int
    data: dict[str, Any]


def read_verl_dumps(
    rollouts: str | Path | None = None,
    validation: str | Path | None = None,
    *,
    labels: RunLabels = UNLABELED,
    reward: str = "score",
    success: float = 1.0,
) -> LearningTable:
    """Read the folders `rollout_data_dir` and `validation_data_dir`: a file STEP.jsonl each step.

    Every line is a completion (input, output, score, step, ...); it is right if `reward` is at
    least `success`. Dumps hold neither tokens nor seconds.
    """
    tables = []
    for split, given in (("train", rollouts), ("validation", validation)):
        if given is None:
            continue
        folder = Path(given)
        labels = labels.named(folder.stem if folder.is_file() else folder.name)
        steps, wins = [], []
        notes = [f'a completion is right if "{reward}" is at least {success:g}']
        for file in _dumps(folder):
            table = read_raw(file)
            if table.torn:
                notes.append(
                    f"{file.name}: left out the last {table.torn} bytes (unfinished write)"
                )
            number = table.numbers(reward)
            steps.append(table.whole("step"))
            wins.append(np.where(np.isnan(number), np.nan, number >= success))
        tables.append(
            rollout_table(
                labels, np.concatenate(steps), np.concatenate(wins), split=split, notes=notes
            )
        )
    return join_tables(tables)


def read_verl_metrics(
    path: str | Path,
    *,
    labels: RunLabels = UNLABELED,
    accuracy: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
) -> LearningTable:
    """Read verl's metrics: JSON Lines of its file logger, or the text of its console logger.

    Accuracies are `critic/score/mean` in training and `val-core/SOURCE/.../mean@N` in validation.
    """
    path = Path(path)
    lines = path.suffix.lower() in (".jsonl", ".ndjson")
    log = _file_log(path) if lines else _console_log(path)
    return metric_table(log, labels.named(path.stem), accuracy=accuracy, costs=costs)


def _dumps(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise FileNotFoundError(2, "no such folder of dumps", str(folder))
    found = {int(name[1]): one for one in folder.iterdir() if (name := DUMP.fullmatch(one.name))}
    if not found:
        raise FormatError(f"{folder}: no dump STEP.jsonl in it")
    return [found[step] for step in sorted(found)]


def _file_log(path: Path) -> MetricLog:
    rows, places, torn = read_json_lines(path, _Metrics)
    notes = [f"{path.name}: left out the last {torn} bytes (unfinished write)"] if torn else []
    found = []
    for row, place in zip(rows, places, strict=True):
        numbers = {name: as_number(value) for name, value in row.data.items()}
        kept = {name: number for name, number in numbers.items() if number is not None}
        found.append((f":{place}", float(row.step), kept))
    if not found:
        raise FormatError(f"{path}:1: no metrics in it")
    return gathered(path, found, notes)


def _console_log(path: Path) -> MetricLog:
    """Lines "step:N - name:value - name:value", whatever else was printed between them."""
    found = []
    notes = []
    for number, raw in numbered_lines(path):
        text = COLOR.sub("", raw.decode("utf-8", errors="replace")).strip()
        line = LINE.search(text)
        if line is None:
            continue
        if not raw.endswith(b"\n"):  # its last number may be cut and still look like one
            notes.append(f"{path.name}: left out an unfinished last line")
            break
        numbers = {}
        for part in line[2].split(" - "):
            name, _, value = part.rpartition(":")
            inner = NUMPY.fullmatch(value.strip())
            shown = inner[1] if inner else value.strip()
            measured = np.nan if shown in ("inf", "-inf") else as_number(shown)
            if not name or not shown or measured is None:
                raise FormatError(f'{path}:{number}: not "name:value": {part[:60]!r}')
            numbers[name] = measured
        found.append((f":{number}", float(line[1]), numbers))
    if not found:
        raise FormatError(f'{path}:1: no line of the form "step:N - name:value"')
    return gathered(path, found, notes)


def looks_like_metrics(path: Path) -> bool:
    """Whether the first line is one of the file logger."""
    for number, line in numbered_lines(path):
        try:
            first = decode_json(path, line, dict[str, Any], number)
        except FormatError:
            return False
        return isinstance(first.get("data"), dict) and "step" in first
    return False
