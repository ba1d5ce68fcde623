"""The verbs about studies: run one and watch it, fit its curves, compare its samplers, report."""

import dataclasses
import math
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lessonplan import cli, cli_points, cli_report
from lessonplan.cli_verbs import EXTRAS, Answer, as_table, open_console
from lessonplan.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from lessonplan.analysis.efficiency import Comparison, Difference
    from lessonplan.analysis.law_sensitivity import Sensitivity
    from lessonplan.analysis.laws import Law
    from lessonplan.analysis.multiple import Adjusted
    from lessonplan.analysis.point_tables import PointTable
    from lessonplan.analysis.studies import Study as Read
    from lessonplan.training.config import StudyConfig
    from lessonplan.training.plan import RunSpec
    from lessonplan.training.study_backend import Backend

# Run a study


def study(typed: cli.Study) -> Answer:
    from lessonplan.training.config import load_study

    config = load_study(typed.source)
    if typed.workers is not None:
        if typed.workers < 1:
            raise ConfigError(f"--workers must be at least 1, got {typed.workers}")
        config = dataclasses.replace(config, workers=typed.workers)
    backend = _backend(typed)
    folder = typed.out or Path("runs") / config.name
    if typed.status:
        return _study_status(config, folder)
    lacking = [name for name in EXTRAS["train"] if find_spec(name) is None]
    if lacking:
        raise ConfigError(f'a study needs {", ".join(lacking)}: pip install "lessonplan[train]"')
    return _run_study(config, folder, typed, backend)


def _backend(typed: cli.Study) -> "Backend | None":
    """Where the runs are done, None for the processes of this machine."""
    if typed.backend == "processes":
        for name in ("address", "resources"):
            if getattr(typed, name):
                raise ConfigError(f"--{name} is for --backend ray; processes run on this machine")
        return None
    if typed.address is not None and typed.workers is not None:
        raise ConfigError("--workers is for this machine; a cluster does as many runs as it holds")
    from lessonplan.training.study_ray import RayTasks, parse_resources

    return RayTasks(typed.address, resources=parse_resources(typed.resources))


def _run_study(
    config: "StudyConfig", folder: Path, typed: cli.Study, backend: "Backend | None"
) -> Answer:
    from lessonplan.training.study import run_study

    display = Display(open_console(stderr=True), quiet=typed.quiet or typed.json)
    with display:
        result = run_study(config, folder, display, backend=backend)
    facts: dict[str, object] = {
        "folder": folder,
        "earlier": [run.id for run in result.earlier],
        "done": [run.id for run in result.done],
        "failed": result.failed,
    }
    counts = {"done now": result.done, "earlier": result.earlier, "failed": result.failed}
    total = ", ".join(f"{len(runs)} {when}" for when, runs in counts.items())
    shown: list[RenderableType] = [f"{folder}: {total}"]
    if any(run.kind == "rl" for run in (*result.done, *result.earlier)):
        found = cli_report.report_study(folder)
        facts |= found.facts
        shown += found.shown
    if result.failed:
        again = f"lessonplan study {typed.source} -o {folder}"
        shown.append(f"The same command tries failed runs again; what went wrong: {again} --status")
    return Answer(facts, shown, cli.SOME_FAILED if result.failed else cli.DONE)


def _study_status(config: "StudyConfig", folder: Path) -> Answer:
    from lessonplan.training.plan import expand, journal_path

    states = {run.id: _state(journal_path(folder, run)) for run in expand(config)}
    counts = Counter(state for state, _ in states.values())
    total = ", ".join(f"{count} {state}" for state, count in counts.items())
    rows = [[name, *state] for name, state in states.items()]
    code = cli.DAMAGED if counts["damaged"] else cli.SOME_FAILED if counts["failed"] else cli.DONE
    facts = {"folder": folder, "counts": counts, "runs": {name: s[0] for name, s in states.items()}}
    return Answer(facts, [as_table("run", "state", "", rows=rows), f"\n{folder}: {total}"], code)


