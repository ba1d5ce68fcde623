"""Let a Curriculum choose the prompts of TRL's AsyncGRPOTrainer, in the process that generates.

That trainer generates without pause in a child process and drops samples that got too old. The
child draws a prompt, generates its group and scores it, so the curriculum lives there.
"""

from collections.abc import Callable, Iterator
from typing import Any

from trl.experimental.async_grpo.async_rollout_worker import AsyncRolloutWorker, _AsyncRolloutLoop

from lessonplan.curricula import Curriculum, Outcome, Pick
from lessonplan.errors import EngineError
from lessonplan.training.trl_waves import Row, row_of


class CurriculumLoop(_AsyncRolloutLoop):  # type: ignore[misc]  # TRL is not typed for us
    """The child's loop, with a curriculum in place of a dataset.

    Groups are asked for one by one, as slots get free, and told when they are scored, with the
    version of the model that began them as their policy step. A refused group is not handed to the
    trainer at all, and generation goes on, so that batches are refilled by themselves. Whether the
    trainer drops a group later, because it got too old, is not heard here: it counts as trained.
    """

    def __init__(
        self, *, dataset: Callable[[], Curriculum], dataset_start_index: int = 0, **settings: Any
    ) -> None:
        # TRL's index into a dataset says nothing here: the journal knows what was asked
        super().__init__(dataset=(), **settings)
        self.curriculum = dataset()
        if self.curriculum.sampler.shapes_groups:
            raise EngineError(
                f"{type(self.curriculum.sampler).__name__} sets group sizes or purposes, and TRL "
                f"generates {self.num_generations} rollouts for every problem; use another sampler"
            )
        journal = self.curriculum.journal
        if journal is not None and not journal.is_new:
            self.curriculum.replay()
            self.curriculum.abandon()  # what was under way is gone with the process before
        self.picks: dict[int, Pick] = {}  # under way, by TRL's number of the group

    def run(self) -> None:
        """Generate until TRL says stop; then the journal gets its closing event."""
        try:
            super().run()
        except BaseException as error:
            self.curriculum.finish("failed", error=str(error))
            raise
        else:
            self.curriculum.abandon()
            self.curriculum.finish()
        finally:
            self.curriculum.close()

    def _repeat_iterator(self) -> Iterator[tuple[int, Row]]:
        group = 0
        while True:
            (pick,) = self.curriculum.ask(1, step=self.model_version)
            self.picks[group] = pick
            row = row_of(pick.problem)
            if isinstance(row["prompt"], str):  # TRL renders conversations alone here
                row["prompt"] = [{"role": "user", "content": row["prompt"]}]
            for _ in range(self.num_generations):
                yield group, row
            group += 1

    async def _score_group(self, group: Any) -> list[Any]:
        samples: list[Any] = await super()._score_group(group)
        rewards, at = [], 0
        for sequences in group.completions_sequences:  # a conversation may be trained in pieces
            rewards.append(samples[at].metrics["reward"])
            at += len(sequences)
        outcome = Outcome(
            self.picks.pop(group.group_id).ticket,
            rewards,
            policy_step=group.model_version,
            tokens=sum(map(len, group.completions_ids)),
        )
        (status,) = self.curriculum.tell([outcome])
        self._push_metrics(
            {f"curriculum/{name}": value for name, value in self.curriculum.metrics().items()}
        )
        return samples if status == "trained" else []


class CurriculumWorker(AsyncRolloutWorker):  # type: ignore[misc]  # TRL is not typed for us
    """What AsyncGRPOTrainer takes as `rollout_worker`; `curriculum` builds it in the child.

    The child is spawned, so `curriculum` must be a function of a module, or a partial of one. Give
    the curriculum a journal: it is the state that a resumed run goes on from. The other arguments
    are those of TRL's AsyncRolloutWorker, without `dataset`.
    """

    _loop_cls = CurriculumLoop

    def __init__(self, curriculum: Callable[[], Curriculum], **settings: Any) -> None:
        super().__init__(dataset=curriculum, **settings)
