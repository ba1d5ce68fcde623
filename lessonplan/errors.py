"""The errors that users meet, one flat list by what broke."""


class LessonplanError(Exception):
    """Something outside the library was wrong: a file, a setting, a call, another process."""


class FormatError(LessonplanError, ValueError):
    """A file is damaged or not what its name says; the message names file, line and byte."""


class PoolError(LessonplanError, ValueError):
    """Problems cannot be used as they are: no answers, repeated ids, too few."""


class ConfigError(LessonplanError, ValueError):
    """A setting is unknown or out of range; the message names the nearest valid one."""


class TicketError(LessonplanError, ValueError):
    """A ticket is unknown, or closed with other rewards than the ones now told."""


class RewardError(LessonplanError, ValueError):
    """Rewards are infinite, of the wrong type, or of the wrong number."""


class StateError(LessonplanError, ValueError):
    """A saved state is foreign, newer, or changed; nothing of it was loaded."""


class LockedError(LessonplanError):
    """Another process is writing this folder."""


class EngineError(LessonplanError):
    """A training engine lacks what is needed of it, or cannot deliver what was ordered."""
