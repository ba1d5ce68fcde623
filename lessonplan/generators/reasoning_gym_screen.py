"""Which tasks of reasoning-gym are fit for training: what is known of them, and how to measure it."""

import csv
import math
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from lessonplan.generators.problem import Json
from lessonplan.generators.reasoning_gym_process import Worker, WorkerFault

# Why a task is refused, from 0.1.25 as measured
DENIED: Mapping[str, str] = {
    "game_of_life_halting": "any non-empty answer is scored as right",
    "puzzle24": "answers to other puzzles are scored as right, and its scorer executes them",
    "game_of_life": "an all-zero board scores 0.96",
    "syllogism": "stored answers are wrong (issue 536)",
    "coin_flip": "87 % of its items repeat, and the answer 0 scores 0.93 to 0.97",
    "composite": "it mixes other tasks; build a pool of each",
}
# Scorers that execute the model's text
EXECUTES = frozenset(
    {
        *("n_queens", "binary_matrix", "spiral_matrix", "string_insertion", "puzzle24"),
        *("countdown", "polynomial_multiplication", "simple_integration"),
        "intermediate_integration",
    }
)
WARNED: Mapping[str, str] = {
    "codeio": "items depend on the hash seed of the process (fixed here)",
    "isomorphic_strings": "items depend on the hash seed of the process (fixed here)",
    "polynomial_equations": "the answer 0 scores 0.35",
    "polynomial_multiplication": "items depend on the hash seed of the process (fixed here)",
    "ransom_note": "items depend on the hash seed of the process (fixed here)",
    "rubiks_cube": "one score can take 8 s",
    "shortest_path": "the share of the commonest answer grows with the level, .48 to .68",
    "rotten_oranges": "the share of the commonest answer grows with the level, .18 to .74",
    "graph_color": "levels 2 and 3 are the same",
    "circuit_logic": "the commonest answer is right in .61",
    "tower_of_hanoi": "95 % of its items repeat",
    "word_ladder": "items depend on the hash seed of the process (fixed here)",
    "zebra_puzzles": "items depend on the hash seed of the process (fixed here)",
    "number_filtering": "some stored answers are wrong (7 of 300 at level 0)",
}

# The score from which on an answer counts as right: all but rounding. From .99 on, 2 of 200 answers to
# other items of time_intervals were right, for it pays for nearness; stored answers earn 1 throughout.
SUCCESS = 1 - 1e-6
_JUNK = ("", " ", "0", "1", "yes", "no", "True", "None", "[]", "{}", "a", "0 0", "I do not know")
_ITEMS, _SCORED, _FOREIGN = 200, 20, 3


@dataclass(frozen=True, slots=True)
class Screening:
    """What was measured of one task, and what speaks against it."""

    name: str
    mode: float  # share of the commonest stored answer
    duplicates: float  # share of items whose question came before
    items_per_second: float  # of CPU time, as `slowest`
    free_reward: float  # the best mean score of a junk answer
    foreign_reward: float  # the mean score of the answers to other items
    gold_reward: float  # the mean score of the stored answers
    slowest: float  # CPU seconds of one score, its item made anew; wall time of one that failed
    prompt_characters: float  # median
    against: tuple[str, ...]  # empty: it passes


