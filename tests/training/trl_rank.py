"""One rank of a TRL run; `test_trl_ranks.py` starts it with torchrun.

Reward := 10 x number of the problem, plus a digit that differs within a group; groups of odd
numbers are refused. What the rank saw is written to <folder>/rank<r>.json. With a third argument
"RANK:PHASE:STEP" that rank is killed there.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from lessonplan.curricula import Curriculum, Gate
from lessonplan.generators import family, generate
from lessonplan.selection import Uniform
from lessonplan.training.learner import tiny_model, tiny_tokenizer
from lessonplan.training.trl import attach, last_checkpoint

folder, method = Path(sys.argv[1]), sys.argv[2]
killed, phase, at_step = (*sys.argv[3].split(":"), "", "")[:3] if len(sys.argv) > 3 else ("",) * 3
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
torch.set_num_threads(1)
task = family("counting")
pool = generate([task], [1, 2, 3], 24, split="train")
number = {problem_id: float(i) for i, problem_id in enumerate(pool.ids)}
rows_seen: list[list[str]] = []


def die(here: str) -> None:
    if (killed, phase, at_step) == (str(rank), here, str(trainer.state.global_step)):
        os.kill(os.getpid(), signal.SIGKILL)


def reward(completions: list[str], problem_id: list[str], **columns: object) -> list[float]:
    die("reward")
    rows_seen.append(list(problem_id))
    return [
        10 * number[one] + len(text) % 5 for one, text in zip(problem_id, completions, strict=True)
    ]


class Even(Gate):
    """Accepts the groups of even numbers."""

    def accepts(self, rewards, success):
        return rewards[:, 0] // 10 % 2 == 0


class Recorder(Curriculum):
    """Remembers what it was asked and told, and its lag at every ask."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked: list[str] = []
        self.told: list[list[float]] = []
        self.lags: set[int] = set()

    def ask(self, k, *, step=0):
        self.lags.add(self.lag)
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
    gates=[Even()],
    journal=folder / "journal.jsonl" if rank == 0 else None,
)
trainer_class, config_class = {
    "grpo": (GRPOTrainer, GRPOConfig),
    "rloo": (RLOOTrainer, RLOOConfig),
}[method]
trainer = trainer_class(
    model=tiny_model(tokenizer, seed=0),
    reward_funcs=reward,
    args=config_class(
        output_dir=str(folder / "out"),
        max_steps=6,
        per_device_train_batch_size=12 // world,  # groups of 4 span the ranks
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
        save_steps=2,
        report_to="none",
        disable_tqdm=True,
    ),
    train_dataset=Dataset.from_dict({"prompt": ["count odd : 1 ="] * 24}),
    processing_class=tokenizer,
)


def fingerprint() -> str:
    weights = b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters())
    return hashlib.sha256(weights).hexdigest()


save_random_numbers = trainer._save_rng_state


def saving(output_dir):
    die("save")  # the checkpoint has the model, and lacks what follows
    save_random_numbers(output_dir)


trainer._save_rng_state = saving
attach(trainer, curriculum, refill=30)
before = fingerprint()
checkpoint = last_checkpoint(folder / "out")
if checkpoint is None:
    curriculum.restart()  # a kill before the first checkpoint leaves a journal alone
trainer.train(resume_from_checkpoint=checkpoint)
curriculum.close()
(folder / f"rank{rank}.json").write_text(
    json.dumps(
        {
            "world": trainer.accelerator.num_processes,
            "rows": rows_seen,
            "asked": curriculum.asked,
            "told": curriculum.told,
            "lags": sorted(curriculum.lags),
            "ledger": curriculum.ledger,
            "number": number,
            "before": before,
            "parameters": fingerprint(),
        }
    )
)
