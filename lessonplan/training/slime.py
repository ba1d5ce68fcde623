"""Plug a Curriculum into slime: a data source that asks, and a function over all samples that tells.

All by configuration, in the process of the rollout manager:

    --data-source-path my_run.Source                                a subclass of CurriculumSource
    --rollout-all-samples-process-path lessonplan.training.slime.tell
    --rollout-sample-filter-path lessonplan.training.slime.mark     with a dynamic filter
    --custom-rm-path lessonplan.training.slime.reward               for generated problems
"""

import math
from abc import ABC, abstractmethod
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeAlias

from lessonplan.curricula import Curriculum, Outcome, Pick, load_state, save_state
from lessonplan.errors import EngineError, RewardError, StateError
from lessonplan.generators.exports import fields, judge, messages
from lessonplan.generators.problem import Problem

UNSCORABLE = ("aborted", "failed")  # sample states that say nothing about the policy


class Sample(Protocol):
    """One rollout of slime, as far as it is used here."""

    metadata: dict[str, object]
    reward: object
    remove_sample: bool
    response: str
    response_length: int

    @property
    def status(self) -> "Status": ...
    def get_reward_value(self, args: Namespace) -> float: ...


class Status(Protocol):
    """How the generation of a sample ended."""

    value: str


Group: TypeAlias = list[Sample]


