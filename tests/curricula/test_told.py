"""From a journal to offline scores."""

import math

import numpy as np
import pytest

from lessonplan.curricula import Curriculum, Journal, Outcome, told_groups
from lessonplan.errors import FormatError
from lessonplan.generators import Pool, Problem
from lessonplan.selection import Uniform, epoch_curves, lim_scores, select, visit_numbers


def test_a_journal_gives_the_scores_of_its_rewards(tmp_path):
    """Four problems whose curves are LIM's hand-worked example: a, b, c and one on the mean."""
    rates = {"a": (0.2, 0.5, 0.8), "b": (1, 1, 1), "c": (0, 0, 0), "d": (0.4, 0.4, 0.6)}
    pool = Pool([Problem(name, "?", "1") for name in rates])
    path = tmp_path / "journal.jsonl"
    with Curriculum(pool, Uniform(pool, seed=1), journal=path) as curriculum:
        for epoch in range(3):
            picks = curriculum.ask(4, step=epoch)
            for pick in reversed(picks):
                wins = round(10 * rates[pick.problem.id][epoch])
                curriculum.tell([Outcome(pick.ticket, [1.0] * wins + [0.0] * (10 - wins))])
        curriculum.ask(2, step=3)
        curriculum.abandon()  # taught nobody anything, and is no visit
    told = told_groups(path)
    assert told.rewards.shape == (12, 10) and told.steps.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    curves = epoch_curves(told.ids, visit_numbers(told.ids), told.rewards)
    scores = dict(zip(curves.ids, lim_scores(curves.rates).round(4), strict=True))
    assert scores == {"a": 0.8987, "b": 0.0, "c": 0.0628, "d": 0.9929}
    kept = select(lim_scores(curves.rates))
    assert {curves.ids[position] for position in kept} == {"a", "d"}


def test_unscorable_rollouts_are_nan(tmp_path):
    pool = Pool([Problem("a", "?", "1"), Problem("b", "?", "1")])
    path = tmp_path / "journal.jsonl"
    with Curriculum(pool, Uniform(pool), journal=path) as curriculum:
        first, second = curriculum.ask(2)
        curriculum.tell([Outcome(first.ticket, [1, None, 0.5]), Outcome(second.ticket, [math.nan])])
    told = told_groups(path)
    expected = [[1, math.nan, 0.5], [math.nan] * 3]
    assert np.array_equal(told.rewards, expected, equal_nan=True)


def test_a_journal_without_rewards_says_so(tmp_path):
    with Journal(tmp_path / "j.jsonl") as journal:
        journal.append("note", text="nothing yet")
    with pytest.raises(FormatError, match="no group was told"):
        told_groups(tmp_path / "j.jsonl")
