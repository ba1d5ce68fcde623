"""The plug-in in verl's real synchronous trainer: asks, tells, lag, resume, group filter, gates."""

import logging
import shutil

import numpy as np
import pytest

pytest.importorskip("verl.trainer.ppo.v1.replay_buffer", reason="make verl-test has verl 0.9")

from lessonplan.analysis import read_journal
from lessonplan.errors import EngineError
from lessonplan.selection.state import state_to_json
from tests.verl.common import GROUP, events, picks, solves, told
from tests.verl.driver import settings, train

pytestmark = [
    pytest.mark.usefixtures("queue"),
    pytest.mark.filterwarnings("ignore"),  # of verl and torchdata, about themselves
    pytest.mark.timeout(300),  # ray starts slowly on a busy machine
]
CRASHES = {(2, 0), *((1, session) for session in range(GROUP))}
FILTER = (
    ("algorithm.filter_groups", {"enable": True, "metric": "reward"}),
    ("trainer.total_training_steps", 4),
)


@pytest.fixture(scope="module", autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def whole(files, answers, queue, tmp_path_factory):
    """Six steps without interruption, a checkpoint after the third, validation at every step."""
    folder = tmp_path_factory.mktemp("whole")
    config = settings(
        folder,
        *files,
        ("trainer.save_freq", 3),
        ("trainer.val_before_train", True),
        ("trainer.test_freq", 1),
        sampler="Learnability",
        journal=str(folder / "run.jsonl"),
    )
    run = train(config, answers)
    run.folder, run.journal = folder, folder / "run.jsonl"
    return run


def test_every_ask_is_told_at_once_and_validation_asks_nothing(whole):
    asks, tells = events(whole.journal, "ask"), events(whole.journal, "tell")
    assert [(ask["step"], len(ask["ids"])) for ask in asks] == [(step, 4) for step in range(6)]
    assert [ask["ticket"] for ask in asks] == [tell["tickets"][0] for tell in tells]
    assert [ask["seq"] < tell["seq"] for ask, tell in zip(asks, tells, strict=True)] == [True] * 6
    ledger = whole.curriculum.ledger
    assert (ledger["issued"], ledger["open"], ledger["discarded"]) == (24, 0, 0)
    assert whole.curriculum.metrics()["lag"] == 0.0


def test_rewards_reach_the_problem_that_earned_them(whole):
    ids = picks(whole.journal)
    for ticket, (rewards, status) in told(whole.journal).items():
        if ids[ticket].startswith("foreign"):
            assert (rewards, status) == ([None] * GROUP, "failed")
        else:
            expected = [float(solves(ids[ticket], ticket, session)) for session in range(GROUP)]
            assert (rewards, status) == (expected, "trained")
    assert {status for _, status in told(whole.journal).values()} == {"trained", "failed"}


def test_the_journal_has_steps_and_an_end(whole):
    steps = events(whole.journal, "step")
    assert [(step["step"], step["rollouts"]) for step in steps] == [(i, 16) for i in range(1, 7)]
    assert all(step["tokens"] > 0 for step in steps)
    (opened,) = events(whole.journal, "open")
    assert opened["run"]["engine"].startswith("verl 0.9")
    assert (opened["run"]["group_size"], opened["run"]["steps"]) == (GROUP, 6)
    (end,) = events(whole.journal, "end")
    assert (end["status"], end["ledger"]) == ("done", whole.curriculum.ledger)


def test_a_resumed_run_is_the_uninterrupted_one(whole, files, answers, tmp_path):
    shutil.copytree(whole.folder / "checkpoints", tmp_path / "checkpoints")
    shutil.copy(whole.journal, tmp_path / "run.jsonl")
    config = settings(
        tmp_path,
        *files,
        ("trainer.resume_mode", "resume_path"),
        ("trainer.resume_from_path", str(tmp_path / "checkpoints/global_step_3")),
        sampler="Learnability",
        journal=str(tmp_path / "run.jsonl"),
    )
    resumed = train(config, answers)
    assert len(resumed.generated) == 3 * 4 * GROUP
    assert picks(tmp_path / "run.jsonl") == picks(whole.journal)
    assert told(tmp_path / "run.jsonl") == told(whole.journal)
    assert resumed.curriculum.ledger == whole.curriculum.ledger
    states = [run.curriculum.sampler.state_dict() for run in (resumed, whole)]
    assert state_to_json(states[0]) == state_to_json(states[1])
    assert resumed.dataset.step == whole.dataset.step == 6


def test_a_finished_run_can_be_made_longer(whole, files, answers, tmp_path):
    shutil.copytree(whole.folder / "checkpoints", tmp_path / "checkpoints")
    shutil.copy(whole.journal, tmp_path / "run.jsonl")
    config = settings(
        tmp_path,
        *files,
        ("trainer.total_training_steps", 8),
        sampler="Learnability",
        journal=str(tmp_path / "run.jsonl"),
    )
    train(config, answers)
    journal = read_journal(tmp_path / "run.jsonl")
    assert (journal.status, len(journal.steps.step)) == ("done", 8)
    assert journal.ledger["issued"] == 32
    assert [ask["step"] for ask in events(tmp_path / "run.jsonl", "ask")] == list(range(8))


def test_a_journal_is_not_continued_without_its_checkpoint(whole, files, answers, tmp_path):
    shutil.copy(whole.journal, tmp_path / "run.jsonl")
    config = settings(tmp_path, *files, journal=str(tmp_path / "run.jsonl"))
    with pytest.raises(Exception, match="earlier run"):
        train(config, answers)


def test_the_group_filter_leaves_no_group_untold(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    run = train(
        settings(tmp_path, *files, *FILTER, sampler="Uniform", journal=str(journal)), answers
    )
    ledger = run.curriculum.ledger
    assert (ledger["open"], ledger["trained"], ledger["stale"]) == (0, 16, 0)
    assert ledger["filtered"] > 0 and ledger["discarded"] > 0
    asked = {pick for pick, _ in run.generated}
    assert asked == set(told(journal)) == set(range(ledger["issued"]))
    for rewards, status in told(journal).values():
        alike = len(set(rewards)) == 1
        assert alike == (status in ("filtered", "failed"))


def test_gates_refuse_groups_and_verl_replaces_them(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    gates = [{"gate": "Band", "lo": 0.3, "hi": 0.6}]
    config = settings(
        tmp_path, *files, *FILTER, gates=gates, sampler="Uniform", journal=str(journal)
    )
    run = train(config, answers)
    ledger = run.curriculum.ledger
    assert (ledger["open"], ledger["trained"]) == (0, 16)
    means = {
        status: {np.mean(r) for r, one in told(journal).values() if one == status and None not in r}
        for status in ("trained", "filtered")
    }
    assert means["trained"] == {0.5}
    assert {0.25, 0.75} <= means["filtered"] <= {0.0, 0.25, 0.75, 1.0}


def test_crashed_rollouts_are_told_as_failed(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    config = settings(
        tmp_path,
        *files,
        ("trainer.v1.sampler.sync_refill_failed_groups", True),
        ("trainer.total_training_steps", 2),
        sampler="Uniform",
        journal=str(journal),
    )
    run = train(config, answers, crash=lambda ticket, session: (ticket, session) in CRASHES)
    assert run.curriculum.ledger["open"] == 0
    assert run.curriculum.ledger["issued"] == 9  # one group was replaced
    assert told(journal)[1] == ([], "failed")
    rewards, status = told(journal)[2]
    assert (len(rewards), status) == (GROUP - 1, "trained")


def test_the_sampler_sets_group_sizes(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    args = {"mean_size": GROUP, "hi": 8}
    config = settings(
        tmp_path,
        *files,
        ("trainer.total_training_steps", 14),  # every problem is seen twice
        sampler="Knapsack",
        args=args,
        journal=str(journal),
    )
    run = train(config, answers)
    ordered = [size for ask in events(journal, "ask") for size in ask["rollouts"]]
    generated = [sum(ticket == i for ticket, _ in run.generated) for i in range(len(ordered))]
    assert generated == ordered == [len(told(journal)[i][0]) for i in range(len(ordered))]
    assert len(set(ordered)) > 1


def test_a_sampler_that_screens_is_refused(files, answers, tmp_path):
    with pytest.raises(EngineError, match="ordered to 'screen'"):
        train(settings(tmp_path, *files, sampler="SPEED"), answers)
