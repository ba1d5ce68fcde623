"""Rewrite reasoning_gym.md: which of its tasks pass the screen, and why the others do not.

    python docs/reasoning_gym.py

It is the shipped table in words; the test of the page makes it anew and compares.
"""

from pathlib import Path

from lessonplan.generators.reasoning_gym_screen import DENIED, EXECUTES, WARNED, shipped

PAGE = Path(__file__).parent / "reasoning_gym.md"

HEAD = """# Tasks of reasoning-gym

`ReasoningGym("chain_sum", level=2).pool(500, "train")` makes a pool of one of its tasks, in splits that
share no question; `verify` asks its own scorer, in a process with limits on time and memory. Needs
`pip install "lessonplan[gym]"`.

Of the {all} tasks of version 0.1.25 **{passed} pass the screen**: no execution of completions, the same items
in every process, a commonest answer below .30, fewer than 10 % repeats, at least 100 items a CPU second,
no junk or foreign answer that earns .30, no score over a second, no failing scorer, and stored answers
that earn full reward. `screen(name)` measures one, `benchmarks/reasoning_gym_table.py` all of them, and with
`--check 200` it judges 200 problems of every task that passes with right and with foreign answers.

{words}

A score counts as right from 1 on: `time_intervals` gives .99 and more for answers that are near. Items
whose stored answer is empty are left out.

## Refused

The table holds what was measured; what was read in the source comes first. Denied tasks and tasks that
execute completions are refused by an error (the latter unless `allow_execution=True`), the others by a
warning.

| task | how | why |
|---|---|---|
"""


def page() -> str:
    """The page as the shipped table has it."""
    rows = {row["name"]: row["against"] for row in shipped() if not row["level"]}
    passed = [name for name, against in rows.items() if not against and name not in DENIED]
    refused = []
    for name, against in rows.items():
        if name in passed:
            continue
        how = "denied" if name in DENIED else "executes" if name in EXECUTES else "warned"
        reasons = filter(None, (DENIED.get(name) or WARNED.get(name, ""), against))
        refused.append(f"| `{name}` | {how} | {'; '.join(reasons)} |")
    words = "Those that pass: " + ", ".join(f"`{name}`" for name in passed) + "."
    warned = [f"`{name}` ({WARNED[name]})" for name in passed if name in WARNED]
    if warned:
        words += f" Of these, known to have a fault all the same: {', '.join(warned)}."
    return HEAD.format(all=len(rows), passed=len(passed), words=words) + "\n".join(refused) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
