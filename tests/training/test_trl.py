"""The TRL adapter against the real trainers."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from datasets import Dataset, IterableDataset
from trl import GRPOTrainer, RLOOTrainer

from lessonplan.curricula import Band, Curriculum, EasyOnly, ZeroVariance, read_events
from lessonplan.errors import EngineError
from lessonplan.generators import Pool, Problem, generate
from lessonplan.selection import Uniform
from lessonplan.selection.base import Order
from lessonplan.selection.knapsack import Knapsack
from lessonplan.training.trl import STATE_FILE, attach, last_checkpoint


class Recorder(Curriculum):
    """A Curriculum that remembers its lag at every ask, and what was asked and told."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lags, self.asked, self.told = [], [], []

    def ask(self, k, *, step=0):
        self.lags.append(self.lag)
        picks = super().ask(k, step=step)
        self.asked += [pick.problem.id for pick in picks]
        return picks

    def tell(self, outcomes):
        outcomes = list(outcomes)
        self.told += outcomes
        return super().tell(outcomes)


def recorder(pool, **kwargs):
    return Recorder(pool, Uniform(pool, seed=3), **kwargs)


def endless():
    while True:
        yield {"prompt": "count odd : 1 ="}


# The lag table: a lazy data sampler is up to five batches late in these. GRPO unless it says RLOO.
SHAPES = [
    {"gradient_accumulation_steps": 1, "steps_per_generation": 1},
    {"gradient_accumulation_steps": 4, "steps_per_generation": 4},
    {"gradient_accumulation_steps": 4, "steps_per_generation": 2},
    {"gradient_accumulation_steps": 4, "steps_per_generation": 1},
    {"gradient_accumulation_steps": 1, "steps_per_generation": 4},
    {"gradient_accumulation_steps": 4, "steps_per_generation": 4, "num_iterations": 2},
    {"gradient_accumulation_steps": 1, "steps_per_generation": 1, "num_iterations": 2},
    {"gradient_accumulation_steps": 2, "steps_per_generation": 8, "num_iterations": 2},
    {"gradient_accumulation_steps": 1, "steps_per_generation": 1, "dataloader_num_workers": 2},
    {"gradient_accumulation_steps": 4, "steps_per_generation": 2, "dataloader_num_workers": 2},
    {"gradient_accumulation_steps": 1, "steps_per_generation": 1, "endless": True},
    {"gradient_accumulation_steps": 4, "steps_per_generation": 2, "endless": True},
    {
        "gradient_accumulation_steps": 1,
        "steps_per_generation": 1,
        "endless": True,
        "dataloader_num_workers": 1,
    },
    {"trainer_class": RLOOTrainer, "gradient_accumulation_steps": 1, "steps_per_generation": 1},
    {"trainer_class": RLOOTrainer, "gradient_accumulation_steps": 2, "steps_per_generation": 1},
    {
        "trainer_class": RLOOTrainer,
        "gradient_accumulation_steps": 2,
        "steps_per_generation": 4,
        "num_iterations": 2,
        "dataloader_num_workers": 2,
    },
]


def name_of(shape):
    class_name = shape.get("trainer_class", GRPOTrainer).__name__
    numbers = "-".join(f"{key}={value}" for key, value in shape.items() if key != "trainer_class")
    return f"{class_name}-{numbers}"


@pytest.mark.parametrize("shape", SHAPES, ids=name_of)
def test_no_ask_waits_for_an_earlier_tell(make_trainer, pool, shape):
    curriculum = recorder(pool)
    settings = {key: value for key, value in shape.items() if key != "endless"}
    dataset = IterableDataset.from_generator(endless) if "endless" in shape else None
    trainer = make_trainer(dataset=dataset, **settings)
    attach(trainer, curriculum)
    trainer.train()
    window = shape["steps_per_generation"] * shape.get("num_iterations", 1)
    generations = math.ceil(6 * shape["gradient_accumulation_steps"] / window)
    assert curriculum.lags == [0] * generations
    assert (
        len(curriculum.told) == len(curriculum.asked) == generations * shape["steps_per_generation"]
    )
    assert curriculum.ledger["open"] == 0


