"""Offline scores against hand-worked numbers and a plain loop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.errors import ConfigError
from lessonplan.selection.epoch_curves import Curves, coded_curves, epoch_curves
from lessonplan.selection.offline import BY, lim_scores, offline_scores
from lessonplan.selection.subset import select
from lessonplan.selection.success import Exactly

GAP = math.nan


def curves_of(*rates, counts=None):
    rates = np.array(rates, float)
    counts = np.where(np.isnan(rates), 0, 10 if counts is None else counts).astype(np.int64)
    return Curves(tuple("abcdefgh"[: len(rates)]), tuple(range(rates.shape[1])), rates, counts)


RELEASED = curves_of(
    [0.2, 0.5, 0.8], [1, 1, 1], [0, 0, 0], [GAP, 0.4, 0.6], [GAP, GAP, 0.5], [0.3, GAP, GAP]
)


@pytest.mark.parametrize("compat", ["paper", "released"])
def test_golden_numbers_of_the_released_script(compat):
    scores = offline_scores(RELEASED, compat=compat)
    np.testing.assert_allclose(scores, [0.8987, 0, 0.0628, 0.9929, GAP, GAP], atol=5e-5)


def test_golden_numbers_of_one_shot():
    abc = curves_of(*RELEASED.rates[:3])
    np.testing.assert_allclose(offline_scores(abc, compat="one-shot"), [0.8961, 0, 0], atol=5e-5)
    np.testing.assert_allclose(offline_scores(abc, "variance"), [0.2449, 0, 0], atol=5e-5)


def test_one_shot_cuts_every_curve_to_the_shortest_and_averages_over_all():
    rates = np.array([[0.2, 0.5, 0.8], [GAP, 1, 1], [0.0, GAP, 0.0], [GAP, GAP, GAP]])
    first_two = np.array([[0.2, 0.5], [1, 1], [0, 0]])
    cut = lim_scores(rates, compat="one-shot")
    np.testing.assert_allclose(cut[:3], lim_scores(first_two, fill="none"))
    assert math.isnan(cut[3])  # its script fails on an empty list


def test_golden_numbers_of_linear():
    rates = curves_of([0.2, 0.5, 0.8], [0, 0.5, 1], [0, 0, 0], [0.4, 0.4, 0.6], [1, 0.5, 1])
    np.testing.assert_allclose(
        offline_scores(rates, "linear"), [0.9375, 1, 0, 0.4444, GAP], atol=5e-5
    )


def test_a_curve_on_the_mean_scores_one_and_all_ones_nothing():
    np.testing.assert_allclose(lim_scores(np.array([[0.3, 0.6]])), [1.0])
    assert np.isnan(lim_scores(np.ones((3, 2)))).all()
    assert len(select(lim_scores(np.ones((3, 2))))) == 0


def test_pass_rate_weighs_every_rollout_alike():
    curves = epoch_curves(
        ["a", "a", "b"], [0, 1, 0], np.array([[1, 1, 1], [0, GAP, GAP], [GAP, GAP, GAP]])
    )
    np.testing.assert_allclose(offline_scores(curves, "pass_rate"), [0.75, GAP])


def test_random_follows_the_seed_alone():
    one, same, other = (offline_scores(RELEASED, "random", seed=seed) for seed in (3, 3, 4))
    assert (one == same).all() and (one != other).all()


def test_few_long_curves_do_not_push_the_others_out():
    """By visits some problems come once more; half of the problems set the length."""
    curves = curves_of([0.1, 0.2, 0.3], [0.2, 0.4, GAP], [0.3, 0.4, GAP], [0.3, GAP, GAP])
    assert curves.usual_length() == 2
    assert np.isfinite(offline_scores(curves)).tolist() == [True, True, True, False]
    assert np.isfinite(offline_scores(curves, epochs=3)).tolist() == [True, False, False, False]
    assert np.isfinite(offline_scores(curves, compat="released")).sum() == 1


def test_what_is_no_choice_is_named():
    with pytest.raises(ConfigError, match="by must be one of lim, linear"):
        offline_scores(RELEASED, "limm")
    with pytest.raises(ConfigError, match=r"epochs must lie in 1\.\.3.*got 4"):
        offline_scores(RELEASED, epochs=4)
    with pytest.raises(ConfigError, match="fill must be"):
        offline_scores(RELEASED, fill="last")


def test_epochs_in_which_nothing_was_logged_are_gaps():
    curves = coded_curves(("a",), np.array([0]), np.array([2]), np.ones((1, 4)), n_epochs=4)
    np.testing.assert_array_equal(curves.rates, [[GAP, GAP, 1, GAP]])
    assert curves.epochs == (0, 1, 2, 3)


def test_absurd_tables_are_refused_before_memory_is():
    rows = np.arange(20_000)
    with pytest.raises(ConfigError, match="20000 problems x 20000 epochs"):
        coded_curves(tuple(map(str, rows)), rows, rows, np.ones((20_000, 1)))


def test_the_released_cut_is_at_least_on_rounded_scores():
    scores = np.array([0.594, 0.5951, 0.6, 0.601, GAP])
    released = select(scores, threshold=0.6, decimals=2, compat="released")
    np.testing.assert_array_equal(released, [1, 2, 3])
    np.testing.assert_array_equal(select(scores, threshold=0.6, decimals=2), [])
    np.testing.assert_array_equal(select(scores), [3])


def test_a_band_keeps_both_ends():
    scores = np.array([0.1, 0.3, 0.5, 0.7, 0.8, GAP])
    np.testing.assert_array_equal(select(scores, band=(0.3, 0.7)), [1, 2, 3])
    with pytest.raises(ConfigError, match="lower and an upper"):
        select(scores, band=(0.7, 0.3))
    with pytest.raises(ConfigError, match="top must be at least 1"):
        select(scores, top=0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_scores_equal_a_plain_loop(data):
    """Reward codes 1, -.5, -1, gaps anywhere, against the rule written as a loop."""
    problems = data.draw(st.integers(1, 5))
    epochs = data.draw(st.integers(1, 4))
    log = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, problems - 1),
                st.integers(0, epochs - 1),
                st.sampled_from([1.0, -0.5, -1.0, GAP]),
            ),
            min_size=1,
            max_size=60,
        )
    )
    cells = {}
    for problem, epoch, reward in log:
        if reward == reward:
            cells.setdefault((problem, epoch), []).append(reward == 1)
    kept = {}
    for problem in range(problems):
        curve = [cells.get((problem, epoch)) for epoch in range(epochs)]
        curve = [None if cell is None else sum(cell) / len(cell) for cell in curve]
        for k in range(epochs - 1):
            curve[k] = curve[k + 1] if curve[k] is None else curve[k]
        if None not in curve:
            kept[problem] = curve
    mean = [sum(column) / len(kept) for column in zip(*kept.values(), strict=True)]
    room = sum((1 - m) ** 2 for m in mean)
    expected = np.full(problems, GAP)
    for problem, curve in kept.items():
        if room > 1e-12:
            misses = sum((r - m) ** 2 for r, m in zip(curve, mean, strict=True))
            expected[problem] = 1 - misses / room
    rows, columns, rewards = map(np.array, zip(*log, strict=True))
    curves = coded_curves(
        tuple(map(str, range(problems))),
        rows,
        columns,
        rewards[:, None].astype(float),
        success=Exactly(1.0),
        n_epochs=epochs,
    )
    found = offline_scores(curves, compat="released")
    if room > 1e-12 or not kept:
        np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("by", BY)
def test_every_score_has_a_number_for_each_problem(by):
    assert offline_scores(RELEASED, by).shape == (6,)
