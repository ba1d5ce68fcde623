"""Measure a learner on held-out problems: answers, formats, exact traces, truncations per item."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from lessonplan.generators import Generator, Problem
from lessonplan.training.decode import complete

BATCH = 128  # problems decoded together: a bound on memory, not on results


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Counts out of `samples` for each of M problems, in their order."""

    samples: int
    temperature: float
    correct: list[int]  # (M,)
    formatted: list[int]  # (M,) an answer could be read
    trace: list[int]  # (M,) the whole worked solution was reproduced
    truncated: list[int]  # (M,) no end token within the limit
    tokens: int
    seconds: float

    def event(self, *, step: int, split: str) -> dict[str, object]:
        """The fields of the journal's `eval` event."""
        return {
            "step": step,
            "split": split,
            "decode": "sample" if self.temperature else "greedy",
            "temperature": self.temperature,
            "samples": self.samples,
            "correct": self.correct,
            "formatted": self.formatted,
            "trace": self.trace,
            "truncated": self.truncated,
            "tokens": self.tokens,
            "seconds": {"evaluate": round(self.seconds, 3)},
        }


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: Generator,
    problems: Sequence[Problem],
    *,
    max_new_tokens: int,
    samples: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
) -> Evaluation:
    """Answer every problem `samples` times; temperature 0 is greedy.

    The same seed draws the same random numbers whatever was sampled before.
    """
    started = time.perf_counter()
    generator = torch.Generator(device=model.device).manual_seed(seed)
    correct, formatted, trace, truncated = [], [], [], []
    tokens = 0
    for first in range(0, len(problems), BATCH):
        batch = problems[first : first + BATCH]
        ids = tokenizer([str(problem.prompt) for problem in batch])["input_ids"]
        sampled = complete(
            model,
            tokenizer,
            ids,
            copies=samples,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            generator=generator,
        )
        texts = tokenizer.batch_decode(sampled.tokens, skip_special_tokens=True)
        tokens += sum(map(len, sampled.tokens))
        for j, problem in enumerate(batch):
            rows = range(j * samples, (j + 1) * samples)
            verdicts = [task.verify(problem, texts[row]) for row in rows]
            correct.append(sum(verdict.correct for verdict in verdicts))
            formatted.append(sum(verdict.format_ok for verdict in verdicts))
            trace.append(sum(task.trace_ok(problem, texts[row]) for row in rows))
            ends = [sampled.tokens[row][-1] == tokenizer.eos_token_id for row in rows]
            truncated.append(samples - sum(ends))
    return Evaluation(
        samples,
        temperature,
        correct,
        formatted,
        trace,
        truncated,
        tokens,
        time.perf_counter() - started,
    )
