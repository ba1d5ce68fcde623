"""How fast completions are judged, beside a plain lazy regular expression that reads it all.

Prints judgements a second on completions of 3 kB, one core, best of five, and milliseconds for 4 MB
of hostile texts of many kinds. Numbers of the plain approach stand beside ours; on the hostile
texts it gets a hundredth of the length, since its time grows with the square.

    python benchmarks/verify_speed.py
"""

import argparse
import re
import time
from collections.abc import Callable

from lessonplan.generators.verify import check_text

_PLAIN = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_WORDS = "so the next number that passes the test is 42, and the count is 7 now.\n"

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
)


def plain(completion: str, answer: str) -> bool:
    """What people write first: all answers by a lazy pattern, the last one compared as a text."""
    found = _PLAIN.findall(completion)
    return bool(found) and found[-1].strip() == answer


def a_second(judge: Callable[[str], object], completion: str, calls: int) -> float:
    """Judgements a second of processor time, best of five."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(calls):
            judge(completion)
        best = min(best, time.process_time() - started)
    return calls / best


def seconds(judge: Callable[[str], object], completion: str) -> float:
    return 1 / a_second(judge, completion, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    calls = parser.parse_args().calls
    text = (_WORDS * 50)[:3000]
    cases = {
        "tag": text + "<answer>42</answer>",
        "thought, tag": f"<think>{text}</think>\n<answer>42</answer>",
        "box": text + "\\boxed{42}",
        "line": text + "\nAnswer: 42",
        "nothing": text,
        "tag, not ASCII": text.replace("number", "n\u00famero \u2192") + "<answer>42</answer>",
        "box, not ASCII": text.replace("number", "n\u00famero \u2192") + "\\boxed{42}",
    }
    print(f"{'3 kB that end in':<18}{'ours a second':>16}{'plain a second':>16}{'ratio':>8}")
    for name, completion in cases.items():
        ours = a_second(lambda one: check_text(one, "42", "int"), completion, calls)
        theirs = a_second(lambda one: plain(one, "42"), completion, calls)
        print(f"{name:<18}{ours:>16,.0f}{theirs:>16,.0f}{ours / theirs:>8.2f}")
    worst = ("", 0.0)
    slowest = ("", 0.0)
    for piece in HOSTILE:
        took = seconds(lambda one: check_text(one, "42", "int"), piece * (4_000_000 // len(piece)))
        worst = max(worst, (piece, took), key=lambda one: one[1])
        took = seconds(lambda one: plain(one, "42"), piece * (40_000 // len(piece)))
        slowest = max(slowest, (piece, took), key=lambda one: one[1])
    print(f"4 MB hostile, {len(HOSTILE)} kinds: at most {worst[1] * 1e3:.2f} ms ({worst[0]!r})")
    print(f"40 kB of them, plain: at most {slowest[1] * 1e3:.1f} ms ({slowest[0]!r})")


if __name__ == "__main__":
    main()
