"""Simulations: equal rollouts, the same for the same seed, and every group comes back."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from lessonplan.curricula import AdaptiveDifficulty
from lessonplan.errors import ConfigError
from lessonplan.selection import SOLVED, BetaDecay, Uniform
from lessonplan.training.scenario import (
    Delays,
    Entrant,
    Practice,
    Problems,
    Scenario,
    Skills,
    load_scenario,
)
from lessonplan.training.simulate import known_beforehand, simulate
from lessonplan.training.simulate_record import OUTCOMES, PARTS, estimate_of
from lessonplan.training.simulated import draw_world

REVIEW = "lessonplan.selection.review:Review"
SMALL = Scenario(
    "small",
    0.5,
    samplers=("Uniform", "AdaptiveDifficulty"),
    worlds=3,
    problems=Problems(train=60, test=20, levels=4),
    skills=Skills(count=4),
    practice=Practice(steps=30, problems_per_step=5, group_size=4, every=10),
)


class Listener(Uniform):
    """Uniform, and writes down what it asked for and heard."""

    def __init__(self, pool, seed):
        super().__init__(pool, seed=seed)
        self.asked, self.heard = [], []

    def ask(self, n):
        picks = super().ask(n)
        self.asked.append(picks)
        return picks

    def tell(self, feedback):
        assert self.ledger.release(feedback.positions).all()  # each was open: told once
        self.heard.append((len(self.asked) - 1, feedback))


def listen(scenario):
    """One world of `scenario` with a listener: the listener, and the simulation."""
    made = []

    def make(world, seed):
        made.append(Listener(world.pool, seed))
        return made[-1]

    done = simulate(replace(scenario, worlds=1, samplers=("Uniform",)), entrants={"ears": make})
    return made[0], done


def test_every_sampler_generates_the_same_rollouts():
    done = simulate(SMALL)
    assert done.samplers == ("Uniform", "AdaptiveDifficulty")
    assert (done.generated == 30 * 5 * 4).all() and done.generated.shape == (2, 3)
    assert done.rollouts.tolist() == [0, 200, 400, 600]
    assert (done.asked.sum(axis=(2, 3)) == 30 * 5).all()
    assert (done.picked.sum(axis=(2, 3)) == 30 * 5).all()
    assert (done.outcomes.sum(axis=(2, 3)) == 30 * 5).all()
    assert set(done.pool.sum(axis=3).ravel()) == {60}


class Short(Uniform):
    def ask(self, n):
        return super().ask(n - 1)


def test_a_sampler_that_asks_for_less_is_not_compared():
    with pytest.raises(ConfigError, match=r"Short: ask\(5\) named 4 problems"):
        simulate(SMALL, entrants={"short": lambda world, seed: Short(world.pool, seed=seed)})


def test_the_same_seed_gives_the_same_result_in_any_company():
    delays = Delays(late=1.0, lost=0.1)
    scenario = replace(SMALL, delays=delays, skills=Skills(count=4, drift=0.05))
    one, again = simulate(scenario), simulate(scenario)
    other = simulate(replace(scenario, seed=1))
    for field in ("success", "asked", "outcomes", "picked", "tracking", "lag"):
        first, second = getattr(one, field), getattr(again, field)
        assert np.array_equal(first, second, equal_nan=True), field
        alone = getattr(simulate(replace(scenario, worlds=2, samplers=("Uniform",))), field)
        assert np.array_equal(alone[0], first[0, :2], equal_nan=True), field
    assert (one.success[..., 1:] != other.success[..., 1:]).all()


def test_without_delays_groups_are_told_at_once():
    ears, done = listen(SMALL)
    assert len(ears.asked) == len(ears.heard) == 30
    for step, ((now, feedback), asked) in enumerate(zip(ears.heard, ears.asked, strict=True)):
        assert now == step and (feedback.policy_steps == step).all()
        assert (feedback.positions == asked).all()
        assert np.isin(feedback.rewards, (0, 1)).all()
    assert ears.ledger.in_flight == 0 and (done.lag == 0).all()


def test_late_and_lost_groups_reach_tell():
    scenario = replace(
        SMALL,
        practice=Practice(steps=200, problems_per_step=10, group_size=4),
        problems=Problems(train=400, test=20, levels=4),
        delays=Delays(late=2.0, slow_hard=0.7, lost=0.1, lost_after=9),
    )
    ears, done = listen(scenario)
    now = np.concatenate([np.full(len(f.positions), at) for at, f in ears.heard])
    step = np.concatenate([f.policy_steps for _, f in ears.heard])
    position = np.concatenate([f.positions for _, f in ears.heard])
    rewards = np.concatenate([f.rewards for _, f in ears.heard])
    assert len(now) + ears.ledger.in_flight == 200 * 10  # the rest is under way at the end
    lost = np.isnan(rewards).all(axis=1)
    assert (now - step)[lost].tolist() == [9] * lost.sum()
    assert 0.07 < lost.mean() < 0.13
    level = draw_world(scenario, 0).pool.levels[position]
    wait = [(now - step)[~lost & (level == one)].mean() for one in (1, 2, 3, 4)]
    assert wait == sorted(wait) and wait[3] > 2 * wait[0]
    assert done.lag[1, 0] == pytest.approx((now - step)[~lost].mean())
    assert done.outcomes[1, 0, :, OUTCOMES.index("lost")].sum() == lost.sum()


def test_lost_groups_teach_nothing():
    flat = replace(SMALL, delays=Delays(lost=1.0, lost_after=2))
    done = simulate(flat)
    assert np.ptp(done.success, axis=2).max() == 0
    assert done.trained.sum() == 0
    assert np.ptp(simulate(SMALL).success, axis=2).min() > 0


def test_stale_groups_are_told_and_not_trained_on_which_favors_the_easy():
    late = Delays(late=3.0, slow_hard=0.8)
    practice = Practice(steps=150, problems_per_step=10, group_size=8)
    problems = Problems(train=400, test=20, levels=4, easiest=0.0, hardest=0.0)
    scenario = replace(SMALL, practice=practice, problems=problems, delays=late)
    every, fresh = (
        listen(one)[1] for one in (scenario, replace(scenario, delays=replace(late, stale_after=3)))
    )

    def share_of_hard(done):
        trained = done.trained[1, 0].sum(axis=0)  # (L,)
        return trained[-1] / trained.sum()

    # all problems are equally hard to solve; those of level 4 are only slower
    assert share_of_hard(every) > 0.18
    assert share_of_hard(fresh) < 0.6 * share_of_hard(every)
    asked = fresh.asked[1, 0].sum(axis=0)
    assert np.ptp(asked) < 0.1 * asked.mean()
    heard = fresh.outcomes[1, 0].sum()
    assert heard > 0.9 * asked.sum()  # told all the same


class Watching(Uniform):
    """Uniform picks, and an estimator that listens."""

    values = (*Uniform.values, "estimate")

    def __init__(self, pool, lam, seed):
        super().__init__(pool, seed=seed)
        self.estimate = BetaDecay(len(pool), lam=lam)

    def tell(self, feedback):
        was_open = self.ledger.release(feedback.positions)
        self.estimate.update(feedback.positions[was_open], SOLVED(feedback.rewards)[was_open])


def test_an_estimate_that_forgets_follows_a_drifting_learner_and_one_that_does_not_fails():
    scenario = load_scenario("drifting", samplers=["Uniform"], worlds=6)
    done = simulate(
        scenario,
        entrants={
            "half": lambda world, seed: Watching(world.pool, 0.5, seed),
            "all": lambda world, seed: Watching(world.pool, 1.0, seed),
        },
    )
    error = done.tracking[:, :, PARTS // 2 :].mean(axis=(1, 2))
    assert np.isnan(error[0])  # Uniform estimates nothing
    bound = 0.12
    assert error[1] < bound < error[2]


def test_the_estimate_of_a_sampler_is_found():
    world = draw_world(SMALL, 0)
    sampler = AdaptiveDifficulty(world.pool)
    assert estimate_of(sampler) is sampler.choice.estimate
    assert estimate_of(AdaptiveDifficulty(world.pool, by="level")) is None
    assert estimate_of(Uniform(world.pool)) is None


def test_drift_is_common_to_the_samplers_of_a_world():
    rules = Skills(count=4, rate=0.0, drift=0.2)
    done = simulate(replace(SMALL, skills=rules))
    assert (done.success[0] == done.success[1]).all()
    assert np.ptp(done.success[0, :, -1]) > 0


class Shaping(Uniform):
    shapes_groups = True


def test_what_does_not_fit_is_refused_in_words():
    with pytest.raises(ConfigError, match="shaping sets group sizes"):
        simulate(SMALL, entrants={"shaping": lambda world, seed: Shaping(world.pool, seed=seed)})
    wrong = replace(
        SMALL,
        samplers=("Uniform", "far"),
        arms={"far": Entrant("AdaptiveDifficulty", {"target": 3.0})},
    )
    with pytest.raises(ConfigError, match="far: target must lie between 0 and 1, got 3.0"):
        simulate(wrong)


def test_what_a_user_would_know_beforehand():
    world = draw_world(SMALL, 0)
    known = known_beforehand(SMALL, world)
    assert known["steps"] == 30
    assert (known["weak"] < known["strong"]).all()
    hardest = known["strong"][world.pool.levels == 4]
    assert hardest.mean() == pytest.approx(0.5, abs=0.1)


def test_progress_is_reported():
    seen = []
    simulate(SMALL, watch=lambda step, steps: seen.append((step, steps)))
    assert seen == [(step, 30) for step in range(1, 31)]


def test_success_by_skill_averages_to_success():
    done = simulate(SMALL)
    assert done.by_skill.mean(axis=3) == pytest.approx(done.success)  # 5 test problems each


def test_a_shock_is_seen_in_the_lost_skill_alone():
    rules = Skills(count=4, rate=0.0, shock_step=10, shock_size=1.0, shock_skills=(2,))
    practice = replace(SMALL.practice, every=1)
    done = simulate(replace(SMALL, skills=rules, practice=practice))
    before, after = done.by_skill[:, :, 9], done.by_skill[:, :, 10]
    assert (after[..., 2] < before[..., 2]).all()
    assert (np.delete(after, 2, axis=-1) == np.delete(before, 2, axis=-1)).all()


def test_an_arm_may_wrap_other_samplers():
    arms = {
        "gentle": Entrant("AdaptiveDifficulty", {"target": 0.7}),
        "reviewed": Entrant(REVIEW, {"interval": 5}, around=("gentle",)),
        "twice": Entrant(REVIEW, around=("reviewed",)),
    }
    done = simulate(replace(SMALL, samplers=("Uniform", "reviewed", "twice"), arms=arms))
    assert done.samplers == ("Uniform", "reviewed", "twice")
    assert np.isfinite(done.tracking[1:]).any(axis=2).all()  # the estimate of the innermost
    two = replace(SMALL, samplers=("x",), arms={"x": Entrant(REVIEW, around=("LIM", "Uniform"))})
    with pytest.raises(ConfigError, match="wraps one sampler, got 2"):
        simulate(two)


def test_no_torch_and_no_drawing_is_imported():
    code = (
        "import sys, lessonplan.training.simulate, lessonplan.training.simulate_report;"
        "print([m for m in ('torch', 'transformers', 'trl', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
