"""How often a sampler's interval excludes 1x in a world where no sampler can win."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scipy.stats import binom

from lessonplan.errors import ConfigError
from lessonplan.training.paired import LEVEL, ratios
from lessonplan.training.scenario import BASELINE, Practice, Scenario, load_scenario
from lessonplan.training.simulate import simulate

AT_ONCE = 20  # studies that advance together


@dataclass(frozen=True, slots=True)
class NullControl:
    """One sampler over many simulated studies without any true difference."""

    sampler: str
    studies: int
    excluded: int  # studies whose 95 % interval excludes 1x
    won: int  # of these, in favor of the sampler; the others favor the baseline
    censored: int  # studies in which some world did not reach the target: wider intervals
    least: int  # 95 % binomial bounds of an honest 95 % interval
    most: int

    @property
    def honest(self) -> bool:
        """Whether the count is no larger than chance explains; a wide interval is no fault."""
        return self.excluded <= self.most


def null_scenario(worlds: int, seed: int = 0) -> Scenario:
    """The shipped null scenario in a size of which hundreds can be run."""
    shipped = load_scenario("null", worlds=worlds)
    small = Practice(steps=50, problems_per_step=4, group_size=4, every=1)
    faster = replace(shipped.skills, rate=0.12)  # every world reaches the target
    return replace(shipped, practice=small, skills=faster, seed=seed)


def null_control(
    samplers: Sequence[str],
    *,
    studies: int = 200,
    worlds: int = 8,
    seed: int = 0,
    scenario: Scenario | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> list[NullControl]:
    """Count the false winners of `studies` studies of `worlds` paired worlds each.

    `scenario` is by default `null_scenario`. A study draws worlds, learners and samplers anew.
    Raises ConfigError if a sampler is not compared, or `worlds` is below 2.
    """
    if worlds < 2:
        raise ConfigError(f"an interval needs at least 2 worlds, got {worlds}")
    others = [name for name in samplers if name != BASELINE]
    if not others:
        raise ConfigError(f"name a sampler other than {BASELINE}, the baseline")
    base = replace(scenario or null_scenario(worlds, seed), samplers=(BASELINE, *others))
    won, lost, censored = (dict.fromkeys(others, 0) for _ in range(3))
    for first in range(0, studies, AT_ONCE):
        now = min(AT_ONCE, studies - first)
        done = simulate(replace(base, worlds=now * worlds, seed=base.seed + first))
        for k in range(now):
            mine = slice(k * worlds, (k + 1) * worlds)
            for one in ratios(replace(done, success=done.success[:, mine])):
                won[one.a] += one.winner == one.a
                lost[one.a] += one.winner == one.b
                censored[one.a] += one.method == "median"
        if watch is not None:
            watch(first + now, studies)
    least, most = (int(bound) for bound in binom.ppf([0.025, 0.975], studies, 1 - LEVEL))
    return [
        NullControl(name, studies, won[name] + lost[name], won[name], censored[name], least, most)
        for name in others
    ]
