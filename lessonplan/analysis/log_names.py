"""What the name of a log says about its run, by a pattern that its owner gives.

labels_of(Path("runs/adaptive-n500-s1"), "{sampler}-n{n}-s{seed}")
"""

import re
from pathlib import Path

from lessonplan.analysis.learning_table import RunLabels
from lessonplan.errors import ConfigError

FIELDS = {"sampler": "[^/]+?", "start": "[^/]+?", "run": "[^/]+?", "n": r"\d+", "seed": r"\d+"}


def labels_of(path: Path, pattern: str) -> RunLabels:
    """The labels in the last parts of a path, as many as the pattern has; `*` is anything.

    The ending of a file may be left out. Raises ConfigError for a pattern with an unknown or
    repeated field, or one that the path does not match.
    """
    expression = _expression(pattern)
    depth = pattern.strip("/").count("/") + 1
    parts = path.absolute().parts[-depth:]
    for last in (parts[-1], Path(parts[-1]).stem):
        found = re.fullmatch(expression, "/".join([*parts[:-1], last]))
        if found:
            said = found.groupdict()
            return RunLabels(
                run=said.get("run") or "/".join(parts),
                sampler=said.get("sampler") or "",
                n=float(said.get("n") or "nan"),
                start=said.get("start") or "",
                seed=float(said.get("seed") or "nan"),
            )
    raise ConfigError(f'--names "{pattern}" does not fit {"/".join(parts)}, the name of {path}')


def _expression(pattern: str) -> str:
    text, seen = "", set[str]()
    for part in re.split(r"(\{[^{}]*\}|\*)", pattern.strip("/")):
        name = part[1:-1]
        if part == "*":
            text += "[^/]*"
        elif not part.startswith("{"):
            text += re.escape(part)
        elif name not in FIELDS or name in seen:
            raise ConfigError(
                f"--names takes each of {', '.join(f'{{{one}}}' for one in FIELDS)} once at most, "
                f'got {part} in "{pattern}"'
            )
        else:
            seen.add(name)
            text += f"(?P<{name}>{FIELDS[name]})"
    if not seen:
        raise ConfigError(f'--names needs a field, such as {{sampler}}-n{{n}}, got "{pattern}"')
    return text
