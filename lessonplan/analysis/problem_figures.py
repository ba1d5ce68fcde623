"""V7: single problems that were never solved, forgotten, or learned, with their course."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lessonplan.analysis.figures import LABEL, Picture, new_figure, plain, stem
from lessonplan.analysis.runs import Floats
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.theme import CARD, HATCH
from lessonplan.analysis.visits import PARTS, visits

MOST = 50  # problems of a kind in the table
DRAWN = 8  # of a kind in the picture
KINDS = ("never solved", "forgotten", "learned")
LEAST_CHANGE = 0.2  # of the share right between the first and the last third of the runs; ours
LEAST_Z = 2.0  # and so many standard errors: one in 44 problems by chance, either way
THIRD = PARTS // 3


def problem_rows(study: Study, family: str) -> list[Row]:
    """Problems worth a look, at most fifty of a kind, over all runs of the family together.

    Never solved: no rollout was right, most rollouts first. Forgotten and learned: the share right
    fell or rose by .2 and two standard errors between the first and the last three tenths of the
    runs, surest first. `part 1` to `part 10` are shares right by tenth, NaN where untried; `of` counts all
    problems of that kind, `tried` all problems.
    """
    table = visits(study, family)
    size = len(table.ids)
    if not len(table):
        return []
    right, scored = np.zeros((2, size, PARTS))
    np.add.at(right, (table.problem, table.part), table.right)
    np.add.at(scored, (table.problem, table.part), table.scored)
    runs = np.bincount(
        np.unique(np.stack([table.problem, table.run]), axis=1)[0], minlength=size
    )  # (P,)
    with np.errstate(invalid="ignore", divide="ignore"):
        early, late, z = _change(right, scored)
        course = right / scored  # (P, PARTS)
    change = late - early
    never = right.sum(axis=1) == 0
    moved = (np.abs(change) >= LEAST_CHANGE) & (np.abs(z) >= LEAST_Z)
    total = scored.sum(axis=1)
    tried = int((total > 0).sum())
    rows: list[Row] = []
    for kind, mask, order in (
        ("never solved", never & (total > 0), -total),
        ("forgotten", moved & (change < 0), z),
        ("learned", moved & (change > 0), -z),
    ):
        chosen = np.flatnonzero(mask)
        chosen = chosen[np.argsort(order[chosen], kind="stable")]
        for p in chosen[:MOST].tolist():
            row: Row = {
                "kind": kind,
                "of": len(chosen),
                "tried": tried,
                "problem": table.ids[p],
                "level": int(table.level[p]),
                "runs": int(runs[p]),
                "rollouts": int(total[p]),
                "right": int(right[p].sum()),
                "early": float(early[p]),
                "late": float(late[p]),
            }
            row |= {f"part {k + 1}": float(course[p, k]) for k in range(PARTS)}
            rows.append(row)
    return rows


def _change(right: Floats, scored: Floats) -> tuple[Floats, Floats, Floats]:
    """Share right in the first and the last three tenths, and z of their difference, each (P,)."""
    first, last = slice(0, THIRD), slice(PARTS - THIRD, PARTS)
    n0, n1 = scored[:, first].sum(1), scored[:, last].sum(1)
    k0, k1 = right[:, first].sum(1), right[:, last].sum(1)
    pooled = (k0 + k1) / (n0 + n1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    early, late = k0 / n0, k1 / n1
    z = np.where(error > 0, (late - early) / error, 0.0)
    return early, late, np.nan_to_num(z)


def course(row: Row) -> list[float]:
    """The ten shares of a row."""
    return [float(row[f"part {k + 1}"]) for k in range(PARTS)]


def short(name: str, width: int = 24) -> str:
    """The end of an id, where ids of one family differ."""
    return name if len(name) <= width else "…" + name[-width + 1 :]


def problem_strips(study: Study, family: str) -> Picture | None:
    """V7: the first eight problems of each kind as strips; None without any."""
    rows = problem_rows(study, family)
    shown = [row for kind in KINDS for row in _first(rows, kind)]
    if not shown:
        return None
    counts = {kind: next((int(r["of"]) for r in rows if r["kind"] == kind), 0) for kind in KINDS}
    title = f"Of {rows[0]['tried']} problems that were tried, " + ", ".join(
        f"{counts[kind]} were {kind}" for kind in KINDS
    )
    figure = new_figure(1.5 + 0.2 * len(shown), title)
    figure.set_layout_engine("constrained", rect=(0.02, 0, 0.97, 1))  # ids are wide at 150 dpi
    axes = figure.subplots()
    axes.patch.set(hatch="xxx", edgecolor=HATCH)
    table: NDArray[np.float64] = np.array([course(row) for row in shown])
    drawn = axes.imshow(
        np.ma.masked_invalid(table),
        aspect="auto",
        cmap="cividis",
        vmin=0,
        vmax=1,
        extent=(0, 1, len(shown) - 0.5, -0.5),
        interpolation="nearest",
    )
    axes.set_yticks(
        range(len(shown)),
        [plain(f"{short(str(r['problem']))}  L{r['level']}") for r in shown],
        fontsize=7.5,
    )
    for y, row in enumerate(shown):
        axes.annotate(
            f"{row['right']}/{row['rollouts']}",
            (1.01, y),
            xycoords=("axes fraction", "data"),
            fontsize=7.5,
            va="center",
            annotation_clip=False,
        )
    at = -0.5
    for kind in KINDS:
        own = len(_first(rows, kind))
        if own:
            axes.axhline(at, color=CARD, linewidth=3)
            axes.text(
                0.01,
                at + 0.5,
                kind,
                va="center",
                fontsize=7.5,
                fontweight="bold",
                bbox=LABEL,
            )
        at += own
    axes.set_xlabel("part of the run", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    figure.colorbar(drawn, ax=axes, label="share right", shrink=0.7, pad=0.04)
    caption = (
        f"Up to {DRAWN} problems of a kind, all runs of all samplers and sizes together; right: "
        "rollouts that were right, of all; L: level; hatched: not tried. Never solved: most rollouts first. Forgotten, learned: the share "
        f"right moved by {100 * LEAST_CHANGE:.0f} points and {LEAST_Z:.0f} standard errors between the first and "
        f"the last three tenths; chance alone does that to about one problem in 44, each way. Up to {MOST} of each stand in the table below."
    )
    alt = f"Problem strips. {title}."
    return Picture(f"{stem(family)}-v7-problems", title, caption, alt, rows, figure)


def _first(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind][:DRAWN]
