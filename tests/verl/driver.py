"""verl's real synchronous trainer on a CPU: only rollouts and weights are replaced, by small stand-ins.

Real are the trainer's loop, its data loader, the queue (TransferQueue on ray), the replay buffer,
the agent-loop worker's bookkeeping, the reward manager, advantages and checkpoints. A rollout
here writes the right answer or a wrong one, as a hash of problem, ticket and session says; the
actor returns constant probabilities and learns nothing.
"""

import asyncio
import os
import random
from pathlib import Path
from types import SimpleNamespace

import torch
import transfer_queue as tq
import verl
from omegaconf import OmegaConf
from verl.experimental.agent_loop.agent_loop import AgentLoopOutput
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ
from verl.trainer.ppo.v1.trainer_colocate_async import PPOTrainerColocateAsync
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync

from tests.verl.common import GROUP, PLUGIN, Letters, solves


def settings(folder, train, val, *changes, **lessonplan):
    """verl's own default configuration with the lines of docs/verl.md and small sizes."""
    defaults = Path(verl.__file__).parent / "trainer/config/_generated_ppo_trainer.yaml"
    config = OmegaConf.load(defaults)
    mine = {
        "data.train_files": str(train),
        "data.val_files": str(val),
        "data.train_batch_size": 4,
        "data.dataloader_num_workers": 0,
        "data.custom_cls": {"path": PLUGIN, "name": "CurriculumDataset"},
        "data.lessonplan": lessonplan,
        "data.cache_dir": str(folder / "cache"),
        "trainer.v1.sampler.custom_sampler": {"path": PLUGIN, "name": "CurriculumReplayBuffer"},
        "reward.custom_reward_function": {"path": PLUGIN, "name": "compute_score"},
        "algorithm.adv_estimator": "grpo",
        "actor_rollout_ref.rollout.n": GROUP,
        "actor_rollout_ref.actor.ppo_mini_batch_size": 4,
        "trainer.total_training_steps": 6,
        "trainer.total_epochs": 100,
        "trainer.default_local_dir": str(folder / "checkpoints"),
        "trainer.logger": [],
        "trainer.val_before_train": False,
        "trainer.save_freq": -1,
        "trainer.test_freq": -1,
    }
    for key, value in {**mine, **dict(changes)}.items():
        OmegaConf.update(config, key, value, force_add=True, merge=False)
    return config


class Rewards:
    """The remote side of a reward worker, in this process: the real manager scores the text."""

    def __init__(self, config):
        self.config = config
        self.compute_score = SimpleNamespace(remote=self.score)

    async def score(self, data):
        manager = NaiveRewardManager(self.config, Letters(), get_custom_reward_fn(self.config))
        manager.loop = asyncio.get_running_loop()
        return await manager.run_single(data)


class Worker(AgentLoopWorkerTQ.__ray_metadata__.modified_class):
    """verl's agent-loop worker; what its language model would say is made up here."""

    def __init__(self, config, answers, crash):
        self.config, self.answers, self.crash = config, answers, crash
        self.reward_loop_worker_handles = [Rewards(config)]
        self.background_tasks = set()
        self.generated = []  # (ticket, session) of training rollouts

    async def _run_agent_loop(self, sampling_params, trajectory, *, trace, agent_name, **kwargs):
        info, session = kwargs["extra_info"], kwargs["session_id"]
        ticket = info.get("lessonplan_ticket")
        if not trajectory["validate"]:
            self.generated.append((ticket, session))
            if self.crash(ticket, session):
                raise RuntimeError("this rollout crashed")
        right = solves(info["problem_id"], ticket, session)
        text = f"Answer: {self.answers.get(info['problem_id'], '')}" if right else "no idea"
        response = Letters().encode(text)
        output = AgentLoopOutput(
            prompt_ids=[1, 2, 3],
            response_ids=response,
            response_mask=[1] * len(response),
            response_logprobs=[-1.0] * len(response),
            num_turns=2,
            metrics={},
            extra_fields={
                "min_global_steps": trajectory["step"] - 1,
                "max_global_steps": trajectory["step"] - 1,
            },
        )
        return await self._agent_loop_postprocess(output, trajectory["validate"], **kwargs)

    def _compute_multi_modal_inputs(self, output, input_ids):
        return {}

    def _compute_position_ids(self, input_ids, attention_mask, multi_modal_inputs, *rest):
        return torch.arange(input_ids.shape[-1]).unsqueeze(0)

    def _get_mm_processor_kwargs(self, audios):
        return {}

    async def _compute_teacher_logprobs(self, *args, **kwargs):
        return None

    async def _settle(self, prompts):
        await super().generate_sequences(prompts)
        while self.background_tasks:
            await asyncio.gather(*self.background_tasks)

    def generate_sequences(self, prompts):
        asyncio.run(self._settle(prompts))


