"""The contract of samplers as checks that run on any of them; no test framework needed.

    check_sampler(lambda pool, seed: MySampler(pool, seed=seed))

raises AssertionError with the broken rule. To see every check by itself, loop over `CHECKS`, for
example with pytest's parametrize. The rules are mistakes found in released samplers: repeats in
a batch, statistics lost on restart, errors counted as failures, problems never asked again.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from multiprocessing.reduction import ForkingPickler
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import RewardError, StateError
from lessonplan.generators.pool import Pool
from lessonplan.generators.problem import Problem
from lessonplan.generators.sources import Source
from lessonplan.selection.base import Feedback, Positions, Rewards, Sampler
from lessonplan.selection.npz import state_from_npz, state_to_npz
from lessonplan.selection.state import State, old_positions, state_from_json, state_to_json

Make: TypeAlias = Callable[[Pool, int], Sampler]  # pool and seed -> a fresh sampler
Support: TypeAlias = Callable[[Pool], Positions]  # the positions that may be asked at all
Check: TypeAlias = Callable[[Make, Support], None]

_SEED = 7


def everything(pool: Pool) -> Positions:
    """The support of a sampler that may ask every problem."""
    return np.arange(len(pool))


def check_sampler(make: Make, *, support: Support = everything) -> None:
    """Run all checks. Takes a few seconds; raises AssertionError at the first broken rule.

    `make(pool, seed)` must give equal samplers for equal arguments. `support` names the positions
    that the sampler may ask, for one that leaves some out on purpose.
    """
    for check in CHECKS:
        check(make, support)


def small_pool(size: int = 40, first: int = 0) -> Pool:
    """A pool of `size` problems of levels 1..5; ids count from `first`."""
    return Pool(
        [
            Problem(id=f"q{i}", prompt=f"question {i}", answer=str(i), level=1 + i * 7 % 5)
            for i in range(first, first + size)
        ]
    )


# -- asking -------------------------------------------------------------------------------------


def picks_are_positions(make: Make, support: Support) -> None:
    """ask(n) returns n positions of the pool, as int64, inside the support."""
    pool = small_pool()
    allowed = support(pool)
    for n in (1, 2, 7, len(allowed)):
        picks = make(pool, _SEED).ask(n)
        _rule(
            isinstance(picks, np.ndarray) and picks.dtype == np.int64 and picks.shape == (n,),
            f"ask({n}) must return an int64 array of shape ({n},), got {picks!r}",
        )
        outside = np.setdiff1d(picks, allowed)
        _rule(not len(outside), f"ask({n}) gave positions that may not be asked: {outside}")


def no_repeats_while_one_is_free(make: Make, support: Support) -> None:
    """No problem comes twice in one ask or in many while another is free."""
    pool = small_pool()
    free = len(support(pool))
    for n in range(1, free + 1):
        sampler = make(pool, _SEED + n)
        picks = sampler.ask(n)
        _rule(len(np.unique(picks)) == n, f"ask({n}) of {free} free problems repeats one: {picks}")
        if n < free:
            more = sampler.ask(free - n)
            _rule(
                len(np.unique([*picks, *more])) == free,
                f"ask({free - n}) gave a problem in flight, although {free - n} were free",
            )
    sampler = make(pool, _SEED)
    singles = [int(sampler.ask(1)[0]) for _ in range(free)]
    _rule(len(set(singles)) == free, f"{free} times ask(1) repeats a problem: {singles}")


def told_problems_are_free_again(make: Make, support: Support) -> None:
    """A told problem can be asked again; one in flight is not."""
    pool = small_pool()
    free = len(support(pool))
    sampler = make(pool, _SEED)
    for step in range(30):  # single and odd asks, with some of the earlier ones still open
        late = sampler.ask(3)
        picks = np.concatenate([sampler.ask(1) for _ in range(free - 3)])
        _rule(len(np.unique([*late, *picks])) == free, f"step {step} repeats a problem in flight")
        sampler.tell(_feedback(picks, step))
        again = sampler.ask(free - 3)
        _rule(
            not np.isin(again, late).any(),
            f"step {step}: a problem in flight was asked again while others were free",
        )
        sampler.tell(_feedback(np.concatenate([late, again]), step))


def more_than_free_cycles(make: Make, support: Support) -> None:
    """Asked for more than is free, the sampler repeats instead of failing."""
    pool = small_pool()
    allowed = support(pool)
    sampler = make(pool, _SEED)
    n = 2 * len(allowed) + 3
    picks = np.concatenate([sampler.ask(n), sampler.ask(1)])
    _rule(
        len(picks) == n + 1 and np.array_equal(np.unique(picks), np.sort(allowed)),
        f"ask({n}) of {len(allowed)} problems must repeat them in turn",
    )


def nobody_starves(make: Make, support: Support) -> None:
    """Under feedback that never changes, every problem keeps being asked."""
    pool = small_pool(10)
    allowed = support(pool)
    kinds = np.arange(len(pool)) % 3  # always solved, never solved, solved half the time
    rates = np.array([1.0, 0.0, 0.5])[kinds]
    patterns = {"mixed": rates, "all solved": np.ones(len(pool)), "none solved": 0 * rates}
    for name, pattern in patterns.items():
        sampler = make(pool, _SEED)
        asked = np.zeros(len(pool), np.int64)
        steps = 200 * len(allowed)
        for step in range(steps // 4):
            picks = sampler.ask(4)
            wins = np.arange(8) < np.round(8 * pattern[picks])[:, None]
            sampler.tell(_told(picks, wins.astype(np.float64), step))
            if step >= steps // 16:  # what happens at first does not count
                np.add.at(asked, picks, 1)
        starved = allowed[asked[allowed] == 0]
        _rule(
            not len(starved),
            f"under constant feedback ({name}) positions {starved} were never asked again;"
            " give every problem a floor of probability",
        )


def one_group_retires_nobody(make: Make, support: Support) -> None:
    """After a single group each, all right or all wrong, every problem still comes.

    One group proves little: of 8 rollouts at a success rate of .1, 43 % are all wrong.
    """
    pool = small_pool(10)
    allowed = support(pool)
    firsts = {"wrong": np.zeros, "right": np.ones}
    for name, first in firsts.items():
        sampler = make(pool, _SEED)
        sampler.tell(_told(sampler.ask(len(allowed)), first((len(allowed), 8)), 0))
        # whatever comes again is solved half of the time from then on, which is worth more
        asked = _asked_while(sampler, lambda picks: _half_right(len(picks)), 1, pool)
        retired = allowed[asked[allowed] == 0]
        _rule(
            not len(retired),
            f"after one group each, all {name}, positions {retired} were never asked again;"
            " keep a floor, or wait for more groups",
        )


def what_changes_is_found_again(make: Make, support: Support) -> None:
    """What was always solved and then never is asked again, and the other way round."""
    pool = small_pool(10)
    allowed = support(pool)
    sampler = make(pool, _SEED)
    for step in range(25):
        picks = sampler.ask(4)
        sampler.tell(_told(picks, _alike(picks, 0), step))
    asked = _asked_while(sampler, lambda picks: _alike(picks, 1), 25, pool)
    lost = allowed[asked[allowed] == 0]
    _rule(
        not len(lost),
        f"positions {lost} were never asked again, and what became of them never heard of; give"
        " every problem a floor of probability",
    )


# -- telling ------------------------------------------------------------------------------------


def tells_come_in_any_order(make: Make, support: Support) -> None:
    """Partial, late, reordered and repeated tells leave one state."""

    def told(order: Sequence[Sequence[int]]) -> Sampler:
        sampler = make(small_pool(), _SEED)
        groups = _feedback(np.concatenate([sampler.ask(5), sampler.ask(5)]), step=3)
        groups.policy_steps[5:] = 4
        for rows in order:
            sampler.tell(_rows(groups, rows))
        return sampler

    expected = told([range(10)])
    orders: dict[str, list[Sequence[int]]] = {
        "one by one": [[j] for j in range(10)],
        "backwards": [[j] for j in reversed(range(10))],
        "in parts, the late ones last": [[7, 6], [9, 8, 5], [0, 4, 2], [1, 3]],
        "twice": [range(10), range(10)],
        "partly twice": [[0, 1, 2], [2, 1, 3, 4], range(10)],
    }
    for name, order in orders.items():
        sampler = told(order)
        _rule(
            same_state(sampler.state_dict(), expected.state_dict()),
            f"10 groups told {name} must leave the state of one tell; learn only from rows where"
            " ledger.release(...) is true, and gather what belongs to one policy step",
        )
        _rule(
            np.array_equal(sampler.ask(6), told([range(10)]).ask(6)),
            f"10 groups told {name} must lead to the same next picks",
        )


def unscorable_groups_teach_nothing(make: Make, support: Support) -> None:
    """A group of NaN frees its problem and changes no estimate."""
    pool = small_pool()
    sampler = make(pool, _SEED)
    sampler.tell(_feedback(sampler.ask(8), 0))
    before = sampler.state_dict()
    picks = sampler.ask(3)
    after_ask = sampler.state_dict()
    sampler.tell(_told(picks, np.full((3, 4), np.nan), 1))
    after = sampler.state_dict()
    _rule(
        same_state(_without_ledger(after), _without_ledger(after_ask)),
        "a group of NaN rewards changed an estimate: an error is not a failure",
    )
    _rule(
        same_state(after["ledger"], before["ledger"]),
        "a group of NaN rewards must free its problem",
    )


def refused_groups_teach_too(make: Make, support: Support) -> None:
    """Groups that are all right or all wrong are heard, by a sampler that hears anything.

    A gate refuses them for training. Without them an estimate knows mixed groups alone, and what
    is solved or hopeless looks like what was never tried.
    """

    def told(rewards: Rewards) -> State:
        sampler = make(small_pool(), _SEED)
        for step, each in enumerate((_half_right(8), rewards, np.full((8, 8), np.nan))):
            sampler.tell(_told(sampler.ask(8), each, step))  # the last ask learns what was told
        return sampler.state_dict()

    unheard = told(np.full((8, 8), np.nan))
    if same_state(told(_half_right(8)), unheard):
        return  # rewards do not matter to it
    _rule(
        not same_state(told(_alike(np.arange(8), 0)), unheard),
        "groups with equal rewards must teach too, although gates refuse them",
    )


def infinite_rewards_are_refused(make: Make, support: Support) -> None:
    """Infinity raises RewardError and changes nothing."""
    for bad in (np.inf, -np.inf):
        sampler = make(small_pool(), _SEED)
        picks = sampler.ask(2)
        before = sampler.state_dict()
        try:
            sampler.tell(_told(picks, np.array([[1.0, 0.0], [bad, 1.0]]), 0))
        except RewardError:
            pass
        else:
            raise AssertionError(f"a reward of {bad} must raise RewardError")
        _rule(same_state(sampler.state_dict(), before), "a refused tell must change nothing")


def reward_codings_agree(make: Make, support: Support) -> None:
    """Codings with the same successes give the same picks."""
    codings = {"0/1": (0.0, 1.0), "-1/1": (-1.0, 1.0), "-.5/1": (-0.5, 1.0), "bonus": (0.1, 1.1)}
    runs = {}
    for name, (wrong, right) in codings.items():
        sampler = make(small_pool(), _SEED)
        picks = []
        for step in range(20):
            picks.append(sampler.ask(5))
            wins = _rewards(picks[-1], step)
            sampler.tell(_told(picks[-1], np.where(wins > 0, right, wrong), step))
        runs[name] = np.concatenate(picks)
    for name, run in runs.items():
        _rule(
            np.array_equal(run, runs["0/1"]),
            f"rewards coded {name} must give the picks of 0/1: use a success rule, not raw rewards",
        )


def groups_may_be_ragged(make: Make, support: Support) -> None:
    """NaN padding, groups of one and large groups are all accepted."""
    pool = small_pool()
    plain, padded = make(pool, _SEED), make(pool, _SEED)
    picks = plain.ask(6)
    padded.ask(6)
    rewards = _rewards(picks, 0)
    plain.tell(_told(picks, rewards, 0))
    padded.tell(_told(picks, np.pad(rewards, ((0, 0), (3, 5)), constant_values=np.nan), 0))
    _rule(same_state(plain.state_dict(), padded.state_dict()), "NaN padding must change nothing")
    for group_size in (1, 3, 64):
        picks = plain.ask(6)
        plain.tell(_told(picks, _rewards(picks, group_size, group_size), group_size))
        _finite(plain, f"groups of {group_size}")


def extreme_rewards_stay_finite(make: Make, support: Support) -> None:
    """Rewards near the end of the number range do no harm."""
    for value in (1e308, -1e308, 0.0, 5e-324):
        sampler = make(small_pool(), _SEED)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            for step in range(60):
                picks = sampler.ask(6)
                rewards = np.full((6, 4), value)
                rewards[0, 0] = -value
                sampler.tell(_told(picks, rewards, step * 1000))
        _finite(sampler, f"rewards of {value}")
        _rule(len(np.unique(sampler.ask(8))) == 8, f"rewards of {value} break the draw")


# -- state --------------------------------------------------------------------------------------


def a_restart_changes_no_pick(make: Make, support: Support) -> None:
    """2k steps equal k, a save through JSON or an npz file, and k more, with asks open."""

    def through_json(state: State) -> State:
        return state_from_json(json.loads(json.dumps(state_to_json(state), allow_nan=False)))

    def through_npz(state: State) -> State:
        return state_from_npz(state_to_npz(state))

    pool = small_pool()
    for k, saved in ((0, through_json), (1, through_npz), (9, through_json), (24, through_npz)):
        whole, resumed = make(pool, _SEED), make(pool, _SEED)
        open_asks: list[Positions] = []
        for step in range(k):
            open_asks = _step(whole, open_asks, step)[1]
        resumed.load_state_dict(saved(whole.state_dict()))
        theirs = list(open_asks)
        for step in range(k, k + 24):
            mine, open_asks = _step(whole, open_asks, step)
            yours, theirs = _step(resumed, theirs, step)
            _rule(
                np.array_equal(mine, yours),
                f"saved after {k} steps: the pick of step {step} differs, {mine} and {yours};"
                " name all state in `arrays` and `values`",
            )


def foreign_states_are_refused(make: Make, support: Support) -> None:
    """A state that does not fit raises StateError and loads nothing."""
    pool = small_pool()
    sampler = make(pool, _SEED)
    sampler.tell(_feedback(sampler.ask(8), 0))
    before = sampler.state_dict()
    broken: dict[str, State] = {
        "another sampler's": {**before, "kind": "Nobody"},
        "an incomplete one": {k: v for k, v in before.items() if k != "ledger"},
        "one with an unknown part": {**before, "surplus": 1},
        "one of a smaller pool": make(small_pool(12), _SEED).state_dict(),
    }
    for name, state in broken.items():
        try:
            sampler.load_state_dict(state)
        except StateError:
            pass
        else:
            raise AssertionError(f"loading {name} state must raise StateError")
        _rule(same_state(sampler.state_dict(), before), f"refusing {name} state must load nothing")


def statistics_follow_the_id(make: Make, support: Support) -> None:
    """In a reordered pool every statistic stays with its problem."""
    pool = small_pool()
    sampler = make(pool, _SEED)
    open_asks: list[Positions] = []
    for step in range(12):
        open_asks = _step(sampler, open_asks, step)[1]
    state = sampler.state_dict()
    order = np.random.default_rng(0).permutation(len(pool))
    shuffled = pool.take(order)
    there = make(shuffled, _SEED).remap(state, old_positions(pool.ids, shuffled.ids))
    back = make(pool, _SEED).remap(there, old_positions(shuffled.ids, pool.ids))
    _rule(same_state(back, state), "moved to a reordered pool and back, the state must be the same")
    moved = make(shuffled, _SEED)
    moved.load_state_dict(there)
    _rule(
        moved.metrics().keys() == sampler.metrics().keys(),
        "a state moved to a reordered pool must load",
    )


def pools_may_change(make: Make, support: Support) -> None:
    """Problems may go and come: open asks stay open, new problems are asked."""
    old, new = small_pool(40), small_pool(33, first=10)  # 10 problems gone, 3 new
    sampler = make(old, _SEED)
    for step in range(6):
        sampler.tell(_feedback(sampler.ask(7), step))
    in_flight = {old.ids[position] for position in sampler.ask(9)}
    moved = make(new, _SEED)
    try:
        moved.load_state_dict(moved.remap(sampler.state_dict(), old_positions(old.ids, new.ids)))
    except StateError as error:
        raise AssertionError(
            f"the state of a changed pool does not load: {error}; what has one row per problem"
            " belongs in `arrays`"
        ) from error
    allowed = support(new)
    busy = np.array([new.ids[position] in in_flight for position in range(len(new))])
    free = allowed[~busy[allowed]]
    picks = moved.ask(len(free))
    _rule(
        np.array_equal(np.sort(picks), np.sort(free)),
        "after the pool changed, each problem must be asked once, but for those still in flight;"
        f" missing {np.setdiff1d(free, picks)}, too many {np.setdiff1d(picks, free)}",
    )


def it_travels_between_processes(make: Make, support: Support) -> None:
    """A copy sent to another process makes the same picks."""
    sampler = make(small_pool(), _SEED)
    sampler.tell(_feedback(sampler.ask(8), 0))
    copy = ForkingPickler.loads(ForkingPickler.dumps(sampler))
    _rule(
        np.array_equal(copy.ask(8), sampler.ask(8)),
        "sent to another process, the sampler must make the same picks",
    )


def global_randomness_is_left_alone(make: Make, support: Support) -> None:
    """Only the sampler's own generator is used, from its seed."""
    before = _global_randomness()
    runs = []
    for _ in range(2):
        sampler = make(small_pool(), _SEED)
        open_asks: list[Positions] = []
        for step in range(5):
            picks, open_asks = _step(sampler, open_asks, step)
        runs.append(picks)
    _rule(
        _global_randomness() == before,
        "the global random generators were used or seeded; give the sampler its own",
    )
    _rule(
        np.array_equal(runs[0], runs[1]), "equal seeds must give equal picks; use one own generator"
    )


