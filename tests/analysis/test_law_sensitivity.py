"""A conclusion that flips between Hill and the second law is unresolved."""

from dataclasses import replace

from lessonplan.analysis.efficiency import curves
from lessonplan.analysis.law_sensitivity import Sensitivity, sensitivity

SIZES = (8, 32, 128, 512)


def table(tools, half_a, half_b):
    return tools.make_table(
        {
            (name, n): [0.5 + 0.3 / (1 + half / n) + 0.004 * u for u in (-1, 0, 1)]
            for name, half in (("a", half_a), ("b", half_b))
            for n in SIZES
        },
        noise=0.004,
    )


def test_a_clear_winner_holds_under_both_laws(tools):
    both = curves(table(tools, 20.0, 120.0), ("a", "b"), resamples=200)
    found = sensitivity(both, 0.65)
    assert found.resolved and found.first_found.winner == "a" == found.second_found.winner
    assert found.first_found != found.second_found  # two laws, not one twice
    assert found.sentence.startswith("the conclusion holds under both laws (Hill: a ")


def test_a_flip_is_unresolved(tools):
    found = sensitivity(curves(table(tools, 20.0, 120.0), ("a", "b"), resamples=100), 0.65)
    none = replace(found.second_found, low=0.5, high=2.0)
    flipped = Sensitivity("Hill", "shifted power law", found.first_found, none)
    assert not flipped.resolved
    assert flipped.sentence.startswith("unresolved: the conclusion flips between laws")
    assert flipped.sentence.endswith("shifted power law: no winner)")
    other = replace(found.second_found, low=0.2, high=0.5)
    assert "b 2-5 times fewer" in Sensitivity("x", "y", found.first_found, other).sentence
