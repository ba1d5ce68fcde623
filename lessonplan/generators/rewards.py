"""From a verdict to a number: what a right, a wrong or an endless completion earns."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lessonplan.errors import ConfigError
from lessonplan.generators.problem import Verdict

UNSCORABLE = math.nan  # the scorer failed: the rollout says nothing, least of all "wrong"


class RewardMap(Protocol):
    """What a judged completion earns; a verdict of None means that the scorer failed."""

    def __call__(
        self, verdict: Verdict | None, completion: str = "", *, truncated: bool = False
    ) -> float: ...


@dataclass(frozen=True, slots=True)
class Shaped:
    """correct + format - verbosity - cut off: the general shape, with every extra off.

    `format_bonus` is earned by any answer that could be read. Every line of work above `soft_cap`
    costs `per_line`, up to `most`. `cut_off` is lost when the completion did not end by itself.
    With the extras off it is the plain 0/1 reward, which is what to use unless a small model does
    not find the format at all.
    """

    format_bonus: float = 0.0
    soft_cap: int | None = None  # lines; None for no limit
    per_line: float = 0.1
    most: float = 0.4
    cut_off: float = 0.0

    def __post_init__(self) -> None:
        for name in ("format_bonus", "per_line", "most", "cut_off"):
            value = getattr(self, name)
            if not 0 <= value < 1:  # else a wrong answer could earn as much as a right one
                raise ConfigError(f"{name} must lie in [0, 1), got {value!r}")
        if self.soft_cap is not None and self.soft_cap < 0:
            raise ConfigError(f"soft_cap must not be negative, got {self.soft_cap!r}")

    def __call__(
        self, verdict: Verdict | None, completion: str = "", *, truncated: bool = False
    ) -> float:
        if verdict is None:
            return UNSCORABLE
        reward = verdict.correct + self.format_bonus * verdict.format_ok - self.cut_off * truncated
        if self.soft_cap is not None:
            above = max(0, lines_of_work(completion) - self.soft_cap)
            reward -= min(self.most, self.per_line * above)
        return float(reward)


@dataclass(frozen=True, slots=True)
class Limr:
    """1 right, -0.5 wrong but readable, -1 unreadable, repetitive or endless (arXiv 2502.11886).

    A repetitive completion gets the lowest reward even when its answer is right. What counts as
    repetitive is ours, see `repetitive`.
    """

    right: float = 1.0
    wrong: float = -0.5
    broken: float = -1.0

    def __call__(
        self, verdict: Verdict | None, completion: str = "", *, truncated: bool = False
    ) -> float:
        if verdict is None:
            return UNSCORABLE
        if truncated or not verdict.format_ok or repetitive(completion):
            return self.broken
        return self.right if verdict.correct else self.wrong


BINARY = Shaped()

# After the description of Learning from Less (arXiv 2604.18381). Its weights are not published:
# these are ours, the ones that make counting span the published range of -0.4 to 1.1.
LFL_COUNTING = Shaped(format_bonus=0.1, soft_cap=5, per_line=0.1, most=0.4)
LFL_GRAPH = Shaped(format_bonus=0.1, cut_off=0.4)
LFL_SPATIAL = BINARY

_FIXED: Mapping[str, RewardMap] = {
    "binary": BINARY,
    "limr": Limr(),
    "lfl-counting": LFL_COUNTING,
    "lfl-graph": LFL_GRAPH,
    "lfl-spatial": LFL_SPATIAL,
}
_NUMBERED = re.compile(r"(format_bonus|verbosity)\(([0-9]{1,4}(?:\.[0-9]{1,6})?)\)")


def reward_map(name: str) -> RewardMap:
    """The reward map of a name: "binary", "limr", "format_bonus(0.1)", "verbosity(5)", "lfl-graph".

    Raises ConfigError that lists all of them.
    """
    if name in _FIXED:
        return _FIXED[name]
    if numbered := _NUMBERED.fullmatch(name.replace(" ", "")):
        if numbered[1] == "format_bonus":
            return Shaped(format_bonus=float(numbered[2]))
        if numbered[2].isdigit():
            return Shaped(soft_cap=int(numbered[2]))
    raise ConfigError(
        f"rewards must be one of {', '.join(_FIXED)}, format_bonus(B) or verbosity(LINES), "
        f"got {name!r}"
    )


# Characters from the end: a hostile text of megabytes then takes no longer than a long answer.
_LOOKED_AT = 65_536


def lines_of_work(completion: str) -> int:
    """Lines that hold anything in the last 64 kB, the last one (the answer) aside."""
    lines = completion[-_LOOKED_AT:].splitlines()
    return max(0, sum(map(bool, map(str.strip, lines))) - 1)


# Ours: a completion of at least 64 words in which fewer than a third of the runs of eight words are
# distinct says the same thing three times over. A worked solution of the longest task shares
# sentence beginnings, but hardly ever eight words.
_RUN, _FEWEST, _DISTINCT = 8, 64, 1 / 3


def repetitive(completion: str) -> bool:
    """Whether the last 64 kB of a completion go round in circles."""
    words = completion[-_LOOKED_AT:].split()
    if len(words) < _FEWEST:
        return False
    runs = set(zip(*(words[start:] for start in range(_RUN)), strict=False))
    return len(runs) < _DISTINCT * (len(words) - _RUN + 1)
