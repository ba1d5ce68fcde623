"""A few of each kind of fault; `python tests/faults KIND` does as many as you like."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent
QUICK = [
    ("tells", 300),
    ("enospc", 3),
    ("io", 4),
    ("torn", 3),
    ("flip", 25),
    ("restore", 8),
    ("env", 2),
]
# They train for minutes; FAULTS=all adds them.
SLOW = [("signals", 2), ("stops", 2)] if os.environ.get("FAULTS") == "all" else []


def fault(*arguments):
    done = subprocess.run([sys.executable, str(FAULTS), *arguments], capture_output=True, text=True)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "n"), QUICK + SLOW)
def test_every_promise_holds_after(kind, n):
    found = fault(kind, "--n", str(n), "--seed", "3")
    assert found.pop("ok") is True, found
    assert found["fault"] == kind and found["n"] == n


def test_every_kind_says_what_is_done_and_what_must_hold():
    kinds = fault("kinds")
    assert {kind for kind, _ in QUICK} < set(kinds)
    assert all(one["inject"] and one["holds"] and one["n"] > 0 for one in kinds.values())


def test_an_error_that_a_run_swallows_is_not_let_through(tmp_path):
    """The injector itself: a run that ends well over a failed operation exits with 7."""
    code = (
        "import os, sys\nsys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\n"
        "import disk\nroot = Path(sys.argv[2])\ndisk.Faulty(root, 0, 'EIO')\n"
        "try:\n    open(root / 'file', 'w')\nexcept OSError as error:\n    print(error.errno)\n"
        "sys.stdout.flush()\nos._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(FAULTS), str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 7 and done.stdout == "5\n", done.stderr
    assert not list(tmp_path.iterdir())
