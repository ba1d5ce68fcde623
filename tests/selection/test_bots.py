import numpy as np
import pytest

from lessonplan.errors import PoolError
from lessonplan.generators.pool import Pool
from lessonplan.selection import Feedback, Uniform
from lessonplan.selection.bots import BOTS
from lessonplan.selection.steps import ToldStep
from lessonplan.selection.testing import CHECKS, Numbered, everything, small_pool


def anchors(pool):
    weak = np.arange(len(pool)) % 7 / 10
    return {"weak": weak, "strong": np.minimum(1, weak + 0.3)}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda pool, seed: BOTS(pool, seed=seed, **anchors(pool)), everything)


GOLDEN = {"weak": [0.1, 0.2, 0, 0.6], "strong": [0.5, 0.8, 0.4, 1]}


def step(rates, group_size=16):
    positions, rate = np.array(list(rates)), np.array(list(rates.values()))
    solved = (group_size * rate).astype(int)
    return ToldStep(0, positions, solved, np.full(len(rate), group_size))


def test_golden():
    sampler = BOTS(small_pool(4), **GOLDEN)
    sampler.learn(step({0: 0.25, 1: 0.75}))
    assert sampler.competence == pytest.approx(0.699999, abs=1e-6)
    np.testing.assert_allclose(sampler.alpha, [5, 13, 1.448, 2.408], atol=5e-6)
    np.testing.assert_allclose(sampler.beta, [13, 5, 2.152, 1.192], atol=5e-6)
    sampler.learn(step({2: 0.5}))
    assert sampler.competence == pytest.approx(0.754998, abs=1e-6)
    np.testing.assert_allclose(sampler.alpha, [5.2432, 12.8448, 9.4032, 3.7104], atol=1e-5)
    np.testing.assert_allclose(sampler.beta, [12.7568, 5.1552, 10.0368, 1.3296], atol=1e-5)


def test_the_update_is_the_formula_on_every_problem():
    rng, size = np.random.default_rng(0), 100_000  # several blocks
    weak, strong = rng.random((2, size))
    sampler = BOTS(Pool(Numbered(size)), weak=weak, strong=strong, lam=0.2, rho=0.3)
    alpha, beta, c = np.ones(size), np.ones(size), None
    for _ in range(3):
        i = np.sort(rng.choice(size, 50, replace=False))
        solved = rng.integers(9, size=50)
        sampler.learn(ToldStep(0, i, solved, np.full(50, 8)))
        found = (solved.mean() / 8 - weak[i].mean()) / (strong[i].mean() - weak[i].mean() + 1e-6)
        c = found if c is None else 0.9 * c + 0.1 * found
        q, s, f = np.clip(weak + c * (strong - weak), 0, 1), np.zeros(size), np.zeros(size)
        q[i], s[i], f[i] = solved / 8, solved, 8 - solved
        alpha = 0.8 * alpha + 0.2 + 0.7 * s + 0.3 * q * 8
        beta = 0.8 * beta + 0.2 + 0.7 * f + 0.3 * (1 - q) * 8
    np.testing.assert_allclose(sampler.alpha, alpha)
    np.testing.assert_allclose(sampler.beta, beta)


def test_anchors_that_agree_say_nothing_of_the_policy():
    sampler = BOTS(small_pool(4), weak=[0.5, 0.5, 0, 0], strong=[0.5, 0.5, 1, 1])
    sampler.learn(step({0: 1.0, 1: 1.0}))
    assert sampler.competence == 0 and sampler.learned == 0
    np.testing.assert_allclose(sampler.alpha, [17, 17, 1, 1])  # no evidence on the unvisited
    sampler.learn(step({2: 0.25}))
    assert sampler.competence == pytest.approx(0.25, abs=1e-5)


def test_rho_is_halved_when_the_implied_rates_are_far_off():
    groups = step({0: 0.0, 1: 1.0})  # implied .42 and .68 at c = .8: off by .37 on average
    plain, halved = BOTS(small_pool(4), **GOLDEN), BOTS(small_pool(4), halve_rho=True, **GOLDEN)
    for sampler in (plain, halved):
        sampler.learn(groups)
    q = 0 + plain.competence * 0.4
    np.testing.assert_allclose(plain.alpha[2] - halved.alpha[2], 0.05 * q * 16)
    near = step({0: 0.25, 1: 0.75})
    plain, halved = BOTS(small_pool(4), **GOLDEN), BOTS(small_pool(4), halve_rho=True, **GOLDEN)
    for sampler in (plain, halved):
        sampler.learn(near)
    np.testing.assert_array_equal(plain.alpha, halved.alpha)


