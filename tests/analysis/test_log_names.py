"""The names of logs tell their runs, as a pattern says."""

from pathlib import Path

import numpy as np
import pytest

from lessonplan.analysis.log_names import labels_of
from lessonplan.errors import ConfigError


def test_a_folder_by_its_name():
    found = labels_of(Path("runs/adaptive-n500-base-s1"), "{sampler}-n{n}-{start}-s{seed}")
    assert (found.sampler, found.n, found.start, found.seed) == ("adaptive", 500, "base", 1)
    assert found.run == "adaptive-n500-base-s1"


def test_several_parts_and_what_does_not_matter():
    path = Path("runs/lim/512/3/2026-11-20_metrics.jsonl")
    found = labels_of(path, "{sampler}/{n}/{seed}/*.jsonl")
    assert (found.sampler, found.n, found.seed) == ("lim", 512, 3)
    assert found.run == "lim/512/3/2026-11-20_metrics.jsonl"  # runs of other folders are others


def test_the_ending_of_a_file_may_be_left_out():
    found = labels_of(Path("logs/easy_64.csv"), "{sampler}_{n}")
    assert (found.sampler, found.n) == ("easy", 64)
    assert np.isnan(found.seed) and found.start == ""


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{sampler}-{n}", "does not fit easy_64.csv"),
        ("{smpler}_{n}", r"takes each of \{sampler\}.* got \{smpler\}"),
        ("{n}_{n}", "once at most"),
        ("easy_64", "needs a field"),
        ("{sampler}_{seed}5", "does not fit"),
    ],
)
def test_refusals(pattern, message):
    with pytest.raises(ConfigError, match=message):
        labels_of(Path("logs/easy_64.csv"), pattern)


def test_signs_of_expressions_are_letters_here():
    assert labels_of(Path("a+b(1).n8"), "{sampler}(1).n{n}").sampler == "a+b"
