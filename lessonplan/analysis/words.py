"""Shares, ratios and their limits as words: one way of writing them everywhere."""

from collections.abc import Sequence
from math import isinf, isnan

LISTED = 5  # names in a title; with more, the first three and the last


def percent(share: float) -> str:
    """0.625 as "62.5 %"."""
    return "unknown" if isnan(share) else f"{100 * share:.3g} %"


def factor(value: float) -> str:
    """A ratio with two or three digits, 1000 and more as a power of ten."""
    if isinf(value) or isnan(value):
        return "unbounded" if isinf(value) else "unknown"
    if value >= 1000 or 0 < value < 0.001:
        return f"{value:.0e}"
    if value >= 10:
        return f"{value:.0f}"
    text = f"{value:.2g}"
    return f"{value:.3g}" if text == "1" else text  # 1.04 is not 1


def interval(low: float, high: float) -> str:
    """Limits of a ratio, open ends in words."""
    if isnan(low) or isnan(high):
        return "no interval"
    if low <= 0 and isinf(high):
        return "open on both sides"
    if isinf(high):
        return f"at least {factor(low)}"
    if low <= 0:
        return f"at most {factor(high)}"
    limits = factor(low), factor(high)
    return (" to " if any("e" in limit for limit in limits) else "-").join(limits)  # 9e-04 to 17


def listed(words: Sequence[str]) -> str:
    """A list for a title: of more than five, the first three and the last."""
    if len(words) <= LISTED:
        return ", ".join(words)
    return ", ".join([*words[:3], "…", words[-1]])
