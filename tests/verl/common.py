"""What the stand-ins for both trainers share: a tokenizer, luck, and what a journal tells."""

import hashlib

from lessonplan.curricula import read_events

GROUP = 4
PLUGIN = "pkg://lessonplan.training.verl"


class Letters:
    """A tokenizer of one token a character."""

    eos_token_id = pad_token_id = 0

    def encode(self, text):
        return [ord(letter) for letter in text]

    def decode(self, ids, skip_special_tokens=True):
        return "".join(chr(int(one)) for one in ids if int(one))


def solves(problem_id, ticket, session):
    """Whether this rollout is right: every problem has a chance of its own, luck decides."""
    chance, luck = (
        int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
        for text in (problem_id, f"{problem_id} {ticket} {session}")
    )
    return luck < chance


def events(path, kind):
    return [event for event in read_events(path) if event["event"] == kind]


def picks(journal):
    """The ids of all picks, by ticket."""
    return [one for ask in events(journal, "ask") for one in ask["ids"]]


def told(journal):
    """Rewards and status of every told ticket."""
    return {
        ticket: (rewards, status)
        for tell in events(journal, "tell")
        for ticket, rewards, status in zip(
            tell["tickets"], tell["rewards"], tell["status"], strict=True
        )
    }
