"""A page to look at what is generated: for every task and level a problem, its picture, figures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from lessonplan.generators.base import Generator
from lessonplan.generators.guess import GuessRates, published_rates
from lessonplan.generators.pictures import dots, picture
from lessonplan.generators.pool import prompt_text
from lessonplan.generators.problem import Problem


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One level of one task."""

    task: str
    level: int
    what: str  # the task in a line
    problem: Problem  # number 0 of the training split
    works: tuple[float, ...]  # log2 of the steps of the first problems
    rates: GuessRates | None  # None for a task that the shipped table lacks


def exhibits(
    generators: Sequence[Generator],
    *,
    levels: Sequence[int] | None = None,
    samples: int = 40,
    report: Callable[[str, int], None] = lambda task, level: None,
) -> Iterator[Exhibit]:
    """What the gallery shows, task by task; `report` hears of each (task, level) that is done.

    `levels` are all by default, and a task shows those it has. `samples` training problems of
    each level give the figure of work.
    """
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    rates = published_rates()
    for generator in generators:
        what = (type(generator).__doc__ or generator.task).strip().split("\n")[0]
        for level in generator.levels:
            if levels is not None and level not in levels:
                continue
            shown = generator.problem(level, "train", 0)
            works = [shown.work]
            works += [generator.problem(level, "train", i).work for i in range(1, samples)]
            found = rates.get((generator.task, level))
            yield Exhibit(generator.task, level, what, shown, tuple(works), found)
            report(generator.task, level)


def gallery_html(shown: Sequence[Exhibit]) -> str:
    """One self-contained page, light and dark, for the screen and for print."""
    parts, links = [], []
    for task, rows in _by_task(shown):
        links.append(f'<a href="#{task}">{task}</a>')
        parts.append(f'<section id="{task}"><h2>{task}</h2><p>{escape(rows[0].what)}</p>')
        works = {one.level: one.works for one in rows}
        parts.append(dots(works, title=f"work of {task} by level"))
        parts.append(_rates_html(rows))
        for one in rows:
            parts.append(
                f"<details><summary>Level {one.level}</summary>{picture(one.problem)}"
                f"<pre>{escape(prompt_text(one.problem.prompt))}</pre>"
                f"<p>Worked solution</p><pre>{escape(one.problem.solution)}</pre>"
                f"<p class='id'>{escape(one.problem.id)}</p></details>"
            )
        parts.append("</section>")
    number = len(shown[0].works) if shown else 0
    return _PAGE.format(
        tasks=len(links), number=number, links=" ".join(links), body="\n".join(parts)
    )


def gallery_markdown(shown: Sequence[Exhibit]) -> str:
    """The same in Markdown, without pictures: one problem of a middle level for every task."""
    about = (
        "One problem of every task, with its worked solution, and the share of problems that guessing "
        "solves, by level."
    )
    parts = [f"# Gallery\n\n{about}"]
    for task, rows in _by_task(shown):
        one = rows[(len(rows) - 1) // 2]
        parts.append(f"## {task}\n\n{one.what}")
        parts.append(_rates_markdown(rows))
        fence = "```"
        parts.append(
            f"Level {one.level}:\n\n{fence}text\n{prompt_text(one.problem.prompt)}\n{fence}"
        )
        parts.append(f"{fence}text\n{one.problem.solution}\n{fence}")
    return "\n\n".join(parts) + "\n"


def _by_task(shown: Sequence[Exhibit]) -> Iterator[tuple[str, list[Exhibit]]]:
    return ((task, list(rows)) for task, rows in groupby(shown, key=lambda one: one.task))


_RATES = ("commonest answer", "best constant", "best cheap rule")


def _rates(rows: Sequence[Exhibit]) -> tuple[list[int], list[list[str]]]:
    """The levels that the shipped table has, and a row of shares for each kind of guess."""
    known = [(one.level, one.rates) for one in rows if one.rates is not None]
    shares = [
        [f"{getattr(rates, kind):.2f}" for _, rates in known]
        for kind in ("mode", "prior", "heuristic")
    ]
    return [level for level, _ in known], shares


def _rates_html(rows: Sequence[Exhibit]) -> str:
    levels, shares = _rates(rows)
    head = "".join(f"<th>{level}</th>" for level in levels)
    body = "".join(
        f"<tr><th>{name}</th>{''.join(f'<td>{share}</td>' for share in row)}</tr>"
        for name, row in zip(_RATES, shares, strict=True)
    )
    return (
        f"<div class='wide'><table><tr><th>solved by, at level</th>{head}</tr>{body}</table></div>"
    )


def _rates_markdown(rows: Sequence[Exhibit]) -> str:
    levels, shares = _rates(rows)
    lines = [["solved by, at level", *map(str, levels)], ["---"] * (len(levels) + 1)]
    lines += [[name, *row] for name, row in zip(_RATES, shares, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gallery of problems</title>
<style>
:root {{ color-scheme: light dark; --page: #fff; --ink: #1a1a1a; --soft: #eef1f4; --link: #0b62a3; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #16181b; --ink: #e6e6e6; --soft: #262a2f; --link: #7dbcf0; }}
}}
body {{ background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  max-width: 58rem; margin: 0 auto; padding: 1rem; }}
a {{ color: var(--link); }}
nav a {{ margin-right: .8rem; white-space: nowrap; }}
section {{ border-top: 1px solid currentColor; margin-top: 2rem; }}
pre {{ background: var(--soft); padding: .7rem; white-space: pre-wrap; overflow-wrap: anywhere; }}
svg {{ display: block; max-width: 100%; height: auto; margin: .5rem 0; }}
svg text {{ fill: currentColor; font-size: 11px; text-anchor: middle; dominant-baseline: central; }}
svg .halo {{ paint-order: stroke; stroke: var(--page); stroke-width: 4px; }}
svg .node {{ fill: var(--page); stroke: currentColor; }}
svg .ring {{ fill: none; stroke: currentColor; stroke-width: 2.5; }}
summary {{ cursor: pointer; padding: .2rem 0; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; }}
td, th {{ padding: .1rem .5rem; text-align: right; font-weight: normal; }}
th:first-child {{ text-align: left; }}
.id {{ font-size: .8rem; opacity: .7; overflow-wrap: anywhere; }}
@media print {{ body {{ max-width: none; }} details {{ break-inside: avoid; }} }}
</style></head><body>
<h1>Gallery of problems</h1>
<p>{tasks} tasks. Every dot is one of the first {number} training problems of a level. The tables give
the share of problems that guessing solves: by the commonest answer, by the best constant given what
the prompt shows at a glance, by the best cheap rule.</p>
<nav>{links}</nav>
{body}
</body></html>
"""
