"""The dataset alone: which one is for training, what a row holds, and what it refuses to run with."""

import pytest

pytest.importorskip("verl", reason="verl has an environment of its own: make verl-test")

from datasets import Dataset
from omegaconf import OmegaConf

from lessonplan.errors import EngineError, PoolError
from lessonplan.training.verl import CurriculumDataset
from lessonplan.training.verl_dataset import TICKET, _pool

V1 = {
    "trainer": {
        "total_training_steps": 6,
        "total_epochs": 10,
        "use_v1": True,
        "v1": {
            "trainer_mode": "sync",
            "sampler": {"custom_sampler": {"path": "pkg://lessonplan.training.verl"}},
        },
    },
    "actor_rollout_ref": {"rollout": {"n": 4}},
    "algorithm": {"filter_groups": {"enable": False}},
}
OLD = {"data": {"sampler": {"class_path": "pkg://lessonplan.training.verl"}}}


def config(files, folder, engine, **data):
    basic = {
        "train_files": str(files[0]),
        "val_files": str(files[1]),
        "dataloader_num_workers": 0,
        "train_batch_size": 4,
        "filter_overlong_prompts": False,
        "cache_dir": str(folder),
    }
    return OmegaConf.merge({"data": basic}, engine, {"data": data})


def dataset(config, files=None):
    return CurriculumDataset(files or config.data.train_files, None, config.data)


@pytest.mark.parametrize("engine", [V1, OLD])
def test_the_curriculum_chooses_whatever_the_indices(files, problems, tmp_path, engine):
    made = dataset(config(files, tmp_path, engine, lessonplan={"sampler": "Uniform"}))
    assert list(made.curriculum.pool.ids) == list(problems.ids)
    assert made.curriculum.pool.levels.tolist() == problems.levels.tolist()
    rows = made.__getitems__([0, 0, 0, 0])
    assert len({row["extra_info"]["problem_id"] for row in rows}) == 4
    assert [row["extra_info"][TICKET] for row in rows] == [0, 1, 2, 3]
    for row, pick in zip(rows, made.curriculum.open_picks(), strict=True):
        assert row["extra_info"]["problem_id"] == pick.problem.id
        assert row["raw_prompt"] == pick.problem.prompt
        assert row["reward_model"]["ground_truth"] == pick.problem.answer
        assert "__rollout_n__" not in row


def test_validation_has_no_curriculum(files, tmp_path):
    made = dataset(one := config(files, tmp_path, V1), one.data.val_files)
    assert made.curriculum is None and made.state_dict() == {}
    assert [row["index"] for row in made.__getitems__([2, 0])] == [2, 0]


def test_the_same_file_twice_is_refused(files, tmp_path):
    with pytest.raises(EngineError, match="are the same"):
        dataset(config(files, tmp_path, V1, val_files=str(files[0])))


@pytest.mark.parametrize(
    ("engine", "change", "message"),
    [
        (V1, {"data": {"dataloader_num_workers": 2}}, "dataloader_num_workers is 2"),
        (OLD, {"data": {"dataloader_num_workers": 8}}, "dataloader_num_workers is 8"),
        (V1, {"data": {"train_batch_size": 100}}, "hold 26 problems, a step needs 100"),
        (V1, {"trainer": {"use_v1": False}}, "use_v1=True"),
        (V1, {"trainer": {"v1": {"sampler": {"custom_sampler": {"path": None}}}}}, "nobody would"),
        (V1, {"trainer": {"total_training_steps": 61}}, "10 x 6 steps; .*at least 11"),
        (V1, {"data": {"lessonplan": {"gates": [{"gate": "Band"}]}}}, "filter_groups.enable=True"),
        (OLD, {"data": {"sampler": {"class_path": None}}}, "class_name=CurriculumSampler"),
        (OLD, {"data": {"lessonplan": {"gates": [{"gate": "Band"}]}}}, "gates cannot refuse"),
        (OLD, {"data": {"lessonplan": {"sampler": "Knapsack"}}}, "sets group sizes"),
    ],
)
def test_settings_that_would_train_unhooked_are_refused(files, tmp_path, engine, change, message):
    with pytest.raises(EngineError, match=message):
        dataset(OmegaConf.merge(config(files, tmp_path, engine), change))


def rows(**columns):
    return [
        {
            "prompt": [{"role": "user", "content": f"{i}?"}],
            "reward_model": {"style": "rule", "ground_truth": str(i)},
            "extra_info": {name: values[i] for name, values in columns.items()},
        }
        for i in range(2)
    ]


def test_foreign_rows_need_no_id_and_may_name_columns():
    pool = _pool(Dataset.from_list(rows(index=[0, 0])), "prompt", None, None)
    assert len(set(pool.ids)) == 2 and pool[1].answer == "1"
    table = Dataset.from_list(rows(name=["a", "b"], grade=[1, 7]))
    pool = _pool(table, "prompt", "extra_info.name", "extra_info.grade")
    assert list(pool.ids) == ["a", "b"] and pool.levels.tolist() == [1, 7]
    with pytest.raises(PoolError, match="repeats the id"):
        _pool(Dataset.from_list(rows(name=["a", "a"])), "prompt", "extra_info.name", None)


def test_rows_of_a_reward_model_need_no_answer():
    table = Dataset.from_list(rows(index=[0, 1])).remove_columns("reward_model")
    assert _pool(table, "prompt", None, None)[0].answer == ""
