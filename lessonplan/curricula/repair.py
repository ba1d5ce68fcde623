"""Look through a journal for damage, and set damaged lines aside so that the rest can be read."""

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lessonplan.curricula.journal import intact
from lessonplan.curricula.lock import Lock
from lessonplan.curricula.state import write_atomically
from lessonplan.errors import FormatError


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a journal: line from 1, where the line starts, what is wrong, its bytes.

    A gap between two sound lines has no bytes of its own.
    """

    line: int
    byte: int
    reason: str
    raw: bytes = b""


def find_damage(path: str | os.PathLike[str]) -> list[Damage]:
    """Every place where a journal cannot be read on, in order.

    An unfinished last line is the normal state after a kill and no damage. Raises OSError.
    """
    return _scan(Path(path)).damage


def repair(path: str | os.PathLike[str]) -> list[Damage]:
    """Move damaged lines to a `.bad` file beside the journal and leave notes in their place.

    Rewards whose ask is lost, and evaluations whose items are lost, go with them: nobody can say
    what they belong to. The bad lines are on the disk before the journal is replaced, as a whole
    or not at all. Returns what was found; an intact journal is left as it is.

    Raises FormatError, with nothing changed, when the event that says what the run is was lost,
    or one that took earlier events back. Raises LockedError when the run is being written.
    """
    path = Path(path)
    with Lock(path.with_name(f".{path.name}.lock"), what=str(path)):
        scan = _scan(path)
        if not scan.damage:
            return []
        if 0 not in scan.sound or scan.asked_twice:
            lost = "went back to an earlier event" if 0 in scan.sound else "says what the run is"
            raise FormatError(
                f"{path}: the event that {lost} is lost, so the rest means nothing. Nothing was "
                "changed\nMove the file away, and the study does this run again"
            )
        with path.with_suffix(".bad").open("ab") as bad:
            bad.writelines(damage.raw for damage in scan.damage)
            bad.flush()
            os.fsync(bad.fileno())
        write_atomically(path, b"".join(_mended(scan)))
    return scan.damage


@dataclass(slots=True)
class _Scan:
    """What one pass over a journal finds."""

    sound: dict[int, bytes] = field(default_factory=dict)  # line by sequence number
    damage: list[Damage] = field(default_factory=list)
    asked_twice: bool = False  # a ticket: the rewind between the two asks is lost


def _scan(path: Path) -> _Scan:
    scan, due, byte = _Scan(), 0, 0
    asked: dict[int, int] = {}  # ticket -> number of its ask
    items: dict[str, int] = {}  # evaluation split -> number of its items event
    bad_before = False  # the line before explains a gap
    with path.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            place, byte = byte, byte + len(raw)
            if not intact(raw.rstrip(b"\n")):
                if raw.endswith(b"\n"):
                    scan.damage.append(Damage(line, place, "checksum differs", raw))
                bad_before = True
                continue
            event = json.loads(raw)
            seq = int(event["seq"])
            if seq < due:
                reason = f"event {seq} where {due} was due"
                scan.damage.append(Damage(line, place, reason, raw))
                continue
            if seq > due and not bad_before:
                reason = f"event {seq} where {due} was due: lines are missing"
                scan.damage.append(Damage(line, place, reason))
            due, bad_before = seq + 1, False
            if scan.damage and (lost := _lost(event, asked, items)):
                scan.damage.append(Damage(line, place, f"{lost} is lost", raw))
                continue
            scan.sound[seq] = raw if raw.endswith(b"\n") else raw + b"\n"
            match event["event"]:
                case "ask":
                    tickets = range(event["ticket"], event["ticket"] + len(event["ids"]))
                    scan.asked_twice |= any(ticket in asked for ticket in tickets)
                    asked.update(dict.fromkeys(tickets, seq))
                case "items":
                    items[event["split"]] = seq
                case "rewind":
                    asked = {one: at for one, at in asked.items() if at <= event["to"]}
                    items = {one: at for one, at in items.items() if at <= event["to"]}
    return scan


def _lost(event: dict[str, object], asked: dict[int, int], items: dict[str, int]) -> str:
    """What an event refers to that is not there, in words; empty when nothing is missing."""
    tickets = event.get("tickets")
    if event["event"] == "tell" and isinstance(tickets, list):
        return "" if asked.keys() >= set(tickets) else "the ask of these rewards"
    if event["event"] == "eval":
        return "" if event["split"] in items else "the list of the evaluated items"
    return ""


def _mended(scan: _Scan) -> Iterator[bytes]:
    """The sound lines, with a note under every number that is lost, and at least one in all."""
    last = max(scan.sound)
    missing = [seq for seq in range(last) if seq not in scan.sound] or [last + 1]
    places = ", ".join(f"line {one.line} ({one.reason})" for one in scan.damage)
    notes = {seq: _note(seq, f"repaired: lost, see event {missing[0]}") for seq in missing}
    notes[missing[0]] = _note(missing[0], f"repaired: lost at {places}")
    lines = scan.sound | notes
    return (lines[seq] for seq in sorted(lines))


def _note(seq: int, text: str) -> bytes:
    body = json.dumps({"seq": seq, "event": "note", "text": text}, separators=(",", ":"))[:-1]
    return b'%s,"crc":"%08x"}\n' % (body.encode(), zlib.crc32(body.encode()))