def test_every_reward_reaches_the_problem_it_was_earned_on(make_trainer, pool):
    """Reward := a number of the problem; a group then has one reward, that of its ticket."""
    number = {problem_id: float(i) for i, problem_id in enumerate(pool.ids)}

    def reward(completions, problem_id, **columns):
        return [number[one] for one in problem_id]

    curriculum = recorder(pool)
    trainer = make_trainer(reward, per_device_train_batch_size=8, gradient_accumulation_steps=2)
    attach(trainer, curriculum)
    trainer.train()
    assert len(curriculum.told) == len(curriculum.asked) == 24
    for problem_id, outcome in zip(curriculum.asked, curriculum.told, strict=True):
        assert list(outcome.rewards) == [number[problem_id]] * 4


def test_prompts_come_from_the_pool_under_the_users_own_columns(make_trainer, tokenizer):
    rows = [{"question": f"count odd : {d} =", "gold": d % 2, "hint": "odd"} for d in range(8)]
    pool = Pool.from_rows(rows, prompt="question", answer="gold")
    seen = []

    def reward(prompts, completions, gold, hint, answer, **columns):
        seen.extend(zip(prompts, gold, hint, answer, strict=True))
        return [1.0] * len(completions)

    trainer = make_trainer(reward)
    attach(trainer, Curriculum(pool, Uniform(pool)))
    trainer.train()
    wanted = {(row["question"], row["gold"], row["hint"], str(row["gold"])) for row in rows}
    assert len(seen) == 24 and set(seen) <= wanted and len(set(seen)) == 6


def test_conversations_are_handed_on_as_they_are(make_trainer, tokenizer):
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    problems = [
        Problem(f"p{d}", [{"role": "user", "content": f"count odd : {d} ="}], str(d % 2))
        for d in range(8)
    ]
    seen = []

    def reward(prompts, completions, **columns):
        seen.extend(prompt[0]["content"] for prompt in prompts)
        assert all(completion[0]["role"] == "assistant" for completion in completions)
        return [0.0] * len(completions)

    pool = Pool(problems)
    try:
        rows = [{"prompt": [{"role": "user", "content": "count odd : 1 ="}]}] * 8
        trainer = make_trainer(reward, dataset=Dataset.from_list(rows))
        attach(trainer, Curriculum(pool, Uniform(pool)))
        trainer.train()
    finally:
        tokenizer.chat_template = None
    assert set(seen) <= {problem.prompt[0]["content"] for problem in problems}


def test_an_unscorable_rollout_is_told_as_nan_and_never_as_zero(make_trainer, pool):
    first_id = pool.ids[0]

    def sometimes(completions, problem_id, **columns):
        return [None if one == first_id or i == 0 else 1.0 for i, one in enumerate(problem_id)]

    curriculum = recorder(pool)
    trainer = make_trainer(sometimes, max_steps=30)
    attach(trainer, curriculum)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    for problem_id, outcome in zip(curriculum.asked, curriculum.told, strict=True):
        missing = np.isnan(np.array(outcome.rewards, dtype=float))
        assert missing.all() if problem_id == first_id else missing.tolist() == [True] + [False] * 3
    assert curriculum.ledger["failed"] == curriculum.asked.count(first_id) > 0


def test_raw_rewards_are_told_whatever_their_weights(make_trainer, pool, tmp_path):
    def one(completions, **columns):
        return [1.0] * len(completions)

    def maybe(completions, **columns):
        return [None, 0.5, 0.5, 0.5]

    curriculum = recorder(pool, journal=tmp_path / "journal.jsonl")
    trainer = make_trainer([one, maybe], reward_weights=[0.1, 0.1], max_steps=2)
    attach(trainer, curriculum)
    trainer.train()
    assert [list(outcome.rewards) for outcome in curriculum.told] == [[1.0, 1.5, 1.5, 1.5]] * 2
    tells = [e for e in read_events(tmp_path / "journal.jsonl") if e["event"] == "tell"]
    assert tells[0]["extras"] == [
        {"rewards": {"one": [1, 1, 1, 1], "maybe": [None, 0.5, 0.5, 0.5]}}
    ]


