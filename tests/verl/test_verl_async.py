"""The plug-in in verl's colocate_async trainer: warm-up in flight, stale groups, resume."""

import logging
import shutil

import pytest

pytest.importorskip("verl.trainer.ppo.v1.replay_buffer", reason="make verl-test has verl 0.9")

from lessonplan.errors import EngineError
from tests.verl.common import GROUP, events, picks, solves, told
from tests.verl.driver import AsyncDriver, settings, train

pytestmark = [
    pytest.mark.usefixtures("queue"),
    pytest.mark.filterwarnings("ignore"),  # of verl and torchdata, about themselves
    pytest.mark.timeout(300),  # ray starts slowly on a busy machine
]
BUFFER = "trainer.v1.sampler.custom_sampler.name"
MODE = (("trainer.v1.trainer_mode", "colocate_async"), (BUFFER, "CurriculumReplayBufferAsync"))


@pytest.fixture(scope="module", autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def test_one_batch_is_in_flight_and_every_trained_group_is_told(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    config = settings(tmp_path, *files, *MODE, sampler="Learnability", journal=str(journal))
    run = train(config, answers, trainer=AsyncDriver)
    ledger = run.curriculum.ledger
    assert (ledger["issued"], ledger["open"]) == (28, 4)  # the warm-up batch is ahead
    assert len(told(journal)) == 24 and len(run.generated) == 28 * GROUP
    ids = picks(journal)
    for ticket, (rewards, status) in told(journal).items():
        if status == "trained":
            assert rewards == [float(solves(ids[ticket], ticket, i)) for i in range(GROUP)]
    assert run.curriculum.metrics()["lag"] >= 1.0


def test_stale_and_crashed_groups_are_told(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    config = settings(
        tmp_path,
        *files,
        *MODE,
        ("trainer.v1.sampler.max_off_policy_threshold", 1),
        sampler="Uniform",
        journal=str(journal),
    )
    run = train(config, answers, trainer=AsyncDriver, crash=lambda ticket, session: ticket == 9)
    ledger = run.curriculum.ledger
    assert ledger["stale"] > 0 and told(journal)[9] == ([], "failed")
    assert ledger["issued"] == sum(ledger[s] for s in ledger if s != "issued")
    assert ledger["open"] == ledger["issued"] - len(told(journal))


def test_a_resumed_run_keeps_the_tickets_that_wait_in_the_queue(files, answers, tmp_path):
    journal = tmp_path / "run.jsonl"
    config = settings(
        tmp_path, *files, *MODE, ("trainer.save_freq", 3), sampler="Uniform", journal=str(journal)
    )
    whole = train(config, answers, trainer=AsyncDriver)
    before = told(journal)
    shutil.rmtree(tmp_path / "checkpoints/global_step_6")
    config.trainer.resume_mode = "resume_path"
    config.trainer.resume_from_path = str(tmp_path / "checkpoints/global_step_3")
    resumed = train(config, answers, trainer=AsyncDriver)
    ledger = resumed.curriculum.ledger
    assert (ledger["discarded"], ledger["issued"]) == (0, 28)
    assert ledger == whole.curriculum.ledger
    assert {ticket for ticket in told(journal) if ticket < 12} == {t for t in before if t < 12}
    assert [step["step"] for step in events(journal, "step")] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("mode", "buffer", "needed"),
    [
        ("sync", "CurriculumReplayBufferAsync", "name=CurriculumReplayBuffer"),
        ("colocate_async", "CurriculumReplayBuffer", "name=CurriculumReplayBufferAsync"),
    ],
)
def test_the_buffer_of_the_other_mode_is_refused(files, answers, tmp_path, mode, buffer, needed):
    config = settings(tmp_path, *files, ("trainer.v1.trainer_mode", mode), (BUFFER, buffer))
    with pytest.raises(EngineError, match=needed):
        train(config, answers, trainer=AsyncDriver)


def test_a_reward_model_on_the_same_devices_is_refused(files, answers, tmp_path):
    change = ("reward.reward_model", {"enable": True, "enable_resource_pool": False})
    with pytest.raises(EngineError, match="enable_resource_pool=True"):
        train(settings(tmp_path, *files, *MODE, change), answers, trainer=AsyncDriver)


def test_a_buffer_without_our_dataset_is_refused(files, answers, tmp_path):
    config = settings(tmp_path, *files, *MODE, ("data.custom_cls", {"path": None, "name": None}))
    with pytest.raises(EngineError, match="does not name CurriculumDataset"):
        train(config, answers, trainer=AsyncDriver)
