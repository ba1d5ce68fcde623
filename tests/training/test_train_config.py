"""The configuration of a run: presets, what is checked, and the resolved file."""

import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from lessonplan.errors import ConfigError
from lessonplan.training.train_config import (
    PRESETS,
    TrainConfig,
    load_train,
    parse_train,
    train_toml,
)

ROOT = Path(__file__).parents[2]

LEAST = """\
[model]
path = "somebody/model"

[problems]
count = 64
"""


def load(tmp_path, text, **overrides):
    path = tmp_path / "run.toml"
    path.write_text(text)
    return load_train(path, **overrides)


def test_a_model_and_problems_are_enough(tmp_path):
    config = load(tmp_path, LEAST)
    assert config.name == "run" and config.hardware.preset == "cpu"
    assert config.completions == 64 and config.accumulation == 1
    assert config.train.learning_rate == 1e-4 and config.model.dtype == "float32"
    assert config.sampler.name == "AdaptiveDifficulty" and config.gates == {}


@pytest.mark.parametrize(
    ("preset", "devices", "accumulation", "memory"),
    [("24gb", 1, 8, 24), ("80gb", 1, 8, 80), ("8x80gb", 8, 4, 80)],
)
def test_a_preset_fills_in_what_is_left_out(tmp_path, preset, devices, accumulation, memory):
    config = load(tmp_path, LEAST, preset=preset)
    assert config.hardware.devices == devices and config.accumulation == accumulation
    assert config.hardware.memory_gb == memory and config.hardware.precision == "bfloat16"
    assert config.train.learning_rate == 1e-6 and config.model.dtype == "float32"
    low_rank = load(tmp_path, LEAST + "\n[lora]\n", preset=preset)
    assert low_rank.train.learning_rate == 1e-5 and low_rank.model.dtype == "bfloat16"


def test_what_the_file_says_comes_before_the_preset(tmp_path):
    text = LEAST + '\n[hardware]\npreset = "80gb"\nmemory_gb = 40.0\n\n[train]\nmicro_batch = 4\n'
    config = load(tmp_path, text, model="other/model")
    assert config.hardware.memory_gb == 40 and config.train.micro_batch == 4
    assert config.accumulation == 32 and config.model.path == "other/model"
    assert config.train.problems_per_step == 16


def test_the_resolved_file_reads_back(tmp_path):
    text = LEAST + (
        '\n[lora]\ntargets = ["q_proj"]\n\n[gates.ZeroVariance]\n\n[gates.Band]\nlo = 0.1\n'
        '\n[trl]\nreport_to = "none"\nbeta = 0.01\n\n[sampler]\nname = "Uniform"\n'
    )
    config = load(tmp_path, text, preset="24gb")
    again = load(tmp_path, train_toml(config))
    assert train_toml(again) == train_toml(config)
    assert again.gates == {"ZeroVariance": {}, "Band": {"lo": 0.1}}
    assert again.lora is not None and list(again.lora.targets) == ["q_proj"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAST + "[train]\nlerning_rate = 1e-5\n", ':7: unknown key "lerning_rate" in .train.; nearest: "lear'),
        (LEAST + "[lorra]\n", ':6: unknown key "lorra"; nearest: "lora"'),
        (LEAST + '[hardware]\npreset = "24 GB"\n', 'no preset "24 GB"; nearest: 24gb'),
        (LEAST + '[data]\nfile = "x"\n', "and not both"),
        ('[model]\npath = "x"\n', r"needs \[problems\] to make some or \[data\]"),
        ("[problems]\n", "missing required field `path`"),
        (LEAST + "[train]\ngroup_size = 1\n", "group_size must be at least 2, got 1"),
        (LEAST + "[train]\nmicro_batch = 24\n", "8 problems x 8 completions = 64 a step cannot"),
        (LEAST + "[train]\nsteps = 0\n", "steps must be at least 1, got 0"),
        (LEAST + "[train]\nkeep_checkpoints = 1\n", "keep_checkpoints must be at least 2"),
        (LEAST + "[train]\nrefill = 1\n", "give a gate, or 0"),
        (LEAST + '[sampler]\nname = "Uniformm"\n', 'no sampler "Uniformm"; nearest: Uniform'),
        (LEAST + '[sampler]\nargs = {targt = 1}\n', 'has no argument "targt"; nearest: target'),
        (LEAST + "[gates.ZeroVar]\n", 'no gate "ZeroVar"; nearest: ZeroVariance'),
        (LEAST + "[gates.Band]\nlow = 1\n", 'Band has no argument "low"; nearest: lo'),
        (LEAST.replace("count = 64", 'tasks = ["countng"]'), 'no family "countng"'),
        (LEAST + "[trl]\nmax_steps = 9\n", r"\[trl\] max_steps is said by train.steps; set it"),
        (LEAST + "[evaluate]\nevery = -1\n", "must not be negative"),
        ("name = [", "Invalid value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert "run.toml" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.toml is no file; examples/train\.toml is one"):
        load_train(tmp_path / "no.toml")


def test_the_example_is_a_configuration():
    config = load_train(ROOT / "examples" / "train.toml")
    assert config.model.path == "Qwen/Qwen2.5-0.5B-Instruct" and config.lora is not None
    assert config.name == "counting" and "ZeroVariance" in config.gates


def test_the_page_shows_every_key_with_its_default():
    page = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
    made, own = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[:2]
    shown = parse_train(tomllib.loads(made), where="docs/train.md")
    least = {"name": "mine", "model": {"path": shown.model.path}, "problems": {}, "lora": {}}
    assert train_toml(shown) == train_toml(parse_train(least, where="docs/train.md"))
    assert parse_train(tomllib.loads(own), where="docs/train.md").data is not None
    for key in every_key(TrainConfig):
        assert re.search(rf"^\[?(?:# )?{key}\b", made + own, re.MULTILINE), key
    for preset in PRESETS:
        assert f'| `"{preset}"` |' in page, preset


def every_key(cls):
    optional = {"Made | None", "Own | None", "Lora | None"}
    for one in fields(cls):
        yield one.name
        kinds = one.type.__args__ if str(one.type).split(".")[-1] in optional else (one.type,)
        for kind in kinds:
            if is_dataclass(kind):
                yield from every_key(kind)
