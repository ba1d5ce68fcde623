"""What an import costs: no torch and no drawing below the training room, and little time."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

import lessonplan

HEAVY = ("torch", "transformers", "trl", "datasets", "matplotlib", "sklearn")
ROOMS = ("generators", "selection", "curricula", "analysis")


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_rooms_come_without_heavy_libraries():
    imports = "; ".join(f"import lessonplan.{room}" for room in ROOMS)
    code = f"import sys, lessonplan; {imports}; print([m for m in {HEAVY} if m in sys.modules])"
    assert run(code) == "[]"


def test_importing_lessonplan_loads_no_room():
    code = (
        "import sys, lessonplan; print('numpy' in sys.modules, 'lessonplan.errors' in sys.modules)"
    )
    assert run(code) == "False False"


def test_help_loads_neither_numpy_nor_a_room():
    code = (
        "import sys, lessonplan.cli\n"
        "try: lessonplan.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m in ('numpy', 'rich', 'lessonplan.curricula')])"
    )
    assert run(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", [one for one in lessonplan.__all__ if one != "attach"])
def test_every_public_name_is_there(name):
    assert getattr(lessonplan, name).__name__ == name


def test_attach_comes_from_the_training_room_when_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "lessonplan.training.trl", SimpleNamespace(attach="found"))
    assert lessonplan.attach == "found"


def test_public_names_are_frozen():
    assert sorted(lessonplan.__all__) == [
        "AdaptiveDifficulty",
        "Curriculum",
        "EasyOnly",
        "FixedMixture",
        "Journal",
        "LIM",
        "LessonplanError",
        "Outcome",
        "Pick",
        "Pool",
        "Problem",
        "Sampler",
        "Uniform",
        "ZeroVariance",
        "attach",
        "family",
        "generate",
        "last_checkpoint",
    ]
    assert lessonplan.__version__.count(".") == 2
    assert {"Pool", "__version__"} <= set(dir(lessonplan))
    with pytest.raises(AttributeError, match="no attribute 'Pol'"):
        _ = lessonplan.Pol
