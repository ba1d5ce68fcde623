"""The response to mixtures: exact recovery, the best mixture and its doubt, refusals, the figure."""

from types import SimpleNamespace

import numpy as np
import pytest

from lessonplan.analysis import curves, read_study
from lessonplan.analysis.response import (
    fit_response,
    mixture_rows,
    mixtures,
    response_figure,
    response_rows,
    simplex,
    terms,
    trace_figure,
    traces,
)
from lessonplan.errors import ConfigError

# Ten mixtures of a {3, 3} lattice: corners, thirds along the sides, the middle.
LATTICE = {
    "easy": (1, 0, 0), "medium": (0, 1, 0), "hard": (0, 0, 1),
    "em": (2 / 3, 1 / 3, 0), "me": (1 / 3, 2 / 3, 0), "eh": (2 / 3, 0, 1 / 3),
    "he": (1 / 3, 0, 2 / 3), "mh": (0, 2 / 3, 1 / 3), "hm": (0, 1 / 3, 2 / 3),
    "even": (1 / 3, 1 / 3, 1 / 3),
}  # fmt: skip
TRUE = np.array([0.50, 0.55, 0.40, 0.30, 0.20, -0.10])  # b_1..b_3, b_12, b_13, b_23


def mixed(tools, names=None, *, noise=0.0, coefficients=TRUE, seed=0):
    values = {}
    for name in names or LATTICE:
        top = float((terms(np.array([LATTICE[name]])) @ coefficients)[0])
        values |= {(name, n): 0.35 + (top - 0.35) * part for n, part in ((8, 0.3), (64, 1.0))}
    table = tools.make_table(values, noise=noise, base=0.35, seed=seed)
    return curves(table, tuple(names or LATTICE), resamples=200)


def test_terms_by_hand():
    np.testing.assert_allclose(
        terms(np.array([[0.5, 0.3, 0.2]])), [[0.5, 0.3, 0.2, 0.15, 0.10, 0.06]]
    )


def test_the_simplex_holds_every_mixture_once():
    grid = simplex(3, 10)
    assert len(grid) == 66 == len(np.unique(grid, axis=0))
    np.testing.assert_allclose(grid.sum(axis=1), 1)


def test_coefficients_of_a_quadratic_truth_come_back(tools):
    response = fit_response(mixed(tools), LATTICE)
    assert response.n == 64
    np.testing.assert_allclose(response.coefficients[0], TRUE, atol=0.02)  # but for the ridge
    assert response.misfit < 0.004
    fitted, low, high = response.limits(np.array([[0.5, 0.5, 0.0]]))
    assert fitted[0] == pytest.approx(0.525 + 0.30 / 4, abs=0.003)
    assert low[0] <= fitted[0] <= high[0]


def test_the_best_mixture_is_that_of_the_truth(tools):
    grid = simplex(3)
    truth = grid[(terms(grid) @ TRUE).argmax()]
    best = fit_response(mixed(tools, noise=0.003), LATTICE).best()
    assert np.abs(np.array(best.shares) - truth).max() <= 0.1
    assert all(
        low <= share <= high
        for low, share, high in zip(best.shares_low, best.shares, best.shares_high, strict=True)
    )
    assert 0 < best.alike < 0.6
    assert "could not be shown to be worse" in best.words


def test_noise_widens_what_cannot_be_told_apart(tools):
    quiet, loud = (
        fit_response(mixed(tools, noise=sd), LATTICE).best().alike for sd in (0.003, 0.03)
    )
    assert loud > quiet + 0.1


def test_a_flat_response_names_no_winner(tools):
    flat = np.array([0.5, 0.5, 0.5, 0, 0, 0])
    missed = []
    for seed in range(20):
        response = fit_response(mixed(tools, noise=0.02, coefficients=flat, seed=seed), LATTICE)
        missed.append(response.best().alike < 0.5)
    assert np.mean(missed) < 0.2


def test_fewer_mixtures_than_coefficients_are_refused(tools):
    names = ("easy", "medium", "hard", "em", "even")
    with pytest.raises(ConfigError, match="needs 6 different mixtures, got 5"):
        fit_response(mixed(tools, names), LATTICE)
    both = mixed(tools, (*names, "mh"))
    twins = LATTICE | {"mh": LATTICE["even"]}
    with pytest.raises(ConfigError, match="got 5"):
        fit_response(both, twins)


def test_mixtures_on_one_side_of_the_triangle_are_refused(tools):
    line = {name: (1 - i / 5, i / 5, 0.0) for i, name in enumerate(("a", "b", "c", "d", "e", "f"))}
    table = tools.make_table({(name, n): 0.5 + 0.001 * n for name in line for n in (8, 64)})
    with pytest.raises(ConfigError, match="do not determine"):
        fit_response(curves(table, tuple(line), resamples=40), line)


