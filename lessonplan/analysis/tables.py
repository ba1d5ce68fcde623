"""Final accuracy by item: one row a run, the shape in which a bootstrap wants a family."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.runs import Evaluation, Run
from lessonplan.analysis.studies import Study
from lessonplan.analysis.tiers import item_weights, tier_codes
from lessonplan.errors import ConfigError, FormatError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Budgets = Literal["refuse", "cut", "allow"]
Decode = Literal["sample", "greedy"]  # sampled at the temperature of training is what RL raises
TOLERANCE = 1.05  # budgets within 5 % count as equal; a dropped last batch is about 1 %


@dataclass(frozen=True, slots=True)
class ItemTable:
    """R runs and U warm starts of one family on the same M items."""

    family: str
    metric: str  # in words, for captions
    strata: Ints  # (M,) tier of each item; a bootstrap draws within tiers
    weights: Floats  # (M,) sum to 1
    sampler: tuple[str, ...]  # (R,)
    n: Ints  # (R,) unique problems
    start: tuple[str, ...]  # (R,)
    seed: Ints  # (R,)
    share: Floats  # (R, M) share of right answers
    rollouts: Ints  # (R,) generated
    tokens: Ints  # (R,)
    starts: tuple[str, ...]  # (U,) warm starts whose own accuracy is known
    base: Floats  # (U, M)

    @property
    def samplers(self) -> tuple[str, ...]:
        """Names of the samplers, uniform first, then sorted."""
        return tuple(sorted(set(self.sampler), key=lambda name: (name != "uniform", name)))

    @property
    def accuracy(self) -> Floats:
        """Accuracy of each run, (R,)."""
        return self.share @ self.weights

    @property
    def base_accuracy(self) -> float:
        """Mean accuracy of the warm starts that have runs; NaN if none was evaluated."""
        used = [
            row @ self.weights
            for s, row in zip(self.starts, self.base, strict=True)
            if s in self.start
        ]
        return float(np.mean(used)) if used else float("nan")

    def rows(self, sampler: str) -> list[int]:
        """Row numbers of a sampler's runs."""
        return [i for i, name in enumerate(self.sampler) if name == sampler]

    def means(self, sampler: str) -> tuple[Ints, Floats]:
        """Sizes (K,) and mean accuracy over all runs at each, (K,)."""
        rows = self.rows(sampler)
        sizes = np.unique(self.n[rows])
        return sizes, np.array([self.accuracy[rows][self.n[rows] == k].mean() for k in sizes])


def describe(tier: str, split: str, decode: Decode) -> str:
    """The metric in words."""
    what = "mean of the tiers" if tier == "mean" else f"{tier} tier"
    how = "greedy" if decode == "greedy" else "sampled at T = 1"
    return f"{split} accuracy, {what}, {how}"


def decodings(study: Study, family: str) -> tuple[str, list[Decode]]:
    """The split to judge by, and how it was answered: sampled first, as RL raises that.

    A way of decoding counts if every run and every warm start was evaluated in it.
    """
    splits = {e.split for run in study.of(family, "rl") for e in run.evals}
    split = "validation" if splits and "test" not in splits else "test"
    return split, _ways(study, family, split)


def _ways(study: Study, family: str, split: str) -> list[Decode]:
    runs = [*study.of(family, "rl"), *study.of(family, "base")]
    ways: tuple[Decode, ...] = ("sample", "greedy")
    return [way for way in ways if all(run.last_eval(split, way) for run in runs)]


