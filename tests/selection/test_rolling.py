import hashlib

import numpy as np
import pytest

from lessonplan.selection import LIM, Feedback, Ledger, Rounds
from lessonplan.selection.rolling import LINEAR, HistoricalVariance, take_unasked
from lessonplan.selection.testing import CHECKS, everything, small_pool

ROLLING = {"linear": LINEAR, "variance": HistoricalVariance}
GAP = np.nan


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ROLLING)
def test_contract(name, check):
    check(lambda pool, seed: ROLLING[name](pool, seed=seed), everything)


def holding(kind, curves, **options):
    """A sampler that remembers these curves (P, K)."""
    sampler = kind(small_pool(len(curves)), window=len(curves[0]), **options)
    sampler.curve.last[:] = curves
    sampler.curve._restored()
    return sampler


def test_golden_linear():
    curves = [[0.2, 0.5, 0.8], [0, 0.5, 1], [0, 0, 0], [0.4, 0.4, 0.6], [1, 1, 1]]
    golden = [0.9375, 1, 0, 0.4444]
    for threshold in (-0.01, 0.4, 0.5, 0.93, 0.94, 0.999):
        kept = holding(LINEAR, curves, threshold=threshold).weight(np.arange(5))
        np.testing.assert_array_equal(kept, [*(score > threshold for score in golden), 0])


def test_golden_variance():
    curves = [[0.2, 0.5, 0.8], [1, 1, 1], [0, 0, 0]]
    weights = holding(HistoricalVariance, curves).weight(np.arange(3))
    np.testing.assert_allclose(weights / 2, [0.2449, 0, 0], atol=5e-5)


def test_golden_lim():
    curves = [[0.2, 0.5, 0.8], [1, 1, 1], [0, 0, 0], [0.4, 0.4, 0.6]]
    golden = [0.8987, 0, 0.0628, 0.9929]
    for threshold in (-0.1, 0.06, 0.07, 0.89, 0.9, 0.99, 0.995):
        kept = holding(LIM, curves, threshold=threshold).weight(np.arange(4))
        np.testing.assert_array_equal(kept, [score > threshold for score in golden])


def test_young_curves_count_by_the_visits_they_have():
    curves = [[GAP] * 4, [GAP, GAP, GAP, 1.0], [GAP, GAP, 0.2, 0.6], [GAP, 0.0, 0.5, 1.0]]
    variance = holding(HistoricalVariance, curves).weight(np.arange(4))
    np.testing.assert_allclose(variance, [1, 1, 0.4, 2 * np.std([0, 0.5, 1])], rtol=1e-3)
    linear = holding(LINEAR, [*curves, [0.0, 0.0, 0.0, 0.0]]).weight(np.arange(5))
    np.testing.assert_array_equal(linear, [1, 1, 1, 1, 0])  # the last one alone is whole


def test_lim_picks_as_before_it_had_a_base():
    digest = hashlib.sha256()
    for seed in (0, 1, 5):
        sampler = LIM(small_pool(), window=3 if seed == 5 else 8, seed=seed)
        rng, waiting = np.random.default_rng(seed), []
        for step in range(400):
            waiting.append(sampler.ask(5 if step % 3 else 9))
            digest.update(waiting[-1].astype("<i8").tobytes())
            if len(waiting) > 1:
                picks = waiting.pop(0)
                wins = (rng.random((len(picks), 8)) > picks[:, None] / 45).astype(float)
                sampler.tell(Feedback(picks, wins, np.full(len(picks), step)))
    assert digest.hexdigest()[:32] == "7bb285cd94fe6358c190a57b4261e1a3"


def test_the_first_round_passes_over_what_is_in_flight_and_does_not_begin_again():
    unasked, ledger = Rounds(np.arange(200), (0,)), Ledger(200)
    ledger.take(np.arange(0, 200, 2))
    picks = np.concatenate([take_unasked(unasked, 30, ledger) for _ in range(9)])
    np.testing.assert_array_equal(np.sort(picks), np.arange(1, 200, 2))
    assert unasked.round == 0


def run(sampler, rate, steps, group_size):
    """How often each problem was asked, with success rates rate(visits so far)."""
    rng, asked = np.random.default_rng(0), np.zeros(40)
    for step in range(steps):
        picks = sampler.ask(8)
        wins = (rng.random((8, group_size)) < rate(asked)[picks][:, None]).astype(float)
        np.add.at(asked, picks, 1)
        sampler.tell(Feedback(picks, wins, np.full(8, step)))
    return asked


def kinds(visits):
    """Always solved, never solved, and two that improve with practice."""
    rising = np.minimum(visits / 4, 1.0)
    return np.choose(np.arange(40) % 4, [1.0, 0.0, rising, rising])


@pytest.mark.parametrize("name", ROLLING)
def test_more_of_what_improves_than_uniform(name):
    asked = run(ROLLING[name](small_pool(), window=4, seed=1), kinds, 32, 32)
    assert asked[np.arange(40) % 4 >= 2].sum() > 0.6 * asked.sum()  # uniform: half


@pytest.mark.parametrize("name", ROLLING)
def test_no_favorite_where_all_are_alike(name):
    asked = run(ROLLING[name](small_pool(), seed=1), lambda visits: np.full(40, 0.5), 1000, 8)
    assert asked.min() > 0.5 * asked.mean() and asked.max() < 1.7 * asked.mean()


@pytest.mark.parametrize("options", [{"floor": 1.5}, {"window": 0}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        LINEAR(small_pool(), **options)
