"""Evaluation through a trainer, against the tiny learner's own evaluation."""

import pytest
import torch

from lessonplan.generators import generate
from lessonplan.training.evaluate import evaluate
from lessonplan.training.exam import examine, items_event, prompt_ids
from lessonplan.training.train_config import Exam
from lessonplan.training.train_problems import Judge


@pytest.fixture(scope="module")
def exam_pool():
    return generate("counting", [1, 2], 12, split="test", encoding="tiny")


def run(trainer, pool, **exam):
    judge = Judge(encoding="tiny")
    return examine(trainer, pool, judge, Exam(**exam), step=3, split="test", seed=0)


def test_greedy_answers_are_those_of_the_tiny_learners_evaluation(
    make_trainer, exam_pool, task, tokenizer
):
    trainer = make_trainer(max_completion_length=8, model_seed=2)
    (event,) = run(trainer, exam_pool, samples=0, batch=5)
    own = evaluate(trainer.model, tokenizer, task, exam_pool, max_new_tokens=8)
    theirs = own.event(step=3, split="test")
    for key in ("step", "split", "decode", "samples", "correct", "formatted", "truncated"):
        assert event[key] == theirs[key], key
    assert event["tokens"] == own.tokens and sum(event["truncated"]) > 0


def test_samples_are_counted_for_each_problem_and_repeat_with_the_seed(make_trainer, exam_pool):
    trainer = make_trainer()
    greedy, sampled = run(trainer, exam_pool, samples=3, batch=6)
    assert greedy["samples"] == 1 and sampled["samples"] == 3
    assert sampled["decode"] == "sample" and sampled["temperature"] == 1.0
    assert all(0 <= count <= 3 for count in sampled["truncated"])
    assert len(sampled["correct"]) == 12 and sampled["tokens"] > greedy["tokens"]
    again = run(trainer, exam_pool, samples=3, batch=6)[1]
    assert {**again, "seconds": 0} == {**sampled, "seconds": 0}


def test_training_goes_on_as_if_nothing_had_been_measured(make_trainer, exam_pool):
    trainer = make_trainer()
    trainer.model.train()
    before = torch.get_rng_state()
    run(trainer, exam_pool, samples=2)
    assert trainer.model.training and torch.equal(torch.get_rng_state(), before)


def test_the_items_say_what_was_measured(exam_pool):
    event = items_event(exam_pool, "test")
    assert event["fingerprint"] == exam_pool.fingerprint and len(event["ids"]) == 12
    assert event["levels"].tolist() == exam_pool.levels.tolist()


def test_prompts_become_the_tokens_that_trl_makes_of_them(make_trainer, tokenizer):
    trainer = make_trainer()
    plain = ["count odd : 1 =", "count even : 4 2 ="]
    assert prompt_ids(tokenizer, plain) == trainer._tokenize_prompts(plain)[0]
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    try:
        turns = [[{"role": "user", "content": text}] for text in plain]
        assert prompt_ids(tokenizer, turns) == trainer._tokenize_prompts(turns)[0]
    finally:
        tokenizer.chat_template = None
