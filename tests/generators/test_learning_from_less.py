"""The data sets after the description of Learning from Less."""

from collections import Counter

import pytest

from lessonplan.cli import main
from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import Pool, reward_map
from lessonplan.generators.learning_from_less import candidates, learning_from_less, tier_of

COUNTS = {100: [34, 33, 33], 200: [67, 67, 66], 500: [167, 167, 166]}


@pytest.mark.parametrize(
    ("domain", "sizes"), [("counting", (100, 500)), ("graph", (100,)), ("spatial", (100, 200))]
)
def test_sets_are_nested_and_shares_exact(domain, sizes):
    sets = {size: learning_from_less(domain, size) for size in sizes}
    small, large = sets[min(sizes)], sets[max(sizes)]
    assert list(large.train.ids[: len(small.train)]) == list(small.train.ids[:])
    for size, one in sets.items():
        found = Counter(one.tiers)
        assert [found[tier] for tier in ("easy", "medium", "hard")] == COUNTS[size]
        bands = {"easy": range(1, 4), "medium": range(4, 8), "hard": range(8, 11)}
        assert all(
            level in bands[tier] for level, tier in zip(one.train.levels, one.tiers, strict=True)
        )
        assert len(one.validation) == size // 10
    assert (len(small.test), small.rollouts, small.steps) == {
        "counting": (200, 8, 300), "graph": (500, 8, 300), "spatial": (200, 5, 1000)
    }[domain]  # fmt: skip
    assert small.tier_source == "levels" and reward_map(small.rewards)
    assert not {p.prompt for p in large.train} & {p.prompt for p in small.test}
    if domain == "graph":
        tasks = Counter(problem.task for problem in small.train)
        assert len(tasks) == 5 and max(tasks.values()) - min(tasks.values()) <= 3
        assert all(5 <= len(problem.data["nodes"]) <= 25 for problem in small.train)


def test_easy_sets_hold_easy_problems_and_another_seed_others():
    easy = learning_from_less("counting", 100, "easy")
    assert set(easy.tiers) == {"easy"} and set(easy.train.level_counts()) == {1, 2, 3}
    assert list(easy.train.ids[:]) == list(
        learning_from_less("counting", 200, "easy").train.ids[:100]
    )
    other = learning_from_less("counting", 100, "easy", seed=1)
    assert not {p.prompt for p in other.train} & {p.prompt for p in easy.train}


def test_measured_pass_rates_make_the_tiers():
    pool = candidates("spatial", 150)
    rates = {name: (i % 11) / 10 for i, name in enumerate(pool.ids)}
    made = learning_from_less("spatial", 90, pass_rates=rates)
    assert made.tier_source == "pass rates" and Counter(made.tiers) == dict.fromkeys(
        ("easy", "medium", "hard"), 30
    )
    assert all(tier_of(rates[i]) == t for i, t in zip(made.train.ids, made.tiers, strict=True))
    nearly_solved = {name: rate for name, rate in rates.items() if rate > 0.3}
    with pytest.raises(PoolError, match=r"take 30 of a tier, and these have fewer: {'hard': 0}"):
        learning_from_less("spatial", 90, pass_rates=nearly_solved)


def test_cut_offs_are_those_of_the_paper():
    assert [tier_of(rate / 100) for rate in (0, 33, 34, 66, 67, 100)] == [
        "hard", "hard", "medium", "medium", "easy", "easy"
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"lies in 0\.\.1, got 67"):
        tier_of(67)


def test_bad_arguments_are_named():
    with pytest.raises(ConfigError, match="counting, graph, spatial, got 'logic'"):
        learning_from_less("logic", 100)
    with pytest.raises(ConfigError, match='"easy" or "mixed", got \'hard\''):
        learning_from_less("graph", 100, "hard")
    with pytest.raises(ConfigError, match="at least 10, got 3"):
        learning_from_less("graph", 3)
    with pytest.raises(PoolError, match="none of the 1 pass rates"):
        learning_from_less("counting", 100, pass_rates={"x": 0.5})


def test_the_command_line_writes_the_same_sets(tmp_path, capsys):
    out = tmp_path / "easy.jsonl"
    assert main(["generate", "lfl-spatial", "--n", "30", "--mix", "easy", "-o", str(out)]) == 0
    made = learning_from_less("spatial", 30, "easy").train
    assert list(Pool.from_jsonl(out).ids[:]) == list(made.ids[:])
    assert main(["generate", "lfl-logic", "-o", str(out)]) == 2
    assert "presets are lfl-counting" in capsys.readouterr().err
