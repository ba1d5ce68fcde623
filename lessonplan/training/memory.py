"""How many bytes of one device a GRPO run needs, computed from the model's configuration alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from lessonplan.training.train_config import Lora, TrainConfig

if TYPE_CHECKING:
    from peft import LoraConfig

BYTES = {"float32": 4, "bfloat16": 2}
GIB = 2**30
ROOM = 0.9  # share of a device that may be planned for; the rest is fragments and the runtime; ours
# TRL computes log-probabilities in tiles of at most so many tokens and words of the vocabulary.
TILE_TOKENS, TILE_WORDS = 4096, 32_768


@dataclass(frozen=True, slots=True)
class Shape:
    """What the memory of a run depends on besides its model."""

    tokens: int  # of the longest prompt and completion together
    micro_batch: int  # sequences trained on at once
    generated: int  # sequences generated at once: all of this device's
    weights: str  # "float32" or "bfloat16": how weights are kept
    compute: str  # the same, of the arithmetic
    checkpointing: bool = False
    devices: int = 1
    lora: Lora | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Parameters, and bytes of one device in the two phases of a step; the larger one counts."""

    parameters: int
    trained: int
    training: Mapping[str, int]  # bytes by what they are for
    generating: Mapping[str, int]

    @property
    def peak(self) -> int:
        return max(sum(self.training.values()), sum(self.generating.values()))

    def fits(self, memory_gb: float) -> bool:
        """Whether the peak leaves a tenth of a device with so many gigabytes free."""
        return self.peak <= ROOM * memory_gb * 1e9


def shape_of(config: TrainConfig, longest_prompt: int) -> Shape:
    """The shape of a configured run whose longest prompt has so many tokens."""
    return Shape(
        tokens=longest_prompt + config.train.max_completion_tokens,
        micro_batch=config.train.micro_batch,
        generated=config.completions // config.hardware.devices,
        weights=config.model.dtype,
        compute=config.hardware.precision,
        checkpointing=config.hardware.gradient_checkpointing,
        devices=config.hardware.devices,
        lora=config.lora,
    )


def estimate(model: PretrainedConfig, shape: Shape) -> Estimate:
    """The memory of full training or LoRA with AdamW, on one of `shape.devices` equal devices.

    With P parameters, P' of them trained, L layers, hidden size H, feed-forward size I, query size
    Q, key-value size K, A heads, vocabulary V, b and w bytes of arithmetic and weights, B sequences
    of T tokens trained on at once and R generated at once:

    * weights w P; gradients 4 P' (2 P' in pure bfloat16); AdamW twice as much; several devices
      keep the gradients once more, in the buckets that they exchange;
    * casts 2 P: automatic mixed precision keeps a bfloat16 copy of every float32 weight;
    * activations L B T a, or L B T H r + B T a with checkpointing (one layer at a time, between
      inputs of r bytes), where a = 6 H b + 2 (Q + K + 2 I) b + 4 (A + 2) counts, for each token and
      layer, two norms with input, normed value and output, queries, keys, values, attention,
      and four vectors of the gated feed-forward block. Mixed precision keeps norms in float32 and
      a bfloat16 copy for each projection: 26 H bytes in place of 6 H b. LoRA adds 14 r ranks;
    * one tile of logits for log-probabilities, and the gradient of the vocabulary's matrix;
    * while generating, keys and values 2 K L R T w, and V R (b + 12) bytes of logits.

    Parameters are counted on a model without storage, so they are exact for any architecture;
    activations are those of Llama, Qwen2 and their like. Not counted: what the runtime itself
    takes, fragments, a reference model (`beta`), sharding, and vLLM.
    """
    text = model.get_text_config()
    counted, trained, trained_bytes = _count(model, shape)
    b = BYTES[shape.compute]
    mixed = shape.compute == "bfloat16" and shape.weights == "float32"
    stored = counted * BYTES[shape.weights] + (trained_bytes if shape.lora else 0)
    head = min(shape.micro_batch * shape.tokens, TILE_TOKENS) * min(text.vocab_size, TILE_WORDS) * b
    if not shape.lora:
        head += text.vocab_size * text.hidden_size * 4
    training = {
        "weights": stored,
        "gradients": trained_bytes,
        "optimizer": 2 * trained_bytes,
        "exchange": trained_bytes if shape.devices > 1 else 0,
        "casts": 2 * counted if mixed else 0,
        "activations": _activations(text, shape),
        "log-probabilities": head,
    }
    generating = {
        "weights": stored,
        "optimizer": 2 * trained_bytes,
        "casts": 2 * counted if mixed else 0,
        "keys and values": _cache(text, shape),
        "logits": text.vocab_size * shape.generated * (b + 12),
    }
    return Estimate(
        counted + (trained if shape.lora else 0),
        trained,
        {name: size for name, size in training.items() if size},
        {name: size for name, size in generating.items() if size},
    )


def empty_model(model: PretrainedConfig) -> PreTrainedModel:
    """The model that a configuration describes, without storage for its weights."""
    with torch.device("meta"):
        made: PreTrainedModel = AutoModelForCausalLM.from_config(model)
    return made


def _count(model: PretrainedConfig, shape: Shape) -> tuple[int, int, int]:
    """Parameters of the model itself, those that are trained, and the bytes of the latter."""
    made = empty_model(model)
    counted = sum(one.numel() for one in made.parameters())
    if shape.lora is None:
        return counted, counted, counted * BYTES[shape.weights]
    from peft import get_peft_model

    adapted = get_peft_model(made, lora_config(shape.lora))
    trained = sum(one.numel() for one in adapted.parameters() if one.requires_grad)
    return counted, trained, 4 * trained  # peft keeps its additions in float32


def _activations(text: PretrainedConfig, shape: Shape) -> int:
    hidden, layers = int(text.hidden_size), int(text.num_hidden_layers)
    heads = int(text.num_attention_heads)
    b = BYTES[shape.compute]
    size = _head_size(text)
    norms = 26 * hidden if b == 2 else 24 * hidden
    attention = 2 * b * size * (heads + _kv_heads(text)) + 4 * (heads + 2)
    one = norms + attention + 4 * b * int(text.intermediate_size)
    if shape.lora:
        one += 7 * b * shape.lora.rank
    tokens = shape.micro_batch * shape.tokens
    if shape.checkpointing:
        return tokens * (layers * hidden * BYTES[shape.weights] + one)
    return tokens * layers * one


def _cache(text: PretrainedConfig, shape: Shape) -> int:
    """Keys and values, in the precision of the weights, whatever the arithmetic (measured)."""
    layers = int(text.num_hidden_layers)
    one = 2 * _kv_heads(text) * _head_size(text) * layers
    return one * shape.generated * shape.tokens * BYTES[shape.weights]


def _kv_heads(text: PretrainedConfig) -> int:
    return int(getattr(text, "num_key_value_heads", None) or text.num_attention_heads)


def _head_size(text: PretrainedConfig) -> int:
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(size)


def lora_config(lora: Lora) -> "LoraConfig":
    """peft's own configuration of these additions."""
    from peft import LoraConfig

    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
