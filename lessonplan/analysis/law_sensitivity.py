"""Does a comparison stand under another law? What flips between two laws is unresolved."""

from dataclasses import dataclass, replace

from lessonplan.analysis.efficiency import Comparison, Curves, at_target
from lessonplan.analysis.law_shapes import POW4
from lessonplan.analysis.laws import Law


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One comparison under Hill and under a second law."""

    law: str
    second: str
    first_found: Comparison
    second_found: Comparison

    @property
    def resolved(self) -> bool:
        """Whether both laws name the same winner, or both none."""
        return self.first_found.winner == self.second_found.winner

    @property
    def first_words(self) -> str:
        """What the first law says: the winner with its interval, or none."""
        return _conclusion(self.first_found)

    @property
    def second_words(self) -> str:
        """What the second law says."""
        return _conclusion(self.second_found)

    @property
    def sentence(self) -> str:
        """One line for a report."""
        each = (f"{self.law}: {self.first_words}", f"{self.second}: {self.second_words}")
        if self.resolved:
            return f"the conclusion holds under both laws ({'; '.join(each)})"
        return f"unresolved: the conclusion flips between laws ({'; '.join(each)})"


def sensitivity(both: Curves, target: float, *, second: Law = POW4) -> Sensitivity:
    """Compare the first two samplers of `both` at `target` under its law and under `second`.

    The resamples are the same; only the shape of the curves differs.
    """
    return Sensitivity(
        both.law.name,
        second.name,
        at_target(both, target),
        at_target(replace(both, law=second), target),
    )


def _conclusion(found: Comparison) -> str:
    if found.winner is None:
        return "no winner"
    limits = (found.low, found.high)
    low, high = limits if found.winner == found.a else (1 / limits[1], _over(limits[0]))
    if high == float("inf"):
        return f"{found.winner} at least {low:.2g} times fewer"
    return f"{found.winner} {low:.2g}-{high:.2g} times fewer"


def _over(value: float) -> float:
    return 1 / value if value > 0 else float("inf")
