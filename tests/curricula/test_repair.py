"""Damage in a journal is named by line and byte, and repair keeps everything that still means it."""

import pytest

from lessonplan.analysis.journals import read_journal
from lessonplan.curricula import Journal, Lock, read_events
from lessonplan.curricula.repair import find_damage, repair
from lessonplan.errors import FormatError, LockedError

RUN = {"id": "run", "kind": "rl", "family": "counting", "n": 8}
STEPS = 4


@pytest.fixture
def journal(tmp_path):
    """open, items, then (ask, tell, step, eval) four times, end: 19 lines."""
    path = tmp_path / "run.jsonl"
    with Journal(path, durability="flush") as writer:
        writer.open_run(RUN)
        writer.append("items", split="validation", fingerprint="f", levels=[1, 2], ids=["a", "b"])
        for step in range(STEPS):
            tickets = [2 * step, 2 * step + 1]
            writer.append("ask", step=step, ticket=2 * step, ids=["x", "y"], levels=[1, 2])
            writer.append(
                "tell", step=step, tickets=tickets, rewards=[[1, 0], [0, 0]], status=["trained"] * 2
            )
            writer.append("step", step=step + 1, rollouts=4, tokens=9)
            writer.append(
                "eval", step=step + 1, split="validation", decode="greedy", correct=[1, 0]
            )
        writer.append("end", status="done")
    return path


def damage_line(path, number):
    """Flip one bit in the middle of a line, counted from 1."""
    lines = path.read_bytes().splitlines(keepends=True)
    broken = bytearray(lines[number - 1])
    broken[len(broken) // 2] ^= 1
    lines[number - 1] = bytes(broken)
    path.write_bytes(b"".join(lines))


def remove_lines(path, first, last):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: first - 1] + lines[last:]))


def test_an_intact_journal_is_left_as_it_is(journal):
    before = journal.read_bytes()
    assert find_damage(journal) == repair(journal) == []
    assert journal.read_bytes() == before
    assert not journal.with_suffix(".bad").exists()


def test_damage_is_named_by_line_and_byte(journal):
    lines = journal.read_bytes().splitlines(keepends=True)
    damage_line(journal, 5)
    (one,) = find_damage(journal)
    assert (one.line, one.byte, one.reason) == (5, sum(map(len, lines[:4])), "checksum differs")
    with pytest.raises(FormatError, match=rf"run.jsonl:5, byte {one.byte}"):
        read_journal(journal)


@pytest.mark.parametrize("line", range(2, 20))
def test_after_repair_both_readers_and_the_writer_go_on(journal, line):
    original = journal.read_bytes().splitlines(keepends=True)
    damage_line(journal, line)
    broken = journal.read_bytes().splitlines(keepends=True)[line - 1]
    aside = repair(journal)
    assert aside[0].raw == broken
    assert journal.with_suffix(".bad").read_bytes() == b"".join(one.raw for one in aside)
    assert find_damage(journal) == []
    kept = journal.read_bytes().splitlines(keepends=True)
    lost = {one.line for one in aside}
    assert [kept[i] for i in range(19) if i + 1 not in lost] == [
        original[i] for i in range(19) if i + 1 not in lost
    ]
    run = read_journal(journal)
    assert run.notes[0].startswith(f"repaired: lost at line {line} (checksum differs)")
    assert len(list(read_events(journal))) == 19  # notes stand for what is lost
    with Journal(journal) as writer:
        writer.append("note", text="goes on")
    read_journal(journal)


def test_rewards_go_with_their_ask(journal):
    damage_line(journal, 3)  # the first ask
    assert [(one.line, one.reason) for one in repair(journal)] == [
        (3, "checksum differs"),
        (4, "the ask of these rewards is lost"),
    ]
    assert list(read_journal(journal).groups.ticket) == [2, 3, 4, 5, 6, 7]


def test_evaluations_go_with_their_items(journal):
    damage_line(journal, 2)
    reasons = [one.reason for one in repair(journal)]
    assert reasons == ["checksum differs"] + ["the list of the evaluated items is lost"] * STEPS
    assert read_journal(journal).evals == ()


def test_missing_lines_are_damage_without_bytes(journal):
    remove_lines(journal, 5, 6)  # step and eval of step 1
    (one,) = find_damage(journal)
    assert one.line == 5 and "event 6 where 4 was due" in one.reason and one.raw == b""
    repair(journal)
    run = read_journal(journal)
    assert list(run.steps.step) == [2, 3, 4] and len(run.notes) == 2


def test_a_line_that_comes_twice_is_set_aside(journal):
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:8], lines[7], *lines[8:]]))
    assert [one.line for one in repair(journal)] == [9]
    assert list(read_journal(journal).steps.step) == [1, 2, 3, 4]


def test_an_unfinished_last_line_is_no_damage(journal):
    journal.write_bytes(journal.read_bytes()[:-7])
    assert find_damage(journal) == []
    damage_line(journal, 5)
    repair(journal)  # drops it, as opening the journal would
    assert read_journal(journal).status == "unfinished"


def test_a_lost_first_event_or_rewind_is_refused_and_nothing_changes(journal, tmp_path):
    damage_line(journal, 1)
    before = journal.read_bytes()
    with pytest.raises(FormatError, match="says what the run is"):
        repair(journal)
    assert journal.read_bytes() == before and not journal.with_suffix(".bad").exists()

    path = tmp_path / "other.jsonl"
    with Journal(path) as writer:
        writer.open_run(RUN)
        writer.append("ask", step=0, ticket=0, ids=["x"], levels=[1])
        writer.append("note", text="x")
        writer.rewind(0)
        writer.append("ask", step=0, ticket=0, ids=["x"], levels=[1])
    damage_line(path, 4)
    with pytest.raises(FormatError, match="went back to an earlier event"):
        repair(path)


def test_rewards_of_an_ask_that_was_taken_back_are_lost_too(journal, tmp_path):
    path = tmp_path / "other.jsonl"
    with Journal(path) as writer:
        writer.open_run(RUN)
        writer.append("ask", step=0, ticket=0, ids=["x"], levels=[1])
        writer.rewind(0)  # needs an event to take back
        writer.append("ask", step=0, ticket=0, ids=["y"], levels=[1])
        writer.append("tell", step=0, tickets=[0], rewards=[[1]], status=["trained"])
    damage_line(path, 4)
    assert [one.line for one in repair(path)] == [4, 5]
    assert len(read_journal(path).groups.ticket) == 0


def test_a_run_being_written_is_not_repaired(journal):
    damage_line(journal, 5)
    lock = Lock(journal.with_name(f".{journal.name}.lock"), what=str(journal))
    with lock, pytest.raises(LockedError, match="is being written by pid"):
        repair(journal)
