"""Rewrite the tables of reference.md from the journals of the study, which lie compressed beside it.

    python docs/reference.py                  # the page
    python docs/reference.py runs/reference   # unpack the journals: lessonplan report runs/reference

The test of the page makes the accuracies anew and compares; the intervals take a minute.
"""

import re
import sys
import tarfile
import tempfile
from math import isnan
from pathlib import Path

from lessonplan.analysis import find, read_study
from lessonplan.analysis.findings import Finding
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.summaries import result_rows
from lessonplan.analysis.verdicts import factor, interval

PAGE = Path(__file__).parent / "reference.md"
ARCHIVES = Path(__file__).parent / "reference"
SIZES = (8, 32, 128, 512)


def unpack(folder: Path) -> Path:
    """Put the journals of all families into a study's folder."""
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
            ratio = factor(c.ratio) if c.kind == "ratio" else c.kind
            cells = [f"{ratio} ({interval(c.low, c.high)})", _p(holm.p_adjusted)]
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
    for name in dict.fromkeys(row["sampler"] for row in rows[2:]):
        own = {row["n"]: row for row in rows if row["sampler"] == name}
        sampled = " | ".join(f"{own[n]['T=1 mean']:.1f}" for n in SIZES)
        lines.append(f"| {name} | {sampled} | {_greedy(own[SIZES[-1]])} |")
    return "\n".join(lines)


def _greedy(row: Row) -> str:
    return " | ".join(f"{row[tier]:.1f}" for tier in ("easy", "medium", "hard"))


def filled(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks of that name."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    assert begin in page and end in page, name
    old = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    return old.sub(lambda _: begin + text + end, page)


def main() -> None:
    if sys.argv[1:]:
        print(unpack(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        study = read_study(unpack(Path(folder)))
    page = PAGE.read_text(encoding="utf-8")
    for family in study.families:
        page = filled(page, f"{family}: accuracies", accuracies(study, family))
        page = filled(page, f"{family}: comparisons", ratios(find(study, family)))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
