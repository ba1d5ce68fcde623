"""trl, ranks: kill -9 of one rank of a GRPO run at random moments; resume from its checkpoint.

The trainer is imported once and every try is a fork of that process, so that a kill costs the
training that it cuts off and not ten seconds of imports.
"""

import hashlib
import json
import os
import random
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

from studies import effective

STEPS = 10
ENDS = 10.0  # seconds after which the ranks that were left alone must have ended
PATIENCE = 120.0  # seconds for a whole run


def trl(n: int, seed: int, root: Path) -> dict[str, object]:
    """Kill a run of one rank n times, resuming after each; compare with an uninterrupted one."""
    return _kill(n, seed, root, ranks=1)


def ranks(n: int, seed: int, root: Path) -> dict[str, object]:
    """Kill either of two ranks; the other has to end by itself."""
    return _kill(n, seed, root, ranks=2)


def _kill(n: int, seed: int, root: Path, *, ranks: int) -> dict[str, object]:
    os.environ.update(TRL_EXPERIMENTAL_SILENCE="1", TOKENIZERS_PARALLELISM="false")
    os.environ.update(GLOO_SOCKET_IFNAME="lo", OMP_NUM_THREADS="1")
    from datasets import Dataset  # noqa: F401  # before the forks, which all need these
    from trl import GRPOConfig, GRPOTrainer  # noqa: F401

    import lessonplan.training.learner
    import lessonplan.training.trl  # noqa: F401

    rng = random.Random(seed)
    started = time.monotonic()
    if any(_wait(_fork(root / "whole", ranks), PATIENCE)):
        return {"ok": False, "error": (root / "whole" / "rank0.log").read_text()[-2000:]}
    duration = time.monotonic() - started
    wanted = _outcome(root / "whole", ranks)
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
            here = _checkpoint(folder)
            steps[here] = steps.get(here, 0) + 1
            continue
        codes = _wait(children, PATIENCE)
        finished += 1
        if any(codes):
            errors.append((folder / "rank0.log").read_text()[-1500:])
        elif _outcome(folder, ranks) != wanted:
            unlike.append(folder.name)
        number += 1
        folder = root / f"cut{number}"
    if folder.exists():  # the last one to its end
        finished += 1
        if any(_wait(_fork(folder, ranks), PATIENCE)):
            errors.append((folder / "rank0.log").read_text()[-1500:])
        elif _outcome(folder, ranks) != wanted:
            unlike.append(folder.name)
    return {
        "ranks": ranks,
        "kills": kills,
        "resumed_from_step": dict(sorted(steps.items())),
        "runs": finished,
        "differing": unlike,
        "failed": len(errors),
        "left_running": orphans,
        "slowest_end_seconds": round(slowest, 2),
        "ok": not unlike and not errors and not orphans,
        "error": "\n".join(errors)[-3000:],
    }


def _fork(folder: Path, ranks: int) -> list[int]:
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(ranks):
        child = os.fork()
        if not child:
            _live(folder, rank, ranks, port)
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
    until = time.monotonic() + seconds
    while time.monotonic() < until and not all(map(_ended, children)):
        time.sleep(0.02)
    codes = [_codes[child] if _ended(child) else None for child in children]
    for child in children:
        if not _ended(child):
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


def _live(folder: Path, rank: int, ranks: int, port: int) -> None:
    """The life of a forked rank; it never returns."""
    with open(folder / f"rank{rank}.log", "w", buffering=1) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    code = 1
    try:
        if ranks > 1:
            here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "MASTER_PORT": port}
            os.environ.update({key: str(value) for key, value in here.items()})
            os.environ["MASTER_ADDR"] = "127.0.0.1"
        parameters = _train(folder, rank, ranks)
        (folder / f"rank{rank}.json").write_text(json.dumps(parameters))
        code = 0
    except BaseException:  # noqa: BLE001  # the process ends here, whatever it is
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _train(folder: Path, rank: int, ranks: int) -> str:
    """Train on from the last whole checkpoint; the hash of the parameters at the end."""
    import torch
    from datasets import Dataset
    from safetensors.torch import load_file
    from trl import GRPOConfig, GRPOTrainer

    from lessonplan.curricula import AdaptiveDifficulty, Curriculum
    from lessonplan.curricula.state import load_state
    from lessonplan.generators import family, generate
    from lessonplan.training.learner import tiny_model, tiny_tokenizer
    from lessonplan.training.trl import STATE_FILE, attach, last_checkpoint

    torch.set_num_threads(1)
    task = family("counting")
    pool = generate([task], [1, 2, 3], 24, split="train")
    tokenizer = tiny_tokenizer(task.words)
    checkpoint = last_checkpoint(folder / "out")
    journal = folder / "journal.jsonl" if rank == 0 else None
    curriculum = Curriculum(pool, AdaptiveDifficulty(pool, seed=0), journal=journal)
    model = tiny_model(tokenizer, seed=0)
    if checkpoint is None:
        curriculum.restart()
    elif checkpoint.endswith(f"-{STEPS}"):  # resumed, TRL would train one step too many
        model.load_state_dict(load_file(f"{checkpoint}/model.safetensors"))
        if rank == 0:
            curriculum.load_state_dict(load_state(f"{checkpoint}/{STATE_FILE}"))
            curriculum.finish()
            curriculum.close()
        return _hash(model)
    trainer = GRPOTrainer(
        model=model,
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
