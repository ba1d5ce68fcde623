"""Problems are the same bytes in every process: hashes that only a new version may change.

`python tests/generators/test_golden.py` prints the content of golden.json.
"""

import json
import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest

from lessonplan.generators import FAMILIES, SPLITS, TASKS, family, generate

FIRST = [family(name).task for name in FAMILIES]  # those that are trained on here: all splits
GOLDEN = Path(__file__).with_name("golden.json")


def hashes():
    result = {}
    for name in TASKS:
        for encoding in family(name).encodings:
            generator = family(name, encoding)
            for level in generator.levels:
                digest = blake2b(digest_size=8)
                for split in SPLITS if name in FIRST else ("train",):
                    for index in (0, 1, 2, 10**9):
                        problem = generator.problem(level, split, index, seed=index % 2)
                        digest.update(repr(problem).encode())
                key = f"{generator.task}/v{generator.version}/L{level}/{encoding}"
                result[key] = digest.hexdigest()
    pool = generate(FAMILIES, {1: 6, 2: 4, 3: 2, 4: 1, 5: 1}, 100, split="test", seed=7)
    result["pool"] = pool.fingerprint
    return result


def test_this_process():
    assert hashes() == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_other_processes(hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, __file__],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == json.loads(GOLDEN.read_text())


if __name__ == "__main__":
    print(json.dumps(hashes(), indent=1))
