"""The command line: what can be typed, and how every call ends."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal, NoReturn, TypeAlias

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, OmitSubcommandPrefixes, Positional
from tyro.conf import arg as option
from tyro.conf import subcommand as verb

from lessonplan.errors import FormatError, LessonplanError, LockedError

DONE, OUR_BUG, BAD_INPUT, LOCKED, DAMAGED, SOME_FAILED = range(6)  # exit codes
BY_SIGNAL = 128  # plus the number of the signal

DESCRIPTION = """Which problems does a language model practice next, and what does that decision buy?

First steps: lessonplan doctor, then lessonplan study quick. Every verb explains itself with --help.

Exit codes: 0 done, 1 a bug of lessonplan, 2 bad input, 3 locked by another process, 4 damaged
file, 5 some runs failed, 128+n ended by signal n."""

Columns: TypeAlias = Annotated[tuple[str, ...], option(metavar="ROLE=COLUMN,...")]
Out: TypeAlias = Annotated[Path | None, option(aliases=["-o"], metavar="PATH")]


@dataclass(frozen=True, kw_only=True)
class Verb:
    json: bool = False
    """Print one JSON object instead of text."""
    quiet: Annotated[bool, option(aliases=["-q"])] = False
    """Print nothing but errors."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True, kw_only=True)
class Generate(Verb):
    """Make problems with exact answers, the same ones for the same arguments.

    Example: lessonplan generate counting --n 500 -o problems.jsonl
    """

    family: Positional[str]
    """Family (counting, spatial, graph), one task, or a preset: lfl-counting, lfl-graph, lfl-spatial."""
    n: int = 100
    """How many problems, all different."""
    levels: Annotated[tuple[int, ...], option(metavar="LEVEL ...")] = (1, 2, 3, 4, 5)
    """Levels of difficulty that share the problems alike."""
    split: Literal["train", "warmup", "validation", "test"] = "train"
    """Splits never share a problem."""
    split_by: Literal["instance", "skeleton"] = "instance"
    """With skeleton, splits share no shape of question either."""
    seed: int = 0
    """Another seed draws other problems."""
    encoding: Literal["text", "tiny"] = "text"
    """English with answer tags, or the few words of the built-in tiny model."""
    mix: Literal["easy", "mixed"] = "mixed"
    """Of a preset, which has its own levels: easy problems, or a third of each tier."""
    to: Literal["jsonl", "verifiers"] = "jsonl"
    """JSON Lines, or a package for verifiers in a folder that it is named for."""
    out: Out = None
    """File or folder to write; without it only a summary is shown."""


@dataclass(frozen=True, kw_only=True)
class Gallery(Verb):
    """Make a page to look at: a problem, its picture and worked solution for every task and level.

    Example: lessonplan gallery graph spatial.grid_path --levels 1 5 10 -o gallery.html
    """

    tasks: Positional[tuple[str, ...]] = ()
    """Families and tasks; without any, all of them."""
    levels: Annotated[tuple[int, ...] | None, option(metavar="LEVEL ...")] = None
    """Levels of difficulty; without them, all that a task has."""
    samples: int = 40
    """Problems of each level whose work is drawn."""
    out: Annotated[Path, option(aliases=["-o"], metavar="PATH")] = Path("gallery.html")
    """Page to write: .html, or .md without pictures."""


@dataclass(frozen=True, kw_only=True)
class PoolShow(Verb):
    """Show what a file of problems holds: counts, levels, one problem a level.

    Example: lessonplan pool show problems.jsonl
    """

    file: Positional[Path]
    """JSON Lines or parquet."""


