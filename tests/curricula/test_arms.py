"""Arms of a pool, and what every arm sampler owes its arms: a floor, and a memory by name."""

import numpy as np
import pytest

from lessonplan.curricula.arm_estimators import ArmQ
from lessonplan.curricula.arms import ArmSampler, arm_codes
from lessonplan.curricula.dump import DUMP
from lessonplan.curricula.learning_progress import LearningProgress
from lessonplan.curricula.sec import SEC
from lessonplan.curricula.target_ratio import TargetRatioAfterGate
from lessonplan.curricula.tscl import TSCL
from lessonplan.errors import PoolError, StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection import Feedback, old_positions


def pool_of(levels, families=None, first=0):
    families = families or ["custom"] * len(levels)
    return Pool(
        [
            Problem(id=f"p{first + i}", prompt="", answer="", level=int(level), family=family)
            for i, (level, family) in enumerate(zip(levels, families, strict=True))
        ]
    )


class Fixed(ArmSampler):
    """Weights given from outside; remembers how often each arm was heard."""

    by_arm = ("heard",)

    def __init__(self, pool, *, weights=None, by="level", floor=0.05, seed=0):
        super().__init__(pool, by=by, floor=floor, seed=seed)
        self.given = np.ones(len(self.names)) if weights is None else np.array(weights, float)
        self.heard = ArmQ(len(self.names), a=1.0)
        self.steps = []

    def weights(self):
        return self.given

    def learn(self, told):
        self.steps.append(told)
        seen, count = np.unique(told.arms, return_counts=True)
        self.heard.update(seen, self.heard.q[seen] + count)


# -- arms ---------------------------------------------------------------------------------------

MIXED = pool_of([3, 0, 1, 3, 1, 7], ["b", "a", "a", "a", "b", "b"])


@pytest.mark.parametrize(
    ("by", "codes", "names"),
    [
        ("level", [2, 0, 1, 2, 1, 3], ["unknown_level", "level_1", "level_3", "level_7"]),
        ("family", [1, 0, 0, 0, 1, 1], ["a", "b"]),
        (
            "level x family",
            [4, 0, 1, 2, 3, 5],
            ["a_unknown_level", "a_level_1", "a_level_3", "b_level_1", "b_level_3", "b_level_7"],
        ),
        ("tier", [1, -1, 0, 1, 0, 2], ["easy", "medium", "hard"]),
        ([5, 5, 2, -1, 2, -3], [1, 1, 0, -1, 0, -1], ["2", "5"]),
        (np.array(["x", "y", "x", "x", "z", "z"]), [0, 1, 0, 0, 2, 2], ["x", "y", "z"]),
    ],
)
def test_arms_of_a_pool(by, codes, names):
    found, found_names = arm_codes(MIXED, by)
    assert found.tolist() == codes
    assert list(found_names) == names


def test_only_some_arms_in_an_order_of_ones_own():
    codes, names = arm_codes(MIXED, "level", only=["level_7", "level_1"])
    assert codes.tolist() == [-1, -1, 1, -1, 1, 0] and names == ("level_7", "level_1")
    codes, names = arm_codes(MIXED, "tier", tiers={"low": (1,), "none": (2,), "high": (7, 3)})
    assert codes.tolist() == [1, -1, 0, 1, 0, 1] and names == ("low", "high")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"by": "task"}, ValueError, "by must be .*'task'"),
        ({"by": [1, 2]}, ValueError, "each of the 6 problems, got int64 of shape"),
        ({"by": [0.5] * 6}, ValueError, "whole number or text .* float64"),
        ({"by": [-1] * 6}, PoolError, "no problem in any arm"),
        ({"by": "level", "only": ["level_2"]}, PoolError, "in 'level_2'; its arms: unknown_level,"),
    ],
)
def test_wrong_arms_are_named(arguments, error, text):
    with pytest.raises(error, match=text):
        arm_codes(MIXED, **arguments)


@pytest.mark.parametrize("by", ["level", "level x family", "tier"])
def test_levels_are_needed_where_they_are_the_arms(by):
    with pytest.raises(PoolError, match="no problem of this pool has one"):
        arm_codes(pool_of([0, 0]), by)
    assert arm_codes(pool_of([0, 0]), "family")[1] == ("custom",)


# -- floor --------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [0.0, 0.05, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("sizes", [[1, 1, 98], [40, 40, 20], [100], [1, 1, 1, 1]])
def test_every_problem_and_every_arm_keeps_the_floor(floor, sizes):
    pool = pool_of(np.repeat(np.arange(1, len(sizes) + 1), sizes))
    for favorite in range(len(sizes)):
        weights = np.zeros(len(sizes))
        weights[favorite] = 1
        chances = Fixed(pool, weights=weights, floor=floor).chances()
        assert chances.sum() == pytest.approx(1)
        by_problem = chances / np.array(sizes)
        assert by_problem.min() >= floor / sum(sizes) * (1 - 1e-12)
        if floor <= 0.5:
            assert chances.min() >= floor / len(sizes) * (1 - 1e-12)
            assert chances[favorite] >= 1 - 2 * floor


