"""Teach the tiny learner a task by supervised steps until reinforcement learning can take over."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn import functional as F
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from lessonplan.generators import (
    Generator,
    GuessRates,
    Problem,
    guess_rates,
    level_tiers,
    stream,
)
from lessonplan.training.config import Start
from lessonplan.training.evaluate import evaluate
from lessonplan.training.learner import tiny_model, tiny_tokenizer

LEVEL_WEIGHTS = {1: 6.0, 2: 4.0, 3: 2.0, 4: 1.0, 5: 1.0}  # easy levels first; measured
LEARNING_RATE, WARMUP_STEPS, BATCH_SIZE = 3e-3, 50, 64
GUESS_PROBLEMS = 500  # per level, for the guess rates
MAX_NEW_TOKENS = 28
IGNORED = -100  # label of a position without loss


@dataclass(frozen=True, slots=True)
class Probe:
    """Shares of right answers and of exact traces by tier, after `step` supervised steps."""

    step: int
    answer: dict[str, float]
    trace: dict[str, float]

    def meets(self, accept: Start, easy_guess: float) -> bool:
        margin = accept.min_easy_over_guess
        return (
            (not margin or self.answer["easy"] - easy_guess >= margin)
            and self.trace["easy"] >= accept.min_easy_trace
            and self.trace["medium"] >= accept.min_medium_trace
            and self.answer["easy"] <= accept.max_easy_answer
        )

    def event(self) -> dict[str, object]:
        return {"step": self.step, "answer": self.answer, "trace": self.trace}


@dataclass(slots=True)
class WarmStart:
    """A model that reinforcement learning may begin from, and how it was judged."""

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast
    guess: Mapping[int, GuessRates]  # by level
    probes: list[Probe] = field(default_factory=list)
    accepted: bool = False


def warm_start(
    task: Generator,
    *,
    seed: int,
    validation: Sequence[Problem],
    accept: Start,
    level_weights: Mapping[int, float] = LEVEL_WEIGHTS,
    on_probe: Callable[["Probe"], None] = lambda probe: None,
) -> WarmStart:
    """Train a fresh tiny learner on worked solutions and stop when `accept` is first met.

    Every example is new and comes from the `warmup` split, which shares no problem with any other
    split. `on_probe` hears every probe. The result says whether the start was accepted.
    """
    tokenizer = tiny_tokenizer(task.words)
    guess = {level: guess_rates(task, level, GUESS_PROBLEMS) for level in task.levels}
    easy = level_tiers(task.levels)["easy"]
    easy_guess = sum(max(guess[one].prior, guess[one].heuristic) for one in easy) / len(easy)
    start = WarmStart(tiny_model(tokenizer, seed=seed), tokenizer, guess)
    examples = stream(task, level_weights, split="warmup", seed=seed)
    for step in supervised_steps(start.model, tokenizer, examples, steps=accept.max_steps):
        if step % accept.probe_every == 0:
            start.probes.append(_probe(task, start, validation, step))
            on_probe(start.probes[-1])
            if start.probes[-1].meets(accept, easy_guess):
                start.accepted = True
                break
    return start


def supervised_steps(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    examples: Iterator[Problem],
    *,
    steps: int,
) -> Iterator[int]:
    """Train on fresh batches; yields the number of steps done after each one.

    AdamW at a constant rate after a linear warm-up; the loss counts the solution and its end.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01
    )
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, step / WARMUP_STEPS)
        ids, mask, labels = _batch(tokenizer, [next(examples) for _ in range(BATCH_SIZE)])
        model.train()
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]  # (B, T-1, V)
        loss = F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), ignore_index=IGNORED
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield step


def _batch(
    tokenizer: PreTrainedTokenizerFast, problems: Sequence[Problem]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids, attention mask and labels, each (B, T), padded on the left."""
    prompts = tokenizer([str(problem.prompt) for problem in problems])["input_ids"]
    solutions = tokenizer([problem.solution for problem in problems], add_special_tokens=False)[
        "input_ids"
    ]
    rows = [
        (prompt, [*solution, tokenizer.eos_token_id])
        for prompt, solution in zip(prompts, solutions, strict=True)
    ]
    width = max(len(prompt) + len(solution) for prompt, solution in rows)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), IGNORED)
    for row, (prompt, solution) in enumerate(rows):
        first = width - len(prompt) - len(solution)
        ids[row, first:] = torch.tensor(prompt + solution)
        mask[row, first:] = 1
        labels[row, width - len(solution) :] = torch.tensor(solution)
    return ids, mask, labels


def _probe(task: Generator, start: WarmStart, problems: Sequence[Problem], step: int) -> Probe:
    result = evaluate(start.model, start.tokenizer, task, problems, max_new_tokens=MAX_NEW_TOKENS)
    answer, trace = {}, {}
    for tier, levels in level_tiers([problem.level for problem in problems]).items():
        rows = [i for i, problem in enumerate(problems) if problem.level in levels]
        answer[tier] = sum(result.correct[i] for i in rows) / len(rows)
        trace[tier] = sum(result.trace[i] for i in rows) / len(rows)
    return Probe(step, answer, trace)
