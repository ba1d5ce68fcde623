"""Follow commands on a floor with blocked cells: where does the robot stand, and facing where?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json
from lessonplan.generators.spatial.headings import AHEAD, HEADINGS
from lessonplan.generators.spatial.sizes import ramp
from lessonplan.generators.spatial.wordings import CELLS, compose, counted, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, Slot, listed, worded

Cell: TypeAlias = tuple[int, int]
Command: TypeAlias = (
    tuple[str, int] | tuple[str]
)  # ("forward", 3), ("left",), ("right",), ("back",)

_QUARTERS = HEADINGS[::2]  # north east south west
_STEPS = AHEAD[::2]
_TURNS = {"left": 3, "right": 1, "back": 2}  # quarters clockwise
_FARTHEST = 5  # cells of one command


@dataclass(frozen=True, slots=True)
class Tour(Draft):
    """Where does the robot stand at the end?"""

    size: int  # the floor has columns and rows 1..size
    start: tuple[int, int, int]  # column, row, quarter clockwise from north
    blocked: tuple[Cell, ...]
    commands: tuple[Command, ...]
    stops: tuple[tuple[int, int, int], ...]  # after each command
    tried: int  # turns, and cells tried

    @property
    def key(self) -> str:
        commands = " ".join(f"{c[0]}{c[1]}" if len(c) > 1 else c[0] for c in self.commands)
        return f"{self.size} {self.start} {sorted(self.blocked)} {commands}"

    @property
    def answer(self) -> str:
        x, y, quarter = self.stops[-1]
        return f"{x} {y} {_QUARTERS[quarter]}"

    @property
    def data(self) -> Mapping[str, Json]:
        x, y, quarter = self.start
        return {
            "size": self.size,
            "blocked": [list(cell) for cell in self.blocked],
            "column": x,
            "row": y,
            "heading": _QUARTERS[quarter],
            "commands": [list(command) for command in self.commands],
        }

    @property
    def work(self) -> int:
        return self.tried

    @property
    def skeleton(self) -> str:
        return " ".join(command[0] for command in self.commands)

    def steps(self, style: int = 0) -> list[str]:
        lines = []
        for command, (x, y, quarter) in zip(self.commands, self.stops, strict=True):
            words = f"{command[0]} {command[1]}" if len(command) > 1 else command[0]
            lines.append(f"{words}: {x} {y} {_QUARTERS[quarter]}")
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        x, y, quarter = self.start
        for command in self.commands:
            if len(command) == 1:
                quarter = (quarter + _TURNS[command[0]]) % 4
            else:
                x, y = x + _STEPS[quarter][0] * command[1], y + _STEPS[quarter][1] * command[1]
        first, second, now = self.start
        return {
            "as if nothing were blocked": [f"{x} {y} {_QUARTERS[quarter]}"],
            "stay and turn": [f"{first} {second} {_QUARTERS[quarter]}"],
            "stay": [f"{first} {second} {_QUARTERS[now]}"],
        }


_SHORT = sentence(
    {"forward": "F{n}", "left": "L", "right": "R", "back": "U"},
    {"n": INT},
)
_LONG = sentence(
    {
        "forward": "go {n} ahead",
        "left": "turn left",
        "right": "turn right",
        "back": "turn around",
    },
    {"n": counted("cell")},
)
_ORDERS = sentence(
    {"forward": "advance {n}", "left": "port", "right": "starboard", "back": "about"},
    {"n": INT},
)


def _slots(commands: Slot) -> Mapping[str, Slot]:
    return {
        "size": INT,
        "blocked": CELLS,
        "column": INT,
        "row": INT,
        "heading": worded({quarter: quarter for quarter in _QUARTERS}),
        "commands": commands,
    }


_FLOOR = (
    "A step off the floor or into a blocked cell is not made; the robot stays where it is and "
    "goes on with its next command."
)
_LAKE = (
    "Where the edge of the chart or a rock is in the way, the boat waits there and then takes the "
    "next order."
)


class NavigateTurns(Generator):
    """Moves and quarter turns among blocked cells; a level brings more commands and more walls.

    A wall is put in the way of a move, on a cell that nothing has passed before, so walls matter:
    the guess that ignores them fails. Start, heading and size are random, so no answer is common.
    Work is the turns and the cells tried.
    """

    family, task, version = "spatial", "spatial.navigate_turns", 1
    kind, what = "pose", "column, row and heading"
    log_work, tolerance = ramp(6, 60), 0.18
    templates = mixed(
        compose(
            _slots(listed(_LONG)),
            (
                (
                    "A robot is on a floor of {size} columns (1 at the west) and as many rows (1 at "
                    "the south). Blocked cells (column, row): {blocked}."
                ),
                (
                    "Columns of a square floor are numbered from 1 eastward, rows from 1 northward, "
                    "{size} of each. Nobody can enter the cells {blocked} (column, row)."
                ),
            ),
            (_FLOOR,),
            (
                "It starts in column {column}, row {row}, facing {heading}.",
                "The robot stands at column {column}, row {row} and faces {heading}.",
            ),
            ("Its commands: {commands}.", "Then it does this: {commands}."),
            ("In which column and row is it at the end, and which way does it face?",),
        ),
        compose(
            _slots(listed(_SHORT, " ")),
            (
                (
                    "Fn means n cells ahead, L a left turn, R a right turn, U a turn around. The "
                    "square floor has {size} columns, 1 at the west, and as many rows, 1 at the "
                    "south; blocked (column, row): {blocked}."
                ),
            ),
            (_FLOOR,),
            (
                "Start: column {column}, row {row}, {heading}.",
                "The robot starts in column {column}, row {row}, facing {heading}.",
            ),
            ("Program: {commands}.",),
            ("Where does it end: column, row, heading?", "Give its last column, row and heading."),
        ),
        compose(
            _slots(listed(_ORDERS)),
            (
                (
                    "A chart has {size} columns, counted eastward from 1, and as many rows, counted "
                    "northward from 1. Rocks (column, row): {blocked}."
                ),
            ),
            (_LAKE,),
            (
                (
                    "The boat lies in column {column}, row {row}, its bow to the {heading}. Port is a "
                    "quarter turn left, starboard one to the right, about is a half turn."
                ),
            ),
            ("Orders: {commands}.", "The captain calls: {commands}."),
            (
                "In which column and row does it end, and where does its bow point?",
                "Give the column, row and heading in which the boat ends.",
            ),
        ),
    )

    commands = (
        (3, 3),
        (3, 4),
        (4, 5),
        (5, 6),
        (7, 8),
        (8, 10),
        (11, 13),
        (15, 17),
        (19, 22),
        (26, 28),
    )
    walls = (1, 1, 1, 2, 2, 3, 3, 4, 5, 6)  # in the way, at most; one more is out of the way

    def draw(self, stream: Stream, level: int) -> Tour | None:
        size = stream.between(8, 12)
        x, y, quarter = stream.between(1, size), stream.between(1, size), stream.below(4)
        start = (x, y, quarter)
        passed, walls = {(x, y)}, set[Cell]()
        n_walls, n_commands = self.walls[level - 1], stream.between(*self.commands[level - 1])
        commands: list[Command] = []
        stops = []
        work = 0
        turning = stream.below(2)
        for _ in range(n_commands):
            if turning:
                turn = stream.choice(("left", "left", "right", "right", "back"))
                quarter = (quarter + _TURNS[turn]) % 4
                commands.append((turn,))
                work += 1
            else:
                dx, dy = _STEPS[quarter]
                steps = stream.between(2, _FARTHEST)
                wall_after = stream.below(steps) if stream.below(3) == 0 else steps
                for done in range(steps):
                    cell = (x + dx, y + dy)
                    work += 1
                    if (
                        done == wall_after
                        and len(walls) < n_walls
                        and cell not in passed
                        and 0 < cell[0] <= size
                        and 0 < cell[1] <= size
                    ):
                        walls.add(cell)
                    if cell in walls or not (0 < cell[0] <= size and 0 < cell[1] <= size):
                        break
                    x, y = cell
                    passed.add(cell)
                commands.append(("forward", steps))
            stops.append((x, y, quarter))
            # A move follows every turn; after a move, another one would be a longer move.
            turning = not turning
        away = stream.between(1, size), stream.between(1, size)
        if away in passed:
            return None
        walls.add(away)
        blocked = stream.shuffled(sorted(walls))
        return Tour(size, start, tuple(blocked), tuple(commands), tuple(stops), work)

    def instances(self, level: int) -> int:
        moves, _ = divmod(self.commands[level - 1][0], 2)
        return int(5 * 64 * 4 * 50 * (3 * (_FARTHEST - 1)) ** moves)
