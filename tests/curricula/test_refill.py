"""Batches filled with groups worth training on, over a plain loop."""

from collections import Counter

import numpy as np
import pytest

from lessonplan.analysis import read_journal
from lessonplan.curricula import (
    AdaptiveDifficulty,
    Band,
    Curriculum,
    Journal,
    Outcome,
    ZeroVariance,
    load_state,
    read_events,
    save_state,
)
from lessonplan.curricula.refill import Merger, Refill
from lessonplan.errors import EngineError, FormatError, StateError
from lessonplan.generators import Pool, Problem
from lessonplan.selection import BetaDecay, Uniform
from lessonplan.selection.base import Order
from lessonplan.selection.knapsack import Knapsack
from lessonplan.selection.speed import SPEED

MIXED = (ZeroVariance(),)
RUN = {"id": "r", "kind": "rl", "family": "own", "n": 40}
RATES = (1.0, 0.9, 0.5, 0.1, 0.0)  # of levels 1..5
SIZE = 8  # the engine's own group size


@pytest.fixture
def pool():
    return Pool([Problem(f"p{i}", f"{i}?", str(i), level=1 + i % 5) for i in range(40)])


def outcome_of(pick):
    """One group; it depends on ticket and problem alone."""
    size = pick.n_rollouts or SIZE
    solved = np.random.default_rng([pick.ticket, pick.position]).random(size)
    rewards = (solved < RATES[pick.problem.level - 1]).astype(float).tolist()
    payload = {"texts": [f"answer {pick.ticket}.{j}" for j in range(size)]}
    return Outcome(pick.ticket, rewards, tokens=10 * size, payload=payload)


def generate(picks):
    return [outcome_of(pick) for pick in picks]


def make(pool, *, size=4, gates=MIXED, sampler=Uniform, journal=None, **kwargs):
    curriculum = Curriculum(pool, sampler(pool), gates=gates, journal=journal, run=RUN)
    settings = {"generate": generate} | kwargs
    return Refill(curriculum, settings.pop("generate"), size=size, **settings)


def run(refill, steps):
    """Train for real means: record the step. Returns what each batch held."""
    seen = []
    for step in steps:
        batch = refill.batch(step)
        refill.curriculum.record("step", step=step + 1, **batch.facts())
        seen.append(batch)
    return seen


# -- batches --------------------------------------------------------------------------------------


def test_a_batch_is_full_and_every_group_of_it_mixed(pool):
    refill = make(pool)
    for batch in run(refill, range(20)):
        assert len(batch.groups) == 4 and batch.rollouts % SIZE == 0
        for group in batch.groups:
            assert len(set(group.rewards)) == 2 and len(group.rewards) == SIZE
            (payload,) = group.payloads
            assert payload["texts"][0] == f"answer {group.tickets[0]}.0"
    assert refill.curriculum.ledger["filtered"] > 0 == refill.curriculum.ledger["open"]


def test_the_oversample_follows_the_kept_share(pool):
    asked = []

    def counting(picks):
        asked.append(len(picks))
        return [Outcome(p.ticket, [1.0, float(p.ticket % 4 != 0)]) for p in picks]

    refill = make(pool, size=8, generate=counting)
    assert refill.oversample == 1.0
    run(refill, range(40))
    assert refill.oversample == pytest.approx(4.0, rel=0.15)  # one in four is mixed
    assert asked[0] == 8 and np.mean(asked[-10:]) > 20
    kept = refill.metrics()["kept_share"]
    assert kept == pytest.approx(0.25, rel=0.15)


def test_the_oversample_has_an_end(pool):
    asked = []

    def hopeless(picks):
        asked.append(len(picks))
        return [Outcome(p.ticket, [0.0, 0.0]) for p in picks]

    refill = make(pool, size=3, generate=hopeless, max_waves=50, on_shortage="train")
    batch = refill.batch(0)
    assert batch.groups == () and batch.waves == 50 and batch.rollouts == 2 * sum(asked)
    assert max(asked) == 12


def test_what_is_left_over_comes_first_and_keeps_its_policy_step(pool):
    refill = make(pool, size=2, gates=[Band(0.4, 0.6)], max_oversample=20)
    refill._got, refill._told = 1.0, 10.0  # asks for ten times as many
    refill.generate = lambda picks: [Outcome(p.ticket, [1.0, 0.0]) for p in picks]
    first = refill.batch(0)
    assert [g.policy_steps for g in first.groups] == [(0, 0)] * 2 and first.waves == 1
    left = [g.tickets for g in refill.ready]
    assert len(left) == 18 and refill.metrics()["left_over"] == 18
    second = refill.batch(1)
    assert [g.tickets for g in second.groups] == left[:2]
    assert [g.policy_steps for g in second.groups] == [(0, 0)] * 2
    assert second.waves == second.rollouts == 0
    assert refill.metrics()["age"] == 1


