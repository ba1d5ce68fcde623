"""Reading large logs: MB/s, peak memory, and what 10 GB would take; then a thousand small runs.

    python benchmarks/readers.py                 # a journal of 200 MB, 100 runs
    python benchmarks/readers.py --mb 1000       # a journal of 1 GB
    python benchmarks/readers.py --mb 10000 --files 10   # 10 GB in ten journals of 1 GB
    python benchmarks/readers.py --runs 1000     # a study of 1,000 runs, five of them damaged

The journal repeats realistic steps (32 groups of 8 with ids, rewards, tokens, scalars; an evaluation
of 500 items every 100 steps) with right numbers and checksums. Peak memory is that of the reading
processes, added up. Files live in a temporary folder and were just written, so the disk hardly
counts. On a busy machine only the rate a CPU second says something.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

GOAL_MB, GOAL_S = 10_000, 60.0
LEVELS = [1 + i % 5 for i in range(500)]
DISTINCT = 64  # different steps that are repeated
DAMAGED = 5
WHOLE_MB = 100  # of the journal that is read whole: that takes seven times its size in memory


def sealed(event):
    """One line with its newline."""
    body = json.dumps(event, separators=(",", ":"))[:-1].encode()
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def step_parts(rng, problems=32, group=8):
    """The fields of an ask, a tell and a step, without what changes from step to step."""
    ids = [f"counting-aggregates-{rng.integers(10**6):06d}" for _ in range(problems)]
    rate = rng.random(problems)
    rewards = (rng.random((problems, group)) < rate[:, None]).astype(int).tolist()
    flat = [len(set(row)) == 1 for row in rewards]
    return (
        {"ids": ids, "levels": rng.integers(1, 6, problems).tolist()},
        {
            "rewards": rewards,
            "status": ["filtered" if same else "trained" for same in flat],
            "tokens": rng.integers(100, 2000, problems).tolist(),
        },
        {
            "rollouts": problems * group,
            "tokens": int(rng.integers(30_000, 60_000)),
            "seconds": {"generate": 3.21, "score": 0.02, "train": 1.84, "curriculum": 0.001},
            "scalars": {f"curriculum/{name}": float(rng.random()) for name in "abcdefghijkl"},
        },
    )


def write_journal(path, size, *, sampler="uniform", n=1000, seed=0, quality=0.5, problems=32):
    """A journal of about `size` bytes; returns its steps."""
    rng = np.random.default_rng(seed)
    parts = [step_parts(rng, problems) for _ in range(DISTINCT)]
    info = {
        "id": path.stem,
        "kind": "rl" if n else "base",
        "study": "bench",
        "family": "counting",
        "sampler": sampler if n else "",
        "n": n,
        "start": "counting-0",
        "seed": seed,
        "group_size": 8,
    }
    seq = step = 0

    def line(event, **fields):
        nonlocal seq
        seq += 1
        return sealed({"seq": seq - 1, "event": event, **fields})

    def evaluation(split, samples):
        correct = rng.binomial(samples, quality, len(LEVELS)).tolist()
        decode = "greedy" if samples == 1 else "sample"
        full = [samples] * len(LEVELS)
        return line(
            "eval", step=step, split=split, decode=decode, samples=samples, correct=correct,
            formatted=full, trace=correct, truncated=[0] * len(LEVELS),
        )  # fmt: skip

    with path.open("wb") as file:
        file.write(line("open", schema=1, writer="benchmark", at=0.0, run=info))
        for split in ("validation", "test"):
            file.write(line("items", split=split, fingerprint=split, levels=LEVELS))
        while file.tell() < size:
            ask, tell, done = parts[step % DISTINCT]
            ticket = step * problems
            file.write(line("ask", step=step, ticket=ticket, **ask))
            tickets = list(range(ticket, ticket + problems))
            file.write(line("tell", step=step, tickets=tickets, **tell))
            step += 1
            file.write(line("step", step=step, **done))
            if step % 100 == 0:
                file.write(evaluation("validation", 1))
        file.write(evaluation("test", 1))
        file.write(evaluation("test", 4))
        file.write(line("end", status="done", ledger={}, totals={}))
    return step


def measured(work, *args):
    """Result, seconds, CPU seconds, peak MB of a fresh process and of all that it started."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(theirs, work, args))
    process.start()
    result = ours.recv()
    process.join()
    return result


