"""The keyed streams: fixed values, fair values, independent keys."""

from collections import Counter

import pytest

from lessonplan.generators.streams import Stream


def test_values_are_fixed_for_ever():
    stream = Stream("counting.count_if/v1/L1/d0/train/0/0#0")
    assert [stream.below(1000) for _ in range(5)] == [903, 665, 923, 718, 940]
    assert Stream("a").shuffled(range(8)) == [1, 5, 2, 0, 4, 7, 3, 6]


def test_a_neighbouring_key_gives_other_numbers():
    first = [Stream("task/0/1").below(10**9), Stream("task/1/0").below(10**9)]
    assert first[0] != first[1]
    firsts = {Stream(f"task/{i}").below(2**53) for i in range(2000)}
    assert len(firsts) == 2000


@pytest.mark.parametrize("n", [1, 2, 3, 10, 2**53])
def test_below_stays_below(n):
    stream = Stream(f"below {n}")
    assert all(0 <= stream.below(n) < n for _ in range(2000))


def test_between_includes_both_ends_evenly():
    stream = Stream("between")
    counts = Counter(stream.between(-2, 2) for _ in range(10_000))
    assert sorted(counts) == [-2, -1, 0, 1, 2]
    assert all(abs(count - 2000) < 200 for count in counts.values())  # five standard deviations


def test_shuffles_are_even_and_leave_the_input_alone():
    stream = Stream("shuffle")
    items = ("a", "b", "c")
    counts = Counter(tuple(stream.shuffled(items)) for _ in range(6000))
    assert len(counts) == 6 and all(abs(count - 1000) < 150 for count in counts.values())
    assert items == ("a", "b", "c")


def test_choice_reaches_every_item():
    stream = Stream("choice")
    assert {stream.choice("abc") for _ in range(100)} == set("abc")
