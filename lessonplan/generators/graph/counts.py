"""How many different graphs a level can draw, at least."""

from math import comb, factorial

# Of all graphs a draw keeps those in the window of work, and few more conditions: at least this
# share, for every task that counts with it (measured: .1 and more).
_KEPT = 20


def labelled_classes(n: int, m: int, labels: int = 1) -> int:
    """A lower bound of the graphs with n nodes and m edges that are kept, up to their names.

    No graph has more than n! drawings; `labels` counts the ways to give it weights.
    """
    drawings = comb(n * (n - 1) // 2, m) * labels
    return drawings // factorial(n) // _KEPT
