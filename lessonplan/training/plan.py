"""The runs of a study: what determines each, what it is called, where its files are."""

from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from lessonplan.training.config import Arm, Evaluate, Start, StudyConfig, Train


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that determines one run; equal specs give equal journals, times aside."""

    kind: Literal["base", "sft", "rl"]
    study: str
    family: str
    start: int
    train: Train
    evaluate: Evaluate
    accept: Start = Start()  # noqa: RUF009  # frozen; of a warm start
    arm: str = ""
    spec: Arm | None = None  # of an rl run
    n: int = 0
    seed: int = 0
    steps: int = 0

    @property
    def start_name(self) -> str:
        return f"{self.family}-{self.start}"

    @property
    def id(self) -> str:
        """The name of the run and of its journal."""
        if self.kind == "base":
            return self.start_name
        if self.kind == "sft":
            return f"{self.start_name}-sft"
        return f"{self.family}-{self.arm}-n{self.n}-start{self.start}-seed{self.seed}"

    @property
    def data_seed(self) -> int:
        """Seed of training set, sampler and rollouts: shared by all arms of a start and seed."""
        key = f"{self.family}/{self.start}/{self.seed}"
        return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big")

    def facts(self) -> dict[str, object]:
        """The `run` entry of the journal's first event."""
        return {
            "id": self.id,
            "kind": self.kind,
            "study": self.study,
            "family": self.family,
            "sampler": self.arm if self.kind == "rl" else self.kind,
            "n": self.n,
            "start": self.start_name,
            "seed": self.seed,
            "data_seed": self.data_seed,
            "steps": self.steps,
            "problems_per_step": self.train.problems_per_step,
            "group_size": self.train.group_size,
            "learner": "real",
            "engine": f"trl {version('trl')}" if self.kind == "rl" else "supervised",
            "arm": asdict(self.spec) if self.spec else None,
            "train": asdict(self.train),
            "evaluate": asdict(self.evaluate),
            "shared_by_pairs": ["start", "training-set stream", "rollout seed", "test problems"],
        }


def expand(config: StudyConfig) -> list[RunSpec]:
    """Every run of a study: starts first, then their supervised controls, then the grid.

    Within the grid the largest training sets come last and arms alternate, so that a study that
    is stopped early has comparable pairs.
    """
    grid = config.grid
    run = partial(RunSpec, study=config.name, train=config.train, evaluate=config.evaluate)
    starts = [(name, start) for name in grid.families for start in config.starts(name)]
    runs = [
        run("base", family=name, start=start, accept=config.accept(name)) for name, start in starts
    ]
    if config.sft_steps:
        runs += [
            run("sft", family=name, start=start, steps=config.sft_steps) for name, start in starts
        ]
    runs += [
        run(
            "rl",
            family=name,
            start=start,
            arm=arm,
            spec=config.arm(arm),
            n=n,
            seed=seed,
            steps=config.train.steps,
        )
        for name in grid.families
        for n in grid.sizes
        for seed in grid.seeds
        for start in config.starts(name)
        for arm in grid.arms
    ]
    return runs


def journal_path(folder: Path, run: RunSpec) -> Path:
    return folder / "journals" / f"{run.id}.jsonl"


def start_folder(folder: Path, run: RunSpec) -> Path:
    return folder / "starts" / run.start_name
