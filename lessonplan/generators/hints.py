"""Hints: the first steps of the worked solution, for problems that no rollout solves."""

from dataclasses import replace
from math import ceil

from lessonplan.errors import ConfigError
from lessonplan.generators.problem import Problem, Prompt

OPENING = "The solution begins like this; go on from here:"


def hinted(problem: Problem, fraction: float) -> Problem:
    """The same problem with the first `fraction` of its worked solution at the end of the prompt.

    At least one step is shown, and the last step never is, nor the answer after it: what remains
    is to be done. The id gets a suffix of its own ("+hint2of7"), since it is another prompt, and
    `solution` keeps the steps that are left. The answer and its verifier are unchanged.

    Raises ConfigError for a fraction outside (0, 1), and for solutions of fewer than two steps.
    """
    if not 0 < fraction < 1:
        raise ConfigError(f"fraction must lie between 0 and 1, got {fraction!r}")
    steps = problem.solution.splitlines()[:-1]  # the last line is the answer
    if len(steps) < 2:
        raise ConfigError(
            f"{problem.id} has {len(steps)} worked steps in lines of their own; a hint needs two, since "
            "the last is never shown"
        )
    shown = min(ceil(fraction * len(steps)), len(steps) - 1)
    lines = problem.solution.splitlines()
    text = "\n".join([OPENING, *lines[:shown]])
    return replace(
        problem,
        id=f"{problem.id}+hint{shown}of{len(steps)}",
        prompt=_continued(problem.prompt, text),
        solution="\n".join(lines[shown:]),
    )


def _continued(prompt: Prompt, text: str) -> Prompt:
    """`text` on lines of its own at the end of a prompt, or of a conversation's last message."""
    if isinstance(prompt, str):
        return f"{prompt}\n{text}"
    *earlier, last = prompt
    return [*earlier, {**last, "content": f"{last['content']}\n{text}"}]
