"""What a curriculum over a million problems costs a step of two ranks: ask, broadcast, tell.

    python benchmarks/ranks.py            # 1,000,000 problems, 1,024 picks x 4 rollouts, 2 ranks

Every rank is a process over gloo, with a real trainer to which the curriculum is attached; rank 0
decides and keeps a journal. A step runs all that the adapter does around TRL's generation and
scoring, which return at once: ask, broadcast of the positions, the rows of each rank, the gathered
lengths, tell, broadcast of the verdicts, the step's event in the journal and its way to the disk.
Prints the medians (of 20 steps they move by half, so there are 200), rank 0's processor time, which a
busy machine stretches least, and the whole step, until both ranks are through, as a share of a step
of one second.
"""

import argparse
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from lessonplan.curricula import Curriculum, ZeroVariance, resolve_sampler
from lessonplan.generators import Pool
from lessonplan.selection.testing import Numbered

Result = TypeVar("Result")
GROUP = 4
WARM_UP = 3


def clocked(call: Callable[..., Result], seconds: list[float]) -> Callable[..., Result]:
    def timed(*args: object, **kwargs: object) -> Result:
        started = time.perf_counter()
        result = call(*args, **kwargs)
        seconds.append(time.perf_counter() - started)
        return result

    return timed


def one_rank(rank: int, args: argparse.Namespace, port: int, folder: str) -> None:
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(args.ranks), OMP_NUM_THREADS="1"
    )
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.generators import family
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.trl import Attachment

    torch.set_num_threads(1)
    tokenizer = tiny_tokenizer(family("counting").words)
    share = args.picks * GROUP // args.ranks
    trainer = GRPOTrainer(
        model=tiny_model(tokenizer, seed=0),
        reward_funcs=lambda completions, **columns: [0.0] * len(completions),
        args=GRPOConfig(
            output_dir=folder,
            max_steps=1,
            per_device_train_batch_size=share,
            num_generations=GROUP,
            bf16=False,
            activation_checkpointing=False,
            use_cpu=True,
            ddp_backend="gloo",
            save_strategy="no",
            report_to="none",
        ),
        train_dataset=Dataset.from_dict({"prompt": [""] * args.picks}),
        processing_class=tokenizer,
    )
    assert trainer.accelerator.num_processes == args.ranks
    trainer.model.train()
    for name in args.samplers:
        pool = Pool(Numbered(args.problems))
        sampler = resolve_sampler(name)(pool)  # type: ignore[call-arg]  # its own constructor
        journal = Path(folder) / f"{name}.jsonl" if rank == 0 else None
        curriculum = Curriculum(pool, sampler, gates=[ZeroVariance()], journal=journal)
        asks: list[float] = []
        tells: list[float] = []
        steps: list[float] = []
        busy: list[float] = []
        curriculum.ask = clocked(curriculum.ask, asks)  # type: ignore[method-assign]
        curriculum.tell = clocked(curriculum.tell, tells)  # type: ignore[method-assign]
        one = Attachment(trainer, curriculum, 0)
        rewards = torch.bernoulli(torch.full((args.picks * GROUP, 1), 0.5))  # (W n, 1)
        ids = [[1] * 8] * share
        score = one._scoring(lambda *inputs, rewards=rewards: rewards)

        def generate(rows, score=score, ids=ids, share=share):  # type: ignore[no-untyped-def]
            score(rows, [], [], ids)
            return {
                "advantages": torch.ones(share),
                "completion_mask": torch.ones(share, 8, dtype=torch.long),
            }

        step = one._generating(generate)
        for number in range(args.steps + WARM_UP):
            trainer.state.global_step = number
            trainer.accelerator.wait_for_everyone()
            started, working = time.perf_counter(), time.process_time()
            step([{}] * share)
            if rank == 0:
                curriculum.record("step", step=number + 1, rollouts=args.picks * GROUP)
            busy.append(time.process_time() - working)
            trainer.accelerator.wait_for_everyone()
            steps.append(time.perf_counter() - started)
        if rank == 0:
            ask, tell, whole, work = (
                1e3 * statistics.median(times[WARM_UP:]) for times in (asks, tells, steps, busy)
            )
            print(
                f"{name:20}{ask:>10.2f}{tell:>10.2f}{whole - ask - tell:>14.2f}{whole:>10.2f}"
                f"{work:>12.2f}{whole / 1e3:>14.2%}",
                flush=True,
            )
    torch.distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=10**6)
    parser.add_argument("--picks", type=int, default=1024)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument(
        "--samplers", nargs="+", default=["Uniform", "AdaptiveDifficulty", "Learnability"]
    )
    args = parser.parse_args()
    import torch.multiprocessing as processes

    print(f"{args.problems:,} problems, {args.picks:,} picks a step, {args.ranks} ranks; ms a step")
    print(
        f"{'sampler':20}{'ask':>10}{'tell':>10}{'ranks, file':>14}{'all':>10}{'rank 0 CPU':>12}{'of a second':>14}"
    )
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        processes.spawn(one_rank, args=(args, port, folder), nprocs=args.ranks)


if __name__ == "__main__":
    main()
