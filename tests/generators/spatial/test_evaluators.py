"""Spatial answers, worked out a second time from the prompt alone by code that shares none.

LESSONPLAN_PROBLEMS=2000 -k evaluator checks 2,000 problems of every task and level: 20,000 a task.
"""

import os
import re
from cmath import exp, phase, pi

import networkx as nx
import pytest

from lessonplan.generators import SPLITS
from lessonplan.generators.spatial.block_stacking import BlockStacking
from lessonplan.generators.spatial.coordinates_from_facts import CoordinatesFromFacts
from lessonplan.generators.spatial.cube_views import CubeViews
from lessonplan.generators.spatial.die_rolling import DieRolling
from lessonplan.generators.spatial.displacement_scaled import DisplacementScaled
from lessonplan.generators.spatial.grid_path import GridPath
from lessonplan.generators.spatial.navigate_turns import NavigateTurns
from lessonplan.generators.spatial.particles import Particles
from lessonplan.generators.spatial.relation_chain import RelationChain
from lessonplan.generators.spatial.seating import Seating
from lessonplan.generators.spatial.shape_transforms import ShapeTransforms

PROBLEMS = int(os.environ.get("LESSONPLAN_PROBLEMS", "60"))
LEVELS = range(1, 11)

# North is up, east is right: places are complex numbers, a quarter turn to the left is times 1j.
WAYS = {"north": 1j, "east": 1, "south": -1j, "west": -1}
WAYS |= {"northeast": 1 + 1j, "southeast": 1 - 1j, "southwest": -1 - 1j, "northwest": -1 + 1j}
SIDES = {"right": 1, "left": -1, "above": 1j, "below": -1j}


def both(z):
    return f"{round(z.real)} {round(z.imag)}"


def relaxed(legs, start):
    """Every place that facts tie to the start: (place, offset, other)."""
    place, grew = {start: 0}, True
    while grew:
        grew = False
        for one, step, other in legs:
            if (one in place) == (other in place):
                continue
            grew = True
            if other in place:
                place[one] = place[other] + step
            else:
                place[other] = place[one] - step
    return place


def displacement_scaled(facts, start, end):
    legs = [(box, SIDES[side] * n, other) for side, box, n, other in facts]
    return both(relaxed(legs, start)[end])


def relation_chain(facts, pairs):
    legs = [(fact[1], WAYS[fact[0]], fact[2]) for fact in facts if fact[0] != "colour"]
    answers = []
    for one, other in pairs:
        z = relaxed(legs, other)[one]
        north = "north" if z.imag > 0 else "south" if z.imag < 0 else ""
        east = "east" if z.real > 0 else "west" if z.real < 0 else ""
        answers.append(north + east or "same")
    return " ".join(answers)


def coordinates_from_facts(facts, box):
    """Equations a x + b y = c in the unknowns (name, axis), solved one after the other."""
    known, open_equations = {}, []
    for form, one, *rest in facts:
        if form == "at":
            known |= {(one, "x"): rest[0], (one, "y"): rest[1]}
        else:
            axis = "x" if form in ("right", "left", "columns") else "y"
            sign = 1 if form in ("columns", "rows") else -1
            n = -rest[1] if form in ("left", "below") else rest[1]
            open_equations.append(((one, axis), (rest[0], axis), sign, n))
    while (box, "x") not in known or (box, "y") not in known:
        before = len(known)
        for one, other, sign, n in open_equations:
            if other in known and one not in known:
                known[one] = n - sign * known[other]
            elif one in known and other not in known:
                known[other] = (n - known[one]) * sign
        assert len(known) > before
    for one, other, sign, n in open_equations:
        if one in known and other in known:
            assert known[one] + sign * known[other] == n
    return f"{known[box, 'x']} {known[box, 'y']}"


def navigate_turns(size, blocked, column, row, heading, commands):
    here, way = complex(column, row), WAYS[heading]
    walls = {complex(x, y) for x, y in blocked}
    turns = {"left": 1j, "right": -1j, "back": -1}
    for name, *cells in commands:
        way *= turns.get(name, 1)
        for _ in range(cells[0] if cells else 0):
            there = here + way
            if there in walls or not (1 <= there.real <= size and 1 <= there.imag <= size):
                break
            here = there
    return f"{both(here)} {next(name for name, z in WAYS.items() if z == way)}"


