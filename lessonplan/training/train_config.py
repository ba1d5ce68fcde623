"""The configuration of one training run: frozen dataclasses, read from one TOML file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from lessonplan.curricula import check_arguments
from lessonplan.curricula.named_gates import check_gate
from lessonplan.errors import ConfigError
from lessonplan.generators import Encoding, Kind, family
from lessonplan.training.config import unknown
from lessonplan.training.toml_tables import parse_table, write_table

Precision: TypeAlias = Literal["float32", "bfloat16"]
Answers: TypeAlias = Kind | Literal["number", "exact"]


@dataclass(frozen=True, slots=True)
class Model:
    """What is trained: a hub id, or a folder that `save_pretrained` wrote."""

    path: str
    revision: str = ""  # of a hub id: branch, tag or commit; empty for the newest
    dtype: Precision = "float32"  # of the weights in memory
    pad_token: str = ""  # for a tokenizer that has none
    system: str = ""  # system prompt; empty for none


@dataclass(frozen=True, slots=True)
class Lora:
    """Train low-rank additions to the linear layers; the model's own weights stay as they are."""

    rank: int = 16
    alpha: int = 32  # the additions are scaled by alpha / rank
    dropout: float = 0.0
    targets: str | Sequence[str] = "all-linear"


@dataclass(frozen=True, slots=True)
class Made:
    """Generated problems, with exact answers and verifiers of their own."""

    tasks: Sequence[str] = ("counting",)  # tasks, or families: then their first task
    levels: Sequence[int] = (1, 2, 3, 4, 5)
    count: int = 512  # unique training problems
    encoding: Encoding = "text"  # English; or the few words of the built-in tiny model


@dataclass(frozen=True, slots=True)
class Own:
    """Problems from a file, JSON Lines or parquet; columns that are not named are guessed."""

    file: str
    prompt: str | None = None
    answer: str | None = None
    id: str | None = None
    level: str | None = None
    family: str | None = None
    answers: Answers = "number"  # how an answer is read and compared
    ending: str = "Write the final answer between <answer> and </answer>."  # put after prompts
    test_file: str = ""  # held-out problems, same columns
    held_out: float = 0.1  # share of `file` that is held out when there is no test_file


@dataclass(frozen=True, slots=True)
class SamplerChoice:
    """Who chooses the problems: a class of lessonplan, or `my_package.module:Class`."""

    name: str = "AdaptiveDifficulty"
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """GRPO settings; what is not here is TRL's default, or stands in [trl]."""

    learning_rate: float
    problems_per_step: int
    group_size: int  # completions of each problem
    micro_batch: int  # completions that one device trains on at once; bounds the memory
    max_completion_tokens: int
    steps: int = 200  # optimizer steps
    temperature: float = 1.0
    warmup_steps: int = 5
    save_every: int = 50  # steps between checkpoints
    keep_checkpoints: int = 2  # at least 2: a kill while one is written must leave a whole one
    refill: int = 0  # rounds of other problems in place of groups that a gate refused