@dataclass(frozen=True, kw_only=True)
class PoolImport(Verb):
    """Read your own problems, check every row, and write them as a pool.

    Column names are guessed when only one fits. If any row is faulty, all faulty rows are named
    and nothing is written.

    Example: lessonplan pool import mine.jsonl --prompt question --answer solution -o pool.jsonl
    """

    file: Positional[Path]
    """JSON Lines or parquet, one problem a row."""
    prompt: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the prompt; a dot goes inside: reward_model.ground_truth."""
    answer: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the answer."""
    id: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of a lasting id; without one, ids are made from the content."""
    level: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the difficulty, whole numbers from 1 to 10."""
    family: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the kind of problem."""
    no_answer: bool = False
    """Read problems without answers, for rewards that need none."""
    out: Out = None
    """JSON Lines file to write; without it the rows are only checked."""


@dataclass(frozen=True)
class Pool:
    """Look at problems, or bring your own.

    Example: lessonplan pool import mine.jsonl -o pool.jsonl
    """

    do: Annotated[PoolShow, verb("show")] | Annotated[PoolImport, verb("import")]


@dataclass(frozen=True, kw_only=True)
class Samplers(Verb):
    """List the samplers, or explain one.

    Example: lessonplan samplers AdaptiveDifficulty
    """

    name: Positional[str | None] = None
    """A sampler, or an arm of a study."""


@dataclass(frozen=True, kw_only=True)
class Select(Verb):
    """Choose a subset of your problems from the rewards of a finished run (LIM and its kin).

    Reads journals of lessonplan, LIMR's step files, verl's rollout dumps, TRL's tables of
    completions, and any JSON Lines, JSON, CSV or parquet with a row for each rollout.

    Example: lessonplan select logs/completions --pool problems.jsonl --top 100 -o subset.jsonl
    """

    logs: Annotated[Positional[tuple[Path, ...]], option(metavar="LOG ...")]
    """Files of one run, or its folder."""
    pool: Annotated[Path | None, option(metavar="FILE")] = None
    """The problems, JSON Lines or parquet; without them only scores are shown."""
    no_answer: bool = False
    """The problems have no answers."""
    by: Literal["lim", "linear", "variance", "pass_rate", "random"] = "lim"
    """Score: likeness to the mean curve, or to a straight rise; spread; share solved; none."""
    top: int | None = None
    """Keep this many, the best."""
    threshold: float | None = None
    """Keep scores above this; lim 0.6 and linear 0.7 if nothing else is said."""
    band: Annotated[tuple[float, float] | None, option(metavar="LOW HIGH")] = None
    """Keep scores from LOW to HIGH, for example pass rates."""
    diverse: Annotated[int | None, option(metavar="CLUSTERS")] = None
    """Spread --top evenly over so many clusters of alike problems."""
    clustering: Literal["k-means", "k-center"] = "k-means"
    """By density, or by distance, which covers rare problems too."""
    embeddings: Annotated[Path | None, option(metavar="FILE.npy")] = None
    """Your embeddings, a row a problem; else length, numbers, level, family, words are compared."""
    fill: Literal["next", "nearest", "none"] = "next"
    """Where an epoch of a problem takes its rate from when it was not scored."""
    compat: Literal["paper", "released", "one-shot"] = "paper"
    """The method as published, or as LIMR's or One-Shot-RLVR's script does it."""
    round: Annotated[int | None, option(metavar="DECIMALS")] = None
    """Round scores first; LIMR's list of 1,389 is --round 2 --threshold 0.6 --compat released."""
    success: float = 1.0
    """A reward of at least this is a success."""
    epochs: int | None = None
    """Use the first so many epochs; by default as many as half of the problems reached."""
    steps_per_epoch: int | None = None
    """Steps that are one epoch; by default 8 in LIMR's files, else visits are counted."""
    format: Literal["auto", "journal", "limr", "verl", "trl", "table", "scores"] = "auto"
    """What the log is; scores is a table of scores that somebody computed."""
    key: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the problem's id or prompt."""
    reward: Annotated[tuple[str, ...], option(metavar="COLUMN ...")] = ()
    """Column of the reward; several are added up."""
    step: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the training step."""
    epoch: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the epoch."""
    scores: Annotated[Path | None, option(metavar="FILE.csv")] = None
    """Table to write: every problem, its score, and why it was dropped."""
    seed: int = 0
    """Of the clusters, and of --by random."""
    out: Out = None
    """JSON Lines file of the kept problems to write."""