def looked(query, place, degrees):
    kind, one, *rest = query
    if kind == "place":
        return both(place[one])
    if kind == "heading":
        return str(degrees[one])
    (other,) = rest
    if kind == "turn":
        return str((degrees[one] - degrees[other]) % 360)
    away = place[one] - place[other]
    if kind == "offset":
        return both(away)
    seen = away * exp(1j * pi * degrees[other] / 180)  # turned until the viewer faces north
    return f"{round(seen.imag)} {round(seen.real)}"


def particles(starts, actions, query):
    degrees_of = {name: round(90 - phase(z) * 180 / pi) % 360 for name, z in WAYS.items()}
    place = {name: complex(x, y) for name, x, y, _ in starts}
    degrees = {name: degrees_of[heading] for name, _, _, heading in starts}
    step = {degree: WAYS[name] for name, degree in degrees_of.items()}
    for kind, name, n in actions:
        if kind == "move":
            place[name] += n * step[degrees[name]]
            assert 1 <= place[name].real <= 20 and 1 <= place[name].imag <= 20
        else:
            degrees[name] = (degrees[name] + (n if kind == "right" else -n)) % 360
    return looked(query, place, degrees)


def die_rolling(starts, rolls, die):
    (top, north, east) = next(faces for name, *faces in starts if name == die)
    cube = {"top": top, "bottom": 7 - top, "north": north, "south": 7 - north}
    cube |= {"east": east, "west": 7 - east}
    opposite = {"north": "south", "south": "north", "east": "west", "west": "east"}
    for side, name in rolls:
        if name == die:
            back = opposite[side]
            cube = cube | {
                side: cube["top"],
                "bottom": cube[side],
                back: cube["bottom"],
                "top": cube[back],
            }
    assert sorted(cube.values()) == [1, 2, 3, 4, 5, 6]
    return f"{cube['top']} {cube['north']} {cube['east']}"


# A whole turn of the cube as a matrix: columns to the right, up and toward the viewer.
MATRICES = {
    "forward": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "left": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "clockwise": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
}
MATRICES |= {  # the other way round: the transposed ones
    back: [list(row) for row in zip(*MATRICES[turn], strict=True)]
    for turn, back in (
        ("forward", "backward"),
        ("left", "right"),
        ("clockwise", "counterclockwise"),
    )
}
VIEWED = {"top": (0, 1, 0), "front": (0, 0, 1), "right": (1, 0, 0)}


def cube_views(top, front, right, events):
    marks = {VIEWED["top"]: top, VIEWED["front"]: front, VIEWED["right"]: right}
    for name, *seen in events:
        if name == "look":
            side, mark = seen
            assert marks.setdefault(VIEWED[side], mark) == mark
        else:
            marks = {
                tuple(
                    sum(m * x for m, x in zip(row, place, strict=True)) for row in MATRICES[name]
                ): mark
                for place, mark in marks.items()
            }
    assert len(set(marks.values())) == len(marks) <= 6
    return " ".join(marks[VIEWED[side]] for side in ("top", "front", "right"))


def block_stacking(first, second, third, moves, pile):
    piles = {1: list(first), 2: list(second), 3: list(third)}
    for source, target in moves:
        *piles[source], block = piles[source]
        piles[target] = [*piles[target], block]
    return " ".join(piles[pile])


def shape_transforms(cells, transforms):
    shape = {complex(x, y) for x, y in cells}
    for name, *numbers in transforms:
        if name == "shift":
            shape = {z + complex(*numbers) for z in shape}
        elif name == "mirror columns":
            shape = {2 * numbers[0] - z.conjugate() for z in shape}
        elif name == "mirror rows":
            shape = {z.conjugate() + 2j * numbers[0] for z in shape}
        else:
            pivot = complex(*numbers)
            turn = {"turn left": 1j, "turn right": -1j, "turn around": -1}[name]
            shape = {(z - pivot) * turn + pivot for z in shape}
    assert len(shape) == len(cells)
    return " ".join(map(both, sorted(shape, key=lambda z: (z.real, z.imag))))