def test_evaluation_neither_asks_nor_tells(make_trainer, pool):
    curriculum = recorder(pool)
    rows = Dataset.from_dict({"prompt": ["count even : 4 ="] * 4})
    trainer = make_trainer(
        eval_dataset=rows, eval_strategy="steps", eval_steps=1, per_device_eval_batch_size=4
    )
    attach(trainer, curriculum)
    trainer.train()
    assert len(curriculum.asked) == len(curriculum.told) == 6


def test_a_refused_group_trains_nothing(make_trainer, pool):
    """All groups refused: the parameters stay bit for bit; accepted: they move."""

    def parameters(gates):
        curriculum = Curriculum(pool, Uniform(pool), gates=gates, success=lambda r: (r > 2) * 1.0)
        trainer = make_trainer(max_steps=3)
        before = {name: p.clone() for name, p in trainer.model.named_parameters()}
        attach(trainer, curriculum)
        trainer.train()
        same = all(torch.equal(before[name], p) for name, p in trainer.model.named_parameters())
        return same, curriculum.ledger

    same, ledger = parameters([Band(lo=1.0, hi=1.0, inclusive=False)])
    assert same and ledger["filtered"] == 3 and ledger["trained"] == 0
    same, ledger = parameters([])
    assert not same and ledger["trained"] == 3


def test_zero_variance_groups_are_filtered_and_told(make_trainer, pool):
    def constant(completions, **columns):
        return [1.0] * len(completions)

    curriculum = recorder(pool, gates=[ZeroVariance()])
    trainer = make_trainer(constant)
    attach(trainer, curriculum)
    trainer.train()
    assert curriculum.ledger["filtered"] == 6 and len(curriculum.told) == 6


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"gradient_accumulation_steps": 2, "steps_per_generation": 2},
        {"gradient_accumulation_steps": 2, "steps_per_generation": 1},
        {"ignore_data_skip": True},
        {"dataloader_num_workers": 2},
    ],
    ids=str,
)
def test_a_resumed_run_is_bitwise_the_uninterrupted_one(make_trainer, pool, tmp_path, shape):
    def run(folder, *, stop=None, resume=None):
        curriculum = recorder(pool, journal=tmp_path / folder / "journal.jsonl")
        trainer = make_trainer(
            output_dir=str(tmp_path / folder), save_strategy="steps", save_steps=3, **shape
        )
        attach(trainer, curriculum)
        if stop:
            trainer.state.max_steps = stop
            trainer.args.max_steps = 6
            trainer.add_callback(StopAt(stop))
        trainer.train(resume_from_checkpoint=resume)
        curriculum.close()
        state = {name: p.clone() for name, p in trainer.model.named_parameters()}
        return curriculum.asked, state, curriculum.ledger

    picks, parameters, ledger = run("whole")
    run("cut", stop=4)  # one step past the checkpoint: its events must be rewound
    later, resumed, resumed_ledger = run("cut", resume=str(tmp_path / "cut" / "checkpoint-3"))
    half = len(picks) // 2
    assert later == picks[half:]
    if shape.get("ignore_data_skip"):
        return  # transformers restores its random numbers before the loader uses some of them
    assert all(torch.equal(parameters[name], resumed[name]) for name in parameters)
    assert resumed_ledger == ledger
    cut, whole = (
        [event["ids"] for event in read_events(tmp_path / name / "journal.jsonl") if "ids" in event]
        for name in ("cut", "whole")
    )
    assert cut == whole


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"rows": 6},  # the last step ends an epoch
        {"rows": 24, "gradient_accumulation_steps": 2, "steps_per_generation": 4},
        {"ignore_data_skip": True},
        {"endless": True},
        {"trainer_class": RLOOTrainer, "dataloader_num_workers": 2},
    ],
    ids=str,
)
def test_resumed_from_its_last_checkpoint_a_run_only_ends(make_trainer, pool, tmp_path, shape):
    """The kill came after the last save and before the journal's end."""
    settings = {key: shape[key] for key in shape if key not in ("rows", "endless")}

    def run(*, resume=None):
        dataset = Dataset.from_dict({"prompt": ["count odd : 1 ="] * shape.get("rows", 16)})
        if shape.get("endless"):
            dataset = IterableDataset.from_generator(endless)
        curriculum = recorder(pool, journal=tmp_path / "journal.jsonl")
        trainer = make_trainer(save_strategy="steps", save_steps=2, dataset=dataset, **settings)
        attach(trainer, curriculum)
        trainer.train(resume_from_checkpoint=resume)
        curriculum.close()
        assert trainer.state.global_step == 6
        weights = [p.detach().clone() for p in trainer.model.parameters()]
        return curriculum.asked, weights, (tmp_path / "journal.jsonl").read_bytes()

    def plain(journal):
        return [{**json.loads(line), "crc": 0, "at": 0} for line in journal.splitlines()]

    _, whole, written = run()
    lines = written.splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines[:-1]))
    asked, resumed, again = run(resume=str(tmp_path / "trainer" / "checkpoint-6"))
    assert asked == []
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))
    assert again.startswith(b"".join(lines[:-1])) and plain(again) == plain(written)


