import numpy as np
import pytest

from lessonplan.selection import Feedback
from lessonplan.selection.prompt_replay import PromptReplay
from lessonplan.selection.testing import CHECKS, everything, small_pool

SAMPLERS = {
    "short pause": lambda pool, seed: PromptReplay(pool, cooldown=1, max_reuse=3, seed=seed),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name], everything)


def told(sampler, picks, rates, step, of=8):
    wins = np.arange(of) < np.round(of * np.asarray(rates))[:, None]
    sampler.tell(Feedback(picks, wins.astype(float), np.full(len(picks), step)))


def run(sampler, rates, steps, asked=8):
    """(steps, asked) picks, and how many of each step were replays; problem i solves rates[i]."""
    picks, replayed = [], []
    for step in range(steps):
        picks.append(sampler.ask(asked))
        replayed.append(int(sampler.metrics()["replayed"]))
        told(sampler, picks[-1], rates[picks[-1]], step)
    return np.array(picks), np.array(replayed)


def test_the_band_is_inclusive_and_the_nearest_to_half_comes_first():
    sampler = PromptReplay(small_pool(8), share=0.99, cooldown=0)
    rates = np.array([0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0])
    picks = sampler.ask(8)
    told(sampler, picks, rates[picks], 0)
    np.testing.assert_array_equal(
        sampler.rate, [np.nan, 0.25, 0.375, 0.5, 0.625, 0.75, *[np.nan] * 2]
    )
    replays = sampler.ask(5)
    assert replays[0] == 3
    assert set(replays[1:3]) == {2, 4} and set(replays[3:]) == {1, 5}


def test_a_problem_pauses_after_each_group():
    rates = np.full(400, 0.5)
    picks, replayed = run(PromptReplay(small_pool(400), cooldown=4, seed=1), rates, 40)
    assert (replayed[:5] == 0).all()
    assert replayed[10:].mean() == pytest.approx(4, abs=0.6)  # half of the slots
    for step, now in enumerate(picks):
        assert not np.isin(now[: replayed[step]], picks[max(0, step - 4) : step]).any()


def test_replays_are_counted_and_end():
    sampler = PromptReplay(small_pool(60), cooldown=0, max_reuse=3, seed=2)
    _, replayed = run(sampler, np.full(60, 0.5), 120)
    assert replayed.sum() == 180 and sampler.reuses.tolist() == [3] * 60
    assert (replayed[-20:] == 0).all()


def test_fresh_slots_walk_through_the_pool():
    rates = np.where(np.arange(40) < 20, 1.0, 0.5)
    sampler = PromptReplay(small_pool(40), cooldown=2, seed=3)
    picks, replayed = run(sampler, rates, 100)
    fresh = np.concatenate([now[count:] for now, count in zip(picks, replayed, strict=True)])
    counts = np.bincount(fresh, minlength=40)
    assert counts.max() - counts.min() <= 1
    replays = np.concatenate([now[:count] for now, count in zip(picks, replayed, strict=True)])
    assert (replays >= 20).all()


def test_a_problem_leaves_the_buffer_when_it_is_solved():
    sampler = PromptReplay(small_pool(8), share=0.9, cooldown=0, seed=4)
    told(sampler, sampler.ask(8), np.full(8, 0.5), 0)
    picks = sampler.ask(6)
    told(sampler, picks, np.ones(6), 1)
    assert np.isnan(sampler.rate[picks]).all()


@pytest.mark.parametrize(
    "wrong", [{"share": 1.0}, {"lo": 0.9}, {"cooldown": -1}, {"max_reuse": -1}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="must|need"):
        PromptReplay(small_pool(3), **wrong)
