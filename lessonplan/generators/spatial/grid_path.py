"""Steer a robot to its goal among walls: a shortest list of moves and quarter turns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json, Problem, Reason
from lessonplan.generators.spatial.headings import AHEAD, HEADINGS
from lessonplan.generators.spatial.sizes import ramp
from lessonplan.generators.spatial.wordings import CELLS, compose, mixed
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, Slot, listed, worded

Cell: TypeAlias = tuple[int, int]  # column, row, from 1
State: TypeAlias = tuple[int, int, int]  # column, row, quarter clockwise from north
Layer: TypeAlias = tuple[int, int, int, int]  # cells as a bit mask, for each quarter

_QUARTERS = HEADINGS[::2]  # north east south west
_STEPS = AHEAD[::2]
_COMMANDS = "FLR"  # forward one cell, left, right
_TRIES = 8  # goals of a grid before another is drawn


def driven(state: State, command: str) -> State:
    """The state after one command, whatever stands in the way."""
    x, y, quarter = state
    if command == "F":
        dx, dy = _STEPS[quarter]
        return x + dx, y + dy, quarter
    return x, y, (quarter + (1 if command == "R" else 3)) % 4


@dataclass(frozen=True, slots=True)
class Maze(Draft):
    """The fewest commands that bring the robot to its goal, facing anywhere."""

    size: int
    walls: tuple[Cell, ...]
    start: State
    goal: Cell
    path: str  # one of the shortest
    looked: int  # states that a breadth-first search reaches before the goal, and with it

    @property
    def key(self) -> str:
        return f"{self.size} {sorted(self.walls)} {self.start} {self.goal}"

    @property
    def answer(self) -> str:
        return " ".join(self.path)

    @property
    def data(self) -> Mapping[str, Json]:
        x, y, quarter = self.start
        walls, numbers = set(self.walls), range(1, self.size + 1)
        rows = ["".join(".#"[(x, y) in walls] for x in numbers) for y in reversed(numbers)]
        return {
            "grid": rows,  # the top row first
            "column": x,
            "row": y,
            "heading": _QUARTERS[quarter],
            "goal_column": self.goal[0],
            "goal_row": self.goal[1],
        }

    @property
    def work(self) -> int:
        return self.looked

    @property
    def skeleton(self) -> str:
        return f"{self.size} {len(self.path)}"

    def steps(self, style: int = 0) -> list[str]:
        state, lines = self.start, []
        for command in self.path:
            state = driven(state, command)
            lines.append(f"{command}: {state[0]} {state[1]} {_QUARTERS[state[2]]}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        return {
            "columns, then rows": [" ".join(straight(self.start, self.goal, True))],
            "rows, then columns": [" ".join(straight(self.start, self.goal, False))],
        }


def straight(start: State, goal: Cell, columns_first: bool) -> str:
    """The commands for one axis and then the other, as if there were no walls."""
    x, y, quarter = start
    legs = [
        (1 if goal[0] > x else 3, abs(goal[0] - x)),
        (0 if goal[1] > y else 2, abs(goal[1] - y)),
    ]
    path = ""
    for way, cells in legs if columns_first else legs[::-1]:
        if cells:
            path += ("", "R", "RR", "L")[(way - quarter) % 4] + "F" * cells
            quarter = way
    return path


def _simple(start: State, goal: Cell, depth: int, walls: Collection[Cell]) -> bool:
    """Whether a path with one corner reaches the goal in `depth` commands."""
    for columns_first in (True, False):
        path = straight(start, goal, columns_first)
        if len(path) == depth:
            state = start
            for command in path:
                state = driven(state, command)
                if state[:2] in walls:
                    break
            else:
                return True
    return False


def _read_walls(text: str) -> Json:
    size, _, cells = text.removesuffix(".").partition(" columns and rows and walls at ")
    walls = {tuple(cell) for cell in _pairs(cells)}
    numbers = range(1, int(size) + 1)
    return ["".join(".#"[(x, y) in walls] for x in numbers) for y in reversed(numbers)]


def _pairs(cells: str) -> list[list[int]]:
    read = CELLS.read(cells)
    assert isinstance(read, list)
    return read


def _write_walls(grid: Json) -> str:
    assert isinstance(grid, list)
    size = len(grid)
    walls = [
        [x, size - i]
        for i, line in enumerate(grid)
        for x, sign in enumerate(line, 1)
        if sign == "#"
    ]
    return f"{size} columns and rows and walls at {CELLS.write(walls)}"


# One grid in two encodings: a picture, and its size with the list of its walls.
_PICTURE = listed(Slot(str, "[.#]+", str), "\n")
_LIST = Slot(_write_walls, f"[0-9]+ columns and rows and walls at (?:{CELLS.pattern})", _read_walls)


def _slots(grid: Slot) -> Mapping[str, Slot]:
    heading = worded({quarter: quarter for quarter in _QUARTERS})
    numbers = ("column", "row", "goal_column", "goal_row")
    return {"grid": grid, "heading": heading, **dict.fromkeys(numbers, INT)}


_COMMAND_WORDS = (
    (
        "Commands: F drives one cell forward, L turns left, R turns right, both by 90 degrees "
        "without leaving the cell."
    ),
    "It obeys F (one cell ahead), L (quarter turn left) and R (quarter turn right).",
)
_WISHES = (
    (
        "Give a shortest list of commands that brings it to column {goal_column}, row {goal_row}, "
        "never into a wall or off the grid."
    ),
    (
        "Which commands, as few as possible, take it to column {goal_column}, row {goal_row}? It "
        "must not enter a wall or leave the grid."
    ),
)
_STARTS = (
    "A robot stands in column {column}, row {row}, facing {heading}.",
    "A robot is at column {column}, row {row} and faces {heading}.",
)


class GridPath(Generator):
    """Drive F (forward), L and R to a goal by the shortest list; a level brings a larger grid.

    The answer is a witness: any list that reaches the goal without a wall is legal, and right if
    it is as short as the shortest. The goal is drawn among the cells that a breadth-first search
    over (cell, heading) first reaches when its number of states, which is the work, is that of the
    level, so every grid is feasible. Of the grids that a path with one corner solves, .8
    are refused at level 1 and all from level 5 on. The search works on bit masks, a grid for each
    heading.
    """

    family, task, version = "spatial", "spatial.grid_path", 1
    kind, what = "path", "the letters with spaces between them"
    log_work, tolerance = ramp(24, 400), 0.22
    templates = mixed(
        compose(
            _slots(_PICTURE),
            ("Columns count from the left, rows from the bottom, both from 1; # is a wall.",),
            ("{grid}",),
            _STARTS,
            _COMMAND_WORDS,
            _WISHES,
        ),
        compose(
            _slots(_LIST),
            ("Columns count to the east, rows to the north, both from 1.",),
            ("A grid has {grid}.",),
            _STARTS,
            _COMMAND_WORDS,
            _WISHES,
        ),
    )

    size = (5, 5, 6, 7, 7, 8, 9, 10, 11, 12)

    def draw(self, stream: Stream, level: int) -> Maze | None:
        size = self.size[level - 1]
        stride = size + 1  # one column more, always walled: no step wraps around
        cells = size * size
        place, *walled = _some(stream, cells, 1 + stream.between(cells // 6, cells // 4))
        row, column, quarter = place // size, place % size, stream.below(4)
        free = sum(((1 << size) - 1) << (row * stride) for row in range(size))
        for place in walled:
            free &= ~(1 << (place // size * stride + place % size))
        aim = self.log_work[level - 1]
        low, high = 2 ** (aim - self.tolerance), 2 ** (aim + self.tolerance)
        layers, counts = _search(1 << (row * stride + column), quarter, free, stride, high)
        fits = [i for i, count in enumerate(counts) if low <= count <= high]
        goals = [(i, fresh) for i in fits if (fresh := _fresh(layers, i))]
        if not goals:
            return None
        start = (column + 1, row + 1, quarter)
        walls = {(place % size + 1, place // size + 1) for place in walled}
        refused = stream.below(20) < level + 15
        for _ in range(_TRIES):
            depth, fresh = stream.choice(goals)
            bit = stream.choice([bit for bit in range(fresh.bit_length()) if fresh >> bit & 1])
            goal = (bit % stride + 1, bit // stride + 1)
            if refused and _simple(start, goal, depth, walls):
                continue
            path = _back(layers, depth, bit, stride)
            return Maze(size, tuple(sorted(walls)), start, goal, path, counts[depth])
        return None

    def instances(self, level: int) -> int:
        cells = self.size[level - 1] ** 2
        # Most starts have a goal with the level's work; one in a hundred is a safe bound.
        return int(comb(cells, cells // 6) * cells * 4 // 100)

    def check(self, problem: Problem, found: str) -> Reason:
        commands = found.replace(" ", "").upper()
        if not set(commands) <= set(_COMMANDS):
            return "illegal"
        data = problem.data
        grid, column, row = data["grid"], data["column"], data["row"]
        assert isinstance(grid, list) and isinstance(column, int) and isinstance(row, int)
        size = len(grid)
        state = column, row, _QUARTERS.index(str(data["heading"]))
        for command in commands:
            x, y, _ = state = driven(state, command)
            if not 0 < x <= size or not 0 < y <= size or grid[size - y][x - 1] == "#":
                return "illegal"
        if state[:2] != (data["goal_column"], data["goal_row"]):
            return "wrong"
        return "right" if len(commands) == len(problem.answer.split(" ")) else "suboptimal"


def _some(stream: Stream, n: int, k: int) -> list[int]:
    """k different numbers of 0..n-1: the first of a shuffle that stops there."""
    numbers = list(range(n))
    for i in range(k):
        j = i + stream.below(n - i)
        numbers[i], numbers[j] = numbers[j], numbers[i]
    return numbers[:k]


def _search(
    first: int, quarter: int, free: int, stride: int, enough: float
) -> tuple[list[Layer], list[int]]:
    """The states reached by exactly i commands, and how many by i or fewer, up to `enough`."""
    north, east, south, west = (first if i == quarter else 0 for i in range(4))
    old_n, old_e, old_s, old_w = north, east, south, west
    layers, counts, count = [(north, east, south, west)], [1], 1
    while count <= enough and north | east | south | west:
        turns_ns, turns_ew = east | west, north | south
        north, east, south, west = (
            (north << stride & free | turns_ns) & ~old_n,
            (east << 1 & free | turns_ew) & ~old_e,
            (south >> stride & free | turns_ns) & ~old_s,
            (west >> 1 & free | turns_ew) & ~old_w,
        )
        old_n, old_e, old_s, old_w = old_n | north, old_e | east, old_s | south, old_w | west
        count += north.bit_count() + east.bit_count() + south.bit_count() + west.bit_count()
        layers.append((north, east, south, west))
        counts.append(count)
    return layers, counts


def _fresh(layers: Sequence[Layer], depth: int) -> int:
    """The cells first reached at this depth, under any heading."""
    before = 0
    for north, east, south, west in layers[:depth]:
        before |= north | east | south | west
    north, east, south, west = layers[depth]
    return (north | east | south | west) & ~before


def _back(layers: Sequence[Layer], depth: int, goal: int, stride: int) -> str:
    """The commands that lead to a cell first reached at this depth."""
    quarter = next(i for i in range(4) if layers[depth][i] >> goal & 1)
    shifts = (stride, 1, -stride, -1)
    path = []
    for layer in reversed(layers[:depth]):
        if goal >= shifts[quarter] and layer[quarter] >> (goal - shifts[quarter]) & 1:
            goal -= shifts[quarter]
            path.append("F")
        elif layer[(quarter + 3) % 4] >> goal & 1:  # it turned right to face this way
            quarter = (quarter + 3) % 4
            path.append("R")
        else:
            quarter = (quarter + 1) % 4
            path.append("L")
    return "".join(reversed(path))
