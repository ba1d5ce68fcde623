"""Programs of docs/ and benchmarks/, and helpers of other folders, for the tests that hold them."""

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


@cache
def load_script(path: str) -> ModuleType:
    """The module in that file of the repository; it is no part of a package."""
    spec = spec_from_file_location(path.replace("/", "_").removesuffix(".py"), ROOT / path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
