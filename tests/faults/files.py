"""torn, flip, restore: files that were cut, changed, lost, or belong to something else."""

import json
import random
import shutil
import time
from pathlib import Path

from small import STEPS, train
from studies import effective
from tells import POOL, fresh

from lessonplan.curricula import AdaptiveDifficulty, Curriculum, Journal, read_events
from lessonplan.curricula.repair import repair
from lessonplan.curricula.state import load_state, save_state
from lessonplan.errors import FormatError, StateError
from lessonplan.selection import Uniform
from lessonplan.selection.state import state_to_json


def torn(n: int, seed: int, root: Path) -> dict[str, object]:
    """The journal cut in its last three lines, the state anywhere, n times; then go on, twice."""
    rng, whole = random.Random(seed), _whole(root)
    wanted = effective(whole / "journal.jsonl")
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    loaded, lost, unlike = [], [], []
    reopen = 0.0
    for number in range(n):
        folder = root / f"cut{number}"
        folder.mkdir()
        until = rng.randint(4, len(lines))
        content = b"".join(lines[:until])
        content = content[: len(content) - rng.randint(1, sum(map(len, lines[until - 3 : until])))]
        (folder / "journal.jsonl").write_bytes(content)
        state = (whole / f"state-{rng.randint(1, STEPS)}.json").read_bytes()
        (folder / "state.json").write_bytes(state[: rng.randrange(len(state))])
        try:
            load_state(folder / "state.json")
            loaded.append(number)
        except StateError:
            pass
        started = time.perf_counter()
        with Journal(folder / "journal.jsonl") as journal:
            reopen = max(reopen, time.perf_counter() - started)
            kept = journal.next_seq
        # an event that lacks its newline alone is whole
        if kept != (content + b"\n").count(b'"}\n'):
            lost.append(number)
        for _ in range(2):
            train(folder)
            if effective(folder / "journal.jsonl") != wanted:
                unlike.append(number)
    return {
        "torn_states_loaded": loaded,
        "whole_events_lost": lost,
        "differing": unlike,
        "slowest_open_seconds": round(reopen, 3),
        "ok": not loaded and not lost and not unlike,
    }


def flip(n: int, seed: int, root: Path) -> dict[str, object]:
    """One random bit of a journal, or of a state, n times; repair what can be repaired."""
    rng, whole = random.Random(seed), _whole(root)
    journal = (whole / "journal.jsonl").read_bytes()
    state = (whole / "state.json").read_bytes()
    events = [json.dumps(one) for one in read_events(whole / "journal.jsonl")]
    noticed = {"journal": 0, "newline of the last event": 0, "state": 0}
    unnoticed: list[str] = []
    unnamed: list[str] = []  # noticed by chance, with an error that names no file
    repaired = beyond_repair = 0
    faulty_repairs: list[int] = []
    for _ in range(n):
        folder = root / "flipped"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if rng.random() < 0.25:
            bit = rng.randrange(8 * len(state))
            (folder / "state.json").write_bytes(_flipped(state, bit))
            try:
                load_state(folder / "state.json")
                unnoticed.append(f"state bit {bit}")
            except StateError:
                noticed["state"] += 1
            except ValueError as error:
                unnamed.append(f"state bit {bit}: {type(error).__name__}")
            continue
        bit = rng.randrange(8 * len(journal))
        path = folder / "journal.jsonl"
        path.write_bytes(_flipped(journal, bit))
        try:
            found = [json.dumps(one) for one in read_events(path)]
        except FormatError as error:
            noticed["journal"] += f"{path}:" in str(error)
        else:
            if bit // 8 == len(journal) - 1 and found == events[:-1]:
                noticed["newline of the last event"] += 1  # as if it had not been finished
            else:
                unnoticed.append(f"journal bit {bit}")
            continue
        try:
            repair(path)
        except FormatError:  # the first event alone says what the run is
            beyond_repair += 1
            if bit // 8 >= journal.index(b"\n") + 1:
                faulty_repairs.append(bit)
            continue
        repaired += 1
        left = [json.dumps(one) for one in read_events(path) if one["event"] != "note"]
        if not set(left) < set(events) or len(left) < len(events) - 2:
            faulty_repairs.append(bit)
    return {
        "noticed": noticed,
        "unnoticed": unnoticed,
        "unnamed": unnamed,
        "repaired": repaired,
        "first_event_lost": beyond_repair,
        "faulty_repairs": faulty_repairs,
        "ok": sum(noticed.values()) == n and not unnoticed and not faulty_repairs,
    }


def restore(n: int, seed: int, root: Path) -> dict[str, object]:
    """A state that is older or newer than the journal, foreign, changed, or missing, n times."""
    rng, whole = random.Random(seed), _whole(root)
    journal = (whole / "journal.jsonl").read_bytes()
    wanted = effective(whole / "journal.jsonl")
    did: dict[str, int] = {}
    faulty: list[str] = []
    for number in range(n):
        folder = root / f"restore{number}"
        folder.mkdir()
        path, step = folder / "journal.jsonl", rng.randint(2, STEPS)
        state = load_state(whole / f"state-{step}.json")
        what = rng.choice(("older", "newer", "foreign", "other sampler", "changed", "missing"))
        did[what] = did.get(what, 0) + 1
        path.write_bytes(journal)
        if what == "older":
            save_state(folder / "state.json", state)
            train(folder)
            good = effective(path) == wanted
        elif what == "missing":
            with fresh(path) as curriculum:
                curriculum.replay(until_step=step)
                good = _same(curriculum, state)
        else:
            if what == "newer":
                lines = journal.splitlines(keepends=True)
                path.write_bytes(b"".join(lines[: rng.randint(1, int(state["journal_seq"]))]))
            elif what == "changed":
                del state[rng.choice(sorted(set(state) - {"orders", "parts"}))]
            pool = POOL.take(range(100)) if what == "foreign" else POOL
            sampler = Uniform(pool) if what == "other sampler" else AdaptiveDifficulty(pool, seed=0)
            if what == "foreign":
                state["problems"] = state["problems"] + 1
                state["pool"] = "another"
            content = path.read_bytes()
            with Curriculum(pool, sampler, journal=path) as curriculum:
                before = state_to_json(curriculum.state_dict())
                try:
                    curriculum.load_state_dict(state)
                    good = False
                except StateError:
                    good = state_to_json(curriculum.state_dict()) == before
            good = good and path.read_bytes() == content
        if not good:
            faulty.append(f"{what} at step {step}")
    return {"did": dict(sorted(did.items())), "faulty": faulty, "ok": not faulty}


def _whole(root: Path) -> Path:
    folder = root / "whole"
    folder.mkdir()
    train(folder, keep=True)
    return folder


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _same(curriculum: Curriculum, state: dict[str, object]) -> bool:
    """Whether it holds a state; how far the journal is by now does not matter."""
    own, saved = (
        json.loads(json.dumps(state_to_json(one))) for one in (curriculum.state_dict(), state)
    )
    return {**own, "journal_seq": 0} == {**saved, "journal_seq": 0}