class CurriculumSource(ABC):
    """slime's DataSource over a Curriculum: `build` makes it, everything else is here.

    Problems are chosen when a rollout begins, and told when it ends, filtered ones included. A
    group that a gate refuses keeps its place in the batch with its loss masked. Partial rollouts
    come back through `add_samples` and go on under their ticket; groups that slime aborted are
    given up when the next rollout begins. `step` counts rollouts. For slime's default rollout
    function; one that generates without rounds never calls `tell`.
    """

    def __init__(self, args: Namespace) -> None:
        if args.rollout_all_samples_process_path != f"{__name__}.{tell.__name__}":
            raise EngineError(
                "without --rollout-all-samples-process-path "
                f"{__name__}.{tell.__name__} no reward would ever be told; got "
                f"{args.rollout_all_samples_process_path!r}"
            )
        self.args = args
        self.curriculum = self.build(args)
        self.step = 0  # rollouts told
        self._returned: list[Group] = []  # unfinished groups, to be served first
        self._round_over = False
        self._sample = import_module("slime.utils.types").Sample
        self._tokenizer = (
            import_module("slime.utils.processing_utils").load_tokenizer(
                args.hf_checkpoint, trust_remote_code=True
            )
            if args.apply_chat_template
            else None
        )
        sampler = self.curriculum.sampler
        if sampler.shapes_groups:
            raise EngineError(
                f"{type(sampler).__name__} sets group sizes or purposes; slime generates "
                f"{args.n_samples_per_prompt} samples for every prompt; use another sampler"
            )

    @abstractmethod
    def build(self, args: Namespace) -> Curriculum:
        """The curriculum of this run, built the same way when it is resumed."""

    def __len__(self) -> int:
        return len(self.curriculum.pool)  # from which slime computes the rollouts of an epoch

    def get_samples(self, num_samples: int) -> list[Group]:
        """Groups to generate for: unfinished ones first, then new picks."""
        if self._round_over:
            self._give_up()
        groups, self._returned = self._returned[:num_samples], self._returned[num_samples:]
        if wanted := num_samples - len(groups):
            picks = self.curriculum.ask(wanted, step=self.step)
            groups += [self._group(pick) for pick in picks]
        return groups

    def _give_up(self) -> None:
        """Close the tickets of groups that slime aborted and did not give back."""
        self._round_over = False
        kept = {_ticket(group) for group in self._returned}
        self.curriculum.abandon(
            pick.ticket for pick in self.curriculum.open_picks() if pick.ticket not in kept
        )

    def _group(self, pick: Pick) -> Group:
        size: int = self.args.n_samples_per_prompt
        problem, prompt = pick.problem, self._prompt(pick.problem)
        return [
            self._sample(
                group_index=pick.ticket,
                index=pick.ticket * size + j,
                prompt=prompt,
                label=problem.answer,
                metadata={**fields(problem), "problem_id": problem.id, "ticket": pick.ticket},
            )
            for j in range(size)
        ]

    def _prompt(self, problem: Problem) -> object:
        if self._tokenizer is None:
            return problem.prompt
        return self._tokenizer.apply_chat_template(
            messages(problem.prompt),
            tokenize=False,
            add_generation_prompt=True,
            **(self.args.apply_chat_template_kwargs or {}),
        )

    def add_samples(self, samples: list[Group]) -> None:
        """Take back unfinished groups, which are generated further in a later rollout."""
        self._returned += samples

    def told(self, groups: Sequence[Group]) -> None:
        """Tell the finished groups of one rollout; slime's own filter counts, if it was marked."""
        marked = self.args.rollout_sample_filter_path == f"{__name__}.{mark.__name__}"
        statuses = self.curriculum.tell(
            Outcome(
                _ticket(group),
                [self._reward(one) for one in _rollouts(group)],
                "trained" if not marked or _rollouts(group)[0].metadata.get("kept") else "filtered",
                tokens=sum(one.response_length for one in _rollouts(group)),
            )
            for group in groups
        )
        for group, status in zip(groups, statuses, strict=True):
            if status != "trained":
                for sample in _flat(group):
                    sample.remove_sample = True
        self.step += 1
        self._round_over = True

    def _reward(self, sample: Sample) -> float:
        if sample.reward is None or sample.status.value in UNSCORABLE:
            return math.nan
        return float(sample.get_reward_value(self.args))

    # -- checkpoints ----------------------------------------------------------------------------

    def save(self, rollout_id: int) -> None:
        """Write the state beside slime's own, atomically."""
        path = _path(self.args.save, rollout_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_state(path, {"curriculum": self.curriculum.state_dict(), "step": self.step})

    def load(self, rollout_id: int | None = None) -> None:
        """Go on after `rollout_id`; groups that were under way are given up.

        Raises StateError when a run that has begun has no saved state.
        """
        if self.args.load is None or rollout_id is None or rollout_id < 0:
            return
        path = _path(self.args.load, rollout_id)
        if not path.exists():
            raise StateError(
                f"{path} is missing: rollout {rollout_id} was trained without this curriculum; "
                "start from another checkpoint, or anew with --start-rollout-id 0"
            )
        saved = load_state(path)
        state, step = saved["curriculum"], saved["step"]
        assert isinstance(state, dict) and isinstance(step, int)  # as `save` wrote it
        self.curriculum.load_state_dict(state)
        self.curriculum.abandon()
        self.step, self._returned, self._round_over = step, [], False


def tell(args: Namespace, all_samples: list[Group], data_source: object) -> None:
    """slime's process function over all samples of a rollout."""
    source = getattr(data_source, "__self__", data_source)  # slime hands over `get_samples`
    if not isinstance(source, CurriculumSource):
        raise EngineError(
            f"--data-source-path must name a subclass of CurriculumSource, got {type(source)}"
        )
    source.told(all_samples)


def mark(args: Namespace, samples: list[Group]) -> None:
    """slime's sample filter: removes nothing, notes which groups passed the dynamic filter."""
    for group in samples:
        for sample in _flat(group):
            sample.metadata["kept"] = True


async def reward(args: Namespace, sample: Sample, **settings: object) -> float:
    """slime's reward function for problems of `lessonplan.generators`: 1 right, 0 wrong."""
    verdict = judge(sample.metadata, sample.response)
    if verdict is None:
        raise RewardError(
            f"{sample.metadata.get('problem_id')}: no task of lessonplan.generators, so it needs "
            "a reward function of your own; slime has no value for a rollout without a reward"
        )
    return verdict.reward


def _path(folder: str, rollout_id: int) -> Path:
    return Path(folder) / "rollout" / f"curriculum_state_{rollout_id}.json"


def _rollouts(group: Group) -> Group:
    """One sample a rollout: a rollout split into several ends with its last."""
    return [one[-1] if isinstance(one, list) else one for one in group]


def _flat(group: Group) -> Group:
    """Every sample."""
    return [sample for one in group for sample in (one if isinstance(one, list) else [one])]


def _ticket(group: Group) -> int:
    ticket = _rollouts(group)[0].metadata.get("ticket")
    if not isinstance(ticket, int):
        raise EngineError("a group came back without its ticket: the samples lost their metadata")
    return ticket
