"""Find the answer in a completion and compare it: any text in, one verdict out.

Time is linear in the text: only its last 64 kB are searched, by fixed patterns, and nothing of it
is ever executed. Partial credit does not exist.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, TypeAlias

from lessonplan.generators.problem import Reason, Verdict

# How an answer is read, with its canonical form:
#   int      -12                a whole number
#   rational 3/4                a fraction in lowest terms, or a whole number
#   ints     4 -1 4             whole numbers in order
#   offset   2 -1               two whole numbers
#   pose     2 -1 north         a place and a heading
#   name     c                  one letter, also "room C"
#   names    a c f              names in the order given; a set is for the checker to see
#   path     a c f              the same, and arrows may stand between
#   mapping  a=2 b=0            a whole number for every name, sorted by name
#   choice   north              a word or two
#   grid     .#./###            rows of characters without spaces
Kind: TypeAlias = Literal[
    "int",
    "rational",
    "ints",
    "offset",
    "pose",
    "name",
    "names",
    "path",
    "mapping",
    "choice",
    "grid",
]

MAX_TAIL = 65_536  # characters; an answer further from the end than this is not an ending
MAX_ANSWER = 200  # characters between the tags; also keeps int() far below its limit of 4300

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE | re.ASCII)
_LINE = re.compile(r"\banswer:", re.IGNORECASE | re.ASCII)
_BOXED = "\\boxed{"
_MARKS = " \t\r\n*$`"

_INT = re.compile(r"[+-]?(?:[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})")
_PAIR = re.compile(r"([+-]?[0-9]{1,18})(?: ?[,;] ?| )([+-]?[0-9]{1,18})")
_NAME = re.compile(r"(?:the )?(?:room |box |node )?([a-z])", re.ASCII)
_RATIONAL = re.compile(r"([+-]?[0-9]{1,18})(?: ?/ ?([0-9]{1,18}))?")
_INTS = re.compile(r"[+-]?[0-9]{1,18}(?:(?: ?[,;] ?| )[+-]?[0-9]{1,18})*")
_POSE = re.compile(
    r"([+-]?[0-9]{1,18})(?: ?[,;] ?| )([+-]?[0-9]{1,18})(?: ?[,;] ?| )(?:facing )?"
    r"(north|east|south|west|up|right|down|left)",
    re.ASCII,
)
_WORD = r"[A-Za-z][A-Za-z0-9]{0,15}"
_NAMES = re.compile(rf"{_WORD}(?:(?: ?[,;] ?(?:and )?| and | ){_WORD})*", re.ASCII)
_PATH = re.compile(rf"{_WORD}(?:(?: ?(?:->|→|[,;-]) ?| ){_WORD})*", re.ASCII)
_MAPPING = re.compile(
    rf"{_WORD} ?[=:] ?[0-9]{{1,18}}(?:(?: ?[,;] ?| ){_WORD} ?[=:] ?[0-9]{{1,18}})*", re.ASCII
)
_ENTRY = re.compile(rf"({_WORD}) ?[=:] ?([0-9]{{1,18}})", re.ASCII)
_CHOICE = re.compile(r"(?:the )?([a-z]{1,20}(?:[ -][a-z]{1,20})?)", re.ASCII)
_GRID = re.compile(r"[!-~]{1,40}(?:[ /][!-~]{1,40})*", re.ASCII)


def read_tiny(completion: str, kind: Kind) -> str | Verdict:
    """The answer in a completion of the tiny encoding, after the last word A; or why there is none."""
    words = completion[-MAX_TAIL:].split()
    if "A" not in words:
        return _miss("no_answer")
    found = " ".join(words[len(words) - words[::-1].index("A") :])
    if not found:
        return _miss("no_answer")
    if len(found) > MAX_ANSWER:
        return _miss("too_long")
    return found if _PARSERS[kind](found) is not None else _miss("unparsable", found)


def read_text(completion: str, kind: Kind) -> str | Verdict:
    """The answer in a completion in plain English, in canonical form; or why there is none.

    The last complete `<answer>` tag wins, else the last `\\boxed{}`, else the last line with
    "Answer:". Two different answers in it are wrong, and so is a think block that never closes.
    """
    found = extract(completion)
    if not found:
        return _miss("no_answer")
    if len(found) > MAX_ANSWER:
        return _miss("too_long")
    parsed = _PARSERS[kind](found)
    if parsed is not None:
        return parsed
    return _miss("two_answers" if _several(found, kind) else "unparsable", found)


def canonical(answer: str, kind: Kind) -> str:
    """The one way to write an answer that is known to be readable."""
    parsed = _PARSERS[kind](answer)
    if parsed is None:
        raise ValueError(f"{answer!r} cannot be read as {kind}")
    return parsed


def check_tiny(completion: str, answer: str, kind: Kind) -> Verdict:
    """Judge a completion of the tiny encoding: what follows the last word A must be the answer."""
    found = read_tiny(completion, kind)
    return found if isinstance(found, Verdict) else _judged(found, found == answer)


def check_text(completion: str, answer: str, kind: Kind) -> Verdict:
    """Judge a completion in plain English against the one right answer (see `read_text`)."""
    found = read_text(completion, kind)
    if isinstance(found, Verdict):
        return found
    return _judged(found, found == canonical(answer, kind))


def _judged(found: str, right: bool) -> Verdict:
    return Verdict(right, format_ok=True, reason="right" if right else "wrong", parsed=found)


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


def _parse_rational(text: str) -> str | None:
    parts = _RATIONAL.fullmatch(text)
    if parts is None or not int(parts[2] or 1):
        return None
    return str(Fraction(int(parts[1]), int(parts[2] or 1)))


def _brackets_off(text: str) -> str:
    return text[1:-1].strip(" ") if text[:1] + text[-1:] in ("()", "[]", "{}") else text


def _parse_ints(text: str) -> str | None:
    text = _brackets_off(text)
    if not _INTS.fullmatch(text):
        return None
    return " ".join(str(int(number)) for number in text.replace(",", " ").replace(";", " ").split())


def _parse_pose(text: str) -> str | None:
    pose = _POSE.fullmatch(_brackets_off(text).lower())
    return f"{int(pose[1])} {int(pose[2])} {pose[3]}" if pose else None


def _parse_names(text: str) -> str | None:
    text = _brackets_off(text)
    if not _NAMES.fullmatch(text):
        return None
    return " ".join(name for name in re.split("[ ,;]+", text) if name != "and")


def _parse_path(text: str) -> str | None:
    text = _brackets_off(text)
    return " ".join(re.split("[ ,;>→-]+", text)) if _PATH.fullmatch(text) else None


def _parse_mapping(text: str) -> str | None:
    text = _brackets_off(text)
    if not _MAPPING.fullmatch(text):
        return None
    pairs = _ENTRY.findall(text)
    if len(dict(pairs)) < len(pairs):
        return None  # a name with two values
    return " ".join(f"{name}={int(value)}" for name, value in sorted(pairs))


def _parse_choice(text: str) -> str | None:
    choice = _CHOICE.fullmatch(text.lower())
    return choice[1].replace("-", " ") if choice else None


def _parse_grid(text: str) -> str | None:
    return text.replace(" ", "/") if _GRID.fullmatch(text) else None


_PARSERS: dict[Kind, Callable[[str], str | None]] = {
    "int": _parse_int,
    "rational": _parse_rational,
    "ints": _parse_ints,
    "offset": _parse_offset,
    "pose": _parse_pose,
    "name": _parse_name,
    "names": _parse_names,
    "path": _parse_path,
    "mapping": _parse_mapping,
    "choice": _parse_choice,
    "grid": _parse_grid,
}

# One answer among several, of the kinds of which two could be told apart.
_ANSWERS: dict[Kind, re.Pattern[str]] = {
    "int": re.compile(r"[+-]?[0-9]+"),
    "rational": re.compile(r"[+-]?[0-9]+(?: ?/ ?[0-9]+)?"),
    "offset": re.compile(r"[+-]?[0-9]+[,; ]{1,3}[+-]?[0-9]+"),
    "name": re.compile(r"\b[a-z]\b", re.ASCII | re.IGNORECASE),
}


def _several(found: str, kind: Kind) -> bool:
    """Whether a text that is no answer holds two different ones."""
    answers = _ANSWERS.get(kind)
    return answers is not None and len({one.lower() for one in answers.findall(found)}) > 1


def _miss(reason: Reason, parsed: str = "") -> Verdict:
    return Verdict(correct=False, format_ok=False, reason=reason, parsed=parsed)
