"""One rank of a two-rank training run; `test_ranks.py` starts it with torchrun.

Reward := 10 x number of the problem, plus a digit that differs within a group. Every rank writes what it saw to <folder>/rank<r>.json.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from lessonplan.curricula import Band, Curriculum
from lessonplan.generators import family, generate
from lessonplan.selection import Uniform
from lessonplan.training.learner import tiny_model, tiny_tokenizer
from lessonplan.training.trl import attach

folder, resume = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
rank = int(os.environ["RANK"])
torch.set_num_threads(1)
task = family("counting")
pool = generate([task], [1, 2, 3], 24, split="train")
number = {problem_id: float(i) for i, problem_id in enumerate(pool.ids)}
groups: list[list[str]] = []


def reward(completions: list[str], problem_id: list[str], **columns: object) -> list[float]:
    groups.append(list(problem_id))
    return [
        10 * number[one] + len(text) % 5 for one, text in zip(problem_id, completions, strict=True)
    ]


class Recorder(Curriculum):
    """Remembers what it was asked and told."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked: list[str] = []
        self.told: list[list[float]] = []

    def ask(self, k, *, step=0):
        picks = super().ask(k, step=step)
        self.asked += [pick.problem.id for pick in picks]
        return picks

    def tell(self, outcomes):
        outcomes = list(outcomes)
        self.told += [list(outcome.rewards) for outcome in outcomes]
        return super().tell(outcomes)


tokenizer = tiny_tokenizer(task.words)
curriculum = Recorder(
    pool,
    Uniform(pool, seed=rank),  # ranks that decided for themselves would disagree
    gates=[Band(lo=0.0, hi=1.0)],
    journal=folder / "journal.jsonl" if rank == 0 else None,
)
trainer = GRPOTrainer(
    model=tiny_model(tokenizer, seed=0),
    reward_funcs=reward,
    args=GRPOConfig(
        output_dir=str(folder / "out"),
        max_steps=6,
        per_device_train_batch_size=6,  # groups of 4 span the two ranks
        num_generations=4,
        gradient_accumulation_steps=2,
        max_completion_length=4,
        learning_rate=1e-3,
        beta=0.0,
        bf16=False,
        activation_checkpointing=False,
        use_cpu=True,
        ddp_backend="gloo",
        save_strategy="steps",
        save_steps=3,
        report_to="none",
        disable_tqdm=True,
    ),
    train_dataset=Dataset.from_dict({"prompt": ["count odd : 1 ="] * 24}),
    processing_class=tokenizer,
)


def fingerprint() -> str:
    weights = b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters())
    return hashlib.sha256(weights).hexdigest()


attach(trainer, curriculum)
before = fingerprint()
trainer.train(resume_from_checkpoint=resume)
curriculum.close()
(folder / f"rank{rank}.json").write_text(
    json.dumps(
        {
            "world": trainer.accelerator.num_processes,
            "rows": groups,
            "asked": curriculum.asked,
            "told": curriculum.told,
            "open": curriculum.ledger["open"],
            "number": number,
            "before": before,
            "parameters": fingerprint(),
        }
    )
)
