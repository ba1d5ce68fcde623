"""Your trainer, your JSONL, your reward function: a curriculum is two lines more.

python examples/own_trainer.py [MODEL]      # a hub id or a folder; default: a small random one
"""

import sys
import tempfile
from pathlib import Path

from datasets import load_dataset
from small_model import small_model
from trl import GRPOConfig, GRPOTrainer

from lessonplan import AdaptiveDifficulty, Curriculum, Pool, attach

MODEL = sys.argv[1] if len(sys.argv) > 1 else small_model()
DATA = Path(__file__).with_name("sums.jsonl")  # {"prompt": "2+4=", "gold": "6", ...} a line


def right(completions: list[str], gold: list[str], **columns: object) -> list[float]:
    return [float(text.startswith(sum_)) for text, sum_ in zip(completions, gold, strict=True)]


for steps_per_generation in (1, 2, 4):
    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        max_steps=4,
        per_device_train_batch_size=8,
        num_generations=4,
        gradient_accumulation_steps=4,
        steps_per_generation=steps_per_generation,
        dataloader_num_workers=2,
        max_completion_length=4,
        bf16=False,
        logging_steps=1,
    )
    rows = load_dataset("json", data_files=str(DATA), split="train")
    trainer = GRPOTrainer(model=MODEL, reward_funcs=right, args=config, train_dataset=rows)

    pool = Pool.from_jsonl(DATA, answer="gold")
    attach(trainer, Curriculum(pool, AdaptiveDifficulty(pool)))  # these two lines are new

    trainer.train()
    lags = [log["curriculum/lag"] for log in trainer.state.log_history if "curriculum/lag" in log]
    print(f"accumulation 4, {steps_per_generation} steps a generation: lag {max(lags):.0f}")
    assert max(lags) == 0
