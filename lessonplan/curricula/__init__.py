"""Choose by complexity, judge groups, and the Curriculum that training engines talk to."""

from lessonplan.curricula.adaptive import AdaptiveDifficulty
from lessonplan.curricula.adarft import AdaRFT
from lessonplan.curricula.alp_gmm import ALPGMM
from lessonplan.curricula.arms import ArmSampler, ArmStep, arm_codes
from lessonplan.curricula.curriculum import Curriculum, Outcome, Pick, Status
from lessonplan.curricula.dump import DUMP
from lessonplan.curricula.e2h import E2H
from lessonplan.curricula.gates import Band, Gate, Variance, ZeroVariance
from lessonplan.curricula.journal import Journal, read_events
from lessonplan.curricula.learning_progress import LearningProgress
from lessonplan.curricula.level_window import LevelWindow
from lessonplan.curricula.lock import Lock
from lessonplan.curricula.named import (
    check_arguments,
    make_sampler,
    resolve_sampler,
    sampler_classes,
)
from lessonplan.curricula.named_gates import gate_classes, make_gate, resolve_gate
from lessonplan.curricula.refill import Batch, Merger, ReadyGroup, Refill
from lessonplan.curricula.reward_logs import RewardLog, read_rewards, read_scores
from lessonplan.curricula.sec import SEC
from lessonplan.curricula.state import load_state, save_state, write_atomically
from lessonplan.curricula.static import EasyOnly, FixedMixture
from lessonplan.curricula.target_ratio import TargetRatioAfterGate
from lessonplan.curricula.told import ToldGroups, told_groups
from lessonplan.curricula.tscl import TSCL

__all__ = [
    "ALPGMM",
    "DUMP",
    "E2H",
    "SEC",
    "TSCL",
    "AdaRFT",
    "AdaptiveDifficulty",
    "ArmSampler",
    "ArmStep",
    "Band",
    "Batch",
    "Curriculum",
    "EasyOnly",
    "FixedMixture",
    "Gate",
    "Journal",
    "LearningProgress",
    "LevelWindow",
    "Lock",
    "Merger",
    "Outcome",
    "Pick",
    "ReadyGroup",
    "Refill",
    "RewardLog",
    "Status",
    "TargetRatioAfterGate",
    "ToldGroups",
    "Variance",
    "ZeroVariance",
    "arm_codes",
    "check_arguments",
    "gate_classes",
    "load_state",
    "make_gate",
    "make_sampler",
    "read_events",
    "read_rewards",
    "read_scores",
    "resolve_gate",
    "resolve_sampler",
    "sampler_classes",
    "save_state",
    "told_groups",
    "write_atomically",
]