@pytest.mark.parametrize("on_shortage", ["raise", "train"])
def test_a_shortage_raises_or_trains_on_what_there_is(pool, on_shortage):
    def one_in_ten(picks):
        return [Outcome(p.ticket, [1.0, float(p.ticket % 10 != 0)]) for p in picks]

    refill = make(
        pool, size=6, generate=one_in_ten, max_waves=3, max_oversample=1, on_shortage=on_shortage
    )
    if on_shortage == "train":
        assert len(refill.batch(0).groups) == 2
    else:
        with pytest.raises(EngineError, match=r"2 of 6 groups are ready after 3 waves"):
            refill.batch(0)
        assert len(refill.ready) == 2  # they are not lost
        with pytest.raises(EngineError, match=r"3 of 6 groups are ready"):
            refill.batch(0)


def test_settings_are_checked(pool):
    with pytest.raises(ValueError, match="must be at least 1, got 0, 10, 4.0"):
        make(pool, size=0)
    with pytest.raises(ValueError, match='"raise" or "train", got \'wait\''):
        make(pool, on_shortage="wait")


def test_repeated_outcomes_count_once(pool):
    sent = []

    def twice(picks):
        sent.extend(generate(picks))
        return list(sent)

    refill = make(pool, generate=twice)
    batches = run(refill, range(5))
    tickets = [ticket for batch in batches for group in batch.groups for ticket in group.tickets]
    assert len(set(tickets)) == len(tickets) == 20
    assert sum(batch.rollouts for batch in batches) == SIZE * refill.curriculum.ledger["issued"]


def test_a_wave_that_failed_is_generated_again(pool):
    calls = []

    def fails_once(picks):
        calls.append([pick.ticket for pick in picks])
        if len(calls) == 1:
            raise OSError("the server is gone")
        return generate(picks)

    refill = make(pool, generate=fails_once)
    with pytest.raises(OSError, match="the server is gone"):
        refill.batch(0)
    refill.batch(0)
    assert calls[0] == calls[1] and refill.curriculum.ledger["open"] == 0


# -- samplers that shape groups -------------------------------------------------------------------


def test_group_sizes_reach_the_engine(pool):
    batches = run(make(pool, sampler=Knapsack), range(30))
    sizes = Counter(len(group.rewards) for batch in batches for group in batch.groups)
    assert len(sizes) > 3 and min(sizes) >= 2


class Probing(Uniform):
    """Half of the slots are probes of two rollouts."""

    shapes_groups = True

    def order(self, n):
        purposes = tuple("train" if j % 2 else "probe" for j in range(n))
        return Order(self.ask(n), np.where(np.arange(n) % 2, SIZE, 2), purposes)


def test_probes_are_paid_for_and_never_in_a_batch(pool, tmp_path):
    refill = make(pool, sampler=Probing, gates=[], journal=tmp_path / "j.jsonl")
    batches = run(refill, range(10))
    assert all(len(g.rewards) == SIZE for batch in batches for g in batch.groups)
    told = [event for event in read_events(tmp_path / "j.jsonl") if event["event"] == "tell"]
    generated = [len(group) for event in told for group in event["rewards"]]
    assert sum(batch.rollouts for batch in batches) == sum(generated) and 2 in generated


def test_screened_groups_train_whole_with_both_policy_steps(pool):
    refill = make(pool, sampler=SPEED, size=2)
    batches = run(refill, range(8))
    for group in (group for batch in batches for group in batch.groups):
        assert len(group.rewards) == 24 and len(group.tickets) == len(group.payloads) == 2
        first, rest = group.policy_steps[:4], group.policy_steps[4:]
        assert len(set(first)) == len(set(rest)) == 1 and first[0] <= rest[0]
        assert 0 < sum(group.rewards[:4]) < 4  # the screening came first, and was mixed
        assert group.payloads[0]["texts"] == [f"answer {group.tickets[0]}.{j}" for j in range(4)]
    assert any(len(set(g.policy_steps)) == 2 for batch in batches for g in batch.groups)


def test_speed_in_a_loop_of_ones_own(pool):
    """Without Refill: one order a step, the continuations of the last beside new screenings."""
    curriculum, merger, trained = Curriculum(pool, SPEED(pool)), Merger(), []
    for step in range(6):
        picks = curriculum.ask(10, step=step)
        outcomes = generate(picks)
        statuses = curriculum.tell(outcomes)
        told = zip(picks, outcomes, statuses, strict=True)
        ready = [group for group in (merger.add(*one) for one in told) if group is not None]
        trained.append([(group.problem.id, group.policy_steps) for group in ready])
    assert trained[0] == [] and len(trained[1]) > 0
    for step, groups in enumerate(trained):
        assert all(steps == (step - 1,) * 4 + (step,) * 20 for _, steps in groups)
    assert set(merger.held) == set(curriculum.sampler.mixed.tolist())


