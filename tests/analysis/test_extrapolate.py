"""The table of measured errors, and the laws' score on a held-out largest size."""

import numpy as np
import pytest

from lessonplan.analysis.extrapolate import check_reach, error_factors, leave_largest_out

SEVEN = 25.0 * 2 ** np.arange(7)


@pytest.mark.parametrize(
    ("beyond", "wide", "any_sizes"),
    [
        (1.0, (1.0, 1.0), (1.0, 1.0)),
        (1.4, (1.01, 1.06), (1.02, 1.11)),
        (2.0, (1.02, 1.15), (1.04, 1.20)),
        (4.0, (1.03, 1.37), (1.08, 1.49)),
        (8.0, (1.05, 1.71), (1.12, 1.99)),
    ],
)
def test_the_table(beyond, wide, any_sizes):
    for sizes, row in ((SEVEN, wide), (SEVEN[:5], any_sizes)):
        found = error_factors(beyond, sizes)
        assert (found.half, found.most) == pytest.approx(row)


def test_between_and_past_its_columns():
    middle = error_factors(np.sqrt(8.0), SEVEN[:5])
    assert middle.most == pytest.approx(np.sqrt(1.20 * 1.49))
    assert error_factors(16, SEVEN[:5]).most == pytest.approx(1.99 * 1.99 / 1.49)
    assert error_factors(2, np.append(0, SEVEN)).design == "7 doubling sizes"
    assert error_factors(2, np.linspace(100, 200, 9)).design == "any sizes"


def test_refuses_beyond_eight_times():
    check_reach(800, 100, force=False)
    check_reach(801, 100, force=True)
    with pytest.raises(ValueError, match="Ask for at most 800, or give force=True"):
        check_reach(801, 100, force=False)


def test_left_out_size():
    y = 0.2 + 0.6 / (1 + 200 / SEVEN)
    rows = {row.law: row for row in leave_largest_out(SEVEN, y, items=100_000)}
    assert set(rows) == {"hill", "pow2", "pow3", "pow4", "exp", "m4", "bnsl1", "last value"}
    assert rows["last value"].predicted == pytest.approx(y[-2])
    assert rows["last value"].difference == pytest.approx(y[-2] - y[-1])
    miss = abs(np.log((1 - y[-2]) / (1 - y[-1])))
    assert rows["last value"].log_ratio == pytest.approx(miss)
    assert rows["hill"].log_ratio < miss / 3  # its own curve
    assert rows["exp"].predicted < y[-1] < 1  # saturates too early


def test_laws_that_need_more_sizes_are_not_scored():
    rows = {row.law: row for row in leave_largest_out(SEVEN[:4], 0.2 + SEVEN[:4] / 1000)}
    assert np.isnan(rows["bnsl1"].predicted) and np.isfinite(rows["hill"].predicted)
    with pytest.raises(ValueError, match="three sizes"):
        leave_largest_out([10, 20], [0.4, 0.5])