def _state(journal: Path) -> tuple[str, str]:
    """How far a run is, and a detail: its last step, or what went wrong."""
    from lessonplan.analysis import read_journal

    if not journal.exists():
        return "not begun", ""
    try:
        run = read_journal(journal)
    except FormatError as error:
        return "damaged", str(error)
    if run.status != "unfinished":
        return run.status, run.error or ""
    step = run.steps.step[-1] if len(run.steps.step) else 0
    return "under way or interrupted", f"step {step} of {run.info.steps}"


LATEST = 12  # runs whose pace the estimate of the time left rests on
BLOCKS = " ▁▂▃▄▅▆▇█"


class Display:
    """A `Watcher` that draws on the terminal, or prints a line for every run that ends."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self.under_way: dict[str, tuple[RunSpec, Mapping[str, object]]] = {}
        self.total = self.done = 0
        self.ends: deque[float] = deque(maxlen=LATEST)  # when the latest runs ended
        self.bar = Progress(
            TextColumn("runs"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self.task = self.bar.add_task("runs", total=None, left="")
        draws = console.is_terminal and not quiet
        self.live = Live(self, console=console, refresh_per_second=4) if draws else None

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.under_way.clear()
        if self.live:
            self.live.stop()

    def __rich__(self) -> Group:
        return Group(self.bar, *([self._lines()] if self.under_way else []))

    # -- what a study tells ---------------------------------------------------------------------

    def planned(self, runs: "Sequence[RunSpec]", earlier: "Sequence[RunSpec]") -> None:
        self.total, self.done = len(runs), len(earlier)
        self.bar.update(self.task, total=self.total, completed=self.done)
        if not self.quiet:
            before = f", {len(earlier)} of them done earlier" if earlier else ""
            self._print(f"{len(runs)} runs{before}")

    def progress(self, run: "RunSpec", facts: Mapping[str, object]) -> None:
        self.under_way[run.id] = (run, facts)

    def finished(self, run: "RunSpec", error: str | None) -> None:
        self.under_way.pop(run.id, None)
        self.done += 1
        self.ends.append(time.monotonic())
        self.bar.update(self.task, completed=self.done, left=self._left())
        if error is not None:
            self._print(f"{run.id} failed: {error}")
        elif not self.live:
            left = self._left()
            self._print(f"[{self.done}/{self.total}] {run.id} done{left and ', ' + left}")

    def left_out(self, runs: "Sequence[RunSpec]") -> None:
        self.done += len(runs)
        self.bar.update(self.task, completed=self.done, left=self._left())
        self._print(f"{len(runs)} runs that begin from {runs[0].start_name} are left out")

    # -- how it is said -------------------------------------------------------------------------

    def _print(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _left(self) -> str:
        """The time that the other runs will take at the pace of the latest ones.

        The first runs make the warm starts and say little about the rest.
        """
        gaps = len(self.ends) - 1
        if gaps < 3:
            return ""
        seconds = (self.ends[-1] - self.ends[0]) / gaps * (self.total - self.done)
        return f"about {seconds / 60:.0f} min left" if seconds >= 60 else f"{seconds:.0f} s left"

    def _lines(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for run, facts in self.under_way.values():
            table.add_row(run.id, *run_line(run, facts))
        return table


def run_line(run: "RunSpec", facts: Mapping[str, object]) -> tuple[str, ...]:
    """Step, reward, share of groups without variance, mean level; empty where unknown."""
    step = f"step {facts.get('step', 0)}" + (f"/{run.steps}" if run.steps else "")
    reward, flat, level = (_number(facts, key) for key in ("reward", "zero_variance", "level"))
    return (
        step,
        "" if reward is None else f"reward {_block(reward)} {reward:.2f}",
        "" if flat is None else f"no variance {flat:.0%}",
        "" if level is None else f"level {level:.1f}",
    )


def _number(facts: Mapping[str, object], key: str) -> float | None:
    value = facts.get(key)
    return float(value) if isinstance(value, int | float) else None


def _block(share: float) -> str:
    return BLOCKS[round(min(max(share, 0.0), 1.0) * (len(BLOCKS) - 1))]


# What a study found

FITTED = ("ceiling", "exponent", "half")  # attributes of a fit: of accuracy, of n


def fit(typed: cli.Fit) -> Answer:
    from lessonplan.analysis import find_law

    law = find_law(typed.law)
    if typed.runs.is_file():
        table = cli_points.read_table(typed.runs, typed)
        curves = _fit_table(table, law)
        note = f"{table.reading}; "
        note += "no intervals: a table does not say which rows share a start or test problems"
    else:
        curves = _fit_study(typed.runs, law)
        note = "intervals of 95 % from resampled starts and test problems"
    rows = [[c["curve"], c["sizes"], *(_spread(c[key]) for key in FITTED)] for c in curves]
    shown = as_table("curve", "sizes", "ceiling", "exponent", "n at half the gain", rows=rows)
    beyond = "a ceiling, and an n above the largest size, are extrapolated"
    return Answer({"law": law.name, "curves": curves}, [f"{law.name}; {note}; {beyond}", shown])


def _fit_study(folder: Path, law: "Law") -> list[dict[str, object]]:
    from lessonplan.analysis import curves, item_table, read_study

    study = read_study(folder)
    found: list[dict[str, object]] = []
    for family in study.families:
        table = item_table(study, family)
        for sampler in table.samplers:
            one = dataclasses.replace(curves(table, (sampler,)), law=law)
            sizes = one.plan.cells[0].sizes.tolist()
            if len(sizes) < 2:
                continue
            row: dict[str, object] = {"curve": f"{family} {sampler}", "sizes": sizes}
            fitted, limits = one.fits[0], one.draws.limits  # rows (B,), the first as observed
            ceiling = np.array([fitted.ceiling[0], *limits(fitted.ceiling)])
            row["ceiling"] = np.clip(ceiling, 0.0, 1.0).tolist()
            for key in ("exponent", "half"):  # positive: resampled on a log scale
                values = np.log(getattr(fitted, key))
                row[key] = np.exp([values[0], *limits(values)]).tolist()
            found.append(row)
    if not found:
        raise ConfigError(f"{folder}: no sampler has finished runs at two sizes: no curve to fit")
    return found


NOISE = 0.02  # of one accuracy, where a table has no two rows of one size: 400 items at .2 and .8


def _fit_table(table: "PointTable", law: "Law") -> list[dict[str, object]]:
    from lessonplan.analysis import collapse
    from lessonplan.analysis import fit as fit_law
    from lessonplan.analysis.point_tables import fit_points

    found: list[dict[str, object]] = []
    for name, (n, accuracy) in fit_points(table).items():
        each = np.ones((1, len(n)))
        sizes, means, counts = collapse(n, accuracy[None], each)
        away = accuracy - means[0][np.searchsorted(sizes, n)]
        free = len(n) - len(sizes)
        noise = float(np.sqrt((away**2).sum() / free)) if free else NOISE
        fitted = fit_law(sizes, means, counts / max(noise, NOISE / 10) ** 2, law=law)
        row: dict[str, object] = {
            "curve": name,
            "sizes": [int(n) if n % 1 == 0 else n for n in sizes[sizes > 0].tolist()],
        }
        found.append(row | {key: [float(getattr(fitted, key)[0])] for key in FITTED})
    return found


def _spread(numbers: object) -> str:
    """An estimate with its interval, if there is one."""
    assert isinstance(numbers, list)
    best, *limits = numbers
    if math.isnan(best):
        return "-"
    known = limits and not math.isnan(limits[0])
    return f"{best:.3g}" + (f" ({limits[0]:.3g} to {limits[1]:.3g})" if known else "")


def compare(typed: cli.Compare) -> Answer:
    from lessonplan.analysis import gap, read_study, verdict
    from lessonplan.analysis.multiple import adjust_ratios, family_words

    if typed.target is not None and not 0 < typed.target < 1:
        raise ConfigError(f"--target is an accuracy between 0 and 1, got {typed.target}")
    if typed.runs.is_file():
        return cli_points.compare_points(typed)
    if typed.columns or typed.unit:
        raise ConfigError(f"--columns and --unit are about tables, and {typed.runs} is a folder")
    study = read_study(typed.runs)
    families = (typed.family,) if typed.family else study.families
    if not families or not set(families) <= set(study.families):
        known = ", ".join(study.families) or "none, no training run is finished"
        raise ConfigError(f"{typed.runs}: nothing to compare; families: {known}")
    pairs: list[tuple[Comparison, Difference | None, Sensitivity]] = []
    refused: list[str] = []
    for family in families:
        _compare_family(study, family, typed, pairs, refused)
    if not pairs:
        raise ConfigError("\n".join(refused))
    found = [one for one, _, _ in pairs]
    corrected = adjust_ratios(found)
    facts = [
        dataclasses.asdict(one)
        | {"verdict": verdict(one), "holm": dataclasses.asdict(holm)}
        | {"second_law": second.sentence, "resolved": second.resolved}
        | ({"difference": dataclasses.asdict(each) | {"words": gap(each)}} if each else {})
        for (one, each, second), holm in zip(pairs, corrected, strict=True)
    ]
    sentences = [
        f"{one.family}: {verdict(one)}"
        + ("" if second.resolved else f"; {second.sentence}")
        + (f"; {gap(each)}" if each else "")
        for one, each, second in pairs
    ]
    together = [family_words(corrected)] if family_words(corrected) else []
    together += [
        f"{c.family}: {one.words}" for c, one in zip(found, corrected, strict=True) if one.words
    ]
    shown = (
        [_pasted(found, corrected, typed.table)]
        if typed.table
        else [*sentences, *refused, *together]
    )
    return Answer({"comparisons": facts, "refused": refused, "together": together}, shown)


def _compare_family(
    study: "Read",
    family: str,
    typed: cli.Compare,
    found: "list[tuple[Comparison, Difference | None, Sensitivity]]",
    refused: list[str],
) -> None:
    """Add what can be said about each pair of samplers, and in words what cannot, and why.

    With each ratio comes the difference at the largest size that both were run at.
    """
    from lessonplan.analysis import (
        at_target,
        curves,
        default_target,
        item_table,
        paired_differences,
        pairs,
        sensitivity,
    )
    from lessonplan.analysis.tables import check_budgets, cut_budgets

    table = item_table(study, family, tier=typed.tier, decode=typed.decode)
    target = default_target(table) if typed.target is None else typed.target
    if target is None:
        refused.append(f"{family}: no sampler rose above the warm starts; give a --target")
        return
    if len(table.samplers) < 2:
        refused.append(f"{family}: {table.samplers[0]} is its only sampler")
    for a, b in pairs(table):
        try:
            own = table
            if typed.at_equal:
                own = cut_budgets(study, table, (a, b), tier=typed.tier, decode=typed.decode)
            if not typed.unequal:
                check_budgets(own, a, b)
            both = curves(own, (a, b))
            one, differences = at_target(both, target), paired_differences(both)
        except ValueError as error:  # unequal budgets, or too few sizes for a curve
            refused.append(f"{family}, {a} against {b}: {error}")
        else:
            last = differences[-1] if differences else None
            found.append((one, last, sensitivity(both, target)))


def _pasted(
    found: "Sequence[Comparison]", corrected: "Sequence[Adjusted]", form: Literal["md", "tex"]
) -> str:
    """A table of all comparisons for a README or a paper."""
    from lessonplan.analysis.verdicts import factor, interval, percent

    head = ["family", "A", "B", "target", "B needs / A needs", "95 % interval", "p, Holm"]
    rows = [
        [
            one.family,
            one.a,
            one.b,
            percent(one.target),
            factor(one.ratio) if one.kind == "ratio" else one.kind,
            interval(one.low, one.high)
            + (
                f", {factor(one.seen)} would be seen"
                if math.isfinite(one.seen) and not one.winner
                else ""
            ),
            "" if math.isnan(holm.p_adjusted) else f"{holm.p_adjusted:.2g}",
        ]
        for one, holm in zip(found, corrected, strict=True)
    ]
    return cli_points.paste(head, rows, form)
