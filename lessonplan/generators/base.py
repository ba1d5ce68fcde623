"""What every generated task has in common: identity, redraws, rendering, verification."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from math import log2, sqrt
from typing import ClassVar, Literal, NamedTuple, TypeAlias, get_args

from lessonplan.errors import ConfigError, PoolError
from lessonplan.generators.problem import Json, Problem, Reason, Verdict
from lessonplan.generators.splits import Split, check_split, key_hash, share, split_of
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import Template
from lessonplan.generators.verify import Kind, canonical, read_text, read_tiny
from lessonplan.generators.wrappers import Wrapper, ask, check_wrapper, wrapped

Encoding: TypeAlias = Literal["tiny", "text"]
SplitBy: TypeAlias = Literal["instance", "skeleton"]

# The rarest split holds a tenth of all instances, and a task may accept as few as one draw in 20
# for its work: 5,000 draws then miss with chance 1e-11.
MAX_DRAWS = 5_000

TEMPLATES = (1, 4, 12, None)  # how many wordings each diversity draws from; None is all


@cache
def _window(aim: float, tolerance: float) -> range:
    """The work whose log2 is no farther from the aim than the tolerance."""
    near = range(max(1, int(2 ** (aim - tolerance))), int(2 ** (aim + tolerance)) + 2)
    kept = [work for work in near if abs(log2(work) - aim) <= tolerance]
    return range(kept[0], kept[-1] + 1) if kept else range(0)


class Rendering(NamedTuple):
    """A problem as text: what the model reads, and what it should have written."""

    prompt: str
    solution: str


class Found(NamedTuple):
    """The instance behind an index, and how to come by it again without a search."""

    draft: "Draft"
    hashed: int  # its canonical key
    attempt: int  # which draw of the stream it is


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
        """The exact answer; of a witness task, one of the right ones."""

    @property
    @abstractmethod
    def data(self) -> Mapping[str, Json]:
        """The instance as plain data, in prompt order; the slots of the templates."""

    @property
    @abstractmethod
    def work(self) -> int:
        """Elementary steps of the reference procedure that `steps` follows."""

    @property
    def skeleton(self) -> str:
        """The shape of the question without its numbers and names."""
        return ""

    @abstractmethod
    def steps(self, style: int = 0) -> Sequence[str]:
        """Lines of the worked solution, without the answer; a task may have several styles."""

    @abstractmethod
    def guesses(self) -> Mapping[str, Sequence[str]]:
        """Cheap procedures by name; each leaves some answers, of which one is picked blindly."""

    def tiny(self) -> Rendering:
        """Few whole words, split at single spaces; the answer follows the word A."""
        raise NotImplementedError(f"{type(self).__name__} has no tiny encoding")


class Generator(ABC):
    """A pure function of (level, split, index, seed) to a Problem, and the judge of its answers.

    A subclass names its task and implements `draw`; a witness task overrides `check`. Encoding,
    wrapper and style are only renderings: the same id means the same instance in all of them.
    `diversity` 0..3 draws wordings and instances from wider sets, and is part of the id. So is
    `split_by`: with "skeleton" whole shapes of questions belong to one split, and a test has
    structures that were never trained on. Raise `version` with every change that alters a problem.
    """

    family: ClassVar[str]
    task: ClassVar[str]  # durable name, such as "counting.count_if"
    version: ClassVar[int]
    levels: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    kind: ClassVar[Kind]  # how an answer is read
    what: ClassVar[str]  # the answer in words: "the number"
    templates: ClassVar[tuple[Template, ...]]  # the first is the plainest
    encodings: ClassVar[tuple[Encoding, ...]] = ("text",)  # the first is the default
    diversities: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)
    styles: ClassVar[int] = 1  # how many styles of worked solutions there are
    words: ClassVar[tuple[str, ...]] = ()  # the closed vocabulary of the tiny encoding
    # log2 of the work that each level aims at, and how far from it a problem may be
    log_work: ClassVar[tuple[float, ...]] = ()
    tolerance: ClassVar[float] = 0.0

    def __init__(
        self,
        encoding: Encoding | None = None,
        *,
        diversity: int = 0,
        wrapper: Wrapper = "tag",
        style: int = 0,
        split_by: SplitBy = "instance",
    ) -> None:
        self.encoding: Encoding = self.encodings[0] if encoding is None else encoding
        self.diversity, self.style, self.split_by = diversity, style, split_by
        self.wrapper = check_wrapper(wrapper)
        if self.encoding not in self.encodings:
            names = " or ".join(f'"{name}"' for name in self.encodings)
            raise ConfigError(f"the encoding of {self.task} must be {names}, got {encoding!r}")
        if diversity not in self.diversities:
            raise ConfigError(f"{self.task} has diversities {self.diversities}, got {diversity!r}")
        if not 0 <= style < self.styles:
            raise ConfigError(f"style must lie in 0..{self.styles - 1}, got {style!r}")
        if split_by not in get_args(SplitBy):
            raise ConfigError(f'split_by must be "instance" or "skeleton", got {split_by!r}')

    @abstractmethod
    def draw(self, stream: Stream, level: int) -> Draft | None:
        """Draw one instance, or None to be asked again.

        Instances of different levels must never have the same key.
        """

    @abstractmethod
    def instances(self, level: int) -> int:
        """How many distinct keys `draw` can reach at this level, or a lower bound."""

    def problem_id(self, level: int, split: Split, index: int, seed: int = 0) -> str:
        """The durable id."""
        axes = f"d{self.diversity}" + ("s" if self.split_by == "skeleton" else "")
        return f"{self.task}/v{self.version}/L{level}/{axes}/{split}/{seed}/{index}"

    def draft(self, level: int, split: Split, index: int, seed: int = 0) -> tuple[Draft, int]:
        """The instance behind `problem`, and the hash of its canonical key."""
        return self.find(level, split, index, seed)[:2]

    def find(self, level: int, split: Split, index: int, seed: int = 0) -> Found:
        """Draw until an instance has the level's work and lies in the split."""
        check_split(split)
        self.check_level(level)
        if index < 0:
            raise ConfigError(f"index must not be negative, got {index}")
        name = self.problem_id(level, split, index, seed)
        for attempt in range(MAX_DRAWS):
            draft = self.draw(Stream(f"{name}#{attempt}"), level)
            if draft is None or not self._in_window(draft, level):
                continue
            hashed = key_hash(f"{self.task} {draft.key}")
            if self._split_of(draft, hashed) == split:
                return Found(draft, hashed, attempt)
        raise PoolError(
            f"{name}: none of {MAX_DRAWS} draws had the level's work and fell into the split, "
            f"which holds {share(split):.0%} of the {self.split_by}s"
        )

    def _split_of(self, draft: Draft, hashed: int) -> Split:
        if self.split_by == "instance":
            return split_of(hashed)
        if not draft.skeleton:
            raise ConfigError(f'{self.task} has no skeletons; use split_by="instance"')
        return split_of(key_hash(f"{self.task} skeleton {draft.skeleton}"))

    def _in_window(self, draft: Draft, level: int) -> bool:
        return not self.log_work or draft.work in self.window(level)

    def window(self, level: int) -> range:
        """The work that a problem of the level may have, where the task has aims."""
        return _window(self.log_work[self.levels.index(level)], self.tolerance)

    def _measured_share(self, level: int, split: Split) -> float:
        """How many of the level's instances have a skeleton of the split, or a little less."""
        hits = drawn = 0
        for number in range(MAX_DRAWS):
            name = f"{self.task}/v{self.version}/L{level}/d{self.diversity}/share#{number}"
            draft = self.draw(Stream(name), level)
            if draft is None or not self._in_window(draft, level):
                continue
            drawn += 1
            hits += self._split_of(draft, 0) == split
            if drawn == 400:
                break
        found = hits / max(drawn, 1)
        return max(0.0, found - 3 * sqrt(found * (1 - found) / max(drawn, 1)))

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
        return self._problem(draft, level, self.problem_id(level, split, index, seed))

    def again(
        self, level: int, split: Split, index: int, attempt: int, seed: int = 0
    ) -> tuple[Problem, int]:
        """What `find` found, drawn once: the problem and the hash of its canonical key."""
        name = self.problem_id(level, split, index, seed)
        draft = self.draw(Stream(f"{name}#{attempt}"), level)
        if draft is None:
            raise PoolError(f"{name}: draw {attempt} gives no problem; `find` says which one does")
        return self._problem(draft, level, name), key_hash(f"{self.task} {draft.key}")

    def _problem(self, draft: Draft, level: int, name: str) -> Problem:
        answer, data = draft.answer, draft.data  # some drafts search for them
        if self.encoding == "tiny":
            prompt, solution = draft.tiny()
        else:
            prompt = f"{self._template(name).write(data)}\n{ask(self.wrapper, self.what)}"
            solution = "\n".join([*draft.steps(self.style), wrapped(self.wrapper, answer)])
        return Problem(
            id=name,
            prompt=prompt,
            answer=answer,
            family=self.family,
            task=self.task,
            level=level,
            data=data,
            solution=solution,
            work=log2(draft.work),
            skeleton=draft.skeleton,
        )

    def _template(self, name: str) -> Template:
        some = self.templates[: TEMPLATES[self.diversity]]
        return some[0] if len(some) == 1 else Stream(f"{name}#words").choice(some)

    def read(self, prompt: str) -> dict[str, Json] | None:
        """The instance that a prompt in plain English states, or None if it is none of ours."""
        readings = (template.read(prompt) for template in self.templates)
        return next((reading for reading in readings if reading is not None), None)

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
        read = read_tiny if self.encoding == "tiny" else read_text
        found = read(completion, self.kind)
        if isinstance(found, Verdict):
            return found
        reason = self.check(problem, found)
        return Verdict(correct=reason == "right", format_ok=True, reason=reason, parsed=found)

    def check(self, problem: Problem, found: str) -> Reason:
        """Judge an answer that could be read, in its canonical form."""
        right = found == problem.answer or found == canonical(problem.answer, self.kind)
        return "right" if right else "wrong"

    def trace_ok(self, problem: Problem, completion: str) -> bool:
        """Whether the completion is the worked solution itself, spaces aside."""
        return completion.split() == problem.solution.split()

    def capacity(self, level: int, split: Split) -> int:
        """A lower bound of how many distinct problems a level and split hold.

        The hash puts a binomial number of instances into a split; six standard deviations below
        its mean is wrong with chance 1e-9. Skeletons are few and unequal, so their share is
        measured on 400 draws, and three standard deviations are taken off.
        """
        if self.split_by == "skeleton":
            return int(self.instances(level) * self._measured_share(level, split))
        mean = self.instances(level) * share(split)
        return max(0, int(mean - 6 * sqrt(mean * (1 - share(split)))))
