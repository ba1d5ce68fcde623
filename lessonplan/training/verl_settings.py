"""What verl's configuration says about the curriculum: the keys under `data.lessonplan`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module

import msgspec

from lessonplan.curricula import Band, Curriculum, Gate, Variance, ZeroVariance
from lessonplan.curricula.named import check_arguments, make_sampler
from lessonplan.errors import ConfigError
from lessonplan.generators import Pool
from lessonplan.selection.base import Sampler
from lessonplan.selection.success import AtLeast
from lessonplan.training.toml_tables import check_keys

GATES: Mapping[str, type] = {cls.__name__: cls for cls in (ZeroVariance, Band, Variance)}


@dataclass(frozen=True, slots=True)
class VerlSettings:
    """The curriculum of a verl run; every key has a default.

    `sampler` is a class of lessonplan or `my_package.module:Class`, and `args` its keyword
    arguments. A gate is a mapping: `gate` names its class, or `my_package.module:Class`, the other
    keys are its arguments. `solved` is the raw reward from which a rollout counts as solved.
    `steps` is the length of the run, for samplers with a schedule; by default verl's
    `trainer.total_training_steps`. `id` and `level` name columns of the training files, with dots
    into nested ones; by default `extra_info.problem_id` and `extra_info.level`, where they exist.
    """

    sampler: str = "Learnability"
    args: Mapping[str, object] = field(default_factory=dict)
    gates: Sequence[Mapping[str, object]] = ()
    solved: float = 1.0
    journal: str | None = None
    seed: int = 0
    steps: int | None = None
    id: str | None = None
    level: str | None = None


def parse_settings(table: Mapping[str, object]) -> VerlSettings:
    """The settings of a plain mapping; raises ConfigError that names the nearest valid key."""
    check_keys(table, VerlSettings, "data.lessonplan", "verl's configuration", "")
    try:
        return msgspec.convert(table, VerlSettings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"verl's configuration, data.lessonplan: {error}") from None


def make_curriculum(
    settings: VerlSettings, pool: Pool, *, steps: int | None, run: Mapping[str, object]
) -> Curriculum:
    """The curriculum that the settings describe, over `pool`; `run` goes into its journal."""
    check_arguments(settings.sampler, settings.args)
    make: Callable[..., Sampler] = make_sampler  # the arguments are the sampler's own
    sampler = make(
        settings.sampler,
        pool,
        seed=settings.seed,
        steps=settings.steps or steps,
        **settings.args,
    )
    facts = {
        "family": "+".join(pool.families),
        "n": len(pool),
        "sampler": settings.sampler,
        "seed": settings.seed,
        **{name: fact for name, fact in run.items() if fact is not None},
    }
    return Curriculum(
        pool,
        sampler,
        gates=[_gate(one) for one in settings.gates],
        success=AtLeast(settings.solved),
        journal=settings.journal,
        run=facts,
    )


def _gate(table: Mapping[str, object]) -> Gate:
    name = table.get("gate")
    if not isinstance(name, str):
        raise ConfigError(
            f'a gate is a mapping with the key "gate", got {dict(table)}; '
            "such as {gate: Band, lo: 0.1, hi: 0.9}"
        )
    arguments = {key: value for key, value in table.items() if key != "gate"}
    try:
        made: Gate = _gate_class(name)(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"gate {name}: {error}") from None
    return made


def _gate_class(name: str) -> type:
    if ":" not in name:
        if name not in GATES:
            nearest = get_close_matches(name, GATES, n=1, cutoff=0.0)[0]
            raise ConfigError(f'no gate "{name}"; nearest: {nearest}. All: {", ".join(GATES)}')
        return GATES[name]
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f'cannot import gate "{name}": {error}') from error
    if not (isinstance(found, type) and hasattr(found, "accepts")):
        raise ConfigError(f'"{name}" is no gate: a class with a method accepts(rewards, success)')
    return found
