"""The seam between a study and the place where its runs are done."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Protocol, TypeAlias

from lessonplan.training.plan import RunSpec
from lessonplan.training.workers import Finished, Progress

LOG_FILE = "workers.log"  # what the training libraries print
News: TypeAlias = Progress[RunSpec] | Finished[RunSpec]


class Backend(Protocol):
    """Does runs somewhere, and leaves their files in the folder of the study."""

    def work_through(
        self, next_run: Callable[[], RunSpec | None], folder: Path, workers: int
    ) -> Generator[News]:
        """Do runs until `next_run` has none and none is under way.

        `next_run` is asked at the beginning and after every run that ends; None means that
        nothing can start now. A run is `Finished` when its files are in `folder`. `workers` is
        how many runs this machine does at once. Closing the generator ends all that it started.
        """
