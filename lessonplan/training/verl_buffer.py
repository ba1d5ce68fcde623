"""Tell inside verl's replay buffer: trained, filtered, failed, stale and surplus groups."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import transfer_queue as tq
from verl import __version__ as verl_version
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer, ReplayBufferAsync

from lessonplan.curricula import Curriculum, Outcome, Status
from lessonplan.errors import EngineError
from lessonplan.training.verl_dataset import TICKET, CurriculumDataset

SEAMS = ("sample", "_evict_terminal_groups", "_clear_groups", "_dapo_filtered_keys")
TRAIN = "train"  # verl's name for the partition of training groups; validation has its own


class _Group:
    """The rollouts of one prompt: `ticket`, rewards by session, and the tokens generated."""

    def __init__(self) -> None:
        self.ticket = -1
        self.rewards: dict[int, float] = {}  # by session, of which the last output counts
        self.tokens = 0

    def outcome(self, status: Status) -> Outcome:
        rewards = [self.rewards[session] for session in sorted(self.rewards)]
        return Outcome(self.ticket, rewards, status, tokens=self.tokens)


class CurriculumReplayBuffer(ReplayBuffer):  # type: ignore[misc]  # verl has no types
    """verl's replay buffer of synchronous training, where every group that leaves is told.

    Name it in `trainer.v1.sampler.custom_sampler`. `algorithm.filter_groups` and
    `sync_refill_failed_groups` work as without it. A group's rewards are the sums of `rm_scores`,
    raw: before KL penalty and normalization. A rollout is unscorable when that sum is NaN, or
    when the reward function returned `unscorable`.
    """

    def __init__(self, *, trainer_mode: str, refill_fn, **settings: object) -> None:  # type: ignore[no-untyped-def]
        self.trainer = getattr(refill_fn, "__self__", refill_fn)
        if getattr(self.trainer, "config", None) is None:
            raise EngineError(
                f"verl {verl_version} is untested (tested: 0.9.1): refill_fn is no method of the "
                "trainer, so the dataset cannot be found"
            )
        _check_mode(trainer_mode, asynchronous=isinstance(self, ReplayBufferAsync))
        super().__init__(
            trainer_mode=trainer_mode,
            refill_fn=refill_fn,
            **settings,
            **_filtering(self.trainer, trainer_mode),
        )
        self._leaving: set[str] = set()  # told already, while their eviction is under way
        self._accepted: dict[str, bool] = {}  # what the gates said, by uid of a finished group
        self._seconds = 0.0  # spent on telling, since the last step
        self._rollouts = self._tokens = 0  # told since the last step

    @property
    def curriculum(self) -> Curriculum:
        """The one that the trainer's dataset asks."""
        dataset = getattr(self.trainer, "train_dataset", None)
        if not isinstance(dataset, CurriculumDataset) or dataset.curriculum is None:
            raise EngineError(
                "data.custom_cls does not name CurriculumDataset of pkg://lessonplan.training.verl; "
                "without it there is no curriculum to tell rewards to"
            )
        return dataset.curriculum

    def sample(self, global_steps: int, partition_id: str, batch_size: int):  # type: ignore[no-untyped-def]
        if partition_id != TRAIN:
            return super().sample(global_steps, partition_id, batch_size)
        curriculum, started = self.curriculum, time.perf_counter()
        self._seconds = 0.0
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        sampled = time.perf_counter()
        generate = sampled - started - self._seconds
        self._tell(curriculum, self._groups(batch.keys, batch.tags).values(), "trained")
        if self.trainer_mode == "sync" and not _prompts():
            # Nothing is generated now, so what is open has failed without leaving any rollout.
            lost = [Outcome(pick.ticket, (), "failed") for pick in curriculum.open_picks()]
            curriculum.tell(lost)
        self._seconds += time.perf_counter() - sampled
        metrics.update({f"curriculum/{name}": v for name, v in curriculum.metrics().items()})
        if self.trainer.local_trigger_step + 1 == self.trainer.parameter_sync_step:
            self._record(curriculum, global_steps, generate)
        return batch, metrics

    def _record(self, curriculum: Curriculum, step: int, generate: float) -> None:
        """Close the journal's step; verl lets nobody know when the update itself is done."""
        self.trainer.train_dataset.step = step
        curriculum.record(
            "step",
            step=step,
            rollouts=self._rollouts,
            tokens=self._tokens,
            seconds={"generate": round(generate, 6), "curriculum": round(self._seconds, 6)},
        )
        self._rollouts = self._tokens = 0
        if step >= self.trainer.total_training_steps:
            curriculum.finish()

    # -- groups that leave without being trained on ---------------------------------------------

    def _evict_terminal_groups(self, global_steps, partition_id, eviction_reasons):  # type: ignore[no-untyped-def]
        stale, filtered, failed, _ = eviction_reasons
        if partition_id == TRAIN:
            self._tell_gone(failed, "failed")
            self._tell_gone(stale - failed, "stale")
            self._tell_gone(filtered - stale - failed, "filtered")
        self._leaving = stale | filtered | failed
        try:
            return super()._evict_terminal_groups(global_steps, partition_id, eviction_reasons)
        finally:
            self._leaving = set()

    def _clear_groups(self, partition_id: str, uids: set[str]) -> None:
        if partition_id == TRAIN:
            self._tell_gone(uids - self._leaving, "discarded")
        super()._clear_groups(partition_id, uids)

    def _tell_gone(self, uids: set[str], status: Status) -> None:
        """Tell groups that are still in the queue but will not be trained on."""
        if not uids:
            return
        started = time.perf_counter()
        groups = self._finished(uids)
        silent = sorted(uids - groups.keys())
        if silent and self.trainer_mode != "sync":  # only there the queue knows bare prompts
            data = tq.kv_batch_get(keys=silent, partition_id=TRAIN, select_fields=["extra_info"])
            for uid, info in zip(silent, _plain(data["extra_info"]), strict=True):
                groups[uid] = _Group()
                groups[uid].ticket = _ticket(info)
        self._tell(self.curriculum, groups.values(), status)
        self._seconds += time.perf_counter() - started

    # -- gates ----------------------------------------------------------------------------------

    def _dapo_filtered_keys(self, partition_id: str) -> tuple[set[str], Counter[float]]:
        """What verl's group filter drops, and what the curriculum's gates refuse besides."""
        dropped, counts = super()._dapo_filtered_keys(partition_id)
        if partition_id != TRAIN or not self.curriculum.gates:
            return dropped, counts
        curriculum = self.curriculum
        finished = self.finished_keys[partition_id]
        self._accepted = {uid: said for uid, said in self._accepted.items() if uid in finished}
        fresh = finished - dropped - self._accepted.keys()
        for uid, group in self._finished(fresh).items():
            rewards = np.array([group.outcome("trained").rewards], np.float64)  # (1, G)
            verdicts = [gate.accepts(rewards, curriculum.success) for gate in curriculum.gates]
            self._accepted[uid] = all(bool(verdict[0]) for verdict in verdicts)
        refused = {uid for uid, said in self._accepted.items() if not said} - dropped
        return dropped | refused, counts

    # -- reading the queue ----------------------------------------------------------------------

    def _tell(self, curriculum: Curriculum, groups: Collection[_Group], status: Status) -> None:
        curriculum.tell([group.outcome(status) for group in groups])
        self._rollouts += sum(len(group.rewards) for group in groups)
        self._tokens += sum(group.tokens for group in groups)

    def _finished(self, uids: Collection[str]) -> dict[str, _Group]:
        """The groups of these prompts, without those that left no rollout."""
        partition = self.partitions[TRAIN]
        keys = [key for key in partition if key.split("_")[0] in uids]
        return self._groups(keys, [partition[key] for key in keys])

    def _groups(
        self, keys: Sequence[str], tags: Sequence[Mapping[str, object]]
    ) -> dict[str, _Group]:
        """Rollouts by prompt. A key is `uid_session_output`; the last output of a session counts."""
        groups: defaultdict[str, _Group] = defaultdict(_Group)
        if not keys:
            return groups
        fields = ["rm_scores", "extra_info", "extra_fields"]
        data = tq.kv_batch_get(keys=list(keys), partition_id=TRAIN, select_fields=fields)
        rows = zip(
            keys,
            tags,
            list(data["rm_scores"]),
            _plain(data["extra_info"]),
            _plain(data["extra_fields"]),
            strict=True,
        )
        for key, tag, scores, info, extra in sorted(rows, key=lambda row: _order(row[0])):
            uid, session, _ = key.split("_")
            group = groups[uid]
            group.ticket = _ticket(info)
            unscorable = _unscorable(extra)
            group.rewards[int(session)] = math.nan if unscorable else float(scores.sum())
            group.tokens += int(str(tag["response_len"]))
        return groups


