"""The summary of a journal: the same numbers as the whole reader, damage named alike."""

import re
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lessonplan.analysis import journal_summary, read_journal
from lessonplan.analysis.journal_summary import summarize_journal, summarize_journals
from lessonplan.errors import FormatError

ASSET = Path(__file__).parents[1] / "assets" / "journal-v1.jsonl"


def agrees(path, **settings):
    """The summary, checked against the whole reader."""
    run, short = read_journal(path), summarize_journal(path, **settings)
    assert (short.info, short.status) == (run.info, run.status)
    assert (short.rollouts, short.tokens, short.wasted) == (run.rollouts, run.tokens, run.wasted)
    assert short.steps == len(run.steps.step) and short.rewinds == len(run.resumes)
    assert short.groups == run.groups.counts()
    assert sum(short.seconds.values()) == pytest.approx(run.seconds)
    assert [e.step for e in short.evals] == [e.step for e in run.evals]
    for mine, whole in zip(short.evals, run.evals, strict=True):
        assert mine.accuracy == pytest.approx(float(whole.share.mean()))
        assert mine.rollouts == run.steps.rollouts[run.steps.step <= mine.step].sum()
    assert list(short.repairs) == list(run.repairs)
    return short


def test_conformance_file():
    short = agrees(ASSET)
    assert (short.events, short.steps, short.rollouts, short.wasted) == (16, 2, 8, 4)
    assert short.groups["trained"] == 3 and short.groups["filtered"] == 1
    assert short.evals[0].correct.tolist() == [4, 2, 0]
    assert short.evals[0].levels.tolist() == [1, 3, 5]


