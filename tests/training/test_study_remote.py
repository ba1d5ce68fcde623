"""A run in a folder of its own: the bytes that come home are the files of a local run."""

import pytest

from lessonplan.curricula import Journal, read_events
from lessonplan.errors import FormatError, LockedError
from lessonplan.training.config import Evaluate, Grid, Start, StudyConfig, Train
from lessonplan.training.plan import expand, journal_path, start_folder
from lessonplan.training.run import execute
from lessonplan.training.study import is_done
from lessonplan.training.study_remote import (
    Landing,
    Message,
    read_start,
    remote_run,
    versions,
)

CONFIG = StudyConfig(
    "remote",
    grid=Grid(arms=("uniform",), sizes=(8,), starts=(0,)),
    start={"counting": Start(min_easy_trace=0.0, min_medium_trace=0.0, max_easy_answer=1.0)},
    train=Train(steps=3),
    evaluate=Evaluate(test_per_level=2, validation_per_level=2, every=3),
    sft_steps=0,
)
BASE, RL = expand(CONFIG)


def effective(folder, run):
    hidden = {"seq", "crc", "at", "seconds"}
    return [
        {key: value for key, value in event.items() if key not in hidden}
        for event in read_events(journal_path(folder, run))
    ]


def bring_home(folder, run, *, messages=None, wanted=None):
    """Do a run remotely; with `messages`, its worker is lost after so many of them."""
    landing = Landing(folder, run)
    start = {} if run.kind == "base" else read_start(folder, run)
    last = None
    task = remote_run(run, landing.journal, start, versions() if wanted is None else wanted)
    for count, last in enumerate(task):
        if count == messages:
            break
        landing.take(last)
    landing.close()
    return last


def test_what_comes_home_is_what_a_local_run_writes_also_after_lost_workers(tmp_path):
    home, local = tmp_path / "home", tmp_path / "local"
    for run in (BASE, RL):
        execute(run, local, lambda facts: None)
    last = bring_home(home, BASE)
    assert last.last and last.error is None
    assert effective(home, BASE) == effective(local, BASE) and is_done(BASE, home)
    assert read_start(home, BASE) == read_start(local, BASE)

    assert not bring_home(home, RL, messages=2).last
    steps = [event["step"] for event in effective(home, RL) if event["event"] == "step"]
    assert steps and max(steps) < 3 and not is_done(RL, home)  # its first steps are here
    assert bring_home(home, RL).error is None
    assert effective(home, RL) == effective(local, RL) and is_done(RL, home)
    assert journal_path(home, RL).read_bytes().count(b'"event":"rewind","to":0') == 1
    assert not (home / "trainer").exists()


def test_other_versions_are_refused_by_name(tmp_path):
    wanted = {**versions(), "trl": "1.0.0", "numpy": "0.9"}
    last = bring_home(tmp_path, BASE, wanted=wanted)
    here = versions()
    assert last.error.startswith(
        f"EngineError: this worker has numpy {here['numpy']} instead of 0.9, "
        f"trl {here['trl']} instead of 1.0.0, and runs of one study are compared"
    )
    assert not is_done(BASE, tmp_path)


def test_a_failing_run_says_so_and_what_it_printed_comes_home(tmp_path):
    (tmp_path / "starts" / BASE.start_name).mkdir(parents=True)
    last = bring_home(tmp_path, RL)  # no files of a warm start
    assert last.last and "Error" in last.error
    assert "Traceback" in (tmp_path / "workers.log").read_text()


def line(folder, n):
    """The first n lines of a sound journal."""
    with Journal(folder / "sound.jsonl") as journal:
        for i in range(n):
            journal.append("note", text=str(i))
    return (folder / "sound.jsonl").read_bytes()


def test_a_torn_journal_is_mended_before_it_travels_and_a_damaged_one_stays(tmp_path):
    whole = line(tmp_path, 3)
    path = journal_path(tmp_path, RL)
    path.parent.mkdir()
    path.write_bytes(whole[:-5])
    landing = Landing(tmp_path, RL)
    assert landing.journal == path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])
    path.write_bytes(whole.replace(b'"text":"2"', b'"text":"3"'))
    with pytest.raises(FormatError, match="fails its checksum"):
        Landing(tmp_path, RL)


def test_a_landing_holds_the_journals_lock_from_its_first_message_on(tmp_path):
    landing = Landing(tmp_path, RL)
    Journal(journal_path(tmp_path, RL)).close()  # queued: nobody writes
    landing.take(Message(line(tmp_path, 1)))
    with pytest.raises(LockedError, match="is being written by pid"):
        Journal(journal_path(tmp_path, RL))
    landing.close()
    landing.close()
    assert Journal(journal_path(tmp_path, RL)).next_seq == 1


def test_no_journal_says_done_before_the_warm_start_is_here(tmp_path):
    landing = Landing(tmp_path, BASE)
    start_folder(tmp_path, BASE).parent.mkdir()
    start_folder(tmp_path, BASE).write_text("in the way")
    with Journal(tmp_path / "end.jsonl") as journal:
        journal.append("end", status="done")
    end = (tmp_path / "end.jsonl").read_bytes()
    with pytest.raises(OSError):
        landing.take(Message(end, last=True, start={"model": b"weights"}))
    landing.close()
    assert not is_done(BASE, tmp_path)
