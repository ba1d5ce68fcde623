"""The verb `simulate`: samplers on a simulated learner, where the truth is known."""

import dataclasses
import time
from pathlib import Path

from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lessonplan import cli
from lessonplan.cli_verbs import Answer, as_table, open_console
from lessonplan.errors import ConfigError


def simulate(typed: cli.Simulate) -> Answer:
    from lessonplan.training.paired import ratios, verdict
    from lessonplan.training.scenario import load_scenario
    from lessonplan.training.simulate import simulate as run
    from lessonplan.training.simulate_report import (
        CLAIM,
        ratio_rows,
        sampler_rows,
        write_simulation,
    )

    if typed.seeds is not None and typed.seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, got {typed.seeds}")
    began = time.perf_counter()
    scenario = load_scenario(typed.source, samplers=typed.samplers, worlds=typed.seeds)
    bar = Progress(
        TextColumn("simulated steps"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=open_console(stderr=True),
        disable=typed.quiet or typed.json,
        transient=True,
    )
    with bar:
        task = bar.add_task("steps", total=scenario.practice.steps)
        done = run(scenario, watch=lambda step, steps: bar.update(task, completed=step))
    found = ratios(done)
    folder = typed.out or Path("runs") / f"simulated-{scenario.name}"
    page = write_simulation(done, found, folder)
    sentences = [verdict(one) for one in found]
    facts = {
        "learner": "simulated",
        "scenario": scenario.name,
        "claim": CLAIM,
        "worlds": scenario.worlds,
        "target": scenario.target,
        "rollouts": scenario.rollouts,
        "ratios": [
            dataclasses.asdict(one) | {"winner": one.winner, "verdict": line}
            for one, line in zip(found, sentences, strict=True)
        ],
        "samplers": sampler_rows(done, found),
        "steps_per_second": done.steps_per_second,
        "report": page,
    }
    rows = ratio_rows(found)
    shown: list[RenderableType] = [
        f"simulated: {scenario.name}. {scenario.about}",
        (
            f"{scenario.worlds} paired worlds, {scenario.rollouts} generated rollouts for each sampler "
            f"in each; target {scenario.target:g}\n"
        ),
    ]
    if rows:
        shown += [as_table(*rows[0], rows=[list(row.values()) for row in rows]), ""]
    seconds = time.perf_counter() - began
    shown += [*sentences, "", CLAIM, f"report: {page} ({seconds:.0f} s)"]
    return Answer(facts, shown)
