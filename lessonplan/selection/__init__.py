"""Choose by problem: the sampler contract, the parts samplers are made of, and samplers."""

from lessonplan.selection.base import Feedback, Positions, Rewards, Sampler
from lessonplan.selection.draws import Exact, arms, lottery, probabilities, proportional, top_k
from lessonplan.selection.estimators import EMA, BetaDecay, Curve
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.lim import LIM, Curves, epoch_curves, lim_scores, select, visit_numbers
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.state import (
    State,
    Stateful,
    old_positions,
    state_from_json,
    state_to_json,
)
from lessonplan.selection.success import SOLVED, AtLeast, Exactly, Success
from lessonplan.selection.uniform import Uniform

__all__ = [
    "EMA",
    "LIM",
    "SOLVED",
    "AtLeast",
    "BetaDecay",
    "Curve",
    "Curves",
    "Exact",
    "Exactly",
    "Feedback",
    "Ledger",
    "Positions",
    "Rewards",
    "Rounds",
    "Sampler",
    "State",
    "Stateful",
    "Success",
    "Uniform",
    "arms",
    "epoch_curves",
    "fill_slots",
    "lim_scores",
    "lottery",
    "old_positions",
    "probabilities",
    "proportional",
    "select",
    "state_from_json",
    "state_to_json",
    "top_k",
    "visit_numbers",
]
