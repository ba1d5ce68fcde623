"""False winners: how often a sampler's 95 % interval excludes 1x where no sampler can win.

    python benchmarks/null_control.py --studies 200

All problems are equal and what is learned helps with all alike, so every true ratio is 1. Prints
one JSON line a sampler, with the 95 % binomial bounds of an honest method.
"""

import argparse
import json
import time
from dataclasses import asdict

from lessonplan.training.null_control import null_control

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--worlds", type=int, default=8, help="paired worlds of a study")
    parser.add_argument(
        "--samplers", nargs="+", default=["EasyOnly", "FixedMixture", "AdaptiveDifficulty", "LIM"]
    )
    typed = parser.parse_args()
    began = time.perf_counter()
    for one in null_control(typed.samplers, studies=typed.studies, worlds=typed.worlds):
        print(json.dumps({**asdict(one), "worlds": typed.worlds, "honest": one.honest}))
    print(json.dumps({"seconds": round(time.perf_counter() - began, 1)}))
