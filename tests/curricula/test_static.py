import numpy as np
import pytest

from lessonplan.curricula.static import EasyOnly, FixedMixture
from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback


def pool_of(*levels):
    return Pool([Problem(id=f"p{i}", prompt="", answer="", level=x) for i, x in enumerate(levels)])


FIVE = pool_of(*[1 + i % 5 for i in range(60)])  # easy 1 2, medium 3, hard 4 5: 24, 12, 24


def tier(positions):
    return np.array([0, 0, 0, 1, 2, 2])[FIVE.levels[positions]]


def tell_all(sampler, picks):
    m = len(picks)
    sampler.tell(Feedback(picks, np.ones((m, 2)), np.zeros(m, np.int64)))


def test_easy_only_asks_easy_problems_equally_often():
    sampler, counts = EasyOnly(FIVE, seed=1), np.zeros(60, np.int64)
    for _ in range(30):
        picks = sampler.ask(8)
        np.add.at(counts, picks, 1)
        tell_all(sampler, picks)
    np.testing.assert_array_equal(counts[FIVE.levels <= 2], 10)
    assert counts.sum() == 240


@pytest.mark.parametrize("batch", [1, 3, 8, 10])
def test_mixture_is_a_third_each(batch):
    sampler, asked = FixedMixture(FIVE, seed=1), []
    for _ in range(60):
        picks = sampler.ask(batch)
        asked.extend(picks)
        counts = np.bincount(tier(asked), minlength=3)
        assert np.abs(counts - len(asked) / 3).max() < 1
        tell_all(sampler, picks)
    visits = np.bincount(asked, minlength=60)
    for t in range(3):  # within a tier equally often
        inside = visits[tier(np.arange(60)) == t]
        assert inside.max() - inside.min() <= 1


def test_mixture_of_chosen_weights_and_tiers():
    tiers = {"low": (1,), "high": (4, 5)}
    sampler = FixedMixture(FIVE, weights={"high": 3, "low": 1}, tiers=tiers, seed=1)
    levels = FIVE.levels[sampler.ask(16)]
    assert (np.sum(levels == 1), np.sum(levels >= 4)) == (4, 12)
    assert sampler.metrics()["asked_high"] == 0.75


def test_a_tier_of_weight_zero_is_never_asked():
    sampler = FixedMixture(FIVE, weights={"easy": 1, "medium": 0, "hard": 1}, seed=1)
    assert 1 not in tier(sampler.ask(100))


def test_at_once_and_one_by_one_are_the_same_picks():
    a, b = FixedMixture(FIVE, seed=2), FixedMixture(FIVE, seed=2)
    np.testing.assert_array_equal(a.ask(45), [b.ask(1)[0] for _ in range(45)])


def test_a_tier_in_flight_lends_its_slots_and_gets_them_back():
    sampler = FixedMixture(FIVE, seed=1)
    first = sampler.ask(36)
    assert np.sum(tier(first) == 1) == 12  # all medium problems are away now
    second = sampler.ask(9)
    assert 1 not in tier(second) and not np.isin(second, first).any()
    tell_all(sampler, np.concatenate([first, second]))
    third = np.bincount(tier(sampler.ask(12)), minlength=3)  # 57 slots so far, 19 each
    assert third[1] == 7 and sorted(third) == [2, 3, 7]


def test_fewer_problems_than_slots_repeat_in_proportion():
    small = pool_of(1, 3, 5)
    picks = FixedMixture(small, seed=1).ask(8)
    assert sorted(np.bincount(picks)) == [2, 3, 3]


def test_an_empty_tier_is_named_with_what_is_there():
    with pytest.raises(
        PoolError, match=r"'easy' \(levels 1, 2\) is empty.*easy 0, medium 2, hard 1"
    ):
        EasyOnly(
            pool_of(3, 3, 4, 0),
            tiers={"easy": (1, 2), "medium": (3,), "hard": (4, 5)},
        )
    with pytest.raises(PoolError, match="'easy'.*is empty.* 2 without a level"):
        EasyOnly(pool_of(0, 0))
    with pytest.raises(PoolError, match="'medium'"):
        FixedMixture(pool_of(1, 5))


@pytest.mark.parametrize(
    "arguments,text",
    [
        ({"weights": {"eazy": 1.0}}, "no tier 'eazy'; the tiers are easy, medium, hard"),
        ({"weights": {"easy": -1.0}}, "at least 0"),
        ({"weights": {"easy": 0.0}}, "not all 0"),
        ({"weights": {"easy": float("nan")}}, "finite"),
        ({"tiers": {"a": (1, 2), "b": (2, 3)}}, "'b' shares levels"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        FixedMixture(FIVE, **arguments)
