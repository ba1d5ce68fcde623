"""Splits: disjoint by the instance itself, in their shares."""

from collections import Counter

import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import FAMILIES, SPLITS, CountIf, family
from lessonplan.generators.splits import key_hash, share, split_of


def test_shares():
    counts = Counter(split_of(key_hash(f"instance {i}")) for i in range(20_000))
    for split in SPLITS:
        assert abs(counts[split] / 20_000 - share(split)) < 0.015
    assert sum(share(split) for split in SPLITS) == pytest.approx(1)


def test_the_whole_range_of_hashes_has_a_split():
    assert split_of(0) == "train"
    assert split_of(2**64 - 1) == "test"


@pytest.mark.parametrize("name", FAMILIES)
def test_no_instance_lies_in_two_splits(name):
    generator = family(name)
    keys = {
        split: {
            generator.draft(level, split, index, seed)[0].key
            for level in (1, 2, 5)
            for seed in (0, 1)
            for index in range(150)
        }
        for split in SPLITS
    }
    for one in SPLITS:
        for other in SPLITS:
            assert one == other or not keys[one] & keys[other]


def test_the_order_of_filters_is_no_other_instance():
    from lessonplan.generators.counting.count_if import Count

    one = Count((("ne", 3), ("odd", 0)), (1, 2, 3))
    other = Count((("odd", 0), ("ne", 3)), (1, 2, 3))
    assert one.key == other.key
    assert one.key != Count((("odd", 0), ("ne", 3)), (1, 3, 2)).key


def test_unknown_split_names_the_nearest():
    with pytest.raises(ConfigError, match=r'no split "tset"; nearest: test\. All: train, warmup'):
        CountIf().problem(1, "tset", 0)


def test_draws_that_never_hit_the_split_give_up():
    class Constant(CountIf):
        task = "counting.constant"

        def draw(self, stream, level):
            return super().draw(type(stream)("always the same"), level)

    generator = Constant()
    found = split_of(key_hash(f"counting.constant {generator.draw(None or _stream(), 1).key}"))
    other = next(split for split in SPLITS if split != found)
    assert generator.problem(1, found, 0)
    with pytest.raises(PoolError, match=rf"none of 5000 draws .* holds {share(other):.0%} of"):
        generator.problem(1, other, 0)


def _stream():
    from lessonplan.generators import Stream

    return Stream("unused")