class Actor:
    """The worker group of the actor: constant probabilities, a checkpoint that is a mark."""

    def __init__(self):
        self._dispatch_info = {"actor": [0]}

    def compute_log_prob(self, batch):
        fields = ["input_ids"]
        data = tq.kv_batch_get(keys=batch.keys, partition_id="train", select_fields=fields)
        rows = [torch.full((len(ids),), -1.0) for ids in data["input_ids"]]
        nested = torch.nested.as_nested_tensor(rows, layout=torch.jagged)
        data["log_probs"], data["entropy"] = nested, nested.clone()
        tq.kv_batch_put(
            keys=batch.keys, partition_id="train", fields=data.select("log_probs", "entropy")
        )
        return batch

    def update_actor(self, batch):
        fields = ["advantages", "rm_scores"]
        data = tq.kv_batch_get(keys=batch.keys, partition_id="train", select_fields=fields)
        assert all(torch.isfinite(row).all() for row in data["advantages"])
        return {"metrics": {"mfu": 0.0, "grad_norm": 1.0}}

    def save_checkpoint(self, path, *args, **kwargs):
        os.makedirs(path)

    def load_checkpoint(self, local_path, **kwargs):
        assert os.path.isdir(local_path)


class OnOneCpu:
    """What a driver leaves out of the trainer's `_setup`: all that starts models on devices."""

    def _setup(self):
        self.tokenizer, self.processor = Letters(), None
        self._init_dataloader()
        self._init_dump_executor()
        self.resource_pool_manager = SimpleNamespace(get_n_gpus=lambda: 1)
        self.actor_rollout_wg = Actor()
        self.reward_loop_manager = SimpleNamespace(reward_loop_worker_handles=[])
        self.checkpoint_manager = SimpleNamespace(
            update_weights=lambda step: None,
            sleep_replicas=lambda: None,
            abort_replicas=lambda: None,
            resume_generation_replicas=lambda: None,
        )
        self.llm_server_manager = None
        self.replay_buffer.poll_interval = 0.01
        self._load_checkpoint()


class Driver(OnOneCpu, PPOTrainerSync):
    """The synchronous trainer itself."""


class AsyncDriver(OnOneCpu, PPOTrainerColocateAsync):
    """The trainer of the mode colocate_async itself, over rollouts that are done at once."""


def train(config, answers, *, crash=lambda ticket, session: False, trainer=Driver):
    """Run the configured training to its end; the trainer, its curriculum and the rollouts."""
    random.seed(0)
    driver = trainer(config)
    driver.init()
    worker = Worker(config, answers, crash)
    try:
        driver.fit(worker)
    finally:
        left = [*(tq.kv_list("train") or {}).get("train", {})]  # of a run that was stopped
        if left:
            tq.kv_clear(partition_id="train", keys=left)
    dataset = driver.train_dataset
    dataset.curriculum.close()
    return SimpleNamespace(
        trainer=driver, dataset=dataset, curriculum=dataset.curriculum, generated=worker.generated
    )