@dataclass(frozen=True, kw_only=True)
class Logs(Verb):
    """Read the logs of other trainers, or ours, into one table of accuracy and cost by step.

    Reads journals and studies of lessonplan, TRL, verl, step files of OpenRLHF, TensorBoard,
    exports of W&B and MLflow, and any table by mapping its columns. Nothing is guessed: what a log
    does not say is named.

    Example: lessonplan logs results.csv --columns n=train_size accuracy=acc sampler=arm -o tidy.csv
    """

    paths: Annotated[Positional[tuple[Path, ...]], option(metavar="LOG ...")]
    """Files or folders, each of one run or of one table."""
    format: Literal[
        "auto", "journal", "study", "trl", "verl", "steps", "tensorboard", "export", "table"
    ] = "auto"
    """What the logs are; auto tells by names and columns, and says what it took."""
    run: str | None = None
    """Name of the run; by default that of its file or folder."""
    sampler: str | None = None
    """Sampler of the runs; foreign logs do not know it."""
    n: float | None = None
    """Unique problems of the training set."""
    start: str | None = None
    """Warm start of the runs."""
    seed: float | None = None
    """Seed of the run."""
    accuracy: Annotated[tuple[str, ...], option(metavar="SPLIT=METRIC ...")] = ()
    """Metric that is the accuracy of a split, for logs of metrics."""
    costs: Annotated[tuple[str, ...], option(metavar="COST=METRIC ...")] = ()
    """Metrics that are running totals of rollouts, tokens or seconds."""
    columns: Annotated[tuple[str, ...], option(metavar="OURS=YOURS ...")] = ()
    """Columns of a table: run, sampler, n, start, seed, split, decode, step, level, accuracy,
    items, rollouts, tokens, seconds."""
    percent: bool = False
    """Accuracies of the table run from 0 to 100."""
    reward: Annotated[str | None, option(metavar="COLUMN")] = None
    """Column of the reward, for logs of single completions."""
    success: float = 1.0
    """A reward of at least this is a right answer."""
    validation: Annotated[Path | None, option(metavar="FOLDER")] = None
    """Folder of verl's validation dumps, beside that of its rollouts."""
    split: str | None = None
    """Only measurements of this split, such as test."""
    last: bool = False
    """Only the last step of each run, as fit wants it."""
    out: Out = None
    """CSV file to write."""


@dataclass(frozen=True, kw_only=True)
class Simulate(Verb):
    """Try samplers on a simulated learner, where the truth is known: a check and a lesson.

    No claim about real models follows. Shipped scenarios: demo, null (where no sampler may win),
    drifting, forgetting, unsolvable, latency.

    Example: lessonplan simulate demo --samplers AdaptiveDifficulty LIM
    """

    source: Annotated[Positional[str], option(metavar="FILE.toml|demo|null|...")]
    """A shipped scenario, or your own."""
    samplers: Annotated[tuple[str, ...], option(metavar="NAME ...")] = ()
    """Samplers, or arms of the file, instead of those of the scenario; Uniform is always there."""
    seeds: int | None = None
    """Paired worlds, instead of the number in the scenario."""
    out: Out = None
    """Folder of the report, by default runs/simulated-NAME."""


@dataclass(frozen=True, kw_only=True)
class Study(Verb):
    """Train with several samplers and sizes, then write the report; the same command resumes.

    Example: lessonplan study quick -o runs/quick
    """

    source: Annotated[Positional[str], option(metavar="FILE.toml|quick|full")]
    """A configuration, or one of the built-in ones. Needs pip install "lessonplan[train]"."""
    out: Out = None
    """Folder of the study, by default runs/NAME; finished runs in it are not done again."""
    status: bool = False
    """Only say how far the study is."""
    workers: int | None = None
    """Processes, instead of the number in the configuration."""
    backend: Literal["processes", "ray"] = "processes"
    """Where the runs are done: processes of this machine, or a Ray cluster (lessonplan[ray])."""
    address: Annotated[str | None, option(metavar="auto|HOST:PORT")] = None
    """A running Ray cluster; without it Ray is started on this machine."""
    resources: Annotated[tuple[str, ...], option(metavar="NAME=AMOUNT ...")] = ()
    """What one run reserves on the cluster, by default CPU=1."""


@dataclass(frozen=True, kw_only=True)
class Train(Verb):
    """Train one model with a curriculum: any hub id or folder, made problems or yours, in TRL.

    Example: lessonplan train examples/train.toml --dry-run
    """

    file: Annotated[Positional[Path], option(metavar="FILE.toml")]
    """What to train on what, and how: docs/train.md. Needs pip install "lessonplan[train]"."""
    out: Out = None
    """Folder of the run, by default runs/NAME."""
    model: str | None = None
    """Hub id or folder, instead of the one in the configuration."""
    preset: Literal["cpu", "24gb", "80gb", "8x80gb"] | None = None
    """Hardware, instead of the one in the configuration."""
    dry_run: bool = False
    """Only say what would be done: sizes, memory, the first picks. Loads no weights."""
    resume: bool = False
    """Go on from the last whole checkpoint of a run that was stopped."""


