"""Read one journal: checked lines, rewinds applied, a torn tail tolerated and reported.

A journal is JSON Lines. A line starts with its sequence number and ends with a fixed tail of 18
bytes, `,"crc":"408213e6"}`, the crc32 of all bytes before the tail. An unfinished last line is the
normal state after a kill. A finished line with another checksum, or a gap in the numbers, is
damage: `FormatError` names file, line and byte.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.events import (
    KINDS,
    SCHEMA,
    STATUSES,
    Ask,
    End,
    Eval,
    Gate,
    Head,
    Items,
    Note,
    Open,
    Rewind,
    Status,
    Step,
    Tell,
)
from lessonplan.analysis.runs import Evaluation, Floats, Groups, Ints, ItemSet, Run, Steps
from lessonplan.errors import FormatError

TAIL_BYTES = 18
HEAD = re.compile(rb'\{"seq":(0|[1-9][0-9]{0,17}),"event":"([a-z_]+)",')  # as our writer has it
DAMAGE = "checksum differs. lessonplan doctor RUN --repair sets the line aside"
MAX_LINE = 64 * 2**20  # bytes; a step of 32 groups of 8 takes 4 kB, so this is no journal of ours

_Plain = Ask | End | Eval | Gate | Items | Note | Open | Rewind | Step  # what stays as it is read
Bits = NDArray[np.uint8]
E = TypeVar("E")
N = TypeVar("N", np.int64, np.float64)


class _RawTell(msgspec.Struct, gc=False):
    """A tell whose rewards, most of its text, are not taken apart yet."""

    step: int
    tickets: tuple[int, ...]
    rewards: msgspec.Raw
    status: tuple[Status, ...]
    tokens: tuple[float | None, ...] | None = None
    policy_steps: tuple[int, ...] | None = None


_head = msgspec.json.Decoder(Head)
_tell = msgspec.json.Decoder(Tell)
_decoders = {
    name: msgspec.json.Decoder(cast("type[_Plain]", kind))
    for name, kind in KINDS.items()
    if kind is not Tell
}
_raw_tell = msgspec.json.Decoder(_RawTell)


class _Place:
    """Where the reader stands, to say so when something is wrong."""

    def __init__(self, path: Path) -> None:
        self.name, self.line, self.offset = path.name, 0, 0

    def error(self, reason: str) -> FormatError:
        return FormatError(f"{self.name}:{self.line}, byte {self.offset}: {reason}")


def event_head(line: bytes) -> tuple[int, str]:
    """Number and kind of an event, in whatever order its keys stand."""
    found = HEAD.match(line)
    if found is not None:
        return int(found[1]), found[2].decode()
    head = _head.decode(line)
    return head.seq, head.event


def newer(opened: Open) -> str:
    """Why a journal of a later schema is not read."""
    return (
        f"schema {opened.schema} by {opened.writer}; this reader knows up to {SCHEMA}: "
        "upgrade lessonplan"
    )


def sound(body: bytes) -> bool:
    """Whether the line, without its newline, carries its own checksum."""
    crc = zlib.crc32(memoryview(body)[:-TAIL_BYTES])
    return body[-TAIL_BYTES:] == b',"crc":"%08x"}' % crc


def _lines(path: Path, place: _Place, repairs: list[str]) -> Iterator[bytes]:
    """Lines that carry their checksum, in order; a torn tail ends the file with a remark."""
    with path.open("rb") as file:
        end = 0
        while raw := file.readline(MAX_LINE + 1):
            place.line, place.offset = place.line + 1, end
            end += len(raw)
            whole = raw.endswith(b"\n")
            if len(raw) > MAX_LINE and not whole:
                raise place.error(f"line longer than {MAX_LINE} bytes: this is no journal")
            body = raw[:-1] if whole else raw
            if sound(body):
                if not whole:
                    repairs.append(f"{place.name}: the last line lacks its newline; kept")
                yield body
            elif whole:
                raise place.error(DAMAGE)
            else:
                repairs.append(
                    f"{place.name}: dropped {len(raw)} bytes after event {place.line - 2} "
                    "(unfinished write); nothing acknowledged was lost"
                )


@dataclass(frozen=True, slots=True)
class _Told:
    """A tell as arrays: as lists of lists, those of a long run take ten times its file."""

    tickets: Ints  # (m,)
    lengths: Ints  # (m,) completions of each group
    rewards: Floats | Bits  # (completions of all groups,)
    status: tuple[str, ...]  # (m,)
    tokens: Floats | None  # (m,)
    policy_steps: tuple[int, ...] | None  # (m,)

    @classmethod
    def of(cls, line: bytes) -> "_Told":
        event = _raw_tell.decode(line)
        lengths, rewards = _zeros_and_ones(bytes(event.rewards)) or _any_rewards(line)
        return cls(
            _ints(event.tickets),
            lengths,
            rewards,
            event.status,
            _numbers(event.tokens) if event.tokens else None,
            event.policy_steps,
        )


def _zeros_and_ones(text: bytes) -> tuple[Ints, Bits] | None:
    """Lengths and rewards of groups such as [[0,1],[1,1]], None where there is anything else.

    Decoding numbers one by one takes three times as long. The text is JSON; that it is a list of
    lists of single digits follows from its brackets and its length.
    """
    digits = text.translate(None, b"[],")
    groups = text[2:-2].split(b"],[")
    lengths = [(len(group) + 1) // 2 for group in groups]
    if (
        digits.translate(None, b"01")
        or text.count(b"[") != len(groups) + 1
        or sum(lengths) != len(digits)
    ):
        return None
    return _ints(lengths), np.frombuffer(digits, np.uint8) & np.uint8(1)  # "0" is 48


def _any_rewards(line: bytes) -> tuple[Ints, Floats]:
    rewards = _tell.decode(line).rewards
    lengths = np.fromiter(map(len, rewards), np.int64, len(rewards))
    return lengths, _numbers([*chain.from_iterable(rewards)])


Live = _Plain | _Told


def _events(path: Path, place: _Place, repairs: list[str]) -> Iterator[tuple[int, Live]]:
    """Typed events with their sequence numbers."""
    expected = 0
    for body in _lines(path, place, repairs):
        try:
            seq, kind = event_head(body)
            if kind == "tell":
                event: Live | None = _Told.of(body)
            else:
                decoder = _decoders.get(kind)
                event = decoder.decode(body) if decoder else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
            raise place.error(f"not an event of schema {SCHEMA}: {problem}") from None
        except OverflowError:
            raise place.error("tell: a number beyond 64 bits") from None
        if seq != expected:
            raise place.error(f"event {seq} where {expected} was due: lines are missing")
        expected += 1
        if event is None:
            repairs.append(f"{place.name}:{place.line}: event {kind!r} is unknown; skipped")
            continue
        if isinstance(event, Open) and event.schema > SCHEMA:
            raise place.error(newer(event))
        yield seq, event


class _Builder:
    """Collects live events; a rewind takes the superseded ones back and counts their waste."""

    def __init__(self, place: _Place) -> None:
        self.place = place
        self.live: list[tuple[int, Live]] = []
        self.names: dict[str, str] = {}  # one text for every problem, however often it is asked
        self.wasted = 0
        self.resumes: list[int] = []

    def add(self, seq: int, event: Live) -> None:
        if not self.live and not isinstance(event, Open):
            raise self.place.error("the first event must be open")
        if isinstance(event, Rewind):
            self._rewind(seq, event.to)
        else:
            self._check(event)
            if isinstance(event, Ask):
                event.ids = tuple(map(self.names.setdefault, event.ids, event.ids))
            self.live.append((seq, event))

    def _rewind(self, seq: int, to: int) -> None:
        if not 0 <= to < seq:
            raise self.place.error(f"rewind to {to} from event {seq}")
        keep = next((i for i, (s, _) in enumerate(self.live) if s > to), len(self.live))
        lost = [event for _, event in self.live[keep:]]
        del self.live[keep:]
        # A kill falls between tell and step as well: the larger count is what was generated.
        self.wasted += max(
            sum(e.rollouts for e in lost if isinstance(e, Step)),
            sum(len(e.rewards) for e in lost if isinstance(e, _Told)),
        )
        done = [e.step for _, e in self.live if isinstance(e, Step)]
        self.resumes.append(done[-1] if done else 0)

    def _check(self, event: Live) -> None:
        match event:
            case Items():
                if event.ids and len(event.ids) != len(event.levels):
                    raise self.place.error("items: ids and levels differ in length")
                if not event.levels:
                    raise self.place.error("items: an evaluation set needs items")
            case Ask():
                if len(event.ids) != len(event.levels):
                    raise self.place.error("ask: ids and levels differ in length")
                if any(
                    part is not None and len(part) != len(event.ids)
                    for part in (event.rollouts, event.purposes)
                ):
                    raise self.place.error("ask: ids, rollouts and purposes differ in length")
            case _Told():
                sizes = {len(event.tickets), len(event.lengths), len(event.status)}
                if event.policy_steps is not None:
                    sizes.add(len(event.policy_steps))
                if event.tokens is not None:
                    sizes.add(len(event.tokens))
                if len(sizes) > 1:
                    raise self.place.error("tell: tickets, rewards and status differ in length")
            case Eval():
                counts = [event.correct, event.formatted, event.trace, event.truncated]
                if event.samples < 1 or any(
                    part and not 0 <= min(part) <= max(part) <= event.samples for part in counts
                ):
                    raise self.place.error(f"eval: a count outside 0..{event.samples} samples")
                if any(part and len(part) != len(event.correct) for part in counts):
                    raise self.place.error("eval: lists differ in length")

    def of(self, kind: type[E]) -> list[E]:
        return [event for _, event in self.live if type(event) is kind]

    def end(self) -> End | None:
        """The closing event, unless the run went on after it."""
        told = [event for _, event in self.live if not isinstance(event, Note)]
        return told[-1] if isinstance(told[-1], End) else None


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _steps(events: list[Step]) -> Steps:
    phases = sorted({name for e in events for name in e.seconds})
    scalars = sorted({name for e in events for name in e.scalars})
    return Steps(
        step=_ints([e.step for e in events]),
        rollouts=_ints([e.rollouts for e in events]),
        tokens=_ints([e.tokens for e in events]),
        seconds={k: _numbers([e.seconds.get(k, 0.0) for e in events]) for k in phases},
        scalars={k: _numbers([e.scalars.get(k) for e in events]) for k in scalars},
    )


def _groups(asks: list[Ask], tells: list[_Told], place: _Place) -> Groups:
    sizes = [len(ask.ids) for ask in asks]
    first = np.repeat(_ints([ask.ticket for ask in asks]), sizes)
    tickets = first + _counted(sizes)  # (g,)
    told = _joined([tell.tickets for tell in tells], np.int64)
    at = _rows(tickets, told, place)  # (told,)
    lengths = _joined([tell.lengths for tell in tells], np.int64)
    width = int(lengths.max(initial=0))
    status, rollouts = np.zeros(len(tickets), np.int64), np.zeros(len(tickets), np.int64)
    rewards = np.full((len(tickets), width), np.nan)
    tokens = np.full(len(tickets), np.nan)
    asked = np.repeat(_ints([ask.step for ask in asks]), sizes)
    policy_step = asked.copy()
    if tells:
        codes = {name: code for code, name in enumerate(STATUSES)}
        status[at] = [codes[name] for tell in tells for name in tell.status]
        rollouts[at] = lengths
        flat = np.concatenate([tell.rewards for tell in tells])
        if (lengths == width).all():
            rewards[at] = flat.reshape(len(at), width)
        else:
            rewards[np.repeat(at, lengths), _counted(lengths)] = flat
        tokens[at] = _joined(
            [np.full(len(t.tickets), np.nan) if t.tokens is None else t.tokens for t in tells],
            np.float64,
        )
        done = 0
        for tell in tells:
            if tell.policy_steps is not None:
                policy_step[at[done : done + len(tell.tickets)]] = tell.policy_steps
            done += len(tell.tickets)
    return Groups(
        ticket=tickets,
        step=asked,
        ids=tuple(chain.from_iterable(ask.ids for ask in asks)),
        level=_ints([level for ask in asks for level in ask.levels]),
        status=status,
        rewards=rewards,
        rollouts=rollouts,
        tokens=tokens,
        purpose=tuple(chain.from_iterable(a.purposes or ("train",) * len(a.ids) for a in asks)),
        policy_step=policy_step,
    )


def _joined(parts: list[NDArray[N]], kind: type[N]) -> NDArray[N]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _counted(sizes: Sequence[int] | Ints) -> Ints:
    """0, 1, ..., size - 1 for each size, one after another."""
    lengths = np.asarray(sizes, dtype=np.int64)
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _rows(tickets: Ints, told: Ints, place: _Place) -> Ints:
    """The row of each told ticket. Raises FormatError for one asked or told twice, or never."""
    order = np.argsort(tickets, kind="stable")
    ranked = tickets[order]
    if (ranked[1:] == ranked[:-1]).any():
        raise FormatError(f"{place.name}: a ticket was asked twice")
    found = np.searchsorted(ranked, told)
    known = found < len(ranked)
    known[known] = ranked[found[known]] == told[known]
    again = np.ones(len(told), dtype=bool)
    again[np.unique(told, return_index=True)[1]] = False
    wrong = ~known | again
    if wrong.any():
        one = int(np.argmax(wrong))
        what = "told before" if known[one] else "never asked"
        raise FormatError(f"{place.name}: tell of ticket {told[one]}, which was {what}")
    return np.asarray(order[found])


def _evaluations(
    evals: list[Eval], items: dict[str, ItemSet], place: _Place
) -> tuple[Evaluation, ...]:
    found = []
    for e in evals:
        if e.split not in items:
            raise FormatError(f"{place.name}: eval of {e.split!r} without an items event")
        if len(e.correct) != len(items[e.split].levels):
            raise FormatError(
                f"{place.name}: eval at step {e.step} has {len(e.correct)} counts, "
                f"{e.split!r} has {len(items[e.split].levels)} items"
            )
        formatted, trace, truncated = (
            None if part is None else _ints(part) for part in (e.formatted, e.trace, e.truncated)
        )
        found.append(
            Evaluation(
                step=e.step,
                split=e.split,
                decode=e.decode,
                samples=e.samples,
                correct=_ints(e.correct),
                formatted=formatted,
                trace=trace,
                truncated=truncated,
                tokens=e.tokens,
            )
        )
    return tuple(found)


def read_journal(path: str | Path) -> Run:
    """Read and check one journal.

    Raises FormatError, naming file, line and byte offset, for a wrong checksum, missing lines, an
    event that is not of schema 1, or events that contradict each other; OSError if the file cannot
    be opened. An unfinished last line is dropped and reported in `Run.repairs`.
    """
    path = Path(path)
    place, repairs = _Place(path), list[str]()
    builder = _Builder(place)
    for seq, event in _events(path, place, repairs):
        builder.add(seq, event)
    if not builder.live:
        raise place.error("no complete event: the journal is empty")
    opens, gates, end = builder.of(Open), builder.of(Gate), builder.end()
    if any(other.run != opens[0].run for other in opens):
        raise FormatError(f"{path.name}: two runs in one journal")
    try:
        items: dict[str, ItemSet] = {
            e.split: ItemSet(e.split, e.fingerprint, _ints(e.levels)) for e in builder.of(Items)
        }
        groups = _groups(builder.of(Ask), builder.of(_Told), place)
        steps = _steps(builder.of(Step))
        evals = _evaluations(builder.of(Eval), items, place)
    except OverflowError:
        raise FormatError(f"{path.name}: a whole number beyond 64 bits") from None
    return Run(
        file=path.name,
        info=opens[0].run,
        status=end.status if end else "unfinished",
        error=end.error if end else None,
        writer=opens[0].writer,
        steps=steps,
        groups=groups,
        evals=evals,
        items=items,
        gate=gates[-1] if gates else None,
        ledger=end.ledger if end else groups.counts(),
        totals=end.totals if end else {},
        wasted=builder.wasted,
        resumes=tuple(builder.resumes),
        repairs=tuple(repairs),
        notes=tuple(e.text for e in builder.of(Note)),
    )
