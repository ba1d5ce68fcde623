"""Gates with TRL: mask the groups they refuse, or generate others in their place, and go on later.

python examples/trl_refill.py [MODEL]      # a hub id or a folder; default: a small random one
"""

import sys
import tempfile
from pathlib import Path

from datasets import Dataset
from small_model import small_model
from transformers import set_seed
from trl import GRPOConfig, GRPOTrainer

from lessonplan import Curriculum, Pool, Uniform, attach
from lessonplan.curricula import ZeroVariance
from lessonplan.training.trl import last_checkpoint

set_seed(0)
MODEL = sys.argv[1] if len(sys.argv) > 1 else small_model()
pool = Pool.from_jsonl(Path(__file__).with_name("sums.jsonl"), answer="gold")


def odd(completions: list[str], **columns: object) -> list[float]:
    """A coin for an untrained model: of groups of two, half agree and teach nothing."""
    return [float(sum(map(ord, text)) % 2) for text in completions]


def train(refill: int, folder: str, max_steps: int) -> Curriculum:
    config = GRPOConfig(
        output_dir=folder,
        max_steps=max_steps,
        per_device_train_batch_size=16,
        num_generations=2,
        max_completion_length=4,
        bf16=False,
        save_steps=5,
        report_to="none",
    )
    rows = Dataset.from_dict({"prompt": [""] * 8})  # sets the pace; the prompts are the pool's
    trainer = GRPOTrainer(model=MODEL, reward_funcs=odd, args=config, train_dataset=rows)
    curriculum = Curriculum(pool, Uniform(pool), gates=[ZeroVariance()])
    attach(trainer, curriculum, refill=refill)
    trainer.train(resume_from_checkpoint=last_checkpoint(folder))
    return curriculum


for refill in (0, 2, 4):
    ledger = train(refill, tempfile.mkdtemp(), max_steps=10).ledger
    print(
        f"refill {refill}: of 80 places {ledger['trained']} hold a group that teaches; "
        f"{2 * ledger['issued']} rollouts, {2 * ledger['issued'] / ledger['trained']:.1f} for each"
    )

folder = tempfile.mkdtemp()
train(4, folder, max_steps=5)
resumed = train(4, folder, max_steps=10).ledger  # as a run would go on after a kill
print("resumed after 5 of 10 steps:", "the same groups" if resumed == ledger else "other groups")
assert resumed == ledger