@dataclass(frozen=True, kw_only=True)
class Fit(Verb):
    """Fit scaling curves, accuracy against number of problems, to a study or to any table.

    Example: lessonplan fit runs/quick
    """

    runs: Annotated[Positional[Path], option(metavar="FOLDER|TABLE")]
    """Folder of a study; or a table (CSV, JSON Lines, JSON, parquet) with columns n and accuracy,
    and sampler if there are several. Rows with n = 0 are the model before training."""
    law: Literal["hill", "pow2", "pow3", "pow4", "exp", "m4", "bnsl1"] = "hill"
    """Form of the curve: Hill, bounded at both ends, or another law as a second opinion."""
    columns: Columns = ()
    """Of a table, where the names do not say it: n=size,accuracy=score,sampler=arm,task=set."""
    unit: Literal["share", "percent"] | None = None
    """Of the accuracies of a table; by default read from column name and values."""


@dataclass(frozen=True, kw_only=True)
class Compare(Verb):
    """Say how many times fewer problems one sampler needs than another, with an interval.

    Every claim is also corrected for their number (Holm). A table of published points has no
    intervals: it is compared point by point, along the sizes of the first sampler.

    Example: lessonplan compare runs/quick --target 0.6 --table md
    """

    runs: Annotated[Positional[Path], option(metavar="FOLDER|TABLE")]
    """Folder of a study; or a table (CSV, JSON Lines, JSON, parquet) with columns n and accuracy,
    sampler and task. Rows with n = 0 are the model before training."""
    target: float | None = None
    """Accuracy to reach, fixed before looking; else half of the gain that was measured."""
    family: str | None = None
    """One family of tasks; else all of them."""
    tier: Literal["mean", "easy", "medium", "hard"] = "mean"
    """Test problems that count."""
    decode: Literal["sample", "greedy"] | None = None
    """Completions sampled at temperature 1, which RL raises, or the likeliest one; by default
    sampled ones where there are any."""
    table: Literal["md", "tex"] | None = None
    """Print a Markdown or LaTeX table to paste."""
    at_equal: Literal["rollouts"] | None = None
    """Cut runs to the evaluation that both sides had the rollouts for."""
    unequal: bool = False
    """Compare although one side generated more rollouts."""
    columns: Columns = ()
    """Of a table, where the names do not say it: n=size,accuracy=score,sampler=arm,task=set."""
    unit: Literal["share", "percent"] | None = None
    """Of the accuracies of a table; by default read from column name and values."""


@dataclass(frozen=True, kw_only=True)
class Plan(Verb):
    """Say how wide the interval of a study will be and what it costs, before any of its runs.

    With a finished pilot: which runs to do next.

    Example: lessonplan plan --sizes 50 200 800 --seeds 3 --items 500 --ratio 2 --sd .02
    """

    runs: Annotated[Positional[Path | None], option(metavar="[FOLDER]")] = None
    """Folder of a finished pilot; curves, noise, items and cost are read from it."""
    sizes: Annotated[tuple[float, ...], option(metavar="N ...")] = (50, 100, 200, 400, 800, 1600)
    """Unique problems of the training sets, for both samplers."""
    seeds: int = 3
    """Runs of each sampler and size; with --starts, of each warm start."""
    starts: int = 0
    """Warm starts that run through all sizes; 0 if every run is independent of all others."""
    items: int | None = None
    """Test problems; 500, or chosen by a search."""
    ratio: float = 2.0
    """How many times more problems the slower sampler needs, if you are right."""
    width: float | None = None
    """Search the cheapest study whose interval is that narrow, upper over lower limit."""
    power: float | None = None
    """Search the cheapest study that shows such a ratio in 80 % of cases."""
    target: float | None = None
    """Accuracy to compare at; by default half way up."""
    sd: float = 0.02
    """How far the accuracies of two seeds differ, as a standard deviation; best from a pilot."""
    favor: float = 0.1
    """How far warm starts differ in the ln of the ratio; only with --starts."""
    base: float = 0.25
    """Accuracy before training."""
    ceiling: float = 0.75
    """Accuracy with any number of problems."""
    half: float = 300.0
    """Problems with which the faster sampler makes half of the gain."""
    exponent: float = 1.0
    """Steepness of the curves."""
    difficulty: float = 1.5
    """Spread of the test problems' difficulty, in logits."""
    samples: int = 1
    """Completions for each test problem."""
    rollouts: int = 12_800
    """Generated by one run: steps x problems x completions; 200 x 8 x 8 in the built-in studies."""
    pace: float = 1100.0
    """Rollouts a second, training included; by default the built-in tiny model on two cores."""
    family: str | None = None
    """Of a pilot: one family of tasks; else all of them."""
    samplers: Annotated[tuple[str, str] | None, option(metavar="A B")] = None
    """Of a pilot: two samplers; else every pair that the report compares."""


