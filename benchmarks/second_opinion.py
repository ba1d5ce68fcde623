"""Judge answers once more, by code that shares nothing with the verifier; slow and plain.

`stands` says whether a text is one of the ways to write the example of a kind: only what the
readers document as decoration may be taken off. `worth` says what a witness of a task is worth, by
networkx or a few lines. The fuzzer compares both with the verifier.
"""

import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import networkx as nx

from lessonplan.generators.problem import Problem
from lessonplan.generators.verify import Kind

Value = Any  # an int, a Fraction, a list of ints or of names, a dict, rows of cells

ANSWERS: dict[Kind, str] = {
    "int": "-12",
    "rational": "3/4",
    "ints": "4 -1 4",
    "offset": "2 -1",
    "pose": "2 -1 north",
    "name": "c",
    "names": "a c f",
    "path": "a c f",
    "mapping": "a=2 b=0",
    "choice": "north",
    "grid": ".#./###",
}

HEADINGS = ("north", "east", "south", "west")
STEPS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}


_FILLERS = frozenset(
    ("the", "final", "answer", "is", "room", "box", "node", "vertex", "and", "facing", "heading")
    + ("boxed", "text", "mathrm", "dfrac", "tfrac", "frac")
)
_DECORATION = frozenset(" \t\r\n*$`.,;:=>\u2192-\u2212\u2013+()[]{}'\"\\/!")


def last_answer(completion: str) -> str | None:
    """The text of the last tag, box or line; None inside a thought. Slow and plain."""
    spoken = completion.split("</think>")[-1]
    if "<think>" in spoken:
        return None
    if found := re.findall(r"(?is)<answer>((?:(?!<answer>).)*?)</answer>", spoken):
        return str(found[-1])
    if boxes := spoken.split("\\boxed{")[1:]:
        inside, depth = [], 1
        for one in boxes[-1]:
            depth += {"{": 1, "}": -1}.get(one, 0)
            if depth == 0:
                break
            inside.append(one)
        if depth == 0 and "".join(inside):
            return "".join(inside)
    lines = re.split(r"(?<!\w)[Aa][Nn][Ss][Ww][Ee][Rr](?:\*\*)?:", spoken)
    return lines[-1].strip(" \t\r\n*$`").split("\n")[0] if len(lines) > 1 else None


def stands(text: str, kind: Kind) -> bool:
    """Whether a text says the example of a kind, once its decoration is taken off."""
    answer = ANSWERS[kind]
    if kind == "grid":
        text = re.sub(r"```[a-z]*\n|```", "", text).strip("` \t\r\n")
        for lines in (re.split(r"[\n\r/\v\f\x1c-\x1e\x85\u2028\u2029]", text), text.split()):
            rows = ["".join(line.split()) for line in lines]
            if [row for row in rows if row] == answer.split("/"):
                return True
        return False
    text = re.sub(r"\s", " ", text)
    text = text.replace("{,}", ",").replace("\\,", "").replace("\\!", "")
    text = re.sub("[\u2212\u2013]", "-", text)
    if kind in ("name", "names", "path", "mapping", "choice"):
        text = re.sub("['\"`]", "", text)
    words = [word for word in re.findall(r"\w+", text.lower()) if word not in _FILLERS]
    rest = set(re.sub(r"\w", "", text))
    if not rest <= _DECORATION:
        return False
    if kind == "rational":
        if not all(word.isascii() and word.isdigit() for word in words):
            return False
        plain = re.sub(r"[^0-9/.+{}-]", "", text.replace("}{", "/"))
        try:
            return Fraction(plain.strip("{}").rstrip(".").replace("{", "")) == Fraction(answer)
        except (ValueError, ZeroDivisionError):
            return False
    given = [word.lstrip("0") or "0" if word.isdigit() else word for word in words]
    if kind == "mapping":
        given = [
            word for pair in sorted(zip(given[::2], given[1::2], strict=False)) for word in pair
        ]
    if given != re.findall(r"\w+", answer) or not (text.isascii() or "\u2192" in text):
        return False
    signed = kind in ("int", "ints", "offset", "pose", "mapping")
    signs = re.findall(r"(-?)0*[0-9]+", re.sub(r"-(?=0+\b)", "", text))  # minus zero is zero
    return not signed or signs == re.findall(r"(-?)[0-9]+", answer)