def test_a_size_that_some_arm_lacks_is_refused(tools):
    with pytest.raises(
        ConfigError, match=r"n = 16 was not run for all arms; sizes of all: \[8, 64"
    ):
        fit_response(mixed(tools), LATTICE, n=16)


def test_shares_come_from_the_configuration(tools, tmp_path):
    folder = tools.write_study(tmp_path / "study", starts=1)
    study = read_study(folder)
    assert mixtures(study, "counting") == {}
    (folder / "study.toml").write_text(
        '[arms.mixed]\nsampler = "FixedMixture"\nmix = "mixed"\n'
        "args = { weights = { easy = 2, hard = 2 } }\n"
        '[arms.easy]\nsampler = "EasyOnly"\nmix = "easy"\n'
    )
    assert mixtures(read_study(folder), "counting") == {
        "easy": (1.0, 0.0, 0.0),
        "mixed": (0.5, 0.0, 0.5),
    }
    (folder / "study.toml").write_text('[arms.mixed]\nsampler = "FixedMixture"\nmix = "mixed"\n')
    assert mixtures(read_study(folder), "counting") == {"mixed": (1 / 3, 1 / 3, 1 / 3)}
    (folder / "study.toml").write_text("[arms.mixed]\nargs = { weights = { esay = 1 } }\n")
    with pytest.raises(ConfigError, match="of easy, medium, hard; got"):
        mixtures(read_study(folder), "counting")


def test_an_adaptive_arm_has_no_mixture():
    study = SimpleNamespace(
        settings={"arms": {"adaptive": {"sampler": "AdaptiveDifficulty", "mix": "mixed"}}},
        samplers=lambda family: ("adaptive",),
    )
    assert mixtures(study, "counting") == {}


def test_rows_and_picture(tools, tmp_path):
    response = fit_response(mixed(tools, noise=0.003), LATTICE)
    rows = response_rows(response)
    assert [sum(row["kind"] == kind for row in rows) for kind in ("arm", "grid", "best")] == [
        10,
        66,
        1,
    ]
    even = next(row for row in rows if row["arm"] == "even")
    assert even["medium"] == pytest.approx(1 / 3)
    assert even["low"] <= even["fitted"] <= even["high"]
    assert even["observed"] == pytest.approx(even["fitted"], abs=0.01)
    picture = response_figure(response)
    assert picture.name == "counting-mixture-response" and str(picture.rows) == str(rows)
    picture.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png", ".pdf", ".csv"}


def test_two_parts_have_no_triangle(tools):
    halves = {"a": (1.0, 0.0), "b": (0.5, 0.5), "c": (0.0, 1.0)}
    table = tools.make_table({(name, n): 0.5 + 0.001 * n for name in halves for n in (8, 64)})
    response = fit_response(curves(table, tuple(halves), resamples=40), halves)
    assert response.coefficients.shape[1] == 3 and response_figure(response) is None


def test_traces_pass_through_the_best_mixture(tools):
    response = fit_response(mixed(tools, noise=0.01), LATTICE)
    best, rows = response.best(), traces(response)
    for tier, share in zip(response.components, best.shares, strict=True):
        curve = [r for r in rows if (r["tier"], r["kind"]) == (tier, "curve")]
        at = next(r for r in curve if r["share"] == pytest.approx(share))
        assert at["accuracy"] == pytest.approx(best.accuracy)
        assert max(r["accuracy"] for r in curve) == pytest.approx(best.accuracy)
        assert all(r["low"] <= r["accuracy"] <= r["high"] for r in curve)
        corner = next(r for r in curve if r["share"] == 1)
        alone = np.eye(3)[response.components.index(tier)]
        assert corner["accuracy"] == pytest.approx(response.accuracy(alone)[0, 0])
    arms = [r for r in rows if r["kind"] == "arm"]
    assert len(arms) == 3 * len(LATTICE)
    title = trace_figure(response).title
    assert title.startswith(f"Through the best mixture, {100 * best.shares[0]:.0f} % easy (")


def test_a_best_corner_splits_the_rest_evenly(tools):
    top = np.array([0.7, 0.4, 0.4, 0, 0, 0])
    response = fit_response(mixed(tools, coefficients=top), LATTICE)
    assert response.best().shares == (1, 0, 0)
    half = next(
        r for r in traces(response) if (r["tier"], r["kind"], r["share"]) == ("easy", "curve", 0.5)
    )
    even = np.array([0.5, 0.25, 0.25])
    assert half["accuracy"] == pytest.approx(response.accuracy(even)[0, 0])


def test_mixture_rows_come_best_first_with_limits(tools):
    rows = mixture_rows(mixed(tools, noise=0.01), LATTICE)
    values = [r["accuracy %"] for r in rows]
    assert (
        len(rows) == 10
        and values == sorted(values, reverse=True)
        and {r["n"] for r in rows} == {64}
    )
    assert all(r["from"] < r["accuracy %"] < r["to"] for r in rows)
    assert mixture_rows(mixed(tools), {}) == []
