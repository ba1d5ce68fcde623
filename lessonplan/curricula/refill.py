"""Fill every batch with groups worth training on: ask for more, keep what is left over."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from lessonplan.curricula.curriculum import Curriculum, Outcome, Pick, Status
from lessonplan.errors import EngineError, StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.selection.state import State

Generate: TypeAlias = Callable[[list[Pick]], Iterable[Outcome]]

MEMORY = 0.8  # of the kept share, per wave: it follows the last five or so (ours)
STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class ReadyGroup:
    """A whole group to train on; one generated in two parts comes as one."""

    problem: Problem
    position: int
    tickets: tuple[int, ...]  # one a part
    rewards: tuple[float, ...]  # (G,) raw, NaN where a rollout could not be scored
    policy_steps: tuple[int, ...]  # (G,) optimizer steps done when each was generated
    payloads: tuple[object, ...]  # what the engine put into the outcomes, one a part


class Merger:
    """Puts groups together that were generated in parts, and says which are ready.

    Add every told outcome. A first part ("screen") is held until the rest of its group comes; a
    second part that could not be scored is asked for again, so the first waits on.
    """

    def __init__(self) -> None:
        self.held: dict[int, ReadyGroup] = {}  # first parts by position

    def add(self, pick: Pick, outcome: Outcome, status: Status) -> ReadyGroup | None:
        """The group that is whole with this outcome, if one is; `status` is what `tell` said."""
        step = pick.step if outcome.policy_step is None else outcome.policy_step
        rewards = tuple(math.nan if reward is None else float(reward) for reward in outcome.rewards)
        group = ReadyGroup(
            problem=pick.problem,
            position=pick.position,
            tickets=(pick.ticket,),
            rewards=rewards,
            policy_steps=(step,) * len(rewards),
            payloads=(outcome.payload,),
        )
        if pick.purpose == "screen":
            if status == "trained":
                self.held[pick.position] = group
            return None
        if pick.purpose == "continue" and any(reward == reward for reward in rewards):
            first = self.held.pop(pick.position, None)
            group = group if first is None else _joined(first, group)
        return group if status == "trained" else None


@dataclass(frozen=True, slots=True)
class Batch:
    """The groups of one optimizer step, and what was generated since the batch before."""

    groups: tuple[ReadyGroup, ...]
    rollouts: int  # refused groups, probes and what is left over included
    tokens: int
    waves: int  # calls of `generate`

    def facts(self) -> dict[str, object]:
        """For the journal: `curriculum.record("step", step=step + 1, **batch.facts())`."""
        return {
            "rollouts": self.rollouts,
            "tokens": self.tokens,
            "trained": [ticket for group in self.groups for ticket in group.tickets],
        }


class Refill:
    """Build batches of `size` groups that the gates accept, with a `generate` of your own.

    `generate(picks)` returns outcomes, of these picks or of earlier ones that were late. Each wave
    asks for the missing groups times the oversample, 1 / (share of told groups that got ready, an
    average over the last waves), at most `max_oversample`. Every outcome is told at once, refused
    ones too. What is ready beyond `size` goes into the next batch, oldest first, and keeps its
    policy step. After `max_waves` a short batch raises EngineError, and what is ready is kept, or
    with `on_shortage="train"` it is returned as it is.

    The state includes the curriculum's, and the payloads of the groups left over: numbers, texts,
    arrays, lists and dicts of them. Tickets that were open when it was saved are handed to
    `generate` again. A wave whose `generate` raised is repeated by the next call.

    Generating until the batch is full is the dynamic sampling of DAPO (arXiv 2503.14476), which
    throws away what is left over and tells nobody of what it refused.
    """

    def __init__(
        self,
        curriculum: Curriculum,
        generate: Generate,
        *,
        size: int,
        max_waves: int = 10,
        max_oversample: float = 4.0,
        on_shortage: Literal["raise", "train"] = "raise",
    ) -> None:
        if size < 1 or max_waves < 1 or max_oversample < 1:
            raise ValueError(
                "size, max_waves and max_oversample must be at least 1, got "
                f"{size!r}, {max_waves!r}, {max_oversample!r}"
            )
        if on_shortage not in ("raise", "train"):
            raise ValueError(f'on_shortage must be "raise" or "train", got {on_shortage!r}')
        self.curriculum, self.generate = curriculum, generate
        self.size, self.max_waves, self.max_oversample = size, max_waves, max_oversample
        self.on_shortage = on_shortage
        self.ready: list[ReadyGroup] = []
        self.merger = Merger()
        self._waiting: dict[int, Pick] = {}  # asked and not yet told, by ticket
        self._again: list[Pick] = []  # of these, what `generate` must do again
        self._got, self._told = float(size), float(size)  # ready and told groups, both fading
        self._asked: Counter[int] = Counter()  # groups by level, whole ones and first parts
        self._trained: Counter[int] = Counter()
        self._rollouts = self._tokens = 0  # since the batch before
        self._last: dict[str, float] = {}

    @property
    def oversample(self) -> float:
        """How many groups are asked for each one that is missing."""
        return min(self.max_oversample, max(1.0, self._told / max(self._got, 1e-9)))

    def batch(self, step: int) -> Batch:
        """The groups for optimizer step `step` + 1, generated by the policy after `step` steps.

        Raises EngineError on a shortage, unless `on_shortage="train"`.
        """
        waves = 0
        while len(self.ready) < self.size and waves < self.max_waves:
            waves += 1
            self._wave(math.ceil((self.size - len(self.ready)) * self.oversample), step)
        if len(self.ready) < self.size and self.on_shortage == "raise":
            raise EngineError(
                f"{len(self.ready)} of {self.size} groups are ready after {waves} waves; of what "
                f"was told lately {self._got / self._told:.0%} could be trained on. Allow more "
                'waves, widen the gates, or set on_shortage="train"'
            )
        groups, self.ready = tuple(self.ready[: self.size]), self.ready[self.size :]
        batch = Batch(groups, self._rollouts, self._tokens, waves)
        self._rollouts = self._tokens = 0
        self._trained.update(self._level(group.position) for group in groups)
        oldest = min((one for group in groups for one in group.policy_steps), default=step)
        self._last = {"waves": float(waves), "age": float(step - oldest)}
        return batch

    def _wave(self, k: int, step: int) -> None:
        """Ask for k groups, generate them, tell them, and keep what is ready."""
        fresh = k - len(self._again)
        asked = self.curriculum.ask(fresh, step=step) if fresh > 0 else []
        self._asked.update(
            self._level(pick.position) for pick in asked if pick.purpose in ("train", "screen")
        )
        self._waiting.update((pick.ticket, pick) for pick in asked)
        picks = self._again + asked
        self._again = picks  # until `generate` has returned
        outcomes = list(self.generate(picks))
        self._again = []
        statuses = self.curriculum.tell(outcomes)
        before, told = len(self.ready), 0
        for outcome, status in zip(outcomes, statuses, strict=True):
            pick = self._waiting.pop(outcome.ticket, None)
            if pick is None:  # told before
                continue
            told += 1
            self._rollouts += len(outcome.rewards)
            self._tokens += outcome.tokens or 0
            group = self.merger.add(pick, outcome, status)
            if group is not None:
                self.ready.append(group)
        self._got = MEMORY * self._got + len(self.ready) - before
        self._told = MEMORY * self._told + told

    def _level(self, position: int) -> int:
        return int(self.curriculum.pool.levels[position])

    def mixture(self) -> dict[int, tuple[int, int]]:
        """Groups asked and groups trained on so far, by level: what gates and lateness shift."""
        levels = sorted(self._asked | self._trained)
        return {level: (self._asked[level], self._trained[level]) for level in levels}

    def metrics(self) -> dict[str, float]:
        """Seven numbers: how much is asked and left over, how old the batch is, the drift."""
        return {
            "kept_share": self._got / self._told,
            "oversample": self.oversample,
            "left_over": float(len(self.ready)),
            "asked_level": _mean(self._asked),
            "trained_level": _mean(self._trained),
            **self._last,
        }

    # -- state ----------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """All that later batches depend on, the curriculum's state included."""
        return {
            "version": STATE_VERSION,
            "curriculum": self.curriculum.state_dict(),
            "ready": [_saved(group) for group in self.ready],
            "held": [_saved(group) for group in self.merger.held.values()],
            "shares": [self._got, self._told],
            "levels": [[level, *counts] for level, counts in self.mixture().items()],
            "generated": [self._rollouts, self._tokens],
        }

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state, on a Refill just built over a Curriculum just built.

        Groups of problems that are gone from the pool are left out. Raises StateError, with
        nothing loaded, when the state is foreign.
        """
        if state.get("version") != STATE_VERSION:
            raise StateError(
                f"the state has version {state.get('version')!r}, this lessonplan reads "
                f"{STATE_VERSION}; nothing was loaded"
            )
        try:
            saved = msgspec.convert(state, _Saved)
        except msgspec.ValidationError as error:
            raise StateError(f"not the state of a refill: {error}; nothing was loaded") from None
        self.curriculum.load_state_dict(saved.curriculum)
        self.ready = _found(saved.ready, self.curriculum.pool)
        self.merger.held = {
            group.position: group for group in _found(saved.held, self.curriculum.pool)
        }
        self._got, self._told = saved.shares
        self._asked = Counter({level: asked for level, asked, _ in saved.levels})
        self._trained = Counter({level: trained for level, _, trained in saved.levels})
        self._rollouts, self._tokens = saved.generated
        self._again = self.curriculum.open_picks()
        self._waiting = {pick.ticket: pick for pick in self._again}


class _SavedGroup(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    tickets: list[int]
    rewards: list[float | None]
    policy_steps: list[int]
    payloads: list[object]


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    """A state as `state_dict` made it, checked field by field."""

    version: int
    curriculum: State
    ready: list[_SavedGroup]
    held: list[_SavedGroup]
    shares: tuple[float, float]
    levels: list[tuple[int, int, int]]
    generated: tuple[int, int]


def _saved(group: ReadyGroup) -> dict[str, object]:
    return {
        "id": group.problem.id,
        "tickets": list(group.tickets),
        "rewards": [None if reward != reward else reward for reward in group.rewards],
        "policy_steps": list(group.policy_steps),
        "payloads": list(group.payloads),
    }


def _found(groups: Sequence[_SavedGroup], pool: Pool) -> list[ReadyGroup]:
    """The groups whose problems are in the pool."""
    found = []
    for one in groups:
        try:
            position = pool.position(one.id)
        except KeyError:
            continue
        rewards = tuple(math.nan if reward is None else reward for reward in one.rewards)
        found.append(
            ReadyGroup(
                problem=pool[position],
                position=position,
                tickets=tuple(one.tickets),
                rewards=rewards,
                policy_steps=tuple(one.policy_steps),
                payloads=tuple(one.payloads),
            )
        )
    return found


def _joined(first: ReadyGroup, second: ReadyGroup) -> ReadyGroup:
    return ReadyGroup(
        problem=second.problem,
        position=second.position,
        tickets=first.tickets + second.tickets,
        rewards=first.rewards + second.rewards,
        policy_steps=first.policy_steps + second.policy_steps,
        payloads=first.payloads + second.payloads,
    )


def _mean(levels: Counter[int]) -> float:
    return sum(level * count for level, count in levels.items()) / max(1, levels.total())
