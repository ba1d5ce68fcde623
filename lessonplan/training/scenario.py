"""A scenario: what a simulated learner meets and who chooses its problems, read from one TOML file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from inspect import signature
from math import isfinite
from pathlib import Path
from typing import Literal

from lessonplan.curricula import check_arguments, resolve_sampler
from lessonplan.errors import ConfigError
from lessonplan.training.toml_tables import parse_table, write_table

BASELINE = "Uniform"  # always among the samplers, and what the others are compared with
SHIPPED = ("demo", "null", "drifting", "forgetting", "unsolvable", "latency")


@dataclass(frozen=True, slots=True)
class Problems:
    """The pool, and the held-out problems that success is measured on."""

    train: int = 400
    test: int = 200  # like the training problems, but solvable and with right keys
    levels: int = 5  # 1..10, equally many problems each
    easiest: float = -1.0  # mean difficulty b of level 1, in logits / discrimination
    hardest: float = 3.0  # of the last level; the others lie evenly between
    spread: float = 0.4  # standard deviation of b inside a level
    unsolvable: float = 0.0  # share of training problems with p = 0
    mislabeled: float = 0.0  # share whose key is wrong: a right answer is marked wrong
    lucky: float = 0.1  # chance that a wrong answer hits a wrong key, and is marked right


@dataclass(frozen=True, slots=True)
class Skills:
    """The learner: theta of each skill, and what moves it."""

    count: int = 5
    by: Literal["level", "any"] = "level"  # a skill is a band of levels, or each needs all levels
    discrimination: float = 1.5  # a of p = sigmoid(a (theta - b))
    start: float = 0.0  # theta before training, all skills alike
    start_spread: float = 0.2  # its standard deviation between worlds
    rate: float = 0.04  # theta gained by a mixed group with p (1 - p) = 1
    reach: float = 1.0  # a skill d places away gains exp(-d / reach); 0: none, inf: all alike
    transfer: tuple[tuple[float, ...], ...] = ()  # or gains by [practiced skill][gaining skill]
    forgetting: float = 0.0  # share of what was gained that is lost a step
    drift: float = 0.0  # standard deviation of a random walk of theta, a step
    shock_step: int = 0  # before this step skills are suddenly lost; 0: never
    shock_size: float = 0.0  # how much theta is lost then
    shock_skills: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Practice:
    """A run. Every sampler generates steps x problems_per_step x group_size rollouts."""

    steps: int = 200
    problems_per_step: int = 16
    group_size: int = 8
    every: int = 4  # steps between measurements of the true success rate


@dataclass(frozen=True, slots=True)
class Delays:
    """How groups come back: late, lost, or too stale to train on."""

    late: float = 0.0  # mean steps that a group comes late, drawn from an exponential
    slow_hard: float = 0.0  # one level harder takes exp(slow_hard) times as long
    lost: float = 0.0  # chance that a group never comes; it is told as unscorable
    lost_after: int = 10  # steps after which a lost group is given up
    stale_after: int = 0  # groups older than this are told, and not trained on; 0: all are


@dataclass(frozen=True, slots=True)
class Entrant:
    """A sampler with arguments under a name of its own.

    A sampler that wraps others, such as `Review`, names them in `around`: samplers or arms.
    """

    sampler: str
    args: Mapping[str, object] = field(default_factory=dict)
    around: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole simulation. `target` is fixed here, before anything runs."""

    name: str
    target: float  # mean true success rate on held-out problems to be reached
    about: str = ""  # one sentence: what this shows
    samplers: tuple[str, ...] = (BASELINE, "FixedMixture", "AdaptiveDifficulty")
    worlds: int = 16  # paired worlds: every sampler meets the same ones
    seed: int = 0
    arms: Mapping[str, Entrant] = field(default_factory=dict)
    problems: Problems = Problems()
    skills: Skills = Skills()
    practice: Practice = Practice()
    delays: Delays = Delays()

    def __post_init__(self) -> None:
        if BASELINE not in self.samplers:  # a comparison needs its baseline
            object.__setattr__(self, "samplers", (BASELINE, *self.samplers))
        if len(set(self.samplers)) != len(self.samplers):
            raise ConfigError(f"samplers must be distinct, got {list(self.samplers)}")
        for name in self.samplers:
            self._check_entrant(name, ())
        _check_numbers(self)

    def entrant(self, name: str) -> Entrant:
        """The arm of that name, or the sampler of that name with its defaults."""
        return self.arms.get(name) or Entrant(name)

    def _check_entrant(self, name: str, inside: tuple[str, ...]) -> None:
        """Raise ConfigError when an entrant cannot be made; `inside` are the arms around it."""
        if name in inside:
            raise ConfigError(f"arms.{name} is around itself: {' > '.join((*inside, name))}")
        entrant = self.entrant(name)
        check_arguments(entrant.sampler, entrant.args)
        wraps = wraps_samplers(entrant.sampler)
        if wraps and not entrant.around:
            raise ConfigError(
                f'{entrant.sampler} wraps other samplers: give it an arm with around = ["LIM"]'
            )
        if entrant.around and not wraps:
            raise ConfigError(f"arms.{name}: {entrant.sampler} wraps no sampler, so no around")
        for child in entrant.around:
            self._check_entrant(child, (*inside, name) if name in self.arms else inside)

    @property
    def rollouts(self) -> int:
        """Generated by each sampler in each world."""
        return self.practice.steps * self.practice.problems_per_step * self.practice.group_size


