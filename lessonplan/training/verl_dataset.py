"""Ask inside verl's dataset: whatever rows the data loader wants, the curriculum chooses them."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from omegaconf import DictConfig, OmegaConf
from verl import __version__ as verl_version
from verl.utils.dataset.rl_dataset import RLHFDataset

from lessonplan.curricula import Curriculum, Outcome, Pick, read_events
from lessonplan.errors import EngineError
from lessonplan.generators import Pool
from lessonplan.selection.state import State
from lessonplan.training.verl_settings import make_curriculum, parse_settings

TICKET = "lessonplan_ticket"  # the key under `extra_info` that carries a pick's ticket

Row: TypeAlias = dict[str, object]


class CurriculumDataset(RLHFDataset):  # type: ignore[misc]  # verl has no types
    """verl's own dataset, except that the training rows are chosen when they are fetched.

    Name it in `data.custom_cls`. verl makes one for `data.train_files` and one for
    `data.val_files`; only the first has a curriculum. verl's stateful loader saves `state_dict`
    in data.pt. `step` counts the optimizer steps done; who tells the rewards counts it up.
    """

    def __init__(
        self,
        data_files: str | Sequence[str],
        tokenizer: object,
        config: DictConfig,
        processor: object = None,
        max_samples: int = -1,
    ) -> None:
        training = _is_training(data_files, config)
        super().__init__(
            data_files=data_files,
            tokenizer=tokenizer,
            config=config,
            processor=processor,
            max_samples=max_samples,
        )
        self.curriculum: Curriculum | None = None
        self.step = 0
        self.mode: str | None = _elsewhere(config, "trainer.v1.trainer_mode")  # None before V1
        self.group: int | None = _elsewhere(config, "actor_rollout_ref.rollout.n")
        self.steps: int | None = _elsewhere(config, "trainer.total_training_steps")
        if training:
            _check_engine(config, len(self))
            self.curriculum = self._make_curriculum(config)
            self._check_curriculum(self.curriculum)

    def _make_curriculum(self, config: DictConfig) -> Curriculum:
        table = OmegaConf.to_container(config.get("lessonplan") or OmegaConf.create(), resolve=True)
        settings = parse_settings(table)
        pool = _pool(self.dataframe, self.prompt_key, settings.id, settings.level)
        run = {
            "id": _elsewhere(config, "trainer.experiment_name") or "verl",
            "kind": "rl",
            "study": _elsewhere(config, "trainer.project_name"),
            "start": _elsewhere(config, "actor_rollout_ref.model.path"),
            "engine": f"verl {verl_version}",
            "learner": "real",
            "steps": self.steps,
            "problems_per_step": config.get("train_batch_size"),
            "group_size": self.group,
        }
        return make_curriculum(settings, pool, steps=self.steps, run=run)

    def _check_curriculum(self, curriculum: Curriculum) -> None:
        if curriculum.sampler.shapes_groups and self.mode is None:
            raise EngineError(
                f"{type(curriculum.sampler).__name__} sets group sizes, which verl "
                f"{verl_version} cannot serve; use another sampler, or verl 0.9 or later"
            )
        if not curriculum.gates or self.mode not in (None, "sync"):
            return
        if self.mode is None:
            raise EngineError(
                f"verl {verl_version} trains on a batch before anyone hears of its rewards, so "
                "gates cannot refuse groups; leave data.lessonplan.gates out"
            )
        if not _elsewhere(self.config, "algorithm.filter_groups.enable"):
            raise EngineError(
                "gates refuse groups, and verl replaces refused groups only with "
                "algorithm.filter_groups.enable=True and algorithm.filter_groups.metric=reward"
            )

    def __getitems__(self, indices: Sequence[int]) -> list[Row]:
        """As many rows as there are indices; a curriculum chooses which, whatever the indices."""
        if self.curriculum is None:  # validation spends no asks
            return [self[index] for index in indices]
        picks = self.curriculum.ask(len(indices), step=self.step)
        for pick in picks:
            if pick.purpose != "train":
                self.curriculum.abandon([one.ticket for one in picks])
                raise EngineError(
                    f"ticket {pick.ticket} is ordered to {pick.purpose!r}; verl trains on every "
                    "group that it generates, so use a sampler without probes and screenings"
                )
        return [self._row(pick) for pick in picks]

    def _row(self, pick: Pick) -> Row:
        row: Row = super().__getitem__(pick.position)
        info = row["extra_info"]
        assert isinstance(info, dict) and self.curriculum is not None
        row["extra_info"] = {**info, TICKET: pick.ticket}
        if self.curriculum.sampler.shapes_groups:  # all rows of a run have the key, or none
            row["__rollout_n__"] = pick.n_rollouts or self.group
        return row

    def state_dict(self) -> State:
        """The curriculum's state; empty for validation."""
        if self.curriculum is None:
            return {}
        return {"curriculum": self.curriculum.state_dict(), "step": self.step}

    def load_state_dict(self, state: State) -> None:
        """Continue from `state_dict`; tickets that verl will not generate for again are closed.

        verl 0.7 saves between training on a batch and telling its rewards: they are taken from
        the journal, if it has them.
        """
        if self.curriculum is None or not state:
            return
        saved, step = state["curriculum"], state["step"]
        assert isinstance(saved, dict) and isinstance(step, int)
        reissued = self.mode not in (None, "sync")
        heard = [] if reissued else _heard_later(self.curriculum, saved)
        self.curriculum.load_state_dict(saved)
        self.step = step
        if self.mode is None and self.curriculum.ledger["open"]:
            self.step += 1  # saved before its rewards were told, but after training on them
        if not reissued:
            self.curriculum.tell(heard)
            self.curriculum.abandon()


