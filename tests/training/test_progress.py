"""Progress of a run, from what its trainer logs."""

from transformers import TrainerControl, TrainerState, TrainingArguments

from lessonplan.training.progress import Progress


def heard(logs, *, first=True):
    found = []
    state = TrainerState(global_step=7, is_world_process_zero=first)
    Progress(found.append).on_log(TrainingArguments(), state, TrainerControl(), logs=logs)
    return found


def test_a_training_step_is_reported_with_what_there_is():
    logs = {"reward": 0.5, "frac_reward_zero_std": 0.25, "curriculum/level": 2.0, "loss": 1.0}
    assert heard(logs) == [{"step": 7, "reward": 0.5, "zero_variance": 0.25, "level": 2.0}]
    assert heard({"reward": 0.5}) == [
        {"step": 7, "reward": 0.5, "zero_variance": None, "level": None}
    ]


def test_other_logs_and_other_processes_say_nothing():
    assert heard({"eval_loss": 1.0}) == heard(None) == heard({"reward": 1.0}, first=False) == []
