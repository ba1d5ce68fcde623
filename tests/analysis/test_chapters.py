"""One family of a report: its verdicts, pictures and mixtures."""

import dataclasses

import pytest

from lessonplan.analysis import read_study
from lessonplan.analysis.chapters import chapter


@pytest.fixture(scope="module")
def study(study_folder):
    return read_study(study_folder)


def test_a_chapter_of_a_simulated_study(study):
    found = chapter(study, "counting", target=0.65, resamples=60)
    assert {"v1", "v2", "v3", "v4", "v5", "v6", "v8", "v9", "v10", "v11", "v12", "laws"} == set(
        found.pictures
    )
    assert found.split == "test" and len(found.verdicts) == 1
    assert found.second_opinion == []  # the warm starts were asked greedily alone
    assert (found.best_mixture, found.mixed) == ("", [])


def test_too_few_mixtures_are_a_table_and_a_reason(study):
    arms = {"easy": {"mix": "easy"}, "mixed": {"mix": "mixed", "sampler": "Uniform"}}
    found = chapter(dataclasses.replace(study, settings={"arms": arms}), "counting", resamples=60)
    assert found.best_mixture.startswith(
        "No response curve: counting: a quadratic response needs 6"
    )
    assert {r["arm"] for r in found.mixed} == {"easy", "mixed"}
    assert "curves" not in found.pictures


def test_one_mixture_says_nothing(study):
    arms = {"easy": {"mix": "easy"}}
    found = chapter(dataclasses.replace(study, settings={"arms": arms}), "counting", resamples=60)
    assert (found.best_mixture, found.mixed) == ("", [])
