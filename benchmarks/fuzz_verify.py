"""Throw mutated completions at the verifier: nothing may raise, be slow, or earn what it should not.

Two ways. By default a mutation fuzzer that needs nothing: pieces that matter are cut, doubled,
joined and damaged, and what gives a new outcome (kind, reason, shape of the answer) is kept to be
mutated further. With --atheris the coverage-guided fuzzer of that name drives the same check, if
it is installed (`pip install atheris`); it then takes libFuzzer's options after `--`.

Every input must give exactly one verdict, in linear time, whose parts agree; a right verdict must
survive a second look: the true answer's letters and digits stand in the completion. Prints one
line per 100,000 inputs and stops with the input, as ASCII, at the first failure.

    python benchmarks/fuzz_verify.py --inputs 10000000
    python benchmarks/fuzz_verify.py --minutes 60
    python benchmarks/fuzz_verify.py --atheris -- -max_total_time=3600
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Sequence
from types import FunctionType

from lessonplan.generators.problem import Reason
from lessonplan.generators.verify import Kind, canonical, check_text, check_tiny, read_text

ANSWERS: dict[Kind, str] = {
    "int": "-12",
    "rational": "3/4",
    "ints": "4 -1 4",
    "offset": "2 -1",
    "pose": "2 -1 north",
    "name": "c",
    "names": "a c f",
    "path": "a c f",
    "mapping": "a=2 b=0",
    "choice": "north",
    "grid": ".#./###",
}
KINDS: tuple[Kind, ...] = tuple(ANSWERS)
REASONS: frozenset[Reason] = frozenset(
    {"right", "wrong", "no_answer", "two_answers", "unparsable", "too_long"}
)
PIECES = (
    *("<answer>", "</answer>", "<ANSWER>", "<think>", "</think>", "\\boxed{", "}", "{", "Answer:"),
    *(
        "**",
        "$",
        "`",
        "```\n",
        ".",
        ",",
        ";",
        "-",
        "\u2212",
        "\u2192",
        "->",
        "=",
        "(",
        ")",
        "[",
        "]",
    ),
    *("\\frac{3}{4}", "\\text{", "\\(", "\\)", "the answer is ", " or ", " and ", "\n", " ", "\0"),
    *("\u0130", "\u212a", "\ud800", "\u202e", "\u200b", "\uff12", "\u0662", "9" * 30, "x" * 600),
    *("A ", "<", "</", "a", "0", "#", "/", "north", "facing ", "room ", '"', "'", "|", "&"),
    *ANSWERS.values(),
)
BOUND_SECONDS = 0.05  # of one input of at most MAX_INPUT characters; ours
MAX_INPUT = 4_000


def check(completion: str, kind: Kind) -> tuple[str, ...]:
    """Judge one completion; the outcome says what was new about it. AssertionError is a finding."""
    answer = ANSWERS[kind]
    outcome: list[str] = [kind]
    for judge in (check_text, check_tiny):
        verdict = judge(completion, answer, kind)
        assert verdict.reason in REASONS, verdict
        assert verdict.correct == (verdict.reason == "right"), verdict
        assert verdict.format_ok == (verdict.reason in ("right", "wrong")), verdict
        if verdict.correct:
            assert verdict.parsed == answer, verdict
            if kind != "rational":
                letters = iter(re.sub(r"\s", "", completion).lower())
                assert all(one in letters for one in re.findall(r"\w", answer)), verdict
        outcome += [
            verdict.reason,
            re.sub(r"[0-9]+", "9", re.sub("[a-z]+", "a", verdict.parsed))[:12],
        ]
    found = read_text(completion, kind)
    if isinstance(found, str):
        assert canonical(found, kind) == found, found
    return tuple(outcome)


def mutated(draw: random.Random, corpus: Sequence[str]) -> str:
    """One to six changes of a kept input."""
    text = draw.choice(corpus)
    for _ in range(draw.randrange(1, 7)):
        at = draw.randrange(len(text) + 1)
        to = min(len(text), at + draw.randrange(1, 20))
        match draw.randrange(6):
            case 0 | 1:
                text = text[:at] + draw.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[to:]
            case 3:
                text = text[:to] + text[at:to] * draw.randrange(1, 30) + text[to:]
            case 4:
                text = text[:at] + draw.choice(corpus)[draw.randrange(len(text) + 1) :]
            case _:
                text = text[:at] + chr(draw.choice((draw.randrange(128), draw.randrange(0x3000))))
                text += draw.choice(PIECES)
    return text[-MAX_INPUT:]


def fuzz(inputs: int, minutes: float, seed: int) -> None:
    draw = random.Random(seed)
    corpus = [f"so <answer>{answer}</answer>" for answer in ANSWERS.values()]
    corpus += [f"\\boxed{{{answer}}}" for answer in ANSWERS.values()]
    corpus += [f"x\nAnswer: {answer}" for answer in ANSWERS.values()]
    corpus += [f"A {answer}" for answer in ANSWERS.values()]
    seen: set[tuple[str, ...]] = set()
    begun, slowest, count = time.monotonic(), 0.0, 0
    while count < inputs and time.monotonic() - begun < 60 * minutes:
        text = mutated(draw, corpus)
        kind = KINDS[count % len(KINDS)]
        started = time.process_time()
        try:
            outcome = check(text, kind)
        except Exception:
            print(f"input {count} of seed {seed}, {kind}: {text!a}")
            raise
        took = time.process_time() - started
        slowest = max(slowest, took)
        if took > BOUND_SECONDS:
            sys.exit(f"input {count} of seed {seed}, {kind}: {took:.3f} s for {text!a}")
        if outcome not in seen and len(corpus) < 20_000:
            seen.add(outcome)
            corpus.append(text)
        count += 1
        if count % 100_000 == 0:
            print(
                f"{count:,} inputs, {len(seen):,} different outcomes, slowest {slowest * 1e3:.2f} "
                f"ms, {time.monotonic() - begun:.0f} s",
                flush=True,
            )
    print(f"{count:,} inputs, {len(seen):,} different outcomes, nothing found")


def guided(options: list[str]) -> None:
    """Let atheris choose the inputs, by what they reach in the verifier's own code."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris, or leave --atheris out")
    from lessonplan.generators import answers, verify

    for module in (answers, verify):
        for value in list(vars(module).values()):
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                atheris.instrument_func(value)  # in place, so every table of readers has it

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        kind = KINDS[provider.ConsumeIntInRange(0, len(KINDS) - 1)]
        check(provider.ConsumeUnicode(MAX_INPUT), kind)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true")
    parser.add_argument("options", nargs="*", help="for atheris, after --")
    args = parser.parse_args()
    if args.atheris:
        guided(args.options)
    else:
        fuzz(args.inputs, args.minutes, args.seed)


if __name__ == "__main__":
    main()
