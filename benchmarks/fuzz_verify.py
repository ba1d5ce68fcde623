"""Throw completions at the verifier: nothing may raise, be slow, or earn what it should not.

Three sorts of inputs in turn, by a fixed seed:

* junk: pieces that matter are cut, doubled, joined and damaged, and what gives a new outcome is
  kept to be damaged further. What earns a reward must be the right answer by a second reading
  that shares no code with the first: a plain pattern for the place, and then only what the reader
  documents as decoration may be taken off.
* built: an answer is made as numbers or names, changed or not, and only then written in one of
  the ways that are documented as equal, in a wrapper, among noise; so its verdict is known without
  any reading. So it is with right answers in places that do not count.
* tasks: the same with the answers of every task at every level. For witness tasks networkx or a
  few lines here say whether the changed witness is legal and as good.

With --atheris the coverage-guided fuzzer of that name chooses the inputs, if it is installed (`pip
install atheris`); it then takes libFuzzer's options after `--`. Prints one line per 100,000 inputs
and stops with the input, as ASCII, at the first failure.

    python benchmarks/fuzz_verify.py --inputs 10000000
    python benchmarks/fuzz_verify.py --minutes 60 --seed 2
    python benchmarks/fuzz_verify.py --atheris -- -max_total_time=3600
"""

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from types import FunctionType
from typing import Any

from second_opinion import ANSWERS, HEADINGS, Value, last_answer, same_value, stands, worth

from lessonplan.generators.problem import Problem, Reason, Verdict
from lessonplan.generators.verify import Kind, canonical, check_text, check_tiny, read_text

KINDS: tuple[Kind, ...] = tuple(ANSWERS)
REASONS: frozenset[Reason] = frozenset(
    {"right", "wrong", "no_answer", "two_answers", "unparsable", "too_long"}
)
PIECES = (
    *("<answer>", "</answer>", "<ANSWER>", "</ANSWER>", "<think>", "</think>", "<", "</"),
    *("\\boxed{", "\\text{", "\\frac{3}{4}", "\\(", "\\)", "{", "}", "$", "**", "`", "```\n"),
    *("Answer:", "**:", "::::", "the answer is ", " or ", " and ", "facing ", "room ", "A ", "a"),
    *("(", ")", "[", "]", "=", "->", "-", ".", ",", ";", "|", "&", "/", "#", "0", '"', "'", "\n"),
    *("\u2212", "\u2192", "\u0130", "\u212a", "\ud800", "\u202e", "\u200b", "\uff12", "\0"),
    *(" ", "north", "9" * 30, "x" * 600, "\u0662"),
    *ANSWERS.values(),
)
BOUND_SECONDS = 0.01
MAX_INPUT = 4_000
BLOWN_UP = 300_000  # characters of one input in a thousand

# ---------------------------------------------------------------------------------------------
# Junk


def check(completion: str, kind: Kind) -> tuple[str, ...]:
    """Judge one completion; the outcome says what was new about it. AssertionError is a finding."""
    answer = ANSWERS[kind]
    outcome: list[str] = [kind]
    for judge in (check_text, check_tiny):
        verdict = judge(completion, answer, kind)
        agrees(verdict)
        if verdict.correct:
            assert verdict.parsed == answer, verdict
        shape = re.sub(r"[0-9]+", "9", re.sub("[a-z]+", "a", verdict.parsed))[:12]
        outcome += [verdict.reason, shape]
    if check_text(completion, answer, kind).correct:
        shown = last_answer(completion)
        assert shown is not None and stands(shown, kind), shown
    if check_tiny(completion, answer, kind).correct:
        assert re.split(r"(?<!\S)A(?!\S)", completion)[-1].split() == answer.split(), completion
    found = read_text(completion, kind)
    if isinstance(found, str):
        assert canonical(found, kind) == found, found
    return tuple(outcome)


def agrees(verdict: Verdict) -> None:
    """Assert that the parts of a verdict fit together."""
    assert verdict.reason in REASONS, verdict
    assert verdict.correct == (verdict.reason == "right"), verdict
    assert verdict.format_ok == (verdict.reason in ("right", "wrong")), verdict


def mutated(draw: random.Random, corpus: Sequence[str]) -> str:
    """One or two changes of a right answer, which come first, or up to six of any kept input."""
    near = draw.random() < 0.5
    text = corpus[draw.randrange(4 * len(KINDS))] if near else draw.choice(corpus)
    for _ in range(draw.randrange(1, 3 if near else 7)):
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