def screen(
    name: str,
    *,
    level: int | None = None,
    n: int = _ITEMS,
    seconds: float = 5.0,
    python: str = sys.executable,
) -> Screening:
    """Measure a task before it is used. Denied and executing tasks can be screened as well.

    Against it: a scorer that executes output, items that differ between processes, a commonest
    answer of .30 or more, 10 % repeats, fewer than 100 items a CPU second, a junk or foreign answer
    that earns .30, a score that takes over a second or raises, stored answers that earn less than
    1, and none stored at all: then nothing shows that the scorer knows a right one.
    """
    against: list[str] = []
    if name in EXECUTES:
        against.append("its scorer executes the model's text")
    base: dict[str, Json] = {"name": name, "level": level, "config": {}, "seed": 1, "size": n}
    make: dict[str, Json] = {**base, "do": "make", "start": 0, "stop": n}
    with (
        Worker(python=python) as worker,
        Worker(python=python, hash_seed=1) as other,
    ):
        worker.ask({**base, "do": "about"}, seconds)
        reply = worker.ask(make, 20 * seconds)
        items, speed = _pairs(reply), n / max(_cpu(reply), 1e-6)
        if _pairs(other.ask(make, 20 * seconds)) != items:
            against.append("its items depend on the process")
        answers = [answer for _, answer in items]
        slowest, faults = 0.0, 0

        def mean(pairs: Sequence[tuple[int, str]]) -> float:
            nonlocal slowest, faults
            scores = []
            for index, answer in pairs:
                if slowest > 1:
                    break  # it has failed, and hundreds of such scores take minutes
                ask: dict[str, Json] = {**base, "do": "score", "index": index, "answer": answer}
                begun = time.monotonic()
                try:
                    reply = worker.ask(ask, seconds)
                except WorkerFault:
                    faults += 1
                    slowest = max(slowest, time.monotonic() - begun)
                else:
                    scores.append(float(str(reply["score"])))
                    slowest = max(slowest, _cpu(reply))
            return sum(scores) / len(scores) if scores else math.nan

        few = range(min(n, _SCORED))
        mean([(0, answers[0])])  # a first score may import more
        slowest = 0.0
        gold = mean([(i, answers[i]) for i in few])
        free = max((mean([(i, junk) for i in few]) for junk in _JUNK), key=_number)
        foreign = mean(
            [(i, answers[j]) for i in few for j in range(i + 1, i + 1 + _FOREIGN)]
            if n > _SCORED + _FOREIGN
            else []
        )
    mode = Counter(answers).most_common(1)[0][1] / n
    duplicates = 1 - len({question for question, _ in items}) / n
    for bad, reason in (
        (mode >= 0.3 and any(answers), f"the commonest answer is right in {mode:.2f}"),
        (duplicates >= 0.1, f"{duplicates:.0%} of its items repeat"),
        (speed < 100, f"only {speed:.0f} items a second"),
        (_number(free) >= 0.3, f"a junk answer earns {free:.2f}"),
        (_number(foreign) >= 0.3, f"answers to other items earn {foreign:.2f}"),
        (slowest > 1, f"a score took {slowest:.1f} s"),
        (faults > 0, f"its scorer failed on {faults} answers"),
        (any(answers) and _number(gold) < SUCCESS, f"stored answers earn {gold:.2f}"),
        (not any(answers), "it stores no answers, so none can be shown to be scored as right"),
    ):
        if bad:
            against.append(reason)
    lengths = sorted(len(question) for question, _ in items)
    return Screening(
        name=name,
        mode=mode,
        duplicates=duplicates,
        items_per_second=speed,
        free_reward=free,
        foreign_reward=foreign,
        gold_reward=gold,
        slowest=slowest,
        prompt_characters=lengths[n // 2],
        against=tuple(against),
    )


def _pairs(reply: Mapping[str, Json]) -> list[tuple[str, str]]:
    items = reply.get("items")
    if not isinstance(items, list):
        raise WorkerFault("the worker gave no items")
    return [(str(question), str(answer)) for question, answer in items]


def _cpu(reply: Mapping[str, Json]) -> float:
    """CPU seconds that the worker says it needed: those of the clock are longer on a busy machine."""
    return float(str(reply["cpu_seconds"]))


def _number(value: float) -> float:
    return 0.0 if math.isnan(value) else value


COLUMNS = (
    *("name", "level", "items", "mode", "duplicates", "prompt_characters", "items_per_second"),
    *("free_reward", "foreign_reward", "gold_reward", "slowest", "against"),
)


def known_against(name: str) -> str:
    """What is known to speak against a task: read in its source, or measured in the table."""
    rows = (row["against"] for row in shipped() if row["name"] == name and not row["level"])
    return "; ".join(filter(None, (WARNED.get(name, ""), next(rows, ""))))


def shipped() -> list[dict[str, str]]:
    """The shipped table: one row a task and level, "" for the default settings."""
    path = resources.files("lessonplan.generators") / "reasoning_gym.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
