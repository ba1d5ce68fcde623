import numpy as np
import pytest

from lessonplan.curricula.e2h import E2H, classic, cosine, gaussian
from lessonplan.errors import PoolError, StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.testing import CHECKS, everything

CONFIGURATIONS = {
    "cosine": {"schedule": "cosine", "steps": 12},
    "narrow gaussian": {"schedule": "gaussian", "sigma": 0.01, "min_prob": False, "steps": 7},
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_contract(name, check):
    arguments = {"steps": 100, **CONFIGURATIONS[name]}
    check(lambda pool, seed: E2H(pool, seed=seed, **arguments), everything)


def pool_of(*levels):
    return Pool([Problem(id=f"p{i}", prompt="", answer="", level=x) for i, x in enumerate(levels)])


FOUR = pool_of(*[1 + i % 4 for i in range(400)])


def tell(sampler, picks, step, reward=1.0):
    m = len(picks)
    sampler.tell(Feedback(picks, np.full((m, 2), reward), np.full(m, step)))


def at(step, **arguments):
    """The chances of levels 1..4 before optimizer step `step` of 100."""
    sampler = E2H(FOUR, steps=100, floor=0, **arguments)
    if step:
        tell(sampler, sampler.ask(1), step - 1)
    sampler.ask(1)  # closes the step
    return sampler.chances()


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, (0.4, 0.3, 0.2, 0.1)), (50, (0.25,) * 4), (100, (0.1, 0.2, 0.3, 0.4))],
)
def test_cosine_has_the_numbers_of_the_reference(step, expected):
    np.testing.assert_allclose(at(step, schedule="cosine"), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, (0.6283, 0.1715, 0.1002, 0.1)),
        (50, (0.1001, 0.1383, 0.5604, 0.2012)),
        (100, (0.1, 0.1002, 0.1715, 0.6283)),
    ],
)
def test_gaussian_has_the_numbers_of_the_reference(step, expected):
    np.testing.assert_allclose(at(step, schedule="gaussian"), expected, atol=5e-5)


def test_min_prob_false_means_a_least_chance_of_zero():
    bell = np.exp(-2.0 * np.arange(4) ** 2)  # t = 0, sigma = .5
    expected = bell / bell.sum()
    np.testing.assert_allclose(at(0, schedule="gaussian", min_prob=False), expected)


def test_balanced_never_moves():
    for step in (0, 50, 100):
        np.testing.assert_array_equal(at(step, schedule="balanced"), [0.25] * 4)


def test_classic_takes_one_level_after_the_other():
    levels = [int(np.argmax(classic(t, 10, 4))) for t in range(13)]
    assert levels == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]  # floor(4 t / 10)
    # .29 * 100 is 28.999999999999996: a schedule in fractions is a step late here
    assert np.argmax(classic(29, 100, 100)) == 29


def test_a_bell_between_two_levels_does_not_vanish():
    np.testing.assert_allclose(gaussian(0.5, 4, 1.0, 0.001, 0.0), [0, 0.5, 0.5, 0])


@pytest.mark.parametrize("levels", [1, 2, 10])
def test_schedules_are_probabilities(levels):
    for progress in np.linspace(0, 1, 11):
        mixtures = (
            cosine(progress, levels),
            gaussian(progress, levels, 0.5, 0.5, 2 / (levels * (levels + 1))),
        )
        for mixture in mixtures:
            assert mixture.min() >= 0 and mixture.sum() == pytest.approx(1)


def test_slots_follow_the_schedule():
    sampler, asked = E2H(FOUR, steps=100, floor=0, seed=1), []
    for _ in range(100):
        picks = sampler.ask(20)
        asked.extend(FOUR.levels[picks])
        tell(sampler, picks, 0, reward=np.nan)  # no step was made: t stays 0
    shares = np.bincount(asked, minlength=5)[1:] / 2000
    np.testing.assert_allclose(shares, (0.4, 0.3, 0.2, 0.1), atol=0.04)


