"""Warm start, evaluation and rollouts of the tiny learner, and the TRL traps around them."""

from dataclasses import replace

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from lessonplan.curricula import Curriculum
from lessonplan.generators import generate, stream
from lessonplan.selection import Uniform
from lessonplan.training.config import PRESETS, Start
from lessonplan.training.evaluate import evaluate
from lessonplan.training.learner import load_learner, save_learner, tiny_model
from lessonplan.training.plan import expand
from lessonplan.training.rollout import fast_rollouts, verifier_reward
from lessonplan.training.run import grpo_config
from lessonplan.training.trl import attach
from lessonplan.training.warm_start import Probe, supervised_steps, warm_start


@pytest.fixture(scope="module")
def validation(task):
    return generate([task], task.levels, 25, split="validation")


def test_a_start_is_accepted_when_the_rule_is_met(task, validation):
    heard = []
    easy_rule = Start(min_easy_trace=0, min_medium_trace=0, max_easy_answer=1, max_steps=50)
    start = warm_start(task, seed=0, validation=validation, accept=easy_rule, on_probe=heard.append)
    assert start.accepted and [probe.step for probe in heard] == [25] == [
        probe.step for probe in start.probes
    ]


def test_a_start_that_never_meets_it_is_refused_with_its_numbers(task, validation):
    start = warm_start(task, seed=0, validation=validation, accept=Start(max_steps=50))
    assert not start.accepted and [probe.step for probe in start.probes] == [25, 50]
    assert set(start.probes[-1].trace) == {"easy", "medium", "hard"}


def test_answers_no_better_than_a_cheap_guess_are_no_start(task, validation):
    easy_rule = Start(min_easy_trace=0, min_medium_trace=0, max_easy_answer=1, max_steps=50)
    above = replace(easy_rule, min_easy_over_guess=0.3, probe_every=50)
    start = warm_start(task, seed=0, validation=validation, accept=above)
    guess = sum(max(one.prior, one.heuristic) for one in (start.guess[1], start.guess[2])) / 2
    (probe,) = start.probes
    assert probe.step == 50 and probe.answer["easy"] < guess + 0.3 and not start.accepted
    assert Probe(1, {"easy": guess + 0.3}, probe.trace).meets(above, guess)
    assert "answers <= 1.00 easy and 0.30 above the best cheap guess" in above.rule


def test_the_same_seed_gives_the_same_start(task, validation):
    rule = Start(max_steps=25)
    first, second = (
        warm_start(task, seed=3, validation=validation, accept=rule).model for _ in range(2)
    )
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_supervised_steps_lower_the_loss_of_held_out_solutions(task, tokenizer, pool):
    def loss(model):
        """Mean over the tokens of the solutions, one problem at a time."""
        model.eval()
        losses = []
        for problem in pool:
            prompt = tokenizer(problem.prompt)["input_ids"]
            whole = torch.tensor([tokenizer(f"{problem.prompt} {problem.solution}")["input_ids"]])
            labels = whole.clone()
            labels[:, : len(prompt)] = -100
            with torch.no_grad():
                losses.append(model(whole, labels=labels).loss.item())
        return sum(losses) / len(losses)

    model = tiny_model(tokenizer, seed=0)
    before = loss(model)
    examples = stream(task, {1: 1.0, 2: 1.0}, split="warmup")
    assert list(supervised_steps(model, tokenizer, examples, steps=30)) == list(range(1, 31))
    assert loss(model) < 0.8 * before


def test_evaluation_counts_per_problem(task, tokenizer, validation):
    model = tiny_model(tokenizer, seed=0)
    result = evaluate(
        model, tokenizer, task, validation, max_new_tokens=6, samples=4, temperature=1.0, seed=1
    )
    again = evaluate(
        model, tokenizer, task, validation, max_new_tokens=6, samples=4, temperature=1.0, seed=1
    )
    assert result.correct == again.correct and result.tokens == again.tokens
    for counts in (result.correct, result.formatted, result.trace, result.truncated):
        assert len(counts) == 25 and all(0 <= count <= 4 for count in counts)
    assert all(a >= b for a, b in zip(result.formatted, result.correct, strict=True))
    assert all(a >= b for a, b in zip(result.correct, result.trace, strict=True))
    event = result.event(step=3, split="test")
    assert event["decode"] == "sample" and event["samples"] == 4 and event["step"] == 3


def test_a_learner_that_knows_the_answers_scores_full_marks(task, tokenizer):
    """Trained to the end on a handful of problems, the learner reproduces every trace."""
    pool = generate([task], [1], 8, split="validation")
    model = tiny_model(tokenizer, seed=0)
    examples = iter([pool[i % 8] for i in range(64 * 120)])
    for _ in supervised_steps(model, tokenizer, examples, steps=120):
        pass
    result = evaluate(model, tokenizer, task, pool, max_new_tokens=20)
    assert result.correct == result.trace == result.formatted == [1] * 8
    assert result.truncated == [0] * 8


