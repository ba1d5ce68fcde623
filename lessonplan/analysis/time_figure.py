"""V11: where the seconds of a run go, and what crashes cost."""

import numpy as np

from lessonplan.analysis.figures import COLORS, LABEL, Picture, new_figure, plain, stem, tidy
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.theme import RULE

# Colors for the phases that journals name; others are grey.
HUES = {
    "generate": COLORS[5],
    "score": COLORS[4],
    "train": COLORS[0],
    "curriculum": COLORS[1],
}
OTHER = RULE


def time_rows(study: Study, family: str) -> list[Row]:
    """Mean seconds of a run by sampler and phase, and what resumes threw away in total."""
    runs = study.of(family, "rl")
    known = {phase for run in runs for phase in run.steps.seconds}
    phases = [*(p for p in HUES if p in known), *sorted(known - set(HUES))]
    rows: list[Row] = []
    for name in study.samplers(family):
        own = study.of(family, "rl", name)
        spent = {
            phase: float(np.mean([r.steps.seconds.get(phase, np.zeros(1)).sum() for r in own]))
            for phase in phases
        }
        total = sum(spent.values())
        rows += [
            {
                "sampler": name,
                "runs": len(own),
                "phase": phase,
                "seconds": value,
                "share": value / total if total else float("nan"),
                "rollouts": sum(r.rollouts for r in own),
                "rollouts_lost": sum(r.wasted for r in own),
                "resumes": sum(len(r.resumes) for r in own),
            }
            for phase, value in spent.items()
        ]
    return rows


def time_bars(study: Study, family: str) -> Picture | None:
    """V11: seconds by phase, a bar a sampler; None if the journals hold no seconds."""
    rows = [row for row in time_rows(study, family)]
    names = list(dict.fromkeys(str(row["sampler"]) for row in rows))
    if not sum(float(row["seconds"]) for row in rows) > 0:
        return None
    first = {name: next(r for r in rows if r["sampler"] == name) for name in names}
    lost = sum(int(r["rollouts_lost"]) for r in first.values())
    made = sum(int(r["rollouts"]) for r in first.values())
    own = [r for r in rows if r["phase"] == "curriculum" and np.isfinite(float(r["share"]))]
    title = (
        f"The curriculum takes {100 * max(float(r['share']) for r in own):.2g} % of the time at most"
        if own
        else "Where the seconds of a run go"
    )
    title += f"; {lost} rollouts were lost to resumes" if lost else "; nothing was lost to resumes"
    figure = new_figure(1.3 + 0.4 * len(names), title)
    axes = figure.subplots()
    phases = list(dict.fromkeys(str(row["phase"]) for row in rows))
    widest = max(sum(float(r["seconds"]) for r in rows if r["sampler"] == k) for k in names)
    for y, name in enumerate(names):
        left = 0.0
        for row in (r for r in rows if r["sampler"] == name):
            part = float(row["seconds"])
            hue = HUES.get(str(row["phase"]), OTHER)
            axes.barh(y, part, left=left, color=hue, height=0.62)
            if part > 0.12 * widest:
                axes.text(
                    left + part / 2,
                    y,
                    f"{part:.3g} s",
                    ha="center",
                    va="center",
                    fontsize=8,
                    bbox=LABEL,
                )
            left += part
    labels = [plain(f"{name}, {first[name]['runs']} runs") for name in names]
    axes.set_yticks(range(len(names)), labels, fontsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("seconds of a run, mean", fontsize=9)
    tidy(axes)
    axes.grid(False, axis="y")
    from matplotlib.patches import Patch

    figure.legend(
        handles=[Patch(color=HUES.get(p, OTHER), label=p) for p in phases],
        ncols=max(1, len(phases)),
        loc="outside lower center",
        fontsize=8.5,
        frameon=False,
    )
    caption = (
        "All runs, all sizes; wall-clock seconds as the journals hold them, so runs side by side on "
        f"one machine slow each other. Rollouts generated: {made}; generated again because a run was resumed: {lost}."
    )
    alt = "Time. " + "; ".join(
        f"{name}: "
        + ", ".join(
            f"{r['phase']} {float(r['seconds']):.3g} s" for r in rows if r["sampler"] == name
        )
        for name in names
    )
    return Picture(f"{stem(family)}-v11-time", title, caption, alt + ".", rows, figure)
