"""Plug a Curriculum into verl by configuration alone: the names that verl's config keys take.

`pkg://lessonplan.training.verl` holds what the verl that is installed has a place for, seen by
what can be imported: with verl 0.9 or later CurriculumDataset, CurriculumReplayBuffer and
CurriculumReplayBufferAsync; with verl up to 0.7.1 CurriculumDataset and CurriculumSampler. It must
be named as a package: a path to this file would load it twice, and two copies share no curriculum.
"""

import math
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec

from lessonplan.errors import EngineError
from lessonplan.generators.exports import verl_score


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False


if not _importable("verl"):
    raise EngineError("verl is not installed in this environment; docs/verl.md says how")
if _importable("verl.trainer.ppo.v1.replay_buffer"):
    from lessonplan.training.verl_buffer import CurriculumReplayBuffer, CurriculumReplayBufferAsync
    from lessonplan.training.verl_dataset import CurriculumDataset

    __all__ = [
        "CurriculumDataset",
        "CurriculumReplayBuffer",
        "CurriculumReplayBufferAsync",
        "compute_score",
    ]
elif _importable("verl.experimental.dataset.sampler"):
    from lessonplan.training.verl_dataset import CurriculumDataset
    from lessonplan.training.verl_sampler import CurriculumSampler

    __all__ = ["CurriculumDataset", "CurriculumSampler", "compute_score"]
else:
    raise EngineError(
        f"verl {version('verl')} has no place where rewards could be told: neither the replay "
        "buffer of 0.9 nor the curriculum sampler of 0.7; use verl 0.9.1 or 0.7.1"
    )


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, object] | None = None,
    **settings: object,
) -> dict[str, float]:
    """verl's custom reward function for the tasks of this library, in rows of `write_verl`.

    An unscorable completion gets `unscorable` 1 and the score 0: a NaN would make the whole
    batch's loss NaN, while the curriculum must not take it for a failure.
    """
    score = verl_score(data_source, solution_str, ground_truth, extra_info, **settings)
    lost = math.isnan(score)
    return {"score": 0.0 if lost else score, "unscorable": float(lost)}
