"""Measure the model of a TRL trainer on held-out problems, on all of its ranks together."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from lessonplan.generators import Pool, Problem, Prompt
from lessonplan.training.train_config import Exam
from lessonplan.training.train_problems import Judge

if TYPE_CHECKING:
    from trl import GRPOTrainer


def examine(
    trainer: "GRPOTrainer",
    pool: Pool,
    judge: Judge,
    exam: Exam,
    *,
    step: int,
    split: str,
    seed: int,
) -> list[dict[str, object]]:
    """The fields of one `eval` event for greedy completions, and one for sampled ones.

    Every rank answers its share and all get the whole result. Random numbers are apart from those
    of training, so that a run with evaluations trains like one without. Uses `generate` of the
    model itself, whatever generates for training.
    """
    decodes = [(0.0, 1)] + [(float(trainer.temperature), exam.samples)] * bool(exam.samples)
    events = []
    for temperature, samples in decodes:
        started = time.perf_counter()
        rows = _answers(trainer, pool, judge, exam.batch, temperature, samples, seed)
        events.append(
            {
                "step": step,
                "split": split,
                "decode": "sample" if temperature else "greedy",
                "temperature": temperature,
                "samples": samples,
                "correct": [row[0] for row in rows],
                "formatted": [row[1] for row in rows],
                "truncated": [row[2] for row in rows],
                "tokens": sum(row[3] for row in rows),
                "seconds": {"evaluate": round(time.perf_counter() - started, 3)},
            }
        )
    return events


def items_event(pool: Pool, split: str) -> dict[str, object]:
    """The fields of the `items` event of an evaluation set."""
    return {
        "split": split,
        "fingerprint": pool.fingerprint,
        "levels": pool.levels,
        "ids": list(pool.ids),
    }


Counts = tuple[int, int, int, int]  # right, readable and cut off completions, tokens


def _answers(
    trainer: "GRPOTrainer",
    pool: Pool,
    judge: Judge,
    batch: int,
    temperature: float,
    samples: int,
    seed: int,
) -> list[Counts]:
    """Counts of every problem of the pool, in its order."""
    from trl.models.utils import unwrap_model_for_generation

    rank, ranks = trainer.accelerator.process_index, trainer.accelerator.num_processes
    mine = [*range(rank, len(pool), ranks)]
    counts: dict[int, Counts] = {}
    problems_at_once = max(1, batch // samples)
    devices = [trainer.accelerator.device] if trainer.accelerator.device.type == "cuda" else []
    training = trainer.model.training
    with (
        torch.random.fork_rng(devices=devices),
        torch.no_grad(),
        unwrap_model_for_generation(
            trainer.model_wrapped,
            trainer.accelerator,
            gradient_checkpointing_kwargs=trainer.args.gradient_checkpointing_kwargs,
        ) as model,
    ):
        torch.manual_seed(seed + rank)
        model.eval()
        for first in range(0, len(mine), problems_at_once):
            places = mine[first : first + problems_at_once]
            done = _complete(trainer, model, [pool[i] for i in places], temperature, samples)
            for j, place in enumerate(places):
                group = done[j * samples : (j + 1) * samples]
                counts[place] = _count(judge, pool[place], group)
        model.train(training)
    if ranks > 1:
        for part in gather_object([counts]):
            counts |= part
    return [counts[place] for place in range(len(pool))]


Done = tuple[str, int, bool]  # text, tokens, cut off


def _complete(
    trainer: "GRPOTrainer",
    model: PreTrainedModel,
    problems: Sequence[Problem],
    temperature: float,
    samples: int,
) -> list[Done]:
    """`samples` completions of each problem, in order."""
    tokenizer = trainer.processing_class
    causal: Any = model  # `generate` comes from a mixin that PreTrainedModel does not declare
    encoded = tokenizer.pad(
        {
            "input_ids": prompt_ids(
                tokenizer,
                [problem.prompt for problem in problems],
                trainer.chat_template_kwargs,
            )
        },
        padding_side="left",
        return_tensors="pt",
    ).to(trainer.accelerator.device)
    sampling: Mapping[str, object] = {"do_sample": False}
    if temperature:
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    output = causal.generate(
        **encoded,
        generation_config=GenerationConfig(
            max_new_tokens=trainer.max_completion_length,
            num_return_sequences=samples,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=trainer.eos_token_ids,
            disable_compile=True,
            **sampling,
        ),
    )
    done = []
    for ids in output[:, encoded["input_ids"].shape[1] :].tolist():
        end = next((i for i, token in enumerate(ids) if token in trainer.eos_token_ids), None)
        kept = ids if end is None else ids[: end + 1]
        text = tokenizer.decode(kept, skip_special_tokens=True)
        done.append((text, len(kept), end is None))
    return done


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    template_kwargs: Mapping[str, object] | None = None,
) -> list[list[int]]:
    """Tokens of prompts as TRL makes them: by the chat template if they are conversations."""
    if isinstance(prompts[0], str):
        plain: list[list[int]] = tokenizer(text=list(map(str, prompts)))["input_ids"]
        return plain
    templated: Any = tokenizer  # its declared result leaves out what return_dict gives
    ids: list[list[int]] = templated.apply_chat_template(
        conversation=[list(prompt) for prompt in prompts],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        **(template_kwargs or {}),
    )["input_ids"]
    return ids


def _count(judge: Judge, problem: Problem, group: Sequence[Done]) -> Counts:
    verdicts = [judge.verdict(problem, text) for text, _, _ in group]
    return (
        sum(verdict.correct for verdict in verdicts),
        sum(verdict.format_ok for verdict in verdicts),
        sum(cut for _, _, cut in group),
        sum(tokens for _, tokens, _ in group),
    )