def shortest(grid, column, row, heading, goal_column, goal_row):
    """The length of a shortest list of commands, by networkx."""
    free = {
        complex(x, len(grid) - i)
        for i, line in enumerate(grid)
        for x, sign in enumerate(line, 1)
        if sign == "."
    }
    graph = nx.DiGraph()
    for z in free:
        for way in (1, 1j, -1, -1j):
            graph.add_edges_from([((z, way), (z, way * 1j)), ((z, way), (z, way * -1j))])
            if z + way in free:
                graph.add_edge((z, way), (z + way, way))
    start = complex(column, row), WAYS[heading]
    lengths = nx.single_source_shortest_path_length(graph, start)
    goal = complex(goal_column, goal_row)
    return min(lengths[goal, way] for way in (1, 1j, -1, -1j) if (goal, way) in lengths)


def seating(names, clues):
    """All orders that fit, by trying: a clue is looked at once both its people have a seat."""

    def fits(seat, kind, name, *rest):
        if name not in seat or (rest and isinstance(rest[0], str) and rest[0] not in seat):
            return True
        one = seat[name]
        two = seat[rest[0]] if rest and isinstance(rest[0], str) else None
        match kind:
            case "seat":
                return one == rest[0]
            case "not":
                return one != rest[0]
            case "end":
                return one in (1, len(names))
            case "left":
                return one < two
            case "follows":
                return one - two == 1
            case "next":
                return abs(one - two) == 1
            case "apart":
                return abs(one - two) > 1
            case "gap":
                return abs(one - two) == rest[1] + 1

    def extended(order):
        seat = {name: i for i, name in enumerate(order, 1)}
        if not all(fits(seat, *clue) for clue in clues if order and order[-1] in clue):
            return
        if len(order) == len(names):
            yield " ".join(order)
        for name in names:
            if name not in seat:
                yield from extended([*order, name])

    (only,) = extended([])
    return only


