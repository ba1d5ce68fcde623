"""Read one run's log into the learning table, whatever wrote it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from lessonplan.analysis.column_mapping import read_mapped
from lessonplan.analysis.exports import export_shape, read_export
from lessonplan.analysis.journals import HEAD, read_journal
from lessonplan.analysis.learning_table import (
    UNLABELED,
    LearningTable,
    RunLabels,
    join_tables,
    run_table,
)
from lessonplan.analysis.raw_tables import SUFFIXES, read_raw
from lessonplan.analysis.step_files import STEP_FILE, read_step_files
from lessonplan.analysis.studies import read_study
from lessonplan.analysis.tensorboard_logs import MARK, read_tensorboard
from lessonplan.analysis.trl_logs import CHECKPOINT, COMPLETIONS, STATE, read_trl
from lessonplan.analysis.verl_logs import (
    DUMP,
    looks_like_metrics,
    read_verl_dumps,
    read_verl_metrics,
)
from lessonplan.errors import ConfigError

LogFormat: TypeAlias = Literal[
    "journal", "study", "trl", "verl", "steps", "tensorboard", "export", "table"
]


def read_log(
    path: str | Path,
    *,
    format: LogFormat | Literal["auto"] = "auto",
    labels: RunLabels = UNLABELED,
    accuracy: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    percent: bool = False,
    reward: str | None = None,
    success: float = 1.0,
    validation: str | Path | None = None,
) -> LearningTable:
    """Read a log by its format; "auto" tells it by names and columns, and a note says what it took.

    "journal": ours; "study": a folder of ours. "trl": output folder, trainer_state.json, tables of
    completions. "verl": folder of rollout dumps (`validation` names the other folder), metrics as
    JSON Lines, console text. "steps": step_1.json and on. "tensorboard": event files. "export":
    W&B or MLflow. "table": any table, by `columns` as in `read_mapped`.

    An argument that the format has no use for is refused with ConfigError.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(2, "no such file or folder", str(path))
    kind = log_format(path, mapped=columns is not None) if format == "auto" else format
    dumps = kind == "verl" and (path.is_dir() or DUMP.fullmatch(path.name) is not None)
    given: dict[str, object] = {
        "accuracy": accuracy,
        "costs": costs,
        "columns": columns,
        "percent": percent or None,
        "reward": reward,
        "success": None if success == 1.0 else success,
        "validation": validation,
        "labels": labels if kind in OURS and labels != UNLABELED else None,
    }
    uses = USES["dumps" if dumps else kind]
    for name, value in given.items():
        if value is not None and name not in uses:
            raise ConfigError(f'a log of format "{kind}" has no use for {name}, got {value!r}')
    match kind:
        case "journal":
            table = run_table(read_journal(path))
        case "study":
            study = read_study(path)
            table = join_tables([run_table(run) for run in (*study.runs, *study.unfinished)])
            lost = tuple(f"left out: {reason}" for _, reason in study.damaged)
            table = replace(table, notes=(*table.notes, *lost))
        case "trl":
            table = read_trl(
                path, labels=labels, accuracy=accuracy, costs=costs, reward=reward, success=success
            )
        case "verl" if dumps:
            table = read_verl_dumps(
                path, validation, labels=labels, reward=reward or "score", success=success
            )
        case "verl":
            table = read_verl_metrics(path, labels=labels, accuracy=accuracy, costs=costs)
        case "steps":
            table = read_step_files(path, labels=labels, reward=reward or "reward", success=success)
        case "tensorboard":
            table = read_tensorboard(path, labels=labels, accuracy=accuracy, costs=costs)
        case "export":
            table = read_export(path, labels=labels, accuracy=accuracy, costs=costs)
        case "table":
            table = read_mapped(path, columns or {}, labels=labels, percent=percent)
    return replace(table, notes=(f"{path}: read as {kind}", *table.notes))


OURS = ("journal", "study")  # these say themselves what their runs are

# The arguments that each format has a use for.
USES: dict[str, tuple[str, ...]] = {
    "journal": (),
    "study": (),
    "trl": ("accuracy", "costs", "reward", "success"),
    "dumps": ("reward", "success", "validation"),
    "verl": ("accuracy", "costs"),
    "steps": ("reward", "success"),
    "tensorboard": ("accuracy", "costs"),
    "export": ("accuracy", "costs"),
    "table": ("columns", "percent"),
}


def log_format(path: Path, *, mapped: bool = False) -> LogFormat:
    """What a file or folder is, by its name and columns. Raises ConfigError if nothing fits."""
    if mapped:
        return "table"
    if path.is_dir():
        return _folder_format(path)
    name, suffix = path.name, path.suffix.lower()
    if MARK in name:
        return "tensorboard"
    if STEP_FILE.fullmatch(name):
        return "steps"
    if name == STATE or COMPLETIONS.fullmatch(name):
        return "trl"
    if suffix == ".jsonl":
        with path.open("rb") as file:
            if HEAD.match(file.read(64)):
                return "journal"
        if DUMP.fullmatch(name) or looks_like_metrics(path):
            return "verl"
    if suffix in (".log", ".txt", ".out"):
        return "verl"
    if suffix in SUFFIXES and export_shape(list(read_raw(path).columns)):
        return "export"
    raise ConfigError(
        f"{path}: no known log; say what it is with format= (--format), or map its columns with "
        "columns= (--columns accuracy=NAME n=NAME ...)"
    )


def _folder_format(path: Path) -> LogFormat:
    names = [one.name for one in path.iterdir()]
    fits: list[LogFormat] = []
    if "journals" in names:
        fits.append("study")
    if any(
        one == STATE
        or one == "completions"
        or CHECKPOINT.fullmatch(one)
        or COMPLETIONS.fullmatch(one)
        for one in names
    ):
        fits.append("trl")
    if any(DUMP.fullmatch(one) for one in names):
        fits.append("verl")
    if any(STEP_FILE.fullmatch(one) for one in names):
        fits.append("steps")
    if any(MARK in one for one in names):
        fits.append("tensorboard")
    if len(fits) == 1:
        return fits[0]
    what = f"could be {' or '.join(fits)}" if fits else "holds no known log"
    raise ConfigError(f"{path}: {what}; say which with format= (--format)")