def StopAt(step):
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step >= step

    return Stop()


def test_a_missing_state_file_is_rebuilt_from_the_journal(make_trainer, pool, tmp_path):
    def run(resume=None):
        curriculum = recorder(pool, journal=tmp_path / "journal.jsonl")
        trainer = make_trainer(
            output_dir=str(tmp_path / "out"), save_strategy="steps", save_steps=3
        )
        attach(trainer, curriculum)
        trainer.train(resume_from_checkpoint=resume)
        curriculum.close()
        return curriculum.asked

    picks = run()
    checkpoint = tmp_path / "out" / "checkpoint-3"
    (checkpoint / STATE_FILE).unlink()
    with pytest.warns(UserWarning, match="rebuilt from .*journal.jsonl up to step 3"):
        assert run(str(checkpoint))[-3:] == picks[3:]


def test_the_last_checkpoint_is_the_newest_whole_one(make_trainer, pool, tmp_path):
    assert last_checkpoint(tmp_path / "trainer") is None
    trainer = make_trainer(save_strategy="steps", save_steps=2, max_steps=12)
    attach(trainer, recorder(pool))
    trainer.train()
    folder = tmp_path / "trainer"
    assert last_checkpoint(folder) == str(folder / "checkpoint-12")  # 12 after 8, as numbers
    (folder / "checkpoint-12" / STATE_FILE).unlink()
    (folder / "checkpoint-best").mkdir()
    (folder / "checkpoint-best" / STATE_FILE).write_text("")
    assert last_checkpoint(folder) == str(folder / "checkpoint-10")


def test_without_state_and_journal_a_resume_is_an_error(make_trainer, pool, tmp_path):
    trainer = make_trainer(save_strategy="steps", save_steps=3)
    attach(trainer, recorder(pool))
    trainer.train()
    checkpoint = tmp_path / "trainer" / "checkpoint-3"
    (checkpoint / STATE_FILE).unlink()
    trainer = make_trainer()
    attach(trainer, recorder(pool))
    with pytest.raises(EngineError, match="is missing, and without a journal"):
        trainer.train(resume_from_checkpoint=str(checkpoint))


def test_a_checkpoint_inside_a_window_is_warned_about(make_trainer, pool):
    shape = {"num_iterations": 2, "save_strategy": "steps"}
    with pytest.warns(UserWarning, match="saves inside a generation window of 2 micro steps"):
        attach(make_trainer(**shape, save_steps=3), recorder(pool))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        trainer = make_trainer(**shape, save_steps=2)
        attach(trainer, recorder(pool))


