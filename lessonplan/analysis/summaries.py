"""Tables of the report that need no statistics: results, warm starts, guess rates, cost."""

from collections.abc import Sequence
from math import isnan
from typing import TypeAlias

import numpy as np

from lessonplan.analysis.runs import Evaluation, Floats, Run
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.tiers import TIERS, item_weights, level_tiers

NAN = float("nan")

# Item weights by levels and tier, None without items of it: a study's runs share the set of items.
Weights: TypeAlias = dict[tuple[bytes, str], Floats | None]


def result_rows(study: Study, family: str, split: str) -> list[Row]:
    """Final accuracies in percent: warm starts, SFT and uniform always, then every sampler and n.

    Means over runs. `trace` is the share of exact worked solutions; `unparsed` and `cut off` are
    shares of greedy answers.
    """
    known: Weights = {}
    rows = [
        _results("warm starts", 0, study.of(family, "base"), split, known),
        _results("SFT control", 0, study.of(family, "sft"), split, known),
    ]
    names = study.samplers(family)
    for name in names if "uniform" in names else ("uniform", *names):
        runs = study.of(family, "rl", name)
        if not runs:
            rows.append(_results(name, 0, [], split, known))
        for n in sorted({run.info.n for run in runs}):
            rows.append(_results(name, n, [run for run in runs if run.info.n == n], split, known))
    return rows


def _results(who: str, n: int, runs: Sequence[Run], split: str, known: Weights) -> Row:
    row: Row = {"sampler": who, "n": n, "runs": len(runs)}
    if not runs:
        row["sampler"] = f"{who} (not run)"
    greedy = [(run, run.last_eval(split, "greedy")) for run in runs]
    sampled = [(run, run.last_eval(split, "sample")) for run in runs]
    for tier in (*TIERS, "mean"):
        row[tier] = _mean([_accuracy(run, e, tier, known) for run, e in greedy])
    row["T=1 mean"] = _mean([_accuracy(run, e, "mean", known) for run, e in sampled])
    evals = [e for _, e in greedy if e is not None]
    row["trace"] = _mean([_share(e, e.trace) for e in evals])
    row["unparsed"] = _mean([100.0 - _share(e, e.formatted) for e in evals])
    row["cut off"] = _mean([_share(e, e.truncated) for e in evals])
    return row


def _accuracy(run: Run, evaluation: Evaluation | None, tier: str, known: Weights) -> float:
    if evaluation is None:
        return NAN
    levels = run.items[evaluation.split].levels
    key = levels.tobytes(), tier
    if key not in known:
        try:
            known[key] = item_weights(levels, tier)
        except ValueError:  # no items of that tier
            known[key] = None
    weights = known[key]
    return NAN if weights is None else 100 * float(weights @ evaluation.share)


def _share(evaluation: Evaluation, counts: np.ndarray | None) -> float:
    if counts is None:
        return NAN
    return 100 * float(counts.sum()) / (len(counts) * evaluation.samples)


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if not isnan(v)]
    return round(float(np.mean(known)), 1) if known else NAN


def gate_rows(study: Study, family: str) -> list[Row]:
    """The acceptance test of each warm start: last probe, rule, verdict."""
    rows: list[Row] = []
    for run in study.of(family, "base"):
        gate = run.gate
        row: Row = {"warm start": run.info.start or run.info.id}
        if gate is None:
            rows.append({**row, "accepted": "no gate in the journal"})
            continue
        last = gate.probes[-1] if gate.probes else None
        row["accepted"] = "yes" if gate.accepted else "no"
        row["step"] = last.step if last else NAN
        for kind, values in (("answer", last.answer), ("trace", last.trace)) if last else ():
            for tier in TIERS:
                row[f"{kind} {tier}"] = round(100 * values.get(tier, NAN), 1)
        row["rule"] = gate.rule
        rows.append(row)
    widest = max(rows, key=len, default={})
    return [{name: row.get(name, "") for name in widest} for row in rows]


def guess_rows(study: Study, family: str) -> list[Row]:
    """What guessing scores by level, in percent, from the first warm start that says so."""
    for run in study.of(family, "base"):
        if run.gate is not None and run.gate.guess:
            kinds = sorted({k for v in run.gate.guess.values() for k in v})
            return [
                {
                    "level": level,
                    **{k: _percent(rates.get(k)) for k in kinds},
                }
                for level, rates in sorted(run.gate.guess.items())
            ]
    return []


def _percent(value: float | str | None) -> float | str:
    """A share in percent; a word (the commonest answer, say) stays a word."""
    if isinstance(value, str):
        return value
    return NAN if value is None else round(100 * value, 1)


def cost_rows(study: Study, family: str) -> list[Row]:
    """Mean rollouts, tokens and seconds of a run by sampler, and what resumes wasted in total."""
    rows: list[Row] = []
    phases = sorted({k for run in study.of(family, "rl") for k in run.steps.seconds})
    for name in study.samplers(family):
        runs = study.of(family, "rl", name)
        row: Row = {
            "sampler": name,
            "runs": len(runs),
            "rollouts a run": round(float(np.mean([run.rollouts for run in runs]))),
            "tokens a run": round(float(np.mean([run.tokens for run in runs]))),
            "seconds a run": float(np.mean([run.seconds for run in runs])),
        }
        for phase in phases:
            spent = [float(run.steps.seconds.get(phase, np.zeros(1)).sum()) for run in runs]
            row[f"{phase} (s)"] = float(np.mean(spent))
        row["rollouts wasted"] = sum(run.wasted for run in runs)
        rows.append(row)
    return rows


def tier_words(study: Study, family: str, split: str) -> str:
    """Which levels are easy, medium and hard on the evaluation set."""
    for run in study.of(family, "rl"):
        if split in run.items:
            bands = level_tiers(run.items[split].levels.tolist())
            return "; ".join(
                f"{name}: level {', '.join(map(str, bands[name]))}" for name in TIERS if bands[name]
            )
    return "levels unknown"
