"""How fast completions are judged: every wrapper and kind of answer, every task, hostile texts.

Prints judgements a second on completions of 3 kB, one core, beside a plain lazy regular expression
that reads it all; the same for every task with its own checker, at its first, middle and last
level; and milliseconds for 4 MB of hostile texts of many kinds, each ended in every wrapper. On
hostile texts the plain approach gets a hundredth of the length, since its time grows with the
square. The best of many short rounds counts: a neighbor on the machine slows most of them.

    python benchmarks/verify_speed.py
"""

import argparse
import re
import time
from collections.abc import Callable

from fuzz_verify import KINDS
from second_opinion import ANSWERS

from lessonplan.generators import TASKS, family
from lessonplan.generators.base import Generator
from lessonplan.generators.verify import Kind, check_text
from lessonplan.generators.wrappers import Wrapper, wrapped

WRAPPERS: tuple[Wrapper, ...] = ("tag", "boxed", "line")
TARGET = 200_000  # judgements a second

# One figure, name or cell of the right answer changed
WRONG: dict[Kind, str] = {
    "int": "-13",
    "rational": "3/5",
    "ints": "4 -1 5",
    "offset": "2 -2",
    "pose": "2 -1 south",
    "name": "d",
    "names": "a c g",
    "path": "a c g",
    "mapping": "a=2 b=1",
    "choice": "south",
    "grid": ".#./##.",
}

_PLAIN = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_WORDS = "so the next number that passes the test is 42, and the count is 7 now.\n"
_SIGNS = "if x < 3 and y > 2: so {a, b}, \\alpha, the answer: no.\n"
TEXT = (_WORDS * 50)[:3000]

HOSTILE = (
    *("<answer>", "</answer>", "<answer>2</answer>", "</answer><answer>", "<think>", "</think>"),
    *("</think><think>", "hink>", "\\boxed{", "\\boxed{2}", "{", "}", "answer:", "xanswer:", "9,"),
    *(
        "a=1 ",
        "a->",
        "a/",
        ". ",
        "*",
        "$",
        "\n",
        " ",
        "<",
        "</",
        "\u0130",
        "\U0001f600",
        "(",
        "or ",
    ),
    *(":", "answer**:", "_answer:", "\\", "<a", "</ANSWER>", "<think", "/think>", "\u0130answer:"),
    *("1 and ", "a and ", "2 or 3 ", "```\n", "#/", "\0", "\u2028", "\ud800", "\\{", "\u2212"),
)


def plain(completion: str, answer: str) -> bool:
    """What people write first: all answers by a lazy pattern, the last one compared as a text."""
    found = _PLAIN.findall(completion)
    return bool(found) and found[-1].strip() == answer


