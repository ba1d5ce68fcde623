"""Samplers made of samplers: a uniform warm-up, an eye on stale problems, a mixture."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Feedback, Positions, Sampler
from lessonplan.selection.draws import Weights, lottery, probabilities
from lessonplan.selection.ledger import Ledger, occurrence
from lessonplan.selection.rounds import Rounds, fill_slots

Schedule = Callable[[int], Sequence[float]]  # policy step -> weights


class Wrapper(Sampler):
    """A sampler with others inside, its `children`; write `ask`.

    One rule keeps them in agreement: what anyone here hands out is in flight for all, and every
    told group is told to all. So the ledgers of all hold the same open asks, no child hands out
    what another has in flight, and each learns from the groups of the others. It costs a ledger
    of 4 bytes a problem for each sampler. States nest, and move to another pool as one.

    Children must be of one pool, without open asks, distinct, and leave group sizes alone. `step`
    is the policy step that comes next, as far as the told groups say.
    """

    values: ClassVar[tuple[str, ...]] = ("children", "step")

    def __init__(self, children: Sequence[Sampler], seed: int) -> None:
        name = type(self).__name__
        if not children:
            raise ValueError(f"{name} needs at least one sampler")
        sizes = [len(child.ledger.busy) for child in children]
        if len(set(sizes)) > 1:
            raise ValueError(f"the samplers of {name} must share a pool, got sizes {sizes}")
        if len(set(map(id, children))) < len(children):
            raise ValueError(f"the samplers of {name} must be distinct objects")
        for child in children:
            if child.ledger.in_flight:
                raise ValueError(
                    f"{type(child).__name__} has {child.ledger.in_flight} asks in flight; build"
                    f" the {name} before the first ask"
                )
            if child.shapes_groups:
                raise ValueError(
                    f"{type(child).__name__} sets group sizes or purposes, which {name} does not"
                    " pass on; use it by itself"
                )
        self.children = tuple(children)
        self.step = 0
        self.rng = np.random.default_rng([seed, 1])  # not a child's, if its seed is the same
        self.ledger = Ledger(sizes[0])

    def tell(self, feedback: Feedback) -> None:
        for child in self.children:  # first: a success rule may refuse, and then nothing was told
            child.tell(feedback)
        was_open = self.ledger.release(feedback.positions)
        heard = was_open & ~np.isnan(feedback.rewards).all(axis=1)
        self.step = max(self.step, int(feedback.policy_steps.max(where=heard, initial=-1)) + 1)

    def ask_child(self, child: Sampler, n: int) -> Positions:  # (n,)
        """The picks of a child, marked everywhere."""
        return self.mark(child.ask(n), by=child)

    def ask_fresh(self, child: Sampler, n: int) -> Positions:  # (at most n,)
        """The picks of a child that are not in flight; those that it repeats are given back."""
        if n == 0:
            return np.empty(0, np.int64)
        picks = child.ask(n)
        fresh = (self.ledger.busy[picks] == 0) & (occurrence(picks) == 0)
        for sampler in family(child):
            sampler.ledger.release(picks[~fresh])
        return self.mark(picks[fresh], by=child)

    def mark(self, picks: Positions, by: Sampler | None = None) -> Positions:
        """Open asks in the ledgers of all, but for the child that handed them out itself."""
        for child in self.children:
            if child is not by:
                for sampler in family(child):
                    sampler.ledger.take(picks)
        return self.ledger.take(picks)

    def metrics(self) -> dict[str, float]:
        """What the children report, the first one's word first, and the open asks."""
        merged: dict[str, float] = {}
        for child in reversed(self.children):
            merged |= child.metrics()
        return merged | super().metrics()


def family(sampler: Sampler) -> list[Sampler]:
    """The sampler and all that it wraps, whose ledgers belong together."""
    if not isinstance(sampler, Wrapper):
        return [sampler]
    return [sampler, *(one for child in sampler.children for one in family(child))]


class Warmup(Wrapper):
    """Uniform over the pool for the first `steps` policy steps, then what the child chooses.

    The child hears the groups of the warm-up. The uniform picks come from a shuffled list, as in
    `Uniform`, and may be problems that the child itself would never ask. A policy step counts
    once a scorable group of it was told, so prefetched asks still are uniform. Use it when an
    estimate from few groups would mislead.
    """

    values: ClassVar[tuple[str, ...]] = (*Wrapper.values, "rounds")

    def __init__(self, child: Sampler, *, steps: int, seed: int = 0) -> None:
        if steps < 0:
            raise ValueError(f"steps must be at least 0, got {steps!r}")
        super().__init__([child], seed)
        self.steps = steps
        size = len(self.ledger.busy)
        self.ledger = Ledger(size, np.zeros(size, np.int8))
        self.rounds = Rounds(np.arange(size), (seed,))

    def ask(self, n: int) -> Positions:  # (n,)
        if self.step >= self.steps:
            return self.ask_child(self.children[0], n)
        turns = np.zeros(n, np.int64)
        picks = fill_slots(turns, [self.rounds], self.ledger)  # marks our own ledger
        for sampler in family(self.children[0]):
            sampler.ledger.take(picks)
        return picks