def _elsewhere(config: DictConfig, key: str):  # type: ignore[no-untyped-def]  # what YAML holds
    """A value of verl's configuration outside `data`, or None where there is none."""
    return OmegaConf.create({"value": f"${{oc.select:{key},null}}"}, parent=config).value


def _files(files: object) -> list[str]:
    if files is None:
        return []
    return [files] if isinstance(files, str) else [str(one) for one in files]  # type: ignore[attr-defined]


def _is_training(data_files: object, config: DictConfig) -> bool:
    """verl does not say which dataset it makes, so the files have to."""
    training, validation = _files(config.get("train_files")), _files(config.get("val_files"))
    if training == validation:
        raise EngineError(
            "data.train_files and data.val_files are the same, and verl does not say which dataset "
            "it makes; validate on other problems, or on a copy of the file under another name"
        )
    return _files(data_files) == training


def _check_engine(config: DictConfig, rows: int) -> None:
    """Refuse settings under which asks and rewards would never meet."""
    workers = config.get("dataloader_num_workers", 8)
    if workers:
        raise EngineError(
            f"data.dataloader_num_workers is {workers}; workers fetch ahead in processes of their "
            "own, so nothing would be learned from rewards. Set data.dataloader_num_workers=0"
        )
    batch = config.get("train_batch_size")
    if batch and rows < batch:
        raise EngineError(
            f"data.train_files hold {rows} problems, a step needs {batch}; use at least {batch} "
            "problems or a smaller data.train_batch_size"
        )
    steps = _elsewhere(config, "trainer.total_training_steps")
    epochs = _elsewhere(config, "trainer.total_epochs")
    if batch and steps and epochs is not None and epochs * (rows // batch) < steps:
        raise EngineError(
            f"trainer.total_training_steps is {steps}, but verl stops after total_epochs x "
            f"(problems // batch) = {epochs} x {rows // batch} steps; set trainer.total_epochs to "
            f"at least {-(-steps // (rows // batch))}"
        )
    if _elsewhere(config, "trainer.v1.trainer_mode") is None:
        if not (config.get("sampler") or {}).get("class_path"):
            raise EngineError(
                "nobody would tell the rewards: set data.sampler.class_path="
                "pkg://lessonplan.training.verl and data.sampler.class_name=CurriculumSampler"
            )
        return
    if _elsewhere(config, "trainer.use_v1") is False:
        raise EngineError(
            "verl's old trainer has no place to tell rewards: set trainer.use_v1=True"
        )
    if not _elsewhere(config, "trainer.v1.sampler.custom_sampler.path"):
        raise EngineError(
            "nobody would tell the rewards: set trainer.v1.sampler.custom_sampler.path="
            "pkg://lessonplan.training.verl and trainer.v1.sampler.custom_sampler.name="
            "CurriculumReplayBuffer"
        )


def _pool(table, prompt: str, problem_id: str | None, level: str | None) -> Pool:  # type: ignore[no-untyped-def]
    """The problems of a `datasets.Dataset` in verl's layout, in its order."""
    named = (column.split(".")[0] for column in (problem_id, level) if column)
    wanted = dict.fromkeys((prompt, "reward_model", "extra_info", "ability", *named))
    known = table.select_columns([name for name in wanted if name in table.column_names])
    parts = known.with_format("arrow").iter(1000)  # nine times faster than row by row (measured)
    rows: list[dict[str, object]] = [row for part in parts for row in part.to_pylist()]
    first = rows[0] if rows else {}
    info, reward = first.get("extra_info"), first.get("reward_model")
    info = info if isinstance(info, Mapping) else {}
    has_answer = isinstance(reward, Mapping) and reward.get("ground_truth") is not None
    if problem_id is None and info.get("problem_id") is not None:
        problem_id = "extra_info.problem_id"
    if level is None and isinstance(info.get("level"), int):
        level = "extra_info.level"
    return Pool.from_rows(
        rows,
        name="data.train_files",
        prompt=prompt,
        answer="reward_model.ground_truth" if has_answer else False,
        id=problem_id,
        level=level,
        family="ability" if isinstance(first.get("ability"), str) else None,
    )


def _heard_later(curriculum: Curriculum, saved: Mapping[str, object]) -> list[Outcome]:
    """What the journal heard after the save, before the next ask, of tickets open at the save."""
    opened, seq = saved["open"], saved["journal_seq"]
    if curriculum.journal is None or seq is None or not opened:
        return []
    assert isinstance(opened, list) and isinstance(seq, int)
    waiting = {ticket for ticket, *_ in opened}
    heard: list[Outcome] = []
    for event in read_events(curriculum.journal.path):
        if int(str(event["seq"])) <= seq:
            continue
        if event["event"] != "tell":
            break
        tickets, rewards, status = event["tickets"], event["rewards"], event["status"]
        assert isinstance(tickets, list) and isinstance(rewards, list) and isinstance(status, list)
        tokens = event.get("tokens")
        counts = tokens if isinstance(tokens, list) else [None] * len(tickets)
        heard += [
            Outcome(ticket, group, final, tokens=count)
            for ticket, group, final, count in zip(tickets, rewards, status, counts, strict=True)
            if ticket in waiting
        ]
    return heard
