"""Draws: which problems or lists to take, given weights. All random, none drawn twice.

`busy` (N,) counts the open asks of every problem. A draw takes problems with the fewest open asks
first, so that none is in flight twice while a free one exists, and cycles when n exceeds them.
NaN weights count as 0; equal weights, all zero included, give a uniform draw; an infinite weight
beats every finite one.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions
from lessonplan.selection.state import Stateful

Weights: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.signedinteger]

_SMALL = 4096  # problems below which one pass over all is as fast as naming some (measured)


def probabilities(weights: Weights) -> Weights:
    """Weights (C,) as probabilities (C,), uniform when none is positive; never NaN.

    Raises ValueError on a negative weight.
    """
    top = weights.max(initial=0.0)
    if np.isnan(top):  # it is, if any weight is
        weights = np.where(np.isnan(weights), 0.0, weights)
        top = weights.max(initial=0.0)
    if weights.min(initial=0.0) < 0:
        raise ValueError(f"weights must not be negative, got {weights.min()!r}")
    if top == 0:
        return np.full(len(weights), 1 / max(1, len(weights)))
    if np.isinf(top):
        weights, top = np.isinf(weights).astype(np.float64), 1.0
    weights = weights / top  # first, because the sum of large weights may overflow
    return np.asarray(weights / weights.sum())


def proportional(rng: np.random.Generator, weights: Weights, n: int, *, busy: Counts) -> Positions:
    """n problems (n,), one after the other in proportion to `weights` (N,), in that order.

    The n smallest of E_i / w_i with E_i exponential are an exact draw without replacement
    (Efraimidis and Spirakis 2006). Problems of weight 0 come last. Costs a pass over the pool:
    18 ms for a million problems (measured).
    """
    return _by_chance(rng, probabilities(weights), n, busy=busy)


def _by_chance(rng: np.random.Generator, chances: Weights, n: int, *, busy: Counts) -> Positions:
    """`proportional` for finite chances (N,), which need not add up to 1."""
    keys = _keys(rng, chances)  # (N,)
    if busy.any():
        keys[busy > 0] = np.inf
    first = _smallest(keys, n)
    if len(first) == n and (n == 0 or keys[first[-1]] < np.inf):
        return first  # the common case: enough problems are free and possible

    def choose(free: Positions, k: int) -> Positions:
        possible = chances[free] > 0
        likely, others = free[possible], free[~possible]
        first = likely[_smallest(_keys(rng, chances[likely]), k)]
        return np.concatenate([first, rng.permutation(others)[: k - len(first)]])

    return _least_busy_first(busy, n, choose)


def lottery(
    rng: np.random.Generator,
    weight: Callable[[Positions], Weights],
    n: int,
    *,
    busy: Counts,
    floor: float = 0.0,
) -> Positions:
    """The draw of `proportional`, without a pass over the pool: costs O(n), whatever N.

    `weight` maps positions (c,) to weights (c,) in [0, 1]. Positions are named uniformly and kept
    with probability weight; those already drawn or busy are passed over. That is a successive draw
    in proportion to the weights, exactly. With probability `floor` a slot is uniform instead, so
    every problem has at least floor / N. If too few of N / 8 names are kept, the rest is drawn by
    a pass over all.
    """
    size = len(busy)
    picks = np.empty(0, np.int64)
    names_left = size // 8 if size > _SMALL else 0
    while len(picks) < n and names_left > 0:
        missing = n - len(picks)
        names = rng.integers(size, size=min(8 * missing + 64, size // 8))
        names_left -= len(names)
        kept = names[rng.random(len(names)) < weight(names)]
        uniform = rng.random(2 * missing + 16) < floor  # (slots,)
        uniform = uniform[np.cumsum(~uniform) <= len(kept)]  # up to where `kept` runs out
        drawn = rng.integers(size, size=len(uniform))
        drawn[~uniform] = kept[: np.count_nonzero(~uniform)]
        drawn = drawn[(busy[drawn] == 0) & ~np.isin(drawn, picks)]
        first = np.sort(np.unique(drawn, return_index=True)[1])[:missing]
        picks = np.concatenate([picks, drawn[first]])
    if len(picks) == n:
        return picks
    weights = weight(np.arange(size))
    total = weights.sum()  # NaN, if any weight is
    if floor < 1 and total > 0:
        chances = weights + floor / (1 - floor) * total / size
    else:
        chances = (1 - floor) * probabilities(weights) + floor / size
    if not len(picks):
        return _by_chance(rng, chances, n, busy=busy)
    taken = busy.copy()
    taken[picks] += 1
    return np.concatenate([picks, _by_chance(rng, chances, n - len(picks), busy=taken)])


def top_k(rng: np.random.Generator, scores: Weights, n: int, *, busy: Counts) -> Positions:
    """The n problems (n,) with the highest `scores` (N,), best first, ties at random, NaN last."""
    scores = np.where(np.isnan(scores), -np.inf, scores)

    def choose(free: Positions, k: int) -> Positions:
        mine = scores[free]
        bar = -np.partition(-mine, k - 1)[k - 1]
        above, level = free[mine > bar], free[mine == bar]
        best = np.concatenate([above, rng.permutation(level)[: k - len(above)]])
        return best[np.lexsort((rng.random(k), -scores[best]))]

    return _least_busy_first(busy, n, choose)


def arms(rng: np.random.Generator, weights: Weights, n: int, *, free: Counts) -> NDArray[np.int64]:
    """An arm for each of n slots (n,), drawn in proportion to `weights` (C,).

    `free` (C,) caps how often an arm is drawn while another one has problems left. An arm of
    weight 0 is drawn only if no other has a free problem.
    """
    turns = np.empty(n, np.int64)
    room, slots = free.copy(), np.arange(n)
    while len(slots) and room.any():
        left = weights * (room > 0)
        chances = probabilities(left if np.any(left > 0) else (room > 0).astype(np.float64))
        drawn = _multinomial(rng, chances, len(slots))
        placed = np.zeros(len(slots), np.bool_)
        for arm in np.unique(drawn):
            mine = np.flatnonzero(drawn == arm)[: room[arm]]
            room[arm] -= len(mine)
            placed[mine] = True
        turns[slots[placed]] = drawn[placed]
        slots = slots[~placed]
    turns[slots] = _multinomial(rng, probabilities(weights), len(slots))  # repeats
    return turns


class Exact(Stateful):
    """Turns between lists whose counts follow fixed weights, to less than one slot, for ever.

    Each slot goes to the list furthest behind its share of all slots so far, so that n slots at
    once and n single ones give the same turns. A list without free problems is passed over and
    stays behind; it catches up when it can.
    """

    values = ("given",)

    def __init__(self, weights: Sequence[float]) -> None:
        self.weights = probabilities(np.asarray(weights, np.float64))  # (C,)
        self.given = np.zeros(len(weights), np.int64)  # (C,) slots so far

    def turns(self, n: int, *, free: Counts) -> NDArray[np.int64]:  # (n,)
        """The list of each of n slots; `free` (C,) is the number of free problems of each."""
        shares, given, room = self.weights.tolist(), self.given.tolist(), free.tolist()
        wanted = [c for c, share in enumerate(shares) if share > 0]
        total, turns = sum(given), []
        for _ in range(n):
            total += 1
            lists = [c for c in wanted if room[c] > 0] or wanted
            turn = max(lists, key=lambda c: total * shares[c] - given[c])
            given[turn] += 1
            room[turn] -= 1
            turns.append(turn)
        self.given = np.asarray(given, np.int64)
        return np.asarray(turns, np.int64)


def _least_busy_first(
    busy: Counts, n: int, choose: Callable[[Positions, int], Positions]
) -> Positions:
    portions, missing = [np.empty(0, np.int64)], n
    while missing > 0:
        free = np.flatnonzero(busy == busy.min())
        chosen = choose(free, min(missing, len(free)))
        portions.append(chosen)
        missing -= len(chosen)
        if missing:
            busy = busy.copy()
            busy[chosen] += 1
    return portions[-1] if len(portions) <= 2 else np.concatenate(portions)


def _keys(rng: np.random.Generator, chances: Weights) -> Weights:
    with np.errstate(divide="ignore", over="ignore"):
        return rng.standard_exponential(len(chances)) / chances


def _smallest(keys: Weights, k: int) -> Positions:
    if 0 < k < len(keys):
        first = np.argpartition(keys, k - 1)[:k]
        return first[np.argsort(keys[first])]
    return np.argsort(keys)[:k]


def _multinomial(rng: np.random.Generator, chances: Weights, n: int) -> NDArray[np.int64]:
    edges = np.cumsum(chances)
    return np.searchsorted(edges / edges[-1], rng.random(n), side="right")
