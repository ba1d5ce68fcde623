import numpy as np
import pytest

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.curricula.static import EasyOnly
from lessonplan.selection import (
    LIM,
    SOLVED,
    BetaDecay,
    Feedback,
    Ledger,
    Sampler,
    Uniform,
    proportional,
)
from lessonplan.selection.cdas import CDAS
from lessonplan.selection.review import Review
from lessonplan.selection.speed import SPEED
from lessonplan.selection.testing import CHECKS, everything, small_pool
from lessonplan.selection.wrappers import Mixture, StalenessMix, Warmup, Wrapper, family


class Own(Sampler):
    """A sampler as users write it, without a floor."""

    values = ("estimate",)

    def __init__(self, pool, *, seed=0):
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool))
        self.estimate = BetaDecay(len(pool))

    def ask(self, n):
        p = self.estimate.mean(np.arange(len(self.ledger.busy)))
        picks = proportional(self.rng, p * (1 - p), n, busy=self.ledger.busy)
        return self.ledger.take(picks)

    def tell(self, feedback):
        wins = SOLVED(feedback.rewards)
        was_open = self.ledger.release(feedback.positions)
        self.estimate.update(feedback.positions[was_open], wins[was_open])


def mixture(pool, seed):
    children = [EasyOnly(pool, seed=seed), AdaptiveDifficulty(pool, seed=seed)]
    return Mixture(children, weights=[1, 2], seed=seed)


def nested(pool, seed):
    warm = Warmup(CDAS(pool, seed=seed), steps=2, seed=seed)
    return Review(Mixture([warm, LIM(pool, seed=seed)], seed=seed), interval=2)


WRAPPED = {
    "warm uniform": lambda pool, seed: Warmup(Uniform(pool, seed=seed), steps=3),
    "stale own": lambda pool, seed: StalenessMix(Own(pool, seed=seed), seed=seed),
    "mixture": mixture,
    "nested": nested,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", WRAPPED)
def test_contract(name, check):
    check(WRAPPED[name], everything)


def tell(sampler, picks, step, rate=0.5, group_size=4):
    wins = np.tile(np.arange(group_size) < rate * group_size, (len(picks), 1))
    sampler.tell(Feedback(picks, wins.astype(float), np.full(len(picks), step)))


@pytest.mark.parametrize("name", WRAPPED)
def test_all_ledgers_hold_the_same_open_asks(name):
    sampler, rng, waiting = WRAPPED[name](small_pool(), 1), np.random.default_rng(0), []
    for step in range(60):
        waiting.append(sampler.ask(int(rng.integers(1, 30))))
        if len(waiting) > 1 + step % 2:
            tell(sampler, waiting.pop(0), step, rate=step % 3 / 2)
        for one in family(sampler):
            np.testing.assert_array_equal(one.ledger.busy, sampler.ledger.busy)
            assert one.ledger.in_flight == sampler.ledger.in_flight


def test_children_hear_each_others_groups():
    pool = small_pool()
    deaf, own = Uniform(pool), Own(pool)
    sampler = Mixture([deaf, own], weights=[1, 0])
    picks = sampler.ask(4)
    tell(sampler, picks, 0, rate=1.0)
    np.testing.assert_array_equal(np.flatnonzero(own.estimate.alpha > 1), np.sort(picks))


def test_warmup_is_uniform_until_its_steps_were_told():
    sampler = Warmup(EasyOnly(small_pool()), steps=3)
    easy = np.flatnonzero(small_pool().levels <= 2)
    firsts = []
    for step in range(3):
        firsts.append(sampler.ask(10))
        tell(sampler, firsts[-1], step)
    assert len(np.unique(firsts)) == 30  # no repeats within the first round
    assert not np.isin(firsts, easy).all()
    assert np.isin(sampler.ask(10), easy).all()


def test_warmup_of_no_steps_is_the_child():
    plain, wrapped = Own(small_pool()), Warmup(Own(small_pool()), steps=0)
    np.testing.assert_array_equal(plain.ask(9), wrapped.ask(9))


def test_unscorable_steps_do_not_end_the_warmup():
    sampler = Warmup(EasyOnly(small_pool()), steps=1)
    picks = sampler.ask(4)
    sampler.tell(Feedback(picks, np.full((4, 2), np.nan), np.zeros(4, int)))
    assert sampler.step == 0
    tell(sampler, picks, 0)  # already closed
    assert sampler.step == 0
    tell(sampler, sampler.ask(1), 0)
    assert sampler.step == 1


def test_golden_staleness_term():
    sampler = StalenessMix(EasyOnly(small_pool(5)), coef=1.0)
    sampler.clock, sampler.last_asked[:] = 6, [1, 5, 6, 4, 3]  # C = 5 1 0 2 3, as in PLR
    counts = np.zeros(5)
    for _ in range(4000):
        picks = sampler.ask(1)
        counts[picks] += 1
        sampler.tell(Feedback(picks, np.full((1, 1), np.nan), np.zeros(1, int)))
        sampler.clock, sampler.last_asked[:] = 6, [1, 5, 6, 4, 3]
    np.testing.assert_allclose(counts / 4000, np.array([5, 1, 0, 2, 3]) / 11, atol=0.03)


def test_staleness_counts_slots_since_the_last_ask():
    sampler = StalenessMix(Uniform(small_pool(6)), coef=0.0)
    picks = [sampler.ask(2), sampler.ask(1), sampler.ask(2)]
    age = sampler.clock - sampler.last_asked
    assert [age[each].tolist() for each in picks] == [[3, 3], [2], [0, 0]]
    assert np.sort(age)[-1] == 5  # never asked


class Favorites(Own):
    """Asks the first four for ever."""

    def ask(self, n):
        weights = (np.arange(len(self.ledger.busy)) < 4).astype(float)
        return self.ledger.take(proportional(self.rng, weights, n, busy=self.ledger.busy))


def asked(sampler, steps, n):
    counts = np.zeros(len(sampler.ledger.busy), int)
    for step in range(steps):
        picks = sampler.ask(n)
        np.add.at(counts, picks, 1)
        tell(sampler, picks, step)
    return counts


def test_staleness_finds_what_its_child_starves():
    assert asked(Favorites(small_pool()), 200, 4)[4:].sum() == 0
    counts = asked(StalenessMix(Favorites(small_pool()), coef=0.25), 200, 4)
    assert counts[4:].min() >= 2 and counts[:4].sum() > 500


def test_mixture_follows_its_weights_to_a_slot():
    for n in (1, 3, 8):
        sampler = Mixture([Favorites(small_pool()), Uniform(small_pool())], weights=[0.1, 0.9])
        given = np.zeros(2)
        for slots in range(n, 200, n):
            given += sampler._counts(sampler.shares(), n)
            assert np.abs(given - slots * np.array([0.1, 0.9])).max() < 1


def test_mixture_by_schedule():
    def weights(step):
        return [max(0, 10 - step), min(10, step)]

    sampler = Mixture([Favorites(small_pool()), Uniform(small_pool())], weights=weights)
    shares = []
    for step in range(12):
        shares.append(sampler.metrics()["share_1"])
        tell(sampler, sampler.ask(2), step)
    np.testing.assert_allclose(shares, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1])