def a_million_problems_are_no_burden(make: Make, support: Support) -> None:
    """ask and tell cost less than sorting the pool twice."""

    def best(work: Callable[[], object]) -> float:  # of 3, in seconds
        times = []
        for _ in range(3):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return min(times)

    size = 1_000_000
    sampler = make(Pool(Numbered(size)), _SEED)
    numbers = np.random.default_rng(0).random(size)
    sorting = best(lambda: np.argsort(numbers))
    asking = best(lambda: sampler.tell(_feedback(sampler.ask(256), 0)))
    _rule(
        asking < 2 * sorting,
        f"ask(256) and tell took {asking * 1000:.0f} ms with {size} problems, which are sorted in"
        f" {sorting * 1000:.0f} ms: keep state in arrays, and do not loop over problems",
    )


CHECKS: tuple[Check, ...] = (
    picks_are_positions,
    no_repeats_while_one_is_free,
    told_problems_are_free_again,
    more_than_free_cycles,
    nobody_starves,
    one_group_retires_nobody,
    what_changes_is_found_again,
    tells_come_in_any_order,
    unscorable_groups_teach_nothing,
    refused_groups_teach_too,
    infinite_rewards_are_refused,
    reward_codings_agree,
    groups_may_be_ragged,
    extreme_rewards_stay_finite,
    a_restart_changes_no_pick,
    foreign_states_are_refused,
    statistics_follow_the_id,
    pools_may_change,
    it_travels_between_processes,
    global_randomness_is_left_alone,
    a_million_problems_are_no_burden,
)