def a_second(judge: Callable[[], object], calls: int, rounds: int) -> float:
    """Judgements a second, in the best of some short rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            judge()
        best = min(best, time.perf_counter() - started)
    return calls / best


def by_wrapper_and_kind(calls: int, rounds: int) -> None:
    """Judge right answers in every wrapper, and wrong and two answers in a tag."""
    rows: dict[str, list[float]] = {}
    for kind in KINDS:
        for wrapper in WRAPPERS:
            end = wrapped(wrapper, ANSWERS[kind])
            for before, text in (("", TEXT + "\n"), ("thought, ", f"<think>{TEXT}</think>\n")):
                judge = _judge(text + end, ANSWERS[kind], kind)
                rows.setdefault(before + wrapper, []).append(a_second(judge, calls, rounds))
        wrong, right = WRONG[kind], ANSWERS[kind]
        for name, end in (("wrong", wrong), ("two answers", f"{wrong} or {right}")):
            judge = _judge(f"{TEXT}\n{wrapped('tag', end)}", ANSWERS[kind], kind)
            rows.setdefault(f"tag, {name}", []).append(a_second(judge, calls, rounds))
    print(f"3 kB, a second{'':<5}" + "".join(f"{kind:>10}" for kind in KINDS))
    for name, speeds in rows.items():
        print(f"{name:<19}" + "".join(f"{speed:>10,.0f}" for speed in speeds))
    slow = sum(speed < TARGET for speeds in rows.values() for speed in speeds)
    cells = sum(map(len, rows.values()))
    print(
        f"{cells - slow} of {cells} reach {TARGET:,}; slowest {min(map(min, rows.values())):,.0f}\n"
    )


def other_texts(calls: int, rounds: int) -> None:
    """What is slower: other alphabets, many signs; and the plain approach beside it."""
    accents = TEXT.replace("number", "n\u00famero \u2192")
    signs = (_SIGNS * 60)[:3000]
    cases = {"plain words": TEXT, "not ASCII": accents, "<, \\ and : in every line": signs}
    print(f"{'3 kB of':<27}{'ends in':<10}{'ours a second':>14}{'plain a second':>16}{'ratio':>7}")
    for name, text in cases.items():
        for ending in (*WRAPPERS, "nothing"):
            end = "" if ending == "nothing" else wrapped(ending, "42")
            completion = f"{text}\n{end}"
            ours = a_second(_judge(completion, "42", "int"), calls, rounds)
            theirs = a_second(_plainly(completion, "42"), calls, rounds)
            print(f"{name:<27}{ending:<10}{ours:>14,.0f}{theirs:>16,.0f}{ours / theirs:>7.2f}")
    print()


def by_task(calls: int, rounds: int) -> None:
    """The whole verdict of every task. A witness is checked against the instance, which takes
    time in proportion to it; those tasks are marked with a w."""
    print("3 kB that end in a right answer in a tag; w: the checker reads the instance")
    print(f"{'task':<38}{'first':>10}{'middle':>10}{'last':>10}")
    for task in TASKS:
        generator = family(task, "text")
        levels = generator.levels
        cells = []
        for level in (levels[0], levels[len(levels) // 2], levels[-1]):
            problem = generator.problem(level, "train", 0)
            completion = f"{TEXT}\n{wrapped('tag', problem.answer)}"
            assert generator.verify(problem, completion).correct
            cells.append(
                a_second(lambda g=generator, p=problem, c=completion: g.verify(p, c), calls, rounds)
            )
        own = type(generator).check is not Generator.check
        print(f"{task + ' w' * own:<38}" + "".join(f"{speed:>10,.0f}" for speed in cells))
    print()


def hostile(rounds: int) -> None:
    """The worst of all hostile texts, alone and ended in every wrapper, over all kinds."""
    worst: dict[str, tuple[float, str]] = {}
    slowest = (0.0, "")
    for piece in HOSTILE:
        text = piece * (4_000_000 // len(piece))
        for ending in ("nothing", *WRAPPERS):
            for kind in KINDS:
                end = "" if ending == "nothing" else "\n" + wrapped(ending, ANSWERS[kind])
                took = 1 / a_second(_judge(text + end, ANSWERS[kind], kind), 1, rounds)
                worst[ending] = max(worst.get(ending, (0.0, "")), (took, piece))
        took = 1 / a_second(_plainly(piece * (40_000 // len(piece)), "42"), 1, 1)
        slowest = max(slowest, (took, piece))
    for ending, (took, piece) in worst.items():
        print(
            f"4 MB hostile, {len(HOSTILE)} kinds, end in {ending}: {took * 1e3:.2f} ms ({piece!a})"
        )
    print(f"40 kB of them, plain: at most {slowest[0] * 1e3:.1f} ms ({slowest[1]!a})")


def _judge(completion: str, answer: str, kind: str) -> Callable[[], object]:
    return lambda: check_text(completion, answer, kind)  # type: ignore[arg-type]


def _plainly(completion: str, answer: str) -> Callable[[], object]:
    return lambda: plain(completion, answer)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=200, help="of one round")
    parser.add_argument("--rounds", type=int, default=50)
    args = parser.parse_args()
    by_wrapper_and_kind(args.calls, args.rounds)
    other_texts(args.calls, args.rounds)
    by_task(args.calls, args.rounds)
    hostile(3)


if __name__ == "__main__":
    main()
