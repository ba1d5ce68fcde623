"""The command line as people meet it: what it prints, where, and with which exit code."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from lessonplan import analysis, cli, cli_study, cli_verbs
from lessonplan.curricula import Journal, Lock
from lessonplan.training import study as studies
from lessonplan.training.config import StudyConfig, load_study
from lessonplan.training.plan import expand, journal_path
from lessonplan.training.workers import Finished, Progress

TINY_STUDY = """\
name = "tiny"
sft_steps = 0
[grid]
arms = ["easy", "uniform"]
sizes = [8, 64, 512]
[train]
steps = 2
"""
FIRST = 0.45  # accuracy with 8 problems
GAIN = {"easy": 0.02, "uniform": 0.15}  # more with every size


def write_journal(folder, run, share):
    """The journal of a finished run with `share` of the test problems right."""
    levels = [level for level in (1, 2, 3, 4, 5) for _ in range(40)]
    right = [int(place % 40 < round(40 * share)) for place in range(len(levels))]
    path = journal_path(folder, run)
    with Journal(path, durability="flush") as journal:
        journal.open_run(run.facts())
        journal.append(
            "items",
            split="test",
            fingerprint="f",
            levels=levels,
            ids=[f"t{place}" for place in range(len(levels))],
        )
        if run.kind == "rl":
            ids = [f"p{place}" for place in range(8)]
            journal.append("ask", step=0, ticket=0, ids=ids, levels=[1] * 8)
            journal.append(
                "tell",
                step=0,
                tickets=list(range(8)),
                rewards=[[1, 0]] * 8,
                status=["trained"] * 8,
            )
            journal.append("step", step=1, rollouts=16, tokens=160, seconds={"train": 0.1})
        for decode, samples in (("greedy", 1), ("sample", 4)):
            journal.append(
                "eval",
                step=run.steps,
                split="test",
                decode=decode,
                temperature=float(samples > 1),
                samples=samples,
                correct=[samples * one for one in right],
                formatted=[samples] * len(right),
                trace=[samples * one for one in right],
                truncated=[0] * len(right),
                tokens=10,
            )
        journal.append("end", status="done", at=0.0)


def share_of(run):
    if run.kind == "base":
        return 0.4
    larger = {8: 0, 64: 1, 512: 2}[run.n]
    return FIRST + GAIN[run.arm] * larger + 0.025 * (run.start - 1)


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(TINY_STUDY)
    return path


@pytest.fixture
def no_training(monkeypatch):
    """Let studies write journals at once instead of training; returns ids of runs that fail."""
    failing = set()

    def work_through(next_job, work, workers, log):
        (folder,) = work.args
        while (run := next_job()) is not None:
            yield Progress(run, {"step": 1, "reward": 0.5, "zero_variance": 0.25, "level": 2.0})
            if run.id in failing:
                yield Finished(run, "RuntimeError: sabotaged")
            else:
                write_journal(folder, run, share_of(run))
                yield Finished(run, None)

    monkeypatch.setattr(studies, "work_through", work_through)
    return failing


@pytest.fixture
def no_report(monkeypatch):
    """Let reports say what was found without drawing it."""

    def say(folder, out, *, target):
        study = analysis.read_study(folder)
        found = [analysis.find(study, family, target=target) for family in study.families]
        said = [f"{one.family}: {line}" for one in found for line in analysis.sentences(one)]
        return folder / "report.html", said

    monkeypatch.setattr(analysis, "write_report", say)


@pytest.fixture
def folder(tmp_path, config_file, no_training):
    """A finished study: uniform gains more from more problems than easy does."""
    studies.run_study(load_study(str(config_file)), tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def run(capsys):
    """Call the command line in this process; returns exit code, stdout and stderr."""

    def call(*args):
        code = cli.main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return call


# Every verb


VERBS = {
    "doctor": ["doctor"],
    "generate": ["generate"],
    "pool show": ["pool", "show"],
    "pool import": ["pool", "import"],
    "samplers": ["samplers"],
    "select": ["select"],
    "simulate": ["simulate"],
    "study": ["study"],
    "fit": ["fit"],
    "compare": ["compare"],
    "report": ["report"],
    "plan": ["plan"],
    "logs": ["logs"],
    "train": ["train"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([*VERBS[verb], "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"Example: lessonplan {verb} " in text
    assert "--json" in text and "-q" in text


def test_the_help_names_every_verb_and_exit_code(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert all(verb.split()[0] in text for verb in VERBS)
    assert "3 locked" in text and "128+n" in text


@pytest.mark.parametrize("typed", [[], ["studdy"], ["study"], ["generate", "counting", "--m", "3"]])
def test_what_cannot_be_parsed_is_bad_input(typed, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(typed)
    assert ended.value.code == cli.BAD_INPUT


def test_quiet_prints_nothing(run, tmp_path):
    assert run("generate", "counting", "--n", 9, "-o", tmp_path / "p.jsonl", "-q") == (0, "", "")


def test_a_bug_of_ours_is_one_sentence_without_a_traceback(run, monkeypatch):
    def broken(typed):
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(cli_verbs, "samplers", broken)
    code, out, err = run("samplers")
    assert code == cli.OUR_BUG and out == ""
    assert err.startswith("this is a bug of lessonplan: ZeroDivisionError: by design")
    assert "Traceback" in run("samplers", "--debug")[2]


def test_an_error_is_json_too_when_json_was_asked_for(run):
    code, out, err = run("generate", "countng", "--json")
    assert json.loads(out) == {"error": err.rstrip(), "kind": "ConfigError", "exit": code}


# Problems


def test_generate_writes_the_same_pool_twice(run, tmp_path):
    found = [
        json.loads(run("generate", "graph", "--n", 25, "-o", tmp_path / name, "--json")[1])
        for name in "ab"
    ]
    assert found[0]["fingerprint"] == found[1]["fingerprint"]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert found[0]["problems"] == 25 and found[0]["levels"] == dict.fromkeys("12345", 5)


def test_generate_splits_and_seeds_give_other_problems(run):
    def fingerprint(*more):
        return json.loads(run("generate", "spatial", "--json", *more)[1])["fingerprint"]

    assert len({fingerprint(), fingerprint("--split", "test"), fingerprint("--seed", 1)}) == 3


def test_an_unknown_family_is_named_with_the_nearest(run):
    assert run("generate", "countng") == (
        cli.BAD_INPUT,
        "",
        'no family "countng"; nearest: counting. All: counting, spatial, graph\n',
    )


def test_pool_show_prints_a_problem_a_level(run, tmp_path):
    pool = tmp_path / "p.jsonl"
    run("generate", "counting", "--n", 50, "--levels", 1, 3, "-o", pool)
    code, out, _ = run("pool", "show", pool)
    assert code == 0
    assert "50 problems of counting: 25 of level 1, 25 of level 3" in out
    assert out.count("answer:") == 2 and "/L1/" in out and "/L3/" in out


def test_pool_import_reads_foreign_columns(run, tmp_path):
    mine, pool = tmp_path / "mine.jsonl", tmp_path / "m.jsonl"
    mine.write_text(
        '{"question": "1 + 1 = ?", "answer": "2"}\n{"question": "\\u001b[31m", "answer": 3}\n'
    )
    code, out, _ = run("pool", "import", mine, "-o", pool)
    assert code == 0
    assert "2 problems of custom: 2 of unknown level" in out
    assert r"\x1b[31m" in out  # what could command a terminal is shown, not obeyed
    assert json.loads(run("pool", "show", pool, "--json")[1])["problems"] == 2


def test_two_columns_that_fit_are_a_question(run, tmp_path):
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"question": "a", "text": "b", "answer": "c"}\n')
    code, _, err = run("pool", "import", mine)
    assert code == cli.BAD_INPUT
    assert err == 'mine.jsonl: prompt could be "question" or "text"; choose with --prompt\n'
    assert run("pool", "import", mine, "--prompt", "text")[0] == 0


def test_a_pool_without_answers_is_refused_unless_that_is_meant(run, tmp_path):
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"question": "a"}\n')
    code, _, err = run("pool", "import", mine)
    assert code == cli.BAD_INPUT and 'no answer column among "question"' in err
    assert run("pool", "import", mine, "--no-answer")[0] == 0


def test_all_faulty_rows_are_named_in_three_lines(run, tmp_path):
    rows = ['{"question": "a", "answer": "b"}', "{", '{"question": "a"}', "[]", '{"answer": 1}']
    mine, pool = tmp_path / "mine.jsonl", tmp_path / "pool.jsonl"
    mine.write_text("\n".join([*rows, "{"]))
    code, _, err = run("pool", "import", mine, "-o", pool)
    assert code == cli.BAD_INPUT and not pool.exists()
    assert err.startswith("mine.jsonl: 5 of 6 rows cannot be used\n")
    assert "not JSON: lines 2, 6" in err and "line 3" in err and "line 5" in err
    assert len(err.splitlines()) <= 3


def test_parquet_without_pyarrow_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = run("pool", "import", tmp_path / "mine.parquet")
    assert code == cli.BAD_INPUT
    assert err == 'reading parquet needs pyarrow: pip install "lessonplan[parquet]"\n'


@pytest.mark.parametrize(
    "verb", [["pool", "show"], ["pool", "import"], ["doctor"], ["fit"], ["report"]]
)
def test_a_file_that_is_not_there_is_bad_input(run, tmp_path, verb):
    code, _, err = run(*verb, tmp_path / "nothing.jsonl")
    assert code == cli.BAD_INPUT
    assert "nothing.jsonl" in err and len(err.splitlines()) <= 3


# Samplers


def test_samplers_are_listed_with_what_they_do_and_their_papers(run):
    listed = {one["name"]: one for one in json.loads(run("samplers", "--json")[1])["samplers"]}
    assert {"Uniform", "EasyOnly", "FixedMixture", "AdaptiveDifficulty", "LIM"} <= set(listed)
    assert listed["LIM"]["papers"] == ["2502.11886"] and listed["EasyOnly"]["arms"] == ["easy"]
    text = run("samplers")[1]
    assert all(name in text for name in listed)


@pytest.mark.parametrize("name", ["AdaptiveDifficulty", "adaptive"])
def test_a_sampler_is_explained_with_its_arguments(run, name):
    code, out, _ = run("samplers", name)
    assert code == 0
    assert out.startswith("AdaptiveDifficulty\n") and "  target = 0.5\n" in out


def test_an_unknown_sampler_is_named_with_the_nearest(run):
    assert run("samplers", "LIMM") == (
        cli.BAD_INPUT,
        "",
        'no sampler "LIMM"; nearest: LIM. All names: lessonplan samplers\n',
    )


# Studies


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            ("sizes =", "size = [8]\nsizes ="),
            'study.toml:5: unknown key "size" in [grid]; nearest: "sizes"',
        ),
        (("[train]", "[trian]"), 'study.toml:6: unknown key "trian"; nearest: "train"'),
        (('"uniform"', '"unifrom"'), 'no arm "unifrom"; nearest: uniform'),
        (("[train]", '[arms.easy]\nsampler = "EasyOny"\n[train]'), 'no sampler "EasyOny"; nearest: EasyOnly'),
        (("[grid]", '[grid]\nfamilies = ["grahp"]'), 'no family "grahp"; nearest: graph'),
        (("sizes = [8,", "sizes = [4,"), "size 4 is below the 8 problems of a step"),
        (("steps = 2", "group_size = 1"), "train.group_size must be at least 2"),
        (("steps = 2", 'steps = "two"'), "Expected `int`"),
        (("steps = 2", "steps = "), "line 7"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_named(run, config_file, tmp_path, changed, message):
    config_file.write_text(TINY_STUDY.replace(*changed))
    code, out, err = run("study", config_file, "-o", tmp_path / "runs")
    assert (code, out) == (cli.BAD_INPUT, "")
    assert message in err and str(config_file) in err and len(err.splitlines()) <= 3
    assert not (tmp_path / "runs").exists()


def test_a_study_needs_a_file_or_a_preset(run):
    code, _, err = run("study", "quikc")
    assert code == cli.BAD_INPUT
    assert err == "quikc is neither a file nor a preset; presets: quick, full\n"


def test_a_study_tells_how_it_goes_and_what_it_found(
    run, config_file, tmp_path, no_training, no_report
):
    folder = tmp_path / "runs"
    code, out, err = run("study", config_file, "-o", folder)
    assert code == 0
    assert err.splitlines()[0] == "21 runs"
    assert err.splitlines()[-1].startswith("[21/21] counting-uniform-n512-start2-seed0 done")
    assert f"{folder}: 21 done now, 0 earlier, 0 failed" in out
    assert "counting: uniform reaches" in out and f"report: {folder / 'report.html'}" in out

    code, out, err = run("study", config_file, "-o", folder, "--json")
    assert (code, err) == (0, "") and len(json.loads(out)["earlier"]) == 21


def test_a_failed_run_leaves_the_others_and_the_status_says_why(
    run, config_file, tmp_path, no_training, no_report
):
    folder = tmp_path / "runs"
    no_training.add("counting-easy-n8-start0-seed0")
    code, out, err = run("study", config_file, "-o", folder)
    assert code == cli.SOME_FAILED
    assert "counting-easy-n8-start0-seed0 failed: RuntimeError: sabotaged" in err
    assert "20 done now, 0 earlier, 1 failed" in out
    code, out, _ = run("study", config_file, "-o", folder, "--status", "--json")
    assert json.loads(out)["counts"] == {"done": 20, "not begun": 1}
    no_training.clear()
    assert "1 done now, 20 earlier, 0 failed" in run("study", config_file, "-o", folder)[1]


def test_a_cluster_needs_its_backend_and_counts_its_own_workers(run, config_file):
    code, _, err = run("study", config_file, "--address", "auto")
    assert code == 2 and "--address is for --backend ray" in err
    ray = ("study", config_file, "--backend", "ray")
    code, _, err = run(*ray, "--address", "auto", "--workers", "3")
    assert code == 2 and "a cluster does as many runs as it holds" in err
    code, _, err = run(*ray, "--resources", "CPU")
    assert code == 2 and "resources are NAME=AMOUNT, CPU=2 for example, got 'CPU'" in err


def test_the_status_of_a_study_that_was_not_begun(run, config_file, tmp_path):
    code, out, _ = run("study", config_file, "-o", tmp_path / "runs", "--status")
    assert code == 0 and "21 not begun" in out
    assert not (tmp_path / "runs").exists()


def test_a_second_study_on_the_folder_is_refused_at_once(run, config_file, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    began = time.monotonic()
    with Lock(folder / ".study.lock", what=str(folder)):
        code, out, err = run("study", config_file, "-o", folder)
    assert (code, out) == (cli.LOCKED, "")
    assert err.startswith(f"{folder} is being written by pid {os.getpid()} on ")
    assert time.monotonic() - began < 1


def test_a_folder_of_other_settings_is_refused(run, config_file, folder):
    config_file.write_text(TINY_STUDY.replace("steps = 2", "steps = 3"))
    code, _, err = run("study", config_file, "-o", folder)
    assert code == cli.BAD_INPUT and "steps = 3" in err and "Choose another folder" in err


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_however_often_ends_a_study_and_its_workers(config_file, tmp_path, number):
    import psutil

    command = [sys.executable, "-m", "lessonplan", "study", str(config_file), "-o", "runs"]
    study = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # noqa: PLW1509  # as nohup
    )
    assert study.stderr.readline() == "21 runs\n"
    study.send_signal(signal.SIGHUP)
    children = []
    while len(children) < 2:  # the workers have been started
        time.sleep(0.05)
        children = psutil.Process(study.pid).children(recursive=True)
    while study.poll() is None:  # to its last breath
        study.send_signal(number)
        time.sleep(0.005)
    err = study.stderr.read()
    assert study.returncode == 128 + number, err
    assert f"Go on with: lessonplan study {config_file} -o runs" in err
    assert "Traceback" not in err
    assert psutil.wait_procs(children, timeout=5)[1] == []


# What a study found


def test_compare_says_who_needs_fewer_problems(run, folder):
    code, out, _ = run("compare", folder, "--target", "0.55")
    assert code == 0
    assert out.startswith("counting: ") and "easy" in out and "uniform" in out
    (found,) = json.loads(run("compare", folder, "--target", "0.55", "--json")[1])["comparisons"]
    assert found["target"] == 0.55 and found["verdict"] in out


def test_compare_prints_tables_to_paste(run, folder):
    lines = run("compare", folder, "--table", "md")[1].splitlines()
    assert len(lines) == 3 and {line.count("|") for line in lines} == {8}
    tex = run("compare", folder, "--table", "tex")[1]
    assert tex.startswith("\\begin{tabular}{lllllll}") and r"\%" in tex


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--target", "60"], "between 0 and 1, got 60"),
        (["--family", "grahp"], "families: counting"),
    ],
)
def test_compare_refuses_what_it_cannot_compare(run, folder, more, message):
    code, _, err = run("compare", folder, *more)
    assert code == cli.BAD_INPUT and message in err


def test_fit_prints_a_curve_a_sampler(run, folder):
    code, out, _ = run("fit", folder)
    assert code == 0 and "counting easy" in out and "counting uniform" in out
    curves = json.loads(run("fit", folder, "--law", "pow3", "--json")[1])["curves"]
    assert [curve["sizes"] for curve in curves] == [[8, 64, 512]] * 2


def test_fit_finds_the_curve_of_a_table(run, tmp_path):
    table = tmp_path / "curve.csv"
    points = [(n, 0.8 - 0.5 / (1 + n / 100)) for n in (0, 10, 30, 100, 300, 1000)]
    table.write_text("n,accuracy\n" + "".join(f"{n},{y:.4f}\n" for n, y in points))
    (curve,) = json.loads(run("fit", table, "--json")[1])["curves"]
    assert curve["curve"] == "curve"
    assert curve["ceiling"][0] == pytest.approx(0.8, abs=0.01)
    assert curve["half"][0] == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize(
    ("text", "message", "exit_code"),
    [
        ("n,acc\n1,.5\n", "no column accuracy; it has: n, acc", cli.BAD_INPUT),
        ("n,accuracy\n1,.5\n2,50\n", "0.5 on line 2 and 50 on line 3", cli.BAD_INPUT),
        ("n,accuracy\n1,.5\n1,.6\n", "needs at least two different n", cli.BAD_INPUT),
        ("n,accuracy\n1,.5\n2,many\n", 'table.csv:3: "accuracy" is not', cli.DAMAGED),
    ],
)
def test_a_wrong_table_is_named_with_its_line(run, tmp_path, text, message, exit_code):
    (tmp_path / "table.csv").write_text(text)
    code, _, err = run("fit", tmp_path / "table.csv")
    assert code == exit_code and message in err


def test_report_writes_where_it_is_told(run, folder, tmp_path):
    code, out, _ = run("report", folder, "-o", tmp_path / "elsewhere")
    page = tmp_path / "elsewhere" / "report.html"
    assert code == 0 and f"report: {page}" in out and "counting: uniform reaches" in out
    assert page.read_text().startswith("<!") and (page.parent / "figures").is_dir()


# The doctor


def test_a_machine_is_ready(run):
    code, out, _ = run("doctor")
    assert code == 0 and out.splitlines()[-1] == "ready"
    assert json.loads(run("doctor", "--json")[1])["engines"]["trl"]["tested"] == "1.16"


def test_a_folder_that_cannot_be_written_is_not_ready(run, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli_verbs.tempfile, "TemporaryDirectory", full)
    code, out, _ = run("doctor")
    assert code == cli.BAD_INPUT
    assert out.splitlines()[-1].startswith("not ready: cannot write here")


def test_damage_is_found_and_repaired(run, folder):
    journal = folder / "journals" / "counting-easy-n8-start0-seed0.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    broken = lines[3].replace(b"trained", b"tranied", 1)
    journal.write_bytes(b"".join([*lines[:3], broken, *lines[4:]]))
    byte = sum(map(len, lines[:3]))
    code, out, _ = run("doctor", folder)
    assert code == cli.DAMAGED
    assert f"line 4, byte {byte}: checksum differs" in out and "21 journals, 1 damaged" in out
    code, out, err = run("study", load_source(folder), "-o", folder)
    assert code == cli.DAMAGED and f"{journal}:4, byte {byte}" in err

    code, out, _ = run("doctor", folder, "--repair")
    assert code == 0 and "1 line moved to counting-easy-n8-start0-seed0.bad" in out
    assert journal.with_suffix(".bad").read_bytes() == broken
    assert "repaired: lost at line 4" in run("doctor", journal)[1]


def load_source(folder):
    return folder / "study.toml"


def test_a_journal_cut_in_the_middle_of_a_line_is_no_damage(run, folder):
    journal = folder / "journals" / "counting-easy-n8-start0-seed0.jsonl"
    journal.write_bytes(journal.read_bytes()[:-10])
    code, out, _ = run("doctor", journal)
    assert code == 0
    assert "dropped" in out and "after event 6 (unfinished write); nothing acknowledged was" in out


def test_output_that_nobody_reads_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m lessonplan samplers --json | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        check=False,
        executable="/bin/bash",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, 141) and done.stderr == b""


def test_the_display_draws_a_bar_and_a_line_for_every_run_under_way():
    runs = expand(StudyConfig("quick"))
    page = io.StringIO()
    display = cli_study.Display(Console(file=page, force_terminal=True, width=120))
    with display:
        display.planned(runs, runs[:6])
        display.progress(runs[6], {"step": 50, "reward": 0.5, "zero_variance": 0.25, "level": 2.04})
        display.progress(runs[7], {"step": 1, "reward": None})
        display.live.refresh()
        display.finished(runs[6], None)
        display.finished(runs[7], "RuntimeError: [sabotaged]")
        assert display._left() == ""  # two runs are no pace
        for run in runs[8:10]:
            display.finished(run, None)
        display.left_out(runs[10:12])
        display.live.refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", page.getvalue())
    assert f"{len(runs)} runs, 6 of them done earlier" in text and f"6/{len(runs)}" in text
    assert re.search(
        r"-n8-start0-seed0 +step 50/200 +reward ▄ 0.50 +no variance 25% +level 2.0", text
    )
    assert f"{runs[7].id} failed: RuntimeError: [sabotaged]" in text
    assert f"2 runs that begin from {runs[10].start_name} are left out" in text
    assert f"12/{len(runs)}" in text and re.search(r"\d+ s left", text)
