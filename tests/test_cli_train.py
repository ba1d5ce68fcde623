"""The verb train: what it prints, writes, and how it ends."""

import json
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
from transformers import Qwen2Config

from lessonplan import cli
from lessonplan.generators import family
from lessonplan.training.learner import save_learner, tiny_model, tiny_tokenizer

EXAMPLE = Path(__file__).parents[1] / "examples" / "train.toml"
TINY = """\
name = "tiny"

[model]
path = "{folder}"

[problems]
tasks = ["counting"]
encoding = "tiny"
levels = [1, 2]
count = 16

[train]
steps = 3
problems_per_step = 2
group_size = 4
micro_batch = 8
max_completion_tokens = 4
save_every = 1

[evaluate]
problems = 4
"""


@pytest.fixture
def run(capsys):
    def call(*args):
        code = cli.main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    task = family("counting")
    folder = tmp_path_factory.mktemp("model")
    tokenizer = tiny_tokenizer(task.words)
    save_learner(folder, tiny_model(tokenizer, seed=0), tokenizer)
    return folder


@pytest.fixture
def toml(model, tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.format(folder=model))
    return path


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """A folder with nothing but the configuration of Qwen2.5-0.5B-Instruct."""
    folder = tmp_path_factory.mktemp("qwen")
    Qwen2Config(
        vocab_size=151_936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    ).save_pretrained(folder)
    return folder


def test_the_example_is_planned_offline_from_a_config_alone(run, qwen):
    code, out, _ = run("train", EXAMPLE, "--model", qwen, "--dry-run")
    assert code == cli.DONE
    assert "502.8 million parameters" in out and "LoRA: 8.8 million" in out
    assert "8 problems x 8 completions; 1 x 8 trained on at once, 8 times" in out
    assert "there is no tokenizer here" in out
    assert "24 GB: fits" in out and "Write the number between <answer> and </answer>." in out
    assert out.count("/train/0/") == 8


def test_a_plan_as_json(run, qwen):
    code, out, _ = run(
        "train", EXAMPLE, "--model", qwen, "--preset", "8x80gb", "--dry-run", "--json"
    )
    facts = json.loads(out)
    assert code == cli.DONE and facts["parameters"] == 494_032_768 + facts["trained_parameters"]
    assert facts["devices"] == 8 and facts["completions_per_step"] == 512
    assert facts["memory"]["peak"] == sum(facts["memory"]["training"].values())
    assert facts["memory"]["fits"] and len(facts["picks"]) == 64
    assert facts["sampler"] == "AdaptiveDifficulty" and facts["gates"] == ["ZeroVariance"]


def test_a_plan_that_does_not_fit_says_what_to_lower(run, qwen, tmp_path):
    path = tmp_path / "big.toml"
    path.write_text(EXAMPLE.read_text().replace("steps = 200", "max_completion_tokens = 100000"))
    _, out, _ = run("train", path, "--model", qwen, "--dry-run")
    assert "does not fit with a tenth to spare: lower train.micro_batch" in out


def test_a_run_says_how_it_goes_and_what_it_found(run, toml, tmp_path):
    code, out, err = run("train", toml, "-o", tmp_path / "run")
    assert code == cli.DONE
    assert "step 0: " in err and "of test problems right (greedy)" in err
    assert "step 3 of 3: reward " in err
    assert "held-out problems right" in out and "before" in out and "run/model holds" in out
    code, out, _ = run("train", toml, "-o", tmp_path / "run", "--resume", "--json")
    facts = json.loads(out)
    assert code == cli.DONE and facts["earlier"] and facts["steps"] == 3
    assert set(facts["after"]) == {"greedy", "sample"}
    code, out, err = run("train", toml, "-o", tmp_path / "run")
    assert code == cli.BAD_INPUT and out == "" and "add --resume" in err


def test_nothing_is_printed_when_quiet(run, toml, tmp_path):
    assert run("train", toml, "-o", tmp_path / "run", "-q") == (cli.DONE, "", "")


def test_a_wrong_hub_id_without_network_is_bad_input(run, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    code, out, err = run("train", EXAMPLE, "--model", "nobody/no-such-model", "--dry-run")
    assert code == cli.BAD_INPUT and out == ""
    assert err.startswith('model "nobody/no-such-model": no folder of that name')


def test_wrong_models_and_keys_are_bad_input(run, toml, model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "model.safetensors").unlink()
    code, _, err = run("train", toml, "--model", broken, "-o", tmp_path / "run")
    assert code == cli.BAD_INPUT and "has no weights" in err
    toml.write_text(toml.read_text().replace("micro_batch", "microbatch"))
    code, _, err = run("train", toml, "--dry-run")
    assert code == cli.BAD_INPUT
    assert 'tiny.toml:16: unknown key "microbatch" in [train]; nearest: "micro_batch"' in err


def test_weights_that_are_torn_are_said_to_be(run, toml, model, tmp_path):
    torn = shutil.copytree(model, tmp_path / "torn")
    weights = torn / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    code, _, err = run("train", toml, "--model", torn, "-o", tmp_path / "run")
    assert code == cli.BAD_INPUT and "its weights cannot be read" in err
