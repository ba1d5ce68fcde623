"""Generate again for the groups that gates refused, until a TRL batch is full or enough was tried.

It happens inside TRL's own `_generate`, so that whatever TRL computes of a batch (log
probabilities, advantages, token counts) it computes once, of the groups that are trained on.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from accelerate.utils import gather_object

from lessonplan.errors import EngineError
from lessonplan.generators import Problem

if TYPE_CHECKING:
    from lessonplan.training.trl import Attachment

Row: TypeAlias = dict[str, object]
Answer: TypeAlias = tuple[
    object, ...
]  # what TRL's `_generate` returns: mostly one list entry a row

# Where token ids and completions stand in what `_generate` returns, by how much it returns.
PLACES = {8: (1, 3), 3: (1, 2)}  # GRPO; RLOO


class _Rollout(NamedTuple):
    """One row of a generation, as it travels between ranks."""

    ids: list[int]  # of its completion
    columns: dict[int, object]  # what `_generate` returned for it, by place
    logged: dict[str, object]  # what reward functions logged for it


class _Group(NamedTuple):
    row: Row
    rollouts: list[_Rollout]  # (G,)
    rewards: torch.Tensor  # (G, F)


class Waves:
    """One batch in the making: generate, score, tell, and again for what is missing.

    A wave has as many groups as are missing, or the next number that splits evenly over the ranks.
    After the last one, the latest refused groups fill what is still missing, masked. Nothing is
    left over for a later batch, so every rollout is trained on by the policy that made it.
    """

    def __init__(self, attachment: "Attachment", rows: list[Row]) -> None:
        self.attachment = attachment
        self.rows = rows  # TRL holds this very list as `inputs`
        self.rewards: torch.Tensor | None = None  # (W n, F) of the finished batch
        self.accepted: list[bool] = []  # per group of the finished batch

    def generate(
        self,
        prompts: list[object],
        original: Callable[[list[object]], Answer],
        score: Callable[..., torch.Tensor],
    ) -> Answer:
        """What `_generate` returns, for the groups kept; rows and prompts change in place."""
        one = self.attachment
        kept: list[_Group] = []
        refused: list[_Group] = []
        asked, wanted, waves = one.asked, len(one.asked), 0
        here, texts = self.rows, prompts
        while True:
            waves += 1
            answer = original(texts)
            ids = _column(answer, 0)
            rewards = score(here, texts, _column(answer, 1), ids)  # (W n, F)
            rollouts = gather_object(self._rollouts(answer, len(here)))  # (W n,)
            lengths = [len(rollout.ids) for rollout in rollouts]
            verdicts = one.tell(rewards, lengths, wanted - len(kept))
            for j, (row, accepted) in enumerate(zip(asked, verdicts, strict=True)):
                part = slice(j * one.group, (j + 1) * one.group)
                group = _Group(row, rollouts[part], rewards[part])
                (kept if accepted else refused).append(group)
            missing = wanted - len(kept)
            if not missing or waves > one.refill:
                break
            even = one.ranks // math.gcd(one.ranks, one.group)
            asked = one.ask(math.ceil(missing / even) * even)
            here = one.here(asked)
            texts = [row["prompt"] for row in here]
        metrics = one.trainer._metrics["train"]
        metrics["curriculum/waves"].append(float(waves))
        metrics["curriculum/short"].append(float(missing))
        batch = kept + refused[len(refused) - missing :]
        self.accepted = [True] * len(kept) + [False] * missing
        self.rewards = torch.cat([group.rewards for group in batch])
        return self._handed_over(batch, prompts, answer)

    def _rollouts(self, answer: Answer, share: int) -> list[_Rollout]:
        """The rows of a generation on this rank, with all that TRL returned for each."""
        columns = {
            place: part
            for place, part in enumerate(answer)
            if isinstance(part, list) and len(part) == share
        }
        if any(part for place, part in enumerate(answer) if place not in columns):
            raise EngineError(
                "refill moves rollouts between batches, and cannot move images or the extra fields "
                "of a rollout function; attach without refill"
            )
        ids = _column(answer, 0)
        pending = self.attachment.trainer._pending_extra_logs
        logged = {name: values for name, values in pending.items() if len(values) == share}
        rollouts = [
            _Rollout(
                ids[j],
                {place: part[j] for place, part in columns.items()},
                {name: values[j] for name, values in logged.items()},
            )
            for j in range(share)
        ]
        pending.clear()  # TRL takes them with the batch, where those of the kept rows are put
        return rollouts

    def _handed_over(self, batch: list[_Group], prompts: list[object], answer: Answer) -> Answer:
        """The batch as if it had come from one generation: rows, prompts, logs, answer."""
        one = self.attachment
        self.rows[:] = one.here([group.row for group in batch])
        prompts[:] = [row["prompt"] for row in self.rows]
        rollouts = [rollout for group in batch for rollout in group.rollouts]  # (W n,)
        mine = rollouts[one.rank * len(prompts) : (one.rank + 1) * len(prompts)]  # (n,)
        pending = one.trainer._pending_extra_logs
        for name in sorted({name for rollout in mine for name in rollout.logged}):
            pending[name].extend(rollout.logged.get(name) for rollout in mine)
        return tuple(
            [rollout.columns[place] for rollout in mine] if place in mine[0].columns else part
            for place, part in enumerate(answer)
        )


def _column(answer: Answer, which: int) -> list[Any]:
    """The token ids (0) or the completions (1) in what `_generate` returned."""
    if len(answer) not in PLACES:
        raise EngineError(
            f"_generate returned {len(answer)} things, known are {sorted(PLACES)}: an untested TRL; "
            "attach without refill"
        )
    column = answer[PLACES[len(answer)][which]]
    assert isinstance(column, list)
    return column


def row_of(problem: Problem) -> Row:
    """One dataset row: what a verifier needs, the user's own columns as they were, the prompt."""
    return {
        "answer": problem.answer,
        "problem_id": problem.id,
        "level": problem.level,
        **problem.data,
        "prompt": problem.prompt,
    }
