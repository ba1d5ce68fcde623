"""What a training engine talks to: a pool, a sampler, gates, tickets and a journal in one."""

import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Literal, NamedTuple, Self, TypeAlias, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.gates import Gate
from lessonplan.curricula.journal import Event, Journal, read_events
from lessonplan.errors import RewardError, StateError, TicketError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.generators.splits import key_hash
from lessonplan.selection.base import Feedback, Rewards, Sampler
from lessonplan.selection.state import State, old_positions
from lessonplan.selection.success import SOLVED, Success

Status: TypeAlias = Literal["trained", "filtered", "stale", "failed", "discarded"]
STATUSES: tuple[Status, ...] = get_args(Status)
REMEMBERED = 4096  # closed tickets whose rewards are kept, to tell a repeat from a contradiction
STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Pick:
    """One problem to generate for; `ticket` must come back in exactly one Outcome."""

    ticket: int
    problem: Problem
    position: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the group of one ticket went.

    `rewards` are raw, one a rollout, NaN or None where it could not be scored; `status` is what
    the engine did with the group, before any gate; `tokens` counts what was generated; `extras`
    go into the journal as they are.
    """

    ticket: int
    rewards: Sequence[float | None]
    status: Status = "trained"
    policy_step: int | None = None
    tokens: int | None = None
    extras: Mapping[str, object] = field(default_factory=dict)


Group: TypeAlias = tuple[float, ...]  # the rewards of one group, NaN where unscorable


class _Issued(NamedTuple):
    position: int
    step: int


class _Closed(NamedTuple):
    rewards: Group
    status: Status


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    """A state as `state_dict` made it, checked field by field."""

    version: int
    pool: str
    problems: NDArray[np.uint64]
    sampler: str
    sampler_state: State
    next_ticket: int
    open: list[tuple[int, int, int]]
    closed: list[tuple[int, list[float | None], Status]]
    ledger: dict[str, int]
    totals: dict[str, int]
    journal_seq: int | None


class Curriculum:
    """Hand out problems under tickets, hear their rewards once, and write both down.

    `gates` decide which finished groups may train; the sampler is told of refused ones too. A
    group without any scorable reward is `failed` and teaches the sampler nothing. Decisions are a
    function of the pool, the sampler and the sequence of calls, so a restored Curriculum makes
    the picks of one that was never interrupted.

    With `journal`, every call is on file before it returns. A journal with earlier events must
    be continued through `load_state_dict` or `replay`, never silently.
    """

    def __init__(
        self,
        pool: Pool,
        sampler: Sampler,
        *,
        gates: Sequence[Gate] = (),
        success: Success = SOLVED,
        journal: Journal | str | os.PathLike[str] | None = None,
        run: Mapping[str, object] | None = None,
    ) -> None:
        self.pool, self.sampler, self.gates, self.success = pool, sampler, tuple(gates), success
        self.run = dict(run or {})
        self.journal = journal if isinstance(journal, Journal | None) else Journal(journal)
        self._continued = self.journal is None or self.journal.is_new
        self._next_ticket = 0
        self._open: dict[int, _Issued] = {}
        self._closed: dict[int, _Closed] = {}  # the last REMEMBERED, oldest first
        self._ledger: Counter[str] = Counter()  # closed tickets by status
        self._totals: Counter[str] = Counter()  # rollouts, tokens; repeated and refused tells
        self._lag = 0
        self._last: dict[str, float] = {}  # shares of the latest tell, for metrics

    # -- ask and tell ---------------------------------------------------------------------------

    def ask(self, k: int, *, step: int = 0) -> list[Pick]:
        """The next k problems, for the policy as it stands after `step` optimizer steps.

        Raises ValueError when k < 1, StateError when the journal holds an earlier run that was
        not restored.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        self.begin()
        self._lag = self.lag
        positions = self.sampler.ask(k)  # (k,)
        first = self._next_ticket
        picks = [
            Pick(first + j, self.pool[int(position)], int(position))
            for j, position in enumerate(positions)
        ]
        self._next_ticket += k
        self._open.update((pick.ticket, _Issued(pick.position, step)) for pick in picks)
        if self.journal is not None:
            self.journal.append(
                "ask",
                step=step,
                ticket=first,
                ids=[pick.problem.id for pick in picks],
                levels=self.pool.levels[positions],
            )
        return picks

    def tell(self, outcomes: Iterable[Outcome]) -> list[Status]:
        """Close tickets with their rewards; returns the final status of each outcome, in order.

        An equal outcome told twice changes nothing. Tickets may come in any order and in parts.
        Raises RewardError for an infinite or non-numeric reward, TicketError for an unknown
        ticket or a closed one with other rewards; nothing of the call is applied then.
        """
        outcomes = list(outcomes)
        fresh: dict[int, tuple[Outcome, Group]] = {}
        repeated = 0
        for outcome in outcomes:
            group = _checked(outcome)
            if outcome.ticket in self._open and outcome.ticket not in fresh:
                fresh[outcome.ticket] = (outcome, group)
            else:
                earlier = fresh[outcome.ticket][1] if outcome.ticket in fresh else None
                self._check_repeat(outcome.ticket, group, earlier)
                repeated += 1
        self._totals["repeated_tells"] += repeated
        if fresh:
            self._close([fresh[ticket] for ticket in sorted(fresh)])
        return [self._closed[outcome.ticket].status for outcome in outcomes]

    def abandon(self, tickets: Iterable[int] | None = None) -> None:
        """Close tickets that no rewards will come for (by default all open ones) as discarded."""
        self.tell([Outcome(ticket, (), "discarded") for ticket in tickets or sorted(self._open)])

    def _check_repeat(self, ticket: int, group: Group, earlier: Group | None) -> None:
        if earlier is None and ticket in self._closed:
            earlier = self._closed[ticket].rewards
        if earlier is None:
            self._totals["refused_tells"] += 1
            if 0 <= ticket < self._next_ticket:
                raise TicketError(
                    f"ticket {ticket} was closed more than {REMEMBERED} tickets ago; "
                    "its rewards can no longer be compared"
                )
            raise TicketError(
                f"ticket {ticket} was never issued; issued: 0..{self._next_ticket - 1}"
            )
        if not _same(group, earlier):
            self._totals["refused_tells"] += 1
            raise TicketError(
                f"ticket {ticket} is closed with rewards {list(earlier)}; "
                f"it cannot be told again with {list(group)}"
            )

    def _close(self, told: list[tuple[Outcome, Group]]) -> None:
        """Judge, write down and pass on the finished groups, in the order of their tickets."""
        width = max(1, *(len(group) for _, group in told))
        rewards = np.array(  # (m, G)
            [(*group, *[math.nan] * (width - len(group))) for _, group in told]
        )
        status = self._judge(told, rewards)
        issued = [self._open[outcome.ticket] for outcome, _ in told]
        if self.journal is not None:
            self._write_tell(told, status, issued)
        for (outcome, group), final in zip(told, status, strict=True):
            del self._open[outcome.ticket]
            self._closed[outcome.ticket] = _Closed(group, final)
            self._ledger[final] += 1
            self._totals["rollouts"] += len(group)
            self._totals["tokens"] += outcome.tokens or 0
        while len(self._closed) > REMEMBERED + len(told):  # those just told may be told again
            del self._closed[next(iter(self._closed))]
        self.sampler.tell(
            Feedback(
                positions=np.array([ticket.position for ticket in issued], dtype=np.int64),
                rewards=rewards,
                policy_steps=np.array([ticket.step for ticket in issued], dtype=np.int64),
            )
        )
        self._measure(rewards, issued)

    def _judge(self, told: list[tuple[Outcome, Group]], rewards: Rewards) -> list[Status]:
        """The engine's status, unless the group is unscorable or a gate refuses it."""
        # every gate sees every group: some of them count
        verdicts = [gate.accepts(rewards, self.success).tolist() for gate in self.gates]
        status: list[Status] = []
        for j, (outcome, group) in enumerate(told):
            if outcome.status != "trained":
                status.append(outcome.status)
            elif all(reward != reward for reward in group):
                status.append("failed")
            else:
                accepted = all(verdict[j] for verdict in verdicts)
                status.append("trained" if accepted else "filtered")
        return status

    def _write_tell(
        self, told: list[tuple[Outcome, Group]], status: list[Status], issued: list[_Issued]
    ) -> None:
        assert self.journal is not None
        fields: dict[str, object] = {}
        if any(outcome.tokens is not None for outcome, _ in told):
            fields["tokens"] = [outcome.tokens for outcome, _ in told]
        if any(outcome.extras for outcome, _ in told):
            fields["extras"] = [dict(outcome.extras) for outcome, _ in told]
        steps = [
            ticket.step if outcome.policy_step is None else outcome.policy_step
            for (outcome, _), ticket in zip(told, issued, strict=True)
        ]
        self.journal.append(
            "tell",
            step=max(steps),
            tickets=[outcome.ticket for outcome, _ in told],
            rewards=[group for _, group in told],
            status=status,
            **fields,
        )

    def _measure(self, rewards: Rewards, issued: list[_Issued]) -> None:
        wins = self.success(rewards)  # (m, G)
        right, wrong = (wins == 1).sum(axis=1).tolist(), (wins == 0).sum(axis=1).tolist()  # (m,)
        groups = [(k, k + f) for k, f in zip(right, wrong, strict=True) if k + f]
        if not groups:
            return
        m = len(groups)
        self._last = {
            "success": sum(k / g for k, g in groups) / m,
            "all_right": sum(k == g for k, g in groups) / m,
            "all_wrong": sum(k == 0 for k, _ in groups) / m,
            "level": sum(int(self.pool.levels[one.position]) for one in issued) / len(issued),
        }

    # -- what engines and people ask about ------------------------------------------------------

    @property
    def lag(self) -> int:
        """How many earlier asks (by policy step) are still waiting for rewards."""
        return len({ticket.step for ticket in self._open.values()})

    @property
    def ledger(self) -> dict[str, int]:
        """Tickets issued, closed by status, and open; issued is the sum of all the others."""
        counts: dict[str, int] = {status: self._ledger[status] for status in STATUSES}
        return {"issued": self._next_ticket, **counts, "open": len(self._open)}

    def metrics(self) -> dict[str, float]:
        """At most twelve numbers for an engine's own logger."""
        closed = self._next_ticket - len(self._open)
        kept = self._ledger["trained"] / closed if closed else 1.0
        own = dict(list(self.sampler.metrics().items())[:5])
        return {
            "lag": float(self._lag),
            "open": float(len(self._open)),
            "kept": kept,
            **self._last,
            **own,
        }

    # -- the run in the journal -----------------------------------------------------------------

    def begin(self) -> None:
        """Write the journal's first event; the first `ask` does it when nobody has before."""
        if not self._continued:
            assert self.journal is not None
            raise StateError(
                f"{self.journal.path} holds {self.journal.next_seq} events of an earlier run; "
                "resume it (load_state_dict, replay), or choose another path"
            )
        if self.journal is not None and self.journal.is_new:
            self.journal.open_run(self.run, pool=self._pool_facts(), curriculum=self._own_facts())

    def _pool_facts(self) -> dict[str, object]:
        levels, counts = np.unique(self.pool.levels, return_counts=True)
        return {
            "size": len(self.pool),
            "fingerprint": self.pool.fingerprint,
            "levels": dict(zip(levels.tolist(), counts.tolist(), strict=True)),
        }

    def _own_facts(self) -> dict[str, object]:
        return {
            "sampler": type(self.sampler).__name__,
            "gates": [type(gate).__name__ for gate in self.gates],
        }

    def record(self, event: str, **fields: object) -> None:
        """Write an engine's own event (`step`, `eval`, `note`) and wait for the disk."""
        if self.journal is not None:
            self.begin()
            self.journal.append(event, **fields)
            self.journal.sync()

    def finish(self, status: str = "done", *, error: str | None = None) -> None:
        """Write the closing event: how the run ended, the ledger, what was generated."""
        self.record(
            "end",
            status=status,
            error=error,
            ledger=self.ledger,
            totals=dict(self._totals),
            at=time.time(),
        )

    def close(self) -> None:
        """Close the journal; the Curriculum can no longer be asked."""
        if self.journal is not None:
            self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- state ----------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """All that later picks depend on, as JSON types and numpy arrays."""
        return {
            "version": STATE_VERSION,
            "pool": self.pool.fingerprint,
            "problems": self._problem_hashes,
            "sampler": type(self.sampler).__name__,
            "sampler_state": self.sampler.state_dict(),
            "next_ticket": self._next_ticket,
            "open": [[ticket, one.position, one.step] for ticket, one in self._open.items()],
            "closed": [
                [ticket, [None if r != r else r for r in one.rewards], one.status]
                for ticket, one in self._closed.items()
            ],
            "ledger": dict(self._ledger),
            "totals": dict(self._totals),
            "journal_seq": None if self.journal is None else self.journal.next_seq - 1,
        }

    @cached_property
    def _problem_hashes(self) -> NDArray[np.uint64]:
        """(N,) 64 bits of every problem's id, by which a state finds its problems again."""
        hashes = (key_hash(problem_id) for problem_id in self.pool.ids)
        return np.fromiter(hashes, np.uint64, len(self.pool))

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state; picks follow as if nothing had happened in between.

        Call it on a freshly built Curriculum. Statistics follow a problem's id when the pool was
        reordered, extended or cut; open tickets of problems that are gone are discarded. A journal
        that went on after the save is rewound. Raises StateError, with nothing loaded, when the
        state is of another sampler or version, shares no problem with the pool, or is newer than
        the journal.
        """
        saved = self._checked_state(state)
        sampler_state = saved.sampler_state
        moved = np.arange(len(self.pool))
        if saved.pool != self.pool.fingerprint:
            moved = old_positions(saved.problems.tolist(), self._problem_hashes.tolist())  # (N,)
            if (moved < 0).all():
                raise StateError(
                    f"the state belongs to another pool: none of its {len(saved.problems)} "
                    f"problems is among these {len(self.pool)}; nothing was loaded"
                )
            sampler_state = self.sampler.remap(sampler_state, moved)
        self.sampler.load_state_dict(sampler_state)
        here = {int(old): new for new, old in enumerate(moved) if old >= 0}
        self._next_ticket = saved.next_ticket
        self._open = {
            ticket: _Issued(here[position], step)
            for ticket, position, step in saved.open
            if position in here
        }
        self._closed = {
            ticket: _Closed(tuple(math.nan if r is None else r for r in rewards), status)
            for ticket, rewards, status in saved.closed
        }
        self._ledger, self._totals = Counter(saved.ledger), Counter(saved.totals)
        self._ledger["discarded"] += len(saved.open) - len(self._open)
        if self.journal is not None and saved.journal_seq is not None:
            self.journal.rewind(saved.journal_seq)
        self._continued = True

    def _checked_state(self, state: State) -> _Saved:
        if state.get("version") != STATE_VERSION:
            raise StateError(
                f"the state has version {state.get('version')!r}, this lessonplan reads "
                f"{STATE_VERSION}; nothing was loaded"
            )
        try:
            saved = msgspec.convert(state, _Saved)
        except msgspec.ValidationError as error:
            raise StateError(
                f"not the state of a curriculum: {error}; nothing was loaded"
            ) from None
        if saved.sampler != type(self.sampler).__name__:
            raise StateError(
                f"the state is of {saved.sampler}, this curriculum has "
                f"{type(self.sampler).__name__}; nothing was loaded"
            )
        seq = saved.journal_seq
        if self.journal is not None and seq is not None and seq >= self.journal.next_seq:
            raise StateError(
                f"the state was saved after event {seq}, but {self.journal.path} ends with event "
                f"{self.journal.next_seq - 1}: another run's journal, or one cut short; nothing "
                "was loaded"
            )
        return saved

    def restart(self) -> None:
        """Begin the run anew; what its journal holds is rewound and stays counted as generated."""
        if self.journal is not None and not self.journal.is_new:
            self.journal.rewind(0)
        self._continued = True

    def replay(self, *, until_step: int | None = None) -> None:
        """Rebuild the state from the journal alone, on a freshly built Curriculum.

        Repeats every ask and tell; with `until_step`, only those before the `step` event of that
        optimizer step was written, and the rest is rewound. Raises StateError when the pool or
        the sampler picks other problems than the journal says.
        """
        journal = self.journal
        if journal is None:
            raise StateError("replay needs a journal; this curriculum has none")
        last, self._continued = 0, True
        self.journal = None  # nothing is written while the past is repeated
        try:
            for event in read_events(journal.path):
                if event["event"] == "ask":
                    self._replay_ask(event)
                elif event["event"] == "tell":
                    self._replay_tell(event)
                last = int(str(event["seq"]))
                if event["event"] == "step" and event["step"] == until_step:
                    break
            else:
                if until_step is not None:
                    raise StateError(f"{journal.path} has no step {until_step} to return to")
        finally:
            self.journal = journal
        journal.rewind(last)

    def _replay_ask(self, event: Event) -> None:
        ids, step = event["ids"], event["step"]
        assert isinstance(ids, list) and isinstance(step, int)
        picks = self.ask(len(ids), step=step)
        if [pick.problem.id for pick in picks] != ids:
            raise StateError(
                f"event {event['seq']} picked {ids[:3]}..., this pool and sampler pick "
                f"{[pick.problem.id for pick in picks[:3]]}...; use those of the journal's run"
            )

    def _replay_tell(self, event: Event) -> None:
        tickets, rewards, status = event["tickets"], event["rewards"], event["status"]
        tokens = event.get("tokens")
        assert isinstance(tickets, list) and isinstance(rewards, list) and isinstance(status, list)
        tokens = tokens if isinstance(tokens, list) else [None] * len(tickets)
        rows = zip(tickets, rewards, status, tokens, strict=True)
        gates, self.gates = self.gates, ()  # the journal has their verdicts already
        try:
            self.tell(Outcome(t, group, final, tokens=count) for t, group, final, count in rows)
        finally:
            self.gates = gates


def _checked(outcome: Outcome) -> Group:
    """The rewards as floats, None as NaN; raises RewardError naming ticket and index."""
    floats = tuple(reward for reward in outcome.rewards if type(reward) is float)
    if len(floats) == len(outcome.rewards) and math.inf not in floats and -math.inf not in floats:
        return floats  # the common case, at the price of none of the questions below
    group = []
    for index, reward in enumerate(outcome.rewards):
        try:
            value = math.nan if reward is None else float(reward)
            if isinstance(reward, str | bytes):
                raise TypeError
        except (TypeError, ValueError):
            raise RewardError(
                f"ticket {outcome.ticket}, rollout {index}: a reward is a number, NaN or None, "
                f"got {reward!r}"
            ) from None
        if math.isinf(value):
            raise RewardError(
                f"ticket {outcome.ticket}, rollout {index}: a reward must be finite or NaN, "
                f"got {value}"
            )
        group.append(value)
    return tuple(group)


def _same(a: Group, b: Group) -> bool:
    return len(a) == len(b) and all(
        x == y or (x != x and y != y) for x, y in zip(a, b, strict=True)
    )
