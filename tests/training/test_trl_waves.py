"""Refused groups replaced within a generation, in the real trainers."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from trl import GRPOTrainer, RLOOTrainer

from lessonplan.curricula import Curriculum, Gate, ZeroVariance, read_events
from lessonplan.errors import EngineError
from lessonplan.selection import Uniform
from lessonplan.training.trl import Attachment, attach


class Batches(GRPOTrainer):
    """Remembers what TRL computed of each batch."""

    def _generate_and_score_completions(self, inputs):
        self.outputs = getattr(self, "outputs", [])
        self.outputs.append(super()._generate_and_score_completions(inputs))
        return self.outputs[-1]


def mixed_for(chosen):
    """Half of each group is right on the chosen problems, none on the others."""

    def half_right(completions, problem_id, **columns):
        return [float(one in chosen and j % 2) for j, one in enumerate(problem_id)]

    return half_right


@pytest.fixture
def chosen(pool):
    return set(pool.ids[::2])


def curriculum_of(pool, **kwargs):
    return Curriculum(pool, Uniform(pool, seed=3), gates=[ZeroVariance()], **kwargs)


FOUR_GROUPS = {"per_device_train_batch_size": 16, "num_generations": 4}


@pytest.mark.parametrize("trainer_class", [GRPOTrainer, RLOOTrainer])
@pytest.mark.parametrize("shape", [{}, {"gradient_accumulation_steps": 2, "num_iterations": 2}])
def test_every_batch_is_full_of_accepted_groups(make_trainer, pool, chosen, trainer_class, shape):
    curriculum = curriculum_of(pool)
    trainer = make_trainer(
        mixed_for(chosen), trainer_class=trainer_class, max_steps=4, **FOUR_GROUPS, **shape
    )
    attach(trainer, curriculum, refill=20)
    trainer.train()
    windows = 4 if not shape else 2
    ledger = curriculum.ledger
    assert ledger["trained"] == windows * trainer.args.generation_batch_size // 4
    assert ledger["filtered"] > 0 and ledger["open"] == ledger["discarded"] == 0
    logged = [entry for entry in trainer.state.log_history if "curriculum/waves" in entry]
    assert all(entry["curriculum/short"] == 0 for entry in logged)
    assert max(entry["curriculum/waves"] for entry in logged) > 1


def test_rows_rewards_and_advantages_are_those_of_the_groups_kept(make_trainer, pool, chosen):
    """Reward := 10 x number of the problem + 1 in every second row: the advantage shows it."""
    curriculum = curriculum_of(pool)
    trainer = make_trainer(
        mixed_for(chosen), trainer_class=Batches, max_steps=5, log_completions=True, **FOUR_GROUPS
    )
    seen = []
    logs = trainer._logs

    attach(trainer, curriculum, refill=20)
    wrapped = trainer._generate_and_score_completions

    def watched(inputs):
        output = wrapped(inputs)
        seen.append((list(logs["prompt"])[-16:], trainer.outputs[-1]))
        return output

    trainer._generate_and_score_completions = watched
    trainer.log = lambda *args: None  # the table of completions needs no printing
    trainer.train()
    prompts_of_chosen = {pool[pool.position(one)].prompt for one in chosen}
    for prompts, output in seen:
        assert len(prompts) == 16 and set(prompts) <= prompts_of_chosen
        decoded = trainer.processing_class.batch_decode(
            output["prompt_ids"], skip_special_tokens=True
        )
        assert [text.split() for text in decoded] == [text.split() for text in prompts]
        groups = output["advantages"].reshape(4, 4)
        assert torch.equal(groups.sign(), torch.tensor([[-1.0, 1.0, -1.0, 1.0]] * 4))
        assert output["num_items_in_batch"] == output["completion_mask"].sum()


def test_after_the_last_wave_what_is_missing_is_masked(make_trainer, pool):
    """Nothing is ever solved: 3 waves a step, 4 groups each, and the parameters stay."""
    curriculum = curriculum_of(pool)
    trainer = make_trainer(mixed_for(()), trainer_class=Batches, max_steps=2, **FOUR_GROUPS)
    before = [p.clone() for p in trainer.model.parameters()]
    attach(trainer, curriculum, refill=2)
    trainer.train()
    assert curriculum.ledger["filtered"] == 2 * 3 * 4 and curriculum.ledger["trained"] == 0
    assert all(map(torch.equal, before, trainer.model.parameters()))
    logged = [entry for entry in trainer.state.log_history if "curriculum/waves" in entry]
    assert [entry["curriculum/waves"] for entry in logged] == [3, 3]
    assert [entry["curriculum/short"] for entry in logged] == [4, 4]


def test_every_rollout_is_in_the_journal(make_trainer, pool, chosen, tmp_path):
    curriculum = curriculum_of(pool, journal=tmp_path / "journal.jsonl")
    trainer = make_trainer(mixed_for(chosen), max_steps=3, **FOUR_GROUPS)
    attach(trainer, curriculum, refill=20)
    trainer.train()
    events = list(read_events(tmp_path / "journal.jsonl"))
    told = [event for event in events if event["event"] == "tell"]
    groups = sum(len(event["tickets"]) for event in told)
    steps = [event for event in events if event["event"] == "step"]
    assert len(told) > 3 and groups == curriculum.ledger["issued"] > 12
    assert sum(event["rollouts"] for event in steps) == 4 * groups
    assert sum(event["tokens"] for event in steps) == events[-1]["totals"]["tokens"]
    assert events[-1]["totals"]["rollouts"] == 4 * groups


def test_columns_logged_by_reward_functions_follow_their_rows(make_trainer, pool, chosen):
    score = mixed_for(chosen)

    def logging(completions, problem_id, log_extra, **columns):
        log_extra("problem", list(problem_id))
        return score(completions, problem_id)

    trainer = make_trainer(logging, max_steps=3, **FOUR_GROUPS)
    attach(trainer, curriculum_of(pool), refill=20)
    trainer.train()
    logged = list(trainer._logs["extra"]["problem"])
    prompts = [pool[pool.position(one)].prompt for one in logged]
    assert prompts == list(trainer._logs["prompt"]) and set(logged) <= chosen


def test_a_resumed_run_is_bitwise_the_uninterrupted_one(make_trainer, pool, chosen, tmp_path):
    def run(resume=None):
        curriculum = curriculum_of(pool)
        trainer = make_trainer(
            mixed_for(chosen), save_strategy="steps", save_steps=2, max_steps=4, **FOUR_GROUPS
        )
        attach(trainer, curriculum, refill=3)
        trainer.train(resume_from_checkpoint=resume)
        return [p.clone() for p in trainer.model.parameters()], curriculum.ledger

    whole, ledger = run()
    resumed, same_ledger = run(str(tmp_path / "trainer" / "checkpoint-2"))
    assert all(map(torch.equal, whole, resumed)) and ledger == same_ledger


def test_evaluation_is_not_refilled(make_trainer, pool, chosen):
    curriculum = curriculum_of(pool)
    rows = Dataset.from_dict({"prompt": ["count even : 4 ="] * 4, "problem_id": ["none"] * 4})
    trainer = make_trainer(
        mixed_for(chosen),
        max_steps=2,
        eval_dataset=rows,
        eval_strategy="steps",
        eval_steps=1,
        per_device_eval_batch_size=4,
        **FOUR_GROUPS,
    )
    attach(trainer, curriculum, refill=20)
    trainer.train()
    assert curriculum.ledger["trained"] == 8
    assert sum("eval_reward" in entry for entry in trainer.state.log_history) == 2


class Counting(Gate):
    """Accepts all groups and remembers how many it saw at a time."""

    def __init__(self):
        self.sizes = []

    def accepts(self, rewards, success):
        self.sizes.append(len(rewards))
        return np.ones(len(rewards), dtype=bool)


def test_surplus_groups_are_told_as_discarded(make_trainer, pool):
    """What a wave has beyond the missing groups closes its tickets and trains nothing."""
    gate = Counting()
    curriculum = Curriculum(pool, Uniform(pool), gates=[gate])
    one = Attachment(make_trainer(**FOUR_GROUPS), curriculum, 1)
    one.ask(4)
    assert one.tell(torch.ones(16, 1), [1] * 16, 3) == [True, True, True, False]
    assert gate.sizes == [3, 1]  # gates that count see every group
    assert curriculum.ledger["discarded"] == 1 and curriculum.ledger["trained"] == 3


def test_what_refill_cannot_move_is_refused(make_trainer, pool):
    trainer = make_trainer()
    trainer.rollout_func = print
    with pytest.raises(EngineError, match="refill does not go with rollout_func"):
        attach(trainer, curriculum_of(pool), refill=1)
    with pytest.raises(ValueError, match="refill must be 0 or more further generations, got -1"):
        attach(make_trainer(), curriculum_of(pool), refill=-1)

    trainer = make_trainer()
    trainer._generate = lambda prompts: ([1], [2], [3], [4])
    attach(trainer, curriculum_of(pool), refill=1)
    with pytest.raises(EngineError, match="_generate returned 4 things, known are"):
        trainer.train()
