"""Draws: which problems or lists to take, given weights. All random, none drawn twice.

`busy` (N,) counts the open asks of every problem. A draw takes problems with the fewest open asks
first, so that none is in flight twice while a free one exists, and cycles when n exceeds them.
NaN weights count as 0; equal weights, all zero included, give a uniform draw; an infinite weight
beats every finite one. Weights and scores are arrays (N,), or `Blocks` of them: the same draw, but
`proportional`, `top_k`, `epsilon_greedy` and `rank` then do not look at the whole pool.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions
from lessonplan.selection.blocks import Blocks
from lessonplan.selection.estimators import Estimate
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.state import Stateful

Weights: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.signedinteger]

_SMALL = 4096  # problems below which one pass over all is as fast as naming some (measured)
_TINY = 512  # the same for a lottery, in a training process, whose caches are cold (measured)
_MANY = 100_000  # problems above which a posterior is drawn for some of them only (measured)


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


def proportional(
    rng: np.random.Generator,
    weights: Weights | Blocks,
    n: int,
    *,
    busy: Counts,
    gamma: float = 1.0,
) -> Positions:
    """n problems (n,), one after the other in proportion to `weights` ** `gamma`, in that order.

    The n smallest of E_i / w_i with E_i exponential are an exact draw without replacement
    (Efraimidis and Spirakis 2006). Problems of weight 0 come last. Costs a pass over the pool:
    18 ms for a million problems, against 0.6 ms with `Blocks` and gamma 1 (measured).
    """
    if isinstance(weights, Blocks):
        if gamma != 1 or len(weights) <= _SMALL:
            return proportional(rng, weights.values, n, busy=busy, gamma=gamma)
        picks = weights.draw(rng, n, busy)
        if len(picks) == n:
            return picks
        rest = probabilities(weights.values)
        return _after(picks, n, busy, lambda k, taken: _by_chance(rng, rest, k, busy=taken))
    chances = probabilities(weights)
    return _by_chance(rng, chances if gamma == 1 else chances**gamma, n, busy=busy)


def softmax(
    rng: np.random.Generator, scores: Weights | Blocks, n: int, *, busy: Counts, tau: float
) -> Positions:
    """n problems (n,), one after the other in proportion to exp(score / tau).

    The largest of score / tau + Gumbel noise, which nothing can overflow. NaN comes last. Costs a
    pass over the pool: 40 ms for a million problems (measured).
    """
    if not tau > 0:
        raise ValueError(f"tau must be positive, got {tau!r}")
    plain = _array(scores)
    plain = np.where(np.isnan(plain), -np.inf, plain)
    top = plain.max(initial=-np.inf)
    if np.isinf(top):
        logits = np.where(plain == top, 0.0, -np.inf)
    else:
        with np.errstate(over="ignore"):
            logits = (plain - top) / tau
    return top_k(rng, logits + rng.gumbel(size=len(logits)), n, busy=busy)


def rank(
    rng: np.random.Generator, scores: Weights | Blocks, n: int, *, busy: Counts, beta: float = 0.1
) -> Positions:
    """n problems (n,), each slot in proportion to rank^(-1/beta) among those left; 1 is the best.

    The rank rule of PLR (arXiv 2010.03934). Ties are ranked at random, NaN last. With beta .1 the
    best problem gets 99.9 % of a slot, and only n + 11 ranks are looked at; the larger beta, the
    more: from a million, 512 take 23 ms with beta .3 (measured).
    """
    free = int(np.count_nonzero(busy == busy.min()))
    depth = n + len(rank_edges(free, beta))
    best = top_k(rng, scores, min(free, depth), busy=busy)
    picks = by_rank(rng, best, free, min(n, free), beta)
    if len(picks) == n:
        return picks
    return _after(picks, n, busy, lambda k, taken: rank(rng, scores, k, busy=taken, beta=beta))


def rank_edges(total: int, beta: float) -> Weights:
    """(R,) cumulative weights of the ranks 1..R of `total`; those beyond R hold below 1e-9."""
    if not beta > 0:
        raise ValueError(f"beta must be positive, got {beta!r}")
    power = 1 / beta
    deep = 30 / (power - 1) if power > 1 else np.inf  # sum beyond R: R^(1-power) / (power-1)
    ranks = min(total, int(np.ceil(2.0 ** min(deep, 62))))
    return np.cumsum(np.arange(1.0, ranks + 1) ** -power)


def by_rank(
    rng: np.random.Generator, best: Positions, total: int, n: int, beta: float
) -> Positions:
    """n of `total` problems, by rank; `best` holds the first ones, n + R of them or all."""
    edges = rank_edges(total, beta)
    last = np.minimum(total - np.arange(n), len(edges)) - 1  # (n,) ranks left at each slot
    ranks = np.searchsorted(edges, rng.random(n) * edges[last], side="right")
    left = best.tolist()
    return np.array([left.pop(min(r, len(left) - 1)) for r in ranks.tolist()], np.int64)


def epsilon_greedy(
    rng: np.random.Generator,
    scores: Weights | Blocks,
    n: int,
    *,
    busy: Counts,
    epsilon: float = 0.1,
) -> Positions:
    """The best problems (n,), but each slot is uniform over the pool with chance `epsilon`."""
    picks = top_k(rng, scores, n - int(rng.binomial(n, epsilon)), busy=busy)
    return _after(picks, n, busy, lambda k, taken: uniform(rng, k, busy=taken))


def uniform(rng: np.random.Generator, n: int, *, busy: Counts) -> Positions:
    """n problems (n,), all equally likely; costs O(n)."""
    return lottery(rng, _ones, n, busy=busy)


def thompson(
    rng: np.random.Generator,
    estimate: Estimate,
    score: Callable[[Weights], Weights],
    n: int,
    *,
    busy: Counts,
    draw: "Draw | None" = None,
) -> Positions:
    """Draw a success rate from each posterior, score it, and take the n best (n,), or `draw`.

    Above 100,000 problems the posteriors of 16 n random ones are drawn, at least 4096: over all of
    a million it would take 43 to 165 ms (measured).
    """
    size, some = len(busy), max(16 * n, 4096)
    these = np.arange(size) if size <= max(_MANY, 2 * some) else _names(rng, some, n, busy)
    scores = score(estimate.draw(rng, these))
    return these[(draw or top_k)(rng, scores, n, busy=busy[these])]


def symmetric(
    rng: np.random.Generator,
    values: Weights,
    n: int,
    *,
    busy: Counts,
    threshold: float,
    turn: int = 0,
) -> Positions:
    """Half the slots from each side of `threshold`, nearest first (CDAS, arXiv 2505.17652).

    Slot s goes below (or on) the threshold when `turn` + s is even. A caller that asks one at a
    time counts its slots in `turn`. A side without free problems lends its slots to the other.
    """
    below = values <= threshold
    distance = -np.abs(values - threshold)
    free_below = int(np.count_nonzero(below & (busy == 0)))
    free_above = int(np.count_nonzero(~below & (busy == 0)))
    k = (n + 1 - turn % 2) // 2  # slots below
    k = min(max(k, n - free_above), free_below)
    picks = np.empty(0, np.int64)
    for side, count in ((below, k), (~below, min(n - k, free_above))):
        taken = np.where(side, busy, 1 + busy.max(initial=0))
        picks = np.concatenate([picks, top_k(rng, distance, count, busy=taken)])
    if len(picks) == n:
        return picks
    return _after(picks, n, busy, lambda k, taken: top_k(rng, distance, k, busy=taken))


def nearest(
    rng: np.random.Generator,
    values: Weights,
    n: int,
    *,
    busy: Counts,
    target: float,
    asked_at: Counts,
) -> Positions:
    """Of the 4 n free problems nearest to `target`, the n least recently asked (ours).

    `asked_at` (N,) is when each problem was last asked. Ties of either kind are broken at random.
    So a target that rests does not serve one batch again and again.
    """
    free = int(np.count_nonzero(busy == 0))
    near = top_k(rng, -np.abs(values - target), min(4 * n, max(n, free)), busy=busy)
    oldest = np.lexsort((rng.random(len(near)), asked_at[near], busy[near]))
    return near[oldest[:n]]


def skip(
    rng: np.random.Generator,
    stream: Rounds,
    chance: Callable[[Positions], Weights],
    n: int,
    *,
    ledger: Ledger,
) -> Positions:
    """The next n problems of a shuffled stream, marked in the ledger; some are passed over.

    `chance` maps positions (c,) to the probability (c,) of passing over each, until its next round.
    After four rounds that gave too few, the rest is taken as it comes, so that a chance of 1 is no
    endless loop. `stream` must be list 0 of the ledger.
    """
    picks, looked_at = np.empty(0, np.int64), 0
    while len(picks) < n:
        names = fill_slots(np.zeros(n - len(picks), np.int64), [stream], ledger)
        looked_at += len(names)
        if looked_at > 4 * len(stream.members):
            return np.concatenate([picks, names])
        passed = rng.random(len(names)) < chance(names)
        ledger.release(names[passed])
        picks = np.concatenate([picks, names[~passed]])
    return picks


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
    chosen: dict[int, None] = {}  # in the order of the draw
    names_left = size // 8 if size > _TINY else 0
    while len(chosen) < n and names_left > 0:
        missing = n - len(chosen)
        names = _anywhere(rng, size, min(8 * missing + 64, size // 8))
        names_left -= len(names)
        kept = names[rng.random(len(names)) < weight(names)]
        uniform = rng.random(2 * missing + 16) < floor  # (slots,)
        uniform = uniform[np.cumsum(~uniform) <= len(kept)]  # up to where `kept` runs out
        drawn = _anywhere(rng, size, len(uniform))
        drawn[~uniform] = kept[: np.count_nonzero(~uniform)]
        chosen.update(dict.fromkeys(drawn[busy[drawn] == 0].tolist()))
    picks = np.array([*chosen][:n], np.int64)
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


def _anywhere(rng: np.random.Generator, size: int, n: int) -> Positions:
    """n positions (n,) below `size`, repeats included; a third of the price of rng.integers."""
    return (rng.random(n) * size).astype(np.int64)


def top_k(rng: np.random.Generator, scores: Weights | Blocks, n: int, *, busy: Counts) -> Positions:
    """The n problems (n,) with the highest `scores` (N,), best first, ties at random, NaN last."""
    if isinstance(scores, Blocks):
        if len(scores) <= _SMALL:
            return top_k(rng, scores.values, n, busy=busy)
        picks, plain = scores.top(rng, n, busy), scores.values
        if len(picks) == n:
            return picks
        return _after(picks, n, busy, lambda k, taken: top_k(rng, plain, k, busy=taken))
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
        if (np.bincount(drawn, minlength=len(room)) <= room).all():  # the common case
            turns[slots] = drawn
            return turns
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
        lists = [c for c in wanted if room[c] > 0] or wanted
        for _ in range(n):
            total += 1
            turn, furthest = lists[0], -np.inf
            for c in lists:
                behind = total * shares[c] - given[c]
                if behind > furthest:
                    turn, furthest = c, behind
            given[turn] += 1
            room[turn] -= 1
            turns.append(turn)
            if room[turn] == 0:
                lists = [c for c in wanted if room[c] > 0] or wanted
        self.given = np.asarray(given, np.int64)
        return np.asarray(turns, np.int64)


Draw: TypeAlias = Callable[..., Positions]  # (rng, scores, n, *, busy) -> (n,)


def _after(
    picks: Positions, n: int, busy: Counts, draw: Callable[[int, Counts], Positions]
) -> Positions:  # (n,)
    """`picks` and as many more as make n, drawn with them marked as busy."""
    if len(picks) == n:
        return picks
    taken = busy.copy()
    np.add.at(taken, picks, 1)
    return np.concatenate([picks, draw(n - len(picks), taken)])


def _names(rng: np.random.Generator, some: int, n: int, busy: Counts) -> Positions:
    """About `some` random free problems, ascending; all problems when fewer than n are free."""
    these = np.unique(uniform(rng, some, busy=busy))  # repeats when few are free
    return these if np.count_nonzero(busy[these] == 0) >= n else np.arange(len(busy))


def _array(scores: Weights | Blocks) -> Weights:
    return scores.values if isinstance(scores, Blocks) else scores


def _ones(positions: Positions) -> Weights:
    return np.ones(len(positions))


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
