"""Pictures of problems, as SVG that takes its colors from the page around it."""

from collections.abc import Mapping, Sequence
from html import escape
from math import atan2, cos, hypot, sin

from lessonplan.generators.problem import Json, Problem
from lessonplan.generators.spatial.headings import AHEAD, HEADINGS

# Of all tasks these state arrows rather than edges; their data look the same.
DIRECTED = ("graph.walk", "graph.maximum_flow", "graph.order_count")
Point = tuple[float, float]


def picture(problem: Problem) -> str:
    """The problem as an SVG element, "" where a picture would say no more than the words.

    Graphs, grids, particles, cells and piles of blocks are drawn; nothing gives the answer away.
    """
    data = problem.data
    if "edges" in data:
        return _graph(data, directed=problem.task in DIRECTED)
    if "grid" in data:
        return _map(data)
    if "blocked" in data:
        return _floor(data)
    if problem.task == "spatial.particles":
        return _particles(data)
    if "cells" in data:
        return _cells(data)
    if {"first", "second", "third"} <= set(data):
        return _piles(data)
    return ""


def dots(rows: Mapping[int, Sequence[float]], *, title: str) -> str:
    """One row of dots for each key, on a common axis: the log2 work of problems by level."""
    values = [value for row in rows.values() for value in row]
    low, high = min(values), max(values)
    scale = 320 / max(high - low, 1e-9)
    parts = []
    for i, (level, row) in enumerate(rows.items()):
        y = 14 + 12 * i
        parts.append(_text(20, y, str(level)))
        parts += [
            f'<circle cx="{40 + (x - low) * scale:.1f}" cy="{y}" r="2.5" '
            'fill="currentColor" fill-opacity=".25"/>'
            for x in row
        ]
    bottom = 14 + 12 * len(rows)
    ticks = range(int(-(-low // 1)), int(high) + 1)
    parts += [_text(40 + (x - low) * scale, bottom + 6, str(x)) for x in ticks]
    parts.append(_text(200, bottom + 22, "log2 of the steps of the worked solution, by level"))
    return _svg(380, bottom + 32, parts, title)


def _graph(data: Mapping[str, Json], *, directed: bool) -> str:
    edges = [tuple(edge) for edge in _rows(data["edges"])]
    named = data.get("nodes") or sorted({str(name) for edge in edges for name in edge[:2]})
    nodes = [str(name) for name in _list(named)]
    weights = {str(row[0]): row[1] for row in _rows(data.get("weights", []))}
    places = _layout(nodes, [(str(edge[0]), str(edge[1])) for edge in edges])
    parts: list[str] = []
    labels: list[str] = []
    for edge in edges:
        (x1, y1), (x2, y2) = places[str(edge[0])], places[str(edge[1])]
        long = hypot(x2 - x1, y2 - y1) or 1.0
        dx, dy = (x2 - x1) / long, (y2 - y1) / long
        parts.append(_line((x1, y1), (x2 - 13 * dx, y2 - 13 * dy), arrow=directed))
        if len(edge) > 2:  # nearer to one end, since middles meet
            labels.append(
                _text(x1 + 0.3 * long * dx, y1 + 0.3 * long * dy, str(edge[2]), halo=True)
            )
    parts += labels  # above all edges
    for name, (x, y) in places.items():
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="12" class="node"/>')
        parts.append(_text(x, y, name))
        if name in weights:
            parts.append(_text(x + 17, y - 13, str(weights[name]), halo=True))
    return _svg(360, 300, parts, f"a graph of {len(nodes)} nodes and {len(edges)} edges")


def _layout(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, Point]:
    """Pixels of the nodes: by springs where edges are few, else on a circle."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    sparse = len(edges) < 1.3 * len(nodes) and nx.is_connected(graph)  # else springs pile nodes up
    places = nx.kamada_kawai_layout(graph) if sparse else nx.circular_layout(graph)
    xs, ys = zip(*((float(x), float(y)) for x, y in places.values()), strict=True)
    return {
        name: (30 + 300 * _share(x, xs), 20 + 260 * _share(y, ys))
        for name, x, y in zip(places, xs, ys, strict=True)
    }


def _share(value: float, values: Sequence[float]) -> float:
    """Where a value lies between the least and the largest, 0..1."""
    low, high = min(values), max(values)
    return (value - low) / (high - low) if high > low else 0.5


def _map(data: Mapping[str, Json]) -> str:
    """Rows of free (.) and blocked (#) cells, the start with its heading, the goal as a ring."""
    grid = [str(row) for row in _list(data["grid"])]
    blocked = [(x, y) for y, row in enumerate(grid) for x, cell in enumerate(row) if cell == "#"]
    start = (_number(data["column"]) - 1, len(grid) - _number(data["row"]))
    goal = (_number(data["goal_column"]) - 1, len(grid) - _number(data["goal_row"]))
    return _board(len(grid[0]), len(grid), blocked, start, str(data["heading"]), goal)


def _floor(data: Mapping[str, Json]) -> str:
    size = _number(data["size"])
    blocked = [(_number(x) - 1, size - _number(y)) for x, y in _rows(data["blocked"])]
    start = (_number(data["column"]) - 1, size - _number(data["row"]))
    return _board(size, size, blocked, start, str(data["heading"]), None)


def _board(
    width: int,
    height: int,
    blocked: Sequence[tuple[int, int]],
    start: tuple[int, int],
    heading: str,
    goal: tuple[int, int] | None,
) -> str:
    """Cells by column and row from the upper left corner, 0 first; problems count rows upward."""
    side = min(28, 300 // max(width, height))
    parts = [*_mesh(width, height, side)]
    parts += [_square(x, y, side) for x, y in blocked]
    if goal is not None:
        x, y = (goal[0] + 0.5) * side, (goal[1] + 0.5) * side
        parts.append(f'<circle cx="{x}" cy="{y}" r="{side * 0.3:.1f}" class="ring"/>')
    parts.append(_arrow((start[0] + 0.5) * side, (start[1] + 0.5) * side, heading, side * 0.8))
    named = "a grid with blocked cells and a start" + (" and a goal" if goal else "")
    return _svg(width * side, height * side, parts, named)


def _particles(data: Mapping[str, Json]) -> str:
    side = 15  # of the 20 cells, each way
    parts = [*_mesh(20, 20, side)]
    for name, x, y, heading in _rows(data["starts"]):
        column, up = (_number(x) - 0.5) * side, (20 - _number(y) + 0.5) * side
        parts.append(_arrow(column, up, str(heading), side))
        parts.append(_text(column + 10, up - 8, str(name), halo=True))
    return _svg(20 * side, 20 * side, parts, "particles and their headings on 20 x 20 cells")


def _cells(data: Mapping[str, Json]) -> str:
    cells = [(_number(x), _number(y)) for x, y in _rows(data["cells"])]
    side, most = 24, max(8, *(max(cell) for cell in cells))
    parts = [*_mesh(most, most, side), *(_square(x - 1, most - y, side) for x, y in cells)]
    return _svg(most * side, most * side, parts, f"{len(cells)} cells of a grid")


def _piles(data: Mapping[str, Json]) -> str:
    piles = [[str(name) for name in _list(data[key])] for key in ("first", "second", "third")]
    height = 30 * max(1, *(len(pile) for pile in piles)) + 10
    parts = []
    for i, pile in enumerate(piles):
        left = 20 + 80 * i
        parts.append(_line((left - 8, height - 4), (left + 48, height - 4)))
        for j, name in enumerate(pile):
            y = height - 34 - 30 * j
            parts.append(f'<rect x="{left}" y="{y}" width="40" height="28" class="node"/>')
            parts.append(_text(left + 20, y + 14, name))
    return _svg(250, height, parts, "three piles of blocks")


def _mesh(width: int, height: int, side: int) -> list[str]:
    across = [_line((x * side, 0), (x * side, height * side), thin=True) for x in range(width + 1)]
    down = [_line((0, y * side), (width * side, y * side), thin=True) for y in range(height + 1)]
    return [*across, *down]


def _square(x: int, y: int, side: int) -> str:
    return (
        f'<rect x="{x * side}" y="{y * side}" width="{side}" height="{side}" '
        'fill="currentColor" fill-opacity=".55"/>'
    )


def _arrow(x: float, y: float, heading: str, long: float) -> str:
    east, north = AHEAD[HEADINGS.index(heading)]
    dx, dy, half = east / hypot(east, north), -north / hypot(east, north), long / 2
    return _line((x - dx * half, y - dy * half), (x + dx * half, y + dy * half), arrow=True)


def _line(a: Point, b: Point, *, arrow: bool = False, thin: bool = False) -> str:
    shade = ' stroke-opacity=".3"' if thin else ""
    line = (
        f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
        f'stroke="currentColor"{shade}/>'
    )
    if not arrow:
        return line
    way = atan2(b[1] - a[1], b[0] - a[0])
    wings = (
        f"{b[0] - 8 * cos(way + side):.1f},{b[1] - 8 * sin(way + side):.1f}" for side in (0.4, -0.4)
    )
    return f'{line}<polygon points="{b[0]:.1f},{b[1]:.1f} {" ".join(wings)}" fill="currentColor"/>'


def _text(x: float, y: float, text: str, *, halo: bool = False) -> str:
    kind = ' class="halo"' if halo else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="-8 -8 {width + 16:.0f} {height + 16:.0f}" width="{width + 16:.0f}" '
        f'role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _list(value: Json) -> Sequence[Json]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"a list was expected, got {value!r}")
    return value


def _rows(value: Json) -> list[Sequence[Json]]:
    return [_list(row) for row in _list(value)]


def _number(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a whole number was expected, got {value!r}")
    return value
