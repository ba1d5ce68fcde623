"""A tiny learner and a trainer factory: everything real, nothing downloaded."""

import os
from collections.abc import Callable

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import pytest
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from lessonplan.generators import family, generate
from lessonplan.training.learner import tiny_model, tiny_tokenizer

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def task():
    return family("counting")


@pytest.fixture(scope="session")
def pool(task):
    return generate([task], [1, 2, 3], 24, split="train")


@pytest.fixture(scope="session")
def tokenizer(task):
    return tiny_tokenizer(task.words)


@pytest.fixture
def make_trainer(tmp_path, tokenizer) -> Callable[..., GRPOTrainer]:
    """A trainer of an untrained tiny model; any argument of its config can be overridden."""

    def make(
        reward_funcs=None,
        trainer_class=GRPOTrainer,
        dataset=None,
        eval_dataset=None,
        model_seed=0,
        **settings,
    ) -> GRPOTrainer:
        config_class = RLOOConfig if trainer_class is RLOOTrainer else GRPOConfig
        defaults = {
            "output_dir": str(tmp_path / "trainer"),
            "max_steps": 6,
            "per_device_train_batch_size": 4,
            "num_generations": 4,
            "max_completion_length": 4,
            "learning_rate": 1e-3,
            "beta": 0.0,
            "bf16": False,
            "activation_checkpointing": False,
            "use_cpu": True,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "logging_steps": 1,
        }
        trainer = trainer_class(
            model=tiny_model(tokenizer, seed=model_seed),
            reward_funcs=reward_funcs or reward_of_length,
            args=config_class(**{**defaults, **settings}),
            train_dataset=dataset or Dataset.from_dict({"prompt": ["count odd : 1 ="] * 16}),
            eval_dataset=eval_dataset,
            processing_class=tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    return make


def reward_of_length(completions, **columns):
    """Different within a group, so that every step has a gradient."""
    return [float(len(completion) % 5) for completion in completions]
