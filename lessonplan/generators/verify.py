"""Find the answer in a completion and compare it: any text in, one verdict out.

Time is linear in the text: only its last 64 kB are searched for an answer and its last megabyte
for an open thought, from the right; what is hardly ever there is looked for by its rarest
character first. Nothing of it is ever executed. Partial credit does not exist.
"""

import re

from lessonplan.generators.answers import MAX_ANSWER, Kind, canonical, read, several
from lessonplan.generators.problem import Reason, Verdict

__all__ = [
    "MAX_ANSWER",
    "MAX_TAIL",
    "Kind",
    "canonical",
    "check_text",
    "check_tiny",
    "extract",
    "raw_answer",
    "read_text",
    "read_tiny",
]

MAX_TAIL = 65_536  # characters; an answer further from the end than this is not an ending
MAX_THOUGHT = 2**20  # characters; a thought that opened further from the end is not seen
_NEAR = 512  # characters; most answers stand this near to the end, where looking is cheap
_COLONS = 16  # to look at one by one, which is quicker than folding; a hostile text has thousands
_LONGEST = MAX_ANSWER + 100  # characters of an answer and the decoration that it may wear

_OPEN, _CLOSE = "<answer>", "</answer>"
_BOXED = "\\boxed{"
_ANSWER, _LETTERS = "answer", 6
_END_OF_THOUGHT = len("</think>")
_MARKS = " \t\r\n*$`"
# The minus sign and the dash of typesetting, what LaTeX puts between digits, its set braces
_PLAIN = (
    ("\u2212", "-"),
    ("\u2013", "-"),
    ("{,}", ","),
    ("\\,", ""),
    ("\\!", ""),
    ("\\{", "{"),
    ("\\}", "}"),
)
_MATH = (("\\(", "\\)"), ("\\[", "\\]"), (_BOXED, "}"), ("\\text{", "}"), ("\\mathrm{", "}"))
_LEAD = re.compile(r"(?:the )?(?:final )?answer(?: is:?| ?=|:) ?", re.IGNORECASE | re.ASCII)
# Greedy, so it looks from the right; at each place the work is bounded, so all of it is linear.
_LAST_ANSWER = re.compile(r".*answer(?<!\wanswer)(?:\*\*)?:", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-z]{0,10}\n|```\s*\Z", re.ASCII)


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
    return found if read(found, kind) is not None else _miss("unparsable", found)


def read_text(completion: str, kind: Kind) -> str | Verdict:
    """The answer in a completion in plain English, in canonical form; or why there is none.

    The last complete `<answer>` tag wins, else the last `\\boxed{}`, else the last line with
    "Answer:". Two different answers in it are wrong, and so is a think block that never closes.
    """
    raw = raw_answer(completion)
    if len(raw) > _LONGEST:
        raw = raw.strip()  # empty lines are no answer
        if len(raw) > _LONGEST:
            return _miss("too_long")
    found = _undress_grid(raw) if kind == "grid" else _undress(raw)
    if not found:
        return _miss("no_answer")
    if len(found) > MAX_ANSWER:
        return _miss("too_long")
    parsed = read(found, kind)
    if parsed is not None:
        return parsed
    return _miss("two_answers" if several(found, kind) else "unparsable", found)


def check_tiny(completion: str, answer: str, kind: Kind) -> Verdict:
    """Judge a completion of the tiny encoding: what follows the last word A must be the answer."""
    found = read_tiny(completion, kind)
    return found if isinstance(found, Verdict) else _judged(found, found == answer)


def check_text(completion: str, answer: str, kind: Kind) -> Verdict:
    """Judge a completion in plain English against the one right answer (see `read_text`)."""
    found = read_text(completion, kind)
    if isinstance(found, Verdict):
        return found
    return _judged(found, found == answer or found == canonical(answer, kind))


def extract(completion: str) -> str:
    """The text of the final answer without its decoration, or "" when there is none."""
    return _undress(raw_answer(completion))


def _judged(found: str, right: bool) -> Verdict:
    return Verdict(right, True, "right" if right else "wrong", found)


def _miss(reason: Reason, parsed: str = "") -> Verdict:
    return Verdict(False, False, reason, parsed)


def raw_answer(completion: str) -> str:
    """What stands in the last tag, box or line, as it was written; "" when there is none."""
    tail = _spoken(completion)
    last = tail.rfind("<")  # one character is found twenty times faster than a tag (measured)
    # As most answers are written, no other tag after or inside: nothing has to be folded.
    if last >= 0 and tail.startswith(_CLOSE, last):
        opening = tail.rfind("<", 0, last)
        if tail.startswith(_OPEN, opening):
            return tail[opening + len(_OPEN) : last]
    if last >= 0 and tail.rfind("</") >= 0:  # from the right: half the time of `in` (measured)
        for text in (tail[-_NEAR:], tail):  # most stand near the end, where folding is cheap
            tagged = _tagged(text, _folded(text))
            if tagged is not None:
                return tagged
    return ("\\" in tail and _boxed(tail)) or _after_colon(tail)


def _spoken(completion: str) -> str:
    """The end of a completion, without any thought; "" inside a thought that was cut off."""
    tail = completion[-MAX_TAIL:]
    first = tail.find("<")
    if first >= 0:  # few texts have this sign long before their first tag
        closed = tail.rfind("</think>", first)
        if tail.rfind("<think>", first if closed < 0 else closed) >= 0:
            return ""  # what stands in it was never given as the answer
        if closed >= 0:
            return tail[closed + _END_OF_THOUGHT :]
    if len(completion) > MAX_TAIL:
        before = completion[-MAX_THOUGHT : 7 - MAX_TAIL]  # a tag may lie across the cut
        opened = before.rfind("<think>")
        if opened >= 0 and before.rfind("</think>", opened) < 0:
            return ""
    return tail


def _folded(text: str) -> str:
    """In lower case, every character still at its place, and a letter still a letter."""
    if not text.isascii():
        # One capital becomes two characters, and the sign of kelvin an ASCII letter.
        text = text.replace("\u0130", "\u0131").replace("\u212a", "\u0138")
    return text.lower()


def _tagged(text: str, folded: str) -> str | None:
    closing = folded.rfind(_CLOSE)
    opening = folded.rfind(_OPEN, 0, closing) if closing > 0 else -1
    if opening < 0:
        return None
    start = opening + len(_OPEN)
    return text[start : folded.find(_CLOSE, start)]


def _boxed(tail: str) -> str:
    start = tail.rfind(_BOXED)
    if start < 0:
        return ""
    start += len(_BOXED)
    reach = start + _LONGEST
    end = tail.find("}", start, reach)
    if end < 0:
        return ""
    if tail.find("{", start, end) < 0:
        return tail[start:end]
    depth = 1
    for i, character in enumerate(tail[start:reach], start):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return tail[start:i]
    return ""


def _after_colon(tail: str) -> str:
    colon = tail.rfind(":")
    for _ in range(_COLONS):
        if colon < _LETTERS:
            return ""
        end = colon - 2 if tail.startswith("**", colon - 2) else colon
        start = end - _LETTERS
        if tail[start:end].lower() == _ANSWER and not _in_word(tail[start - 1 : start]):
            return _line(tail, colon + 1)
        colon = tail.rfind(":", 0, colon)
    last = _LAST_ANSWER.match(_folded(tail[: colon + 1]))
    return _line(tail, last.end()) if last else ""


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _line(tail: str, start: int) -> str:
    return tail[start:].lstrip(_MARKS).partition("\n")[0]


def _undress(raw: str) -> str:
    """Take off spaces, bold, dollar signs, code marks, boxes, a lead and the final dot."""
    found = _bare(raw)
    if "\\" in found:
        for _ in range(3):  # one dress over another
            for opening, closing in _MATH:
                if found.startswith(opening) and found.endswith(closing):
                    found = _bare(found[len(opening) : -len(closing)])
    # A lead has the letter w; looking for it takes a fifth of the time of matching (measured).
    if len(found) > _LETTERS and ("w" in found or "W" in found) and (lead := _LEAD.match(found)):
        found = _bare(found[lead.end() :])
    if "{" in found or "\\" in found or not found.isascii():
        for fancy, plain in _PLAIN:
            found = found.replace(fancy, plain)
    return " ".join(found.split())


def _undress_grid(raw: str) -> str:
    """Take off a code fence alone: dots and stars are cells. Line ends become slashes."""
    if "```" in raw:
        raw = _FENCE.sub("", raw)
    lines = raw.strip(" \t\r\n`").splitlines()
    return " / ".join([line for line in map(str.strip, lines) if line])


def _bare(text: str) -> str:
    return text.strip(_MARKS).removesuffix(".").strip(_MARKS)
