"""tells: outcomes told twice, late, in parts, contradicting, foreign or never; crashes between."""

import os
import random
from collections import Counter
from pathlib import Path

from lessonplan.curricula import AdaptiveDifficulty, Band, Curriculum, Outcome
from lessonplan.curricula.state import load_state, save_state
from lessonplan.errors import RewardError, TicketError
from lessonplan.generators import Pool, Problem

POOL = Pool([Problem(f"p{i}", f"question {i}", str(i), level=1 + i % 5) for i in range(200)])


def fresh(journal: Path | None) -> Curriculum:
    return Curriculum(
        POOL, AdaptiveDifficulty(POOL, seed=0), gates=[Band(0.1, 0.9)], journal=journal
    )


class Engine:
    """A careless trainer beside a careful twin, which hears every outcome once and never crashes."""

    def __init__(self, seed: int, root: Path) -> None:
        self.rng = random.Random(seed)
        self.journal, self.state = root / "journal.jsonl", root / "state.json"
        self.curriculum, self.twin = fresh(self.journal), fresh(None)
        self.step = 0
        self.open: dict[int, list[float]] = {}  # ticket -> the rewards that it will get
        self.closed: dict[int, list[float]] = {}  # the latest of them
        self.did: Counter[str] = Counter()
        self.breaches: list[str] = []

    def act(self) -> None:
        what = self.rng.choices(
            ("ask", "tell", "repeat", "contradict", "foreign", "infinite", "give up", "crash"),
            (30, 45, 10, 5, 4, 3, 2, 1),
        )[0]
        self.did[what] += 1
        {"ask": self.ask, "tell": self.tell, "repeat": self.repeat, "crash": self.crash}.get(
            what, lambda: self.wrong(what)
        )()
        ledger = self.curriculum.ledger
        if ledger["issued"] != sum(ledger.values()) - ledger["issued"]:
            self.breaches.append(f"after {what}: the ledger does not add up: {ledger}")
        if ledger["open"] != len(self.open):
            self.breaches.append(f"after {what}: {ledger['open']} open, not {len(self.open)}")

    def ask(self) -> None:
        if len(self.open) > 100:
            return
        self.step += 1
        k = self.rng.randint(1, 4)
        picks = self.curriculum.ask(k, step=self.step)
        if [one.position for one in picks] != [
            one.position for one in self.twin.ask(k, step=self.step)
        ]:
            self.breaches.append(f"step {self.step}: other picks than the twin's")
        for one in picks:
            self.open[one.ticket] = [
                self.rng.choice((0.0, 1.0, float("nan"))) for _ in range(self.rng.randint(1, 4))
            ]

    def tell(self) -> None:
        """Some of the open tickets, in any order and however late; twice in one call at times."""
        some = self.rng.sample(sorted(self.open), min(len(self.open), self.rng.randint(1, 5)))
        outcomes = [Outcome(ticket, self.open[ticket]) for ticket in some]
        again = outcomes[:1] if self.rng.random() < 0.2 else []
        self.curriculum.tell([*outcomes, *again])
        self.twin.tell(outcomes)
        for ticket in some:
            self.closed[ticket] = self.open.pop(ticket)
        self.closed = dict(list(self.closed.items())[-50:])

    def repeat(self) -> None:
        if self.closed:
            ticket = self.rng.choice(list(self.closed))
            self.curriculum.tell([Outcome(ticket, self.closed[ticket])])

    def wrong(self, what: str) -> None:
        """What must be refused, with nothing of the call applied; or tickets that are lost."""
        if what == "give up":
            lost = self.rng.sample(sorted(self.open), min(len(self.open), 2))
            self.curriculum.abandon(lost)
            self.twin.abandon(lost)
            for ticket in lost:
                del self.open[ticket]
            return
        faulty = {
            "contradict": [Outcome(ticket, [7.0]) for ticket in list(self.closed)[-1:]],
            "foreign": [Outcome(10**9, [1.0])],
            "infinite": [Outcome(ticket, [float("inf")]) for ticket in list(self.open)[:1]],
        }[what]
        if not faulty:
            return
        sound = [Outcome(ticket, rewards) for ticket, rewards in list(self.open.items())[-1:]]
        try:
            self.curriculum.tell([*sound, *faulty])
        except (TicketError, RewardError):
            return
        self.breaches.append(f"{what}: {faulty} was taken")

    def crash(self) -> None:
        """Half a line in the journal; go on from the state of this moment, or from the journal."""
        saved = self.rng.random() < 0.5
        if saved:
            save_state(self.state, self.curriculum.state_dict())
        self.curriculum.close()
        with open(self.journal, "ab") as file:
            file.write(os.urandom(self.rng.randint(0, 40)).replace(b"\n", b""))
        self.curriculum = fresh(self.journal)
        if saved:
            self.curriculum.load_state_dict(load_state(self.state))
        elif not self.curriculum.journal.is_new:
            self.curriculum.replay()
        if {one.ticket for one in self.curriculum.open_picks()} != set(self.open):
            self.breaches.append("a crash changed what is open")


def tells(n: int, seed: int, root: Path) -> dict[str, object]:
    """n rule steps of an engine that makes every mistake; the picks must be the twin's."""
    engine = Engine(seed, root)
    for _ in range(n):
        engine.act()
    engine.curriculum.abandon()
    ledger = engine.curriculum.ledger
    engine.curriculum.close()
    return {
        "did": dict(sorted(engine.did.items())),
        "ledger": ledger,
        "breaches": engine.breaches[:10],
        "ok": not engine.breaches and ledger["open"] == 0,
    }
