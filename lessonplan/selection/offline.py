"""Scores over the curves of a finished run: which problems were worth practicing."""

from typing import Literal, TypeAlias, get_args

import numpy as np

from lessonplan.errors import ConfigError
from lessonplan.selection.epoch_curves import Curves, Fill, Rates, fill_gaps
from lessonplan.selection.scores import Scores, lim, linear, variance

By: TypeAlias = Literal["lim", "linear", "variance", "pass_rate", "random"]
Compat: TypeAlias = Literal["paper", "released", "one-shot"]
BY: tuple[By, ...] = get_args(By)


def lim_scores(rates: Rates, *, fill: Fill = "next", compat: Compat = "paper") -> Scores:  # (P,)
    """LIM scores of curves (P, K): 1 on the mean curve, 0 when always solved (arXiv 2502.11886).

    A curve that still has a gap after `fill` is dropped: it scores NaN and is not in the mean.
    LIMR's script does the same with "next". compat="one-shot" scores as the script of
    arXiv 2504.20571: every curve is the list of its known rates, cut to the shortest list, and
    all problems count in the mean; `fill` is not used.
    """
    if compat == "one-shot":
        return _one_shot(rates)
    return _over_whole_curves(fill_gaps(rates, fill), by="lim")


def offline_scores(
    curves: Curves,
    by: By = "lim",
    *,
    fill: Fill = "next",
    compat: Compat = "paper",
    epochs: int | None = None,
    seed: int = 0,
) -> Scores:  # (P,)
    """A score for each problem of a log, NaN where it has none; higher is wanted.

    "lim": how well the curve follows the mean curve. "linear": how well it follows the straight
    line from its first rate to 1 (LIMR names this baseline without a formula; the formula is
    ours). "variance": standard deviation of the curve (arXiv 2504.20571). "pass_rate": share of
    all scored rollouts that were solved. "random": the baseline, by `seed`.

    The first three need whole curves: gaps are filled by `fill`, what still has one scores NaN.
    `epochs` is how many count, by default as many as half of the scored problems reached (ours);
    any other `compat` counts all.
    """
    if by == "random":
        return np.random.default_rng(seed).random(len(curves.ids))
    if by == "pass_rate":
        return curves.pass_rates()
    if by not in BY:
        raise ConfigError(f"by must be one of {', '.join(BY)}, got {by!r}")
    curves = counted(curves, epochs, compat)
    if by == "lim":
        return lim_scores(curves.rates, fill=fill, compat=compat)
    return _over_whole_curves(fill_gaps(curves.rates, fill), by=by)


def counted(curves: Curves, epochs: int | None = None, compat: Compat = "paper") -> Curves:
    """The epochs of the curves that count; see `offline_scores`."""
    if epochs is None:
        epochs = curves.usual_length() if compat == "paper" else len(curves.epochs)
    return curves.first(epochs)


def _over_whole_curves(rates: Rates, by: By) -> Scores:
    whole = ~np.isnan(rates).any(axis=1)  # (P,)
    scores = np.full(len(rates), np.nan)
    score = {"lim": lim, "linear": linear, "variance": variance}[by]
    scores[whole] = score(rates[whole])
    return scores


def _one_shot(rates: Rates) -> Scores:
    known = ~np.isnan(rates)  # (P, K)
    lengths = known.sum(axis=1)  # (P,)
    seen = lengths > 0
    shortest = int(lengths[seen].min(initial=rates.shape[1]))
    order = np.argsort(~known, axis=1, kind="stable")[:, :shortest]  # known rates first, in order
    scores = np.full(len(rates), np.nan)
    scores[seen] = lim(np.take_along_axis(rates, order, axis=1)[seen])
    return scores