def test_a_continuation_that_failed_keeps_its_screening(pool):
    merger = Merger()
    curriculum = Curriculum(pool, SPEED(pool))
    for rewards, held in (([1.0, 0, 0, 0], 1), ([None] * 20, 1), ([0.0] * 20, 0)):
        (pick,) = curriculum.ask(1)
        outcome = Outcome(pick.ticket, rewards)
        (status,) = curriculum.tell([outcome])
        group = merger.add(pick, outcome, status)
        assert len(merger.held) == held
    assert len(group.rewards) == 24 and status == "trained"


# -- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", [Uniform, SPEED, Knapsack, AdaptiveDifficulty])
def test_a_restored_run_builds_the_same_batches(pool, sampler, tmp_path):
    settings = {"sampler": sampler, "size": 3, "max_waves": 30}
    whole = run(make(pool, **settings), range(14))
    first = make(pool, **settings)
    run(first, range(7))
    state = first.state_dict()
    save_state(tmp_path / "state.json", state)
    second = make(pool, **settings)
    second.load_state_dict(load_state(tmp_path / "state.json"))
    assert run(second, range(7, 14)) == whole[7:]
    assert state["ready"] or state["held"] or sampler is Knapsack


def test_open_tickets_are_generated_again_after_a_restart(pool, tmp_path):
    """The hard ones are late: their generation dies with the process."""
    late = []

    def slow(picks):
        now, waiting = list(late), [pick for pick in picks if pick.problem.level >= 4]
        late[:] = waiting
        return generate([pick for pick in picks if pick.problem.level < 4] + now)

    first = make(pool, generate=slow, gates=[], size=8)
    run(first, range(5))
    lost = [pick.ticket for pick in late]
    assert lost
    save_state(tmp_path / "state.json", first.state_dict())
    again = []

    def watched(picks):
        again.extend(pick.ticket for pick in picks)
        return generate(picks)

    second = make(pool, generate=watched, gates=[], size=20)
    second.load_state_dict(load_state(tmp_path / "state.json"))
    second.batch(5)
    assert set(lost) <= set(again) and second.curriculum.ledger["open"] == 0


def test_groups_of_problems_that_are_gone_are_left_out(pool):
    first = make(pool, sampler=SPEED, size=5)
    step = 0
    while len(first.merger.held) < 2:
        run(first, [step])
        step += 1
    state = first.state_dict()
    held = {group["id"] for group in state["held"]}
    gone = min(held)
    changed = Pool([p for p in reversed(list(pool)) if p.id != gone])
    second = make(changed, sampler=SPEED, size=2)
    second.load_state_dict(state)
    assert {g.problem.id for g in second.merger.held.values()} == held - {gone}
    assert all(changed[i].id == g.problem.id for i, g in second.merger.held.items())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"version": 9}, "version 9, this lessonplan reads 1"),
        ({"ready": [{"id": "p1"}]}, "not the state of a refill: .*missing required field"),
        ({"surplus": 1}, "not the state of a refill: .*unknown field `surplus`"),
    ],
)
def test_a_foreign_state_is_refused_whole(pool, change, message):
    first = make(pool)
    run(first, range(3))
    second = make(pool)
    with pytest.raises(StateError, match=message):
        second.load_state_dict({**first.state_dict(), **change})
    assert second.curriculum.ledger["issued"] == 0


# -- what goes wrong elsewhere --------------------------------------------------------------------


def test_refused_groups_are_not_censored(pool):
    """The sampler's estimates are those of every group; of the trained ones they would differ."""
    every, trained = BetaDecay(40), BetaDecay(40)

    def watched(picks):
        outcomes = generate(picks)
        for pick, outcome in zip(picks, outcomes, strict=True):
            position, wins = np.array([pick.position]), np.array([outcome.rewards])
            every.update(position, wins)
            if len(set(outcome.rewards)) == 2:
                trained.update(position, wins)
        return outcomes

    refill = make(pool, sampler=AdaptiveDifficulty, generate=watched)
    run(refill, range(40))
    estimates = refill.curriculum.sampler.choice.estimate.mean(np.arange(40))
    np.testing.assert_allclose(estimates, every.mean(np.arange(40)))
    hopeless = pool.levels == 5
    assert estimates[hopeless].max() < 0.4
    assert (trained.mean(np.arange(40))[hopeless] == 0.5).all()  # as if never visited


