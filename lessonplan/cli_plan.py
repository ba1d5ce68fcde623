"""The verb `plan`: the interval and the cost of a study before it is run, or the next runs of one."""

import dataclasses
import math
from typing import TYPE_CHECKING

from rich.console import RenderableType

from lessonplan import cli
from lessonplan.cli_verbs import Answer, as_table
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from lessonplan.analysis.next_run import Option, Pilot
    from lessonplan.analysis.plan_search import Cost
    from lessonplan.analysis.planning import Forecast, Pair

ITEMS = 500
SHOWN = 5  # of the further runs
OF_A_PILOT = (  # what a pilot knows better than a guess
    *("sizes", "seeds", "starts", "items", "ratio", "sd", "favor", "base", "ceiling", "half"),
    *("exponent", "difficulty", "samples", "rollouts", "pace"),
)


def plan(typed: cli.Plan) -> Answer:
    if typed.width is not None and typed.power is not None:
        raise ConfigError("--width and --power are two questions; ask one")
    if typed.runs is not None:
        return _from_pilot(typed, typed.runs)
    for name in ("family", "samplers"):
        if getattr(typed, name) is not None:
            raise ConfigError(f"--{name} is about a pilot; give its folder: lessonplan plan FOLDER")
    pair = _guess(typed)
    if typed.width is not None or typed.power is not None:
        return _search(typed, pair, min(typed.sizes), max(typed.sizes))
    return _predicted(typed, pair)


def _guess(typed: cli.Plan) -> "Pair":
    from lessonplan.analysis.planning import HillGuess, pair_of

    ratio = typed.ratio
    if typed.power is not None and typed.ratio == _default("ratio"):
        ratio = typed.power  # the case in which it has to be shown
    return pair_of(
        ratio,
        HillGuess(typed.base, typed.ceiling, typed.exponent, typed.half),
        sd=typed.sd,
        difficulty=typed.difficulty,
        samples=typed.samples,
        favor=typed.favor,
    )


def _predicted(typed: cli.Plan, pair: "Pair") -> Answer:
    from lessonplan.analysis.plan_search import cost
    from lessonplan.analysis.planning import Layout, predict

    if typed.seeds < 1 or (typed.seeds < 2 and not typed.starts):
        raise ConfigError(
            f"--seeds {typed.seeds}: one run for each size has no interval; 2 are the least, 3 "
            "better, or --starts 3 for warm starts that run through all sizes"
        )
    if typed.starts == 1 or typed.starts < 0:
        raise ConfigError(
            f"--starts {typed.starts}: 2 warm starts are the least, 3 for a headline; 0 if all runs "
            "are independent"
        )
    layout = Layout.grid(
        typed.sizes,
        seeds=typed.seeds,
        items=ITEMS if typed.items is None else typed.items,
        units=typed.starts,
    )
    found = predict(layout, pair, typed.target)
    spent = cost(layout, pair, rollouts_per_run=typed.rollouts, pace=typed.pace)
    facts = {"plan": _facts(found, spent), "guess": dataclasses.asdict(pair)}
    return Answer(facts, [*_lines(found, spent, typed.pace), _guessed(pair)])


def _search(typed: cli.Plan, pair: "Pair", first: float, last: float) -> Answer:
    from lessonplan.analysis.plan_search import MOST_SEEDS, MOST_SIZES, cheapest, cost

    found = cheapest(
        first,
        last,
        pair,
        rollouts_per_run=typed.rollouts,
        width=typed.width,
        power=typed.power,
        items=typed.items,
        tied=typed.starts > 0,
        target=typed.target,
    )
    wanted = (
        f"an interval with hi/lo {typed.width:g}"
        if typed.width is not None
        else f"a ratio of {typed.power:g} seen in 80 % of cases"
    )
    if found is None:
        raise ConfigError(
            f"no study of up to {MOST_SIZES} sizes from {first:g} to {last:g} and {MOST_SEEDS} seeds "
            f"gives {wanted}; widen --sizes around the target, or ask for less"
        )
    spent = cost(found.layout, pair, rollouts_per_run=typed.rollouts, pace=typed.pace)
    facts = {
        "wanted": wanted,
        "plan": _facts(found, spent),
        "guess": dataclasses.asdict(pair),
    }
    head = f"the cheapest study found for {wanted}:"
    return Answer(facts, [head, *_lines(found, spent, typed.pace), _guessed(pair)])


def _facts(found: "Forecast", spent: "Cost") -> dict[str, object]:
    return dataclasses.asdict(found) | {
        "hi_lo": found.width,
        "hi_lo_formula": found.ideal,
        "cost": dataclasses.asdict(spent) | {"rollouts": spent.rollouts},
    }


def _lines(found: "Forecast", spent: "Cost", pace: float) -> list[RenderableType]:
    """A prediction for people: the study, the interval, what it could show, the cost."""
    plan = found.layout
    sizes = " ".join(f"{n:g}" for n in plan.sizes_a)
    each = plan.runs_a[0]
    if plan.units:
        runs = f"{plan.units} warm starts with {each} seed{'s' if each > 1 else ''} each"
    else:
        runs = f"{each} seeds"
    lines: list[RenderableType] = [
        f"2 samplers, sizes {sizes}, {runs}, {plan.items} test items: {spent.runs} runs",
        (
            f"interval at {100 * found.target:.3g} %: hi/lo {found.width:.2f} to plan with, "
            f"{found.ideal:.2f} if the error were known"
        ),
        f"smallest ratio seen with 80 % power: {found.seen:.2f}",
        (
            f"cost: {spent.trained:,} rollouts of training and {spent.evaluated:,} of evaluation; "
            f"{_hours(spent.hours)} at {pace:,.0f} rollouts a second"
        ),
        f"formula: {found.formula}",
    ]
    return [*lines, *(f"note: {note}" for note in found.notes)]


