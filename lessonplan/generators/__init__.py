"""What there is to learn: problems, the pools they form, and the judges of their answers."""

from lessonplan.generators.base import Draft, Encoding, Generator, Rendering
from lessonplan.generators.counting.count_if import CountIf
from lessonplan.generators.families import FAMILIES, family, vocabulary
from lessonplan.generators.generated import generate, stream
from lessonplan.generators.graph.walk import Walk
from lessonplan.generators.guess import GuessRates, guess_rates
from lessonplan.generators.pool import Pool, level_tiers
from lessonplan.generators.problem import UNKNOWN_LEVEL, Json, Message, Problem, Prompt, Verdict
from lessonplan.generators.spatial.displacement import Displacement
from lessonplan.generators.splits import SPLITS, Split
from lessonplan.generators.streams import Stream
from lessonplan.generators.verify import Kind, check_text, check_tiny, extract

__all__ = [
    "FAMILIES",
    "SPLITS",
    "UNKNOWN_LEVEL",
    "CountIf",
    "Displacement",
    "Draft",
    "Encoding",
    "Generator",
    "GuessRates",
    "Json",
    "Kind",
    "Message",
    "Pool",
    "Problem",
    "Prompt",
    "Rendering",
    "Split",
    "Stream",
    "Verdict",
    "Walk",
    "check_text",
    "check_tiny",
    "extract",
    "family",
    "generate",
    "guess_rates",
    "level_tiers",
    "stream",
    "vocabulary",
]
