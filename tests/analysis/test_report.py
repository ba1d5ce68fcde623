"""The report: whole, closed in itself, escaped, and honest about what it left out."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from matplotlib.colors import to_hex

from lessonplan.analysis import find, read_study, sample_efficiency, write_report
from lessonplan.analysis.chapters import Chapter, chapter
from lessonplan.analysis.ledger_figure import ledger_strip
from lessonplan.analysis.pages import (
    fold,
    markdown,
    show,
    sparkline,
    table,
    tag,
    visible,
)
from lessonplan.analysis.report import report_html
from lessonplan.analysis.sampling_figures import level_colors

HOSTILE = "<script>alert(1)</script>\"'&$x_1$\u202e\x1b[31m"


class Page(HTMLParser):
    """Tags and attributes of a document."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += attributes

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def written(study_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "report.html"
    path, _ = write_report(study_folder, out, target=0.65, resamples=100)
    assert path == out
    return path


def test_report_is_one_closed_file(written):
    text = written.read_text(encoding="utf-8")
    page = Page(text)
    assert written.stat().st_size < 3 * 2**20
    assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
    sources = [v for k, v in page.attributes if k in ("src", "href", "srcset", "action")]
    assert all(s.startswith(("#", "data:image/png;base64,")) for s in sources)
    assert "http:" not in text and "https:" not in text and not re.search(r"url\((?!#)", text)
    ids = [v for k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids)) and {s[1:] for s in sources if s[0] == "#"} <= set(ids)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("content", policy) in page.attributes
    assert page.tags.count("figure") == page.attributes.count(("class", "drawing")) == 12
    assert sum(k == "aria-label" and len(v) > 20 for k, v in page.attributes) >= 12
    assert "@media screen and (prefers-color-scheme:dark)" in text and "@media print" in text


def test_figures_have_no_color_that_stays_behind_in_the_dark(written):
    """Every color of a drawing is a variable, but for the hues of levels, which fill an area."""
    text = written.read_text(encoding="utf-8")
    drawings = re.findall(r'<svg[^>]*class="drawing".*?</svg>', text, re.DOTALL)
    hues = {to_hex(hue) for hue in level_colors([1, 2, 5])}
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", "".join(drawings))) == hues
    assert all("var(--ink)" in one and "var(--card)" in one for one in drawings)
    assert "<style" not in "".join(drawings)


def test_report_says_what_it_must(written):
    words = " ".join(Page(written.read_text(encoding="utf-8")).words)
    order = ["mixed", "Limits of these numbers", "Results", "How the intervals were made"]
    assert [words.index(part) for part in order] == sorted(words.index(part) for part in order)
    for part in (
        "3 warm starts, 1 seed each; sizes 8, 64, 512; 30 test items; target 65 % (given)",
        "Learner: simulated (none); a simulation shows what the code does",
        "equal generated rollouts for all samplers",
        "Files left out as damaged: 0",
        "no number is extrapolated",
        "SFT control",
        "uniform (not run)",
        "trace easy >= .6",
        "last value",
        "Laws asked for the largest size",
        "What a reader of a scaling study asks",
        "would have seen",
        "easy: level 1, 2; medium: level 3; hard: level 4, 5",
    ):
        assert part in words, part


def test_files_beside_the_report(written):
    figures = {p.name for p in (written.parent / "figures").iterdir()}
    for number in (
        "v1-learning",
        "v2-scaling",
        "v3-forest",
        "v4-levels",
        "v5-pass-rates",
        "v6-zero-variance",
        "v10-ledger",
        "v12-pairs",
        "v8-pass-rate-histogram",
        "v9-picks",
        "v11-time",
        "law-comparison",
    ):
        assert {f"counting-{number}.{k}" for k in ("svg", "png", "pdf", "csv")} <= figures
    text = written.with_suffix(".md").read_text(encoding="utf-8")
    assert text.startswith("# tiny") and "| sampler | n |" in text
    assert "## Limits of these numbers" in text
    assert not list(written.parent.glob("*.part"))


def test_hostile_names_stay_text(tmp_path, tools):
    folder = tools.write_study(tmp_path, sizes=(8, 64), names={"easy": HOSTILE})
    events = list(tools.run_events("easy", 8, 0, 0, name=HOSTILE))
    events[-1] |= {"status": "failed", "error": HOSTILE}
    tools.write(folder / "journals" / "x.jsonl", events)
    (folder / "journals" / "bad.jsonl").write_bytes(b"<b>\n")
    study = read_study(folder)
    assert HOSTILE in study.samplers("counting")
    path, said = write_report(folder, target=0.6, resamples=50)
    assert said and all(line.startswith("counting: ") for line in said)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text and "\x1b" not in text and "\u202e" not in text
    assert "&lt;script&gt;" in text and "[U+202E]" in text
    assert "checksum differs" in text and "(failed, " in text
    assert "<script" not in path.with_suffix(".md").read_text(encoding="utf-8")


