"""The spatial tasks keep what every generated task promises, and what this family adds to it."""

import pytest

from lessonplan.generators.spatial.block_stacking import BlockStacking
from lessonplan.generators.spatial.coordinates_from_facts import CoordinatesFromFacts
from lessonplan.generators.spatial.cube_views import CubeViews
from lessonplan.generators.spatial.die_rolling import DieRolling
from lessonplan.generators.spatial.displacement_scaled import DisplacementScaled
from lessonplan.generators.spatial.grid_path import GridPath
from lessonplan.generators.spatial.navigate_turns import NavigateTurns
from lessonplan.generators.spatial.particles import Particles
from lessonplan.generators.spatial.relation_chain import RelationChain
from lessonplan.generators.spatial.seating import Seating
from lessonplan.generators.spatial.shape_transforms import ShapeTransforms
from tests.generators.contract import CHECKS

TASKS = [
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
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task)
def test_contract(task, check):
    check(task)
