"""The methods paragraph and the filled-in checklist."""

import pytest

from lessonplan.analysis import find, read_study
from lessonplan.analysis.methods import checklist_rows, methods


@pytest.fixture(scope="module")
def study(study_folder):
    return read_study(study_folder)


@pytest.fixture(scope="module")
def finding(study):
    return find(study, "counting", target=0.65, resamples=100)


def test_the_verdict_stands_first(finding):
    text = methods([finding], "mixed wins")
    assert text.startswith("Mixed wins. Accuracy is test accuracy, mean of the tiers")
    for part in ("100 resamples", "Student's t", "Holm's correction", "shifted power law"):
        assert part in text, part


def test_every_question_has_an_answer(study, finding):
    rows = checklist_rows(study, finding, "missed by 2 points")
    assert list(dict.fromkeys(r["part"] for r in rows)) == ["law", "training", "data", "fit"]
    assert all(r["answer"] for r in rows)
    said = {r["question"]: r["answer"] for r in rows}
    assert said["runs"] == "18, of 2 samplers" and said["sizes"] == "8, 64, 512"
    assert said["steps"] == "10 steps of 2 problems, 4 rollouts each"
    assert said["repetition"] == "a problem is drawn 0.039 to 2.5 times on average"
    assert said["cost"] == "80 to 80 generated rollouts a run, refused ones included"
    assert said["test"].startswith("30 items") and said["validation"] == "missed by 2 points"
    assert said["points and parameters"] == (
        "7 cell means (the warm starts' is shared), 8 parameters"
    )
    assert said["target"] == "65 %: given"


def test_goodness_is_that_of_the_fit(tools, study):
    """An exact Hill curve has residuals of the prior alone."""
    from lessonplan.analysis import curves
    from lessonplan.analysis.findings import Finding

    values = {
        (name, n): 0.5 + 0.3 / (1 + half / n)
        for name, half in (("a", 50.0), ("b", 90.0))
        for n in (8, 32, 128, 512)
    }
    table = tools.make_table(values)
    both = curves(table, ("a", "b"), resamples=40)
    found = Finding("counting", table, 0.6, "given", (), (), (), (), {}, both)
    said = {r["question"]: r["answer"] for r in checklist_rows(study, found)}
    assert said["goodness"] == "root mean square 0.0 points, largest 0.0"
    assert said["validation"] == "too few sizes to leave one out"