# ---------------------------------------------------------------------------------------------
# Built: a value, the ways to write it, where it stands


def drawn(draw: random.Random, kind: Kind) -> Value:
    """A random value of a kind."""
    number = draw.randint(-9, 9) if draw.random() < 0.5 else draw.randint(-(10**17), 10**17)
    names = draw.sample("bcdefghijklmnopqrstuvwxyz", draw.randint(2, 9))
    match kind:
        case "int":
            return number
        case "rational":
            return Fraction(draw.randint(-99, 99), draw.randint(1, 64))
        case "ints":
            return [draw.randint(-99, 99) for _ in range(draw.randint(2, 9))]
        case "offset":
            return [draw.randint(-99, 99), draw.randint(-99, 99)]
        case "pose":
            return [draw.randint(-99, 99), draw.randint(-99, 99), draw.choice(HEADINGS)]
        case "name":
            return names[0]
        case "names" | "path":
            return names
        case "mapping":
            return {name: draw.randint(-9, 9) for name in names}
        case "choice":
            return draw.choice(("north", "south east", "left", "up"))
        case "grid":
            width = draw.randint(2, 6)
            return ["".join(draw.choices(".#", k=width)) for _ in range(draw.randint(2, 5))]
    raise AssertionError(kind)


def plainly(value: Value) -> str:
    """The canonical form, as answers are stored."""
    if isinstance(value, dict):
        return " ".join(f"{name}={value[name]}" for name in sorted(value))
    if isinstance(value, list):
        rows = isinstance(value[0], str) and set(value[0]) <= {".", "#"}
        return ("/" if rows else " ").join(map(str, value))
    return str(value)


