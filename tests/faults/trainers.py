"""trl, ranks, stops: a rank of a GRPO run is killed or stopped at random moments; then resume.

The trainer is imported once and every try is a fork of that process, so that a kill costs the
training that it cuts off and not ten seconds of imports.
"""

import faulthandler
import hashlib
import json
import os
import random
import signal
import socket
import sys
import time
import traceback
from datetime import timedelta
from pathlib import Path

from studies import effective, ends

STEPS = 10
ENDS = 10.0  # seconds after which the ranks that were left alone must have ended
PATIENCE = 120.0  # seconds for a whole run
RANK_TIMEOUT = 20.0  # seconds that a rank waits for a stopped one


def trl(n: int, seed: int, root: Path) -> dict[str, object]:
    """Kill a run of one rank n times, resuming after each; compare with an uninterrupted one."""
    return _kill(n, seed, root, ranks=1)


def ranks(n: int, seed: int, root: Path) -> dict[str, object]:
    """Kill either of two ranks; the other has to end by itself."""
    return _kill(n, seed, root, ranks=2)


def stops(n: int, seed: int, root: Path) -> dict[str, object]:
    """Stop either of two ranks n times, by turns for a moment and for good; then resume."""
    _prepare()
    rng = random.Random(seed)
    duration, wanted = _whole(root, ranks=2)
    moments = for_good = late = 0
    unlike: list[str] = []
    errors: list[str] = []
    for number in range(n):
        folder = root / f"stop{number}"
        children = _fork(folder, 2, RANK_TIMEOUT)
        time.sleep(rng.uniform(0.1, 0.9) * duration)
        alive = [child for child in children if not _ended(child)]
        if alive:
            stopped = rng.choice(alive)
            os.kill(stopped, signal.SIGSTOP)
            if number % 2:
                for_good += 1
                rank = 1 - children.index(stopped)  # the other
                if _wait([children[rank]], RANK_TIMEOUT + ENDS) == [None]:
                    late += 1
                    errors.append(_log(folder, rank))
                os.kill(stopped, signal.SIGKILL)
            else:
                moments += 1
                time.sleep(rng.uniform(0.1, 2.0))
                os.kill(stopped, signal.SIGCONT)
        codes = _wait(children, PATIENCE)
        if number % 2 or not alive:
            codes = _wait(_fork(folder, 2), PATIENCE)
        if any(codes):
            errors.append(_log(folder, 0))
        elif _outcome(folder, 2) != wanted:
            unlike.append(folder.name)
    return {
        "stopped_for_a_moment": moments,
        "stopped_for_good": for_good,
        "later_than_the_timeout": late,
        "differing": unlike,
        "failed": len(errors) - late,
        "ok": not unlike and not errors,
        "error": "\n".join(errors)[-3000:],
    }


def _log(folder: Path, rank: int) -> str:
    return (folder / f"rank{rank}.log").read_text()[-2000:]


def _prepare() -> None:
    """Import what every fork needs, once."""
    os.environ.update(TRL_EXPERIMENTAL_SILENCE="1", TOKENIZERS_PARALLELISM="false")
    os.environ.update(GLOO_SOCKET_IFNAME="lo", OMP_NUM_THREADS="1", HF_HUB_DISABLE_TELEMETRY="1")
    from datasets import Dataset  # noqa: F401
    from trl import GRPOConfig, GRPOTrainer  # noqa: F401

    import lessonplan.training.learner
    import lessonplan.training.trl  # noqa: F401


def _whole(root: Path, *, ranks: int) -> tuple[float, dict[str, object]]:
    """How long a run without faults takes, and what it leaves."""
    started = time.monotonic()
    if any(_wait(_fork(root / "whole", ranks), PATIENCE)):
        raise RuntimeError(_log(root / "whole", 0))
    return time.monotonic() - started, _outcome(root / "whole", ranks)


def _kill(n: int, seed: int, root: Path, *, ranks: int) -> dict[str, object]:
    _prepare()
    rng = random.Random(seed)
    duration, wanted = _whole(root, ranks=ranks)
    kills = finished = orphans = 0
    unlike: list[str] = []
    errors: list[str] = []
    slowest = 0.0
    steps: dict[str, int] = {}  # the step of the checkpoint that a killed run went on from
    number = 0
    folder = root / "cut0"
    while kills < n:
        children = _fork(folder, ranks)
        moment = time.monotonic() + rng.uniform(0.05, 1.05) * duration
        while time.monotonic() < moment and not all(map(_ended, children)):
            time.sleep(0.005)
        alive = [child for child in children if not _ended(child)]
        if alive:
            os.kill(rng.choice(alive), signal.SIGKILL)
            kills += 1
            killed = time.monotonic()
            codes = _wait(children, ENDS)
            slowest = max(slowest, time.monotonic() - killed)
            orphans += codes.count(None)
            errors += [
                f"rank {rank} did not end:\n{_log(folder, rank)}"
                for rank, code in enumerate(codes)
                if code is None
            ]
            here = _checkpoint(folder)
            steps[here] = steps.get(here, 0) + 1
            continue
        codes = _wait(children, PATIENCE)
        finished += 1
        if any(codes):
            errors.append(_log(folder, 0))
        elif _outcome(folder, ranks) != wanted:
            unlike.append(folder.name)
        number += 1
        folder = root / f"cut{number}"
    if folder.exists():  # the last one to its end
        finished += 1
        if any(_wait(_fork(folder, ranks), PATIENCE)):
            errors.append(_log(folder, 0))
        elif _outcome(folder, ranks) != wanted:
            unlike.append(folder.name)
    return {
        "ranks": ranks,
        "kills": kills,
        "resumed_from_step": dict(sorted(steps.items())),
        "runs": finished,
        "differing": unlike,
        "failed": len(errors) - orphans,
        "left_running": orphans,
        "slowest_end_seconds": round(slowest, 2),
        "ok": not unlike and not errors and not orphans,
        "error": "\n".join(errors)[-3000:],
    }


