"""Spread a subset over kinds of problems: cluster the pool, then take the best of each cluster."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import ConfigError
from lessonplan.generators.pool import Pool, prompt_text
from lessonplan.selection.base import Positions
from lessonplan.selection.ledger import occurrence
from lessonplan.selection.scores import Scores

Features: TypeAlias = NDArray[np.float32]  # (N, D)
HASHED = 64  # columns that tokens are hashed into (ours)
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Diversity:
    """How a pool is cut into clusters, and how many problems each of them gives.

    "k-means" cuts by density, "k-center" by distance: it covers rare problems too (greedy,
    arXiv 1708.00489). `features` are embeddings of yours, a row for each problem of the pool;
    without them, structure is compared: length, numbers, level, family, tokens.
    """

    clusters: int
    method: Literal["k-means", "k-center"] = "k-means"
    features: NDArray[np.floating] | None = None  # (N, D)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.clusters < 1:
            raise ConfigError(f"diverse needs at least 1 cluster, got {self.clusters!r}")
        if self.method not in ("k-means", "k-center"):
            raise ConfigError(f'method must be "k-means" or "k-center", got {self.method!r}')

    def pick(self, pool: Pool, scores: Scores, allowed: Positions, top: int) -> Positions:
        """(n,) the `top` best of `allowed`, as evenly over the clusters as they allow; ascending."""
        features = structure(pool) if self.features is None else checked(self.features, len(pool))
        labels = cluster(features[allowed], self.clusters, method=self.method, seed=self.seed)
        return np.sort(allowed[best_of_each(scores[allowed], labels, top)])


def best_of_each(scores: Scores, labels: NDArray[np.integer], top: int) -> Positions:  # (n,)
    """The best of every cluster, then the second best, and so on, until there are `top`.

    With `top` = n x clusters that is n of each, unless a cluster is smaller: the others then fill
    up. Among equal places the higher score wins, then the earlier problem. NaN is never picked.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[~np.isnan(scores[order])]
    places = occurrence(labels[order].astype(np.int64))  # 0 for the best of its cluster
    return order[np.argsort(places, kind="stable")][:top]


def cluster(
    features: NDArray[np.floating],
    k: int,
    *,
    method: Literal["k-means", "k-center"] = "k-means",
    seed: int = 0,
) -> NDArray[np.int64]:  # (N,)
    """A cluster 0..k-1 for each row; fewer when there are fewer different rows."""
    k = min(k, len(np.unique(features, axis=0)))
    if k <= 1:
        return np.zeros(len(features), np.int64)
    return _k_center(features, k, seed) if method == "k-center" else _k_means(features, k, seed)


def _k_means(features: NDArray[np.floating], k: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):  # sums in a fixed order: the same clusters on every run
        fitted = KMeans(k, n_init=1, random_state=seed).fit(features)
    return np.asarray(fitted.labels_, np.int64)


def _k_center(features: NDArray[np.floating], k: int, seed: int) -> NDArray[np.int64]:
    """Farthest-first traversal: each new center is the row farthest from all centers so far."""
    center = int(np.random.default_rng(seed).integers(len(features)))
    nearest = np.full(len(features), np.inf)  # (N,) squared distance to the nearest center
    labels = np.zeros(len(features), np.int64)
    for label in range(k):
        distance = np.square(features - features[center]).sum(axis=1, dtype=np.float64)  # (N,)
        closer = distance < nearest
        labels[closer], nearest[closer] = label, distance[closer]
        center = int(np.argmax(nearest))
    return labels


def structure(pool: Pool) -> Features:  # (N, D)
    """What can be seen without a model: length, numbers, level, family, and which tokens occur.

    The four groups of columns have equal weight: each is scaled to a mean square of 1 over the
    pool. Tokens are hashed with signs into `HASHED` columns and scaled to length 1.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = [prompt_text(problem.prompt) for problem in pool]
    numbers = [[len(one) for one in _NUMBER.findall(text)] for text in texts]
    size = np.log1p(
        [
            [len(text), len(some), sum(some), max(some, default=0)]
            for text, some in zip(texts, numbers, strict=True)
        ]
    )  # (N, 4)
    hashing = HashingVectorizer(n_features=HASHED, token_pattern=r"[^\W\d]+|\d|[^\w\s]")
    tokens = hashing.transform(texts).toarray()  # (N, HASHED)
    families = np.eye(len(pool.families))[pool.family_codes]  # (N, F)
    level = pool.levels[:, None].astype(np.float64)  # (N, 1)
    groups = [_unit(size / _spread(size)), _unit(level), _unit(families), _unit(tokens)]
    return np.concatenate(groups, axis=1).astype(np.float32)


def _spread(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = columns.std(axis=0)
    return np.where(deviation > 0, deviation, 1.0)


def _unit(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centered, and scaled so that the group's total variance is 1 (0 if it is constant)."""
    centered: NDArray[np.float64] = columns - columns.mean(axis=0)
    total = np.sqrt(np.square(centered).sum(axis=1).mean())
    return centered / total if total > 0 else centered


def checked(features: NDArray[np.floating], n: int) -> Features:  # (N, D)
    """Embeddings with one finite row a problem. Raises ConfigError."""
    if features.ndim != 2 or len(features) != n or features.dtype.kind not in "fiu":
        raise ConfigError(
            f"embeddings must be numbers of shape ({n}, D), a row for each problem of the pool; "
            f"got {features.dtype} of shape {features.shape}"
        )
    if not np.isfinite(features).all():
        row = int(np.argmin(np.isfinite(features).all(axis=1)))
        raise ConfigError(f"embeddings must be finite; row {row} is not")
    return features.astype(np.float32)