def wraps_samplers(name: str) -> str:
    """The parameter of a sampler class that takes other samplers; empty if it takes a pool."""
    first = next(iter(signature(resolve_sampler(name)).parameters))
    return first if first in ("child", "children") else ""


def load_scenario(
    source: str, *, samplers: Sequence[str] = (), worlds: int | None = None
) -> Scenario:
    """A shipped scenario by name, or the TOML file at that path; `samplers`, `worlds` replace its.

    Raises ConfigError naming file, line and the nearest valid name for whatever is wrong.
    """
    if source in SHIPPED:
        where = f"scenario-{source}.toml"
        text = files("lessonplan.training").joinpath(where).read_text(encoding="utf-8")
    else:
        path = Path(source)
        where = str(path)
        if not path.is_file():
            raise ConfigError(
                f"{source} is neither a file nor a scenario; scenarios: {', '.join(SHIPPED)}"
            )
        text = path.read_text(encoding="utf-8")
    try:
        found = parse_scenario(tomllib.loads(text), where=where, text=text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}") from None
    if samplers:
        found = replace(found, samplers=tuple(samplers))
    return found if worlds is None else replace(found, worlds=worlds)


def parse_scenario(table: Mapping[str, object], *, where: str, text: str = "") -> Scenario:
    """The scenario that a parsed TOML table describes."""
    sections = {"problems": Problems, "skills": Skills, "practice": Practice, "delays": Delays}
    return parse_table(
        table, Scenario, sections=sections, named={"arms": Entrant}, where=where, text=text
    )


def scenario_toml(scenario: Scenario) -> str:
    """The scenario with every key, as TOML that `load_scenario` reads back."""
    lines: list[str] = []
    write_table(lines, asdict(scenario), "")
    # JSON has no infinity, and writes null, which TOML does not have
    return re.sub(r"(?m)= null$", "= inf", "\n".join(lines)) + "\n"


def _check_numbers(scenario: Scenario) -> None:
    """Raise ConfigError on the first number that makes no sense."""
    problems, skills = scenario.problems, scenario.skills
    practice, delays = scenario.practice, scenario.delays
    least: dict[str, tuple[float, float]] = {
        "worlds": (scenario.worlds, 1),
        "seed": (scenario.seed, 0),
        "problems.train": (problems.train, practice.problems_per_step),
        "problems.test": (problems.test, problems.levels),
        "problems.levels": (problems.levels, 1),
        "problems.spread": (problems.spread, 0),
        "skills.count": (skills.count, 1),
        "skills.start_spread": (skills.start_spread, 0),
        "skills.rate": (skills.rate, 0),
        "skills.reach": (skills.reach, 0),
        "skills.forgetting": (skills.forgetting, 0),
        "skills.drift": (skills.drift, 0),
        "skills.shock_step": (skills.shock_step, 0),
        "practice.steps": (practice.steps, 1),
        "practice.problems_per_step": (practice.problems_per_step, 1),
        "practice.group_size": (practice.group_size, 2),
        "practice.every": (practice.every, 1),
        "delays.late": (delays.late, 0),
        "delays.lost_after": (delays.lost_after, 0),
        "delays.stale_after": (delays.stale_after, 0),
    }
    for name, (value, bound) in least.items():
        if not value >= bound:
            raise ConfigError(f"{name} must be at least {bound:g}, got {value!r}")
    for section in (problems, skills, practice, delays):
        for key, value in asdict(section).items():
            if key != "reach" and isinstance(value, float) and not isfinite(value):
                raise ConfigError(f"{key} must be finite, got {value!r}")
    shares = {
        "problems.unsolvable": problems.unsolvable,
        "problems.mislabeled": problems.mislabeled,
        "problems.unsolvable + problems.mislabeled": problems.unsolvable + problems.mislabeled,
        "problems.lucky": problems.lucky,
        "skills.forgetting": skills.forgetting,
        "delays.lost": delays.lost,
    }
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{name} must lie in [0, 1], got {value!r}")
    if not 0 < scenario.target < 1:
        raise ConfigError(f"target is a success rate between 0 and 1, got {scenario.target!r}")
    if problems.levels > 10:
        raise ConfigError(f"problems.levels must be at most 10, got {problems.levels!r}")
    if not skills.discrimination > 0:
        raise ConfigError(f"skills.discrimination must be positive, got {skills.discrimination!r}")
    rows = [len(row) for row in skills.transfer]
    if rows and rows != [skills.count] * skills.count:
        raise ConfigError(
            f"skills.transfer must have {skills.count} rows of {skills.count} numbers, "
            f"got rows of {rows}"
        )
    if any(not 0 <= one < skills.count for one in skills.shock_skills):
        raise ConfigError(
            f"skills.shock_skills must lie in 0..{skills.count - 1}, got {list(skills.shock_skills)}"
        )