@dataclass(frozen=True, kw_only=True)
class Report(Verb):
    """Write one HTML page with everything that a study found, and its figures beside it.

    Anybody's table will do, and logs of other trainers: docs/report.md says what a table needs.
    Without the number of test problems behind an accuracy the page has points and no intervals.

    Example: lessonplan report results.csv --columns n=size,accuracy=score --items 500
    """

    logs: Annotated[Positional[tuple[Path, ...]], option(metavar="FOLDER|TABLE|LOG ...")]
    """Folder of a study; or tables (CSV, JSON Lines, JSON, parquet) and logs, read together."""
    out: Out = None
    """HTML file, or a folder for it; by default report.html inside the study, or
    runs/report-NAME/report.html for tables and logs."""
    target: float | None = None
    """Accuracy to reach, fixed before looking; else half of the gain that was measured."""
    columns: Columns = ()
    """Of a table, where the names do not say it: n=size,accuracy=score,sampler=arm,start=model."""
    unit: Literal["share", "percent"] | None = None
    """Of the accuracies of a table; by default read from column name and values."""
    items: int | None = None
    """Test problems behind each accuracy, where table or log does not say."""
    split: str | None = None
    """Test set that counts, where there are several."""
    names: Annotated[str | None, option(metavar="PATTERN")] = None
    """How the names of logs tell their runs: '{sampler}-n{n}-{start}-s{seed}'."""


@dataclass(frozen=True, kw_only=True)
class Doctor(Verb):
    """Check this machine; or check the journals of a study, and repair them.

    Example: lessonplan doctor runs/quick --repair
    """

    run: Annotated[Positional[Path | None], option(metavar="[FOLDER|JOURNAL]")] = None
    """Folder of a study, or one journal."""
    repair: bool = False
    """Move damaged lines to a .bad file beside the journal, so that the rest can be read."""


Typed: TypeAlias = (
    Annotated[Doctor, verb("doctor")]
    | Annotated[Generate, verb("generate")]
    | Annotated[Gallery, verb("gallery")]
    | Annotated[Pool, verb("pool")]
    | Annotated[Samplers, verb("samplers")]
    | Annotated[Select, verb("select")]
    | Annotated[Logs, verb("logs")]
    | Annotated[Simulate, verb("simulate")]
    | Annotated[Plan, verb("plan")]
    | Annotated[Study, verb("study")]
    | Annotated[Train, verb("train")]
    | Annotated[Fit, verb("fit")]
    | Annotated[Compare, verb("compare")]
    | Annotated[Report, verb("report")]
)


class Stopped(BaseException):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        self.number = number


def console() -> NoReturn:
    """The process of the command `lessonplan`: its first signal ends it, the next are ignored.

    So a second Ctrl-C cannot cut short the ending of workers. A signal that is ignored already
    stays so, as SIGHUP under nohup.
    """
    ending = [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]
    heard = [one for one in ending if signal.getsignal(one) != signal.SIG_IGN]

    def stop(number: int, frame: FrameType | None) -> None:
        for one in heard:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    for one in heard:
        signal.signal(one, stop)
    try:
        sys.exit(main())
    except Stopped as stopped:  # while it read the command line, or was saying its last words
        sys.exit(BY_SIGNAL + stopped.number)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line; the result is the exit code.

    Raises SystemExit only for --help and for what cannot be parsed.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # TRL would report every trainer
    try:
        return _guarded(_parse(args))
    except BrokenPipeError:  # whoever read our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BY_SIGNAL + 13  # SIGPIPE