# -- helpers ------------------------------------------------------------------------------------


def _rule(holds: bool, text: str) -> None:
    if not holds:
        raise AssertionError(text)


def _rewards(positions: Positions, step: int, group_size: int = 8) -> Rewards:
    """(m, G) of 0 and 1: harder the higher the position, the same for equal arguments."""
    rng = np.random.default_rng([11, step])
    return (rng.random((len(positions), group_size)) > positions[:, None] / 45).astype(np.float64)


def _alike(positions: Positions, solved: int) -> Rewards:
    """(m, 8) groups all right at positions that are `solved` (0 or 1) modulo 2, else all wrong."""
    return np.repeat(positions[:, None] % 2 == solved, 8, axis=1).astype(np.float64)


def _half_right(m: int) -> Rewards:  # (m, 8)
    return np.tile([1.0, 0.0], (m, 4))


def _asked_while(
    sampler: Sampler, rewards: Callable[[Positions], Rewards], first_step: int, pool: Pool
) -> NDArray[np.int64]:
    """(N,) how often each problem comes while 200 N slots are asked, 4 at once, and told so."""
    asked = np.zeros(len(pool), np.int64)
    for step in range(first_step, first_step + 50 * len(pool)):
        picks = sampler.ask(4)
        sampler.tell(_told(picks, rewards(picks), step))
        np.add.at(asked, picks, 1)
    return asked


