"""One page of what a simulation showed, and its figures and tables beside it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lessonplan.analysis.figures import Picture, csv_text
from lessonplan.analysis.pages import Html, items, page, table, tag
from lessonplan.analysis.studies import Row
from lessonplan.analysis.verdicts import percent
from lessonplan.curricula import write_atomically
from lessonplan.training.paired import Ratio, limits, times, verdict
from lessonplan.training.scenario import scenario_toml
from lessonplan.training.simulate import Simulation
from lessonplan.training.simulate_figures import forest_rows, pictures

CLAIM = (
    "Simulated learner: this checks what samplers do where the truth is known, and teaches why. "
    "No claim about real models follows, neither about who wins nor about how much."
)


def write_simulation(simulation: Simulation, found: Sequence[Ratio], folder: Path) -> Path:
    """Write report.html, ratios.csv, scenario.toml and figures/ into `folder`; return the page."""
    drawn = pictures(simulation, found)
    folder.mkdir(parents=True, exist_ok=True)
    for one in drawn:
        one.save(folder / "figures")
    _write(folder / "ratios.csv", csv_text(forest_rows(found)))
    _write(folder / "scenario.toml", scenario_toml(simulation.scenario))
    report = folder / "report.html"
    _write(report, report_html(simulation, found, drawn))
    return report


def _write(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def ratio_rows(found: Sequence[Ratio]) -> list[Row]:
    """The comparisons as a reader wants them."""
    return [
        {
            "sampler": r.a,
            f"times fewer than {r.b}": "–" if np.isnan(r.ratio) else times(r.ratio),
            "95 %": limits(r.low, r.high),
            "would have seen": times(r.seen) if np.isfinite(r.seen) else "–",
            "reached in": f"{r.reached_a} of {r.worlds}",
            "points at the end": f"{100 * r.difference:+.1f}",
            "95 % of these": "–"
            if np.isnan(r.difference_low)
            else f"{100 * r.difference_low:.1f} to {100 * r.difference_high:.1f}",
        }
        for r in found
    ]


def sampler_rows(simulation: Simulation, found: Sequence[Ratio]) -> list[Row]:
    """What each sampler got for the same rollouts."""
    needed = {r.a: r.n_a for r in found} | {r.b: r.n_b for r in found}
    reached = {r.a: r.reached_a for r in found} | {r.b: r.reached_b for r in found}
    outcomes = simulation.outcomes.sum(axis=(1, 2))  # (A, 4)
    rows: list[Row] = []
    for a, name in enumerate(simulation.samplers):
        known = simulation.tracking[a, :, -1]
        row: Row = {
            "sampler": name,
            "generated rollouts": int(simulation.generated[a, 0]),
            "success at the end %": 100 * float(simulation.success[a, :, -1].mean()),
            "mixed groups %": 100 * float(outcomes[a, 0] / max(1, outcomes[a].sum())),
            "mean lag, steps": float(simulation.lag[a].mean()),
            "error of estimates": float(known.mean()),
        }
        if name in needed:
            row["median rollouts to the target"] = (
                f"{needed[name]:.0f}" if np.isfinite(needed[name]) else "not reached"
            )
            row["worlds reached"] = reached[name]
        rows.append(row)
    return rows


def boundaries(simulation: Simulation, found: Sequence[Ratio]) -> list[str]:
    """What the reader must know before quoting a number."""
    scenario, practice = simulation.scenario, simulation.scenario.practice
    worlds, n = scenario.worlds, len(found)
    lines = [
        CLAIM,
        (
            f"{worlds} paired world{'s' * (worlds != 1)}: problems, starts and drift are common to all "
            "samplers, the luck of rollouts is not."
        ),
        (
            f"Equal generated rollouts: {scenario.rollouts} for every sampler in every world "
            f"({practice.steps} steps of {practice.problems_per_step} groups of {practice.group_size})."
        ),
        (
            f"The target, {percent(scenario.target)} mean true success on held-out problems, is part of "
            "the scenario: it was fixed before anything ran."
        ),
        (
            "Success is known exactly here. A real study measures it with few seeds and a finite test, "
            "so its intervals are wider."
        ),
        (
            "The learner gains from mixed groups alone, so a filter of zero-variance groups that does "
            "not refill the batch would change nothing here."
        ),
    ]
    if n > 1:
        chance = 1 - 0.95**n
        lines.append(
            f"{n} comparisons, each interval for itself: were there no differences at all, one or "
            f"more of {n} would be shown with a chance of up to about {100 * chance:.0f} %."
        )
    if any(r.method == "median" for r in found):
        lines.append(
            "Where a sampler does not reach the target in some world, the interval is that of the "
            "median over worlds, with unknown ratios at their worst; nothing is left out."
        )
    return lines


METHODS = (
    "For each world the generated rollouts at which the mean true success rate first reaches the "
    "target are read off the curve, straight between measurements. One observation is the logarithm "
    "of the baseline's number over the sampler's in the same world. Where all worlds reach it: mean "
    "and Student's t. Else: median and order statistics. “Would have seen” is the smallest ratio "
    "shown in 80 % of such simulations. How often the intervals exclude 1 where nothing can win is "
    "counted by benchmarks/null_control.py."
)


def report_html(simulation: Simulation, found: Sequence[Ratio], drawn: Sequence[Picture]) -> str:
    """The whole page."""
    scenario = simulation.scenario
    body = [tag("h1", f"Simulated: {scenario.name}. {scenario.about}")]
    body.append(tag("span", "simulated learner", class_="badge warn"))
    runs = simulation.generated.size
    body.append(tag("span", f"{runs} runs, {scenario.worlds} worlds", class_="badge"))
    lines = [verdict(r) for r in found]
    body.append(items(lines or [f"Simulated: {scenario.samplers[0]} alone, nothing to compare."],
                      class_="verdict lead"))  # fmt: skip
    body.append(tag("p", CLAIM))
    shown = "".join(one.markup() for one in drawn)
    body.append(tag("div", Html(shown), class_="grid"))
    body.append(
        tag(
            "section",
            tag("h2", "Limits of these numbers"),
            items(boundaries(simulation, found)),
            class_="limits",
        )
    )
    body += [tag("h2", "Comparisons (simulated)"), table(ratio_rows(found))]
    body += [tag("h2", "Samplers (simulated)"), table(sampler_rows(simulation, found))]
    body += [tag("h2", "How the intervals were made"), tag("p", METHODS)]
    body += [tag("h2", "The scenario"), tag("pre", scenario_toml(scenario), class_="scroll")]
    body.append(
        tag(
            "p",
            "Every figure lies in figures/ as SVG, PNG, PDF and as the CSV of its numbers.",
            class_="quiet",
        )
    )
    return page(f"simulated: {scenario.name}", body)
