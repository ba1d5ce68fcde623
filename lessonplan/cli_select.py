"""The verb select: a subset of a pool from anybody's log of rewards."""

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from lessonplan import cli
from lessonplan.cli_verbs import Answer, as_table, open_console
from lessonplan.errors import ConfigError

if TYPE_CHECKING:
    from lessonplan.generators import Pool
    from lessonplan.selection.diverse import Diversity
    from lessonplan.selection.subset import Subset

PATIENCE_S = 2.0  # seconds without a progress bar
BINS = 10  # of the histogram
WIDTH = 40  # characters of its longest bar


def select(typed: cli.Select) -> Answer:
    if typed.out is not None and typed.pool is None:
        raise ConfigError("-o needs the problems themselves: give --pool")
    if typed.format == "scores":
        pool, subset, facts = _from_scores(typed)
    else:
        pool, subset, facts = _from_log(typed)
    if typed.scores is not None:
        _write_scores(typed.scores, pool, subset)
    if typed.out is not None:
        if not len(subset.positions):
            raise ConfigError(f"no problem was kept, so {typed.out} was not written")
        pool.take(subset.positions).save(typed.out)
    return _answer(typed, pool, subset, facts)


def _from_log(typed: cli.Select) -> "tuple[Pool, Subset, dict[str, object]]":
    from lessonplan.curricula.reward_logs import read_rewards
    from lessonplan.selection.offline import counted
    from lessonplan.selection.subset import choose
    from lessonplan.selection.success import AtLeast, Exactly

    with _Bar(typed.quiet or typed.json) as bar:
        log = read_rewards(
            *typed.logs,
            format=typed.format,
            key=typed.key,
            reward=typed.reward or None,
            step=typed.step,
            epoch=typed.epoch,
            steps_per_epoch=typed.steps_per_epoch,
            compat=typed.compat,
            watch=bar.show,
        )
    if not log.timed and typed.by not in ("pass_rate", "random"):
        raise ConfigError(
            f"{typed.logs[0]} does not say when its rollouts were made, so there are no curves: "
            "choose --step or --epoch; --by pass_rate needs neither"
        )
    success = Exactly(1.0) if typed.compat == "released" else AtLeast(typed.success)
    curves = log.curves(success=success)
    pool = _pool(typed, log.keys)
    subset = choose(
        pool,
        curves,
        typed.by,
        threshold=typed.threshold,
        top=typed.top,
        band=typed.band,
        decimals=typed.round,
        diverse=_diversity(typed),
        fill=typed.fill,
        compat=typed.compat,
        epochs=typed.epochs,
        seed=typed.seed,
    )
    used = len(counted(curves, typed.epochs, typed.compat).epochs)
    facts: dict[str, object] = {
        "format": log.format,
        "log_problems": len(log.keys),
        "rollouts": int(np.count_nonzero(~np.isnan(log.rewards))),
        "epochs": len(curves.epochs),
        "epochs_used": None if typed.by in ("pass_rate", "random") else used,
        "notes": [*log.notes, *subset.notes],
    }
    return pool, subset, facts


def _from_scores(typed: cli.Select) -> "tuple[Pool, Subset, dict[str, object]]":
    from lessonplan.curricula.reward_logs import read_scores
    from lessonplan.selection.subset import choose_scored

    if len(typed.logs) != 1:
        raise ConfigError(f"--format scores reads one file, got {len(typed.logs)}")
    keys, scores = read_scores(typed.logs[0], key=typed.key)
    pool = _pool(typed, keys)
    subset = choose_scored(
        pool,
        keys,
        scores,
        threshold=typed.threshold,
        top=typed.top,
        band=typed.band,
        decimals=typed.round,
        diverse=_diversity(typed),
        compat=typed.compat,
    )
    facts = {"format": "scores", "log_problems": len(keys), "notes": list(subset.notes)}
    return pool, subset, facts


def _pool(typed: cli.Select, keys: Sequence[str]) -> "Pool":
    """The user's problems; without them, the log's own names stand in."""
    from lessonplan.generators import Pool, Problem

    if typed.pool is None:
        if typed.diverse is not None and typed.embeddings is None:
            raise ConfigError("--diverse compares problems: give --pool")
        return Pool([Problem(key, key, "") for key in dict.fromkeys(keys)], name="the log")
    read = Pool.from_parquet if typed.pool.suffix == ".parquet" else Pool.from_jsonl
    return read(typed.pool, answer=False if typed.no_answer else None)


