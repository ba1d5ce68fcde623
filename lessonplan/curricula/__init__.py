"""Choose by complexity, judge groups, and the Curriculum that training engines talk to."""

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.curricula.curriculum import Curriculum, Outcome, Pick, Status
from lessonplan.curricula.gates import Band, Gate, ZeroVariance
from lessonplan.curricula.journal import Journal, read_events
from lessonplan.curricula.lock import Lock
from lessonplan.curricula.named import (
    check_arguments,
    make_sampler,
    resolve_sampler,
    sampler_classes,
)
from lessonplan.curricula.state import load_state, save_state, write_atomically
from lessonplan.curricula.static import EasyOnly, FixedMixture
from lessonplan.curricula.told import ToldGroups, told_groups

__all__ = [
    "AdaptiveDifficulty",
    "Band",
    "Curriculum",
    "EasyOnly",
    "FixedMixture",
    "Gate",
    "Journal",
    "Lock",
    "Outcome",
    "Pick",
    "Status",
    "ToldGroups",
    "ZeroVariance",
    "check_arguments",
    "load_state",
    "make_sampler",
    "read_events",
    "resolve_sampler",
    "sampler_classes",
    "save_state",
    "told_groups",
    "write_atomically",
]
