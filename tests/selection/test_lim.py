import numpy as np
import pytest

from lessonplan.selection import (
    LIM,
    Exactly,
    Feedback,
    epoch_curves,
    lim_scores,
    select,
    visit_numbers,
)
from lessonplan.selection.epoch_curves import fill_gaps
from lessonplan.selection.testing import small_pool

GAP = np.nan
RATES = np.array(
    [
        [0.2, 0.5, 0.8],
        [1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0],
        [GAP, 0.4, 0.6],
        [GAP, GAP, 0.5],
        [0.3, GAP, GAP],
    ]
)


def test_scores_golden_of_the_released_script():
    expected = [0.8987, 0, 0.0628, 0.9929, np.nan, np.nan]
    np.testing.assert_allclose(lim_scores(RATES), expected, atol=5e-5)


def test_the_released_fill_takes_the_next_epoch_one_step():
    filled = [[0.4, 0.4, 0.6], [GAP, 0.5, 0.5], [0.3, GAP, GAP]]
    np.testing.assert_array_equal(fill_gaps(RATES)[3:], filled)


def test_the_other_fills():
    np.testing.assert_array_equal(fill_gaps(RATES, "none"), RATES)
    nearest = [[0.4, 0.4, 0.6], [0.5, 0.5, 0.5], [0.3, 0.3, 0.3]]
    np.testing.assert_array_equal(fill_gaps(RATES, "nearest")[3:], nearest)
    tie = np.array([[0.1, GAP, 0.3], [GAP, GAP, GAP]])
    np.testing.assert_array_equal(fill_gaps(tie, "nearest"), [[0.1, 0.1, 0.3], [GAP] * 3])
    with pytest.raises(ValueError, match='"next", "nearest" or "none"'):
        fill_gaps(RATES, "last")


def test_without_fill_every_gap_drops_the_problem():
    scores = lim_scores(RATES, fill="none")
    assert np.isnan(scores[3:]).all()
    np.testing.assert_allclose(scores[:3], [0.8961, 0, 0], atol=5e-5)


def test_select_by_threshold_top_and_as_released():
    scores = np.array([0.6, 0.9, np.nan, 0.2, 0.61, 0.9])
    np.testing.assert_array_equal(select(scores), [1, 4, 5])
    np.testing.assert_array_equal(select(scores, threshold=0.2), [0, 1, 4, 5])
    np.testing.assert_array_equal(select(scores, compat="released"), [0, 1, 3, 4, 5])
    np.testing.assert_array_equal(select(scores, threshold=0.6, compat="released"), [0, 1, 4, 5])
    np.testing.assert_array_equal(select(scores, top=1), [1])
    np.testing.assert_array_equal(select(scores, top=3), [1, 4, 5])
    np.testing.assert_array_equal(select(scores, top=9), [0, 1, 3, 4, 5])
    with pytest.raises(ValueError, match="not both"):
        select(scores, top=3, threshold=0.5)


def test_curves_from_a_log():
    curves = epoch_curves(
        ["b", "a", "b", "a", "b"],
        [0, 0, 2, 2, 2],
        np.array([[1, 0], [0, 0], [1, np.nan], [np.nan, np.nan], [0, 0]], float),
    )
    assert curves.ids == ("b", "a")
    assert curves.epochs == (0, 2)
    np.testing.assert_allclose(curves.rates, [[0.5, 1 / 3], [0, np.nan]])


def test_success_of_the_released_script_is_a_reward_of_exactly_one():
    rewards = np.array([[1.1, 1.0, -0.5, -1.0]])
    assert epoch_curves(["a"], [0], rewards).rates[0, 0] == 0.5
    assert epoch_curves(["a"], [0], rewards, success=Exactly(1.0)).rates[0, 0] == 0.25


def test_visits_stand_in_for_epochs():
    np.testing.assert_array_equal(visit_numbers(["x", "y", "x", "x", "y"]), [0, 0, 1, 2, 1])


def run(sampler, rates, steps, group_size, seed=0):
    """Train on problems whose success rate at step t is rates(t); returns how often each came."""
    rng, asked = np.random.default_rng(seed), np.zeros(len(sampler.ledger.busy))
    for step in range(steps):
        picks = sampler.ask(8)
        np.add.at(asked, picks, 1)
        wins = (rng.random((8, group_size)) < rates(step)[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(8, step)))
    return asked


def test_rolling_asks_each_once_first():
    sampler = LIM(small_pool(), seed=1)
    firsts = np.concatenate([sampler.ask(7) for _ in range(5)] + [sampler.ask(5)])
    assert len(np.unique(firsts)) == 40


def test_rolling_prefers_problems_that_follow_the_mean():
    kind = np.arange(40) % 4  # always solved, never solved, and two that improve with the mean

    def rates(step):
        middle = 0.4 + 0.4 * step / 300
        return np.choose(kind, [1.0, 0.0, middle, middle])

    asked = run(LIM(small_pool(), seed=1), rates, 300, 32)
    share = np.bincount(kind, asked) / asked.sum()
    assert share[0] < 0.1 and share[1] < 0.1
    assert share[2:].sum() > 0.8


def test_rolling_has_no_favorite_where_all_are_alike():
    asked = run(LIM(small_pool(), seed=1), lambda step: np.full(40, 0.5), 1000, 8)
    assert asked.min() > 0.5 * asked.mean() and asked.max() < 1.6 * asked.mean()


def test_rolling_is_uniform_when_nothing_follows_the_mean():
    asked = run(LIM(small_pool(), seed=1), lambda step: np.ones(40), 300, 4)
    assert asked.min() > 0.6 * asked.mean()