def test_too_few_problems_or_rows_are_refused(make_trainer, pool):
    trainer = make_trainer(per_device_train_batch_size=32)
    small = pool.take(range(5))
    with pytest.raises(EngineError, match="the pool has 5 problems, a step needs 8"):
        attach(trainer, recorder(small))
    few = Dataset.from_dict({"prompt": ["count odd : 1 ="] * 4})
    with pytest.raises(EngineError, match="train_dataset has 4 rows, fewer than the 8 problems"):
        attach(make_trainer(per_device_train_batch_size=32, dataset=few), recorder(pool))


def test_orders_that_trl_cannot_serve_are_refused(make_trainer, pool):
    with pytest.raises(EngineError, match="Knapsack sets group sizes or purposes, and TRL gener"):
        attach(make_trainer(), Curriculum(pool, Knapsack(pool)))

    class Probing(Uniform):
        def order(self, n):
            return Order(self.ask(n), purposes=("probe",) * n)

    curriculum = Curriculum(pool, Probing(pool))
    trainer = make_trainer()
    attach(trainer, curriculum)
    with pytest.raises(EngineError, match="ticket 0 asks for None rollouts to 'probe'; TRL"):
        trainer.train()
    assert curriculum.ledger["discarded"] == 1 and curriculum.ledger["open"] == 0


def test_a_renamed_method_is_refused_by_name_and_version(make_trainer, pool):
    trainer = make_trainer()
    trainer._calculate_rewards = None
    with pytest.raises(EngineError, match=r"TRL 1\.16\.\d+ is untested.*_calculate_rewards"):
        attach(trainer, recorder(pool))


def test_a_second_curriculum_is_refused(make_trainer, pool):
    trainer = make_trainer()
    attach(trainer, recorder(pool))
    with pytest.raises(EngineError, match="has a curriculum already"):
        attach(trainer, recorder(pool))


def test_a_reward_list_of_wrong_length_stops_the_run_and_leaves_the_journal_whole(
    make_trainer, pool, tmp_path
):
    curriculum = recorder(pool, journal=tmp_path / "journal.jsonl")
    trainer = make_trainer(lambda completions, **columns: [1.0])
    attach(trainer, curriculum)
    with pytest.raises(ValueError, match="returned 1 rewards, but 4 were expected"):
        trainer.train()
    assert curriculum.ledger["open"] == 1
    assert [event["event"] for event in read_events(tmp_path / "journal.jsonl")] == ["open", "ask"]


def test_metrics_ride_the_trainers_log(make_trainer, pool):
    curriculum = Curriculum(pool, EasyOnly(pool, tiers={"easy": (1,), "hard": (2, 3)}))
    trainer = make_trainer()
    attach(trainer, curriculum)
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "curriculum/lag" in entry]
    assert len(logged) == 6
    assert all(entry["curriculum/lag"] == 0 and entry["curriculum/level"] == 1 for entry in logged)
    assert json.dumps(logged[0])


def test_numbers_of_a_step_reach_the_journal(make_trainer, pool, tmp_path):
    curriculum = recorder(pool, journal=tmp_path / "journal.jsonl")
    trainer = make_trainer(max_steps=3)
    attach(trainer, curriculum)
    trainer.train()
    events = list(read_events(tmp_path / "journal.jsonl"))
    steps = [event for event in events if event["event"] == "step"]
    assert [event["step"] for event in steps] == [1, 2, 3]
    assert all(event["rollouts"] == 4 and event["tokens"] > 0 for event in steps)
    assert all("loss" in event["scalars"] and "reward" in event["scalars"] for event in steps)
    assert events[-1]["event"] == "end" and events[-1]["totals"]["rollouts"] == 12


def test_generation_works_on_pools_that_hold_no_problems(make_trainer, task):
    huge = generate([task], [4, 5], 2000, split="train")
    curriculum = recorder(huge)
    trainer = make_trainer(max_steps=2)
    attach(trainer, curriculum)
    trainer.train()
    assert len(set(curriculum.asked)) == 2