def _diversity(typed: cli.Select) -> "Diversity | None":
    from lessonplan.selection.diverse import Diversity

    if typed.diverse is None:
        if typed.embeddings is not None:
            raise ConfigError("--embeddings are for clusters: give --diverse, their number, too")
        return None
    features = None
    if typed.embeddings is not None:
        try:
            features = np.load(typed.embeddings, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ConfigError(f"{typed.embeddings}: no array of numbers: {error}") from None
        if not isinstance(features, np.ndarray):
            raise ConfigError(f"{typed.embeddings}: several arrays; save one with numpy.save")
    return Diversity(typed.diverse, typed.clustering, features, typed.seed)


def _write_scores(path: Path, pool: "Pool", subset: "Subset") -> None:
    """Every problem with its score, and why it was dropped; the file appears whole or not at all."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "score", "kept", "reason"])
        for one, score, reason in zip(
            pool.ids, subset.scores.tolist(), subset.reasons, strict=True
        ):
            shown = "" if score != score else repr(score)
            table.writerow([_cell(one), shown, int(not reason), reason])
    part.replace(path)


def _cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _answer(typed: cli.Select, pool: "Pool", subset: "Subset", facts: dict[str, object]) -> Answer:
    scored = ~np.isnan(subset.scores)
    kept = np.zeros(len(pool), np.bool_)
    kept[subset.positions] = True
    histogram = _histogram(subset.scores[scored], kept[scored])
    facts |= {
        "problems": len(pool),
        "scored": int(scored.sum()),
        "kept": len(subset.positions),
        "dropped": subset.dropped(),
        "by": None if typed.format == "scores" else typed.by,
        "histogram": histogram,
        "ids": [pool.ids[position] for position in subset.positions.tolist()],
        "file": typed.out,
        "scores": typed.scores,
    }
    rows: list[list[object]] = [["log", _log(facts)]]
    if facts["by"] is not None:
        how = typed.by if typed.compat == "paper" else f"{typed.by}, {typed.compat}"
        used = facts.get("epochs_used")
        rows.append(["score", f"{how}, over {used} epochs" if used else how])
    rows += [["problems", len(pool)], ["with a score", facts["scored"]], ["kept", facts["kept"]]]
    rows += [[f"dropped: {why}", count] for why, count in subset.dropped().items()]
    table = as_table("", "", rows=rows)
    table.show_header = False
    shown: list[RenderableType] = [table]
    if histogram:
        shown.append("\n" + "\n".join(_bars(histogram)))
    notes = facts["notes"]
    assert isinstance(notes, list)
    shown += ["", *(_visible(note) for note in notes)]
    if typed.out is not None:
        shown.append(f"\n{facts['kept']} problems written to {typed.out}")
    return Answer(facts, shown)


def _log(facts: dict[str, object]) -> str:
    if facts["format"] == "scores":
        return f"scores of {facts['log_problems']} problems"
    return (
        f"{facts['format']}: {facts['rollouts']} rewards of {facts['log_problems']} problems, "
        f"{facts['epochs']} epochs"
    )


def _histogram(scores: np.ndarray, kept: np.ndarray) -> list[dict[str, float]]:
    """Rows of equal width over the scores: from, to, how many, how many of them kept."""
    if not len(scores):
        return []
    low, high = np.percentile(scores, 1), scores.max()  # a tail of bad scores is one bin
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, high])
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    chosen = np.bincount(place[kept], minlength=len(edges) - 1)
    edges[0] = scores.min()
    return [
        {"from": float(a), "to": float(b), "problems": int(n), "kept": int(k)}
        for a, b, n, k in zip(edges, edges[1:], counts, chosen, strict=False)
    ]


def _bars(histogram: list[dict[str, float]]) -> list[str]:
    longest = max(row["problems"] for row in histogram)
    lines = ["score             problems, kept ones filled"]
    for row in histogram:
        filled = round(WIDTH * row["kept"] / longest)
        hollow = round(WIDTH * row["problems"] / longest) - filled
        ends = f"{row['from']:7.2f} to {row['to']:5.2f}"
        lines.append(f"{ends}  {'█' * filled}{'░' * hollow} {row['problems']}, {row['kept']} kept")
    return lines


def _visible(text: str) -> str:
    """Text of a log with what could command a terminal made visible."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


class _Bar:
    """A bar on the terminal once reading takes longer than `PATIENCE_S`."""

    def __init__(self, quiet: bool) -> None:
        console = open_console(stderr=True)
        self.draws = console.is_terminal and not quiet
        self.begun = time.monotonic()
        self.bar = Progress(
            TextColumn("reading"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.task = self.bar.add_task("reading")

    @property
    def show(self) -> Callable[[int, int], None] | None:
        return self._show if self.draws else None

    def _show(self, done: int, total: int) -> None:
        if time.monotonic() - self.begun > PATIENCE_S:
            self.bar.start()
        self.bar.update(self.task, completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar.live.is_started:  # stop alone would print an empty line
            self.bar.stop()