def _parse(args: Sequence[str] | None) -> Verb:
    typed: Verb | Pool = tyro.cli(
        Typed,
        prog="lessonplan",
        description=DESCRIPTION,
        args=args,
        config=(FlagCreatePairsOff, OmitArgPrefixes, OmitSubcommandPrefixes),
    )
    return typed.do if isinstance(typed, Pool) else typed


def _guarded(typed: Verb) -> int:
    """Do what was typed, and turn whatever stops it into a sentence and an exit code."""
    try:
        return _run(typed)
    except Stopped as stop:
        return _say(typed, _stopped(typed), "Stopped", BY_SIGNAL + stop.number)
    except BrokenPipeError:
        raise
    except (LessonplanError, OSError) as error:
        if typed.debug:
            traceback.print_exc()
        return _say(typed, _three_lines(error), type(error).__name__, _code(error))
    except Exception as error:  # noqa: BLE001  # the last line of defense against our own bugs
        if typed.debug:
            traceback.print_exc()
        text = (
            f"this is a bug of lessonplan: {type(error).__name__}: {error}\n"
            "The same command with --debug shows where; please report it"
        )
        return _say(typed, text, type(error).__name__, OUR_BUG)


def _run(typed: Verb) -> int:
    from lessonplan import cli_study, cli_verbs  # numpy and rich: not for --help

    answer: cli_verbs.Answer
    match typed:
        case Doctor():
            answer = cli_verbs.doctor(typed)
        case Generate():
            answer = cli_verbs.generate(typed)
        case Gallery():
            from lessonplan import cli_gallery

            answer = cli_gallery.gallery(typed)
        case PoolShow():
            answer = cli_verbs.pool_show(typed)
        case PoolImport():
            answer = cli_verbs.pool_import(typed)
        case Samplers():
            answer = cli_verbs.samplers(typed)
        case Select():
            from lessonplan import cli_select

            answer = cli_select.select(typed)
        case Logs():
            from lessonplan import cli_logs

            answer = cli_logs.logs(typed)
        case Simulate():
            from lessonplan import cli_simulate

            answer = cli_simulate.simulate(typed)
        case Plan():
            from lessonplan import cli_plan

            answer = cli_plan.plan(typed)
        case Study():
            answer = cli_study.study(typed)
        case Train():
            from lessonplan import cli_train

            answer = cli_train.train(typed)
        case Fit():
            answer = cli_study.fit(typed)
        case Compare():
            answer = cli_study.compare(typed)
        case Report():
            from lessonplan import cli_report

            answer = cli_report.report(
                typed.logs,
                typed.out,
                target=typed.target,
                columns=typed.columns,
                unit=typed.unit,
                items=typed.items,
                split=typed.split,
                names=typed.names,
            )
        case _:
            raise AssertionError(typed)
    if typed.json:
        print(cli_verbs.as_json(answer.facts), flush=True)
    elif not typed.quiet:
        cli_verbs.show(answer)
    return answer.code


def _stopped(typed: Verb) -> str:
    if isinstance(typed, Train):
        again = f"lessonplan train {typed.file}" + (f" -o {typed.out}" if typed.out else "")
        return f"stopped; whole checkpoints are kept. Go on with: {again} --resume"
    if not isinstance(typed, Study):
        return "stopped"
    again = f"lessonplan study {typed.source}" + (f" -o {typed.out}" if typed.out else "")
    return f"stopped; finished runs are kept. Go on with: {again}"


def _code(error: Exception) -> int:
    if isinstance(error, LockedError):
        return LOCKED
    return DAMAGED if isinstance(error, FormatError) else BAD_INPUT


def _three_lines(error: Exception) -> str:
    """What was wrong, where, what to do; a longer list is folded into its second line."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    head, *rest = str(error).splitlines() or [type(error).__name__]
    if len(rest) > 2:
        rest = ["  " + "; ".join(line.strip() for line in rest)]
    return "\n".join([head, *rest])


def _say(typed: Verb, text: str, kind: str, code: int) -> int:
    """Say why it ended, on stderr and as JSON if that was asked for; returns the exit code."""
    print(text, file=sys.stderr)
    if typed.json:
        from lessonplan import cli_verbs

        print(cli_verbs.as_json({"error": text, "kind": kind, "exit": code}))
    return code
