"""A process of its own that makes and scores problems of reasoning-gym, one JSON line at a time.

It is started by path, imports nothing of this library, and may run under another Python that has
reasoning-gym. Limits on memory, files and processes come from the system; an audit hook refuses
what a scorer has no business with. That is a belt, not a sandbox: code that is executed inside
this process can take the hook off, so scorers known to execute a model's text are refused before.
"""

import dataclasses
import json
import os
import re
import resource
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

_REFUSED = (
    *("os.system", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.kill"),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.putenv", "shutil.", "subprocess.", "socket.", "ctypes."),
    *("urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.", "pty.", "webbrowser.", "signal."),
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"a scorer may not use {event}")
    if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
        raise PermissionError("a scorer may not write files")


class Gym:
    """The data sets of one package, kept once they were made."""

    def __init__(self) -> None:
        self.factory = import_module("reasoning_gym.factory")
        import_module("reasoning_gym")
        self.contexts = import_module("reasoning_gym.coaching.base_curriculum")
        self.made: dict[str, Any] = {}

    def dataset(self, ask: dict[str, Any]) -> Any:
        """The data set of a name, level, settings, seed and size."""
        key = json.dumps([ask[part] for part in ("name", "level", "config", "seed", "size")])
        if key not in self.made:
            settings = {**ask["config"], "seed": ask["seed"], "size": ask["size"]}
            kind, config_kind = self.factory.DATASETS[ask["name"]]
            if ask["level"] is None:
                config = config_kind(**settings)
            else:
                curriculum = self.factory.create_curriculum(ask["name"])
                curriculum.set_global_level(ask["level"])
                # The default context mixes all levels up to this one.
                mode = self.contexts.RangeAttributeMode.UPPER_BOUND
                context = self.contexts.DefaultCurriculumContext(mode=mode)
                config = curriculum.generate_configuration(settings, context=context)
            if hasattr(config, "validate"):  # one task of 0.1.25 has none
                config.validate()
            if len(self.made) >= 8:
                self.made.clear()
            self.made[key] = kind(config)
        return self.made[key]

    def about(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Versions, how many levels there are, and the settings in full."""
        name, levels = ask["name"], 0
        if name not in self.factory.DATASETS:
            return {"names": sorted(self.factory.DATASETS)}
        if self.factory.has_curriculum(name):
            attributes = self.factory.create_curriculum(name).attributes.values()
            levels = max(len(attribute.levels) for attribute in attributes)
        if ask["level"] is not None and not 0 <= ask["level"] < levels:
            ask = {**ask, "level": None}  # refused on the other side, which knows how to say it
        settings = dataclasses.asdict(self.dataset(ask).config)
        config = {key: _shown(settings[key]) for key in sorted(settings) if key not in _IDENTITY}
        return {"version": version("reasoning-gym"), "levels": levels, "config": config}

    def make(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Questions and answers; metadata stay here, for they may hold the answer."""
        dataset, begun = self.dataset(ask), time.process_time()
        items = [dataset[index] for index in range(ask["start"], ask["stop"])]
        seconds = time.process_time() - begun
        pairs = [[str(one["question"]), _text(one["answer"])] for one in items]
        return {"items": pairs, "cpu_seconds": seconds}

    def score(self, ask: dict[str, Any]) -> dict[str, Any]:
        """The package's own score of an answer to the item of an index, made anew."""
        dataset, begun = self.dataset(ask), time.process_time()
        score = float(dataset.score_answer(ask["answer"], dataset[ask["index"]]))
        return {"score": score, "cpu_seconds": time.process_time() - begun}


_IDENTITY = ("seed", "size")


def _shown(setting: object) -> str:
    return re.sub(" at 0x[0-9a-f]+", "", repr(setting))  # where a function lies changes each time


def _text(answer: object) -> str:
    return "" if answer is None else str(answer)


def main() -> None:
    megabytes = int(sys.argv[1])
    # What scorers print must not reach the pipe: it gets a descriptor of its own.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    gym = Gym()
    limits = (
        (resource.RLIMIT_AS, megabytes * 2**20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),  # the system does not hold a superuser to it; the hook does
    )
    for limit, value in limits:
        resource.setrlimit(limit, (value, value))
    sys.addaudithook(_guard)
    for line in sys.stdin:
        ask = json.loads(line)
        reply: dict[str, Any]
        try:
            reply = {"about": gym.about, "make": gym.make, "score": gym.score}[ask["do"]](ask)
        except Exception as fault:  # noqa: BLE001 - anything may come out of a scorer
            reply = {"error": f"{type(fault).__name__}: {fault}"[:300]}
        channel.write(json.dumps({"number": ask["number"], **reply}) + "\n")
        channel.flush()


if __name__ == "__main__":
    main()
