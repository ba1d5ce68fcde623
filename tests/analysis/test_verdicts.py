"""Sentences: the smallest effect beside every "no difference", and claims that are taken back."""

import dataclasses
import re

import numpy as np
import pytest

from lessonplan.analysis import at_target, curves, find, gap, paired_differences, verdict
from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.verdicts import sentences

SIZES = (8, 32, 128, 512)


def hill(n, half, top):
    return 0.4 + (top - 0.4) / (1 + half / n)


def compared(tools, a, b, *, noise, target, seed=0):
    values = {(name, n): hill(n, *shape) for name, shape in (("a", a), ("b", b)) for n in SIZES}
    table = tools.make_table(values, base=0.4, noise=noise, seed=seed)
    both = curves(table, ("a", "b"), resamples=300)
    return at_target(both, target), paired_differences(both)


def test_a_bound_that_shows_nothing_says_what_it_would_have_shown(tools):
    found, _ = compared(tools, (300, 0.7), (300, 0.58), noise=0.03, target=0.57, seed=3)
    assert found.kind == "at least" and found.winner is None
    half = np.log(512 / found.n_a) - np.log(found.low)
    more = 1 + student(0.8, 2) / student(0.975, 2)
    assert found.seen == pytest.approx(np.exp(more * half), rel=1e-6)
    assert re.search(r"no difference could be shown .*; this study would have seen", verdict(found))


def test_a_bound_that_shows_something_needs_no_such_words(tools):
    found, _ = compared(tools, (30, 0.8), (300, 0.5), noise=0.002, target=0.6)
    assert found.kind == "at least" and found.winner == "a"
    assert "would have" not in verdict(found)


def test_small_points_are_not_rounded_to_nothing(tools):
    _, (*_, last) = compared(tools, (60, 0.7), (60, 0.7), noise=0.0005, target=0.55)
    small = dataclasses.replace(last, difference=0.0001, low=-0.001, high=0.0012, seen=0.0014)
    assert "0.14 points would have been seen" in gap(small)


def test_a_claim_that_a_second_law_or_holm_takes_back_says_so(study_folder):
    from lessonplan.analysis import read_study

    found = find(read_study(study_folder), "counting", target=0.65, resamples=60)
    one, holm = found.sensitivities[0], found.holm[0]
    won = dataclasses.replace(found.comparisons[0], kind="ratio", ratio=2, low=1.2, high=3)
    flipped = dataclasses.replace(
        one, first_found=won, second_found=dataclasses.replace(won, low=0.8)
    )
    lost = dataclasses.replace(
        holm, shown=False, words="a against b: no longer shown after Holm's correction for 4 "
        "comparisons, p 0.1, 0.9-4",
    )  # fmt: skip
    (line,) = sentences(
        dataclasses.replace(found, comparisons=(won,), sensitivities=(flipped,), holm=(lost,))
    )
    assert "unresolved: the conclusion flips between laws" in line
    assert "no longer shown after Holm's correction for 4 comparisons, p 0.1; " in line
    assert "0.9-4" not in line
    (plain,) = sentences(dataclasses.replace(found, sensitivities=(), holm=()))
    assert "unresolved" not in plain
