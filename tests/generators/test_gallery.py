"""The gallery page, and the pictures on it."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lessonplan.cli import main
from lessonplan.generators import TASKS, Problem, family
from lessonplan.generators.gallery import exhibits, gallery_html, gallery_markdown
from lessonplan.generators.pictures import dots, picture


def drawn(task: str, level: int = 4) -> ET.Element:
    return ET.fromstring(picture(family(task, "text").problem(level, "train", 0)))


def names(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


def ends(svg: ET.Element) -> list[tuple[float, ...]]:
    return [
        tuple(float(line.get(k, "")) for k in ("x1", "y1", "x2", "y2")) for line in svg.iter("line")
    ]


@pytest.mark.parametrize("task", [task for task in TASKS if task.startswith("graph.")])
def test_a_graph_shows_every_node_edge_and_weight(task):
    problem = family(task, "text").problem(4, "train", 0)
    svg, data = drawn(task), problem.data
    assert len(list(svg.iter("line"))) == len(data["edges"])
    shown = names(svg)
    assert set(data.get("nodes", [])) <= set(shown)
    for edge in data["edges"]:
        assert {*edge[:2], *map(str, edge[2:])} <= set(shown)
    assert {str(weight) for _, weight in data.get("weights", [])} <= set(shown)
    directed = task in ("graph.walk", "graph.maximum_flow", "graph.order_count")
    assert len(list(svg.iter("polygon"))) == (len(data["edges"]) if directed else 0)


def test_a_map_counts_rows_from_the_bottom():
    problem = Problem(
        "p", "?", "F", task="spatial.grid_path",
        data={"grid": ["..#", "...", "..."], "column": 1, "row": 1, "heading": "north",
              "goal_column": 2, "goal_row": 3},
    )  # fmt: skip
    svg = ET.fromstring(picture(problem))
    wall = next(rect for rect in svg.iter("rect"))
    assert (wall.get("x"), wall.get("y")) == ("56", "0")  # third column, top row
    ring = next(svg.iter("circle"))
    assert (float(ring.get("cx")), float(ring.get("cy"))) == (42, 14)
    x1, y1, x2, y2 = ends(svg)[-1]
    assert x1 == x2 == 14 and y2 < y1 and (y1 + y2) / 2 == pytest.approx(70)  # up, lower left


def test_particles_cells_floors_and_piles_are_drawn_where_the_words_put_them():
    data = family("spatial.particles").problem(4, "train", 0).data
    svg = drawn("spatial.particles")
    assert [start[0] for start in data["starts"]] == names(svg)
    arrows = ends(svg)[-len(data["starts"]) :]
    for (_, x, y, heading), (x1, y1, x2, y2) in zip(data["starts"], arrows, strict=True):
        assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx(((x - 0.5) * 15, (20.5 - y) * 15))
        assert (x2 > x1 + 1) == ("east" in heading) and (y2 < y1 - 1) == ("north" in heading)

    cells = family("spatial.shape_transforms").problem(4, "train", 0).data["cells"]
    rects = list(drawn("spatial.shape_transforms").iter("rect"))
    most = max(8, *(max(cell) for cell in cells))
    assert [(int(r.get("x")) // 24 + 1, most - int(r.get("y")) // 24) for r in rects] == [
        tuple(cell) for cell in cells
    ]

    floor = family("spatial.navigate_turns").problem(4, "train", 0).data
    assert len(list(drawn("spatial.navigate_turns").iter("rect"))) == len(floor["blocked"])

    piles = family("spatial.block_stacking").problem(4, "train", 0).data
    svg = drawn("spatial.block_stacking")
    assert names(svg) == [*piles["first"], *piles["second"], *piles["third"]]
    first = [float(text.get("y")) for text in svg.iter("text")][: len(piles["first"])]
    assert first == sorted(first, reverse=True)  # from the bottom up


def test_problems_without_a_picture_have_none():
    assert picture(family("counting.count_if_many").problem(4, "train", 0)) == ""
    assert picture(Problem("p", "?", "1")) == ""


def test_the_dots_of_work_lie_on_one_axis():
    svg = ET.fromstring(dots({1: [2.0, 3.0], 2: [4.0]}, title="work"))
    places = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in svg.iter("circle")]
    assert places == [(40, 14), (200, 14), (360, 26)]
    assert names(svg)[:5] == ["1", "2", "2", "3", "4"]  # two levels, three ticks


def test_the_page_holds_every_task_and_level_and_escapes_what_it_shows():
    tasks = ["counting.filter_aggregate", "graph.clique", "spatial.grid_path"]
    heard = []
    shown = list(
        exhibits(
            [family(task, "text") for task in tasks],
            levels=[1, 3, 5],
            samples=3,
            report=lambda task, level: heard.append((task, level)),
        )
    )
    assert heard == [(one.task, one.level) for one in shown]
    assert heard == [
        *[("counting.filter_aggregate", level) for level in (1, 3, 5)],
        *[("graph.clique", level) for level in (3, 5)],  # it begins at level 3
        *[("spatial.grid_path", level) for level in (1, 3, 5)],
    ]
    assert all(len(one.works) == 3 and one.problem.level == one.level for one in shown)
    page = gallery_html(shown)
    assert page.count("<details>") == 8 and page.count("<section") == 3
    assert not re.search(r"""(src|href)=["']?(http|//)""", page)  # nothing from the network
    assert "<answer>" not in page and "&lt;answer&gt;" in page
    for one in shown:
        assert one.problem.id in page
        assert f"<td>{one.rates.mode:.2f}</td>" in page
    text = gallery_markdown(shown)
    assert text.count("```text") == 6 and "| commonest answer |" in text
    assert shown[1].problem.solution in text


def test_the_page_in_the_docs_shows_what_is_generated_today():
    shown = exhibits([family(task, "text") for task in TASKS], samples=1)
    page = Path(__file__).parents[2] / "docs" / "gallery.md"
    assert page.read_text("utf-8") == gallery_markdown(list(shown)), (
        "write it anew: lessonplan gallery --samples 1 -o docs/gallery.md"
    )


def test_the_verb_writes_a_page_and_refuses_what_it_cannot_show(tmp_path, capsys):
    out = tmp_path / "pages" / "g.html"
    assert main(["gallery", "counting", "--levels", "2", "--samples", "1", "-o", str(out)]) == 0
    assert out.read_text("utf-8").count("<section") == 11
    capsys.readouterr()
    assert main(["gallery", "grap", "-o", str(out)]) == 2
    assert "nearest: graph" in capsys.readouterr().err
    assert main(["gallery", "graph", "--levels", "11", "-o", str(out)]) == 2
    assert "levels: 1..10" in capsys.readouterr().err
    assert main(["gallery", "-o", str(tmp_path / "g.pdf")]) == 2
    assert ".html or .md" in capsys.readouterr().err