def changed(draw: random.Random, value: Value) -> Value:
    """A value that is near by; now and then the same one."""
    if isinstance(value, bool | int):
        return draw.choice((value + 1, value - 1, -value, value * 10, value // 10, value + 10))
    if isinstance(value, Fraction):
        below = draw.choice((value.denominator, value.denominator + 1))
        return Fraction(value.numerator + draw.choice((-1, 0, 1)), below)
    if isinstance(value, dict):
        keys = list(value)
        one, other = draw.choice(keys), draw.choice(keys)
        less = {key: value[key] for key in keys if key != one}
        swapped = {**value, one: value[other], other: value[one]}
        return draw.choice(
            (less or value, swapped, {**value, one: value[one] + 1}, {**value, "a": 1})
        )
    if isinstance(value, list):
        at, to = draw.randrange(len(value)), draw.randrange(len(value))
        swapped = list(value)
        swapped[at], swapped[to] = value[to], value[at]
        if isinstance(value[at], int):
            other: Value = value[at] + draw.choice((-1, 1))
        elif set(value[at]) <= {".", "#"}:
            other = value[at][1:] + draw.choice(".#")
        else:
            other = draw.choice(value) if draw.random() < 0.5 else "a"
        fresh = [*value[:at], other, *value[at + 1 :]]
        if len(value) == 3 and value[2] in HEADINGS:
            return draw.choice((fresh[:2] + [draw.choice(HEADINGS)], value))
        less = value[:at] + value[at + 1 :]
        return draw.choice((swapped, fresh, less or value, [*value, value[at]]))
    return draw.choice(("north", "south east", "left", "up", "a", "b", "c"))


def written(draw: random.Random, value: Value, kind: Kind) -> str:
    """A value in one of the ways that are documented as equal."""
    if kind == "grid":
        cells = [draw.choice(("", " ")).join(row) for row in value]
        text = draw.choice(("/", " / ", "\n")).join(cells)
        return f"```\n{text}\n```" if draw.random() < 0.2 else f"\n{text}\n"
    if kind == "rational" and draw.random() < 0.5:
        p, q, k = value.numerator, value.denominator, draw.randint(1, 9)
        forms = [f"{p * k}/{q * k}", f"{p * k} / {q * k}", f"\\frac{{{p * k}}}{{{q * k}}}"]
        while q % 2 == 0:
            q //= 2
        if q in (1, 5):
            places = 7
            forms.append(f"{'-' * (p < 0)}{abs(p) * 10**places // value.denominator:08d}")
            forms[-1] = f"{forms[-1][:-places]}.{forms[-1][-places:]}"
        return draw.choice(forms)
    if kind == "rational":
        return str(value)
    if kind == "int" and draw.random() < 0.3:
        return f"{value:,}"
    if kind in ("int", "ints", "offset", "pose"):
        parts = [_number(draw, one) for one in (value if isinstance(value, list) else [value])]
        if kind == "pose":
            parts[2] = draw.choice(("", "facing ", "heading ")) + draw.choice(
                (value[2], value[2].title())
            )
            text = draw.choice((", ", " ", ","))
            joined = text.join(parts[:2])
            return f"({joined}), {parts[2]}" if draw.random() < 0.3 else f"{joined}{text}{parts[2]}"
        text = draw.choice((" ", ", ", ",", "; ")).join(parts)
        return draw.choice(("{}", "({})", "[{}]")).format(text) if kind != "int" else text
    if kind in ("names", "path"):
        marks = (
            (" ", ", ", ",", "; ") if kind == "names" else (" ", " -> ", "->", "-", "\u2192", ", ")
        )
        text = draw.choice(marks).join(value)
        return draw.choice(("{}", "{{{}}}", "[{}]")).format(text)
    if kind == "mapping":
        pairs = draw.sample(sorted(value.items()), len(value))
        equals = draw.choice(("=", ": ", " = ", "->"))
        text = draw.choice((" ", ", ", "\n")).join(f"{name}{equals}{one}" for name, one in pairs)
        return draw.choice(("{}", "{{{}}}")).format(text)
    if kind == "name":
        return draw.choice(("{}", "room {}", "the node {}", '"{}"')).format(value)
    text = draw.choice((value, value.title(), value.replace(" ", "-")))
    return str(draw.choice(("{}", "the {}", "\\text{{{}}}")).format(text))


def _number(draw: random.Random, number: int | str) -> str:
    if isinstance(number, str):
        return number
    sign = draw.choice(("-", "\u2212", "\u2013")) if number < 0 else draw.choice(("", "", "+"))
    digits = str(abs(number))
    return sign + "0" * draw.choice((0, 0, 0, min(3, 18 - len(digits)))) + digits


DRESSES = ("{}", "{}", "**{}**", "${}$", "`{}`", "{}.", " {} ", "\\boxed{{{}}}", "The answer is {}")
NOISE = (
    "",
    "so it is 7. ",
    "<answer>8</answer> no, ",
    "\\boxed{9} ",
    "Answer: 3\n",
    "<think>hm <answer>5</answer></think>",
    "a < b: ",
    "\u2192 \u0130 \u212a ",
    "x " * 300,
)
PLACES = (
    "{}<answer>{}</answer>{}",
    "{}\\boxed{{{}}}{}",
    "{}\nAnswer: {}\n{}",
    "{}<ANSWER>{}</ANSWER>{}",
)
AFTER = ("", "", " that is all", "\nbye", " </b> ", "\0")
# A right answer that does not count: before a later one, in thoughts, not closed, not ASCII
SPOILED = (
    "<think>{}",
    "<answer>{}</answer><think>hm",
    "<think>{}</think>",
    "{}<answer>none</answer>",
    "{}<answer></answer>",
    "<think>a</think><think>{}",
)


def built(draw: random.Random, kind: Kind) -> tuple[str, str, bool]:
    """A completion, the stored answer, and whether that is what the completion gives."""
    value = drawn(draw, kind)
    answer = plainly(value)
    given = value if draw.random() < 0.4 else changed(draw, value)
    if kind in ("choice", "name"):
        given = value if draw.random() < 0.5 else drawn(draw, kind)
    shown = written(draw, given, kind)
    right = given == value
    trick = draw.random()
    if right and trick < 0.1 and kind != "choice" and any(map(str.isdigit, shown)):
        digit = next(filter(str.isdigit, shown))
        base = draw.choice((0xFF10, 0x660, 0x966, 0x1D7CE))
        shown, right = shown.replace(digit, chr(base + int(digit)), 1), False
    elif right and trick < 0.2 and kind != "grid":
        shown = shown[0] + draw.choice("\u200b\u202e\0\u00ad\u0301") + shown[1:]
        right = False
    elif right and trick < 0.3 and kind != "grid":
        shown, right = f"{shown} {draw.choice(('or', 'xor', '|', '&', '!=', '?'))} {shown}", False
    return placed(draw, shown, right, kind), answer, right


def placed(draw: random.Random, shown: str, right: bool, kind: Kind) -> str:
    """A written answer in its dress and wrapper, among noise."""
    place = draw.choice(PLACES[:2] if kind == "grid" or "\n" in shown else PLACES)
    dress = "{}" if kind == "grid" else draw.choice(DRESSES)
    if "\\text" in shown and dress == DRESSES[-1]:
        dress = "{}"  # a lead is taken off after \\text, not before
    if place == PLACES[1] and shown.count("{") != shown.count("}"):
        place = PLACES[0]
    before = draw.choice(NOISE)
    if place != PLACES[0] and place != PLACES[3]:
        before = before.replace("<answer>8</answer>", "")  # a tag would win
    if place == PLACES[2]:
        before = before.replace("\\boxed{9}", "")
        dress = "{}" if "boxed" in dress or "\\" in shown else dress
    if place == PLACES[2] and "\\boxed" in shown:
        place = PLACES[0]
    return place.format(before, dress.format(shown), draw.choice(AFTER))


# ---------------------------------------------------------------------------------------------
# Tasks


def task_pool(levels: int = 10) -> list[tuple[Any, Problem, Any]]:
    """A problem of every task at every level, with its answer as a value."""
    from lessonplan.generators import TASKS, family

    pool = []
    for task in TASKS:
        generator = family(task, "text")
        for level in generator.levels[:levels]:
            problem = generator.problem(level, "train", 0)
            words = problem.answer.split(" ")
            value: Value = words
            if generator.kind == "mapping":
                value = {name: int(one) for name, one in (word.split("=") for word in words)}
            elif generator.kind in ("int", "ints", "offset", "pose"):
                value = [int(word) if word.lstrip("-").isdigit() else word for word in words]
            if generator.kind in ("int", "name"):
                value = value[0]
            pool.append((generator, problem, value))
    return pool


def witness(
    draw: random.Random, generator: Any, problem: Problem, value: Value
) -> tuple[str, bool]:
    """A completion of a task's problem, and whether it is right."""
    given = value
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        nodes = problem.data.get("nodes")
        if isinstance(given, list) and nodes and draw.random() < 0.6:
            node = draw.choice(list(nodes))  # type: ignore[arg-type]
            at = draw.randrange(len(given))
            given = draw.choice(
                ([*given, node], [*given[:at], node, *given[at + 1 :]], [node, *given], given[::-1])
            )
        elif generator.kind == "path" and not nodes:
            at = draw.randrange(len(given) + 1)
            given = [*given[:at], *draw.choice(("F", "L", "R", "LR", "RRRR", "X")), *given[at:]]
        elif generator.kind == "name":
            given = draw.choice("abcdefghij")
        else:
            given = changed(draw, given)
    own = "check" in vars(type(generator))
    if own:
        best = worth(generator.task, problem.data, value)
        right = best is not None and worth(generator.task, problem.data, given) == best
    else:
        right = given == value
    return placed(draw, written(draw, given, generator.kind), right, generator.kind), right


# ---------------------------------------------------------------------------------------------


class Fuzz:
    """One run: the inputs so far, what they showed, and the clock."""

    def __init__(self, seed: int, *, levels: int = 10) -> None:
        self.draw = random.Random(seed)
        self.seed, self.count, self.slowest = seed, 0, 0.0
        self.pool = task_pool(levels)
        self.corpus = [f"so <answer>{answer}</answer>" for answer in ANSWERS.values()]
        self.corpus += [f"\\boxed{{{answer}}}" for answer in ANSWERS.values()]
        self.corpus += [f"x\nAnswer: {answer}" for answer in ANSWERS.values()]
        self.corpus += [f"A {answer}" for answer in ANSWERS.values()]
        self.seen: set[tuple[str, ...]] = set()
        self.sorts: Counter[str] = Counter()

    def one(self) -> None:
        """Make and judge one input."""
        draw, kind = self.draw, KINDS[self.count % len(KINDS)]
        sort = draw.random()
        if sort < 0.6:
            text = mutated(draw, self.corpus)
            if draw.random() < 0.001:
                text *= BLOWN_UP // max(1, len(text))
            outcome = self.timed(lambda: check(text, kind), text)
            self.sorts["junk, right" if "right" in outcome else "junk, not right"] += 1
            if outcome not in self.seen and len(self.corpus) < 20_000:
                self.seen.add(outcome)
                self.corpus.append(text)
        elif sort < 0.8:
            text, answer, right = built(draw, kind)
            if right and draw.random() < 0.2:
                text = text.replace("</think>", "")
                text, right = draw.choice(SPOILED).format(text), False
            verdict = self.timed(lambda: check_text(text, answer, kind), text)
            agrees(verdict)
            self.expect(verdict, right, text, f"{kind} {answer}")
            self.sorts["built, right" if right else "built, wrong"] += 1
        else:
            generator, problem, value = draw.choice(self.pool)
            text, right = witness(draw, generator, problem, value)
            verdict = self.timed(lambda: generator.verify(problem, text), text)
            self.expect(verdict, right, text, problem.id)
            self.sorts["task, right" if right else "task, wrong"] += 1
        self.count += 1

    def expect(self, verdict: Verdict, right: bool, text: str, what: str) -> None:
        if verdict.correct != right:
            sys.exit(f"input {self.count} of seed {self.seed}, {what}: {verdict} for {text!a}")

    def timed(self, judge: Callable[[], Any], text: str) -> Any:
        """Judge; an input over the bound is judged twice more, since clocks stumble too."""
        fastest = float("inf")
        for _ in range(3):
            started = time.process_time()
            try:
                found = judge()
            except Exception:
                print(f"input {self.count} of seed {self.seed}: {text!a}")
                raise
            fastest = min(fastest, time.process_time() - started)
            if fastest < BOUND_SECONDS:
                self.slowest = max(self.slowest, fastest)
                return found
        sys.exit(f"input {self.count} of seed {self.seed}: {fastest:.3f} s for {text!a}")

    def line(self, seconds: float) -> str:
        sorts = ", ".join(f"{name} {number:,}" for name, number in sorted(self.sorts.items()))
        return (
            f"{self.count:,} inputs ({sorts}), {len(self.seen):,} outcomes, slowest "
            f"{self.slowest * 1e3:.2f} ms, {seconds:.0f} s of processor time"
        )


def fuzz(inputs: int, minutes: float, seed: int) -> None:
    run, begun = Fuzz(seed), time.process_time()
    while run.count < inputs and time.process_time() - begun < 60 * minutes:
        run.one()
        if run.count % 100_000 == 0:
            print(run.line(time.process_time() - begun), flush=True)
    print(run.line(time.process_time() - begun))
    print("nothing found")


def guided(options: list[str]) -> None:
    """Let atheris choose the inputs, by what they reach in the verifier's and checkers' code."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris, or leave --atheris out")
    from lessonplan.generators import answers, verify
    from lessonplan.generators.graph import witness as witnesses

    pool = task_pool()
    for module in (answers, verify, witnesses):
        for value in list(vars(module).values()):
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                atheris.instrument_func(value)  # in place, so every table of readers has it
    for checker in {type(generator).check for generator, _, _ in pool}:
        atheris.instrument_func(checker)

    def one(data: bytes) -> None:
        """Bytes choose a kind or a task, then pieces and plain text in turn."""
        provider = atheris.FuzzedDataProvider(data)
        kind = KINDS[provider.ConsumeIntInRange(0, len(KINDS) - 1)]
        place = provider.ConsumeIntInRange(0, 2 * len(pool))
        words = list(PIECES)
        if place < len(pool):
            problem = pool[place][1]
            words = [
                problem.answer,
                *problem.answer.split(),
                *map(str, problem.data.get("nodes", ())),
            ]
            words += PIECES
        parts = []
        while provider.remaining_bytes() and len(parts) < 60:
            at = provider.ConsumeIntInRange(0, len(words) + 20)
            parts.append(words[at] if at < len(words) else provider.ConsumeUnicode(at))
        text = "".join(parts)
        started = time.process_time()
        check(text, kind)
        if place < len(pool):
            generator, problem, value = pool[place]
            for wrapped in (text, f"<answer>{text}</answer>"):
                verdict = generator.verify(problem, wrapped)
                if verdict.correct:
                    assert same_value(generator, problem, value, verdict.parsed), (problem.id, text)
        took = time.process_time() - started
        assert took < 6 * BOUND_SECONDS, took  # six judgements, in code that counts its branches

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="of processor time")
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
