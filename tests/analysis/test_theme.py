"""Colors that can be read on both grounds, and drawings that take them from the page."""

import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from lessonplan.analysis.figures import Picture, end_labels, new_figure
from lessonplan.analysis.theme import (
    COLORS,
    GROUNDS,
    LINES,
    RULE,
    SAMPLERS,
    SHADES,
    WORDS,
    inline,
    variables,
)

TEXT, LINE = 4.5, 3.0  # least contrast, WCAG 2.2
# Dichromats as linear maps of linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
EYES = {
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def linear(color):
    share = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    """Ottosson 2020: distances are about as large as they look."""
    cones = [[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696]]
    cones.append([0.08830246, 0.28171884, 0.6299787])
    to_lab = [[0.21045426, 0.79361779, -0.00407205], [1.9779985, -2.42859221, 0.45059371]]
    to_lab.append([0.02590404, 0.78277177, -0.80867577])
    return np.array(to_lab) @ np.cbrt(np.array(cones) @ np.clip(rgb, 0, 1))


def closest(colors):
    """Smallest distance between two of the colors, for the eye that has most trouble."""
    return min(
        float(np.linalg.norm(oklab(eye @ linear(a)) - oklab(eye @ linear(b))))
        for eye in map(np.array, EYES.values())
        for a, b in combinations(colors, 2)
    )


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)  # just too pale


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_words_and_lines_can_be_seen(ground):
    card = getattr(GROUNDS["card"], ground)
    for name, shade in SAMPLERS.items():  # lines, and names in their color, on cards
        assert contrast(getattr(shade, ground), card) >= TEXT, name
    for name, shade in GROUNDS.items():
        under = getattr(shade, ground)
        for word, ink in WORDS.items():
            assert contrast(getattr(ink, ground), under) >= TEXT, (word, name)
        for line, ink in LINES.items():
            assert contrast(getattr(ink, ground), under) >= LINE, (line, name)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_samplers_are_told_apart_by_color_blind_readers(ground):
    assert closest(OKABE_ITO) == pytest.approx(0.0761, abs=0.0005)
    assert closest([getattr(shade, ground) for shade in SAMPLERS.values()]) > closest(OKABE_ITO)


def test_no_two_names_share_a_light_color():
    found = [shade.light.lower() for shade in SHADES.values()]
    assert len(found) == len(set(found))  # a drawing's color names its variable


def test_dark_is_for_screens_alone():
    light, dark, paper = variables().splitlines()
    assert light.startswith(":root{") and "--card:#FFFFFF" in light
    assert dark.startswith("@media screen and (prefers-color-scheme:dark)")
    assert "--card:#1D1F22" in dark and paper == "@media print{:root{color-scheme:light}}"
    for name in SHADES:
        assert f"--{name}:" in light and f"--{name}:" in dark


def drawn(name="p", title="Two lines"):
    figure = new_figure(2.0, title)
    axes = figure.subplots()
    axes.plot([0, 1], color=COLORS[0], label="bold")
    axes.axhline(0.5, color="black")
    axes.patch.set(hatch="xxx", edgecolor=RULE)
    axes.scatter([0], [1], color="#123456")
    end_labels(axes, [(1.0, "end", COLORS[0])])
    return Picture(name, title, "caption", "alt <text>", [], figure)


def test_a_drawing_takes_its_colors_from_the_page():
    picture = drawn()
    text = inline(picture.svg, "p")
    ET.fromstring(text)
    assert "stroke: var(--blue)" in text and "fill: var(--blue)" in text
    assert "stroke: var(--ink)" in text and "stroke: var(--rule)" in text
    assert 'fill="var(--card)"' in text  # behind hatches
    assert "#123456" in text and COLORS[0].lower() not in text  # unknown colors stay
    for gone in ("<!--", "<metadata", "<style", "xmlns", "<?xml", ' width="460'):
        assert gone not in text, gone
    assert b"#0c3ed5" in picture.svg and b"var(" not in picture.svg  # the file stays light


def test_the_title_is_text_of_the_page_and_its_letters_stay():
    short, tall = drawn(), drawn(title="word " * 40)
    boxes = []
    for picture in (short, tall):
        text = inline(picture.svg, "p")
        root = ET.fromstring(text)
        left, top, width, height = map(float, root.get("viewBox").split())
        assert (
            left == 0
            and top + height == pytest.approx(144, abs=0.02)
            and width == pytest.approx(460.8)
        )
        boxes.append(top)
        ids = {one.get("id") for one in root.iter() if one.get("id")}
        used = {one.get("href")[1:] for one in root.iter() if one.get("href", "").startswith("#")}
        assert used <= ids  # "end" is set in bold letters that the title defines
    assert 10 < boxes[0] < 24 < boxes[1]
    assert 'id="title"' in short.svg.decode()
    assert '<p class="finding">Two lines</p>' in short.markup()
    assert 'aria-label="alt &lt;text&gt;"' in short.markup()


def test_a_drawing_without_a_title_is_whole():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    picture = Picture("plain", "t", "c", "a", [], figure)
    assert ET.fromstring(inline(picture.svg, "plain")).get("viewBox") == "0 0 144 72"


def test_identifiers_of_two_drawings_differ():
    first, second = (
        {one.get("id") for one in ET.fromstring(inline(drawn(n).svg, n)).iter() if one.get("id")}
        for n in ("a", "b")
    )
    assert first and second and not first & second


def test_end_labels_stay_near_their_lines():
    axes = new_figure(2.0, "t").subplots()
    axes.set_ylim(0, 1)
    end_labels(
        axes, [(0.5, "a", RULE), (0.5, "b", RULE), (0.5, "c", RULE), (0.9, "d", RULE)], gap=0.1
    )
    heights = {one.get_text(): one.xy[1] for one in axes.texts}
    assert heights == pytest.approx({"a": 0.4, "b": 0.5, "c": 0.6, "d": 0.9})
