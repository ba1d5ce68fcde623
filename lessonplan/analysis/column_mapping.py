"""Read any table of results, each of our columns out of one of yours.

table = read_mapped("results.csv", {"n": "train_size", "accuracy": "test_acc", "sampler": "arm"})
"""

import difflib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.learning_table import (
    NUMBERS,
    TEXTS,
    UNLABELED,
    LearningTable,
    RunLabels,
    make_table,
)
from lessonplan.analysis.raw_tables import read_raw
from lessonplan.errors import ConfigError

KNOWN = (*TEXTS, *NUMBERS)
COUNTS = ("n", "items", "rollouts", "tokens", "seconds", "step")  # none of them negative


def read_mapped(
    path: str | Path,
    columns: Mapping[str, str],
    *,
    labels: RunLabels = UNLABELED,
    percent: bool = False,
) -> LearningTable:
    """Read a CSV, JSON Lines, JSON or parquet file with a row for each measurement.

    `columns` maps our names (run, sampler, n, start, seed, split, decode, step, level, accuracy,
    items, rollouts, tokens, seconds) to yours; accuracy must be among them, and no other column
    is looked at. `labels` fill columns that are not mapped. `percent` says that accuracies run
    from 0 to 100. Costs are running totals of the run.

    Raises ConfigError for names that are unknown on either side, FormatError, naming the line, for
    a value that is no number, an accuracy outside 0 to 1, or a negative count.
    """
    for ours in columns:
        if ours not in KNOWN:
            near = difflib.get_close_matches(ours, KNOWN, 1) or [", ".join(KNOWN)]
            raise ConfigError(f'unknown column "{ours}"; nearest: {near[0]}')
    if "accuracy" not in columns:
        raise ConfigError(f"accuracy must be mapped, got {', '.join(columns) or 'nothing'}")
    table = read_raw(path, list(columns.values()))
    found: dict[str, NDArray[np.generic]] = {}
    for ours, theirs in columns.items():
        if ours in TEXTS:
            found[ours] = np.array(table.texts(theirs), dtype=np.str_)
            continue
        numbers = table.numbers(theirs)
        if ours == "accuracy" and percent:
            numbers = numbers / 100
        high = 1.0 if ours == "accuracy" else np.inf
        bad = (numbers > high) | ((numbers < 0) if ours in (*COUNTS, "accuracy") else False)
        if bad.any():
            row = int(np.argmax(bad))
            hint = "; percent=True (--percent) reads percentages" if ours == "accuracy" else ""
            raise table.fault(row, f'"{theirs}" is {table.columns[theirs][row]}, no {ours}{hint}')
        found[ours] = numbers
    torn = f"{Path(path).name}: left out the last {table.torn} bytes (unfinished write)"
    return make_table(labels.named(Path(path).stem), found, [torn] if table.torn else [])
