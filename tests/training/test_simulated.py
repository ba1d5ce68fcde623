"""The simulated learner does what its formulas say, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from lessonplan.training.scenario import Problems, Scenario, Skills, load_scenario
from lessonplan.training.simulated import (
    Learners,
    draw_world,
    success_rate,
    transfer_matrix,
)


def scenario(**parts):
    given = {"problems": Problems(train=40, test=20, levels=4), "skills": Skills(count=2)}
    return Scenario("test", 0.5, **(given | parts))


def test_success_rate_is_the_logistic_of_ability_less_difficulty():
    theta, difficulty = np.array([1.0, 0.0, -1.0, 5.0]), np.array([0.5, 0.0, 1.0, np.inf])
    expected = [1 / (1 + np.exp(-1.0)), 0.5, 1 / (1 + np.exp(4.0)), 0.0]
    assert success_rate(theta, difficulty, 2.0) == pytest.approx(expected, abs=1e-12)
    assert expected[0] == pytest.approx(0.7310586)


def test_transfer_falls_with_distance():
    e = np.exp(-1.0)
    assert transfer_matrix(Skills(count=3)) == pytest.approx(
        np.array([[1, e, e * e], [e, 1, e], [e * e, e, 1]])
    )
    assert (transfer_matrix(Skills(count=3, reach=0.0)) == np.eye(3)).all()
    assert (transfer_matrix(Skills(count=3, reach=np.inf)) == 1).all()
    own = ((1.0, 0.5), (0.0, 1.0))
    assert (transfer_matrix(Skills(count=2, transfer=own)) == np.array(own)).all()


def test_levels_are_even_and_skills_are_bands_of_levels():
    world = draw_world(scenario(), 0)
    assert world.pool.level_counts() == {1: 10, 2: 10, 3: 10, 4: 10}
    assert (world.skill == (world.pool.levels > 2)).all()
    crossed = draw_world(scenario(skills=Skills(count=2, by="any")), 0)
    assert all(crossed.skill[crossed.pool.levels == level].mean() == 0.5 for level in (1, 2, 3, 4))
    means = [world.difficulty[world.pool.levels == level].mean() for level in (1, 2, 3, 4)]
    assert means == sorted(means)


def test_a_world_depends_on_seed_and_index_alone():
    one, again = draw_world(scenario(), 3), draw_world(scenario(worlds=99), 3)
    other, reseeded = draw_world(scenario(), 4), draw_world(scenario(seed=1), 3)
    assert (one.difficulty == again.difficulty).all() and one.start == again.start
    assert (one.difficulty != other.difficulty).all()
    assert (one.difficulty != reseeded.difficulty).all()


def test_only_mixed_groups_teach_and_by_p_times_q():
    rules = Skills(count=2, rate=0.1, start=0.3, start_spread=0.0, reach=1.0)
    made = scenario(skills=rules)
    world = draw_world(made, 0)
    learners = Learners([world], made)
    positions = np.array([[0, 5, 30]])  # skills 0, 0, 1
    p = learners.rates(positions)[0]
    right, wrong = np.zeros(4), np.full(4, 0.999999)
    mixed = np.array([0.0, 0.999999, 0.999999, 0.999999])
    rewards, worth = learners.practice(positions, np.array([[right, wrong, mixed]]))
    assert rewards.tolist() == [[[1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]]]
    assert worth.gain == pytest.approx([0, 0, p[2] * (1 - p[2])])
    assert (learners.theta == 0.3).all()  # nothing is learned before `learn`
    learners.learn(worth)
    step = 0.1 * p[2] * (1 - p[2])
    assert learners.theta[0] == pytest.approx([0.3 + step * np.exp(-1), 0.3 + step])


def test_gains_of_a_step_add_up_and_rows_do_not_touch():
    made = scenario(skills=Skills(count=2, rate=0.1, start_spread=0.0, reach=0.0))
    world = draw_world(made, 0)
    learners = Learners([world, world], made)
    positions = np.array([[0, 1], [30, 30]])
    mixed = np.array([0.0, 0.999999])
    p = learners.rates(positions)
    _, worth = learners.practice(positions, np.broadcast_to(mixed, (2, 2, 2)))
    learners.learn(worth)
    gain = 0.1 * (p * (1 - p)).sum(axis=1)
    assert learners.theta == pytest.approx(np.array([[gain[0], 0], [0, gain[1]]]))


def test_unsolvable_problems_are_never_solved_and_wrong_keys_teach_wrong():
    made = scenario(
        problems=Problems(train=40, test=20, levels=4, unsolvable=0.25, mislabeled=0.5, lucky=0.2)
    )
    world = draw_world(made, 0)
    learners = Learners([world], made)
    assert (learners.all_rates() == 0).sum() == 10 and world.mislabeled.sum() == 20
    assert not (np.isinf(world.difficulty) & world.mislabeled).any()
    assert np.isfinite(world.test_difficulty).all()
    (wrong,) = np.flatnonzero(world.mislabeled)[:1]
    place = np.array([[wrong]])
    p = learners.rates(place)[0, 0]
    chance = 0.2 * (1 - p)  # a right answer is marked wrong; a wrong one may hit the wrong key
    luck = np.array([[[chance - 1e-6, chance + 1e-6]]])
    rewards, worth = learners.practice(place, luck)
    assert rewards.tolist() == [[[1, 0]]]
    assert worth.gain == pytest.approx([-chance * (1 - chance)])


def test_rewards_come_as_often_as_p_says():
    made = scenario()
    learners = Learners([draw_world(made, 0)], made)
    positions = np.arange(40)[None]
    luck = np.random.default_rng(0).random((1, 40, 4000))
    rewards, _ = learners.practice(positions, luck)
    p = learners.rates(positions)[0]
    error = np.abs(rewards[0].mean(axis=1) - p)
    assert (error < 4.5 * np.sqrt(p * (1 - p) / 4000) + 1e-4).all()


def test_forgetting_drift_and_shock():
    rules = Skills(
        count=2, start=0.0, start_spread=0.0, forgetting=0.1, drift=0.5, shock_step=3,
        shock_size=2.0, shock_skills=(1,),
    )  # fmt: skip
    made = scenario(skills=rules)
    learners = Learners([draw_world(made, 0)], made)
    learners.theta = np.array([[1.0, -1.0]])  # what lies below the start is not forgotten
    learners.between_steps(1, np.array([[2.0, 0.0]]))
    assert learners.theta == pytest.approx(np.array([[0.9 + 1.0, -1.0]]))
    learners.theta = np.zeros((1, 2))
    learners.between_steps(3, None)
    assert learners.theta.tolist() == [[0.0, -2.0]]
    learners.between_steps(0, None)
    assert learners.theta.tolist() == [[0.0, -2.0]]


def test_the_null_world_is_symmetric_after_any_history():
    made = load_scenario("null")
    learners = Learners([draw_world(made, w) for w in range(3)], made)
    rng = np.random.default_rng(0)
    for step in range(30):
        learners.between_steps(step, None)
        rates = learners.all_rates()
        assert np.ptp(rates, axis=1).max() < 1e-12
        assert np.abs(learners.test_rates() - rates[:, :1]).max() < 1e-12
        # whatever is picked, whichever levels: the same chance of a mixed group, the same gain
        positions = rng.integers(0, 20 if step % 2 else 100, size=(3, 8))
        _, worth = learners.practice(positions, rng.random((3, 8, 8)))
        gains = worth.gain[worth.gain > 0]
        assert (
            len(gains)
            and np.isin(gains.round(12), (rates[:, 0] * (1 - rates[:, 0])).round(12)).all()
        )
        learners.learn(worth)
        assert np.ptp(learners.theta, axis=1).max() < 1e-12


def test_a_spread_of_difficulty_breaks_the_symmetry():
    made = load_scenario("null")
    made = replace(made, problems=replace(made.problems, spread=0.1))
    learners = Learners([draw_world(made, 0)], made)
    assert np.ptp(learners.all_rates()) > 0.05
