"""What a journal says about every problem's rewards: the input of offline scores such as LIM."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.journal import Event, read_events
from lessonplan.errors import FormatError
from lessonplan.selection.base import Rewards

MAX_REWARDS = 2**28  # of the padded matrix, 2 GB; ours


@dataclass(frozen=True, slots=True)
class ToldGroups:
    """M finished groups in the order they were told, superseded and discarded ones left out."""

    ids: tuple[str, ...]  # (M,) problem of each group
    steps: NDArray[np.int64]  # (M,) optimizer steps done when it was generated
    rewards: Rewards  # (M, G) raw, NaN where a rollout could not be scored


class _Ask(msgspec.Struct):
    step: int
    ticket: int
    ids: list[str]


class _Tell(msgspec.Struct):
    tickets: list[int]
    rewards: list[list[float | None]]


E = TypeVar("E", _Ask, _Tell)


def told_groups(path: str | os.PathLike[str]) -> ToldGroups:
    """The told groups of a run's journal.

    Offline LIM over a logged run is then
    `lim_scores(epoch_curves(told.ids, visit_numbers(told.ids), told.rewards).rates)`.
    Raises FormatError for a damaged journal, events that contradict each other, or one in which
    nothing was told.
    """
    asked: dict[int, tuple[str, int]] = {}  # ticket -> id and step
    ids, steps, groups = [], [], []
    for event in _events(path):
        if event.get("event") == "ask":
            ask = _typed(path, event, _Ask)
            asked.update((ask.ticket + j, (name, ask.step)) for j, name in enumerate(ask.ids))
        elif event.get("event") == "tell":
            tell = _typed(path, event, _Tell)
            if len(tell.tickets) != len(tell.rewards):
                raise FormatError(_place(path, event) + "tickets and rewards differ in length")
            for ticket, group in zip(tell.tickets, tell.rewards, strict=True):
                if ticket not in asked:
                    raise FormatError(_place(path, event) + f"ticket {ticket} was never asked")
                if group:
                    name, step = asked[ticket]
                    ids.append(name)
                    steps.append(step)
                    groups.append(group)
    if not groups:
        raise FormatError(f"{path}: no group was told in this journal")
    width = max(map(len, groups))
    if len(groups) * width > MAX_REWARDS:
        raise FormatError(f"{path}: {len(groups)} groups of up to {width} rewards are no run's")
    matrix = np.full((len(groups), width), np.nan)  # (M, G)
    for row, group in zip(matrix, groups, strict=True):
        row[: len(group)] = group  # None becomes NaN
    return ToldGroups(tuple(ids), _whole(path, steps), matrix)


def _events(path: str | os.PathLike[str]) -> Iterator[Event]:
    """Events of the journal; a line that carries its checksum and is no event is a FormatError."""
    try:
        yield from read_events(path)
    except FormatError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise FormatError(f"{path}: holds a line that is no event of a journal: {error}") from None


def _typed(path: str | os.PathLike[str], event: Event, kind: type[E]) -> E:
    try:
        return msgspec.convert(event, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FormatError(f"{_place(path, event)}{error}") from None


def _place(path: str | os.PathLike[str], event: Event) -> str:
    seq = event.get("seq")
    line = seq + 1 if isinstance(seq, int) else "?"  # events are numbered from 0
    return f"{path}:{line}: {event.get('event')}: "


def _whole(path: str | os.PathLike[str], steps: list[int]) -> NDArray[np.int64]:
    try:
        return np.array(steps, np.int64)
    except OverflowError:
        raise FormatError(f"{path}: a step beyond 64 bits") from None
