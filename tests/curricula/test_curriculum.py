"""The Curriculum: tickets, the ledger, gates, states, and the journal it writes."""

import json
import math

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lessonplan.curricula import (
    AdaptiveDifficulty,
    Band,
    Curriculum,
    EasyOnly,
    Journal,
    Outcome,
    ZeroVariance,
    load_state,
    read_events,
    save_state,
)
from lessonplan.errors import RewardError, StateError, TicketError
from lessonplan.generators import Pool, Problem
from lessonplan.selection import LIM, Uniform
from lessonplan.selection.base import Order
from lessonplan.selection.knapsack import Knapsack
from lessonplan.selection.speed import SPEED


@pytest.fixture
def pool():
    return Pool([Problem(f"p{i}", f"{i}?", str(i), level=1 + i % 5) for i in range(20)])


def rewards_of(pick, step):
    """Rewards that depend on problem and step alone: easy problems are solved more often."""
    rng = np.random.default_rng([pick.position, step])
    return (rng.random(4) < 1 - pick.problem.level / 6).astype(float).tolist()


def practise(curriculum, steps, *, first=0, per_step=4):
    asked = []
    for step in range(first, first + steps):
        picks = curriculum.ask(per_step, step=step)
        asked.append([(pick.ticket, pick.problem.id) for pick in picks])
        curriculum.tell([Outcome(pick.ticket, rewards_of(pick, step)) for pick in picks])
        curriculum.record("step", step=step + 1)
    return asked


def make(pool, **kwargs):
    return Curriculum(pool, AdaptiveDifficulty(pool, seed=1), **kwargs)


# -- tickets and the ledger -----------------------------------------------------------------------


def test_every_ticket_ends_in_one_status(pool):
    curriculum = make(pool, gates=[ZeroVariance()])
    picks = curriculum.ask(6)
    status = curriculum.tell(
        [
            Outcome(picks[0].ticket, [1, 0]),
            Outcome(picks[1].ticket, [1, 1]),
            Outcome(picks[2].ticket, [None, math.nan]),
            Outcome(picks[3].ticket, [1, 0], "stale"),
            Outcome(picks[4].ticket, [], "discarded"),
        ]
    )
    assert status == ["trained", "filtered", "failed", "stale", "discarded"]
    assert curriculum.ledger == {
        "issued": 6, "trained": 1, "filtered": 1, "stale": 1, "failed": 1, "discarded": 1, "open": 1
    }  # fmt: skip
    curriculum.abandon()
    assert curriculum.ledger["open"] == 0 and curriculum.ledger["discarded"] == 2


def test_an_equal_tell_twice_changes_nothing_and_another_is_refused(pool):
    curriculum = make(pool)
    (pick,) = curriculum.ask(1)
    outcome = Outcome(pick.ticket, [1.0, None])
    assert curriculum.tell([outcome]) == ["trained"]
    state = json.dumps(str(curriculum.state_dict()["sampler_state"]))
    assert curriculum.tell([outcome, Outcome(pick.ticket, [1, math.nan])]) == ["trained"] * 2
    assert json.dumps(str(curriculum.state_dict()["sampler_state"])) == state
    with pytest.raises(TicketError, match=r"ticket 0 is closed with rewards \[1\.0, nan\]"):
        curriculum.tell([Outcome(pick.ticket, [0.0, None])])
    totals = curriculum.state_dict()["totals"]
    assert totals["repeated_tells"] == 2 and totals["refused_tells"] == 1


def test_unknown_tickets_raise_and_leave_the_rest_of_the_call_undone(pool):
    curriculum = make(pool)
    (pick,) = curriculum.ask(1)
    with pytest.raises(TicketError, match=r"ticket 7 was never issued; issued: 0\.\.0"):
        curriculum.tell([Outcome(pick.ticket, [1]), Outcome(7, [1])])
    assert curriculum.ledger["open"] == 1 and curriculum.ledger["trained"] == 0


@pytest.mark.parametrize(
    "reward, message",
    [
        (math.inf, "ticket 0, rollout 1: a reward must be finite or NaN, got inf"),
        (-math.inf, "ticket 0, rollout 1: a reward must be finite or NaN, got -inf"),
        ("1", "ticket 0, rollout 1: a reward is a number, NaN or None, got '1'"),
        ([1], r"ticket 0, rollout 1: a reward is a number, NaN or None, got \[1\]"),
    ],
)
def test_wrong_rewards_name_ticket_and_rollout(pool, reward, message):
    curriculum = make(pool)
    (pick,) = curriculum.ask(1)
    with pytest.raises(RewardError, match=message):
        curriculum.tell([Outcome(pick.ticket, [0.0, reward])])
    assert curriculum.ledger["open"] == 1


