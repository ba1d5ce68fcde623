import numpy as np

from lessonplan.selection.steps import StepBuffer


def told(buffer, in_flight):
    return [
        (one.step, one.positions.tolist(), one.solved.tolist(), one.scored.tolist())
        for one in buffer.complete(in_flight)
    ]


def add(buffer, positions, wins, step):
    buffer.add(np.array(positions), np.array(wins, float), np.full(len(positions), step))


def test_a_step_is_complete_when_nothing_is_open():
    buffer = StepBuffer()
    assert told(buffer, 0) == []
    add(buffer, [4, 1], [[1, 0, np.nan], [1, 1, 1]], 0)
    assert told(buffer, 3) == []
    add(buffer, [2, 3], [[0, 0, 0], [np.nan] * 3], 0)
    assert told(buffer, 0) == [(0, [1, 2, 4], [3, 0, 1], [3, 3, 2])]
    assert told(buffer, 0) == []


def test_a_step_is_complete_when_a_later_one_was_told():
    buffer = StepBuffer()
    add(buffer, [5], [[1]], 4)
    add(buffer, [6], [[0]], 3)
    assert told(buffer, 9) == [(3, [6], [0], [1])]
    add(buffer, [7], [[1]], 3)  # late
    add(buffer, [8], [[1]], 5)
    assert [step for step, *_ in told(buffer, 9)] == [3, 4]
    assert told(buffer, 0) == [(5, [8], [1], [1])]


def test_the_order_of_tells_leaves_no_trace():
    rng = np.random.default_rng(0)
    groups = [(rng.integers(9), rng.integers(2, size=3), rng.integers(3)) for _ in range(20)]
    states = []
    for _ in range(5):
        buffer = StepBuffer()
        for position, wins, step in rng.permutation(np.array(groups, object)):
            add(buffer, [position], [wins], step)
        states.append(buffer.state_dict()["groups"])
    for state in states:
        np.testing.assert_array_equal(state, states[0])


def test_groups_follow_their_problem_to_another_pool():
    buffer, moved = StepBuffer(), StepBuffer()
    add(buffer, [0, 1, 2], [[1], [0], [1]], 7)
    moved.load_state_dict(moved.remap(buffer.state_dict(), np.array([2, -1, 0])))
    assert told(moved, 0) == [(7, [0, 2], [1, 1], [1, 1])]
