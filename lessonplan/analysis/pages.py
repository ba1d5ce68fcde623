"""HTML and Markdown from text that nobody vouches for: everything is escaped in one place."""

import html
import os
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isinf, isnan
from pathlib import Path

from lessonplan.analysis.theme import inline, variables


class Html(str):
    """Markup made by this file; any other string is text and gets escaped."""

    __slots__ = ()


def visible(text: str) -> str:
    """Text with control characters and marks of writing direction made visible."""
    return "".join(
        f"[U+{ord(c):04X}]" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") else c
        for c in text
    )


def tag(name: str, *parts: str, **attributes: str) -> Html:
    """An element. Strings inside are escaped unless they are Html.

    `class_` becomes class, and other underscores become hyphens.
    """
    inner = "".join(p if isinstance(p, Html) else html.escape(visible(p)) for p in parts)
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(visible(value))}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{given}>{inner}</{name}>")


def drawing(svg: bytes, name: str, alt: str) -> Html:
    """A drawing by matplotlib inside the page, in the page's colors, with its text alternative."""
    label = html.escape(visible(alt))
    return Html(inline(svg, name).replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))


Cell = str | int | float
LONG = 60  # characters; a longer text may break into lines


def show(value: Cell) -> str:
    """A number as a reader wants it: about three digits; NaN is a dash."""
    if isinstance(value, float):
        if isnan(value):
            return "–"
        if isinf(value):
            return "unbounded"
        return f"{value:.{0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2}f}"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else value


def table(rows: Sequence[Mapping[str, Cell]], caption: str = "") -> Html:
    """A table with the keys of the first row as head, in a box that scrolls by itself."""
    if not rows:
        return tag("p", "nothing to show", class_="quiet")
    names = list(rows[0])
    words = [name for name in names if isinstance(rows[0][name], str)]
    heads = [
        tag("th", name, scope="col", class_="text" if name in words else "number") for name in names
    ]
    head = tag("tr", Html("".join(heads)))
    body = [
        tag("tr", Html("".join(_cell(row.get(name, ""), i == 0) for i, name in enumerate(names))))
        for row in rows
    ]
    title = tag("caption", caption) if caption else Html("")
    whole = tag("table", title, tag("thead", head), tag("tbody", Html("".join(body))))
    return tag("div", whole, class_="scroll", tabindex="0")


def _cell(value: Cell, first: bool) -> Html:
    if first:
        return tag("th", show(value), scope="row")
    kind = "number"
    if isinstance(value, str):
        kind = "text long" if len(value) > LONG and not isinstance(value, Html) else "text"
    return tag("td", show(value), class_=kind)


def sparkline(values: Sequence[float]) -> Html:
    """Shares from 0 to 1 as a small line in the color of the text; NaN leaves a gap.

    Neighbors are joined; every known value is a dot, so that a lone one is seen.
    """
    step = 8
    spots = [
        None if isnan(v) else (step * i + 4, round(16 - 13 * min(max(v, 0.0), 1.0), 1))
        for i, v in enumerate(values)
    ]
    lines = [
        tag("line", x1=str(a[0]), y1=str(a[1]), x2=str(b[0]), y2=str(b[1]))
        for a, b in pairwise(spots)
        if a is not None and b is not None
    ]
    dots = [tag("circle", cx=str(s[0]), cy=str(s[1]), r="1.6") for s in spots if s is not None]
    said = ", ".join("–" if isnan(v) else f"{100 * v:.0f} %" for v in values)
    width = step * len(values)
    return tag(
        "svg",
        Html("".join([*lines, *dots])),
        class_="spark",
        role="img",
        aria_label=said,
        viewBox=f"0 0 {width} 18",
        width=str(width),
        height="18",
    )


def fold(title: str, *parts: Html) -> Html:
    """Something that opens on a click, without a script; print shows it open."""
    return tag("details", tag("summary", title), *parts)


def items(lines: Sequence[str], **attributes: str) -> Html:
    """A list."""
    return tag("ul", Html("".join(tag("li", line) for line in lines)), **attributes)


