"""Clusters and the best of each, by hand and on worlds with known groups."""

import numpy as np
import pytest

from lessonplan.errors import ConfigError
from lessonplan.generators import Pool, Problem, generate
from lessonplan.selection.diverse import Diversity, best_of_each, cluster, structure

NAN = np.nan


def test_the_best_of_every_cluster_comes_before_any_second_best():
    scores = np.array([0.9, 0.8, 0.7, 0.1, 0.2, NAN, 0.05])
    labels = np.array([0, 0, 0, 1, 1, 1, 2])
    assert best_of_each(scores, labels, 3).tolist() == [0, 4, 6]
    assert best_of_each(scores, labels, 4).tolist() == [0, 4, 6, 1]
    # two of each; the third cluster has one, so the first fills up
    assert best_of_each(scores, labels, 6).tolist() == [0, 4, 6, 1, 3, 2]
    assert len(best_of_each(scores, labels, 99)) == 6  # NaN is never picked


def test_equal_scores_go_to_the_earlier():
    assert best_of_each(np.ones(4), np.array([0, 1, 1, 0]), 2).tolist() == [0, 1]


@pytest.mark.parametrize("method", ["k-means", "k-center"])
def test_separate_groups_are_found(method):
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(4), 30)
    points = rng.normal(0, 0.1, (120, 2)) + np.array([[0, 0], [9, 0], [0, 9], [9, 9]])[group]
    labels = cluster(points, 4, method=method, seed=1)
    assert len({(g, label) for g, label in zip(group, labels, strict=True)}) == 4


def test_k_center_takes_the_farthest_point_next():
    """Points 0, 1, 2, 10 on a line: wherever it starts, 10 is a center and stays alone."""
    points = np.array([[0.0], [1.0], [2.0], [10.0]])
    for seed in range(6):
        labels = cluster(points, 2, method="k-center", seed=seed)
        assert (labels == labels[3]).tolist() == [False, False, False, True]


def test_rare_problems_get_a_center_of_their_own():
    """97 alike and three oddities: distance finds all three, density may not."""
    points = np.zeros((100, 3))
    points[97:] = np.eye(3) * 5
    points[:97] += np.random.default_rng(0).normal(0, 0.01, (97, 3))
    labels = cluster(points, 4, method="k-center")
    assert len(set(labels[97:])) == 3 and labels[0] not in labels[97:]


@pytest.mark.parametrize("method", ["k-means", "k-center"])
def test_the_same_seed_gives_the_same_clusters(method):
    points = np.random.default_rng(2).normal(size=(500, 8))
    one, same = (cluster(points, 20, method=method, seed=5) for _ in range(2))
    assert (one == same).all() and len(np.unique(one)) == 20
    assert (one != cluster(points, 20, method=method, seed=6)).any()


def test_fewer_different_rows_than_clusters():
    assert len(np.unique(cluster(np.array([[0.0], [0.0], [1.0]]), 9))) == 2
    assert cluster(np.zeros((5, 2)), 3).tolist() == [0] * 5


def test_structure_sees_length_numbers_level_family_and_tokens():
    problems = [
        Problem("a", "add 1 and 2", "3", family="x", level=1),
        Problem("b", "add 1 and 2", "3", family="x", level=9),
        Problem("c", "add 1 and 2", "3", family="y", level=1),
        Problem("d", "add 111111 and 2", "3", family="x", level=1),
        Problem("e", "walk north then east", "3", family="x", level=1),
        Problem("f", "add 1 and 2", "3", family="x", level=1),
        Problem("g", [{"role": "user", "content": "add 1 and 2"}], "3", family="x", level=1),
    ]
    features = structure(Pool(problems))
    distance = np.linalg.norm(features - features[0], axis=1)
    assert distance[5] == 0 and (distance[[1, 2, 3, 4, 6]] > 0.3).all()
    assert np.isfinite(features).all() and features.dtype == np.float32


def test_one_problem_has_features_and_is_picked():
    pool = Pool([Problem("a", "?", "1")])
    picked = Diversity(5).pick(pool, np.array([0.5]), np.array([0]), 3)
    assert picked.tolist() == [0]


def test_a_diverse_subset_covers_families_that_the_best_scores_leave_out():
    pool = generate("counting", [1, 2], 30, split="train")[:]
    pool = Pool([*pool, *generate("graph", [1, 2], 30, split="train")[:]])
    scores = np.where(np.arange(60) < 30, 0.9, 0.5) + np.arange(60) / 1000
    best = Diversity(1).pick(pool, scores, np.arange(60), 10)
    spread = Diversity(2).pick(pool, scores, np.arange(60), 10)
    assert (pool.family_codes[best] == pool.family_codes[0]).all()
    assert np.bincount(pool.family_codes[spread]).tolist() == [5, 5]


def test_embeddings_of_the_user_are_used_and_checked():
    pool = Pool([Problem(f"p{i}", "same", "1") for i in range(6)])
    rows = np.array([[0, 0], [0, 1], [0, 2], [50, 0], [50, 1], [99, 99]], np.float16)
    picked = Diversity(3, features=rows).pick(pool, np.arange(6) / 6.0, np.arange(6), 3)
    assert picked.tolist() == [2, 4, 5]
    with pytest.raises(ConfigError, match=r"shape \(6, D\).*shape \(5, 2\)"):
        Diversity(3, features=rows[:5]).pick(pool, np.ones(6), np.arange(6), 3)
    rows[4, 1] = np.inf
    with pytest.raises(ConfigError, match="row 4 is not"):
        Diversity(3, features=rows).pick(pool, np.ones(6), np.arange(6), 3)


def test_wrong_arguments_are_named():
    with pytest.raises(ConfigError, match="at least 1 cluster, got 0"):
        Diversity(0)
    with pytest.raises(ConfigError, match='"k-means" or "k-center"'):
        Diversity(3, "kmeans")
