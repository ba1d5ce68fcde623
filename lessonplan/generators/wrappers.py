"""How an answer is set apart from the reasoning before it: what is asked for, and how it looks."""

from typing import Literal, TypeAlias, get_args

from lessonplan.errors import ConfigError

Wrapper: TypeAlias = Literal["tag", "boxed", "line"]

_ASKS: dict[Wrapper, str] = {
    "tag": "Write {what} between <answer> and </answer>.",
    "boxed": "Write {what} in \\boxed{{}}.",
    "line": 'End with a line "Answer:" followed by {what}.',
}
_LOOKS: dict[Wrapper, str] = {
    "tag": "<answer>{answer}</answer>",
    "boxed": "\\boxed{{{answer}}}",
    "line": "Answer: {answer}",
}


def check_wrapper(wrapper: str) -> Wrapper:
    """Return `wrapper`, or raise ConfigError that names all of them."""
    for known in get_args(Wrapper):
        if wrapper == known:
            return known  # type: ignore[no-any-return]
    raise ConfigError(f"wrapper must be one of {', '.join(get_args(Wrapper))}, got {wrapper!r}")


def ask(wrapper: Wrapper, what: str) -> str:
    """The last line of a prompt, where `what` names the answer ("the number")."""
    return _ASKS[wrapper].format(what=what)


def wrapped(wrapper: Wrapper, answer: str) -> str:
    """An answer as the last line of a worked solution."""
    return _LOOKS[wrapper].format(answer=answer)
