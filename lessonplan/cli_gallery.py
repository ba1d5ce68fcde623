"""The verb `gallery`: a page with a problem of every task and level."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lessonplan import cli
from lessonplan.cli_verbs import Answer, open_console
from lessonplan.errors import ConfigError


def gallery(typed: cli.Gallery) -> Answer:
    from lessonplan.generators import FAMILIES, TASKS, family
    from lessonplan.generators.gallery import exhibits, gallery_html, gallery_markdown

    if typed.samples < 1:
        raise ConfigError(f"--samples must be at least 1, got {typed.samples}")
    if typed.out.suffix not in (".html", ".md"):
        raise ConfigError(f"-o must end in .html or .md, got {typed.out}")
    names: list[str] = []
    for name in typed.tasks or FAMILIES:
        of_family = [task for task in TASKS if task.startswith(f"{name}.")]
        names += of_family or [family(name).task]
    generators = [family(name, "text") for name in dict.fromkeys(names)]
    wanted = typed.levels
    total = sum(len([x for x in g.levels if wanted is None or x in wanted]) for g in generators)
    if total == 0:
        raise ConfigError(f"none of these tasks has the levels {list(wanted or ())}; levels: 1..10")
    typed.out.parent.mkdir(parents=True, exist_ok=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=open_console(stderr=True),
        disable=typed.quiet or typed.json,
        transient=True,
    )
    with bar:
        done = bar.add_task("levels", total=total)
        shown = list(
            exhibits(
                generators,
                levels=wanted,
                samples=typed.samples,
                report=lambda task, level: bar.update(done, advance=1, description=task),
            )
        )
    page = gallery_markdown(shown) if typed.out.suffix == ".md" else gallery_html(shown)
    typed.out.write_text(page, encoding="utf-8")
    tasks = len({one.task for one in shown})
    return Answer(
        {"page": str(typed.out), "tasks": tasks, "levels": total},
        [f"{tasks} tasks, {total} levels: {typed.out}"],
    )
