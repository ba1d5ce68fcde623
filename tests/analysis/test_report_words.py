"""What a report says beside its verdicts: limits, all pairs together, the second law."""

import dataclasses

import msgspec
import pytest

from lessonplan.analysis import find, read_study
from lessonplan.analysis.chapters import Chapter
from lessonplan.analysis.report_words import limits, together


@pytest.fixture(scope="module")
def study(study_folder):
    return read_study(study_folder)


@pytest.fixture(scope="module")
def finding(study):
    return find(study, "counting", target=0.65, resamples=100)


def test_limits_by_hand(study, finding):
    lines = limits(study, [Chapter(finding, None, {}, "test")])
    assert lines[0].startswith("Learner: simulated (none); a simulation shows")
    assert (
        "counting: equal generated rollouts for all samplers; tokens differ by a factor 1.00."
        in lines
    )
    assert lines[-1].startswith("Files left out as damaged: 0.")


def test_one_pair_needs_no_correction(finding):
    (line,) = together(finding)
    assert line == "Under a second law (shifted power law instead of Hill) the conclusion holds."


def test_flips_are_counted(finding):
    one = finding.sensitivities[0]
    other = dataclasses.replace(
        one, second_found=dataclasses.replace(one.second_found, low=0.1, high=0.2)
    )
    twice = dataclasses.replace(
        finding,
        sensitivities=(one, other),
        holm=(finding.holm[0], dataclasses.replace(finding.holm[0], p=0.04, shown=False)),
    )
    lines = together(twice)
    assert lines[0].startswith("2 comparisons, of which one in twenty")
    assert "1 of 2 conclusions flip and are unresolved" in lines[1]


def test_assumptions_about_a_table_stand_in_the_limits(study, finding):
    run = study.runs[0]
    foreign = dataclasses.replace(
        run, info=msgspec.structs.replace(run.info, learner="unknown"), notes=("assumed this",)
    )
    lines = limits(
        dataclasses.replace(study, runs=(foreign, *study.runs[1:])),
        [Chapter(finding, None, {}, "test")],
    )
    assert "assumed this." in lines
