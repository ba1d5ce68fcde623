"""One GRPO run from one configuration: planned without weights, or trained, measured and resumed."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from lessonplan.analysis import read_journal
from lessonplan.curricula import Curriculum, Journal, Lock, make_sampler, write_atomically
from lessonplan.curricula.named_gates import make_gate
from lessonplan.errors import ConfigError, EngineError
from lessonplan.generators import Pool, Problem, level_tiers
from lessonplan.generators.exports import CHARACTERS_A_TOKEN
from lessonplan.generators.pool import prompt_text
from lessonplan.training.exam import examine, items_event, prompt_ids
from lessonplan.training.memory import Estimate, estimate, lora_config, shape_of
from lessonplan.training.model_files import (
    check_weights,
    has_tokenizer,
    load_tokenizer,
    model_config,
)
from lessonplan.training.progress import Progress, Report
from lessonplan.training.train_config import TrainConfig, load_train, train_toml
from lessonplan.training.train_problems import Problems, load_problems
from lessonplan.training.trl import attach, last_checkpoint

if TYPE_CHECKING:
    from trl import GRPOConfig, GRPOTrainer

CONFIG_FILE, JOURNAL, MODEL = "train.toml", "journal.jsonl", "model"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, found out without its weights."""

    config: TrainConfig
    problems: Problems
    longest_prompt: int  # tokens
    measured: bool  # whether a tokenizer counted them
    memory: Estimate
    picks: Sequence[Problem]  # of the first step

    @property
    def tokens_per_step(self) -> int:
        """Prompts and completions of one step, if none is shorter than it may be."""
        longest = self.longest_prompt + self.config.train.max_completion_tokens
        return self.config.completions * longest


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished run found. Accuracies are on test problems, by `greedy` and `sample`."""

    folder: Path
    before: Mapping[str, float]
    after: Mapping[str, float]
    steps: int
    resumed_from: int  # steps that an earlier call had saved
    earlier: bool = False  # the whole run was done before


def plan_train(config: TrainConfig) -> Plan:
    """Everything about a run that needs no weights: problems, first picks, memory.

    A folder with nothing but a config.json will do; without a tokenizer, prompt lengths are
    estimated. The first picks are those that the run itself will make.
    """
    check_trl_keys(config)
    described = model_config(config.model)
    tokenizer = load_tokenizer(config.model) if has_tokenizer(config.model) else None
    chat = tokenizer is not None and tokenizer.chat_template is not None
    problems = load_problems(config, chat=chat)
    _check_sizes(config, problems.train)
    longest = _tokens(tokenizer, problems.longest)
    curriculum = _curriculum(config, problems.train, None)
    picks = curriculum.ask(config.train.problems_per_step)
    return Plan(
        config,
        problems,
        longest,
        tokenizer is not None,
        estimate(described, shape_of(config, longest)),
        [pick.problem for pick in picks],
    )


def train(
    config: TrainConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    report: Report = lambda facts: None,
) -> TrainResult:
    """Do the run: measure, train with TRL's GRPOTrainer and a curriculum, measure again, save.

    Everything goes into `folder`: the resolved configuration, the journal, checkpoints, and the
    trained model (of LoRA, the adapter). With `resume`, a run that was stopped goes on from its
    last whole checkpoint, with the picks of one that never was. Start one process for each device
    (torchrun); they find each other as TRL's own do.

    Raises ConfigError or PoolError for whatever is wrong before the weights are loaded,
    LockedError when another process writes the folder, EngineError when the device is full.
    """
    folder = Path(folder)
    check_trl_keys(config)
    _check_machine(config)
    model_config(config.model)
    check_weights(config.model)
    tokenizer = load_tokenizer(config.model)
    problems = load_problems(config, chat=tokenizer.chat_template is not None)
    _check_sizes(config, problems.train)
    first = _rank() == 0
    with ExitStack() as stack:
        if first:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(Lock(folder / ".train.lock", what=str(folder)))
            _claim(config, folder, resume=resume)
        if resume and _done(config, folder):
            return _result(folder, resumed_from=config.train.steps, earlier=True)
        checkpoint = last_checkpoint(folder) if resume else None
        journal = stack.enter_context(Journal(folder / JOURNAL)) if first else None
        curriculum = _curriculum(config, problems.train, journal)
        if checkpoint is None:
            curriculum.restart()  # of a run that was stopped before its first checkpoint
        trainer = _trainer(config, folder, problems, tokenizer, curriculum, report)
        _train(trainer, curriculum, config, checkpoint)
        trainer.save_model(str(folder / MODEL))
        if config.hardware.devices > 1:  # a process that ends with gloo's threads alive may abort
            trainer.accelerator.wait_for_everyone()
            trainer.accelerator.end_training()
        if first:
            tokenizer.save_pretrained(folder / MODEL)
            return _result(folder, resumed_from=_step_of(checkpoint))
    return TrainResult(folder, {}, {}, config.train.steps, 0)  # other ranks: rank 0 knows


def check_trl_keys(config: TrainConfig) -> None:
    """Raise ConfigError at a key of [trl] that TRL's GRPOConfig does not have."""
    from trl import GRPOConfig

    known = [one.name for one in fields(GRPOConfig)]
    for key in config.trl:
        if key not in known:
            nearest = get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(
                f'unknown key "{key}" in [trl]; nearest: "{nearest}". These go to GRPOConfig of '
                f"trl {version('trl')}"
            )


