"""The decode loop against the model it imitates."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lessonplan.training.decode import complete, is_plain_llama
from lessonplan.training.learner import load_learner, save_learner, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def learner():
    tokenizer = tiny_tokenizer([f"w{i}" for i in range(62)])
    model = tiny_model(tokenizer, seed=0)
    for parameter in model.parameters():
        parameter.data *= 3  # an untrained model is nearly uniform, which would hide errors
    return model, tokenizer


def prompts(lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, 65, (n,), generator=generator).tolist() for n in lengths]


def test_the_size_is_as_stated(learner):
    model, _ = learner
    assert sum(parameter.numel() for parameter in model.parameters()) == 115_136


def test_log_probabilities_equal_those_of_the_forward_pass(learner):
    model, tokenizer = learner
    asked = prompts([5, 9, 14, 20, 8, 1])
    for temperature in (1.0, 0.7):
        sampled = complete(
            model, tokenizer, asked, copies=4, max_new_tokens=20, temperature=temperature
        )
        worst = 0.0
        for row, (tokens, logprobs) in enumerate(
            zip(sampled.tokens, sampled.logprobs, strict=True)
        ):
            prompt = asked[row // 4]
            with torch.no_grad():
                logits = model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
            exact = torch.log_softmax(logits / temperature, -1)
            drawn = exact.gather(1, torch.tensor(tokens)[:, None])[:, 0]
            worst = max(worst, (drawn - torch.tensor(logprobs)).abs().max().item())
        assert worst < 2e-5


def test_greedy_equals_generate(learner):
    model, tokenizer = learner
    asked = prompts([5, 9, 14, 20, 8])
    ours = complete(model, tokenizer, asked, max_new_tokens=20, temperature=0)
    for prompt, tokens in zip(asked, ours.tokens, strict=True):
        theirs = model.generate(
            torch.tensor([prompt]), max_new_tokens=20, do_sample=False, pad_token_id=0
        )
        assert theirs[0, len(prompt) :].tolist() == tokens


def test_samples_have_the_models_distribution(learner):
    model, tokenizer = learner
    (prompt,) = prompts([6])
    n = 20_000
    sampled = complete(
        model,
        tokenizer,
        [prompt],
        copies=n,
        max_new_tokens=1,
        generator=torch.Generator().manual_seed(1),
    )
    with torch.no_grad():
        expected = torch.softmax(model(torch.tensor([prompt])).logits[0, -1], -1)
    counts = torch.bincount(torch.tensor(sampled.tokens)[:, 0], minlength=len(expected))
    error = (counts / n - expected).abs()
    assert (error < 5 * (expected * (1 - expected) / n).sqrt() + 1e-4).all()


def test_one_generator_gives_one_result_and_leaves_the_global_one_alone(learner):
    model, tokenizer = learner
    asked = prompts([6, 7])
    state = torch.random.get_rng_state()
    first, second = (
        complete(
            model,
            tokenizer,
            asked,
            copies=3,
            max_new_tokens=8,
            generator=torch.Generator().manual_seed(5),
        )
        for _ in range(2)
    )
    assert first == second
    assert torch.equal(state, torch.random.get_rng_state())


def test_rows_end_with_their_end_token(learner):
    _, tokenizer = learner
    model_that_ends = tiny_model(tokenizer, seed=0)
    model_that_ends.lm_head.weight.data[tokenizer.eos_token_id] *= 0
    sampled = complete(model_that_ends, tokenizer, prompts([4] * 8), copies=8, max_new_tokens=30)
    ended = [row for row in sampled.tokens if tokenizer.eos_token_id in row]
    assert ended and all(row.index(tokenizer.eos_token_id) == len(row) - 1 for row in ended)
    assert all(
        len(row) == len(logprobs)
        for row, logprobs in zip(sampled.tokens, sampled.logprobs, strict=True)
    )


def test_the_training_mode_is_given_back(learner):
    model, tokenizer = learner
    model.train()
    complete(model, tokenizer, prompts([4]), max_new_tokens=2)
    assert model.training
    model.eval()
    complete(model, tokenizer, prompts([4]), max_new_tokens=2)
    assert not model.training


def test_other_models_go_through_generate(learner):
    _, tokenizer = learner
    config = LlamaConfig(
        vocab_size=65,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=32,
    )
    grouped = LlamaForCausalLM(config)
    assert not is_plain_llama(grouped)
    asked = prompts([5, 9])
    generator = torch.Generator().manual_seed(0)
    sampled = complete(
        grouped, tokenizer, asked, copies=2, max_new_tokens=6, temperature=0.8, generator=generator
    )
    assert len(sampled.tokens) == 4
    with torch.no_grad():
        logits = grouped(torch.tensor([asked[0] + sampled.tokens[0]])).logits[0, 4:-1]
    exact = torch.log_softmax(logits / 0.8, -1)
    drawn = exact.gather(1, torch.tensor(sampled.tokens[0])[:, None])[:, 0]
    assert torch.allclose(drawn, torch.tensor(sampled.logprobs[0]), atol=1e-4)


def test_half_precision_and_adapters_are_not_taken_for_plain(learner):
    model, tokenizer = learner
    from peft import LoraConfig, get_peft_model

    assert is_plain_llama(model)
    assert not is_plain_llama(tiny_model(tokenizer, seed=0).to(torch.bfloat16))
    adapted = get_peft_model(
        tiny_model(tokenizer, seed=0), LoraConfig(r=2, target_modules=["q_proj"])
    )
    assert not is_plain_llama(adapted)
    assert not is_plain_llama(adapted.get_base_model())


@pytest.mark.parametrize(
    "settings", [{"copies": 0}, {"temperature": -1.0}, {"prompts": [[]]}], ids=str
)
def test_senseless_settings_are_refused(learner, settings):
    model, tokenizer = learner
    arguments = {"prompts": prompts([4]), "max_new_tokens": 2, **settings}
    with pytest.raises(ValueError, match="complete needs copies >= 1"):
        complete(model, tokenizer, **arguments)


def test_a_saved_learner_is_the_same_and_never_shared(learner, tmp_path):
    model, tokenizer = learner
    save_learner(tmp_path, model, tokenizer)
    first, words = load_learner(tmp_path)
    second, _ = load_learner(tmp_path)
    assert words("w1 w2")["input_ids"] == tokenizer("w1 w2")["input_ids"] == [1, 4, 5]
    for (name, parameter), other in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(parameter, model.get_parameter(name))
        assert parameter.data_ptr() != other.data_ptr()
