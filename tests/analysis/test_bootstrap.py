"""What a resample moves, and by how much: runs, units, items, and the weight of the base point."""

from dataclasses import replace

import numpy as np
import pytest

from lessonplan.analysis.bootstrap import _run_moves, _without_luck, design, resample

ALIKE = np.zeros(200, dtype=np.int64)


def cells(rng, units, *, own=0.0, items=200):
    """Two samplers, three sizes: answers of units to items of shared and of own difficulty."""
    hard = rng.normal(0, 1, items)
    return [
        (rng.random((3, units, items)) < 1 / (1 + np.exp(hard + own * rng.normal(size=(3, 1, items)))))
        .astype(float)
        for _ in range(2)
    ]  # fmt: skip


def test_runs_move_a_cell_by_draws_from_all_residuals():
    seen = np.array([[0.5, 0.52], [0.6, 0.68]])  # residuals -.01, .01, -.04, .04
    moved = _run_moves(np.random.default_rng(0), seen, 20_000)
    assert moved.shape == (20_000, 2) and (moved[0] == 0).all()
    sd = np.sqrt((0.01**2 + 0.04**2) / 2 * 2 / 2)  # inflated by 2/(2-1), mean of two draws
    np.testing.assert_allclose(moved.std(0), sd, rtol=0.02)
    assert not _run_moves(np.random.default_rng(0), seen[:, :1], 9).any()


def test_luck_with_single_answers_is_taken_out_of_items():
    rng = np.random.default_rng(0)
    shares = cells(rng, 3)
    before = np.concatenate(shares).mean(1)
    after = np.concatenate(_without_luck(shares, ALIKE))
    np.testing.assert_allclose(after.mean(1), before.mean(1))  # accuracies stay
    np.testing.assert_allclose(after.mean(0), before.mean(0), atol=1e-12)  # and what cells share
    spread = [(one - one.mean(0) - one.mean(1, keepdims=True)).var() for one in (before, after)]
    assert spread[1] < 0.1 * spread[0]
    half = np.concatenate(_without_luck(shares, ALIKE, part=0.5))
    assert (half - half.mean(0)).var() == pytest.approx(
        (before - before.mean(0)).var() / 2, rel=0.1
    )


def test_what_items_do_to_all_units_alike_stays():
    shares = cells(np.random.default_rng(1), 1, own=3.0)
    same = [np.repeat(one, 3, axis=1) for one in shares]  # three units with the same answers
    for mine, given in zip(_without_luck(same, ALIKE), same, strict=True):
        np.testing.assert_allclose(mine, given.mean(1))
    mixed = cells(np.random.default_rng(1), 4, own=3.0)
    kept, raw = np.concatenate(_without_luck(mixed, ALIKE)), np.concatenate(mixed).mean(1)
    assert 0.4 < (kept - kept.mean(0)).var() / (raw - raw.mean(0)).var() < 0.95


def test_tiers_are_kept_apart():
    shares = cells(np.random.default_rng(2), 3)
    strata = np.arange(200) % 2
    before, after = shares[0].mean(1), _without_luck(shares, strata)[0]
    for tier in (0, 1):
        np.testing.assert_allclose(
            after[:, strata == tier].mean(1), before[:, strata == tier].mean(1)
        )


def test_the_base_point_weighs_what_its_answers_are_worth(tools):
    values = {(s, n): [0.6, 0.7, 0.65] for s in "ab" for n in (8, 32, 128)}
    table = tools.make_table(values)
    starts = resample(design(table, ("a", "b")), table, resamples=50)
    a0, items = float(starts.base[0]), 1 / (table.weights @ table.weights)
    assert starts.weights(0)[0] == pytest.approx(3 * items / (a0 * (1 - a0)))  # three base models
    one = replace(
        table,
        start=("s0",) * len(table.n),
        starts=("s0",),
        base=table.base[:1],
        seed=np.arange(len(table.n)),
    )
    runs = resample(design(one, ("a", "b")), one, resamples=50)
    a0 = float(runs.base[0])
    assert runs.weights(0)[0] == pytest.approx(items / (a0 * (1 - a0)))  # one, evaluated once
    assert runs.weights(0)[1] == pytest.approx(3 / runs.sd**2)
