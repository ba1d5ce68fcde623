"""What a journal says about every problem's rewards: the input of offline scores such as LIM."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.journal import read_events
from lessonplan.errors import FormatError
from lessonplan.selection.base import Rewards


@dataclass(frozen=True, slots=True)
class ToldGroups:
    """M finished groups in the order they were told, superseded and discarded ones left out."""

    ids: tuple[str, ...]  # (M,) problem of each group
    steps: NDArray[np.int64]  # (M,) optimizer steps done when it was generated
    rewards: Rewards  # (M, G) raw, NaN where a rollout could not be scored


def told_groups(path: str | os.PathLike[str]) -> ToldGroups:
    """The told groups of a run's journal.

    Offline LIM over a logged run is then
    `lim_scores(epoch_curves(told.ids, visit_numbers(told.ids), told.rewards).rates)`.
    Raises FormatError for a damaged journal or one in which nothing was told.
    """
    asked: dict[int, tuple[str, int]] = {}  # ticket -> id and step
    ids, steps, groups = [], [], []
    for event in read_events(path):
        if event["event"] == "ask":
            first, names, step = event["ticket"], event["ids"], event["step"]
            assert isinstance(first, int) and isinstance(names, list) and isinstance(step, int)
            asked.update((first + j, (name, step)) for j, name in enumerate(names))
        elif event["event"] == "tell":
            tickets, rewards = event["tickets"], event["rewards"]
            assert isinstance(tickets, list) and isinstance(rewards, list)
            for ticket, group in zip(tickets, rewards, strict=True):
                if group:
                    name, step = asked[ticket]
                    ids.append(name)
                    steps.append(step)
                    groups.append(group)
    if not groups:
        raise FormatError(f"{path}: no group was told in this journal")
    matrix = np.full((len(groups), max(map(len, groups))), np.nan)  # (M, G)
    for row, group in zip(matrix, groups, strict=True):
        row[: len(group)] = group  # None becomes NaN
    return ToldGroups(tuple(ids), np.array(steps, np.int64), matrix)
