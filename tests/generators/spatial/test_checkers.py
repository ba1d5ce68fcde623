"""What the spatial tasks accept, what they refuse, and why: by hand."""

import pytest

from lessonplan.generators import Problem
from lessonplan.generators.spatial.block_stacking import BlockStacking
from lessonplan.generators.spatial.cube_views import CubeViews, Views, turned
from lessonplan.generators.spatial.die_rolling import positions, rolled
from lessonplan.generators.spatial.grid_path import GridPath, straight
from lessonplan.generators.spatial.navigate_turns import NavigateTurns
from lessonplan.generators.spatial.particles import Particles
from lessonplan.generators.spatial.relation_chain import RelationChain
from lessonplan.generators.spatial.seating import Seating, Seats
from lessonplan.generators.spatial.shape_transforms import ShapeTransforms


def asked(task, answer, **data):
    return Problem("x", "", answer, family="spatial", task=task.task, data=data)


def reason(task, problem, answer):
    return task().verify(problem, f"<answer>{answer}</answer>").reason


def test_any_shortest_path_is_right_and_every_other_has_its_reason():
    data = {"grid": ["...", ".#.", "..."], "column": 1, "row": 1, "heading": "north"}
    problem = asked(GridPath, "F F R F F", **data, goal_column=3, goal_row=3)
    for path, found in {
        "F F R F F": "right",
        "f, f, r, f, f": "right",
        "FFRFF": "right",
        "R F F L F F": "suboptimal",
        "L R F F R F F": "suboptimal",
        "F F R F": "wrong",
        "F R F L F": "illegal",  # the wall
        "F F F": "illegal",  # off the grid
        "F F X F F": "illegal",
        "7": "unparsable",
    }.items():
        assert reason(GridPath, problem, path) == found, path
    # Two paths of the same length around the wall are both right.
    data["heading"] = "east"
    problem = asked(GridPath, "F F L F F", **data, goal_column=3, goal_row=3)
    assert reason(GridPath, problem, "F F L F F") == "right"
    assert reason(GridPath, problem, "L F F R F F") == "suboptimal"


def test_a_path_with_one_corner():
    assert straight((1, 1, 0), (3, 2), True) == "RFFLF"
    assert straight((1, 1, 0), (3, 2), False) == "FRFF"
    assert straight((2, 2, 0), (2, 1), True) == "RRF"


@pytest.mark.parametrize("level", (5, 10))
def test_paths_with_one_corner_are_refused(level):
    generator = GridPath()
    for index in range(40):
        problem = generator.problem(level, "train", index)
        start = problem.data["column"], problem.data["row"], 0
        start = (*start[:2], ("north", "east", "south", "west").index(problem.data["heading"]))
        goal = problem.data["goal_column"], problem.data["goal_row"]
        for columns_first in (True, False):
            path = " ".join(straight(start, goal, columns_first))
            assert generator.check(problem, path) in ("illegal", "suboptimal")


def test_cells_count_in_any_order_but_once():
    problem = asked(ShapeTransforms, "-1 2 0 2 0 3")
    for cells, found in {
        "-1 2 0 2 0 3": "right",
        "0 3, 0 2, -1 2": "right",
        "0 2 -1 2": "wrong",
        "2 -1 0 2 0 3": "wrong",
        "0 2 0 2 -1 2 0 3": "illegal",
        "-1 2 0 2 0": "illegal",
    }.items():
        assert reason(ShapeTransforms, problem, cells) == found, cells


def test_names_are_compared_in_order_and_whole_groups_only():
    problem = asked(Seating, "Ben Ada Cid")
    for names, found in {
        "Ben Ada Cid": "right",
        "ben, ada and cid": "right",
        "Ada Ben Cid": "wrong",
        "Ben Ada": "illegal",
        "Ben Ada Ada Cid": "illegal",
        "Ben Ada Dan": "illegal",
    }.items():
        assert reason(Seating, problem, names) == found, names
    stack = asked(BlockStacking, "c a b")
    assert reason(BlockStacking, stack, "c, a, b") == "right"
    assert reason(BlockStacking, stack, "b, a, c") == "wrong"
    ways = asked(RelationChain, "north same southwest")
    assert reason(RelationChain, ways, "North, same, southwest") == "right"
    assert reason(RelationChain, ways, "north same west") == "wrong"


