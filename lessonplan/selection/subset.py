"""From scores to a subset: which problems to keep, and why the others were dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lessonplan.errors import ConfigError
from lessonplan.generators.pool import Pool
from lessonplan.selection.base import Positions
from lessonplan.selection.diverse import Diversity
from lessonplan.selection.epoch_curves import Curves, Fill, fill_gaps
from lessonplan.selection.matching import Match, match
from lessonplan.selection.offline import By, Compat, counted, offline_scores
from lessonplan.selection.scores import Scores

THRESHOLDS = {"lim": 0.6, "linear": 0.7}  # arXiv 2502.11886; the others have no published one


@dataclass(frozen=True, slots=True)
class Subset:
    """The problems of a pool that were kept, the score of every one, and what became of the rest."""

    positions: Positions  # (n,) kept, ascending
    scores: Scores  # (N,) NaN where a problem has none
    reasons: tuple[str, ...]  # (N,) why a problem was dropped, "" where it was kept
    notes: tuple[str, ...] = ()  # what was decided on the way, in words

    def dropped(self) -> dict[str, int]:
        """How many problems were dropped for each reason, the commonest first."""
        distinct, counts = np.unique([one for one in self.reasons if one], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {str(distinct[i]): int(counts[i]) for i in order}


def select(
    scores: Scores,
    *,
    threshold: float | None = None,
    top: int | None = None,
    band: tuple[float, float] | None = None,
    decimals: int | None = None,
    compat: Compat = "paper",
) -> Positions:
    """Positions of the kept scores, ascending; NaN is never kept.

    Keeps scores above `threshold` (the paper: 0.6), or the `top` best, ties to the earlier, or
    those in `band`, both ends included. compat="released" keeps scores >= threshold, by default
    0.2, as the released script does. The released list of 1,389 problems comes from >= 0.6 on
    scores rounded to two decimals: `decimals=2` rounds first.
    """
    given = {"threshold": threshold, "top": top, "band": band}
    if sum(value is not None for value in given.values()) > 1:
        named = ", ".join(f"{key}={value!r}" for key, value in given.items() if value is not None)
        raise ConfigError(f"give one of threshold, top and band, not both; got {named}")
    _check_top(top)
    if decimals is not None:
        scores = np.round(scores, decimals)
    if band is not None:
        low, high = band
        if not low <= high:
            raise ConfigError(f"band must be a lower and an upper end, got {band!r}")
        return np.flatnonzero((scores >= low) & (scores <= high))
    if top is not None:
        best = np.argsort(-scores, kind="stable")[: min(top, np.count_nonzero(~np.isnan(scores)))]
        return np.sort(best)
    if compat == "released":
        return np.flatnonzero(scores >= (0.2 if threshold is None else threshold))
    return np.flatnonzero(scores > (0.6 if threshold is None else threshold))


def _check_top(top: int | None) -> None:
    if top is not None and top < 1:
        raise ConfigError(f"top must be at least 1, got {top!r}")


def choose(
    pool: Pool,
    curves: Curves,
    by: By = "lim",
    *,
    threshold: float | None = None,
    top: int | None = None,
    band: tuple[float, float] | None = None,
    decimals: int | None = None,
    diverse: Diversity | None = None,
    fill: Fill = "next",
    compat: Compat = "paper",
    epochs: int | None = None,
    seed: int = 0,
) -> Subset:
    """The part of `pool` that the logged `curves` speak for.

    Scores by `offline_scores`, keeps by `select`: the default threshold is the paper's for "lim"
    and "linear"; the other scores have none, so one of threshold, top and band must be given.
    With `diverse`, the `top` best are spread over clusters (see `Diversity`); a threshold or band
    given beside it is applied first. Every problem of the pool gets a score or a reason.
    """
    scores = offline_scores(curves, by, fill=fill, compat=compat, epochs=epochs, seed=seed)
    rule = Rule(THRESHOLDS.get(by), threshold, top, band, decimals, diverse, compat)
    matched = match(curves.ids, pool, exact=rule.exact)
    if by == "random":  # the baseline draws from the whole pool, logged or not
        pool_scores = np.random.default_rng(seed).random(len(pool))
    else:
        pool_scores = _by_row(scores, matched)
    why = _why_no_score(curves, by, fill, compat, epochs)
    return _subset(pool, matched, pool_scores, why, rule)


def choose_scored(
    pool: Pool,
    ids: Sequence[str],
    scores: Scores,
    *,
    threshold: float | None = None,
    top: int | None = None,
    band: tuple[float, float] | None = None,
    decimals: int | None = None,
    diverse: Diversity | None = None,
    compat: Compat = "paper",
) -> Subset:
    """The same from scores (P,) that somebody else computed for problems `ids` (ids or prompts)."""
    rule = Rule(None, threshold, top, band, decimals, diverse, compat)
    matched = match(ids, pool, exact=rule.exact)
    return _subset(
        pool, matched, _by_row(scores, matched), ["no score in the file"] * len(ids), rule
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """Which scores are kept; the arguments of `choose` that say so, checked together."""

    usual: float | None  # the published threshold of this score
    threshold: float | None
    top: int | None
    band: tuple[float, float] | None
    decimals: int | None
    diverse: Diversity | None
    compat: Compat

    def __post_init__(self) -> None:
        _check_top(self.top)
        if self.top is None and self.diverse is not None:
            raise ConfigError("diverse spreads the top n over clusters: give top (--top) too")
        if self.top is None and not self.limited and self.usual is None:
            raise ConfigError(
                "this score has no published threshold: give top (--top), threshold (--threshold) "
                "or band (--band)"
            )
        if self.threshold is not None and self.band is not None:
            raise ConfigError("give threshold (--threshold) or band (--band), not both")
        if self.top is not None and self.limited and self.diverse is None:
            raise ConfigError(
                "give top (--top) alone; together with a threshold or band it needs clusters: "
                "diverse (--diverse)"
            )

    @property
    def limited(self) -> bool:
        return self.threshold is not None or self.band is not None

    @property
    def exact(self) -> bool:
        return self.compat == "released"

    def keep(self, pool: Pool, scores: Scores) -> tuple[Positions, str]:
        """The kept positions, ascending, and why the other scored problems are not."""
        if self.top is not None and self.diverse is None:
            kept = select(scores, top=self.top, decimals=self.decimals)
            return kept, f"not among the {self.top} best"
        allowed = np.flatnonzero(~np.isnan(scores))
        if self.limited or self.top is None:
            threshold = self.threshold
            if not self.limited and not self.exact:  # the released script has its own default
                threshold = self.usual
            allowed = select(
                scores,
                threshold=threshold,
                band=self.band,
                decimals=self.decimals,
                compat=self.compat,
            )
        if self.diverse is None or self.top is None:
            return allowed, "score too low" if self.band is None else "score outside the band"
        kept = self.diverse.pick(pool, scores, allowed, self.top)
        return kept, f"not among the {self.top} best of their clusters"


def _by_row(logged: Scores, matched: Match) -> Scores:  # (N,)
    """Scores of the log's problems at the positions of the pool; NaN for those not logged."""
    return np.append(logged, np.nan)[matched.rows]  # row -1 is the NaN at the end


