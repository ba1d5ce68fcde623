"""From curves to a part of a pool: matching names, rules, reasons."""

import json

import numpy as np
import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import Pool, Problem
from lessonplan.selection.diverse import Diversity
from lessonplan.selection.epoch_curves import epoch_curves
from lessonplan.selection.matching import match
from lessonplan.selection.subset import choose, choose_scored

RATES = {"a": (2, 5, 8), "b": (10, 10, 10), "c": (0, 0, 0), "d": (None, 4, 6), "e": (None, None, 5)}
POOL = Pool([Problem(name, f"What is {name}?", "1") for name in "abcdef"])


def curves(names=RATES):
    """LIM's hand-worked example, ten rollouts an epoch, under the names given."""
    rows = [
        (names[key] if isinstance(names, dict) and names is not RATES else key, epoch, wins)
        for key, some in RATES.items()
        for epoch, wins in enumerate(some)
        if wins is not None
    ]
    rewards = np.array([[1.0] * wins + [0.0] * (10 - wins) for _, _, wins in rows])
    return epoch_curves([key for key, _, _ in rows], [epoch for _, epoch, _ in rows], rewards)


def test_the_default_is_the_papers_and_every_problem_has_a_score_or_a_reason():
    subset = choose(POOL, curves())
    assert [POOL.ids[i] for i in subset.positions] == ["a", "d"]
    np.testing.assert_allclose(
        subset.scores, [0.8987, 0, 0.0628, 0.9929, np.nan, np.nan], atol=5e-5
    )
    assert subset.reasons == (
        *("", "score too low", "score too low", ""),
        *("not scored in each of 3 epochs", "not in the log"),
    )
    assert subset.dropped()["score too low"] == 2 and sum(subset.dropped().values()) == 4
    assert subset.notes == ("problems recognized by id",)


def test_top_band_and_threshold():
    def kept(**rule):
        return [POOL.ids[i] for i in choose(POOL, curves(), **rule).positions]

    assert kept(top=1) == ["d"] and kept(top=3) == ["a", "c", "d"]
    assert kept(top=99) == ["a", "b", "c", "d"]
    assert kept(threshold=0.05) == ["a", "c", "d"]
    assert kept(by="pass_rate", band=(0.5, 0.9)) == ["a", "d", "e"]
    assert kept(by="linear") == ["a"]
    assert kept(by="variance", top=1) == ["a"]
    assert kept(compat="released") == ["a", "d"]


def test_why_linear_has_no_score_for_what_is_solved_from_the_first():
    assert choose(POOL, curves(), "linear").reasons[1] == "solved from the first"


def test_what_cannot_be_scored_is_told_apart():
    log = epoch_curves(["a", "b"], [0, 0], np.array([[1.0, 0.0], [np.nan, np.nan]]))
    assert choose(POOL, log, top=1).reasons[1] == "no rollout could be scored"
    ones = epoch_curves(["a"], [0], np.ones((1, 2)))
    assert choose(POOL, ones).reasons[0] == "every curve is 1 throughout"


def test_random_draws_from_the_whole_pool_by_seed():
    first, same, other = (
        choose(POOL, curves(), "random", top=3, seed=seed).positions.tolist() for seed in (1, 1, 2)
    )
    assert first == same != other
    picked = [choose(POOL, curves(), "random", top=2, seed=s).positions for s in range(40)]
    assert set(np.concatenate(picked)) == set(range(6))  # f was never logged


def test_a_diverse_subset_and_a_threshold_before_it():
    features = np.array([[0.0], [0.0], [0.0], [9.0], [9.0], [9.0]])
    spread = choose(POOL, curves(), top=2, diverse=Diversity(2, features=features))
    assert [POOL.ids[i] for i in spread.positions] == ["a", "d"]
    assert "not among the 2 best of their clusters" in spread.reasons
    cut = choose(POOL, curves(), top=2, threshold=0.9, diverse=Diversity(2, features=features))
    assert [POOL.ids[i] for i in cut.positions] == ["d"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"by": "variance"}, "no published threshold"),
        ({"top": 2, "threshold": 0.5}, "needs clusters"),
        ({"threshold": 0.5, "band": (0, 1)}, "not both"),
        ({"diverse": Diversity(3)}, "give top"),
        ({"top": 0}, "top must be at least 1, got 0"),
    ],
)
def test_contradictions_are_refused(rule, message):
    with pytest.raises(ConfigError, match=message):
        choose(POOL, curves(), **rule)


def test_prompts_stand_for_problems_with_or_without_space():
    names = {key: f" What is {key}?\n" for key in RATES}
    subset = choose(POOL, curves(names))
    assert [POOL.ids[i] for i in subset.positions] == ["a", "d"]
    assert subset.notes == ("problems recognized by prompt",)
    with pytest.raises(PoolError, match="no problem of pool is in the log"):
        choose(POOL, curves(names), compat="released")  # which compares letter by letter


def test_prompts_inside_a_chat_template_are_found():
    pre, post = "system\nYou are careful.\nuser\n", "\nassistant\n"
    names = {key: f"{pre}What is {key}?{post}" for key in RATES}
    subset = choose(POOL, curves(names))
    assert [POOL.ids[i] for i in subset.positions] == ["a", "d"]
    assert "prompt inside 'system" in subset.notes[0]


def test_a_template_is_taken_from_the_longest_prompt_that_fits():
    """One prompt is part of another: the pair that explains most keys decides."""
    pool = Pool(
        [Problem("x", "1 + 1", "2"), Problem("y", "1 + 1 + 1", "3"), Problem("z", "5", "5")]
    )
    found = match(["<u>1 + 1 + 1</u>", "<u>5</u>", "<u>1 + 1</u>"], pool)
    assert found.rows.tolist() == [2, 0, 1] and found.unknown == ()


def test_conversations_are_known_as_a_whole_or_by_their_last_message():
    chat = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "2 + 2"}]
    pool = Pool([Problem("p", chat, "4"), Problem("q", "7", "7")])
    assert match([json.dumps(chat, sort_keys=True)], pool).rows.tolist() == [0, -1]
    assert match(["2 + 2"], pool).rows.tolist() == [0, -1]


def test_equal_prompts_share_the_row_and_strangers_are_named():
    pool = Pool([Problem("p", "same", "4"), Problem("q", "same", "7"), Problem("r", "other", "7")])
    found = match(["same", "stranger"], pool)
    assert found.rows.tolist() == [0, 0, -1] and found.unknown == ("stranger",)
    subset = choose_scored(pool, ["same", "stranger"], np.array([0.7, 0.9]), top=5)
    assert subset.positions.tolist() == [0, 1]
    assert subset.notes[1] == "1 problems of the log are not in the pool: 'stranger'"


def test_a_log_of_other_problems_is_refused_with_both_kinds_of_names():
    with pytest.raises(PoolError, match="names problems like 'zzz', the pool has ids like 'a'"):
        match(["zzz"], POOL)


def test_scores_of_somebody_else():
    scores = np.array([0.595, 0.59, 0.8])
    kept = choose_scored(
        POOL, ["a", "b", "c"], scores, threshold=0.6, decimals=2, compat="released"
    )
    assert kept.positions.tolist() == [0, 2]
    with pytest.raises(ConfigError, match="no published threshold"):
        choose_scored(POOL, ["a", "b", "c"], scores)
