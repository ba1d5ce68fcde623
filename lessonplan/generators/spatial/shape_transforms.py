"""Turn, mirror and shift a shape of cells: which cells does it cover at the end?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.spatial.sizes import Size, fitting, ramp
from lessonplan.generators.spatial.wordings import CELLS, compose, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, Slot, listed

Cell: TypeAlias = tuple[int, int]  # column, row; rows count upward
Transform: TypeAlias = tuple[str, int, int] | tuple[str, int]  # name, and its cell, line or way

_BOX = 6  # shapes lie in columns and rows 1..6
_SHIFTS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)  # columns or rows
_NAMES = ("turn right", "turn left", "turn around", "mirror columns", "mirror rows", "shift")


def moved(cell: Cell, transform: Transform) -> Cell:
    """Where a transform takes a cell."""
    x, y = cell
    match transform:
        case ("turn right", u, v):
            return u + y - v, v - x + u
        case ("turn left", u, v):
            return u - y + v, v + x - u
        case ("turn around", u, v):
            return 2 * u - x, 2 * v - y
        case ("mirror columns", u):
            return 2 * u - x, y
        case ("mirror rows", v):
            return x, 2 * v - y
        case (_, u, v):
            return x + u, y + v
    raise AssertionError(transform)


@dataclass(frozen=True, slots=True)
class Image(Draft):
    """The cells of a shape after all transforms."""

    cells: tuple[Cell, ...]  # in prompt order
    transforms: tuple[Transform, ...]
    stages: tuple[tuple[Cell, ...], ...]  # after each, cell by cell

    @property
    def key(self) -> str:
        transforms = " ".join(",".join(map(str, one)) for one in self.transforms)
        return f"{sorted(self.cells)} : {transforms}"

    @property
    def answer(self) -> str:
        return _flat(sorted(self.stages[-1]))

    @property
    def data(self) -> Mapping[str, Json]:
        cells = [list(cell) for cell in self.cells]
        return {"cells": cells, "transforms": [list(one) for one in self.transforms]}

    @property
    def work(self) -> int:
        return _work(len(self.cells), len(self.transforms))

    @property
    def skeleton(self) -> str:
        return f"{len(self.cells)} : {'; '.join(one[0] for one in self.transforms)}"

    def steps(self, style: int = 0) -> list[str]:
        return [
            f"{' '.join(map(str, transform))}: {'; '.join(f'{x} {y}' for x, y in stage)}"
            for transform, stage in zip(self.transforms, self.stages, strict=True)
        ]

    def guesses(self) -> Mapping[str, Sequence[str]]:
        before = self.stages[-2] if len(self.stages) > 1 else self.cells
        alone = [moved(cell, self.transforms[-1]) for cell in self.cells]
        cheap = {
            "the shape itself": [_flat(sorted(self.cells))],
            "without the last transform": [_flat(sorted(before))],
        }
        if len(self.stages) > 1:
            cheap["the last transform alone"] = [_flat(sorted(alone))]
        return cheap


def _flat(cells: Sequence[Cell]) -> str:
    return " ".join(f"{x} {y}" for x, y in cells)


def _work(cells: int, transforms: int) -> int:
    return cells * transforms  # cells moved


def _picture(cells: Json) -> str:
    """Six rows of six signs, the top row first."""
    assert isinstance(cells, list)
    covered = {(x, y) for x, y in cells}
    return "\n".join(
        "".join("#" if (x, y) in covered else "." for x in range(1, _BOX + 1))
        for y in range(_BOX, 0, -1)
    )


def _look(text: str) -> Json:
    return [
        [x, _BOX - i]
        for i, row in enumerate(text.split("\n"))
        for x, sign in enumerate(row, 1)
        if sign == "#"
    ]


_PICTURE = Slot(_picture, rf"[.#]{{{_BOX}}}(?:\n[.#]{{{_BOX}}}){{{_BOX - 1}}}", _look)


def _slots(cells: Slot, forms: Sequence[str], joiner: str) -> Mapping[str, Slot]:
    named = dict(zip(_NAMES, forms, strict=True))
    transforms = sentence(named, {"column": INT, "row": INT, "dx": INT, "dy": INT})
    return {"cells": cells, "transforms": listed(transforms, joiner)}


_LONG = (
    "Turn it 90 degrees clockwise about cell ({column}, {row}).",
    "Turn it 90 degrees counterclockwise about cell ({column}, {row}).",
    "Turn it 180 degrees about cell ({column}, {row}).",
    "Mirror it left to right, with column {column} as the mirror.",
    "Mirror it top to bottom, with row {row} as the mirror.",
    "Add {dx} to its columns and {dy} to its rows.",
)
_SHORT = (
    "90 right about ({column}, {row})",
    "90 left about ({column}, {row})",
    "180 about ({column}, {row})",
    "flip over column {column}",
    "flip over row {row}",
    "move by ({dx}, {dy})",
)
_AXES = "Cells are (column, row); columns count to the right and rows count up"


class ShapeTransforms(Generator):
    """Where do turns, mirrors and shifts take 3 to 8 cells? A level brings more cells and more steps.

    The answer is the set of cells in any order, and no cell may come twice. The wordings are lists
    of cells and pictures. Work is the cells moved, one at a time.
    """

    family, task, version = "spatial", "spatial.shape_transforms", 1
    kind, what = "ints", "column and row of each cell, one cell after the other,"
    log_work, tolerance = ramp(3, 44), 0.21
    templates = mixed(
        compose(
            _slots(CELLS, _LONG, "\n"),
            (f"{_AXES}. A shape covers", f"A shape lies on a grid. {_AXES}. It covers"),
            ("{cells}.",),
            ("{transforms}", "Now do this:\n{transforms}"),
            ("Which cells does it cover in the end?", "List all cells of the shape after this."),
        ),
        compose(
            _slots(_PICTURE, _LONG, "\n"),
            (
                f"{_AXES}. The lower left sign of this picture is cell (1, 1); # is the shape.",
                f"A shape is drawn with the sign #. {_AXES}, and the lower left sign is (1, 1).",
            ),
            ("{cells}",),
            ("{transforms}", "Now do this:\n{transforms}"),
            ("Which cells does it cover in the end?", "List all cells of the shape after this."),
        ),
        compose(
            _slots(CELLS, _SHORT, " / "),
            (f"{_AXES}, left and right turns are by the clock's sense.",),
            ("Cells: {cells}. Steps in degrees: {transforms}.",),
            ("Which cells result?", "What are the cells then?"),
        ),
    )

    def draw(self, stream: Stream, level: int) -> Image:
        n_cells, n_transforms = stream.choice(_sizes()[level - 1])
        cells = [(stream.between(1, _BOX), stream.between(1, _BOX))]
        while len(cells) < n_cells:  # grow: a free neighbor of one of its cells
            x, y = stream.choice(cells)
            dx, dy = stream.choice(((0, 1), (1, 0), (0, -1), (-1, 0)))
            cell = x + dx, y + dy
            if cell not in cells and 0 < cell[0] <= _BOX and 0 < cell[1] <= _BOX:
                cells.append(cell)
        # In the order that a picture is read, so that both encodings state the same instance.
        shape = tuple(sorted(cells, key=lambda cell: (-cell[1], cell[0])))
        transforms: list[Transform] = []
        stages, now = [], shape
        before = ""
        for _ in range(n_transforms):
            name = stream.choice(_NAMES)
            while name == before:
                name = stream.choice(_NAMES)
            before = name
            if name == "shift":
                dx, dy = (stream.choice(_SHIFTS), stream.choice(_SHIFTS))
                transform: Transform = (name, dx, dy)
            elif name.startswith("mirror"):
                transform = (name, stream.between(1, _BOX))
            else:
                transform = (name, stream.between(1, _BOX), stream.between(1, _BOX))
            transforms.append(transform)
            now = tuple(moved(cell, transform) for cell in now)
            stages.append(now)
        return Image(shape, tuple(transforms), tuple(stages))

    def instances(self, level: int) -> int:
        n_cells, n_transforms = max(_sizes()[level - 1])
        # Among the shapes are those that only go right and up, about as often the one as the other;
        # a transform has at least 120 forms that do not repeat the name before.
        right, up = n_cells // 2, (n_cells - 1) // 2
        return int(comb(right + up, up) * (_BOX - right) * (_BOX - up) * 120**n_transforms)

    def check(self, problem: Problem, found: str) -> Reason:
        numbers = found.split(" ")
        cells = list(zip(numbers[::2], numbers[1::2], strict=False))
        if len(numbers) % 2 or len(set(cells)) < len(cells):
            return "illegal"
        right = problem.answer.split(" ")
        return "right" if set(cells) == set(zip(right[::2], right[1::2], strict=True)) else "wrong"


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Cells and transforms of each level."""
    return fitting(
        lambda level: (
            (cells, transforms)
            for cells in range(3, 9)
            for transforms in range(1, 7)
            if transforms <= (level + 3) // 2
        ),
        lambda level, size: _work(*size),
        ShapeTransforms.log_work,
        ShapeTransforms.tolerance,
    )
