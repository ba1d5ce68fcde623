"""V8: how often the problems of the pool are solved, on the first try and on the last."""

from collections.abc import Sequence

import numpy as np

from lessonplan.analysis.curve_figures import common_size
from lessonplan.analysis.figures import Picture, Style, bottom_labels, new_figure, plain, stem, tidy
from lessonplan.analysis.runs import Floats, Ints
from lessonplan.analysis.studies import Row, Study
from lessonplan.analysis.theme import BAND, CARD, SOFT
from lessonplan.analysis.visits import Visits, visits

# Upper edges of the bins of a group's share right; the outer two are exact.
BINS = ("never", "≤ 1/4", "≤ 1/2", "≤ 3/4", "< 1", "always")
EDGES = (0.25, 0.5, 0.75)


def bins(rate: Floats) -> Ints:
    """Position in `BINS` of shares (V,)."""
    inner = 1 + np.searchsorted(EDGES, rate, side="left")
    return np.asarray(np.where(rate <= 0, 0, np.where(rate >= 1, len(BINS) - 1, inner)))


def pass_rate_rows(study: Study, family: str) -> list[Row]:
    """Problems by the share right of their first group and of their last one, by sampler.

    All runs at the largest common size. `when` is "first" or "last"; a problem tried once has no
    last. `share` is of the problems, `mixed` the share of groups that are neither all right nor
    all wrong.
    """
    table = visits(study, family, common=True)
    n = common_size(study, family)
    rows: list[Row] = []
    for name in table.samplers:
        own = table.of(name)
        before = own.before()
        later = np.zeros(len(own), dtype=bool)
        later[before[before >= 0]] = True  # tried again
        for when, mask in (("first", before < 0), ("last", (before >= 0) & ~later)):
            rows += _histogram(name, n, when, own.take(mask))
    return rows


def _histogram(name: str, n: int, when: str, own: Visits) -> list[Row]:
    if not len(own):
        return []
    count = np.bincount(bins(own.rate), minlength=len(BINS))
    mixed = float(count[1:-1].sum() / len(own))
    return [
        {
            "sampler": name,
            "n": n,
            "when": when,
            "rate": label,
            "problems": int(count[k]),
            "share": float(count[k] / len(own)),
            "all": len(own),
            "mixed": mixed,
        }
        for k, label in enumerate(BINS)
    ]


def pass_rate_histogram(study: Study, family: str, looks: dict[str, Style]) -> Picture | None:
    """V8: does the data suit the model, before and after; None without groups."""
    rows = pass_rate_rows(study, family)
    names = list(dict.fromkeys(str(row["sampler"]) for row in rows))
    if not names:
        return None
    mixed = {name: _mixed(rows, name) for name in names}
    first = [a for a, _, _, _ in mixed.values()]
    last = [b for _, b, _, _ in mixed.values() if np.isfinite(b)]
    title = f"Groups that can teach: {_range(first)} of problems when first tried" + (
        f", {_range(last)} when last tried" if last else ""
    )
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(1.0 + 1.8 * lines, title)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    x = np.arange(len(BINS))
    for axes, name in zip(grid.flat, names, strict=False):
        axes.axvspan(0.5, len(BINS) - 1.5, facecolor=BAND, zorder=0)
        for when, shift, face in (("first", -0.2, CARD), ("last", 0.2, looks[name].color)):
            own = [float(r["share"]) for r in rows if (r["sampler"], r["when"]) == (name, when)]
            if own:
                axes.bar(
                    x + shift,
                    own,
                    width=0.4,
                    facecolor=face,
                    edgecolor=looks[name].color,
                    linewidth=1.2,
                )
        a, b, tried, again = mixed[name]
        after = f" to {100 * b:.0f} %" if np.isfinite(b) else ""
        axes.set_title(plain(f"{name}: mixed {100 * a:.0f} %{after}"), fontsize=9.5)
        axes.annotate(
            f"n = {tried}, {again}",
            (0.5, 0.97),
            xycoords="axes fraction",
            ha="center",
            va="top",
            fontsize=8,
            color=SOFT,
        )
        axes.set_xticks(x, BINS, fontsize=7.5)
        axes.set_ylim(0, 1.25 * max(float(r["share"]) for r in rows))
        tidy(axes)
        axes.grid(False, axis="x")
        axes.tick_params(axis="y", labelsize=8)
    bottom_labels(grid.flat, columns, len(names), "share right in a group")
    for axes in grid[:, 0]:
        axes.set_ylabel("share of problems", fontsize=9)
    caption = (
        f"All runs with {rows[0]['n']} problems. Hollow: a problem's first group in a run; filled: its "
        "last, if it was tried again (n counts both). On grey: groups that are neither all right nor all wrong, which "
        "alone have an advantage to learn from. One group is a noisy measure of one problem, so the histogram "
        "is wider than that of the true pass rates; a sampler chooses what is tried again."
    )
    return Picture(
        f"{stem(family)}-v8-pass-rate-histogram",
        title,
        caption,
        f"Histogram of pass rates. {title}.",
        rows,
        figure,
    )


def _mixed(rows: Sequence[Row], name: str) -> tuple[float, float, int, int]:
    """Share of mixed groups on first and last tries, and how many problems stand behind each."""
    found = {str(r["when"]): r for r in rows if r["sampler"] == name}
    first, last = found.get("first"), found.get("last")
    return (
        float(first["mixed"]) if first else float("nan"),
        float(last["mixed"]) if last else float("nan"),
        int(first["all"]) if first else 0,
        int(last["all"]) if last else 0,
    )


def _range(shares: Sequence[float]) -> str:
    low, high = (f"{100 * f(shares):.0f}" for f in (min, max))
    return f"{low} %" if low == high else f"{low} to {high} %"
