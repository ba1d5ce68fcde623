"""Whole runs from a configuration: accuracy rises, the log is whole, a stopped run goes on."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from lessonplan.analysis import read_journal
from lessonplan.curricula import Lock, read_events
from lessonplan.errors import ConfigError, EngineError, LockedError
from lessonplan.generators import family, stream
from lessonplan.selection import Uniform
from lessonplan.training.learner import save_learner, tiny_model, tiny_tokenizer
from lessonplan.training.train import grpo_config, plan_train, train
from lessonplan.training.train_config import parse_train
from lessonplan.training.warm_start import supervised_steps


class Full(Uniform):
    """Stands for a device that is full at the second step."""

    def tell(self, feedback):
        super().tell(feedback)
        raise torch.OutOfMemoryError("simulated")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A small Llama in a folder that solves easy displacements now and then."""
    task = family("spatial")
    tokenizer = tiny_tokenizer(task.words)
    model = tiny_model(tokenizer, seed=0)
    examples = stream(task, {1: 3.0, 2: 1.0}, split="warmup", seed=0)
    for _ in supervised_steps(model, tokenizer, examples, steps=100):
        pass
    folder = tmp_path_factory.mktemp("start")
    save_learner(folder, model, tokenizer)
    return folder


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    task = family("spatial")
    folder = tmp_path_factory.mktemp("untrained")
    tokenizer = tiny_tokenizer(task.words)
    save_learner(folder, tiny_model(tokenizer, seed=0), tokenizer)
    return folder


def config(model, *, evaluate=None, steps=25, **sections):
    table = {
        "model": {"path": str(model)},
        "problems": {"tasks": ["spatial"], "encoding": "tiny", "levels": [1, 2], "count": 64},
        "train": {"steps": steps, "max_completion_tokens": 20, **sections.pop("train", {})},
        "evaluate": evaluate or {"problems": 100, "samples": 2},
    }
    return parse_train({**table, **sections}, where="run.toml")


def short(model, **sections):
    """A run of seconds: nothing is learned, everything is written."""
    sections["train"] = {"micro_batch": 8, "problems_per_step": 4, "group_size": 4, "save_every": 2,
                         "max_completion_tokens": 6} | sections.get("train", {})  # fmt: skip
    return config(model, evaluate={"problems": 4, "every": 2}, **{"steps": 6, **sections})


def asked(folder):
    return [event["ids"] for event in read_events(folder / "journal.jsonl") if "ids" in event]


def test_accuracy_on_held_out_problems_rises_with_all_weights_trained(start, tmp_path):
    heard = []
    result = train(config(start), tmp_path / "run", report=heard.append)
    assert result.before["sample"] == pytest.approx(0.53, abs=0.05)
    assert result.after["sample"] >= result.before["sample"] + 0.06
    assert result.after["greedy"] >= result.before["greedy"]
    assert [one["step"] for one in heard if "reward" in one] == [*range(1, 26)]
    assert heard[0]["step"] == 0 and heard[-1]["accuracy"] == result.after["sample"]
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model")
    assert (
        sum(one.numel() for one in trained.parameters())
        == plan_train(config(start)).memory.parameters
    )

    run = read_journal(tmp_path / "run" / "journal.jsonl")
    assert run.status == "done" and run.info.sampler == "AdaptiveDifficulty" and run.info.n == 64
    assert run.ledger["trained"] == 25 * 8 and run.ledger["open"] == 0
    assert [(one.step, one.decode) for one in run.evals if one.split == "test"] == [
        (0, "greedy"), (0, "sample"), (25, "greedy"), (25, "sample"),
    ]  # fmt: skip


def test_accuracy_on_held_out_problems_rises_with_lora(start, tmp_path):
    low_rank = config(start, lora={"rank": 8, "alpha": 16}, gates={"ZeroVariance": {}})
    result = train(low_rank, tmp_path / "run")
    assert result.after["sample"] >= result.before["sample"] + 0.06
    assert result.after["greedy"] >= result.before["greedy"]
    adapter = json.loads((tmp_path / "run" / "model" / "adapter_config.json").read_text())
    assert adapter["r"] == 8 and adapter["base_model_name_or_path"] == str(start)
    added = load_file(tmp_path / "run" / "model" / "adapter_model.safetensors")
    assert sum(one.numel() for one in added.values()) == plan_train(low_rank).memory.trained
    assert read_journal(tmp_path / "run" / "journal.jsonl").ledger["filtered"] > 0


