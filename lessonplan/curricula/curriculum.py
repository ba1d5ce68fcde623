"""What a training engine talks to: a pool, a sampler, gates, tickets and a journal in one."""

import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
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
from lessonplan.selection.base import Feedback, Purpose, Rewards, Sampler
from lessonplan.selection.state import State, old_positions
from lessonplan.selection.success import SOLVED, Success

Status: TypeAlias = Literal["trained", "filtered", "stale", "failed", "discarded"]
STATUSES: tuple[Status, ...] = get_args(Status)
REMEMBERED = 4096  # closed tickets whose rewards are kept, to tell a repeat from a contradiction
STATE_VERSION = 1
_TRAIN: Purpose = "train"


# Structs, not dataclasses: a step makes one of each a group, ten times faster (measured).
class Pick(msgspec.Struct, frozen=True):
    """One problem to generate for; `ticket` must come back in exactly one Outcome.

    `n_rollouts` is how many are wanted, None for the engine's own group size. What is not asked
    for to "train" on is a "probe", which never is, or the first or second part of a group
    ("screen", "continue").
    """

    ticket: int
    problem: Problem
    position: int
    n_rollouts: int | None = None
    purpose: Purpose = "train"
    step: int = 0  # optimizer steps done when it was asked for


class Outcome(msgspec.Struct, frozen=True):
    """How the group of one ticket went.

    `rewards` are raw, one a rollout, NaN or None where it could not be scored; `status` is what
    the engine did with the group, before any gate; `tokens` counts what was generated; `extras`
    go into the journal as they are. `policy_step` is the optimizer steps done when the group was
    generated, where that is not the step of its ask. `payload` is the engine's own, such as the
    completions: it is never looked at, and comes back in the batches of a `Refill`.
    """

    ticket: int
    rewards: Sequence[float | None]
    status: Status = "trained"
    policy_step: int | None = None
    tokens: int | None = None
    extras: Mapping[str, object] = msgspec.field(default_factory=dict)
    payload: object = None


Group: TypeAlias = tuple[float, ...]  # the rewards of one group, NaN where unscorable


class _Issued(NamedTuple):
    position: int
    step: int


class _Special(NamedTuple):
    """What a ticket was ordered with beyond its problem."""

    n_rollouts: int | None
    purpose: Purpose


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
    orders: list[tuple[int, int | None, Purpose]] = []
    parts: list[tuple[int, list[float | None]]] = []


