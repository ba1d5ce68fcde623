"""The verb train: one run from one TOML, or what it would do."""

import os
import time
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType

from lessonplan import cli
from lessonplan.cli_verbs import EXTRAS, Answer, as_table, open_console
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from lessonplan.training.memory import Estimate
    from lessonplan.training.train import Plan, TrainResult

GIB = 2**30
LINE_SECONDS = 2.0  # between two lines of progress
TOO_HARD = 20  # steps without a mixed group after which it is said


def train(typed: cli.Train) -> Answer:
    lacking = [name for name in EXTRAS["train"] if find_spec(name) is None]
    if lacking:
        raise ConfigError(f'training needs {", ".join(lacking)}: pip install "lessonplan[train]"')
    _quiet_libraries()
    from lessonplan.training.train import plan_train
    from lessonplan.training.train import train as run
    from lessonplan.training.train_config import load_train

    config = load_train(typed.file, model=typed.model, preset=typed.preset)
    folder = typed.out or Path("runs") / config.name
    if typed.dry_run:
        return _plan_answer(plan_train(config), folder)
    lines = _Lines(open_console(stderr=True), config.train.steps, typed.quiet or typed.json)
    result = run(config, folder, resume=typed.resume, report=lines.hear)
    if int(os.environ.get("RANK", "0")) > 0:
        return Answer({"rank": int(os.environ["RANK"])}, [])
    return _result_answer(result)


