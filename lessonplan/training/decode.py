"""Sample completions from a small float32 Llama in half the time of `model.generate`.

One prefill for each distinct prompt, its cache copied once per completion into a buffer of the
final size, projections fused from the live weights at every call, and a stop as soon as every row
has ended. Any other model goes through `model.generate`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Completions:
    """R sampled completions, in the order prompt 0 copy 0, prompt 0 copy 1, ...

    `tokens` include the end token where one was sampled; `logprobs` are natural logarithms of the
    probabilities with which each token was drawn, at the sampling temperature.
    """

    tokens: list[list[int]]
    logprobs: list[list[float]]


def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    *,
    copies: int = 1,
    max_new_tokens: int,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Completions:
    """`copies` completions of each prompt; temperature 0 takes the likeliest token.

    Raises ValueError for an empty prompt, a negative temperature or fewer than one copy.
    """
    if copies < 1 or temperature < 0 or not all(len(prompt) for prompt in prompts):
        raise ValueError(
            "complete needs copies >= 1, temperature >= 0 and prompts with tokens, got "
            f"copies={copies}, temperature={temperature}"
        )
    end, pad = int(tokenizer.eos_token_id), int(tokenizer.pad_token_id)
    decode = _fast if is_plain_llama(model) else _generate
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            tokens, logprobs = decode(
                model, prompts, copies, max_new_tokens, temperature, end, pad, generator
            )
    finally:
        model.train(training)
    lengths = _lengths(tokens, end)
    return Completions(
        [row[:n] for row, n in zip(tokens.tolist(), lengths, strict=True)],
        [row[:n] for row, n in zip(logprobs.tolist(), lengths, strict=True)],
    )


def is_plain_llama(model: PreTrainedModel) -> bool:
    """Whether the fast loop reproduces this model: float32 Llama, equal head counts, no extras."""
    if type(model) is not LlamaForCausalLM or model.dtype != torch.float32:
        return False
    config = model.config
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.num_attention_heads == config.num_key_value_heads
        and not config.attention_bias
        and not config.mlp_bias
        and config.hidden_act == "silu"
        and rope.get("rope_type", "default") == "default"
        and set(dict(model.named_parameters())) <= _plain_names(config.num_hidden_layers)
    )


def _plain_names(layers: int) -> set[str]:
    """The parameters of a Llama without biases, adapters or anything else."""
    one = [f"self_attn.{name}_proj" for name in "qkvo"]
    one += [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    one += ["input_layernorm", "post_attention_layernorm"]
    names = {f"model.layers.{i}.{name}.weight" for i in range(layers) for name in one}
    return names | {"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"}


def _lengths(tokens: Tensor, end: int) -> list[int]:
    """Tokens of each row up to and with its first end token."""
    ended = (tokens == end).int()  # (R, T)
    first = torch.where(ended.any(1), ended.argmax(1) + 1, tokens.shape[1])
    lengths: list[int] = first.tolist()
    return lengths


def _left_padded(prompts: Sequence[Sequence[int]], pad: int, device: torch.device) -> Tensor:
    width = max(len(prompt) for prompt in prompts)
    rows = [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    return torch.tensor(rows, device=device)  # (P, W)


def _real(prompts: Sequence[Sequence[int]], width: int, device: torch.device) -> Tensor:
    """True where a left-padded prompt has a token of its own."""
    starts = torch.tensor([width - len(prompt) for prompt in prompts], device=device)
    return torch.arange(width, device=device)[None] >= starts[:, None]  # (P, W)


def _sample(
    logits: Tensor, temperature: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """One token a row and the logarithm of its probability."""
    if temperature == 0:
        logprobs = torch.log_softmax(logits, -1)
        token = logits.argmax(-1)
    else:
        logprobs = torch.log_softmax(logits / temperature, -1)
        token = torch.multinomial(logprobs.exp(), 1, generator=generator)[:, 0]
    return token, logprobs.gather(1, token[:, None])[:, 0]


class _Layer:
    """The weights of one decoder layer, projections fused for a single matrix product each."""

    def __init__(self, weights: Mapping[str, Tensor], prefix: str) -> None:
        attention, mlp = f"{prefix}.self_attn", f"{prefix}.mlp"
        self.qkv = torch.cat([weights[f"{attention}.{name}_proj.weight"] for name in "qkv"])
        self.out = weights[f"{attention}.o_proj.weight"]
        self.gate_up = torch.cat([weights[f"{mlp}.{name}_proj.weight"] for name in ("gate", "up")])
        self.down = weights[f"{mlp}.down_proj.weight"]
        self.norm_1 = weights[f"{prefix}.input_layernorm.weight"]
        self.norm_2 = weights[f"{prefix}.post_attention_layernorm.weight"]


class _FusedLlama:
    """A forward pass over new tokens that writes keys and values into a given cache."""

    def __init__(self, model: PreTrainedModel) -> None:
        config = model.config
        weights = dict(model.named_parameters())
        self.layers = [
            _Layer(weights, f"model.layers.{i}") for i in range(config.num_hidden_layers)
        ]
        self.embedding = weights["model.embed_tokens.weight"]
        self.norm = weights["model.norm.weight"]
        self.head = weights.get("lm_head.weight", self.embedding)  # tied if it has no own
        self.eps: float = config.rms_norm_eps
        self.heads: int = config.num_attention_heads
        self.inverse_frequency = dict(model.named_buffers())["model.rotary_emb.inv_freq"]  # (D/2,)

    def rotation(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        positions = torch.arange(start, stop, device=self.embedding.device).float()
        angles = positions[:, None] * self.inverse_frequency[None].float()  # (T, D/2)
        angles = torch.cat([angles, angles], -1)
        return angles.cos(), angles.sin()  # (T, D)

    def forward(
        self,
        tokens: Tensor,
        cache: Tensor,
        start: int,
        rotation: tuple[Tensor, Tensor],
        mask: Tensor,
    ) -> Tensor:
        """Logits after the last of `tokens` (R, T), which stand at start..start + T.

        `cache` is (layers, 2, R, H, L, D); `mask` (R, 1, T, start + T) says what each may attend to.
        """
        rows, new = tokens.shape
        stop = start + new
        cos, sin = rotation
        x = self.embedding[tokens]  # (R, T, C)
        for layer, (keys, values) in zip(self.layers, cache, strict=True):
            normed = F.rms_norm(x, x.shape[-1:], layer.norm_1, self.eps)
            qkv = F.linear(normed, layer.qkv).view(rows, new, 3, self.heads, -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (R, H, T, D)
            keys[:, :, start:stop] = k * cos + _rotated(k) * sin
            values[:, :, start:stop] = v
            mixed = F.scaled_dot_product_attention(
                q * cos + _rotated(q) * sin, keys[:, :, :stop], values[:, :, :stop], attn_mask=mask
            )
            x = x + F.linear(mixed.transpose(1, 2).reshape(rows, new, -1), layer.out)
            normed = F.rms_norm(x, x.shape[-1:], layer.norm_2, self.eps)
            gate, up = F.linear(normed, layer.gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        last = F.rms_norm(x[:, -1], x.shape[-1:], self.norm, self.eps)
        return F.linear(last, self.head)  # (R, V)


def _rotated(x: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return torch.cat([-right, left], -1)


def _fast(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    copies: int,
    max_new_tokens: int,
    temperature: float,
    end: int,
    pad: int,
    generator: torch.Generator | None,
) -> tuple[Tensor, Tensor]:
    llama = _FusedLlama(model)
    device = llama.embedding.device
    ids = _left_padded(prompts, pad, device)  # (P, W)
    count, width = ids.shape
    length = width + max_new_tokens
    config = model.config
    shape = (len(llama.layers), 2, count, llama.heads, width, config.hidden_size // llama.heads)
    prefill = torch.zeros(shape, device=device)
    cos, sin = llama.rotation(0, length)

    real = _real(prompts, width, device)
    causal = torch.ones(width, width, dtype=torch.bool, device=device).tril()
    allowed = causal & (real[:, None, :] | ~real[:, :, None])  # padding sees something: no NaN
    logits = llama.forward(ids, prefill, 0, (cos[:width], sin[:width]), allowed[:, None])  # (P, V)

    rows = count * copies
    cache = torch.zeros((*shape[:2], rows, shape[3], length, shape[5]), device=device)
    cache[..., :width, :] = prefill.repeat_interleave(copies, 2)
    logits = logits.repeat_interleave(copies, 0)  # (R, V)
    mask = torch.ones(rows, 1, 1, length, dtype=torch.bool, device=device)
    mask[..., :width] = real.repeat_interleave(copies, 0)[:, None, None]

    tokens = torch.full((rows, max_new_tokens), pad, device=device)
    logprobs = torch.zeros(rows, max_new_tokens, device=device)
    running = torch.ones(rows, dtype=torch.bool, device=device)
    for t in range(max_new_tokens):
        token, logprob = _sample(logits, temperature, generator)
        tokens[:, t] = torch.where(running, token, pad)
        logprobs[:, t] = torch.where(running, logprob, 0.0)
        running &= token != end
        at = width + t
        if t + 1 == max_new_tokens or not running.any():
            break
        logits = llama.forward(
            token[:, None], cache, at, (cos[at : at + 1], sin[at : at + 1]), mask[..., : at + 1]
        )
    return tokens, logprobs


def _generate(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    copies: int,
    max_new_tokens: int,
    temperature: float,
    end: int,
    pad: int,
    generator: torch.Generator | None,
) -> tuple[Tensor, Tensor]:
    """The same through `model.generate`, whose random numbers are torch's global ones."""
    causal: Any = model  # `generate` comes from a mixin that PreTrainedModel does not declare
    device = model.device
    ids = _left_padded(prompts, pad, device)
    seed = int(torch.randint(2**62, (1,), generator=generator)) if generator else None
    sampling = {"temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        output = causal.generate(
            input_ids=ids,
            attention_mask=_real(prompts, ids.shape[1], device).long(),
            do_sample=temperature > 0,
            num_return_sequences=copies,
            max_new_tokens=max_new_tokens,
            eos_token_id=end,
            pad_token_id=pad,
            output_scores=True,
            return_dict_in_generate=True,
            **sampling,
        )
    tokens: Tensor = output.sequences[:, ids.shape[1] :]  # (R, T)
    logprobs: Tensor = causal.compute_transition_scores(
        output.sequences, output.scores, normalize_logits=True
    )
    return tokens, logprobs
