"""How often a guess is right: publish it beside every accuracy."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from lessonplan.generators.base import Generator


@dataclass(frozen=True, slots=True)
class GuessRates:
    """Shares of problems, 0..1, that are solved without solving them."""

    mode: float  # by always giving the commonest answer
    heuristic: float  # by the best of the task's cheap procedures
    answer: str  # the commonest answer
    procedure: str  # the best cheap procedure


def guess_rates(generator: Generator, level: int, n: int = 2000) -> GuessRates:
    """Measure both rates on the first n training problems of a level.

    A procedure that leaves several answers is right with the share of the true one among them.
    """
    answers: Counter[str] = Counter()
    wins: defaultdict[str, float] = defaultdict(float)
    for index in range(n):
        draft, _ = generator.draft(level, "train", index)
        answer = draft.answer
        answers[answer] += 1
        for procedure, left in draft.guesses().items():
            wins[procedure] += left.count(answer) / len(left)
    commonest, times = answers.most_common(1)[0]
    best = max(wins, key=wins.__getitem__)
    return GuessRates(times / n, wins[best] / n, commonest, best)