SOLVERS = {
    DisplacementScaled: displacement_scaled,
    RelationChain: relation_chain,
    CoordinatesFromFacts: coordinates_from_facts,
    NavigateTurns: navigate_turns,
    Particles: particles,
    DieRolling: die_rolling,
    CubeViews: cube_views,
    BlockStacking: block_stacking,
    ShapeTransforms: shape_transforms,
    GridPath: shortest,
    Seating: seating,
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("task", SOLVERS, ids=lambda task: task.__name__)
def test_answers_agree_with_a_second_evaluator(task, level):
    for diversity in (0, 3):
        generator = task(diversity=diversity)
        for index in range(PROBLEMS // 2):
            problem = generator.problem(level, SPLITS[index % 4], index, seed=3)
            answer = SOLVERS[task](**generator.read(problem.prompt))
            if task is GridPath:
                assert answer == len(problem.answer.split())
                assert generator.check(problem, problem.answer) == "right"
            else:
                assert answer == problem.answer


def test_the_evaluators_on_cases_worked_by_hand():
    facts = [["right", "b", 3, "a"], ["above", "b", 2, "c"]]
    assert displacement_scaled(facts, "a", "c") == "3 -2"
    assert relation_chain([["northeast", "b", "a"], ["west", "c", "b"]], [["c", "a"]]) == "north"
    assert die_rolling([["d", 1, 2, 3]], [["north", "d"], ["east", "d"]], "d") == "4 1 5"
    seen = [["forward"], ["look", "top", "d"], ["counterclockwise"]]
    assert cube_views("a", "b", "c", seen) == "c a b"
    assert navigate_turns(5, [[3, 1]], 1, 1, "north", [["right"], ["forward", 4]]) == "2 1 east"
    assert shape_transforms([[2, 1], [2, 2]], [["turn right", 1, 1]]) == "1 0 2 0"
    actions = [["right", "p", 45], ["move", "p", 2], ["left", "q", 90]]
    starts = [["p", 5, 5, "north"], ["q", 5, 5, "north"]]
    assert particles(starts, actions, ["ahead", "p", "q"]) == "-2 2"
    assert particles(starts, actions, ["turn", "p", "q"]) == "135"
    assert seating(["A", "B", "C"], [["end", "A"], ["left", "B", "C"], ["not", "A", 1]]) == "B C A"
    assert shortest(["..", ".#"], 1, 1, "north", 2, 2) == 3


# Small readers of the worked solutions: the state that the lines tell, line by line.


def states(lines):
    """The last state told of each name, where a line reads "name: state"."""
    told = {}
    for line in lines:
        name, _, state = line.partition(": ")
        told[name] = state
    return told


def replay_displacement(lines, data):
    if lines[0].startswith("Way: "):
        totals = []
        for line in lines[1:]:
            sum_, total = line.partition(": ")[2].split(" = ")
            assert sum(
                int(n.replace(" ", "")) for n in re.findall(r"(?:[+-] )?-?\d+", sum_)
            ) == int(total)
            totals.append(total)
        return " ".join(totals)
    last = re.fullmatch(r"\w+: (-?\d+) right, (-?\d+) up", lines[-1])
    return " ".join(last.groups())


def replay_relations(lines, data):
    place = {}
    for line in lines:
        if found := re.fullmatch(r"(\w+) at (-?\d+) (-?\d+)", line):
            place[found[1]] = complex(int(found[2]), int(found[3]))
    answers = []
    for line in lines[-len(data["pairs"]) :]:
        one, other, x, y, way = re.fullmatch(
            r"(\w+) from (\w+): (-?\d+) (-?\d+), (\w+)", line
        ).groups()
        assert place[one] - place[other] == complex(int(x), int(y))
        answers.append(way)
    return " ".join(answers)


def replay_coordinates(lines, data):
    told = states(lines)
    return f"{told['column of ' + data['box']]} {told['row of ' + data['box']]}"


def replay_particles(lines, data):
    told = states(line for line in lines if " less " not in line)
    place, degrees = {}, {}
    for name, state in told.items():
        x, y, degree = map(int, state.split())
        place[name], degrees[name] = complex(x, y), degree
    return looked(data["query"], place, degrees)


def replay_die(lines, data):
    return " ".join(re.findall(r"\d", lines[-1].partition(": ")[2]))


def replay_cube(lines, data):
    told = dict(part.split() for part in lines[-1].partition(": ")[2].split(", "))
    return " ".join(told[side] for side in ("top", "front", "right"))


def replay_blocks(lines, data):
    piles = dict(re.findall(r"(?:^|; )(\d): ([^;]+)", "; ".join(lines)))
    return piles[str(data["pile"])]


def replay_shape(lines, data):
    cells = [tuple(map(int, cell.split())) for cell in lines[-1].partition(": ")[2].split("; ")]
    return " ".join(f"{x} {y}" for x, y in sorted(cells))


def replay_path(lines, data):
    x, y, _ = lines[-1].partition(": ")[2].split()
    assert (int(x), int(y)) == (data["goal_column"], data["goal_row"])
    return " ".join(line[0] for line in lines)


def replay_seats(lines, data):
    seats = {}
    for line in lines:
        for part in line.partition(": ")[2].split("; "):
            name, *left = part.split()
            assert set(left) <= set(seats.get(name, left))  # only ever struck out
            seats[name] = left
    assert all(len(left) == 1 for left in seats.values())
    return " ".join(sorted(seats, key=lambda name: int(seats[name][0])))


REPLAYS = {
    DisplacementScaled: replay_displacement,
    RelationChain: replay_relations,
    CoordinatesFromFacts: replay_coordinates,
    NavigateTurns: lambda lines, data: lines[-1].partition(": ")[2],
    Particles: replay_particles,
    DieRolling: replay_die,
    CubeViews: replay_cube,
    BlockStacking: replay_blocks,
    ShapeTransforms: replay_shape,
    GridPath: replay_path,
    Seating: replay_seats,
}


@pytest.mark.parametrize("level", (1, 4, 7, 10))
@pytest.mark.parametrize("task", REPLAYS, ids=lambda task: task.__name__)
def test_worked_solutions_replay_to_the_answer(task, level):
    for style in range(task.styles):
        generator = task(style=style)
        for index in range(25):
            problem = generator.problem(level, "train", index)
            *lines, last = problem.solution.split("\n")
            assert last == f"<answer>{problem.answer}</answer>"
            assert REPLAYS[task](lines, problem.data) == problem.answer