def _hours(hours: float) -> str:
    if math.isnan(hours):
        return "unknown hours"
    if hours < 1:
        return f"{hours:.2f} h ({60 * hours:.0f} min)"
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"


def _guessed(pair: "Pair") -> str:
    a, b = pair.a, pair.b
    return (
        f"guess: accuracy from {a.base:g} to {a.ceiling:g}, half way at {a.half:g} and {b.half:g} "
        f"problems, seeds differ by {pair.sd:g}; a pilot of three seeds at one size knows better"
    )


# A finished pilot


def _from_pilot(typed: cli.Plan, folder: "Path") -> Answer:
    from lessonplan.analysis import item_table, pairs, read_study
    from lessonplan.analysis.next_run import read_pilot

    for name in OF_A_PILOT:
        if getattr(typed, name) != _default(name):
            raise ConfigError(f"--{name} is read from {folder}: leave it out")
    study = read_study(folder)
    families = (typed.family,) if typed.family else study.families
    if not families or not set(families) <= set(study.families):
        known = ", ".join(study.families) or "none, no training run is finished"
        raise ConfigError(f"{folder}: nothing to plan from; families: {known}")
    facts: list[dict[str, object]] = []
    shown: list[RenderableType] = []
    refused: list[str] = []
    for family in families:
        chosen = (typed.samplers,) if typed.samplers else pairs(item_table(study, family))
        for a, b in chosen:
            try:
                pilot = read_pilot(study, a, b, family=family, target=typed.target)
                fact, lines = _next(typed, pilot)
            except ValueError as error:
                refused.append(f"{family}, {a} against {b}: {error}")
                continue
            facts.append(fact)
            shown += [*lines, ""]
    if not facts:
        raise ConfigError("\n".join(refused) or f"{folder}: fewer than two samplers")
    return Answer({"pilots": facts, "refused": refused}, [*shown, *refused])


def _next(typed: cli.Plan, pilot: "Pilot") -> tuple[dict[str, object], list[RenderableType]]:
    """What one pair of samplers has shown, and the runs to do next."""
    from lessonplan.analysis.next_run import next_runs
    from lessonplan.analysis.plan_search import cost
    from lessonplan.analysis.planning import predict
    from lessonplan.analysis.verdicts import interval

    now = predict(pilot.layout, pilot.pair, pilot.target)
    pace = pilot.pace if math.isfinite(pilot.pace) else math.nan
    spent = cost(
        pilot.layout,
        pilot.pair,
        rollouts_per_run=pilot.rollouts_per_run,
        pace=pace if math.isfinite(pace) else 1.0,
    )
    spent = dataclasses.replace(spent, hours=spent.hours if math.isfinite(pace) else math.nan)
    options = next_runs(pilot)
    useful = [option for option in options if option.gain > 0][:SHOWN]
    pair = pilot.pair
    known = (
        f"{pilot.family}, {pilot.a} against {pilot.b}: {spent.runs} runs; seeds differ by "
        f"{pair.sd:.3f}, an item's variance is {pilot.item_noise:.3f}"
        + (f", ln ratios of units differ by {pair.favor:.2f}" if pilot.layout.units else "")
    )
    wide = (
        f"these runs gave {interval(pilot.low, pilot.high)}; such a study has hi/lo {now.width:.3g} at {100 * pilot.target:.3g} % and sees ratios of "
        f"{now.seen:.3g} with 80 % power"
    )
    lines: list[RenderableType] = [
        known,
        wide,
        *(f"note: {note}" for note in (*pilot.notes, *now.notes)),
    ]
    if useful:
        first = useful[0]
        lines += [
            f"next: {first.what} ({_more(first)}): hi/lo {first.forecast.width:.3g}",
            as_table(
                *("runs to do next", "rollouts", "hi/lo then", "drop of se a million rollouts"),
                rows=[
                    [o.what, f"{o.cost.rollouts:,}", f"{o.forecast.width:.3g}", f"{o.gain:.3g}"]
                    for o in useful
                ],
            ),
        ]
    else:
        lines.append("no set of runs that was tried would narrow the interval")
    fact: dict[str, object] = dataclasses.asdict(pilot) | {
        "now": _facts(now, spent),
        "next": [
            {"what": o.what, "hi_lo": o.forecast.width, "gain": o.gain}
            | {"cost": dataclasses.asdict(o.cost)}
            for o in options
        ],
    }
    if typed.width is not None or typed.power is not None:
        searched = _search(
            dataclasses.replace(
                typed,
                starts=pilot.layout.units,
                items=pilot.layout.items,
                rollouts=pilot.rollouts_per_run,
                pace=pilot.pace if math.isfinite(pilot.pace) else typed.pace,
                target=pilot.target,
            ),
            pair,
            min(*pilot.layout.sizes_a, *pilot.layout.sizes_b),
            max(*pilot.layout.sizes_a, *pilot.layout.sizes_b),
        )
        fact["search"] = searched.facts
        lines += searched.shown[:-1]
    return fact, lines


def _more(option: "Option") -> str:
    runs = option.cost.runs
    return f"{runs} run{'s' if runs > 1 else ''}, {_hours(option.cost.hours)}"


def _default(name: str) -> object:
    return next(f.default for f in dataclasses.fields(cli.Plan) if f.name == name)