def _fork(folder: Path, ranks: int, timeout: float | None = None) -> list[int]:
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(ranks):
        child = os.fork()
        if not child:
            _live(folder, rank, ranks, port, timeout)
        _codes.pop(child, None)  # process ids come round again
        children.append(child)
    return children


_codes: dict[int, int] = {}  # of children that ended, by process id


def _ended(child: int) -> bool:
    if child not in _codes:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            _codes[child] = os.waitstatus_to_exitcode(status)
    return child in _codes


def _wait(children: list[int], seconds: float) -> list[int | None]:
    """Exit codes; None for a child that did not end in time and was ended by us."""
    ends(lambda: all(map(_ended, children)), lambda: children, seconds, PATIENCE)
    codes = [_codes[child] if _ended(child) else None for child in children]
    for child in children:
        if not _ended(child):
            os.kill(child, signal.SIGUSR1)  # where it hangs goes into its log
            time.sleep(0.5)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            _codes[child] = -signal.SIGKILL
    return codes


def _checkpoint(folder: Path) -> str:
    from lessonplan.training.trl import last_checkpoint

    found = last_checkpoint(folder / "out")
    return "0" if found is None else found.rpartition("-")[2]


def _outcome(folder: Path, ranks: int) -> dict[str, object]:
    """What must not depend on kills: the journal, and the parameters of every rank."""
    return {
        "journal": effective(folder / "journal.jsonl"),
        "parameters": [(folder / f"rank{rank}.json").read_text() for rank in range(ranks)],
    }


def _live(folder: Path, rank: int, ranks: int, port: int, timeout: float | None) -> None:
    """The life of a forked rank; it never returns."""
    with open(folder / f"rank{rank}.log", "w", buffering=1) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    faulthandler.register(signal.SIGUSR1)
    code = 1
    try:
        if ranks > 1:
            here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "MASTER_PORT": port}
            os.environ.update({key: str(value) for key, value in here.items()})
            os.environ["MASTER_ADDR"] = "127.0.0.1"
        parameters = _train(folder, rank, ranks, timeout)
        (folder / f"rank{rank}.json").write_text(json.dumps(parameters))
        code = 0
    except BaseException:  # noqa: BLE001  # the process ends here, whatever it is
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _train(folder: Path, rank: int, ranks: int, timeout: float | None) -> str:
    """Train on from the last whole checkpoint; the hash of the parameters at the end."""
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.curricula import AdaptiveDifficulty, Curriculum
    from lessonplan.generators import family, generate
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.trl import attach, last_checkpoint

    torch.set_num_threads(1)
    if timeout is not None:  # transformers hands its ddp_timeout on for GPUs alone
        torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=timeout))
    task = family("counting")
    pool = generate([task], [1, 2, 3], 24, split="train")
    tokenizer = tiny_tokenizer(task.words)
    checkpoint = last_checkpoint(folder / "out")
    journal = folder / "journal.jsonl" if rank == 0 else None
    curriculum = Curriculum(pool, AdaptiveDifficulty(pool, seed=0), journal=journal)
    if checkpoint is None:
        curriculum.restart()
    trainer = GRPOTrainer(
        model=tiny_model(tokenizer, seed=0),
        reward_funcs=lambda completions, **columns: [
            float(len(one) % 5 > 2) for one in completions
        ],
        args=GRPOConfig(
            output_dir=str(folder / "out"),
            max_steps=STEPS,
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=6,
            learning_rate=1e-3,
            beta=0.0,
            bf16=False,
            activation_checkpointing=False,
            use_cpu=True,
            ddp_backend="gloo" if ranks > 1 else None,
            save_strategy="steps",
            save_steps=1,  # as often as can be: the save is the moment to hit
            save_total_limit=2,
            logging_steps=1,  # the averages that TRL logs are not in its checkpoints
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_dict({"prompt": ["count odd : 1 ="] * 24}),
        processing_class=tokenizer,
    )
    attach(trainer, curriculum)
    trainer.train(resume_from_checkpoint=checkpoint)
    curriculum.close()
    return _hash(trainer.model)


def _hash(model) -> str:
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    return hashlib.sha256(weights).hexdigest()