def _check_machine(config: TrainConfig) -> None:
    devices, here = config.hardware.devices, int(os.environ.get("WORLD_SIZE", "1"))
    if here != devices:
        raise ConfigError(
            f"hardware.devices = {devices} needs as many processes, and WORLD_SIZE is {here}: start "
            f"it with torchrun --nproc_per_node {devices} -m lessonplan train ..., or choose "
            "another [hardware] preset"
        )
    if config.hardware.preset != "cpu" and not torch.cuda.is_available():
        raise ConfigError(
            f'hardware.preset "{config.hardware.preset}" needs a GPU, and none is visible to torch '
            f'{torch.__version__}. preset = "cpu" runs small models here; --dry-run needs no GPU'
        )


def _check_sizes(config: TrainConfig, pool: Pool) -> None:
    if len(pool) < config.train.problems_per_step:
        raise ConfigError(
            f"{len(pool)} training problems are fewer than the {config.train.problems_per_step} of "
            "a step, which would train nothing; add problems or lower train.problems_per_step"
        )


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _tokens(tokenizer: PreTrainedTokenizerBase | None, problem: Problem) -> int:
    """Tokens of a prompt as the model reads it; an estimate without a tokenizer."""
    if tokenizer is None:
        return round(len(prompt_text(problem.prompt)) / CHARACTERS_A_TOKEN)
    return len(prompt_ids(tokenizer, [problem.prompt])[0])


def _curriculum(config: TrainConfig, pool: Pool, journal: Journal | None) -> Curriculum:
    sampler = make_sampler(
        config.sampler.name,
        pool,
        seed=config.seed,
        tiers=level_tiers(pool.levels),
        steps=config.train.steps,
        **config.sampler.args,
    )
    gates = [make_gate(name, args) for name, args in config.gates.items()]
    return Curriculum(pool, sampler, gates=gates, journal=journal, run=_facts(config, pool))


def _facts(config: TrainConfig, pool: Pool) -> dict[str, object]:
    """The `run` entry of the journal's first event."""
    return {
        "id": config.name,
        "kind": "rl",
        "study": "",
        "family": "+".join(pool.families),
        "sampler": config.sampler.name,
        "n": len(pool),
        "start": config.model.path,
        "seed": config.seed,
        "steps": config.train.steps,
        "problems_per_step": config.train.problems_per_step,
        "group_size": config.train.group_size,
        "learner": "real",
        "engine": f"trl {version('trl')}",
        "config": {name: value for name, value in asdict(config).items() if value is not None},
    }


