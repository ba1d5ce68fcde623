"""Read step files, as LIMR released for OpenRLHF: step_N.json, a list of prompts and rewards."""

import re
from pathlib import Path

import numpy as np

from lessonplan.analysis.learning_table import UNLABELED, LearningTable, RunLabels, rollout_table
from lessonplan.analysis.raw_tables import read_raw
from lessonplan.errors import FormatError

STEP_FILE = re.compile(r"step_([0-9]{1,9})\.json")


def read_step_files(
    folder: str | Path,
    *,
    labels: RunLabels = UNLABELED,
    reward: str = "reward",
    success: float = 1.0,
) -> LearningTable:
    """A row for each file: the share of rewards of at least `success`. None may be missing."""
    folder = Path(folder)
    inside = folder.iterdir() if folder.is_dir() else [folder]
    found = {int(name[1]): one for one in inside if (name := STEP_FILE.fullmatch(one.name))}
    if not found:
        raise FormatError(f"{folder}: no step_1.json, step_2.json, ... in it")
    lacking = set(range(1, max(found) + 1)) - set(found)
    if lacking and folder.is_dir():
        raise FormatError(f"{folder}: step_{min(lacking)}.json is missing")
    steps, wins = [], []
    for step in sorted(found):
        rewards = read_raw(found[step]).numbers(reward)
        steps.append(np.full(len(rewards), step))
        wins.append(np.where(np.isnan(rewards), np.nan, rewards >= success))
    notes = [f'a completion is right if "{reward}" is at least {success:g}']
    return rollout_table(
        labels.named(folder.name),
        np.concatenate(steps),
        np.concatenate(wins),
        split="train",
        notes=notes,
    )
