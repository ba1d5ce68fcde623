"""Every sampler keeps the contract; samplers broken on purpose do not."""

import numpy as np
import pytest

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.curricula.static import EasyOnly, FixedMixture
from lessonplan.selection import LIM, SOLVED, BetaDecay, Ledger, Sampler, Uniform, proportional
from lessonplan.selection.testing import (
    CHECKS,
    check_sampler,
    everything,
    one_group_retires_nobody,
    refused_groups_teach_too,
    what_changes_is_found_again,
)


def easy(pool):
    return np.flatnonzero(pool.levels <= 2)


def easy_or_hard(pool):
    return np.flatnonzero(pool.levels != 3)


SAMPLERS = {
    "uniform": (lambda pool, seed: Uniform(pool, seed=seed), everything),
    "lim": (lambda pool, seed: LIM(pool, seed=seed), everything),
    "easy": (lambda pool, seed: EasyOnly(pool, seed=seed), easy),
    "mixture": (lambda pool, seed: FixedMixture(pool, seed=seed), everything),
    "mixture of two": (
        lambda pool, seed: FixedMixture(pool, weights={"easy": 0.2, "hard": 0.8}, seed=seed),
        easy_or_hard,
    ),
    "adaptive": (lambda pool, seed: AdaptiveDifficulty(pool, seed=seed), everything),
    "adaptive .8": (lambda pool, seed: AdaptiveDifficulty(pool, target=0.8, seed=seed), everything),
    "by level": (lambda pool, seed: AdaptiveDifficulty(pool, by="level", seed=seed), everything),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    make, support = SAMPLERS[name]
    check(make, support)


class Own(Sampler):
    """As the documentation shows it: the smallest adaptive sampler."""

    values = ("estimate",)

    def __init__(self, pool, *, floor=0.05, seed=0):
        self.floor = floor
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.estimate = BetaDecay(len(pool))

    def ask(self, n):
        p = self.estimate.mean(np.arange(len(self.ledger.busy)))
        weights = p * (1 - p) + self.floor
        return self.ledger.take(proportional(self.rng, weights, n, busy=self.ledger.busy))

    def tell(self, feedback):
        wins = SOLVED(feedback.rewards)
        was_open = self.ledger.release(feedback.positions)
        self.estimate.update(feedback.positions[was_open], wins[was_open])


class Repeats(Own):
    def ask(self, n):
        return self.ledger.take(self.rng.integers(len(self.ledger.busy), size=n))


class ForgetsTheLedger(Own):
    def ask(self, n):
        weights = np.ones(len(self.ledger.busy))
        return proportional(self.rng, weights, n, busy=0 * self.ledger.busy)


class NeverFrees(Own):
    def tell(self, feedback):
        self.estimate.update(feedback.positions, SOLVED(feedback.rewards))


class LosesState(Own):
    values = ()


class Starves(Own):
    def ask(self, n):
        p = self.estimate.mean(np.arange(len(self.ledger.busy)))
        weights = (p > 0.15).astype(float)
        return self.ledger.take(proportional(self.rng, weights, n, busy=self.ledger.busy))


class HearsTwice(Own):
    def tell(self, feedback):
        self.ledger.release(feedback.positions)
        self.estimate.update(feedback.positions, SOLVED(feedback.rewards))


class NaNIsFailure(Own):
    def tell(self, feedback):
        was_open = self.ledger.release(feedback.positions)
        wins = np.nan_to_num(SOLVED(feedback.rewards))
        self.estimate.update(feedback.positions[was_open], wins[was_open])


class RawRewards(Own):
    def tell(self, feedback):
        was_open = self.ledger.release(feedback.positions)
        wins = (feedback.rewards > 0).astype(float) * ~np.isnan(feedback.rewards)
        self.estimate.update(feedback.positions[was_open], wins[was_open])


class HearsMixedGroupsOnly(Own):
    def tell(self, feedback):
        was_open = self.ledger.release(feedback.positions)
        wins = SOLVED(feedback.rewards)
        mixed = was_open & (wins.min(axis=1) < wins.max(axis=1))
        self.estimate.update(feedback.positions[mixed], wins[mixed])


class GlobalRandom(Own):
    def ask(self, n):
        np.random.shuffle(np.arange(3))
        return super().ask(n)


class StaysHere(Own):
    def __init__(self, pool, *, seed=0):
        super().__init__(pool, seed=seed)
        self.rule = lambda rewards: rewards


class LoopsOverProblems(Own):
    def ask(self, n):
        sorted(range(len(self.ledger.busy)), key=lambda i: self.estimate.alpha[i] + i % 97)
        return super().ask(n)


class Fails(Own):
    def ask(self, n):
        free = np.flatnonzero(self.ledger.busy == 0)
        return self.ledger.take(self.rng.choice(free, n, replace=False))


class MisfilesRows(Own):
    values = ("estimate", "asked")

    def __init__(self, pool, *, seed=0):
        super().__init__(pool, seed=seed)
        self.asked = np.zeros(len(pool))


class Floats(Own):
    def ask(self, n):
        return super().ask(n).astype(float)


def test_own_sampler_passes_whole_contract():
    check_sampler(lambda pool, seed: Own(pool, seed=seed))


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (Repeats, "repeats|in flight"),
        (ForgetsTheLedger, "in flight"),
        (NeverFrees, "repeats a problem|asked again|in flight"),
        (LosesState, "saved after"),
        (Starves, "never asked again"),
        (HearsTwice, "must leave the state of one tell"),
        (NaNIsFailure, "an error is not a failure"),
        (RawRewards, "not raw rewards|NaN"),
        (GlobalRandom, "global random"),
        (LoopsOverProblems, "do not loop"),
        (MisfilesRows, "belongs in `arrays`"),
        (Floats, "int64"),
    ],
)
def test_contract_catches(broken, text):
    with pytest.raises(AssertionError, match=text):
        check_sampler(lambda pool, seed: broken(pool, seed=seed))


@pytest.mark.parametrize(
    ("check", "broken", "text"),
    [
        (one_group_retires_nobody, Starves, "after one group each, all wrong"),
        (what_changes_is_found_again, Starves, "never heard of"),
        (refused_groups_teach_too, HearsMixedGroupsOnly, "must teach too"),
    ],
)
def test_each_of_these_checks_catches_by_itself(check, broken, text):
    check(lambda pool, seed: Own(pool, seed=seed), everything)
    with pytest.raises(AssertionError, match=text):
        check(lambda pool, seed: broken(pool, seed=seed), everything)


@pytest.mark.parametrize("broken", [StaysHere, Fails])
def test_contract_lets_a_crash_through(broken):
    with pytest.raises((AttributeError, ValueError, TypeError)):
        check_sampler(lambda pool, seed: broken(pool, seed=seed))
