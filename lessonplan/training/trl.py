"""Plug a Curriculum into a TRL trainer: ask when it generates, tell when rewards exist.

TRL's data loader runs up to five batches ahead of the rewards, so an order decided in a sampler is
old when it is used. Here the loader's rows are placeholders: the problems are asked for inside the
generation call and told as soon as the rewards are gathered, so no decision is a step stale.
"""

import inspect
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from accelerate.utils import broadcast
from msgspec import structs
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lessonplan.curricula import Curriculum, Outcome, Pick
from lessonplan.curricula.state import load_state, save_state
from lessonplan.errors import EngineError
from lessonplan.training.trl_waves import Row, Waves, row_of

if TYPE_CHECKING:
    from trl import GRPOTrainer

Batches: TypeAlias = tuple[list[object], torch.Tensor | int | None]

STATE_FILE = "curriculum_state.json"  # written last: a checkpoint that has it is whole

# The methods of the live trainer that are wrapped, and the arguments they must take.
SEAMS = {
    "get_batch_samples": ("epoch_iterator", "num_batches", "device"),
    "_generate_and_score_completions": ("inputs",),
    "_calculate_rewards": ("inputs", "prompts", "completions", "completion_ids_list"),
    "_save_checkpoint": ("model", "trial"),
    "_load_optimizer_and_scheduler": ("checkpoint",),
}
# What TRL prepares before it generates, so that other problems cannot follow.
BOUND = ("tools", "environment_factories", "rollout_func")
REFILL_SEAM = {"_generate": ("prompts",)}


def attach(trainer: "GRPOTrainer", curriculum: Curriculum, *, refill: int = 0) -> None:
    """Let `curriculum` choose the problems of every generation of `trainer`, GRPO or RLOO.

    Call it once, before `trainer.train()`. The trainer's own dataset then only sets how many
    steps an epoch has; prompts and every other column come from the curriculum's pool, under the
    user's own column names for imported problems. The curriculum's state is saved inside TRL's
    checkpoints and restored from them. Under several ranks, rank 0 alone asks and tells.

    Groups refused by a gate are masked out of the loss: advantage zero, no KL term. With `refill`
    they are replaced: up to `refill` more times, other problems are asked for and generated for
    the groups still missing, and every rollout is told and counted. What is missing after that
    stays masked.

    Raises EngineError when this TRL lacks a method that is needed, when a batch does not consist
    of whole groups, when the pool or the dataset is smaller than the problems of a step, when
    the sampler orders group sizes or probes, which TRL cannot serve, or when `refill` meets tools,
    environments or a rollout function, which tie what is generated to the first problems.
    """
    if any(kind.__name__ == "AsyncGRPOTrainer" for kind in type(trainer).__mro__):
        raise EngineError(
            "AsyncGRPOTrainer generates in a process of its own, where attach cannot reach; give "
            "it rollout_worker=lessonplan.training.trl_async.CurriculumWorker(...)"
        )
    Attachment(trainer, curriculum, refill).hook()


def last_checkpoint(output_dir: str | os.PathLike[str]) -> str | None:
    """The newest whole checkpoint of a run, to resume from after a kill; None if there is none.

    A kill while a checkpoint is written leaves a folder that TRL's own search would take. Keep two
    (`save_total_limit` of 2 or more): TRL deletes the one before until this one is whole.
    """
    whole = [
        (int(state.parent.name.removeprefix("checkpoint-")), str(state.parent))
        for state in Path(output_dir).glob(f"checkpoint-*/{STATE_FILE}")
        if state.parent.name.removeprefix("checkpoint-").isdecimal()
    ]
    return max(whole)[1] if whole else None


