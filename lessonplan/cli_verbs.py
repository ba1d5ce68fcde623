"""What most verbs do: each turns what was typed into an `Answer`; studies have their own file."""

import inspect
import os
import platform
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table

from lessonplan import cli
from lessonplan.errors import ConfigError, FormatError, LockedError

if TYPE_CHECKING:
    from lessonplan.generators import Pool, Problem

EXTRAS = {"train": ("torch", "transformers", "trl", "peft", "accelerate", "datasets"),
          "parquet": ("pyarrow",)}  # fmt: skip
TESTED = {"trl": "1.16"}  # engine -> the minor version that the adapter was tested with
WITHOUT_A_TERMINAL = 120  # columns of a table that goes to a file or a pipe


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb found: facts for programs, the same shown for people, and the exit code."""

    facts: Mapping[str, object]
    shown: Sequence[RenderableType]
    code: int = cli.DONE


def show(answer: Answer) -> None:
    """Print an answer; texts keep their lines."""
    console = open_console()
    with console.capture() as page:  # rich would end the process when a pipe breaks
        for one in answer.shown:
            if isinstance(one, str):
                console.print(one, markup=False, highlight=False, soft_wrap=True)
            else:
                console.print(one)
    print(page.get(), end="", flush=True)


def as_json(facts: Mapping[str, object]) -> str:
    """Facts as JSON; what is not finite becomes null."""
    return msgspec.json.encode(facts, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    if hasattr(value, "tolist"):  # numpy
        return value.tolist()
    return str(value)


def open_console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WITHOUT_A_TERMINAL)


def named_pairs(option: str, form: str, given: Sequence[str]) -> dict[str, str]:
    """A=B of an option as a mapping; `form` is how it is written."""
    pairs: dict[str, str] = {}
    for one in given:
        name, equals, value = (part.strip() for part in one.partition("="))
        if one and not (name and equals and value):
            raise ConfigError(f"{option} takes {form}, got {one!r}")
        if name in pairs:
            raise ConfigError(f"{option} names {name} twice")
        if one:
            pairs[name] = value
    return pairs


def as_table(*columns: str, rows: Sequence[Sequence[object]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    """Text for a table; square brackets are ours to escape, since rich reads them as styles."""
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text.replace("[", r"\[")


# Problems


def generate(typed: cli.Generate) -> Answer:
    from lessonplan import generators
    from lessonplan.generators.learning_from_less import preset_pool

    if typed.family.startswith("lfl-"):
        pool = preset_pool(typed.family, typed.n, typed.mix, split=typed.split, seed=typed.seed)
    else:
        task = type(generators.family(typed.family))(typed.encoding, split_by=typed.split_by)
        pool = generators.generate(task, typed.levels, typed.n, split=typed.split, seed=typed.seed)
    if typed.to == "verifiers" and typed.out is not None:
        from lessonplan.generators.verifiers_out import write_verifiers

        write_verifiers({typed.split: pool}, typed.out, name=typed.out.name)
    return _pool_answer(pool, typed.out, pool[:1], save=typed.to == "jsonl")


def pool_import(typed: cli.PoolImport) -> Answer:
    from lessonplan.generators import Pool

    read = Pool.from_parquet if typed.file.suffix == ".parquet" else Pool.from_jsonl
    pool = read(
        typed.file,
        prompt=typed.prompt,
        answer=False if typed.no_answer else typed.answer,
        id=typed.id,
        level=typed.level,
        family=typed.family,
    )
    return _pool_answer(pool, typed.out, pool[:3])


def pool_show(typed: cli.PoolShow) -> Answer:
    from lessonplan.generators import Pool

    read = Pool.from_parquet if typed.file.suffix == ".parquet" else Pool.from_jsonl
    pool = read(typed.file)
    firsts = {int(level): position for position, level in reversed([*enumerate(pool.levels)])}
    return _pool_answer(pool, None, [pool[firsts[level]] for level in sorted(firsts)])


def _pool_answer(
    pool: "Pool", out: Path | None, examples: "Sequence[Problem]", *, save: bool = True
) -> Answer:
    if out is not None and save:
        pool.save(out)
    levels = pool.level_counts()
    facts = {
        "problems": len(pool),
        "families": pool.families,
        "levels": levels,
        "fingerprint": pool.fingerprint,
        "file": out,
        "examples": [{"id": one.id, "level": one.level, "prompt": one.prompt, "answer": one.answer}
                     for one in examples],
    }  # fmt: skip
    counted = ", ".join(
        f"{count} {'of unknown level' if not level else f'of level {level}'}"
        for level, count in levels.items()
    )
    shown: list[RenderableType] = [
        f"{len(pool)} problems of {', '.join(pool.families)}: {counted}",
        f"fingerprint {pool.fingerprint}",
    ]
    for one in examples:
        shown.append(f"\n{one.id}\n  {_indented(one.prompt)}\n  answer: {_indented(one.answer)}")
    if out is not None:
        shown.append(f"\nwritten to {out}")
    return Answer(facts, shown)


def _indented(prompt: object) -> str:
    """A prompt as text, control characters made visible."""
    if not isinstance(prompt, str):
        prompt = "\n".join(f"{one['role']}: {one['content']}" for one in prompt)  # type: ignore[attr-defined]
    visible = "".join(
        one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in prompt
    )
    return visible.replace("\n", "\n  ")


# Samplers


def samplers(typed: cli.Samplers) -> Answer:
    from lessonplan.curricula import sampler_classes
    from lessonplan.training.config import BUILT_IN_ARMS

    if typed.name is not None:
        return _sampler_card(typed.name)
    cards = []
    for name, cls in sampler_classes().items():
        arms = [arm for arm, how in BUILT_IN_ARMS.items() if how.sampler == name]
        cards.append(
            {
                "name": name,
                "does": _summary(cls),
                "unit": cls.unit,
                "needs": cls.needs,
                "arms": arms,
                "papers": _papers(cls),
            }
        )
    rows = [
        [c["name"], ", ".join(c["arms"]), c["does"], c["unit"], c["needs"], ", ".join(c["papers"])]
        for c in cards
    ]
    return Answer(
        {"samplers": cards},
        [
            as_table("sampler", "arm", "what it does", "chooses by", "needs", "arXiv", rows=rows),
            "\nOne of them in full: lessonplan samplers NAME",
        ],
    )


def _sampler_card(name: str) -> Answer:
    from lessonplan.curricula import resolve_sampler
    from lessonplan.training.config import BUILT_IN_ARMS

    cls = resolve_sampler(BUILT_IN_ARMS[name].sampler if name in BUILT_IN_ARMS else name)
    parameters = list(inspect.signature(cls).parameters.values())[1:]  # without the pool
    arguments = {one.name: _default(one) for one in parameters}
    text = inspect.getdoc(cls) or ""
    facts = {
        "name": cls.__name__,
        "text": text,
        "arguments": arguments,
        "papers": _papers(cls),
    }
    listed = "\n".join(f"  {key} = {value}" for key, value in arguments.items())
    room = ".".join(cls.__module__.split(".")[:2])  # lessonplan's rooms export their samplers
    module = room if room.startswith("lessonplan.") else cls.__module__
    python = f"from {module} import {cls.__name__}"
    return Answer(facts, [cls.__name__, "", text, "\narguments:", listed, f"\nin Python: {python}"])


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n", maxsplit=1)[0]


def _papers(cls: type) -> list[str]:
    """arXiv numbers that the class names, or else its module."""
    for text in (inspect.getdoc(cls), inspect.getdoc(sys.modules[cls.__module__])):
        found = re.findall(r"\b\d{4}\.\d{5}\b", text or "")
        if found:
            return list(dict.fromkeys(found))
    return []


def _default(parameter: inspect.Parameter) -> object:
    if parameter.default is inspect.Parameter.empty:
        return "required"
    value = parameter.default
    return value if isinstance(value, bool | int | float | str) else repr(value)


# The doctor


def doctor(typed: cli.Doctor) -> Answer:
    return _check_journals(typed.run, typed.repair) if typed.run else _check_machine()


def _check_machine() -> Answer:
    machine = {
        "lessonplan": version("lessonplan"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }
    extras = {extra: {name: _installed(name) for name in names} for extra, names in EXTRAS.items()}
    engines = {}
    for name, tested in TESTED.items():
        here = _installed(name)
        fits = here is not None and (here == tested or here.startswith(f"{tested}."))
        engines[name] = {"installed": here, "tested": tested, "fits": fits}
    problem = _write_and_lock_test()
    rows: list[list[object]] = [[key, value, ""] for key, value in machine.items()]
    for extra, parts in extras.items():
        lacking = [name for name, here in parts.items() if here is None]
        hint = f'lacks {", ".join(lacking)}: pip install "lessonplan[{extra}]"' if lacking else ""
        rows.append([f"extra {extra}", "not installed" if lacking else "installed", hint])
    for name, engine in engines.items():
        verdict = "tested" if engine["fits"] else f"untested (tested: {engine['tested']})"
        if engine["installed"]:
            rows.append([f"engine {name}", engine["installed"], verdict])
    rows.append(["writing and locking", problem or "works", ""])
    facts = {**machine, "extras": extras, "engines": engines, "problem": problem}
    last = f"not ready: {problem}" if problem else "ready"
    return Answer(facts, [as_table("", "", "", rows=rows), last], cli.BAD_INPUT if problem else 0)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _write_and_lock_test() -> str:
    """Write a journal, read it back, and be refused a second writer; what failed, or nothing."""
    from lessonplan.curricula import Journal, read_events

    try:
        with tempfile.TemporaryDirectory(prefix="lessonplan-", dir=Path.cwd()) as folder:
            path = Path(folder) / "test.jsonl"
            with Journal(path) as journal:
                journal.append("note", text="test")
                journal.sync()
                try:
                    Journal(path).close()
                except LockedError:
                    pass
                else:
                    return "two writers may open one file here: do not share folders"
            if len(list(read_events(path))) != 1:
                return "what was written is not read back"
    except OSError as error:
        return f"cannot write here: {error}"
    return ""


def _check_journals(where: Path, mend: bool) -> Answer:
    """Verify journals line by line; with `mend`, set damaged lines aside first."""
    from lessonplan.curricula.repair import find_damage, repair

    paths = _journals(where)
    states: dict[str, object] = {}
    shown: list[RenderableType] = []
    damaged = mendable = 0
    for path in paths:
        state, details = _verify(path)
        if state == "damaged" and find_damage(path):
            mendable += 1
            if mend:
                try:
                    aside = sum(bool(one.raw) for one in repair(path))
                except FormatError as error:
                    details += str(error).splitlines()
                else:
                    state, rest = _verify(path)
                    bad = path.with_suffix(".bad").name
                    details += [f"{aside} line{'s' * (aside != 1)} moved to {bad}", *rest]
        damaged += state == "damaged"
        states[path.name] = {"state": state, "details": details}
        if details:
            shown += [f"{path.name}: {state}", *(f"  {line}" for line in details)]
    shown.append(f"{len(paths)} journals, {damaged} damaged")
    if mendable and not mend:
        shown.append(f"lessonplan doctor {where} --repair sets the damaged lines aside")
    return Answer({"journals": states}, shown, cli.DAMAGED if damaged else cli.DONE)


def _journals(where: Path) -> list[Path]:
    if where.is_file():
        return [where]
    paths = sorted((where / "journals").glob("*.jsonl")) or sorted(where.glob("*.jsonl"))
    if not paths:
        raise ConfigError(f"{where}: no journal here; give a study folder, or a .jsonl file")
    return paths


def _verify(path: Path) -> tuple[str, list[str]]:
    """The state of one journal, and every remark: damage by line and byte, unfinished writes."""
    from lessonplan.analysis import read_journal
    from lessonplan.curricula.repair import find_damage

    damage = [f"line {one.line}, byte {one.byte}: {one.reason}" for one in find_damage(path)]
    if damage:
        return "damaged", damage
    try:
        run = read_journal(path)
    except FormatError as error:
        return "damaged", [str(error)]
    repaired = [note for note in run.notes if note.startswith("repaired")]
    return run.status, [*run.repairs, *repaired]
