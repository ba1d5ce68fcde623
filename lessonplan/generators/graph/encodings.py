"""Graphs in words: a list of edges, neighbors of every node, or sentences; with their readers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lessonplan.generators.problem import Json
from lessonplan.generators.templates import INT, NAME, NAMES, Slot, Template, listed

_WORD = "[A-Za-z][A-Za-z0-9]*"
_NUMBER = "[0-9]+"


def _entry(text: str) -> list[Json]:
    """A name, or a name with a number in brackets."""
    name, _, number = text.partition(" (")
    return [name, int(number[:-1])] if number else [name]


def _write_weight(pair: Json) -> str:
    assert isinstance(pair, list)
    return f"{pair[0]} ({pair[1]})"


WEIGHTS = listed(Slot(_write_weight, rf"{_WORD} \({_NUMBER}\)", _entry))  # a (3), b (12)


def edge_list(*, weighted: bool, directed: bool) -> Slot:
    """a-b (5), a-c (2); directed a->b (5)."""
    mark = "->" if directed else "-"

    def write(edges: Any) -> str:  # all at once: a prompt is written for every problem
        if weighted:
            return ", ".join([f"{one}{mark}{other} ({number})" for one, other, number in edges])
        return ", ".join([f"{one}{mark}{other}" for one, other in edges])

    def read(text: str) -> Json:
        pair, _, number = text.partition(" (")
        edge: list[Json] = [*pair.split(mark)]
        return [*edge, int(number[:-1])] if number else edge

    number = rf" \({_NUMBER}\)" if weighted else ""
    return replace(listed(Slot(str, f"{_WORD}{mark}{_WORD}{number}", read)), write=write)


def sentences(*, weighted: bool, directed: bool) -> Slot:
    """a is joined to b with weight 5; directed: an arrow leads from a to b with weight 5."""
    start, middle = ("an arrow leads from ", " to ") if directed else ("", " is joined to ")

    def write(edge: Json) -> str:
        assert isinstance(edge, list)
        words = f"{start}{edge[0]}{middle}{edge[1]}"
        return f"{words} with number {edge[2]}" if weighted else words

    def read(text: str) -> Json:
        pair, _, number = text.removeprefix(start).partition(" with number ")
        edge: list[Json] = [*pair.split(middle)]
        return [*edge, int(number)] if number else edge

    number = f" with number {_NUMBER}" if weighted else ""
    return listed(Slot(write, f"{start}{_WORD}{middle}{_WORD}{number}", read), "; ")


def neighbors(*, weighted: bool, directed: bool) -> Slot:
    """A line for every node that has edges: a: b (5), c (2); an undirected edge stands twice."""

    def write(edges: Json) -> str:
        assert isinstance(edges, list)
        lines: dict[str, list[str]] = {}
        for tail, head, *number in edges:
            weight = f" ({number[0]})" if number else ""
            lines.setdefault(tail, []).append(f"{head}{weight}")
            if not directed:
                lines.setdefault(head, []).append(f"{tail}{weight}")
        names = sorted(lines, key=lambda name: (len(name), name))
        return "\n".join(f"{name}: {', '.join(lines[name])}" for name in names)

    def read(text: str) -> Json:
        edges: list[Json] = []
        told: set[Json] = set()  # nodes whose edges are all known
        for line in text.split("\n"):
            name, _, others = line.partition(": ")
            for end, *number in map(_entry, others.split(", ")):
                if directed or end not in told:
                    edges.append([name, end, *number])
            told.add(name)
        return edges

    one = rf"{_WORD} \({_NUMBER}\)" if weighted else _WORD
    line = f"{_WORD}: {one}(?:, {one})*"
    return Slot(write, f"{line}(?:\n{line})*", read)


# How a graph is told: plain words around the slot, for undirected and for directed graphs.
_TOLD = (
    (edge_list, "Edges: {edges}.", "Arrows: {edges}."),
    (neighbors, "Neighbors of each node:\n{edges}", "Each node and where its arrows go:\n{edges}"),
    (sentences, "Known: {edges}.", "Known: {edges}."),
)


def graph_templates(
    openings: Sequence[str],
    questions: Sequence[str],
    *,
    weighted: bool = False,
    directed: bool = False,
) -> tuple[Template, ...]:
    """Every opening with every question and every way to tell the edges; the first is the plainest.

    Openings and questions may hold the slots {nodes}, {weights}, {start}, {end} and {k}. All three
    parts change from one template to the next, so that the first few already differ.
    """
    known = {
        "nodes": NAMES,
        "weights": WEIGHTS,
        "start": NAME,
        "end": NAME,
        "k": INT,
    }
    result = []
    for shift in range(len(questions)):
        for turn in range(len(_TOLD)):
            for i, opening in enumerate(openings):
                question = questions[(i + shift) % len(questions)]
                slot, plain, arrows = _TOLD[(i + turn) % len(_TOLD)]
                told = arrows if directed else plain
                edges = slot(weighted=weighted, directed=directed)
                text = f"{opening}\n{told}\n{question}"
                result.append(Template(text, {**known, "edges": edges}))
    return tuple(result)


# Ways to begin, by what has a number: nothing, the nodes, the edges, or the arrows.
PLAIN = (
    "A graph has the nodes {nodes}.",
    "Here is an undirected graph. Its nodes are {nodes}.",
    "The nodes {nodes} form a graph.",
    "Think of a graph on the nodes {nodes}.",
)
NODE_WEIGHTS = (
    "The nodes of a graph have weights, given in brackets: {weights}.",
    "Here is an undirected graph. Each node stands with its weight: {weights}.",
    "A graph has these nodes, with the weight of each: {weights}.",
    "Think of a graph whose nodes have weights: {weights}.",
)
EDGE_WEIGHTS = (
    "A graph has the nodes {nodes}. The number of an edge is its length.",
    "Here is an undirected graph on the nodes {nodes}. Every edge has a length, its number.",
    "The nodes {nodes} form a graph. Edges come with their lengths.",
    "Think of the nodes {nodes} as places; the number of an edge is the way between two of them.",
)
CAPACITIES = (
    "A network has the nodes {nodes}. The number of an arrow is its capacity.",
    "Here is a directed network on the nodes {nodes}. Each arrow has a capacity, its number.",
    "The nodes {nodes} form a network of pipes; arrows come with their capacities.",
    "Think of {nodes} as pumps; the number of an arrow is what it can carry one way.",
)
ARROWS = (
    "Jobs: {nodes}. An arrow goes from a job to one that has to come later.",
    "Each of the jobs {nodes} is done once. An arrow points from the earlier job to the later.",
    "There are the tasks {nodes}. The task at the start of an arrow comes before that at its end.",
    "The steps of a recipe are {nodes}. An arrow leads from a step to one that must wait for it.",
)
