"""Journals and small studies for the tests of the analysis room, written by hand."""

import json
import zlib

import numpy as np
import pytest

from lessonplan.analysis.tables import ItemTable
from lessonplan.analysis.tiers import item_weights, tier_codes

RUN = {
    "id": "counting-easy-n8-start0-seed0",
    "kind": "rl",
    "study": "tiny",
    "family": "counting",
    "sampler": "easy",
    "n": 8,
    "start": "counting-0",
    "seed": 0,
    "steps": 2,
    "problems_per_step": 2,
    "group_size": 2,
    "learner": "simulated",
    "engine": "none",
}


def seal(event: dict) -> bytes:
    """One line of a journal, without its newline."""
    body = json.dumps(event, separators=(",", ":"))[:-1].encode()
    return body + b',"crc":"%08x"}' % zlib.crc32(body)


def write(path, events: list[dict]) -> None:
    """A journal: numbers and checksums are added here."""
    lines = [seal({"seq": i, **event}) + b"\n" for i, event in enumerate(events)]
    path.write_bytes(b"".join(lines))


def opened(**changes) -> dict:
    return {"event": "open", "schema": 1, "writer": "test", "at": 0.0, "run": {**RUN, **changes}}


@pytest.fixture
def events() -> list[dict]:
    """A complete small run: two steps of two groups, one evaluation."""
    return [
        opened(),
        {"event": "items", "split": "test", "fingerprint": "f", "levels": [1, 3, 5], "ids": []},
        {"event": "ask", "step": 0, "ticket": 0, "ids": ["a", "b"], "levels": [1, 2]},
        {
            "event": "tell",
            "step": 0,
            "tickets": [1, 0],
            "rewards": [[1, 1], [0, None]],
            "status": ["filtered", "trained"],
            "tokens": [20, 30],
        },
        {"event": "step", "step": 1, "rollouts": 4, "tokens": 50, "seconds": {"train": 0.5}},
        {"event": "ask", "step": 1, "ticket": 2, "ids": ["a", "c"], "levels": [1, 2]},
        {
            "event": "tell",
            "step": 1,
            "tickets": [2, 3],
            "rewards": [[1, 0], []],
            "status": ["trained", "discarded"],
        },
        {"event": "step", "step": 2, "rollouts": 2, "tokens": 25, "scalars": {"loss": None}},
        {
            "event": "eval",
            "step": 2,
            "split": "test",
            "decode": "greedy",
            "samples": 1,
            "correct": [1, 1, 0],
            "formatted": [1, 1, 1],
            "trace": [1, 0, 0],
            "truncated": [0, 0, 0],
            "tokens": 9,
        },
        {"event": "end", "status": "done", "ledger": {"issued": 4}, "totals": {"rollouts": 6}},
    ]


LEVELS = [1, 2, 3, 4, 5] * 6


def visit_events(tries, *, seconds=None, **changes):
    """A run of one group a step: `tries` are (problem, level, rewards)."""
    yield opened(steps=len(tries), problems_per_step=1, **changes)
    for step, (name, level, rewards) in enumerate(tries):
        yield {"event": "ask", "step": step, "ticket": step, "ids": [name], "levels": [level]}
        status = "trained" if rewards else "discarded"
        yield {
            "event": "tell",
            "step": step,
            "tickets": [step],
            "rewards": [rewards],
            "status": [status],
        }
        yield {
            "event": "step",
            "step": step + 1,
            "rollouts": len(rewards),
            "seconds": seconds or {"generate": 0.1},
        }
    yield {"event": "end", "status": "done"}


def visit_study(folder, runs, **changes):
    """A study of such runs, {(sampler, start): tries}, all of n = 8 and seed 0."""
    from lessonplan.analysis import read_study

    (folder / "journals").mkdir(parents=True)
    for i, ((sampler, start), tries) in enumerate(runs.items()):
        events = visit_events(tries, id=f"r{i}", sampler=sampler, start=start, **changes)
        write(folder / "journals" / f"r{i}.jsonl", list(events))
    return read_study(folder)


def curve(sampler: str, n: int, start: int) -> float:
    half = {"easy": 120.0, "mixed": 40.0}[sampler]
    return 0.45 + 0.03 * start + 0.35 / (1 + half / n)


