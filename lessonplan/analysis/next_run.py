"""What a finished pilot teaches a planner: noise, curves, and which runs to do next.

pilot = read_pilot(read_study("runs/pilot"), "mixed", "easy")
best = next_runs(pilot)[0]
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from lessonplan.analysis.efficiency import Curves, at_target, curves, default_target, pick_family
from lessonplan.analysis.plan_search import Cost, cost
from lessonplan.analysis.planning import (
    Forecast,
    HillGuess,
    Layout,
    Pair,
    item_noise,
    moves,
    predict,
)
from lessonplan.analysis.studies import Study
from lessonplan.analysis.tables import Decode, decodings, item_table
from lessonplan.errors import ConfigError

EASIEST, HARDEST = 0.0, 6.0  # spread of difficulty in logits; beyond 6, items are right or wrong
GROWTH = 2.0  # a further size is so many times the largest


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the runs of two samplers say about noise, curves and cost."""

    family: str
    a: str
    b: str
    layout: Layout
    pair: Pair
    target: float
    method: str  # "starts", "seeds" or "runs", as the analysis resamples them
    item_noise: float  # v: mean of p(1-p) over items
    rollouts_per_run: int
    pace: float  # rollouts a second; NaN if the journals have no times
    low: float  # the interval of n_B / n_A that these runs gave
    high: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """A set of further runs, and what it does to the interval."""

    what: str
    cost: Cost  # of the further runs alone
    forecast: Forecast
    error: float  # half of the interval of ln n_B / n_A over 1.96, after these runs
    gain: float  # drop of that error for a million rollouts


def read_pilot(
    study: Study,
    a: str,
    b: str,
    *,
    family: str | None = None,
    target: float | None = None,
    tier: str = "mean",
    decode: Decode | None = None,
) -> Pilot:
    """Read noise, curves and cost of two samplers from a study.

    Raises ValueError for unknown names or too few sizes, ConfigError without a rising curve.
    """
    family = pick_family(study, family)
    split, ways = decodings(study, family)
    way: Decode = decode or (ways or ["greedy"])[0]
    table = item_table(study, family, tier=tier, split=split, decode=way)
    both = curves(table, (a, b), resamples=400)
    runs = [run for run in study.of(family, "rl") if run.info.sampler in (a, b)]
    finals = [run.last_eval(split, way) for run in runs]
    samples = min((e.samples for e in finals if e is not None), default=1)
    spent = np.array([run.rollouts for run in runs], dtype=float)
    seconds = sum(run.seconds for run in runs)
    return pilot_of(
        both,
        target=default_target(table) if target is None else target,
        samples=samples,
        rollouts_per_run=max(1, round(float(spent.mean()))),
        pace=float(spent.sum() / seconds) if seconds > 0 else float("nan"),
    )