# -- the folder -----------------------------------------------------------------------------------


def _claim(config: TrainConfig, folder: Path, *, resume: bool) -> None:
    """Take the folder for this run. A longer run may go on where a shorter one ended."""
    path = folder / CONFIG_FILE
    if path.exists():
        mine = train_toml(config).splitlines()
        theirs = train_toml(load_train(path)).splitlines()
        changed = [line for line in mine if line not in theirs and not line.startswith("steps = ")]
        if changed:
            raise ConfigError(
                f"{path} is of a run with other settings; different here: {'; '.join(changed)}. "
                "Choose another folder with -o"
            )
        if not resume:
            raise ConfigError(
                f"{folder} holds this run already: add --resume, or choose another -o"
            )
    elif any(folder.glob("checkpoint-*")) or (folder / JOURNAL).exists():
        raise ConfigError(f"{folder} holds another run; choose another folder with -o")
    elif resume:
        raise ConfigError(f"{folder} holds no run to resume; leave --resume out to begin it")
    write_atomically(path, train_toml(config).encode())


def _done(config: TrainConfig, folder: Path) -> bool:
    """Whether all steps were done earlier; every rank asks, so that none waits for the others."""
    if not ((folder / MODEL).is_dir() and (folder / JOURNAL).exists()):
        return False
    run = read_journal(folder / JOURNAL)
    return run.status == "done" and bool(run.steps.step[-1] == config.train.steps)


def _step_of(checkpoint: str | None) -> int:
    return 0 if checkpoint is None else int(checkpoint.rpartition("-")[2])


def _result(folder: Path, *, resumed_from: int, earlier: bool = False) -> TrainResult:
    """Accuracies before and after, from the journal."""
    run = read_journal(folder / JOURNAL)
    tests = [one for one in run.evals if one.split == "test"]
    last = max((one.step for one in tests), default=0)
    shares = {
        step: {one.decode: float(one.share.mean()) for one in tests if one.step == step}
        for step in (0, last)
    }
    return TrainResult(folder, shares[0], shares[last], last, resumed_from, earlier)


# -- the trainer ----------------------------------------------------------------------------------


def grpo_config(config: TrainConfig, folder: Path) -> "GRPOConfig":
    """TRL's settings for this run; what [trl] says is passed on as it is.

    Raises ConfigError with TRL's own words when it refuses them.
    """
    from trl import GRPOConfig

    settings, on_cpu = config.train, config.hardware.preset == "cpu"
    ours: dict[str, object] = {
        "output_dir": str(folder),
        "max_steps": settings.steps,
        "per_device_train_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": config.accumulation,
        "num_generations": settings.group_size,
        "max_completion_length": settings.max_completion_tokens,
        "temperature": settings.temperature,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": settings.warmup_steps,
        "bf16": config.hardware.precision == "bfloat16",
        "activation_checkpointing": config.hardware.gradient_checkpointing,
        "use_cpu": on_cpu,
        "save_strategy": "steps",
        "save_steps": settings.save_every,
        "save_total_limit": settings.keep_checkpoints,
        "logging_steps": 1,
        "disable_tqdm": True,
        "report_to": "none",
        "seed": config.seed,
        "model_init_kwargs": {
            "dtype": config.model.dtype,
            **({"revision": config.model.revision} if config.model.revision else {}),
        },
    }
    if on_cpu and config.hardware.devices > 1:
        ours["ddp_backend"] = "gloo"
    try:
        return GRPOConfig(**{**ours, **config.trl})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"TRL refuses these settings: {error}") from error