class StalenessMix(Wrapper):
    """Give a share of the slots to the problems that were not asked for longest.

    With probability `coef` a slot is drawn in proportion to C_i, the slots handed out since
    problem i's last ask; otherwise it is the child's. In all, P = (1 - coef) P_child +
    coef C / sum C: the staleness term of PLR (2010.03934), whose coefficient is the default. Use
    it with a child whose estimates age, or that has no floor of its own.
    """

    arrays = ("last_asked",)
    values: ClassVar[tuple[str, ...]] = (*Wrapper.values, "clock")

    def __init__(self, child: Sampler, *, coef: float = 0.1, seed: int = 0) -> None:
        if not 0 <= coef <= 1:
            raise ValueError(f"coef must lie in [0, 1], got {coef!r}")
        super().__init__([child], seed)
        self.coef = coef
        self.last_asked = np.zeros(len(self.ledger.busy), np.int64)  # (N,) the clock then
        self.clock = 0  # slots handed out

    def ask(self, n: int) -> Positions:  # (n,)
        count = int(self.rng.binomial(n, self.coef))
        longest = self.clock - self.last_asked.min()

        def staleness(positions: Positions) -> Weights:
            age = self.clock - self.last_asked[positions]
            return age / longest if longest else np.ones(len(positions))

        stale = self.mark(lottery(self.rng, staleness, count, busy=self.ledger.busy))
        picks = np.concatenate([stale, self.ask_child(self.children[0], n - count)])
        self.clock += n
        self.last_asked[picks] = self.clock
        return picks


class Mixture(Wrapper):
    """Share the slots among several samplers, in fixed proportions or by a schedule.

    Counts follow the weights to less than a slot, over any number of asks. `weights` is a number
    for each child, or a function from the policy step to such numbers, which must be a named
    function where samplers travel between processes. A child that would only repeat what is in
    flight lends its slots to the others, the largest weight first; they are not given back. A
    child of weight 0 is never asked, but hears every group. The method is ours.
    """

    values: ClassVar[tuple[str, ...]] = (*Wrapper.values, "credit")

    def __init__(
        self,
        children: Sequence[Sampler],
        *,
        weights: Sequence[float] | Schedule | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(children, seed)
        self.weights = [1.0] * len(children) if weights is None else weights
        self.shares()
        self.credit = np.zeros(len(children))  # (C,) slots owed to each; they sum to 0

    def shares(self) -> NDArray[np.float64]:  # (C,)
        """The share of each child now; raises ValueError when the weights are none."""
        given = self.weights(self.step) if callable(self.weights) else self.weights
        weights = np.asarray(given, np.float64)
        if (
            weights.shape != (len(self.children),)
            or not np.all((weights >= 0) & (weights < np.inf))
            or not weights.any()
        ):
            raise ValueError(
                f"weights must be {len(self.children)} finite numbers, one a sampler, at least 0"
                f" and not all 0; got {weights.tolist()}"
            )
        return probabilities(weights)

    def ask(self, n: int) -> Positions:  # (n,)
        shares = self.shares()
        counts = self._counts(shares, n)
        asked = list(zip(self.children, counts, strict=True))
        portions = [self.ask_fresh(child, count) for child, count in asked]
        for c in np.argsort(-shares, kind="stable"):
            missing = n - sum(map(len, portions))
            if missing and shares[c] > 0:
                portions.append(self.ask_fresh(self.children[c], missing))
        missing = n - sum(map(len, portions))
        if missing:  # all that they ask is in flight
            again = zip(self.children, self._counts(shares, missing), strict=True)
            portions += [self.ask_child(child, count) for child, count in again if count]
        return np.concatenate(portions)

    def _counts(self, shares: NDArray[np.float64], n: int) -> list[int]:
        """Slots of each child: every slot goes to the one that is owed most."""
        each, owed, counts = shares.tolist(), self.credit.tolist(), [0] * len(shares)
        for _ in range(n):
            owed = [credit + share for credit, share in zip(owed, each, strict=True)]
            wanted = [
                credit if share else -np.inf for credit, share in zip(owed, each, strict=True)
            ]
            turn = max(range(len(owed)), key=wanted.__getitem__)
            owed[turn] -= 1
            counts[turn] += 1
        self.credit = np.asarray(owed)
        return counts

    def metrics(self) -> dict[str, float]:
        shares = enumerate(self.shares().tolist())
        return super().metrics() | {f"share_{c}": share for c, share in shares}
