"""A table of somebody else's results as a study, so that everything made for journals takes it.

table = read_mapped("results.csv", {"n": "train_size", "accuracy": "acc", "sampler": "arm"})
write_report(table_study(table, items=500), "report.html")
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from lessonplan.analysis.events import RunInfo
from lessonplan.analysis.learning_table import LearningTable
from lessonplan.analysis.runs import Evaluation, Floats, Groups, Ints, ItemSet, Run, Steps
from lessonplan.analysis.studies import Study
from lessonplan.errors import ConfigError

UNKNOWN = "unknown"  # the learner of a table that does not say
SPLITS = {"": "test", "validation": "validation", "val": "validation", "dev": "validation"}
Key = tuple[str, str, int, str, int]  # run, sampler, n, start, seed


def table_study(
    table: LearningTable,
    *,
    items: int | None = None,
    split: str | None = None,
    name: str = "results",
    family: str = "",
) -> Study:
    """Runs out of rows: those that share run, sampler, n, start and seed.

    n = 0 is a model before training, the sampler "sft" the supervised control. Rows of split
    "train" are left out; a row without a split is of the test, and so is `split` under its own
    name, if the log has several test sets. Several rows of one run, step and
    level are taken for seeds, in their order. `items` is the number of test items behind an
    accuracy where the table does not say: without either there would be no interval, so it is
    required. Which items were right is not known: the right ones are placed at random, for each
    run anew. So the luck of items does not cancel between samplers, as it would if they were
    known: that widens ratios and differences.

    Raises ConfigError for a table without n or sampler, without a number of items, or with several
    test sets and no `split`.
    """
    kept = table.take(np.flatnonzero(table.split != "train"))
    kept = kept.take(np.isin(kept.split, [*_validation(), _test_set(kept, split)]))
    _check(kept, items)
    counts = np.where(np.isnan(kept.items), float(items or 0), kept.items)  # (R,)
    parts: dict[Key, list[int]] = {}
    for key, row in _rows(kept):
        parts.setdefault(key, []).append(row)
    notes = (*table.notes, *_assumed(kept, parts))
    runs = [
        _run(kept, counts, key, rows, number, family or name, notes)
        for number, (key, rows) in enumerate(parts.items())
    ]
    _same_items(runs)
    return Study(name, Path(), tuple(runs), (), (), {})


def _validation() -> list[str]:
    return [name for name, split in SPLITS.items() if split == "validation"]


def _test_set(table: LearningTable, split: str | None) -> str:
    """The name of the one test set to judge by; "" where rows have none."""
    found = sorted(set(table.split.tolist()) - set(_validation()))
    if split is not None and split not in found or split is None and len(found) > 1:
        shown = ", ".join(repr(one) for one in found) or "none"
        raise ConfigError(f"the table has the test sets {shown}; choose with split=, got {split!r}")
    return split if split is not None else found[0] if found else ""


def _check(table: LearningTable, items: int | None) -> None:
    if not len(table):
        raise ConfigError("the table has no row of a test or validation split")
    if np.isnan(table.n).any():
        raise ConfigError(
            f"n (problems of the training set) is missing in {int(np.isnan(table.n).sum())} of "
            f"{len(table)} rows; map a column to n, or give labels=RunLabels(n=...)"
        )
    if ((table.sampler == "") & (table.n > 0)).any():
        raise ConfigError("the sampler is missing; map a column to sampler, or give labels")
    if np.isnan(table.items).any() and items is None:
        raise ConfigError(
            "the table does not say how many test items stand behind an accuracy, and without them "
            "there is no interval; map a column to items, or give items=500"
        )
    if items is not None and items < 2:
        raise ConfigError(f"items must be at least 2, got {items!r}")


def _assumed(table: LearningTable, parts: dict[Key, list[int]]) -> list[str]:
    """What had to be assumed, for the limits of a report."""
    notes = [
        "Read from a table: which items were right is not known. The right ones are placed at "
        + "random in each run, so the luck of items does not cancel between samplers"
    ]
    if (table.decode == "").any():
        notes.append("The table does not say how completions were decoded; they are called greedy")
    if (table.start == "").any():
        notes.append("The table names no warm start: all runs count as one start")
    if np.isnan(table.seed).any() and len(parts) > len({key[:4] for key in parts}):
        notes.append("Rows of one sampler and size without a seed count as seeds in their order")
    return notes


def _rows(table: LearningTable) -> Sequence[tuple[Key, int]]:
    """Each row with the run that it is of; repeats of one measurement become seeds."""
    seen: dict[tuple[object, ...], int] = {}
    found = []
    seeds = np.nan_to_num(table.seed, nan=0.0)
    for row in range(len(table)):
        seed = int(seeds[row])
        who = (
            str(table.run[row]),
            str(table.sampler[row]),
            int(table.n[row]),
            str(table.start[row]),
        )
        what = (str(table.split[row]), str(table.decode[row]))
        cell = (*who, seed, *what, repr(float(table.step[row])), repr(float(table.level[row])))
        again = seen[cell] = seen.get(cell, -1) + 1
        found.append(((*who, seed + again), row))
    return found


def _run(
    table: LearningTable,
    counts: Floats,
    key: Key,
    rows: list[int],
    number: int,
    family: str,
    notes: tuple[str, ...],
) -> Run:
    name, sampler, n, start, seed = key
    kind: Literal["rl", "base", "sft"] = "sft" if sampler == "sft" else "base" if n == 0 else "rl"
    own = np.array(rows)
    steps = np.nan_to_num(table.step[own], nan=0.0).astype(np.int64)
    rng = np.random.default_rng([7, number])
    evals, sets = list[Evaluation](), dict[str, ItemSet]()
    splits = [SPLITS.get(str(s), "test") for s in table.split[own]]
    ways = ["sample" if d == "sample" else "greedy" for d in table.decode[own]]
    for step, split, way in sorted(set(zip(steps.tolist(), splits, ways, strict=True))):
        mine = [
            r for r, *rest in zip(rows, steps.tolist(), splits, ways, strict=True)
            if rest == [step, split, way]
        ]  # fmt: skip
        mine.sort(key=lambda r: float(np.nan_to_num(table.level[r])))
        levels, right = _items(table, counts, mine, rng)
        sets.setdefault(split, ItemSet(split, f"{len(levels)} items", levels))
        evals.append(Evaluation(int(step), split, way, 1, right, None, None, None, 0))
    return Run(
        file=name,
        info=RunInfo(
            id=name or f"{sampler}-n{n}-{start}-{seed}", kind=kind, family=family, n=n,
            study=family, sampler=sampler, start=start or "start", seed=seed, steps=int(steps.max()),
            learner=UNKNOWN,
        ),
        status="done",
        error=None,
        writer="",
        steps=_steps(table, own, steps),
        groups=_no_groups(),
        evals=tuple(evals),
        items=sets,
        gate=None,
        ledger={},
        totals={},
        wasted=0,
        resumes=(),
        repairs=(),
        notes=notes,
    )  # fmt: skip


def _items(
    table: LearningTable, counts: Floats, rows: list[int], rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Level and 0/1 of every item behind some rows: the right ones at random places."""
    levels, right = [], []
    for row in rows:
        many = int(counts[row])
        hits = np.arange(many) < round(float(table.accuracy[row]) * many)
        level = table.level[row]
        levels.append(np.full(many, 0 if np.isnan(level) else int(level), dtype=np.int64))
        right.append(rng.permutation(hits).astype(np.int64))
    return np.concatenate(levels), np.concatenate(right)