def worth(task: str, data: Any, shown: Any) -> object:
    """What a witness is worth, by code of its own; None if it is not legal."""
    if task == "spatial.grid_path":
        x, y, heading = data["column"], data["row"], HEADINGS.index(data["heading"])
        for command in shown:
            if command == "F":
                dx, dy = STEPS[HEADINGS[heading]]
                x, y = x + dx, y + dy
            elif command in "LR":
                heading = (heading + (1 if command == "R" else -1)) % 4
            else:
                return None
            rows = data["grid"][::-1]
            if not (1 <= x <= len(rows) and 1 <= y <= len(rows)) or rows[y - 1][x - 1] == "#":
                return None
        return len(shown) if (x, y) == (data["goal_column"], data["goal_row"]) else None
    if task == "spatial.shape_transforms":
        cells = list(zip(shown[::2], shown[1::2], strict=False))
        alone = len(shown) % 2 == 0 and len(set(cells)) == len(cells)
        return frozenset(cells) if alone else None
    if task.startswith("spatial."):
        return tuple(shown)
    graph = nx.Graph()
    graph.add_nodes_from(data["nodes"])
    graph.add_edges_from((u, v, {"w": w[0] if w else 1}) for u, v, *w in data["edges"])
    if task == "graph.coloring":
        if set(shown) != set(graph) or min(shown.values()) < 1:
            return None
        proper = all(shown[u] != shown[v] for u, v in graph.edges)
        return max(shown.values()) <= data["k"] if proper else None
    if len(set(shown)) < len(shown) or not set(shown) <= set(graph):
        return None
    size = sum(dict(data["weights"])[node] for node in shown) if "weights" in data else len(shown)
    match task.removeprefix("graph.").removeprefix("weighted_").removesuffix("_nodes"):
        case "independent_set":
            return None if graph.subgraph(shown).number_of_edges() else size
        case "vertex_cover":
            left = graph.subgraph(set(graph) - set(shown))
            return None if left.number_of_edges() else size
        case "clique":
            inside = graph.subgraph(shown).number_of_edges()
            return size if inside == len(shown) * (len(shown) - 1) // 2 else None
        case "matching":
            pairs = list(zip(shown[::2], shown[1::2], strict=False))
            return (
                None if len(shown) % 2 or not all(graph.has_edge(*pair) for pair in pairs) else size
            )
        case "component":
            whole = nx.node_connected_component(graph, data["start"])
            return size if set(shown) <= whole else None
        case "shortest_path":
            ends = (shown[0], shown[-1]) == (data["start"], data["end"])
            if not ends or not all(graph.has_edge(*pair) for pair in pairwise(shown)):
                return None
            return sum(graph.edges[pair]["w"] for pair in pairwise(shown))
    raise AssertionError(task)


def same_value(generator: Any, problem: Problem, value: Value, parsed: str) -> bool:
    """Whether a rewarded answer, in canonical form, is right by the second opinion."""
    words = parsed.split(" ")
    if "check" not in vars(type(generator)):
        return parsed == problem.answer
    nodes = {name.lower(): name for name in problem.data.get("nodes", ())}
    given: Value = [nodes.get(word.lower(), word) for word in words]
    if generator.kind == "mapping":
        pairs = (word.split("=") for word in words)
        given = {nodes.get(name.lower(), name): int(one) for name, one in pairs}
    elif generator.kind == "ints":
        given = [int(word) for word in words]
    elif generator.task == "spatial.grid_path":
        given = list("".join(words).upper())
    elif generator.task.startswith("spatial."):
        given, value = parsed.lower(), problem.answer.lower()
    best = worth(generator.task, problem.data, value)
    return best is not None and worth(generator.task, problem.data, given) == best
