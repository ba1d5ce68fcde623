"""One run of a study: warm start, supervised control, or GRPO with a sampler, into one journal."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from transformers import (
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from lessonplan.curricula import Curriculum, Journal, make_sampler
from lessonplan.errors import LessonplanError
from lessonplan.generators import (
    Generator,
    Pool,
    family,
    generate,
    level_tiers,
    stream,
)
from lessonplan.training.config import Arm
from lessonplan.training.evaluate import evaluate
from lessonplan.training.learner import load_learner, save_learner
from lessonplan.training.plan import RunSpec, journal_path, start_folder
from lessonplan.training.progress import Progress, Report
from lessonplan.training.rollout import fast_rollouts, verifier_reward
from lessonplan.training.warm_start import (
    LEVEL_WEIGHTS,
    MAX_NEW_TOKENS,
    supervised_steps,
    warm_start,
)

if TYPE_CHECKING:
    from trl import GRPOConfig


def execute(run: RunSpec, folder: Path, report: Report) -> None:
    """Do one run from its beginning; what an interrupted try left in its journal is rewound.

    Raises the run's own error after writing it to the journal.
    """
    torch.set_num_threads(1)  # runs are parallel, one core each
    work = {"base": _base_run, "sft": _sft_run, "rl": _rl_run}[run.kind]
    with Journal(journal_path(folder, run)) as journal:
        work(run, folder, journal, report)


@dataclass(frozen=True, slots=True)
class _Exam:
    """The problems of one evaluation split, the same in every run of a family."""

    split: Literal["validation", "test"]
    pool: Pool

    def items_event(self) -> dict[str, object]:
        return {
            "split": self.split,
            "fingerprint": self.pool.fingerprint,
            "levels": self.pool.levels,
        }


def _exam(task: Generator, split: Literal["validation", "test"], per_level: int) -> _Exam:
    levels = dict.fromkeys(task.levels, 1.0)
    return _Exam(split, generate([task], levels, per_level * len(task.levels), split=split))


def training_set(task: Generator, arm: Arm, n: int, seed: int) -> Pool:
    """n unique training problems: one tier, or a third from each; nested in n for one seed."""
    tiers = level_tiers(task.levels)
    chosen = tiers if arm.mix == "mixed" else {arm.mix: tiers[arm.mix]}
    weights = {
        level: 1.0 / len(chosen) / len(levels) for levels in chosen.values() for level in levels
    }
    return generate([task], weights, n, split="train", seed=seed)


def _begin_supervised(run: RunSpec, journal: Journal) -> None:
    if journal.is_new:
        journal.open_run(run.facts())
    else:
        journal.rewind(0)


def _base_run(run: RunSpec, folder: Path, journal: Journal, report: Report) -> None:
    """Make the warm start, judge it, and measure it: the n = 0 point of its runs."""
    task = family(run.family)
    _begin_supervised(run, journal)
    validation = _exam(task, "validation", run.evaluate.validation_per_level)
    start = warm_start(
        task,
        seed=run.start,
        validation=validation.pool,
        accept=run.accept,
        on_probe=lambda probe: report({"step": probe.step, "reward": probe.answer["easy"]}),
    )
    journal.append(
        "gate",
        probes=[probe.event() for probe in start.probes],
        accepted=start.accepted,
        rule=run.accept.rule,
        guess={level: asdict(rates) for level, rates in start.guess.items()},
    )
    if not start.accepted:
        last = start.probes[-1]
        error = (
            f"start {run.start_name} was refused after {last.step} supervised steps: traces "
            f"{last.trace}, answers {last.answer}; needed: {run.accept.rule}. Choose another start seed"
        )
        journal.append("end", status="failed", error=error, at=time.time())
        raise LessonplanError(error)
    _final_exam(run, task, start.model, start.tokenizer, journal, step=0)
    save_learner(start_folder(folder, run), start.model, start.tokenizer)
    journal.append("end", status="done", at=time.time())
    journal.sync()


def _sft_run(run: RunSpec, folder: Path, journal: Journal, report: Report) -> None:
    """The control: the same start, trained on with solved examples instead of rewards."""
    task = family(run.family)
    _begin_supervised(run, journal)
    model, tokenizer = load_learner(start_folder(folder, run))
    examples = stream(task, LEVEL_WEIGHTS, split="warmup", seed=run.data_seed)
    for step in supervised_steps(model, tokenizer, examples, steps=run.steps):
        if step % 20 == 0:
            report({"step": step})
    _final_exam(run, task, model, tokenizer, journal, step=run.steps)
    journal.append("end", status="done", at=time.time())
    journal.sync()


def _final_exam(
    run: RunSpec,
    task: Generator,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    journal: Journal,
    *,
    step: int,
) -> None:
    """Test problems, greedy and at temperature 1: looked at once in a run, after all choices."""
    test = _exam(task, "test", run.evaluate.test_per_level)
    journal.append("items", **test.items_event())
    for temperature, samples in ((0.0, 1), (1.0, run.evaluate.samples)):
        result = evaluate(
            model,
            tokenizer,
            task,
            test.pool,
            max_new_tokens=MAX_NEW_TOKENS,
            samples=samples,
            temperature=temperature,
            seed=run.data_seed,
        )
        journal.append("eval", **result.event(step=step, split="test"))


def grpo_config(run: RunSpec, folder: Path) -> "GRPOConfig":
    """TRL's settings for the tiny learner; a batch counts completions, a step optimizer steps."""
    from trl import GRPOConfig

    return GRPOConfig(
        output_dir=str(folder / "trainer"),  # nothing is saved there
        max_steps=run.steps,
        per_device_train_batch_size=run.train.problems_per_step * run.train.group_size,
        num_generations=run.train.group_size,
        max_completion_length=MAX_NEW_TOKENS,
        temperature=run.train.temperature,
        learning_rate=run.train.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=5,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        beta=0.0,  # no reference model: a model never saved has no name to load one from
        bf16=False,  # TRL's defaults slow this model down twofold
        activation_checkpointing=False,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=run.data_seed,
    )


