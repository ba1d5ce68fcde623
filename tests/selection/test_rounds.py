"""Each once a round, whatever the batches; busy ones are owed, not lost."""

import numpy as np
import pytest

from lessonplan.selection import Feedback, Ledger, Rounds, Uniform
from lessonplan.selection.testing import small_pool


def told(positions, reward=1.0):
    m = len(positions)
    return Feedback(positions, np.full((m, 2), reward), np.zeros(m, np.int64))


@pytest.mark.parametrize("sizes", [(5,), (1,), (7, 3, 11), (40,), (13, 29)])
def test_after_e_epochs_each_problem_was_asked_e_times(sizes):
    pool = small_pool(20)
    sampler = Uniform(pool, seed=3)
    counts, total = np.zeros(20, np.int64), 0
    for turn in range(60):
        picks = sampler.ask(sizes[turn % len(sizes)])
        np.add.at(counts, picks, 1)
        total += len(picks)
        assert counts.min() >= total // 20 and counts.max() <= -(-total // 20)
        sampler.tell(told(picks))


def test_exact_counts_survive_a_restart_in_mid_epoch():
    pool = small_pool(20)
    sampler = Uniform(pool, seed=3)
    counts = np.zeros(20, np.int64)
    for size in (7, 7, 9, 4):
        picks = sampler.ask(size)
        np.add.at(counts, picks, 1)
        sampler.tell(told(picks))
        fresh = Uniform(pool, seed=3)
        fresh.load_state_dict(sampler.state_dict())
        sampler = fresh
    np.add.at(counts, sampler.ask(13), 1)
    np.testing.assert_array_equal(counts, 2)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone():
    pool = small_pool(20)
    a, b = Uniform(pool, seed=3), Uniform(pool, seed=3)
    first = [a.ask(20)]
    a.tell(told(first[0]))
    singles = np.array([b.ask(1)[0] for _ in range(20)])
    b.tell(told(singles))
    np.testing.assert_array_equal(first[0], singles)
    np.testing.assert_array_equal(a.ask(20), b.ask(20))
    assert not np.array_equal(first[0], Uniform(pool, seed=4).ask(20))
    assert not np.array_equal(first[0], a.ask(20))


def test_busy_members_are_owed_and_served_once_free():
    ledger, rounds = Ledger(6, np.zeros(6, np.int8)), Rounds(np.arange(6), (0,))
    late = rounds.take(2, ledger)
    rest = rounds.take(4, ledger)
    ledger.release(rest)
    second = rounds.take(4, ledger)  # the round is 6 long, but two are still away
    assert not np.isin(second, late).any()
    ledger.release(late)
    owed = rounds.take(2, ledger)
    np.testing.assert_array_equal(np.sort(owed), np.sort(late))
    assert rounds.round == 1 and len(rounds.rest) == 0


def test_a_member_away_for_ever_does_not_stop_the_others():
    ledger, rounds = Ledger(4, np.zeros(4, np.int8)), Rounds(np.arange(4), (0,))
    away = rounds.take(1, ledger)
    counts = np.zeros(4, np.int64)
    for _ in range(31):
        pick = rounds.take(1, ledger)
        counts[pick] += 1
        ledger.release(pick)
    assert counts[away] == 0
    assert sorted(np.delete(counts, away)) == [10, 10, 11]


def test_when_nothing_is_free_members_repeat_in_turn():
    sampler = Uniform(small_pool(5), seed=0)
    assert sorted(np.bincount(sampler.ask(13))) == [2, 2, 3, 3, 3]
    assert sampler.ledger.in_flight == 13
    assert sorted(np.bincount(sampler.ask(12), minlength=5)) == [2, 2, 2, 3, 3]


def test_new_problems_join_the_round_and_gone_ones_leave_it():
    old, new = Rounds(np.arange(4), (0,)), Rounds(np.arange(5), (0,))
    ledger = Ledger(5, np.zeros(5, np.int8))
    asked = old.take(2, ledger)
    came_from = np.array([0, 1, 3, -1, -1])  # old problem 2 is gone, 3 moved to 2, two are new
    new.load_state_dict(new.remap(old.state_dict(), came_from))
    still = [i for i in (0, 1, 3) if i not in asked]
    expected = sorted([{0: 0, 1: 1, 3: 2}[i] for i in still] + [3, 4])
    assert sorted(new.rest) == expected
