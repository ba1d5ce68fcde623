"""The families of tasks by name."""

from difflib import get_close_matches

from lessonplan.errors import ConfigError
from lessonplan.generators.base import Encoding, Generator
from lessonplan.generators.counting.conditional_branch import ConditionalBranch
from lessonplan.generators.counting.count_if import CountIf
from lessonplan.generators.counting.count_if_many import CountIfMany
from lessonplan.generators.counting.digits import Digits
from lessonplan.generators.counting.filter_aggregate import FilterAggregate
from lessonplan.generators.counting.nested_expr import NestedExpr
from lessonplan.generators.counting.order_stats import OrderStats
from lessonplan.generators.counting.range_pipeline import RangePipeline
from lessonplan.generators.counting.two_lists import TwoLists
from lessonplan.generators.counting.update_stream import UpdateStream
from lessonplan.generators.counting.windows import Windows
from lessonplan.generators.graph.clique import Clique
from lessonplan.generators.graph.coloring import Coloring
from lessonplan.generators.graph.component import Component
from lessonplan.generators.graph.diameter import Diameter
from lessonplan.generators.graph.flow import MaximumFlow
from lessonplan.generators.graph.independent_set import IndependentSet
from lessonplan.generators.graph.independent_set_count import IndependentSetCount
from lessonplan.generators.graph.matching import Matching
from lessonplan.generators.graph.orders import OrderCount
from lessonplan.generators.graph.shortest_path import ShortestPath, ShortestPathLength
from lessonplan.generators.graph.spanning_tree import SpanningTreeLength
from lessonplan.generators.graph.vertex_cover import VertexCover
from lessonplan.generators.graph.walk import Walk
from lessonplan.generators.graph.weighted_independent_set import (
    WeightedIndependentSet,
    WeightedIndependentSetNodes,
)
from lessonplan.generators.graph.weighted_vertex_cover import (
    WeightedVertexCover,
    WeightedVertexCoverNodes,
)
from lessonplan.generators.spatial.block_stacking import BlockStacking
from lessonplan.generators.spatial.coordinates_from_facts import CoordinatesFromFacts
from lessonplan.generators.spatial.cube_views import CubeViews
from lessonplan.generators.spatial.die_rolling import DieRolling
from lessonplan.generators.spatial.displacement import Displacement
from lessonplan.generators.spatial.displacement_scaled import DisplacementScaled
from lessonplan.generators.spatial.grid_path import GridPath
from lessonplan.generators.spatial.navigate_turns import NavigateTurns
from lessonplan.generators.spatial.particles import Particles
from lessonplan.generators.spatial.relation_chain import RelationChain
from lessonplan.generators.spatial.seating import Seating
from lessonplan.generators.spatial.shape_transforms import ShapeTransforms

# the first of a family is its task with a tiny encoding
_TASKS: tuple[type[Generator], ...] = (
    CountIf,
    FilterAggregate,
    RangePipeline,
    CountIfMany,
    NestedExpr,
    ConditionalBranch,
    Windows,
    Digits,
    TwoLists,
    OrderStats,
    UpdateStream,
    Displacement,
    DisplacementScaled,
    NavigateTurns,
    Particles,
    RelationChain,
    CoordinatesFromFacts,
    DieRolling,
    CubeViews,
    BlockStacking,
    ShapeTransforms,
    GridPath,
    Seating,
    Walk,
    WeightedIndependentSet,
    WeightedIndependentSetNodes,
    WeightedVertexCover,
    WeightedVertexCoverNodes,
    ShortestPathLength,
    ShortestPath,
    SpanningTreeLength,
    IndependentSet,
    VertexCover,
    Clique,
    IndependentSetCount,
    MaximumFlow,
    OrderCount,
    Coloring,
    Matching,
    Component,
    Diameter,
)

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(task.family for task in _TASKS))
TASKS: tuple[str, ...] = tuple(task.task for task in _TASKS)


def family(name: str, encoding: Encoding | None = None) -> Generator:
    """The generator of a task ("graph.mst_weight"), or of a family's first task ("graph").

    Without `encoding` it is the task's own first one. Raises ConfigError that names the nearest.
    """
    for task in _TASKS:
        if name in (task.family, task.task):
            return task(encoding)
    nearest = get_close_matches(name, (*FAMILIES, *TASKS), n=1, cutoff=0.0)[0]
    raise ConfigError(f'no family "{name}"; nearest: {nearest}. All: {", ".join(FAMILIES)}')


def vocabulary() -> tuple[str, ...]:
    """Every whole word that the tiny encoding of any family uses, each once, in a fixed order."""
    return tuple(dict.fromkeys(word for task in _TASKS for word in task.words))