def _subset(pool: Pool, matched: Match, scores: Scores, why: Sequence[str], rule: Rule) -> Subset:
    """Apply the rule; `why` (P,) tells for the log's problems why they have no score."""
    notes = [f"problems recognized by {matched.how}"]
    if matched.unknown:
        examples = ", ".join(repr(key[:40]) for key in matched.unknown[:3])
        notes.append(f"{len(matched.unknown)} problems of the log are not in the pool: {examples}")
    kept, dropped = rule.keep(pool, scores)
    reasons = np.full(len(pool), dropped, object)
    scoreless = np.isnan(scores)
    reasons[scoreless] = np.array([*why, "not in the log"], object)[matched.rows[scoreless]]
    reasons[kept] = ""
    return Subset(kept, scores, tuple(reasons.tolist()), tuple(notes))


def _why_no_score(
    curves: Curves, by: By, fill: Fill, compat: Compat, epochs: int | None
) -> list[str]:
    """(P,) a reason for every problem that has no score; what the others get is not used."""
    if by in ("pass_rate", "random"):
        return ["no rollout could be scored"] * len(curves.ids)
    part = counted(curves, epochs, compat)
    gaps = np.isnan(fill_gaps(part.rates, fill)).any(axis=1)  # (P,)
    never = curves.counts.sum(axis=1) == 0  # (P,)
    some = f"not scored in each of {len(part.epochs)} epochs"
    undefined = "solved from the first" if by == "linear" else "every curve is 1 throughout"
    why = np.where(never, "no rollout could be scored", np.where(gaps, some, undefined))
    return [str(one) for one in why]