def test_hostile_family_stays_in_the_folder(tmp_path, tools):
    journals = tmp_path / "s" / "journals"
    journals.mkdir(parents=True)
    tools.write(journals / "a.jsonl", list(tools.run_events("easy", 8, 0, 0, family="../../up")))
    drawn = ledger_strip(read_study(tmp_path / "s"), "../../up")
    drawn.save(tmp_path / "s" / "figures")
    assert {p.name for p in tmp_path.iterdir()} == {"s"}
    assert len(list((tmp_path / "s" / "figures").iterdir())) == 4


def test_unequal_budgets_stand_in_the_verdict(tmp_path, tools):
    study = read_study(tools.write_study(tmp_path, sizes=(8, 64), per_step={"mixed": 8}))

    def text(budgets):
        found = find(study, "counting", target=0.6, resamples=50, budgets=budgets)
        return report_html(study, [Chapter(found, None, {}, "test")])

    assert "mixed generated 2.0 times easy&#x27;s rollouts: not compared" in text("refuse")
    assert "not compared" in text("cut")  # the test set was asked at the end alone
    assert "NOT equal between samplers: mixed / easy 2." in text("refuse")
    assert "not compared" not in text("allow") and "NOT equal" in text("allow")


def test_no_gain_gives_differences_without_a_target(tmp_path, tools):
    folder = tools.write_study(tmp_path, sizes=(8, 64))
    for start in range(3):  # a warm start that no run improves on
        path = folder / "journals" / f"counting-{start}.jsonl"
        events = [e for e in map(json.loads, path.read_text().splitlines())]
        for event in events:
            del event["seq"], event["crc"]
            if event["event"] == "eval":
                event["correct"] = [1] * 30
        tools.write(path, events)
    study = read_study(folder)
    found = find(study, "counting", resamples=50)
    assert found.target is None and found.comparisons == () and len(found.differences) == 1
    whole = chapter(study, "counting", resamples=50)
    drawn = {"v1", "v2", "v4", "v5", "v6", "v8", "v9", "v10", "v11", "v12"}
    assert set(whole.pictures) == drawn
    text = report_html(study, [Chapter(found, None, {"v12": whole.pictures["v12"]}, "test")])
    assert "no sampler rises above the warm starts" in text
    assert text.index("at 64 problems") < text.index("Limits of these numbers")
    assert text.count("<figure") == 1
    with pytest.raises(ValueError, match="no sampler rose above the base model"):
        sample_efficiency(study, "mixed", "easy")


def test_nothing_finished_is_a_report_too(tmp_path, tools):
    (tmp_path / "journals").mkdir()
    events = list(tools.run_events("easy", 8, 0, 0))[:-1]
    tools.write(tmp_path / "journals" / "a.jsonl", events)
    text = write_report(tmp_path)[0].read_text(encoding="utf-8")
    assert "nothing can be compared" in text and "(unfinished)" in text


def test_tags_escape():
    assert tag("p", "<b>", tag("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"
    assert tag("p", class_='"x"') == '<p class="&quot;x&quot;"></p>'
    assert visible("a\x00b\u200f") == "a[U+0000]b[U+200F]"
    assert markdown("a|b\n<i>`") == "a\\|b &lt;i&gt;\\`"
    assert "nothing to show" in table([])
    assert [show(v) for v in (1234, 0.5, 12.34, float("nan"), "x")] == [
        "1 234",
        "0.50",
        "12.3",
        "–",
        "x",
    ]


def test_a_sparkline_joins_neighbors_and_leaves_gaps():
    drawn = sparkline([0.0, 1.0, float("nan"), 0.5])
    page = Page(drawn)
    assert page.tags == ["svg", "line", "circle", "circle", "circle"]
    assert ("aria-label", "0 %, 100 %, –, 50 %") in page.attributes
    assert [v for k, v in page.attributes if k == "cy"] == ["16.0", "3.0", "9.5"]
    assert drawn in table([{"problem": "<a>", "course": drawn}]) and "&lt;a&gt;" in table(
        [{"problem": "<a>"}]
    )
    assert fold("<b>", tag("p", "x")) == ("<details><summary>&lt;b&gt;</summary><p>x</p></details>")


def test_imports_are_light():
    """No torch, no plotting and no other room until they are needed."""
    code = (
        "import sys, lessonplan.analysis\n"
        "heavy = {'torch', 'matplotlib', 'pandas', 'transformers', 'scipy.stats'}\n"
        "rooms = {f'lessonplan.{r}' for r in ('generators', 'selection', 'curricula', 'training')}\n"
        "print(sorted((heavy | rooms) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
