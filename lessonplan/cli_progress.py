"""Show a study while it runs: a bar and a line per run on a terminal, else plain lines."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lessonplan.training.plan import RunSpec

BLOCKS = " ▁▂▃▄▅▆▇█"


class Display:
    """A `Watcher` that draws on the terminal, or prints a line for every run that ends."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self.under_way: dict[str, tuple[RunSpec, Mapping[str, object]]] = {}
        self.total = self.done = self.earlier = 0
        self.began = time.monotonic()
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

    def planned(self, runs: Sequence[RunSpec], earlier: Sequence[RunSpec]) -> None:
        self.total, self.done, self.earlier = len(runs), len(earlier), len(earlier)
        self.bar.update(self.task, total=self.total, completed=self.done)
        if not self.quiet:
            before = f", {len(earlier)} of them done earlier" if earlier else ""
            self._print(f"{len(runs)} runs{before}")

    def progress(self, run: RunSpec, facts: Mapping[str, object]) -> None:
        self.under_way[run.id] = (run, facts)

    def finished(self, run: RunSpec, error: str | None) -> None:
        self.under_way.pop(run.id, None)
        self.done += 1
        self.bar.update(self.task, completed=self.done, left=self._left())
        if error is not None:
            self._print(f"{run.id} failed: {error}")
        elif not self.live:
            self._print(f"[{self.done}/{self.total}] {run.id} done, {self._left()}")

    # -- how it is said -------------------------------------------------------------------------

    def _print(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _left(self) -> str:
        """The time that the other runs will take, if they take as long as those of this call."""
        here = self.done - self.earlier
        seconds = (time.monotonic() - self.began) / here * (self.total - self.done)
        return f"about {seconds / 60:.0f} min left" if seconds >= 60 else f"{seconds:.0f} s left"

    def _lines(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for run, facts in self.under_way.values():
            table.add_row(run.id, *run_line(run, facts))
        return table


def run_line(run: RunSpec, facts: Mapping[str, object]) -> tuple[str, ...]:
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
