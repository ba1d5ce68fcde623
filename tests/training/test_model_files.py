"""What is said of a model that cannot be used, before anything large is loaded."""

import json
import shutil

import huggingface_hub.constants
import pytest
from transformers import PreTrainedTokenizerFast, Qwen2Config

from lessonplan.errors import ConfigError
from lessonplan.training.learner import save_learner, tiny_model
from lessonplan.training.model_files import check_weights, load_tokenizer, model_config
from lessonplan.training.train_config import Model


@pytest.fixture(scope="session")
def saved(tmp_path_factory, tokenizer):
    folder = tmp_path_factory.mktemp("model")
    save_learner(folder, tiny_model(tokenizer, seed=0), tokenizer)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of a saved model, to be spoiled."""
    return shutil.copytree(saved, tmp_path / "model")


def spoil(folder, **changes):
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return Model(str(folder))


def test_a_whole_folder_is_read(folder):
    model = Model(str(folder))
    assert model_config(model).hidden_size == 64
    tokenizer = load_tokenizer(model)
    assert tokenizer.padding_side == "left" and tokenizer.pad_token == "<pad>"
    check_weights(model)


def test_a_hub_id_without_network(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    message = (
        'model "nobody/no-such-model": no folder of that name, not among the downloaded models, '
        "and the hub cannot be reached"
    )
    for read in (model_config, load_tokenizer):
        with pytest.raises(ConfigError, match=message):
            read(Model("nobody/no-such-model"))
    check_weights(Model("nobody/no-such-model"))  # the hub's files are not looked for here


def test_a_name_that_can_be_no_hub_id():
    with pytest.raises(ConfigError, match='model "a b//c": Repo id must be'):
        model_config(Model("a b//c"))


def test_a_folder_that_is_no_model(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ConfigError, match=r"is no model: it has no config\.json. It holds notes"):
        model_config(Model(str(tmp_path)))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is not a valid JSON file"):
        model_config(Model(str(tmp_path)))


def test_a_folder_with_an_adapter_alone(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds an adapter, not a model: merge it"):
        model_config(Model(str(tmp_path)))


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    model_config(Model(str(folder)))
    with pytest.raises(ConfigError, match=r"has no weights .* it holds config.json, generation_"):
        check_weights(Model(str(folder)))


def test_a_folder_without_a_tokenizer(folder):
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text("{")
    with pytest.raises(ConfigError, match=r"has no tokenizer that can be read .* save it there"):
        load_tokenizer(Model(str(folder)))
    tokenizer.unlink()
    with pytest.raises(ConfigError, match=r"has no tokenizer; save it there .* It holds config"):
        load_tokenizer(Model(str(folder)))


def test_no_tokenizer_is_made_up_for_a_config_alone(tmp_path):
    """The library would give an empty one for this kind of model."""
    Qwen2Config(vocab_size=100, hidden_size=8).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="has no tokenizer; save it there"):
        load_tokenizer(Model(str(tmp_path)))


def test_a_tokenizer_without_pad_token(folder):
    model = spoil(folder, pad_token=None)
    with pytest.raises(ConfigError, match='has no pad token, .* pad_token = "<end>" in .model'):
        load_tokenizer(model)
    tokenizer = load_tokenizer(Model(str(folder), pad_token="<end>"))
    assert isinstance(tokenizer, PreTrainedTokenizerFast) and tokenizer.pad_token == "<end>"
    with pytest.raises(ConfigError, match=r'model\.pad_token "\[PAD\]" is no token of'):
        load_tokenizer(Model(str(folder), pad_token="[PAD]"))


def test_a_tokenizer_without_end_token(folder):
    with pytest.raises(ConfigError, match="has no end token, so no completion would ever end"):
        load_tokenizer(spoil(folder, eos_token=None))
