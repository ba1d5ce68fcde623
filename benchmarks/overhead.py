"""What a curriculum costs a step of the tiny learner, and what a large pool costs in memory.

One GRPO run, in which pairs of neighboring steps, one with the curriculum and one without, are in
random order; everything else is the same: a step without it gets the rows that were picked last,
since longer prompts alone would make a step slower. The journal is written at every step that has
the curriculum, and synced as in every run. Prints the median step of both kinds, their difference,
and the time spent in the curriculum and its callbacks as a clock around them says.

    python benchmarks/overhead.py --pairs 200
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trl import GRPOTrainer

    from lessonplan.generators import Pool

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

WARM_UP = 10  # steps that are not counted


def tiny_trainer(steps: int, pool: "Pool") -> "GRPOTrainer":
    """The trainer of the tiny learner, 8 groups of 8 a step, one thread."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.generators import family
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.rollout import fast_rollouts, verifier_reward

    torch.set_num_threads(1)
    task = family("counting")
    tokenizer = tiny_tokenizer(task.words)
    by_id = {problem.id: problem for problem in pool}
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
        train_dataset=Dataset.from_list(
            [{"prompt": problem.prompt, "problem_id": problem.id} for problem in pool]
        ),
        processing_class=tokenizer,
        rollout_func=fast_rollouts(0),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def step_seconds(pairs: int, journal: Path) -> tuple[list[float], list[float], list[float]]:
    """CPU seconds of the steps with and without the curriculum, and of a step inside it."""
    import numpy as np
    from transformers import TrainerCallback

    from lessonplan.curricula import AdaptiveDifficulty, Curriculum, read_events
    from lessonplan.generators import Pool, family, generate
    from lessonplan.training.trl import attach

    pool = Pool(generate([family("counting")], [1, 2, 3, 4, 5], 512, split="train")[:])
    trainer = tiny_trainer(2 * pairs + 1, pool)
    seams = ("_generate_and_score_completions", "_calculate_rewards")
    plain = {name: getattr(trainer, name) for name in seams}
    generate_plain = plain[seams[0]]
    chosen: list[list[dict[str, object]]] = []  # the rows of the last step with the curriculum

    def remember(inputs: list[dict[str, object]]) -> object:
        chosen[:] = [inputs]
        return generate_plain(inputs)

    plain[seams[0]] = lambda rows: generate_plain(chosen[0] if chosen else rows)
    trainer._generate_and_score_completions = remember
    curriculum = Curriculum(pool, AdaptiveDifficulty(pool), journal=journal)
    attach(trainer, curriculum)
    attached = {name: getattr(trainer, name) for name in seams}
    recorder = trainer.callback_handler.callbacks[-1]
    callbacks = {name: getattr(recorder, name) for name in ("on_step_end", "on_log")}
    coin = np.random.default_rng(0)
    kinds: list[bool] = []  # of every step, whether it has the curriculum
    begun: list[float] = []  # CPU seconds at its beginning
    in_callbacks: list[float] = []  # seconds in the recorder, at every step

    def timed(callback: Callable[..., None]) -> Callable[..., None]:
        def run(*args: object, **fields: object) -> None:
            started = time.perf_counter()
            callback(*args, **fields)
            in_callbacks[-1] += time.perf_counter() - started

        return run

    def nothing(*args: object, **fields: object) -> None: ...

    class Alternate(TrainerCallback):
        def on_step_begin(self, *args: object, **fields: object) -> None:
            kinds.append(not kinds[-1] if len(kinds) % 2 else bool(coin.integers(2)))
            for name, method in (attached if kinds[-1] else plain).items():
                setattr(trainer, name, method)
            for name, callback in callbacks.items():
                setattr(recorder, name, timed(callback) if kinds[-1] else nothing)
            in_callbacks.append(0.0)
            begun.append(time.process_time())

    trainer.add_callback(Alternate())
    trainer.train()
    curriculum.close()
    hooks = iter(
        event["seconds"]["curriculum"] for event in read_events(journal) if event["event"] == "step"
    )
    steps = [b - a for a, b in pairwise(begun)]
    inside = [next(hooks) + more for kind, more in zip(kinds, in_callbacks, strict=True) if kind]
    pairs_of = [slice(start, start + 2) for start in range(WARM_UP, len(steps) - 1, 2)]
    both = [dict(zip(kinds[pair], steps[pair], strict=True)) for pair in pairs_of]
    return [one[True] for one in both], [one[False] for one in both], inside[WARM_UP // 2 :]


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
    parser.add_argument("--pairs", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        attached, plain, hooks = step_seconds(args.pairs, Path(folder) / "journal.jsonl")
    inside = statistics.median(hooks)
    step = statistics.median(plain)
    differences = sorted(a - b for a, b in zip(attached, plain, strict=True))
    more, n = statistics.median(differences), len(differences)
    # ranks of the distribution-free 95 % interval of a median
    reach = 0.98 * math.sqrt(n)
    low, high = differences[int(n / 2 - reach)], differences[math.ceil(n / 2 + reach)]
    print(f"a step without the curriculum: {step * 1e3:.1f} ms of CPU (median of {len(plain)})")
    print(
        f"with it, {more * 1e3:+.2f} ms ({low * 1e3:+.2f} to {high * 1e3:+.2f}, paired): "
        f"{more / step:+.2%}; by the clock around it {inside * 1e3:.2f} ms: {inside / step:.2%}"
    )
    print(f"memory for a pool of 100,000 problems: {pool_memory(100_000):.1f} MB")


if __name__ == "__main__":
    main()