class CurriculumReplayBufferAsync(CurriculumReplayBuffer, ReplayBufferAsync):  # type: ignore[misc]
    """The same for verl's asynchronous modes, `colocate_async` and `separate_async`."""


def _check_mode(mode: str, *, asynchronous: bool) -> None:
    if asynchronous != (mode != "sync"):
        name = "CurriculumReplayBuffer" if mode == "sync" else "CurriculumReplayBufferAsync"
        raise EngineError(
            f'trainer.v1.trainer_mode "{mode}" needs trainer.v1.sampler.custom_sampler.name={name}'
        )
    for method in SEAMS:
        if not hasattr(ReplayBuffer, method):
            raise EngineError(
                f"verl {verl_version} is untested (tested: 0.9.1); ReplayBuffer.{method} is missing"
            )


def _filtering(trainer, mode: str) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """The settings that the trainer gives to its own buffer, but not to a custom one."""
    config = trainer.config
    reward_model = config.reward.reward_model
    if reward_model.enable and not reward_model.enable_resource_pool:
        raise EngineError(
            "a reward model that shares the trainer's devices scores groups after they left the "
            "buffer, where they are told; set reward.reward_model.enable_resource_pool=True"
        )
    metric = trainer._resolve_filter_groups_metric()
    refill = bool(config.trainer.v1.sampler.get("sync_refill_failed_groups", False))
    settings = {"filter_groups_metric": metric, "sync_refill_failed_groups": refill}
    if mode != "sync":
        return settings
    batch, inflight = config.data.train_batch_size, 1
    if metric is not None:
        inflight = config.algorithm.filter_groups.get("max_inflight_gen_batches", 1)
    one = metric is not None or refill
    return {
        **settings,
        "train_batch_size": batch,
        "gen_batch_size": 1 if one else config.data.get("gen_batch_size", None) or batch,
        "max_inflight_gen_batches": inflight,
    }


def _prompts() -> bool:
    """Whether a training prompt is in the queue, waiting, generating or finished."""
    items = (tq.kv_list(TRAIN) or {}).get(TRAIN, {})
    return any(tag.get("is_prompt", False) for tag in items.values())


def _order(key: str) -> tuple[str, int, int]:
    uid, session, output = key.split("_")
    return uid, int(session), int(output)


def _plain(column: Iterable[object]) -> list[object]:
    """Values of a column that is no tensor, out of tensordict's wrappers."""
    return [getattr(value, "data", value) for value in column]


def _ticket(info: object) -> int:
    if not isinstance(info, Mapping) or TICKET not in info:
        raise EngineError(
            f"a rollout came back without extra_info.{TICKET}; an agent loop must hand on the "
            "columns of its prompt"
        )
    return int(info[TICKET])


def _unscorable(extra: object) -> bool:
    info = extra.get("reward_extra_info") if isinstance(extra, Mapping) else None
    return isinstance(info, Mapping) and bool(info.get("unscorable"))
