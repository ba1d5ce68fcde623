"""Run samplers on simulated learners: the real objects through ask and tell, in paired worlds."""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula import make_sampler, resolve_sampler
from lessonplan.errors import ConfigError
from lessonplan.selection import Feedback, Positions, Sampler
from lessonplan.training.scenario import BASELINE, Entrant, Scenario, wraps_samplers
from lessonplan.training.simulate_record import Record
from lessonplan.training.simulate_traffic import Groups, Traffic
from lessonplan.training.simulated import (
    Floats,
    Ints,
    Learners,
    Taught,
    World,
    draw_world,
    success_rate,
)

LUCK_AHEAD = 1 << 21  # random numbers drawn at once, over all rows: 8 MB

Watch = Callable[[int, int], None]  # steps done, of how many


@dataclass(frozen=True)
class Simulation:
    """What happened: A samplers, the baseline first, in the same W worlds.

    Counts are of groups, by one of P = 20 parts of the run.
    """

    scenario: Scenario
    samplers: tuple[str, ...]  # A
    rollouts: Ints  # (E,) generated so far, at every measurement
    success: Floats  # (A, W, E) mean true success rate on the held-out problems
    by_skill: Floats  # (A, W, E, S) the same by skill, NaN where no held-out problem needs it
    asked: Ints  # (A, W, P, L) groups asked, by level
    trained: Ints  # (A, W, P, L) groups trained on: mixed, and come back in time
    outcomes: Ints  # (A, W, P, 4) of groups that came back or were given up
    picked: Ints  # (A, W, P, 10) groups asked, by the true success rate at that moment
    pool: Ints  # (A, W, P, 10) problems of the pool, by true success rate, at the part's middle
    tracking: Floats  # (A, W, P) root mean square error of the estimates; NaN without estimates
    lag: Floats  # (A, W) mean steps from ask to tell, lost groups left out
    generated: Ints  # (A, W) rollouts
    seconds: float

    @property
    def steps_per_second(self) -> float:
        """Steps of all runs together."""
        return self.generated.size * self.scenario.practice.steps / self.seconds


Make = Callable[[World, int], Sampler]  # a sampler for a world, with that seed


def simulate(
    scenario: Scenario, *, entrants: Mapping[str, Make] | None = None, watch: Watch | None = None
) -> Simulation:
    """Run every sampler of the scenario in every world, all side by side, and `entrants` beside.

    An entrant makes its own sampler, such as one that wraps another.

    Problems, starts and drift of a world are common to its samplers; the luck of rollouts is each
    run's own, keyed by the sampler's name, so that a result does not depend on its company.
    """
    makers = _makers(scenario) | dict(entrants or {})
    names = (BASELINE, *(name for name in makers if name != BASELINE))
    worlds = [draw_world(scenario, w) for w in range(scenario.worlds)]
    every = [(name, world) for name in names for world in worlds]  # R runs, in this order
    samplers = [_entrant(scenario, name, makers[name], world) for name, world in every]
    shape = (len(names), len(worlds))
    learners = Learners([world for _, world in every], scenario)
    walk = _walks(scenario, worlds, len(names))
    record = Record(scenario, learners, samplers, [world for _, world in every])
    traffic = Traffic(scenario.delays, [world for _, world in every])
    practice = scenario.practice
    began = time.perf_counter()
    luck = _luck(scenario, every)
    for step in range(practice.steps):
        learners.between_steps(step, next(walk))
        if step % practice.every == 0:
            record.measure()
        if step == 0:
            check_target(record.success[0], scenario.target)
        positions = _ask(samplers, practice.problems_per_step)  # (R, B)
        record.asked(step, positions)
        dice, delays = next(luck)
        rewards, worth = learners.practice(positions, dice)
        traffic.send(step, positions, rewards, worth, delays)
        back = traffic.arrivals(step)
        trained = back.in_time(step, scenario.delays.stale_after)
        learners.learn(Taught(back.row[trained], back.skill[trained], back.gain[trained]))
        _tell(samplers, back)
        record.told(step, back, trained)
        if watch is not None:
            watch(step + 1, practice.steps)
    record.measure()
    spent = record.generated.reshape(shape)
    if not (spent == scenario.rollouts).all():
        raise AssertionError(f"samplers generated unequal rollouts: {spent.tolist()}")

    def table(rows: NDArray[np.generic]) -> NDArray[np.generic]:
        return rows.reshape(*shape, *rows.shape[1:])

    return Simulation(
        scenario=scenario,
        samplers=names,
        rollouts=np.asarray(record.rollouts, np.int64),
        success=cast(Floats, table(np.stack(record.success, axis=1))),
        by_skill=cast(Floats, table(np.stack(record.by_skill, axis=1))),
        asked=cast(Ints, table(record.by_level)),
        trained=cast(Ints, table(record.trained_by_level)),
        outcomes=cast(Ints, table(record.outcomes)),
        picked=cast(Ints, table(record.picked)),
        pool=cast(Ints, table(record.pool)),
        tracking=cast(Floats, table(record.tracking)),
        lag=cast(Floats, table(record.lag())),
        generated=spent,
        seconds=time.perf_counter() - began,
    )


