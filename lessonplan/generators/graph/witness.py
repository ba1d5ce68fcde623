"""Read and judge the names that a completion shows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lessonplan.generators.problem import Problem, Reason

MOST_NAMES = 12  # in a set that an answer has to list


def nodes_of(problem: Problem, found: Sequence[str]) -> list[int] | None:
    """The numbers of the named nodes, or None if a name is unknown or comes twice."""
    place = {name.lower(): i for i, name in enumerate(problem_data(problem)["nodes"])}
    numbers = [place.get(name.lower(), -1) for name in found]
    return None if -1 in numbers or len(set(numbers)) < len(numbers) else numbers


def edges_of(problem: Problem) -> dict[tuple[int, int], int]:
    """The weight of every edge (0 if it has none), in both directions."""
    data = problem_data(problem)
    place = {name: i for i, name in enumerate(data["nodes"])}
    edges = {}
    for edge in data["edges"]:
        u, v = place[edge[0]], place[edge[1]]
        edges[u, v] = edges[v, u] = edge[2] if len(edge) > 2 else 0
    return edges


def judge_set(
    problem: Problem,
    found: str,
    legal: Callable[[set[int], Mapping[tuple[int, int], int]], bool],
) -> Reason:
    """Judge a set of nodes: names, then legality, then its weight against the best one."""
    numbers = nodes_of(problem, found.split())
    if numbers is None or not legal(set(numbers), edges_of(problem)):
        return "illegal"
    data = problem_data(problem)
    value = sum(data["weights"][i][1] if "weights" in data else 1 for i in numbers)
    return "right" if value == data["best"] else "suboptimal"


def problem_data(problem: Problem) -> Mapping[str, Any]:
    """The instance of a problem, of which a checker knows the shape."""
    return problem.data
