"""Generated pools: exact counts, nested, unique, the same everywhere, and small."""

import tracemalloc
from collections import Counter
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import FAMILIES, CountIf, Pool, family, generate, stream
from lessonplan.generators.exports import rows
from lessonplan.generators.generated import deal
from lessonplan.generators.streams import Stream

WARM = {1: 6, 2: 4, 3: 2, 4: 1, 5: 1}


def test_counts_are_exact_per_task_and_level():
    pool = generate(FAMILIES, {1: 3, 2: 2, 4: 1}, 180, split="train")
    counts = Counter((problem.family, problem.level) for problem in pool)
    assert counts == {
        (name, level): count for name in FAMILIES for level, count in ((1, 30), (2, 20), (4, 10))
    }
    assert pool.level_counts() == {1: 90, 2: 60, 4: 30}


def test_remainders_go_to_the_largest():
    # 10 seats by 6 4 2 1 1: shares 4.29 2.86 1.43 .71 .71
    assert generate("counting", WARM, 10, split="train").level_counts() == {
        1: 4, 2: 3, 3: 1, 4: 1, 5: 1,
    }  # fmt: skip
    assert generate("counting", (1, 2, 3, 4, 5), 8, split="train").level_counts() == {
        1: 2, 2: 2, 3: 2, 4: 1, 5: 1,
    }  # fmt: skip


@pytest.mark.parametrize("levels", [WARM, (1, 2, 3, 4, 5), {1: 0.1, 2: 0.2, 5: 0.7}, {1: 1, 2: 99}])
def test_every_beginning_has_the_right_shares(levels):
    weights = levels if isinstance(levels, dict) else dict.fromkeys(levels, 1)
    pool = generate("counting", levels, 300, split="train")
    total = sum(weights.values())
    for n in range(1, 301):
        for level, weight in weights.items():
            count = int((pool.levels[:n] == level).sum())
            assert abs(count - n * weight / total) < 1 + 1e-9


@pytest.mark.parametrize("names, levels", [("counting", WARM), (FAMILIES, (1, 3, 5))])
def test_pools_are_nested(names, levels):
    largest = generate(names, levels, 256, split="train", seed=3)
    for n in (1, 8, 16, 64, 255):
        smaller = generate(names, levels, n, split="train", seed=3)
        assert list(smaller.ids) == list(largest.ids[:n])
    other = generate(names, levels, 256, split="train", seed=4)
    assert not set(other.ids) & set(largest.ids)


def test_no_instance_comes_twice():
    pool = generate("counting", (1,), 1000, split="test")  # of about 2,600
    assert len({problem.prompt for problem in pool}) == 1000
    freely = generate("counting", (1,), 1000, split="test", unique=False)
    assert len({problem.prompt for problem in freely}) < 950


def test_a_pool_is_a_function_of_its_arguments():
    one = generate(FAMILIES, (1, 2), 60, split="validation", seed=9)
    again = generate(FAMILIES, (1, 2), 60, split="validation", seed=9)
    assert list(one) == list(again) and one.fingerprint == again.fingerprint
    text = generate(FAMILIES, (1, 2), 60, split="validation", seed=9, encoding="text")
    assert list(text.ids) == list(one.ids) and text.fingerprint != one.fingerprint


