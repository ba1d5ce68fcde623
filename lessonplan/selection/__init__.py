"""Choose by problem: the sampler contract, the parts samplers are made of, and samplers."""

from lessonplan.selection.base import Feedback, Order, Positions, Purpose, Rewards, Sampler
from lessonplan.selection.bots import BOTS
from lessonplan.selection.cdas import CDAS
from lessonplan.selection.diverse import Diversity
from lessonplan.selection.draws import Exact, arms, lottery, probabilities, proportional, top_k
from lessonplan.selection.elo import Elo
from lessonplan.selection.epoch_curves import (
    Curves,
    coded_curves,
    epoch_curves,
    fill_gaps,
    visit_numbers,
)
from lessonplan.selection.estimators import EMA, BetaDecay, Curve
from lessonplan.selection.greso import GRESO, next_batch
from lessonplan.selection.knapsack import Knapsack, group_sizes, improvement
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.lim import LIM
from lessonplan.selection.matching import match
from lessonplan.selection.npz import state_from_npz, state_to_npz
from lessonplan.selection.offline import lim_scores, offline_scores
from lessonplan.selection.pods import pods
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
    "SOLVED",
    "SPEED",
    "AtLeast",
    "BetaDecay",
    "Curve",
    "Curves",
    "Diversity",
    "Elo",
    "Exact",
    "Exactly",
    "Feedback",
    "HistoricalVariance",
    "Knapsack",
    "Ledger",
    "Mixture",
    "Order",
    "Positions",
    "Purpose",
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
    "Subset",
    "Success",
    "ToldStep",
    "Uniform",
    "Warmup",
    "Wrapper",
    "arms",
    "choose",
    "choose_scored",
    "coded_curves",
    "epoch_curves",
    "fill_gaps",
    "fill_slots",
    "group_sizes",
    "improvement",
    "lim_scores",
    "lottery",
    "match",
    "next_batch",
    "offline_scores",
    "old_positions",
    "pods",
    "probabilities",
    "proportional",
    "select",
    "state_from_json",
    "state_from_npz",
    "state_to_json",
    "state_to_npz",
    "top_k",
    "visit_numbers",
]