def pilot_of(
    both: Curves,
    *,
    target: float | None,
    samples: int = 1,
    rollouts_per_run: int = 1,
    pace: float = float("nan"),
) -> Pilot:
    """The same from fitted curves of two samplers.

    The noise of items, v, is the unbiased within-item variance of `samples` completions, or, with
    one, what remains of it between runs of a cell. Run noise: the residual variance about unit
    and cell, less v/M. `favor`: the variance between units of the linearized ln n_B / n_A, less
    what run noise explains. Both are from few runs: a factor of 1.5 off is common.
    """
    if len(both.plan.cells) != 2:
        raise ValueError(f"a pilot has two samplers, got {len(both.plan.cells)}")
    if both.draws.units < 2:
        raise ConfigError("one seed says nothing about noise; a pilot needs two, better three")
    table, cells = both.table, both.plan.cells
    guess_a, guess_b = _guess(both, 0), _guess(both, 1)
    top, bottom = min(guess_a.ceiling, guess_b.ceiling), max(guess_a.base, guess_b.base)
    if target is None or not bottom < target < top:
        said = "no target" if target is None else f"target {target:.3g}"
        raise ConfigError(
            f"{table.family}, {cells[0].sampler} against {cells[1].sampler}: {said} that both fitted "
            f"curves reach (between {bottom:.3g} and {top:.3g}); give --target"
        )
    items = round(1 / float(table.weights @ table.weights))
    v = _item_noise(both, samples)
    tied = both.plan.method != "runs"
    units = both.draws.units
    sizes_a, sizes_b = (tuple(float(n) for n in c.sizes) for c in cells)
    runs_a, runs_b = (
        _runs_of_a_unit(both, k) if tied else (units,) * len(cells[k].sizes) for k in (0, 1)
    )
    layout = Layout(sizes_a, sizes_b, runs_a, runs_b, items, units if tied else 0)
    each = float(np.mean([*runs_a, *runs_b])) if tied else 1.0
    sd = np.sqrt(max(both.draws.sd**2 * each - v / samples / items, 0.0))
    mean = float(np.mean([c.share.mean(axis=(0, 1)) @ table.weights for c in cells]))
    pair = Pair(
        guess_a,
        guess_b,
        sd=float(sd),
        difficulty=_difficulty(mean, v),
        samples=samples,
        favor=0.0,
    )
    if tied:
        pair = replace(pair, favor=_favor(both, layout, pair, target))
    told = at_target(both, target)
    notes = list(both.plan.notes)
    if both.draws.units < 3:
        notes.append(f"{both.draws.units} {both.plan.method}: the noise is known from very little")
    return Pilot(
        family=table.family,
        a=cells[0].sampler,
        b=cells[1].sampler,
        layout=layout,
        pair=pair,
        target=target,
        method=both.plan.method,
        item_noise=v,
        rollouts_per_run=rollouts_per_run,
        pace=pace,
        low=told.low,
        high=told.high,
        notes=tuple(notes),
    )


def _guess(both: Curves, k: int) -> HillGuess:
    fits, name = both.fits[k], both.plan.cells[k].sampler
    base, ceiling = 1 - float(fits.c0[0] + fits.c1[0]), 1 - float(fits.c0[0])
    base, ceiling = max(base, 1e-3), min(ceiling, 1 - 1e-3)
    if not ceiling > base:
        raise ConfigError(
            f"{name} does not rise above the base model: there is no curve to plan by"
        )
    return HillGuess(base, ceiling, float(fits.exponent[0]), float(fits.half[0]))


def _runs_of_a_unit(both: Curves, k: int) -> tuple[int, ...]:
    """Runs of one unit in each cell, the fewest if units differ."""
    cells, table, units = both.plan.cells[k], both.table, both.plan.units
    seeded = both.plan.method == "seeds"
    names = [f"{s}/seed{j}" if seeded else s
             for s, j in zip(table.start, table.seed, strict=True)]  # fmt: skip
    rows = table.rows(cells.sampler)
    return tuple(
        min(sum(bool(table.n[i] == n and names[i] == unit) for i in rows) for unit in units)
        for n in cells.sizes
    )


def _item_noise(both: Curves, samples: int) -> float:
    """v: mean of p(1-p) over items and cells."""
    weights, found = both.table.weights, list[float]()
    for cells in both.plan.cells:
        for sampler_size in cells.sizes:
            rows = [i for i in both.table.rows(cells.sampler) if both.table.n[i] == sampler_size]
            share = both.table.share[rows]  # (r, M)
            if samples > 1:
                inside = share * (1 - share) * samples / (samples - 1)
                found.append(float(inside.mean(axis=0) @ weights))
            elif len(rows) > 1:
                found.append(float(share.var(axis=0, ddof=1) @ weights))
    return float(np.mean(found)) if found else item_noise(0.5)


def _difficulty(accuracy: float, v: float) -> float:
    """Spread of difficulty in logits with that noise of an item, at a mean accuracy."""
    accuracy = float(np.clip(accuracy, 0.02, 0.98))

    def over(spread: float) -> float:
        return item_noise(accuracy, spread) - v

    if over(EASIEST) <= 0:
        return EASIEST
    return HARDEST if over(HARDEST) >= 0 else float(brentq(over, EASIEST, HARDEST, xtol=1e-3))


def _favor(both: Curves, layout: Layout, pair: Pair, target: float) -> float:
    """sd between units of ln n_B / n_A, beyond what run noise makes of it."""
    move = moves(layout, pair, target)
    weights, base = both.table.weights, both.plan.base
    values = [base @ weights if len(base) else np.zeros(layout.units)]
    values += [row for cells in both.plan.cells for row in cells.share @ weights]
    own = move.unit @ np.array(values)  # (U,)
    return float(np.sqrt(max(own.var(ddof=1) - move.unit**2 @ move.noise, 0.0)))