def test_odd_numbers_are_numbers(pool):
    curriculum = make(pool)
    (pick,) = curriculum.ask(1)
    curriculum.tell([Outcome(pick.ticket, [True, np.float32(0.5), -0.0, 1e308, np.int64(1)])])
    assert curriculum.ledger["trained"] == 1


def test_an_unscorable_group_teaches_nothing(pool):
    curriculum = make(pool)
    before = curriculum.sampler.state_dict()["choice"]
    picks = curriculum.ask(3)
    curriculum.tell([Outcome(pick.ticket, [None] * 4) for pick in picks])
    after = curriculum.sampler.state_dict()["choice"]
    for name, value in before["estimate"].items():
        assert np.array_equal(value, after["estimate"][name])
    assert curriculum.ledger["failed"] == 3 and not curriculum.sampler.ledger.in_flight


def test_tells_may_come_in_parts_and_any_order(pool):
    whole, parts = make(pool), make(pool)
    for curriculum in (whole, parts):
        picks = curriculum.ask(8)
        outcomes = [Outcome(pick.ticket, rewards_of(pick, 0)) for pick in picks]
        if curriculum is whole:
            curriculum.tell(outcomes)
        else:
            for j in (5, 2, 7, 0, 1, 6, 4, 3):
                curriculum.tell([outcomes[j]])
    assert [p.problem.id for p in whole.ask(8)] == [p.problem.id for p in parts.ask(8)]


def test_refused_groups_are_told_too(pool):
    """With and without the gate the sampler learns the same: a refusal is not a secret."""
    gated, free = make(pool, gates=[Band(0.4, 0.6)]), make(pool)
    assert practise(gated, 10) == practise(free, 10)
    assert gated.ledger["filtered"] > 0 == free.ledger["filtered"]


def test_lag_counts_steps_that_wait_for_rewards(pool):
    curriculum = make(pool)
    assert curriculum.lag == 0
    first, _ = curriculum.ask(2, step=0), curriculum.ask(2, step=1)
    assert curriculum.lag == 2
    curriculum.tell([Outcome(pick.ticket, [1]) for pick in first])
    assert curriculum.lag == 1
    curriculum.abandon()
    assert curriculum.lag == 0


def test_at_most_twelve_metrics_all_finite(pool):
    curriculum = make(pool, gates=[ZeroVariance()])
    practise(curriculum, 3)
    metrics = curriculum.metrics()
    assert len(metrics) <= 12 and all(math.isfinite(value) for value in metrics.values())
    assert {"lag", "open", "kept", "success", "all_right", "all_wrong", "level"} <= set(metrics)


def test_ask_needs_at_least_one(pool):
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        make(pool).ask(0)


def test_abandoning_no_tickets_closes_none(pool):
    curriculum = make(pool)
    curriculum.ask(3)
    curriculum.abandon([])
    assert curriculum.ledger["open"] == 3


# -- orders: group sizes, probes, groups in parts ---------------------------------------------------


class Probing(Uniform):
    """Every second slot is a probe of two rollouts; it writes down what it heard."""

    shapes_groups = True

    def __init__(self, pool, *, seed=0):
        super().__init__(pool, seed=seed)
        self.heard = []

    def order(self, n):
        positions = self.ask(n)
        purposes = tuple("train" if j % 2 else "probe" for j in range(n))
        return Order(positions, np.where(np.arange(n) % 2, 4, 2), purposes)

    def tell(self, feedback):
        self.heard.append(feedback.purposes)
        super().tell(feedback)


def parts(curriculum, solved, step):
    """Ask and tell as many groups as `solved` has: problem i solves `solved[i]` rollouts."""
    picks = curriculum.ask(len(solved), step=step)
    statuses = curriculum.tell(
        Outcome(pick.ticket, [1.0] * k + [0.0] * (pick.n_rollouts - k))
        for pick, k in zip(picks, solved, strict=True)
    )
    return picks, statuses


def test_a_plain_sampler_orders_what_it_asks(pool):
    order = Uniform(pool, seed=3).order(5)
    assert order.positions.tolist() == Uniform(pool, seed=3).ask(5).tolist()
    assert order.rollouts is None and order.purposes is None
    (pick,) = make(pool).ask(1, step=7)
    assert (pick.n_rollouts, pick.purpose, pick.step) == (None, "train", 7)


