"""Choose an arm for every slot, then the arm's next problem: the base of the bandit samplers.

An arm is a set of problems that one statistic stands for: a level, a family, a topic.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.curricula.arm_estimators import Arms, Values, arm_means
from lessonplan.curricula.static import Tiers, tier_codes
from lessonplan.errors import PoolError, StateError
from lessonplan.generators.pool import Pool, level_tiers
from lessonplan.generators.problem import UNKNOWN_LEVEL
from lessonplan.selection.base import Feedback, Positions, Rewards, Sampler
from lessonplan.selection.draws import Weights, arms, probabilities
from lessonplan.selection.ledger import Ledger
from lessonplan.selection.rounds import Rounds, fill_slots
from lessonplan.selection.state import State
from lessonplan.selection.steps import StepBuffer
from lessonplan.selection.success import SOLVED, Success

Codes: TypeAlias = NDArray[np.int32]
By: TypeAlias = (
    Literal["level", "family", "level x family", "tier"]
    | NDArray[np.integer]
    | NDArray[np.str_]
    | Sequence[int]
    | Sequence[str]
)


def arm_codes(
    pool: Pool, by: By, *, tiers: Tiers | None = None, only: Sequence[str] | None = None
) -> tuple[Codes, tuple[str, ...]]:
    """The arm of each problem (N,), -1 for none, and the arms' names (C,); no arm is empty.

    `by` is "level", "family", "level x family", "tier" (the bands of `tiers`, by default three;
    problems of other levels belong to no arm), or a column of your own with one entry a problem:
    texts, or numbers of which negative ones mean no arm. Names say what an arm is in any pool:
    "level_3", "counting", "counting_level_3", "easy", "7". `only` keeps the arms of these names,
    in this order. Raises PoolError for a missing arm, and without levels where they are needed.
    """
    codes, names = _own_arms(pool, by) if not isinstance(by, str) else _arms(pool, by, tiers)
    if only is None:
        return codes, names
    for name in only:
        if name not in names:
            raise PoolError(f"no problem of this pool is in {name!r}; its arms: {_some(names)}")
    number = np.full(len(names) + 1, -1, np.int32)  # the last one is for code -1
    number[[names.index(name) for name in only]] = np.arange(len(only))
    return number[codes], tuple(only)


def _arms(pool: Pool, by: str, tiers: Tiers | None) -> tuple[Codes, tuple[str, ...]]:
    if by not in ("level", "family", "level x family", "tier"):
        raise ValueError(
            'by must be "level", "family", "level x family", "tier", or one entry a problem,'
            f" got {by!r}"
        )
    if by != "family" and not pool.levels.any():
        raise PoolError(f'by="{by}" needs levels, and no problem of this pool has one')
    if by == "tier":
        named = level_tiers(np.unique(pool.levels)) if tiers is None else tiers
        present = [name for name in named if np.isin(pool.levels, named[name]).any()]
        return np.asarray(tier_codes(pool, tiers, present), np.int32), tuple(present)
    if by == "family":
        keys, names = pool.family_codes.astype(np.int64), list(pool.families)
    elif by == "level":
        keys = pool.levels.astype(np.int64)
        names = [_level_name(level) for level in range(int(keys.max()) + 1)]
    else:
        n_levels = int(pool.levels.max()) + 1
        keys = pool.family_codes.astype(np.int64) * n_levels + pool.levels
        names = [f"{one}_{_level_name(x)}" for one in pool.families for x in range(n_levels)]
    present_keys = np.flatnonzero(np.bincount(keys))
    number = np.zeros(len(names), np.int32)
    number[present_keys] = np.arange(len(present_keys))
    return number[keys], tuple(names[key] for key in present_keys)


def _level_name(level: int) -> str:
    return "unknown_level" if level == UNKNOWN_LEVEL else f"level_{level}"


def _own_arms(
    pool: Pool, by: Sequence[int] | Sequence[str] | NDArray[np.generic]
) -> tuple[Codes, tuple[str, ...]]:
    column = np.asarray(by)
    if column.shape != (len(pool),) or column.dtype.kind not in "iuU":
        raise ValueError(
            f"by must have one whole number or text for each of the {len(pool)} problems,"
            f" got {column.dtype} of shape {column.shape}"
        )
    distinct, number = np.unique(column, return_inverse=True)
    left_out = 0 if column.dtype.kind == "U" else int(np.count_nonzero(distinct < 0))
    if left_out == len(distinct):
        raise PoolError("by leaves no problem in any arm: all its numbers are negative")
    codes = np.maximum(number - left_out, -1).astype(np.int32)
    return codes, tuple(str(name) for name in distinct[left_out:])


class ArmStep(NamedTuple):
    """The scorable groups of one policy step, by arm."""

    step: int
    arms: Arms  # (m,) the arm of each group
    solved: NDArray[np.int64]  # (m,) k successes
    scored: NDArray[np.int64]  # (m,) of g >= 1 scorable rollouts

    def success_rates(self) -> tuple[Arms, Values]:
        """The arms (A,) heard of and the share (A,) of solved ones among all their rollouts."""
        return arm_means(self.arms, self.solved / self.scored, self.scored)

    def of_two_or_more(self) -> tuple[Arms, NDArray[np.int64], NDArray[np.int64]]:
        """Arms, solved and scored of the groups that have a spread: one rollout has none."""
        heard = self.scored > 1
        return self.arms[heard], self.solved[heard], self.scored[heard]


class ArmSampler(Sampler):
    """Draws arms by weight and walks each arm's own shuffled list; learns once a policy step.

    Write `weights` (how much each arm is wanted) and `learn` (what one complete step teaches),
    and name the arm estimators, one row an arm, in `by_arm`: what they hold follows an arm's name
    when the pool changes; new arms start at the prior, arms that are gone are forgotten.

    `floor` is a share of the slots that goes to the problems uniformly, so that each keeps
    floor / N. That alone would starve an arm of few problems, whose statistic then never moves,
    so smaller arms are raised to floor / C; both together take at most twice `floor`.
    """

    unit = "arm"
    needs = "levels, families or a column of arms"
    values: ClassVar[tuple[str, ...]] = ("names", "lists", "buffer")
    by_arm: ClassVar[tuple[str, ...]] = ()  # attributes that are arm estimators

    def __init__(
        self,
        pool: Pool,
        *,
        by: By = "level",
        tiers: Tiers | None = None,
        only: Sequence[str] | None = None,
        floor: float = 0.05,
        success: Success = SOLVED,
        seed: int = 0,
    ) -> None:
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must lie in [0, 1], got {floor!r}")
        self.codes, self.names = arm_codes(pool, by, tiers=tiers, only=only)  # (N,), (C,)
        self.success = success
        self.rng = np.random.default_rng(seed)
        self.ledger = Ledger(len(pool), self.codes, n_lists=len(self.names))
        self.lists = _lists(self.codes, len(self.names), seed)
        self.buffer = StepBuffer()
        self.least = least_shares(self.ledger.free, floor)  # (C,)
        self.shares = probabilities(np.ones(len(self.names)))  # (C,) chances in the latest ask

    @abstractmethod
    def weights(self) -> Weights:
        """(C,) how much each arm is wanted, up to a factor. Asked for once an ask."""

    @abstractmethod
    def learn(self, told: ArmStep) -> None:
        """Hear all groups of one policy step."""

    def outcomes(self, rewards: Rewards) -> Rewards:
        """(m, G) of 1, 0 or NaN: what is counted as `solved` and `scored`."""
        return self.success(rewards)

    def chances(self) -> Weights:  # (C,)
        """The chance of each arm in the next slot, floor included."""
        rest = max(0.0, 1 - float(self.least.sum()))
        return self.least + rest * probabilities(self.weights())

    def ask(self, n: int) -> Positions:  # (n,)
        for told in self.buffer.complete(self.ledger.in_flight):
            mine = self.codes[told.positions].astype(np.int64)  # (m,)
            known = mine >= 0  # a changed pool may leave a told problem without an arm
            self.learn(ArmStep(told.step, mine[known], told.solved[known], told.scored[known]))
        self.shares = self.chances()
        turns = arms(self.rng, self.shares, n, free=self.ledger.free)
        return fill_slots(turns, self.lists, self.ledger)

    def tell(self, feedback: Feedback) -> None:
        wins = self.outcomes(feedback.rewards)  # (m, G)
        was_open = self.ledger.release(feedback.positions)  # (m,)
        self.buffer.add(
            feedback.positions[was_open], wins[was_open], feedback.policy_steps[was_open]
        )

    def metrics(self) -> dict[str, float]:
        """The chances of the arms in the latest ask; their entropy is 1 when all are equal."""
        shares = self.shares[self.shares > 0]
        entropy = float(-(shares * np.log(shares)).sum() / max(np.log(len(self.names)), 1e-9))
        by_name = dict(zip(self.names, self.shares.tolist(), strict=True))
        return {
            **super().metrics(),
            "arm_entropy": entropy,
            **{f"share_{name}": share for name, share in by_name.items()},
        }

    def remap(self, state: State, old_positions: NDArray[np.int64]) -> State:
        """See `Stateful.remap`; what is remembered of an arm follows its name.

        Raises StateError when no arm has the name of an old one: the arms are other ones then.
        """
        self._check_names(state)
        names, lists = state["names"], state["lists"]
        if not isinstance(names, list) or not isinstance(lists, list) or len(names) != len(lists):
            raise StateError(f"state of {type(self).__name__} does not have a list for each arm")
        old_arms = np.array([names.index(one) if one in names else -1 for one in self.names])
        if (old_arms < 0).all():
            raise StateError(
                f"the state has the arms {_some(names)}, this sampler {_some(self.names)}: no arm"
                " is in both, was it built with another `by`?"
            )
        nothing = Rounds(np.empty(0, np.int64), (0,)).state_dict()
        mine = [lists[c] if c >= 0 else nothing for c in old_arms]
        by_arm = {name: getattr(self, name).remap(state[name], old_arms) for name in self.by_arm}
        moved = super().remap({**state, "lists": mine, **dict.fromkeys(self.by_arm)}, old_positions)
        return {**moved, **by_arm, "names": list(self.names)}

    def _names(self) -> tuple[str, ...]:
        return (*super()._names(), *self.by_arm)

    def _check(self, state: State) -> None:
        super()._check(state)
        if state["names"] != list(self.names):
            raise StateError(
                f"the state has the arms {_some(state['names'])}, this sampler"
                f" {_some(self.names)}; if the pool has changed, remap the state by id first;"
                " nothing was loaded"
            )


def _lists(codes: Codes, n_arms: int, seed: int) -> tuple[Rounds, ...]:
    """The shuffled list of each arm."""
    order = np.argsort(codes, kind="stable")  # one sort, not a pass over the pool for each arm
    edges = np.searchsorted(codes[order], np.arange(n_arms + 1))
    return tuple(Rounds(order[edges[c] : edges[c + 1]], (seed, c)) for c in range(n_arms))


def least_shares(sizes: NDArray[np.int64], floor: float) -> Weights:
    """(C,) the least chance of arms of these sizes: floor by problems, so that each keeps floor / N,
    and small arms raised to floor / C as far as there is room for it."""
    by_problem = floor * sizes / sizes.sum()
    raised = np.maximum(floor / len(sizes) - by_problem, 0.0)
    room = min(1.0, (1 - floor) / raised.sum()) if raised.any() else 0.0
    return np.asarray(by_problem + room * raised)


def _some(names: object) -> str:
    listed = [str(name) for name in names] if isinstance(names, list | tuple) else [repr(names)]
    return ", ".join(listed[:5]) + (", ..." if len(listed) > 5 else "")