def _quiet_libraries() -> None:
    """The libraries' own progress and remarks about each other are not ours to show."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    warnings.simplefilter("ignore", FutureWarning)
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


class _Lines:
    """Prints one line for a step now and then, and one for every evaluation."""

    def __init__(self, console: Console, steps: int, quiet: bool) -> None:
        self.console, self.steps, self.quiet = console, steps, quiet
        self.begun: tuple[int, float] | None = None  # the first step heard of, and when
        self.printed = 0.0
        self.unmixed = 0  # steps in a row without a group that was solved in part

    def hear(self, facts: Mapping[str, object]) -> None:
        if self.quiet:
            return
        if "accuracy" in facts:
            self._print(
                f"step {facts['step']}: {facts['accuracy']:.1%} of {facts['split']} problems right "
                f"({facts['decode']})"
            )
            return
        step, now = int(str(facts["step"])), time.monotonic()
        self.begun = self.begun or (step, now)
        self.unmixed = self.unmixed + 1 if facts["zero_variance"] == 1 else 0
        if self.unmixed == TOO_HARD:
            self._print(
                f"{TOO_HARD} steps without a mixed group: nothing is learned from problems that are "
                f"always solved or never (reward {facts['reward']}). Try other levels"
            )
        if now - self.printed >= LINE_SECONDS or step == self.steps:
            self.printed = now
            self._print(self._line(step, now, facts))

    def _line(self, step: int, now: float, facts: Mapping[str, object]) -> str:
        parts = [f"step {step} of {self.steps}: reward {_number(facts['reward'])}"]
        if facts["zero_variance"] is not None:
            parts.append(f"{_number(facts['zero_variance'])} of groups without variance")
        if facts["level"]:
            parts.append(f"level {_number(facts['level'])}")
        assert self.begun is not None
        done = step - self.begun[0]
        if done:
            pace = (now - self.begun[1]) / done
            parts.append(f"{pace:.1f} s a step, {_minutes((self.steps - step) * pace)} left")
        return ", ".join(parts)

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else str(value)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _plan_answer(plan: "Plan", folder: Path) -> Answer:
    config, memory = plan.config, plan.memory
    hardware = config.hardware
    facts: dict[str, object] = {
        "folder": folder,
        "model": config.model.path,
        "parameters": memory.parameters,
        "trained_parameters": memory.trained,
        "training_problems": len(plan.problems.train),
        "test_problems": 0 if plan.problems.test is None else len(plan.problems.test),
        "sampler": config.sampler.name,
        "gates": list(config.gates),
        "steps": config.train.steps,
        "completions_per_step": config.completions,
        "accumulation": config.accumulation,
        "devices": hardware.devices,
        "longest_prompt_tokens": plan.longest_prompt,
        "prompt_tokens_measured": plan.measured,
        "tokens_per_step": plan.tokens_per_step,
        "memory": {
            "training": memory.training,
            "generating": memory.generating,
            "peak": memory.peak,
            "fits": memory.fits(hardware.memory_gb) if hardware.memory_gb else None,
        },
        "picks": [{"id": one.id, "level": one.level, "prompt": one.prompt} for one in plan.picks],
    }
    table = as_table("", "", rows=_plan_rows(plan, folder))
    table.show_header = False
    shown: list[RenderableType] = [table]
    shown += [f"\n{line}" if i == 0 else line for i, line in enumerate(_memory_lines(plan, memory))]
    picked = [[one.id, one.level or "unknown"] for one in plan.picks]
    shown += ["\nthe first step would ask", as_table("problem", "level", rows=picked)]
    shown.append("\nthe first of them, as the model reads it\n" + _prompt(plan.picks[0].prompt))
    return Answer(facts, shown)


def _plan_rows(plan: "Plan", folder: Path) -> list[list[object]]:
    config, memory, settings = plan.config, plan.memory, plan.config.train
    how = "LoRA" if config.lora else "all weights"
    test = 0 if plan.problems.test is None else len(plan.problems.test)
    group = f"{settings.problems_per_step} problems x {settings.group_size} completions"
    parts = f"{config.hardware.devices} x {settings.micro_batch} trained on at once"
    counted = "" if plan.measured else " (estimated: there is no tokenizer here)"
    prompts = f"prompts up to {plan.longest_prompt}{counted}"
    completions = f"completions up to {settings.max_completion_tokens}"
    total = f"{settings.steps} steps, {settings.steps * config.completions:,} completions"
    return [
        ["model", f"{config.model.path}, {_millions(memory.parameters)} parameters"],
        [
            "trained",
            f"{how}: {_millions(memory.trained)}; the model is kept in {config.model.dtype}",
        ],
        ["problems", f"{len(plan.problems.train)} to train on, {test} held out"],
        ["chosen by", f"{config.sampler.name}; gates: {', '.join(config.gates) or 'none'}"],
        ["a step", f"{group}; {parts}, {config.accumulation} times"],
        ["tokens", f"{prompts}, {completions}; at most {plan.tokens_per_step:,} a step"],
        ["the run", f"{total}, into {folder}"],
    ]


def _memory_lines(plan: "Plan", memory: "Estimate") -> list[str]:
    """The two phases of a step, each with its parts, and whether the larger one fits."""

    def phase(name: str, parts: Mapping[str, int]) -> str:
        listed = ", ".join(f"{what} {_bytes(size)}" for what, size in parts.items())
        return f"  {name}: {_bytes(sum(parts.values()))} = {listed}"

    hardware = plan.config.hardware
    lines = [
        "memory of one device, estimated; without fragments, reference model, sharding and vLLM",
        phase("generating", memory.generating),
        phase("training", memory.training),
    ]
    if hardware.memory_gb:
        share = memory.peak / (hardware.memory_gb * 1e9)
        verdict = (
            "fits"
            if memory.fits(hardware.memory_gb)
            else "does not fit with a tenth to spare: lower train.micro_batch or "
            "train.max_completion_tokens, train a [lora], or take a larger preset"
        )
        lines.append(f"  {share:.0%} of {hardware.memory_gb:g} GB: {verdict}")
    return lines


def _prompt(prompt: object) -> str:
    if not isinstance(prompt, str):
        turns: list[Mapping[str, str]] = list(prompt)  # type: ignore[call-overload]
        prompt = "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
    visible = "".join(
        one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in prompt
    )
    return "  " + visible.replace("\n", "\n  ")


def _bytes(size: int) -> str:
    return f"{size / GIB:.2f} GiB" if size >= GIB / 100 else f"{size / 2**20:.2f} MiB"


def _millions(count: int) -> str:
    return f"{count / 1e6:,.1f} million"


def _result_answer(result: "TrainResult") -> Answer:
    facts: dict[str, object] = {
        "folder": result.folder,
        "steps": result.steps,
        "before": result.before,
        "after": result.after,
        "resumed_from": result.resumed_from,
        "earlier": result.earlier,
        "model": result.folder / "model",
        "journal": result.folder / "journal.jsonl",
    }
    shown: list[RenderableType] = []
    if result.earlier:
        shown.append("done earlier; nothing was trained now")
    elif result.resumed_from:
        shown.append(f"went on from step {result.resumed_from}")
    if result.after:
        rows = [
            [decode, f"{result.before[decode]:.1%}", f"{after:.1%}"]
            for decode, after in result.after.items()
            if decode in result.before
        ]
        shown.append(as_table("held-out problems right", "before", "after", rows=rows))
    shown.append(f"{result.folder}/model holds the model, {result.folder}/journal.jsonl the log")
    return Answer(facts, shown)
