"""The report's colors on a light and a dark ground, and drawings that follow the reader's choice.

A drawing is made with the light colors, and its files stay so. Inside a page each exact color
becomes a CSS variable of the same name, which has a second value where the reader prefers dark.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shade:
    """One color on both grounds."""

    light: str
    dark: str


# The hues of Okabe and Ito, moved until a name in its color can be read (contrast of 4.5) and until
# the closest two of the seven are as far apart as theirs for color-blind readers, on either ground.
SAMPLERS: Mapping[str, Shade] = {
    "blue": Shade("#0C3ED5", "#568FFE"),
    "vermilion": Shade("#9A0004", "#FC733A"),
    "green": Shade("#005341", "#6CE9D6"),
    "purple": Shade("#812684", "#C161C4"),
    "orange": Shade("#9B601F", "#E0C23B"),
    "sky": Shade("#2578C8", "#88B9F7"),
    "grey": Shade("#6E6E6E", "#9A9A9A"),
}
GROUNDS: Mapping[str, Shade] = {
    "back": Shade("#FDFDFC", "#17181A"),
    "card": Shade("#FFFFFF", "#1D1F22"),
    "box": Shade("#FFF6E0", "#2E2716"),
}
WORDS: Mapping[str, Shade] = {  # read on every ground
    "ink": Shade("#1A1A1A", "#ECECEA"),
    "soft": Shade("#4A4A4A", "#B4B5B6"),
    "red": Shade("#C00000", "#FF7B72"),
}
LINES: Mapping[str, Shade] = {  # must be seen: contrast of 3
    "rule": Shade("#868686", "#84878A"),
    "edge": Shade("#B07900", "#D9A437"),
    "accent": Shade("#0B5F95", "#7CC0EE"),
    "brown": Shade("#A6611A", "#B8763A"),
    "teal": Shade("#35978F", "#52B5AC"),
}
QUIET: Mapping[str, Shade] = {  # help the eye and may be missed
    "line": Shade("#D8D8D4", "#3A3C3F"),
    "grid": Shade("#DDDDDD", "#37393D"),
    "hatch": Shade("#BBBBBB", "#55585C"),
    "band": Shade("#EDEDED", "#2B2E32"),
}
SHADES: Mapping[str, Shade] = {**SAMPLERS, **GROUNDS, **WORDS, **LINES, **QUIET}

# What drawings use: the light color, known by its exact value.
COLORS = tuple(shade.light for name, shade in SAMPLERS.items() if name != "grey")
GREY = SAMPLERS["grey"].light
CARD, SOFT, RED = GROUNDS["card"].light, WORDS["soft"].light, WORDS["red"].light
RULE, BROWN, TEAL = LINES["rule"].light, LINES["brown"].light, LINES["teal"].light
GRID, HATCH, BAND = QUIET["grid"].light, QUIET["hatch"].light, QUIET["band"].light
# On top of a colored map, which is the same on both grounds:
STAR, COAL = "#D55E00", "#111111"

TITLE = "title"  # identifier of a drawing's title, which a page shows as text
DESCENT = 4.0  # points of a letter below its baseline
_NAMES = {shade.light.lower(): name for name, shade in SHADES.items()} | {"#000000": "ink"}


def variables() -> str:
    """CSS of all colors: dark on a screen whose reader prefers it; print is always light."""

    def block(ground: str) -> str:
        return ";".join(f"--{name}:{getattr(shade, ground)}" for name, shade in SHADES.items())

    return (
        f":root{{color-scheme:light dark;{block('light')}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{block('dark')}}}}}\n"
        "@media print{:root{color-scheme:light}}"
    )


def inline(svg: bytes, name: str) -> str:
    """The <svg> element of a drawing by matplotlib, for a page that has `variables`.

    Its title is left out: a page says it as text, which wraps. Known colors become variables, and
    black that is left unsaid is that of the page. Identifiers are made unlike those of other
    drawings by `name`. The element has a view box and no size, and the style that matplotlib states
    for everything is left to the page: `.drawing *`.
    """
    text = svg.decode("utf-8")
    text = text[text.index("<svg") :]
    for part in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style.*?</style>"):
        text = re.sub(part, "", text, flags=re.DOTALL)
    head, body = re.match(r"<svg([^>]*)>(.*)</svg>", text, re.DOTALL).groups()  # type: ignore[union-attr]
    box = re.search(r'viewBox="([^"]*)"', head).group(1)  # type: ignore[union-attr]
    body, box = _without_title(body, box)
    body = re.sub(
        r"\b(fill|stroke)(: |=\")(#[0-9a-f]{6})\b",
        lambda m: f"{m[1]}{m[2]}var(--{_NAMES[m[3]]})" if m[3] in _NAMES else m[0],
        body,
    )
    body = _own_ids(body, f"g{zlib.crc32(name.encode()):x}")
    body = re.sub(r">\s+<", "><", body).strip()
    return f'<svg class="drawing" viewBox="{box}">{body}</svg>'


def _without_title(body: str, box: str) -> tuple[str, str]:
    """Body and view box without the title on top, but with the letters that it defines."""
    found = re.search(rf'^( *)<g id="{TITLE}">.*?^\1</g>\n', body, re.DOTALL | re.MULTILINE)
    if found is None:
        return body, box
    baselines = re.findall(r"translate\(\S+ (\S+)\)", found[0])
    left, top, width, height = map(float, box.split())
    cut = max(map(float, baselines), default=top) + DESCENT - top
    letters = "".join(re.findall(r"<defs>.*?</defs>", found[0], re.DOTALL))
    body = body.replace(found[0], letters)
    return body, f"{left:g} {top + cut:.2f} {width:g} {height - cut:.2f}"


def _own_ids(body: str, key: str) -> str:
    """Number the identifiers that something refers to, and drop the others."""
    body = body.replace("xlink:href=", "href=")
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]*)', body))
    new = {old: f"{key}-{i:x}" for i, old in enumerate(used)}
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{new[m[1]]}"' if m[1] in new else "", body)
    return re.sub(r'(href="#|url\(#)([^")]*)', lambda m: m[1] + new[m[2]], body)