class Attachment:
    """A live trainer and its curriculum: what `attach` wraps, and what is known between calls."""

    def __init__(self, trainer: "GRPOTrainer", curriculum: Curriculum, refill: int) -> None:
        self.trainer, self.curriculum, self.refill = trainer, curriculum, refill
        self.rank: int = trainer.accelerator.process_index
        self.ranks: int = trainer.accelerator.num_processes
        self.group: int = trainer.num_generations
        self.picks: list[Pick] = []  # of the generation under way, rank 0 only
        self.accepted: list[bool] = []  # per group of this batch, on every rank
        self.asked: list[Row] = []  # the first rows of this batch, one a group
        self.waves: Waves | None = None  # the generation under way, if it refills
        self.policy_step = 0
        self.seconds = {"generate": 0.0, "score": 0.0, "curriculum": 0.0}  # since the last step
        self.rollouts = self.tokens = 0  # since the last step
        self.recorder = _StepRecorder(self)
        self._check()

    def _check(self) -> None:
        import trl

        trainer, args = self.trainer, self.trainer.args
        for name, expected in (SEAMS | (REFILL_SEAM if self.refill else {})).items():
            method = getattr(trainer, name, None)
            if method is None or not set(expected) <= set(inspect.signature(method).parameters):
                raise EngineError(
                    f"TRL {trl.__version__} is untested (tested: 1.16); {name}({', '.join(expected)}) "
                    "is missing, so attach refuses"
                )
        if self.refill < 0:
            raise ValueError(f"refill must be 0 or more further generations, got {self.refill!r}")
        bound = [name for name in BOUND if getattr(trainer, name, None)]
        if self.refill and bound:
            raise EngineError(
                f"refill does not go with {', '.join(bound)}: these are set up for the first "
                "problems of a batch; attach without refill, and refused groups are masked"
            )
        if getattr(trainer._calculate_rewards, "_lessonplan", False):
            raise EngineError("this trainer has a curriculum already; attach once")
        sampler = self.curriculum.sampler
        if sampler.shapes_groups:
            raise EngineError(
                f"{type(sampler).__name__} sets group sizes or purposes, and TRL generates "
                f"{self.group} rollouts for every problem and trains on all; use another sampler, "
                "or a loop of your own with lessonplan.curricula.Refill"
            )
        problems = args.generation_batch_size // self.group
        if args.generation_batch_size % self.group:
            raise EngineError(
                f"a generation of {args.generation_batch_size} completions is not a whole number "
                f"of groups of {self.group}"
            )
        if len(self.curriculum.pool) < problems:
            raise EngineError(
                f"the pool has {len(self.curriculum.pool)} problems, a step needs {problems}; "
                f"use at least {problems} problems or a smaller batch"
            )
        dataset = trainer.train_dataset
        if hasattr(dataset, "__len__") and len(dataset) < problems:
            raise EngineError(
                f"train_dataset has {len(dataset)} rows, fewer than the {problems} problems of a "
                "step: TRL would train nothing, silently. Its rows are only placeholders; any "
                f"dataset of {problems} rows or more will do"
            )
        window = args.steps_per_generation * trainer.num_iterations
        micro_steps = args.save_steps * args.gradient_accumulation_steps
        if args.save_strategy == "steps" and micro_steps % window:
            warnings.warn(
                f"save_steps={args.save_steps} saves inside a generation window of {window} micro "
                "steps; TRL does not save the generated batch, so a resumed run generates anew and "
                f"differs. Let save_steps x {args.gradient_accumulation_steps} be a multiple of "
                f"{window}",
                stacklevel=4,
            )

    def hook(self) -> None:
        trainer = self.trainer
        scoring = self._scoring(trainer._calculate_rewards)
        trainer.get_batch_samples = self._fetching(trainer.get_batch_samples)
        trainer._generate_and_score_completions = self._generating(
            trainer._generate_and_score_completions
        )
        trainer._calculate_rewards = scoring
        if self.refill:
            trainer._generate = self._refilling(trainer._generate, scoring)
        trainer._save_checkpoint = self._saving(trainer._save_checkpoint)
        trainer._load_optimizer_and_scheduler = self._loading(trainer._load_optimizer_and_scheduler)
        trainer.add_callback(self.recorder)

    def _fetching(self, original: Callable[..., Batches]) -> Callable[..., Batches]:
        """No batches once all steps are done: resumed from its last one, TRL would do one more."""

        def get_batch_samples(
            epoch_iterator: Iterator[Row], num_batches: int, device: torch.device
        ) -> Batches:
            state = self.trainer.state
            if state.global_step >= state.max_steps:
                self.trainer.control.should_training_stop = True
                return [], None
            return original(epoch_iterator, num_batches, device)

        return get_batch_samples

    # -- ask ------------------------------------------------------------------------------------

    def _generating(
        self, original: Callable[[list[Row]], dict[str, torch.Tensor]]
    ) -> Callable[[list[Row]], dict[str, torch.Tensor]]:
        def generate_and_score(inputs: list[Row]) -> dict[str, torch.Tensor]:
            if not self.trainer.model.training:  # evaluation spends no asks
                return original(inputs)
            self.policy_step = self.trainer.state.global_step
            started = time.perf_counter()
            before = sum(self.seconds.values())
            self.asked = self.ask(len(inputs) * self.ranks // self.group)
            rows = self.here(self.asked)
            self.waves = Waves(self, rows) if self.refill else None
            output = original(rows)
            if self.waves is not None:
                self.accepted = self.waves.accepted
                self.waves = None
            counted = sum(self.seconds.values()) - before
            self.seconds["generate"] += time.perf_counter() - started - counted
            if not all(self.accepted):
                first = self.rank * len(inputs)
                keep = [
                    self.accepted[(first + j) // self.group] for j in range(len(inputs))
                ]  # (n,)
                mask = torch.tensor(keep, device=output["advantages"].device)
                output["advantages"] = output["advantages"] * mask
                # without tokens there is no KL term either
                output["completion_mask"] = output["completion_mask"] * mask[:, None]
            return output

        return generate_and_score

    def _refilling(
        self,
        original: Callable[[list[object]], tuple[object, ...]],
        score: Callable[..., torch.Tensor],
    ) -> Callable[[list[object]], tuple[object, ...]]:
        def generate(prompts: list[object]) -> tuple[object, ...]:
            if self.waves is None:  # evaluation
                return original(prompts)
            return self.waves.generate(prompts, original, score)

        return generate

    def ask(self, count: int) -> list[Row]:
        """The rows of `count` groups to generate, in order, one a group; the same on all ranks."""
        started = time.perf_counter()
        positions: list[int] = [0] * count
        if self.rank == 0:
            self.picks = self.curriculum.ask(count, step=self.policy_step)
            self._check_order()
            positions = [pick.position for pick in self.picks]
        positions = self._as_rank_0(positions)
        if self.rank == 0:
            problems = [pick.problem for pick in self.picks]
        else:
            problems = [self.curriculum.pool[position] for position in positions]
        self.seconds["curriculum"] += time.perf_counter() - started
        return [row_of(problem) for problem in problems]

    def _as_rank_0(self, numbers: list[int]) -> list[int]:
        """Rank 0's numbers, on every rank; equally many everywhere."""
        if self.ranks == 1:
            return numbers
        # a tensor, since objects would be pickled and take a second message for their size
        here = torch.tensor(numbers, device=self.trainer.accelerator.device)
        same: list[int] = broadcast(here, from_process=0).tolist()
        return same

    def here(self, rows: list[Row]) -> list[Row]:
        """This rank's share of the rows, each repeated as often as a group has rollouts."""
        share = len(rows) * self.group // self.ranks
        first = self.rank * share
        return [dict(rows[(first + j) // self.group]) for j in range(share)]

    def _check_order(self) -> None:
        for pick in self.picks:
            if pick.purpose != "train" or pick.n_rollouts not in (None, self.group):
                self.curriculum.abandon([one.ticket for one in self.picks])
                raise EngineError(
                    f"ticket {pick.ticket} asks for {pick.n_rollouts} rollouts to {pick.purpose!r}; "
                    f"TRL generates {self.group} for every problem and trains on all"
                )

    # -- tell -----------------------------------------------------------------------------------

    def _scoring(self, original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def calculate_rewards(
            inputs: list[Row],
            prompts: list[object],
            completions: list[object],
            completion_ids_list: list[list[int]],
        ) -> torch.Tensor:
            if not self.trainer.model.training:
                return original(inputs, prompts, completions, completion_ids_list)
            if self.waves is not None and self.waves.rewards is not None:
                return self.waves.rewards  # of the groups that were kept; all are told
            started = time.perf_counter()
            rewards = original(inputs, prompts, completions, completion_ids_list)  # (W n, F)
            self.seconds["score"] += time.perf_counter() - started
            if self.waves is None:
                lengths = [len(ids) for ids in completion_ids_list]  # (n,)
                if self.ranks > 1:
                    here = torch.tensor(lengths, device=rewards.device)
                    lengths = self.trainer.accelerator.gather(here).tolist()  # (W n,)
                self.accepted = self.tell(rewards, lengths)
            return rewards

        calculate_rewards._lessonplan = True  # type: ignore[attr-defined]  # marks the trainer
        return calculate_rewards

    def tell(
        self, rewards: torch.Tensor, lengths: list[int], wanted: int | None = None
    ) -> list[bool]:
        """Tell the groups of the last ask; which of them may train, at most `wanted`, is returned.

        Rewards are told raw, summed over functions; a rollout that none could score is NaN.
        """
        started = time.perf_counter()
        by_function = rewards.float().cpu().numpy()  # (W n, F)
        total = by_function[:, 0]
        if by_function.shape[1] > 1:
            unscorable = np.isnan(by_function).all(axis=1)
            total = np.where(unscorable, np.nan, np.nansum(by_function, axis=1))
        groups = total.reshape(-1, self.group)  # (m, G)
        tokens = np.array(lengths).reshape(-1, self.group).sum(axis=1).tolist()  # (m,)
        self.rollouts += len(lengths)
        self.tokens += sum(tokens)
        accepted: list[bool] = [True] * len(groups)
        if self.rank == 0:
            parts = by_function.reshape(len(groups), self.group, -1)  # (m, G, F)
            outcomes = [
                Outcome(
                    pick.ticket,
                    group,
                    policy_step=self.policy_step,
                    tokens=count,
                    extras=self._extras(part),
                )
                for pick, group, count, part in zip(
                    self.picks, groups.tolist(), tokens, parts, strict=True
                )
            ]
            accepted = self._judged(outcomes, len(outcomes) if wanted is None else wanted)
            metrics = self.trainer._metrics["train"]
            for name, value in self.curriculum.metrics().items():
                metrics[f"curriculum/{name}"].append(value)
        accepted = [bool(verdict) for verdict in self._as_rank_0([int(one) for one in accepted])]
        self.seconds["curriculum"] += time.perf_counter() - started
        return accepted

    def _judged(self, outcomes: list[Outcome], wanted: int) -> list[bool]:
        """Tell so many at a time as still fit into the batch; what is over is told as discarded."""
        accepted: list[bool] = []
        while len(accepted) < len(outcomes):
            space, rest = wanted - sum(accepted), outcomes[len(accepted) :]
            if not space:
                self.curriculum.tell(structs.replace(one, status="discarded") for one in rest)
                return accepted + [False] * len(rest)
            accepted += [status == "trained" for status in self.curriculum.tell(rest[:space])]
        return accepted

    def _extras(self, part: np.ndarray) -> Mapping[str, object]:
        """The rewards of each function (G, F), where there are several."""
        if part.shape[1] == 1:
            return {}
        names: Sequence[str] = self.trainer.reward_func_names
        return {"rewards": {name: part[:, i].tolist() for i, name in enumerate(names)}}

    # -- checkpoints ----------------------------------------------------------------------------

    def _saving(self, original: Callable[..., None]) -> Callable[..., None]:
        def save_checkpoint(model: object, trial: object) -> None:
            original(model, trial)
            self.recorder.flush()  # so that the saved journal position includes this step
            self.trainer.accelerator.wait_for_everyone()  # the files of all ranks are there
            if self.rank == 0:
                step = self.trainer.state.global_step
                folder = Path(self.trainer._get_output_dir(trial=trial)) / f"checkpoint-{step}"
                save_state(folder / STATE_FILE, self.curriculum.state_dict())

        return save_checkpoint

    def _loading(self, original: Callable[..., None]) -> Callable[..., None]:
        def load_optimizer_and_scheduler(checkpoint: str | os.PathLike[str] | None) -> None:
            original(checkpoint)
            if checkpoint is not None and self.rank == 0:
                self._restore(Path(checkpoint))

        return load_optimizer_and_scheduler

    def _restore(self, checkpoint: Path) -> None:
        path = checkpoint / STATE_FILE
        if path.exists():
            self.curriculum.load_state_dict(load_state(path))
        else:
            trainer_state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
            step = int(trainer_state["global_step"])
            if self.curriculum.journal is None:
                raise EngineError(
                    f"{path} is missing, and without a journal the curriculum cannot be rebuilt; "
                    "resume from another checkpoint"
                )
            warnings.warn(
                f"{path} is missing: the curriculum is rebuilt from {self.curriculum.journal.path} "
                f"up to step {step}",
                stacklevel=2,
            )
            self.curriculum.replay(until_step=step)
        self.curriculum.abandon()  # TRL generates anew


class _StepRecorder(TrainerCallback):
    """Write one `step` event after every optimizer step, with what the trainer logged for it."""

    def __init__(self, attachment: Attachment) -> None:
        self.attachment = attachment
        self.started = time.perf_counter()
        self.pending: dict[str, object] | None = None

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        self.started = time.perf_counter()

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        self.flush()
        one = self.attachment
        total = time.perf_counter() - self.started
        seconds = {**one.seconds, "train": max(0.0, total - sum(one.seconds.values()))}
        self.pending = {
            "step": state.global_step,
            "rollouts": one.rollouts,
            "tokens": one.tokens,
            "seconds": {name: round(value, 6) for name, value in seconds.items()},
        }
        one.seconds = dict.fromkeys(one.seconds, 0.0)
        one.rollouts = one.tokens = 0

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None:
        if self.pending is not None and self.pending["step"] == state.global_step and logs:
            self.flush(scalars=_scalars(logs))

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        self.flush()
        if self.attachment.rank == 0:
            self.attachment.curriculum.finish()

    def flush(self, scalars: Mapping[str, float] | None = None) -> None:
        if self.pending is not None and self.attachment.rank == 0:
            extra = {} if scalars is None else {"scalars": scalars}
            self.attachment.curriculum.record("step", **self.pending, **extra)
        self.pending = None


# What the engine's own logger keeps in full, or the journal's other events say already.
UNRECORDED = (
    "curriculum/", "clip_ratio/", "completions/m", "learning_rate", "num_tokens", "epoch", "step_time"
)  # fmt: skip


def _scalars(logs: Mapping[str, object]) -> dict[str, float]:
    """The finite numbers of a log line, to six digits; durations stand under `seconds` alone."""
    return {
        name: float(f"{value:.6g}")
        for name, value in logs.items()
        if isinstance(value, int | float)
        and math.isfinite(value)
        and not name.startswith(UNRECORDED)
    }