def item_table(
    study: Study,
    family: str,
    *,
    tier: str = "mean",
    split: str = "test",
    decode: Decode | None = None,
    max_rollouts: dict[str, int] | None = None,
) -> ItemTable:
    """Final evaluations of the RL runs of a family, with the warm starts.

    Without `decode`, sampled accuracies count where there are any, else greedy ones.
    `max_rollouts` cuts the runs of a sampler: the last evaluation within that budget counts.
    Raises ConfigError if nothing was evaluated this way, FormatError if runs of the family were
    evaluated on different items.
    """
    limits = max_rollouts or {}
    way: Decode = decode or (_ways(study, family, split) or ["greedy"])[0]

    def final(run: Run) -> Evaluation | None:
        limit = limits.get(run.info.sampler)
        found = [e for e in run.evals if e.split == split and e.decode == way]
        if limit is not None:
            found = [e for e in found if _spent(run, e) <= limit * TOLERANCE]
        return max(found, key=lambda e: e.step) if found else None

    pairs = _evaluated(study.of(family, "rl"), final)
    if not pairs:
        raise ConfigError(
            f"no finished run of family {family!r} has a {way} evaluation on the {split} split; "
            f"families: {', '.join(study.families) or 'none'}"
        )
    base = _evaluated(study.of(family, "base"), lambda run: run.last_eval(split, way))
    prints = {run.items[split].fingerprint for run, _ in (*pairs, *base)}
    if len(prints) > 1:
        raise FormatError(
            f"runs of family {family!r} were evaluated on {len(prints)} different {split} sets "
            f"({', '.join(sorted(prints))}): they cannot be compared"
        )
    levels = pairs[0][0].items[split].levels
    own = {run.info.start or run.info.id: e.share for run, e in base}
    for run in study.of(family, "rl"):  # without a base journal, step 0 of a run is the same model
        zero = [e for e in run.evals if (e.step, e.split, e.decode) == (0, split, way)]
        if zero and run.info.start not in own:
            own[run.info.start] = zero[0].share
    return ItemTable(
        family=family,
        metric=describe(tier, split, way),
        strata=tier_codes(levels),
        weights=item_weights(levels, tier),
        sampler=tuple(run.info.sampler for run, _ in pairs),
        n=np.array([run.info.n for run, _ in pairs], dtype=np.int64),
        start=tuple(run.info.start for run, _ in pairs),
        seed=np.array([run.info.seed for run, _ in pairs], dtype=np.int64),
        share=np.array([e.share for _, e in pairs]),
        rollouts=np.array([_spent(run, e) for run, e in pairs], dtype=np.int64),
        tokens=np.array(
            [int(run.steps.tokens[run.steps.step <= e.step].sum()) for run, e in pairs],
            dtype=np.int64,
        ),
        starts=tuple(own),
        base=np.array(list(own.values())).reshape(len(own), len(levels)),
    )


def _evaluated(
    runs: list[Run], final: Callable[[Run], Evaluation | None]
) -> list[tuple[Run, Evaluation]]:
    found = [(run, final(run)) for run in runs]
    return [(run, e) for run, e in found if e is not None]


def _spent(run: Run, evaluation: Evaluation) -> int:
    return int(run.steps.rollouts[run.steps.step <= evaluation.step].sum())


def budget_ratio(table: ItemTable, a: str, b: str) -> float:
    """Generated rollouts of a run of `a` over those of `b`; NaN if the logs do not say."""
    spent = [float(table.rollouts[table.rows(name)].mean()) for name in (a, b)]
    return spent[0] / spent[1] if min(spent) > 0 else float("nan")


def check_budgets(table: ItemTable, a: str, b: str) -> None:
    """Raise ConfigError unless both samplers generated equally many rollouts a run."""
    ratio = budget_ratio(table, a, b)
    more, less = (a, b) if ratio > 1 else (b, a)
    if max(ratio, 1 / ratio) > TOLERANCE:
        raise ConfigError(
            f"{more} generated {max(ratio, 1 / ratio):.1f} times {less}'s rollouts: not compared. "
            f"--at-equal rollouts cuts {more}, or --unequal says so"
        )


def cut_budgets(
    study: Study,
    table: ItemTable,
    samplers: tuple[str, ...],
    *,
    tier: str = "mean",
    split: str = "test",
    decode: Decode | None = None,
) -> ItemTable:
    """The same table with every run cut to the smallest budget among `samplers`.

    Raises ConfigError if a sampler was not evaluated within that budget.
    """
    least = min(int(table.rollouts[table.rows(name)].mean()) for name in samplers)
    cut = item_table(
        study,
        table.family,
        tier=tier,
        split=split,
        decode=decode,
        max_rollouts=dict.fromkeys(samplers, least),
    )
    for name in samplers:
        if len(cut.rows(name)) < len(table.rows(name)):
            raise ConfigError(
                f"{name} has no {decode or 'final'} evaluation on the {split} split within {least} rollouts: "
                "it cannot be cut to an equal budget"
            )
    return cut
