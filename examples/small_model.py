"""Save a small untrained language model, so that the examples run without a download."""

import string
import tempfile

from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


def small_model() -> str:
    """A folder with a two-layer Llama and a tokenizer of single characters."""
    letters = {letter: i for i, letter in enumerate(["<pad>", "<end>", *string.printable])}
    core = Tokenizer(models.WordLevel(letters, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<end>", padding_side="left"
    )
    config = LlamaConfig(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    folder = tempfile.mkdtemp()
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    print(small_model())