def run_events(sampler, n, start, seed, *, per_step=4, steps=10, name=None, family="counting"):
    """A simulated run whose accuracy follows `curve`."""
    rng = np.random.default_rng([len(sampler), n, start, seed])
    who = name or sampler
    yield opened(
        id=f"{family}-{sampler}-n{n}-start{start}-seed{seed}",
        sampler=who,
        n=n,
        family=family,
        start=f"{family}-{start}",
        seed=seed,
        steps=steps,
        problems_per_step=2,
        group_size=4,
    )
    yield {"event": "items", "split": "test", "fingerprint": "t", "levels": LEVELS}
    yield {"event": "items", "split": "validation", "fingerprint": "v", "levels": LEVELS[:10]}
    levels = [1, 2] if sampler == "easy" else [1, 5]
    for step in range(steps):
        if step % 5 == 0:
            yield _eval("validation", step, 10, 0.5, rng)
        yield {
            "event": "ask",
            "step": step,
            "ticket": 2 * step,
            "ids": ["a", "b"],
            "levels": levels,
        }
        rewards = [[1] * 4, (rng.random(4) < 0.5).astype(int).tolist()]
        flat = len(set(rewards[1])) == 1
        yield {
            "event": "tell",
            "step": step,
            "tickets": [2 * step, 2 * step + 1],
            "rewards": rewards,
            "status": ["filtered", "filtered" if flat else "trained"],
            "tokens": [10, 30],
        }
        yield {
            "event": "step",
            "step": step + 1,
            "rollouts": 2 * per_step,
            "tokens": 80,
            "seconds": {"generate": 0.1, "train": 0.2},
        }
    yield _eval("validation", steps, 10, curve(sampler, n, start), rng)
    yield _eval("test", steps, len(LEVELS), curve(sampler, n, start), rng)
    yield _eval("test", steps, len(LEVELS), curve(sampler, n, start), rng, samples=4)
    yield {"event": "end", "status": "done", "ledger": {}, "totals": {}}


def _eval(split, step, items, accuracy, rng, *, samples=1):
    correct = rng.binomial(samples, accuracy, items).tolist()
    return {
        "event": "eval",
        "step": step,
        "split": split,
        "samples": samples,
        "decode": "greedy" if samples == 1 else "sample",
        "temperature": int(samples > 1),
        "correct": correct,
        "formatted": [samples] * items,
        "trace": correct,
        "truncated": [0] * items,
    }


def base_events(start, kind="base", family="counting"):
    rng = np.random.default_rng([start, 9])
    yield opened(
        id=f"{family}-{start}-{kind}",
        kind=kind,
        sampler="",
        n=0,
        family=family,
        start=f"{family}-{start}",
    )
    yield {"event": "items", "split": "test", "fingerprint": "t", "levels": LEVELS}
    if kind == "base":
        yield {
            "event": "gate",
            "accepted": True,
            "rule": "trace easy >= .6",
            "probes": [
                {
                    "step": 25,
                    "answer": {"easy": 0.8, "medium": 0.5, "hard": 0.3},
                    "trace": {"easy": 0.7, "medium": 0.4, "hard": 0.1},
                }
            ],
            "guess": {"1": {"mode": 0.44, "heuristic": 0.5}},
        }
    accuracy = 0.45 + 0.03 * start + (0.3 if kind == "sft" else 0.0)
    yield _eval("test", 0, len(LEVELS), accuracy, rng)
    yield {"event": "end", "status": "done"}


def write_study(
    folder, *, starts=3, sizes=(8, 64, 512), names=None, per_step=None, family="counting"
):
    """A study of two samplers; `names` renames them, `per_step` sets rollouts of a group."""
    journals = folder / "journals"
    journals.mkdir(parents=True, exist_ok=True)
    for start in range(starts):
        write(journals / f"{family}-{start}.jsonl", list(base_events(start, family=family)))
        write(
            journals / f"{family}-{start}-sft.jsonl", list(base_events(start, "sft", family=family))
        )
        for sampler in ("easy", "mixed"):
            for n in sizes:
                run = run_events(
                    sampler,
                    n,
                    start,
                    0,
                    per_step=(per_step or {}).get(sampler, 4),
                    name=(names or {}).get(sampler),
                    family=family,
                )
                write(journals / f"{family}-{sampler}-n{n}-start{start}-seed0.jsonl", list(run))
    return folder


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


def make_table(values, *, base=0.5, items=60, noise=0.0, rollouts=None, seed=0):
    """An item table from {(sampler, n): accuracy}, three starts unless given as a list.

    Items are shares, not coins: accuracy is exact, and `noise` moves each run.
    """
    rng = np.random.default_rng(seed)
    levels = np.tile([1, 2, 3, 4, 5], items // 5)
    rows = []
    for (sampler, n), accuracy in values.items():
        each = accuracy if isinstance(accuracy, list) else [accuracy] * 3
        for start, value in enumerate(each):
            rows.append((sampler, n, f"s{start}", value + noise * rng.standard_normal()))
    units = max(int(r[2][1:]) for r in rows) + 1
    spread = np.tile([-0.05, 0.05], items // 2 + 1)[:items]
    spread = spread - spread @ item_weights(levels)
    return ItemTable(
        family="counting",
        metric="test accuracy",
        strata=tier_codes(levels),
        weights=item_weights(levels),
        sampler=tuple(r[0] for r in rows),
        n=np.array([r[1] for r in rows]),
        start=tuple(r[2] for r in rows),
        seed=np.zeros(len(rows), int),
        share=np.array([r[3] + spread for r in rows]),
        rollouts=np.array([(rollouts or {}).get(r[0], 100) for r in rows]),
        tokens=np.ones(len(rows), int),
        starts=tuple(f"s{u}" for u in range(units)),
        base=np.array([base + spread] * units),
    )


@pytest.fixture
def tools():
    """The helpers of this file, for tests that cannot import it."""
    from types import SimpleNamespace

    return SimpleNamespace(
        seal=seal,
        write=write,
        opened=opened,
        write_study=write_study,
        make_table=make_table,
        run_events=run_events,
        visit_study=visit_study,
    )
