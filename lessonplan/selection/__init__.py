"""Choose by problem: the sampler contract, the parts samplers are made of, and samplers."""

from lessonplan.selection.base import Feedback, Order, Positions, Purpose, Rewards, Sampler
from lessonplan.selection.blocks import Blocks
from lessonplan.selection.bots import BOTS
from lessonplan.selection.cdas import CDAS
from lessonplan.selection.diverse import Diversity
from lessonplan.selection.draws import (
    Exact,
    arms,
    epsilon_greedy,
    lottery,
    nearest,
    probabilities,
    proportional,
    rank,
    skip,
    softmax,
    symmetric,
    thompson,
    top_k,
)
from lessonplan.selection.elo import Elo
from lessonplan.selection.epoch_curves import (
    Curves,
    coded_curves,
    epoch_curves,
    fill_gaps,
    visit_numbers,
)
from lessonplan.selection.estimators import EMA, BetaDecay, Curve, Estimate, Last, Streak, Window
from lessonplan.selection.greso import GRESO, next_batch
from lessonplan.selection.knapsack import Knapsack, group_sizes, improvement
from lessonplan.selection.learnability import (
    SFL,
    DifficultyPools,
    HardWeighted,
    Learnability,
    PrioritizedReplay,
)
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.lim import LIM
from lessonplan.selection.matching import match
from lessonplan.selection.mopps import MoPPS
from lessonplan.selection.npz import state_from_npz, state_to_npz
from lessonplan.selection.offline import lim_scores, offline_scores
from lessonplan.selection.parts import Parts
from lessonplan.selection.plr import PLR, plr_weights
from lessonplan.selection.pods import pods
from lessonplan.selection.prompt_replay import PromptReplay
from lessonplan.selection.rests import Cooldown, MaxReuse, Retest
from lessonplan.selection.review import Review
from lessonplan.selection.rolling import LINEAR, HistoricalVariance, Rolling
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.speed import SPEED
from lessonplan.selection.state import (
    State,
    Stateful,
    old_positions,
    state_from_json,
    state_to_json,
)
from lessonplan.selection.steps import StepBuffer, ToldStep
from lessonplan.selection.stepwise import Stepwise
from lessonplan.selection.subset import Subset, choose, choose_scored, select
from lessonplan.selection.success import SOLVED, AtLeast, Exactly, Success
from lessonplan.selection.uniform import Uniform
from lessonplan.selection.wrappers import Mixture, StalenessMix, Warmup, Wrapper

__all__ = [
    "BOTS",
    "CDAS",
    "EMA",
    "GRESO",
    "LIM",
    "LINEAR",
    "PLR",
    "SFL",
    "SOLVED",
    "SPEED",
    "AtLeast",
    "BetaDecay",
    "Blocks",
    "Cooldown",
    "Curve",
    "Curves",
    "DifficultyPools",
    "Diversity",
    "Elo",
    "Estimate",
    "Exact",
    "Exactly",
    "Feedback",
    "HardWeighted",
    "HistoricalVariance",
    "Knapsack",
    "Last",
    "Learnability",
    "Ledger",
    "MaxReuse",
    "Mixture",
    "MoPPS",
    "Order",
    "Parts",
    "Positions",
    "PrioritizedReplay",
    "PromptReplay",
    "Purpose",
    "Retest",
    "Review",
    "Rewards",
    "Rolling",
    "Rounds",
    "Sampler",
    "StalenessMix",
    "State",
    "Stateful",
    "StepBuffer",
    "Stepwise",
    "Streak",
    "Subset",
    "Success",
    "ToldStep",
    "Uniform",
    "Warmup",
    "Window",
    "Wrapper",
    "arms",
    "choose",
    "choose_scored",
    "coded_curves",
    "epoch_curves",
    "epsilon_greedy",
    "fill_gaps",
    "fill_slots",
    "group_sizes",
    "improvement",
    "lim_scores",
    "lottery",
    "match",
    "nearest",
    "next_batch",
    "offline_scores",
    "old_positions",
    "plr_weights",
    "pods",
    "probabilities",
    "proportional",
    "rank",
    "select",
    "skip",
    "softmax",
    "state_from_json",
    "state_from_npz",
    "state_to_json",
    "state_to_npz",
    "symmetric",
    "thompson",
    "top_k",
    "visit_numbers",
]
