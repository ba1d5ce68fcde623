"""TOML tables and frozen dataclasses: checked by name on the way in, written out with every key."""

import re
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import TypeVar

import msgspec

from lessonplan.errors import ConfigError

T = TypeVar("T")


def parse_table(
    table: Mapping[str, object],
    cls: type[T],
    *,
    sections: Mapping[str, type],
    named: Mapping[str, type],
    where: str,
    text: str,
) -> T:
    """The `cls` that a parsed TOML table describes.

    `sections` are the classes of its tables, `named` those of the tables inside its tables: with
    `{"arms": Arm}` every `[arms.NAME]` is an Arm.
    Raises ConfigError naming file, line and the nearest valid name for whatever is wrong.
    """
    check_keys(table, cls, "", where, text)
    for name, of in sections.items():
        section = table.get(name, {})
        if isinstance(section, Mapping):
            check_keys(section, of, name, where, text)
    for kind, of in named.items():
        inner = table.get(kind, {})
        if isinstance(inner, Mapping):
            for name, one in inner.items():
                if isinstance(one, Mapping):
                    check_keys(one, of, f"{kind}.{name}", where, text)
    try:
        return msgspec.convert(table, cls)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}".replace("`$.", "`")) from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def check_keys(table: Mapping[str, object], cls: type, section: str, where: str, text: str) -> None:
    """Raise ConfigError at a key of the section that the dataclass does not have."""
    names = [one.name for one in fields(cls)]
    for key in table:
        if key not in names:
            inside = f" in [{section}]" if section else ""
            nearest = get_close_matches(key, names, n=1, cutoff=0.0)[0]
            raise ConfigError(
                f'{where}{_line_of(key, section, text)}: unknown key "{key}"{inside}; '
                f'nearest: "{nearest}"'
            )


def _line_of(key: str, section: str, text: str) -> str:
    """`:14` when the key can be found below its section's header, else nothing."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\]]+)\]", line)
        if header:
            current = header[1].strip()
            if current == f"{section}.{key}".lstrip("."):
                return f":{number}"
        elif current == section and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return f":{number}"
    return ""


def write_table(lines: list[str], table: Mapping[str, object], prefix: str) -> None:
    """Append a table and the tables inside it as TOML lines."""
    for key, value in table.items():
        if not isinstance(value, Mapping):
            lines.append(f"{key} = {_toml(value)}")
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            name = f"{prefix}.{key}" if prefix else key
            if any(not isinstance(inner, Mapping) for inner in value.values()):
                lines += ["", f"[{name}]"]
            write_table(lines, value, name)


def _toml(value: object) -> str:
    """JSON writes strings, numbers, booleans and lists of them as TOML does."""
    return msgspec.json.encode(value).decode()
