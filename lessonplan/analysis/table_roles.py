"""Which column of somebody else's table is what: said by a mapping, else told by its name."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from lessonplan.analysis.raw_tables import RawTable
from lessonplan.errors import ConfigError

NEEDED = ("n", "accuracy")
POINT_NAMES: Mapping[str, tuple[str, ...]] = {  # what a column may be called, in any case
    "n": ("n", "problems", "n_problems", "unique_problems", "samples", "size", "train_size"),
    "accuracy": (
        "accuracy",
        "accuracy_percent",
        "accuracy_share",
        "test_accuracy",
        "mean_accuracy",
    ),
    "sampler": ("sampler", "arm", "method", "curriculum", "strategy"),
    "task": ("task", "family", "benchmark", "dataset"),
}
NAMES: Mapping[str, tuple[str, ...]] = {
    **POINT_NAMES,
    "run": ("run", "run_name", "run_id"),
    "start": ("start", "warm_start", "model", "base_model"),
    "seed": ("seed", "random_seed"),
    "split": ("split",),
    "decode": ("decode",),
    "step": ("step", "global_step"),
    "level": ("level",),
    "items": ("items", "n_items", "test_items", "n_test"),
    "rollouts": ("rollouts",),
    "tokens": ("tokens",),
    "seconds": ("seconds",),
}
PERCENT = ("percent", "pct", "%")  # endings of a column of percent


def find_columns(
    path: Path,
    names: Sequence[str],
    given: Mapping[str, str],
    roles: Mapping[str, tuple[str, ...]] = NAMES,
) -> dict[str, str]:
    """Role to column. `given` decides; else a column is taken if exactly one name fits its role.

    Raises ConfigError for a role or column that does not exist, for two columns that fit one role,
    and for a table without n or accuracy.
    """
    for role, name in given.items():
        if role not in roles:
            near = difflib.get_close_matches(role, roles, 1) or [", ".join(roles)]
            raise ConfigError(f'--columns: unknown role "{role}"; nearest: {near[0]}')
        if name not in names:
            near = difflib.get_close_matches(name, names, 1) or [", ".join(names) or "none"]
            raise ConfigError(f'{path}: no column "{name}" for {role}; nearest: {near[0]}')
    taken: dict[str, str] = {}
    for role, aliases in roles.items():
        fits = [n for n in names if n.strip().lower() in aliases and n not in given.values()]
        if role in given:
            taken[role] = given[role]
        elif len(fits) > 1:
            either = " or ".join(f'"{name}"' for name in fits)
            raise ConfigError(
                f"{path}: {role} could be {either}; choose with --columns {role}={fits[0]}"
            )
        elif fits:
            taken[role] = fits[0]
    if lacking := [role for role in NEEDED if role not in taken]:
        raise ConfigError(
            f"{path}: no column {' and '.join(lacking)}; it has: {', '.join(names) or 'none'}\n"
            "A table needs n (problems of the training set) and accuracy; "
            f"name your columns with --columns {','.join(f'{role}=COLUMN' for role in lacking)}"
        )
    return taken


def is_percent(table: RawTable, column: str, unit: str | None) -> bool:
    """Whether accuracies run to 100: said by `unit`, the end of the name, or a value above 1.

    Raises ConfigError for a column with values of both kinds and nothing that decides.
    """
    if unit is not None:
        return unit == "percent"
    if column.strip().lower().endswith(PERCENT):
        return True
    values = table.numbers(column)
    above = [row for row, value in enumerate(values) if value > 1]
    below = [row for row, value in enumerate(values) if 0 < value < 1]
    if above and below:
        raise ConfigError(
            f'{table.path}: "{column}" is {values[below[0]]:g} on line '
            f"{table.places[below[0]]} and {values[above[0]]:g} on line "
            f"{table.places[above[0]]}: shares or percent? Say --unit percent or --unit share"
        )
    return bool(above)
