"""One sentence for each comparison: who needs fewer problems, or that it could not be shown."""

from math import isfinite, isnan

from lessonplan.analysis.bootstrap import MIN_STARTS
from lessonplan.analysis.efficiency import Comparison, Difference
from lessonplan.analysis.findings import Finding
from lessonplan.analysis.words import factor, interval, percent

__all__ = ["factor", "gap", "interval", "percent", "sentences", "verdict"]


def verdict(found: Comparison) -> str:
    """The comparison in plain words, with the interval; names the winner first."""
    text = _claim(found)
    if found.headline or found.kind == "below base":
        return text
    starts = f"{found.starts} warm start" + ("" if found.starts == 1 else "s")
    return f"No headline ({starts}; {MIN_STARTS} are needed). In these runs: {text}"


def gap(d: Difference) -> str:
    """The paired difference of accuracy at one size, in words."""
    more, less = (d.a, d.b) if d.difference >= 0 else (d.b, d.a)
    points = 100 * abs(d.difference)
    if isnan(d.low):
        return f"at {d.n} problems {more} scores {points:.1f} points more, without an interval"
    low, high = (d.low, d.high) if more == d.a else (-d.high, -d.low)
    low, high = 100 * low, 100 * high
    if low > 0:
        return (
            f"at {d.n} problems {more} scores {points:.1f} points more than {less} "
            f"({low:.1f} to {high:.1f})"
        )
    return (
        f"at {d.n} problems no difference of accuracy could be shown ({more} {points:.1f} points "
        f"above {less}, {low:.1f} to {high:.1f}); {100 * d.seen:.2g} points would have been seen"
    )


def sentences(finding: Finding) -> list[str]:
    """All that is said about a family: a line for each pair, and what was not compared and why.

    A claim that another law or Holm's correction takes back says so in its own line.
    """
    gaps = [gap(each[-1]) if each else "" for each in finding.differences]
    claims = [verdict(c) for c in finding.comparisons] or [""] * len(gaps)
    doubts = [_doubts(finding, i) for i in range(len(claims))]
    lines = ["; ".join(filter(None, parts)) for parts in zip(claims, doubts, gaps, strict=True)]
    if finding.target is None:  # the reason first, then what can be said without a target
        return [*finding.refused, *filter(None, lines)]
    return [*filter(None, lines), *finding.refused]


def _doubts(finding: Finding, i: int) -> str:
    """What takes the claim of pair i back; empty if nothing does."""
    found = list[str]()
    if i < len(finding.sensitivities) and not finding.sensitivities[i].resolved:
        found.append(finding.sensitivities[i].sentence)
    if i < len(finding.holm) and finding.comparisons[i].winner and not finding.holm[i].shown:
        found.append(finding.holm[i].words.partition(": ")[2].rpartition(", ")[0])
    return "; ".join(filter(None, found))


def _claim(c: Comparison) -> str:
    at = percent(c.target)
    if c.kind == "below base":
        return (
            f"{at} is not above the warm start, which scores {percent(c.base)}: "
            "no number of problems to compare"
        )
    if c.kind == "neither":
        more = f"; both reach {percent(c.highest)}" if not c.highest <= c.base else ""
        return f"neither {c.a} nor {c.b} reaches {at}{more}"
    if c.kind == "both early":
        return f"{c.a} and {c.b} both reach {at} with their smallest size: no ratio"
    if c.kind == "ratio":
        return _ratio(c)
    return _bound(c)


def _ratio(c: Comparison) -> str:
    at = percent(c.target)
    if c.winner is not None:
        fast, slow = (c.a, c.b) if c.winner == c.a else (c.b, c.a)
        ratio, low, high = (
            (c.ratio, c.low, c.high) if fast == c.a else (1 / c.ratio, 1 / c.high, _over(c.low))
        )
        return (
            f"{fast} reaches {at} with {factor(ratio)} times fewer problems than {slow} "
            f"({interval(low, high)})"
        )
    if isnan(c.low):
        return (
            f"{c.a} reaches {at} with about {c.n_a:.0f} problems, {c.b} with about {c.n_b:.0f}; "
            "one run for each size, so no interval and no conclusion"
        )
    return (
        f"no difference could be shown between {c.a} and {c.b} at {at} "
        f"(ratio {factor(c.ratio)}, {interval(c.low, c.high)}); {_seen(c)}"
    )


def _seen(c: Comparison) -> str:
    """The smallest effect that would have been shown, next to every difference that was not."""
    if isfinite(c.seen):
        return f"this study would have seen {factor(c.seen)} times"
    return "with this interval no ratio would have been seen"


def _bound(c: Comparison) -> str:
    """One of the two is at the target below its smallest size, or not within its sizes."""
    at = percent(c.target)
    swap = c.kind == "at most"
    fast, slow = (c.b, c.a) if swap else (c.a, c.b)
    n_fast, n_slow = (c.n_b, c.n_a) if swap else (c.n_a, c.n_b)
    sizes_fast, sizes_slow = (c.sizes_b, c.sizes_a) if swap else (c.sizes_a, c.sizes_b)
    least = _over(c.high) if swap else c.low
    early = not n_fast > sizes_fast[0]
    reached = isfinite(n_slow) and n_slow <= sizes_slow[-1]
    first = (
        f"{fast} reaches {at} with its smallest size, {sizes_fast[0]} problems"
        if early
        else f"{fast} reaches {at} with about {n_fast:.0f} problems"
    )
    second = (
        f"{slow} with about {n_slow:.0f}"
        if reached
        else f"{slow} never reaches it (up to {sizes_slow[-1]} problems)"
    )
    if isnan(least):
        return f"{first}, {second}; one run for each size, so no interval and no conclusion"
    if least > 1:
        return f"{first}, {second}: at least {factor(least)} times fewer"
    bound = f"the bound is {factor(least)} times" if least >= 0.1 else "no bound can be given"
    return f"{first}, {second}; but no difference could be shown ({bound}); {_seen(c)}"


def _over(value: float) -> float:
    return value if isnan(value) else 1 / value if value > 0 else float("inf")
