import json

import numpy as np
import pytest

from lessonplan.curricula.level_window import LevelWindow
from lessonplan.errors import PoolError, StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import (
    Feedback,
    Uniform,
    old_positions,
    state_from_json,
    state_to_json,
)
from lessonplan.selection.testing import CHECKS, everything

CONFIGURATIONS = {
    "as published": {},
    "both ways": {"window": 2, "prompts": 2, "demote_below": 0.4},
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_contract(name, check):
    arguments = CONFIGURATIONS[name]
    check(lambda pool, seed: LevelWindow(pool, seed=seed, **arguments), everything)


def pool_of(**levels):
    """Ten problems for each level named, family by family."""
    return Pool(
        [
            Problem(id=f"{family}-{j}-{i}", prompt="", answer="", level=level, family=family)
            for family, wanted in levels.items()
            for j, level in enumerate(wanted)
            for i in range(10)
        ]
    )


ONE = pool_of(sums=range(1, 11))


def tell_groups(sampler, pool, solved, *, level, step, family=None, group_size=8):
    """Have the family's level asked and tell one group a problem, with `solved` successes each."""
    inside = pool.levels == level
    if family is not None:
        inside &= pool.family_codes == pool.families.index(family)
    picks = np.flatnonzero(inside & (sampler.ledger.busy == 0))[: len(solved)]
    sampler.ledger.take(picks)  # as if they had been drawn
    rewards = (np.arange(group_size) < np.asarray(solved)[:, None]).astype(float)
    sampler.tell(Feedback(picks, rewards, np.full(len(picks), step)))


def learn(sampler):
    """Close the policy step, as the next ask does."""
    picks = sampler.ask(1)
    nothing = np.full((1, 1), np.nan)
    sampler.tell(Feedback(picks, nothing, np.zeros(1, np.int64)))


def window_of(sampler, family=0):
    inside = (sampler.chances() > 0) & (sampler.arm_families == family)
    return sampler.arm_levels[inside].tolist()


@pytest.mark.parametrize(
    ("solved", "level"),
    [
        ([8, 8, 8, 8, 8, 8, 8, 2], 2),  # 58 of 64 are .9062
        ([8, 8, 8, 8, 8, 8, 8, 1], 1),  # 57 of 64 are .8906
    ],
)
def test_nine_tenths_of_64_rollouts_promote(solved, level):
    sampler = LevelWindow(ONE, floor=0)
    tell_groups(sampler, ONE, solved[:7], level=1, step=0)
    learn(sampler)
    np.testing.assert_array_equal(sampler.counted, [[7, 56, 56]])  # not yet
    assert sampler.upper.tolist() == [1]
    tell_groups(sampler, ONE, solved[7:], level=1, step=1)
    learn(sampler)
    assert sampler.upper.tolist() == [level]
    assert not sampler.counted.any()  # reset either way


@pytest.mark.parametrize(
    ("upper", "inside"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 3, 4]), (6, [3, 4, 5, 6])]
)
def test_window_ends_at_the_upper_level(upper, inside):
    # with the lowest level 0 these are the published windows: h = 5 is 2..5, h = 1 is 0..1
    sampler = LevelWindow(ONE, floor=0)
    sampler.upper[:] = upper
    assert window_of(sampler) == inside
    chances = sampler.chances()
    np.testing.assert_allclose(chances[chances > 0], 1 / len(inside))
    levels = ONE.levels[sampler.ask(len(inside) * 10)]
    assert np.unique(levels).tolist() == inside


def test_lower_levels_do_not_count():
    sampler = LevelWindow(ONE, floor=0)
    sampler.upper[:] = 5
    tell_groups(sampler, ONE, [0] * 10, level=4, step=0)
    learn(sampler)
    assert not sampler.counted.any()
    tell_groups(sampler, ONE, [8] * 8, level=5, step=1)
    learn(sampler)
    assert sampler.upper.tolist() == [6]
    tell_groups(sampler, ONE, [8] * 10, level=5, step=2)  # late news of the level just left
    learn(sampler)
    assert sampler.upper.tolist() == [6] and not sampler.counted.any()


def test_published_form_never_goes_back_and_ours_does_on_request():
    rigid, both = LevelWindow(ONE), LevelWindow(ONE, demote_below=0.25)
    for sampler in (rigid, both):
        sampler.upper[:] = 5
        tell_groups(sampler, ONE, [2] * 8, level=5, step=0)  # .25 is not below .25
        learn(sampler)
        assert sampler.upper.tolist() == [5] and not sampler.counted.any()
        tell_groups(sampler, ONE, [1] * 8, level=5, step=1)
        learn(sampler)
    assert (rigid.upper.tolist(), both.upper.tolist()) == ([5], [4])
    tell_groups(both, ONE, [0] * 7, level=4, step=2)  # 7 fresh groups: what is gone is forgotten
    learn(both)
    assert both.upper.tolist() == [4]


def test_the_ends_of_the_ladder_hold():
    sampler = LevelWindow(ONE, demote_below=0.5)
    tell_groups(sampler, ONE, [0] * 8, level=1, step=0)
    learn(sampler)
    assert sampler.upper.tolist() == [1]
    sampler.upper[:] = 10
    tell_groups(sampler, ONE, [8] * 8, level=10, step=1)
    learn(sampler)
    assert sampler.upper.tolist() == [10]