def _steps(table: LearningTable, rows: Ints, steps: Ints) -> Steps:
    """What was spent up to each evaluation, from running totals; 0 where the table does not say."""
    order = np.argsort(steps, kind="stable")
    done, first = np.unique(steps[order], return_index=True)

    def spent(column: Floats) -> Floats:
        totals = np.nan_to_num(column[rows][order][first], nan=0.0)
        return np.diff(np.maximum.accumulate(totals), prepend=0.0)

    seconds = spent(table.seconds)
    return Steps(
        step=done.astype(np.int64),
        rollouts=spent(table.rollouts).astype(np.int64),
        tokens=spent(table.tokens).astype(np.int64),
        seconds={"all": seconds} if seconds.any() else {},
        scalars={},
    )


def _no_groups() -> Groups:
    none = np.zeros(0, dtype=np.int64)
    return Groups(none, none, (), none, none, np.zeros((0, 0)), none, np.zeros(0), (), none)


def _same_items(runs: Sequence[Run]) -> None:
    """Accuracies of different numbers of items cannot share a draw of items."""
    for split in ("test", "validation"):
        found = {r.items[split].fingerprint for r in runs if split in r.items}
        if len(found) > 1:
            raise ConfigError(
                f"{split} accuracies rest on {', '.join(sorted(found))}: a comparison needs one "
                "number; read one test set at a time, or leave the items column out and give items="
            )