def markdown(text: str) -> str:
    """Text that stays text in Markdown, in a table too."""
    text = html.escape(visible(text.replace("\n", " ")), quote=False)
    for sign in "\\`*_[]|#":
        text = text.replace(sign, "\\" + sign)
    return text


def markdown_table(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Rows as a pipe table."""
    if not rows:
        return "nothing to show\n"
    names = list(rows[0])
    lines = [names, ["---"] * len(names)]
    lines += [[markdown(show(row.get(name, ""))) for name in names] for row in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


STYLE = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:1rem 1.25rem 4rem;background:var(--back);
color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.15rem;font-weight:600;margin:.2rem 0;overflow-wrap:anywhere}
h2{font-size:1.35rem;margin:2.4rem 0 .6rem;border-top:1px solid var(--line);padding-top:1.2rem}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
p,li{overflow-wrap:anywhere;max-width:76ch}
.badge{display:inline-block;border:1px solid var(--line);border-radius:1em;padding:0 .7em;
margin:0 .4em .3em 0;font-size:.85rem;color:var(--soft)}
.badge.warn{border-color:var(--edge);color:var(--ink)}
ul.verdict{list-style:none;padding:0;margin:.6rem 0 1rem}
ul.verdict li{max-width:none;font-size:1.06rem;margin:.25rem 0;padding-left:.8rem;border-left:3px solid var(--accent)}
ul.verdict.lead li:first-child{font-size:1.4rem;line-height:1.35;font-weight:600}
.grid{columns:2 500px;column-gap:1rem}
figure{margin:0 0 1rem;break-inside:avoid;background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.6rem}
figure .drawing{display:block;width:100%;min-width:520px;max-width:760px;height:auto;margin:0 auto}
.finding{font-weight:600;font-size:.95rem;line-height:1.35;margin:0 0 .4rem;max-width:none}
.drawing{fill:var(--ink)}.drawing *{stroke-linejoin:round;stroke-linecap:butt}
figcaption{font-size:.85rem;color:var(--soft);margin-top:.4rem}
.limits{background:var(--box);border:2px solid var(--edge);border-radius:8px;padding:.6rem 1.1rem;
margin:1.2rem 0}
.limits h2{border:0;margin:0;padding:0;font-size:1.1rem}
.scroll{overflow-x:auto;margin:.4rem 0 1rem}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:.3rem}
th,td{padding:.22rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,.text{text-align:left}
thead th{border-bottom:2px solid var(--line);vertical-align:bottom}
.quiet{color:var(--soft)}
ul.together{font-size:.92rem;color:var(--soft);padding-left:1.2rem;margin:.2rem 0 1rem}
ul.together li{max-width:none}
details{margin:.3rem 0}summary{cursor:pointer;font-weight:600}
.spark{display:block;stroke:currentColor;stroke-width:1.2;fill:currentColor}
td.long{white-space:normal;min-width:20rem;max-width:60rem}
@media (max-width:560px){ul.verdict.lead li:first-child{font-size:1.15rem}ul.verdict li{font-size:1rem}
figure .drawing{min-width:460px}.grid::before{content:"Figures and tables scroll sideways.";
display:block;font-size:.85rem;color:var(--soft);margin-bottom:.4rem}}
@media print{body{max-width:none;font-size:11pt;background:#fff}
figure,.limits,tr{break-inside:avoid}details::details-content{content-visibility:visible;display:block}h2,h3,summary{break-after:avoid}.scroll{overflow:visible}table{font-size:8pt}th,td{white-space:normal}
figure .drawing{min-width:0;max-width:13.5cm}figure{padding:.3rem}figcaption{font-size:8.5pt}}
""".strip()

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, body: Sequence[Html]) -> str:
    """A whole document that loads nothing: inline style, images from data: addresses."""
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{tag('title', title)}<style>{variables()}\n{STYLE}</style>"
    )
    inner = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{inner}\n</body></html>\n'
    )


def write_whole(path: Path, text: str) -> None:
    """Write whole or not at all: a reader may have the old file open."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
