"""Data sets after the description of Learning from Less (arXiv 2604.18381): three domains, two mixes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Literal, TypeAlias, get_args

import numpy as np

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.families import family
from lessonplan.generators.generated import deal, generate
from lessonplan.generators.pool import Pool, level_tiers
from lessonplan.generators.problem import Problem
from lessonplan.generators.splits import Split

Domain: TypeAlias = Literal["counting", "graph", "spatial"]
Mix: TypeAlias = Literal["easy", "mixed"]
TIERS = ("easy", "medium", "hard")
EASY_FROM, HARD_TO = 0.67, 0.33  # pass rates: what lies between is medium
SIZES = (100, 200, 500)
CANDIDATES = 1500  # of a domain, whose pass rates may be measured

_TASKS: Mapping[Domain, tuple[str, ...]] = {
    "counting": ("counting.range_pipeline",),
    "graph": (
        "graph.independent_set",
        "graph.vertex_cover",
        "graph.clique",
        "graph.shortest_path",
        "graph.diameter",
    ),
    "spatial": ("spatial.particles",),
}
_TEST: Mapping[Domain, int] = {"counting": 200, "graph": 500, "spatial": 200}
_ROLLOUTS: Mapping[Domain, int] = {"counting": 8, "graph": 8, "spatial": 5}
_STEPS: Mapping[Domain, int] = {"counting": 300, "graph": 300, "spatial": 1000}


@dataclass(frozen=True, slots=True)
class LearningFromLess:
    """One training set with what goes with it."""

    train: Pool
    tiers: tuple[str, ...]  # (N,) of the training problems
    tier_source: Literal["levels", "pass rates"]
    validation: Pool  # a tenth of the training set's size; look at it every 50 steps
    test: Pool  # a third of each tier by level, decoded greedily
    rewards: str  # the name of the reward map
    rollouts: int  # completions of a problem
    steps: int  # optimizer steps


def learning_from_less(
    domain: Domain,
    size: int,
    mix: Mix = "mixed",
    *,
    pass_rates: Mapping[str, float] | None = None,
    seed: int = 0,
) -> LearningFromLess:
    """The training set of a domain, "easy" or "mixed" (a third of each tier), with its test.

    "After the description", not a reproduction: neither code nor data were released. Whole numbers
    replace its floats, and our verifiers its language model. Sets of one seed are nested: the 100
    lie within the 200 within the 500 of the same mix; any other size works too. Tiers are bands of
    levels, or, with `pass_rates` by problem id, the paper's: easy from .67, hard up to .33. Measure
    the latter on `candidates(domain)`.

    Raises ConfigError for an unknown domain or mix, PoolError when the pass rates leave too few
    problems in a tier.
    """
    _check(domain, mix)
    if size < 10:
        raise ConfigError(f"size must be at least 10, got {size}; published sizes: {SIZES}")
    wanted = ("easy",) if mix == "easy" else TIERS
    if pass_rates is None:
        parts = _by_level(domain, wanted, size, "train", seed)
    else:
        parts = _by_rate(candidates(domain, seed=seed), pass_rates)
    train, tiers = _mixed(parts, wanted, size)
    return LearningFromLess(
        train=Pool(train, name=f"lfl-{domain}-{mix}-{size}"),
        tiers=tuple(tiers),
        tier_source="levels" if pass_rates is None else "pass rates",
        validation=preset_pool(f"lfl-{domain}", size // 10, mix, split="validation", seed=seed),
        test=preset_pool(f"lfl-{domain}", _TEST[domain], mix, split="test", seed=seed),
        rewards=f"lfl-{domain}",
        rollouts=_ROLLOUTS[domain],
        steps=_STEPS[domain],
    )


def candidates(domain: Domain, n: int = CANDIDATES, *, seed: int = 0) -> Pool:
    """Training problems of a domain, a third of each tier by level, to measure pass rates on."""
    _check(domain, "mixed")
    return preset_pool(f"lfl-{domain}", n, "mixed", split="train", seed=seed)


def preset_pool(name: str, n: int, mix: Mix, *, split: Split, seed: int = 0) -> Pool:
    """One pool of a preset by its name, "lfl-graph": a training set, or held-out mixed problems."""
    domain = next((one for one in get_args(Domain) if name == f"lfl-{one}"), None)
    if domain is None:
        raise ConfigError(f"presets are lfl-counting, lfl-graph, lfl-spatial, got {name!r}")
    tiers = ("easy",) if (mix, split) == ("easy", "train") else TIERS
    parts = _by_level(domain, tiers, n, split, seed)
    return Pool(_mixed(parts, tiers, n)[0], name=f"{name}-{split}")


def tier_of(pass_rate: float) -> str:
    """The tier of a problem by its pass rate, 0..1."""
    if not 0 <= pass_rate <= 1:
        raise ConfigError(f"a pass rate lies in 0..1, got {pass_rate!r}")
    return "easy" if pass_rate >= EASY_FROM else "hard" if pass_rate <= HARD_TO else "medium"


def _by_level(
    domain: Domain, tiers: Sequence[str], n: int, split: Split, seed: int
) -> dict[str, list[Problem]]:
    """What n problems, shared by the tiers, need of each: its tasks in turn, over its levels."""
    count = -(-n // (len(tiers) * len(_TASKS[domain])))
    parts: dict[str, list[Problem]] = {}
    for tier in tiers:
        of_tasks = []
        for name in _TASKS[domain]:
            task = family(name, "text")
            # bands of 1..10, since a task that begins at level 3 has no easier ones
            levels = [x for x in level_tiers(range(1, 11))[tier] if x in task.levels]
            of_tasks.append(generate(task, levels, count, split=split, seed=seed)[:])
        parts[tier] = [problem for row in zip(*of_tasks, strict=True) for problem in row]
    return parts


def _by_rate(pool: Pool, rates: Mapping[str, float]) -> dict[str, list[Problem]]:
    parts: dict[str, list[Problem]] = {tier: [] for tier in TIERS}
    for problem in pool:
        if problem.id in rates:
            parts[tier_of(rates[problem.id])].append(problem)
    if not any(parts.values()):
        raise PoolError(
            f"none of the {len(rates)} pass rates is of a candidate; measure those of "
            f'candidates(...), whose ids look like "{pool.ids[0]}"'
        )
    return parts


def _mixed(
    parts: Mapping[str, Sequence[Problem]], tiers: Sequence[str], n: int
) -> tuple[list[Problem], list[str]]:
    """n problems, the tiers in turn, and the tier of each."""
    turns = [tiers[code] for code in deal([Fraction(1)] * len(tiers), n).tolist()]
    wanted = dict(zip(*np.unique(turns, return_counts=True), strict=True))
    short = {tier: len(parts[tier]) for tier in tiers if len(parts[tier]) < wanted.get(tier, 0)}
    if short:
        raise PoolError(
            f"{n} problems take {max(wanted.values())} of a tier, and these have fewer: {short}; "
            "ask for a smaller size, or measure more candidates"
        )
    left = {tier: iter(parts[tier]) for tier in tiers}
    return [problem for tier in turns for problem in islice(left[tier], 1)], turns


def _check(domain: str, mix: str) -> None:
    if domain not in get_args(Domain):
        raise ConfigError(f"domain must be one of {', '.join(get_args(Domain))}, got {domain!r}")
    if mix not in get_args(Mix):
        raise ConfigError(f'mix must be "easy" or "mixed", got {mix!r}')