@pytest.mark.parametrize(
    ("rollouts", "purposes", "message"),
    [
        ([4, 0], None, r"2 numbers of at least 1, got \[4, 0\]"),
        ([4], None, r"2 numbers of at least 1, got \[4\]"),
        (None, ("train",), r"2 of train, probe, screen, continue, got \('train',\)"),
        (None, ("train", "test"), "2 of train, probe, screen, continue"),
    ],
)
def test_orders_are_checked(rollouts, purposes, message):
    with pytest.raises(ValueError, match=message):
        Order(np.arange(2), None if rollouts is None else np.array(rollouts), purposes)


def test_probes_are_told_and_counted_and_never_trained(pool, tmp_path):
    with Curriculum(pool, Probing(pool), journal=tmp_path / "journal.jsonl") as curriculum:
        picks = curriculum.ask(4)
        assert [(p.n_rollouts, p.purpose) for p in picks] == [(2, "probe"), (4, "train")] * 2
        status = curriculum.tell(Outcome(p.ticket, [1.0, 0.0] * (p.n_rollouts // 2)) for p in picks)
        assert status == ["filtered", "trained"] * 2
        (more,) = curriculum.ask(1)
        assert curriculum.tell([Outcome(more.ticket, [None, None])]) == ["failed"]
        curriculum.finish()
        assert curriculum.sampler.heard == [("probe", "train") * 2, ("probe",)]
    *_, end = read_events(tmp_path / "journal.jsonl")
    assert end["totals"]["rollouts"] == 2 + 4 + 2 + 4 + 2


def test_gates_judge_the_whole_group_and_the_sampler_its_first_part(pool):
    curriculum = Curriculum(pool, SPEED(pool, n_init=4, n_cont=4), gates=[Band(0.5, 0.75)])
    first, status = parts(curriculum, (0, 1, 4, 1), 0)
    assert [pick.n_rollouts for pick in first] == [4] * 4
    assert status == ["filtered", "trained", "filtered", "trained"]
    second, status = parts(curriculum, (4, 0), 1)
    assert {pick.position for pick in second} == {first[1].position, first[3].position}
    assert [pick.purpose for pick in second] == ["continue"] * 2
    assert status == ["trained", "filtered"]  # 5 and 1 of 8; alone they were 4 and 0 of 4
    assert "parts" not in curriculum.state_dict() and "orders" not in curriculum.state_dict()


def test_open_picks_are_what_was_asked(pool):
    curriculum = Curriculum(pool, SPEED(pool))
    parts(curriculum, (1, 0), 0)
    second = curriculum.ask(3, step=1)
    assert curriculum.open_picks() == second
    curriculum.tell([Outcome(second[0].ticket, [1.0] * 20)])
    assert curriculum.open_picks() == second[1:]


@pytest.mark.parametrize("sampler", [SPEED, Knapsack, Probing])
def test_orders_survive_a_restart_and_a_replay(pool, sampler, tmp_path):
    def practise_parts(curriculum, steps):
        asked = []
        for step in steps:
            picks = curriculum.ask(5, step=step)
            asked.append([(p.ticket, p.problem.id, p.n_rollouts, p.purpose) for p in picks])
            curriculum.tell(  # the last one stays open
                Outcome(p.ticket, [float((p.ticket + j) % 3 == 0) for j in range(p.n_rollouts)])
                for p in picks[:-1]
            )
        return asked

    path = tmp_path / "journal.jsonl"
    with Curriculum(pool, sampler(pool), gates=[ZeroVariance()], journal=path) as whole:
        practise_parts(whole, range(4))
        state, picks = whole.state_dict(), whole.open_picks()
    saved = tmp_path / "state.json"
    save_state(saved, state)
    restored = Curriculum(pool, sampler(pool), gates=[ZeroVariance()])
    restored.load_state_dict(load_state(saved))
    with Curriculum(pool, sampler(pool), gates=[ZeroVariance()], journal=path) as replayed:
        replayed.replay()
        save_state(tmp_path / "replayed.json", replayed.state_dict())
        assert (tmp_path / "replayed.json").read_bytes() == saved.read_bytes()
        assert restored.open_picks() == replayed.open_picks() == picks and len(picks) == 4
        again = practise_parts(replayed, range(4, 9))
    assert practise_parts(restored, range(4, 9)) == again


def test_a_replay_with_other_group_sizes_is_refused(pool, tmp_path):
    path = tmp_path / "journal.jsonl"
    with Curriculum(pool, Knapsack(pool), journal=path) as curriculum:
        curriculum.ask(4)
    with (
        Curriculum(pool, Knapsack(pool, mean_size=6), journal=path) as curriculum,
        pytest.raises(StateError, match=r"orders rollouts \[8, 8, 8, 8\] .* this sampler \[6,"),
    ):
        curriculum.replay()


def test_first_parts_move_with_their_problems(pool):
    first = Curriculum(pool, SPEED(pool))
    picks, _ = parts(first, (2, 1, 2), 0)
    ids = [pick.problem.id for pick in picks]
    changed = Pool([p for p in reversed(list(pool)) if p.id != ids[1]])
    second = Curriculum(changed, SPEED(changed), gates=[Band(0.1, 0.2)])
    second.load_state_dict(first.state_dict())
    more = second.ask(2, step=1)
    assert {pick.problem.id for pick in more} == {ids[0], ids[2]}
    status = second.tell(Outcome(pick.ticket, [1.0] + [0.0] * 19) for pick in more)
    assert status == ["trained"] * 2  # 3 of 24; without the first part 1 of 20 is below the band


def test_the_journal_names_orders_and_policy_steps_only_where_there_are_some(pool, tmp_path):
    plain, special = tmp_path / "plain.jsonl", tmp_path / "special.jsonl"
    with make(pool, journal=plain) as curriculum:
        practise(curriculum, 2)
    _, ask, tell, *_ = read_events(plain)
    assert list(ask) == ["seq", "event", "step", "ticket", "ids", "levels", "crc"]
    assert list(tell) == ["seq", "event", "step", "tickets", "rewards", "status", "crc"]
    assert not {"orders", "parts"} & set(curriculum.state_dict())
    with Curriculum(pool, SPEED(pool), journal=special) as curriculum:
        parts(curriculum, (1, 0), 0)
        picks = curriculum.ask(2, step=1)
        curriculum.tell(
            [
                Outcome(picks[0].ticket, [0.0] * 20, policy_step=2),
                Outcome(picks[1].ticket, [0.0] * 4),
            ]
        )
    _, _, _, ask, tell = read_events(special)
    assert ask["rollouts"] == [20, 4] and ask["purposes"] == ["continue", "screen"]
    assert tell["policy_steps"] == [2, 1] and tell["step"] == 2


class LedgerRules(RuleBasedStateMachine):
    """Random asks, tells, repeats, contradictions, losses, saves: the sums always hold."""

    @initialize()
    def begin(self):
        self.pool = Pool([Problem(f"p{i}", "?", "1", level=1 + i % 3) for i in range(7)])
        self.curriculum = self.fresh()
        self.open, self.closed = {}, {}

    def fresh(self):
        return Curriculum(self.pool, AdaptiveDifficulty(self.pool), gates=[ZeroVariance()])

    @rule(k=st.integers(1, 10))
    def ask(self, k):
        for pick in self.curriculum.ask(k):
            assert pick.ticket not in self.open and pick.ticket not in self.closed
            self.open[pick.ticket] = pick

    @rule(data=st.data(), rewards=st.lists(st.sampled_from([0.0, 1.0, math.nan]), max_size=5))
    def tell(self, data, rewards):
        if self.open:
            ticket = data.draw(st.sampled_from(sorted(self.open)))
            self.curriculum.tell([Outcome(ticket, rewards)])
            del self.open[ticket]
            self.closed[ticket] = rewards

    @rule(data=st.data())
    def repeat(self, data):
        if self.closed:
            ticket = data.draw(st.sampled_from(sorted(self.closed)))
            before = self.curriculum.ledger
            self.curriculum.tell([Outcome(ticket, self.closed[ticket])])
            with pytest.raises(TicketError):
                self.curriculum.tell([Outcome(ticket, [*self.closed[ticket], 0.5])])
            assert self.curriculum.ledger == before

    @rule()
    def crash_and_restore(self):
        state = self.curriculum.state_dict()
        self.curriculum = self.fresh()
        self.curriculum.load_state_dict(state)

    @rule()
    def abandon(self):
        self.curriculum.abandon()
        self.closed.update(dict.fromkeys(self.open, ()))
        self.open.clear()

    @invariant()
    def sums_hold(self):
        ledger = self.curriculum.ledger
        assert ledger["issued"] == sum(ledger.values()) - ledger["issued"]
        assert ledger["open"] == len(self.open) == self.curriculum.sampler.ledger.in_flight


TestLedgerRules = LedgerRules.TestCase
TestLedgerRules.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


# -- states ---------------------------------------------------------------------------------------

SAMPLERS = [
    lambda pool: Uniform(pool, seed=5),
    lambda pool: EasyOnly(pool, seed=5),
    lambda pool: AdaptiveDifficulty(pool, seed=5),
    lambda pool: AdaptiveDifficulty(pool, by="level", seed=5),
    lambda pool: LIM(pool, window=3, seed=5),
]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_restored_run_makes_the_same_picks(pool, sampler, tmp_path):
    whole = Curriculum(pool, sampler(pool))
    picks = practise(whole, 12)
    first = Curriculum(pool, sampler(pool))
    practise(first, 6)
    save_state(tmp_path / "state.json", first.state_dict())
    second = Curriculum(pool, sampler(pool))
    second.load_state_dict(load_state(tmp_path / "state.json"))
    assert practise(second, 6, first=6) == picks[6:]
    assert second.ledger == whole.ledger


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_journal_alone_rebuilds_the_state(pool, sampler, tmp_path):
    path = tmp_path / "journal.jsonl"
    with Curriculum(pool, sampler(pool), gates=[ZeroVariance()], journal=path) as first:
        practise(first, 6)
        saved = first.state_dict()
    with Curriculum(pool, sampler(pool), gates=[ZeroVariance()], journal=path) as second:
        second.replay()
        rebuilt = second.state_dict()
    save_state(tmp_path / "a", saved)
    save_state(tmp_path / "b", rebuilt)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_state_older_than_the_journal_rewinds_it(pool, tmp_path):
    path = tmp_path / "journal.jsonl"
    with make(pool, journal=path) as curriculum:
        practise(curriculum, 4)
        state = curriculum.state_dict()
        practise(curriculum, 2, first=4)
    with make(pool, journal=path) as curriculum:
        curriculum.load_state_dict(state)
        practise(curriculum, 1, first=4)
    asks = [event["step"] for event in read_events(path) if event["event"] == "ask"]
    assert asks == [0, 1, 2, 3, 4]
    assert path.read_bytes().count(b'"event":"ask"') == 7  # what was superseded stays counted


def test_a_state_newer_than_the_journal_is_refused(pool, tmp_path):
    with make(pool, journal=tmp_path / "long.jsonl") as curriculum:
        practise(curriculum, 4)
        state = curriculum.state_dict()
    with make(pool, journal=tmp_path / "short.jsonl") as curriculum:
        with pytest.raises(StateError, match="another run's journal, or one cut short"):
            curriculum.load_state_dict(state)
        practise(curriculum, 1)  # nothing was loaded, nothing is broken


def test_an_earlier_journal_is_never_continued_silently(pool, tmp_path):
    path = tmp_path / "journal.jsonl"
    with make(pool, journal=path) as curriculum:
        practise(curriculum, 1)
    with make(pool, journal=path) as curriculum:
        with pytest.raises(StateError, match=r"holds \d+ events of an earlier run; resume it"):
            curriculum.ask(1)
        curriculum.restart()
        practise(curriculum, 1)
    assert sum(event["event"] == "ask" for event in read_events(path)) == 1


def test_statistics_follow_the_problem_when_the_pool_changes(pool):
    first = make(pool)
    practise(first, 10)
    rates = dict(zip(pool.ids, first.sampler.choice.estimate.mean(np.arange(20)), strict=True))
    shuffled = [pool[i] for i in np.random.default_rng(0).permutation(20)[:15]]
    changed = Pool([*shuffled, Problem("new", "?", "1", level=1)])
    second = make(changed)
    second.load_state_dict(first.state_dict())
    means = second.sampler.choice.estimate.mean(np.arange(16))
    assert means[:15].tolist() == [rates[problem.id] for problem in shuffled]
    assert means[15] == 0.5
    practise(second, 5, first=10)


def test_open_tickets_of_problems_that_are_gone_are_discarded(pool):
    first = make(pool)
    gone = {pick.problem.id for pick in first.ask(4)}
    second = make(Pool([problem for problem in pool if problem.id not in gone]))
    second.load_state_dict(first.state_dict())
    ledger = second.ledger
    assert ledger["open"] == 0 and ledger["discarded"] == ledger["issued"] == 4


@pytest.mark.parametrize(
    "change, message",
    [
        ({"version": 2}, "the state has version 2, this lessonplan reads 1"),
        ({"sampler": "LIM"}, "the state is of LIM, this curriculum has AdaptiveDifficulty"),
        ({"next_ticket": "3"}, "not the state of a curriculum: Expected `int`, got `str`"),
        ({"extra": 1}, "not the state of a curriculum: Object contains unknown field `extra`"),
    ],
)
def test_a_foreign_state_is_refused_whole(pool, change, message):
    first = make(pool)
    practise(first, 2)
    second = make(pool)
    with pytest.raises(StateError, match=message):
        second.load_state_dict({**first.state_dict(), **change})
    assert second.ledger["issued"] == 0


def test_the_state_of_another_pool_is_refused(pool):
    first = make(pool)
    practise(first, 2)
    other = Pool([Problem(f"q{i}", "?", "1") for i in range(20)])
    with pytest.raises(StateError, match="none of its 20 problems is among these 20"):
        make(other).load_state_dict(first.state_dict())


def test_a_torn_or_changed_state_file_is_never_loaded(pool, tmp_path):
    curriculum = make(pool)
    practise(curriculum, 2)
    path = tmp_path / "state.json"
    save_state(path, curriculum.state_dict())
    whole = path.read_bytes()
    json.loads(whole)  # plain JSON for whoever looks
    for content in (whole[:-1], whole[: len(whole) // 2], b"", whole.replace(b"1", b"2", 1)):
        path.write_bytes(content)
        with pytest.raises(StateError, match="checksum differs"):
            load_state(path)


def test_a_failed_save_leaves_the_old_file_and_nothing_beside_it(pool, tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    save_state(path, make(pool).state_dict())
    old = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_state(path, make(pool).state_dict())
    assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == ["state.json"]


# -- the journal of a run -------------------------------------------------------------------------


def test_the_events_of_a_run(pool, tmp_path):
    path = tmp_path / "journal.jsonl"
    with make(pool, journal=path, run={"id": "r1"}) as curriculum:
        picks = curriculum.ask(2, step=3)
        curriculum.tell(
            [
                Outcome(picks[0].ticket, [1, None], tokens=9),
                Outcome(picks[1].ticket, [0.25, 0], tokens=7, extras={"why": "x"}),
            ]
        )
        curriculum.record("step", step=4, rollouts=4)
        curriculum.finish()
    opened, ask, tell, step, end = read_events(path)
    assert opened["run"] == {"id": "r1"} and opened["schema"] == 1
    assert opened["pool"] == {
        "size": 20, "fingerprint": pool.fingerprint, "levels": {str(level): 4 for level in range(1, 6)}
    }  # fmt: skip
    assert ask["step"] == 3 and ask["ticket"] == 0
    assert ask["ids"] == [pick.problem.id for pick in picks]
    assert ask["levels"] == [pick.problem.level for pick in picks]
    assert tell["tickets"] == [0, 1] and tell["rewards"] == [[1, None], [0.25, 0]]
    assert tell["status"] == ["trained", "trained"] and tell["tokens"] == [9, 7]
    assert tell["extras"] == [{}, {"why": "x"}]
    assert step["step"] == 4
    assert end["status"] == "done"
    assert end["totals"] == {"rollouts": 4, "tokens": 16, "repeated_tells": 0}


def test_a_rollout_costs_few_bytes(pool, tmp_path):
    path = tmp_path / "journal.jsonl"
    with make(pool, journal=path) as curriculum:
        for step in range(50):
            picks = curriculum.ask(8, step=step)
            curriculum.tell([Outcome(pick.ticket, [1, 0] * 4, tokens=120) for pick in picks])
    assert path.stat().st_size / (50 * 64) < 20


def test_an_open_journal_object_can_be_given(pool, tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        practise(make(pool, journal=journal), 1)
    assert len(list(read_events(tmp_path / "journal.jsonl"))) == 4


def test_closed_tickets_are_remembered_in_bounded_number(pool, monkeypatch):
    monkeypatch.setattr("lessonplan.curricula.curriculum.REMEMBERED", 10)
    curriculum = make(pool)
    for step in range(5):
        picks = curriculum.ask(4, step=step)
        curriculum.tell([Outcome(one.ticket, [1.0]) for one in picks])
    curriculum.tell([Outcome(19, [1.0]), Outcome(6, [1.0])])  # the 10 before the last tell too
    with pytest.raises(TicketError, match="ticket 5 was closed more than 10 tickets ago"):
        curriculum.tell([Outcome(5, [1.0])])
