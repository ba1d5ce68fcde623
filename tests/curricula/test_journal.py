"""The journal: what a kill, a flipped bit, a full disk and a second writer do to it."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest

from lessonplan.curricula import Journal, read_events
from lessonplan.errors import FormatError, LockedError, RewardError


def write(path, n=3):
    with Journal(path) as journal:
        for i in range(n):
            journal.append("note", text=f"number {i}")
    return path.read_bytes()


def texts(path):
    return [event["text"] for event in read_events(path)]


def test_a_line_is_numbered_and_checksummed_as_documented(tmp_path):
    line = write(tmp_path / "j.jsonl", 1)
    body, tail = line[:-19], line[-19:]
    assert tail == b',"crc":"%08x"}\n' % zlib.crc32(body)
    assert json.loads(line) == {
        "seq": 0, "event": "note", "text": "number 0", "crc": f"{zlib.crc32(body):08x}"
    }  # fmt: skip


def test_reopening_continues_the_numbers(tmp_path):
    path = tmp_path / "j.jsonl"
    write(path, 2)
    with Journal(path) as journal:
        assert not journal.is_new and journal.repaired == ""
        journal.append("note", text="later")
    assert [event["seq"] for event in read_events(path)] == [0, 1, 2]


def test_a_file_cut_at_any_byte_opens_and_loses_the_torn_event_alone(tmp_path):
    whole = write(tmp_path / "whole.jsonl", 4)
    lines = whole.splitlines(keepends=True)
    for cut in range(len(lines[0]), len(whole) + 1):
        path = tmp_path / f"cut{cut}.jsonl"
        path.write_bytes(whole[:cut])
        survivors = whole[:cut].count(b"\n")
        if whole[cut : cut + 1] == b"\n":
            survivors += 1  # only the newline is missing: the event is whole
        assert len(list(read_events(path))) == survivors
        for _ in range(2):  # a second and a third resume work too
            with Journal(path) as journal:
                assert journal.next_seq == survivors
                journal.append("note", text="after")
            survivors += 1
        assert texts(path)[-2:] == ["after", "after"]


def test_repair_says_what_was_dropped(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(write(path, 3)[:-30])
    with Journal(path) as journal:
        assert "bytes after event 1 (unfinished write); nothing acknowledged was lost" in (
            journal.repaired
        )
        assert journal.repaired.startswith(f"{path}: dropped ")


def test_a_reader_ignores_a_torn_tail(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(write(path, 3)[:-30])
    assert texts(path) == ["number 0", "number 1"]


def test_every_single_bit_flip_is_noticed(tmp_path):
    path = tmp_path / "j.jsonl"
    lines = write(path, 3).splitlines(keepends=True)
    before, line, after = lines
    for bit in range(8 * len(line)):
        damaged = bytearray(line)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(before + bytes(damaged) + after)
        with pytest.raises(FormatError, match=r"j\.jsonl:\d, byte \d+"):
            list(read_events(path))


def test_damage_names_line_and_byte(tmp_path):
    path = tmp_path / "j.jsonl"
    content = write(path, 3)
    first = content.index(b"\n") + 1
    path.write_bytes(content.replace(b"number 1", b"number 7"))
    with pytest.raises(FormatError, match=rf"j\.jsonl:2, byte {first}: checksum differs"):
        list(read_events(path))


def test_a_missing_line_is_damage(tmp_path):
    path = tmp_path / "j.jsonl"
    lines = write(path, 3).splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(FormatError, match=r"event 1 was expected, got 2"):
        list(read_events(path))


def test_nothing_is_appended_to_a_damaged_last_event(tmp_path):
    path = tmp_path / "j.jsonl"
    content = write(path, 2).replace(b"number 1", b"number 7")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="this is damage, not an unfinished write"):
        Journal(path)
    assert path.read_bytes() == content
    with pytest.raises(FormatError):  # and the refusal gave the lock back
        Journal(path)


def test_rewound_events_are_gone_for_readers_and_stay_in_the_file(tmp_path):
    path = tmp_path / "j.jsonl"
    write(path, 4)
    with Journal(path) as journal:
        journal.rewind(1)
        journal.append("note", text="again")
    assert texts(path) == ["number 0", "number 1", "again"]
    assert path.read_bytes().count(b"\n") == 6


def test_rewinding_to_the_last_event_writes_nothing(tmp_path):
    path = tmp_path / "j.jsonl"
    content = write(path, 3)
    with Journal(path) as journal:
        journal.rewind(2)
    assert path.read_bytes() == content


def test_nan_is_null_and_infinity_is_refused(tmp_path):
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.append("note", values=[1.0, float("nan"), 0.5], array=np.array([2, 3], np.int16))
        with pytest.raises(RewardError, match="no infinite numbers"):
            journal.append("note", values=[float("inf")])
        journal.append("note", values=[np.float32(0.5)])
    first, second = read_events(path)
    assert first["values"] == [1, None, 0.5] and first["array"] == [2, 3]
    assert second["values"] == [0.5] and second["seq"] == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    "values",
    [
        [[0.0, 1.0], [1.0, -0.0]],
        [[0.0, 0.5], [float("nan"), 2.0]],
        [[0.1, -7.0], [3.0, 1e-7]],
        [],
        [[]],
    ],
    ids=str,
)
def test_an_array_is_written_as_its_numbers_are_in_lists(tmp_path, values, dtype):
    array = np.array(values, dtype)
    with Journal(tmp_path / "j.jsonl") as journal:
        journal.append("note", values=array)
        journal.append("note", values=array.tolist())
        journal.append("note", values=[tuple(row) for row in array.tolist()])
    bodies = [
        line[line.index(b'"values"') : -19]
        for line in (tmp_path / "j.jsonl").read_bytes().splitlines(keepends=True)
    ]
    assert bodies[0] == bodies[1] == bodies[2]


def test_whole_numbers_have_no_point_up_to_a_thousand_million_million(tmp_path):
    values = [1.0, -3.0, 1e15 - 1, 1 - 1e15, 1e15, 2.5, float("nan")]
    with Journal(tmp_path / "j.jsonl") as journal:
        journal.append("note", values=values)
        journal.append("note", values=np.array(values))
    for line in (tmp_path / "j.jsonl").read_bytes().splitlines():
        assert b'[1,-3,999999999999999,-999999999999999,1000000000000000.0,2.5,null],"crc"' in line


def test_an_array_with_infinity_is_refused_and_nothing_written(tmp_path):
    path = tmp_path / "j.jsonl"
    content = write(path)
    with Journal(path) as journal, pytest.raises(RewardError, match="no infinite numbers"):
        journal.append("tell", rewards=np.array([[0.0, 1.0], [-np.inf, 1.0]]))
    assert path.read_bytes() == content


def test_a_second_writer_is_refused_by_name_until_the_first_is_gone(tmp_path):
    path = tmp_path / "j.jsonl"
    code = (
        "import sys, time\nfrom lessonplan.curricula import Journal\n"
        f"journal = Journal({str(path)!r})\njournal.append('note', text='mine')\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(LockedError, match=rf"is being written by pid {other.pid} on .* since"):
            Journal(path)
        assert texts(path) == ["mine"]  # reading needs no lock
        other.send_signal(signal.SIGKILL)
        other.wait()
        with Journal(path) as journal:  # the lock died with its process
            assert journal.next_seq == 1
    finally:
        other.kill()


def test_a_full_disk_leaves_a_whole_file(tmp_path):
    """A limit on the file's size stands in for the disk: writes come back short, then fail."""
    path = tmp_path / "j.jsonl"
    code = (
        "import resource, signal\nfrom lessonplan.curricula import Journal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"journal = Journal({str(path)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "for i in range(100):\n    journal.append('note', text='x' * 60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "OSError" in done.stderr
    content = path.read_bytes()
    assert content.endswith(b"}\n") and 800 < len(content) <= 1000
    with Journal(path) as journal:
        assert journal.repaired == ""
        journal.append("note", text="goes on")
    assert len(list(read_events(path))) == journal.next_seq


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    """kill -9 at random moments; every number printed after its append must be on file."""
    rng = np.random.default_rng(0)
    code = (
        "import sys\nfrom lessonplan.curricula import Journal\n"
        "journal = Journal(sys.argv[1], durability='flush')\n"
        "while True:\n"
        "    seq = journal.append('note', text='y' * 9000)\n"
        "    sys.stdout.write(f'{seq}\\n'); sys.stdout.flush()\n"
    )
    torn = 0
    for trial in range(5):
        path = tmp_path / f"{trial}.jsonl"
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
        )
        writer.stdout.readline()
        time.sleep(rng.uniform(0.01, 0.1))
        writer.kill()
        acknowledged = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        with Journal(path) as journal:
            torn += bool(journal.repaired)
            assert journal.next_seq > max(acknowledged, default=0)
        assert len(list(read_events(path))) == journal.next_seq


def test_synced_bytes_are_on_file_when_closed(tmp_path):
    journal = Journal(tmp_path / "j.jsonl")
    for i in range(5):
        journal.append("note", text=str(i))
        journal.sync()
    journal.close()
    journal.close()  # twice does no harm
    assert len(texts(tmp_path / "j.jsonl")) == 5


def test_quick_steps_share_a_sync_and_long_ones_have_their_own(tmp_path, monkeypatch):
    """A power cut costs the last second or the last step."""
    on_disk: list[int] = []
    real = os.fsync

    def fsync(file):
        real(file)
        on_disk.append(os.fstat(file).st_size)

    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    monkeypatch.setattr("os.fsync", fsync)
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    for step in range(40):  # of .1 s
        clock[0] += 0.1
        journal.append("step", step=step)
        journal.sync()
    journal.sync(wait=True)
    assert on_disk[-1] == path.stat().st_size
    assert 4 <= len(on_disk) <= 6
    clock[0] += 30  # a long step has a sync of its own
    journal.append("step", step=40)
    asked = len(on_disk)
    journal.sync()
    journal.append("step", step=41)
    journal.close()
    assert len(on_disk) == asked + 2 and on_disk[-1] == path.stat().st_size


def test_an_unwritable_folder_is_an_error_at_once(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(OSError):
        Journal(blocker / "j.jsonl")
    assert os.listdir(tmp_path) == ["file"]
