"""The TRL adapter with LoRA, reference models, async rewards and the trainers' own loggers."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from lessonplan.curricula import Curriculum, Gate, read_events
from lessonplan.selection import Uniform
from lessonplan.training.learner import tiny_model
from lessonplan.training.trl import attach

CONFIGS = {GRPOTrainer: GRPOConfig, RLOOTrainer: RLOOConfig}


class Recorder(Curriculum):
    """A Curriculum that remembers its lag at every ask, and what it was told."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lags, self.told = [], []

    def ask(self, k, *, step=0):
        self.lags.append(self.lag)
        return super().ask(k, step=step)

    def tell(self, outcomes):
        outcomes = list(outcomes)
        self.told += outcomes
        return super().tell(outcomes)


def of_length(completions, **columns):
    return [float(len(completion) % 5) for completion in completions]


@pytest.fixture
def lora(tmp_path, tokenizer):
    """Trainers of a low-rank adapter, with the base model as the reference of a KL term."""

    def make(trainer_class=GRPOTrainer, reward=of_length, **settings):
        defaults = {
            "output_dir": str(tmp_path / "trainer"),
            "max_steps": 4,
            "per_device_train_batch_size": 4,
            "num_generations": 4,
            "max_completion_length": 4,
            "learning_rate": 1e-2,
            "beta": 0.1,
            "bf16": False,
            "activation_checkpointing": False,
            "use_cpu": True,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "logging_steps": 1,
        }
        trainer = trainer_class(
            model=tiny_model(tokenizer, seed=0),
            reward_funcs=reward,
            args=CONFIGS[trainer_class](**{**defaults, **settings}),
            train_dataset=Dataset.from_dict({"prompt": ["count odd : 1 ="] * 16}),
            processing_class=tokenizer,
            peft_config=LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    return make


def weights(trainer):
    return {name: p.detach().clone() for name, p in trainer.model.named_parameters()}


@pytest.mark.parametrize("trainer_class", [GRPOTrainer, RLOOTrainer])
def test_lora_with_a_reference_trains_the_adapter_alone_and_resumes(
    lora, pool, tmp_path, trainer_class
):
    def run(resume=None):
        curriculum = Recorder(pool, Uniform(pool, seed=3))
        trainer = lora(trainer_class, save_strategy="steps", save_steps=2)
        before = weights(trainer)
        attach(trainer, curriculum)
        trainer.train(resume_from_checkpoint=resume)
        assert set(curriculum.lags) == {0}
        return before, weights(trainer), trainer.state.log_history, curriculum.ledger

    before, after, logs, ledger = run()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all("lora_" in name for name in moved)
    assert any(entry.get("kl", 0) != 0 for entry in logs)
    _, resumed, _, resumed_ledger = run(str(tmp_path / "trainer" / "checkpoint-2"))
    assert all(torch.equal(after[name], resumed[name]) for name in after)
    assert ledger == resumed_ledger


class Opening(Gate):
    """Accepts the first two groups."""

    def __init__(self):
        self.seen = 0

    def accepts(self, rewards, success):
        self.seen += len(rewards)
        return np.full(len(rewards), self.seen <= 2)


@pytest.mark.parametrize("trainer_class", [GRPOTrainer, RLOOTrainer])
def test_a_refused_group_is_not_trained_by_the_kl_term_either(lora, pool, trainer_class):
    """After two accepted groups the policy has left its reference; then all are refused."""
    trainer = lora(trainer_class, optim="sgd", learning_rate=1.0, beta=1.0)
    seen = []
    curriculum = Curriculum(pool, Uniform(pool), gates=[Opening()])
    attach(trainer, curriculum)
    step = trainer.training_step

    def training_step(*args, **kwargs):
        seen.append(weights(trainer))
        return step(*args, **kwargs)

    trainer.training_step = training_step
    trainer.train()
    seen.append(weights(trainer))
    same = [all(torch.equal(a[name], b[name]) for name in a) for a, b in pairwise(seen)]
    assert same == [False, False, True, True]
    assert curriculum.ledger["filtered"] == 2


def test_async_and_plain_reward_functions_with_none_and_nan(make_trainer, pool, tmp_path):
    """Each function's own values are told, and a rollout counts as soon as one could score it."""

    async def slow(completions, **columns):
        return [None, float("nan"), 0.25, 0.5]

    async def slower(completions, **columns):
        return [None, None, 0.25, None]

    def plain(completions, **columns):
        return [None, 1.0, float("nan"), None]

    curriculum = Recorder(pool, Uniform(pool), journal=tmp_path / "journal.jsonl")
    trainer = make_trainer([slow, plain, slower], max_steps=2)
    attach(trainer, curriculum)
    trainer.train()
    for outcome in curriculum.told:
        np.testing.assert_array_equal(outcome.rewards, [np.nan, 1.0, 0.5, 0.5])
    tells = [e for e in read_events(tmp_path / "journal.jsonl") if e["event"] == "tell"]
    assert tells[0]["extras"] == [
        {
            "rewards": {
                "slow": [None, None, 0.25, 0.5],
                "plain": [None, 1, None, None],
                "slower": [None, None, 0.25, None],
            }
        }
    ]


def test_a_batch_that_nothing_could_score_fails_and_trains_nothing(make_trainer, pool):
    curriculum = Recorder(pool, Uniform(pool))
    trainer = make_trainer(lambda completions, **columns: [None] * 4, max_steps=2)
    before = weights(trainer)
    attach(trainer, curriculum)
    trainer.train()
    assert curriculum.ledger["failed"] == 2
    assert all(torch.equal(before[name], p) for name, p in weights(trainer).items())


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_of_loader_workers_are_never_used(make_trainer, pool, workers):
    """No problem of the trainer's own dataset is ever generated for."""
    seen = []

    def reward(prompts, completions, **columns):
        seen.extend(prompts)
        return [0.0, 1.0] * (len(completions) // 2)

    rows = Dataset.from_dict({"prompt": [f"count even : {i} =" for i in range(8)] * 2})
    trainer = make_trainer(reward, dataset=rows, dataloader_num_workers=workers)
    attach(trainer, Recorder(pool, Uniform(pool)))
    trainer.train()
    assert len(seen) == 24 and set(seen) <= {problem.prompt for problem in pool}


# -- the trainers' own loggers ------------------------------------------------------------------


def logged_run(make_trainer, pool, report_to, **settings):
    trainer = make_trainer(report_to=report_to, max_steps=3, **settings)
    attach(trainer, Curriculum(pool, Uniform(pool)))
    trainer.train()
    return trainer


def test_tensorboard_has_the_curriculums_numbers(make_trainer, pool, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    logged_run(make_trainer, pool, "tensorboard")
    board = EventAccumulator(str(tmp_path / "board"))
    board.Reload()
    assert [event.value for event in board.Scalars("train/curriculum/lag")] == [0, 0, 0]
    assert len(board.Scalars("train/curriculum/level")) == 3


def test_trackio_has_the_curriculums_numbers(make_trainer, pool, tmp_path, monkeypatch):
    pytest.importorskip("trackio")
    for name, module in list(sys.modules.items()):  # the folder was read when it was imported
        if name.startswith("trackio") and "TRACKIO_DIR" in vars(module):
            monkeypatch.setattr(module, "TRACKIO_DIR", tmp_path)
    from trackio.sqlite_storage import SQLiteStorage

    logged_run(make_trainer, pool, "trackio", project="lessonplan-test", run_name="one")
    logs = SQLiteStorage.get_logs("lessonplan-test", "one")
    assert [one["train/curriculum/lag"] for one in logs if "train/curriculum/lag" in one] == [0] * 3


def test_wandb_offline_has_the_curriculums_numbers(make_trainer, pool, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    logged_run(make_trainer, pool, "wandb")
    summary = dict(wandb.run.summary)
    wandb.finish()
    assert summary["train/curriculum/lag"] == 0 and "train/curriculum/level" in summary
