"""Screen with few rollouts, continue what was solved sometimes."""

import numpy as np
import pytest

from lessonplan.selection.base import Feedback
from lessonplan.selection.speed import SPEED
from lessonplan.selection.state import old_positions
from lessonplan.selection.testing import CHECKS, everything, small_pool


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda pool, seed: SPEED(pool, seed=seed), everything)


def told(positions, solved, size, step, purposes=None):
    """Feedback in which problem i solved `solved[i]` of `size` rollouts."""
    rewards = (np.arange(size) < np.array(solved)[:, None]).astype(float)
    return Feedback(np.array(positions), rewards, np.full(len(rewards), step), purposes)


def test_those_solved_sometimes_continue_with_the_next_screening():
    sampler = SPEED(small_pool())
    first = sampler.order(4)
    assert first.purposes == ("screen",) * 4 and first.rollouts.tolist() == [4] * 4
    feedback = told(first.positions, (0, 2, 4, 1), 4, step=0, purposes=first.purposes)
    assert sampler.trainable(feedback).tolist() == [False, True, False, True]
    sampler.tell(feedback)
    second = sampler.order(5)
    assert second.purposes == ("continue", "continue", "screen", "screen", "screen")
    assert second.rollouts.tolist() == [20, 20, 4, 4, 4]
    assert sorted(second.positions[:2]) == sorted(first.positions[[1, 3]])
    assert sampler.metrics() | {"in_flight": 0} == {
        "in_flight": 0, "waiting": 0, "continuing": 2, "screenings_passed": 0.5
    }  # fmt: skip
    feedback = told(second.positions[:2], (20, 0), 20, step=1, purposes=second.purposes[:2])
    assert sampler.trainable(feedback).all()  # the whole group is mixed already
    sampler.tell(feedback)
    assert len(sampler.mixed) == 0


def test_the_oldest_screening_continues_first():
    sampler = SPEED(small_pool())
    early, late = sampler.order(3), sampler.order(3)
    sampler.tell(told(late.positions, (1, 1, 1), 4, step=5))
    sampler.tell(told(early.positions, (2, 2, 2), 4, step=4))
    assert set(sampler.order(3).positions) == set(early.positions)
    assert set(sampler.order(3).positions) == set(late.positions)


def test_the_ticket_says_the_part_also_when_both_have_one_size():
    sampler = SPEED(small_pool(4), n_init=8, n_cont=8)
    first = sampler.order(4)
    sampler.tell(told(first.positions, (4, 4, 4, 4), 8, 0, first.purposes))
    second = sampler.order(4)
    assert second.purposes == ("continue",) * 4
    sampler.tell(told(second.positions, (4, 4, 4, 4), 8, 1, second.purposes))
    assert sampler.order(4).purposes == ("screen",) * 4


def test_an_unscorable_part_is_generated_again():
    sampler = SPEED(small_pool(2))
    first = sampler.order(2)
    sampler.tell(told(first.positions, (1, 2), 4, 0))
    second = sampler.order(2)
    rewards = np.array([[np.nan] * 20, [1.0] * 20])
    sampler.tell(Feedback(second.positions, rewards, np.array([1, 1])))
    third = sampler.order(1)
    assert third.positions == second.positions[:1] and third.purposes == ("continue",)


def test_a_pool_all_in_flight_is_repeated_as_whole_groups():
    order = SPEED(small_pool(3)).order(5)
    assert order.purposes == ("screen",) * 3 + ("train",) * 2
    assert order.rollouts.tolist() == [4, 4, 4, 24, 24]
    sampler = SPEED(small_pool(3))
    order = sampler.order(5)
    before = sampler.state_dict()
    sampler.tell(told(order.positions[3:], (12, 12), 24, 0, order.purposes[3:]))
    after = sampler.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in ("heard", "mixed", "since"))


def test_waiting_problems_move_with_their_ids():
    pool = small_pool()
    sampler = SPEED(pool)
    order = sampler.order(6)
    sampler.tell(told(order.positions, (0, 1, 2, 3, 4, 1), 4, 0))
    waiting = {pool.ids[i] for i in order.positions[[1, 2, 3, 5]]}
    there = small_pool(30, first=10)
    moved = SPEED(there)
    moved.load_state_dict(moved.remap(sampler.state_dict(), old_positions(pool.ids, there.ids)))
    left = waiting & set(there.ids)
    assert {there.ids[i] for i in moved.order(len(left)).positions} == left


def spend(rates, size, slots=40, steps=60):
    """Rollouts a ready group costs, and the share of all rollouts that dropped problems took."""
    sampler, rng = SPEED(small_pool(size)), np.random.default_rng(3)
    spent = dropped = ready = 0
    for step in range(steps):
        order = sampler.order(slots)
        width = np.arange(24)
        wins = (rng.random((slots, 24)) < rates[order.positions][:, None]).astype(float)
        wins[width >= order.rollouts[:, None]] = np.nan
        feedback = Feedback(order.positions, wins, np.full(slots, step), order.purposes)
        keeps = sampler.trainable(feedback)
        spent += order.rollouts.sum()
        dropped += order.rollouts[~keeps].sum()
        ready += order.purposes.count("continue")
        sampler.tell(feedback)
    return spent / ready, dropped / spent


def test_hard_problems_cost_what_the_formula_says():
    """p = .05: mixed(4) = .1855, so 4 (1 - .1855) of 4 + .1855 x 20 rollouts are dropped: 42 %."""
    cost, dropped = spend(np.full(400, 0.05), 400)
    assert dropped == pytest.approx(0.4226, abs=0.04)
    assert cost == pytest.approx(4 / 0.1855 + 20, rel=0.1)


def test_it_saves_where_most_are_hopeless_and_not_where_none_is():
    """Whole groups of 24 at p = 0 for nine in ten cost 240 rollouts for one that is mixed."""
    rates = np.where(np.arange(200) % 10 == 0, 0.5, 0.0)
    assert spend(rates, 200)[0] < 0.4 * 240
    assert spend(np.full(200, 0.5), 200)[0] > 24


def test_settings_are_checked():
    for wrong in ({"n_init": 1}, {"n_cont": 0}):
        with pytest.raises(ValueError, match="need n_init >= 2"):
            SPEED(small_pool(), **wrong)
