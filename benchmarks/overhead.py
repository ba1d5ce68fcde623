"""What a curriculum costs a step of the tiny learner, and what a large pool costs in memory.

Pairs of GRPO runs, with and without `attach`, alternate in one process on the same prompts; the
journal is written and synced every step. Prints both and their ratio, and the time spent inside
the curriculum as its own clock says.

    python benchmarks/overhead.py --pairs 5 --steps 100
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lessonplan.curricula import Curriculum

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


def train(steps: int, journal: Path | None) -> tuple[float, float, float]:
    """Seconds of CPU and wall clock per step, and inside the curriculum by its own account."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.curricula import AdaptiveDifficulty, Curriculum, read_events
    from lessonplan.generators import Pool, family, generate
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.rollout import fast_rollouts, verifier_reward
    from lessonplan.training.trl import attach

    torch.set_num_threads(1)
    task = family("counting")
    pool = Pool(generate([task], [1, 2, 3, 4, 5], 512, split="train")[:])
    tokenizer = tiny_tokenizer(task.words)
    by_id = {problem.id: problem for problem in pool}
    rows = [{"prompt": problem.prompt, "problem_id": problem.id} for problem in pool]
    trainer = GRPOTrainer(
        model=tiny_model(tokenizer, seed=0),
        reward_funcs=verifier_reward(task, by_id.__getitem__),
        args=GRPOConfig(
            output_dir=tempfile.mkdtemp(),
            max_steps=steps,
            per_device_train_batch_size=64,
            num_generations=8,
            max_completion_length=28,
            beta=0.0,
            bf16=False,
            activation_checkpointing=False,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_steps=1,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        rollout_func=fast_rollouts(0),
    )
    trainer.remove_callback(PrinterCallback)
    if journal is not None:
        curriculum = Curriculum(pool, AdaptiveDifficulty(pool), journal=journal)
        recording = time_record(curriculum)
        attach(trainer, curriculum)
    cpu, wall = time.process_time(), time.perf_counter()
    trainer.train()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    inside = 0.0
    if journal is not None:
        curriculum.close()
        inside = recording[0] + sum(
            e["seconds"]["curriculum"] for e in read_events(journal) if e["event"] == "step"
        )
    return cpu / steps, wall / steps, inside / steps


def time_record(curriculum: "Curriculum") -> list[float]:
    """Count the seconds of `record`, which runs after the step and outside the step's own clock."""
    seconds, record = [0.0], curriculum.record

    def timed(event: str, **fields: object) -> None:
        started = time.perf_counter()
        record(event, **fields)
        seconds[0] += time.perf_counter() - started

    curriculum.record = timed  # type: ignore[method-assign]
    return seconds


def pool_memory(size: int) -> float:
    """Megabytes that a pool of `size` problems with sampler and curriculum adds to a process."""
    code = (
        "import psutil\n"
        "from lessonplan import AdaptiveDifficulty, Curriculum, family, generate\n"
        "task = family('counting')\n"
        "generate([task], [4, 5], 16, split='train')\n"
        "before = psutil.Process().memory_info().rss\n"
        f"pool = generate([task], [3, 4, 5], {size}, split='train')\n"
        "curriculum = Curriculum(pool, AdaptiveDifficulty(pool))\n"
        "curriculum.ask(64); curriculum.abandon(); curriculum.state_dict()\n"
        "print((psutil.Process().memory_info().rss - before) / 2**20)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(out.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    train(10, None)  # warm the libraries
    ratios, inside, plain = [], [], []
    for pair in range(args.pairs):
        with tempfile.TemporaryDirectory() as folder:
            order = [None, Path(folder) / "journal.jsonl"][:: 1 if pair % 2 else -1]
            results = {journal: train(args.steps, journal) for journal in order}
        (cpu, wall, _), (cpu_with, wall_with, spent) = results[None], results[order[pair % 2]]
        ratios.append(cpu_with / cpu)
        inside.append(spent)
        plain.append(wall)
        print(
            f"pair {pair + 1}: without {cpu * 1e3:.1f} ms CPU ({wall * 1e3:.1f} wall) a step, with "
            f"{cpu_with * 1e3:.1f} ({wall_with * 1e3:.1f}); in the curriculum {spent * 1e3:.2f} ms"
        )
    share = statistics.median(spent / wall for spent, wall in zip(inside, plain, strict=True))
    print(f"CPU with / without, median of {args.pairs} pairs: {statistics.median(ratios):.4f}")
    print(f"time inside the curriculum, share of a step, median: {share:.2%}")
    print(f"memory for a pool of 100,000 problems: {pool_memory(100_000):.1f} MB")


if __name__ == "__main__":
    main()