def test_seats_are_struck_out_as_by_hand():
    seats = Seats(["A", "B", "C", "D"])
    assert not seats.apply(("apart", "A", "B", 0))  # says nothing yet
    assert seats.apply(("left", "A", "B", 0)) and seats.of["A"] == 0b0111
    assert seats.of["B"] == 0b1110
    assert seats.apply(("gap", "A", "B", 2)) and (seats.of["A"], seats.of["B"]) == (0b0001, 0b1000)
    assert not seats.settle() and seats.of["C"] == seats.of["D"] == 0b0110
    assert seats.apply(("follows", "C", "D", 0)) and seats.settle()
    assert seats.of == {"A": 0b0001, "D": 0b0010, "C": 0b0100, "B": 0b1000}
    with_seat = Seats(["A", "B", "C"])
    assert with_seat.apply(("end", "A", "", 0)) and with_seat.of["A"] == 0b101
    assert with_seat.apply(("not", "A", "", 1)) and with_seat.of["A"] == 0b100
    assert with_seat.apply(("next", "B", "A", 0)) and with_seat.settle()
    assert with_seat.of == {"A": 0b100, "B": 0b010, "C": 0b001}


def test_a_die_lies_in_24_ways_and_a_roll_there_and_back_changes_nothing():
    assert len(positions()) == 24
    assert all(a + b != 7 for faces in positions() for a in faces for b in faces)
    back = {"north": "south", "south": "north", "east": "west", "west": "east"}
    for faces in positions():
        for side, other in back.items():
            assert rolled(rolled(faces, side), other) == faces
            assert rolled(rolled(rolled(rolled(faces, side), side), side), side) == faces
    assert rolled((1, 2, 3), "north") == (5, 1, 3)


@pytest.mark.parametrize("level", (1, 5, 10))
def test_particles_mix_their_queries(level):
    generator, kinds = Particles(), {}
    for index in range(300):
        draft, _ = generator.draft(level, "train", index)
        kinds[draft.query[0]] = kinds.get(draft.query[0], 0) + 1
        acted = [name for _, name, _ in draft.actions]
        assert all(acted.count(name) >= 2 for name in draft.query[1:])
    relative = kinds.pop("offset") + kinds.pop("ahead")
    assert all(50 < n < 100 for n in (*kinds.values(), relative)) and len(kinds) == 3


def test_walls_stand_in_the_way():
    generator, met = NavigateTurns(), []
    for level in (3, 10):
        drafts = [generator.draft(level, "train", index)[0] for index in range(200)]
        met.append(
            sum(draft.guesses()["as if nothing were blocked"] != [draft.answer] for draft in drafts)
        )
    assert met[0] > 100 and met[1] > 190


@pytest.mark.parametrize("level", (1, 10))
def test_the_pile_asked_for_has_changed_last(level):
    generator = BlockStacking()
    for index in range(100):
        draft, _ = generator.draft(level, "train", index)
        assert draft.pile in draft.moves[-1] and len(draft.answer.split()) > 1
        assert draft.stages[-1][draft.pile - 1] != draft.piles[draft.pile - 1]


def test_a_cube_turns_as_a_cube_does():
    cube = tuple("abcdef")  # top, front, right, below, behind, left
    assert "".join(turned(cube, "forward")) == "eacbdf"  # the top comes to the front
    assert "".join(turned(cube, "left")) == "acedfb"  # the front goes to the left
    assert "".join(turned(cube, "clockwise")) == "fbaced"
    for turn, back in (("forward", "backward"), ("left", "right")):
        assert turned(turned(cube, turn), back) == cube == turned(turned(cube, back), turn)
        assert turned(turned(turned(turned(cube, turn), turn), turn), turn) == cube
    lying = {cube}
    for _ in range(6):
        lying |= {turned(one, turn) for one in lying for turn in ("forward", "left")}
    assert len(lying) == 24


@pytest.mark.parametrize("level", (1, 5, 10))
def test_the_last_turn_of_a_cube_shows_nothing_new(level):
    generator = CubeViews(diversity=3)
    for index in range(100):
        draft, _ = generator.draft(level, "train", index)
        assert isinstance(draft, Views) and draft.events[-1][0] != "look"
        before, end = draft.states()[-2:]
        assert set(filter(None, before)) == set(filter(None, end)) >= set(end[:3])
        assert all(end[:3]) and end[:3] != draft.first
