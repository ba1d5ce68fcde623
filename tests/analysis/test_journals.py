"""The reader: what it takes, what it repairs, what it refuses."""

import json
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lessonplan.analysis import read_journal
from lessonplan.analysis.journals import _zeros_and_ones
from lessonplan.errors import FormatError

ASSET = Path(__file__).parents[1] / "assets" / "journal-v1.jsonl"


def test_conformance_file():
    run = read_journal(ASSET)
    assert (run.info.id, run.status, run.info.group_size) == ("demo", "done", 2)
    assert run.groups.ticket.tolist() == [0, 1, 2, 3]
    assert run.groups.pass_rate().tolist() == [0.5, 1.0, 0.0, 1.0]
    assert run.groups.counts()["trained"] == 3
    assert run.rollouts == 8 and run.wasted == 4 and run.resumes == (1,)
    assert run.evals[0].share.tolist() == [1.0, 0.5, 0.0]
    assert run.gate is not None and run.gate.guess["1"]["mode"] == 0.44
    assert run.repairs == ()


def test_reads_arrays(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    run = read_journal(path)
    assert run.groups.ids == ("a", "b", "a", "c")
    assert run.groups.level.tolist() == [1, 2, 1, 2]
    rewards = [[0, np.nan], [1, 1], [1, 0], [np.nan, np.nan]]
    np.testing.assert_array_equal(run.groups.rewards, rewards)
    np.testing.assert_array_equal(run.groups.tokens, [30, 20, np.nan, np.nan])
    np.testing.assert_array_equal(run.groups.pass_rate(), [0, 1, 0.5, np.nan])
    assert run.groups.counts() == {
        "open": 0,
        "trained": 2,
        "filtered": 1,
        "stale": 0,
        "failed": 0,
        "discarded": 1,
    }
    assert run.rollouts == 6 and run.tokens == 75 and run.seconds == 0.5
    assert np.isnan(run.steps.scalars["loss"]).all()
    assert run.last_eval("test", "greedy").share.tolist() == [1, 1, 0]
    assert run.last_eval("validation", "greedy") is None


def test_torn_at_every_byte_of_the_last_two_lines(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(ends[-3], len(whole) + 1):
        path.write_bytes(whole[:cut])
        run = read_journal(path)
        clean = cut in ends
        assert bool(run.repairs) != clean
        # Without its last event the run is unfinished; lacking only the newline it is whole.
        assert (run.status == "done") == (cut >= len(whole) - 1)
        if not clean and cut + 1 not in ends:
            lost = cut - max(e for e in ends if e <= cut)
            assert f"dropped {lost} bytes" in run.repairs[0]


def test_every_bit_flip_of_a_finished_line_is_noticed(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    start = sum(map(len, lines[:3]))
    for at in range(start, start + len(lines[3])):
        for bit in range(8):
            broken = bytearray(whole)
            broken[at] ^= 1 << bit
            path.write_bytes(broken)
            with pytest.raises(FormatError) as caught:
                read_journal(path)
            assert "a.jsonl:4" in str(caught.value) or "a.jsonl:5" in str(caught.value)
    path.write_bytes(whole)
    with pytest.raises(FormatError, match=f"a.jsonl:4, byte {start}: checksum differs"):
        broken = bytearray(whole)
        broken[start + 20] ^= 4
        path.write_bytes(broken)
        read_journal(path)


def test_rewind_supersedes_and_counts_the_waste(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    again = [*events[:8], {"event": "rewind", "to": 4}, *events[5:]]
    tools.write(path, again)
    run = read_journal(path)
    assert run.wasted == 2 and run.rollouts == 6 and run.resumes == (1,)
    assert run.groups.ticket.tolist() == [0, 1, 2, 3]
    tools.write(path, [*again[:-2], {"event": "rewind", "to": 1}, *events[2:]])
    run = read_journal(path)  # back to before anything, after a first rewind
    assert run.wasted == 2 + 6 and run.rollouts == 6 and len(run.groups.ticket) == 4


def test_waste_between_tell_and_step(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, [*events[:4], {"event": "rewind", "to": 1}, *events[2:]])
    assert read_journal(path).wasted == 4


def test_a_run_that_went_on_after_its_end_is_unfinished(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, [*events, {"event": "step", "step": 3, "rollouts": 1}])
    assert read_journal(path).status == "unfinished"
    tools.write(path, [*events, {"event": "note", "text": "seen"}])
    assert read_journal(path).status == "done"


@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        (0, {"schema": 2}, "upgrade lessonplan"),
        (3, {"tickets": [7, 0]}, "ticket 7, which was never asked"),
        (6, {"tickets": [0, 3]}, "ticket 0, which was told before"),
        (6, {"tickets": [2]}, "differ in length"),
        (5, {"ticket": 1}, "asked twice"),
        (8, {"correct": [1, 2, 0]}, "outside 0..1"),
        (8, {"correct": [1, 0]}, "lists differ"),
        (8, {"split": "validation"}, "without an items event"),
        (1, {"levels": []}, "needs items"),
        (3, {"rewards": [["1", 1], [0, 0]]}, "not an event of schema 1"),
        (3, {"status": ["won", "trained"]}, "not an event of schema 1"),
        (4, {"step": 2**63}, "beyond 64 bits"),
        (4, {"event": "rewind", "to": 9}, "rewind to 9"),
    ],
)
def test_refuses_contradictions(tmp_path, events, tools, at, change, message):
    path = tmp_path / "a.jsonl"
    events[at] = {**events[at], **change}
    tools.write(path, events)
    with pytest.raises(FormatError, match=message):
        read_journal(path)


def test_refuses_missing_lines_and_empty_files(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(FormatError, match="a.jsonl:3, byte .*event 3 where 2 was due"):
        read_journal(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        read_journal(path)
    tools.write(path, events[1:])
    with pytest.raises(FormatError, match="first event must be open"):
        read_journal(path)


def test_groups_of_other_lengths_and_policy_steps(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    events[6] = {**events[6], "rewards": [[1, 0, None], [0.5]], "policy_steps": [0, 1]}
    tools.write(path, events)
    groups = read_journal(path).groups
    nan = np.nan
    rewards = [[0, nan, nan], [1, 1, nan], [1, 0, nan], [0.5, nan, nan]]
    np.testing.assert_array_equal(groups.rewards, rewards)
    assert groups.rollouts.tolist() == [2, 2, 3, 1]
    assert groups.policy_step.tolist() == [0, 0, 0, 1] and groups.step.tolist() == [0, 0, 1, 1]
    events[6] = {**events[6], "rewards": [[10**400], [1]]}
    tools.write(path, events)
    with pytest.raises(FormatError, match=r"a.jsonl:7, byte \d+: .*(out of range|64 bits)"):
        read_journal(path)


@pytest.mark.parametrize(
    ("rewards", "lengths"),
    [([[1, 0], [1, 1]], [2, 2]), ([[], [1, 0, 1]], [0, 3]), ([[], []], [0, 0]), ([[0]], [1])],
)
def test_groups_of_zeros_and_ones_are_read_as_any_others(rewards, lengths):
    text = json.dumps(rewards, separators=(",", ":")).encode()
    found = _zeros_and_ones(text)
    assert found is not None and found[0].tolist() == lengths
    assert found[1].tolist() == [one for group in rewards for one in group]


@pytest.mark.parametrize(
    "text", ["[]", "[1,0]", "[[10,1]]", "[[[1]]]", "[[1],2,[1]]", "[[[1],10]]", "[[0.5]]", "[[ 1]]"]
)
def test_what_is_no_list_of_zeros_and_ones_is_left_to_the_decoder(text, tmp_path, events, tools):
    assert _zeros_and_ones(text.encode()) is None
    events[6] = {**events[6], "rewards": json.loads(text)}
    path = tmp_path / "a.jsonl"
    tools.write(path, events)
    with pytest.raises(FormatError, match=r"a.jsonl:7, byte"):  # of one ticket, so never two groups
        read_journal(path)


def test_unknown_events_are_skipped_and_said(tmp_path, events, tools):
    path = tmp_path / "a.jsonl"
    tools.write(path, [*events[:2], {"event": "weather"}, *events[2:]])
    run = read_journal(path)
    assert "weather" in run.repairs[0] and run.status == "done"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 9), data=st.data())
def test_only_format_errors_for_any_event(tmp_path, events, tools, at, data):
    events = [dict(e) for e in events]
    key = data.draw(st.sampled_from(sorted(events[at])))
    events[at][key] = data.draw(json_values)
    path = tmp_path / "fuzz.jsonl"
    try:
        tools.write(path, events)
    except UnicodeEncodeError:
        return
    try:
        read_journal(path)
    except FormatError:
        pass


def test_deep_nesting_is_refused_not_crashed(tmp_path, tools):
    path = tmp_path / "a.jsonl"
    line = b'{"seq":0,"event":"open","x":' + b"[" * 200_000
    path.write_bytes(line + b',"crc":"%08x"}\n' % zlib.crc32(line))
    with pytest.raises(FormatError):
        read_journal(path)


def test_lines_are_plain_json():
    for line in ASSET.read_bytes().splitlines():
        event = json.loads(line)
        assert msgspec.json.decode(line) == event
        assert next(iter(event)) == "seq" and list(event)[-1] == "crc"
