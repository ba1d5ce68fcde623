"""The pool as a container, whatever its problems come from."""

import subprocess
import sys

import numpy as np
import pytest

from lessonplan.errors import PoolError
from lessonplan.generators import Pool, Problem, generate, level_tiers


def make(n=5):
    return Pool(
        [Problem(f"p{i}", f"What is {i} + 1?", str(i + 1), "ab"[i % 2], level=i) for i in range(n)]
    )


def test_columns():
    pool = make()
    assert len(pool) == 5 and list(pool.ids) == ["p0", "p1", "p2", "p3", "p4"]
    assert pool.levels.tolist() == [0, 1, 2, 3, 4] and pool.levels.dtype == np.int16
    assert pool.families == ("a", "b") and pool.family_codes.tolist() == [0, 1, 0, 1, 0]
    assert pool.level_counts() == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}
    with pytest.raises(ValueError, match="read-only"):
        pool.levels[0] = 3


def test_it_is_a_sequence():
    pool = make()
    assert pool[-1] == pool[4] and pool[1:3] == [pool[1], pool[2]]
    assert pool.ids[-1] == "p4" and pool.ids[1:3] == ["p1", "p2"] and "p3" in pool.ids
    assert pool[np.int64(2)].id == "p2"
    assert list(pool) == [pool[i] for i in range(5)]
    with pytest.raises(IndexError):
        pool[5]
    with pytest.raises(IndexError):
        pool.ids[5]


def test_position():
    assert make().position("p3") == 3
    with pytest.raises(KeyError, match='no problem "p9" among the 5 of pool; its ids look like'):
        make().position("p9")


def test_take():
    part = make().take([4, 0])
    assert list(part.ids) == ["p4", "p0"] and part.families == ("a",)
    with pytest.raises(PoolError, match="distinct"):
        make().take([1, 1])
    with pytest.raises(PoolError, match="at least one problem"):
        make().take([])
    for outside in ([5], [-1]):
        with pytest.raises(IndexError, match=r"0\.\.4"):
            make().take(outside)


def test_empty_and_repeated_ids_are_refused():
    with pytest.raises(PoolError, match="pool: a pool needs at least one problem"):
        Pool([])
    with pytest.raises(PoolError, match='3 problems have the id "p0"'):
        Pool([make()[0]] * 3)


def test_fingerprint_sees_ids_prompts_answers_and_order():
    pool = make(3)
    fingerprints = {
        pool.fingerprint,
        make(4).fingerprint,
        pool.take([1, 0, 2]).fingerprint,
        Pool([Problem("x", p.prompt, p.answer) for p in pool[:1]] + pool[1:]).fingerprint,
        Pool([Problem("p0", "?", pool[0].answer)] + pool[1:]).fingerprint,
        Pool([Problem("p0", pool[0].prompt, "?")] + pool[1:]).fingerprint,
        Pool([Problem("p0", [{"role": "user", "content": "?"}], "?")] + pool[1:]).fingerprint,
    }
    assert len(fingerprints) == 7
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in fingerprints)
    assert make(3).fingerprint == pool.fingerprint


def test_save_and_read_back(tmp_path):
    path = tmp_path / "pool.jsonl"
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1 \u2212 1?"}]
    mixed = Pool([*make(), Problem("chat", chat, "0", data={"k": [1, None, {"x": 0.5}]})])
    for pool in (mixed, generate("counting", (1, 5), 20, split="test", encoding="text")):
        pool.save(path)
        again = Pool.from_jsonl(path)
        assert list(again) == list(pool) and again.fingerprint == pool.fingerprint
    assert [entry.name for entry in tmp_path.iterdir()] == ["pool.jsonl"]


def test_level_tiers():
    assert level_tiers(range(1, 6)) == {"easy": (1, 2), "medium": (3,), "hard": (4, 5)}
    ten = {"easy": (1, 2, 3), "medium": (4, 5, 6, 7), "hard": (8, 9, 10)}
    assert level_tiers([10, *range(11)]) == ten
    assert level_tiers([3]) == {"easy": (), "medium": (3,), "hard": ()}
    assert level_tiers(np.array([0, 0])) == {"easy": (), "medium": (), "hard": ()}


def test_the_room_is_imported_without_heavy_packages():
    code = (
        "import sys, lessonplan.generators; "
        "print([m for m in ('torch', 'datasets', 'pyarrow', 'scipy', 'networkx', 'matplotlib') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