def sharp(tau=0.0):
    """Posteriors so narrow that draws are the means .1, .3, .5, .7 ..."""
    sampler = BOTS(small_pool(5), weak=[0] * 5, strong=[1] * 5, floor=0, tau=tau)
    means = np.array([0.1, 0.35, 0.5, 0.7, 0.95])
    sampler.alpha, sampler.beta = 1e9 * means, 1e9 * (1 - means)
    return sampler


def test_the_top_of_the_draws():
    assert set(sharp().ask(2)) == {2, 1}
    assert set(sharp().ask(3)) == {2, 1, 3}


def test_the_softmax_of_the_draws():
    counts = np.zeros(5)
    sampler = sharp(tau=0.2)
    for _ in range(4000):
        picks = sampler.ask(1)
        counts[picks] += 1
        sampler.ledger.release(picks)
    expected = np.exp(-np.array([0.4, 0.15, 0, 0.2, 0.45]) / 0.2)
    np.testing.assert_allclose(counts / 4000, expected / expected.sum(), atol=0.03)


def test_a_large_pool_draws_among_candidates():
    size = 300_000
    sampler = BOTS(Pool(Numbered(size)), weak=np.zeros(size), strong=np.ones(size), floor=0)
    sampler.alpha[: size // 2], sampler.beta[: size // 2] = 1, 1e6
    sampler.alpha[size // 2 :], sampler.beta[size // 2 :] = 500, 500
    picks = sampler.ask(64)
    assert len(np.unique(picks)) == 64 and picks.min() >= size // 2
    everyone = sampler.ask(size - 64)
    assert len(np.unique(np.concatenate([picks, everyone]))) == size


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"weak": [0.1] * 3}, r"weak must hold 4 .* \(3,\)"),
        ({"strong": [0.5, 0.5, 1.5, 0.5]}, "strong .* 1.5 at position 2"),
        ({"weak": [0.5, np.nan, 0.5, 0.5]}, "weak .* nan at position 1"),
    ],
)
def test_bad_anchors_are_refused(options, text):
    with pytest.raises(PoolError, match=text):
        BOTS(small_pool(4), **{**GOLDEN, **options})


@pytest.mark.parametrize("options", [{"lam": 1.5}, {"rho": -0.5}, {"floor": 2}, {"tau": -1}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        BOTS(small_pool(4), **GOLDEN, **options)


def run(sampler, rates, steps, n=8, group_size=8):
    """How often each problem was asked after a third of the steps, and the share of mixed groups."""
    rng, asked, mixed = np.random.default_rng(0), np.zeros(len(sampler.ledger.busy)), []
    for at in range(steps):
        picks = sampler.ask(n)
        wins = (rng.random((n, group_size)) < rates(at / steps)[picks][:, None]).astype(float)
        sampler.tell(Feedback(picks, wins, np.full(n, at)))
        if at >= steps // 3:
            np.add.at(asked, picks, 1)
            mixed.append(((wins.mean(axis=1) > 0) & (wins.mean(axis=1) < 1)).mean())
    return asked, np.mean(mixed)


def test_more_mixed_groups_than_uniform_while_the_policy_moves():
    rng = np.random.default_rng(2)
    weak = np.clip(rng.normal(0.0, 0.4, 400), 0, 1)
    strong = np.clip(weak + rng.normal(0.4, 0.4, 400), weak, 1)
    pool = small_pool(400)

    def rates(time):
        return weak + time * (strong - weak)

    uniform = run(Uniform(pool, seed=1), rates, 120)[1]
    assert run(BOTS(pool, weak=weak, strong=strong, seed=1), rates, 120)[1] > uniform + 0.12


def test_no_favorite_where_all_are_alike():
    sampler = BOTS(small_pool(), weak=[0.3] * 40, strong=[0.7] * 40, seed=1)
    asked, _ = run(sampler, lambda time: np.full(40, 0.5), 900)
    assert asked.min() > 0.6 * asked.mean() and asked.max() < 1.5 * asked.mean()
