"""Every law on the left-out largest size, beside the last value."""

import numpy as np
import pytest

from lessonplan.analysis.figures import Style
from lessonplan.analysis.findings import Finding
from lessonplan.analysis.law_comparison import law_errors, law_figure, law_scores, law_sentence

SIZES = (8, 16, 32, 64, 128, 256, 512)


def finding(tools, values):
    table = tools.make_table(values, base=0.4)
    return Finding("counting", table, None, "given", (), (), (), (), {}, None)


@pytest.fixture
def saturated(tools):
    """exp(-n / 60): nearly flat from 256 on."""
    values = {("a", n): 0.7 - 0.3 * np.exp(-n / 60) for n in SIZES}
    return finding(tools, values | {("b", n): 0.6 - 0.2 * np.exp(-n / 60) for n in SIZES})


def test_a_law_foresees_its_own_curve(saturated):
    rows = law_errors(saturated)
    assert {r["sampler"] for r in rows} == {"a", "b"} and {r["n"] for r in rows} == {512}
    scores = {r["law"]: r["mean error"] for r in law_scores(rows)}
    assert scores["exp"] < 0.1 < scores["pow2"]
    last = 100 * (0.3 + 0.2) / 2 * (np.exp(-256 / 60) - np.exp(-512 / 60))
    assert scores["last value"] == pytest.approx(last)
    best = law_scores(rows)[0]["law"]
    assert scores[best] == min(v for v in scores.values() if np.isfinite(v))


def test_errors_are_predicted_minus_measured(saturated):
    row = next(r for r in law_errors(saturated) if (r["sampler"], r["law"]) == ("a", "last value"))
    assert row["error"] == pytest.approx(row["predicted"] - row["measured"]) and row["error"] < 0


def test_the_sentence_prints_the_baseline(saturated):
    words = law_sentence(law_errors(saturated))
    assert words.startswith("Left out, the largest size is missed by ")
    assert "with hill" in words and "by repeating the last value" in words
    assert law_sentence([]) == ""


def test_two_sizes_are_too_few(tools):
    few = finding(tools, {("a", 8): 0.5, ("a", 64): 0.6})
    assert law_errors(few) == [] and law_figure(few, {}) is None


def test_a_law_that_needs_more_sizes_is_named(tools):
    some = finding(tools, {("a", n): 0.4 + 0.05 * i for i, n in enumerate((8, 32, 128, 512))})
    drawn = law_figure(some, {"a": Style("#0072B2", "o", "-")})
    assert "Too few sizes for" in drawn.caption and "bnsl1" in drawn.caption
    assert "3 runs each" not in drawn.caption and "12 runs each" in drawn.caption
