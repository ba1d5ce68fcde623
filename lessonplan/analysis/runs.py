"""One training run as arrays: what was picked, how it went, what it cost, what it reached."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.events import STATUSES, Gate, RunInfo

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ItemSet:
    """An evaluation set of M items."""

    split: str
    fingerprint: str
    levels: Ints  # (M,)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Counts out of `samples` completions for each of M items, after `step` optimizer steps."""

    step: int
    split: str
    decode: str  # "greedy" or "sample"
    samples: int
    correct: Ints  # (M,)
    formatted: Ints | None  # (M,) an answer could be read
    trace: Ints | None  # (M,) the worked solution is exact
    truncated: Ints | None  # (M,) cut off by the token limit
    tokens: int

    @property
    def share(self) -> Floats:
        """Share of right answers by item, (M,)."""
        return self.correct / self.samples


@dataclass(frozen=True, slots=True)
class Steps:
    """T optimizer steps of the run as it stands after rewinds."""

    step: Ints  # (T,)
    rollouts: Ints  # (T,) completions generated in the step, filtered ones included
    tokens: Ints  # (T,)
    seconds: dict[str, Floats]  # each (T,), by phase
    scalars: dict[str, Floats]  # each (T,), NaN where absent


@dataclass(frozen=True, slots=True)
class Groups:
    """g groups: one problem, asked once, with the rewards of its completions."""

    ticket: Ints  # (g,)
    step: Ints  # (g,)
    ids: tuple[str, ...]  # (g,)
    level: Ints  # (g,)
    status: Ints  # (g,) position in `STATUSES`; 0 is open
    rewards: Floats  # (g, G) NaN where unscorable, untold or padded
    rollouts: Ints  # (g,) completions told
    tokens: Floats  # (g,) NaN where the journal does not say
    purpose: tuple[str, ...]  # (g,) "train" unless the sampler ordered it for something else
    policy_step: Ints  # (g,) optimizer steps done when it was generated; `step` while untold

    def pass_rate(self, success: float = 1.0) -> Floats:
        """Share of scored completions with a reward of at least `success`, (g,); NaN if none."""
        scored = np.isfinite(self.rewards).sum(axis=1)
        wins = (self.rewards >= success).sum(axis=1)  # NaN compares false
        return np.where(scored > 0, wins / np.maximum(scored, 1), np.nan)

    def counts(self) -> dict[str, int]:
        """Number of groups by status; the values sum to g."""
        number = np.bincount(self.status, minlength=len(STATUSES))
        return {name: int(number[code]) for code, name in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True)
class Run:
    """One journal, read and checked.

    `rollouts` is the budget of the run as it stands; `wasted` are completions that were generated
    and then superseded by a rewind. Both were paid for.
    """

    file: str
    info: RunInfo
    status: str  # "done", "failed", "interrupted", or "unfinished" without an end event
    error: str | None
    writer: str
    steps: Steps
    groups: Groups
    evals: tuple[Evaluation, ...]
    items: dict[str, ItemSet]  # by split
    gate: Gate | None
    ledger: dict[str, int]
    totals: dict[str, int]
    wasted: int  # rollouts
    resumes: tuple[int, ...]  # last step kept by each rewind
    repairs: tuple[str, ...]  # what the reader had to tolerate
    notes: tuple[str, ...]

    @property
    def rollouts(self) -> int:
        """Completions generated in the steps that count."""
        return int(self.steps.rollouts.sum())

    @property
    def tokens(self) -> int:
        """Tokens generated in the steps that count."""
        return int(self.steps.tokens.sum())

    @property
    def seconds(self) -> float:
        """Seconds of the steps that count, all phases together."""
        return float(sum(part.sum() for part in self.steps.seconds.values()))

    def last_eval(self, split: str, decode: str) -> Evaluation | None:
        """The evaluation with the largest step, or None."""
        found = [e for e in self.evals if e.split == split and e.decode == decode]
        return max(found, key=lambda e: e.step) if found else None