def _measure(pipe, work, args):
    begun = time.perf_counter()
    result = work(*args)
    seconds = time.perf_counter() - begun
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    readers = args[-1] if work is summarize and args[-1] > 1 else 0
    pipe.send((result, seconds, cpu, (used[0].ru_maxrss + readers * used[1].ru_maxrss) / 1024))


def summarize(paths, processes):
    from lessonplan.analysis.journal_summary import summarize_journals

    found = summarize_journals(paths, processes=processes)
    return sum(one.steps for one in found), sum(one.rollouts for one in found)


def read_whole(paths):
    from lessonplan.analysis.journals import read_journal

    return sum(len(read_journal(path).steps.step) for path in paths)


def report(folder):
    from lessonplan.analysis.report import write_report

    begun = time.perf_counter()
    from lessonplan.analysis.studies import read_study

    study = read_study(folder)
    read = time.perf_counter() - begun
    write_report(folder)
    return len(study.runs), len(study.damaged), read


def small_study(folder, runs, size):
    """Journals of two samplers at seven sizes; five are damaged in the middle."""
    journals = folder / "journals"
    journals.mkdir()
    sizes = (25, 50, 100, 200, 400, 800, 1600)
    write_journal(journals / "base.jsonl", 0, n=0, quality=0.3)
    for i in range(runs - 1):
        sampler = ("uniform", "adaptive")[i % 2]
        n = sizes[i // 2 % len(sizes)]
        half = 300 if i % 2 == 0 else 150
        write_journal(
            journals / f"run{i:04d}.jsonl", size, sampler=sampler, n=n, seed=i // 14,
            quality=0.3 + 0.5 / (1 + half / n), problems=8,
        )  # fmt: skip
    for path in sorted(journals.glob("run*.jsonl"))[:DAMAGED]:
        broken = bytearray(path.read_bytes())
        broken[len(broken) // 2] ^= 4
        path.write_bytes(broken)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--mb", type=float, default=200)
    args.add_argument("--files", type=int, default=1, help="equal journals that make up --mb")
    args.add_argument("--runs", type=int, default=100)
    args.add_argument("--kb", type=float, default=50, help="size of a journal of the study")
    typed = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"large{i}.jsonl" for i in range(typed.files)]
        steps = write_journal(paths[0], typed.mb * 1e6 / typed.files) * typed.files
        for path in paths[1:]:
            shutil.copy(paths[0], path)
        whole = [Path(folder) / "whole.jsonl"]
        write_journal(whole[0], min(typed.mb, WHOLE_MB) * 1e6)
        print(f"{typed.files} journals, {typed.mb:.0f} MB, {steps} steps, {os.cpu_count()} cores")
        works = [
            ("summary, 1 process", paths, summarize, 1),
            ("summary, 2 processes", paths, summarize, 2),
            (f"read_journal, {min(typed.mb, WHOLE_MB):.0f} MB", whole, read_whole),
        ]
        for name, files, work, *more in works:
            mb = sum(file.stat().st_size for file in files) / 1e6
            found, seconds, cpu, memory = measured(work, files, *more)
            print(
                f"{name:22} {mb / seconds:5.0f} MB/s ({mb / cpu:4.0f} a CPU second)  "
                f"{memory:5.0f} MB peak  10 GB in {GOAL_MB / mb * seconds:.0f} s (goal {GOAL_S:.0f}), "
                f"{GOAL_MB / mb * cpu:.0f} CPU s"
            )
            if work is summarize and found[0] != steps:
                raise SystemExit(f"{found[0]} steps were read, {steps} were written")
        for path in paths:
            path.unlink()
        if typed.runs:
            small_study(Path(folder), typed.runs, typed.kb * 1e3)
            (used, damaged, read), seconds, cpu, memory = measured(report, Path(folder))
            print(
                f"study of {typed.runs} runs of {typed.kb:.0f} kB: {used} used, {damaged} damaged; "
                f"read in {read:.1f} s, read and reported in {seconds:.1f} s ({cpu:.1f} CPU s, "
                f"goal {GOAL_S:.0f}), {memory:.0f} MB peak"
            )


if __name__ == "__main__":
    main()