def _told(positions: Positions, rewards: Rewards, step: int) -> Feedback:
    return Feedback(positions, rewards, np.full(len(positions), step, np.int64))


def _feedback(positions: Positions, step: int) -> Feedback:
    return _told(positions, _rewards(positions, step), step)


def _rows(groups: Feedback, rows: Sequence[int]) -> Feedback:
    which = np.asarray(rows)
    return Feedback(groups.positions[which], groups.rewards[which], groups.policy_steps[which])


def _step(
    sampler: Sampler, open_asks: list[Positions], step: int
) -> tuple[Positions, list[Positions]]:
    """Ask 5, and tell the ask of two steps ago in two parts: two asks are always open."""
    picks = sampler.ask(5)
    open_asks = [*open_asks, picks]
    if len(open_asks) > 2:
        groups = _feedback(open_asks.pop(0), step - 2)
        sampler.tell(_rows(groups, [3, 4]))
        sampler.tell(_rows(groups, [0, 1, 2]))
    return picks, open_asks


def _without_ledger(value: object) -> object:
    """The state without ledgers, those of nested samplers included."""
    if isinstance(value, dict):
        return {name: _without_ledger(one) for name, one in value.items() if name != "ledger"}
    return [_without_ledger(one) for one in value] if isinstance(value, list) else value