def learner_trainer(make_trainer, task, pool, **settings):
    rows = [{"prompt": problem.prompt, "problem_id": problem.id} for problem in pool]
    by_id = {problem.id: problem for problem in pool}
    trainer = make_trainer(
        verifier_reward(task, by_id.__getitem__),
        dataset=Dataset.from_list(rows),
        max_completion_length=12,
        **settings,
    )
    trainer.rollout_func = fast_rollouts(7)
    return trainer


def test_rollouts_feed_grpo_and_depend_on_seed_and_step_alone(make_trainer, task, pool):
    parameters = []
    for disturbance in (0, 1):
        torch.manual_seed(disturbance)
        trainer = learner_trainer(make_trainer, task, pool, max_steps=3, seed=11)
        torch.manual_seed(disturbance)  # whatever else draws from the global numbers
        trainer.train()
        parameters.append([p.clone() for p in trainer.model.parameters()])
        assert trainer.state.global_step == 3
        assert trainer.state.log_history[0]["completions/mean_length"] > 1
    assert all(torch.equal(a, b) for a, b in zip(*parameters, strict=True))


def test_rollouts_take_length_and_temperature_from_the_trainer(make_trainer, task, pool):
    trainer = learner_trainer(make_trainer, task, pool)
    trainer.model.train()
    trainer.args.max_completion_length = 5
    output = trainer.rollout_func([pool[0].prompt] * 4, trainer)
    assert len(output["completion_ids"]) == 4
    assert max(map(len, output["completion_ids"])) <= 5
    trainer.args.temperature = 1e-4  # nearly greedy: all copies are the same
    output = trainer.rollout_func([pool[0].prompt] * 4, trainer)
    assert len({tuple(ids) for ids in output["completion_ids"]}) == 1


def test_rollouts_refuse_prompts_that_are_no_groups(make_trainer, task, pool):
    trainer = learner_trainer(make_trainer, task, pool)
    trainer.model.train()
    mixed = [pool[0].prompt, pool[1].prompt, pool[0].prompt, pool[1].prompt]
    with pytest.raises(ValueError, match="prompts must come in groups of 4 equal ones"):
        trainer.rollout_func(mixed, trainer)


def test_the_reward_is_the_verifiers(task, pool):
    reward = verifier_reward(task, lambda problem_id: pool[pool.position(problem_id)])
    ids = [pool.ids[0]] * 3
    problem = pool[0]
    completions = [problem.solution, f"A {problem.answer}", "A 99"]
    assert reward(completions=completions, problem_id=ids, level=[1] * 3) == [1.0, 1.0, 0.0]


def test_the_settings_that_trl_gets_wrong_for_a_small_model_are_set(tmp_path):
    (run,) = [one for one in expand(PRESETS["quick"]) if one.id == "counting-easy-n8-start0-seed0"]
    config = grpo_config(run, tmp_path)
    assert not config.bf16 and not config.activation_checkpointing and config.use_cpu
    assert config.learning_rate == 1e-4 and config.beta == 0.0
    assert config.per_device_train_batch_size == 64 and config.num_generations == 8
    assert config.max_steps == 200 and config.save_strategy == "no"
    assert config.report_to == []  # nothing is sent anywhere


def test_a_reference_model_needs_a_start_that_lies_in_a_folder(tmp_path, task, tokenizer, pool):
    """beta > 0 makes TRL load the model again by name: a start from a folder has one."""
    save_learner(tmp_path, tiny_model(tokenizer, seed=0), tokenizer)
    model, words = load_learner(tmp_path)
    by_id = {problem.id: problem for problem in pool}
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=verifier_reward(task, by_id.__getitem__),
        args=GRPOConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=1,
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=4,
            beta=0.04,
            bf16=False,
            activation_checkpointing=False,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_steps=1,
        ),
        train_dataset=Dataset.from_list(
            [{"prompt": problem.prompt, "problem_id": problem.id} for problem in pool]
        ),
        processing_class=words,
    )
    attach(trainer, Curriculum(pool, Uniform(pool)))
    trainer.train()
    assert "kl" in trainer.state.log_history[0]


def test_a_completion_that_ended_counts_as_ended(make_trainer, task, pool):
    """Without the end token in the ids TRL takes every row for truncated."""
    trainer = learner_trainer(make_trainer, task, pool, max_steps=1)
    trainer.model.lm_head.weight.data.zero_()
    trainer.train()
    clipped = trainer.state.log_history[0]["completions/clipped_ratio"]
    assert 0 < clipped < 1  # about (1 - 1/23) ** 12 of uniform rows see no end in 12 tokens
