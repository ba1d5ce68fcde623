import numpy as np
import pytest

from lessonplan.selection import Ledger
from lessonplan.selection.ledger import occurrence


def test_occurrence_counts_earlier_equals():
    np.testing.assert_array_equal(occurrence(np.array([5, 2, 5, 5, 2, 9])), [0, 0, 1, 2, 1, 0])
    assert len(occurrence(np.array([], np.int64))) == 0


def test_take_and_release_count_free_problems_per_list():
    ledger = Ledger(5, np.array([0, 0, 1, 1, -1]))
    np.testing.assert_array_equal(ledger.free, [2, 2])
    ledger.take(np.array([0, 2, 2, 4]))
    np.testing.assert_array_equal(ledger.free, [1, 1])
    np.testing.assert_array_equal(ledger.busy, [1, 0, 2, 0, 1])
    assert ledger.in_flight == 4
    np.testing.assert_array_equal(ledger.release(np.array([2, 0])), [True, True])
    np.testing.assert_array_equal(ledger.free, [2, 1])  # 2 is still in flight once


def test_release_refuses_what_is_not_open():
    ledger = Ledger(4, np.zeros(4, np.int8))
    ledger.take(np.array([1, 3]))
    np.testing.assert_array_equal(
        ledger.release(np.array([1, 1, 0, 3])), [True, False, False, True]
    )
    np.testing.assert_array_equal(ledger.release(np.array([1, 3])), [False, False])
    np.testing.assert_array_equal(ledger.busy, 0)
    assert ledger.free[0] == 4


def test_free_counts_agree_with_a_recount_after_any_history():
    rng = np.random.default_rng(0)
    lists = rng.integers(-1, 3, size=30)
    ledger = Ledger(30, lists)
    for _ in range(200):
        ledger.take(rng.integers(30, size=3))
        ledger.release(rng.integers(30, size=5))
        expected = [np.sum((lists == c) & (ledger.busy == 0)) for c in range(3)]
        np.testing.assert_array_equal(ledger.free, expected)
    copy = Ledger(30, lists)
    copy.load_state_dict(ledger.state_dict())
    np.testing.assert_array_equal(copy.free, ledger.free)
    assert copy.in_flight == ledger.in_flight == ledger.busy.sum()


def test_without_lists_nothing_is_counted_as_free():
    ledger = Ledger(4)
    ledger.take(np.array([1, 3, 3]))
    assert len(ledger.free) == 0
    assert ledger.in_flight == 3


@pytest.mark.parametrize("positions", [[-1], [4], [0, 7]])
def test_positions_outside_the_pool_are_refused(positions):
    with pytest.raises(IndexError, match=r"0\.\.3"):
        Ledger(4).take(np.array(positions))
    with pytest.raises(IndexError, match=r"0\.\.3"):
        Ledger(4).release(np.array(positions))
