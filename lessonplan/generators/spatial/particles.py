"""Particles move and turn on a 20x20 grid: where is one, facing where, seen by whom?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json
from lessonplan.generators.spatial.headings import AHEAD, HEADINGS
from lessonplan.generators.spatial.sizes import ramp
from lessonplan.generators.spatial.wordings import compose, counted, labels, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, NAME, Slot, listed, worded

Pose: TypeAlias = tuple[int, int, int]  # column, row, heading in eighths clockwise from north
Action: TypeAlias = tuple[str, str, int]  # (move, particle, cells), or (turn, particle, degrees)

GRID = 20  # columns and rows 1..20: arXiv 2604.18381

_FARTHEST = 6  # cells of one move
_TURNS = (45, 90, 135)  # degrees of one turn


@dataclass(frozen=True, slots=True)
class Scene(Draft):
    """One question about the particles after all actions."""

    starts: tuple[tuple[str, Pose], ...]
    actions: tuple[Action, ...]
    poses: tuple[Pose, ...]  # of the particle that acted, after each action
    query: tuple[str, ...]  # (kind, particle) or (kind, particle, seen by)

    @property
    def key(self) -> str:
        starts = " ".join(f"{name}{pose}" for name, pose in sorted(self.starts))
        actions = " ".join(f"{kind}{name}{n}" for kind, name, n in self.actions)
        return f"{' '.join(self.query)} : {starts} : {actions}"

    @property
    def answer(self) -> str:
        ends = dict(self.starts)
        ends.update(zip((name for _, name, _ in self.actions), self.poses, strict=True))
        return _look(self.query, ends)

    @property
    def data(self) -> Mapping[str, Json]:
        starts: list[list[Json]] = [
            [name, x, y, HEADINGS[eighths]] for name, (x, y, eighths) in self.starts
        ]
        actions: list[list[Json]] = [list(action) for action in self.actions]
        return {"starts": starts, "actions": actions, "query": list(self.query)}

    @property
    def work(self) -> int:
        return len(self.actions)  # poses updated

    @property
    def skeleton(self) -> str:
        return " ".join([self.query[0], *(action[0] for action in self.actions)])

    def steps(self, style: int = 0) -> list[str]:
        lines = [
            f"{name}: {x} {y} {eighths * 45}"
            for (_, name, _), (x, y, eighths) in zip(self.actions, self.poses, strict=True)
        ]
        if len(self.query) == 3:
            ends = dict(self.starts)
            ends.update(zip((name for _, name, _ in self.actions), self.poses, strict=True))
            (x, y, turn), (u, v, other) = ends[self.query[1]], ends[self.query[2]]
            lines.append(
                f"{self.query[1]} less {self.query[2]}: {x - u} {y - v} {(turn - other) % 8 * 45}"
            )
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        first = dict(self.starts)
        ends = dict(first)
        for kind, name, n in self.actions:
            x, y, eighths = ends[name]
            if kind == "move":
                dx, dy = AHEAD[eighths]
                ends[name] = x + dx * n, y + dy * n, eighths
        kind, name, n = self.actions[-1]
        return {
            "where they started": [_look(self.query, first)],
            "moves without turns": [_look(self.query, ends)],
            "the last action alone": [_look(self.query, {**first, name: self.poses[-1]})],
        }


def _look(query: tuple[str, ...], poses: Mapping[str, Pose]) -> str:
    """The answer to a query."""
    x, y, eighths = poses[query[1]]
    if query[0] == "place":
        return f"{x} {y}"
    if query[0] == "heading":
        return str(eighths * 45)
    u, v, other = poses[query[2]]
    if query[0] == "turn":
        return str((eighths - other) % 8 * 45)
    x, y = x - u, y - v
    if query[0] == "offset":
        return f"{x} {y}"
    (ahead_x, ahead_y), (right_x, right_y) = AHEAD[other], AHEAD[(other + 2) % 8]
    return f"{ahead_x * x + ahead_y * y} {right_x * x + right_y * y}"


_START = {
    "name": NAME,
    "x": INT,
    "y": INT,
    "heading": worded({heading: heading for heading in HEADINGS}),
}
_ACT = {"name": NAME, "n": INT, "cells": counted("cell")}
_ASK = {"name": NAME, "other": NAME}


def _slots(
    start: str, actions: Mapping[str, str], query: Mapping[str, str], joiner: str = "\n"
) -> Mapping[str, Slot]:
    return {
        "starts": listed(sentence({"": start}, _START), joiner),
        "actions": listed(sentence(actions, _ACT), joiner),
        "query": sentence(query, _ASK),
    }


_DEGREES = "Headings are in degrees clockwise from north: 0, 45, 90, up to 315."


class Particles(Generator):
    """Moves and turns of several particles, then one of four queries; a level brings more of both.

    After the description of arXiv 2604.18381: 2 to 6 particles on 20x20 cells, and a query of
    position or heading, absolute or relative, each with chance 1/4; half of the relative positions
    are seen by the other particle (ahead, right), half on the map. A heading alone is guessed in
    1/8 of its problems, so the kinds are mixed, and eight headings are used, not four. Particles
    stay on the grid. Work is the actions; every particle asked about takes part in two.
    """

    family, task, version = "spatial", "spatial.particles", 1
    kind, what = "ints", "the answer, one or two whole numbers,"
    log_work, tolerance = ramp(4, 30), 0.155
    templates = mixed(
        compose(
            _slots(
                "Particle {name} starts in column {x}, row {y}, heading {heading}.",
                {
                    "move": "Particle {name} moves {cells} forward.",
                    "right": "Particle {name} turns {n} degrees clockwise.",
                    "left": "Particle {name} turns {n} degrees counterclockwise.",
                },
                {
                    "place": "In which column and row is particle {name}?",
                    "heading": f"What is the heading of particle {{name}}? {_DEGREES}",
                    "offset": (
                        "How many columns east (west is negative) and how many rows north (south "
                        "is negative) of particle {other} is particle {name}?"
                    ),
                    "ahead": (
                        "How many cells ahead of particle {other} (behind is negative) and how "
                        "many to its right (left is negative) is particle {name}?"
                    ),
                    "turn": (
                        "By how many degrees clockwise, from 0 to 315, must particle {other} turn "
                        "to head the same way as particle {name}?"
                    ),
                },
            ),
            (
                (
                    "Particles live on a grid of 20 columns, counted eastward from 1, and 20 rows, "
                    "counted northward from 1."
                ),
                (
                    "A grid has 20 columns and 20 rows; columns are counted eastward, rows "
                    "northward, both from 1. A move along a diagonal passes one cell after the "
                    "other, corner to corner."
                ),
            ),
            ("{starts}",),
            ("Then this happens:", "Now, in this order:", "After that:"),
            ("{actions}",),
            ("{query}", "At the end: {query}"),
        ),
        compose(
            _slots(
                "{name} at ({x}, {y}) {heading}",
                {"move": "{name} goes {n}", "right": "{name} right {n}", "left": "{name} left {n}"},
                {
                    "place": "Column and row of {name}?",
                    "heading": f"Heading of {{name}}? {_DEGREES}",
                    "offset": "Columns east and rows north from {other} to {name}, signed?",
                    "ahead": "Cells ahead of and right of {other} at which {name} is, signed?",
                    "turn": "Degrees clockwise (0 to 315) from the heading of {other} to {name}'s?",
                },
                "; ",
            ),
            (
                (
                    "Grid of 20 columns (eastward from 1) and 20 rows (northward from 1). Turns "
                    "are in degrees, right is clockwise."
                ),
                (
                    "Turns right are clockwise and in degrees; cells are (column, row), counted "
                    "eastward and northward, on a grid of 20 by 20."
                ),
            ),
            ("Start: {starts}.",),
            ("Actions: {actions}.", "Then: {actions}."),
            ("{query}", "Asked: {query}"),
        ),
    )

    n_particles = ((2, 2), (2, 2), (2, 3), (2, 3), (3, 4), (3, 4), (4, 5), (4, 5), (5, 6), (5, 6))
    n_actions = (
        *((4, 4), (5, 5), (6, 6), (8, 8), (9, 10)),
        *((11, 13), (14, 16), (18, 21), (22, 26), (27, 33)),
    )

    def draw(self, stream: Stream, level: int) -> Scene:
        names = labels(stream, self.diversity)[: stream.between(*self.n_particles[level - 1])]
        poses = {
            name: (stream.between(1, GRID), stream.between(1, GRID), stream.below(8))
            for name in names
        }
        starts = tuple(poses.items())
        # The first two are those asked about: each acts twice at least.
        n_actions = stream.between(*self.n_actions[level - 1])
        actors = names[:2] * 2 + [stream.choice(names) for _ in range(n_actions - 4)]
        actions: list[Action] = []
        after = []
        for name in stream.shuffled(actors):
            x, y, eighths = poses[name]
            dx, dy = AHEAD[eighths]
            free = _FARTHEST
            if dx:
                free = min(free, GRID - x if dx > 0 else x - 1)
            if dy:
                free = min(free, GRID - y if dy > 0 else y - 1)
            if free and stream.below(2):
                n = stream.between(1, free)
                actions.append(("move", name, n))
                poses[name] = x + dx * n, y + dy * n, eighths
            else:
                n, right = stream.choice(_TURNS), stream.below(2)
                actions.append(("right" if right else "left", name, n))
                poses[name] = x, y, (eighths + (n if right else -n) // 45) % 8
            after.append(poses[name])
        one, other = names[:2]
        query: tuple[str, ...]
        match stream.below(4):
            case 0:
                query = ("place", one)
            case 1:
                query = ("heading", one)
            case 2:
                query = ("turn", one, other)
            case _:
                straight = poses[other][2] % 2 == 0  # else its right is no whole number of cells
                query = ("ahead" if straight else "offset", one, other)
        return Scene(tuple(stream.shuffled(starts)), tuple(actions), tuple(after), query)

    def instances(self, level: int) -> int:
        n = self.n_particles[level - 1][0]
        return int(perm(26, n) * (GRID * GRID * 8) ** n * 6 ** self.n_actions[level - 1][0])