def shift(pool, drop_late):
    """Hard groups take two waves longer; an engine may wait for them, or discard them."""
    queue = [[], []]

    def slow(picks):
        queue.append([pick for pick in picks if pick.problem.level >= 4])
        due = queue.pop(0)
        quick = [pick for pick in picks if pick.problem.level < 4]
        status = "stale" if drop_late else "trained"
        late = [Outcome(pick.ticket, [1.0, 0.0], status) for pick in due]
        return [Outcome(pick.ticket, [1.0, 0.0]) for pick in quick] + late

    refill = make(pool, size=10, generate=slow)
    run(refill, range(40))
    return refill


def test_slow_means_hard_and_discarding_the_late_shows(pool):
    fair, biased = shift(pool, False), shift(pool, True)
    asked, trained = (fair.metrics()[name] for name in ("asked_level", "trained_level"))
    assert asked == pytest.approx(3, abs=0.1) and trained == pytest.approx(asked, abs=0.15)
    asked, trained = (biased.metrics()[name] for name in ("asked_level", "trained_level"))
    assert asked == pytest.approx(3, abs=0.1) and trained == pytest.approx(2, abs=0.1)
    assert all(trained == 0 for _, trained in (biased.mixture()[level] for level in (4, 5)))
    assert all(asked > 0 for asked, _ in biased.mixture().values())
    assert biased.curriculum.ledger["stale"] > 0


@pytest.mark.parametrize("sampler", [Uniform, SPEED])
def test_the_policy_step_of_every_trained_rollout_is_in_the_journal(pool, sampler, tmp_path):
    path = tmp_path / "journal.jsonl"
    refill = make(pool, sampler=sampler, size=2, journal=path)
    batches = run(refill, range(12))
    step_of, sizes, steps = {}, {}, []
    for event in read_events(path):
        if event["event"] == "ask":
            step_of.update((event["ticket"] + j, event["step"]) for j in range(len(event["ids"])))
        elif event["event"] == "tell":
            assert "policy_steps" not in event
            sizes.update(zip(event["tickets"], map(len, event["rewards"]), strict=True))
        elif event["event"] == "step":
            steps.append([(step_of[t],) * sizes[t] for t in event["trained"]])
    assert steps == [[part for group in batch.groups for part in split(group)] for batch in batches]
    lags = {
        step - one
        for step, batch in enumerate(batches)
        for g in batch.groups
        for one in g.policy_steps
    }
    assert lags >= {0, 1}  # some groups were left over or screened a step before


def split(group):
    """The policy steps of a group by its tickets."""
    if len(group.tickets) == 1:
        return [group.policy_steps]
    return [group.policy_steps[:4], group.policy_steps[4:]]


@pytest.mark.parametrize("sampler", [Uniform, SPEED, Knapsack, Probing])
def test_all_that_was_generated_is_accounted_for(pool, sampler, tmp_path):
    """Refused groups, probes and what is left over count: the reader's budget is what was paid."""
    path = tmp_path / "journal.jsonl"
    paid = Counter()

    def counted(picks):
        outcomes = generate(picks)
        paid["rollouts"] += sum(len(outcome.rewards) for outcome in outcomes)
        paid["tokens"] += sum(outcome.tokens for outcome in outcomes)
        return outcomes

    refill = make(pool, sampler=sampler, generate=counted, journal=path, max_waves=30)
    run(refill, range(12))
    refill.curriculum.finish()
    journal = read_journal(path)
    assert journal.rollouts == paid["rollouts"] == journal.totals["rollouts"]
    assert journal.tokens == paid["tokens"] == journal.totals["tokens"]
    assert journal.ledger["issued"] == sum(journal.groups.counts().values())
    assert journal.repairs == ()
    trained = journal.groups.rollouts[journal.groups.status == 1].sum()
    assert 0 < trained < paid["rollouts"]


@pytest.mark.parametrize(
    "at, change",
    [("ask", {"rollouts": [1]}), ("ask", {"purposes": []}), ("tell", {"policy_steps": [1]})],
)
def test_the_reader_refuses_orders_of_another_length(pool, tmp_path, at, change):
    path = tmp_path / "journal.jsonl"
    fields = {
        "ask": {"step": 0, "ticket": 0, "ids": ["a", "b"], "levels": [1, 1]},
        "tell": {"step": 0, "tickets": [0, 1], "rewards": [[1], [0]], "status": ["trained"] * 2},
    }
    with Journal(path) as journal:
        journal.open_run(RUN)
        for name, content in fields.items():
            journal.append(name, **content, **(change if name == at else {}))
    with pytest.raises(FormatError, match="differ in length"):
        read_journal(path)