def _rl_run(run: RunSpec, folder: Path, journal: Journal, report: Report) -> None:
    """GRPO from the start, problems chosen by the arm's sampler."""
    from datasets import Dataset
    from trl import GRPOTrainer

    from lessonplan.training.trl import attach

    assert run.spec is not None
    task = family(run.family)
    model, tokenizer = load_learner(start_folder(folder, run))
    pool = training_set(task, run.spec, run.n, run.data_seed)
    pool = Pool(pool[:], name=pool.name)  # a few hundred problems: cheaper kept than made again
    tiers = level_tiers(task.levels)  # of the task: a training set of one tier has the same ones
    sampler = make_sampler(
        run.spec.sampler,
        pool,
        seed=run.data_seed,
        tiers=tiers,
        steps=run.train.steps,
        **run.spec.args,
    )
    curriculum = Curriculum(pool, sampler, journal=journal, run=run.facts())
    curriculum.restart()
    trainer = GRPOTrainer(
        model=model,
        args=grpo_config(run, folder),
        reward_funcs=verifier_reward(task, cache(lambda name: pool[pool.position(name)])),
        train_dataset=Dataset.from_dict({"prompt": [""] * run.train.problems_per_step}),
        processing_class=tokenizer,
        rollout_func=fast_rollouts(run.data_seed),
        callbacks=[_Examiner(run, task, tokenizer, curriculum), Progress(report)],
    )
    trainer.remove_callback(PrinterCallback)
    attach(trainer, curriculum)
    try:
        trainer.train()
        if trainer.state.global_step != run.steps:
            raise LessonplanError(
                f"{run.id}: TRL stopped after {trainer.state.global_step} of {run.steps} steps"
            )
    except Exception as error:
        with suppress(OSError):  # on a full disk the journal cannot say it; the study still does
            curriculum.finish("failed", error=f"{type(error).__name__}: {error}")
        raise


class _Examiner(TrainerCallback):
    """Evaluate on validation problems now and then, on test problems at the end."""

    def __init__(
        self,
        run: RunSpec,
        task: Generator,
        tokenizer: PreTrainedTokenizerFast,
        curriculum: Curriculum,
    ) -> None:
        self.run, self.task, self.tokenizer = run, task, tokenizer
        self.curriculum = curriculum
        self.exam = _exam(task, "validation", run.evaluate.validation_per_level)

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        self.curriculum.record("items", **self.exam.items_event())

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        if state.global_step % self.run.evaluate.every == 0:
            result = evaluate(
                _model(kwargs),
                self.tokenizer,
                self.task,
                self.exam.pool,
                max_new_tokens=MAX_NEW_TOKENS,
                samples=self.run.evaluate.samples,
                temperature=1.0,
                seed=self.run.data_seed,
            )
            self.curriculum.record(
                "eval", **result.event(step=state.global_step, split="validation")
            )

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        assert self.curriculum.journal is not None
        _final_exam(
            self.run,
            self.task,
            _model(kwargs),
            self.tokenizer,
            self.curriculum.journal,
            step=state.global_step,
        )


def _model(kwargs: Mapping[str, object]) -> LlamaForCausalLM:
    model = kwargs["model"]
    assert isinstance(model, LlamaForCausalLM)
    return model