@dataclass(frozen=True, slots=True)
class Exam:
    """Held-out problems: test problems before and after, validation problems in between."""

    problems: int = 200  # of each split; 0 leaves evaluation out
    samples: int = 1  # completions a problem at the training temperature; 0 for greedy ones alone
    every: int = 0  # steps between validations; 0 for none
    batch: int = 64  # completions generated at once, by each device


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the run is for; the preset fills in whatever the file leaves out."""

    preset: Literal["cpu", "24gb", "80gb", "8x80gb"] = "cpu"
    devices: int = 1  # processes, one for each GPU
    memory_gb: float = 0.0  # of one device; 0 if unknown
    precision: Precision = "float32"  # of the arithmetic
    gradient_checkpointing: bool = False  # compute activations twice instead of keeping them


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run. `problems` or `data` says what there is to learn, never both."""

    name: str
    model: Model
    train: TrainSettings
    hardware: Hardware = Hardware()
    problems: Made | None = None
    data: Own | None = None
    lora: Lora | None = None
    sampler: SamplerChoice = SamplerChoice()
    gates: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # name -> arguments
    evaluate: Exam = Exam()
    trl: Mapping[str, object] = field(default_factory=dict)  # goes to GRPOConfig as it is
    seed: int = 0  # of problems, sampler and rollouts

    def __post_init__(self) -> None:
        if (self.problems is None) == (self.data is None):
            raise ConfigError(
                "a run needs [problems] to make some or [data] to read yours, and not both"
            )
        for task in self.problems.tasks if self.problems else ():
            family(task, self.problems.encoding if self.problems else None)
        check_arguments(self.sampler.name, self.sampler.args)
        for name, args in self.gates.items():
            check_gate(name, args)
        self._check_numbers()
        for key in self.trl:
            if key in SAID_ELSEWHERE:
                raise ConfigError(f"[trl] {key} is said by {SAID_ELSEWHERE[key]}; set it there")

    def _check_numbers(self) -> None:
        t = self.train
        positive = {
            "problems_per_step": t.problems_per_step,
            "micro_batch": t.micro_batch,
            "max_completion_tokens": t.max_completion_tokens,
            "steps": t.steps,
            "save_every": t.save_every,
        }
        for name, value in positive.items():
            if value < 1:
                raise ConfigError(f"train.{name} must be at least 1, got {value}")
        if t.keep_checkpoints < 2:
            raise ConfigError(
                f"train.keep_checkpoints must be at least 2, got {t.keep_checkpoints}: TRL deletes "
                "the one before while the next is not yet whole"
            )
        if t.refill < 0 or (t.refill and not self.gates):
            raise ConfigError(
                f"train.refill = {t.refill} replaces groups that [gates] refuse: give a gate, or 0"
            )
        if t.group_size < 2:
            raise ConfigError(
                f"train.group_size must be at least 2, got {t.group_size}: the advantage of a "
                "rollout is its difference from the others of its group"
            )
        if self.completions % (t.micro_batch * self.hardware.devices):
            raise ConfigError(
                f"{t.problems_per_step} problems x {t.group_size} completions = {self.completions} "
                f"a step cannot be dealt to {self.hardware.devices} devices in parts of "
                f"train.micro_batch = {t.micro_batch}; choose numbers that divide"
            )
        if self.data and not 0 < self.data.held_out < 1:
            raise ConfigError(f"data.held_out must lie in (0, 1), got {self.data.held_out}")
        if min(self.evaluate.problems, self.evaluate.samples, self.evaluate.every) < 0:
            raise ConfigError("evaluate.problems, samples and every must not be negative")

    @property
    def completions(self) -> int:
        """Completions generated for one optimizer step, on all devices together."""
        return self.train.problems_per_step * self.train.group_size

    @property
    def accumulation(self) -> int:
        """Micro batches that each device adds up to one optimizer step."""
        return self.completions // (self.train.micro_batch * self.hardware.devices)


# What GRPOConfig calls it -> where it stands here.
SAID_ELSEWHERE = {
    "output_dir": "-o",
    "max_steps": "train.steps",
    "num_train_epochs": "train.steps",
    "learning_rate": "train.learning_rate",
    "num_generations": "train.group_size",
    "per_device_train_batch_size": "train.micro_batch",
    "gradient_accumulation_steps": "train.problems_per_step and train.micro_batch",
    "max_completion_length": "train.max_completion_tokens",
    "temperature": "train.temperature",
    "warmup_steps": "train.warmup_steps",
    "save_steps": "train.save_every",
    "save_total_limit": "train.keep_checkpoints",
    "resume_from_checkpoint": "--resume",
    "bf16": "hardware.precision",
    "use_cpu": "hardware.preset",
    "gradient_checkpointing": "hardware.gradient_checkpointing",
    "model_init_kwargs": "[model]",
    "seed": "seed",
}

