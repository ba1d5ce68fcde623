"""The memory estimate against real parameter counts and bytes that a small model really keeps."""

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from lessonplan.training.memory import Shape, estimate, lora_config
from lessonplan.training.train_config import Lora

QWEN = Qwen2Config(
    vocab_size=151_936,
    hidden_size=896,
    intermediate_size=4864,
    num_hidden_layers=24,
    num_attention_heads=14,
    num_key_value_heads=2,
    tie_word_embeddings=True,
)
B, T = 2, 64


def small(layers=2, hidden=64, feed_forward=192, kv=4, cls=LlamaConfig):
    return cls(
        vocab_size=100,
        hidden_size=hidden,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=kv,
    )


def shape(**changes):
    settings = {
        "tokens": T,
        "micro_batch": B,
        "generated": 3,
        "weights": "float32",
        "compute": "float32",
    }
    return Shape(**{**settings, **changes})


def test_parameters_are_those_of_the_real_model():
    """0.49 billion, as its card says; tied embeddings count once."""
    assert estimate(QWEN, shape()).parameters == estimate(QWEN, shape()).trained == 494_032_768


def test_lora_trains_rank_times_the_widths_of_every_projection():
    """A projection from m to n has r (m + n) more: q, o 2 x 1792; k, v 2 x 1024; MLP 3 x 5760."""
    found = estimate(QWEN, shape(lora=Lora(rank=16)))
    assert found.trained == 24 * 16 * (2 * 1792 + 2 * 1024 + 3 * 5760) == 8_798_208
    assert found.parameters == 494_032_768 + 8_798_208
    assert found.training["gradients"] == 4 * 8_798_208


def test_full_training_in_float32_takes_sixteen_bytes_a_parameter():
    config = small()
    model = AutoModelForCausalLM.from_config(config)
    optimizer = torch.optim.AdamW(model.parameters())
    model(input_ids=torch.zeros(1, 4, dtype=torch.long)).logits.sum().backward()
    optimizer.step()
    found = estimate(config, shape()).training
    kept = [one for state in optimizer.state.values() for one in state.values() if one.numel() > 1]
    assert found["weights"] == sum(one.nbytes for one in model.parameters())
    assert found["gradients"] == sum(one.grad.nbytes for one in model.parameters())
    assert found["optimizer"] == sum(one.nbytes for one in kept)
    assert sum(found[name] for name in ("weights", "gradients", "optimizer")) == 16 * sum(
        one.numel() for one in model.parameters()
    )


def kept_for_backward(model, backbone, mixed, checkpointing):
    """Bytes of the tensors that autograd keeps, weights and their casts aside."""
    own = {one.untyped_storage().data_ptr() for one in model.parameters()}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    if checkpointing:
        model.activation_checkpointing_enable()
    model.train()
    ids = torch.randint(0, 50, (B, T))
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=mixed),
    ):
        backbone(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    return sum(size for size, _ in kept.values())


def measured_layer(mixed=False, checkpointing=False, lora=None, **widths):
    """Bytes of one layer: those of two layers less those of one."""
    sizes = []
    for layers in (1, 2):
        model = AutoModelForCausalLM.from_config(small(layers, **widths))
        backbone = model.model
        if lora:
            model = get_peft_model(model, lora_config(lora))
        sizes.append(kept_for_backward(model, backbone, mixed, checkpointing))
    return sizes[1] - sizes[0]


def casts(hidden=64, feed_forward=192, kv=4):
    """Bytes of the bfloat16 copies of a layer's projections."""
    return 2 * (2 * hidden * hidden + 2 * hidden * (hidden // 4) * kv + 3 * hidden * feed_forward)


SHAPES = [(64, 192, 4), (128, 192, 2), (64, 384, 1)]


@pytest.mark.parametrize("cls", [LlamaConfig, Qwen2Config])
@pytest.mark.parametrize("mixed", [False, True], ids=["float32", "mixed"])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_activations_are_what_autograd_keeps(cls, mixed, widths):
    shaped = dict(zip(("hidden", "feed_forward", "kv"), widths, strict=True))
    real = measured_layer(mixed, cls=cls, **shaped)
    found = estimate(
        small(1, cls=cls, **shaped), shape(compute="bfloat16" if mixed else "float32")
    ).training
    if mixed:  # which have a line of their own
        real -= casts(**shaped)
    assert found["activations"] == pytest.approx(real, rel=0.01)


def test_activations_by_hand():
    """H = Q = K = 64, I = 192, A = 4: 4 (6 x 64 + 2 x 128 + 4 x 192) + 4 x 6 = 5,656 a token."""
    assert estimate(small(), shape()).training["activations"] == B * T * 2 * 5656
    checkpointed = estimate(small(), shape(checkpointing=True)).training["activations"]
    assert checkpointed == B * T * (2 * 64 * 4 + 5656)


def test_checkpointing_keeps_the_input_of_each_layer():
    assert measured_layer(checkpointing=True) == B * T * 64 * 4


@pytest.mark.parametrize("mixed", [False, True], ids=["float32", "mixed"])
def test_lora_keeps_at_most_what_is_estimated(mixed):
    """Frozen projections keep less than trained ones; the estimate is a bound within 30 %."""
    real = measured_layer(mixed, lora=Lora(rank=4))
    if mixed:  # of the projections and of what was added to them
        real -= casts() + 2 * 4 * (4 * 128 + 3 * 256)
    how = "bfloat16" if mixed else "float32"
    found = estimate(small(layers=1), shape(compute=how, lora=Lora(rank=4))).training
    assert 0.7 * found["activations"] <= real <= found["activations"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_keys_and_values_are_what_generation_keeps(dtype):
    config = small(kv=2)
    model = AutoModelForCausalLM.from_config(config).to(getattr(torch, dtype)).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == "float32"):
        output = model.generate(
            input_ids=torch.zeros(3, T - 7, dtype=torch.long),
            attention_mask=torch.ones(3, T - 7, dtype=torch.long),
            max_new_tokens=8,  # the last one is never put into the cache
            eos_token_id=None,
            return_dict_in_generate=True,
        )
    real = sum(one.keys.nbytes + one.values.nbytes for one in output.past_key_values.layers)
    found = estimate(config, shape(weights=dtype, compute="bfloat16")).generating
    assert (
        found["keys and values"]
        == real
        == 2 * 2 * 2 * 16 * 3 * T * (4 if dtype == "float32" else 2)
    )


def test_the_larger_phase_counts_and_a_tenth_stays_free():
    found = estimate(QWEN, shape(tokens=800, micro_batch=8, generated=64, compute="bfloat16"))
    assert found.peak == sum(found.training.values()) > sum(found.generating.values())
    gigabytes = found.peak / 1e9
    assert found.fits(gigabytes / 0.89) and not found.fits(gigabytes / 0.91)


def test_several_devices_exchange_gradients_through_buckets():
    one, two = (estimate(small(), shape(devices=n)).training for n in (1, 2))
    assert "exchange" not in one and two["exchange"] == two["gradients"]