def test_the_floor_of_equal_arms_costs_no_more_than_itself():
    sampler = Fixed(pool_of([1, 2, 3, 4] * 5), weights=[0, 0, 1, 0], floor=0.2)
    np.testing.assert_allclose(sampler.chances(), [0.05, 0.05, 0.85, 0.05])


def test_problems_of_an_arm_come_equally_often():
    sampler = Fixed(pool_of([1] * 5 + [2] * 10), weights=[0.5, 0.5], floor=0.0)
    counts = np.zeros(15, int)
    for step in range(300):
        picks = sampler.ask(3)
        np.add.at(counts, picks, 1)
        sampler.tell(Feedback(picks, np.ones((3, 2)), np.full(3, step)))
    assert np.ptp(counts[:5]) <= 1 and np.ptp(counts[5:]) <= 1
    assert 0.45 < counts[:5].sum() / counts.sum() < 0.55


# -- learning by steps --------------------------------------------------------------------------


def test_a_step_is_learned_once_and_whole():
    sampler = Fixed(pool_of([1, 1, 2, 2]))
    picks = np.sort(sampler.ask(4))
    wins = np.array([[1, 0], [1, 1], [0, np.nan], [np.nan, np.nan]])
    sampler.tell(Feedback(picks[:1], wins[:1], np.array([6])))
    sampler.tell(Feedback(picks[1:], wins[1:], np.array([6, 6, 6])))
    sampler.ask(1)
    (told,) = sampler.steps
    assert told.step == 6 and told.arms.tolist() == [0, 0, 1]
    assert told.solved.tolist() == [1, 2, 0] and told.scored.tolist() == [2, 2, 1]
    assert [one.tolist() for one in told.of_two_or_more()] == [[0, 0], [1, 2], [2, 2]]
    seen, rates = told.success_rates()
    assert seen.tolist() == [0, 1] and rates.tolist() == [0.75, 0]


# -- other pools --------------------------------------------------------------------------------


def test_statistics_follow_the_name_of_the_arm():
    old = pool_of([1, 1, 2, 2, 3, 3], ["b", "b", "b", "c", "c", "c"])
    new = pool_of([9, 2, 2, 1, 3, 0], ["a", "b", "c", "b", "c", "a"], first=1)
    for by in ("level", "family"):
        sampler = Fixed(old, by=by)
        sampler.heard.q[:] = 10 * np.arange(1, len(sampler.names) + 1)
        held = dict(zip(sampler.names, sampler.heard.q, strict=True))
        moved = Fixed(new, by=by)
        moved.load_state_dict(moved.remap(sampler.state_dict(), old_positions(old.ids, new.ids)))
        assert [held.get(name, 0.0) for name in moved.names] == moved.heard.q.tolist()
        assert np.sort(moved.ask(6)).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_problem_that_changed_its_arm_is_still_asked():
    pool = pool_of([1, 1, 2, 2])
    sampler = Fixed(pool, by=[0, 0, 1, 1])
    sampler.ask(2)
    moved = Fixed(pool, by=[1, 1, 1, 0])
    moved.load_state_dict(moved.remap(sampler.state_dict(), np.arange(4)))
    busy = np.flatnonzero(sampler.ledger.busy)
    assert np.sort(moved.ask(2)).tolist() == np.setdiff1d(np.arange(4), busy).tolist()


def test_other_arms_are_refused():
    pool = pool_of([1, 2], ["a", "b"])
    state = Fixed(pool, by="level").state_dict()
    with pytest.raises(StateError, match="arms level_1, level_2, this sampler a, b"):
        Fixed(pool, by="family").load_state_dict(state)
    with pytest.raises(StateError, match="another `by`"):
        Fixed(pool, by="family").remap(state, np.arange(2))
    with pytest.raises(StateError, match="list for each arm"):
        Fixed(pool).remap({**state, "names": None}, np.arange(2))


# -- what every arm sampler owes ----------------------------------------------------------------

