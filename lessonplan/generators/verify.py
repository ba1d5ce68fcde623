"""Find the answer in a completion and compare it: any text in, one verdict out.

Time is linear in the text: only its last 64 kB are searched, by fixed patterns, and nothing of it
is ever executed. Partial credit does not exist.
"""

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

from lessonplan.generators.problem import Reason, Verdict

Kind: TypeAlias = Literal["int", "offset", "name"]

MAX_TAIL = 65_536  # characters; an answer further from the end than this is not an ending
MAX_ANSWER = 200  # characters between the tags; also keeps int() far below its limit of 4300

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE | re.ASCII)
_LINE = re.compile(r"\banswer:", re.IGNORECASE | re.ASCII)
_BOXED = "\\boxed{"
_MARKS = " \t\r\n*$`"

_INT = re.compile(r"[+-]?(?:[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})")
_PAIR = re.compile(r"([+-]?[0-9]{1,18})(?: ?[,;] ?| )([+-]?[0-9]{1,18})")
_NAME = re.compile(r"(?:the )?(?:room |box |node )?([a-z])", re.ASCII)


def check_tiny(completion: str, answer: str, kind: Kind) -> Verdict:
    """Judge a completion of the tiny encoding: what follows the last word A must be the answer."""
    words = completion[-MAX_TAIL:].split()
    if "A" not in words:
        return _miss("no_answer")
    found = " ".join(words[len(words) - words[::-1].index("A") :])
    if not found:
        return _miss("no_answer")
    if found == answer:
        return Verdict(correct=True, format_ok=True, reason="right", parsed=found)
    if len(found) > MAX_ANSWER:
        return _miss("too_long")
    if _PARSERS[kind](found) is None:
        return _miss("unparsable", found)
    return Verdict(correct=False, format_ok=True, reason="wrong", parsed=found)


def check_text(completion: str, answer: str, kind: Kind) -> Verdict:
    """Judge a completion in plain English.

    The last complete `<answer>` tag wins, else the last `\\boxed{}`, else the last line with
    "Answer:". Two different answers in it are wrong, and so is a think block that never closes.
    """
    found = extract(completion)
    if not found:
        return _miss("no_answer")
    if len(found) > MAX_ANSWER:
        return _miss("too_long")
    parse = _PARSERS[kind]
    parsed = parse(found)
    if parsed is None:
        return _miss("two_answers" if _several(found, kind) else "unparsable", found)
    right = parsed == parse(answer)
    return Verdict(right, format_ok=True, reason="right" if right else "wrong", parsed=parsed)


def extract(completion: str) -> str:
    """The text of the final answer without its decoration, or "" when there is none."""
    after = completion.rfind("</think>")
    if completion.find("<think>", max(after, 0)) >= 0:
        return ""  # a thought that was cut off: what stands in it was never given as the answer
    tail = completion[max(after, len(completion) - MAX_TAIL, 0) :]
    return _undress(_tagged(tail) or _boxed(tail) or _after_colon(tail))


def _tagged(tail: str) -> str:
    tags = list(_TAG.finditer(tail))
    for opening, closing in zip(tags[-2::-1], tags[:0:-1], strict=True):
        if closing[1] and not opening[1]:
            return tail[opening.end() : closing.start()]
    return ""


def _boxed(tail: str) -> str:
    start = tail.rfind(_BOXED)
    if start < 0:
        return ""
    depth = 1
    inside = tail[start + len(_BOXED) :][: MAX_ANSWER + 50]  # room for decoration
    for i, character in enumerate(inside):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return inside[:i]
    return ""


def _after_colon(tail: str) -> str:
    marks = list(_LINE.finditer(tail))
    return tail[marks[-1].end() :].partition("\n")[0] if marks else ""


def _undress(found: str) -> str:
    """Take off spaces, bold, dollar signs, code marks, one \\boxed{} and the final dot."""
    found = _bare(found)
    if found.startswith(_BOXED) and found.endswith("}"):
        found = _bare(found[len(_BOXED) : -1])
    return " ".join(found.replace("\u2212", "-").split())  # the minus sign of typesetting


def _bare(text: str) -> str:
    return text.strip(_MARKS).removesuffix(".").strip(_MARKS)


def _parse_int(text: str) -> str | None:
    return str(int(text.replace(",", ""))) if _INT.fullmatch(text) else None


def _parse_offset(text: str) -> str | None:
    if text[:1] + text[-1:] in ("()", "[]"):
        text = text[1:-1].strip(" ")
    pair = _PAIR.fullmatch(text)
    return f"{int(pair[1])} {int(pair[2])}" if pair else None


def _parse_name(text: str) -> str | None:
    name = _NAME.fullmatch(text.lower())
    return name[1] if name else None


_PARSERS: dict[Kind, Callable[[str], str | None]] = {
    "int": _parse_int,
    "offset": _parse_offset,
    "name": _parse_name,
}

_ANSWERS: dict[Kind, re.Pattern[str]] = {
    "int": re.compile(r"[+-]?[0-9]+"),
    "offset": re.compile(r"[+-]?[0-9]+[,; ]{1,3}[+-]?[0-9]+"),
    "name": re.compile(r"\b[a-z]\b", re.ASCII | re.IGNORECASE),
}


def _several(found: str, kind: Kind) -> bool:
    """Whether a text that is no answer holds two different ones."""
    return len({match.lower() for match in _ANSWERS[kind].findall(found)}) > 1


def _miss(reason: Reason, parsed: str = "") -> Verdict:
    return Verdict(correct=False, format_ok=False, reason=reason, parsed=parsed)
