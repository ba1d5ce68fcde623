"""Splitting by skeleton: structures that one split has, no other one has."""

import pytest

from lessonplan.cli import main
from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators import Pool, family, generate
from lessonplan.generators.exports import rows

SPLITS = ("train", "validation", "test")


def by_skeleton(task: str):
    return type(family(task))(split_by="skeleton")


@pytest.mark.parametrize(
    "task", ["counting.range_pipeline", "graph.shortest_path", "spatial.relation_chain"]
)
def test_no_two_splits_share_a_skeleton(task):
    pools = [generate(by_skeleton(task), [1, 2, 4], 60, split=split) for split in SPLITS]
    skeletons = [{problem.skeleton for problem in pool} for pool in pools]
    assert not skeletons[0] & skeletons[1] and not skeletons[0] & skeletons[2]
    assert not skeletons[1] & skeletons[2]
    mixed = [generate(family(task), [1, 2, 4], 60, split=split) for split in ("train", "test")]
    shared = set.intersection(*({problem.skeleton for problem in pool} for pool in mixed))
    assert shared  # the ordinary split does share them
    assert not {*mixed[0].ids} & {*pools[0].ids}


def test_ids_say_so_and_lead_back_to_the_problem():
    task = by_skeleton("counting.range_pipeline")
    problem = task.problem(3, "test", 4)
    assert problem.id == "counting.range_pipeline/v1/L3/d0s/test/0/4".replace(
        "v1", f"v{task.version}"
    )
    assert task.recall(problem.id) == problem
    with pytest.raises(KeyError):
        family("counting.range_pipeline").recall(problem.id)
    (row,) = rows(Pool([problem]))
    assert row["index"] == 4 and row["split"] == "test"
    assert (
        row["key"]
        == next(iter(rows(generate(task, [3], 5, split="test", unique=False)[4:5])))["key"]
    )


def test_capacity_follows_the_share_of_the_split_or_is_none():
    ordinary, strict = family("counting.range_pipeline"), by_skeleton("counting.range_pipeline")
    whole = ordinary.instances(3)
    assert 0.3 * whole < strict.capacity(3, "train") < 0.7 * whole
    few = by_skeleton("counting.windows")  # nine questions in all: some splits have none
    empty = [split for split in SPLITS if few.capacity(3, split) == 0]
    assert empty
    with pytest.raises(PoolError, match=f"about 0 distinct {empty[0]} problems"):
        generate(few, [3], 10, split=empty[0])


def test_tasks_without_skeletons_and_unknown_names_are_refused(tmp_path, capsys):
    with pytest.raises(ConfigError, match=r"graph\.walk has no skeletons"):
        by_skeleton("graph.walk").problem(1, "train", 0)
    with pytest.raises(ConfigError, match="got 'shape'"):
        type(family("graph.walk"))(split_by="shape")
    out = tmp_path / "p.jsonl"
    arguments = ["generate", "counting.range_pipeline", "--n", "5", "--levels", "3", "-o", str(out)]
    assert main([*arguments, "--split-by", "skeleton"]) == 0
    assert all("/d0s/" in name for name in Pool.from_jsonl(out).ids)
