"""The configuration of a study: frozen dataclasses, read from one TOML file, checked by name."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias

from lessonplan.curricula import check_arguments
from lessonplan.errors import ConfigError
from lessonplan.generators import family
from lessonplan.training.toml_tables import parse_table, write_table

Mix: TypeAlias = Literal["easy", "medium", "hard", "mixed"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train: which tiers the training set is made of, and who chooses from it.

    `mix` is one tier, or "mixed": a third of the training set from each. `sampler` is a class of
    lessonplan or `my_package.module:Class`; `args` are its keyword arguments.
    """

    sampler: str
    mix: Mix = "mixed"
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    """What is crossed with what: every combination is one run."""

    arms: Sequence[str] = ("easy", "uniform")
    sizes: Sequence[int] = (8, 64, 512)  # unique problems of a training set
    families: Sequence[str] = ("counting",)
    # seeds of the warm starts, the outer unit of comparison; a table of them by family if they differ
    starts: Sequence[int] | Mapping[str, Sequence[int]] = (0, 1, 2)
    seeds: Sequence[int] = (0,)  # training-set draw, sampler and rollouts, within a start


@dataclass(frozen=True, slots=True)
class Train:
    """GRPO settings of the tiny learner, as measured; the rest are TRL's defaults."""

    steps: int = 200
    learning_rate: float = 1e-4
    problems_per_step: int = 8
    group_size: int = 8  # rollouts per problem
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """When a warm start is good enough: past the birth of the mechanism, before perfection.

    Exact traces count, not answers alone, since guesses answer too; where answers come without
    the trace, they are held against the best cheap guess. The bounds were set by hand on a few
    starts of the counting task; they are necessary for GRPO to help, not sufficient.
    """

    min_easy_trace: float = 0.60
    min_medium_trace: float = 0.40
    min_easy_over_guess: float = 0.0  # right answers above the best cheap guess; 0: not asked
    max_easy_answer: float = 0.90
    max_steps: int = 800  # supervised steps after which the start is refused
    probe_every: int = 25  # supervised steps between two looks at the rule

    @property
    def rule(self) -> str:
        """The rule in words, for the report."""
        guessed = ""
        if self.min_easy_over_guess:
            guessed = f" and {self.min_easy_over_guess:.2f} above the best cheap guess"
        return (
            f"exact traces >= {self.min_easy_trace:.2f} easy and >= {self.min_medium_trace:.2f} "
            f"medium, answers <= {self.max_easy_answer:.2f} easy{guessed} "
            "(validation problems, greedy)"
        )


# Graph learns its look-ups all at once, late; spatial answers without the worked steps, and early.
MEASURED_STARTS: Mapping[str, Start] = {
    "counting": Start(),
    "graph": Start(
        min_easy_trace=0.50,
        min_medium_trace=0.15,
        max_easy_answer=0.95,
        max_steps=3000,
        probe_every=20,
    ),
    "spatial": Start(
        min_easy_trace=0.0, min_medium_trace=0.0, min_easy_over_guess=0.35, probe_every=10
    ),
}


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Held-out problems: validation during training, test once at the end."""

    test_per_level: int = 80
    validation_per_level: int = 40
    every: int = 50  # optimizer steps between evaluations on validation problems
    samples: int = 4  # completions per problem at temperature 1


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """A whole study. `sft_steps` is the supervised control: 0 leaves it out."""

    name: str
    grid: Grid = Grid()
    arms: Mapping[str, Arm] = field(default_factory=dict)
    start: Mapping[str, Start] = field(default_factory=dict)  # by family
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    sft_steps: int = 200
    workers: int = 2  # processes, one torch thread each

    def __post_init__(self) -> None:
        known = {**BUILT_IN_ARMS, **self.arms}
        for name in self.grid.arms:
            if name not in known:
                raise ConfigError(unknown("arm", name, known))
            check_arguments(known[name].sampler, known[name].args)
        for name in (*self.grid.families, *self.start):
            family(name)
        for size in self.grid.sizes:
            if size < self.train.problems_per_step:
                raise ConfigError(
                    f"size {size} is below the {self.train.problems_per_step} problems of a step, "
                    "which would train nothing; raise the size or lower train.problems_per_step"
                )
        if self.train.group_size < 2:
            raise ConfigError(
                f"train.group_size must be at least 2, got {self.train.group_size}: the advantage "
                "of a rollout is its difference from the others of its group"
            )
        axes = {axis: getattr(self.grid, axis) for axis in ("arms", "sizes", "families", "seeds")}
        if isinstance(self.grid.starts, Mapping):
            if set(self.grid.starts) != set(self.grid.families):
                raise ConfigError(
                    f"grid.starts must name every family of the grid and no other, got "
                    f"{', '.join(self.grid.starts)} for {', '.join(self.grid.families)}"
                )
            axes |= {f"starts.{name}": seeds for name, seeds in self.grid.starts.items()}
        else:
            axes["starts"] = self.grid.starts
        for axis, values in axes.items():
            if not values or len(set(values)) != len(values):
                raise ConfigError(f"grid.{axis} must name distinct values, got {list(values)}")

    def arm(self, name: str) -> Arm:
        """The arm of that name; a study's own arms come before the built-in ones."""
        return self.arms.get(name) or BUILT_IN_ARMS[name]

    def accept(self, family: str) -> Start:
        """When a warm start of that family is good enough: the study's own rule or the measured."""
        return self.start.get(family) or MEASURED_STARTS.get(family, Start())

    def starts(self, family: str) -> Sequence[int]:
        """Seeds of the family's warm starts."""
        starts = self.grid.starts
        return starts[family] if isinstance(starts, Mapping) else starts