def test_a_size_above_half_of_what_there_is():
    capacity = CountIf().capacity(1, "test")
    with pytest.raises(PoolError, match=rf"counting\.count_if level 1 has about {capacity} dist"):
        generate("counting", (1,), capacity // 2 + 1, split="test")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: generate("graph", (1,), 0, split="test"), "n must be at least 1, got 0"),
        (lambda: generate("graph", (), 3, split="test"), "at least one level"),
        (lambda: generate("graph", {1: 0}, 3, split="test"), "at least one level"),
        (lambda: generate("graph", {1: -1}, 3, split="test"), "finite and not negative"),
        (lambda: generate("graph", (1, 9), 3, split="test"), r"graph\.walk has levels .* got 9"),
        (lambda: generate("graph", (1,), 3, split="dev"), 'no split "dev"'),
        (lambda: generate(["graph", "graph"], (1,), 3, split="test"), "different tasks"),
        (lambda: stream("graph", (1,), split="dev"), 'no split "dev"'),
        (lambda: stream("graph", (9,)), "has levels"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize("shares", [(1, 1, 1), (6, 4, 2, 1, 1), (10, 20, 70), (1, 99), (7,)])
def test_seats_are_dealt_to_the_one_farthest_below_its_share(shares):
    behind, seats = [0] * len(shares), []
    for _ in range(250):
        behind = [gap + share for gap, share in zip(behind, shares, strict=True)]
        seats.append(behind.index(max(behind)))
        behind[seats[-1]] -= sum(shares)
    for n in (1, 99, 101, 250):
        assert deal([Fraction(share, 10) for share in shares], n).tolist() == seats[:n]


@pytest.mark.parametrize("unique", [True, False])
def test_a_pool_draws_each_problem_once_and_knows_its_key(unique):
    pool = generate(("graph.coloring", "counting.digits"), (5,), 40, split="test", unique=unique)
    for problem, hashed in pool.take(range(10, 40)).keyed():
        generator, index = family(problem.task), int(problem.id.rpartition("/")[2])
        assert problem == generator.problem(5, "test", index)
        assert hashed == generator.draft(5, "test", index)[1]
    held = Pool(list(pool))
    assert [hashed for _, hashed in held.keyed()] == [None] * 40
    assert list(rows(pool)) == list(rows(held)) == list(rows(iter(pool)))


def test_a_draw_that_gives_nothing_is_named():
    generator = family("spatial.seating")
    empty = next(
        attempt
        for attempt in range(200)
        if generator.draw(Stream(f"{generator.problem_id(10, 'test', 0)}#{attempt}"), 10) is None
    )
    with pytest.raises(PoolError, match=rf"test/0/0: draw {empty} gives no problem"):
        generator.again(10, "test", 0, empty)


def test_columns_ids_and_positions_agree_with_the_problems():
    pool = generate(("graph", "counting"), (2, 3), 40, split="train")
    assert pool.families == ("counting", "graph")
    for position, problem in enumerate(pool):
        assert pool.ids[position] == problem.id
        assert pool.position(problem.id) == position
        assert pool.levels[position] == problem.level
        assert pool.families[pool.family_codes[position]] == problem.family
    part = pool.take([7, 3, 30])
    assert list(part) == [pool[7], pool[3], pool[30]]
    assert part.position(pool.ids[3]) == 1
    only_graph = pool.take(np.flatnonzero(pool.family_codes == 1))
    assert only_graph.families == ("graph",) and set(only_graph.family_codes) == {0}
    for foreign in (pool.ids[0].replace("/train/", "/test/"), "", "x/\u00b2", "x/" + "9" * 30):
        with pytest.raises(KeyError, match="no problem"):
            pool.position(foreign)


def test_a_hundred_thousand_problems_are_held_in_a_few_megabytes():
    # In one level each the seen-set is at its largest, so this is the worst case.
    tracemalloc.start()
    pool = generate("spatial", {3: 1, 4: 1, 5: 1}, 100_000, split="train", unique=False)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pool) == 100_000 and pool[99_999].level in (3, 4, 5)
    assert kept < 4e6 and peak < 15e6


def test_looking_for_repeats_stays_small():
    tracemalloc.start()
    generate("spatial", (5,), 5_000, split="train")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000 * 300  # bytes, given back at the end; measured once at 100,000: 13 MB


def test_the_stream_is_endless_and_follows_its_weights():
    problems = list(islice(stream("counting", WARM, seed=1), 1400))
    counts = Counter(problem.level for problem in problems)
    for level, weight in WARM.items():
        assert abs(counts[level] - 100 * weight) < 5 * (100 * weight) ** 0.5
    assert all("/warmup/1/" in problem.id for problem in problems)
    assert problems[:50] == list(islice(stream("counting", WARM, seed=1), 50))
    assert problems[:50] != list(islice(stream("counting", WARM, seed=2), 50))


def test_the_stream_shares_nothing_with_the_pools():
    warm = {problem.prompt for problem in islice(stream("counting", (1, 2)), 3000)}
    for split in ("train", "validation", "test"):
        pool = generate("counting", (1, 2), 300, split=split)
        assert not warm & {problem.prompt for problem in pool}


def test_generators_bring_their_own_encoding():
    pool = generate([family("graph", "text")], (1,), 3, split="test")
    assert isinstance(pool, Pool) and pool[0].prompt.startswith("In a house")
