"""The eight headings, clockwise from north, and the cells ahead of them."""

# What every task on a grid shares: columns grow to the east, rows to the north.
HEADINGS: tuple[str, ...] = (
    *("north", "northeast", "east", "southeast"),
    *("south", "southwest", "west", "northwest"),
)
AHEAD: tuple[tuple[int, int], ...] = (
    *((0, 1), (1, 1), (1, 0), (1, -1)),
    *((0, -1), (-1, -1), (-1, 0), (-1, 1)),
)


def toward(x: int, y: int) -> str:
    """The heading of an offset by the signs of both numbers alone, or "same"."""
    return _BY_STEP[(x > 0) - (x < 0), (y > 0) - (y < 0)]


_BY_STEP = dict(zip(AHEAD, HEADINGS, strict=True)) | {(0, 0): "same"}
