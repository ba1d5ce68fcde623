"""A model's configuration, tokenizer and weights, checked before anything large is loaded."""

from pathlib import Path

from transformers import (
    AutoConfig,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)

from lessonplan.errors import ConfigError
from lessonplan.training.train_config import Model

WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin")
ADAPTER = "adapter_config.json"
TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model", "*.tiktoken")


def model_config(model: Model) -> PretrainedConfig:
    """What a model is, without its weights.

    Raises ConfigError that says what a folder lacks, or why a hub id led nowhere.
    """
    folder = Path(model.path)
    if folder.is_dir() and not (folder / "config.json").is_file():
        adapter = (folder / ADAPTER).is_file()
        raise ConfigError(
            f"{folder} holds an adapter, not a model: merge it into its base model first, with "
            "peft's merge_and_unload"
            if adapter
            else f"{folder} is no model: it has no config.json. It holds {_names(folder)}"
        )
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            model.path, revision=model.revision or None
        )
    except (OSError, ValueError) as error:
        raise _unavailable(model, error) from None
    return config


def check_weights(model: Model) -> None:
    """Raise ConfigError for a folder that has a configuration and no weights."""
    folder = Path(model.path)
    if not folder.is_dir() or any(any(folder.glob(pattern)) for pattern in WEIGHTS):
        return
    raise ConfigError(
        f"{folder} has no weights (model.safetensors or its parts, or pytorch_model.bin); it holds "
        f"{_names(folder)}. --dry-run needs none"
    )


def has_tokenizer(model: Model) -> bool:
    """Whether there are files of one; a hub id is taken to have them."""
    folder = Path(model.path)
    return not folder.is_dir() or any(any(folder.glob(pattern)) for pattern in TOKENIZERS)


def load_tokenizer(model: Model) -> PreTrainedTokenizerBase:
    """The tokenizer, padding on the left.

    Raises ConfigError when there is none, or when it has no end token or no pad token and
    `model.pad_token` names none.
    """
    if not has_tokenizer(model):  # for some models an empty one would be made up
        raise ConfigError(
            f"{model.path} has no tokenizer; save it there with tokenizer.save_pretrained. It holds "
            f"{_names(Path(model.path))}"
        )
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            model.path, revision=model.revision or None, padding_side="left"
        )
    except Exception as error:  # noqa: BLE001  # what a wrong file raises differs by tokenizer
        folder = Path(model.path)
        if folder.is_dir():
            raise ConfigError(
                f"{folder} has no tokenizer that can be read ({_first_line(error)}); save it there "
                "with tokenizer.save_pretrained"
            ) from None
        raise _unavailable(model, error) from None
    if tokenizer.eos_token is None:
        raise ConfigError(
            f"the tokenizer of {model.path} has no end token, so no completion would ever end; set "
            "eos_token in its tokenizer_config.json"
        )
    if model.pad_token:
        if model.pad_token not in tokenizer.get_vocab():
            raise ConfigError(
                f'model.pad_token "{model.pad_token}" is no token of {model.path}; its special '
                f"tokens: {', '.join(map(str, tokenizer.all_special_tokens))}"
            )
        tokenizer.pad_token = model.pad_token
    if tokenizer.pad_token is None:
        raise ConfigError(
            f"the tokenizer of {model.path} has no pad token, and prompts of different lengths "
            f'need one. If nothing better is reserved: pad_token = "{tokenizer.eos_token}" in '
            "[model], its end token"
        )
    return tokenizer


def _unavailable(model: Model, error: Exception) -> ConfigError:
    """Why a hub id led nowhere, told apart by what the hub's library raised on the way."""
    kinds, cause = set(), error
    while cause is not None:
        kinds.add(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    name = f'model "{model.path}"'
    if Path(model.path).is_dir():
        return ConfigError(f"{name}: {_first_line(error)}")
    if "GatedRepoError" in kinds:
        return ConfigError(f"{name} is gated: accept its terms on the hub, then run hf auth login")
    if "RevisionNotFoundError" in kinds:
        return ConfigError(f'{name} has no revision "{model.revision}"')
    if "RepositoryNotFoundError" in kinds:
        return ConfigError(
            f"{name}: no folder of that name, and no such model on the hub (or a private one: run "
            "hf auth login)"
        )
    if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError"}:
        return ConfigError(
            f"{name}: no folder of that name, not among the downloaded models, and the hub cannot "
            "be reached. Check the name and the network, or give the folder of a saved model"
        )
    return ConfigError(f"{name}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__


def _names(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "nothing"
