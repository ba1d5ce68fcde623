import numpy as np
import pytest

from lessonplan.selection import Feedback, Ledger, Uniform
from lessonplan.selection.greso import GRESO, Stream, adapted, next_batch
from lessonplan.selection.steps import ToldStep
from lessonplan.selection.testing import CHECKS, everything, small_pool


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda pool, seed: GRESO(pool, seed=seed), everything)


def learn(sampler, solved, scored=8, first=0):
    positions = first + np.arange(len(solved))
    sampler.learn(ToldStep(0, positions, np.array(solved), np.full(len(solved), scored)))


def test_golden_skip_probabilities_by_streak():
    sampler = GRESO(small_pool(9))
    sampler.streak[:] = [0, 1, 2, 3, 4, 5, 6, 7, -3]
    skip = 1 - sampler.kept(np.arange(9))
    golden = [0, 0.5, 0.75, 0.875, 0.9375, 0.96875, 0.984375, 0.99, 0.875]
    np.testing.assert_allclose(skip, golden)
    sampler.p_hard = 0.9
    np.testing.assert_allclose(sampler.kept(np.array([3, 8])), [0.125, 0.729])


def test_golden_adaptation():
    shares = [(0.2, 0.05), (0.1, 0.1), (0.17, 0.0833)]
    hard, easy = [0.5], [0.5]
    for hard_share, easy_share in shares:
        hard.append(adapted(hard[-1], hard_share, 0.25 * 2 / 3))
        easy.append(adapted(easy[-1], easy_share, 0.25 / 3))
    np.testing.assert_allclose(hard, [0.5, 0.49, 0.50, 0.49])
    np.testing.assert_allclose(easy, [0.5, 0.51, 0.50, 0.51])
    assert adapted(0.05, 1.0, 0.1) == 0.05 and adapted(0.95, 0.0, 0.1) == 0.95


def test_golden_next_batch():
    assert next_batch(1024, 0.5, 8) == 320
    assert next_batch(8, 0.0, 8) == 64
    assert next_batch(10_000, 0.9, 8) == 384
    assert next_batch(8, 1.0, 8) == 384
    with pytest.raises(ValueError, match="1.5"):
        next_batch(8, 1.5, 8)
    with pytest.raises(ValueError, match="group_size"):
        next_batch(8, 0.5, 0)


def test_streaks_are_of_one_kind_and_end_with_a_mixed_group():
    sampler = GRESO(small_pool(4))
    for solved in ([8, 0, 3, 8], [8, 0, 0, 0], [8, 0, 0, 8]):
        learn(sampler, solved)
    np.testing.assert_array_equal(sampler.streak, [3, -3, -2, 1])
    learn(sampler, [1, 2, 3, 8])
    np.testing.assert_array_equal(sampler.streak, [0, 0, 0, 2])
    for _ in range(2000):
        learn(sampler, [8])
    assert sampler.streak[0] == 1000 and sampler.kept(np.array([0]))[0] == 0.01


def test_first_visits_do_not_adapt():
    sampler = GRESO(small_pool(20))
    learn(sampler, [0] * 6)
    assert (sampler.p_easy, sampler.p_hard) == (0.5, 0.5)
    assert sampler.last_zero_share == 1
    learn(sampler, [0, 3, 8, 8], first=5)  # only the first was seen before, and it is hard
    assert (sampler.p_easy, sampler.p_hard) == (0.51, 0.49)
    assert sampler.last_zero_share == 0.75


def test_a_group_of_one_says_nothing():
    sampler = GRESO(small_pool(4))
    learn(sampler, [1, 0], scored=1)
    assert not sampler.streak.any() and not sampler.seen.any()


def test_a_round_asks_each_once_unless_skipped():
    sampler = GRESO(small_pool(), seed=3)
    sampler.streak[:10] = 100
    sampler.floor = 0.0
    picks = np.concatenate([sampler.ask(5) for _ in range(6)])
    np.testing.assert_array_equal(np.sort(picks), np.arange(10, 40))


def test_the_stream_keeps_each_with_its_chance():
    stream, ledger = Stream(np.arange(8000), (0,)), Ledger(8000)
    chance = np.repeat([1.0, 0.5, 0.1, 0.0], 2000)
    picks = stream.walk(8000, lambda positions: chance[positions], np.random.default_rng(0), ledger)
    kept = np.bincount(picks // 2000, minlength=4) / 2000
    np.testing.assert_allclose(kept, chance[::2000], atol=0.04)
    assert len(np.unique(picks)) == len(picks)
    assert len(stream.rest) == 0


def test_the_rest_of_a_round_that_gave_too_few_goes_by_the_chances():
    sampler = GRESO(small_pool(), seed=0)
    sampler.streak[:] = 100  # all kept with .01
    sampler.streak[:4] = 5  # with .03125
    counts = np.zeros(40)
    for _ in range(1500):
        picks = sampler.ask(1)
        counts[picks] += 1
        sampler.ledger.release(picks)
    share = counts[:4].sum() / counts.sum()
    assert share == pytest.approx(4 * 0.03125 / (4 * 0.03125 + 36 * 0.01), abs=0.04)


@pytest.mark.parametrize("options", [{"zero_share": 2}, {"floor": -1}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        GRESO(small_pool(), **options)


def run(sampler, rates, steps, n=8):
    """How often each problem was asked after a third of the steps, and the share of mixed groups."""
    rng, asked, mixed = np.random.default_rng(0), np.zeros(len(rates)), []
    for step in range(steps):
        picks = sampler.ask(n)
        wins = (rng.random((n, 8)) < rates[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(n, step)))
        if step >= steps // 3:
            np.add.at(asked, picks, 1)
            mixed.append(((wins.mean(axis=1) > 0) & (wins.mean(axis=1) < 1)).mean())
    return asked, np.mean(mixed)


def test_more_mixed_groups_than_uniform():
    pool, rates = small_pool(100), np.where(np.arange(100) % 5 == 0, 0.5, np.arange(100) % 2)
    assert run(Uniform(pool, seed=1), rates, 200)[1] < 0.25
    assert run(GRESO(pool, seed=1), rates, 200)[1] > 0.6


def test_no_favorite_where_all_are_alike():
    asked, _ = run(GRESO(small_pool(), seed=1), np.full(40, 0.5), 600)
    assert asked.min() > 0.9 * asked.mean() and asked.max() < 1.1 * asked.mean()
