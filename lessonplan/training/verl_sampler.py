"""Tell inside the sampler that verl up to 0.7.1 calls after every batch."""

import math
from collections import defaultdict
from collections.abc import Iterator

from omegaconf import DictConfig
from verl import DataProto
from verl.experimental.dataset.sampler import AbstractCurriculumSampler

from lessonplan.curricula import Outcome
from lessonplan.errors import EngineError
from lessonplan.training.verl_dataset import TICKET, CurriculumDataset


class CurriculumSampler(AbstractCurriculumSampler):  # type: ignore[misc]  # verl has no types
    """Count rows for verl's loader, and hear the batch that was trained on.

    Name it in `data.sampler`, and CurriculumDataset in `data.custom_cls`: the dataset chooses the
    problems, whatever positions this one yields. Rewards are the sums of `token_level_scores`,
    raw: before KL penalty and normalization. A rollout is unscorable when that sum is NaN, or
    when the reward function returned `unscorable`.
    """

    def __init__(self, data_source: CurriculumDataset, data_config: DictConfig) -> None:
        if not isinstance(data_source, CurriculumDataset) or data_source.curriculum is None:
            raise EngineError(
                "data.custom_cls does not name CurriculumDataset of pkg://lessonplan.training.verl; "
                "without it there is no curriculum to tell rewards to"
            )
        self.dataset, self.curriculum = data_source, data_source.curriculum

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def update(self, batch: DataProto) -> None:
        """Tell every group of the batch; what was asked for and is not there was given up."""
        scores = batch.batch["token_level_scores"].sum(dim=-1).tolist()  # (rows,)
        tokens = batch.batch["response_mask"].sum(dim=-1).tolist()  # (rows,)
        columns = batch.non_tensor_batch
        unscorable = columns.get("unscorable", [False] * len(scores))  # (rows,)
        rewards: defaultdict[int, list[float]] = defaultdict(list)
        counts: defaultdict[int, int] = defaultdict(int)
        for info, score, lost, count in zip(
            columns["extra_info"], scores, unscorable, tokens, strict=True
        ):
            rewards[info[TICKET]].append(math.nan if lost else score)
            counts[info[TICKET]] += int(count)
        self.curriculum.tell(
            Outcome(ticket, group, tokens=counts[ticket]) for ticket, group in rewards.items()
        )
        self.curriculum.abandon()
        self.dataset.step += 1
        self.curriculum.record(
            "step", step=self.dataset.step, rollouts=len(scores), tokens=sum(counts.values())
        )
        if self.dataset.steps is not None and self.dataset.step >= self.dataset.steps:
            self.curriculum.finish()
