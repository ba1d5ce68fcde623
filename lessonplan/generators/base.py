"""What every generated task has in common: identity, redraws, rendering, verification."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import ClassVar, Literal, NamedTuple, TypeAlias, get_args

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.problem import Json, Problem, Verdict
from lessonplan.generators.splits import Split, check_split, key_hash, share, split_of
from lessonplan.generators.streams import Stream
from lessonplan.generators.verify import Kind, check_text, check_tiny

Encoding: TypeAlias = Literal["tiny", "text"]

# The rarest split holds a tenth of all instances: 500 draws miss it with chance 1e-23.
MAX_DRAWS = 500


class Rendering(NamedTuple):
    """A problem as text: what the model reads, and what it should have written."""

    prompt: str
    solution: str


class Draft(ABC):
    """One drawn instance of a task, before it has an id, a split and a text."""

    __slots__ = ()

    @property
    @abstractmethod
    def key(self) -> str:
        """The instance in normal form: equal for equal questions, whatever their wording."""

    @property
    @abstractmethod
    def answer(self) -> str:
        """The exact answer."""

    @property
    @abstractmethod
    def data(self) -> Mapping[str, Json]:
        """The instance as plain data, in prompt order."""

    @abstractmethod
    def tiny(self) -> Rendering:
        """Few whole words, split at single spaces; the answer follows the word A."""

    @abstractmethod
    def text(self) -> Rendering:
        """Plain English; the answer stands in `<answer>` tags."""

    @abstractmethod
    def guesses(self) -> Mapping[str, Sequence[str]]:
        """Cheap procedures by name; each leaves some answers, of which one is picked blindly."""


class Generator(ABC):
    """A pure function of (level, split, index, seed) to a Problem, and the judge of its answers.

    A subclass names its task and implements `draw`. The encoding is only a rendering: the same
    id means the same instance in both. Raise `version` with every change that alters a problem.
    """

    family: ClassVar[str]
    task: ClassVar[str]  # durable name, such as "counting.count_if"
    version: ClassVar[int]
    levels: ClassVar[tuple[int, ...]]
    kind: ClassVar[Kind]  # how an answer is read
    words: ClassVar[tuple[str, ...]]  # the closed vocabulary of the tiny encoding

    def __init__(self, encoding: Encoding = "tiny") -> None:
        if encoding not in get_args(Encoding):
            raise ConfigError(f'encoding must be "tiny" or "text", got {encoding!r}')
        self.encoding: Encoding = encoding

    @abstractmethod
    def draw(self, stream: Stream, level: int) -> Draft:
        """Draw one instance; instances of different levels must never have the same key."""

    @abstractmethod
    def instances(self, level: int) -> int:
        """How many distinct keys `draw` can reach at this level, or a lower bound."""

    def problem_id(self, level: int, split: Split, index: int, seed: int = 0) -> str:
        """The durable id; d0 is the plainest wording, the only one so far."""
        return f"{self.task}/v{self.version}/L{level}/d0/{split}/{seed}/{index}"

    def draft(self, level: int, split: Split, index: int, seed: int = 0) -> tuple[Draft, int]:
        """The instance behind `problem`, and the hash of its canonical key."""
        check_split(split)
        self.check_level(level)
        if index < 0:
            raise ConfigError(f"index must not be negative, got {index}")
        name = self.problem_id(level, split, index, seed)
        for attempt in range(MAX_DRAWS):
            draft = self.draw(Stream(f"{name}#{attempt}"), level)
            hashed = key_hash(f"{self.task} {draft.key}")
            if split_of(hashed) == split:
                return draft, hashed
        raise PoolError(
            f"{name}: none of {MAX_DRAWS} draws fell into the split, "
            f"which holds {share(split):.0%} of the instances"
        )

    def check_level(self, level: int) -> None:
        """Raise ConfigError for a level that the task does not have."""
        if level not in self.levels:
            raise ConfigError(f"{self.task} has levels {self.levels}, got {level!r}")

    def problem(self, level: int, split: Split, index: int, seed: int = 0) -> Problem:
        """Problem number `index` of a level and split; any index, in any order, in any process.

        Two indices may give the same instance; `generate` leaves repeats out. Raises ConfigError
        for an unknown level or split.
        """
        draft, _ = self.draft(level, split, index, seed)
        prompt, solution = draft.tiny() if self.encoding == "tiny" else draft.text()
        return Problem(
            id=self.problem_id(level, split, index, seed),
            prompt=prompt,
            answer=draft.answer,
            family=self.family,
            task=self.task,
            level=level,
            data=draft.data,
            solution=solution,
        )

    def recall(self, problem_id: str) -> Problem:
        """The problem that a durable id names. Raises KeyError for any other id."""
        try:
            _, _, level, _, split, seed, index = problem_id.split("/")
            problem = self.problem(int(level[1:]), check_split(split), int(index), int(seed))
        except ValueError:
            problem = None
        if problem is None or problem.id != problem_id:
            example = self.problem_id(self.levels[0], "train", 0)
            raise KeyError(f'"{problem_id}" is no id of {self.task}; ids look like {example}')
        return problem

    def reference(self, problem: Problem) -> str:
        """The worked solution, in this generator's encoding."""
        return self.recall(problem.id).solution

    def verify(self, problem: Problem, completion: str) -> Verdict:
        """Judge one completion. Any text gives a verdict; nothing raises."""
        if self.encoding == "tiny":
            return check_tiny(completion, problem.answer, self.kind)
        return check_text(completion, problem.answer, self.kind)

    def trace_ok(self, problem: Problem, completion: str) -> bool:
        """Whether the completion is the worked solution itself, spaces aside."""
        return completion.split() == problem.solution.split()

    def capacity(self, level: int, split: Split) -> int:
        """A lower bound of how many distinct problems a level and split hold.

        The hash puts a binomial number of instances into a split; six standard deviations below
        its mean is wrong with chance 1e-9.
        """
        mean = self.instances(level) * share(split)
        return max(0, int(mean - 6 * sqrt(mean * (1 - share(split)))))
