"""The events of a journal, schema 1, as typed records: what the reader wants, nothing else.

Unknown fields are skipped, so a newer writer may add some. A number that the writer could not
give (NaN) stands as null. The frequent events hold no cycles, and their
lists are read as tuples, so the garbage collector skips both.
"""

from typing import Literal

import msgspec

SCHEMA = 1
STATUSES = ("open", "trained", "filtered", "stale", "failed", "discarded")  # of a ticket
Status = Literal["trained", "filtered", "stale", "failed", "discarded"]
Split = Literal["validation", "test"]
Decode = Literal["greedy", "sample"]


class Head(msgspec.Struct, gc=False):
    """The two fields that every line has."""

    seq: int
    event: str


class RunInfo(msgspec.Struct, frozen=True):
    """What a run is: its place in the grid of a study."""

    id: str
    kind: Literal["rl", "base", "sft"]
    family: str
    n: int
    study: str = ""
    sampler: str = ""
    start: str = ""
    seed: int = 0
    steps: int = 0
    problems_per_step: int = 0
    group_size: int = 0
    learner: str = "real"
    engine: str = ""


class PoolInfo(msgspec.Struct):
    """The training set of a run."""

    size: int = 0
    fingerprint: str = ""
    levels: dict[str, int] = {}


class Open(msgspec.Struct):
    """First event of a journal."""

    schema: int
    run: RunInfo
    writer: str = ""
    pool: PoolInfo | None = None


class Items(msgspec.Struct):
    """An evaluation set; the same in all runs of a family."""

    split: Split
    fingerprint: str
    levels: list[int]
    ids: list[str] = []


class Ask(msgspec.Struct, gc=False):
    """Problems picked at one step; group j has ticket `ticket + j`.

    `rollouts` and `purposes` stand only where the sampler ordered them: group sizes other than
    the engine's, groups not or not alone asked for to train on.
    """

    step: int
    ticket: int
    ids: tuple[str, ...]
    levels: tuple[int, ...]
    rollouts: tuple[int, ...] | None = None
    purposes: tuple[str, ...] | None = None


class Tell(msgspec.Struct, gc=False):
    """Rewards of finished groups; `policy_steps` only where they are not the steps of the asks."""

    step: int
    tickets: tuple[int, ...]
    rewards: tuple[tuple[float | None, ...], ...]
    status: tuple[Status, ...]
    tokens: tuple[float | None, ...] | None = None
    policy_steps: tuple[int, ...] | None = None


class Step(msgspec.Struct, gc=False):
    """One optimizer step, written after it.

    `trained` names its tickets where they are not those told as trained since the step before.
    """

    step: int
    rollouts: int
    tokens: int = 0
    seconds: dict[str, float] = {}
    scalars: dict[str, float | None] = {}
    trained: tuple[int, ...] | None = None


class StepCosts(msgspec.Struct, gc=False):
    """What a step cost, for readers that want nothing else of it."""

    step: int
    rollouts: int
    tokens: int = 0
    seconds: dict[str, float] = {}


class Eval(msgspec.Struct, gc=False):
    """Counts out of `samples` for each item of a split."""

    step: int
    split: Split
    decode: Decode
    correct: tuple[int, ...]
    samples: int = 1
    temperature: float = 0.0
    formatted: tuple[int, ...] | None = None
    trace: tuple[int, ...] | None = None
    truncated: tuple[int, ...] | None = None
    tokens: int = 0
    seconds: dict[str, float] = {}


class Probe(msgspec.Struct):
    """One look at a warm start while it was trained: accuracy by tier."""

    step: int
    answer: dict[str, float] = {}
    trace: dict[str, float] = {}


class Gate(msgspec.Struct):
    """Acceptance test of a warm start, and what guessing would score by level."""

    accepted: bool
    rule: str = ""
    probes: list[Probe] = []
    guess: dict[str, dict[str, float | str | None]] = {}


class Rewind(msgspec.Struct):
    """Events with a larger number than `to`, and before this one, are superseded."""

    to: int


class Note(msgspec.Struct):
    """Anything for people."""

    text: str


class End(msgspec.Struct):
    """Last event of a run that was closed."""

    status: Literal["done", "failed", "interrupted"]
    error: str | None = None
    ledger: dict[str, int] = {}
    totals: dict[str, int] = {}


Event = Open | Items | Ask | Tell | Step | Eval | Gate | Rewind | Note | End

KINDS: dict[str, type[Event]] = {
    "open": Open,
    "items": Items,
    "ask": Ask,
    "tell": Tell,
    "step": Step,
    "eval": Eval,
    "gate": Gate,
    "rewind": Rewind,
    "note": Note,
    "end": End,
}
