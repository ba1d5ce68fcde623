"""Blocks move from pile to pile: which blocks does one pile hold at the end?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, perm
from typing import TypeAlias

from lessonplan.generators.base import Draft, Generator
from lessonplan.generators.problem import Json
from lessonplan.generators.spatial.sizes import Size, fitting, ramp
from lessonplan.generators.spatial.wordings import LABELS, compose, maybe, mixed, sentence
from lessonplan.generators.streams import Stream
from lessonplan.generators.templates import INT, NAMES, Slot, listed

Move: TypeAlias = tuple[int, int]  # from pile, to pile, numbered from 1
Piles: TypeAlias = tuple[tuple[str, ...], ...]  # each from bottom to top

_PILES = 3


@dataclass(frozen=True, slots=True)
class Stacking(Draft):
    """The blocks of one pile after all moves, from bottom to top."""

    piles: Piles
    moves: tuple[Move, ...]
    pile: int  # which one is asked for
    stages: tuple[Piles, ...]  # after each move

    @property
    def key(self) -> str:
        piles = " | ".join(" ".join(pile) for pile in self.piles)
        return f"{self.pile} : {piles} : {' '.join(f'{a}>{b}' for a, b in self.moves)}"

    @property
    def answer(self) -> str:
        return " ".join(self.stages[-1][self.pile - 1])

    @property
    def data(self) -> Mapping[str, Json]:
        first, second, third = map(list, self.piles)
        return {
            "first": first,
            "second": second,
            "third": third,
            "moves": [list(move) for move in self.moves],
            "pile": self.pile,
        }

    @property
    def work(self) -> int:
        return _work(len(self.moves), sum(map(len, self.piles)))

    @property
    def skeleton(self) -> str:
        heights = " ".join(str(len(pile)) for pile in self.piles)
        return f"{heights} : {' '.join(f'{a}>{b}' for a, b in self.moves)}"

    def steps(self, style: int = 0) -> list[str]:
        lines = []
        for (source, target), piles in zip(self.moves, self.stages, strict=True):
            if style == 0:  # the block that moved, and the two piles that changed
                lines.append(
                    f"{piles[target - 1][-1]} to {target}; "
                    f"{_pile(piles, source)}; {_pile(piles, target)}"
                )
            else:
                lines.append("; ".join(_pile(piles, number + 1) for number in range(_PILES)))
        return lines

    def guesses(self) -> Mapping[str, Sequence[str]]:
        blocks = {block for pile in self.piles for block in pile}
        before = self.stages[-2] if len(self.stages) > 1 else self.piles
        return {
            "the pile at first": [" ".join(self.piles[self.pile - 1])],
            "without the last move": [" ".join(before[self.pile - 1])],
            "all blocks by name": [" ".join(sorted(blocks))],
        }


def _pile(piles: Piles, number: int) -> str:
    return f"{number}: {' '.join(piles[number - 1]) or '-'}"


def _work(moves: int, blocks: int) -> int:
    return 2 * moves + blocks  # blocks taken off and put down, and blocks read


def _slots(move: str, joiner: str, empty: str) -> Mapping[str, Slot]:
    pile = maybe(NAMES, empty)
    return {
        "first": pile,
        "second": pile,
        "third": pile,
        "moves": listed(sentence({"": move}, {"source": INT, "target": INT}), joiner),
        "pile": INT,
    }


class BlockStacking(Generator):
    """Tops of three piles move about; a level brings more moves and more blocks.

    One block or height is guessed in .1 to .2 of the problems, so the whole pile is asked for: at
    least two blocks, not as it was at first, and changed by the last move. No move takes the one
    before back. Work is the blocks taken off and put down, and the blocks read at first.
    """

    family, task, version = "spatial", "spatial.block_stacking", 1
    kind, what, styles = "names", "the blocks from bottom to top", 2
    log_work, tolerance = ramp(7, 36), 0.125
    templates = mixed(
        compose(
            _slots("The top block of pile {source} is put on pile {target}.", "\n", "no blocks"),
            (
                "Three piles of blocks, from bottom to top:",
                "A crane serves three piles. They hold these blocks, the lowest first:",
            ),
            ("Pile 1: {first}\nPile 2: {second}\nPile 3: {third}",),
            ("{moves}", "The crane works:\n{moves}"),
            (
                "Which blocks does pile {pile} hold now, from bottom to top?",
                "Name the blocks of pile {pile} after this, the lowest first.",
            ),
        ),
        compose(
            _slots("{source} to {target}", ", ", "empty"),
            (
                "Each move takes the top card of one stack and lays it on top of another.",
                "Cards lie in three stacks. A move takes a stack's top card to the top of another.",
            ),
            ("Stack 1 (bottom first): {first}. Stack 2: {second}. Stack 3: {third}.",),
            ("Moves: {moves}.",),
            ("What is in stack {pile} then, bottom first?", "List stack {pile} from its bottom."),
        ),
    )

    def draw(self, stream: Stream, level: int) -> Stacking | None:
        n_moves, n_blocks = stream.choice(_sizes()[level - 1])
        # Single letters at every diversity: the answer is made of them.
        letters = LABELS[0] if self.diversity == 0 else stream.choice(LABELS[:2])
        names = stream.shuffled(letters)[:n_blocks]
        now: list[list[str]] = [[], [], []]
        for name in names:
            now[stream.below(_PILES)].append(name)
        piles = tuple(map(tuple, now))
        moves: list[Move] = []
        stages = []
        source = target = -1
        for _ in range(n_moves):
            choices = [
                (a, b)
                for a in range(_PILES)
                for b in range(_PILES)
                if a != b and now[a] and (a, b) != (target, source)
            ]
            if not choices:  # all blocks lie on the one that moved last
                return None
            source, target = stream.choice(choices)
            now[target].append(now[source].pop())
            moves.append((source + 1, target + 1))
            stages.append(tuple(map(tuple, now)))
        asked = [
            number + 1
            for number in (source, target)
            if len(now[number]) > 1 and tuple(now[number]) != piles[number]
        ]
        if not asked:
            return None
        return Stacking(piles, tuple(moves), stream.choice(asked), tuple(stages))

    def instances(self, level: int) -> int:
        n_moves, n_blocks = max(_sizes()[level - 1])
        # Nearly always two moves or more are possible, and a quarter of them and more are accepted.
        return int(perm(26, n_blocks) * comb(n_blocks + 2, 2) * 2 ** (n_moves - 1) // 4)


@cache
def _sizes() -> tuple[tuple[Size, ...], ...]:
    """Moves and blocks; more moves than half the blocks, so that most piles change."""
    return fitting(
        lambda level: (
            (moves, blocks)
            for moves in range(2, 15)
            for blocks in range(3, 9)
            if blocks <= moves + 2 and moves <= 2 * blocks
        ),
        lambda level, size: _work(*size),
        BlockStacking.log_work,
        BlockStacking.tolerance,
    )