_GPU = {"devices": 1, "precision": "bfloat16", "gradient_checkpointing": True}
# Batch shapes are ours: what the memory estimate lets a model of 0.5 billion parameters have, all
# weights trained, with room to spare. No preset but "cpu" has been run.
PRESETS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "cpu": {
        "train": {
            "problems_per_step": 8,
            "group_size": 8,
            "micro_batch": 64,
            "max_completion_tokens": 128,
            "learning_rate": 1e-4,  # measured with the built-in tiny model
        },
        "hardware": {},
    },
    "24gb": {
        "train": {
            "problems_per_step": 8,
            "group_size": 8,
            "micro_batch": 8,
            "max_completion_tokens": 512,
            "learning_rate": 1e-6,  # TRL's default
        },
        "hardware": {**_GPU, "memory_gb": 24.0},
    },
    "80gb": {
        "train": {
            "problems_per_step": 16,
            "group_size": 8,
            "micro_batch": 16,
            "max_completion_tokens": 1024,
            "learning_rate": 1e-6,
        },
        "hardware": {**_GPU, "memory_gb": 80.0},
    },
    "8x80gb": {
        "train": {
            "problems_per_step": 64,
            "group_size": 8,
            "micro_batch": 16,
            "max_completion_tokens": 1024,
            "learning_rate": 1e-6,
        },
        "hardware": {**_GPU, "devices": 8, "memory_gb": 80.0},
    },
}
LORA_RATE = 10.0  # low-rank additions learn at ten times the rate of all weights; ours

_SECTIONS: Mapping[str, type] = {
    "model": Model,
    "lora": Lora,
    "problems": Made,
    "data": Own,
    "sampler": SamplerChoice,
    "train": TrainSettings,
    "evaluate": Exam,
    "hardware": Hardware,
}


def load_train(
    source: str | Path, *, model: str | None = None, preset: str | None = None
) -> TrainConfig:
    """The run that the TOML file at `source` describes; `model` and `preset` override its own.

    Raises ConfigError naming file, line and the nearest valid name for whatever is wrong.
    """
    path = Path(source)
    if not path.is_file():
        raise ConfigError(f"{path} is no file; examples/train.toml is one to begin with")
    text = path.read_text(encoding="utf-8")
    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    for section, key, value in (("model", "path", model), ("hardware", "preset", preset)):
        inner = table.get(section, {})
        if value is not None and isinstance(inner, Mapping):
            table[section] = {**inner, key: value}
    return parse_train(table, where=str(path), text=text)


def parse_train(table: Mapping[str, object], *, where: str, text: str = "") -> TrainConfig:
    """The configuration that a parsed TOML table describes, its preset filled in."""
    whole = {"name": Path(where).stem, **_with_preset(table, where)}
    return parse_table(
        whole,
        TrainConfig,
        sections=_SECTIONS,
        named={"arms": SamplerChoice},
        where=where,
        text=text,
    )


def _with_preset(table: Mapping[str, object], where: str) -> dict[str, object]:
    """The table, with what its preset says under what it says itself."""
    hardware = table.get("hardware", {})
    name = hardware.get("preset", "cpu") if isinstance(hardware, Mapping) else "cpu"
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"{where}: {unknown('preset', str(name), PRESETS)}")
    lora = "lora" in table
    preset = PRESETS[name]
    rate = preset["train"]["learning_rate"]
    assert isinstance(rate, float)
    defaults: dict[str, Mapping[str, object]] = {
        # frozen weights need no spare digits for small updates
        "model": {"dtype": "bfloat16" if lora and name != "cpu" else "float32"},
        "train": {**preset["train"], "learning_rate": round(rate * (LORA_RATE if lora else 1), 12)},
        "hardware": preset["hardware"],
    }
    whole = dict(table)
    for section, values in defaults.items():
        given = table.get(section, {})
        if isinstance(given, Mapping):  # else parsing says what is wrong
            whole[section] = {**values, **given}
    return whole


def train_toml(config: TrainConfig) -> str:
    """The resolved configuration as TOML, with every key; `load_train` reads it back."""
    table = {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in asdict(config).items()
        if value is not None and name != "gates"
    }
    lines: list[str] = []
    write_table(lines, table, "")
    for name, args in config.gates.items():
        lines += ["", f"[gates.{msgspec.json.encode(name).decode()}]"]
        write_table(lines, args, "")
    return "\n".join(lines) + "\n"


def _without_none(table: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in table.items() if value is not None}