def test_time_is_the_latest_step_heard_of_plus_one():
    at_once, singly = (E2H(FOUR, steps=10, seed=3) for _ in range(2))
    for step in range(12):
        picks = np.concatenate([at_once.ask(6), at_once.ask(2)])
        assert at_once.step == step
        tell(at_once, picks, step)
        for pick in [singly.ask(1) for _ in range(8)]:
            assert singly.step == step
            tell(singly, pick, step)
        assert at_once.metrics()["progress"] == singly.metrics()["progress"] == min(step / 10, 1)
    np.testing.assert_array_equal(at_once.chances(), singly.chances())


def test_a_repeated_or_late_tell_does_not_move_time():
    sampler = E2H(FOUR, steps=10)
    picks = sampler.ask(2)
    tell(sampler, picks[:1], 3)
    tell(sampler, picks[:1], 7)
    sampler.ask(1)
    assert sampler.step == 0  # step 3 is not complete
    tell(sampler, sampler.ask(1), 4)
    sampler.ask(1)
    assert sampler.step == 4
    tell(sampler, picks[1:], 3)
    sampler.ask(1)
    assert sampler.step == 4


def test_another_number_of_steps_must_be_confirmed():
    old = E2H(FOUR, steps=100, schedule="cosine", floor=0)
    tell(old, old.ask(4), 49)
    old.ask(1)
    state = old.state_dict()
    longer = E2H(FOUR, steps=200, floor=0)
    with pytest.raises(StateError, match="steps=100.*steps=200.*extend=True"):
        longer.load_state_dict(state)
    assert longer.horizon == 200 and not longer.ledger.in_flight
    extended = E2H(FOUR, steps=200, floor=0, extend=True)
    extended.load_state_dict(state)
    assert extended.metrics()["progress"] == 0.25
    again = E2H(FOUR, steps=200, floor=0)  # from here on 200 is the number
    again.load_state_dict(extended.state_dict())
    np.testing.assert_array_equal(again.chances(), extended.chances())


def test_the_floor_is_a_share_for_every_problem():
    pool = pool_of(0, 0, 1, 1, 1, 1, 2, 2, 2, 5)
    sampler = E2H(pool, steps=10, schedule="classic", floor=0.2)
    assert sampler.names == ("unknown_level", "level_1", "level_2", "level_5")
    chances = sampler.chances()
    assert np.all(chances >= 0.2 * np.array([2, 4, 3, 1]) / 10)
    assert chances[1] > 0.8 and chances.sum() == pytest.approx(1)
    nothing = E2H(pool, steps=10, schedule="classic", floor=0).chances()
    np.testing.assert_array_equal(nothing, [0, 1, 0, 0])


def test_a_pool_without_levels_is_refused():
    with pytest.raises(PoolError, match="needs levels"):
        E2H(pool_of(0, 0), steps=10)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"schedule": "linear"}, "one of balanced, classic, cosine, gaussian, got 'linear'"),
        ({"sigma": 0}, "must be positive"),
        ({"mu_exp": -1}, "must be positive"),
        ({"floor": 2}, r"floor must lie in \[0, 1\], got 2"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        E2H(FOUR, **{"steps": 10, **arguments})


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
    pool = pool_of(*[1 + i % 10 for i in range(1000)])
    for seed in range(3):
        uniform, ours = (
            Uniform(pool, seed=seed),
            E2H(pool, steps=80, schedule="gaussian", mu_exp=1, seed=seed),
        )
        assert skill(ours, pool, seed) > 2 * skill(uniform, pool, seed)
        uniform, ours = (
            Uniform(pool, seed=seed),
            E2H(pool, steps=80, schedule="gaussian", mu_exp=1, seed=seed),
        )
        null = skill(ours, pool, seed, null=True)
        assert null == pytest.approx(skill(uniform, pool, seed, null=True), rel=0.02)
