"""Read a study folder: every journal that can be used, and by name every one that cannot."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from lessonplan.analysis.journals import read_journal
from lessonplan.analysis.runs import Evaluation, Run
from lessonplan.analysis.tiers import TARGETS, item_weights
from lessonplan.errors import FormatError

Row = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Study:
    """The journals of one folder.

    `runs` are complete. `unfinished` are sound journals whose run failed, was interrupted, or is
    still going: they are listed and never averaged. `damaged` are files that could not be read,
    with the reason.
    """

    name: str
    folder: Path
    runs: tuple[Run, ...]
    unfinished: tuple[Run, ...]
    damaged: tuple[tuple[str, str], ...]  # file name, reason
    settings: dict[str, object]  # of study.toml, empty without one

    @property
    def families(self) -> tuple[str, ...]:
        """Families with RL runs, the one with most runs first."""
        names = [run.info.family for run in self.runs if run.info.kind == "rl"]
        return tuple(sorted(set(names), key=lambda name: (-names.count(name), name)))

    def samplers(self, family: str) -> tuple[str, ...]:
        """Samplers of a family: uniform first, then by name."""
        names = {run.info.sampler for run in self.of(family, "rl")}
        return tuple(sorted(names, key=lambda name: (name != "uniform", name)))

    def of(self, family: str, kind: str, sampler: str | None = None) -> list[Run]:
        """Runs of a family and kind ("rl", "base", "sft"), by sampler, n, start and seed."""
        found = [
            run
            for run in self.runs
            if run.info.family == family
            and run.info.kind == kind
            and sampler in (None, run.info.sampler)
        ]
        return sorted(found, key=lambda r: (r.info.sampler, r.info.n, r.info.start, r.info.seed))

    @property
    def repaired(self) -> tuple[str, ...]:
        """What the reader tolerated, over all files."""
        return tuple(text for run in (*self.runs, *self.unfinished) for text in run.repairs)


def read_study(folder: str | Path) -> Study:
    """Read `folder/journals/*.jsonl` and `folder/study.toml`.

    Raises FileNotFoundError if there is no journal at all, FormatError if study.toml is not TOML.
    A damaged journal is left out and listed in `Study.damaged`.
    """
    folder = Path(folder)
    paths = sorted((folder / "journals").glob("*.jsonl"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no journals/*.jsonl; is this a study folder?")
    runs, unfinished, damaged = list[Run](), list[Run](), list[tuple[str, str]]()
    seen: dict[tuple[str, str, str, int, str, int], str] = {}
    for path in paths:
        try:
            run = read_journal(path)
        except FormatError as problem:
            damaged.append((path.name, str(problem)))
            continue
        info = run.info
        cell = (info.family, info.kind, info.sampler, info.n, info.start, info.seed)
        if run.status != "done":
            unfinished.append(run)
        elif cell in seen:
            damaged.append((path.name, f"{path.name}: the same cell as {seen[cell]}"))
        else:
            seen[cell] = path.name
            runs.append(run)
    return Study(
        name=next((run.info.study for run in runs if run.info.study), folder.name),
        folder=folder,
        runs=tuple(runs),
        unfinished=tuple(unfinished),
        damaged=tuple(damaged),
        settings=_settings(folder / "study.toml"),
    )


def _settings(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise FormatError(f"{path.name}: {problem}") from None


def accuracy(run: Run, evaluation: Evaluation, tier: str = "mean") -> float:
    """Accuracy of one evaluation; "mean" is the mean over the easy, medium and hard tier."""
    weights = item_weights(run.items[evaluation.split].levels, tier)
    return float(weights @ evaluation.share)


def accuracy_rows(study: Study) -> list[Row]:
    """One row for each run, evaluation and tier: the tidy table of everything measured.

    `rollouts`, `tokens` and `seconds` are what the run had spent on training at that step.
    """
    rows: list[Row] = []
    for run in study.runs:
        info = run.info
        for e in run.evals:
            spent = run.steps.step <= e.step
            for tier in TARGETS:
                try:
                    value = accuracy(run, e, tier)
                except ValueError:  # a tier without items has no row
                    continue
                rows.append(
                    {
                        "run": info.id,
                        "kind": info.kind,
                        "family": info.family,
                        "sampler": info.sampler,
                        "n": info.n,
                        "start": info.start,
                        "seed": info.seed,
                        "step": e.step,
                        "split": e.split,
                        "decode": e.decode,
                        "tier": tier,
                        "accuracy": value,
                        "items": len(e.correct),
                        "samples": e.samples,
                        "rollouts": int(run.steps.rollouts[spent].sum()),
                        "tokens": int(run.steps.tokens[spent].sum()),
                        "seconds": float(
                            sum(part[spent].sum() for part in run.steps.seconds.values())
                        ),
                    }
                )
    return rows
