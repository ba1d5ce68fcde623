"""verl 0.7.1's real trainer on a CPU, with small stand-ins for rollouts and weights alone.

Real are the training loop, the data loader and its sampler, DataProto, rewards, advantages and
checkpoints.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import verl
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto
from verl.trainer.ppo.ray_trainer import RayPPOTrainer
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.trainer.ppo.utils import Role

from tests.verl.common import GROUP, PLUGIN, Letters, solves

PROMPT, RESPONSE = 3, 40  # tokens


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
        "data.sampler": {"class_path": PLUGIN, "class_name": "CurriculumSampler"},
        "data.lessonplan": lessonplan,
        "data.cache_dir": str(folder / "cache"),
        "custom_reward_function": {"path": PLUGIN, "name": "compute_score"},
        "reward.custom_reward_function": {"path": PLUGIN, "name": "compute_score"},
        "algorithm.adv_estimator": "grpo",
        "actor_rollout_ref.rollout.n": GROUP,
        "actor_rollout_ref.actor.ppo_mini_batch_size": 4,
        "trainer.total_training_steps": 8,
        "trainer.total_epochs": 10,
        "trainer.default_local_dir": str(folder / "checkpoints"),
        "trainer.logger": [],
        "trainer.val_before_train": False,
        "trainer.save_freq": -1,
        "trainer.test_freq": -1,
        "trainer.use_legacy_worker_impl": "enable",
        "trainer.device": "cpu",
    }
    for key, value in {**mine, **dict(changes)}.items():
        OmegaConf.update(config, key, value, force_add=True, merge=False)
    return config


class Rollouts:
    """The agent-loop manager: a right answer or a wrong one for every row, scored at once."""

    def __init__(self, config, answers):
        self.answers, self.score = answers, get_custom_reward_fn(config)
        self.generated = []  # (ticket, session)

    def generate_sequences(self, batch):
        responses = torch.zeros(len(batch), RESPONSE, dtype=torch.int64)
        scores, lost, sessions = [], [], {}
        for row, info in enumerate(batch.non_tensor_batch["extra_info"]):
            ticket = info["lessonplan_ticket"]
            session = sessions[ticket] = sessions.get(ticket, -1) + 1
            self.generated.append((ticket, session))
            truth = self.answers[info["problem_id"]]
            right = solves(info["problem_id"], ticket, session)
            text = f"Answer: {truth}" if right else "no idea"
            responses[row, : len(text)] = torch.tensor(Letters().encode(text))
            found = self.score(
                data_source="", solution_str=text, ground_truth=truth, extra_info=info
            )
            scores.append(found["score"])
            lost.append(found["unscorable"])
        prompts = torch.ones(len(batch), PROMPT, dtype=torch.int64)
        ids = torch.cat([prompts, responses], dim=1)
        mask = (responses != 0).long()
        last = mask.sum(dim=1) - 1
        rewards = torch.zeros(len(batch), RESPONSE)
        rewards[torch.arange(len(batch)), last] = torch.tensor(scores)
        tensors = {
            "prompts": prompts,
            "responses": responses,
            "response_mask": mask,
            "input_ids": ids,
            "attention_mask": (ids != 0).long(),
            "position_ids": torch.arange(ids.shape[1]).repeat(len(batch), 1),
            "rm_scores": rewards,
        }
        columns = {
            "__num_turns__": np.full(len(batch), 2),
            "score": np.array(scores),
            "unscorable": np.array(lost),
            "multi_modal_inputs": np.array([{}] * len(batch), dtype=object),
        }
        return DataProto(
            batch=TensorDict(tensors, batch_size=len(batch)),
            non_tensor_batch=columns,
            meta_info={"timing": {}, "reward_extra_keys": ["score", "unscorable"]},
        )


class Actor:
    """The worker group of the actor: constant probabilities, a checkpoint that is a mark."""

    def __init__(self):
        self._dispatch_info = {"actor": [0]}

    def compute_log_prob(self, batch):
        constant = torch.full((len(batch), RESPONSE), -1.0)
        return DataProto.from_single_dict({"old_log_probs": constant, "entropys": -constant})

    def update_actor(self, batch):
        assert torch.isfinite(batch.batch["advantages"]).all()
        metrics = {"actor/grad_norm": 1.0}
        return DataProto.from_single_dict({}, meta_info={"metrics": metrics})

    def save_checkpoint(self, path, *args, **kwargs):
        os.makedirs(path)

    def load_checkpoint(self, path, **kwargs):
        assert os.path.isdir(path)


def train(config, answers, *, stop_at=None):
    """Run the configured training; `stop_at` kills it where that step's checkpoint is finished."""
    trainer = RayPPOTrainer(
        config=config,
        tokenizer=Letters(),
        role_worker_mapping={Role.ActorRollout: None},
        resource_pool_manager=SimpleNamespace(get_n_gpus=lambda: 1),
    )
    trainer.actor_rollout_wg = Actor()
    trainer.async_rollout_manager = rollouts = Rollouts(config, answers)

    def update_weights(step):
        if step and step == stop_at:
            raise KeyboardInterrupt

    trainer.checkpoint_manager = SimpleNamespace(
        update_weights=update_weights, sleep_replicas=lambda: None
    )
    try:
        trainer.fit()
    except KeyboardInterrupt:
        pass
    dataset = trainer.train_dataset
    dataset.curriculum.close()
    return SimpleNamespace(
        dataset=dataset, curriculum=dataset.curriculum, generated=rollouts.generated
    )
