"""Summarize journals of any length in little memory: budgets, groups, and every evaluation.

summary = summarize_journal("runs/large/journals/run.jsonl")
summary.rollouts, summary.evals[-1].accuracy
summaries = summarize_journals(sorted(Path("runs/large/journals").glob("*.jsonl")))

Every line's number and checksum is checked, but rewards and ids are counted, not decoded. What
contradicts itself under a right checksum is for `read_journal` to find.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from lessonplan.analysis.events import (
    KINDS,
    SCHEMA,
    STATUSES,
    Ask,
    End,
    Eval,
    Items,
    Open,
    Rewind,
    RunInfo,
    StepCosts,
    Tell,
)
from lessonplan.analysis.journals import DAMAGE, HEAD, MAX_LINE, event_head, newer, sound
from lessonplan.analysis.runs import Ints
from lessonplan.errors import FormatError

PART = 2**26  # bytes below which a second process costs more than it saves: it starts in 0.3 s
MARK = 4096  # lines between two remembered places, for rewinds
WINDOW = 2**22  # bytes read at once
FIRST = 2**24  # bytes at the start in which evaluation sets are looked for, before parts are read

# What a writer in the documented order of keys puts there; any other order is decoded instead.
STEP = re.compile(rb'"step":[0-9]+,')
TICKETS, REWARDS, STATUS = b'"tickets":[', b'],"rewards":[', b'],"status":['
ASK, LEVELS = re.compile(rb'"step":[0-9]+,"ticket":[0-9]+,"ids":\['), b'],"levels":['
TOLD = tuple((name, b'"%s"' % name.encode()) for name in STATUSES[1:])
COSTLY = ("ask", "tell", "step")  # the events that a rewind takes back

_step = msgspec.json.Decoder(StepCosts)
_eval = msgspec.json.Decoder(Eval)
_items = msgspec.json.Decoder(Items)
_tell = msgspec.json.Decoder(Tell)
_ask = msgspec.json.Decoder(Ask)
_open = msgspec.json.Decoder(Open)
_rewind = msgspec.json.Decoder(Rewind)
_end = msgspec.json.Decoder(End)


@dataclass(slots=True)
class Costs:
    """What some steps generated and how their groups ended."""

    steps: int = 0
    rollouts: int = 0
    tokens: int = 0
    told: int = 0  # completions in tells, for steps that a kill left without an event
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    groups: Counter[str] = field(default_factory=Counter)  # by status, and "asked"

    def add(self, other: "Costs", sign: int = 1) -> None:
        self.steps += sign * other.steps
        self.rollouts += sign * other.rollouts
        self.tokens += sign * other.tokens
        self.told += sign * other.told
        for phase, spent in other.seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + sign * spent
        for status, count in other.groups.items():
            self.groups[status] += sign * count


@dataclass(frozen=True, slots=True)
class EvalPoint:
    """One evaluation: right answers by level, and what the run had spent on training by then."""

    seq: int
    step: int
    split: str
    decode: str
    samples: int
    levels: Ints  # (L,)
    correct: Ints  # (L,) out of items x samples
    items: Ints  # (L,)
    rollouts: int
    tokens: int
    seconds: float

    @property
    def accuracy(self) -> float:
        """Share of right answers over all items."""
        return float(self.correct.sum() / (self.items.sum() * self.samples))


@dataclass(frozen=True, slots=True)
class JournalSummary:
    """What a run was, did and reached, rewinds applied."""

    file: str
    info: RunInfo
    status: str  # "done", "failed", "interrupted", or "unfinished" without an end event
    events: int  # lines, superseded ones included
    steps: int
    rollouts: int
    tokens: int
    wasted: int  # rollouts that rewinds superseded
    seconds: dict[str, float]  # by phase
    groups: dict[str, int]  # by status, "open" among them
    evals: tuple[EvalPoint, ...]
    rewinds: int
    repairs: tuple[str, ...]


@dataclass(slots=True)
class _Part:
    """What the lines from byte `start` to `stop` say; lines are counted from its own first."""

    start: int
    first: int = -1  # seq of its first line
    lines: int = 0
    costs: Costs = field(default_factory=Costs)
    opens: list[Open] = field(default_factory=list)
    evals: list[EvalPoint] = field(default_factory=list)  # spent: since the start of the part
    rewinds: list[tuple[int, int]] = field(default_factory=list)  # seq, to
    ends: list[tuple[int, End]] = field(default_factory=list)
    unknown: list[tuple[int, str]] = field(default_factory=list)  # line, event
    last: int = -1  # seq of the last event that is no note
    marks: list[int] = field(default_factory=list)  # byte of every MARK-th line
    torn: int = 0  # bytes of an unfinished last line
    lacks_newline: bool = False
    opens_first: bool = False
    fault: tuple[int, int, str] | None = None  # line, byte, what ended the reading
    strange: str = ""  # a split whose evaluation set stands in another part


_Job: TypeAlias = tuple[int, tuple[Path, int, int, dict[str, Ints]]]  # file, and what to scan


class _Fault(Exception):
    """Something wrong with one line."""


def summarize_journal(path: str | Path, *, processes: int = 2) -> JournalSummary:
    """Read a journal once and keep its totals and evaluations only.

    Files above 64 MB are read by `processes` processes. Memory does not grow with the file, but
    for 1 kB an evaluation. Raises FormatError, naming file, line and byte, like `read_journal`.
    """
    (found,) = summarize_journals([path], processes=processes)
    if isinstance(found, FormatError):
        raise found
    return found


def summarize_journals(
    paths: Iterable[str | Path], *, processes: int = 2
) -> tuple[JournalSummary | FormatError, ...]:
    """Summaries of several journals, in their order; of a damaged one, what is wrong with it.

    The bytes of all files together are cut into parts for `processes` processes, so that one large
    file among small ones is shared as well. OSError if a file cannot be opened.
    """
    files = [Path(path) for path in paths]
    sizes = [path.stat().st_size for path in files]
    most = max(1, min(processes, sum(sizes) // PART))
    jobs: list[_Job] = []
    for i, (path, size) in enumerate(zip(files, sizes, strict=True)):
        cuts = _cuts(path, size, max(1, min(most, size // PART)))
        sets = _first_items(path) if len(cuts) > 2 else {}
        jobs += [(i, (path, start, stop, sets)) for start, stop in itertools.pairwise(cuts)]
    if most == 1:
        found = [_scan(*job) for _, job in jobs]
    else:  # spawn: a fork of a process with threads (numpy has some) may hang
        with ProcessPoolExecutor(most, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(_job, jobs, chunksize=1 + len(jobs) // (8 * most)))
    parts: list[list[_Part]] = [[] for _ in files]
    for (i, _), part in zip(jobs, found, strict=True):
        parts[i].append(part)
    return tuple(_summary(*one) for one in zip(files, sizes, parts, strict=True))


def _job(job: _Job) -> _Part:
    return _scan(*job[1])


def _summary(path: Path, size: int, parts: list[_Part]) -> JournalSummary | FormatError:
    if len(parts) > 1 and any(part.strange for part in parts):
        parts = [_scan(path, 0, size, {})]
    try:
        return _joined(path, parts)
    except FormatError as problem:
        return problem


def _cuts(path: Path, size: int, parts: int) -> list[int]:
    """Bytes at which the parts begin, each at the start of a line, and the end."""
    cuts = [0]
    with path.open("rb") as file:
        for i in range(1, parts):
            file.seek(size * i // parts)
            file.readline(MAX_LINE + 1)
            if cuts[-1] < file.tell() < size:
                cuts.append(file.tell())
    return [*cuts, size]


def _first_items(path: Path) -> dict[str, Ints]:
    """The evaluation sets that stand at the start, where our writer puts them."""
    found: dict[str, Ints] = {}
    with path.open("rb") as file:
        for line in file.read(FIRST).split(b"\n"):
            head = HEAD.match(line)
            if head is not None and head[2] == b"items":
                try:
                    items = _items.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    continue  # the scan says what is wrong with it
                found[items.split] = np.array(items.levels, dtype=np.int64)
    return found


def _lines(path: Path, start: int, stop: int) -> Iterator[tuple[bytes, bool]]:
    """Lines from bytes `start` to `stop` without their newlines, and whether they had one."""
    rest = b""
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (window := file.read(min(WINDOW, stop - start))):
            start += len(window)
            lines = (rest + window).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield line, True
            if len(rest) > MAX_LINE:
                break
    if rest:
        yield rest, len(rest) > MAX_LINE


def _scan(path: Path, start: int, stop: int, sets: dict[str, Ints]) -> _Part:
    """Check and count the lines of one part; what is wrong with one stands in `fault`."""
    part = _Part(start)
    at, sets = start, dict(sets)
    try:
        for line, whole in _lines(path, start, stop):
            part.lines += 1
            if len(line) > MAX_LINE:
                raise _Fault(f"line longer than {MAX_LINE} bytes: this is no journal")
            if not sound(line):
                if whole:
                    raise _Fault(DAMAGE)
                part.lines -= 1
                part.torn = len(line)
                break
            part.lacks_newline = not whole
            if part.lines % MARK == 1:
                part.marks.append(at)
            _take(part, line, sets)
            at += len(line) + 1
    except _Fault as problem:
        part.fault = (part.lines, at, str(problem))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        part.fault = (part.lines, at, f"not an event of schema {SCHEMA}: {problem}")
    return part


def _take(part: _Part, line: bytes, sets: dict[str, Ints]) -> None:
    """Count one sound line."""
    head = HEAD.match(line)
    seq, event = (int(head[1]), head[2].decode()) if head is not None else event_head(line)
    if part.first < 0:
        part.first = seq
    elif seq != part.first + part.lines - 1:
        due = part.first + part.lines - 1
        raise _Fault(f"event {seq} where {due} was due: lines are missing")
    if event == "tell":
        _take_tell(part.costs, line, head.end() if head is not None else 0)
    elif event == "ask":
        part.costs.groups["asked"] += _asked(line, head.end() if head is not None else 0)
    elif event == "step":
        done = _step.decode(line)
        part.costs.steps += 1
        part.costs.rollouts += done.rollouts
        part.costs.tokens += done.tokens
        for name, spent in done.seconds.items():
            part.costs.seconds[name] = part.costs.seconds.get(name, 0.0) + spent
    elif event == "eval":
        _take_eval(part, seq, _eval.decode(line), sets)
    elif event == "items":
        items = _items.decode(line)
        sets[items.split] = np.array(items.levels, dtype=np.int64)
    elif event == "open":
        opened = _open.decode(line)
        if opened.schema > SCHEMA:
            raise _Fault(newer(opened))
        part.opens_first = part.opens_first or part.lines == 1
        part.opens.append(opened)
    elif event == "rewind":
        to = _rewind.decode(line).to
        if not 0 <= to < seq:
            raise _Fault(f"rewind to {to} from event {seq}")
        part.rewinds.append((seq, to))
    elif event == "end":
        part.ends.append((seq, _end.decode(line)))
    elif event not in KINDS:
        part.unknown.append((part.lines, event))
        return
    if event != "note":
        part.last = seq


def _take_tell(costs: Costs, line: bytes, at: int) -> None:
    """Groups by status and completions of a tell, counted in its text where that is as usual."""
    step = STEP.match(line, at)
    if step is not None and line.startswith(TICKETS, step.end()):
        tickets = step.end() + len(TICKETS)
        rewards = line.find(REWARDS, tickets)
        status = line.find(STATUS, rewards)
        # Between numbers there is no quote: the next one opens the next key, so these are the keys.
        if (
            0 < rewards < status
            and line.find(b'"', tickets) == rewards + 2
            and line.find(b'"', rewards + len(REWARDS)) == status + 2
        ):
            asked = line.count(b",", tickets, rewards) + (rewards > tickets)
            status += len(STATUS)
            end = line.find(b"]", status)
            left = asked
            if line.count(b",", status, end) + (end > status) != asked:
                raise _Fault("tell: tickets, rewards and status differ in length")
            for name, word in TOLD:  # the commonest first
                if count := line.count(word, status, end):
                    costs.groups[name] += count
                    left -= count
                    if not left:
                        break
            else:
                if left:  # a status of another name: the decoder raises, and says which
                    _tell.decode(line)
            begin, end = rewards + len(REWARDS), status - len(STATUS)
            if end > begin:
                costs.told += line.count(b",", begin, end) + 1 - line.count(b"[]", begin, end)
            return
    told = _tell.decode(line)
    costs.groups.update(told.status)
    costs.told += sum(map(len, told.rewards))


def _asked(line: bytes, at: int) -> int:
    """Problems of an ask; a quote inside an id is escaped, so the text found is the key."""
    if ASK.match(line, at) is not None and (begin := line.find(LEVELS, at)) > 0:
        begin += len(LEVELS)
        end = line.find(b"]", begin)
        return line.count(b",", begin, end) + (end > begin)
    return len(_ask.decode(line).ids)


def _take_eval(part: _Part, seq: int, found: Eval, sets: dict[str, Ints]) -> None:
    if found.split not in sets:
        part.strange = found.split
        return
    codes = sets[found.split]  # (M,)
    if len(found.correct) != len(codes):
        raise _Fault(
            f"eval at step {found.step} has {len(found.correct)} counts, "
            f"{found.split!r} has {len(codes)} items"
        )
    if found.samples < 1 or not 0 <= min(found.correct) <= max(found.correct) <= found.samples:
        raise _Fault(f"eval: a count outside 0..{found.samples} samples")
    levels, inverse = np.unique(codes, return_inverse=True)
    right = np.bincount(inverse, weights=found.correct).astype(np.int64)
    costs = part.costs
    part.evals.append(
        EvalPoint(
            seq=seq,
            step=found.step,
            split=found.split,
            decode=found.decode,
            samples=found.samples,
            levels=levels,
            correct=right,
            items=np.bincount(inverse),
            rollouts=costs.rollouts,
            tokens=costs.tokens,
            seconds=float(sum(costs.seconds.values())),
        )
    )


# -- parts to one summary -----------------------------------------------------------------------


def _joined(path: Path, parts: list[_Part]) -> JournalSummary:
    """Put parts together, apply rewinds, and raise whatever is wrong, first things first."""
    name, lines, costs, repairs = path.name, 0, Costs(), list[str]()
    evals: list[EvalPoint] = []
    for part in parts:
        if part.first >= 0 and part.first != lines:
            raise FormatError(
                f"{name}:{lines + 1}, byte {part.start}: event {part.first} where {lines} was due: "
                "lines are missing"
            )
        if part.fault is not None:
            line, at, reason = part.fault
            raise FormatError(f"{name}:{lines + line}, byte {at}: {reason}")
        if part.strange:
            raise FormatError(f"{name}: eval of {part.strange!r} without an items event")
        for line, event in part.unknown:
            repairs.append(f"{name}:{lines + line}: event {event!r} is unknown; skipped")
        lines += part.lines
        evals += [_later(one, costs) for one in part.evals]
        costs.add(part.costs)
    last = parts[-1]
    if not lines:
        raise FormatError(f"{name}: no complete event: the journal is empty")
    opens = [one for part in parts for one in part.opens]
    if not parts[0].opens_first:
        raise FormatError(f"{name}:1, byte 0: the first event must be open")
    if any(one.run != opens[0].run for one in opens):
        raise FormatError(f"{name}: two runs in one journal")
    if last.lacks_newline:
        repairs.append(f"{name}: the last line lacks its newline; kept")
    if last.torn:
        repairs.append(
            f"{name}: dropped {last.torn} bytes after event {lines - 1} (unfinished write); "
            "nothing acknowledged was lost"
        )
    rewinds = [one for part in parts for one in part.rewinds]
    wasted, dead = 0, list[tuple[int, int]]()
    for seq, to in rewinds:
        lost = Costs()
        for low, high in _alive(to + 1, seq, dead):
            lost.add(_between(path, parts, low, high))
        dead.append((to + 1, seq))
        wasted += max(lost.rollouts, lost.told)
        costs.add(lost, -1)
        # what came later had these counted in; evaluations within are superseded themselves
        evals = [_later(one, lost, -1) if one.seq > seq else one for one in evals]
    evals = [one for one in evals if not any(low <= one.seq < high for low, high in dead)]
    ends = [one for part in parts for one in part.ends]
    end = ends[-1][1] if ends and ends[-1][0] == max(part.last for part in parts) else None
    told = {name: int(costs.groups[name]) for name in STATUSES[1:]}
    return JournalSummary(
        file=name,
        info=opens[0].run,
        status=end.status if end else "unfinished",
        events=lines,
        steps=costs.steps,
        rollouts=costs.rollouts,
        tokens=costs.tokens,
        wasted=wasted,
        seconds=dict(costs.seconds),
        groups={"open": int(costs.groups["asked"]) - sum(told.values()), **told},
        evals=tuple(evals),
        rewinds=len(rewinds),
        repairs=tuple(repairs),
    )


def _later(one: EvalPoint, costs: Costs, sign: int = 1) -> EvalPoint:
    return replace(
        one,
        rollouts=one.rollouts + sign * costs.rollouts,
        tokens=one.tokens + sign * costs.tokens,
        seconds=one.seconds + sign * float(sum(costs.seconds.values())),
    )


def _alive(low: int, high: int, dead: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges of numbers from `low` up to `high` that no earlier rewind superseded."""
    ranges = [(low, high)]
    for begin, end in dead:
        ranges = [
            piece
            for one in ranges
            for piece in ((one[0], min(one[1], begin)), (max(one[0], end), one[1]))
            if piece[0] < piece[1]
        ]
    return ranges


def _between(path: Path, parts: list[_Part], low: int, high: int) -> Costs:
    """The costs of the events from number `low` up to `high`, read again."""
    part = next(one for one in reversed(parts) if one.first <= low and one.lines)
    mark = (low - part.first) // MARK
    number = part.first + mark * MARK
    found = _Part(0)
    for line, _ in _lines(path, part.marks[mark], path.stat().st_size):
        if number >= high:
            break
        head = HEAD.match(line)
        event = head[2].decode() if head is not None else event_head(line)[1]
        if number >= low and event in COSTLY:
            found.first, found.lines = number, 1
            _take(found, line, {})
        number += 1
    return found.costs