def test_rewinds_within_rewinds(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    again = [*events[:8], {"event": "rewind", "to": 4}, *events[5:]]
    tools.write(path, again)
    assert agrees(path).wasted == 2
    tools.write(path, [*again[:-2], {"event": "rewind", "to": 1}, *events[2:]])
    assert agrees(path).wasted == 8
    tools.write(path, [*events[:4], {"event": "rewind", "to": 1}, *events[2:]])
    assert agrees(path).wasted == 4
    tools.write(path, [*events[:9], {"event": "rewind", "to": 1}, *events[2:9]])
    assert len(agrees(path).evals) == 1


def grown(tools, repeats):
    """A long run with rewinds across any place where it may be cut."""
    yield from tools.run_events("mixed", 8, 0, 0, steps=10)
    whole = list(tools.run_events("mixed", 8, 0, 0, steps=10))[3:-1]
    steps = [event for event in whole if event["event"] in ("ask", "tell", "step")]
    for repeat in range(1, repeats):
        for event in steps:
            later = dict(event, step=event["step"] + 10 * repeat)
            if "ticket" in event:
                later["ticket"] = event["ticket"] + 20 * repeat
            if "tickets" in event:
                later["tickets"] = [one + 20 * repeat for one in event["tickets"]]
            yield later
        yield dict(whole[0], step=10 * repeat + 10)


def in_parts(path, parts):
    """The summary out of several parts, without processes for them."""
    cuts = journal_summary._cuts(path, path.stat().st_size, parts)
    sets = journal_summary._first_items(path)
    found = [journal_summary._scan(path, a, b, sets) for a, b in pairwise(cuts)]
    assert len(found) == parts
    return journal_summary._joined(path, found)


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_parts_make_the_whole(tmp_path, tools, parts):
    path = tmp_path / "a.jsonl"
    events = list(grown(tools, 20))
    tools.write(path, events)
    assert _facts(in_parts(path, parts)) == _facts(agrees(path))
    back = len(events) // 4
    again = [{"event": "rewind", "to": back}, {"event": "rewind", "to": back - 9}]
    tools.write(path, [*events, *again])
    alone = agrees(path)
    assert alone.wasted > 800
    assert _facts(in_parts(path, parts)) == _facts(alone)
    # damage and gaps are found in every part, under the same line and byte
    lines = path.read_bytes().splitlines(keepends=True)
    cut = journal_summary._cuts(path, path.stat().st_size, parts)[1]
    border = path.read_bytes()[:cut].count(b"\n")  # the first line of the second part
    for at in (len(lines) // 3, border, len(lines) * 5 // 6):
        for broken in (
            [*lines[:at], lines[at].replace(b"event", b"evemt", 1), *lines[at + 1 :]],
            [*lines[:at], *lines[at + 1 :]],
        ):
            path.write_bytes(b"".join(broken))
            with pytest.raises(FormatError) as whole:
                read_journal(path)
            with pytest.raises(FormatError, match=re.escape(str(whole.value))):
                in_parts(path, parts)


def test_two_processes(tmp_path, tools, monkeypatch):
    monkeypatch.setattr(journal_summary, "PART", 1000)
    path = tmp_path / "a.jsonl"
    tools.write(path, list(grown(tools, 20)))
    assert agrees(path, processes=2).rollouts == 8 * 10 * 20


def test_several_journals_share_the_processes(tmp_path, tools, monkeypatch):
    paths = [tmp_path / f"{name}.jsonl" for name in "abcd"]
    for path, steps in zip(paths, (20, 3, 1, 12), strict=True):
        tools.write(path, list(grown(tools, steps)))
    lines = paths[2].read_bytes().splitlines(keepends=True)
    paths[2].write_bytes(b"".join([lines[0], lines[1].replace(b"event", b"evemt", 1), *lines[2:]]))
    alone = summarize_journals(paths, processes=1)
    assert [one.steps for one in alone if not isinstance(one, FormatError)] == [200, 30, 120]
    assert "c.jsonl:2, byte" in str(alone[2])
    monkeypatch.setattr(journal_summary, "PART", 3000)
    shared = summarize_journals(paths, processes=2)
    assert str(shared[2]) == str(alone[2])
    for k in (0, 1, 3):
        assert _facts(shared[k]) == _facts(alone[k])
    assert summarize_journals([]) == ()


def test_torn_at_every_byte_of_the_last_line(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    whole = path.read_bytes()
    for cut in range(whole[:-1].rindex(b"\n"), len(whole) + 1):
        path.write_bytes(whole[:cut])
        agrees(path)


@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        (0, {"schema": 2}, "upgrade lessonplan"),
        (3, {"rewards": [["1", 1], [0, 0]]}, "not an event of schema 1"),
        (3, {"status": ["won", "trained"]}, "not an event"),
        (6, {"tickets": [2]}, "differ in length"),
        (8, {"correct": [1, 2, 0]}, "outside 0..1"),
        (8, {"correct": [1, 0]}, "has 2 counts"),
        (8, {"split": "validation"}, "without an items event"),
        (4, {"event": "rewind", "to": 9}, "rewind to 9"),
        (0, {"event": "note", "text": ""}, "first event must be open"),
    ],
)
def test_refuses(tmp_path, events, tools, at, change, message):
    path = tmp_path / "a.jsonl"
    events[at] = {**events[at], **change}
    tools.write(path, events)
    with pytest.raises(FormatError, match=message):
        summarize_journal(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        summarize_journal(path)


def test_other_orders_of_keys_are_decoded(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    plain = summarize_journal(path)
    turned = [dict(reversed([*event.items()])) for event in events]
    tools.write(path, turned)
    assert _facts(summarize_journal(path)) == _facts(plain)
    spaced = [
        {"event": "ask", "step": 0, "ticket": 0, "ids": ['],"levels":[1', "b"], "levels": [1, 2]}
        if one is events[2]
        else one
        for one in events
    ]
    tools.write(path, spaced)
    assert _facts(agrees(path)) == _facts(plain)


def _facts(summary):
    """The summary as plain numbers; sums of seconds to 9 digits, since parts add them otherwise."""
    facts = asdict(summary)
    facts["seconds"] = {name: round(spent, 9) for name, spent in facts["seconds"].items()}
    facts["evals"] = [
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in one.items()}
        | {"seconds": round(one["seconds"], 9)}
        for one in facts["evals"]
    ]
    return facts
