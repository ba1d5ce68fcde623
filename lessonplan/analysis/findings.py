"""Everything that is computed for one family of a study, before any of it is drawn or written."""

from dataclasses import dataclass

import numpy as np

from lessonplan.analysis.efficiency import (
    Comparison,
    Curves,
    Difference,
    at_target,
    curves,
    default_target,
    paired_differences,
    pairs,
    target_grid,
)
from lessonplan.analysis.fit import fit
from lessonplan.analysis.law_sensitivity import Sensitivity, sensitivity
from lessonplan.analysis.laws import POWER
from lessonplan.analysis.multiple import Adjusted, adjust_differences, adjust_ratios
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.tables import (
    Budgets,
    Decode,
    ItemTable,
    budget_ratio,
    check_budgets,
    cut_budgets,
    decodings,
    item_table,
)
from lessonplan.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Finding:
    """The analysis of one family.

    `refused` says in words what was not compared and why. `everything` holds the curves of all
    samplers together, None if there are too few sizes for a fit.
    """

    family: str
    table: ItemTable
    target: float | None
    rule: str  # how the target was chosen
    comparisons: tuple[Comparison, ...]
    differences: tuple[tuple[Difference, ...], ...]  # one tuple a pair, with or without a target
    grid: tuple[Comparison, ...]  # the same pairs at other targets
    refused: tuple[str, ...]
    budgets: dict[str, float]  # "a / b" to the ratio of generated rollouts
    everything: Curves | None
    sensitivities: tuple[Sensitivity, ...] = ()  # one a comparison: the same under another law
    holm: tuple[Adjusted, ...] = ()  # one a comparison: for all pairs at the target together
    holm_differences: tuple[Adjusted, ...] = ()  # one a difference: all pairs and sizes together


def find(
    study: Study,
    family: str,
    *,
    target: float | None = None,
    decode: Decode | None = None,
    budgets: Budgets = "refuse",
    resamples: int = 1000,
    seed: int = 0,
) -> Finding:
    """Compare all samplers of a family.

    Uses the test split, or validation where no test was run; completions sampled at temperature
    1, or greedy ones where none were sampled, unless `decode` says which. Raises ConfigError if nothing was
    evaluated; what cannot be compared is listed in `Finding.refused` instead of raised.
    """
    table = _table(study, family, decode, budgets)
    rule = "given"
    if target is None:
        target = default_target(table)
        rule = "half of the gain of all samplers together, in whole percent"
    refused, spent = list[str](), dict[str, float]()
    found, grid = list[Comparison](), list[Comparison]()
    differences = list[tuple[Difference, ...]]()
    second = list[Sensitivity]()
    if target is None:
        rule = "no sampler rises 2 points above the warm starts"
        refused.append(
            "no sampler rises above the warm starts, so there is no target to compare at"
        )
    for a, b in pairs(table):
        spent[f"{a} / {b}"] = budget_ratio(table, a, b)
        try:
            if budgets != "allow":
                check_budgets(table, a, b)
            both = curves(table, (a, b), resamples=resamples, seed=seed)
            differences.append(paired_differences(both))
            if target is not None:
                found.append(at_target(both, target))
                second.append(sensitivity(both, target))
                grid += [at_target(both, t) for t in target_grid(table) if abs(t - target) > 0.006]
        except ValueError as problem:
            refused.append(f"{a} against {b}: {problem}")
    everything = None
    try:
        everything = curves(table, table.samplers, resamples=resamples, seed=seed)
        _ = everything.fits  # too few sizes show here
    except ValueError as problem:
        everything = None
        refused.append(f"no curves: {problem}")
    return Finding(
        family,
        table,
        target,
        rule,
        tuple(found),
        tuple(differences),
        tuple(grid),
        tuple(refused),
        spent,
        everything,
        tuple(second),
        adjust_ratios(found),
        adjust_differences([d for each in differences for d in each]),
    )


def _table(study: Study, family: str, decode: Decode | None, budgets: Budgets) -> ItemTable:
    """Test accuracies where there are any; cut to the smallest budget of all if asked."""
    split, _ = decodings(study, family)
    table = item_table(study, family, split=split, decode=decode)
    if budgets != "cut":
        return table
    try:
        return cut_budgets(study, table, table.samplers, split=split, decode=decode)
    except ConfigError:
        return table  # not evaluated within that budget: the check of budgets then refuses


def law_rows(finding: Finding) -> list[Row]:
    """Fitted Hill curves and power laws by sampler; how well laws foresee: `law_comparison`."""
    both = finding.everything
    if both is None:
        return []
    rows: list[Row] = []
    for k, (cells, hill) in enumerate(zip(both.plan.cells, both.fits, strict=True)):
        low, high = both.draws.limits(hill.ceiling)
        half = both.draws.limits(np.log(hill.half))
        weights = both.draws.weights(k)
        sizes, values = cells.sizes.astype(float), both.draws.cells[k][0]
        power = fit(sizes, values, weights[-len(sizes) :], law=POWER)
        rows.append(
            {
                "sampler": cells.sampler,
                "sizes": len(cells.sizes),
                "Hill: start": 1 - float(hill.c0[0] + hill.c1[0]),
                "ceiling": float(hill.ceiling[0]),
                "ceiling from": float(np.clip(low, 0, 1)),
                "ceiling to": float(np.clip(high, 0, 1)),
                "half at n": float(hill.half[0]),
                "half from": float(np.exp(np.clip(half[0], -700, 700))),
                "half to": float(np.exp(np.clip(half[1], -700, 700))),
                "exponent": float(hill.exponent[0]),
                "power law: ceiling": float(power.ceiling[0]),
                "power law: exponent": float(power.exponent[0]),
            }
        )
    return rows