def test_a_child_without_free_problems_lends_its_slots():
    pool = small_pool()
    easy = np.flatnonzero(pool.levels <= 2)  # 16 of 40
    sampler = Mixture([EasyOnly(pool), Uniform(pool)], weights=[3, 1])
    picks = sampler.ask(40)
    np.testing.assert_array_equal(np.sort(picks), np.arange(40))
    tell(sampler, picks, 0)
    assert np.isin(sampler.ask(8), easy).sum() >= 6


def test_a_mixture_of_one_part_repeats_only_its_own():
    pool = small_pool()
    sampler = Mixture([EasyOnly(pool), Uniform(pool)], weights=[1, 0])
    picks = sampler.ask(20)
    counts = np.bincount(picks, minlength=40)
    assert counts[pool.levels <= 2].min() == 1 and counts[pool.levels > 2].max() == 0


def test_a_mixture_with_half_uniform_gains_half():
    """Every fifth problem is solved half the time; the others always or never."""
    rates = np.where(np.arange(100) % 5 == 0, 0.5, np.arange(100) % 2)
    pool, rng, mixed = small_pool(100), np.random.default_rng(0), {}
    for name, weights in {"uniform": [1, 0], "half": [1, 1], "own": [0, 1]}.items():
        sampler = Mixture([Uniform(pool, seed=1), AdaptiveDifficulty(pool)], weights=weights)
        found = []
        for step in range(120):
            picks = sampler.ask(8)
            wins = (rng.random((8, 8)) < rates[picks][:, None]).astype(float)
            sampler.tell(Feedback(picks, wins, np.full(8, step)))
            found.append(((wins.mean(axis=1) > 0) & (wins.mean(axis=1) < 1)).mean())
        mixed[name] = np.mean(found[40:])
    assert mixed["uniform"] < mixed["half"] - 0.1 < mixed["own"] - 0.2


def test_no_favorite_where_all_are_alike():
    pool = small_pool()
    counts = asked(StalenessMix(Mixture([Uniform(pool), AdaptiveDifficulty(pool)])), 600, 8)
    assert counts.min() > 0.7 * counts.mean() and counts.max() < 1.3 * counts.mean()


def in_flight():
    sampler = Uniform(small_pool())
    sampler.ask(2)
    return sampler


def shared():
    child = Uniform(small_pool())
    return [child, child]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Mixture([]), "at least one"),
        (lambda: Mixture([Uniform(small_pool(3)), Uniform(small_pool(4))]), r"\[3, 4\]"),
        (lambda: Mixture(shared()), "distinct"),
        (lambda: Warmup(in_flight(), steps=1), "Uniform has 2 asks in flight"),
        (lambda: Warmup(SPEED(small_pool()), steps=1), "SPEED sets group sizes"),
        (lambda: Warmup(Uniform(small_pool()), steps=-1), "steps .* -1"),
        (lambda: StalenessMix(Uniform(small_pool()), coef=1.5), "coef .* 1.5"),
        (lambda: Mixture([Uniform(small_pool())], weights=[1, 2]), r"1 finite .* \[1.0, 2.0\]"),
        (lambda: Mixture([Uniform(small_pool())], weights=lambda step: [0]), "not all 0"),
    ],
)
def test_bad_arguments_are_refused(build, text):
    with pytest.raises(ValueError, match=text):
        build()


def test_a_wrapper_is_a_sampler_to_those_outside():
    assert issubclass(Wrapper, Sampler)
    assert nested(small_pool(), 0).metrics()["in_flight"] == 0
