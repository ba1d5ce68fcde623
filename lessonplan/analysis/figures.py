"""What every picture of the report shares: colors, saving, labels at the lines.

A picture is made in two steps: a function returns rows, another draws them. matplotlib is imported
inside functions and used through Figure objects alone, so that nothing global changes.
"""

from __future__ import annotations

import csv
import io
import re
import textwrap
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lessonplan.analysis import theme
from lessonplan.analysis.isotonic import isotonic
from lessonplan.analysis.pages import Html, drawing, tag, visible
from lessonplan.analysis.studies import Row, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS, GREY = theme.COLORS, theme.GREY  # of samplers; uniform is grey
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "-",
    (0, (6, 2)),
    (0, (3, 1, 1, 1)),
    (0, (8, 2, 2, 2)),
    (0, (4, 1)),
    (0, (2, 1)),
)
LABEL = {"facecolor": theme.CARD, "edgecolor": "none", "pad": 1.2}  # behind words on top of a color
WIDTH = 6.4  # inches; at 390 px text of 9.5 points is still 7


@dataclass(frozen=True, slots=True)
class Style:
    """How one sampler looks, all through the report."""

    color: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]


def styles(study: Study) -> dict[str, Style]:
    """A style for each sampler of the study: uniform is grey, the others by name."""
    names = sorted({run.info.sampler for run in study.runs if run.info.kind == "rl"})
    found = {"uniform": Style(GREY, "X", "-")}
    for i, name in enumerate(name for name in names if name != "uniform"):
        other = i + i // len(COLORS)  # past six, a color returns with another marker and dash
        found[name] = Style(
            COLORS[i % len(COLORS)], MARKERS[other % len(MARKERS)], DASHES[other % len(DASHES)]
        )
    return found


@dataclass(frozen=True)
class Picture:
    """A drawn figure with its words and its numbers."""

    name: str  # file stem
    title: str  # the finding
    caption: str  # kind of band, n, what is left out
    alt: str
    rows: list[Row]
    figure: Figure

    @cached_property
    def svg(self) -> bytes:
        """The picture as SVG; equal rows give equal bytes."""
        # A hundredth of a point is enough, and a third smaller. Only path data is touched.
        return re.sub(
            rb' d="[^"]*"',
            lambda found: re.sub(rb"(\.\d\d)\d+", rb"\1", found.group()),
            self._render("svg"),
        )

    def markup(self) -> Html:
        """The picture for a page: its title as text, the drawing in the page's colors, its caption."""
        return tag(
            "figure",
            tag("p", _unbroken(self.title), class_="finding"),
            tag("div", drawing(self.svg, self.name, self.alt), class_="scroll", tabindex="0"),
            tag("figcaption", self.caption),
        )

    def save(self, folder: Path) -> None:
        """Write NAME.svg, .png (150 dots an inch), .pdf and .csv."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.svg").write_bytes(self.svg)
        for kind in ("png", "pdf"):
            (folder / f"{self.name}.{kind}").write_bytes(self._render(kind))
        (folder / f"{self.name}.csv").write_text(csv_text(self.rows), encoding="utf-8")

    @cached_property
    def _laid_out(self) -> Figure:
        """The figure with its layout done once: the files differ only in kind."""
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        return self.figure

    def _render(self, kind: str) -> bytes:
        from matplotlib import rc_context

        stamp = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {}}
        buffer = io.BytesIO()
        with rc_context({"svg.hashsalt": self.name, "hatch.linewidth": 0.6}):
            self._laid_out.savefig(buffer, format=kind, dpi=150, metadata=stamp[kind])
        return buffer.getvalue()


def csv_text(rows: Sequence[Row]) -> str:
    """Rows as CSV. A text that a spreadsheet would run as a formula gets a quote in front."""
    if not rows:
        return ""
    buffer = io.StringIO()
    names = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return buffer.getvalue()


def _cell(value: str | float) -> str | float:
    return "'" + value if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def new_figure(height: float, title: str) -> Figure:
    """An empty figure with the finding on top, left-aligned."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor=theme.CARD)
    FigureCanvasAgg(figure)
    figure.suptitle(
        "\n".join(textwrap.wrap(_unbroken(plain(title)), 66)),
        x=0.01,
        ha="left",
        fontsize=11,
        fontweight="bold",
        gid=theme.TITLE,
    )
    return figure


def _unbroken(title: str) -> str:
    return title.replace(" %", "\u00a0%")


def plain(text: str) -> str:
    """Text that matplotlib takes as it is: no mathematics from a name with dollar signs."""
    return visible(text).replace("$", r"\$")


def stem(family: str) -> str:
    """A file name for a family, whatever its name holds."""
    safe = re.sub(r"[^A-Za-z0-9-]+", "-", family).strip("-")
    if safe == family and len(safe) <= 40:
        return safe
    return f"{safe[:40]}-{zlib.crc32(family.encode(errors='replace')):08x}"


def bottom_labels(panels: Iterable[Axes], columns: int, used: int, text: str) -> None:
    """Name the x axis below the lowest panel of each column; panels after the first `used` hide."""
    for k, axes in enumerate(panels):
        axes.set_visible(k < used)
        if k < used <= k + columns:
            axes.set_xlabel(text, fontsize=9)
            axes.tick_params(labelbottom=True)


def tidy(axes: Axes) -> None:
    """Light grid, no box."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color=theme.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)


def accuracy_axis(axes: Axes) -> None:
    """Accuracy from 0 to 1, always."""
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0])


def end_labels(axes: Axes, ends: Iterable[tuple[float, str, str]], *, gap: float = 0.055) -> None:
    """Names at the right ends of lines (y, name, color), pushed apart by `gap` of the axis."""
    low, high = axes.get_ylim()
    spots = sorted(ends)
    apart = gap * np.arange(len(spots))
    wanted = np.array([(y - low) / (high - low) for y, _, _ in spots])
    heights = isotonic(wanted - apart, np.ones(len(spots))) + apart  # nearest to their lines
    over = max(0.0, float(heights[-1]) - 1.0) if spots else 0.0
    for height, (_, name, color) in zip(heights.tolist(), spots, strict=True):
        axes.annotate(
            plain(name),
            (1.0, height - over),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            color=color,
            fontsize=9,
            fontweight="bold",
            va="center",
            annotation_clip=False,
        )
