import numpy as np
import pytest

from lessonplan.selection import Feedback, top_k
from lessonplan.selection.mopps import MoPPS
from lessonplan.selection.scores import band, target
from lessonplan.selection.testing import CHECKS, everything, small_pool

SAMPLERS = {
    "topk": lambda pool, seed: MoPPS(pool, seed=seed),
    "threshold, released": lambda pool, seed: MoPPS(
        pool, select="threshold", compat="released", seed=seed
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name], everything)


DRAWN = np.array([0.06725, 0.56348, 0.97040, 0.36786, 0.63661, 0.75806])
FREE = np.zeros(6, np.int32)


def test_selection_golden():
    """Run against the released sampler: alpha (1,3,9,5,5,2), beta (9,7,1,5,3,2), B = 3."""
    rng = np.random.default_rng(0)
    assert top_k(rng, target(DRAWN), 3, busy=FREE).tolist() == [1, 3, 4]
    inside = {tuple(sorted(top_k(rng, band(DRAWN, 0.3, 0.7), 3, busy=FREE))) for _ in range(20)}
    assert inside == {(1, 3, 4)}
    # ours for what the band does not fill: the nearest to it
    assert top_k(rng, band(DRAWN, 0.3, 0.7), 4, busy=FREE)[3] == 5


def told(sampler, solved, of=8, step=0):
    picks = sampler.ask(len(solved))
    wins = np.arange(of) < np.asarray(solved)[picks][:, None]
    sampler.tell(Feedback(picks, wins.astype(float), np.full(len(picks), step)))
    return sampler.estimate


def test_posterior_golden():
    """Run, G = 8, lam .5: p_hat .25 -> (3, 7), 1.0 -> (9, 1); then two solved visits (calc)."""
    sampler = MoPPS(small_pool(2))
    estimate = told(sampler, [2, 8])
    assert (estimate.alpha.tolist(), estimate.beta.tolist()) == ([3, 9], [7, 1])
    told(sampler, [8, 8])
    assert (estimate.alpha[0], estimate.beta[0]) == (10, 4)
    told(sampler, [8, 8])
    assert (estimate.alpha[0], estimate.beta[0]) == (13.5, 2.5)


@pytest.mark.parametrize("solved", [0, 1])
def test_released_groups_of_one(solved):
    estimate = told(MoPPS(small_pool(1), compat="released"), [solved], of=1)
    assert (estimate.alpha[0], estimate.beta[0]) == (8, 8)
    estimate = told(MoPPS(small_pool(1)), [solved], of=1)
    assert (estimate.alpha[0], estimate.beta[0]) == (1 + solved, 2 - solved)
    estimate = told(MoPPS(small_pool(1), compat="released"), [4])
    assert (estimate.alpha[0], estimate.beta[0]) == (5, 5)


@pytest.mark.parametrize("select", ["topk", "threshold"])
def test_it_asks_what_is_believed_near_the_target(select):
    sampler = MoPPS(small_pool(40), target=0.5, select=select, floor=0.0)
    rates = np.repeat([0, 2, 8, 14], 10)  # of 16
    for step in range(6):
        told(sampler, rates, of=16, step=step)
    counts = np.zeros(40)
    for _ in range(200):
        picks = sampler.ask(5)
        np.add.at(counts, picks, 1)
        sampler.tell(Feedback(picks, np.full((5, 1), np.nan), np.zeros(5, np.int64)))
    assert counts[20:30].sum() > 0.95 * counts.sum()
    assert counts[20:30].min() > 0


@pytest.mark.parametrize(
    "wrong", [{"select": "best"}, {"compat": "old"}, {"lo": 0.8}, {"lam": 2.0}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="must|need"):
        MoPPS(small_pool(3), **wrong)