def next_runs(pilot: Pilot) -> tuple[Option, ...]:
    """Further runs, the ones that narrow the answer most for their rollouts first.

    Options: one more seed in every cell; with warm starts, one more start; a new size between
    two neighbors or twice the largest, for one sampler or both; and, with warm starts, one more
    seed at one size of one sampler. Each as often as the analysis needs it, so that it counts.
    """
    now = predict(pilot.layout, pilot.pair, pilot.target)
    options = [_option(pilot, now, what, layout) for what, layout in _further(pilot)]
    return tuple(sorted(options, key=lambda option: -option.gain))


def _option(pilot: Pilot, now: Forecast, what: str, layout: Layout) -> Option:
    found = predict(layout, pilot.pair, pilot.target)
    pace = pilot.pace if np.isfinite(pilot.pace) else 1.0
    rollouts = pilot.rollouts_per_run
    before, after = (
        cost(one, pilot.pair, rollouts_per_run=rollouts, pace=pace)
        for one in (pilot.layout, layout)
    )
    more = Cost(
        after.runs - before.runs,
        after.trained - before.trained,
        after.evaluated - before.evaluated,
        after.hours - before.hours if np.isfinite(pilot.pace) else float("nan"),
    )
    drop = (now.half - found.half) / 1.96
    return Option(what, more, found, found.half / 1.96, drop / more.rollouts * 1e6)


def _further(pilot: Pilot) -> list[tuple[str, Layout]]:
    plan, units = pilot.layout, pilot.layout.units
    a_more, b_more = (tuple(r + 1 for r in runs) for runs in (plan.runs_a, plan.runs_b))
    in_each = {"starts": " of each warm start", "seeds": "", "runs": ""}[pilot.method]
    found: list[tuple[str, Layout]] = []
    if pilot.method == "seeds":
        found.append(("one more seed in every cell", replace(plan, units=units + 1)))
    else:
        found.append(
            (f"one more seed{in_each} in every cell", replace(plan, runs_a=a_more, runs_b=b_more))
        )
    if pilot.method == "starts":
        found.append(("one more warm start in every cell", replace(plan, units=units + 1)))
        for name, sizes, key in ((pilot.a, plan.sizes_a, "a"), (pilot.b, plan.sizes_b, "b")):
            for j, n in enumerate(sizes):
                runs = plan.runs_a if key == "a" else plan.runs_b
                more = (*runs[:j], runs[j] + 1, *runs[j + 1 :])
                layout = replace(plan, runs_a=more) if key == "a" else replace(plan, runs_b=more)
                found.append((f"one more seed of each warm start, {name} at n = {n:.0f}", layout))
    new_a, new_b = _new_sizes(plan.sizes_a), _new_sizes(plan.sizes_b)
    for n in sorted(new_a | new_b):
        with_a = replace(plan, sizes_a=(*plan.sizes_a, n), runs_a=(*plan.runs_a, min(plan.runs_a)))
        if n in new_a:
            found.append((f"{pilot.a} at a new size, n = {n:.0f}", with_a))
        sizes_b, runs_b = (*plan.sizes_b, n), (*plan.runs_b, min(plan.runs_b))
        if n in new_b:
            with_b = replace(plan, sizes_b=sizes_b, runs_b=runs_b)
            found.append((f"{pilot.b} at a new size, n = {n:.0f}", with_b))
        if n in new_a and n in new_b:
            with_both = replace(with_a, sizes_b=sizes_b, runs_b=runs_b)
            found.append((f"both at a new size, n = {n:.0f}", with_both))
    return found


def _new_sizes(sizes: tuple[float, ...]) -> set[float]:
    """Whole sizes half way in ln n between neighbors, and one beyond the largest."""
    ladder = sorted(sizes)
    between = [round(np.sqrt(x * y)) for x, y in pairwise(ladder)]
    return {float(n) for n in (*between, GROWTH * ladder[-1])} - set(ladder)
