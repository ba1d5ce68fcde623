"""One question with a checkable answer, and the judgement of one completion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Json: TypeAlias = (
    None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
)  # what survives a round trip through JSON
Message: TypeAlias = Mapping[str, str]  # {"role": ..., "content": ...}
Prompt: TypeAlias = str | Sequence[Message]  # plain text, or a conversation

UNKNOWN_LEVEL = 0

Reason: TypeAlias = Literal[
    "right", "wrong", "no_answer", "two_answers", "unparsable", "illegal", "suboptimal", "too_long"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """A prompt, its exact answer, and where both came from.

    `level` is the intrinsic complexity 1..10, or `UNKNOWN_LEVEL`. `data` is the structured
    instance of a generated problem, or the user's own columns of an imported one; an engine hands
    the latter to the user's reward functions under their own names. `solution` is a worked
    solution in the same text form as a completion, or empty. `work` is log2 of the elementary
    steps of the task's reference procedure, and `skeleton` the question's shape without numbers
    and names; an imported problem has neither.
    """

    id: str
    prompt: Prompt
    answer: str
    family: str = "custom"
    task: str = ""
    level: int = UNKNOWN_LEVEL
    data: Mapping[str, Json] = field(default_factory=dict)
    solution: str = ""
    work: float = 0.0
    skeleton: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier found in one completion.

    `correct` judges the answer alone, `format_ok` whether an answer could be read at all;
    `reason` comes from a closed list that the analysis counts; `parsed` is the answer as read.
    """

    correct: bool
    format_ok: bool
    reason: Reason
    parsed: str = ""

    @property
    def reward(self) -> float:
        """1.0 for a right answer, else 0.0."""
        return float(self.correct)
