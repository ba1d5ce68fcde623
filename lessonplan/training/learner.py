"""A Llama so small that reinforcement learning with it runs on a laptop, and its tokenizer."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAD, BEGIN, END = "<pad>", "<begin>", "<end>"


def tiny_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Whole words split at spaces, padded on the left, `<begin>` put before every prompt.

    `words` is the closed vocabulary of a tiny encoding; any other word is an error, not a guess,
    so there is no unknown token.
    """
    vocabulary = {word: i for i, word in enumerate([PAD, BEGIN, END, *words])}
    if len(vocabulary) != len(words) + 3:
        raise ValueError("the words of a vocabulary must differ from each other and from <...>")
    core = Tokenizer(WordLevel(vocabulary, unk_token=PAD))
    core.pre_tokenizer = WhitespaceSplit()
    core.post_processor = TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, vocabulary[BEGIN])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=128,
    )


def tiny_model(tokenizer: PreTrainedTokenizerFast, *, seed: int) -> LlamaForCausalLM:
    """About 115,000 parameters: hidden size 64, 2 layers, 4 heads, untied embeddings, float32."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=192,
        max_position_embeddings=128,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    # generation stops at the end token only if the generation config knows it
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def save_learner(folder: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write weights (safetensors), configuration and tokenizer, readable by `from_pretrained`."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load_learner(folder: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """The model and tokenizer of `save_learner`, a new object at every call."""
    model: LlamaForCausalLM = LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    )
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
        folder, local_files_only=True
    )
    return model, tokenizer