class Curriculum:
    """Hand out problems under tickets, hear their rewards once, and write both down.

    `gates` decide which finished groups may train; the sampler is told of refused ones too. A
    group without any scorable reward is `failed` and teaches the sampler nothing. What the sampler
    ordered for another purpose than training is judged by it alone: a probe is `filtered`; the
    first part of a group is `trained` if the sampler goes on with it; gates see the whole group
    when the second part is told, whose status is theirs. Decisions are a
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
        self._special: dict[int, _Special] = {}  # open tickets ordered with a size or a purpose
        self._parts: dict[int, Group] = {}  # accepted first parts of groups, by position
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
        order = self.sampler.order(k)
        positions = order.positions  # (k,)
        sizes = [None] * k if order.rollouts is None else order.rollouts.tolist()
        purposes = order.purposes or (_TRAIN,) * k
        first = self._next_ticket
        picks = [
            Pick(first + j, self.pool[position], position, size, purpose, step)
            for j, (position, size, purpose) in enumerate(
                zip(positions.tolist(), sizes, purposes, strict=True)
            )
        ]
        self._next_ticket += k
        self._open.update((pick.ticket, _Issued(pick.position, step)) for pick in picks)
        fields: dict[str, object] = {}
        if order.rollouts is not None or order.purposes is not None:
            self._special.update(
                (pick.ticket, _Special(pick.n_rollouts, pick.purpose)) for pick in picks
            )
            fields = {"rollouts": order.rollouts, "purposes": order.purposes}
            fields = {name: given for name, given in fields.items() if given is not None}
        if self.journal is not None:
            self.journal.append(
                "ask",
                step=step,
                ticket=first,
                ids=[pick.problem.id for pick in picks],
                levels=self.pool.levels[positions],
                **fields,
            )
        return picks

    def open_picks(self) -> list[Pick]:
        """The picks that wait for rewards, oldest first.

        After a restart, generate for them again, or `abandon` them.
        """
        plain = _Special(None, "train")
        return [
            Pick(ticket, self.pool[one.position], one.position, *special, one.step)
            for ticket, one in sorted(self._open.items())
            for special in [self._special.get(ticket, plain)]
        ]

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
        given_up = sorted(self._open) if tickets is None else tickets
        self.tell([Outcome(ticket, (), "discarded") for ticket in given_up])

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
        issued = [self._open[outcome.ticket] for outcome, _ in told]
        feedback = Feedback(
            positions=np.array([ticket.position for ticket in issued], dtype=np.int64),
            rewards=_matrix([group for _, group in told]),  # (m, G)
            policy_steps=np.array([ticket.step for ticket in issued], dtype=np.int64),
            purposes=self._purposes(told) if self._special else None,
        )
        status = self._judge(told, feedback)
        if self.journal is not None:
            self._write_tell(told, feedback.rewards, status, issued)
        for (outcome, group), final in zip(told, status, strict=True):
            del self._open[outcome.ticket]
            self._closed[outcome.ticket] = _Closed(group, final)
        self._ledger.update(status)
        self._totals["rollouts"] += sum(len(group) for _, group in told)
        self._totals["tokens"] += sum(outcome.tokens or 0 for outcome, _ in told)
        # those just told may be told again
        surplus = max(0, len(self._closed) - REMEMBERED - len(told))
        for ticket in list(islice(self._closed, surplus)):
            del self._closed[ticket]
        if self._special:
            self._keep_parts(told, status, issued)
        self.sampler.tell(feedback)
        self._measure(feedback)

    def _purposes(self, told: list[tuple[Outcome, Group]]) -> tuple[Purpose, ...] | None:
        """(m,) what the told tickets were ordered for, None if all to train on."""
        specials = [self._special.get(outcome.ticket) for outcome, _ in told]
        purposes = tuple("train" if one is None else one.purpose for one in specials)
        return None if purposes.count("train") == len(purposes) else purposes

    def _judge(self, told: list[tuple[Outcome, Group]], feedback: Feedback) -> list[Status]:
        """The engine's status, unless the group is unscorable or sampler or gates refuse it."""
        rewards, purposes = feedback.rewards, feedback.purposes
        if purposes is not None:
            whole = [  # gates see both parts of a group
                self._parts.get(position, ()) + group if purpose == "continue" else group
                for position, purpose, (_, group) in zip(
                    feedback.positions.tolist(), purposes, told, strict=True
                )
            ]
            rewards = _matrix(whole)
        # every gate sees every group: some of them count
        verdicts = [gate.accepts(rewards, self.success) for gate in self.gates]
        accepted = [all(row) for row in zip(*(v.tolist() for v in verdicts), strict=True)]
        if purposes is not None:
            allowed = self.sampler.trainable(feedback).tolist()
            judged = accepted or [True] * len(told)
            accepted = [
                may and (passed or purpose in ("screen", "probe"))
                for may, passed, purpose in zip(allowed, judged, purposes, strict=True)
            ]
        status: list[Status] = []
        scorable = (~np.isnan(feedback.rewards)).sum(axis=1).tolist()  # (m,)
        for j, (outcome, _) in enumerate(told):
            if outcome.status != "trained":
                status.append(outcome.status)
            elif not scorable[j]:
                status.append("failed")
            else:
                status.append("trained" if not accepted or accepted[j] else "filtered")
        return status

    def _keep_parts(
        self, told: list[tuple[Outcome, Group]], status: list[Status], issued: list[_Issued]
    ) -> None:
        """Remember the first parts that go on, until the rest of the group is told."""
        for (outcome, group), final, one in zip(told, status, issued, strict=True):
            special = self._special.pop(outcome.ticket, None)
            if special is None:
                continue
            if special.purpose == "screen" and final == "trained":
                self._parts[one.position] = group
            elif special.purpose == "continue" and any(reward == reward for reward in group):
                self._parts.pop(one.position, None)

    def _write_tell(
        self,
        told: list[tuple[Outcome, Group]],
        rewards: Rewards,  # (m, G)
        status: list[Status],
        issued: list[_Issued],
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
        if steps != [ticket.step for ticket in issued]:
            fields["policy_steps"] = steps
        groups = [group for _, group in told]
        self.journal.append(
            "tell",
            step=max(steps),
            tickets=[outcome.ticket for outcome, _ in told],
            # groups of one size as the array, which is faster
            rewards=rewards if min(map(len, groups)) == rewards.shape[1] else groups,
            status=status,
            **fields,
        )

    def _measure(self, feedback: Feedback) -> None:
        wins = self.success(feedback.rewards)  # (m, G)
        right, wrong = (wins == 1).sum(axis=1), (wins == 0).sum(axis=1)  # (m,)
        groups = right + wrong  # (m,)
        known = int(np.count_nonzero(groups))
        if not known:
            return
        self._last = {
            "success": float((right / np.maximum(groups, 1)).sum()) / known,
            "all_right": int(np.count_nonzero((wrong == 0) & (right > 0))) / known,
            "all_wrong": int(np.count_nonzero((right == 0) & (wrong > 0))) / known,
            "level": int(self.pool.levels[feedback.positions].sum()) / len(groups),
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
        """Write an engine's own event (`step`, `eval`, `note`) and send the journal to the disk."""
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
        """All that later picks depend on, as JSON types and numpy arrays.

        The journal is on the disk when this returns, so that no saved state is ahead of it.
        """
        if self.journal is not None:
            self.journal.sync(wait=True)
        orders = [[ticket, *special] for ticket, special in self._special.items()]
        parts = [[position, _with_none(group)] for position, group in self._parts.items()]
        return {
            "version": STATE_VERSION,
            "pool": self.pool.fingerprint,
            "problems": self._problem_hashes,
            "sampler": type(self.sampler).__name__,
            "sampler_state": self.sampler.state_dict(),
            "next_ticket": self._next_ticket,
            "open": [[ticket, one.position, one.step] for ticket, one in self._open.items()],
            "closed": [
                [ticket, _with_none(one.rewards), one.status]
                for ticket, one in self._closed.items()
            ],
            "ledger": dict(self._ledger),
            "totals": dict(self._totals),
            "journal_seq": None if self.journal is None else self.journal.next_seq - 1,
            **({"orders": orders} if orders else {}),
            **({"parts": parts} if parts else {}),
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
            ticket: _Closed(_with_nan(rewards), status) for ticket, rewards, status in saved.closed
        }
        self._special = {
            ticket: _Special(n_rollouts, purpose)
            for ticket, n_rollouts, purpose in saved.orders
            if ticket in self._open
        }
        self._parts = {
            here[position]: _with_nan(rewards)
            for position, rewards in saved.parts
            if position in here
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
        sizes, purposes = [pick.n_rollouts for pick in picks], [pick.purpose for pick in picks]
        given = (
            event.get("rollouts", [None] * len(ids)),
            event.get("purposes", ["train"] * len(ids)),
        )
        if given != (sizes, purposes):
            raise StateError(
                f"event {event['seq']} orders rollouts {given[0]} for {given[1]}, this sampler "
                f"{sizes} for {purposes}; use the settings of the journal's run"
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
    floats = tuple([reward for reward in outcome.rewards if type(reward) is float])
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


def _matrix(groups: Sequence[Group]) -> Rewards:  # (m, G)
    """Groups as rows, filled up with NaN."""
    width = max(1, *map(len, groups))
    if min(map(len, groups)) == width:  # the common case
        return np.array(groups)
    return np.array([(*group, *[math.nan] * (width - len(group))) for group in groups])


def _with_none(group: Group) -> list[float | None]:
    return [None if reward != reward else reward for reward in group]


def _with_nan(rewards: Iterable[float | None]) -> Group:
    return tuple(math.nan if reward is None else reward for reward in rewards)


def _same(a: Group, b: Group) -> bool:
    return len(a) == len(b) and all(
        x == y or (x != x and y != y) for x, y in zip(a, b, strict=True)
    )