class Stopped(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("lora", [None, {"rank": 4}], ids=["all weights", "lora"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(untrained, tmp_path, lora):
    sections = {"lora": lora} if lora else {}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(short(untrained, **sections), whole)

    def stop(facts):
        if facts["step"] == 3 and "reward" in facts:
            raise Stopped

    with pytest.raises(Stopped):
        train(short(untrained, **sections), cut, report=stop)
    (cut / "checkpoint-99").mkdir()  # a kill while it was written
    result = train(short(untrained, **sections), cut, resume=True)
    assert result.resumed_from == 2 and result.steps == 6
    assert read_journal(cut / "journal.jsonl").resumes == (2,)
    evals = [
        [(one.step, one.split, one.correct.tolist()) for one in read_journal(path).evals]
        for path in (whole / "journal.jsonl", cut / "journal.jsonl")
    ]
    assert evals[0] == evals[1] and len(evals[0]) == 2 * (1 + 1 + 3 + 1)
    name = "adapter_model.safetensors" if lora else "model.safetensors"
    one, two = (load_file(folder / "model" / name) for folder in (whole, cut))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_run_stopped_before_its_first_checkpoint_begins_again(untrained, tmp_path):
    def stop(facts):
        raise Stopped

    with pytest.raises(Stopped):
        train(short(untrained, steps=2), tmp_path / "run", report=stop)
    result = train(short(untrained, steps=2), tmp_path / "run", resume=True)
    assert (
        result.resumed_from == 0
        and result.steps == 2
        and set(result.before) == {"greedy", "sample"}
    )


def test_a_folder_is_of_one_run(untrained, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(ConfigError, match="holds no run to resume; leave --resume out"):
        train(short(untrained, steps=2), run, resume=True)
    train(short(untrained, steps=2), run)
    with pytest.raises(ConfigError, match="holds this run already: add --resume"):
        train(short(untrained, steps=2), run)
    with pytest.raises(ConfigError, match=r"with other settings; different here: name = \"Uniform"):
        train(short(untrained, steps=2, sampler={"name": "Uniform"}), run, resume=True)
    again = train(short(untrained, steps=2), run, resume=True)
    assert again.earlier and again.steps == 2
    longer = train(short(untrained, steps=4), run, resume=True)
    assert longer.resumed_from == 2 and longer.steps == 4 and not longer.earlier
    with (
        Lock(run / ".train.lock", what=str(run)),
        pytest.raises(LockedError, match="run is being written by pid"),
    ):
        train(short(untrained, steps=4), run, resume=True)


def test_the_plan_names_the_picks_that_the_run_makes(untrained, tmp_path):
    one = short(untrained, steps=2)
    plan = plan_train(one)
    train(one, tmp_path / "run")
    first = next(ids for ids in asked(tmp_path / "run") if len(ids) == 4 and "train" in ids[0])
    assert [pick.id for pick in plan.picks] == first
    assert plan.measured and plan.longest_prompt < 20
    assert plan.tokens_per_step == 16 * (plan.longest_prompt + 6)


def test_a_plan_needs_a_config_alone(untrained, tmp_path):
    shutil.copy(untrained / "config.json", tmp_path)
    plan = plan_train(short(tmp_path))
    assert not plan.measured and plan.memory.parameters > 100_000
    assert [one.id for one in plan.picks] == [one.id for one in plan_train(short(untrained)).picks]


def test_own_problems_through_a_chat_template(untrained, tmp_path):
    folder = shutil.copytree(untrained, tmp_path / "model")
    template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    (folder / "chat_template.jinja").write_text(template)
    data = tmp_path / "mine.jsonl"
    word = family("spatial").words[0]
    data.write_text("\n".join(f'{{"prompt": "{word} {word}", "answer": "{i}"}}' for i in range(30)))
    table = {
        "model": {"path": str(folder)},
        "data": {"file": str(data), "ending": ""},
        "sampler": {"name": "Uniform"},
        "train": {"steps": 2, "problems_per_step": 2, "group_size": 4, "micro_batch": 8,
                  "max_completion_tokens": 4},
        "evaluate": {"problems": 0},
    }  # fmt: skip
    result = train(parse_train(table, where="own.toml"), tmp_path / "run")
    assert result.steps == 0 and result.after == {}
    tells = [e for e in read_events(tmp_path / "run" / "journal.jsonl") if e["event"] == "tell"]
    assert [len(one["rewards"]) for one in tells] == [2, 2]


def test_a_full_device_is_said_with_what_to_lower(untrained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "full_device", sys.modules[__name__])
    with pytest.raises(EngineError, match=r"out of memory after 0 steps: lower train.micro_batch"):
        train(short(untrained, steps=2, sampler={"name": "full_device:Full"}), tmp_path / "run")
    last = list(read_events(tmp_path / "run" / "journal.jsonl"))[-1]
    assert last["event"] == "end" and last["status"] == "failed"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_preset_for_gpus_on_a_machine_without(untrained, tmp_path):
    with pytest.raises(ConfigError, match='preset "24gb" needs a GPU, and none is visible'):
        train(config(untrained, hardware={"preset": "24gb"}), tmp_path / "run")
    with pytest.raises(ConfigError, match="devices = 8 needs as many processes, and WORLD_SIZE is"):
        train(config(untrained, hardware={"preset": "8x80gb"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_few_problems_for_a_step(untrained, tmp_path):
    few = config(untrained, train={"problems_per_step": 96, "micro_batch": 8})
    with pytest.raises(ConfigError, match="64 training problems are fewer than the 96 of a step"):
        plan_train(few)


def test_what_trl_refuses_is_said_in_its_own_words(untrained, tmp_path):
    with pytest.raises(ConfigError, match=r'unknown key "betta" in \[trl\]; nearest: "beta"'):
        plan_train(config(untrained, trl={"betta": 0.1}))
    with pytest.raises(ConfigError, match="TRL refuses these settings: vllm_.*must be less than"):
        train(short(untrained, trl={"vllm_importance_sampling_clip_min": 9.0}), tmp_path / "vllm")
    with pytest.raises(ConfigError, match="TRL refuses these settings: .*nowhere"):
        train(short(untrained, lora={"targets": ["nowhere"]}), tmp_path / "lora")


@pytest.mark.skipif(find_spec("wandb") is not None, reason="the logger is installed")
def test_a_logger_that_is_not_installed(untrained, tmp_path):
    with pytest.raises(ConfigError, match="TRL refuses these settings: .*wandb"):
        train(short(untrained, trl={"report_to": "wandb"}), tmp_path / "run")


def test_other_keys_reach_trl_as_they_are(untrained, tmp_path):
    passed = {"use_vllm": True, "vllm_mode": "colocate", "beta": 0.1, "report_to": "none"}
    args = grpo_config(config(untrained, trl=passed), tmp_path)
    assert args.use_vllm and args.vllm_mode == "colocate" and args.beta == 0.1
    assert args.max_steps == 25 and args.num_generations == 8 and not args.bf16
    assert args.per_device_train_batch_size == 64 and args.learning_rate == 1e-4


RANK = """
import json, os, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from lessonplan.training.train import train
from lessonplan.training.train_config import load_train
result = train(load_train(sys.argv[1]), sys.argv[2])
Path(sys.argv[2], f"rank{os.environ['RANK']}.json").write_text(json.dumps([result.steps, *result.after]))
"""


@pytest.mark.skipif(os.environ.get("TRL_RANKS") != "all", reason="takes two cores; CI runs it")
def test_two_processes_share_one_run(untrained, tmp_path):
    (tmp_path / "rank.py").write_text(RANK)
    from lessonplan.training.train_config import train_toml

    two = short(untrained, steps=2, hardware={"devices": 2}, train={"micro_batch": 4})
    (tmp_path / "two.toml").write_text(train_toml(two))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
               "--standalone", "rank.py", "two.toml", "run"]  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=110,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "run" / "rank0.json").read_text()) == [2, "greedy", "sample"]
    run = read_journal(tmp_path / "run" / "journal.jsonl")
    assert run.status == "done" and run.ledger["trained"] == 8 and run.rollouts == 32
    assert [len(one.correct) for one in run.evals if one.split == "test"] == [4, 4, 4, 4]
