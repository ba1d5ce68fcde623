"""The null control: no sampler wins where none can, and a winner would be caught."""

from dataclasses import replace

import pytest

from lessonplan.errors import ConfigError
from lessonplan.training.null_control import NullControl, null_control, null_scenario
from lessonplan.training.scenario import Practice, Problems, Skills


def test_where_no_sampler_can_win_none_does_more_often_than_chance():
    found = null_control(["EasyOnly", "AdaptiveDifficulty"], studies=20, worlds=4)
    assert [one.sampler for one in found] == ["EasyOnly", "AdaptiveDifficulty"]
    for one in found:
        assert (one.studies, one.least, one.most) == (20, 0, 3)  # Binomial(20, .05)
        assert one.honest and 0 <= one.won <= one.excluded and one.censored == 0


def test_a_world_that_is_not_null_is_caught():
    # levels as far apart as skills, and nothing carries over: practicing the easy alone must lose
    unequal = replace(
        null_scenario(6),
        target=0.7,
        problems=Problems(train=60, test=40, levels=4, easiest=-1.0, hardest=1.0),
        skills=Skills(count=4, reach=0.0, rate=0.3),
        practice=Practice(steps=60, problems_per_step=8, group_size=4),
    )
    (one,) = null_control(["EasyOnly"], studies=6, worlds=6, scenario=unequal)
    assert one.excluded == one.censored == 6 and one.won == 0
    assert not one.honest


def test_bounds_of_two_hundred_studies():
    from scipy.stats import binom

    assert [int(b) for b in binom.ppf([0.025, 0.975], 200, 0.05)] == [4, 16]
    assert NullControl("X", 200, 16, 8, 0, 4, 16).honest
    assert not NullControl("X", 200, 17, 8, 0, 4, 16).honest


def test_nothing_to_compare_is_said():
    with pytest.raises(ConfigError, match="name a sampler other than Uniform"):
        null_control(["Uniform"])
    with pytest.raises(ConfigError, match="at least 2 worlds"):
        null_control(["LIM"], worlds=1)
