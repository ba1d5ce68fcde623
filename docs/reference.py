"""Rewrite the tables of reference.md from the journals of the study, which lie compressed beside it.

    python docs/reference.py                  # the page
    python docs/reference.py runs/reference   # unpack the journals: lessonplan report runs/reference

The test of the page makes them anew and compares.
"""

import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np

from lessonplan.analysis import find, item_table, read_study
from lessonplan.analysis.bootstrap import student
from lessonplan.analysis.findings import Finding
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.summaries import result_rows
from lessonplan.analysis.tables import Decode, ItemTable
from lessonplan.analysis.verdicts import factor, interval

PAGE = Path(__file__).parent / "reference.md"
ARCHIVES = Path(__file__).parent / "reference"
SIZES = (8, 32, 128, 512)


def unpack(folder: Path) -> Path:
    """Put the journals of all families into a study's folder, with its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ARCHIVES / "study.toml", folder)
    for archive in sorted(ARCHIVES.glob("*.tar.xz")):
        with tarfile.open(archive) as packed:
            packed.extractall(folder / "journals", filter="data")
    return folder


def ratios(finding: Finding) -> str:
    """Who needs fewer problems, and who ends higher at the largest size."""
    target = "no target" if finding.target is None else f"{100 * finding.target:.0f} %"
    needs, ends = f"times fewer problems for {target}", f"points above B at {SIZES[-1]} problems"
    lines = [f"| A / B | {needs} (95 %) | p, Holm | {ends} (95 %) | p, Holm |", "|---" * 5 + "|"]
    found = {
        (c.a, c.b): (c, holm) for c, holm in zip(finding.comparisons, finding.holm, strict=True)
    }
    every = [each for pair in finding.differences for each in pair]
    for d, adjusted in zip(every, finding.holm_differences, strict=True):
        if d.n != SIZES[-1]:
            continue
        cells = ["not compared", ""]
        if (d.a, d.b) in found:
            c, holm = found[d.a, d.b]
            cells = [f"{factor(c.ratio)} ({interval(c.low, c.high)})", _p(holm.p_adjusted)]
            if c.kind == "both early":
                cells = [f"both have it with {SIZES[0]}", ""]
        points = (
            f"{round(100 * d.difference, 1) + 0.0:.1f} ({100 * d.low:.1f} to {100 * d.high:.1f})"
        )
        lines.append(
            f"| {' | '.join((f'{d.a} / {d.b}', *cells, points, _p(adjusted.p_adjusted)))} |"
        )
    return "\n".join(lines)


def _p(value: float) -> str:
    return "" if isnan(value) else f"{value:.2g}"


def accuracies(study: Study, family: str) -> str:
    """Mean accuracy by sampler and size: sampled at temperature 1, and greedy at the largest size."""
    rows = result_rows(study, family, "test")
    lines = [
        "| sampler | "
        + " | ".join(f"N = {n}" for n in SIZES)
        + " | greedy: easy | medium | hard |",
        "|---" * (len(SIZES) + 4) + "|",
    ]
    for name in ("warm starts", "SFT control"):
        (row,) = (row for row in rows if row["sampler"] == name)
        lines.append(f"| {name} | {row['T=1 mean']:.1f} | | | | {_greedy(row)} |")
    for arm in dict.fromkeys(row["sampler"] for row in rows[2:]):
        own = {row["n"]: row for row in rows if row["sampler"] == arm}
        sampled = " | ".join(f"{own[n]['T=1 mean']:.1f}" for n in SIZES)
        lines.append(f"| {arm} | {sampled} | {_greedy(own[SIZES[-1]])} |")
    return "\n".join(lines)


def trends(study: Study) -> str:
    """What problems bought in all arms together, and what the easy tier alone did to the tiers."""
    few, many = SIZES[0], SIZES[-1]
    rows: tuple[tuple[str, Decode, str, Callable[[Means], float]], ...] = (
        (f"{many} problems - warm start, T=1", "sample", "mean", lambda m: m.at(many) - m.base),
        (f"{many} - {few} problems, T=1", "sample", "mean", lambda m: m.at(many) - m.at(few)),
        (f"{few} problems - warm start, greedy", "greedy", "mean", lambda m: m.at(few) - m.base),
        ("`easy` - mixed arms, greedy, easy tier", "greedy", "easy", lambda m: m.easy(many)),
        ("`easy` - mixed arms, greedy, hard tier", "greedy", "hard", lambda m: m.easy(many)),
    )
    lines = ["| points (95 %); each start | " + " | ".join(study.families) + " |"]
    lines.append("|---" * (len(study.families) + 1) + "|")
    for name, decode, tier, of in rows:
        cells = []
        for family in study.families:
            table = item_table(study, family, tier=tier, decode=decode)
            each = np.array([100 * of(Means(table, start)) for start in table.starts])
            half = student(0.975, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))
            limits = f"{each.mean() - half:.1f} to {each.mean() + half:.1f}"
            cells.append(f"{each.mean():.1f} ({limits}); {', '.join(f'{one:.1f}' for one in each)}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Means:
    """Accuracies of the runs of one warm start, a plain mean over arms."""

    table: ItemTable
    start: str

    @property
    def base(self) -> float:
        return float(self.table.base[self.table.starts.index(self.start)] @ self.table.weights)

    def at(self, n: int, arm: Callable[[str], bool] = lambda name: True) -> float:
        table = self.table
        rows = zip(table.sampler, table.n, table.start, table.accuracy, strict=True)
        return float(np.mean([y for s, k, u, y in rows if k == n and u == self.start and arm(s)]))

    def easy(self, n: int) -> float:
        """The arm of the easy tier minus the mean of the others."""
        return self.at(n, lambda name: name == "easy") - self.at(n, lambda name: name != "easy")


def _greedy(row: Row) -> str:
    return " | ".join(f"{row[tier]:.1f}" for tier in ("easy", "medium", "hard"))


def page(text: str) -> str:
    """The page with its tables as the journals and today's analysis have them."""
    with tempfile.TemporaryDirectory() as folder:
        study = read_study(unpack(Path(folder)))
    text = _filled(text, "all arms", trends(study))
    for family in study.families:
        text = _filled(text, f"{family}: accuracies", accuracies(study, family))
        text = _filled(text, f"{family}: comparisons", ratios(find(study, family)))
    return text


def _filled(text: str, name: str, rows: str) -> str:
    """The page with `rows` between the marks of that name."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    assert begin in text and end in text, name
    old = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    return old.sub(lambda _: begin + rows + end, text)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(unpack(Path(sys.argv[1])))
    else:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
