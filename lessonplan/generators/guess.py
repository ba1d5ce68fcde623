"""How often a guess is right: publish it beside every accuracy."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources

from lessonplan.generators.answers import canonical
from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json

GATE = 0.10  # the highest mode rate of a task whose answer is a value; ours

_WITNESS_PROBLEMS = 400  # a witness task checks its guesses one by one
_CONSTANTS = 30  # commonest witnesses that are tried as constants
_LEFT = 4  # answers of a procedure that are tried on a witness task


@dataclass(frozen=True, slots=True)
class GuessRates:
    """Shares of problems, 0..1, that are solved without solving them."""

    mode: float  # by always giving the commonest answer
    prior: float  # by the best constant for one thing that the prompt shows at a glance
    heuristic: float  # by the best of the task's cheap procedures
    answer: str  # the commonest answer
    given: str  # what the best constants look at; "" when they do no better than one
    procedure: str  # the best cheap procedure; "" when the task lists none


def is_witness(generator: Generator) -> bool:
    """Whether a task accepts any right answer rather than one value: it overrides `check`."""
    return type(generator).check is not Generator.check


def guess_rates(generator: Generator, level: int, n: int = 2000) -> GuessRates:
    """Measure the three rates on the first n training problems of a level, 400 of a witness task.

    A procedure that leaves several answers is right with the share of the true one among them.
    The best constants are chosen on one half of the problems and counted on the other, both ways
    round: else many small groups would look easy to guess. A witness task has one constant, not
    one a glance.
    """
    if is_witness(generator):
        return _witness_rates(generator, level, min(n, _WITNESS_PROBLEMS))
    drafts = [generator.draft(level, "train", index)[0] for index in range(n)]
    answers = [draft.answer for draft in drafts]
    commonest, times = Counter(answers).most_common(1)[0]
    wins: defaultdict[str, float] = defaultdict(float)
    for draft, answer in zip(drafts, answers, strict=True):
        for procedure, left in draft.guesses().items():
            wins[procedure] += left.count(answer) / len(left) if left else 0.0
    given, prior = _prior([_glances(draft.data) for draft in drafts], answers)
    mode = times / n
    best = max(wins, key=wins.__getitem__, default="")
    return GuessRates(
        mode=mode,
        prior=max(prior, mode),
        heuristic=wins[best] / n if best else 0.0,
        answer=commonest,
        given=given if prior > mode else "",
        procedure=best,
    )


def _witness_rates(generator: Generator, level: int, n: int) -> GuessRates:
    drafts: list[Draft] = [generator.draft(level, "train", index)[0] for index in range(n)]
    problems = [generator.problem(level, "train", index) for index in range(n)]
    constants = Counter(draft.answer for draft in drafts).most_common(_CONSTANTS)
    right = {
        answer: sum(
            generator.check(problem, canonical(answer, generator.kind)) == "right"
            for problem in problems
        )
        for answer, _ in constants
    }
    commonest = max(right, key=right.__getitem__)
    wins: defaultdict[str, float] = defaultdict(float)
    for draft, problem in zip(drafts, problems, strict=True):
        for procedure, left in draft.guesses().items():
            tried = [canonical(answer, generator.kind) for answer in left[:_LEFT]]
            hits = sum(generator.check(problem, answer) == "right" for answer in tried)
            wins[procedure] += hits / len(tried) if tried else 0.0
    best = max(wins, key=wins.__getitem__, default="")
    mode = right[commonest] / n
    heuristic = wins[best] / n if best else 0.0
    return GuessRates(mode, mode, heuristic, commonest, "", best)


def _glances(data: Mapping[str, Json]) -> dict[str, str]:
    """What a reader sees without working: the length of every list, and every lone word or number."""
    seen: dict[str, str] = {}
    for name, value in data.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            seen[f"length of {name}"] = str(len(value))
        elif not isinstance(value, Mapping):
            seen[name] = str(value)
    return seen


def _prior(glances: Sequence[Mapping[str, str]], answers: Sequence[str]) -> tuple[str, float]:
    """The glance whose constants do best, and how often they are right."""
    rates = {
        name: _constants([glance.get(name, "") for glance in glances], answers)
        for name in sorted({name for glance in glances for name in glance})
    }
    best = max(rates, key=rates.__getitem__, default="")
    return best, rates.get(best, 0.0)


def _constants(seen: Sequence[str], answers: Sequence[str]) -> float:
    """How often the commonest answer of everything seen, from one half, is right on the other."""
    hits = 0
    for half in (0, 1):
        learned: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sight, answer in zip(seen[half::2], answers[half::2], strict=True):
            learned[sight][answer] += 1
        constant = {sight: counts.most_common(1)[0][0] for sight, counts in learned.items()}
        others = zip(seen[1 - half :: 2], answers[1 - half :: 2], strict=True)
        hits += sum(constant.get(sight) == answer for sight, answer in others)
    return hits / len(answers)


COLUMNS = (
    *("task", "version", "level", "kind", "witness", "problems"),
    *("mode", "prior", "heuristic", "answer", "given", "procedure"),
)


def table_rows(
    generators: Iterable[Generator], n: int = 2000
) -> Iterable[dict[str, str | int | float]]:
    """One row a task and level, as in the shipped table."""
    for generator in generators:
        for level in generator.levels:
            rates = asdict(guess_rates(generator, level, n))
            witness = is_witness(generator)
            yield {
                "task": generator.task,
                "version": generator.version,
                "level": level,
                "kind": generator.kind,
                "witness": int(witness),
                "problems": min(n, _WITNESS_PROBLEMS) if witness else n,
                **{key: round(x, 4) if isinstance(x, float) else x for key, x in rates.items()},
            }


def published_rates() -> dict[tuple[str, int], GuessRates]:
    """The shipped table, by task and level."""
    path = resources.files("lessonplan.generators") / "guess_rates.csv"
    return {
        (row["task"], int(row["level"])): GuessRates(
            mode=float(row["mode"]),
            prior=float(row["prior"]),
            heuristic=float(row["heuristic"]),
            answer=row["answer"],
            given=row["given"],
            procedure=row["procedure"],
        )
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    }
