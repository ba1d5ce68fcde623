"""One family of a study for a report: what was found, and all of its pictures."""

from dataclasses import dataclass, field

from lessonplan.analysis.curve_figures import learning_curves, scaling_curves
from lessonplan.analysis.figures import Picture, styles
from lessonplan.analysis.findings import Finding, find
from lessonplan.analysis.law_comparison import law_figure
from lessonplan.analysis.ledger_figure import ledger_strip
from lessonplan.analysis.pick_figures import picks_seen
from lessonplan.analysis.pool_figures import pass_rate_histogram
from lessonplan.analysis.problem_figures import problem_strips
from lessonplan.analysis.ratio_figures import forest, pair_plot
from lessonplan.analysis.response import (
    fit_response,
    mixture_rows,
    mixtures,
    response_figure,
    trace_figure,
)
from lessonplan.analysis.sampling_figures import level_mix, pass_rates, wasted_groups
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.tables import Budgets, decodings
from lessonplan.analysis.time_figure import time_bars
from lessonplan.analysis.verdicts import sentences, verdict
from lessonplan.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Chapter:
    """One family: what was found, and its pictures by number."""

    finding: Finding
    other: Finding | None  # the same with the other way of decoding, if both were evaluated
    pictures: dict[str, Picture]
    split: str
    best_mixture: str = ""  # in words: the best one with its doubt, or why there is no curve
    mixed: list[Row] = field(default_factory=list)  # arms with a stated mixture

    @property
    def verdicts(self) -> list[str]:
        """Sentences about this family."""
        return sentences(self.finding)

    @property
    def second_opinion(self) -> list[str]:
        """The same sentences for the other way of decoding."""
        if self.other is None:
            return []
        return [f"{self.other.table.metric}: {line}" for line in sentences(self.other)]


def chapter(
    study: Study,
    family: str,
    *,
    target: float | None = None,
    budgets: Budgets = "refuse",
    resamples: int = 1000,
) -> Chapter:
    """Analyze and draw one family."""
    found = find(study, family, target=target, budgets=budgets, resamples=resamples)
    _, ways = decodings(study, family)
    other = None
    if len(ways) > 1:
        other = find(study, family, decode=ways[1], budgets=budgets, resamples=resamples)
    looks = styles(study)
    split = found.table.metric.split()[0]
    curve_split = "validation" if _has(study, family, "validation") else split
    lead = verdict(found.comparisons[0]) if found.comparisons else ""
    title = lead if len(found.comparisons) == 1 else f"Who needs fewer problems: {family}"
    drawn: dict[str, Picture | None] = {
        "v1": learning_curves(study, family, looks, split=curve_split),
        "v3": forest(family, title, found.comparisons, found.differences, looks)
        if found.comparisons
        else None,
        "v4": level_mix(study, family, looks),
        "v5": pass_rates(study, family),
        "v6": wasted_groups(study, family),
        "v10": ledger_strip(study, family),
        "v12": pair_plot(family, found.differences, looks),
        "v7": problem_strips(study, family),
        "v8": pass_rate_histogram(study, family, looks),
        "v9": picks_seen(study, family, looks),
        "v11": time_bars(study, family),
        "laws": law_figure(found, looks),
    }
    if found.everything is not None:
        drawn["v2"] = scaling_curves(found.everything, study, looks, found.target)
    words, mixed = _mixtures(study, found, drawn)
    pictures = {k: p for k, p in drawn.items() if p is not None}
    return Chapter(found, other, pictures, split, words, mixed)


def _mixtures(
    study: Study, found: Finding, drawn: dict[str, Picture | None]
) -> tuple[str, list[Row]]:
    """The best mixture in words and the arms behind it; nothing with fewer than two mixtures."""
    if found.everything is None:
        return "", []
    try:
        shares = mixtures(study, found.family)
        rows = mixture_rows(found.everything, shares)
        if len(set(shares.values())) < 2:
            return "", []
        response = fit_response(found.everything, shares)
    except ConfigError as problem:  # too few mixtures, or such as leave the response open
        return f"No response curve: {problem}", rows
    drawn["mixtures"] = response_figure(response)
    drawn["curves"] = trace_figure(response)
    return f"{response.best().words}.", rows


def _has(study: Study, family: str, split: str) -> bool:
    return any(e.split == split for run in study.of(family, "rl") for e in run.evals)