BUILT_IN_ARMS: Mapping[str, Arm] = {
    "easy": Arm("EasyOnly", "easy"),
    "mixed": Arm("FixedMixture", "mixed"),
    "uniform": Arm("Uniform", "mixed"),
    "adaptive": Arm("AdaptiveDifficulty", "mixed"),
    "lim": Arm("LIM", "mixed"),
    "hard": Arm("Uniform", "hard"),
}

PRESETS: Mapping[str, StudyConfig] = {
    "quick": StudyConfig("quick"),
    "full": StudyConfig(
        "full",
        grid=Grid(
            arms=("easy", "uniform", "adaptive", "lim"),
            sizes=(8, 16, 32, 64, 128, 256, 512),
            seeds=(0, 1),
        ),
    ),
}


def load_study(source: str) -> StudyConfig:
    """A preset by name, or the TOML file at that path.

    Raises ConfigError naming file, line and the nearest valid name for whatever is wrong.
    """
    if source in PRESETS:
        return PRESETS[source]
    path = Path(source)
    if not path.is_file():
        raise ConfigError(f"{source} is neither a file nor a preset; presets: {', '.join(PRESETS)}")
    text = path.read_text(encoding="utf-8")
    try:
        return parse_study(tomllib.loads(text), where=str(path), text=text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse_study(table: Mapping[str, object], *, where: str, text: str = "") -> StudyConfig:
    """The configuration that a parsed TOML table describes."""
    sections = {"grid": Grid, "train": Train, "evaluate": Evaluate}
    named = {"arms": Arm, "start": Start}
    rules = table.get("start")
    if isinstance(rules, Mapping):  # what a rule leaves out is as measured for its family
        measured = {name: asdict(start) for name, start in MEASURED_STARTS.items()}
        rules = {
            name: {**measured.get(name, {}), **rule} if isinstance(rule, Mapping) else rule
            for name, rule in rules.items()
        }
        table = {**table, "start": rules}
    return parse_table(table, StudyConfig, sections=sections, named=named, where=where, text=text)


def unknown(what: str, name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """A message for a name that does not exist, with the nearest one that does."""
    nearest = get_close_matches(name, list(known), n=1, cutoff=0.0)
    return f'no {what} "{name}"; nearest: {nearest[0]}. All: {", ".join(known)}'


def study_toml(config: StudyConfig) -> str:
    """The resolved configuration as TOML, arms and starts included; `load_study` reads it back."""
    table = asdict(config)
    table["start"] = {name: asdict(config.accept(name)) for name in config.grid.families}
    table["arms"] = {name: asdict(config.arm(name)) for name in config.grid.arms}
    lines: list[str] = []
    write_table(lines, table, "")
    return "\n".join(lines) + "\n"
