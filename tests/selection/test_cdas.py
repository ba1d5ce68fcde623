import numpy as np
import pytest

from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.cdas import CDAS, BothSides, sigmoid
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.steps import ToldStep
from lessonplan.selection.testing import CHECKS, everything, small_pool


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda pool, seed: CDAS(pool, seed=seed), everything)


def bare(size, **options):
    return CDAS(small_pool(size), warmup=False, floor=0, **options)


def learn(sampler, rates):
    """One policy step with the groups {position: success rate}."""
    positions, solved = np.array(list(rates)), np.array([4 * rate for rate in rates.values()])
    sampler.learn(ToldStep(0, positions, solved.astype(int), np.full(len(positions), 4)))


def test_golden_of_the_released_code_all_visited():
    sampler, competence = bare(6), [0.0]
    for _ in range(3):
        learn(sampler, dict(enumerate([0, 0.25, 0.5, 0.75, 1, 1])))
        competence.append(sampler.competence)
    np.testing.assert_allclose(competence, [0, 0.0417, 0.0487, 0.0513], atol=5e-5)
    expected = [0.3454, 0.1754, 0.0054, -0.1646, -0.3348, -0.3348]
    np.testing.assert_allclose(sampler.difficulty, expected, atol=5e-5)
    assert set(sampler.ask(4)) == {0, 1, 2, 3}


def test_golden_of_the_released_code_partial_visits():
    sampler, competence = bare(4), [0.0]
    for rates in ({0: 0.5, 1: 0}, {1: 0.25, 2: 1}, {0: 1, 3: 0}):
        learn(sampler, rates)
        competence.append(sampler.competence)
    np.testing.assert_allclose(competence, [0, -0.0625, 0.00841, -0.012861], atol=5e-6)
    expected = [-0.165966, 0.224168, -0.25781, 0.251051]
    np.testing.assert_allclose(sampler.difficulty, expected, atol=5e-7)
    assert set(sampler.ask(2)) == {0, 1}


def test_what_is_told_is_learned_at_the_next_ask():
    sampler = bare(4)
    picks = sampler.ask(2)
    sampler.tell(Feedback(picks, np.array([[1.0, 0, 0, 0], [1, 1, 1, 1]]), np.zeros(2, int)))
    assert not sampler.difficulty.any()
    sampler.ask(1)
    np.testing.assert_allclose(sampler.difficulty[picks], [0.125, -0.25])
    assert sampler.competence == pytest.approx(0.125 / 4)


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        x = np.array([-1000, 0, np.log(3), 1000])
        np.testing.assert_allclose(sigmoid(x), [0, 0.5, 0.75, 1], atol=1e-12)


LEVELS = np.array([-3.0, -2, -1, 0, 1, 2, 3])


def drawn(n, competence=0.5, busy=(), compat="paper", sides=None, seed=0):
    ledger = Ledger(len(LEVELS))
    ledger.take(np.array(busy, np.int64))
    sides = sides or BothSides(0, compat)
    return sides.take(np.random.default_rng(seed), LEVELS, competence, n, ledger).tolist()


def test_half_from_each_side_nearest_first():
    assert sorted(drawn(2)) == [3, 4]
    assert sorted(drawn(4)) == [2, 3, 4, 5]
    assert sorted(drawn(4, busy=[3, 4])) == [1, 2, 5, 6]


def test_a_short_side_is_topped_up_from_the_other():
    assert sorted(drawn(4, competence=2.5)) == [3, 4, 5, 6]
    assert sorted(drawn(4, competence=-9)) == [0, 1, 2, 3]
    assert sorted(drawn(9)) == [0, 1, 2, 3, 3, 4, 4, 5, 6]  # the nearest twice


def test_the_odd_slot_alternates_also_over_single_asks():
    sides = BothSides(0)
    assert [drawn(1, sides=sides)[0] for _ in range(4)] == [3, 4, 3, 4]
    sides = BothSides(0)
    assert sorted(drawn(3, sides=sides)) == [2, 3, 4]
    assert sorted(drawn(3, sides=sides)) == [3, 4, 5]


def test_equal_to_the_competence_is_below():
    assert drawn(1, competence=0.0) == [3]


def test_ties_are_random_or_as_released():
    flat, ledger = np.zeros(9), Ledger(9)
    first = {
        int(BothSides(0).take(np.random.default_rng(s), flat, 0, 1, ledger)[0]) for s in range(99)
    }
    assert len(first) == 9
    ledger = Ledger(9)
    released = BothSides(0, "released").take(np.random.default_rng(0), flat, 0, 4, ledger)
    assert released.tolist() == [0, 1, 2, 3]


def test_released_refuses_the_odd_batch_that_it_would_cut():
    with pytest.raises(ValueError, match="answers 3 with 2"):
        bare(6, compat="released").ask(3)
    sampler = CDAS(small_pool(5), compat="released", floor=0)
    assert len([*sampler.ask(4), *sampler.ask(2)]) == 6  # one of the first round, one beyond it


def test_the_draw_is_exact_on_large_pools():
    rng = np.random.default_rng(0)
    for spread in (1.0, 0.0):  # continuous, and nearly all tied
        values = np.round(rng.normal(0, 1, 50_000) * spread + 0.2, 6)
        values[:300] = rng.normal(0, 1, 300)
        ledger = Ledger(len(values))
        ledger.take(rng.choice(len(values), 20_000, replace=False))
        free = ledger.busy == 0
        picks = BothSides(0).take(rng, values, 0.1, 200, ledger)
        below, above = (
            np.sort(values[free & (values <= 0.1)]),
            np.sort(values[free & (values > 0.1)]),
        )
        expected = np.concatenate([below[-100:], above[: 200 - len(below[-100:])]])
        np.testing.assert_array_equal(np.sort(values[picks]), expected)
        assert len(np.unique(picks)) == 200 and free[picks].all()


@pytest.mark.parametrize(
    ("options", "text"), [({"floor": 1.5}, "floor .* 1.5"), ({"compat": "code"}, "'code'")]
)
def test_bad_options_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        CDAS(small_pool(), **options)


def run(sampler, rates, steps=150, n=8, group_size=8):
    """How often each problem was asked after a third of the steps, and the share of mixed groups."""
    rng, asked, mixed = np.random.default_rng(0), np.zeros(len(sampler.ledger.busy)), []
    for step in range(steps):
        picks = sampler.ask(n)
        wins = (rng.random((n, group_size)) < rates[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(n, step)))
        if step >= steps // 3:
            np.add.at(asked, picks, 1)
            mixed.append(((wins.mean(axis=1) > 0) & (wins.mean(axis=1) < 1)).mean())
    return asked, np.mean(mixed)


def test_more_mixed_groups_than_uniform():
    pool, rates = small_pool(100), np.where(np.arange(100) % 5 == 0, 0.5, np.arange(100) % 2)
    assert run(Uniform(pool, seed=1), rates)[1] < 0.25
    assert run(CDAS(pool, seed=1), rates)[1] > 0.7


def test_nothing_to_win_where_all_are_alike():
    asked, mixed = run(CDAS(small_pool(), seed=1), np.full(40, 0.5), steps=600, group_size=2)
    assert mixed == pytest.approx(0.5, abs=0.03)  # as for any sampler
    assert np.sort(asked)[-10:].sum() > 0.6 * asked.sum()  # D settles, and the nearest stay nearest
    assert asked.min() > 0  # by the floor
