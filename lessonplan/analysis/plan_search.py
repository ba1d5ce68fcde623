"""What a planned study costs, and the cheapest one that answers a question."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from lessonplan.analysis.planning import (
    LEAST_SEEDS,
    LEAST_SIZES,
    Forecast,
    Layout,
    Pair,
    predict,
)
from lessonplan.errors import ConfigError

MOST_SIZES, MOST_SEEDS = 8, 40  # the search looks no further
ITEMS = (500, 1000, 2000, 4000)  # test sets that the search tries


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layout generates."""

    runs: int
    trained: int  # rollouts of training
    evaluated: int  # completions of the final evaluations
    hours: float

    @property
    def rollouts(self) -> int:
        return self.trained + self.evaluated


def cost(layout: Layout, pair: Pair, *, rollouts_per_run: int, pace: float) -> Cost:
    """Rollouts of all runs and their evaluations, and hours at `pace` rollouts a second."""
    if rollouts_per_run < 1 or not pace > 0:
        raise ConfigError(
            f"rollouts a run and pace must be above 0, got {rollouts_per_run} and {pace}"
        )
    trained = layout.runs * rollouts_per_run
    evaluated = layout.runs * layout.items * pair.samples
    return Cost(layout.runs, trained, evaluated, (trained + evaluated) / pace / 3600)


def cheapest(
    first: float,
    last: float,
    pair: Pair,
    *,
    rollouts_per_run: int,
    width: float | None = None,
    power: float | None = None,
    items: int | None = None,
    tied: bool = False,
    target: float | None = None,
) -> Forecast | None:
    """The layout with the fewest rollouts whose interval is at most `width`, or that shows a
    ratio of `power` in 80 % of cases; None if there is none.

    Looks at 4 to 8 sizes spread evenly in ln n from `first` to `last`, 3 to 40 seeds (warm
    starts, if `tied`), and test sets of 500 to 4000 items unless `items` is given.
    """
    if (width is None) == (power is None):
        raise ConfigError(f"give one of width and power, got {width} and {power}")
    limit = width if width is not None else power
    assert limit is not None
    if not limit > 1:
        raise ConfigError(f"width and power are ratios above 1, got {limit}")

    def forecast(sizes: tuple[float, ...], m: int, seeds: int) -> Forecast:
        layout = Layout.grid(sizes, seeds=1 if tied else seeds, items=m, units=seeds if tied else 0)
        return predict(layout, pair, target)

    def enough(found: Forecast) -> bool:
        return (found.width if width is not None else found.seen) <= limit

    best: tuple[int, float, Forecast] | None = None
    for k, m in product(range(LEAST_SIZES, MOST_SIZES + 1), ITEMS if items is None else (items,)):
        sizes = tuple(np.unique(np.round(np.geomspace(first, last, k))).tolist())
        if not enough(forecast(sizes, m, MOST_SEEDS)):
            continue
        low, high = LEAST_SEEDS, MOST_SEEDS  # an interval only narrows with seeds
        while low < high:
            middle = (low + high) // 2
            done = enough(forecast(sizes, m, middle))
            low, high = (low, middle) if done else (middle + 1, high)
        found = forecast(sizes, m, low)
        total = cost(found.layout, pair, rollouts_per_run=rollouts_per_run, pace=1.0).rollouts
        if best is None or (total, found.width) < best[:2]:
            best = total, found.width, found
    return best[2] if best else None
