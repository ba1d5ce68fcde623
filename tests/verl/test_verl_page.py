"""The command lines of docs/verl.md fit verl's own configuration."""

import re
from pathlib import Path

import pytest

pytest.importorskip("verl", reason="verl has an environment of its own: make verl-test")

from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from lessonplan.training import verl as plugin
from lessonplan.training.verl_settings import VerlSettings, parse_settings

PAGE = Path(__file__).parents[2] / "docs" / "verl.md"
V1 = hasattr(plugin, "CurriculumReplayBuffer")


def configured():
    """verl's configuration under the page's command line for the verl that is here."""
    lines = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    words = lines[0 if V1 else 1].replace("\\\n", " ").split()
    assert words[:3] == ["python", "-m", "verl.trainer.main_ppo"]
    with initialize_config_module("verl.trainer.config", version_base=None):
        return compose("ppo_trainer", overrides=words[3:])


def test_the_lines_compose_and_name_what_is_there():
    config = configured()
    parse_settings(OmegaConf.to_container(config.data.lessonplan))
    tell = config.trainer.v1.sampler.custom_sampler if V1 else config.data.sampler
    named = [config.data.custom_cls.name, tell.name if V1 else tell.class_name]
    paths = [config.data.custom_cls.path, tell.path if V1 else tell.class_path]
    assert set(named) <= set(plugin.__all__) and set(paths) == {f"pkg://{plugin.__name__}"}


def test_the_reward_function_is_found():
    from verl.trainer.ppo.reward import get_custom_reward_fn

    config = configured()
    if not V1:
        from verl.experimental.reward_loop.reward_loop import migrate_legacy_reward_impl

        config = migrate_legacy_reward_impl(config)
    score = get_custom_reward_fn(config)
    found = score(data_source="x", solution_str="y", ground_truth="z", extra_info={})
    assert found == {"score": 0.0, "unscorable": 1.0}


def test_the_page_lists_every_key():
    page = PAGE.read_text("utf-8")
    for name in VerlSettings.__dataclass_fields__:
        assert re.search(rf"^\|.*`{name}`.*\|", page, re.MULTILINE), name