def _trainer(
    config: TrainConfig,
    folder: Path,
    problems: Problems,
    tokenizer: PreTrainedTokenizerBase,
    curriculum: Curriculum,
    report: Report,
) -> "GRPOTrainer":
    from datasets import Dataset
    from trl import GRPOTrainer

    args = grpo_config(config, folder)
    try:
        trainer = GRPOTrainer(
            model=config.model.path,
            args=args,
            reward_funcs=problems.judge.reward(problems.train),
            train_dataset=Dataset.from_dict({"prompt": [""] * config.train.problems_per_step}),
            processing_class=tokenizer,
            peft_config=lora_config(config.lora) if config.lora else None,
        )
    except SafetensorError as error:
        raise ConfigError(f"{config.model.path}: its weights cannot be read: {error}") from error
    except torch.OutOfMemoryError as error:
        raise _too_large(config, 0) from error
    except (ImportError, ValueError, RuntimeError) as error:
        # a package for report_to or vLLM is missing, a LoRA target is not there, ...
        raise ConfigError(f"TRL refuses these settings: {error}") from error
    # It runs before the callback of `attach`, which closes the journal's run.
    trainer.add_callback(_Examiner(trainer, config, problems, curriculum, report))
    trainer.add_callback(Progress(report))
    trainer.remove_callback(PrinterCallback)
    attach(trainer, curriculum, refill=config.train.refill)
    return trainer


def _train(
    trainer: "GRPOTrainer", curriculum: Curriculum, config: TrainConfig, checkpoint: str | None
) -> None:
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
        if trainer.state.global_step != config.train.steps:
            raise EngineError(
                f"TRL stopped after {trainer.state.global_step} of {config.train.steps} steps"
            )
    except Exception as error:
        if trainer.accelerator.is_main_process:
            with suppress(OSError):  # on a full disk the journal cannot say it
                curriculum.finish("failed", error=f"{type(error).__name__}: {error}")
        if isinstance(error, torch.OutOfMemoryError):
            raise _too_large(config, trainer.state.global_step) from error
        raise


def _too_large(config: TrainConfig, step: int) -> EngineError:
    return EngineError(
        f"out of memory after {step} steps: lower train.micro_batch ({config.train.micro_batch}), "
        f"train.max_completion_tokens ({config.train.max_completion_tokens}) or evaluate.batch "
        f"({config.evaluate.batch}), or train a [lora]; --dry-run shows an estimate"
    )


class _Examiner(TrainerCallback):
    """Measure before the first step, now and then, and after the last; tell how it goes."""

    def __init__(
        self,
        trainer: "GRPOTrainer",
        config: TrainConfig,
        problems: Problems,
        curriculum: Curriculum,
        report: Report,
    ) -> None:
        self.trainer, self.config, self.problems = trainer, config, problems
        self.curriculum, self.report = curriculum, report

    def _examine(self, pool: Pool, split: str, step: int) -> None:
        if step == 0:
            self._record("items", items_event(pool, split))
        for event in examine(
            self.trainer,
            pool,
            self.problems.judge,
            self.config.evaluate,
            step=step,
            split=split,
            seed=self.config.seed,
        ):
            self._record("eval", event)
            correct, samples = event["correct"], event["samples"]
            assert isinstance(correct, list) and isinstance(samples, int)
            share = sum(correct) / (len(correct) * samples)
            self._tell({"step": step, "split": split, "decode": event["decode"], "accuracy": share})

    def _record(self, event: str, facts: Mapping[str, object]) -> None:
        if self.trainer.accelerator.is_main_process:
            self.curriculum.record(event, **facts)

    def _tell(self, facts: Mapping[str, object]) -> None:
        if self.trainer.accelerator.is_main_process:
            self.report(facts)

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        if state.global_step > 0:
            return  # a resumed run: the journal has it
        if self.problems.test is not None:
            self._examine(self.problems.test, "test", 0)
        if self.problems.validation is not None:
            self._examine(self.problems.validation, "validation", 0)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        every = self.config.evaluate.every
        if self.problems.validation is not None and state.global_step % every == 0:
            self._examine(self.problems.validation, "validation", state.global_step)

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        if self.problems.test is not None and state.global_step == self.config.train.steps:
            self._examine(self.problems.test, "test", state.global_step)
