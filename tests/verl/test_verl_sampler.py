"""The plug-in in verl 0.7.1's real trainer: asks, tells, lag, and a resume from before the tell."""

import shutil

import pytest

pytest.importorskip("verl.experimental.dataset.sampler", reason="make verl-test has verl 0.7.1")

from omegaconf import OmegaConf
from verl.utils.dataset.rl_dataset import RLHFDataset

from lessonplan.analysis import read_journal
from lessonplan.errors import EngineError
from lessonplan.selection.state import state_to_json
from lessonplan.training.verl import CurriculumSampler
from tests.verl.common import GROUP, events, picks, solves, told
from tests.verl.old_driver import settings, train

pytestmark = pytest.mark.filterwarnings("ignore")  # of verl and torchdata, about themselves


@pytest.fixture(scope="module")
def whole(files, answers, tmp_path_factory):
    """Eight steps, which is more than an epoch, with a checkpoint at every second."""
    folder = tmp_path_factory.mktemp("whole")
    journal = folder / "run.jsonl"
    config = settings(
        folder, *files, ("trainer.save_freq", 2), sampler="Learnability", journal=str(journal)
    )
    run = train(config, answers)
    run.folder, run.journal = folder, journal
    return run


def test_every_ask_is_told_before_the_next(whole):
    asks, tells = events(whole.journal, "ask"), events(whole.journal, "tell")
    assert [(ask["step"], len(ask["ids"])) for ask in asks] == [(step, 4) for step in range(8)]
    assert [tell["tickets"] for tell in tells] == [[4 * i + j for j in range(4)] for i in range(8)]
    assert all(tell["seq"] == ask["seq"] + 1 for ask, tell in zip(asks, tells, strict=True))
    assert whole.curriculum.ledger["open"] == 0 and whole.curriculum.metrics()["lag"] == 0.0
    assert [step["rollouts"] for step in events(whole.journal, "step")] == [16] * 8


def test_the_analysis_reads_its_journal(whole):
    journal = read_journal(whole.journal)
    assert (journal.status, journal.ledger) == ("done", whole.curriculum.ledger)
    assert journal.steps.rollouts.tolist() == [16] * 8 and (journal.steps.tokens > 0).all()


def test_rewards_reach_the_problem_that_earned_them(whole):
    ids = picks(whole.journal)
    for ticket, (rewards, status) in told(whole.journal).items():
        if ids[ticket].startswith("foreign"):
            assert (rewards, status) == ([None] * GROUP, "failed")
        else:  # verl puts the rows of a batch into another order, to balance their lengths
            expected = [float(solves(ids[ticket], ticket, session)) for session in range(GROUP)]
            assert (sorted(rewards), status) == (sorted(expected), "trained")


def resume(whole, files, answers, folder, step, journal):
    shutil.copytree(
        whole.folder / f"checkpoints/global_step_{step}", folder / f"global_step_{step}"
    )
    config = settings(
        folder,
        *files,
        ("trainer.resume_mode", "resume_path"),
        ("trainer.resume_from_path", str(folder / f"global_step_{step}")),
        sampler="Learnability",
        journal=journal and str(journal),
    )
    return train(config, answers)


@pytest.mark.parametrize("step", [4, 6])  # within an epoch, and at its end
def test_with_a_journal_a_resumed_run_is_the_uninterrupted_one(
    whole, files, answers, tmp_path, step
):
    journal = tmp_path / "run.jsonl"
    shutil.copy(whole.journal, journal)
    resumed = resume(whole, files, answers, tmp_path, step, journal)
    assert len(resumed.generated) == (8 - step) * 4 * GROUP
    assert picks(journal) == picks(whole.journal)
    assert told(journal) == told(whole.journal)
    states = [run.curriculum.sampler.state_dict() for run in (resumed, whole)]
    assert state_to_json(states[0]) == state_to_json(states[1])
    assert resumed.dataset.step == 8


def test_without_a_journal_only_the_last_batch_is_lost(whole, files, answers, tmp_path):
    resumed = resume(whole, files, answers, tmp_path, 4, None)
    ledger = resumed.curriculum.ledger
    assert (ledger["issued"], ledger["discarded"], ledger["open"]) == (32, 4, 0)
    assert resumed.dataset.step == 8


def test_a_kill_between_checkpoint_and_tell_loses_that_batch(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    config = settings(tmp_path, *files, ("trainer.save_freq", 2), journal=str(journal))
    stopped = train(config, answers, stop_at=4)
    assert stopped.curriculum.ledger["open"] == 4
    resumed = train(config, answers)  # verl finds the checkpoint by itself
    ledger = resumed.curriculum.ledger
    assert (ledger["issued"], ledger["discarded"], ledger["open"]) == (32, 4, 0)
    assert [ask["step"] for ask in events(journal, "ask")] == list(range(8))


def test_another_dataset_is_refused():
    with pytest.raises(EngineError, match="does not name CurriculumDataset"):
        CurriculumSampler(RLHFDataset.__new__(RLHFDataset), OmegaConf.create())
