import numpy as np
import pytest

from lessonplan.errors import RewardError
from lessonplan.selection import SOLVED, AtLeast, Exactly, Feedback


def test_threshold_is_inclusive_and_keeps_nan():
    wins = AtLeast(0.5)(np.array([[0.4, 0.5, np.nan, 2.0, -1.0]]))
    np.testing.assert_array_equal(wins, [[0, 1, np.nan, 1, 0]])


@pytest.mark.parametrize("wrong,right", [(0, 1), (-1, 1), (-0.5, 1), (0.1, 1.1)])
def test_solved_reads_the_usual_codings(wrong, right):
    np.testing.assert_array_equal(SOLVED(np.array([[wrong, right]], float)), [[0, 1]])


def test_exactly_refuses_more():
    np.testing.assert_array_equal(Exactly(1.0)(np.array([[1.0, 1.1, np.nan]])), [[1, 0, np.nan]])


@pytest.mark.parametrize("rule", [SOLVED, Exactly(1.0)])
def test_infinity_is_refused(rule):
    with pytest.raises(RewardError, match="finite"):
        rule(np.array([[1.0, -np.inf]]))


def test_threshold_must_be_finite():
    with pytest.raises(ValueError, match="threshold"):
        AtLeast(float("nan"))


def test_feedback_refuses_infinity_naming_the_group():
    with pytest.raises(RewardError, match=r"position 4 has \[1\.0, inf\]"):
        Feedback(np.array([3, 4]), np.array([[0, 1], [1, np.inf]]), np.array([0, 0]))


def test_feedback_refuses_shapes_that_do_not_belong_together():
    with pytest.raises(RewardError, match=r"2 positions need rewards of shape \(2, G\)"):
        Feedback(np.array([3, 4]), np.zeros((3, 2)), np.array([0, 0]))
