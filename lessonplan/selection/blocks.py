"""A value per problem, in blocks with their sums and peaks, so that a draw need not look at all."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lessonplan.selection.base import Positions

_ROUNDS = 32  # rounds of a draw before a pass over the pool is cheaper (ours)


class Blocks:
    """Values (N,) of which few change at a time: weights to draw by, or scores to rank by.

    `set` costs O(m); a draw of n looks at the blocks that changed, at one number per block, and
    into about n blocks: O(N / B + n B) with blocks of B problems, about sqrt(N) / 16 of them each.
    Sums and peaks are recomputed from their block, never added to, so the order of changes leaves
    no trace. A restart rebuilds all of it from the estimates: nothing here is state. Below, `busy`
    (N,) counts open asks, and busy problems are passed over.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.values = np.array(values, np.float64)  # (N,)
        self.size = 1 << max(4, round(np.log2(max(1, len(values))) / 2) - 4)  # B, a power of two
        count = -(-len(values) // self.size)  # M = N / B, rounded up
        self._sums, self._peaks = np.zeros(count), np.zeros(count)  # (M,)
        self._old_sums = np.ones(count, np.bool_)  # (M,) which have to be recomputed
        self._old_peaks = np.ones(count, np.bool_)

    def __len__(self) -> int:
        return len(self.values)

    def set(self, positions: Positions, values: NDArray[np.float64]) -> None:
        """Give problems (m,) new values (m,)."""
        self.values[positions] = values
        self._old_sums[positions // self.size] = True
        self._old_peaks[positions // self.size] = True

    def draw(self, rng: np.random.Generator, n: int, busy: NDArray[np.signedinteger]) -> Positions:
        """Up to n free problems, one after the other in proportion to their values.

        Each round names problems with replacement and keeps the first occurrence of each, which is
        exactly a successive draw without replacement; what was drawn then loses its weight.
        Returns fewer than n when nearly no weight is left. Raises ValueError on negative values.
        """
        sums = self._current_sums().copy()  # (M,)
        picks = np.empty(0, np.int64)
        for _ in range(_ROUNDS):
            missing = n - len(picks)
            edges = np.cumsum(sums)
            if not missing or not 0 < edges[-1] < np.inf:
                break
            named = np.searchsorted(edges, rng.random(missing + 8) * edges[-1], side="right")
            hit, row = np.unique(np.minimum(named, len(sums) - 1), return_inverse=True)
            rows = self._rows(hit, busy, picks, 0.0)  # (h, B)
            inner = np.cumsum(rows, axis=1)
            height = rng.random(len(row)) * sums[hit[row]]  # (c,)
            place = np.zeros(len(row), np.int64)
            step = self.size >> 1
            while step:  # all searches at once: one bit of every place per turn
                place += step * (inner[row, place + step - 1] <= height)
                step >>= 1
            # above the top: where the block's sum still counts busy or drawn problems
            drawn = (hit[row] * self.size + place)[height < inner[row, -1]]
            drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])][:missing]
            picks = np.concatenate([picks, drawn])
            at = np.searchsorted(hit, drawn // self.size)
            rows[at, drawn % self.size] = 0.0
            sums[hit] = rows.sum(axis=1)
        return picks

    def top(self, rng: np.random.Generator, n: int, busy: NDArray[np.signedinteger]) -> Positions:
        """The n free problems with the highest values, best first, ties at random.

        Returns fewer than n when fewer are free and above minus infinity.
        """
        n = min(n, len(self.values))
        if n == 0:
            return np.empty(0, np.int64)
        peaks = self._current_peaks().copy()  # (M,) of free and busy problems: too high, if wrong
        seen = np.zeros(len(peaks), np.bool_)  # whose peak is of free problems alone
        while True:
            best = np.argpartition(-peaks, n - 1)[:n] if n < len(peaks) else np.arange(len(peaks))
            new = best[~seen[best]]
            if not len(new):
                break
            peaks[new] = self._rows(new, busy, np.empty(0, np.int64), -np.inf).max(axis=1)
            seen[new] = True
        # these blocks hold at least n values as high as any value outside, so the bar is in them
        best = np.sort(best[peaks[best] > -np.inf])
        rows = self._rows(best, busy, np.empty(0, np.int64), -np.inf)  # (h, B)
        values = rows.ravel()
        n = min(n, int(np.count_nonzero(values > -np.inf)))
        if n == 0:
            return np.empty(0, np.int64)
        # np.partition takes 20 times as long where many are equal (measured)
        bar = np.sort(values)[-n]
        above = np.flatnonzero(values > bar)
        first = above[np.lexsort((rng.random(len(above)), -values[above]))]
        chosen = best[first // self.size] * self.size + first % self.size
        ties = self._ties(rng, bar, n - len(chosen), np.flatnonzero(peaks >= bar), busy)
        return np.concatenate([chosen, ties])

    def _ties(
        self,
        rng: np.random.Generator,
        bar: float,
        k: int,
        blocks: NDArray[np.int64],
        busy: NDArray[np.signedinteger],
    ) -> Positions:  # (k,)
        """k free problems of the value `bar`, each equally likely; `blocks` hold all of them."""
        picks = np.empty(0, np.int64)
        names_left = len(blocks) * self.size // 8
        count = 4 * k + 64
        while len(picks) < k and names_left > 0:
            count = min(4 * count, names_left)  # few rounds, however rare the value
            names_left -= count
            names = blocks[rng.integers(len(blocks), size=count)] * self.size
            names += rng.integers(self.size, size=count)
            names = names[names < len(self.values)]
            names = names[(self.values[names] == bar) & (busy[names] == 0)]
            both = np.concatenate([picks, names])
            picks = both[np.sort(np.unique(both, return_index=True)[1])][:k]
        if len(picks) < k:
            rows = self._rows(blocks, busy, picks, -np.inf)
            left = np.flatnonzero(rows.ravel() == bar)
            left = rng.permutation(left)[: k - len(picks)]
            left = blocks[left // self.size] * self.size + left % self.size
            picks = np.concatenate([picks, left])
        return picks

    def _rows(
        self,
        blocks: NDArray[np.int64],
        busy: NDArray[np.signedinteger],
        gone: Positions,
        empty: float,
    ) -> NDArray[np.float64]:  # (h, B)
        """The values of ascending or unordered `blocks` (h,), `empty` where busy or gone."""
        whole = len(self.values) // self.size
        if len(blocks) and blocks.max() == whole:  # the last block is not full
            rows = np.full((len(blocks), self.size), empty)
            full = blocks < whole
            rows[full] = self._rows(blocks[full], busy, gone, empty)
            tail = self.values[whole * self.size :]
            free = busy[whole * self.size :] == 0
            rows[~full, : len(tail)] = np.where(free & (tail == tail), tail, empty)
        else:
            rows = self.values[: whole * self.size].reshape(whole, self.size)[blocks]
            free = busy[: whole * self.size].reshape(whole, self.size)[blocks] == 0
            free &= rows == rows  # NaN counts as nothing
            if not free.all():
                rows[~free] = empty
        if len(gone) and len(blocks):
            order = np.argsort(blocks)
            at = np.searchsorted(blocks, gone // self.size, sorter=order)
            at = order[np.minimum(at, len(blocks) - 1)]
            inside = blocks[at] == gone // self.size
            rows[at[inside], gone[inside] % self.size] = empty
        return rows

    def _current_sums(self) -> NDArray[np.float64]:  # (M,)
        for part, rows in self._changed(self._old_sums):
            if rows.min(initial=0.0) < 0:
                raise ValueError(
                    f"weights to draw by must be at least 0, got {rows.min()!r}; top_k ranks by any"
                )
            self._sums[part] = rows.sum(axis=1)
            if np.isnan(self._sums[part]).any():
                self._sums[part] = np.nansum(rows, axis=1)
        self._old_sums[:] = False
        return self._sums

    def _current_peaks(self) -> NDArray[np.float64]:  # (M,)
        for part, rows in self._changed(self._old_peaks):
            self._peaks[part] = np.fmax.reduce(rows, axis=1, initial=-np.inf)
        self._old_peaks[:] = False
        return self._peaks

    def _changed(
        self, old: NDArray[np.bool_]
    ) -> Iterator[tuple[slice | NDArray[np.int64], NDArray[np.float64]]]:
        """Which blocks changed, and their values (h, B): the full ones, then the last."""
        whole = len(self.values) // self.size
        table = self.values[: whole * self.size].reshape(whole, self.size)
        blocks = np.flatnonzero(old[:whole])
        if len(blocks) == whole:  # at first, and after a restart: without a copy
            yield slice(whole), table
        elif len(blocks):
            yield blocks, table[blocks]
        if old[whole:].any():
            yield slice(whole, None), self.values[None, whole * self.size :]
