"""What there is to learn: problems, the pools they form, and the judges of their answers."""

from lessonplan.generators.base import Draft, Encoding, Generator, Rendering, SplitBy
from lessonplan.generators.calibrate import Scale, calibrate
from lessonplan.generators.counting.count_if import CountIf
from lessonplan.generators.exports import (
    judge,
    read_table,
    rows,
    trl_reward,
    trl_rows,
    verl_rows,
    verl_score,
    write_hub,
    write_nemo_gym,
    write_parquet,
    write_verl,
)
from lessonplan.generators.families import FAMILIES, TASKS, family, vocabulary
from lessonplan.generators.generated import generate, stream
from lessonplan.generators.graph.walk import Walk
from lessonplan.generators.guess import GuessRates, guess_rates, is_witness, published_rates
from lessonplan.generators.hints import hinted
from lessonplan.generators.learning_from_less import LearningFromLess, learning_from_less
from lessonplan.generators.pool import Pool, level_tiers
from lessonplan.generators.problem import UNKNOWN_LEVEL, Json, Message, Problem, Prompt, Verdict
from lessonplan.generators.rewards import (
    BINARY,
    LFL_COUNTING,
    LFL_GRAPH,
    LFL_SPATIAL,
    Limr,
    RewardMap,
    Shaped,
    reward_map,
)
from lessonplan.generators.spatial.displacement import Displacement
from lessonplan.generators.splits import SPLITS, Split
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import Slot, Template
from lessonplan.generators.verifiers_out import write_verifiers, write_verifiers_stream
from lessonplan.generators.verify import Kind, canonical, check_text, check_tiny, extract

__all__ = [
    "BINARY",
    "FAMILIES",
    "LFL_COUNTING",
    "LFL_GRAPH",
    "LFL_SPATIAL",
    "SPLITS",
    "TASKS",
    "UNKNOWN_LEVEL",
    "CountIf",
    "Displacement",
    "Draft",
    "Encoding",
    "Generator",
    "GuessRates",
    "Json",
    "Kind",
    "LearningFromLess",
    "Limr",
    "Message",
    "Pool",
    "Problem",
    "Prompt",
    "Rendering",
    "RewardMap",
    "Scale",
    "Shaped",
    "Slot",
    "Split",
    "SplitBy",
    "Stream",
    "Template",
    "Verdict",
    "Walk",
    "calibrate",
    "canonical",
    "check_text",
    "check_tiny",
    "extract",
    "family",
    "generate",
    "guess_rates",
    "hinted",
    "is_witness",
    "judge",
    "learning_from_less",
    "level_tiers",
    "published_rates",
    "read_table",
    "reward_map",
    "rows",
    "stream",
    "trl_reward",
    "trl_rows",
    "verl_rows",
    "verl_score",
    "vocabulary",
    "write_hub",
    "write_nemo_gym",
    "write_parquet",
    "write_verifiers",
    "write_verifiers_stream",
    "write_verl",
]