SAMPLERS = {
    "SEC": SEC,
    "SEC released": lambda pool, **rest: SEC(pool, compat="released", **rest),
    "DUMP": DUMP,
    "LearningProgress": LearningProgress,
    "TSCL": TSCL,
    "TSCL window, boltzmann": lambda pool, **rest: TSCL(
        pool, variant="window", policy="boltzmann", **rest
    ),
    "TSCL online, boltzmann": lambda pool, **rest: TSCL(
        pool, variant="online", policy="boltzmann", **rest
    ),
    "TSCL naive": lambda pool, **rest: TSCL(pool, variant="naive", **rest),
    "TargetRatioAfterGate": lambda pool, by="level", **rest: TargetRatioAfterGate(
        pool, by=by, **rest
    ),
}
LEVELS = np.repeat([1, 2, 3, 4, 5], 8)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("rates", [[1, 0, 0.5, 0, 1], [0.5, 0, 0, 0, 0]])
def test_no_winner_takes_all_under_constant_feedback(name, rates):
    sampler, pool_rates = SAMPLERS[name](pool_of(LEVELS), seed=1), np.array(rates)[LEVELS - 1]
    visits, last, gap = np.zeros(5), np.zeros(5), np.zeros(5)
    for step in range(150):
        picks = sampler.ask(16)
        wins = np.arange(8) < 8 * pool_rates[picks][:, None]
        sampler.tell(Feedback(picks, wins.astype(float), np.full(16, step)))
        now = np.unique(LEVELS[picks]) - 1
        gap[now] = np.maximum(gap[now], step - last[now])
        last[now] = step
        visits += np.bincount(LEVELS[picks] - 1, minlength=5)
    gap = np.maximum(gap, 150 - last)
    shares = visits / visits.sum()
    entropy = -(shares * np.log(shares)).sum() / np.log(5)
    # the floor of .05 alone gives an arm .16 slots a step: shares of .96 and four times .01
    assert entropy > 0.13
    assert shares.min() > 0.005
    assert gap.max() < 50
    assert sampler.metrics()["arm_entropy"] > 0.13


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("kind", ["all solved", "none solved", "half", "unscorable", "one rollout"])
def test_chances_are_finite_whatever_is_told(name, kind):
    sampler = SAMPLERS[name](pool_of([1, 2, 3, 4] * 4))
    wins = {
        "all solved": [1.0] * 8,
        "none solved": [0.0] * 8,
        "half": [1.0] * 4 + [0.0] * 4,
        "unscorable": [np.nan] * 8,
        "one rollout": [1.0] + [np.nan] * 7,
    }[kind]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for step in range(12):
            picks = sampler.ask(16)  # the whole pool: all arms hear the same
            sampler.tell(Feedback(picks, np.tile(wins, (16, 1)), np.full(16, 1000 * step)))
        sampler.ask(0)
        chances = sampler.shares
    assert np.isfinite(chances).all() and chances.sum() == pytest.approx(1)
    if not name.startswith("TSCL") or "boltzmann" in name:  # greedy draws may differ by arm
        np.testing.assert_allclose(chances, 0.25)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_reward_coding_gives_the_same_picks(name):
    runs = []
    for wrong, right in [(0, 1), (-1, 1), (-0.5, 1), (0.1, 1.1)]:
        sampler, rng = SAMPLERS[name](pool_of(LEVELS), seed=2), np.random.default_rng(3)
        picks = []
        for step in range(30):
            picks.append(sampler.ask(8))
            wins = rng.random((8, 4)) < LEVELS[picks[-1]][:, None] / 6
            rewards = np.where(wins, right, wrong).astype(float)
            sampler.tell(Feedback(picks[-1], rewards, np.full(8, step)))
        runs.append(np.concatenate(picks))
    for run in runs[1:]:
        np.testing.assert_array_equal(run, runs[0])


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_family_that_comes_and_one_that_goes(name):
    def make(pool):
        return SAMPLERS[name](pool, by="family")

    old = pool_of([1] * 20, ["a"] * 10 + ["b"] * 10)
    new = pool_of([1] * 20, ["b"] * 10 + ["c"] * 10, first=10)
    sampler = make(old)
    for step in range(15):
        picks = sampler.ask(6)
        wins = np.random.default_rng(step).random((6, 4)) < 0.4
        sampler.tell(Feedback(picks, wins.astype(float), np.full(6, step)))
    late = sampler.ask(4)
    moved = make(new)
    moved.load_state_dict(moved.remap(sampler.state_dict(), old_positions(old.ids, new.ids)))
    assert moved.names == ("b", "c")
    for part in moved.by_arm:
        for array in getattr(moved, part).arrays:
            mine, theirs = getattr(getattr(moved, part), array), getattr(sampler, part)
            np.testing.assert_array_equal(mine[0], getattr(theirs, array)[1])
            np.testing.assert_array_equal(mine[1], getattr(getattr(make(new), part), array)[1])
    free = 20 - np.count_nonzero(late >= 10)
    assert len(np.unique(moved.ask(free))) == free


def test_a_floor_outside_of_0_to_1_is_refused():
    with pytest.raises(ValueError, match="floor must lie"):
        Fixed(pool_of([1]), floor=1.5)


def test_metrics_name_the_arms():
    sampler = Fixed(pool_of([1, 2] * 4), weights=[3, 1], floor=0.0)
    assert sampler.metrics()["arm_entropy"] == pytest.approx(1)
    sampler.ask(2)
    numbers = sampler.metrics()
    assert numbers["share_level_1"] == 0.75 and numbers["share_level_2"] == 0.25
    assert numbers["in_flight"] == 2
    assert Fixed(pool_of([1, 1])).metrics()["arm_entropy"] == 0