def same_state(a: object, b: object) -> bool:
    """Equal states; floats up to rounding, since sums depend on the order of their terms."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_state(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_state, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-9, equal_nan=True))
    return a == b


def _finite(sampler: Sampler, what: str) -> None:
    def infinite(value: object) -> bool:
        if isinstance(value, np.ndarray):
            return bool(np.isinf(value).any())
        if isinstance(value, dict):
            return any(map(infinite, value.values()))
        return isinstance(value, list) and any(map(infinite, value))

    _rule(not infinite(sampler.state_dict()), f"{what} made the state infinite")
    _rule(all(np.isfinite(list(sampler.metrics().values()))), f"{what} made a metric infinite")


def _global_randomness() -> tuple[object, ...]:
    kind, keys, *rest = np.random.get_state()
    return random.getstate(), kind, np.asarray(keys).tobytes(), rest


class Numbered(Source):
    """Problems that are only counted: a source for pools too large to hold in a test."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def problem(self, position: int) -> Problem:
        return Problem(id=self.problem_id(position), prompt="", answer="")

    def problem_id(self, position: int) -> str:
        return str(position)

    def position(self, problem_id: str) -> int | None:
        return int(problem_id)

    def take(self, positions: NDArray[np.int64]) -> "Numbered":
        return Numbered(len(positions))

    def columns(self) -> tuple[NDArray[np.int16], Sequence[str], NDArray[np.int16]]:
        levels = (1 + np.arange(self.size) % 5).astype(np.int16)
        return levels, ["numbered"], np.zeros(self.size, np.int16)