def check_target(untrained: Floats, target: float) -> None:
    """Raise ConfigError when a world starts at the target; `untrained` (W,) is success before."""
    if (untrained >= target).any():
        world = int(np.argmax(untrained >= target))
        raise ConfigError(
            f"target {target} is not above the untrained success of world {world}, "
            f"{untrained[world]:.3f}: choose a higher one"
        )


def _entrant(scenario: Scenario, name: str, make: Make, world: World) -> Sampler:
    key = np.random.default_rng([scenario.seed, world.index, zlib.crc32(name.encode()), 1])
    try:
        sampler = make(world, int(key.integers(2**31)))
    except (TypeError, ValueError) as error:  # arguments of a file or a pool that do not fit
        raise ConfigError(f"{name}: {error}") from error
    if sampler.shapes_groups:
        raise ConfigError(
            f"{name} sets group sizes or purposes, and every group is alike here: leave it out"
        )
    return sampler


def _makers(scenario: Scenario) -> dict[str, Make]:
    """How to make each sampler that the scenario names."""
    return {name: _maker(scenario, scenario.entrant(name)) for name in scenario.samplers}


def _maker(scenario: Scenario, entrant: Entrant) -> Make:
    cls = resolve_sampler(entrant.sampler)
    wraps = wraps_samplers(entrant.sampler)
    inner = [_maker(scenario, scenario.entrant(name)) for name in entrant.around]
    wanted = [
        key
        for key, one in signature(cls).parameters.items()
        if one.default is one.empty and key not in entrant.args
    ]

    def make(world: World, seed: int) -> Sampler:
        if wraps:
            seeds = np.random.default_rng([seed, 5]).integers(2**31, size=len(inner)).tolist()
            children = [one(world, own) for one, own in zip(inner, seeds, strict=True)]
            if wraps == "child" and len(children) > 1:
                raise ConfigError(f"{entrant.sampler} wraps one sampler, got {len(children)}")
            given: object = children[0] if wraps == "child" else children
            return cast(Callable[..., Sampler], cls)(given, seed=seed, **entrant.args)
        known = known_beforehand(scenario, world)
        args = {**{key: known[key] for key in wanted if key in known}, **entrant.args}
        build = cast(Callable[..., Sampler], make_sampler)
        return build(entrant.sampler, world.pool, seed=seed, **args)

    return make


def known_beforehand(scenario: Scenario, world: World) -> dict[str, object]:
    """What a user would know before training, for samplers that require it, by argument.

    The number of steps; and pass rates of two other models: one as able as the untrained learner,
    one that solves the hardest level half of the time.
    """
    a, top = scenario.skills.discrimination, scenario.problems.hardest
    weak, strong = (
        success_rate(np.asarray(theta), world.difficulty, a) for theta in (world.start, top)
    )
    return {"steps": scenario.practice.steps, "weak": weak, "strong": strong}


def _walks(scenario: Scenario, worlds: Sequence[World], n_samplers: int) -> Iterator[Floats | None]:
    """Standard normals (R, S) for every step, the same for all samplers of a world."""
    if not scenario.skills.drift:
        while True:
            yield None
    keys = [np.random.default_rng([scenario.seed, world.index, 2]) for world in worlds]
    while True:
        one = np.stack([rng.standard_normal(scenario.skills.count) for rng in keys])  # (W, S)
        yield np.tile(one, (n_samplers, 1))


def _luck(
    scenario: Scenario, every: Sequence[tuple[str, World]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
    """For every step uniform numbers (R, B, G), and (R, B, 2) where groups are late or lost.

    Each run has generators of its own, from which many steps are drawn at once.
    """
    practice, delays = scenario.practice, scenario.delays
    groups = (practice.problems_per_step, practice.group_size)
    keys = [[scenario.seed, world.index, zlib.crc32(name.encode())] for name, world in every]
    dice = [np.random.default_rng([*key, 3]) for key in keys]
    roads = [np.random.default_rng([*key, 4]) for key in keys]
    ahead = max(1, min(practice.steps, LUCK_AHEAD // (len(every) * groups[0] * groups[1])))
    uncertain = delays.late > 0 or delays.lost > 0
    while True:
        # (steps, R, B, G): a step's numbers lie together in memory
        rolls = np.stack([rng.random((ahead, *groups), np.float32) for rng in dice], axis=1)
        ways = None
        if uncertain:
            size = (ahead, groups[0], 2)
            ways = np.stack([rng.random(size, np.float32) for rng in roads], axis=1)
        for step in range(ahead):
            yield rolls[step], None if ways is None else ways[step]


def _ask(samplers: Sequence[Sampler], n: int) -> Positions:  # (R, n)
    picks = [one.ask(n) for one in samplers]
    for sampler, named in zip(samplers, picks, strict=True):
        if len(named) != n:  # it would generate fewer rollouts than the others, or more
            raise ConfigError(f"{type(sampler).__name__}: ask({n}) named {len(named)} problems")
    return np.stack(picks)


def _tell(samplers: Sequence[Sampler], back: Groups) -> None:
    ends = np.cumsum(np.bincount(back.row, minlength=len(samplers))).tolist()
    first = 0
    for sampler, end in zip(samplers, ends, strict=True):
        if end > first:
            mine = slice(first, end)
            sampler.tell(Feedback(back.position[mine], back.rewards[mine], back.step[mine]))
        first = end
