"""Event files: one of the real library, and the faults they can have."""

import struct
from pathlib import Path

import numpy as np
import pytest

from lessonplan.analysis.log_formats import read_log
from lessonplan.analysis.tensorboard_logs import masked_crc, read_scalars, read_tensorboard
from lessonplan.errors import ConfigError, FormatError

# Written by torch.utils.tensorboard.SummaryWriter (tensorboard 2.21): rewards .25, .5, .75 at steps
# 1 to 3, step_time 2, an evaluation of .625, two new-style scalars, a text and a histogram.
REAL = Path(__file__).parents[1] / "assets" / "events.out.tfevents.1000"


def test_checksum_is_the_published_one():
    # CRC-32C of "123456789" is e3069283 (RFC 3720); TFRecord turns it by 15 bits and adds
    crc = 0xE3069283
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc(b"123456789") == masked
    assert masked_crc(bytes(32)) == ((((0x8A9136AA >> 15) | (0x8A9136AA << 17)) + 0xA282EAD8)
                                     & 0xFFFFFFFF)  # fmt: skip


def test_a_file_of_the_real_library():
    table = read_log(REAL)
    assert table.split.tolist() == ["train"] * 3 + ["eval"]
    assert table.step.tolist() == [1, 2, 3, 3]
    assert table.accuracy.tolist() == [0.25, 0.5, 0.75, 0.625]
    assert table.seconds.tolist() == [2, 4, 6, 6]
    values = read_scalars([REAL]).values
    assert sorted(values) == [
        "eval/reward", "train/new_style", "train/new_style_double", "train/reward",
        "train/step_time",
    ]  # fmt: skip
    assert values["train/new_style"][-1] == 1.5 and values["train/new_style_double"][-1] == 2.5


def test_the_library_if_it_is_here(tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path)
    for step in (1, 300, 2**40):
        writer.add_scalar("train/reward", 0.5, step)
    writer.close()
    assert read_tensorboard(tmp_path).step.tolist() == [1, 300, 2**40]


def test_a_kill_at_any_byte_leaves_what_was_whole(tmp_path):
    whole = REAL.read_bytes()
    path = tmp_path / "events.out.tfevents.1.cut"
    seen = set()
    for cut in range(200, len(whole), 41):
        path.write_bytes(whole[:cut])
        try:
            table = read_tensorboard(path)
        except FormatError as error:
            assert "no scalars" in str(error)
            continue
        seen.add(len(table))
    assert seen == {1, 2, 3, 4}
    path.write_bytes(whole[:-1])
    assert any("unfinished record" in note for note in read_tensorboard(path).notes)


def test_every_flipped_byte_of_a_record_is_noticed(tmp_path):
    whole = REAL.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    start = 16 + size  # of the second record, the first scalar
    second = 16 + struct.unpack("<Q", whole[start : start + 8])[0]
    path = tmp_path / "events.out.tfevents.1.bad"
    for at in range(start, start + second):
        broken = bytearray(whole)
        broken[at] ^= 16
        path.write_bytes(broken)
        with pytest.raises(FormatError, match=f"bad, record 2, byte {start}: checksum"):
            read_tensorboard(path)


def record(data):
    head = struct.pack("<Q", len(data))
    crcs = [struct.pack("<I", masked_crc(part)) for part in (head, data)]
    return head + crcs[0] + data + crcs[1]


@pytest.mark.parametrize(
    "data",
    [b"\x2a\xff\x01x", b"\x10" + b"\x80" * 12, b"\x10", b"\x2a\x02\x0a\x05", b"\x2b", b"\x0f1234"],
)
def test_what_is_no_event_under_a_right_checksum(tmp_path, data):
    path = tmp_path / "events.out.tfevents.1.bad"
    path.write_bytes(record(data))
    with pytest.raises(FormatError, match="record 1, byte 0: not an event"):
        read_tensorboard(path)


def test_only_format_errors_for_random_bytes(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "events.out.tfevents.1.bad"
    for size in rng.integers(0, 60, 300):
        path.write_bytes(record(rng.bytes(size)))
        with pytest.raises((FormatError, ConfigError)):
            read_tensorboard(path)
        path.write_bytes(rng.bytes(size))
        with pytest.raises((FormatError, ConfigError)):
            read_tensorboard(path)


def test_folders_of_one_run_and_of_several(tmp_path):
    whole = REAL.read_bytes()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "events.out.tfevents.1.x").write_bytes(whole)
    (tmp_path / "a" / "events.out.tfevents.2.x").write_bytes(whole)  # a resume
    table = read_tensorboard(tmp_path)
    assert table.step.tolist() == [1, 2, 3, 3]
    assert any("logged twice" in note for note in table.notes)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "events.out.tfevents.1.x").write_bytes(whole)
    with pytest.raises(ConfigError, match="event files of 2 runs; give one of"):
        read_tensorboard(tmp_path)
    with pytest.raises(FormatError, match="no event file"):
        (tmp_path / "c").mkdir()
        read_tensorboard(tmp_path / "c")
