"""V10: what became of every group that was asked for."""

from collections.abc import Sequence

from lessonplan.analysis.events import STATUSES
from lessonplan.analysis.figures import COLORS, LABEL, Picture, new_figure, plain, stem, tidy
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.theme import RED, RULE

HUES = {
    "trained": COLORS[2],
    "filtered": COLORS[5],
    "stale": COLORS[4],
    "failed": RED,
    "discarded": RULE,
    "open": "black",
}
MOST_FAILED = 0.01  # share above which the strip turns red


def ledger_rows(study: Study, family: str) -> list[Row]:
    """Groups by status for each sampler, all runs together, with trouble in words."""
    rows: list[Row] = []
    for name in study.samplers(family):
        runs = study.of(family, "rl", name)
        total = dict.fromkeys(STATUSES, 0)
        for run in runs:
            for status, count in run.groups.counts().items():
                total[status] += count
        issued = sum(total.values())
        trouble = []
        if total["failed"] > MOST_FAILED * issued:
            trouble.append(f"{100 * total['failed'] / issued:.1f} % failed")
        if total["open"]:
            trouble.append(f"{total['open']} open at the end")
        if sum(len(run.repairs) for run in runs):
            trouble.append("repaired")
        rows.append(
            {
                "sampler": name,
                "runs": len(runs),
                "issued": issued,
                **total,
                "wasted_rollouts": sum(run.wasted for run in runs),
                "trouble": ", ".join(trouble),
            }
        )
    return rows


def ledger_strip(study: Study, family: str) -> Picture | None:
    """V10: one bar a sampler by status; None without tickets."""
    rows = [row for row in ledger_rows(study, family) if row["issued"]]
    if not rows:
        return None
    issued = sum(int(row["issued"]) for row in rows)
    title = f"All {issued} groups are accounted for" + _trouble(rows)
    figure = new_figure(1.25 + 0.4 * len(rows), title)
    axes = figure.subplots()
    for y, row in enumerate(rows):
        left = 0.0
        for status, hue in HUES.items():
            part = int(row[status]) / int(row["issued"])
            axes.barh(y, part, left=left, color=hue, height=0.62)
            if part > 0.08:
                axes.text(
                    left + part / 2,
                    y,
                    f"{status} {100 * part:.0f} %",
                    ha="center",
                    va="center",
                    fontsize=8,
                    bbox=LABEL,
                )
            left += part
        if row["trouble"]:
            axes.barh(y, 1, color="none", edgecolor=RED, linewidth=2, height=0.62)
    axes.set_yticks(range(len(rows)), [plain(str(row["sampler"])) for row in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of groups asked for", fontsize=9)
    tidy(axes)
    from matplotlib.patches import Patch

    used = [s for s in HUES if any(int(row[s]) for row in rows)]
    figure.legend(
        handles=[Patch(color=HUES[s], label=s) for s in used],
        ncols=len(used),
        loc="outside lower center",
        fontsize=8.5,
        frameon=False,
    )
    wasted = sum(int(row["wasted_rollouts"]) for row in rows)
    caption = (
        "All runs. A red frame: more than 1 % failed, some open at the end, or a repaired file. "
        f"Rollouts generated twice because a run was resumed: {wasted}."
    )
    alt = "Ledger. " + "; ".join(
        f"{row['sampler']}: " + ", ".join(f"{s} {row[s]}" for s in HUES if row[s]) for row in rows
    )
    return Picture(f"{stem(family)}-v10-ledger", title, caption, alt + ".", rows, figure)


def _trouble(rows: Sequence[Row]) -> str:
    found = [f"{row['sampler']}: {row['trouble']}" for row in rows if row["trouble"]]
    return "; but " + "; ".join(found) if found else ""
