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

DATA = Path(__file__).with_name("sums.jsonl")  # {"question": "2+4=", "gold": "6", ...} a line


def digits_right(completions: list[str], gold: list[str], **columns: object) -> list[float]:
    """Your reward: 1 for the right sum, else the share of digits in the completion, up to 0.5."""
    share = [sum(map(str.isdigit, text)) / max(1, len(text)) for text in completions]
    right = [text.startswith(sum_) for text, sum_ in zip(completions, gold, strict=True)]
    return [1.0 if ok else s / 2 for ok, s in zip(right, share, strict=True)]


def trainer(steps_per_generation: int) -> GRPOTrainer:
    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        max_steps=6,
        per_device_train_batch_size=8,
        num_generations=4,
        gradient_accumulation_steps=4,
        steps_per_generation=steps_per_generation,
        dataloader_num_workers=2,
        max_completion_length=4,
        bf16=False,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    rows = load_dataset("json", data_files=str(DATA), split="train").rename_column("question", "prompt")
    return GRPOTrainer(model=MODEL, reward_funcs=digits_right, args=config, train_dataset=rows)


if __name__ == "__main__":
    MODEL = sys.argv[1] if len(sys.argv) > 1 else small_model()
    for steps_per_generation in (1, 2, 4):
        grpo = trainer(steps_per_generation)
        pool = Pool.from_jsonl(DATA, prompt="question", answer="gold")
        attach(grpo, Curriculum(pool, AdaptiveDifficulty(pool)))  # <- the two lines
        grpo.train()
        lags = [log["curriculum/lag"] for log in grpo.state.log_history if "curriculum/lag" in log]
        print(f"accumulation 4, {steps_per_generation} steps a generation: lag {max(lags):.0f}")
        assert max(lags) == 0