def test_errors_are_no_failures():
    sampler = LevelWindow(ONE)
    picks = np.flatnonzero(ONE.levels == 1)[:9]
    sampler.ledger.take(picks)
    rewards = np.ones((9, 8))
    rewards[:, 1:] = np.nan  # one scorable rollout each
    rewards[8] = np.nan
    sampler.tell(Feedback(picks, rewards, np.zeros(9, np.int64)))
    learn(sampler)
    assert sampler.upper.tolist() == [2]


GAPS = pool_of(graphs=(2, 5, 9), sums=(1, 2, 3), odd=(0,))  # sorted: graphs, odd, sums


def test_families_climb_alone_over_the_levels_they_have():
    sampler = LevelWindow(GAPS, window=2, floor=0)
    np.testing.assert_array_equal(sampler.upper, [2, 0, 1])
    for step, level in enumerate((2, 5, 9)):
        tell_groups(sampler, GAPS, [8] * 8, level=level, step=step, family="graphs")
        learn(sampler)
    np.testing.assert_array_equal(sampler.upper, [9, 0, 1])
    assert [window_of(sampler, f) for f in range(3)] == [[5, 9], [0], [1]]
    by_name = dict(zip(sampler.names, sampler.chances().tolist(), strict=True))
    expected = {"graphs_level_5": 1 / 6, "graphs_level_9": 1 / 6, "odd_unknown_level": 1 / 3}
    expected["sums_level_1"] = 1 / 3  # every family as often
    assert {name: x for name, x in by_name.items() if x} == pytest.approx(expected)


def test_the_floor_is_a_share_for_every_problem():
    sampler = LevelWindow(GAPS, window=1, floor=0.14)
    chances = dict(zip(sampler.names, sampler.chances().tolist(), strict=True))
    assert chances["graphs_level_9"] == pytest.approx(0.02)  # 10 problems of 70
    assert chances["sums_level_1"] == pytest.approx(0.02 + 0.86 / 3)
    assert sum(chances.values()) == pytest.approx(1)


def test_families_keep_their_level_when_others_come_and_go():
    old = GAPS
    sampler = LevelWindow(old, seed=1)
    sampler.upper[:] = (9, 0, 3)
    for step in range(3):
        picks = sampler.ask(20)
        sampler.tell(Feedback(picks, np.zeros((20, 2)), np.full(20, step)))
    sampler.ask(4)
    sampler.counted[2] = (5, 30, 40)
    new = pool_of(arrays=(1, 2), graphs=(2, 5), sums=(1, 2, 3, 4))
    moved = LevelWindow(new, seed=1)
    state = state_from_json(json.loads(json.dumps(state_to_json(sampler.state_dict()))))
    with pytest.raises(StateError):
        moved.load_state_dict(state)
    moved.load_state_dict(moved.remap(state, old_positions(old.ids, new.ids)))
    np.testing.assert_array_equal(moved.upper, [1, 9, 3])
    assert moved.counted[2].tolist() == [5, 30, 40] and not moved.counted[0].any()
    assert moved.chances()[moved.names.index("graphs_level_5")] > 0.1  # 9 is gone: the next below
    free = np.flatnonzero(moved.ledger.busy == 0)
    np.testing.assert_array_equal(np.sort(moved.ask(len(free))), free)


def test_families_of_other_names_are_refused():
    state = LevelWindow(pool_of(a=(1,), b=(2,))).state_dict()
    with pytest.raises(StateError, match="remap the state by id"):
        LevelWindow(pool_of(a=(1,), c=(2,))).load_state_dict(state)


def test_a_pool_without_levels_is_refused():
    with pytest.raises(PoolError, match="needs levels"):
        LevelWindow(pool_of(odd=(0,)))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"window": 0}, "at least 1, got 0 and 8"),
        ({"prompts": 0}, "at least 1, got 4 and 0"),
        ({"promote": 0}, r"promote must lie in \(0, 1\], got 0"),
        ({"demote_below": 0.95}, r"demote_below must lie in \[0, promote=0.9\], got 0.95"),
        ({"floor": -1}, r"floor must lie in \[0, 1\], got -1"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        LevelWindow(ONE, **arguments)


def skill(sampler, pool, seed, null=False):
    """What a simulated policy has learned after 80 steps; each group teaches by its variance."""
    rng, skill = np.random.default_rng(seed), 1.0
    for step in range(80):
        picks = sampler.ask(32)
        chance = 0.5 if null else 1 / (1 + np.exp(-2 * (skill - pool.levels[picks])))
        wins = rng.random((32, 8)) < np.broadcast_to(chance, 32)[:, None]
        skill += np.mean(wins.mean(axis=1) * (1 - wins.mean(axis=1)))
        sampler.tell(Feedback(picks, wins.astype(float), np.full(32, step)))
    return skill


def test_it_beats_uniform_where_order_matters_and_not_where_it_cannot():
    pool = pool_of(sums=10 * [*range(1, 11)])
    for seed in range(3):
        uniform, ours = Uniform(pool, seed=seed), LevelWindow(pool, window=2, seed=seed)
        assert skill(ours, pool, seed) > 1.6 * skill(uniform, pool, seed)
        uniform, ours = Uniform(pool, seed=seed), LevelWindow(pool, window=2, seed=seed)
        null = skill(ours, pool, seed, null=True)
        assert null == pytest.approx(skill(uniform, pool, seed, null=True), rel=0.02)
